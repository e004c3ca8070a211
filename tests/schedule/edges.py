"""Do the code and the model of the algorithm take the same steps?"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from tests.schedule import model, projection
from tests.schedule.oracle import Scenario
from tests.schedule.projection import Picture
from tests.schedule.scheduler import Task, written
from tests.schedule.search import Found, search, trace

Step = tuple[Picture, str, Picture]


@dataclass
class Seen:
    """What the code does: pictures, and steps with the first schedule that led to each of them."""

    found: Found
    start: Picture | None = None
    pictures: set[Picture] = field(default_factory=set)
    steps: dict[Step, tuple[int, ...]] = field(default_factory=dict)


def run(scenario: Scenario) -> Seen:
    """Run the scenario under every schedule, up to equivalence.

    Raises:
        AssertionError: two states that the search takes for the same have different pictures.
    """
    scheduler = scenario.scheduler
    pools: Any = __import__("sys").modules[f"{scenario.package.__name__}._pool"]
    made = model.new(scenario)
    seen = Seen(Found())
    states: dict[int, Picture] = {}
    before: Picture | None = None

    def observe(task: Task | None) -> None:
        nonlocal before
        now = projection.of_code(scenario, pools.UNLIMITED, made)
        state = hash((scenario.state(), tuple([other.history for other in scheduler.tasks])))
        assert states.setdefault(state, now) == now, "the search takes two states for one that are not"
        seen.pictures.add(now)
        if task is None:
            if not scheduler.choices:
                seen.start = now
        elif now != before:
            assert before is not None
            step = before, task.name, now
            if step not in seen.steps:
                seen.steps[step] = tuple(scheduler.choices)
        before = now

    seen.found = search(scenario, scheduler, observe=observe)
    return seen
