"""From figures to docs/performance.md: the tables between its marks, and the plots."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from benchmarks.peers import FLOOR, LEGACY, OURS
from benchmarks.rounds import Figures
from benchmarks.targets import TARGETS

Results = dict[str, Any]  # what `python -m benchmarks` writes for a version of Python

BLANK = "–"


def load(root: Path) -> list[Results]:
    def version(path: Path) -> list[int]:
        return [int(number) for number in re.findall(r"\d+", path.stem)]

    paths = sorted((root / "benchmarks" / "results").glob("*.json"), key=version)
    return [json.loads(path.read_text()) for path in paths]


def write_report(root: Path) -> None:
    from benchmarks.plots import plot

    results = load(root)
    path = root / "docs" / "performance.md"
    path.write_text(filled(path.read_text(), results))
    plot(results, root / "docs")


def filled(document: str, results: list[Results]) -> str:
    """The document with its tables made anew: what stands between `<!-- name -->` and `<!-- end -->`."""

    def section(match: re.Match[str]) -> str:
        return f"<!-- {match[1]} -->\n\n{SECTIONS[match[1]](results)}\n\n<!-- end -->"

    return re.sub(r"<!-- (?!end)([a-z ]+) -->.*?<!-- end -->", section, document, flags=re.DOTALL)


def tables(results: list[Results]) -> str:
    return "\n\n".join(make(results) for make in SECTIONS.values())


def machine(results: list[Results]) -> str:
    lines = []
    for result in results:
        versions = ", ".join(
            name if name.endswith(version) else f"{name} {version}"
            for name, version in result["versions"].items()
            if name != FLOOR
        )
        lines.append(f"- {title(result)} on {result['machine']}: {versions}.")
        lines.extend(f"  Skipped: {reason}." for reason in result["skipped"])
    return "\n".join(lines)


def targets(results: list[Results]) -> str:
    rows = []
    for target in TARGETS:
        sign = "<=" if target.at_most else ">="
        row = [
            target.title,
            f"{sign} {target.bound:g}{target.unit}",
            f"{target.stretch:g}" if target.stretch else BLANK,
        ]
        for result in results:
            try:
                value = target.value(result["figures"])
            except KeyError:
                row.append(BLANK)
            else:
                row.append(short(value) if target.met(value) else f"**{short(value)}** missed")
        rows.append(row)
    return table(["measure", "target", "stretch", *map(title, results)], rows)


def one_thread(results: list[Results]) -> str:
    return pairs_and_blocks(results, names(results))


def settings(results: list[Results]) -> str:
    wanted = ("no setting", "maxsize", "maxage", "check")
    return pairs_and_blocks(results, [*wanted, *(f"0.1.1, {name}" for name in wanted)], "settings ")


def pairs_and_blocks(results: list[Results], labels: list[str], prefix: str = "") -> str:
    header, rows = ["ns: least (median)"], [[label] for label in labels]
    for result in results:
        for measure in ("pair", "block"):
            figures: Figures = result["figures"].get(prefix + measure, {})
            header += [f"{measure}, {title(result)}", "/ floor"]
            for row in rows:
                row += [spread(figures, row[0], 1e9), over(figures, row[0], FLOOR)]
    return table(header, rows)


def enough(results: list[Results]) -> str:
    measures = ["2 threads", "8 threads", "32 threads", "8 threads, pinned", "32 threads, pinned"]
    return by_peer(results, "us a pair: least (median)", measures, 1e6)


def hand_over(results: list[Results]) -> str:
    measures = ["latency, rested", "latency", "turns, no hold", "switches"]
    header = ["us: least (median)", "after rest", "one after the other", "a turn, not held", "switches a turn"]
    parts = []
    for result in results:
        rows = []
        for name in [*names([result]), "a bare lock"]:
            row = [name]
            for measure in measures:
                scale = 1 if measure == "switches" else 1e6
                row.append(spread(result["figures"].get(measure, {}), name, scale))
            if set(row[1:]) != {BLANK}:
                rows.append(row)
        parts.append(f"{title(result)}:\n\n{table(header, rows)}")
    return "\n\n".join(parts)


def parts(results: list[Results]) -> str:
    labels = dict.fromkeys(label for result in results for label in result["figures"].get("parts", {}))
    return table(
        ["ns: least (median)", *map(title, results)],
        [[label, *(spread(result["figures"].get("parts", {}), label, 1e9) for result in results)] for label in labels],
    )


def fairness(results: list[Results]) -> str:
    header = ["held for 1 ms: median"]
    measures = {"2 threads": "turns, 2 threads", "8": "turns", "32": "turns, 32 threads"}
    for threads in measures:
        header += [f"{threads}: turns/s", "most/fewest", "longest wait, ms"]
    parts = []
    for result in results:
        rows = []
        for name in names([result]):
            row = [name]
            for measure in measures.values():
                figures: Figures = result["figures"].get(measure, {})
                if name in figures:
                    row += [
                        short(1 / figures[name]["median"]),
                        short(figures[f"{name}: most/fewest"]["median"]),
                        short(figures[f"{name}: longest wait"]["median"] * 1000),
                    ]
            if row[1:]:
                rows.append(row + [BLANK] * (len(header) - len(row)))
        parts.append(f"{title(result)}:\n\n{table(header, rows)}")
    return "\n\n".join(parts)


def growth(results: list[Results]) -> str:
    measures = ("idle", "expiry", "overflow", "waiters")
    sizes = [10**n for n in range(7)]
    rows: dict[str, dict[int, str]] = {}
    for result in results:
        for measure in measures:
            for key, value in result["figures"].get(measure, {}).items():
                series, _, n = key.rpartition(" ")
                row = f"{LABELS.get(series, f'hand-over of {series}')}, {title(result)}"
                rows.setdefault(row, {})[int(n)] = short(value["min"] * 1e9)
    return table(
        ["ns, least", *(f"{size:,}" for size in sizes)],
        [[name, *(row.get(size, BLANK) for size in sizes)] for name, row in sorted(rows.items())],
    )


LABELS = {
    "plain": "a pair, so many idle",
    "maxsize": "a pair, so many idle, `maxsize`",
    "maxage": "a pair, so many idle, `maxage`",
    "expiry": "expiry, a resource of so many",
    "overflow": "overflow, a resource of so many",
}


def footprint(results: list[Results]) -> str:
    header, rows = ["least (median)"], []
    wanted: list[tuple[str, str, str, float]] = [
        ("bytes an idle resource", "memory", "plain", 1),
        ("the same with `maxage`", "memory", "maxage", 1),
        ("import, ms", "import", OURS, 1e3),
        ("import of as many empty modules, ms", "import", "empty modules", 1e3),
        ("import of 0.1.1, ms", "import", LEGACY, 1e3),
        ("exit of an empty interpreter, ms", "exit", "an empty interpreter", 1e3),
        ("exit with 1,000 idle, ms", "exit", OURS, 1e3),
        ("exit of 0.1.1, with `maxage` 1 s, ms", "exit", LEGACY, 1e3),
        ("evicting push, us", "eviction", OURS, 1e6),
        ("evicting push of 0.1.1, us", "eviction", LEGACY, 1e6),
        ("one of a hundred, us", "eviction 100", OURS, 1e6),
        ("one of a hundred of 0.1.1, us", "eviction 100", LEGACY, 1e6),
        ("threads of 1,000 pools", "pools", f"{OURS}: threads", 1),
        ("their processor time in 1 s at rest, ms", "pools", f"{OURS}: seconds at rest", 1e3),
        ("threads of 1,000 pools of 0.1.1", "pools", f"{LEGACY}: threads", 1),
        ("their processor time in 1 s at rest, ms", "pools", f"{LEGACY}: seconds at rest", 1e3),
    ]
    for label, measure, name, scale in wanted:
        rows.append([label, *(spread(result["figures"].get(measure, {}), name, scale) for result in results)])
    return table([*header, *map(title, results)], rows)


SECTIONS: dict[str, Callable[[list[Results]], str]] = {
    "machine": machine,
    "targets": targets,
    "one thread": one_thread,
    "settings": settings,
    "enough": enough,
    "hand over": hand_over,
    "parts": parts,
    "fairness": fairness,
    "growth": growth,
    "footprint": footprint,
}


def by_peer(results: list[Results], corner: str, measures: Sequence[str], scale: float) -> str:
    parts = []
    for result in results:
        rows = [
            [name, *(spread(result["figures"].get(measure, {}), name, scale) for measure in measures)]
            for name in names([result])
        ]
        parts.append(f"{title(result)}:\n\n{table([corner, *measures], rows)}")
    return "\n\n".join(parts)


def names(results: list[Results]) -> list[str]:
    """Of all peers, in the order in which they were measured."""
    return list(dict.fromkeys(name for result in results for name in result["versions"]))


def title(result: Results) -> str:
    return f"{result['implementation']} {result['python']}"


def spread(figures: Figures, name: str, scale: float) -> str:
    if name not in figures:
        return BLANK
    least, median = short(figures[name]["min"] * scale), short(figures[name]["median"] * scale)
    return least if least == median else f"{least} ({median})"


def over(figures: Figures, one: str, other: str) -> str:
    return short(figures[one]["min"] / figures[other]["min"]) if one in figures and other in figures else BLANK


def short(value: float) -> str:
    """Three digits; more than that is noise."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{float(f'{value:.3g}'):g}"


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [header, ["---"] + ["---:"] * (len(header) - 1), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)
