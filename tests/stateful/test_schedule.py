"""Any operations of several threads, any outcomes of their callbacks, any steps of the clock, in any order of steps.

A failure shrinks to a few operations and a few switches between threads.
"""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from tests.schedule.scheduler import Scheduler
from tests.stateful.drawn import OTHERS, THREADS, Drawn, Plan
from tests.support.mistakes import noticed_by
from tests.support.package import load

MOST = 40  # steps in a turn

threads = st.integers(0, THREADS - 1)
sizes = st.none() | st.integers(0, 2)
CALLBACKS = {"check": ["dead", "raises"], "alloc": ["raises"], "dealloc": ["raises", "pushes"]}


def calls(operation):
    """The rule that a thread calls this, and takes steps, of that or of what it has called before."""

    @rule(thread=threads, steps=st.integers(0, MOST))
    def call(self, thread, steps):
        self.plan.programs[thread].append(operation)
        if steps:
            self.plan.turns.append((thread, steps))

    return call


class ScheduleMachine(RuleBasedStateMachine):
    """Its state is the plan, which is carried out in the end: the oracle of tests/schedule looks after each step."""

    package = load()
    scheduler = Scheduler()
    failed: Plan | None = None  # the last that did

    @initialize(
        init=st.integers(0, 2),
        minsize=sizes,
        maxsize=sizes,
        maxage=st.none() | st.just(2) | st.just(5),
        alloc=st.sampled_from([False, False, True]),
        leaves=st.booleans(),
        handlers=st.sampled_from([[], [], ["push"]]),
        interrupts=st.sampled_from([0, 0, 1]),
    )
    def begin(self, init, minsize, maxsize, alloc, **others):
        if minsize is not None:  # the oracle knows nothing of what the constructor makes
            minsize = min(minsize, *([] if maxsize is None else [maxsize]), *([init] if alloc else []), 2)
        names = " ".join("abc"[:init])
        self.plan = Plan({"init": names, "minsize": minsize, "maxsize": maxsize, "alloc": alloc, **others})

    # A rule for each, since Hypothesis leaves some rules out in each example, so that the others meet more often.
    push = calls("push")
    push_something_new = calls("new")
    pop = calls("pop")
    pop_timed = calls("pop timed")
    pop_forever = calls("pop forever")
    length = calls("len")
    clear = calls("clear")
    close = calls("close")
    time_moves_on = calls("tick")

    @rule(who=st.integers(0, OTHERS), steps=st.integers(1, MOST))
    def go(self, who, steps):
        self.plan.turns.append((who, steps))

    @rule(data=st.data(), callback=st.sampled_from(sorted(CALLBACKS)))
    def answer(self, data, callback):
        self.plan.outcomes[callback].append(data.draw(st.sampled_from(["returns", *CALLBACKS[callback]])))

    def teardown(self):
        scenario = Drawn(self.plan, self.package, self.scheduler)
        error = scenario.run()
        if error is not None:
            type(self).failed = self.plan
            raise AssertionError(f"{error}\n{self.plan}\n{scenario.story()}") from error


FOUND = settings(max_examples=300, stateful_step_count=12, deadline=None, database=None)
# The same examples each time. Garbage collections after other tests take long, which says nothing of this one.
AGAIN = settings(FOUND, derandomize=True, suppress_health_check=[HealthCheck.too_slow])


class TestSchedule(ScheduleMachine.TestCase):
    settings = AGAIN


MISTAKES = noticed_by("drawn")


@pytest.mark.exhaustive
@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_shrinks_to_a_few_operations_and_switches(name):
    mistake = MISTAKES[name]

    @seed(0)
    class Mistaken(ScheduleMachine):
        package = load(mistake.edits)
        scheduler = Scheduler()

    once = settings(FOUND, max_examples=250, report_multiple_bugs=False, print_blob=False)
    with pytest.raises(AssertionError, match=f"^{mistake.clause}: "):
        run_state_machine_as_test(Mistaken, settings=once)
    plan = Mistaken.failed
    print(plan)  # pytest -rP shows it
    assert sum(map(len, plan.programs)) <= 6
    assert len(plan.turns) <= 3
