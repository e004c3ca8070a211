"""Mistakes in the pool, and where the replay notices them."""

from __future__ import annotations

from typing import NamedTuple

from tests.schedule.mutants import MUTANTS as SCHEDULE_MUTANTS
from tests.schedule.mutants import POOL, WAITER
from tests.schedule.seam import Patch


class Mutant(NamedTuple):
    """A changed pool, the clause that it breaks, and the model and the step where that shows."""

    clause: str
    model: str
    action: str
    patches: tuple[Patch, ...]


def _(clause: str, model: str, action: str, *changes: tuple[str, str, str]) -> Mutant:
    return Mutant(clause, model, action, tuple(Patch(*change) for change in changes))


def _again(name: str, model: str, action: str) -> Mutant:
    """One of the mistakes that the search of schedules catches, too."""
    mutant = SCHEDULE_MUTANTS[name]
    return Mutant(mutant.clause, model, action, mutant.patches)


MUTANTS = {
    "a pop takes the oldest": _(
        "P1", "hysteresis", "take", (POOL, "entry = self._idle.pop()", "entry = self._idle.popleft()")
    ),
    "a waiter gets the oldest": _(
        "P7",
        "limited",
        "serve",
        (WAITER, "move(self._pool._idle.pop, self.box.extend)", "move(self._pool._idle.popleft, self.box.extend)"),
    ),
    "it evicts the newest": _again("it evicts the newest", "hysteresis", "evict"),
    "it evicts all": _again("it evicts all", "hysteresis", "overflow"),
    "an overflow leaves maxsize": _(
        "R1",
        "hysteresis",
        "overflow",
        (POOL, "self._maxsize if self._minsize is None else self._minsize", "self._maxsize"),
    ),
    "one more than maxsize may stay": _(
        "R1", "allocating", "overflow", (POOL, "and len(idle) > self._maxsize:", "and len(idle) > self._maxsize + 1:")
    ),
    "the youngest waiter is served": _again("the youngest waiter is served", "limited", "serve"),
    "two waiters are woken for one": _again("two waiters are woken for one", "limited", "settle"),
    "a waiter is not woken": _again("a waiter is not woken", "limited", "settle"),
    "who queues again goes to the end": _again("who queues again goes to the end", "check", "enqueue"),
    "who leaves stays in the queue": _again("who leaves stays in the queue", "check", "timeOut"),
    "an interrupted waiter keeps what it was handed": _again(
        "an interrupted waiter keeps what it was handed", "interrupt", "settle"
    ),
    "an interrupted waiter does not leave": _again("an interrupted waiter does not leave", "interrupt", "interrupt"),
    "the floor is one higher": _(
        "R2",
        "ageing",
        "expire",
        (POOL, "victims, self._floor, self._clock.now()", "victims, self._floor + 1, self._clock.now()"),
    ),
    "there is no floor": _(
        "R2", "ageing", "take", (POOL, "victims, self._floor, self._clock.now()", "victims, 0, self._clock.now()")
    ),
    "what is as old as maxage stays": _(
        "R2", "both", "expire", (POOL, "now - idle[0][0] >= maxage):", "now - idle[0][0] > maxage):")
    ),
    "overflow comes before expiry": _(
        "R2",
        "both",
        "expire",
        (
            POOL,
            "            self._evict(victims, self._floor, self._clock.now())\n        while waiters",
            "            pass\n        while waiters",
        ),
        (
            POOL,
            "        if self._closed or waiters:\n            self._bar()",
            "        if self._maxage is not None:\n"
            "            self._evict(victims, self._floor, self._clock.now())\n"
            "        if self._closed or waiters:\n            self._bar()",
        ),
    ),
    "nothing is to call when something expires": _again(
        "nothing is to call when something expires", "both", "the beginning"
    ),
    "a dead resource is deallocated": _(
        "P5",
        "check",
        "dropDead",
        (
            POOL,
            "            return check is None or bool(check(resource))\n",
            "            alive = check is None or bool(check(resource))\n"
            "            alive or self._discard(resource)\n"
            "            return alive\n",
        ),
    ),
    "what check raises for is dropped": _(
        "P5", "check", "checkRaises", (POOL, "            self._discard(resource)\n", "            pass\n")
    ),
    "alloc is called twice": _(
        "P2",
        "allocating",
        "returnAlloc",
        (
            POOL,
            "                    return self._alloc()\n",
            "                    self._alloc(); return self._alloc()\n",
        ),
    ),
    "a close leaves what is idle": _again("a close leaves what is idle", "close", "evictClosed"),
    "a close does not wake the waiters": _again("a close does not wake the waiters", "close", "wakeClosed"),
    "a push to a closed pool stays": _again("a push to a closed pool stays", "close", "evictClosed"),
    "dealloc under the lock": _again("dealloc under the lock", "hysteresis", "endEviction"),
}
