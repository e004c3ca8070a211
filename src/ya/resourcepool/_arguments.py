"""Checks of what users pass in. A message names the argument, the value and what is allowed (C4)."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import Any


def check_arguments(
    alloc: object, dealloc: object, check: object, minsize: object, maxsize: object, maxage: object, clock: object
) -> None:
    """Raise TypeError or ValueError for what a pool can't be made with."""
    for name, function in (("alloc", alloc), ("dealloc", dealloc), ("check", check)):
        if not (function is None or callable(function)):
            raise TypeError(f"{name} must be None or callable, not {shown(function)}")
    for name, size in (("minsize", minsize), ("maxsize", maxsize)):
        if size is not None:
            if not isinstance(size, int) or isinstance(size, bool):
                raise TypeError(f"{name} must be None or an int >= 0, not {shown(size)}")
            if size < 0:
                raise ValueError(f"{name} must be None or an int >= 0, not {shown(size)}")
    if isinstance(minsize, int) and isinstance(maxsize, int) and minsize > maxsize:
        raise ValueError(f"minsize must be at most maxsize, which is {shown(maxsize)}, not {shown(minsize)}")
    if maxage is not None:
        require_number("maxage", maxage, "None or a number > 0")
        if maxage <= 0:  # type: ignore[operator]
            raise ValueError(f"maxage must be None or a number > 0, not {shown(maxage)}")
    if clock is not None and not all(callable(getattr(clock, name, None)) for name in ("now", "wait", "call_at")):
        raise TypeError(f"clock must be None or have now(), wait() and call_at(), not {shown(clock)}")


def require_number(name: str, value: object, allowed: str) -> None:
    """Raise TypeError for what is no real number, or a bool; ValueError for NaN."""
    number = isinstance(value, (int, float))
    if not number:
        from numbers import Real  # rarely needed, and slow to import

        number = isinstance(value, Real)
    if not number or isinstance(value, bool):
        raise TypeError(f"{name} must be {allowed}, not {shown(value)}")
    if value != value:
        raise ValueError(f"{name} must be {allowed}, not NaN")


def require_iterable(name: str, value: Iterable[Any]) -> Iterator[Any]:
    """An iterator over it. Raise TypeError for what is not iterable."""
    try:
        return iter(value)
    except TypeError as error:
        raise TypeError(f"{name} must be None or iterable, not {shown(value)}") from error


def shown(value: object) -> str:
    """Its repr, or its type where that fails: that of an int of more than 4300 digits does."""
    try:
        return repr(value)
    except Exception:
        return f"<{type(value).__name__}>"
