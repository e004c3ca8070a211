"""The command `python -m tests.schedule`: search, and print what was searched."""

from __future__ import annotations

import argparse
import sys

from tests.schedule.oracle import Scenario
from tests.schedule.scenarios import ALL, GROUPS, MOST_RUNS
from tests.schedule.scheduler import read, written
from tests.schedule.search import Failure, deepen, search, shortest, trace
from tests.support.mistakes import noticed_by
from tests.support.package import load
from tests.tables import write


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tests.schedule",
        description="Run threads on the pool in every order of their steps, and print how many orders these were. "
        "Seconds are of the processor's time.",
    )
    parser.add_argument("name", nargs="?", default="", help="only what has this in its name")
    parser.add_argument("--bound", type=int, help="up to so many preemptions, instead of as many as in `make verify`")
    parser.add_argument(
        "--runs", type=int, default=MOST_RUNS, help="stop after so many runs of each, if it has a bound"
    )
    parser.add_argument("--all", action="store_true", help="where there is no bound, leave nothing out")
    parser.add_argument("--mutants", action="store_true", help="search mistakes in the pool, and name the clause")
    parser.add_argument("--trace", action="store_true", help="with --mutants: print the shortest schedule of each")
    parser.add_argument("--replay", metavar="SCHEDULE", help="print the steps of this scenario under the schedule")
    parser.add_argument("--write", action="store_true", help="write the table into the documentation")
    options = parser.parse_args()
    if options.write and (options.name or options.bound is not None):
        parser.error("--write takes all, so no name and no --bound")
    if options.replay is not None:
        if options.name not in ALL:
            parser.error(f"there is no scenario {options.name!r}")
        print(*_trace(ALL[options.name](), read(options.replay)), sep="\n")
        return 0
    lines, wrong = _mutants(options) if options.mutants else _schedules(options)
    if options.write:
        write("mutants" if options.mutants else "schedules", lines)
    return int(wrong)


def _schedules(options: argparse.Namespace) -> tuple[list[str], bool]:
    lines: list[str] = []
    _say(lines, "| scenario | threads | preemptions | runs | not run | states | steps | s | schedules/s | steps/s |")
    _say(lines, "|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|")
    wrong = False
    totals = [0, 0, 0, 0, 0.0]
    for threads, (scenarios, most) in GROUPS.items():
        bound = most if options.bound is None else options.bound
        for name, make in scenarios.items():
            if options.name not in name:
                continue
            scenario = make()
            if bound is None:
                found = search(scenario, scenario.scheduler, reduce=not options.all)
            else:
                found = deepen(scenario, scenario.scheduler, bound, options.runs)
            wrong |= bool(found.failures)
            figures = (found.runs, found.known, found.states, found.steps, found.seconds)
            totals = [total + figure for total, figure in zip(totals, figures, strict=True)]
            limit = "any" if bound is None else found.bound
            _say(lines, f"| {name} | {threads} | {limit} | {_figures(*figures)} |")
            if found.failure is not None:
                print(found.failure, *_trace(scenario, found.failure.choices), sep="\n")
    _say(lines, f"| all | | | {_figures(*totals)} |")
    return lines, wrong


def _mutants(options: argparse.Namespace) -> tuple[list[str], bool]:
    lines: list[str] = []
    _say(lines, "| mistake | clause | scenario | preemptions | steps |")
    _say(lines, "|---|---|---|--:|--:|")
    wrong = False
    for name, mistake in noticed_by("schedule").items():
        if options.name not in name:
            continue
        scenario = ALL[mistake.schedule]()
        scenario.use(load(mistake.edits))
        failure: Failure | None = shortest(scenario, scenario.scheduler)
        if failure is None:
            wrong = True
            _say(lines, f"| {name} | **survives** | {mistake.schedule} | | |")
            continue
        clause = str(failure.error).partition(":")[0]
        steps = len(failure.choices)
        _say(lines, f"| {name} | {clause} | {mistake.schedule} | {failure.preemptions} | {steps} |")
        if options.trace:
            print(f"schedule: {written(failure.choices)}", *_trace(scenario, failure.choices), sep="\n")
    return lines, wrong


def _say(lines: list[str], line: str) -> None:
    lines.append(line)
    print(line, flush=True)


def _figures(runs: float, known: float, states: float, steps: float, seconds: float) -> str:
    rates = f"{(runs + known) / max(seconds, 0.001):,.0f} | {steps / max(seconds, 0.001):,.0f}"
    return f"{runs:,} | {known:,} | {states:,} | {steps:,} | {seconds:.1f} | {rates}"


def _trace(scenario: Scenario, choices: list[int] | tuple[int, ...]) -> list[str]:
    return trace(scenario, scenario.scheduler, choices, scenario.package.__path__[0])


if __name__ == "__main__":
    sys.exit(main())
