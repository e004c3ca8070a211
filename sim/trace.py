"""Traces: recorded loads in CSV files."""

from __future__ import annotations

import csv
import gzip
import math
import zlib
from array import array
from collections.abc import Iterator
from decimal import Decimal
from itertools import chain, islice
from pathlib import Path

from sim.fast import read_fast
from sim.files import lines_of
from sim.load import SECOND, Load, Rows, seconds
from sim.workload import CENTURY, Columns, Trace

UNITS = {"s": SECOND, "ms": 1_000_000, "us": 1_000, "ns": 1}
LONGEST = CENTURY * SECOND
CHUNK = 1024
OPTIONS = ("$.workload.columns", "$.workload.unit")
Chunk = list[list[str]]  # rows, as they stand in the file
EXACT = 2**50  # below this a float holds nanoseconds with digits to spare


def read_trace(source: Trace, path: Path, options: tuple[str, str] = OPTIONS) -> Load:
    """The load of a CSV file.

    Args:
        options: what the user can say of the columns, and of the unit.

    Raises:
        WorkloadError: it can't be read, or there is something wrong with it; says in which row.
    """
    rows = Rows(path, "row ")
    chunks = _chunks(rows)
    header = next(chunks, [[]])[0]
    if not header:
        raise rows.error("is empty; expected a line with the names of the columns")
    columns = _columns(rows, source.columns or _found(header), header, options[0])
    reader = _Reader(rows, columns, len(header), UNITS[source.unit], options[1])
    in_order = "arrival" in columns and not source.sort
    if in_order and read_fast(rows, header, columns, UNITS[source.unit], EXACT):
        return rows.load()
    if in_order:
        reader.read(chunks)
    else:
        reader.read_and_sort(chunks)
    return rows.load()


class _Reader:
    def __init__(self, rows: Rows, columns: dict[str, int], width: int, unit: int, option: str) -> None:
        self._rows = rows
        self._columns = columns
        self._width = width
        self._unit = unit
        self._option = option  # in which the user gives the unit

    def read(self, chunks: Iterator[Chunk]) -> None:
        """Read rows that are sorted by arrival."""
        row = 2
        for chunk in chunks:
            if not self._read_plain(chunk):
                for number, fields in enumerate(chunk, start=row):
                    if fields:
                        self._rows.add(number, *self._row(number, fields))
            row += len(chunk)

    def _read_plain(self, chunk: Chunk) -> bool:
        """Read many rows at a time, if all of them are as they should be; return whether they are."""
        rows, unit = self._rows, self._unit
        try:
            columns = list(zip(*chunk, strict=True))
            first, second = (columns[i] for name, i in self._columns.items() if name != "key")
            arrivals = [round(time * unit) for time in map(float, first)]
            holds = [round(time * unit) for time in map(float, second)]
        except (ValueError, IndexError, OverflowError):
            return False
        if "end" in self._columns:
            holds = list(map(int.__sub__, holds, arrivals))
        last = rows.arrival[-1] if rows.arrival else 0
        plain = (
            len(columns) == self._width
            and last <= arrivals[0]
            and arrivals == sorted(arrivals)
            and arrivals[-1] < EXACT
            and min(holds) >= 0
            and max(holds) < EXACT
            and "_" not in "".join(first)  # Python allows 1_000
            and "_" not in "".join(second)
        )
        if plain:
            rows.arrival.extend(arrivals)
            rows.hold.extend(holds)
            if "key" in self._columns:
                names = columns[self._columns["key"]]
                for name in dict.fromkeys(names):
                    rows.keys.setdefault(name, len(rows.keys))
                rows.key.extend(map(rows.keys.__getitem__, names))
            else:
                rows.key.extend(array("q", [rows.keys.setdefault("", 0)]) * len(chunk))
        return plain

    def read_and_sort(self, chunks: Iterator[Chunk]) -> None:
        """Read rows in any order. So is a log in which what ends is written, without its arrival."""
        lines = enumerate(chain.from_iterable(chunks), start=2)
        rows = [(row, *self._row(row, fields)) for row, fields in lines if fields]
        rows.sort(key=lambda row: row[1])
        for row in rows:
            self._rows.add(*row)

    def _row(self, row: int, fields: list[str]) -> tuple[int, int, str]:
        """The arrival, hold and key of a row."""
        if len(fields) != self._width:
            raise self._rows.error(f"{len(fields)} fields; expected {self._width}, as in the header", row)
        times = {name: self._time(row, name, fields[i]) for name, i in self._columns.items() if name != "key"}
        key = fields[self._columns["key"]] if "key" in self._columns else ""
        if "arrival" not in times:
            return times["end"] - times["hold"], times["hold"], key
        arrival = times["arrival"]
        hold = times["hold"] if "hold" in times else times["end"] - arrival
        if hold < 0:
            raise self._rows.error(f"ends at {seconds(times['end'])} s, before it arrives at {seconds(arrival)} s", row)
        return arrival, hold, key

    def _time(self, row: int, name: str, text: str) -> int:
        hint = ""
        try:
            nanoseconds = float(text.replace("_", "?")) * self._unit  # Python allows 1_000
            if 0 <= nanoseconds < EXACT:
                return round(nanoseconds)
            if 0 <= nanoseconds <= LONGEST:
                return round(Decimal(text) * self._unit)
            if LONGEST < nanoseconds < math.inf:
                hint = f"; is {self._option} right?"
        except (ValueError, ArithmeticError):
            pass
        raise self._rows.error(f"{name}: {text!r} is not allowed; expected a number from 0 to a century{hint}", row)


