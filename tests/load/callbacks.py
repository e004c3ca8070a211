"""What a pool under load calls: one in ten of the calls is at fault."""

from __future__ import annotations

import gc
import random
from collections.abc import Callable
from typing import Any

from tests.load.ledger import Item, Ledger, Tally

SHARE = 0.1  # of the calls that are at fault
FAULTS = ("raises", "interrupts", "falsy", "re-enters")
CALLBACKS = ("alloc", "check", "dealloc")


class Fault(Exception):
    """What a callback raises."""


class Stop(BaseException):
    """The same, and no pool may handle it."""


class Callbacks:
    """The callbacks of one pool.

    Attributes:
        pool: gives it, while it lives.
        calm: if there is something in it, nothing is at fault.
        calls: by callback and fault, how many there were.
    """

    def __init__(
        self,
        ledger: Ledger,
        rng: random.Random,
        calm: list[object],
        calls: dict[tuple[str, str], Tally],
        allowed: tuple[type[Exception], ...],
    ) -> None:
        self.pool: Callable[[], Any] = lambda: None
        self.ledger, self.rng, self.calm, self.calls, self.allowed = ledger, rng, calm, calls, allowed

    def alloc(self) -> Item:
        self.misbehave(self.draw("alloc"))
        return self.ledger.new()  # it is falsy, whatever is drawn

    def check(self, item: Item) -> object:
        fault = self.draw("check")
        dead = fault == "falsy"
        self.ledger.judge(item, dead)
        self.misbehave(fault)
        return self.rng.choice((0, "", None, False)) if dead else "alive"

    def dealloc(self, item: Item) -> object:
        self.ledger.deallocate(item)
        fault = self.draw("dealloc")
        self.misbehave(fault)
        return fault != "falsy"

    def draw(self, callback: str) -> str:
        fault = "ok"
        if not self.calm and self.rng.random() < SHARE:
            fault = self.rng.choice(FAULTS)
        self.calls[callback, fault].add()
        return fault

    def misbehave(self, fault: str) -> None:
        if fault == "raises":
            raise Fault
        if fault == "interrupts":
            raise Stop
        if fault == "re-enters":
            self.reenter()

    def reenter(self) -> None:
        """Use the pool, whose call this is."""
        pool = self.pool()
        if pool is None:
            return
        what = self.rng.random()
        try:
            if what < 0.4:
                pool.push(self.ledger.new())
            elif what < 0.75:
                pool.push(pool.pop())
            elif what < 0.85:
                repr(pool)
            elif what < 0.95:
                pool.clear()
            elif what < 0.97:
                pool.close()
            else:
                gc.collect()
        except self.allowed:
            pass


class Garbage:
    """In a cycle. It gives a resource back when it is collected, wherever that happens to be."""

    def __init__(self, pool: Any, item: Item) -> None:
        self.itself, self.pool, self.item = self, pool, item

    def __del__(self) -> None:
        self.pool.push(self.item)
