"""Does the search catch mistakes in the pool, and say which clause they break?"""

from __future__ import annotations

import pytest

from tests.schedule.scenarios import ALL
from tests.schedule.search import replay, shortest, trace
from tests.support.mistakes import noticed_by
from tests.support.package import load

MISTAKES = noticed_by("schedule")
SLOW = ["a younger one is evicted by age", "a waiter is woken before its box is filled"]
CASES = [
    pytest.param(name, id=f"{mistake.clause}_{name}", marks=[pytest.mark.exhaustive] if name in SLOW else [])
    for name, mistake in MISTAKES.items()
]


def caught(name):
    """The scenario on the mutant, and the schedule with the fewest preemptions that shows it."""
    mistake = MISTAKES[name]
    scenario = ALL[mistake.schedule]()
    scenario.use(load(mistake.edits))
    return scenario, shortest(scenario, scenario.scheduler)


@pytest.mark.parametrize("name", CASES)
def test_the_search_catches(name):
    scenario, failure = caught(name)
    assert failure is not None, "it survives"
    assert str(failure.error).startswith(MISTAKES[name].clause + ": ")
    again = replay(scenario, scenario.scheduler, failure.choices)
    assert str(again) == str(failure.error)
    lines = trace(scenario, scenario.scheduler, failure.choices, scenario.package.__path__[0])
    print("\n".join(lines))  # pytest -rP shows it
    assert lines[-1] == f"Violation: {failure.error}"
    assert len(lines) == len(failure.choices) + 1
