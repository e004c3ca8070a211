"""Mistakes in the pool that only a fault between two bytecodes shows, and the clause that each of them breaks."""

from __future__ import annotations

from typing import NamedTuple

from tests.faults.situations import Case
from tests.schedule.seam import Patch

POOL, WAITER, VICTIMS, LIFECYCLE = "_pool.py", "_waiter.py", "_victims.py", "_lifecycle.py"


class CallbackMutant(NamedTuple):
    """A changed pool, and the clause, the context, the callback and its fault that show it."""

    clause: str
    context: str
    callback: str
    fault: str
    patches: tuple[Patch, ...]


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


def _of(clause: str, context: str, callback: str, fault: str, *changes: tuple[str, str, str]) -> CallbackMutant:
    return CallbackMutant(clause, context, callback, fault, tuple(Patch(*change) for change in changes))


ALLOC = "                    return self._alloc()\n"
CHECK = "            return check is None or bool(check(resource))\n"
NO_REMAINS = (POOL, REMAINS, "        self._remains = None")

OF_CALLBACKS = {
    "what check raises on is lost": _of(
        "P5",
        "pop",
        "check",
        "raises",
        (POOL, "            self._discard(resource)\n            raise\n", "            raise\n"),
    ),
    "what is dead is deallocated": _of(
        "P5",
        "waiting pop",
        "check",
        "falsy",
        (
            POOL,
            "            del resource\n            waiter",
            "            self._discard(resource)\n            waiter",
        ),
    ),
    "what is allocated is checked": _of(
        "P5",
        "pop",
        "check",
        "falsy",
        (
            POOL,
            ALLOC,
            "                    resource = self._alloc()\n                    self._alive(resource)\n"
            "                    return resource\n",
        ),
    ),
    "a dealloc that raises ends the eviction": _of(
        "K2", "close", "dealloc", "raises", (VICTIMS, "            _log(dealloc)\n", "            raise\n")
    ),
    "an interrupt in dealloc is swallowed": _of(
        "K2", "expiry", "dealloc", "interrupts", (VICTIMS, "            interrupt = error\n", "            pass\n")
    ),
    "the newest is deallocated first": _of(
        "K1",
        "close",
        "dealloc",
        "ok",
        (VICTIMS, "        taken = starmap(victims.popleft,", "        taken = starmap(victims.pop,"),
    ),
    "check under the lock": _of(
        "K1",
        "waiting pop",
        "check",
        "slow",
        (POOL, CHECK, "            with self._lock:\n    " + CHECK),
    ),
    "alloc under the lock": _of(
        "K1",
        "pop that allocates",
        "alloc",
        "never returns",
        (POOL, ALLOC, "                    with self._lock:\n    " + ALLOC),
    ),
    "dealloc under the lock": _of(
        "K1",
        "push",
        "dealloc",
        "slow",
        (
            POOL,
            "        if not victims:\n            withdraw(victims)\n",
            "        deallocate(victims, self._dealloc, self._maxage is not None)\n",
        ),
    ),
    "what was made is not deallocated if alloc raises": _of(
        "C3",
        "constructor",
        "alloc",
        "raises",
        (POOL, "            deallocate(made, dealloc)\n            raise\n", "            raise\n"),
        (POOL, "        remains = Remains(made, dealloc)\n", "        remains = None\n"),
    ),
    "the finalizer does not close": _of(
        "K1",
        "collection",
        "dealloc",
        "ok",
        (POOL, '        if not getattr(self, "_closed", True):\n            self.close()\n', "        pass\n"),
        NO_REMAINS,
    ),
    "the exit closes no pool": _of(
        "K2",
        "exit",
        "dealloc",
        "closes",
        (LIFECYCLE, "    for pool in reversed(_living()):\n", "    for pool in _living()[:0]:\n"),
    ),
}
