"""Mistakes in the pool that a soak notices, and the clauses that it names."""

from __future__ import annotations

from typing import NamedTuple

from tests.faults.mutants import MUTANTS as FAULTS
from tests.faults.mutants import OF_CALLBACKS
from tests.schedule.mutants import MUTANTS as SCHEDULES
from tests.schedule.seam import Patch

MEMORY = "memory"


class Mutant(NamedTuple):
    """A changed pool, and how the soak may say so: which of these shows first depends on the run."""

    clauses: frozenset[str]
    patches: tuple[Patch, ...]


def _(clauses: str, *changes: tuple[str, str, str]) -> Mutant:
    return Mutant(frozenset(clauses.split()), tuple(Patch(*change) for change in changes))


MUTANTS = {
    **{n: Mutant(frozenset(), m.patches) for d in (FAULTS, OF_CALLBACKS, SCHEDULES) for n, m in d.items()},
    "the clock's thread of a closed pool sleeps on": _(
        "L3", ("_pool.py", "                if cancel is not None:\n                    cancel()\n", "                pass\n")
    ),
    "a collected pool stays in the table": _(
        MEMORY, ("_lifecycle.py", "ref(pool, lambda _: _pools.pop(key, None))", "ref(pool)"),
        ("_lifecycle.py", "    key = id(pool)\n", "    key = object()\n"),
    ),
}
