"""The command line: what it takes, what it prints where, and its exit status."""

from __future__ import annotations

import argparse
import difflib
import io
import os
import signal
import sys
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from spec import mutation
from spec.errors import SpecError
from spec.manifest import DEADLOCK, FIGURES, OK, Model, read_manifest, write_figures
from spec.runs import Display, bounded
from spec.tlc import ERROR, Outcome, Tlc
from spec.tools import find_tools
from spec.trace import readable

FOLDER = Path(__file__).parent
PROG = "python -m spec"


def run(arguments: list[str], folder: Path = FOLDER) -> int:
    """Run the command; return its exit status.

    That is 0, 1 if something differs from what is expected, 2 for what the user has to mend, 130 after an interrupt.
    """
    # So that Java is ended, too, if somebody ends this.
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        if arguments[:1] == ["mutants"]:
            return mutation.run(arguments[1:], folder, f"{PROG} mutants")
        return _models(arguments, folder)
    except SpecError as error:
        print(f"{PROG}: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130
    finally:
        signal.signal(signal.SIGTERM, before)


def _models(arguments: list[str], folder: Path) -> int:
    parser = argparse.ArgumentParser(
        prog=PROG,
        description="Check the models of spec/manifest.toml with TLC, and compare what it finds with what is written "
        "there. `python -m spec mutants --help` is about the mutants of the modules.",
    )
    parser.add_argument("name", metavar="NAME", nargs="*", help="check this model; by default all that are not large")
    parser.add_argument("--all", action="store_true", help="also the large ones")
    parser.add_argument("--jobs", metavar="N", type=int, default=os.cpu_count() or 1, help="keep N processors busy")
    parser.add_argument("--trace", action="store_true", help="print the counterexample of each NAME that has one")
    parser.add_argument("--update", action="store_true", help="write the figures that were found into the manifest")
    parser.add_argument("--list", action="store_true", help="check nothing, list the models")
    options = parser.parse_args(arguments)
    if options.trace and not options.name:
        parser.error("--trace takes the NAME of a model")
    if options.all and options.name:
        parser.error("--all takes no NAME")
    if options.jobs < 1:
        parser.error("--jobs takes a number >= 1")
    path = folder / "manifest.toml"
    models = _choose(read_manifest(path), options.name, options.all or options.list)
    if options.list:
        _print([_listed(model) for model in models], ("model", "", "expected", "for"))
        return 0
    finished: dict[Model, Outcome] = {}
    tlc = Tlc(find_tools(), folder)
    try:
        _check(tlc, models, finished, options.jobs)
    except KeyboardInterrupt:
        if finished:
            _print([_row(model, finished[model]) for model in models if model in finished])
        print("interrupted; not finished: " + ", ".join(model.name for model in models if model not in finished))
        raise
    _print([_row(model, finished[model]) for model in models])
    wrong = False
    updates: dict[str, dict[str, int]] = {}
    for model in models:
        outcome = finished[model]
        problems = differences(model, outcome)
        if options.update and outcome.result == model.result:
            new = updates[model.name] = new_figures(model, outcome)
            problems = [problem for problem in problems if problem.partition(":")[0] not in new]
        wrong |= bool(problems)
        _report(model, outcome, problems, options.trace)
    if options.update:
        write_figures(path, updates)
        for name, figures in updates.items():
            for key, value in figures.items():
                print(f"{name}: {key} is now {value}")
    return int(wrong)


def _choose(models: list[Model], names: Sequence[str], large: bool) -> list[Model]:
    if not names:
        return [model for model in models if large or not model.large]
    known = [model.name for model in models]
    for name in names:
        if name not in known:
            close = difflib.get_close_matches(name, known, 1)
            hint = f"did you mean {close[0]!r}?" if close else f"--list lists the {len(known)} that there are"
            raise SpecError(f"there is no model {name!r}; {hint}")
    return [model for model in models if model.name in names]


def _check(tlc: Tlc, models: list[Model], finished: dict[Model, Outcome], jobs: int) -> None:
    """Check them, the largest first, so that no processor is left waiting at the end."""
    order = sorted(models, key=lambda model: (model.large, model.distinct or 0), reverse=True)
    with Display(len(models)) as display:

        def check(model: Model) -> Outcome:
            display.begin(model.name)
            return tlc.check(model)

        with closing(bounded(order, lambda model: model.workers, jobs, check, tlc.stop)) as outcomes:
            for model, outcome in outcomes:
                finished[model] = outcome
                display.end(model.name, f"{model.name}: {_result(model, outcome)}, {outcome.seconds:.1f} s")


def differences(model: Model, outcome: Outcome) -> list[str]:
    """What differs from the manifest, a line each."""
    if outcome.result != model.result:
        return [f"result: expected {_said(model.result)}, found {_said(outcome.result)}"]
    # https://github.com/tlaplus/tlaplus/issues/971
    several = ["workers: with several TLC can miss violations of temporal properties; expected 1"]
    return several * (outcome.temporal and model.workers > 1) + [
        f"{figure}: expected {getattr(model, figure)}, found {getattr(outcome, figure)}"
        if getattr(model, figure) is not None
        else f"{figure}: not in the manifest, found {getattr(outcome, figure)}; --update writes it"
        for figure in model.exact
        if getattr(model, figure) != getattr(outcome, figure)
    ]


def new_figures(model: Model, outcome: Outcome) -> dict[str, int]:
    """What an update has to write: what differs, and what is not the same in every run if nothing is there yet."""
    wanted = FIGURES if model.result == OK else ("depth",)
    return {
        figure: getattr(outcome, figure)
        for figure in wanted
        if getattr(model, figure) != getattr(outcome, figure)
        and (figure in model.exact or getattr(model, figure) is None)
    }


def _said(result: str) -> str:
    return result if result in (OK, DEADLOCK, ERROR) else f"{result} violated"


def _result(model: Model, outcome: Outcome) -> str:
    said = _said(outcome.result)
    return said if outcome.result == model.result else f"{said}, expected {_said(model.result)}"


def _row(model: Model, outcome: Outcome) -> list[str]:
    figures = [getattr(outcome, figure) for figure in FIGURES]
    numbers = ["" if figure is None else f"{figure:,}" for figure in figures]
    mark = "!" if differences(model, outcome) else ""
    return [mark, model.name, _result(model, outcome), *numbers, f"{outcome.seconds:.1f}"]


def _listed(model: Model) -> list[str]:
    return [model.name, "large" if model.large else "", _said(model.result), model.note]


def _print(rows: list[list[str]], columns: tuple[str, ...] = ("", "model", "result", *FIGURES, "time, s")) -> None:
    """Print a table; without a terminal it is as wide as it has to be."""
    table = Table(box=SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False)
    for name in columns:
        table.add_column(name, justify="right" if name in (*FIGURES, "time, s") else "left")
    for row in rows:
        table.add_row(*row, style="bold red" if row[0] == "!" else None)
    console = Console(markup=False, highlight=False)
    if console.is_terminal:
        console.print(table)
        return
    text = io.StringIO()
    Console(file=text, width=1000, markup=False, highlight=False).print(table)
    print("\n".join(line.rstrip() for line in text.getvalue().splitlines() if line.strip()))


def _report(model: Model, outcome: Outcome, problems: list[str], wanted: bool) -> None:
    """Print what differs; an unexpected counterexample, and one that is wanted."""
    unexpected = outcome.result != model.result
    if problems:
        print(f"\n{model.name} differs from the manifest:")
    for line in [*problems, *outcome.errors]:
        print(f"  {line}")
    if outcome.trace and (unexpected or wanted):
        print(f"\n{model.name}: {_said(outcome.result)}")
        print("\n".join(readable(outcome.trace)))
    elif wanted:
        print(f"\n{model.name}: {_said(outcome.result)}; there is no counterexample")
