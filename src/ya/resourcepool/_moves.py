"""How a resource changes its place."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import starmap
from typing import Any

ONE_CALL = ((),)  # the arguments of each


def move(take: Callable[[], Any], put: Callable[[Iterable[Any]], object]) -> None:
    """Move one item, as in `move(idle.popleft, victims.extend)`, or raise what `take` raises.

    Both happen in one C call. An interrupt comes before it or after it, so the item is always in one of the
    two containers, and nobody else can take it on the way (P9).
    """
    put(starmap(take, ONE_CALL))
