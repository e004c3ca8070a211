"""The settings that a workload asks to compare."""

from __future__ import annotations

import itertools
import math
from pathlib import Path

from sim.errors import WorkloadError
from sim.figures import Setting, Surroundings
from sim.load import SECOND
from sim.workload import LARGEST, MOST_SETTINGS, LogGrid, Workload


def settings_of(workload: Workload, path: Path) -> tuple[list[Setting], int]:
    """The product of what is swept, in the order maxsize, minsize, maxage; and how many make no sense.

    Raises:
        WorkloadError: there are too many, or none.
    """
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


def surroundings_of(workload: Workload, replication: int = 0) -> Surroundings:
    """What is the same for all settings."""
    pool, latency, failures = workload.pool, workload.latency, workload.failures
    return Surroundings(
        init=pool.init,
        alloc=pool.alloc,
        timeout=None if pool.timeout is None else _timeout(pool.timeout),
        warmup=nanoseconds(workload.warmup),
        alloc_latency=nanoseconds(latency.alloc),
        check_latency=nanoseconds(latency.check),
        death_age=None if failures.age is None else max(1, nanoseconds(failures.age)),
        death_rate=failures.rate,
        seed=f"{workload.seed} {replication} deaths",
    )


def nanoseconds(time: float) -> int:
    """Seconds as integer nanoseconds."""
    return round(time * SECOND)


def _sizes(swept: list[int | None] | LogGrid | None, single: int | None) -> list[int | None]:
    if swept is None:
        return [single]
    if isinstance(swept, LogGrid):
        return [round(value) for value in swept.values()]
    return swept


def _ages(swept: list[float | None] | LogGrid | None, single: float | None) -> list[int | None]:
    ages = [single] if swept is None else swept.values() if isinstance(swept, LogGrid) else swept
    return [None if age is None else max(1, nanoseconds(age)) for age in ages]


def _timeout(timeout: float) -> int:
    """In nanoseconds; what is larger than 0 stays so, because 0 waits for ever."""
    return max(1, nanoseconds(timeout)) if timeout > 0 else 0
