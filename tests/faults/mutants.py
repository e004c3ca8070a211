"""Mistakes in the pool that only a fault between two bytecodes shows, and the clause that each of them breaks."""

from __future__ import annotations

from typing import NamedTuple

from tests.faults.situations import Case
from tests.schedule.seam import Patch

POOL, WAITER, VICTIMS, LIFECYCLE = "_pool.py", "_waiter.py", "_victims.py", "_lifecycle.py"


class Mutant(NamedTuple):
    """A changed pool, and the clause, the case and the fault that show it."""

    clause: str
    case: Case
    fault: str
    patches: tuple[Patch, ...]


def _(clause: str, situation: str, operation: str, fault: str, *changes: tuple[str, str, str]) -> Mutant:
    return Mutant(clause, Case(situation, operation), fault, tuple(Patch(*change) for change in changes))


AGAIN = """\
        except BaseException:
            deallocate(victims, self._dealloc, self._maxage is not None)
            raise
"""

NOTHING = "        finally:\n            pass\n"
PUSH = (POOL, "        except BaseException:\n            self._settle()\n            raise\n", NOTHING)
HOLD = (POOL, "        except BaseException:\n            self._hold(victims, None)\n            raise\n", NOTHING)
LOOK = "                if len(self._idle) > self._limit:\n                    self._settle()\n            else"
LAST_LOOK = "            if not self._unsettled and len(self._idle) <= self._limit:\n                return\n"
REMAINS = "        self._remains = Remains(self._idle, dealloc, self._maxage is not None)"
ENTRIES = "        entries = starmap(made.pop, repeat((), len(made)))\n"
FOUND = "        announce(victims, dealloc, stamped)\n        _departing[-id(victims)] = theirs, dealloc, stamped\n"

MUTANTS = {
    "a hand-over is two operations": _(
        "P9",
        "waiting",
        "push",
        "interrupt",
        (WAITER, "move(self._pool._idle.pop, self.box.extend)", "self.box.append(self._pool._idle.pop())"),
    ),
    "an eviction is two operations": _(
        "P9",
        "about to overflow",
        "push",
        "interrupt",
        (POOL, "        move(take, victims.extend)\n", "        victims.append(take())\n"),
    ),
    "to take a victim and to deallocate it are two operations": _(
        "P9",
        "idle",
        "close",
        "interrupt",
        (
            VICTIMS,
            "        taken = starmap(victims.popleft, repeat((), size))\n",
            "        taken = [victims.popleft() for _ in range(size)]\n",
        ),
    ),
    "victims are not deallocated after an interrupt": _(
        "R4", "about to overflow", "push", "interrupt", (POOL, AGAIN, NOTHING)
    ),
    "a push that is interrupted does not tend": _(
        "P8",
        "waiting",
        "push",
        "interrupt",
        PUSH,
    ),
    "an interrupted holder of the lock does not tend again": _(
        "P8",
        "waiting",
        "push",
        "interrupt",
        HOLD,
        PUSH,
    ),
    "the lock is acquired and then tried": _(
        "P9",
        "about to overflow",
        "push",
        "interrupt",
        (
            POOL,
            """\
            with self._lock:
                if step is None or self._idle:
                    self._tend(victims)
                if step is not None and step(victims):
                    self._tend(victims)
                step = None
""",
            """\
            self._lock.acquire()
            try:
                if step is None or self._idle:
                    self._tend(victims)
                if step is not None and step(victims):
                    self._tend(victims)
                step = None
            finally:
                self._lock.release()
""",
        ),
    ),
    "a finalizer's push is not noted": _(
        "P8",
        "waiting",
        "len",
        "push",
        (
            POOL,
            LOOK,
            LOOK.replace("_limit:", "_limit > 0:"),
        ),
    ),
    "a call amid another one's work is not noted": _(
        "R1",
        "empty, maxsize=0",
        "push",
        "push",
        (POOL, "            self._unsettled = True\n", "            pass\n"),
        (
            POOL,
            LAST_LOOK,
            "            return\n",
        ),
    ),
    "what is made and not pooled is forgotten": _(
        "P9",
        "being made",
        "init and minsize",
        "interrupt",
        (POOL, "        remains = Remains(made, dealloc)\n", "        remains = None\n"),
        (
            POOL,
            ENTRIES,
            "        entries = [made.pop() for _ in range(len(made))]\n",
        ),
    ),
    "nothing stands in for the finalizer": _(
        "P9",
        "idle",
        "end",
        "interrupt",
        (
            POOL,
            REMAINS,
            "        self._remains = None",
        ),
    ),
    "what exit takes over is in no table": _(
        "P9",
        "overflowing",
        "exit",
        "interrupt",
        (
            VICTIMS,
            FOUND,
            "",
        ),
    ),
    "the expiry keeps its pool alive": _(
        "L2",
        "idle, ageing",
        "len",
        "drop",
        (POOL, "        self._pool = ref(pool)\n", "        self._pool = lambda: pool\n"),
    ),
}
