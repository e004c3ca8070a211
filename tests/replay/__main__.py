"""Replay graphs of the specification on the pool, and print what was taken."""

from __future__ import annotations

import argparse

from tests.replay.models import MODELS
from tests.replay.replay import HEAD, Coverage, replay
from tests.tables import write


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.replay", description=__doc__)
    parser.add_argument("name", metavar="MODEL", nargs="*", help=f"{', '.join(MODELS)}; by default all")
    parser.add_argument("--write", action="store_true", help="write the table into the document that has it")
    options = parser.parse_args()
    unknown = [name for name in options.name if name not in MODELS]
    if unknown or (options.write and options.name):
        parser.error(f"there is no {unknown[0]!r}" if unknown else "--write takes all, so no MODEL")
    lines = [HEAD]
    print(HEAD, flush=True)
    coverages = []
    for name in options.name or MODELS:
        coverages.append(replay(name))
        lines.append(coverages[-1].row(f"{name}: {MODELS[name].note.partition(': ')[2]}"))
        print(lines[-1], flush=True)
    lines.append(Coverage(*map(sum, zip(*coverages, strict=True))).row("all"))
    print(lines[-1])
    if options.write:
        write("replay", lines)


if __name__ == "__main__":
    main()
