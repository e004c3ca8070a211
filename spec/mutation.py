"""The command `python -m spec mutants`, and its settings."""

from __future__ import annotations

import argparse
import os
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

from spec import results
from spec.errors import SpecError
from spec.manifest import DEADLOCK, OK, Model, read_manifest
from spec.mutants import Mutant, mutants_of
from spec.report import Equivalent, is_wrong, markdown, report, said
from spec.runs import Display
from spec.settings import check_keys, read_tables
from spec.tlc import Tlc
from spec.tools import find_tools
from spec.verdicts import Judge, Verdict

DOCUMENT = Path("docs", "mutants.md")
MARKS = re.compile(r"(<!-- specification mutants -->\n).*?(<!-- end -->)", re.DOTALL)


@dataclass(frozen=True)
class Module:
    """A module to mutate."""

    name: str
    models: tuple[Model, ...]  # those that may kill its mutants, in the order in which they try
    full: tuple[Model, ...]  # those that are run to their end on who survives that
    more: tuple[tuple[str, tuple[Model, ...]], ...]  # for definitions of such names: those that are run so, too
    live: tuple[Model, ...]  # those that are run at last, on one mutant at a time
    also: tuple[str, ...]  # definitions to mutate although nothing in them is primed
    first: tuple[tuple[str, tuple[Model, ...]], ...]  # for definitions of such names: those that try before the others

    def models_for(self, mutant: Mutant) -> list[Model]:
        """The models that may kill it, in the order in which they try."""
        return _once([*_apt(mutant, self.first), *self.models])

    def in_full_for(self, mutant: Mutant) -> list[Model]:
        """The models that are run to their end on it."""
        return _once([*self.full, *_apt(mutant, self.more)])


def _apt(mutant: Mutant, table: tuple[tuple[str, tuple[Model, ...]], ...]) -> list[Model]:
    return [model for pattern, models in table if fnmatch(mutant.definition, pattern) for model in models]


def _once(models: list[Model]) -> list[Model]:
    return list({model.name: model for model in models}.values())


def run(arguments: list[str], folder: Path, prog: str) -> int:
    """Run the command; return its exit status, which is 1 if a mutant survives that is not said to be equivalent.

    Raises:
        SpecError: what the user has to mend.
    """
    parser = argparse.ArgumentParser(
        prog=prog,
        description="Mutate the actions of a module, and see whether the properties that are checked notice. "
        "spec/mutants.toml says which models are run, and which mutants are equivalent.",
    )
    parser.add_argument("module", metavar="MODULE", nargs="?", help="mutate this module only")
    parser.add_argument("--jobs", metavar="N", type=int, default=os.cpu_count() or 1, help="run N at a time")
    parser.add_argument("--only", metavar="SUBSTRING", default="", help="run the mutants with this in their name only")
    parser.add_argument(
        "--write", action="store_true", help=f"keep what is found in spec/{results.FILE}, and write {DOCUMENT} anew"
    )
    parser.add_argument("--new", action="store_true", help=f"run those only that spec/{results.FILE} knows no end of")
    parser.add_argument("--quick", action="store_true", help="look at the first states of each model only")
    parser.add_argument("--list", action="store_true", help="run nothing, list the mutants")
    options = parser.parse_args(arguments)
    if options.jobs < 1:
        parser.error("--jobs takes a number >= 1")
    document = folder.parent / DOCUMENT
    if options.write:
        _text_with_marks(document)  # better now than in the end
    modules, equivalents = read_settings(folder)
    if options.module and options.module not in {module.name for module in modules}:
        raise SpecError(f"mutants.toml has no module {options.module!r}; it has {', '.join(m.name for m in modules)}")
    chosen: dict[Mutant, Module] = {}
    every: dict[str, Mutant] = {}
    for module in modules:
        text = (folder / f"{module.name}.tla").read_text(encoding="utf-8")
        for mutant in mutants_of(module.name, text, module.also):
            every[mutant.name] = mutant
            if module.name == (options.module or module.name) and options.only in mutant.name:
                chosen[mutant] = module
    _check_equivalents(equivalents, every)
    if not chosen:
        raise SpecError(f"no mutant has {options.only!r} in its name; --list lists them")
    known = results.load(folder, every.values())
    if options.new:
        open_ones = {
            m for m, verdict in known.items() if is_wrong(m, verdict, equivalents) or verdict.kind == "too large"
        }
        chosen = {m: module for m, module in chosen.items() if m in open_ones or m not in known}
    if not chosen:
        print("nothing is left to run")
        return 0
    if options.list:
        print("\n".join(f"{mutant.name}\n  - {mutant.before}\n  + {mutant.after}" for mutant in chosen))
        return 0
    tlc = Tlc(find_tools(), folder)
    verdicts: dict[Mutant, Verdict] = {}
    for mutant, verdict in _judge(Judge(tlc, folder, options.jobs), chosen, options.quick, equivalents):
        verdicts[mutant] = known[mutant] = verdict
        if options.write:  # each time, as the run may be cut off
            results.save(folder, {mutant: known[mutant] for mutant in every.values() if mutant in known})
    now = [(mutant, verdicts[mutant]) for mutant in chosen]
    print("\n".join(report(now, equivalents)))
    if options.write:
        text = _text_with_marks(document)
        judged = [(mutant, known[mutant]) for mutant in every.values() if mutant in known]
        table = "\n".join(markdown(judged, equivalents, len(every) - len(judged)))
        document.write_text(MARKS.sub(lambda marks: f"{marks[1]}\n{table}\n\n{marks[2]}", text), encoding="utf-8")
        print(f"wrote {DOCUMENT}")
    return int(any(is_wrong(mutant, verdict, equivalents) for mutant, verdict in now))


