"""The study as pictures. The same study makes the same files."""

from __future__ import annotations

import io
from bisect import bisect_left
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import matplotlib
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, MaxNLocator, NullFormatter

from sim.figures import Setting, Surroundings
from sim.hits import hit_surface
from sim.load import SECOND, Load
from sim.onepass import is_exact
from sim.replay import replay
from sim.rows import Row
from sim.settings import nanoseconds, surroundings_of
from sim.source import load
from sim.study import Study
from sim.words import describe, number
from sim.workload import Workload, read

STYLE: Any = {"svg.hashsalt": "ya.resourcepool", "svg.fonttype": "none", "font.size": 10, "axes.spines.top": False,
         "axes.spines.right": False}  # fmt: skip
UNITS = ((86_400, "days"), (3600, "hours"), (1, "s"))
LEGEND: Any = {"framealpha": 0.8, "edgecolor": "none"}
COLUMNS = 400  # into which the time is divided
CURVES = 8
WIDE = 30  # times as much as the least is shown on a logarithmic scale
MOST_SIZES = 2000  # between which a curve is drawn
BLUE, GREY, RED = "#1b6ca8", "#999999", "#c0392b"


def draw(path: Path, study: Study) -> dict[str, str]:
    """Draw what there is to see of the study of a workload file.

    Returns:
        SVG by name: `hit-ratio` and `curves`, if several sizes are compared (and for the first, ages); `pareto`;
        `time`; and `waits`, if there are any.
    """
    workload = read(path)
    acquires = load(workload, path)
    best = study["rows"][study["recommended"]["row"]]
    setting = Setting(best["maxsize"], best["minsize"], None if best["maxage"] is None else nanoseconds(best["maxage"]))
    rows = [row for row in study["rows"] if row["minsize"] == best["minsize"]]
    sizes = list(dict.fromkeys(row["maxsize"] for row in rows))
    ages = list(dict.fromkeys(row["maxage"] for row in rows))
    changes: list[tuple[int, int, int]] = []
    figures = replay(acquires, setting, surroundings_of(workload), 0, lambda *what: changes.append(what))
    drawings: dict[str, Callable[[Figure], None]] = {}
    if len(sizes) > 1 and len(ages) > 1:
        drawings["hit-ratio"] = lambda figure: _heatmap(figure, rows, sizes, ages, best)
    if len(sizes) > 1:
        between = _between(acquires, sizes, ages, best["minsize"], surroundings_of(workload))
        drawings["curves"] = lambda figure: _curves(figure, rows, ages, workload, between)
    drawings["pareto"] = lambda figure: _pareto(figure, study, workload)
    drawings["time"] = lambda figure: _time(figure, changes, figures.horizon, best)
    if len(figures.waits):
        drawings["waits"] = lambda figure: _waits(figure, [wait for wait in figures.waits if wait >= 0], workload)
    return {name: _svg(function) for name, function in drawings.items()}


def _svg(function: Callable[[Figure], None]) -> str:
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(5.4, 3.5), layout="constrained")
        function(figure)
        content = io.BytesIO()
        figure.savefig(content, format="svg", metadata={"Date": None})
    return content.getvalue().decode()


def _heatmap(figure: Figure, rows: list[Row], sizes: list[Any], ages: list[Any], best: Row) -> None:
    """The hit ratio by maxsize and maxage."""
    axes = figure.subplots()
    ratios = {(row["maxsize"], row["maxage"]): row["hit_ratio"] for row in rows}
    image = axes.imshow(
        [[ratios.get((size, age), float("nan")) for size in sizes] for age in ages],
        origin="lower",
        aspect="auto",
        cmap="viridis",
    )
    axes.set_xticks(*_ticks(sizes))
    axes.set_yticks(*_ticks(ages))
    axes.plot(sizes.index(best["maxsize"]), ages.index(best["maxage"]), "o", color=RED, markersize=7)
    axes.set_xlabel("maxsize")
    axes.set_ylabel("maxage, s")
    axes.set_title(f"Hit ratio; the dot is\n{describe(best)}", loc="left")
    figure.colorbar(image, ax=axes)


