"""The figures of a setting as a row of the result, in seconds and in the user's costs."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from typing import Any

from sim.figures import Figures, Setting
from sim.load import SECOND
from sim.workload import Cost

Row = dict[str, Any]

PARTS = {"alloc": "allocated", "idle_second": "idle_seconds", "wait_second": "wait_seconds", "timeout": "timeouts"}

HIDDEN = ("wait_seconds", "horizon")

# What is given with a confidence interval, if there are replications.
UNCERTAIN = ("cost", "hit_ratio", "mean_idle", "timeouts", "wait_mean", "wait_p99")
# Student's t for 95 %, two-sided, by degrees of freedom from 1 on.
STUDENT = (
    12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.160, 2.145, 2.131,
    2.120, 2.110, 2.101, 2.093, 2.086, 2.080, 2.074, 2.069, 2.064, 2.060, 2.056, 2.052, 2.048, 2.045, 2.042,
)  # fmt: skip


def make_row(setting: Setting, figures: Figures, engine: str, cost: Cost, warmup: int) -> Row:
    """The row of a setting: what is shown, and what is HIDDEN, the sum of all waits and the horizon in nanoseconds."""
    # Of those who got what they waited for; the others have -1.
    waits = sorted(wait for wait in figures.waits if wait >= 0)
    served = figures.hits + figures.misses
    if not waits and figures.lost_time:
        waits = [0] * served
    row: Row = {
        "maxsize": setting.maxsize,
        "minsize": setting.minsize,
        "maxage": None if setting.maxage is None else setting.maxage / SECOND,
        "engine": engine,
        "verified": engine == "replay",  # that is through the real pool
        "acquires": figures.acquires,
        "hits": figures.hits,
        "misses": figures.misses,
        "timeouts": figures.timeouts,
        "unserved": figures.unserved,
        "hit_ratio": figures.hits / figures.acquires if figures.acquires else None,
        "allocated": figures.allocated,
        "evicted_overflow": figures.evicted_overflow,
        "evicted_age": figures.evicted_age,
        "dead": figures.dead,
        "left": figures.left,
        "idle_seconds": figures.idle_time / SECOND,
        "mean_idle": figures.idle_time / (figures.horizon - warmup) if figures.horizon > warmup else 0.0,
        "peak_idle": figures.peak_idle,
        "wait_mean": sum(waits) / SECOND / len(waits) if waits else None,
        "wait_p50": percentile(waits, 50),
        "wait_p99": percentile(waits, 99),
        "wait_max": percentile(waits, 100),
        "wait_seconds": (sum(waits) + figures.lost_time) / SECOND,
        "horizon": figures.horizon,
    }
    row["cost"] = sum(getattr(cost, name) * row[part] for name, part in PARTS.items())
    return row


def percentile(waits: Sequence[int], percent: int) -> float | None:
    """By nearest rank, in seconds; None of nothing."""
    return waits[math.ceil(len(waits) * percent / 100) - 1] / SECOND if waits else None


def interval(rows: Sequence[Row]) -> dict[str, Any]:
    """For each uncertain figure of the replications of a row its mean, and half of its 95 % confidence interval."""
    found: dict[str, Any] = {}
    factor = STUDENT[len(rows) - 2] if len(rows) - 2 < len(STUDENT) else 1.96
    for name in UNCERTAIN:
        values = [row[name] or 0 for row in rows]
        error = statistics.stdev(values) / math.sqrt(len(values))
        found[name] = {"mean": statistics.fmean(values), "plus_minus": factor * error}
    return found
