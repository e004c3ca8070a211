"""Where a load comes from: a trace, the workload file itself, or a generator."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from sim.load import SECOND, Load, Rows
from sim.synthetic import draw
from sim.trace import read_trace
from sim.workload import Inline, Trace, Workload


def load(workload: Workload, path: Path, replication: int = 0) -> Load:
    """The load of the workload that is in the file at `path`.

    Args:
        replication: of a synthetic load there are as many as wanted, each with other random numbers.

    Raises:
        WorkloadError: there is something wrong with the data.
    """
    source = workload.workload
    if isinstance(source, Trace):
        return read_trace(source, path.parent / source.path)
    rows = Rows(path, "$.workload: index ")
    if isinstance(source, Inline):
        _read_inline(rows, source)
    else:
        draw(rows, source, workload.seed, replication)
    return rows.load()


def _read_inline(rows: Rows, source: Inline) -> None:
    columns: list[tuple[str, Sequence[object]]] = [("arrival", source.arrival), ("hold", source.hold)]
    if source.key is not None:
        columns.append(("key", source.key))
    if len({len(values) for _, values in columns}) > 1:
        lengths = ", ".join(f"{name} has {len(values)}" for name, values in columns)
        raise rows.error(f"$.workload: the arrays have to be equally long, but {lengths}")
    keys = source.key or [""] * len(source.arrival)
    for row, (arrival, hold, key) in enumerate(zip(source.arrival, source.hold, keys, strict=True)):
        rows.add(row, round(arrival * SECOND), round(hold * SECOND), str(key))
