"""The study as text for a terminal."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from textwrap import fill

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from sim.rows import Row
from sim.study import Study
from sim.words import count, describe, more, number

MOST_ROWS = 40  # in the table; all of them are in the JSON

# The heading of each column, and how to show a row there. The last are left out first in a narrow terminal.
# A column in which nothing is set, or never anything happens, is left out.
SETTINGS = ("maxsize", "minsize", "maxage\ns")
RARE = ("time-\nouts", "un-\nserved", "wait\n99 %", "wait\nmean", "dead")
COLUMNS: dict[str, Callable[[Row], str]] = {
    "maxsize": lambda row: _limit(row["maxsize"]),
    "minsize": lambda row: _limit(row["minsize"]),
    "maxage\ns": lambda row: _limit(row["maxage"]),
    "cost": lambda row: f"{row['cost']:,.1f}",
    "hit\nratio": lambda row: f"{100 * row['hit_ratio']:.2f}%",
    "misses": lambda row: f"{row['misses']:,}",
    "time-\nouts": lambda row: f"{row['timeouts']:,}",
    "un-\nserved": lambda row: f"{row['unserved']:,}",
    "wait\n99 %": lambda row: _seconds(row["wait_p99"]),
    "wait\nmean": lambda row: _seconds(row["wait_mean"]),
    "idle\nseconds": lambda row: f"{row['idle_seconds']:,.1f}",
    "over-\nflow": lambda row: f"{row['evicted_overflow']:,}",
    "ex-\npiry": lambda row: f"{row['evicted_age']:,}",
    "dead": lambda row: f"{row['dead']:,}",
    "peak\nidle": lambda row: f"{row['peak_idle']:,}",
    "hits": lambda row: f"{row['hits']:,}",
}


def show(study: Study, path: Path, console: Console) -> None:
    """Print the load, the table of settings and the recommendation."""
    load, rows, recommended = study["workload"], study["rows"], study["recommended"]

    def line(text: str = "", style: str | None = None) -> None:
        if console.is_terminal:  # between words
            indent = "  " if text.startswith("- ") else ""
            text = fill(text, max(20, console.width), subsequent_indent=indent, break_on_hyphens=False)
        console.print(text, style=style, highlight=False, markup=False, soft_wrap=True)

    keys = "" if load["keys"] == 1 else f" of {load['keys']:,} keys"
    line(
        f"{path}: {count(load['acquires'], 'acquire')}{keys} in {number(load['duration'])} s, "
        f"at most {load['peak_in_use']:,} in use at the same time"
    )
    if study["skipped"]:
        line(f"{count(study['skipped'], 'combination')} skipped, with a minsize that is larger than the maxsize")
    shown = _chosen(study)
    table, hidden = _table(study, shown, console.width if console.is_terminal else None)
    console.print(table)
    if hidden:
        line(f"not shown for lack of width: {', '.join(hidden)}; --json has all")
    if len(shown) < len(rows):
        line(f"{len(shown)} of {len(rows)} settings; --json has all")
    limited = any(row["wait_p99"] is not None and not row["misses"] for row in rows)
    what = "a shorter wait" if limited else "fewer misses"
    line(f"* no setting has {what} without more idle time, or less idle time without {OPPOSITE[what]}")
    line("> recommended")
    line()
    headline = "Recommended" if recommended["meets_slo"] else "No setting reaches the SLO. The cheapest"
    line(f"{headline}: {describe(recommended)}", "bold")
    for reason in recommended["reasons"]:
        line(f"- {reason}")
    if len(rows) == 1:
        line('- compare several with, for instance, "sweep": {"maxsize": [2, 4, 8]}')
    for text in (*_holds(study), *_one_more(study), *study["warnings"][:MOST_WARNINGS]):
        line(f"- {text}")
    if len(study["warnings"]) > MOST_WARNINGS:
        line(f"- and {count(len(study['warnings']) - MOST_WARNINGS, 'more warning')} of that kind; --json has all")


MOST_WARNINGS = 3
OPPOSITE = {"a shorter wait": "a longer wait", "fewer misses": "more misses"}


def _holds(study: Study) -> Iterator[str]:
    """For which costs the recommendation is the same."""
    ranges = []
    for name, (low, high) in study["sensitivity"].items():
        if low > 0 and high is not None:
            ranges.append(f"{name} from {number(low, 3)} to {number(high, 3)}")
        elif low > 0:
            ranges.append(f"{name} of at least {number(low, 3)}")
        elif high is not None:
            ranges.append(f"{name} of at most {number(high, 3)}")
    if ranges:
        yield f"it stays the cheapest with a cost of {', or '.join(ranges)}, if only that changes"


def _one_more(study: Study) -> Iterator[str]:
    """What one more unit of maxsize buys."""
    larger = study["one_more"]
    if larger is None:
        return
    bought = []
    for figure, name in (("misses", "misses"), ("timeouts", "time-outs")):
        if larger[figure]:
            bought.append(more(larger[figure], 0, name))
    for figure, name in (("wait_seconds", "seconds of waiting"), ("idle_seconds", "idle seconds")):
        if abs(larger[figure]) >= 1e-9:
            bought.append(f"{number(abs(larger[figure]), 3)} {name} {'less' if larger[figure] < 0 else 'more'}")
    if not bought and not larger["cost"]:
        yield f"one more, maxsize={larger['maxsize']}, would change nothing"
        return
    change = f"{number(abs(larger['cost']), 3)} {'more' if larger['cost'] >= 0 else 'less'}"
    yield f"one more, maxsize={larger['maxsize']}, would cost {change}: {', '.join(bought)}"


def _chosen(study: Study) -> list[int]:
    """All rows if they are few; else the recommended, its runner-up and an even choice of the Pareto front."""
    rows, recommended = study["rows"], study["recommended"]
    if len(rows) <= MOST_ROWS:
        return list(range(len(rows)))
    front = study["pareto"]
    step = max(1, -(-len(front) // (MOST_ROWS - 2)))
    chosen = {recommended["row"], *front[::step]}
    if recommended["runner_up"] is not None:
        chosen.add(recommended["runner_up"])
    return sorted(chosen)


def _table(study: Study, shown: list[int], width: int | None) -> tuple[Table, list[str]]:
    """The table, and the columns for which it has no room."""
    rows = [study["rows"][i] for i in shown]
    columns = {name: [cell(row) for row in rows] for name, cell in COLUMNS.items()}
    for name in (*SETTINGS, *RARE):
        if set(columns[name]) <= ({"none"} if name in SETTINGS else {"0", "-"}):
            del columns[name]
    if all(row["misses"] == 0 and row["timeouts"] + row["unserved"] for row in rows):
        del columns["misses"]  # it is a limited pool
    hidden: list[str] = []
    while width and len(columns) > 4 and _width(columns) > width:
        hidden.insert(0, columns.popitem()[0].replace("-\n", "").replace("\n", " "))
    table = Table(box=SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False)
    table.add_column("")
    for name in columns:
        table.add_column(name, justify="right", vertical="bottom", no_wrap=True)
    for i, cells in zip(shown, zip(*columns.values(), strict=True), strict=True):
        best = i == study["recommended"]["row"]
        mark = (">" if best else " ") + ("*" if i in study["pareto"] else " ")
        table.add_row(mark, *cells, style="bold" if best else None)
    return table, hidden


def _width(columns: dict[str, list[str]]) -> int:
    """How wide the table is, its marks included."""
    return 4 + sum(2 + max(map(len, [*name.split("\n"), *cells])) for name, cells in columns.items())


def _seconds(value: float | None) -> str:
    return "-" if value is None else f"{value:.3g}"


def _limit(value: float | None) -> str:
    return "none" if value is None else f"{value:,g}" if value < 1e6 else number(value)
