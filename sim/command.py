"""The command line: what it takes, and what it prints where."""

from __future__ import annotations

import argparse
import csv
import io
import os
import signal
import sys
from collections.abc import Iterator
from concurrent.futures import Executor, ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context
from pathlib import Path

import msgspec
from rich.console import Console

from sim.errors import WorkloadError
from sim.files import write_whole
from sim.progress import Bar
from sim.report import show
from sim.schema import schema
from sim.study import VERIFIED, MismatchError, Study, study

INTERRUPTED = 130


def run(arguments: list[str]) -> int:
    """Run the command; return its exit status.

    That is 0, 2 for what the user has to mend, 1 if the output can't be written, 130 after an interrupt.
    """
    name = "resourcepool-sim" if Path(sys.argv[0]).stem == "resourcepool-sim" else "python -m sim"
    try:
        if arguments[:1] == ["schema"]:
            sys.stdout.write(schema())
            sys.stdout.flush()
            return 0
        return _study(_parser(name).parse_args(arguments), name)
    except WorkloadError as error:
        print(f"{name}: {error}", file=sys.stderr)
        return 2
    except MismatchError as error:
        print(f"{name}: {error}; this is a defect of the simulator", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"{name}: the output can't be written: {error.strerror}", file=sys.stderr)
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # what is left can't be written at exit, either
        return 1
    except KeyboardInterrupt:
        print(f"{name}: interrupted, and no setting is finished", file=sys.stderr)
        return INTERRUPTED


def _parser(name: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=name,
        description="Replay a load through the real pool, and recommend how large it should be, and how long it "
        "should keep what is idle.",
        epilog=f"{name} schema prints the JSON Schema of the workload file.",
    )
    parser.add_argument("workload", metavar="WORKLOAD.json", type=Path, help="what to replay; see docs/simulator.md")
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="print all figures as one JSON object")
    form.add_argument("--csv", action="store_true", help="print a row for each setting, as CSV")
    parser.add_argument("--output", metavar="FILE", type=Path, help="write there what would be printed")
    parser.add_argument(
        "--verify",
        metavar="N",
        type=_natural,
        default=VERIFIED,
        help="replay so many Pareto points through the real pool, if they are from one pass (default: %(default)s)",
    )
    parser.add_argument(
        "--jobs", metavar="N", type=_natural, default=1, help="replay in so many processes (default: %(default)s)"
    )
    return parser


def _natural(text: str) -> int:
    number = int(text)
    if number < 0:
        raise ValueError
    return number


def _study(options: argparse.Namespace, name: str) -> int:
    with Bar() as bar, _processes(options.jobs) as executor:
        result = study(options.workload, bar, options.verify, executor)
    text = _text(result, options)
    if options.output is None:
        sys.stdout.write(text)
        sys.stdout.flush()
    else:
        write_whole(options.output, text.encode())
    if result["unfinished"]:
        finished = len(result["rows"])
        print(
            f"{name}: interrupted when {finished} of {finished + result['unfinished']} settings were finished; "
            "the others are left out",
            file=sys.stderr,
        )
        return INTERRUPTED
    return 0


@contextmanager
def _processes(jobs: int) -> Iterator[Executor | None]:
    if jobs < 2:
        yield None
        return
    # Not forked: the bar has a thread. An interrupt is for this process.
    executor = ProcessPoolExecutor(jobs, get_context("spawn"), signal.signal, (signal.SIGINT, signal.SIG_IGN))
    try:
        yield executor
    finally:
        executor.shutdown(cancel_futures=True)


def _text(result: Study, options: argparse.Namespace) -> str:
    if options.json:
        return msgspec.json.format(msgspec.json.encode(result), indent=1).decode() + "\n"
    text = io.StringIO()
    if options.csv:
        rows = [{name: value for name, value in row.items() if name != "intervals"} for row in result["rows"]]
        writer = csv.DictWriter(text, rows[0], lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
        return text.getvalue()
    console = Console()
    if options.output is None and console.is_terminal:
        with console.capture() as capture:
            show(result, options.workload, console)
        return capture.get()
    show(result, options.workload, Console(file=text, width=1000))
    return "".join(line.rstrip() + "\n" for line in text.getvalue().splitlines())
