"""A soak: threads that use pools at random, round after round; after each all is accounted for."""

from __future__ import annotations

import _thread
import logging
import random
import signal
import sys
import threading
import time
import traceback
from _thread import get_ident
from collections import Counter, deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType, ModuleType
from typing import Any

from tests.helpers import PATIENCE
from tests.load import footprint
from tests.load.callbacks import CALLBACKS, FAULTS, Callbacks, Fault, Garbage, Stop
from tests.load.footprint import Footprint
from tests.load.interrupts import (
    CALLS,
    RAISES,
    STARTER,
    Interrupt,
    can_cost,
    find,
    frames,
    interrupt,
    is_of_pool,
    windows,
)
from tests.load.ledger import DEAD, KEPT, LOST, Ledger, Tally
from tests.load.worker import Worker
from tests.support import inside

THREADS = 32  # and the main one, to which signals come
SLOTS = 6  # of pools
MOST = 400  # resources, about
WAITING_FOR_EVER = 6  # threads, at most
INTERVALS = (1e-6, 1e-5, 1e-4, 5e-3)  # seconds after which a thread gives way
POLL = 0.005  # seconds


class Broken(Exception):
    """Clauses do not hold."""

    def __init__(self, violations: list[tuple[str, str]]) -> None:
        super().__init__("\n".join(f"{clause}: {what}" for clause, what in violations[:5]))


class Slot:
    """A place for one pool after the other.

    Attributes:
        is_dropped: whether the old one is left to be collected, and not closed.
    """

    def __init__(self, is_dropped: bool) -> None:
        self.pool: Any = None
        self.is_dropped = is_dropped


