"""What became of mutants in earlier runs: they take too long to run all of them each time."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path

from spec.mutants import Mutant
from spec.verdicts import Verdict

FILE = "mutants.json"


def load(folder: Path, mutants: Iterable[Mutant]) -> dict[Mutant, Verdict]:
    """The verdicts that are there, but for those on lines that read otherwise now."""
    path = folder / FILE
    known = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    verdicts = {}
    for mutant in mutants:
        entry = known.get(mutant.name)
        if entry is not None and (entry.pop("before"), entry.pop("after")) == (mutant.before, mutant.after):
            verdicts[mutant] = Verdict(**entry)
    return verdicts


def save(folder: Path, verdicts: dict[Mutant, Verdict]) -> None:
    """Write the verdicts, with the lines that they are about."""
    entries = {
        mutant.name: {"before": mutant.before, "after": mutant.after, **asdict(verdict)}
        for mutant, verdict in verdicts.items()
    }
    (folder / FILE).write_text(json.dumps(entries, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
