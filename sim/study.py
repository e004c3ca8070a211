"""Compare settings: replay the load with each, and recommend one."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from sim.errors import WorkloadError
from sim.load import SECOND, load, seconds
from sim.replay import Figures, Replay, Setting, Surroundings
from sim.workload import LARGEST, MOST_SETTINGS, LogGrid, Workload, read

Row = dict[str, Any]
Study = dict[str, Any]


def study(path: Path, progress: Callable[[list[Setting]], Iterable[Setting]] = iter) -> Study:
    """Read a workload file and compare the settings that it asks for.

    Args:
        path: of the workload file.
        progress: passes on the settings, and may show how far it is.

    Returns:
        What `python -m sim --json` prints: `workload`, `skipped`, `rows`, `pareto` and `recommended`.

    Raises:
        WorkloadError: the file, or its data, can't be simulated.
    """
    workload = read(path)
    _refuse(workload, path)
    acquires = load(workload, path)
    around = Surroundings(
        init=workload.pool.init,
        warmup=_nanoseconds(workload.warmup),
        alloc=_nanoseconds(workload.latency.alloc),
        check=_nanoseconds(workload.latency.check),
    )
    if around.warmup > acquires.arrival[-1]:
        raise WorkloadError(
            path,
            f"$.warmup: {workload.warmup:g} is not allowed; expected at most {seconds(acquires.arrival[-1])}, when the "
            "last acquire comes",
        )
    settings, skipped = _settings(workload, path)
    rows = [
        _row(workload, setting, Replay(acquires, setting, around).run(), around.warmup)
        for setting in progress(settings)
    ]
    return {
        "workload": {
            "acquires": len(acquires),
            "keys": len(acquires.keys),
            "duration": acquires.duration / SECOND,
            "peak_in_use": acquires.peak_in_use,
        },
        "skipped": skipped,
        "rows": rows,
        "pareto": _pareto(rows),
        "recommended": _recommend(workload, rows),
    }


def _refuse(workload: Workload, path: Path) -> None:
    if not workload.pool.alloc:
        raise WorkloadError(path, "$.pool.alloc: false, a limited pool, is not simulated yet; expected true")


def _settings(workload: Workload, path: Path) -> tuple[list[Setting], int]:
    """The product of what is swept, in the order maxsize, minsize, maxage; and how many make no sense."""
    pool, sweep = workload.pool, workload.sweep
    for name in ("maxsize", "minsize"):
        grid = getattr(sweep, name)
        if isinstance(grid, LogGrid) and max(grid.log) > LARGEST:
            raise WorkloadError(
                path, f"$.sweep.{name}.log: {max(grid.log):g} is not allowed; expected at most {LARGEST}"
            )
    axes = (
        dict.fromkeys(_sizes(sweep.maxsize, pool.maxsize)),
        dict.fromkeys(_sizes(sweep.minsize, pool.minsize)),
        dict.fromkeys(_ages(sweep.maxage, pool.maxage)),
    )
    if (combinations := math.prod(map(len, axes))) > MOST_SETTINGS:
        raise WorkloadError(path, f"$.sweep: {combinations:,} combinations; expected at most {MOST_SETTINGS:,}")
    settings, skipped = [], 0
    for maxsize, minsize, maxage in itertools.product(*axes):
        if maxsize is not None and minsize is not None and minsize > maxsize:
            skipped += 1
        else:
            settings.append(Setting(maxsize, minsize, maxage))
    if not settings:
        problem = "$.sweep: in every combination minsize is larger than maxsize"
        if sweep.maxsize is None and sweep.minsize is None:
            problem = f"$.pool: minsize {pool.minsize} is larger than maxsize {pool.maxsize}"
        raise WorkloadError(path, problem)
    return settings, skipped


def _sizes(swept: list[int | None] | LogGrid | None, single: int | None) -> list[int | None]:
    if swept is None:
        return [single]
    if isinstance(swept, LogGrid):
        return [round(value) for value in swept.values()]
    return swept


def _ages(swept: list[float | None] | LogGrid | None, single: float | None) -> list[int | None]:
    ages = [single] if swept is None else swept.values() if isinstance(swept, LogGrid) else swept
    return [None if age is None else max(1, _nanoseconds(age)) for age in ages]


def _nanoseconds(time: float) -> int:
    return round(time * SECOND)


def _row(workload: Workload, setting: Setting, figures: Figures, warmup: int) -> Row:
    waits = sorted(figures.waits or [])
    all_waits = sum(waits) / SECOND
    idle_seconds = figures.idle_time / SECOND
    cost = workload.cost
    span = figures.horizon - warmup
    return {
        "maxsize": setting.maxsize,
        "minsize": setting.minsize,
        "maxage": None if setting.maxage is None else setting.maxage / SECOND,
        "engine": "replay",
        "verified": True,  # the replay is through the real pool
        "acquires": figures.acquires,
        "hits": figures.hits,
        "misses": figures.misses,
        "timeouts": 0,
        "unserved": 0,
        "hit_ratio": figures.hits / figures.acquires,
        "allocated": figures.allocated,
        "evicted_overflow": figures.evicted_overflow,
        "evicted_age": figures.evicted_age,
        "dead": 0,
        "left": figures.left,
        "idle_seconds": idle_seconds,
        "mean_idle": figures.idle_time / span if span else 0.0,
        "peak_idle": figures.peak_idle,
        "wait_mean": all_waits / len(waits) if waits else None,
        "wait_p50": _percentile(waits, 50),
        "wait_p99": _percentile(waits, 99),
        "wait_max": _percentile(waits, 100),
        "cost": cost.alloc * figures.allocated + cost.idle_second * idle_seconds + cost.wait_second * all_waits,
    }


def _percentile(waits: list[int], percent: int) -> float | None:
    """By nearest rank, in seconds."""
    return waits[math.ceil(len(waits) * percent / 100) - 1] / SECOND if waits else None


def _pareto(rows: list[Row]) -> list[int]:
    """The rows that no other beats: by fewer misses without more idle, or by less idle without more misses."""
    points = [(row["mean_idle"], 1.0 - row["hit_ratio"]) for row in rows]
    order = sorted(range(len(rows)), key=lambda i: points[i])
    front: list[int] = []
    fewest = math.inf
    for i in order:
        if points[i][1] < fewest or (front and points[i] == points[front[-1]]):
            front.append(i)
            fewest = points[i][1]
    return sorted(front)


def _recommend(workload: Workload, rows: list[Row]) -> dict[str, Any]:
    meets = [_meets_slo(workload, row) for row in rows]
    eligible = [i for i in range(len(rows)) if meets[i]] or list(range(len(rows)))
    best, *others = sorted(eligible, key=lambda i: (rows[i]["cost"], rows[i]["mean_idle"], i))
    runner_up = others[0] if others else None
    row = rows[best]
    return {
        "row": best,
        "runner_up": runner_up,
        "maxsize": row["maxsize"],
        "minsize": row["minsize"],
        "maxage": row["maxage"],
        "cost": row["cost"],
        "meets_slo": meets[best],
        "reasons": _reasons(workload, rows, meets, best, runner_up),
    }


def _meets_slo(workload: Workload, row: Row) -> bool:
    slo = workload.slo
    if slo.hit_ratio is not None and row["hit_ratio"] < slo.hit_ratio:
        return False
    return slo.wait_p99 is None or row["wait_p99"] is None or bool(row["wait_p99"] <= slo.wait_p99)


def _reasons(workload: Workload, rows: list[Row], meets: list[bool], best: int, runner_up: int | None) -> list[str]:
    row, cost = rows[best], workload.cost
    reasons = []
    wanted = [
        text
        for text, limit in (
            (f"a hit ratio of at least {workload.slo.hit_ratio}", workload.slo.hit_ratio),
            (f"a wait of at most {workload.slo.wait_p99} s for 99 % of acquires", workload.slo.wait_p99),
        )
        if limit is not None
    ]
    if len(rows) == 1:
        reasons.append("it is the only setting" + (" and does not reach the SLO" if not meets[best] else ""))
    elif not wanted:
        reasons.append(f"it costs least of {len(rows)} settings: {number(row['cost'])}")
    elif meets[best]:
        several = f"{sum(meets)} of {len(rows)} settings"
        reasons.append(f"it costs least, {number(row['cost'])}, of the {several} with {' and '.join(wanted)}")
    else:
        reasons.append(f"no setting has {' and '.join(wanted)}; of all, it costs least: {number(row['cost'])}")
        if workload.slo.hit_ratio is not None:
            best_ratio = max(rows, key=lambda row: row["hit_ratio"])
            reasons.append(f"the best hit ratio is {best_ratio['hit_ratio']:.4f}, with {describe(best_ratio)}")
    parts = [
        f"{count(row['allocated'], 'alloc')} at {cost.alloc:g}",
        f"{number(row['idle_seconds'])} idle seconds at {cost.idle_second:g}",
    ]
    if row["wait_mean"]:
        parts.append(f"{number(row['wait_mean'] * row['acquires'])} seconds of waiting at {cost.wait_second:g}")
    reasons.append("the cost is " + " + ".join(parts))
    if runner_up is not None:
        other = rows[runner_up]
        reasons.append(
            f"next is {describe(other)}, which costs {_percentage(other['cost'], row['cost'])}: "
            f"{_difference(other, row, 'misses', 'misses')}, "
            f"{_difference(other, row, 'mean_idle', 'resources idle on average')}"
        )
    return reasons


def _percentage(other: float, cost: float) -> str:
    if other == cost:
        return "as much"
    if cost == 0 or other > 10 * cost:
        return number(other)
    return f"{100 * (other - cost) / cost:.2g} % more"


def _difference(other: Row, row: Row, figure: str, name: str) -> str:
    difference = other[figure] - row[figure]
    if not difference:
        return f"as many {name}"
    return f"{number(abs(difference), 3)} {'fewer' if difference < 0 else 'more'} {name}"


def describe(row: Row) -> str:
    """The setting of a row, for people."""
    return ", ".join(f"{name}={_show(row[name])}" for name in ("maxsize", "minsize", "maxage"))


def _show(value: float | None) -> str:
    return "none" if value is None else number(value).replace(",", "")


def number(value: float, digits: int = 6) -> str:
    """A number for people: so many digits, and all of those before the point."""
    return f"{value:,.0f}" if abs(value) >= 10**digits else f"{value:.{digits}g}"


def count(n: int, name: str) -> str:
    """So many of what has that name."""
    return f"{n:,} {name}" if n == 1 else f"{n:,} {name}s"