def read_settings(folder: Path) -> tuple[list[Module], dict[str, Equivalent]]:
    """Read mutants.toml: the modules, and the equivalent mutants by name.

    Raises:
        SpecError: it can't be read, or is wrong.
    """
    path = folder / "mutants.toml"
    tables = read_tables(path, "module", "equivalent")
    known = {model.name: model for model in read_manifest(folder / "manifest.toml")}
    modules = []
    for i, table in enumerate(tables["module"], start=1):
        where = f"{path}: module {table.get('name', i)!r}"
        check_keys(
            where,
            table,
            {"name": str, "models": list},
            {"full": list, "live": list, "also": list, "first": dict, "more": dict},
        )
        if not (folder / f"{table['name']}.tla").is_file():
            raise SpecError(f"{where}: there is no {folder / table['name']}.tla")
        models, full, live = (
            tuple(_model(where, name, known) for name in table.get(key, ())) for key in ("models", "full", "live")
        )
        first, more = (
            tuple((pattern, tuple(_model(where, name, known) for name in names)) for pattern, names in its.items())
            for its in (table.get("first", {}), table.get("more", {}))
        )
        for model in (*full, *(model for _, its in more for model in its)):
            if model.result == OK and model.states is None:  # they say how far a mutant is followed
                raise SpecError(f"{where}: model {model.name!r} has no figures; python -m spec {model.name} --update")
        modules.append(Module(table["name"], models, full, more, live, tuple(table.get("also", ())), first))
    if not modules:
        raise SpecError(f"{path} holds no [[module]]")
    equivalents: dict[str, Equivalent] = {}
    for i, table in enumerate(tables["equivalent"], start=1):
        where = f"{path}: equivalent {table.get('mutant', i)!r}"
        check_keys(where, table, {"mutant": str, "line": str, "why": str}, {})
        if table["mutant"] in equivalents:
            raise SpecError(f"{where}: it is there twice")
        equivalents[table["mutant"]] = Equivalent(" ".join(table["line"].split()), table["why"])
    return modules, equivalents


def _model(where: str, name: Any, known: dict[str, Model]) -> Model:
    if name not in known:
        raise SpecError(f"{where}: the manifest has no model {name!r}")
    if known[name].result == DEADLOCK:
        raise SpecError(f"{where}: model {name!r} expects a deadlock, but deadlocks don't count here")
    return known[name]


def _check_equivalents(equivalents: dict[str, Equivalent], every: dict[str, Mutant]) -> None:
    for name, equivalent in equivalents.items():
        if name not in every:
            raise SpecError(f"mutants.toml: equivalent {name!r}: there is no such mutant; --list lists them")
        if every[name].before != equivalent.line:
            raise SpecError(f"mutants.toml: equivalent {name!r}: its line is now {every[name].before!r}")


def _judge(
    judge: Judge, chosen: dict[Mutant, Module], quick: bool, equivalents: Collection[str]
) -> Iterator[tuple[Mutant, Verdict]]:
    """The verdicts, as they come."""
    ended = 0
    models = {mutant: module.models_for(mutant) for mutant, module in chosen.items()}
    full = {mutant: [] if quick else module.in_full_for(mutant) for mutant, module in chosen.items()}
    # To run each mutant alone takes long. For those that are argued to be equivalent it is left out.
    live = {m: () if quick or m.name in equivalents else module.live for m, module in chosen.items()}
    with Display(len(chosen)) as display:
        try:
            for mutant, verdict in judge.judge(models, full, live, display.begin):
                ended += 1
                display.end(mutant.name, f"{ended}/{len(chosen)} {mutant.name}: {said(verdict)}")
                yield mutant, verdict
        except KeyboardInterrupt:
            print(f"interrupted; {ended} of {len(chosen)} mutants were finished")
            raise


def _text_with_marks(document: Path) -> str:
    """The text of the document, which must have a place for the table."""
    try:
        text = document.read_text(encoding="utf-8")
    except OSError as error:
        raise SpecError(f"{document} can't be read: {error.strerror}") from None
    if not MARKS.search(text):
        raise SpecError(f"{document} has no lines '<!-- specification mutants -->' and '<!-- end -->' for the table")
    return text
