"""The command line: what it takes, and what it prints where."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable
from pathlib import Path

import msgspec
from rich.console import Console
from rich.progress import track

from sim.errors import WorkloadError
from sim.replay import Setting
from sim.report import show
from sim.study import study


def run(arguments: list[str] | None = None) -> int:
    """Run the command; return its exit status: 0, or 2 for what the user has to mend."""
    parser = argparse.ArgumentParser(
        prog="python -m sim",
        description="Replay a load through the real pool, and recommend how large it should be, and how long it "
        "should keep what is idle.",
    )
    parser.add_argument("workload", metavar="WORKLOAD.json", type=Path, help="what to replay; see docs/simulator.md")
    parser.add_argument("--json", action="store_true", help="print all figures as one JSON object")
    options = parser.parse_args(arguments)
    try:
        result = study(options.workload, _progress)
    except WorkloadError as error:
        print(f"{parser.prog}: {error}", file=sys.stderr)
        return 2
    if options.json:
        sys.stdout.write(msgspec.json.format(msgspec.json.encode(result), indent=1).decode() + "\n")
    else:
        console = Console()
        show(result, options.workload, console if console.is_terminal else Console(width=1000))
    return 0


def _progress(settings: list[Setting]) -> Iterable[Setting]:
    console = Console(stderr=True)
    return track(settings, "Replaying", console=console, transient=True, disable=not console.is_terminal)
