"""The hits of all sizes and ages from one pass over the load: less than `sim.onepass` tells, in less time."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from itertools import accumulate

from sim.figures import Surroundings
from sim.load import Load

FOREVER = 1 << 62


def hit_surface(load: Load, sizes: Sequence[int], ages: Sequence[int], around: Surroundings) -> list[list[int]]:
    """The hits with each `maxsize`, and each `maxage`, without a `minsize`; as in `sim.onepass`, to the integer.

    Args:
        sizes: sorted.
        ages: in nanoseconds, sorted.
        around: such that `sim.onepass.is_exact`.

    Returns:
        By size, and then for none: by age, and then for none.
    """
    most = sizes[-1] if sizes else 0
    counts = [[0] * (len(ages) + 1) for _ in range(most + 2)]
    for its in load.by_key():
        _count(its, ages, around, counts)
    by_size = [list(row) for row in zip(*(accumulate(column) for column in zip(*counts, strict=True)), strict=True)]
    return [list(accumulate(by_size[size])) for size in [*sizes, most + 1]]


def _count(load: Load, ages: Sequence[int], around: Surroundings, counts: list[list[int]]) -> None:
    """Count the pops of one key by the depth that the entry had, at most, and by how many ages it has outlived."""
    pushed = [0] * around.init  # when, of the stack that a pool without limits would hold
    depths = [0] + [1] * around.init  # that each had, at least, and exactly for the top; the first is of none
    push, pop, push_depth, pop_depth = pushed.append, pushed.pop, depths.append, depths.pop
    deepest, before = len(counts) - 1, bisect_left(load.arrival, around.warmup)
    discarded = [[0] * (len(ages) + 1)] * len(counts)
    releases = iter(load.releases)
    release = next(releases)
    arrivals, holds = iter(load.arrival), iter(load.hold)
    for rows, number in ((discarded, before), (counts, len(load) - before)):
        for _, arrival, hold in zip(range(number), arrivals, holds, strict=False):
            if release <= arrival:
                while release < arrival or (hold and release == arrival):
                    push(release)
                    push_depth(1)
                    release = next(releases, FOREVER)
            if pushed:
                depth = pop_depth()
                if depths[-1] <= depth:
                    depths[-1] = depth + 1
                rows[depth if depth < deepest else deepest][bisect_right(ages, arrival - pop())] += 1
