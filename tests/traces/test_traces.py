"""What real threads saw of a real pool is what the contract allows, says TLC; and TLC notices where it is not."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import replace

import pytest

from spec.errors import SpecError
from spec.tools import find_tools
from tests.support import inside
from tests.traces.recorder import EMPTY, RUN, Event, History, Settings, kinds, record
from tests.traces.validation import CALLS, ENDS, explain, validate
from ya.resourcepool import ResourcePool

SEED = 20_000


@pytest.fixture(scope="module")
def tools():
    try:
        return find_tools()
    except SpecError as error:
        pytest.skip(f"needs TLC and Java: {error}")


@pytest.fixture(scope="module")
def histories():
    return record(RUN, SEED)


def settings(name):
    (found,) = [settings for settings in RUN if settings.name == name]
    return found


# The real pool.


@pytest.mark.timeout(300)
def test_the_contract_allows_what_real_threads_see(tools, histories):
    verdict = validate(tools, histories)

    rejected = [history for i, history in enumerate(histories) if i not in verdict.accepted]
    assert not rejected, "\n\n".join(map(str, explain(tools, rejected[:3])))
    assert len(verdict.accepted) == len(histories) >= 5000


def test_the_histories_are_worth_looking_at(histories):
    """Threads meet, and everything that can happen happens."""
    seen = kinds(histories)

    assert sum(history.overlaps for history in histories) > len(histories) / 4
    for kind in ("raised Empty", "raised Raised", "checked alive", "checked dead", "checked Raised", "queued"):
        assert seen[kind] >= 20, kind
    for kind in ("popped", "pushed", "alloced", "dealloced"):
        assert seen[kind] >= 500, kind
    evicting_pushes = [
        history
        for history in histories
        if history.settings.maxsize is not None
        and any(e.do == "dealloc" and call_of(history, i).do == "push" for i, e in enumerate(history.events))
    ]
    assert len(evicting_pushes) > 50


# Histories that can't be. Each is made of a recorded one, with the event that TLC can't get past, or an earlier one.


def call_of(history: History, at: int) -> Event:
    """The call that the event is in."""
    by = history.events[at].by
    return next(e for e in reversed(history.events[: at + 1]) if e.by == by and e.do in CALLS)


def end_of(history: History, begin: int) -> int:
    by = history.events[begin].by
    return next(
        i for i in range(begin, len(history.events)) if history.events[i].by == by and history.events[i].do in ENDS
    )


def changed(history: History, kind: str, at: int, events: list[Event]) -> tuple[History, int]:
    return replace(history, events=tuple(events), origin=f"{history.origin}, {kind}"), at


def swapped(events: tuple[Event, ...], begin: int, one: int, other: int) -> list[Event]:
    """The events, where from `begin` on one resource has changed its place with the other."""
    names = {one: other, other: one}
    return [*events[:begin], *(replace(e, what=names.get(e.what, e.what)) for e in events[begin:])]


def another_resource(history: History) -> Iterator[tuple[History, int]]:
    """A pop that met no other call returns what is not the newest."""
    if not history.settings.name.startswith("limited"):
        return
    idle = list(range(1, history.settings.init + 1))
    inside = 0
    for at, event in enumerate(history.events):
        inside += (event.do in CALLS) - (event.do in ENDS)
        if inside > 1:
            return
        if event.do == "popped":
            if len(idle) > 1:
                yield changed(history, "another resource", at, swapped(history.events, at, event.what, idle[-2]))
                return
            idle.pop()
        elif event.do == "push":
            idle.append(event.what)


def hand_overs_swapped(history: History) -> Iterator[tuple[History, int]]:
    """Of two that wait for the only resource, the one that came later gets it first."""
    if history.settings.queue:
        first = next(i for i, e in enumerate(history.events) if e.do == "push")
        other = {1: 2, 2: 1, 3: 3}
        events = [*history.events[:first], *(replace(e, by=other[e.by]) for e in history.events[first:])]
        at = next(i for i in range(first, len(events)) if events[i].do == "popped")
        yield changed(history, "hand-overs swapped", at, events)


def lost_return(history: History) -> Iterator[tuple[History, int]]:
    """A call never returns, and its thread calls again."""
    for at, event in enumerate(history.events):
        if event.do in ENDS:
            for following in range(at + 1, len(history.events)):
                if history.events[following].by == event.by:
                    events = [*history.events[:at], *history.events[at + 1 :]]
                    yield changed(history, "lost return", following - 1, events)
                    return


def double_dealloc(history: History) -> Iterator[tuple[History, int]]:
    """What was deallocated is deallocated again."""
    for at, event in enumerate(history.events):
        if event.do == "dealloced":
            again = [Event("dealloc", event.by, event.what), event]
            events = [*history.events[: at + 1], *again, *history.events[at + 1 :]]
            yield changed(history, "double dealloc", at + 1, events)
            return


def popped_twice(history: History) -> Iterator[tuple[History, int]]:
    """A pop returns what somebody owns."""
    owned: set[int] = set()
    for at, event in enumerate(history.events):
        if event.do == "push":
            owned.discard(event.what)
        elif event.do == "popped":
            if owned:
                events = list(history.events)
                events[at] = replace(event, what=min(owned))
                yield changed(history, "popped twice", at, events)
                return
            owned.add(event.what)


def empty_beside_idle(history: History) -> Iterator[tuple[History, int]]:
    """A pop raises Empty, though more was idle when it began than the others can have taken before it ended."""
    if not history.settings.name.startswith("limited"):
        return
    events = history.events
    for at, event in enumerate(events):
        if event.do == "popped":
            begin = max(i for i in range(at) if events[i].by == event.by and events[i].do == "pop")
            pushed = sum(e.do == "pushed" for e in events[:begin])
            taken = (
                sum(e.do == "pop" and events[end_of(history, i)].do == "popped" for i, e in enumerate(events[:at])) - 1
            )
            if history.settings.init + pushed - taken > 0:
                new = [*events[:at], replace(event, do="raised", what=EMPTY), *events[at + 1 :]]
                yield changed(history, "Empty beside idle", at, new)
                return


def alloc_beside_idle(history: History) -> Iterator[tuple[History, int]]:
    """A pop allocates, though the pool was full, and nobody else there."""
    if not history.settings.alloc or history.settings.check or not history.settings.init:
        return
    first = history.events[:2]
    if [e.do for e in first] == ["pop", "popped"]:
        by, new = first[0].by, 29
        events = [
            first[0],
            Event("alloc", by),
            Event("alloced", by, new),
            Event("popped", by, new),
            *history.events[2:],
        ]
        yield changed(history, "alloc beside idle", 1, events)


CORRUPTIONS = (
    another_resource,
    hand_overs_swapped,
    lost_return,
    double_dealloc,
    popped_twice,
    empty_beside_idle,
    alloc_beside_idle,
)


@pytest.mark.timeout(300)
def test_what_cannot_be_is_rejected(tools, histories):
    """Every one of them, and not later than at the event that can't be."""
    corrupt: list[tuple[History, int]] = []
    for corruption in CORRUPTIONS:
        made = [found for history in histories for found in corruption(history)]
        assert len(made) >= 20, corruption
        corrupt += made[:: max(1, len(made) // 20)]

    rejections = explain(tools, [history for history, _ in corrupt])

    for (_, at), rejection in zip(corrupt, rejections, strict=True):
        assert rejection.line <= at, f"should be impossible at {at}\n{rejection}"


def test_a_rejected_history_is_shown_with_the_event_that_cannot_be(tools):
    events = (Event("pop", 1, "none"), Event("pop", 2, "none"), Event("popped", 2, 1), Event("popped", 1, 1))
    history = History(Settings("limited", init=1, threads=2), events, "by hand")

    (rejection,) = explain(tools, [history])

    assert str(rejection).splitlines()[1:] == [
        "       thread 1      thread 2      ",
        "    0  pop none",
        "    1                pop none",
        "!   2                popped 1",
        "    3  popped 1",
        "before it there may be",
        "idle <<1>>, waiting <<>>",
        "idle << >>, waiting <<>>",
    ]


# Pools that are wrong.


class OldestFirst(deque):
    """Breaks P1."""

    def pop(self):
        return self.popleft()


class YoungestServed(ResourcePool):
    """Breaks P7."""

    class _Queue(list):
        def insert(self, place, waiter):
            super().insert(0, waiter)

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        setattr(self, inside.WAITERS, self._Queue())


def one_too_many(pool, victims, keep, now=None):
    """Breaks R1."""
    getattr(ResourcePool, inside.EVICT)(pool, victims, max(0, keep - 1), now)


class NewestKeptAway(deque):
    """Breaks P3: the newest is found only if another is idle, too."""

    def pop(self):
        if len(self) == 1:
            raise IndexError
        return super().pop()


@pytest.mark.parametrize(
    ("pool_class", "name"),
    [
        (inside.subclass(ResourcePool, deque_class=OldestFirst), "limited"),
        (YoungestServed, "waiting in order"),
        (inside.subclass(ResourcePool, evict=one_too_many), "overflow with hysteresis"),
        (inside.subclass(ResourcePool, deque_class=NewestKeptAway), "allocating"),
    ],
)
def test_a_wrong_pool_is_noticed(tools, pool_class, name):
    wrong = record({settings(name): 40}, SEED, pool_class)

    assert len(validate(tools, wrong).accepted) < len(wrong)
