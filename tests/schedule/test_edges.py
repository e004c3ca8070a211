"""Does the code take exactly the steps of spec/ResourcePoolThreads.tla? And is it noticed if it does not?"""

from __future__ import annotations

from functools import cache

import pytest

from tests.schedule import model, projection
from tests.schedule.edges import compare, names
from tests.schedule.scenarios import ALL
from tests.schedule.scheduler import written
from tests.schedule.search import replay
from tests.support import inside
from tests.support.edits import Edit, replace
from tests.support.mistakes import noticed_by
from tests.support.package import load


@cache
def graph(name, *patches):
    return model.explore(ALL[name](), patches)


def same_steps(name):
    comparison = compare(ALL[name](), graph(name))
    print(len(comparison.graph.steps), "steps")  # pytest -rP shows it
    assert comparison.same, "\n".join(comparison.report())


def test_two_pops_of_one_takes_exactly_the_steps_of_the_specification():
    same_steps("two pops of one")


def test_a_push_that_meets_a_pop_that_waits_for_ever_takes_exactly_the_steps_of_the_specification():
    same_steps("a push meets a pop that waits for ever")


def test_a_push_that_meets_a_timed_pop_takes_exactly_the_steps_of_the_specification():
    same_steps("a push meets a timed pop")


def test_an_eviction_down_to_minsize_that_meets_a_pop_takes_exactly_the_steps_of_the_specification():
    same_steps("an eviction down to minsize meets a pop")


def test_a_close_that_meets_a_push_takes_exactly_the_steps_of_the_specification():
    same_steps("a close meets a push")


def test_maxsize_0_that_meets_a_pop_that_waits_for_ever_takes_exactly_the_steps_of_the_specification():
    same_steps("maxsize=0 meets a pop that waits for ever")


def test_a_handler_that_pushes_amid_a_pop_takes_exactly_the_steps_of_the_specification():
    same_steps("a handler pushes amid a pop")


def test_what_is_old_and_meets_a_push_with_a_floor_takes_exactly_the_steps_of_the_specification():
    same_steps("what is old meets a push, with a floor")


@pytest.mark.exhaustive
@pytest.mark.parametrize("name", names())
def test_each_scenario_that_the_model_has_takes_exactly_the_steps_of_the_specification(name):
    same_steps(name)


# Does it bite?

FOREVER = "a push meets a pop that waits for ever"
DOWN = "an eviction down to minsize meets a pop"
HANDLER = "a handler pushes amid a pop"
MISTAKES = noticed_by("edges")


@pytest.mark.parametrize("name", MISTAKES)
def test_a_pool_that_takes_other_steps_is_noticed(name):
    mistake = MISTAKES[name]
    scenario = ALL[mistake.edges]()
    scenario.use(load(mistake.edits))
    comparison = compare(scenario, graph(mistake.edges))
    lines = list(comparison.report())
    print(*lines, sep="\n")
    assert not comparison.same
    assert bool(comparison.seen.found.failures) == bool(
        mistake.clause
    )  # some break none: no clause says how it is done
    assert lines[0] == f"The code takes {len(comparison.unknown)} steps that are not in the model, such as"
    # The schedule in the message leads to that step.
    first = comparison.unknown[0]
    choices = comparison.seen.steps[first]
    assert f"    schedule: {written(choices)}" in lines
    assert steps_of(scenario, choices)[len(choices) - 1] == first


def steps_of(scenario, choices):
    """The steps that the code takes under this schedule, also those that change nothing in the picture."""
    unlimited = inside.get(inside.UNLIMITED, scenario.package)
    pictures, movers = [], []

    def observe(task):
        pictures.append(projection.of_code(scenario, unlimited, model.new(scenario)))
        movers.append(task and task.name)

    replay(scenario, scenario.scheduler, choices, observe)
    return list(zip(pictures, movers[1:], pictures[1:], strict=False))


OTHER_MODELS = {
    "no look after the lock": (FOREVER, ("NothingMore(f) == len[f] <= limit", "NothingMore(f) == TRUE")),
    "an eviction leaves maxsize": (
        DOWN,
        ("keep' = [keep EXCEPT ![f] = Target]", "keep' = [keep EXCEPT ![f] = MaxSize]"),
    ),
    "who leaves waits again": (HANDLER, ('THEN "tend and leave" ELSE "none"', 'THEN "none" ELSE "none"')),
}


@pytest.mark.parametrize("name", OTHER_MODELS)
def test_a_model_that_takes_other_steps_is_noticed(name):
    scenario_name, patch = OTHER_MODELS[name]
    comparison = compare(ALL[scenario_name](), graph(scenario_name, patch))
    lines = list(comparison.report())
    print(*lines, sep="\n")
    assert not comparison.same
    assert not comparison.seen.found.failures
    assert f"The code never takes {len(comparison.unseen)} steps of the model, such as" in lines


def test_what_the_model_has_not_is_refused():
    with pytest.raises(ValueError, match="do what is not in the model"):
        model.instance(ALL["two allocate"]())


def test_a_patch_of_what_the_model_does_not_hold_is_refused():
    with pytest.raises(ValueError, match=r"ResourcePoolThreads\.tla holds 0 times"):
        graph(FOREVER, ("what is not there", ""))


def test_a_step_of_the_pool_without_a_label_is_shown():
    scenario = ALL["two pops of one"]()
    edit = Edit(inside.POP, replace("direct = not self.$barred", "direct = not self.$barred and not self.$closed"))
    scenario.use(load([edit]))
    comparison = compare(scenario, graph("two pops of one"))
    assert "T1.place pop_barred -> ? read closed in pop" in "\n".join(comparison.report())
