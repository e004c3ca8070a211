"""Who asks when, and for how long: the load that is replayed, in integer nanoseconds."""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from sim.errors import WorkloadError
from sim.extra import numpy_for

SECOND = 1_000_000_000


@dataclass(frozen=True)
class Load:
    """Acquires, in the order in which they are made.

    Attributes:
        arrival: of each acquire, in nanoseconds from the first.
        hold: how long each keeps its resource, in nanoseconds.
        key: the index in `keys` of each.
        keys: their names; each key has a pool of its own.
    """

    arrival: Sequence[int]
    hold: Sequence[int]
    key: Sequence[int]
    keys: list[str]

    def __len__(self) -> int:
        return len(self.arrival)

    @property
    def duration(self) -> int:
        """From the first arrival to the last release, if nobody waits."""
        return self.releases[-1]

    @property
    def peak_in_use(self) -> int:
        """The most that are held at the same time, if nobody waits."""
        released = peak = 0
        releases = self.releases
        for before, (arrival, hold) in enumerate(zip(self.arrival, self.hold, strict=True)):
            while releases[released] < arrival or (hold and releases[released] == arrival):
                released += 1
            peak = max(peak, before + 1 - released)
        return peak

    @cached_property
    def releases(self) -> Sequence[int]:
        """When something is released, in order, if nobody waits."""
        found = array("q")
        numpy = numpy_for(len(self))
        if numpy is None:
            found.extend(sorted(map(int.__add__, self.arrival, self.hold)))
        else:
            sums = numpy.asarray(self.arrival, numpy.int64) + numpy.asarray(self.hold, numpy.int64)
            found.frombytes(numpy.sort(sums).tobytes())
        return found

    def by_key(self) -> list[Load]:
        """The load of each key; time 0 stays."""
        if len(self.keys) == 1:
            return [self]
        columns = [(array("q"), array("q")) for _ in self.keys]
        for arrival, hold, key in zip(self.arrival, self.hold, self.key, strict=True):
            arrivals, holds = columns[key]
            arrivals.append(arrival)
            holds.append(hold)
        return [
            Load(arrivals, holds, array("q", [0]) * len(arrivals), [name])
            for (arrivals, holds), name in zip(columns, self.keys, strict=True)
        ]


class Rows:
    """Collects the acquires of a source, and complains of what is wrong with one.

    Args:
        path: of the file that the user has to mend.
        where: what stands before the number of a row in a message.
    """

    def __init__(self, path: Path, where: str) -> None:
        self.path = path
        self._where = where
        self.arrival = array("q")
        self.hold = array("q")
        self.key = array("q")
        self.keys: dict[str, int] = {}

    def error(self, problem: str, row: int | None = None) -> WorkloadError:
        """What is wrong with the source, or with a row of it."""
        return WorkloadError(self.path, problem if row is None else f"{self._where}{row}: {problem}")

    def add(self, row: int, arrival: int, hold: int, key: str) -> None:
        """Append an acquire.

        Raises:
            WorkloadError: it comes before the one before it.
        """
        if self.arrival and arrival < self.arrival[-1]:
            raise self.error(
                f"arrivals have to be sorted, but {seconds(arrival)} s comes after {seconds(self.arrival[-1])} s", row
            )
        self.arrival.append(arrival)
        self.hold.append(hold)
        self.key.append(self.keys.setdefault(key, len(self.keys)))

    def load(self) -> Load:
        """What was collected, in the order in which it is replayed.

        Raises:
            WorkloadError: there is nothing.
        """
        if not self.arrival:
            raise self.error("has no acquires")
        first = self.arrival[0]
        arrival = array("q", map(first.__rsub__, self.arrival)) if first else self.arrival
        order = self._order(arrival)
        if order is None:
            return Load(arrival, self.hold, self.key, list(self.keys))
        return Load(
            arrival=array("q", map(arrival.__getitem__, order)),
            hold=array("q", map(self.hold.__getitem__, order)),
            key=array("q", map(self.key.__getitem__, order)),
            keys=list(self.keys),
        )

    def _order(self, arrival: Sequence[int]) -> array[int] | None:
        """Within an instant those whose hold is zero come first, else it is the order of the source: None, if it is."""
        hold, order, row = self.hold, None, 0
        while row < len(hold):
            try:
                row = hold.index(0, row)
            except ValueError:
                break
            if row and arrival[row - 1] == arrival[row] and hold[row - 1]:
                first, last = bisect_left(arrival, arrival[row]), bisect_right(arrival, arrival[row])
                order = array("q", range(len(hold))) if order is None else order
                order[first:last] = array("q", sorted(range(first, last), key=lambda row: hold[row] > 0))
                row = last
            else:
                row += 1
        return order


def seconds(nanoseconds: int) -> str:
    """Nanoseconds as seconds, with no more digits than needed."""
    return f"{nanoseconds / SECOND:.9f}".rstrip("0").rstrip(".")
