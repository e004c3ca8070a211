"""A pool under the scheduler, with all given: what threads call, what callbacks do, and who takes steps when."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import accumulate
from types import ModuleType
from typing import Any

from tests.schedule.oracle import CallbackRaised, Scenario
from tests.schedule.scheduler import Scheduler, Task
from tests.schedule.search import trace

THREADS = 3
OTHERS = THREADS  # who takes steps is a thread, or what is due: expiries, a handler, an interrupt


@dataclass
class Plan:
    """All that was drawn.

    Attributes:
        settings: of `Scenario`.
        programs: what each thread calls.
        turns: who takes steps, and how many at most. When they are over, each goes on as far as it can.
        outcomes: of the calls of each callback, in their order; those after them do what is usual.
    """

    settings: dict[str, Any] = field(default_factory=dict)
    programs: list[list[str]] = field(default_factory=lambda: [[] for _ in range(THREADS)])
    turns: list[tuple[int, int]] = field(default_factory=list)
    outcomes: dict[str, list[str]] = field(default_factory=lambda: {"check": [], "alloc": [], "dealloc": []})

    def __str__(self) -> str:
        outcomes = {name: some for name, some in self.outcomes.items() if some}
        return f"{self.settings}, threads {self.programs}, turns {self.turns}, callbacks {outcomes}"


class Drawn(Scenario):
    """A plan, on the pool of this package."""

    def __init__(self, plan: Plan, package: ModuleType, scheduler: Scheduler) -> None:
        self.plan = plan
        self._given = package, scheduler
        super().__init__(**plan.settings)
        self.threads, self.checks = plan.programs, True

    def use(self, package: Any = None, scheduler: Scheduler | None = None) -> Scheduler:
        return super().use(*self._given)

    def run(self) -> BaseException | None:
        """Run as planned. Return what went wrong."""
        self.scheduler.decide = self._decide
        logger = logging.getLogger("ya.resourcepool")
        logger.disabled = True  # K2 logs what `dealloc` raises
        try:
            return self.scheduler.run(self.build)
        finally:
            logger.disabled = False
            self.scheduler.decide = self.scheduler.go_on

    def story(self) -> str:
        """What each thread did, one line a step."""
        choices = list(self.scheduler.choices)
        logger = logging.getLogger("ya.resourcepool")
        logger.disabled = True
        try:
            return "\n".join(trace(self, self.scheduler, choices, self.package.__path__[0]))
        finally:
            logger.disabled = False

    def build(self, scheduler: Scheduler) -> Any:
        self._turns = self.plan.turns[::-1]
        self._outcomes = {name: iter(outcomes) for name, outcomes in self.plan.outcomes.items()}
        return super().build(scheduler)

    def _decide(self) -> Task | None:
        self.observe()
        tasks = self.scheduler.tasks
        while self._turns:
            who, steps = self._turns.pop()
            for task in tasks[OTHERS:] if who == OTHERS else tasks[who : who + 1]:
                if steps and task.can_go():
                    self._turns.append((who, steps - 1))
                    return task
        return self.scheduler.go_on()

    def due(self, entries: Iterable[tuple[float, str]]) -> set[str]:
        # What a push brings that was held up is due when what lies below it is.
        found = list(entries)
        stamps = accumulate([stamp for stamp, _ in found], max)
        return super().due(zip(stamps, [resource for _, resource in found], strict=True))

    def _alloc(self) -> str:
        if next(self._outcomes["alloc"], "") == "raises":
            self._callback("alloc")
            raise CallbackRaised("alloc raised")
        return super()._alloc()

    def _check(self, resource: str) -> bool:
        outcome = next(self._outcomes["check"], "")
        self.dead, self.raising = [[resource] if outcome == kind else [] for kind in ("dead", "raises")]
        return super()._check(resource)

    def _dealloc(self, resource: str) -> None:
        outcome = next(self._outcomes["dealloc"], "")
        super()._dealloc(resource)
        if outcome == "raises":
            raise CallbackRaised("dealloc raised")
        if outcome == "pushes":
            self._call("new", [], [])
