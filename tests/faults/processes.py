"""Run processes that fork or end, each way at each step, and print how many: `python -m tests.faults.processes`."""

from __future__ import annotations

import sys
from itertools import product
from pathlib import Path

from tests.faults.occupied import OPERATIONS
from tests.helpers import python
from tests.tables import write

ROOT = Path(__file__).parents[2]
WAYS = {
    "fork": "another thread is there, and the child ends as any process does",
    "nested": "the same, and the child forks at once and when it has used its pool",
    "multiprocessing": "the same, with `multiprocessing`",
    "amid": "the thread itself is there, as in a signal handler, and goes on in both",
}
LIMIT = 100  # seconds for a process with all that it starts


def process(module: str, *arguments: str) -> str:
    """What a process prints, which has to complain of nothing.

    Raises:
        AssertionError: it does complain.
    """
    code = f"""
        import sys
        sys.path.insert(0, {str(ROOT)!r})
        from tests.faults.{module} import main_with, run
        main_with(run, *{arguments!r})
    """
    done = python(code, timeout=LIMIT)
    assert not done.stderr, done.stderr
    assert done.returncode == 0
    return done.stdout


def main() -> None:
    lines = ["| what comes | where | processes |", "|---|---|--:|"]
    forks = dict.fromkeys(WAYS, 0)
    for way, name in product(WAYS, OPERATIONS):
        forks[way] += int(process("forks", way, name))
    lines += [
        f"| a fork, {way} | at each step of an operation: {WAYS[way]} | {number:,} |" for way, number in forks.items()
    ]
    number = sum(int(process("exits", "amid", name)) for name in OPERATIONS)
    lines.append(f"| the end, in five ways | a daemon thread is at each step of an operation | {number:,} |")
    number = sum(int(process("exits", "of", name)) for name in ("dealloc", "late", "busy"))
    lines.append(f"| the end, in five ways | a `dealloc` with a fault; a late push; busy daemon threads | {number:,} |")
    print(*lines, sep="\n")
    if sys.argv[1:] == ["--write"]:
        write("processes", lines)


if __name__ == "__main__":
    main()
