"""What became of the mutants, on the terminal and in the documentation."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from spec.mutants import Mutant
from spec.verdicts import Verdict


@dataclass(frozen=True)
class Equivalent:
    """A mutant that does the same as what it was made of, and why."""

    line: str  # the mutated one, so that the argument does not silently pass on to another
    why: str


Judged = list[tuple[Mutant, Verdict]]


def said(verdict: Verdict) -> str:
    """What became of a mutant, on a line."""
    if verdict.kind in ("killed", "typed"):
        length = f" after {verdict.length} states" if verdict.length else ""
        return f"killed by {verdict.killer}{_how(verdict)} in {verdict.model}{length}"
    place = f" in {verdict.model}" if verdict.model else ""
    return f"{verdict.kind}{place}: {verdict.why}"


def _how(verdict: Verdict) -> str:
    return " only" if verdict.kind == "typed" else f", {verdict.why}" if verdict.why else ""


def is_wrong(mutant: Mutant, verdict: Verdict, equivalents: dict[str, Equivalent]) -> bool:
    """Whether it survives without an argument, or dies in spite of one."""
    if mutant.name in equivalents:
        return verdict.kind in ("killed", "typed", "stillborn")
    return verdict.kind == "survives"


def report(judged: Judged, equivalents: dict[str, Equivalent]) -> list[str]:
    """Those that somebody should look at, and the counts."""
    lines = []
    for mutant, verdict in judged:
        if is_wrong(mutant, verdict, equivalents) or verdict.kind in ("typed", "stillborn", "too large"):
            claim = "is said to be equivalent, but is " if mutant.name in equivalents else ""
            lines += [f"{mutant.name}: {claim}{said(verdict)}", f"  - {mutant.before}", f"  + {mutant.after}"]
    return [*lines, summary(judged, equivalents)]


def summary(judged: Judged, equivalents: dict[str, Equivalent]) -> str:
    """The counts, in a sentence."""
    kinds = Counter(
        "equivalent" if mutant.name in equivalents and not is_wrong(mutant, verdict, equivalents) else verdict.kind
        for mutant, verdict in judged
    )
    parts = [f"{kinds['killed']} are killed"]
    for kind, words in (
        ("typed", "by TypeOK only"),
        ("equivalent", "equivalent"),
        ("stillborn", "stillborn (TLC can't evaluate them)"),
        ("too large", "too large to tell"),
        ("survives", "survive"),
    ):
        if kinds[kind]:
            parts.append(f"{kinds[kind]} {words}")
    return f"Of {len(judged)} mutants {', '.join(parts)}."


def markdown(judged: Judged, equivalents: dict[str, Equivalent], unknown: int = 0) -> list[str]:
    """The table of what kills what, and that of the equivalent mutants. Stillborn ones are counted only.

    Args:
        unknown: how many more there are.
    """
    lines = [summary(judged, equivalents) + (f" {unknown} more have not been run yet." if unknown else ""), ""]
    lines += ["| mutant | line | killed by | model | states |", "|---|---|---|---|---:|"]
    argued = []
    for mutant, verdict in judged:
        change = f"{_code(mutant.before)} → {_code(mutant.after)}"
        if mutant.name in equivalents and not is_wrong(mutant, verdict, equivalents):
            argued.append(f"| {_code(mutant.name)} | {change} | {_cell(equivalents[mutant.name].why)} |")
        elif verdict.kind in ("killed", "typed"):
            killer = _code(verdict.killer) + _how(verdict)
            lines.append(f"| {_code(mutant.name)} | {change} | {killer} | {verdict.model} | {verdict.length or ''} |")
        elif verdict.kind != "stillborn":
            lines.append(f"| {_code(mutant.name)} | {change} | {verdict.kind} | {verdict.model} | |")
    if argued:
        lines += ["", "| equivalent mutant | line | why |", "|---|---|---|", *argued]
    return lines


def _code(text: str) -> str:
    return f"`{_cell(text)}`"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
