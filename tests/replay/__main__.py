"""Replay graphs of the specification on the pool, and print what was taken."""

from __future__ import annotations

import argparse
import re

from tests.replay.models import MODELS, SPEC
from tests.replay.replay import HEAD, Coverage, replay

DOCUMENTS = SPEC.parent / "docs"
TABLE = re.compile(r"(<!-- replay -->\n).*?(<!-- end -->)", re.DOTALL)


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
        write("\n".join(lines))


def write(table: str) -> None:
    """Write it where the last one stands."""
    for path in DOCUMENTS.glob("*.md"):
        text, number = TABLE.subn(lambda marks: f"{marks[1]}{table}\n{marks[2]}", path.read_text(encoding="utf-8"))
        if number == 1:
            path.write_text(text, encoding="utf-8")
            return
    raise SystemExit(f"no document in {DOCUMENTS} has one place that is marked <!-- replay -->")


if __name__ == "__main__":
    main()
