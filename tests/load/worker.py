"""One thread of a soak: what it does, and what an interrupt may have cost it."""

from __future__ import annotations

import gc
import random
import weakref
from _thread import get_ident
from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from tests.load.callbacks import CALLBACKS, Callbacks, Fault, Garbage
from tests.load.interrupts import Interrupt, Window, find, shield, unshield, windows
from tests.load.ledger import KEPT, Item
from tests.support import inside

if TYPE_CHECKING:
    from tests.load.soak import Slot, Soak

MOST_HELD = 3
KINDS = {
    "pop": 24,
    "pop that waits": 10,
    "pop that waits for ever": 2,
    "lease": 24,
    "push": 30,
    "push of a new one": 6,
    "push by a finalizer": 2,
    "end what was popped": 2,
    "len": 3,
    "clear": 1,
    "close and reopen": 1,
    "interrupt another": 12,
}
MOVES = {"pop", "lease", "push"}  # one resource, which an interrupt may cost
AGES = (0.005, 0.03, 3600)  # seconds


class BodyError(Exception):
    """What the body of a lease raises."""


class Worker:
    """What one thread does, as drawn from its seed.

    Attributes:
        window: into which others send interrupts.
        held: what it has popped.
    """

    def __init__(self, soak: Soak, number: int) -> None:
        self.soak, self.number = soak, number
        self.rng = random.Random(f"{soak.seed} {number}")
        self.window: Window | None = None
        self.held: list[Item] = []
        self.done: Counter[str] = Counter()

    def begin(self) -> None:
        self.window = windows[get_ident()] = Window()
        self.window.shield()

    def work(self) -> None:
        """Do one thing after the other until the round ends."""
        kinds, weights = list(KINDS), list(KINDS.values())
        methods: dict[str, Callable[[Slot], object]] = {
            "pop": lambda slot: self.pop(slot.pool, None),
            "pop that waits": lambda slot: self.pop(slot.pool, self.rng.uniform(1e-4, 5e-3)),
            "pop that waits for ever": self.pop_for_ever,
            "lease": self.lease,
            "push": lambda slot: self.push(slot.pool, self.take()),
            "push of a new one": lambda slot: self.push(slot.pool, self.soak.ledger.new()),
            "push by a finalizer": self.leave_to_a_finalizer,
            "end what was popped": lambda slot: self.soak.ledger.end(self.take(), KEPT),
            "len": lambda slot: self.look(slot.pool),
            "clear": lambda slot: self.attempt("clear", slot.pool.clear),
            "close and reopen": self.reopen,
            "interrupt another": lambda slot: self.soak.interrupt(self.rng),
        }
        while self.soak.running:
            kind = self.rng.choices(kinds, weights)[0]
            if len(self.held) >= MOST_HELD and "pop" in kind:
                kind = "push"
            elif not self.held and kind in ("push", "end what was popped"):
                kind = "pop"
            if self.soak.is_full and "new" in kind:
                continue
            self.done[kind] += 1
            methods[kind](self.rng.choice(self.soak.slots))

    def attempt(
        self, kind: str, call: Callable[..., Any], *arguments: Any, item: Item | None = None, **more: Any
    ) -> Any:
        """Make a call, into which an interrupt may come.

        Returns:
            What it returned, if that has come here, and what it raised.
        """
        result = error = None
        window = windows[get_ident()] = Window()
        try:
            self.window = window
            try:
                result = call(*arguments, **more)
            except Interrupt:
                raise
            except BaseException as caught:
                error = caught
            window.shield()
        except Interrupt as caught:
            error = caught
        # None can come any more.
        if window.delivered and not window.accounted:
            self.soak.account(find(error), kind in MOVES and result is None, item)
        if error is not None:
            # What a traceback refers to would live on.
            error.__traceback__ = error.__context__ = None
            if not isinstance(error, (*self.soak.allowed, BodyError, Interrupt)):
                self.soak.ledger.violation("P9", f"{kind} raised {error!r}")
        return result, error

    def take(self) -> Item:
        item = self.held.pop(self.rng.randrange(len(self.held)))
        self.soak.ledger.release(item)
        return item

    def pop(self, pool: Any, timeout: float | None) -> None:
        item, _ = self.attempt("pop", pool.pop, timeout)
        if item is not None:
            self.soak.ledger.claim(item)
            self.held.append(item)

    def pop_for_ever(self, slot: Slot) -> None:
        if slot.is_dropped or not self.number:
            return  # nobody would free it; and the main thread is needed to end the round
        try:
            permit = self.soak.permits.pop()
        except IndexError:
            return
        self.pop(slot.pool, 0)
        self.soak.permits.append(permit)

    def push(self, pool: Any, item: Item) -> None:
        self.attempt("push", pool.push, item, item=item)

    def lease(self, slot: Slot) -> None:
        discards, raises = self.rng.random() < 0.1, self.rng.random() < 0.1
        timeout = self.rng.choice((None, 1e-3))
        seen: list[Item] = []
        self.attempt("lease", self.in_block, slot.pool, timeout, discards, raises, seen)
        if discards and seen and not self.window.delivered and seen[0].fate is None:
            self.soak.ledger.violation("W2", f"{seen[0]} is not deallocated, and was discarded")

    def in_block(self, pool: Any, timeout: float | None, discards: bool, raises: bool, seen: list[Item]) -> None:
        lease = pool(timeout)
        with lease as item:
            shield()  # what the exit gives back must not count as held
            seen.append(item)
            self.soak.ledger.claim(item)
            if discards:
                lease.discard()
            self.soak.ledger.release(item)
            unshield()
            if raises:
                raise BodyError

    def leave_to_a_finalizer(self, slot: Slot) -> None:
        # Not to one that is collected along with it: if an interrupt cuts off the pool's own finalizer, which comes
        # first, nothing is left to deallocate what this one pushes.
        if self.held and not slot.is_dropped:
            Garbage(slot.pool, self.take())
        if self.rng.random() < 0.05:
            self.attempt("collect", gc.collect)

    def look(self, pool: Any) -> None:
        self.attempt("len", len, pool)
        self.attempt("len", repr, pool)

    def reopen(self, slot: Slot) -> None:
        """Put a new pool in the place of an old one."""
        pool = self.make()
        if pool is None:
            return
        old, slot.pool = slot.pool, pool
        if not slot.is_dropped:
            while not inside.closed(old):  # an interrupt may come first
                self.attempt("close", old.close)

    def make(self) -> Any:
        rng, soak = self.rng, self.soak
        callbacks = Callbacks(soak.ledger, soak.rng, soak.calm, soak.calls, soak.allowed)
        minsize = rng.choice((None, 0, 1, 2))
        maxsize = rng.choice((None, 0, 1, 4, 8))
        if maxsize is not None:
            minsize = None if minsize is None else min(minsize, maxsize)
        settings = {
            **{name: getattr(callbacks, name) for name in CALLBACKS if name == "dealloc" or rng.random() < 0.6},
            "minsize": minsize,
            "maxsize": maxsize,
            "maxage": rng.choice((None, None, *AGES)),
        }
        initial = [] if soak.is_full else [soak.ledger.new() for _ in range(rng.choice((0, 0, 3)))]
        pool, error = self.attempt("make", soak.package.ResourcePool, init=initial, **settings)
        if pool is not None:
            callbacks.pool = weakref.ref(pool)
            soak.made.add()
        elif not isinstance(error, Fault):
            soak.abandoned.extend(initial)  # they may be the caller's, or have been in the pool already
        else:
            for item in initial:
                soak.ledger.end(item, KEPT)  # by C3 they still belong to the caller
        return pool
