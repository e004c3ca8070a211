"""Does the pool keep its contract in every order of steps? And is what the search leaves out really no more?"""

from __future__ import annotations

import pytest

from tests.schedule import touches
from tests.schedule.oracle import Scenario
from tests.schedule.scenarios import ALL, FOUR, GROUPS, MOST_RUNS, THREE, TIMED, TWO
from tests.schedule.scheduler import BACKENDS, RealThreads, Scheduler
from tests.schedule.search import deepen, replay, sample, search, trace
from tests.support.mistakes import MISTAKES
from tests.support.package import load

LARGE = ["a dealloc that pushes meets a push", "a dealloc that pushes meets a close", "an interrupt meets a hand-over"]
SMALL = ["a push meets a pop that does not wait", "two pops of one", "a check that raises meets a push"]
QUICK = ["a push meets a timed pop", "two allocate", "two closes", "a clear meets a timed pop"]
PAIRS = [*TWO, *TIMED]
SOME = PAIRS[::3]  # the searches of `make verify` take all
FEW = 50  # schedules drawn at random


def clauses_hold(scenario, found):
    if found.failure is not None:
        lines = trace(scenario, scenario.scheduler, found.failure.choices, scenario.package.__path__[0])
        pytest.fail(f"{found.failure}\n" + "\n".join(lines), pytrace=False)
    assert found.complete


@pytest.mark.parametrize("name", [name for name in TWO if name not in LARGE])
def test_P1_P3_P7_P8_P9_R1_R4_R5_K1_L4_hold_in_every_order_of_two_threads_up_to_equivalence(name):
    scenario = TWO[name]()
    found = search(scenario, scenario.scheduler, reduce=True)
    clauses_hold(scenario, found)
    assert found.exhausted


@pytest.mark.parametrize("name", [*LARGE, *TIMED])
def test_P1_P3_P7_P8_P9_R1_R2_R3_R4_R5_K1_L4_hold_for_two_threads_with_a_preemption(name):
    scenario = ALL[name]()
    found = search(scenario, scenario.scheduler, bound=1)
    clauses_hold(scenario, found)
    assert found.exhausted


@pytest.mark.parametrize("name", [*THREE, *FOUR])
def test_P1_P3_P7_P8_P9_R1_R2_R3_R4_R5_K1_L4_hold_for_more_threads_without_a_preemption(name):
    scenario = ALL[name]()
    found = search(scenario, scenario.scheduler, bound=0)
    clauses_hold(scenario, found)
    assert found.exhausted


@pytest.mark.parametrize("name", ALL)
def test_P1_P3_P7_P8_P9_R1_R2_R3_R4_R5_K1_L4_hold_in_orders_drawn_at_random(name):
    scenario = ALL[name]()
    found = sample(scenario, scenario.scheduler, FEW, seed=1)
    assert found.failure is None, found.failure


@pytest.mark.exhaustive
@pytest.mark.parametrize("name", TWO)
def test_P1_P3_P7_P8_P9_R1_R4_R5_K1_L4_hold_in_every_order_of_two_threads(name):
    scenario = TWO[name]()
    found = search(scenario, scenario.scheduler)
    clauses_hold(scenario, found)
    assert found.exhausted


@pytest.mark.exhaustive
@pytest.mark.parametrize(
    ("name", "most"), [(name, most) for group, most in GROUPS.values() if most is not None for name in group]
)
def test_P1_P3_P7_P8_P9_R1_R2_R3_R4_R5_K1_L4_hold_with_more_and_more_preemptions(name, most):
    scenario = ALL[name]()
    found = deepen(scenario, scenario.scheduler, most, MOST_RUNS)
    clauses_hold(scenario, found)
    assert found.bound >= 1


def all_that_is_seen(scenario, bound, prune):
    """The outcomes, the states and the transitions that a search comes across."""
    scheduler = scenario.scheduler
    outcomes, transitions = set(), set()
    states = {}  # with what each thread is about to do
    before = None

    def observe(task):
        nonlocal before
        state = scenario.state() + scheduler.histories()
        now = scenario.view(), state, [(other.operation, other.history) for other in scheduler.tasks]
        stand = [(other.name, other.operation) for other in scheduler.tasks if not other.done]
        assert states.setdefault(state, stand) == stand, "two states look the same, and are not"
        if task is not None:
            view, _, stood = before
            operation, history = stood[task.index]
            assert task.history != history, f"{task.name} did not note the result of {operation}"
            transitions.add((view, task.name, operation, scenario.view()))
        before = now

    found = search(
        scenario, scheduler, bound=bound, prune=prune, observe=observe, at_end=lambda: outcomes.add(scenario.outcome())
    )
    assert found.failure is None, found.failure
    return outcomes, states, transitions


