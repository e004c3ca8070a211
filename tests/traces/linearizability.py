"""A search for an order in which what threads did to a pool could have happened one by one: linearizability.

The search is that of J. M. Wing and C. Gong, "Testing and Verifying Concurrent Objects" (1993), with the memory of
G. Lowe, "Testing for Linearizability" (2017): a set of operations that are done, together with the state they have led
to, is tried once.

The sequential object is what is idle: a stack whose bottom can be taken away, too. A call of the pool touches it some
times, and each of these is an operation that happens at one moment, later than its `begin` and earlier than its `end`:

| operation | is | possible |
|---|---|---|
| put r | a push | always |
| take r | a pop that returns r, or comes to check it | r is the newest (P1) |
| miss | a pop that raises Empty, at once or in the end, or calls `alloc` | nothing is idle (P2, P3) |
| evict r | a `dealloc`, but of what its own pop has found | r is the oldest (R1, R2) |

So a pop that waits is one that takes later. This explains histories of any settings but `close`, and of any length. It
never rejects what the contract allows. It accepts more than that: it does not ask who was first in the queue (P7), how
many are evicted (R1), and whether a waiter could have been served earlier (P8); TLC asks that, of short histories.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tests.traces.recorder import EMPTY, Event

PUT, TAKE, MISS, EVICT = "put", "take", "miss", "evict"


@dataclass(frozen=True)
class Operation:
    """What happened at one moment between two stamps."""

    do: str
    resource: int | None
    begin: int
    end: int


def operations(events: Sequence[Event]) -> Iterator[Operation]:
    """What the calls did to the pool; the stamp of an event is its index.

    Raises:
        ValueError: the pool was closed, or a call has not ended.
    """
    begun: dict[int, int] = {}  # by thread, when its call began, or began to look for another resource
    called: dict[int, int] = {}  # when its call began
    candidate: dict[int, int | None] = {}  # what its check is about
    pushing: dict[int, int] = {}
    allocated: set[int] = set()  # threads whose pop has called alloc
    for stamp, event in enumerate(events):
        by = event.by
        if event.do in ("close", "closed"):
            raise ValueError("a closed pool is no stack")
        if event.do in ("pop", "push"):
            begun[by] = called[by] = stamp
            candidate[by] = None
            allocated.discard(by)
            if event.do == "push":
                pushing[by] = event.what
        elif event.do == "pushed":
            yield Operation(PUT, pushing[by], called.pop(by), stamp)
        elif event.do == "check":
            candidate[by] = event.what
            yield Operation(TAKE, event.what, begun[by], stamp)
        elif event.do == "checked":
            begun[by] = stamp
        elif event.do == "alloc":
            allocated.add(by)
            yield Operation(MISS, None, begun[by], stamp)
        elif event.do in ("popped", "raised"):
            del called[by]
            if event.do == "popped" and candidate[by] is None and by not in allocated:
                yield Operation(TAKE, event.what, begun[by], stamp)
            elif event.what == EMPTY:
                yield Operation(MISS, None, begun[by], stamp)
        elif event.do == "dealloc" and event.what != candidate[by]:
            yield Operation(EVICT, event.what, called[by], stamp)
    if called:
        raise ValueError(f"calls of the threads {sorted(called)} have not ended")


State = tuple[int, ...]


def after(state: State, operation: Operation) -> State | None:
    """What is idle after an operation, oldest first; None if it is not possible."""
    resource = operation.resource
    if operation.do == PUT:
        assert resource is not None
        return (*state, resource)
    if operation.do == TAKE:
        return state[:-1] if state and state[-1] == resource else None
    if operation.do == EVICT:
        return state[1:] if state and state[0] == resource else None
    return None if state else state


class _Mark:
    """The begin or the end of an operation, in a list that is linked both ways."""

    __slots__ = ("end", "following", "number", "previous")

    def __init__(self, number: int, end: _Mark | None) -> None:
        self.number, self.end = number, end  # an end has none
        self.previous: _Mark = self
        self.following: _Mark | None = None


def _unlink(mark: _Mark) -> None:
    mark.previous.following = mark.following
    if mark.following is not None:
        mark.following.previous = mark.previous


def _relink(mark: _Mark) -> None:
    mark.previous.following = mark
    if mark.following is not None:
        mark.following.previous = mark


def linearize(todo: Sequence[Operation], idle: State = ()) -> tuple[list[Operation], Operation | None]:
    """Look for an order of all operations that explains them.

    Args:
        idle: what is idle at the start, oldest first.

    Returns:
        An order and None; or, if there is none, the longest that was found, and an operation that it can't go on
        without.
    """
    marks: list[tuple[int, _Mark]] = []
    for number, operation in enumerate(todo):
        end = _Mark(number, None)
        marks += [(operation.begin, _Mark(number, end)), (operation.end, end)]
    marks.sort(key=lambda pair: pair[0])
    head = last = _Mark(-1, None)
    for _, mark in marks:
        last.following, mark.previous = mark, last
        last = mark

    state, done = idle, 0
    seen: set[tuple[int, State]] = set()
    path: list[tuple[_Mark, State]] = []
    best: list[int] = []
    stuck = -1
    mark = head.following
    while head.following is not None:
        assert mark is not None, "an operation has no end"
        if mark.end is not None:
            new = after(state, todo[mark.number])
            key = (done | 1 << mark.number, new or ())
            if new is not None and key not in seen:
                seen.add(key)
                path.append((mark, state))
                state, done = new, key[0]
                _unlink(mark)
                _unlink(mark.end)
                mark = head.following
            else:
                mark = mark.following
            continue
        # Nothing that begins later can come before what ends here. So one that was done must have been wrong.
        if len(path) > len(best) or stuck < 0:
            best, stuck = [entry.number for entry, _ in path], mark.number
        if not path:
            return [todo[number] for number in best], todo[stuck]
        mark, state = path.pop()
        done ^= 1 << mark.number
        assert mark.end is not None
        _relink(mark.end)
        _relink(mark)
        mark = mark.following
    return [todo[entry.number] for entry, _ in path], None
