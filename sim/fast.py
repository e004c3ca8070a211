"""Read a large trace fast, with the extra `fast`."""

from __future__ import annotations

import gzip
from array import array
from collections.abc import Mapping, Sequence

from sim.load import Rows

FAST_FROM = 1_000_000  # bytes, compressed or not; to import them takes longer than to read fewer


def read_fast(rows: Rows, header: Sequence[str], columns: Mapping[str, int], unit: int, limit: int) -> bool:
    """Read a file that is sorted by arrival, if all in it is as it should be; else leave it, and what is wrong with it,
    to the reader that takes one row at a time.

    Args:
        columns: the index of `arrival`, `hold` or `end`, and `key`, if there is one.
        unit: of the times, in nanoseconds.
        limit: all times are less than that, in nanoseconds.

    Returns:
        Whether it was read.
    """
    try:
        if rows.path.stat().st_size < FAST_FROM:
            return False
        import numpy
        import polars

        content = rows.path.read_bytes()
        if rows.path.suffix == ".gz":
            content = gzip.decompress(content)
        kinds = {header[i]: polars.String if name == "key" else polars.Float64 for name, i in columns.items()}
        table = polars.read_csv(content, columns=list(kinds), schema_overrides=kinds)
    except Exception:  # no such file, no such module, or what polars finds wrong, which has no common class
        return False
    if table.is_empty() or any(table.null_count().row(0)):
        return False
    with numpy.errstate(over="ignore"):
        times = [table[header[i]].to_numpy() * unit for name, i in columns.items() if name != "key"]
    if not all((its.min() >= 0) and (its.max() < limit) for its in times):  # false for NaN, too
        return False
    arrival, second = (numpy.rint(its).astype(numpy.int64) for its in times)
    hold = second - arrival if "end" in columns else second
    if (arrival[1:] < arrival[:-1]).any() or hold.min() < 0:
        return False
    for target, values in ((rows.arrival, arrival), (rows.hold, hold)):
        target.frombytes(values.tobytes())
    if "key" in columns:
        series = table[header[columns["key"]]]
        names = series.unique(maintain_order=True).to_list()
        rows.keys.update((name, number) for number, name in enumerate(names))
        numbers = series.replace_strict(names, range(len(names)), return_dtype=polars.Int64)
        rows.key.frombytes(numbers.to_numpy().tobytes())
    else:
        rows.keys[""] = 0
        rows.key.extend(array("q", [0]) * len(rows.arrival))
    return True
