"""Does the search catch mistakes in the pool, and say which clause they break?"""

from __future__ import annotations

import pytest

from tests.schedule.mutants import MUTANTS
from tests.schedule.scenarios import ALL
from tests.schedule.seam import Patch, load
from tests.schedule.search import replay, shortest, trace

SLOW = ["a younger one is evicted by age", "a waiter is woken before its box is filled"]
CASES = [
    pytest.param(name, id=f"{mutant.clause}_{name}", marks=[pytest.mark.exhaustive] if name in SLOW else [])
    for name, mutant in MUTANTS.items()
]


def caught(name):
    """The scenario on the mutant, and the schedule with the fewest preemptions that shows it."""
    mutant = MUTANTS[name]
    scenario = ALL[mutant.scenario]()
    scenario.use(load(mutant.patches))
    return scenario, shortest(scenario, scenario.scheduler)


@pytest.mark.parametrize("name", CASES)
def test_the_search_catches(name):
    scenario, failure = caught(name)
    assert failure is not None, "it survives"
    assert str(failure.error).startswith(MUTANTS[name].clause + ": ")
    again = replay(scenario, scenario.scheduler, failure.choices)
    assert str(again) == str(failure.error)
    lines = trace(scenario, scenario.scheduler, failure.choices, scenario.package.__path__[0])
    print("\n".join(lines))  # pytest -rP shows it
    assert lines[-1] == f"Violation: {failure.error}"
    assert len(lines) == len(failure.choices) + 1


def test_a_patch_of_what_is_not_there_is_refused():
    with pytest.raises(ValueError, match=r"_pool\.py holds 0 times"):
        load([Patch("_pool.py", "what is not there", "")])


def test_a_patch_of_what_is_there_twice_is_refused():
    with pytest.raises(ValueError, match=r"_pool\.py holds [2-9] times"):
        load([Patch("_pool.py", "            return\n", "")])


def test_a_patch_of_no_file_is_refused():
    with pytest.raises(ValueError, match=r"none\.py holds 0 times"):
        load([Patch("none.py", "anything", "")])
