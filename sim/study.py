"""Compare settings: simulate the load with each, and recommend one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Executor
from dataclasses import replace
from pathlib import Path
from typing import Any

from sim.choice import pareto, ranking, recommend, sensitivity, warnings
from sim.errors import WorkloadError
from sim.figures import Figures, Setting, Surroundings
from sim.load import SECOND, Load, seconds
from sim.onepass import is_exact, one_pass
from sim.replay import replay
from sim.rows import HIDDEN, Row, interval, make_row
from sim.settings import settings_of, surroundings_of
from sim.source import load
from sim.words import describe
from sim.workload import Cost, Synthetic, Workload, read

Study = dict[str, Any]
Progress = Callable[[Sequence[Any], str], Iterable[Any]]

CHUNK = 8  # settings that an executor is given at a time; each time, the load goes with them
VERIFIED = 8  # so many points of the Pareto front are, if not said otherwise


class MismatchError(Exception):
    """Two engines differ. That is a defect of the simulator, not of the workload."""


def silent(settings: Sequence[Any], _what: str) -> Iterable[Any]:
    """Show no progress."""
    return settings


def study(path: Path, progress: Progress = silent, verify: int = VERIFIED, executor: Executor | None = None) -> Study:
    """Read a workload file and compare the settings that it asks for.

    Args:
        path: of the workload file.
        progress: passes on what is to be done, and may show how far it is.
        verify: how many rows of the Pareto front are replayed through the real pool, if they are from one pass. The
            recommended one and its runner-up always are.
        executor: where the replays run; the result does not depend on it. Without it they run here, and an interrupt
            leaves those that are finished; how many are not is in `unfinished`.

    Returns:
        What `python -m sim --json` prints; see docs/simulator.md.

    Raises:
        WorkloadError: the file, or its data, can't be simulated.
        MismatchError: the engines differ.
    """
    workload = read(path)
    settings, skipped = settings_of(workload, path)
    if workload.replications > 1 and not isinstance(workload.workload, Synthetic):
        raise WorkloadError(
            path, f"$.replications: {workload.replications} is not allowed; expected 1, unless the load is synthetic"
        )
    (acquires,) = [load(workload, path) for _ in progress([0], "Loading")]
    study = _Study(workload, path, acquires, settings, progress, executor)
    rows = study.rows()
    complete = len(rows) == len(settings)
    if workload.replications > 1 and complete:
        study.replicate(rows)
    front = pareto(rows, limited=not workload.pool.alloc)
    study.verify(rows, front, verify if complete else 0)
    recommended = recommend(workload, rows)
    best = rows[recommended["row"]]
    setting = study.settings[recommended["row"]]
    result = {
        "workload": {
            "acquires": len(acquires),
            "keys": len(acquires.keys),
            "duration": acquires.duration / SECOND,
            "peak_in_use": acquires.peak_in_use,
        },
        "skipped": skipped,
        "rows": rows,
        "pareto": front,
        "recommended": recommended,
        "sensitivity": {} if workload.replications > 1 else sensitivity(workload, rows),
        "one_more": study.one_more(setting, best) if complete else None,
        "keys": study.keys(setting, best["horizon"]) if complete else [],
        "warnings": warnings(rows),
        "unfinished": len(settings) - len(rows),
    }
    for row in rows:
        for name in HIDDEN:
            del row[name]
    return result


class _Study:
    """One load and the settings to compare."""

    def __init__(
        self,
        workload: Workload,
        path: Path,
        acquires: Load,
        settings: list[Setting],
        progress: Progress,
        executor: Executor | None,
    ) -> None:
        self.load = acquires
        self.settings = settings
        self._executor = executor
        self._workload = workload
        self._path = path
        self._progress = progress
        self._figures: dict[Setting, Figures] = {}
        self._around = surroundings_of(workload)
        self._check_warmup(acquires)

    def _check_warmup(self, acquires: Load) -> None:
        last = acquires.arrival[-1]
        if self._around.warmup > last:
            raise WorkloadError(
                self._path,
                f"$.warmup: {self._workload.warmup:g} is not allowed; expected at most {seconds(last)}, when the "
                "last acquire comes",
            )

    def rows(self) -> list[Row]:
        """A row for each setting; or, after an interrupt, for those that are finished.

        Raises:
            KeyboardInterrupt: none is.
        """
        rows: dict[Setting, Row] = {}
        try:
            self._simulate(self.load, self._around, rows)
        except KeyboardInterrupt:
            self.settings = [setting for setting in self.settings if setting in rows]
            if not self.settings:
                raise
        return [rows[setting] for setting in self.settings]

    def replicate(self, rows: list[Row]) -> None:
        """Give each row the confidence intervals of its figures."""
        replications = [[row] for row in rows]
        for number in range(1, self._workload.replications):
            acquires = load(self._workload, self._path, number)
            self._check_warmup(acquires)
            found: dict[Setting, Row] = {}
            self._simulate(acquires, surroundings_of(self._workload, number), found)
            for its, setting in zip(replications, self.settings, strict=True):
                its.append(found[setting])
        for row, its in zip(rows, replications, strict=True):
            row["intervals"] = interval(its)

    def verify(self, rows: list[Row], front: list[int], number: int) -> None:
        """Replay the recommended row, its runner-up and so many of the front through the real pool.

        Raises:
            MismatchError: a figure differs.
        """
        order, _ = ranking(self._workload.slo, rows)
        chosen = [i for i in dict.fromkeys([*order[:2], *_spread(front, number)]) if not rows[i]["verified"]]
        for i in self._progress(chosen, "Verifying"):
            setting = self.settings[i]
            figures = replay(self.load, setting, self._around)
            if figures != self._figures[setting]:
                raise MismatchError(
                    f"the engines differ for {describe(rows[i])}: replay {figures}, one-pass {self._figures[setting]}"
                )
            rows[i]["verified"] = True

    def one_more(self, setting: Setting, row: Row) -> dict[str, Any] | None:
        """How the figures of a setting change with one more unit of maxsize; None if it has no limit."""
        if setting.maxsize is None:
            return None
        larger = replace(setting, maxsize=setting.maxsize + 1)
        (other,) = (
            replay_rows(self.load, [each], self._around, self._workload.cost)[0]
            for each in self._progress([larger], "One more")
        )
        names = ("hits", "misses", "timeouts", "idle_seconds", "wait_seconds", "cost")
        return {"maxsize": larger.maxsize, **{name: other[name] - row[name] for name in names}}

    def keys(self, setting: Setting, horizon: int) -> list[Row]:
        """The rows of the keys, if there are several."""
        if len(self.load.keys) == 1:
            return []
        found = []
        for its in self._progress(self.load.by_key(), "By key"):
            (row,) = replay_rows(its, [setting], self._around, self._workload.cost, horizon)
            found.append({"key": its.keys[0], **{name: row[name] for name in BY_KEY}})
        return found

    def _simulate(self, acquires: Load, around: Surroundings, rows: dict[Setting, Row]) -> None:
        cost = self._workload.cost
        exact = [setting for setting in self.settings if is_exact(setting, around)]
        for _ in self._progress([0] if exact else [], "One pass"):
            for setting, figures in zip(exact, one_pass(acquires, exact, around), strict=True):
                rows[setting] = make_row(setting, figures, "one-pass", cost, around.warmup)
                if acquires is self.load:
                    self._figures[setting] = figures  # to verify
        rest = [setting for setting in self.settings if setting not in rows]
        if self._executor is None:
            for setting in self._progress(rest, "Replaying"):
                (rows[setting],) = replay_rows(acquires, [setting], around, cost)
            return
        chunks = [rest[start : start + CHUNK] for start in range(0, len(rest), CHUNK)]
        futures = [self._executor.submit(replay_rows, acquires, chunk, around, cost) for chunk in chunks]
        for chunk, future in self._progress(list(zip(chunks, futures, strict=True)), "Replaying"):
            rows.update(zip(chunk, future.result(), strict=True))


def replay_rows(
    acquires: Load, settings: Sequence[Setting], around: Surroundings, cost: Cost, horizon: int = 0
) -> list[Row]:
    """Replay the load with each of the settings; this is what an executor is given."""
    return [
        make_row(setting, replay(acquires, setting, around, horizon), "replay", cost, around.warmup)
        for setting in settings
    ]


BY_KEY = "acquires hits misses timeouts unserved hit_ratio mean_idle peak_idle wait_p99 cost".split()


def _spread(front: list[int], number: int) -> list[int]:
    """So many of the front, evenly, its ends among them."""
    if len(front) <= number:
        return front
    if number < 2:
        return front[:number]
    return [front[round(i * (len(front) - 1) / (number - 1))] for i in range(number)]
