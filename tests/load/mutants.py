"""Mistakes in the pool that a soak notices within seconds, and the clauses that it may name."""

from __future__ import annotations

from typing import NamedTuple

from tests.faults.mutants import MUTANTS as FAULTS
from tests.faults.mutants import OF_CALLBACKS
from tests.schedule.mutants import MUTANTS as ORDERS
from tests.schedule.seam import Patch


class Mutant(NamedTuple):
    """A changed pool, and what the soak names: which of these shows first depends on the run."""

    names: tuple[str, ...]
    patches: tuple[Patch, ...]


POOL, LIFECYCLE = "_pool.py", "_lifecycle.py"
LEAK = "lambda _: _pools.pop(key, _buried.extend([key] for _ in range(99)))"
CANCEL = "                if cancel is not None:\n                    cancel()\n"

MUTANTS = {
    "to take a victim and to deallocate it are two operations": Mutant(
        ("P9",), FAULTS["to take a victim and to deallocate it are two operations"].patches
    ),
    "what check raises on is lost": Mutant(("P9",), OF_CALLBACKS["what check raises on is lost"].patches),
    "what is dead is deallocated": Mutant(("P5",), OF_CALLBACKS["what is dead is deallocated"].patches),
    "an interrupted waiter keeps what it was handed": Mutant(
        ("P9",), ORDERS["an interrupted waiter keeps what it was handed"].patches
    ),
    "a waiter is not woken": Mutant(("P8",), ORDERS["a waiter is not woken"].patches),
    "what has called is not forgotten": Mutant(("R3",), ORDERS["what has called is not forgotten"].patches),
    "the expiry keeps its pool alive": Mutant(("L2", "L3"), FAULTS["the expiry keeps its pool alive"].patches),
    "the clock's thread of a closed pool sleeps on": Mutant(("L3",), (Patch(POOL, CANCEL, "                pass\n"),)),
    "a collected pool leaves something in a table": Mutant(
        ("blocks",), (Patch(LIFECYCLE, "lambda _: _pools.pop(key)", LEAK),)
    ),
}
