"""What threads do at the same time, by name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.schedule.oracle import Scenario


def _(*threads: str, **settings: Any) -> Callable[[], Scenario]:
    return lambda: Scenario(*threads, **settings)


TWO = {
    "a push meets a pop that waits for ever": _("push", "pop forever"),
    "a push meets a timed pop": _("push", "pop timed"),
    "a push meets a timed pop whose clock has it leave": _("push", "pop timed", leaves=True),
    "a push meets a pop that does not wait": _("new", "pop", init="a"),
    "two take turns with one": _("pop forever, push", "pop forever, push", init="a"),
    "two time out for one": _("pop timed, push", "pop timed", init="a"),
    "two allocate": _("pop, push", "pop, push", alloc=True, maxsize=1),
    "two pops of one": _("pop", "pop", init="a"),
    "two overflow": _("push", "push", init="a", maxsize=1),
    "an eviction meets a pop": _("push", "pop", init="a b", maxsize=2),
    "an eviction down to minsize meets a pop": _("push", "pop", init="a b", maxsize=2, minsize=1),
    "an eviction down to nothing meets a timed pop": _("push", "pop timed", init="a", maxsize=1, minsize=0),
    "maxsize=0 meets a timed pop": _("push", "pop timed", maxsize=0),
    "maxsize=0 meets a pop that waits for ever": _("push", "pop forever", maxsize=0),
    "a close meets a pop that waits for ever": _("close", "pop forever"),
    "a close meets a timed pop": _("close", "pop timed"),
    "a close meets a push": _("close", "push", init="a"),
    "a close meets a pop and a push": _("close", "pop, push", init="a"),
    "a close meets who pops, pushes and pops": _("close", "pop, new, pop"),
    "two closes": _("close", "close", init="a"),
    "a clear meets a push": _("clear", "push", init="a"),
    "a clear meets a pop": _("clear", "pop", init="a b"),
    "a clear meets a timed pop": _("clear", "pop timed", init="a"),
    "a dead candidate meets a push": _("pop timed", "push", init="a", dead="a"),
    "a dead candidate is handed over": _("pop forever", "new, new", dead="T2.0"),
    "a check that raises meets a push": _("pop timed", "push", init="a", raising="a"),
    "a dealloc that pushes meets a pop": _("push", "pop", init="a", maxsize=1, again=True),
    "a dealloc that pushes meets a push": _("push", "push", maxsize=0, again=True),
    "a dealloc that pushes meets a close": _("push", "close", init="a", maxsize=1, again=True),
    "a handler pushes amid a pop": _("pop timed", handlers=["push"]),
    "a handler pushes amid a push": _("push", "pop", handlers=["push"], init="a", maxsize=1),
    "a handler pushes amid a timed pop with maxsize=0": _("pop timed", "len", handlers=["push"], maxsize=0),
    "an interrupt meets a hand-over": _("pop timed", "push", interrupts=1),
    "an interrupt meets an eviction": _("push", "pop", interrupts=1, init="a", maxsize=1),
}

# The clock's call is one more thread.
TIMED = {
    "a push meets a pop where something ages": _("push", "pop", maxage=2),
    "a push meets a timed pop where something ages": _("push", "pop timed", maxage=2),
    "what is old meets a pop": _("tick", "pop", init="a", maxage=2),
    "what is old meets a push": _("tick", "push", init="a", maxage=2),
    "a pop meets what is old and what is new": _("new", "pop", init="a", maxage=2),
    "what is old meets a len": _("tick", "len", init="a b", maxage=2, minsize=1),
    "what is old meets a push, with a floor": _("tick", "push", init="a", maxage=2, minsize=1),
    "what ages meets a close": _("close", "push", maxage=2),
}

THREE = {
    "two pushes for two waiters": _("push, push", "pop forever", "pop forever"),
    "one push for two timed pops": _("push", "pop timed", "pop timed"),
    "one push for a waiter and a pop": _("push", "pop timed", "pop"),
    "three take turns with one": _("pop forever, push", "pop forever, push", "pop forever, push", init="a"),
    "three allocate": _("pop, push", "pop, push", "pop, push", alloc=True, maxsize=1),
    "three overflow": _("push", "push", "push, pop", init="a", maxsize=1),
    "pops meet an eviction down to minsize": _("push", "pop", "pop", init="a b", maxsize=2, minsize=1),
    "maxsize=0 meets a timed pop and a push": _("push", "pop timed", "push", maxsize=0),
    "maxsize=0 meets two timed pops": _("push", "pop timed", "pop timed", maxsize=0),
    "a close meets a waiter and a push": _("close", "pop forever", "push"),
    "a clear meets a pop and a push": _("clear", "pop", "push", init="a b"),
    "dead candidates meet waiters": _("pop timed", "pop timed", "new, new", dead="T3.0 T3.1"),
    "a dead candidate queues again": _("pop forever", "pop forever", "new, new, new", dead="T3.0"),
    "a dead candidate queues again, and an interrupt meets a hand-over": _(
        "new, new", "pop forever", "pop forever", dead="T1.0", interrupts=1
    ),
    "an interrupt meets a push for a waiter, and a pop has the lock": _("push", "pop forever", "pop", interrupts=1),
    "a dealloc that pushes": _("push", "push", "pop", init="a", maxsize=1, again=True),
    "a waiter where something ages": _("push, tick", "pop timed", "push", maxage=2),
    "both rules": _("push, tick", "pop, push", "push", init="a", maxage=2, minsize=1, maxsize=2),
    "a handler amid a pop that meets a push": _("pop timed", "pop timed", "push", handlers=["push"]),
}

FOUR = {
    "two pushes for two timed pops": _("push", "push", "pop timed", "pop timed"),
    "waiters, a push and a close": _("pop forever", "pop timed", "push", "close"),
    "four take turns with two": _(*["pop forever, push"] * 4, init="a b"),
    "four overflow and take": _("push", "push", "pop", "pop", init="a b", maxsize=2, minsize=1),
    "four where something ages": _("push", "push, tick", "pop timed", "pop", maxage=2),
}

# By how many threads there are: what they do, and how many preemptions `make verify` goes up to; None: any number.
GROUPS: dict[str, tuple[dict[str, Callable[[], Scenario]], int | None]] = {
    "2": (TWO, None),
    "2 and a timer": (TIMED, 3),
    "3": (THREE, 3),
    "4": (FOUR, 2),
}
MOST_RUNS = 100_000  # of `make verify` for a scenario with a bound: with what bound it ends depends on that

ALL = {**TWO, **TIMED, **THREE, **FOUR}
