"""The end of what the pool gives up."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from itertools import repeat, starmap
from operator import itemgetter
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
    for key in list(_departing):  # of ints: what collects garbage amid this would change the table
        entry = _departing.get(key)
        if entry is None:
            continue
        theirs, dealloc, stamped = entry
        # An interrupt may come between any two of these lines. It must leave them all in the table, and the owner
        # must not find its own entry there when it finds the deque empty.
        victims: deque[Any] = deque()
        announce(victims, dealloc, stamped)
        _departing[-id(victims)] = theirs, dealloc, stamped
        _departing.pop(key, None)
        try:
            victims.extend(starmap(theirs.popleft, repeat((), len(theirs))))
        except IndexError:
            pass  # they go on taking, too
        _departing.pop(-id(victims), None)
        taken.append((victims, dealloc, stamped))
    return taken


class Remains:
    """Deallocates at its end what is still in there, if an interrupt has cut off who should have done so."""

    __slots__ = ("_arguments",)

    def __init__(self, victims: deque[Any], dealloc: Dealloc, stamped: bool = False) -> None:
        self._arguments = victims, dealloc, stamped

    def __del__(self) -> None:
        if hasattr(self, "_arguments"):  # or an interrupt has cut off `__init__`
            deallocate(*self._arguments)


def deallocate(victims: deque[Any], dealloc: Dealloc, stamped: bool = False) -> None:
    """Empty `victims` and call `dealloc` once with each, oldest first, whatever it raises (R4, K2).

    An interrupt at its entry leaves all in there, so that this can be called again.

    Args:
        stamped: whether each victim is a pair of a stamp and a resource.

    Raises:
        BaseException: `dealloc` raised it, and it is no `Exception`. The others were handled first.
    """
    try:
        _deallocate(victims, dealloc, stamped)
    except BaseException:
        _deallocate(victims, dealloc, stamped)  # what is left, if an interrupt came between
        raise


def _deallocate(victims: deque[Any], dealloc: Dealloc, stamped: bool) -> None:
    interrupt = None
    if victims:
        announce(victims, dealloc, stamped)
    while victims:
        # To take one out and to call dealloc with it is one step, in C.
        size, done = len(victims), 0
        taken = starmap(victims.popleft, repeat((), size))
        try:
            for done, _ in enumerate(map(dealloc or _drop, map(itemgetter(1), taken) if stamped else taken), 1):  # noqa: B007
                pass
            if done < size:
                raise StopIteration  # as dealloc did, so that `map` ended
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