@pytest.mark.parametrize("name", SMALL)
def test_a_search_that_prunes_sees_all_that_one_sees_that_does_not(name):
    assert all_that_is_seen(ALL[name](), None, True) == all_that_is_seen(ALL[name](), None, False)


@pytest.mark.parametrize("name", SOME)
def test_a_search_with_a_bound_that_prunes_sees_all_that_one_sees_that_does_not(name):
    assert all_that_is_seen(ALL[name](), 1, True) == all_that_is_seen(ALL[name](), 1, False)


@pytest.mark.exhaustive
@pytest.mark.parametrize("name", PAIRS)
def test_a_search_with_two_preemptions_that_prunes_sees_all_that_one_sees_that_does_not(name):
    assert all_that_is_seen(ALL[name](), 2, True) == all_that_is_seen(ALL[name](), 2, False)


def outcomes(name, bound, **how):
    """What comes of the runs, for all that the threads can tell."""
    scenario, found = ALL[name](), set()
    result = search(scenario, scenario.scheduler, bound=bound, at_end=lambda: found.add(scenario.outcome()), **how)
    assert result.exhausted
    assert result.failure is None, result.failure
    return found, result


def leaves_out_nothing_that_matters(name, bound):
    everything, full = outcomes(name, bound)
    found, reduced = outcomes(name, bound, reduce=True, check=True)  # which raises if a step leads elsewhere
    assert found == everything
    assert reduced.states <= full.states


@pytest.mark.parametrize("name", [*SMALL, *QUICK])
def test_a_search_that_leaves_steps_out_finds_the_same_outcomes(name):
    leaves_out_nothing_that_matters(name, None)


@pytest.mark.parametrize("name", [*SOME, *list(THREE)[::3]])
def test_a_search_with_a_bound_that_leaves_steps_out_finds_the_same_outcomes(name):
    leaves_out_nothing_that_matters(name, 0 if name in THREE else 1)


@pytest.mark.exhaustive
@pytest.mark.parametrize("name", [name for name in TWO if name not in QUICK])
def test_a_large_search_that_leaves_steps_out_finds_the_same_outcomes(name):
    leaves_out_nothing_that_matters(name, None)


@pytest.mark.exhaustive
@pytest.mark.parametrize("name", [*TIMED, *THREE])
def test_a_large_search_with_a_bound_that_leaves_steps_out_finds_the_same_outcomes(name):
    leaves_out_nothing_that_matters(name, 1)


def test_steps_of_a_pool_that_changes_things_without_its_lock_are_not_left_out():
    mistake = MISTAKES["a waiter leaves without the lock"]
    scenario = ALL[mistake.schedule]()
    scenario.use(load(mistake.edits))
    failure = search(scenario, scenario.scheduler, reduce=True).failure
    assert str(failure.error) == "T2 may not queue remove here: search without leaving anything out"


def test_steps_that_do_not_say_what_they_touch_are_noticed(monkeypatch):
    monkeypatch.setitem(touches.OF_THE_POOL, "limit", 0)
    scenario = TWO["a push meets a pop that waits for ever"]()
    failure = search(scenario, scenario.scheduler, reduce=True, check=True).failure
    assert "its step depends on another one that was left out" in str(failure.error)


@pytest.mark.parametrize("name", PAIRS)
def test_both_kinds_of_threads_give_the_same_traces_of_the_pool(name):
    pytest.importorskip("greenlet")
    scenarios = ALL[name](), ALL[name]()
    scenarios[1].use(scenarios[1].package, Scheduler(RealThreads))
    for seed in range(2):
        sample(scenarios[0], scenarios[0].scheduler, 1, seed)
        choices = scenarios[0].scheduler.choices
        folder = scenarios[0].package.__path__[0]
        traces = [trace(scenario, scenario.scheduler, choices, folder) for scenario in scenarios]
        assert traces[0] == traces[1]
        assert scenarios[0].outcome() == scenarios[1].outcome()


def test_a_schedule_of_the_pool_replays():
    scenario = TWO["a push meets a timed pop"]()
    outcomes = set()
    sample(scenario, scenario.scheduler, 1, seed=3)
    choices, outcome = scenario.scheduler.choices, scenario.outcome()
    for _ in range(100):
        scenario.use(scenario.package, Scheduler(BACKENDS[0]))
        assert replay(scenario, scenario.scheduler, choices) is None
        outcomes.add(scenario.outcome())
    assert outcomes == {outcome}


@pytest.mark.xfail(
    strict=True, reason="a push that waits between reading its stamp and appending is behind a younger one"
)
def test_R3_no_pop_gets_what_was_due_as_it_began_however_long_its_push_took():
    scenario = Scenario("push", "tick, new, tick, pop", maxage=5)
    found = search(scenario, scenario.scheduler, bound=2)
    assert found.failure is None, found.failure
