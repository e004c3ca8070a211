"""Record, have TLC look, and print the figures: `python -m tests.traces [SEED]`."""

from __future__ import annotations

import sys
import time

from spec.tools import find_tools
from tests.traces.recorder import RUN, kinds, record
from tests.traces.validation import explain, validate


def main(arguments: list[str]) -> int:
    seed = int(arguments[0]) if arguments else 20_000
    tools = find_tools()
    began = time.monotonic()
    histories = record(RUN, seed)
    recording = time.monotonic() - began
    verdict = validate(tools, histories)
    rejected = [history for i, history in enumerate(histories) if i not in verdict.accepted]
    events = sum(len(history.events) for history in histories)
    print(f"seed {seed}: {len(histories):,} histories with {events:,} events, recorded in {recording:.1f} s")
    print(f"calls overlap in {sum(history.overlaps for history in histories):,}")
    print(
        f"accepted {len(verdict.accepted):,}, in {verdict.seconds:.1f} s; TLC went through {verdict.distinct:,} states"
    )
    for settings, number in RUN.items():
        seen = kinds([history for history in histories if history.settings == settings])
        print(f"{number:>6} {settings.name}: " + ", ".join(f"{n:,} {kind}" for kind, n in sorted(seen.items())))
    for rejection in explain(tools, rejected[:3]) if rejected else ():
        print(f"\n{rejection}")
    return int(bool(rejected))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