class Soak:
    """What the threads share, and the count at the end of each round."""

    def __init__(self, package: ModuleType, seed: int, threads: int = THREADS) -> None:
        self.package, self.seed = package, seed
        self.rng = random.Random(seed)
        self.allowed = (package.ResourcePoolEmpty, package.ResourcePoolClosed, Fault, Stop)
        self.ledger = Ledger()
        self.calm: list[object] = [True]
        self.slots = [Slot(number % 2 == 1) for number in range(SLOTS)]
        self.permits = deque(range(WAITING_FOR_EVER))
        self.workers = [Worker(self, number) for number in range(threads + 1)]  # the first is the main thread
        self.calls = {(name, fault): Tally() for name in CALLBACKS for fault in ("ok", *FAULTS)}
        self.made, self.logged = Tally(), Tally()
        self.interrupts, self.inside, self.costly, self.handled = Tally(), Tally(), Tally(), Tally()
        self.taken: list[Footprint] = []
        # Of this round: resources that an interrupted push had, those of an interrupted constructor, and how
        # many interrupts may each have cost one more.
        self.suspects: dict[int, object] = {}
        self.abandoned: list[Any] = []
        self._unknown = Tally()
        self._ends = 0.0
        self._gates = [threading.Semaphore(0) for _ in self.workers]
        self._parked = Tally()
        self._over = False
        self._departing = inside.get(inside.DEPARTING, package)
        self._living = inside.get(inside.LIVING, package)
        self._callers = frozenset(
            function.__code__ for function in (Worker.in_block, Callbacks.alloc, Callbacks.reenter, Garbage.__del__)
        )

    @property
    def running(self) -> bool:
        return time.monotonic() < self._ends and not self.ledger.violations

    @property
    def is_full(self) -> bool:
        return len(self.ledger.live) > MOST

    @property
    def operations(self) -> Counter[str]:
        return sum((worker.done for worker in self.workers), Counter())

    def run(self, seconds: float, each: float) -> None:
        """Run rounds of `each` seconds, in the main thread.

        Raises:
            Broken: a clause is.
        """
        ends = time.monotonic() + seconds
        with self._installed():
            self.workers[0].begin()
            threads = [
                threading.Thread(target=self._thread, args=(worker,), daemon=True) for worker in self.workers[1:]
            ]
            for thread in threads:
                thread.start()
            self.taken.append(footprint.measure())
            while time.monotonic() < ends:
                self._round(min(each, ends - time.monotonic()))
            self._over = True
            for gate in self._gates:
                gate.release()
            for thread in threads:
                thread.join(PATIENCE)
                if thread.is_alive():
                    raise Broken([("P9", f"{thread} does not end")])
            self._await("L3", "a thread is left", lambda: footprint.threads() <= self._others)

    def interrupt(self, rng: random.Random) -> None:
        """Send an interrupt to some thread, if one can come there."""
        window = rng.choice(self.workers).window
        if window is not None:
            window.send(rng.choice((RAISES, CALLS)))

    def account(self, came: Interrupt | None, may_cost: bool, item: Any = None) -> None:
        """Note what an interrupt may have cost.

        Args:
            came: the interrupt, or None if another exception has taken its place.
            may_cost: whether that can be a resource if it came to who called the pool.
            item: what was being pushed.
        """
        windows[get_ident()].accounted = True
        self.interrupts.add()
        if came is None:
            self._unknown.add()
            return
        where = list(frames(came))
        for frame in where:
            if frame.f_code is Callbacks.dealloc.__code__ and frame.f_locals["item"].fate is None:
                self.ledger.deallocate(frame.f_locals["item"])  # it was called, and cut off at its entry
        if any(is_of_pool(frame.f_code, self.package) for frame in where):
            self.inside.add()
        innermost = where[-1].f_code
        came_back = innermost is Worker.attempt.__code__  # to who called
        if may_cost if came_back else can_cost(innermost, self.package, self._callers):
            self.costly.add()
            if item is not None:
                self.suspects[item.number] = item
            nested = any(frame.f_code in self._callers for frame in where)
            if item is None or nested:
                self._unknown.add()

    def _thread(self, worker: Worker) -> None:
        worker.begin()
        gate = self._gates[worker.number]
        while True:
            gate.acquire()
            if self._over:
                return
            worker.work()
            self._parked.add()

    @contextmanager
    def _installed(self) -> Iterator[None]:
        """What the process does while this runs."""
        self._others = footprint.threads()
        clocks = inside.module(inside.CLOCKS_PY, self.package)
        clocks._thread = STARTER
        before = sys.unraisablehook, logging.getLogger, sys.getswitchinterval()
        handlers = {
            kind: signal.signal(kind, handler) for kind, handler in ((RAISES, interrupt), (CALLS, self._handle))
        }
        sys.unraisablehook = self._ignore
        # CPython's own takes a lock so that an interrupt can leave it held.
        logging.getLogger = lambda name=None: self  # type: ignore[assignment, return-value]
        try:
            yield
        finally:
            clocks._thread = _thread  # type: ignore[attr-defined]
            sys.unraisablehook, logging.getLogger = before[:2]
            sys.setswitchinterval(before[2])
            for kind, handler in handlers.items():
                signal.signal(kind, handler)

    def exception(self, *arguments: object) -> None:
        """The logger's: `dealloc` raised."""
        self.logged.add()

    def _handle(self, kind: int, frame: FrameType | None) -> None:
        """A signal has come whose handler uses a pool."""
        window = windows[get_ident()]
        window.delivered = window.accounted = True
        self.handled.add()
        pool = self.rng.choice(self.slots).pool
        try:
            if self.rng.random() < 0.6:
                pool.push(self.ledger.new())
            else:
                pool.push(pool.pop())
        except self.allowed:
            pass

    def _ignore(self, unraisable: Any) -> None:
        """Something was raised in a finalizer, or in a clock's thread.

        An interrupt that comes in here is printed by Python, and counted as one that another exception has replaced.
        """
        error = unraisable.exc_value
        came = find(error)
        if came is not None:
            self.account(came, False)
        elif not isinstance(error, self.allowed):
            text = "".join(traceback.format_exception(error))
            self.ledger.violation("L1", f"this was raised in {unraisable.object!r}:\n{text}")
        error.__traceback__ = error.__context__ = None

    def _round(self, seconds: float) -> None:
        sys.setswitchinterval(self.rng.choice(INTERVALS))
        main = self.workers[0]
        for slot in self.slots:
            slot.pool = main.make()
        self._parked = Tally()
        self.calm.clear()
        self._ends = time.monotonic() + seconds
        for gate in self._gates[1:]:
            gate.release()
        main.work()
        self.calm.append(True)
        self._check()
        sys.setswitchinterval(INTERVALS[-1])
        self._end_calls()
        self._end_pools()
        self._settle_accounts()
        self._check()
        self.taken.append(footprint.measure())
        if self.taken[-1][:2] != self.taken[0][:2]:
            self.ledger.violation("L3", f"there were {self.taken[0]}, and are {self.taken[-1]}")
        self._check()

    def _check(self) -> None:
        if self.ledger.violations:
            raise Broken(self.ledger.violations)

    def _await(self, clause: str, what: str, holds: Callable[[], bool]) -> None:
        deadline = time.monotonic() + PATIENCE
        event = threading.Event()
        while not holds():
            self._check()
            if time.monotonic() > deadline:
                raise Broken([(clause, what)])
            event.wait(POLL)

    def _end_calls(self) -> None:
        """Wait until all calls have ended, but those that wait for ever. Free them."""
        threads = len(self.workers) - 1
        pools = [slot.pool for slot in self.slots]

        def parked() -> int:
            return self._parked.read()

        def waiting() -> int:
            return sum(pool.waiting for pool in pools)

        self._await("P8", "a call is stuck", lambda: parked() + waiting() == threads)
        # Not at once: who has just joined the queue still looks whether something was pushed meanwhile.
        for pool in pools:
            self._await("P8", "something is idle, and somebody waits", lambda p=pool: not (p.waiting and len(p)))

        def freed() -> bool:
            for pool in pools:
                for _ in range(pool.waiting):
                    pool.push(self.ledger.new())
            return parked() == threads

        self._await("P8", "a call that waits is not served", freed)

    def _end_pools(self) -> None:
        """See whether each keeps its bounds when nothing is under way, and end them all."""
        footprint.collect()  # finalizers push
        for slot in self.slots:
            pool = slot.pool
            if inside.lock(pool)._is_owned() or not inside.lock(pool).acquire(timeout=PATIENCE):
                raise Broken([("P9", f"the lock of {pool} is held")])
            inside.lock(pool).release()
            if inside.maxsize(pool) is not None and len(inside.idle(pool)) > inside.maxsize(pool):
                raise Broken([("R1", f"this is {pool}")])
            if inside.maxage(pool) is not None and inside.maxage(pool) < 1:
                self._await(
                    "R3", f"{pool} does not expire", lambda pool=pool: len(inside.idle(pool)) <= inside.floor(pool)
                )
            if not slot.is_dropped:
                pool.close()
            slot.pool = None
        del pool
        for worker in self.workers:
            while worker.held:
                self.ledger.end(worker.take(), KEPT)
        self._await("L2", "a pool lives on", lambda: not self._living())
        self._await("R4", "victims are left", lambda: not self._departing)
        self._await("L3", "a clock's thread lives on", lambda: footprint.threads() <= self.taken[0].threads)

    def _settle_accounts(self) -> None:
        ledger = self.ledger
        for item in self.abandoned:
            if item.fate is None:
                ledger.end(item, KEPT)
        dead = [item for item in ledger.live.values() if item.dead]
        for item in dead:
            ledger.end(item, DEAD)
        lost = list(ledger.live.values())
        allowed = self._unknown.read()
        unexplained = [item for item in lost if item.number not in self.suspects]
        if len(unexplained) > allowed:
            ledger.violation(
                "P9", f"{len(unexplained)} are lost, and interrupts account for {allowed}: {unexplained[:5]}"
            )
        for item in lost:
            ledger.end(item, LOST)
        if ledger.held:
            ledger.violation("P9", f"{ledger.held} are held by nobody")
        made, ended = ledger.made.read(), sum(tally.read() for tally in ledger.fates.values())
        if made != ended:
            ledger.violation("P9", f"{made} were made, and {ended} have met a fate")
        raised, logged = self.calls["dealloc", "raises"].read(), self.logged.read()
        if not 0 <= raised - logged <= self.interrupts.read():
            ledger.violation("K2", f"{raised} deallocs raised, and {logged} were logged")
        self.suspects.clear()
        self.abandoned.clear()
        self._unknown = Tally()
