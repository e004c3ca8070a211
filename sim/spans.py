"""Many lengths of time, and for each of several limits how many are below it, and their sum."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Sequence
from itertools import accumulate, chain

from sim.extra import numpy_for


class Spans:
    """Lengths of time in nanoseconds."""

    def __init__(self) -> None:
        self._lengths = array("q")
        self.add = self._lengths.append

    def __len__(self) -> int:
        return len(self._lengths)

    def below(self, limits: Sequence[int]) -> list[tuple[int, int]]:
        """How many are below each limit, and their sum, exactly; limits are sorted. The last is for all."""
        lengths = self._lengths
        numpy = numpy_for(len(lengths))
        if numpy is not None and len(lengths) * max(lengths, default=0) < 2**63:
            values = numpy.sort(numpy.frombuffer(lengths, dtype=numpy.int64))
            ends = [*numpy.searchsorted(values, limits).tolist(), len(values)]
            sums = numpy.concatenate(([0], numpy.cumsum(values)))[ends].tolist()
            return list(zip(ends, sums, strict=True))
        ordered = sorted(lengths)
        ends = [*(bisect_left(ordered, limit) for limit in limits), len(ordered)]
        sums = accumulate(sum(ordered[start:end]) for start, end in zip(chain([0], ends), ends, strict=False))
        return list(zip(ends, sums, strict=True))
