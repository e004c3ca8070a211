"""The end of what the pool gives up."""

from __future__ import annotations

from itertools import repeat, starmap
from operator import itemgetter

from . import _lifecycle

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections import deque
    from collections.abc import Callable
    from typing import Any


def deallocate(victims: deque[Any], dealloc: Callable[[Any], object] | None, stamped: bool = False) -> None:
    """Empty `victims` and call `dealloc` once with each, oldest first, whatever it raises (R4, K2).

    An interrupt leaves those in there that have not been deallocated, so that this can be called again.

    Args:
        stamped: whether each victim is a pair of a stamp and a resource.

    Raises:
        BaseException: `dealloc` raised it, and it is no `Exception`. The others were handled first.
    """
    interrupt = None
    generation = _lifecycle.generation
    while victims:
        # To take one out and to call dealloc with it is one step, in C.
        taken = starmap(victims.popleft, repeat((), len(victims)))
        try:
            for _ in map(dealloc or _drop, map(itemgetter(1), taken) if stamped else taken):
                if generation != _lifecycle.generation:  # dealloc has forked, and this is the child (L5)
                    _lifecycle.bury(victims)
                    return
        except Exception:
            _log(dealloc)
        except BaseException as error:
            interrupt = error
    if interrupt is not None:
        try:
            raise interrupt
        finally:
            del interrupt  # it refers to this frame


def _drop(resource: object) -> None:
    """The `dealloc` of a pool without one."""


def _log(dealloc: object) -> None:
    import logging

    logging.getLogger("ya.resourcepool").exception("%r raised; its resource counts as deallocated", dealloc)
