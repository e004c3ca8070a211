"""Read a large trace fast, with the extra `fast`."""

from __future__ import annotations

import gzip
from array import array
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

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

        # Nothing is named that is not needed any more: the columns are as large as the load that is made of them.
        kinds = {header[i]: polars.Categorical if name == "key" else polars.Float64 for name, i in columns.items()}
        content = _content(rows.path)
        with ThreadPoolExecutor(1) as thread:  # in this thread polars would raise an interrupt, and Python once more
            table = thread.submit(polars.read_csv, content, columns=list(kinds), schema_overrides=kinds).result()
        del content
    except Exception:  # no such file, no such module, or what polars finds wrong, which has no common class
        return False
    if table.is_empty() or any(table.null_count().row(0)):
        return False
    found = []
    for name in (header[i] for kind, i in columns.items() if kind != "key"):
        with numpy.errstate(over="ignore"):
            times = table.drop_in_place(name).to_numpy() * unit
        if not (times.min() >= 0 and times.max() < limit):  # also if there is a NaN
            return False
        found.append(numpy.rint(times, out=times).astype(numpy.int64))
        del times
    arrival, hold = found
    del found
    if "end" in columns:
        hold -= arrival
    if (arrival[1:] < arrival[:-1]).any() or hold.min() < 0:
        return False
    rows.arrival.frombytes(arrival.view(numpy.uint8).data)
    del arrival
    rows.hold.frombytes(hold.view(numpy.uint8).data)
    del hold
    if "key" in columns:
        series = table[header[columns["key"]]]
        first = series.unique(maintain_order=True)
        rows.keys.update((name, number) for number, name in enumerate(first.to_list()))
        codes = first.to_physical().to_numpy()
        numbers = numpy.zeros(codes.max() + 1, numpy.int64)  # by code
        numbers[codes] = numpy.arange(len(codes))
        rows.key.frombytes(numbers[series.to_physical().to_numpy()].view(numpy.uint8).data)
    else:
        rows.keys[""] = 0
        rows.key.extend(array("q", [0]) * len(rows.arrival))
    return True


def _content(path: Path) -> bytes:
    content = path.read_bytes()
    return gzip.decompress(content) if path.suffix == ".gz" else content
