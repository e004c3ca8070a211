"""The command line: what it takes, and what it prints where."""

from __future__ import annotations

import argparse
import csv
import importlib.util
import io
import os
import signal
import sys
from collections.abc import Iterator
from concurrent.futures import Executor, ProcessPoolExecutor
from contextlib import contextmanager
from importlib import import_module
from multiprocessing import active_children, get_context
from pathlib import Path
from typing import Any

import msgspec
from rich.console import Console

from sim.errors import MissingError, WorkloadError
from sim.files import write_whole
from sim.importers import FORMATS, import_log
from sim.page import page
from sim.progress import Bar
from sim.report import show
from sim.schema import schema
from sim.study import VERIFIED, MismatchError, Study, study
from sim.words import count

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
        if arguments[:1] == ["import"]:
            return _import(_import_parser(f"{name} import").parse_args(arguments[1:]))
        return _study(_parser(name).parse_args(arguments), name)
    except WorkloadError as error:
        print(f"{name}: {error}", file=sys.stderr)
        return 2
    except MissingError as error:
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
        epilog=f"{name} import FILE makes such a file of a log; {name} schema prints the JSON Schema of these files.",
    )
    parser.add_argument("workload", metavar="WORKLOAD.json", type=Path, help="what to replay; see docs/simulator.md")
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="print all figures as one JSON object")
    form.add_argument("--csv", action="store_true", help="print a row for each setting, as CSV")
    parser.add_argument("--output", metavar="FILE", type=Path, help="write there what would be printed")
    parser.add_argument("--plot", metavar="DIR", type=Path, help="write plots there, as SVG")
    parser.add_argument("--report", metavar="FILE.html", type=Path, help="write all of it there, as one page")
    parser.add_argument(
        "--verify",
        metavar="N",
        type=_natural,
        default=VERIFIED,
        help="replay so many Pareto points through the real pool, if they are from one pass (default: %(default)s)",
    )
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--dask", metavar="ADDRESS", help="replay on the Dask cluster at this address")
    where.add_argument(
        "--jobs", metavar="N", type=_natural, default=1, help="replay in so many processes (default: %(default)s)"
    )
    return parser


def _import_parser(name: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog=name, description="Make a workload file, and a trace beside it, of a log.")
    parser.add_argument("log", metavar="FILE", type=Path, help="the log; gzipped, if it ends in .gz")
    parser.add_argument("--format", choices=["csv", *FORMATS], help="of the log (default: as it looks)")
    parser.add_argument(
        "--columns",
        metavar="NAMES",
        help="of a CSV file: the columns, as in arrival=start,end=stop,key=user; two of arrival, hold and end",
    )
    parser.add_argument("--unit", choices=["s", "ms", "us", "ns"], default="s", help="of a CSV file")
    parser.add_argument(
        "--output", metavar="FILE.json", type=Path, help="the workload file (default: named like the log, here)"
    )
    return parser


def _import(options: argparse.Namespace) -> int:
    name = options.log.name.removesuffix(".gz")
    if not (name or options.output):
        raise WorkloadError(options.log, "has no name for the workload to be named like; name one with --output")
    output = options.output or Path(name).with_suffix(".json")
    columns = None
    if options.columns is not None:
        columns = dict(each.partition("=")[::2] for each in options.columns.split(","))
    number = import_log(options.log, output, options.format, columns, options.unit)
    print(f"{count(number, 'acquire')} imported to {output}")
    return 0


def _natural(text: str) -> int:
    if not (text.isascii() and text.isdigit()):
        raise argparse.ArgumentTypeError(f"{text!r} is not allowed; expected a whole number from 0 on")
    return int(text)


def _study(options: argparse.Namespace, name: str) -> int:
    if options.plot or options.report:
        _require("matplotlib", "plot")
    if options.dask:
        _require("distributed", "dask")
    with Bar() as bar, _executor(options) as executor:
        result = study(options.workload, bar, options.verify, executor)
        if options.plot or options.report:
            (drawings,) = [_draw(options.workload, result) for _ in bar([0], "Drawing")]
    if options.plot:
        options.plot.mkdir(parents=True, exist_ok=True)
        for title, drawing in drawings.items():
            write_whole(options.plot / f"{title}.svg", drawing.encode())
    if options.report:
        write_whole(options.report, page(options.workload, result, drawings).encode())
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


def _require(module: str, extra: str) -> None:
    if importlib.util.find_spec(module) is None:
        raise MissingError(f"this needs {module}: pip install 'ya.resourcepool[{extra}]'")


def _draw(path: Path, result: Study) -> dict[str, str]:
    from sim.plots import draw  # who draws nothing needs no matplotlib

    return draw(path, result)


@contextmanager
def _executor(options: argparse.Namespace) -> Iterator[Executor | None]:
    """Where the replays run; None is here."""
    if options.dask:
        try:
            client: Any = import_module("distributed").Client(options.dask)
        except (OSError, ValueError) as error:
            raise MissingError(f"there is no Dask cluster at {options.dask}: {error}") from None
        with client:
            yield client.get_executor()
    elif options.jobs < 2:
        yield None
    else:
        # Not forked: the bar has a thread. An interrupt is for this process.
        context = get_context("spawn")
        executor = ProcessPoolExecutor(options.jobs, context, signal.signal, (signal.SIGINT, signal.SIG_IGN))
        try:
            yield executor
        finally:
            executor.shutdown(wait=False, cancel_futures=True)
            for process in active_children():  # after an interrupt they are in the midst of what nobody waits for
                process.terminate()


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
