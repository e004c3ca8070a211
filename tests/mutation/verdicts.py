"""What became of the mutants, why some can't be noticed, and the table of both."""

from __future__ import annotations

import json
import os
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple, Protocol

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

FOLDER = Path(__file__).parent
VERDICTS = FOLDER / "verdicts.json"
EQUIVALENT = FOLDER / "equivalent.toml"
LEAST = 0.95  # of the mutants that have to be noticed

KILLED, TIMEOUT, SURVIVED = "killed", "time-out", "survived"


class Mutant(Protocol):
    """See `mutants.py`, which needs libraries that this does without."""

    file: str
    definition: str
    change: str
    digest: str


class Verdict(NamedTuple):
    """What became of a mutant, the test that noticed it, and the time that this took, in seconds."""

    verdict: str
    by: str
    seconds: float


Verdicts = dict[Any, Verdict]  # by mutant


class ReasonError(Exception):
    """A reason is about no mutant that survived."""


def load(mutants: Iterable[Mutant], path: Path = VERDICTS) -> tuple[Verdicts, Verdicts]:
    """The verdicts that still hold, and those on definitions that read otherwise now."""
    known = json.loads(path.read_text("utf-8")) if path.exists() else {}
    verdicts, old = {}, {}
    for mutant in mutants:
        entry = known.get(mutant.file, {}).get(mutant.definition, {})
        found = entry.get("mutants", {}).get(mutant.change)
        if found is not None:
            (verdicts if entry["digest"] == mutant.digest else old)[mutant] = Verdict(*found)
    return verdicts, old


def save(verdicts: Verdicts, path: Path = VERDICTS) -> None:
    """Write the verdicts, in the order of the code."""
    entries: dict[str, Any] = {}
    for mutant, verdict in sorted(verdicts.items(), key=lambda item: (item[0].file, item[0].line)):
        definitions = entries.setdefault(mutant.file, {})
        entry = definitions.setdefault(mutant.definition, {"digest": mutant.digest, "mutants": {}})
        entry["mutants"][mutant.change] = list(verdict)
    new = path.with_suffix(".new")
    new.write_text(json.dumps(entries, indent=0, ensure_ascii=False) + "\n", encoding="utf-8")
    os.replace(new, path)  # who interrupts this finds the one or the other


def read_reasons(path: Path = EQUIVALENT) -> dict[tuple[str, str, str], str]:
    """Why a change can't be noticed, by file, definition and change.

    Raises:
        ReasonError: a change stands there twice.
    """
    reasons: dict[tuple[str, str, str], str] = {}
    for entry in tomllib.loads(path.read_text("utf-8")).get("equivalent", []):
        for change in entry["changes"]:
            key = entry["file"], entry["definition"], change
            if key in reasons:
                raise ReasonError(f"{_name(key)} has two reasons")
            reasons[key] = entry["reason"]
    return reasons


def key_of(mutant: Mutant) -> tuple[str, str, str]:
    return mutant.file, mutant.definition, mutant.change


def complaints(
    mutants: Iterable[Mutant], verdicts: Mapping[Any, Verdict], reasons: Mapping[tuple[str, str, str], str]
) -> Iterator[str]:
    """What is wrong: reasons about nothing, survivors without one, mutants that nobody tried, too few killed."""
    known = {key_of(mutant): mutant for mutant in mutants}
    for key in reasons:
        if key not in known:
            yield f"{_name(key)} has a reason and is no mutant: the code has changed, or is gone"
        elif known[key] in verdicts and verdicts[known[key]].verdict != SURVIVED:
            yield f"{_name(key)} has a reason and is noticed, by {verdicts[known[key]].by}"
    for key, mutant in known.items():
        if mutant not in verdicts:
            yield f"{_name(key)} was not tried"
        elif verdicts[mutant].verdict == SURVIVED and key not in reasons:
            yield f"{_name(key)} survived, and has no reason"
    noticed = sum(verdict.verdict != SURVIVED for verdict in verdicts.values())
    if noticed < LEAST * len(known):
        yield f"{noticed} of {len(known)} are killed, less than {LEAST:.0%}"


def _name(key: tuple[str, str, str]) -> str:
    file, definition, change = key
    return f"{file}, {definition}: {change}"


def table(
    mutants: Iterable[Mutant], verdicts: Mapping[Any, Verdict], reasons: Mapping[tuple[str, str, str], str]
) -> list[str]:
    """Two tables: how many there are in each file, and why the others survive."""
    found: defaultdict[str, Counter[str]] = defaultdict(Counter)
    seconds: Counter[str] = Counter()
    for mutant in mutants:
        verdict = verdicts.get(mutant)
        if verdict is not None:
            where = "schedules" if verdict.by.startswith("tests/schedule/") else "examples"
            found[mutant.file][verdict.verdict if verdict.verdict != KILLED else where] += 1
            seconds.update({mutant.file: verdict.seconds, "all": verdict.seconds})
    lines = [
        "| file | mutants | killed | by orders of steps | by hanging | survived | killed, % | min |",
        "|---|--:|--:|--:|--:|--:|--:|--:|",
    ]
    for file, counts in [*sorted(found.items()), ("all", sum(found.values(), Counter()))]:
        every, survived = counts.total(), counts[SURVIVED]
        lines.append(
            f"| {file if file == 'all' else f'`{file}`'} | {every:,} | {every - survived:,} | {counts['schedules']} "
            f"| {counts[TIMEOUT]} | {survived} | {100 * (every - survived) / every:.1f} | {seconds[file] / 60:.1f} |"
        )
    lines += ["", "| where | what it reads | instead of | why that is the same |", "|---|---|---|---|"]
    for mutant in mutants:
        if mutant in verdicts and verdicts[mutant].verdict == SURVIVED:
            before, _, after = mutant.change.partition(" -> ")
            cells = f"`{mutant.definition}`", _code(after), _code(before), reasons.get(key_of(mutant), "**?**")
            lines.append(f"| {' | '.join(cells)} |")
    return lines


def _code(text: str) -> str:
    code = f"`` {text} ``" if "`" in text else f"`{text}`"
    return code.replace("|", "\\|")
