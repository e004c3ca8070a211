"""The books of a soak: what became of each resource."""

from __future__ import annotations

import os
import traceback
from _thread import get_ident
from itertools import count
from typing import Any

from tests.load.interrupts import shield, unshield, windows

DEALLOCATED, DEAD, KEPT, LOST = "deallocated", "dropped as dead", "ended by who had popped it", "lost to an interrupt"
FATES = (DEALLOCATED, DEAD, KEPT, LOST)


class Tally:
    """A number to which any thread adds one, also in a finalizer amid the same."""

    def __init__(self) -> None:
        self.add = count().__next__
        self._reads = 0

    def read(self) -> int:
        self._reads += 1
        return self.add() - self._reads + 1


class Item:
    """A resource: a file descriptor, which is closed when the resource has met its fate.

    It is falsy, and to ask it for anything is noted (P6).
    """

    __slots__ = ("dead", "descriptor", "fate", "ledger", "number")

    def __init__(self, ledger: Ledger, number: int) -> None:
        self.ledger, self.number = ledger, number
        self.descriptor = os.dup(ledger.source)
        self.fate: str | None = None
        self.dead = False  # so `check` has said

    def __repr__(self) -> str:
        return f"resource {self.number}"

    def _asked(self, *_: object) -> Any:
        self.ledger.violation("P6", f"{self!r} is compared, hashed or tested")
        return 0

    __bool__ = __eq__ = __hash__ = _asked


class Ledger:
    """What exists, who has it, and what became of the others.

    Each method is atomic, to threads and to interrupts, in that no interrupt comes while it writes.

    Attributes:
        live: by number, what has met no fate.
        violations: clauses that were broken, and how.
    """

    def __init__(self) -> None:
        self.source = os.open(os.devnull, os.O_RDONLY)
        self.live: dict[int, Item] = {}
        self.held: dict[int, object] = {}
        self.made = Tally()
        self.fates = {fate: Tally() for fate in FATES}
        self.violations: list[tuple[str, str]] = []

    def violation(self, clause: str, what: str) -> None:
        # Not raised: the pool may catch it.
        self.violations.append((clause, f"{what}\n{''.join(traceback.format_stack()[-12:-1])}"))

    def new(self) -> Item:
        shield()
        item = Item(self, self.made.add())
        self.live[item.number] = item
        unshield()
        return item

    def claim(self, item: Item) -> None:
        """A caller has got it."""
        shield()
        if item.number not in self.live:
            self.violation("P9", f"{item} is handed out, and was {item.fate}")
        if item.dead:
            self.violation("P5", f"{item} is handed out, and was dead")
        claim = object()
        if self.held.setdefault(item.number, claim) is not claim:
            self.violation("P9", f"{item} is handed out to two")
        unshield()

    def release(self, item: Item) -> None:
        """It is about to be given back."""
        shield()
        self.held.pop(item.number, None)
        unshield()

    def judge(self, item: Item, dead: bool) -> None:
        """`check` is asked about it, and says whether it is dead."""
        shield()
        self._not_held(item, "checked")
        if item.number not in self.live:
            self.violation("P9", f"{item} is checked, and was {item.fate}")
        if dead:
            item.dead = True
        unshield()

    def deallocate(self, item: Item) -> None:
        shield()
        self._not_held(item, "deallocated")
        window = windows.get(get_ident())
        if item.dead and not (window is not None and window.delivered):
            self.violation("P5", f"{item} is deallocated, and was dead")
        self._end(item, DEALLOCATED)
        unshield()

    def end(self, item: Item, fate: str) -> None:
        shield()
        self.held.pop(item.number, None)
        self._end(item, fate)
        unshield()

    def _not_held(self, item: Item, what: str) -> None:
        if item.number in self.held:
            self.violation("P9", f"{item} is {what} while a caller has it")

    def _end(self, item: Item, fate: str) -> None:
        if self.live.pop(item.number, None) is None:
            self.violation("R4", f"{item} is {fate}, and was {item.fate}")
            return
        item.fate = fate
        self.fates[fate].add()
        os.close(item.descriptor)
