"""Numbers and settings, for people."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def describe(row: Mapping[str, Any]) -> str:
    """The setting of a row."""
    return ", ".join(f"{name}={_show(row[name])}" for name in ("maxsize", "minsize", "maxage"))


def _show(value: float | None) -> str:
    return "none" if value is None else number(value).replace(",", "")


def number(value: float, digits: int = 6) -> str:
    """A number: so many digits, and all of those before the point."""
    return f"{value:,.0f}" if abs(value) >= 10**digits else f"{value:.{digits}g}"


def count(n: int, name: str) -> str:
    """So many of what has that name."""
    return f"{n:,} {name}" if n == 1 else f"{n:,} {name}s"


def more(other: float, one: float, name: str) -> str:
    """How many more there are of what has that name, or how many fewer."""
    if other == one:
        return f"as many {name}"
    how_many = number(abs(other - one), 3)
    return f"{how_many} {'fewer' if other < one else 'more'} {ONE.get(name, name) if how_many == '1' else name}"


ONE = {"hits": "hit", "misses": "miss", "time-outs": "time-out"}