def _ticks(values: list[Any]) -> tuple[list[int], list[str]]:
    step = -(-len(values) // 12)
    return list(range(0, len(values), step)), [_text(value) for value in values[::step]]


def _text(value: float | None) -> str:
    return "none" if value is None else number(value, 3)


Between = dict[Any, tuple[Sequence[int], list[float]]]  # by maxage: sizes, and the hit ratio with each


def _between(load: Load, sizes: list[Any], ages: list[Any], minsize: int | None, around: Surroundings) -> Between:
    """The hit ratios with all sizes between those that are compared, if one pass over the load tells them."""
    finite = [size for size in sizes if size is not None]
    if minsize is not None or not is_exact(Setting(None, None, None), around) or max(finite) > MOST_SIZES:
        return {}
    every = range(min(finite), max(finite) + 1)
    swept = sorted((nanoseconds(age), age) for age in ages if age is not None)
    surface = hit_surface(load, every, [time for time, _ in swept], around)
    acquires = len(load) - bisect_left(load.arrival, around.warmup)
    columns = zip([*(age for _, age in swept), None], zip(*surface[:-1], strict=True), strict=True)
    return {age: (every, [hits / acquires for hits in column]) for age, column in columns}


def _curves(figure: Figure, rows: list[Row], ages: list[Any], workload: Workload, between: Between) -> None:
    """The hit ratio by maxsize, a curve for each maxage."""
    axes = figure.subplots()
    chosen = ages[:: -(-len(ages) // CURVES)]
    largest = max((row["maxsize"] for row in rows if row["maxsize"] is not None), default=0)
    colors = matplotlib.colormaps["viridis"]
    for i, age in enumerate(chosen):
        its = [row for row in rows if row["maxage"] == age]
        finite = sorted((row["maxsize"], row["hit_ratio"]) for row in its if row["maxsize"] is not None)
        color = colors(i / max(1, len(chosen) - 1) * 0.9)
        if finite:
            axes.plot(*zip(*finite, strict=True), ".", color=color)
            axes.plot(*between.get(age, zip(*finite, strict=True)), color=color, label=f"maxage {_text(age)}")
        for row in its:
            if row["maxsize"] is None:
                axes.plot([largest * 1.05 + 1], [row["hit_ratio"]], "<", color=color)
    if workload.slo.hit_ratio is not None:
        axes.axhline(workload.slo.hit_ratio, color=RED, linestyle=":", label="SLO")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set_xlabel("maxsize; triangles: none" if any(row["maxsize"] is None for row in rows) else "maxsize")
    axes.set_ylabel("hit ratio")
    axes.set_title("What a larger pool buys", loc="left")
    figure.legend(loc="outside lower center", ncols=3, frameon=False)


def _pareto(figure: Figure, study: Study, workload: Workload) -> None:
    """What idle time buys: all rows, the front and the recommended one."""
    axes = figure.subplots()
    rows, limited = study["rows"], not workload.pool.alloc
    points = [(row["mean_idle"], row["wait_p99"] or 0 if limited else 1 - row["hit_ratio"]) for row in rows]
    axes.plot(*zip(*points, strict=True), ".", color=GREY, label="settings")
    front = sorted(points[i] for i in study["pareto"])
    axes.step(*zip(*front, strict=True), ".-", where="post", color=BLUE, label="none is better in both")
    axes.plot(*points[study["recommended"]["row"]], "o", color=RED, label="recommended")
    limit = workload.slo.wait_p99 if limited else workload.slo.hit_ratio
    if limit is not None:
        axes.axhline(limit if limited else 1 - limit, color=RED, linestyle=":", label="SLO")
    for values, axis in zip(zip(*points, strict=True), ("x", "y"), strict=True):
        if min(values) > 0 and max(values) > WIDE * min(values):
            axes.set(**{f"{axis}scale": "log"})
            ticks = getattr(axes, f"{axis}axis")
            ticks.set_major_locator(LogLocator(subs=(1, 2, 5), numticks=7))
            ticks.set_major_formatter("{x:g}")
            ticks.set_minor_formatter(NullFormatter())
    axes.set_xlabel("mean idle")
    axes.set_ylabel("wait of 99 %, s" if limited else "share of misses")
    axes.set_title("What idle resources buy", loc="left")
    axes.legend(**LEGEND)


def _time(figure: Figure, changes: list[tuple[int, int, int]], horizon: int, best: Row) -> None:
    """The most that are in use, and idle beside them, within each column of the time."""
    axes = figure.subplots()
    most = [[0, 0] for _ in range(COLUMNS)]
    last, before = 0, (0, 0)
    for now, idle, in_use in (*changes, (horizon, 0, 0)):
        column = min(COLUMNS - 1, now * COLUMNS // max(1, horizon))
        for each in range(last, column + 1):  # it was so until now
            most[each] = [max(most[each][0], before[0]), max(most[each][1], before[1])]
        last, before = column, (in_use, idle)
        most[column] = [max(most[column][0], in_use), max(most[column][1], idle)]
    unit, name = next((unit, name) for unit, name in UNITS if horizon >= 3 * unit * SECOND or unit == 1)
    times = [column * horizon / COLUMNS / SECOND / unit for column in range(COLUMNS)]
    axes.stackplot(times, *zip(*most, strict=True), labels=["in use", "idle"], colors=[BLUE, "#c9dced"], step="post")
    axes.set_xlabel(name)
    axes.set_title(f"In use and idle, at most, with\n{describe(best)}", loc="left")
    axes.legend(**LEGEND)


def _waits(figure: Figure, waits: list[int], workload: Workload) -> None:
    """The share of acquires that waited at most so long."""
    axes = figure.subplots()
    waits.sort()
    step = max(1, len(waits) // 1000)
    chosen = [*range(0, len(waits), step), len(waits) - 1]
    axes.step([waits[i] / SECOND for i in chosen], [(i + 1) / len(waits) for i in chosen], where="post", color=BLUE)
    if workload.slo.wait_p99 is not None:
        axes.plot([workload.slo.wait_p99], [0.99], "x", color=RED, label="SLO")
        axes.legend(**LEGEND)
    axes.set_xlabel("wait, s")
    axes.set_ylabel("share of acquires")
    axes.set_title("Acquires that waited at most so long", loc="left")
