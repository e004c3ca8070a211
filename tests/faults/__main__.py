"""The command `python -m tests.faults`: try every point, and print where a resource is lost."""

from __future__ import annotations

import argparse
import sys
import time
from collections import defaultdict

from tests.faults.bytecodes import FAULTS, Failure, Found, Lost, every, harness
from tests.faults.situations import CASES
from tests.support.package import load
from tests.tables import write


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tests.faults",
        description="Have something happen before each bytecode of the pool, one run for each, and print how many "
        "these were. Then print the points where an interrupt loses the resource that its call is moving.",
    )
    parser.add_argument("name", nargs="?", default="", help="only operations with this in their names")
    parser.add_argument("--fault", choices=FAULTS, action="append", help="only this; may be given again")
    parser.add_argument("--write", action="store_true", help="write both tables into the documentation")
    options = parser.parse_args()
    if options.write and (options.name or options.fault):
        parser.error("--write takes all, so no name and no --fault")
    operations: dict[str, Found] = defaultdict(Found)
    situations: dict[str, int] = defaultdict(int)
    wrong = False
    begin = time.process_time()
    with harness(load()) as made:
        for case in CASES:
            if options.name not in case.operation:
                continue
            try:
                found = every(made, case, tuple(options.fault or FAULTS))
            except Failure as failure:
                print(failure)
                wrong = True
                continue
            operations[case.operation].add(found)
            situations[case.operation] += 1
    lines = ["| operation | situations | points | interrupts | runs |", "|---|--:|--:|--:|--:|"]
    total = Found()
    for operation, found in operations.items():
        total.add(found)
        lines.append(f"| {operation} | {situations[operation]} | {_figures(found)} |")
    lines.append(f"| all | {sum(situations.values())} | {_figures(total)} |")
    lost = lost_table(total.lost)
    print(*lines, "", *lost, sep="\n")
    print(f"\n{time.process_time() - begin:.0f} s of the processor's time, Python {sys.version.split()[0]}")
    if options.write and not wrong:
        write("points", lines)
        write("lost", lost)
    return int(wrong)


def lost_table(lost: set[Lost]) -> list[str]:
    """Where an interrupt loses a resource, and in which operations."""
    places: dict[tuple[str, str], set[str]] = defaultdict(set)
    for function, statement, operation in lost:
        places[function, statement].add(operation)
    return [
        "| in | at | during |",
        "|---|---|---|",
        *(
            f"| `{function}` | `{statement}` | {', '.join(sorted(operations))} |"
            for (function, statement), operations in sorted(places.items())
        ),
    ]


def _figures(found: Found) -> str:
    return f"{found.points:,} | {found.deliveries:,} | {found.runs:,}"


if __name__ == "__main__":
    sys.exit(main())
