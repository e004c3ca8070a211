"""The command `python -m tests.schedule`: search, and print what was searched."""

from __future__ import annotations

import argparse
import sys

from tests.schedule.mutants import MUTANTS
from tests.schedule.oracle import Scenario
from tests.schedule.scenarios import FOUR, GROUPS, THREE, TWO
from tests.schedule.scheduler import read, written
from tests.schedule.seam import load
from tests.schedule.search import search, shortest, trace

SCENARIOS = {**TWO, **THREE, **FOUR}


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tests.schedule",
        description="Run threads on the pool in every order of their steps, and print how many orders these were. "
        "Seconds are of the processor's time.",
    )
    parser.add_argument("name", nargs="?", default="", help="only what has this in its name")
    parser.add_argument("--bound", type=int, help="this many preemptions, instead of those that `make verify` takes")
    parser.add_argument("--runs", type=int, help="stop after so many runs of each scenario")
    parser.add_argument(
        "--mutants", action="store_true", help="search mistakes in the pool instead, and name the clause"
    )
    parser.add_argument("--trace", action="store_true", help="with --mutants: print the shortest schedule of each")
    parser.add_argument("--replay", metavar="SCHEDULE", help="print the steps of the one scenario under this schedule")
    options = parser.parse_args()
    if options.replay is not None:
        scenario = SCENARIOS[options.name]()
        print(*_trace(scenario, read(options.replay)), sep="\n")
        return 0
    return _mutants(options.name, options.trace) if options.mutants else _table(options)


def _table(options: argparse.Namespace) -> int:
    print("| scenario | threads | preemptions | runs | states | steps | s | runs/s |")
    print("|---|--:|--:|--:|--:|--:|--:|--:|")
    failed = 0
    totals = [0, 0, 0, 0.0]
    for threads, (scenarios, most) in GROUPS.items():
        bound = most if options.bound is None else options.bound
        for name, make in scenarios.items():
            if options.name not in name:
                continue
            scenario = make()
            found = search(scenario, scenario.scheduler, bound=bound, runs=options.runs)
            limit = "any" if bound is None else str(bound)
            cut = "" if found.exhausted else " (stopped)"
            figures = (found.runs, found.states, found.steps, found.seconds)
            totals = [total + figure for total, figure in zip(totals, figures, strict=True)]
            print(f"| {name}{cut} | {threads} | {limit} | {_figures(*figures)} |", flush=True)
            if found.failure is not None:
                failed += 1
                print(found.failure, *_trace(scenario, found.failure.choices), sep="\n")
    print(f"| all | | | {_figures(*totals)} |")
    return int(failed > 0)


def _figures(runs: float, states: float, steps: float, seconds: float) -> str:
    return f"{runs:,} | {states:,} | {steps:,} | {seconds:.1f} | {runs / max(seconds, 0.001):,.0f}"


def _mutants(part: str, traced: bool) -> int:
    print("| mistake | clause | scenario | preemptions | steps |")
    print("|---|---|---|--:|--:|")
    survivors = 0
    for name, mutant in MUTANTS.items():
        if part not in name:
            continue
        scenario = SCENARIOS[mutant.scenario]()
        scenario.use(load(mutant.patches))
        failure = shortest(scenario, scenario.scheduler)
        if failure is None:
            survivors += 1
            print(f"| {name} | **survives** | {mutant.scenario} | | |")
            continue
        clause = str(failure.error).partition(":")[0]
        print(f"| {name} | {clause} | {mutant.scenario} | {failure.preemptions} | {len(failure.choices)} |", flush=True)
        if traced:
            print(f"schedule: {written(failure.choices)}", *_trace(scenario, failure.choices), sep="\n")
    return int(survivors > 0)


def _trace(scenario: Scenario, choices: list[int] | tuple[int, ...]) -> list[str]:
    return trace(scenario, scenario.scheduler, choices, scenario.package.__path__[0])


if __name__ == "__main__":
    sys.exit(main())
