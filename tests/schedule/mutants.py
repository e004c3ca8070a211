"""Mistakes in the pool that only some orders of steps show, and the clause that each of them breaks."""

from __future__ import annotations

from typing import NamedTuple

from tests.schedule.seam import Patch

POOL, WAITER = "_pool.py", "_waiter.py"


class Mutant(NamedTuple):
    """A changed pool, the clause that it breaks, and the scenario in which that shows."""

    clause: str
    scenario: str
    patches: tuple[Patch, ...]


def _(clause: str, scenario: str, *changes: tuple[str, str, str]) -> Mutant:
    return Mutant(clause, scenario, tuple(Patch(*change) for change in changes))


LAST_LOOK = (
    POOL,
    "            if not self._unsettled and len(self._idle) <= self._limit:\n                return\n",
    "            return\n",
)
KEEP = (
    POOL,
    "                if waiter.box:\n                    self.push(waiter.unpack())\n",
    "                pass\n",
)
PUT_BACK = """\
                if len(idle) < keep or not (now is None or now - victims[-1][0] >= maxage):
                    move(victims.pop, idle.extendleft)
"""

MUTANTS = {
    "no look after queueing": _("P8", "a push meets a pop that waits for ever", LAST_LOOK),
    "a push reads the limit before it appends": _(
        "P8",
        "a push meets a pop that waits for ever",
        (
            POOL,
            "                self._idle.append(resource)\n                if len(self._idle) > self._limit:",
            "                limit = self._limit\n                self._idle.append(resource)\n"
            "                if len(self._idle) > limit:",
        ),
    ),
    "a waiter does not lower the limit": _(
        "P8",
        "a push meets a pop that waits for ever",
        (
            POOL,
            "self._limit, self._since, self._barred = 0, -FOREVER, True",
            "self._since, self._barred = -FOREVER, True",
        ),
    ),
    "a waiter does not bar the fast path": _(
        "P7",
        "one push for a waiter and a pop",
        (POOL, "self._limit, self._since, self._barred = 0, -FOREVER, True", "self._limit, self._since = 0, -FOREVER"),
    ),
    "a pop on the slow path takes what is for a waiter": _(
        "P7",
        "one push for a waiter and a pop",
        (WAITER, "while not (pool._waiters or pool._closed) and", "while not pool._closed and"),
    ),
    "the youngest waiter is served": _(
        "P7",
        "two pushes for two waiters",
        (
            POOL,
            "(self._closed or waiters[0].serve()):\n            waiters[0].wake()\n            del waiters[0]",
            "(self._closed or waiters[-1].serve()):\n            waiters[-1].wake()\n            del waiters[-1]",
        ),
    ),
    "who queues again goes to the end": _(
        "P7",
        "a dead candidate queues again",
        (WAITER, "while place and waiters[place - 1]._arrival > self._arrival:", "while False:"),
    ),
    "who queues again has arrived anew": _(
        "P7",
        "a dead candidate queues again",
        (WAITER, "following._arrival, following._start = self._arrival, self._start", "following._start = self._start"),
    ),
    "two waiters leave the queue for one": _(
        "P8", "two pushes for two waiters", (POOL, "            del waiters[0]\n", "            del waiters[:2]\n")
    ),
    "two waiters are woken for one": _(
        "P3",
        "one push for two timed pops",
        (
            POOL,
            "            del waiters[0]\n",
            "            del waiters[0]\n            waiters and waiters[0].wake()\n",
        ),
    ),
    "a waiter is woken before its box is filled": _(
        "P3",
        "one push for a waiter and a pop",
        (
            POOL,
            "(self._closed or waiters[0].serve()):\n            waiters[0].wake()\n",
            "(self._closed or idle):\n            waiters[0].wake()\n            waiters[0].serve()\n",
        ),
    ),
    "a waiter is not woken": _(
        "P8", "a push meets a pop that waits for ever", (POOL, "            waiters[0].wake()\n", "")
    ),
    "who leaves stays in the queue": _(
        "P9", "two time out for one", (WAITER, "        pool._waiters.remove(self)\n", "")
    ),
    "a waiter leaves without the lock": _(
        "P9", "a push meets a timed pop", (WAITER, "self._pool._settle(self._quit)", "self._quit(None)")
    ),
    "who is handed something as its time is up ignores it": _(
        "P9",
        "a push meets a timed pop",
        (
            POOL,
            "                if waiter.box:\n                    resource",
            "                if waiter.box and not waiter.late:\n                    resource",
        ),
        (
            WAITER,
            "            if not self.box:\n                self.leave()\n        except",
            "            self.late = not self.box\n            if self.late:\n                self.leave()\n"
            "        except",
        ),
        KEEP,
        (WAITER, "    waited: float = 0\n", "    waited: float = 0\n    late = False\n"),
    ),
    "an interrupted waiter keeps what it was handed": _(
        "P9",
        "an interrupt meets a hand-over",
        KEEP,
    ),
    "an interrupted waiter does not leave": _(
        "P9",
        "an interrupt meets a hand-over",
        (
            WAITER,
            "            self._abandoned = True  # in case that one more interrupt comes\n            self.leave()\n",
            "",
        ),
    ),
    "a hand-over is two operations": _(
        "P9",
        "two pushes for two waiters",
        (
            WAITER,
            "move(self._pool._idle.pop, self.box.extend)",
            "self.box.extend((self._pool._idle[-1],)); self._pool._idle.pop()",
        ),
    ),
    "an eviction is two operations": _(
        "P9",
        "an eviction meets a pop",
        (
            POOL,
            "                self._expel(idle.popleft, victims)\n",
            "                announce(victims, self._dealloc, False)\n"
            "                victims.append(idle[0])\n                idle.popleft()\n",
        ),
    ),
    "it evicts all": _(
        "R1", "an eviction meets a pop", (POOL, "self._maxsize if self._minsize is None else self._minsize)", "0)")
    ),
    "it evicts the newest": _(
        "R1", "an eviction meets a pop", (POOL, "self._expel(idle.popleft, victims)", "self._expel(idle.pop, victims)")
    ),
    "it evicts what a waiter is for": _(
        "R5", "maxsize=0 meets two timed pops", (POOL, "and not waiters and len(idle)", "and len(idle)")
    ),
    "what was one too many is not put back": _("R1", "an eviction down to minsize meets a pop", (POOL, PUT_BACK, "")),
    "it is put back at the wrong end": _(
        "P1", "an eviction meets a pop", (POOL, "move(victims.pop, idle.extendleft)", "move(victims.pop, idle.extend)")
    ),
    "a pop decides without the lock that nothing is idle": _(
        "P3",
        "pops meet an eviction down to minsize",
        (
            POOL,
            "        return self._pop(timeout)\n",
            "        if timeout is None and self._alloc is None and direct:\n            raise ResourcePoolEmpty\n"
            "        return self._pop(timeout)\n",
        ),
    ),
    "dealloc under the lock": _(
        "K1",
        "two overflow",
        (
            POOL,
            "        if not victims:\n            withdraw(victims)\n",
            "        deallocate(victims, self._dealloc, self._maxage is not None)\n",
        ),
    ),
    "alloc under the lock": _(
        "K1",
        "two allocate",
        (
            POOL,
            "                    return self._alloc()\n",
            "                    with self._lock:\n                        return self._alloc()\n",
        ),
    ),
    "check under the lock": _(
        "K1",
        "a dead candidate is handed over",
        (
            POOL,
            "            return check is None or bool(check(resource))\n",
            "            with self._lock:\n                return check is None or bool(check(resource))\n",
        ),
    ),
    "no lock": _("R1", "two overflow", (POOL, "            with self._lock:\n", "            if True:\n")),
    "a close does not wake the waiters": _(
        "P8",
        "a close meets a pop that waits for ever",
        (POOL, "(self._closed or waiters[0].serve())", "waiters[0].serve()"),
    ),
    "a close does not bar the fast path first": _(
        "L4",
        "a close meets who pops, pushes and pops",
        (POOL, "        self._bar()  # first:", "        pass  # first:"),
    ),
    "a close leaves what is idle": _(
        "L4", "a close meets a push", (POOL, "if self._closed or self._clearing:", "if self._clearing:"), LAST_LOOK
    ),
    "a push to a closed pool stays": _(
        "L4",
        "a close meets a push",
        (
            POOL,
            "                step(victims)\n            self._evict(victims, 0)\n",
            "                step(victims)\n",
        ),
    ),
    "a waiter queues in a closed pool": _(
        "P8",
        "a close meets a pop that waits for ever",
        (
            WAITER,
            "        if self.box or pool._closed:\n            self.wake()",
            "        if self.box:\n            self.wake()",
        ),
    ),
    "a handler does not tell the holder": _(
        "R1",
        "a handler pushes amid a push",
        (POOL, "            self._unsettled = True\n", "            pass\n"),
        LAST_LOOK,
    ),
    "a handler tends amid its thread's work": _(
        "P8", "a handler pushes amid a pop", (POOL, "if self._lock._is_owned():  # this call", "if False:  # this call")
    ),
    "nothing is to call when something expires": _(
        "R3",
        "a push meets a pop where something ages",
        (POOL, "                self._arm(self._maxage)\n", "                pass\n"),
    ),
    "what has called is not forgotten": _(
        "R3",
        "what is old meets a push",
        (POOL, "        self._timer.clear()\n        return True\n", "        return True\n"),
    ),
    "a pop with maxage looks at no time": _(
        "R3",
        "what is old meets a pop",
        (POOL, "            direct = now - self._since < self._maxage\n", "            direct = True\n"),
    ),
    "a younger one is evicted by age": _("R2", "a pop meets what is old and what is new", (POOL, PUT_BACK, "")),
}
