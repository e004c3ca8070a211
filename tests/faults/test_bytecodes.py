"""P8, P9, K3, L1, R4: whatever comes between any two bytecodes of the pool, nothing is lost, and nobody is stuck."""

from __future__ import annotations

from itertools import groupby

import pytest

from tests.faults.bytecodes import FAULTS, Found, every, harness, some
from tests.faults.situations import CASES
from tests.support.package import load

GROUPS = [(name, list(cases)) for name, cases in groupby(CASES, lambda case: case.situation)]


def try_all(run, cases):
    total = Found()
    with harness(load()) as made:
        for number, case in enumerate(cases):
            total.add(run(made, case, number))
    # pytest -rP shows it
    print(f"{total.points:,} points, {total.deliveries:,} interrupts, {total.runs:,} runs")
    print(*sorted(total.lost), sep="\n")
    assert total.points > 0


@pytest.mark.parametrize(("situation", "cases"), GROUPS, ids=[name for name, _ in GROUPS])
def test_P9_an_interrupt_wherever_one_comes_and_another_fault_at_every_ninth_bytecode(situation, cases):
    try_all(some, cases)


@pytest.mark.exhaustive
@pytest.mark.parametrize("fault", FAULTS[1:])
@pytest.mark.parametrize(("situation", "cases"), GROUPS, ids=[name for name, _ in GROUPS])
def test_P9_every_fault_at_every_bytecode(situation, cases, fault):
    try_all(lambda made, case, number: every(made, case, (fault,)), cases)
