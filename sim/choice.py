"""Which setting to choose, and why."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from sim.rows import PARTS, Row
from sim.words import count, describe, more, number
from sim.workload import Cost, Slo, Workload


def pareto(rows: Sequence[Row], *, limited: bool) -> list[int]:
    """The rows that no other beats: less idle without more misses, or fewer misses without more idle.

    Of limited pools the other figure is the wait of 99 % of acquires.
    """
    points = [(row["mean_idle"], row["wait_p99"] or 0.0 if limited else 1.0 - row["hit_ratio"]) for row in rows]
    order = sorted(range(len(rows)), key=lambda i: points[i])
    front: list[int] = []
    least = math.inf
    for i in order:
        if points[i][1] < least or (front and points[i] == points[front[-1]]):
            front.append(i)
            least = points[i][1]
    return sorted(front)


def recommend(workload: Workload, rows: Sequence[Row]) -> dict[str, Any]:
    """The lowest cost among the rows that meet the SLO, or of all if none does; and the runner-up."""
    order, meets = ranking(workload.slo, rows)
    best, runner_up = order[0], order[1] if len(order) > 1 else None
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


def ranking(slo: Slo, rows: Sequence[Row]) -> tuple[list[int], list[bool]]:
    """The rows that can be recommended, the best first; and of all, whether they meet the SLO."""
    meets = [_meets(slo, row) for row in rows]
    eligible = [i for i in range(len(rows)) if meets[i]] or list(range(len(rows)))
    return sorted(eligible, key=lambda i: (_figure(rows[i], "cost"), rows[i]["mean_idle"], i)), meets


def _figure(row: Row, name: str) -> float | None:
    """A figure of the row; with replications, the mean of them."""
    value: float | None = row["intervals"][name]["mean"] if "intervals" in row else row[name]
    return value


def _meets(slo: Slo, row: Row) -> bool:
    ratio, wait = _figure(row, "hit_ratio"), _figure(row, "wait_p99")
    return not (
        (slo.hit_ratio is not None and (ratio or 0) < slo.hit_ratio)
        or (slo.wait_p99 is not None and (wait or 0) > slo.wait_p99)
    )


def _reasons(workload: Workload, rows: Sequence[Row], meets: list[bool], best: int, runner_up: int | None) -> list[str]:
    row, slo = rows[best], workload.slo
    cost = _figure(row, "cost") or 0
    reasons = []
    wanted = [
        text
        for text, limit in (
            (f"a hit ratio of at least {slo.hit_ratio}", slo.hit_ratio),
            (f"a wait of at most {slo.wait_p99} s for 99 % of acquires", slo.wait_p99),
        )
        if limit is not None
    ]
    if len(rows) == 1:
        reasons.append("it is the only setting" + (" and does not reach the SLO" if not meets[best] else ""))
    elif not wanted:
        reasons.append(f"it costs least of {len(rows)} settings: {number(cost)}")
    elif meets[best]:
        several = f"{sum(meets)} of {len(rows)} settings"
        reasons.append(f"it costs least, {number(cost)}, of the {several} with {' and '.join(wanted)}")
    else:
        reasons.append(f"no setting has {' and '.join(wanted)}; of all, it costs least: {number(cost)}")
        if slo.hit_ratio is not None:
            top = max(rows, key=lambda row: row["hit_ratio"])
            reasons.append(f"the best hit ratio is {top['hit_ratio']:.4f}, with {describe(top)}")
        if slo.wait_p99 is not None:
            top = min(rows, key=lambda row: row["wait_p99"] or 0)
            reasons.append(f"the least wait of 99 % is {number(top['wait_p99'] or 0)} s, with {describe(top)}")
    reasons.append(_sum(workload.cost, row))
    if runner_up is not None:
        other = rows[runner_up]
        reasons.append(
            f"next is {describe(other)}, which costs {_percentage(_figure(other, 'cost') or 0, cost)}: "
            f"{more(other['misses'] + other['timeouts'], row['misses'] + row['timeouts'], _failed(row))}, "
            f"{more(other['mean_idle'], row['mean_idle'], 'resources idle on average')}"
        )
    if "intervals" in row:
        spread = row["intervals"]["cost"]["plus_minus"]
        reasons.append(f"the cost is the mean of the replications, ± {number(spread, 3)} with 95 % confidence")
    return reasons


def _failed(row: Row) -> str:
    return "time-outs" if row["timeouts"] or (not row["misses"] and row["unserved"]) else "misses"


def _sum(cost: Cost, row: Row) -> str:
    parts = [
        f"{count(row['allocated'], 'alloc')} at {cost.alloc:g}",
        f"{number(row['idle_seconds'])} idle seconds at {cost.idle_second:g}",
    ]
    if row["wait_seconds"]:
        parts.append(f"{number(row['wait_seconds'])} seconds of waiting at {cost.wait_second:g}")
    if row["timeouts"]:
        parts.append(f"{count(row['timeouts'], 'time-out')} at {cost.timeout:g}")
    return "the cost is " + " + ".join(parts)


def _percentage(other: float, cost: float) -> str:
    if other == cost:
        return "as much"
    if cost == 0 or other > 10 * cost:
        return number(other)
    return f"{100 * (other - cost) / cost:.2g} % more"


def sensitivity(workload: Workload, rows: Sequence[Row]) -> dict[str, list[float | None]]:
    """For each cost the range in which the recommended setting stays the cheapest, if the others stay as they are.

    The costs are linear, so the range ends where another row's line crosses; None where it does not end. A cost of
    which all rows have as much is left out.
    """
    order, _ = ranking(workload.slo, rows)
    best, found = rows[order[0]], {}
    for name, part in PARTS.items():
        now = getattr(workload.cost, name)
        low, high = 0.0, math.inf
        for i in order[1:]:
            slope = best[part] - rows[i][part]
            if slope:
                crossing = now + (rows[i]["cost"] - best["cost"]) / slope
                low, high = (low, min(high, crossing)) if slope > 0 else (max(low, crossing), high)
        if len({row[part] for row in rows}) > 1:
            found[name] = [low, None if high == math.inf else high]
    return found


def warnings(rows: Sequence[Row]) -> list[str]:
    """Where a larger maxsize gives fewer hits, or more time-outs."""
    found = []
    series: dict[tuple[Any, Any], list[Row]] = defaultdict(list)
    for row in rows:
        series[row["minsize"], row["maxage"]].append(row)
    for its in series.values():
        its.sort(key=lambda row: math.inf if row["maxsize"] is None else row["maxsize"])
        for small, large in pairwise(its):
            for figure, name, sign in (("hits", "hits", -1), ("timeouts", "time-outs", 1)):
                if (large[figure] - small[figure]) * sign > 0:
                    found.append(
                        f"larger is worse: {describe(large)} has {more(large[figure], small[figure], name)} than "
                        f"maxsize={small['maxsize']}"
                    )
                    break
    return found
