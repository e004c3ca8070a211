"""Who asks when, and for how long: the load that is replayed, in integer nanoseconds."""

from __future__ import annotations

import csv
import gzip
import math
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from sim.errors import WorkloadError
from sim.workload import CENTURY, Columns, Inline, Trace, Workload

SECOND = 1_000_000_000
UNITS = {"s": SECOND, "ms": 1_000_000, "us": 1_000, "ns": 1}
LONGEST = CENTURY * SECOND
EXACT = 2**50  # below this a float holds nanoseconds with digits to spare


@dataclass(frozen=True)
class Load:
    """Acquires, in the order in which they are made.

    Attributes:
        arrival: of each acquire, in nanoseconds from the first.
        hold: how long each keeps its resource, in nanoseconds.
        key: the index in `keys` of each.
        keys: their names; each key has a pool of its own.
    """

    arrival: list[int]
    hold: list[int]
    key: list[int]
    keys: list[str]

    def __len__(self) -> int:
        return len(self.arrival)

    @property
    def duration(self) -> int:
        """From the first arrival to the last release or, if that is later, the last arrival."""
        return max(map(sum, zip(self.arrival, self.hold, strict=True)))

    @property
    def peak_in_use(self) -> int:
        """The most that are held at the same time, if nobody has to wait."""
        changes = []
        for arrival, hold in zip(self.arrival, self.hold, strict=True):
            changes.append((arrival, order_of_acquire(hold), 1))
            changes.append((arrival + hold, RELEASE, -1))
        changes.sort()
        in_use = peak = 0
        for _, _, change in changes:
            in_use += change
            peak = max(peak, in_use)
        return peak


# What comes first at one instant. A hold of length zero ends at the instant at which it begins.
RELEASE = 1


def order_of_acquire(hold: int) -> int:
    """Where an acquire comes among the events of its instant: after the releases, unless its hold is zero."""
    return 0 if hold == 0 else 2


def load(workload: Workload, path: Path) -> Load:
    """The load of the workload that is in the file at `path`.

    Raises:
        WorkloadError: there is something wrong with the data.
    """
    source = workload.workload
    if isinstance(source, Trace):
        rows = _Rows(path.parent / source.path, "row ")
        _read_trace(rows, source)
    elif isinstance(source, Inline):
        rows = _Rows(path, "$.workload: index ")
        _read_inline(rows, source)
    else:
        raise WorkloadError(path, '$.workload.kind: "synthetic" is not simulated yet; expected "trace" or "inline"')
    return rows.load()


class _Rows:
    """Collects acquires, and complains of what is wrong with one."""

    def __init__(self, path: Path, where: str) -> None:
        self._path = path
        self._where = where
        self._arrival: list[int] = []
        self._hold: list[int] = []
        self._key: list[int] = []
        self._keys: dict[str, int] = {}

    def error(self, problem: str, row: int | None = None) -> WorkloadError:
        return WorkloadError(self._path, problem if row is None else f"{self._where}{row}: {problem}")

    def add(self, row: int, arrival: int, hold: int, key: str) -> None:
        if self._arrival and arrival < self._arrival[-1]:
            raise self.error(
                f"arrivals have to be sorted, but {seconds(arrival)} s comes after {seconds(self._arrival[-1])} s", row
            )
        self._arrival.append(arrival)
        self._hold.append(hold)
        self._key.append(self._keys.setdefault(key, len(self._keys)))

    def load(self) -> Load:
        if not self._arrival:
            raise self.error("has no acquires")
        # Within an instant those whose hold is zero come first, else it is the order of the file.
        order = sorted(range(len(self._arrival)), key=lambda i: (self._arrival[i], order_of_acquire(self._hold[i])))
        first = self._arrival[0]
        return Load(
            arrival=[self._arrival[i] - first for i in order],
            hold=[self._hold[i] for i in order],
            key=[self._key[i] for i in order],
            keys=list(self._keys),
        )


