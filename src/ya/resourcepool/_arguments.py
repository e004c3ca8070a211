"""Checks of what users pass in. A message names the argument, the value and what is allowed (C4)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from operator import index
from typing import Any

SMALLEST = 5e-324  # of the floats above 0
LARGE = 1e30  # up to here a whole Decimal is taken as the int that it is


def check_callbacks(alloc: object, dealloc: object, check: object, clock: object) -> None:
    """Raise TypeError for a callback or a clock that can't be one."""
    for name, function in (("alloc", alloc), ("dealloc", dealloc), ("check", check)):
        if not (function is None or callable(function)):
            raise TypeError(f"{name} must be None or callable, not {shown(function)}")
    if clock is not None and not all(callable(getattr(clock, name, None)) for name in ("now", "wait", "call_at")):
        raise TypeError(f"clock must be None or have now(), wait() and call_at(), not {shown(clock)}")


def check_sizes(minsize: object, maxsize: object) -> tuple[int | None, int | None]:
    """Both as ints, or None. Raise TypeError for what is no size, ValueError for what none can be."""
    low, high = size("minsize", minsize), size("maxsize", maxsize)
    if low is not None and high is not None and low > high:
        raise ValueError(f"minsize must be at most maxsize, which is {shown(maxsize)}, not {shown(minsize)}")
    return low, high


def size(name: str, value: object) -> int | None:
    """None, or an int >= 0: whatever has `__index__` is one, but no bool."""
    if value is None:
        return None
    try:
        if type(value).__name__.startswith("bool"):  # also numpy's
            raise TypeError
        found = index(value)  # type: ignore[arg-type]
    except TypeError:
        raise TypeError(f"{name} must be None or an int >= 0, not {shown(value)}") from None
    if found < 0:
        raise ValueError(f"{name} must be None or an int >= 0, not {shown(value)}")
    return found


def number(name: str, value: Any, allowed: str, least: float | None = None) -> Any:
    """The same number: a Fraction as it is, of others the int or float that is nearest. (They may not go with floats.)

    Raises:
        TypeError: it is no real number, or a bool.
        ValueError: it is NaN, or not above `least`.
    """
    if type(value) not in (int, float):
        from decimal import Decimal  # both are rarely needed, and slow to import
        from numbers import Rational, Real

        if isinstance(value, bool) or not isinstance(value, (Real, Decimal)):
            raise TypeError(f"{name} must be {allowed}, not {shown(value)}")
        if not isinstance(value, Rational) or hasattr(value, "__index__"):
            value = _nearest(value)
    if value != value:
        raise ValueError(f"{name} must be {allowed}, not NaN")
    if least is not None and value <= least:
        raise ValueError(f"{name} must be {allowed}, not {shown(value)}")
    return value


def _nearest(value: Any) -> float:
    if hasattr(value, "__index__"):
        return int(value)
    try:
        near = float(value)
    except ValueError:
        return float("nan")  # a signalling one
    if abs(near) < LARGE and value == (whole := int(value)):
        return whole
    return near or (SMALLEST if value > 0 else -SMALLEST)


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
