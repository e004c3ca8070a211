"""Do the code and the model of the algorithm take the same steps?

The command `python -m tests.schedule.edges` compares them in each scenario that the model has, and prints how many
steps there are.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from tests.schedule import model, projection
from tests.schedule.model import Graph
from tests.schedule.oracle import Scenario
from tests.schedule.projection import CLOCK, EXPIRY, Picture, Stand
from tests.schedule.scenarios import ALL, TWO
from tests.schedule.scheduler import Task, written
from tests.schedule.search import UNBOUNDED, Found, search, trace
from tests.support import inside
from tests.tables import write

Step = tuple[Picture, str, Picture]
# Of those with a timer. In the others two calls of the clock can come at the same time, or it takes too long.
AGED = ("what is old meets a pop", "what is old meets a push, with a floor")
SHOWN = 3  # of the steps that only one of them takes


@dataclass
class Seen:
    """What the code does: pictures and steps, each with the first schedule that led there."""

    start: Picture | None = None
    pictures: dict[Picture, tuple[int, ...]] = field(default_factory=dict)
    steps: dict[Step, tuple[int, ...]] = field(default_factory=dict)
    found: Found = field(default_factory=Found)


def run(scenario: Scenario) -> Seen:
    """Run the scenario under every schedule, up to equivalence.

    That two states which the search takes for one have the same picture is checked; else it would be a failure.
    """
    scheduler = scenario.scheduler
    unlimited = inside.get(inside.UNLIMITED, scenario.package)
    made = model.new(scenario)
    seen = Seen()
    states: dict[int, Picture] = {}
    before: Picture | None = None

    def observe(task: Task | None) -> None:
        nonlocal before
        now = projection.of_code(scenario, unlimited, made)
        state = scenario.state() + scheduler.histories()
        assert states.setdefault(state, now) == now, "two states look the same, and are not"
        if now not in seen.pictures:
            seen.pictures[now] = tuple(scheduler.choices)
        if task is None:
            if not scheduler.choices:
                seen.start = now
        elif now != before:
            assert before is not None
            who = CLOCK if task.name == EXPIRY else task.name
            seen.steps.setdefault((before, who, now), tuple(scheduler.choices))
        before = now

    seen.found = search(scenario, scheduler, observe=observe, failures=UNBOUNDED)
    return seen


@dataclass
class Comparison:
    """The steps of both, those of the code that the model has not, and those of the model that the code never takes."""

    scenario: Scenario
    graph: Graph
    seen: Seen

    def __post_init__(self) -> None:
        self.unknown = sorted(self.seen.steps.keys() - self.graph.steps.keys(), key=self._length)
        # First those that the code could take, in the order in which it gets there.
        self.unseen = sorted(self.graph.steps.keys() - self.seen.steps.keys(), key=self._length)

    def _length(self, step: Step) -> tuple[int, tuple[int, ...], str, str]:
        """Of the first schedule that leads there; what comes after it makes the order the same in each run."""
        schedule = self.seen.steps.get(step) or self.seen.pictures.get(step[0])
        if schedule is None:
            return sys.maxsize, (), step[1], ""
        return len(schedule), schedule, step[1], _changes(step[0], step[2])

    @property
    def same(self) -> bool:
        """Whether both begin alike, take the same steps, and the search went to its end and met no failure."""
        alike = self.graph.start == self.seen.start and not self.unknown and not self.unseen
        return alike and self.seen.found.exhausted and not self.seen.found.failures

    def report(self) -> Iterator[str]:
        """Say what is different, with the schedules that lead there."""
        if self.seen.start is not None and self.graph.start != self.seen.start:
            yield f"They begin in different ways; model -> code: {_changes(self.graph.start, self.seen.start)}"
        if self.unknown:
            yield f"The code takes {len(self.unknown)} steps that are not in the model, such as"
            for before, who, after in self.unknown[:SHOWN]:
                yield f"  {who}: {_changes(before, after)}"
                yield f"    schedule: {written(self.seen.steps[before, who, after])}"
                yield from self._instead(before, who, "model", self.graph.steps)
            yield "The first of them, step by step:"
            choices = self.seen.steps[self.unknown[0]]
            lines = trace(self.scenario, self.scenario.scheduler, choices, self.scenario.package.__path__[0])
            yield from (f"  {line}" for line in lines[: len(choices)])
        if self.unseen:
            yield f"The code never takes {len(self.unseen)} steps of the model, such as"
            for before, who, after in self.unseen[:SHOWN]:
                yield f"  {who}, {self.graph.steps[before, who, after]}: {_changes(before, after)}"
                if before in self.seen.pictures:
                    yield f"    schedule up to there: {written(self.seen.pictures[before])}"
                    yield from self._instead(before, who, "code", self.seen.steps)
                else:
                    yield "    the code never gets there"
        for failure in self.seen.found.failures[:1]:
            yield str(failure)

    def _instead(self, before: Picture, who: str, side: str, steps: Any) -> Iterator[str]:
        if side == "model" and before not in self.graph.pictures:
            yield "    the model never gets there"
            return
        others = [after for start, mover, after in steps if start == before and mover == who]
        for after in others:
            yield f"    the {side} instead: {_changes(before, after)}"
        if not others:
            yield f"    {who} stands still there in the {side}"


def compare(scenario: Scenario, graph: Graph | None = None) -> Comparison:
    """Compare all steps of both; without a graph TLC makes it."""
    return Comparison(scenario, graph or model.explore(scenario), run(scenario))


def _changes(before: Picture, after: Picture) -> str:
    changes = [
        f"{name} {old} -> {new}"
        for name, old, new in zip(before._fields, before, after, strict=True)
        if old != new and name != "threads"
    ]
    stood, stands = dict(before.threads), dict(after.threads)
    for thread in sorted(stood.keys() | stands.keys()):
        nowhere = [None] * len(Stand._fields)  # a second call of the clock
        pairs = zip(Stand._fields, stood.get(thread, nowhere), stands.get(thread, nowhere), strict=True)
        changes += [f"{thread}.{name} {old} -> {new}" for name, old, new in pairs if old != new]
    return "; ".join(changes).replace("frozenset", "")


def names() -> list[str]:
    """The scenarios of two threads that the model has, and that can be searched in every order of steps."""
    return [name for name, make in ALL.items() if (name in TWO and model.has(make())) or name in AGED]


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.schedule.edges", description=__doc__)
    parser.add_argument("name", nargs="?", default="", help="only what has this in its name")
    parser.add_argument("--write", action="store_true", help="write the table into the documentation")
    options = parser.parse_args()
    lines: list[str] = []

    def say(line: str) -> None:
        lines.append(line)
        print(line, flush=True)

    say("| scenario | states of the model | of the code | pictures | steps | unknown | unseen | runs | s |")
    say("|---|--:|--:|--:|--:|--:|--:|--:|--:|")
    totals = [0] * 7
    wrong = False
    for name in names():
        if options.name not in name:
            continue
        started = time.perf_counter()
        result = compare(ALL[name]())
        found = result.seen.found
        figures = [result.graph.states, found.states, len(result.graph.pictures), len(result.graph.steps)]
        figures += [len(result.unknown), len(result.unseen), found.runs]
        totals = [total + figure for total, figure in zip(totals, figures, strict=True)]
        say(f"| {name} | {' | '.join(f'{n:,}' for n in figures)} | {time.perf_counter() - started:.1f} |")
        if not result.same:
            wrong = True
            print(*result.report(), sep="\n", flush=True)
    say(f"| all | {' | '.join(f'{n:,}' for n in totals)} | |")
    if options.write:
        write("edges", lines)
    return int(wrong)


if __name__ == "__main__":
    sys.exit(main())
