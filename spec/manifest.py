"""The models that TLC runs, and what it must find.

If a model's result is `ok`, the numbers of generated and of distinct states must be those of the manifest, and with
one worker also the depth; with several workers TLC may reach a state on a detour first, and says another depth, which
is too large, in each run. If the result is a violation, TLC stops in the middle, so only the length of the
counterexample, in `depth`, is compared, and only with one worker, where it is the shortest.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from spec.config import checked
from spec.errors import SpecError
from spec.settings import Keys, check_keys, read_tables

OK, DEADLOCK = "ok", "deadlock"
FIGURES = ("states", "distinct", "depth")
REQUIRED: Keys = {"name": str, "module": str, "config": str, "result": str, "note": str}
OPTIONAL: Keys = {"large": bool, "workers": int, "deadlock": bool, **dict.fromkeys(FIGURES, int)}


@dataclass(frozen=True)
class Model:
    """A model, as in the manifest."""

    name: str
    module: str  # also with a folder: "upstream/Upstream"
    config: str
    result: str  # OK, DEADLOCK, or what must be violated
    note: str
    large: bool = False
    workers: int = 2
    deadlock: bool = False
    states: int | None = None
    distinct: int | None = None
    depth: int | None = None

    @property
    def exact(self) -> tuple[str, ...]:
        """Which figures are the same in every run."""
        depth = ("depth",) if self.workers == 1 else ()
        return ("states", "distinct", *depth) if self.result == OK else depth


def read_manifest(path: Path) -> list[Model]:
    """Read the manifest; modules and configurations are looked for in its folder.

    Raises:
        SpecError: it can't be read, or is wrong.
    """
    models: list[Model] = []
    for i, table in enumerate(read_tables(path, "model")["model"], start=1):
        where = f"{path}: model {table.get('name', i)!r}"
        check_keys(where, table, REQUIRED, OPTIONAL)
        model = Model(**table)
        _check(where, model, path.parent)
        if model.name in {other.name for other in models}:
            raise SpecError(f"{where}: there are two of this name")
        models.append(model)
    if not models:
        raise SpecError(f"{path} holds no model")
    return models


def _check(where: str, model: Model, folder: Path) -> None:
    if model.name == "mutants" or not re.fullmatch(r"\w[\w.-]*", model.name):
        raise SpecError(f"{where}: a name is made of letters, digits, '_', '.' and '-', and is not 'mutants'")
    if model.workers == 0:
        raise SpecError(f"{where}: workers is 0; expected at least 1")
    for name in (f"{model.module}.tla", f"{model.config}.cfg"):
        if not (folder / name).is_file():
            raise SpecError(f"{where}: there is no {folder / name}")
    if model.result == DEADLOCK and not model.deadlock:
        raise SpecError(f"{where}: a deadlock is found with deadlock = true only")
    invariants, properties = checked((folder / f"{model.config}.cfg").read_text(encoding="utf-8"))
    if model.result not in {OK, DEADLOCK, *invariants, *properties}:
        raise SpecError(
            f"{where}: result is {model.result!r}; expected {OK!r}, {DEADLOCK!r}, or what {model.config}.cfg checks: "
            + ", ".join([*invariants, *properties])
        )


def write_figures(path: Path, found: dict[str, dict[str, int]]) -> None:
    """Write figures into the manifest, by model; all else stays as it is, also comments.

    Raises:
        SpecError: it is written in a way that can't be edited.
    """
    before = read_tables(path, "model")["model"]
    original = path.read_text(encoding="utf-8")
    lines = original.splitlines(keepends=True)
    starts = [i for i, line in enumerate(lines) if re.match(r"\s*\[\[\s*model\s*\]\]", line)]
    for start, end in reversed(list(zip(starts, [*starts[1:], len(lines)], strict=False))):
        table = lines[start:end]
        name = next((m[2] for line in table if (m := re.match(r"\s*name\s*=\s*([\"'])(.*?)\1", line))), "")
        figures = found.get(name, {})
        for key in FIGURES:
            if key in figures:
                _set(table, key, figures[key])
        lines[start:end] = table
    expected: list[dict[str, Any]] = [{**table, **found.get(table["name"], {})} for table in before]
    path.write_text("".join(lines), encoding="utf-8")
    if read_tables(path, "model")["model"] != expected:
        path.write_text(original, encoding="utf-8")
        raise SpecError(f"{path} can't be updated: each key must stand on a line of its own")


def _set(table: list[str], key: str, value: int) -> None:
    """Replace the number, or put it after those that stand before it in FIGURES, else before the note."""
    places = {m[1]: i for i, line in enumerate(table) if (m := re.match(r"\s*(\w+)\s*=", line))}
    if key in places:
        at = places[key]
        table[at] = re.sub(r"=\s*[\d_]+", f"= {value}", table[at], count=1)
        return
    earlier = [places[figure] for figure in FIGURES[: FIGURES.index(key)] if figure in places]
    table.insert(earlier[-1] + 1 if earlier else places["note"], f"{key} = {value}\n")
