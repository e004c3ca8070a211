"""P8, P9: two interrupts in one call."""

from __future__ import annotations

import pytest

from tests.faults.bytecodes import harness, pairs
from tests.faults.situations import Case
from tests.support.package import load

CASES = [
    Case("empty", "pop that waits"),
    Case("empty", "pop until a timeout"),
    Case("idle, one dead", "pop"),
    Case("waiting", "close"),
    Case("idle", "with"),
]


IDS = [f"{case.situation}; {case.operation}" for case in CASES]


def try_pairs(case, step, shift=0):
    with harness(load()) as made:
        found = pairs(made, case, step, shift)
    # pytest -rP shows it
    print(f"{found.points:,} points, {found.deliveries:,} interrupts, {found.runs:,} runs")
    assert found.runs > 0


@pytest.mark.parametrize("case", CASES, ids=IDS)
def test_P8_P9_two_interrupts_in_one_call_lose_no_more_than_one_and_no_wake_up(case):
    try_pairs(case, 7)


@pytest.mark.exhaustive
@pytest.mark.parametrize("case", CASES, ids=IDS)
def test_P8_P9_two_interrupts_in_one_call_wherever_they_come(case):
    try_pairs(case, 1)