def _read_inline(rows: _Rows, source: Inline) -> None:
    columns: list[tuple[str, Sequence[object]]] = [("arrival", source.arrival), ("hold", source.hold)]
    if source.key is not None:
        columns.append(("key", source.key))
    if len({len(values) for _, values in columns}) > 1:
        lengths = ", ".join(f"{name} has {len(values)}" for name, values in columns)
        raise rows.error(f"$.workload: the arrays have to be equally long, but {lengths}")
    keys = source.key or [""] * len(source.arrival)
    for row, (arrival, hold, key) in enumerate(zip(source.arrival, source.hold, keys, strict=True)):
        rows.add(row, round(arrival * SECOND), round(hold * SECOND), str(key))


def _read_trace(rows: _Rows, source: Trace) -> None:
    lines = _lines(rows, source)
    header = next(lines, None)
    if header is None:
        raise rows.error("is empty; expected a line with the names of the columns")
    columns = _columns(rows, source.columns or _found(header), header)
    unit = UNITS[source.unit]
    by_end = []
    for row, fields in enumerate(lines, start=2):
        if not fields:
            continue
        if len(fields) != len(header):
            raise rows.error(f"{len(fields)} fields; expected {len(header)}, as in the header", row)
        times = {name: _time(rows, row, name, fields[i], unit) for name, i in columns.items() if name != "key"}
        key = fields[columns["key"]] if "key" in columns else ""
        if "arrival" not in times:  # in such a log what ends is written, so it is sorted by that
            by_end.append((times["end"] - times["hold"], row, times["hold"], key))
            continue
        arrival = times["arrival"]
        hold = times["hold"] if "hold" in times else times["end"] - arrival
        if hold < 0:
            raise rows.error(f"ends at {seconds(times['end'])} s, before it arrives at {seconds(arrival)} s", row)
        rows.add(row, arrival, hold, key)
    for arrival, row, hold, key in sorted(by_end):
        rows.add(row, arrival, hold, key)


def _lines(rows: _Rows, source: Trace) -> Iterator[list[str]]:
    opener = gzip.open if source.path.endswith(".gz") else open
    try:
        with opener(rows._path, "rt", encoding="utf-8-sig", newline="") as file:
            yield from csv.reader(file, strict=True)
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


def _columns(rows: _Rows, wanted: Columns, header: list[str]) -> dict[str, int]:
    """The index of each column, by what it holds."""
    names = {"arrival": wanted.arrival, "hold": wanted.hold, "end": wanted.end, "key": wanted.key}
    times = sorted(name for name, column in names.items() if column is not None and name != "key")
    if len(times) != 2:
        raise rows.error(
            f"has the columns {', '.join(header)}; expected two of arrival, hold and end, "
            "which $.workload.columns can name"
        )
    indices = {}
    for name, column in names.items():
        if column is None:
            continue
        if column not in header:
            raise rows.error(f"there is no column {column!r} for {name}; the file has {', '.join(header)}")
        if header.count(column) > 1:
            raise rows.error(f"has more than one column {column!r}")
        indices[name] = header.index(column)
    return indices


def _time(rows: _Rows, row: int, name: str, text: str, unit: int) -> int:
    hint = ""
    try:
        nanoseconds = float(text.replace("_", "?")) * unit  # Python allows 1_000
        if 0 <= nanoseconds < EXACT:
            return round(nanoseconds)
        if 0 <= nanoseconds <= LONGEST:
            return round(Decimal(text) * unit)
        if LONGEST < nanoseconds < math.inf:
            hint = "; is $.workload.unit right?"
    except (ValueError, ArithmeticError):
        pass
    raise rows.error(f"{name}: {text!r} is not allowed; expected a number from 0 to a century{hint}", row)


def seconds(nanoseconds: int) -> str:
    """Nanoseconds as seconds, with no more digits than needed."""
    return f"{nanoseconds / SECOND:.9f}".rstrip("0").rstrip(".")
