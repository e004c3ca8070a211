"""Mistakes in the pool, and for each of them the clause that it breaks and a model whose replay shows it."""

from __future__ import annotations

from tests.schedule.mutants import MUTANTS as SCHEDULE_MUTANTS
from tests.schedule.mutants import POOL, WAITER, Mutant
from tests.schedule.seam import Patch


def _(clause: str, model: str, *changes: tuple[str, str, str]) -> Mutant:
    return Mutant(clause, model, tuple(Patch(*change) for change in changes))


def _again(name: str, model: str) -> Mutant:
    """One of those that only some schedules show."""
    return SCHEDULE_MUTANTS[name]._replace(scenario=model)


MUTANTS = {
    "a pop takes the oldest": _(
        "P1", "hysteresis", (POOL, "entry = self._idle.pop()", "entry = self._idle.popleft()")
    ),
    "a waiter gets the oldest": _(
        "P7", "ageing", (WAITER, "move(self._pool._idle.pop, self.box.extend)", "move(self._pool._idle.popleft, self.box.extend)")
    ),
    "it evicts the newest": _again("it evicts the newest", "hysteresis"),
    "it evicts all": _again("it evicts all", "hysteresis"),
    "an overflow leaves maxsize": _(
        "R1", "hysteresis", (POOL, "self._maxsize if self._minsize is None else self._minsize", "self._maxsize")
    ),
    "one more than maxsize may stay": _(
        "R1", "allocating", (POOL, "and len(idle) > self._maxsize:", "and len(idle) > self._maxsize + 1:")
    ),
    "the youngest waiter is served": _again("the youngest waiter is served", "limited"),
    "who queues again goes to the end": _again("who queues again goes to the end", "check"),
    "who leaves stays in the queue": _again("who leaves stays in the queue", "check"),
    "an interrupted waiter keeps what it was handed": _again(
        "an interrupted waiter keeps what it was handed", "interrupt"
    ),
    "an interrupted waiter does not leave": _again("an interrupted waiter does not leave", "interrupt"),
    "the floor is one higher": _("R2", "ageing", (POOL, "self._floor = minsize or 0", "self._floor = (minsize or 0) + 1")),
    "there is no floor": _("R2", "ageing", (POOL, "self._floor = minsize or 0", "self._floor = 0")),
    "what is as old as maxage stays": _(
        "R2", "both", (POOL, "now - idle[0][0] >= maxage):", "now - idle[0][0] > maxage):")
    ),
    "overflow comes before expiry": _(
        "R2",
        "both",
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
    "nothing is to call when something expires": _again("nothing is to call when something expires", "both"),
    "a dead resource is deallocated": _(
        "P5",
        "check",
        (
            POOL,
            "            return check is None or bool(check(resource))\n",
            "            alive = check is None or bool(check(resource))\n"
            "            alive or self._discard(resource)\n"
            "            return alive\n",
        ),
    ),
    "what check raises for is dropped": _("P5", "check", (POOL, "            self._discard(resource)\n", "            pass\n")),
    "what alloc makes is checked": _(
        "P2",
        "allocating",
        (POOL, "                    return self._alloc()\n", "                    self._alloc(); return self._alloc()\n"),
    ),
    "a close leaves what is idle": _again("a close leaves what is idle", "close"),
    "a close does not wake the waiters": _again("a close does not wake the waiters", "close"),
    "a push to a closed pool stays": _again("a push to a closed pool stays", "close"),
    "dealloc under the lock": _again("dealloc under the lock", "hysteresis"),
}
