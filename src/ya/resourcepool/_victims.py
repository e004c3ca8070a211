"""The end of what the pool gives up."""

from __future__ import annotations

from itertools import repeat, starmap

from ._light import deque, itemgetter

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    Dealloc = Callable[[Any], object] | None

# What is evicted and not yet deallocated, of all pools: a deque for each call that evicts, by its id, with the
# arguments of `deallocate`. Its operations are atomic. At exit and in a forked child others take over what the
# threads that end there would have deallocated, or must not.
_departing: dict[int, tuple[deque[Any], Dealloc, bool]] = {}


def announce(victims: deque[Any], dealloc: Dealloc, stamped: bool) -> None:
    """Have `take_over` find what is in `victims`, now or later, until it has been deallocated or withdrawn."""
    _departing[id(victims)] = victims, dealloc, stamped


def withdraw(victims: deque[Any]) -> None:
    """There are none in `victims`, and none to come."""
    _departing.pop(id(victims), None)


def take_over() -> list[tuple[deque[Any], Dealloc, bool]]:
    """Take what is still to be deallocated from those who were about to. Return it as they would pass it."""
    taken = []
    for key in _departing.copy():
        theirs, dealloc, stamped = _departing.pop(key, (deque(), None, False))
        victims: deque[Any] = deque()
        try:
            victims.extend(starmap(theirs.popleft, repeat((), len(theirs))))
        except IndexError:
            pass  # they go on taking, too
        taken.append((victims, dealloc, stamped))
    return taken


def deallocate(victims: deque[Any], dealloc: Dealloc, stamped: bool = False) -> None:
    """Empty `victims` and call `dealloc` once with each, oldest first, whatever it raises (R4, K2).

    An interrupt leaves those in there that have not been deallocated, so that this can be called again.

    Args:
        stamped: whether each victim is a pair of a stamp and a resource.

    Raises:
        BaseException: `dealloc` raised it, and it is no `Exception`. The others were handled first.
    """
    interrupt = None
    if victims:
        announce(victims, dealloc, stamped)
    while victims:
        # To take one out and to call dealloc with it is one step, in C.
        taken = starmap(victims.popleft, repeat((), len(victims)))
        try:
            for _ in map(dealloc or _drop, map(itemgetter(1), taken) if stamped else taken):
                pass
        except Exception:
            if id(victims) not in _departing:
                break  # it was `popleft`: somebody has taken them over
            _log(dealloc)
        except BaseException as error:
            interrupt = error
    withdraw(victims)
    if interrupt is not None:
        try:
            raise interrupt
        finally:
            del interrupt  # it refers to this frame


def _drop(resource: object) -> None:
    """The `dealloc` of a pool without one."""


def _log(dealloc: object) -> None:
    try:
        import logging

        logging.getLogger("ya.resourcepool").exception("%r raised; its resource counts as deallocated", dealloc)
    except Exception:
        pass  # a logger that raises must not end what dealloc could not end
