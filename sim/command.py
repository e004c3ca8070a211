"""The command line: what it takes, and what it prints where."""

from __future__ import annotations

import argparse
import io
import os
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import msgspec
from rich.console import Console
from rich.progress import track

from sim.errors import WorkloadError
from sim.report import show
from sim.schema import schema
from sim.study import VERIFIED, MismatchError, Study, study


def run(arguments: list[str] | None = None) -> int:
    """Run the command; return its exit status.

    That is 0, 2 for what the user has to mend, 1 if the output can't be written, 130 after an interrupt.
    """
    arguments = sys.argv[1:] if arguments is None else arguments
    if arguments[:1] == ["schema"]:
        sys.stdout.write(schema())
        return 0
    parser = argparse.ArgumentParser(
        prog="resourcepool-sim" if Path(sys.argv[0]).stem == "resourcepool-sim" else "python -m sim",
        description="Replay a load through the real pool, and recommend how large it should be, and how long it "
        "should keep what is idle.",
    )
    parser.add_argument("workload", metavar="WORKLOAD.json", type=Path, help="what to replay; see docs/simulator.md")
    parser.add_argument("--json", action="store_true", help="print all figures as one JSON object")
    parser.add_argument(
        "--verify",
        metavar="N",
        type=_natural,
        default=VERIFIED,
        help="replay so many Pareto points through the real pool, if they are from one pass (default: %(default)s)",
    )
    options = parser.parse_args(arguments)
    try:
        result = study(options.workload, _progress, options.verify)
        _print(result, options)
    except WorkloadError as error:
        print(f"{parser.prog}: {error}", file=sys.stderr)
        return 2
    except MismatchError as error:
        print(f"{parser.prog}: {error}; this is a defect of the simulator", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"{parser.prog}: the output can't be written: {error.strerror}", file=sys.stderr)
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # what is left can't be written at exit, either
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


def _print(result: Study, options: argparse.Namespace) -> None:
    console = Console()
    if options.json:
        sys.stdout.write(msgspec.json.format(msgspec.json.encode(result), indent=1).decode() + "\n")
    elif console.is_terminal:
        show(result, options.workload, console)
    else:
        text = io.StringIO()
        show(result, options.workload, Console(file=text, width=1000))
        sys.stdout.writelines(line.rstrip() + "\n" for line in text.getvalue().splitlines())
    sys.stdout.flush()


def _natural(text: str) -> int:
    number = int(text)
    if number < 0:
        raise ValueError
    return number


def _progress(items: Sequence[Any], what: str) -> Iterable[Any]:
    """Show how far it is, from the first second on."""
    console = Console(stderr=True)
    return track(items, what, console=console, transient=True, disable=not console.is_terminal)
