"""The pass over the stack of what a pool without limits would hold; see `sim.onepass`."""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from itertools import accumulate, chain

from sim.figures import Figures, Surroundings
from sim.load import Load
from sim.spans import Spans

FOREVER = 1 << 62

Counts = list[tuple[int, int]]  # for each age, and then for none: how many, and the sum of their times


class Stack:
    """The stack as it passes over the load of one key, and what it tells of pools of several sizes and ages.

    Heights begin at 1. A push to height h makes those entries deeper than they have ever been that lie above
    `_low[h]`, the least height since something was last at height h; and no others.

    Args:
        horizon: when it ends: the last release, or later.
        ages: the values of `maxage`, sorted.
        sizes: the values of `maxsize`, sorted, but for none; empty if `spared` is not 0.
        spared: how many of the newest don't expire.
        filled: how many there are at first.
    """

    def __init__(
        self,
        load: Load,
        around: Surroundings,
        horizon: int,
        ages: Sequence[int],
        sizes: Sequence[int],
        spared: int,
        filled: int,
    ) -> None:
        self._load = load
        self._ages = ages
        self._sizes = sizes
        self._spared = spared
        self._height = filled
        self._pushed = [0] * (filled + 2)  # when, by height
        self._low = [0] * (filled + 2)
        # By height: the depth that an entry has had, at least, and exactly for the top. If some are spared, the age
        # at which it last had so many above it that it was not, or 0.
        self._mark = [0 if spared else 1] * (filled + 2)
        self._releases = array("q", chain(load.releases, [FOREVER]))
        self._released = 0
        self._reset()
        # After a warm-up: the entries from before it, which lie below the others. When each was pushed, and how deep
        # it had been.
        self._old: list[tuple[int, int]] = []
        self._olds = 0
        self._highest = FOREVER  # since the warm-up

        warmup = around.warmup
        counted = bisect_left(load.arrival, warmup)  # the first acquire that is
        if warmup:
            self._run(0, counted, warmup)
            self._held_at_warmup = self._held(warmup, 1)
            self._begin(warmup)
        else:
            self._held_at_warmup = [[(0, 0)] * (len(ages) + 1)] * (len(sizes) + 1)
            self._pushes = filled
            self._young = [filled] * (len(ages) + 1)
            for size, spans in zip(sizes, self._overflown, strict=True):
                for _ in range(filled - size):
                    spans.add(0)
        self._run(counted, len(load), FOREVER)
        self._left = self._held(horizon, 0)
        self._acquires = len(load) - counted

    def _reset(self) -> None:
        """Begin to count."""
        ages, sizes = len(self._ages) + 1, len(self._sizes) + 1
        self._pushes = 0
        self._popped = [Spans() for _ in range(sizes)]  # by the smallest size that has had it until then
        self._overflown = [Spans() for _ in self._sizes]
        # If some are spared, by age: those popped that were not past it where they were not spared. And from which
        # age on, and up to which, they were spared: how often, and the sum of the latter.
        self._kept = [[0] * ages, [0] * ages]
        self._gaps = [[0] * ages, [0] * ages]
        # By age: the most that are younger at the same time, of those pushed since.
        self._young = [0] * ages
        # By size and age: the most that are idle together with an old one.
        self._together = [[0] * ages for _ in range(sizes)]

    def _run(self, first: int, last: int, until: int) -> None:
        """Pass over these acquires, and the releases before then."""
        pushed, low, mark, young, spared = self._pushed, self._low, self._mark, self._young, self._spared
        releases, released, height, olds = self._releases, self._released, self._height, self._olds
        highest, before = self._highest, released
        ages, sizes = [*self._ages, FOREVER], self._sizes
        fresh = 0 if spared else 1
        deepest_kept = sizes[-1] if sizes else 0
        popped = [self._popped[bisect_left(sizes, depth)].add for depth in range(deepest_kept + 2)]
        overflown = [(size, spans.add) for size, spans in zip(sizes, self._overflown, strict=True) if size]
        smallest = overflown[0][0] if overflown else FOREVER
        its = zip(self._load.arrival[first:last], self._load.hold[first:last], strict=True)
        for arrival, hold in chain(its, [(until, 0)]):
            while (now := releases[released]) < arrival or (hold and now == arrival):
                released += 1
                height += 1
                if height + 1 == len(pushed):
                    pushed.append(0)
                    low.append(0)
                    mark.append(0)
                pushed[height] = now
                mark[height] = fresh
                if (least := low[height]) < low[height + 1]:
                    low[height + 1] = least
                deeper = height - 1 - least
                if deeper >= smallest:
                    for size, add in overflown:
                        if size > deeper:
                            break
                        add(now - pushed[height - size])
                # Only those that are deeper than ever can show that more are young than before: any other has been as
                # deep when it was younger. Young ones lie on top, so it is enough to look at the next one.
                if deeper >= young[0]:
                    deepest = min(deeper + 1, height - olds)
                    for i, age in enumerate(ages):
                        most = young[i]
                        if most >= deepest:
                            break
                        while most < deepest and now - pushed[height - most] < age:
                            most += 1
                        young[i] = most
                if height > highest:
                    highest = height
                    self._note_together(now, height, olds)
                if spared and height > spared:
                    self._note_gap(mark[height - spared], now - pushed[height - spared])
            if arrival >= until:
                break
            if not height:
                continue
            depth = mark[height]  # or, if some are spared, an age
            if spared:
                self._note_kept(depth, arrival - pushed[height])
                if height > spared:
                    mark[height - spared] = arrival - pushed[height - spared]
                height -= 1
            else:
                popped[depth if depth <= deepest_kept else -1](arrival - pushed[height])
                height -= 1
                if mark[height] <= depth:
                    mark[height] = depth + 1
            low[height + 1] = height
            if height < olds:
                olds = height
        self._released, self._height, self._olds, self._highest = released, height, olds, highest
        self._pushes += released - before

    def _begin(self, warmup: int) -> None:
        """End the warm-up."""
        self._reset()
        depth = 0
        for height in range(self._height, 0, -1):
            depth = max(self._mark[height], depth + 1)
            self._old.append((self._pushed[height], depth))
        self._old.reverse()
        self._olds = self._highest = self._height
        self._note_together(warmup, self._height, self._olds)

    def _note_together(self, now: int, height: int, olds: int) -> None:
        """The old entries are deeper than ever since the warm-up: note how many are idle where they are."""
        for below, (pushed, depth) in enumerate(self._old[:olds]):
            idle = height - below
            row = self._together[bisect_left(self._sizes, max(depth, idle))]
            age = bisect_right(self._ages, now - pushed)
            row[age] = max(row[age], idle)

    def _note_gap(self, start: int, end: int) -> None:
        first, last = bisect_right(self._ages, start), bisect_left(self._ages, end)
        if first < last:
            for index, sign in ((first, 1), (last, -1)):
                self._gaps[0][index] += sign
                self._gaps[1][index] += sign * end

    def _note_kept(self, not_spared: int, age: int) -> None:
        index = bisect_right(self._ages, not_spared)
        self._kept[0][index] += 1
        self._kept[1][index] += age

    def _held(self, now: int, early: int) -> list[Counts]:
        """What is idle, by size and age, and for how long it has been so.

        Args:
            early: how long before then expiries count, in nanoseconds.
        """
        numbers = [[0] * (len(self._ages) + 1) for _ in range(len(self._sizes) + 1)]
        times = [row.copy() for row in numbers]
        depth = 0
        for height in range(self._height, 0, -1):
            age = now - self._pushed[height]
            if self._spared:
                spared = height > self._height - self._spared
                index, limit = 0, self._mark[height] if spared else age - early
            else:
                depth = max(self._mark[height], depth + 1)
                index, limit = bisect_left(self._sizes, depth), age - early
            column = bisect_right(self._ages, limit)
            numbers[index][column] += 1
            times[index][column] += age
        return [list(zip(n, t, strict=True)) for n, t in zip(_grid(numbers), _grid(times), strict=True)]

    def surface(self) -> list[list[Figures]]:
        """The figures by size, and then none, and by age, and then none.

        If some are spared, `peak_idle` is only of those that are not.
        """
        ages = [*self._ages, 0]
        together = _grid(self._together, max)
        popped: Counts = [(0, 0)] * len(ages)
        surface = []
        for i, size in enumerate([*self._sizes, FOREVER]):
            none = [(0, 0)] * len(ages)
            popped = _add(popped, self._popped[i].below(self._ages))
            overflown = self._overflown[i].below(self._ages) if size < FOREVER else none
            if size == 0:  # what is pushed is gone at once
                overflown = [(self._pushes, 0)] * len(ages)
            ended = _add(popped, overflown)
            gaps = none
            if self._spared:
                ended = popped = list(zip(*map(accumulate, self._kept), strict=True))
                gaps = list(zip(*map(accumulate, self._gaps), strict=True))
            row = []
            for j, age in enumerate(ages):
                (hits, _), (overflow, _), (left, left_time) = popped[j], overflown[j], self._left[i][j]
                held, held_time = self._held_at_warmup[i][j]
                expired = self._pushes + held - hits - overflow - left
                row.append(
                    Figures(
                        acquires=self._acquires,
                        hits=hits,
                        misses=self._acquires - hits,
                        allocated=self._acquires - hits,
                        evicted_overflow=overflow,
                        evicted_age=expired,
                        left=left,
                        idle_time=ended[j][1] + left_time - held_time + expired * age + gaps[j][1] - gaps[j][0] * age,
                        peak_idle=max(min(size, self._young[j]), together[i][j]),
                    )
                )
            surface.append(row)
        return surface


def _grid(rows: list[list[int]], function: object = None) -> list[list[int]]:
    """Add up, or whatever the function does, over all that is not larger, in both directions."""
    rows = [list(accumulate(row, function)) for row in rows]  # type: ignore[call-overload]
    columns = [list(accumulate(column, function)) for column in zip(*rows, strict=True)]  # type: ignore[call-overload]
    return [list(row) for row in zip(*columns, strict=True)]


def _add(one: Counts, other: Counts) -> Counts:
    return [(n + m, time + more) for (n, time), (m, more) in zip(one, other, strict=True)]
