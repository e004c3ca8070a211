"""Checks of what users pass in. A message names the argument, the value and what is allowed (C4)."""

from __future__ import annotations


def check_arguments(
    alloc: object, dealloc: object, check: object, minsize: object, maxsize: object, maxage: object, clock: object
) -> None:
    """Raise TypeError or ValueError for what a pool can't be made with."""
    for name, function in (("alloc", alloc), ("dealloc", dealloc), ("check", check)):
        if not (function is None or callable(function)):
            raise TypeError(f"{name} must be None or callable, not {function!r}")
    for name, size in (("minsize", minsize), ("maxsize", maxsize)):
        if size is not None:
            if not isinstance(size, int) or isinstance(size, bool):
                raise TypeError(f"{name} must be None or an int >= 0, not {size!r}")
            if size < 0:
                raise ValueError(f"{name} must be None or an int >= 0, not {size!r}")
    if isinstance(minsize, int) and isinstance(maxsize, int) and minsize > maxsize:
        raise ValueError(f"minsize must be at most maxsize, which is {maxsize}, not {minsize}")
    if maxage is not None:
        require_number("maxage", maxage, "None or a number > 0")
        if maxage <= 0:  # type: ignore[operator]
            raise ValueError(f"maxage must be None or a number > 0, not {maxage!r}")
    if clock is not None and not all(callable(getattr(clock, name, None)) for name in ("now", "wait", "call_at")):
        raise TypeError(f"clock must be None or have now(), wait() and call_at(), not {clock!r}")


def require_number(name: str, value: object, allowed: str) -> None:
    """Raise TypeError for what is no real number, or a bool; ValueError for NaN."""
    number = isinstance(value, (int, float))
    if not number:
        from numbers import Real  # rarely needed, and slow to import

        number = isinstance(value, Real)
    if not number or isinstance(value, bool):
        raise TypeError(f"{name} must be {allowed}, not {value!r}")
    if value != value:
        raise ValueError(f"{name} must be {allowed}, not NaN")
