"""Replay the graphs, and print what was taken: `python -m tests.replay [MODEL...]`."""

from __future__ import annotations

import sys

from tests.replay.models import MODELS
from tests.replay.replay import HEAD, Coverage, replay


def main(names: list[str]) -> None:
    """Replay these models, by default all."""
    print(HEAD)
    rows = []
    for name in names or MODELS:
        rows.append(replay(name))
        print(rows[-1].row(name), flush=True)
    print(Coverage(*map(sum, zip(*rows, strict=True))).row("all"))


if __name__ == "__main__":
    main(sys.argv[1:])