def _chunks(rows: Rows) -> Iterator[Chunk]:
    """The header, and then many rows at a time: to pass on each of them would take longer."""
    opener = gzip.open if rows.path.suffix == ".gz" else open
    try:
        with opener(rows.path, "rt", encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(lines_of(file, rows.error), strict=True)
            size = 1
            while chunk := list(islice(reader, size)):
                yield chunk
                size = CHUNK
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise rows.error(f"is not a complete gzip file: {error}") from None
    except UnicodeDecodeError:
        raise rows.error("is not UTF-8 text") from None
    except csv.Error as error:
        raise rows.error(f"is not valid CSV: {error}") from None
    except OSError as error:
        raise rows.error(f"can't be read: {error.strerror}") from None
    except ValueError as error:  # no name that a file can have
        raise rows.error(f"can't be read: {error}") from None


def _found(header: list[str]) -> Columns:
    """The columns of a trace that does not say which they are: those of the usual names."""
    present = {name: name for name in ("arrival", "hold", "end", "key") if name in header}
    if "arrival" in present and "hold" in present:
        present.pop("end", None)
    return Columns(**present)


def _columns(rows: Rows, wanted: Columns, header: list[str], option: str) -> dict[str, int]:
    """The index of each column, by what it holds."""
    names = {"arrival": wanted.arrival, "hold": wanted.hold, "end": wanted.end, "key": wanted.key}
    times = sorted(name for name, column in names.items() if column is not None and name != "key")
    if len(times) != 2:
        raise rows.error(
            f"has the columns {_shown(header)}; expected two of arrival, hold and end, which {option} can name"
        )
    indices = {}
    for name, column in names.items():
        if column is None:
            continue
        if column not in header:
            raise rows.error(f"there is no column {column!r} for {name}; the file has {_shown(header)}")
        if header.count(column) > 1:
            raise rows.error(f"has more than one column {column!r}")
        indices[name] = header.index(column)
    return indices


def _shown(header: list[str]) -> str:
    # In one line, whatever a field holds.
    text = "".join(c if c.isprintable() else repr(c)[1:-1] for c in ", ".join(header))
    return text if len(text) <= 200 else f"{text[:200]}..."
