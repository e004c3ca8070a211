"""Replay a load through the real pool, on a virtual clock.

At one instant expiries come first, then releases, then acquires, except that an acquire whose hold is zero
comes before the releases; otherwise it is the order of the load.
"""

from __future__ import annotations

from dataclasses import dataclass
from heapq import heappop, heappush

from sim.load import Load, order_of_acquire
from ya.resourcepool import ManualClock, ResourcePool


@dataclass(frozen=True)
class Setting:
    """One setting of the pool; `maxage` in nanoseconds, None for no limit."""

    maxsize: int | None
    minsize: int | None
    maxage: int | None


@dataclass(frozen=True)
class Surroundings:
    """What is the same for all settings; times in nanoseconds.

    Attributes:
        init: how many resources each pool has at first.
        warmup: what happens before this is not counted.
        alloc: how long an alloc takes; so much later begins the hold.
        check: how long the check of a pooled resource takes, likewise.
    """

    init: int = 0
    warmup: int = 0
    alloc: int = 0
    check: int = 0


@dataclass
class Figures:
    """What a replay counts, from the warm-up to the horizon; times in nanoseconds.

    Attributes:
        acquires: hits + misses.
        hits: acquires that got a pooled resource.
        misses: acquires that called `alloc`.
        allocated: calls of `alloc`, those that prefill included.
        evicted_overflow: evicted because more than `maxsize` were idle.
        evicted_age: evicted because they were older than `maxage`.
        left: idle at the horizon, after its expiries.
        idle_time: the time that resources were idle, added up.
        peak_idle: the most that were idle at the same time, in all pools.
        horizon: the last release, or the last arrival if that is later.
        waits: how long each acquire waited for its resource, if any did; else empty.
    """

    acquires: int = 0
    hits: int = 0
    misses: int = 0
    allocated: int = 0
    evicted_overflow: int = 0
    evicted_age: int = 0
    left: int = 0
    idle_time: int = 0
    peak_idle: int = 0
    horizon: int = 0
    waits: list[int] | None = None


class _Resource:
    __slots__ = ("pushed_at",)

    def __init__(self, pushed_at: int) -> None:
        self.pushed_at = pushed_at


class Replay:
    """One replay. It sees the pools only as their users do: what they return, and when they call back."""

    def __init__(self, load: Load, setting: Setting, around: Surroundings) -> None:
        self._load = load
        self._setting = setting
        self._around = around
        self._clock = ManualClock(0)
        self._figures = Figures()
        self._allocs = 0
        self._idle = 0
        self._idle_since = 0
        self._over = False

    def run(self) -> Figures:
        """Replay the whole load."""
        load, around, figures = self._load, self._around, self._figures
        pools = [self._make_pool() for _ in load.keys]
        self._sample_peak()
        releases: list[tuple[int, int, ResourcePool[_Resource], _Resource]] = []
        waits: list[int] = []
        for i, (arrival, hold, key) in enumerate(zip(load.arrival, load.hold, load.key, strict=True)):
            before_releases = order_of_acquire(hold) == 0
            while releases and (releases[0][0] < arrival or (releases[0][0] == arrival and not before_releases)):
                self._release(*heappop(releases))
            self._advance(arrival)
            allocs = self._allocs
            resource = pools[key].pop()
            hit = self._allocs == allocs
            if hit:
                self._account(-1)
            wait = around.check if hit else around.alloc
            if arrival >= around.warmup:
                figures.acquires += 1
                figures.hits += hit
                figures.misses += not hit
                waits.append(wait)
            heappush(releases, (arrival + wait + hold, i, pools[key], resource))
        while releases:
            self._release(*heappop(releases))
        self._account(0)
        figures.horizon = self._now()
        figures.left = sum(map(len, pools))
        figures.waits = waits if any(waits) else []
        self._over = True  # the pools are about to be collected, which deallocates what is left
        return figures

    def _make_pool(self) -> ResourcePool[_Resource]:
        setting, allocs = self._setting, self._allocs
        init = [_Resource(0) for _ in range(self._around.init)]
        pool = ResourcePool(
            alloc=self._alloc,
            dealloc=self._dealloc,
            init=init,
            maxsize=setting.maxsize,
            minsize=setting.minsize,
            maxage=setting.maxage,
            clock=self._clock,
        )
        self._account(len(init) + self._allocs - allocs)
        return pool

    def _alloc(self) -> _Resource:
        self._allocs += 1
        now = self._now()
        self._figures.allocated += now >= self._around.warmup
        return _Resource(now)

    def _dealloc(self, resource: _Resource) -> None:
        if self._over:
            return
        self._account(-1)
        now = self._now()
        if now >= self._around.warmup:
            # Where both apply, expiry precedes overflow (R2).
            maxage = self._setting.maxage
            expired = maxage is not None and now - resource.pushed_at >= maxage
            self._figures.evicted_age += expired
            self._figures.evicted_overflow += not expired

    def _release(self, time: int, _: int, pool: ResourcePool[_Resource], resource: _Resource) -> None:
        self._advance(time)
        resource.pushed_at = time
        self._account(1)
        pool.push(resource)
        self._sample_peak()

    def _now(self) -> int:
        return int(self._clock.now())

    def _advance(self, time: int) -> None:
        """Let the time pass; what expires on the way calls `_dealloc`, each at its time."""
        self._clock.advance(time - self._clock.now())

    def _account(self, change: int) -> None:
        """Add up the idle time until now, before the number of idle resources changes."""
        now = self._now()
        since = max(self._idle_since, self._around.warmup)
        if now > since:
            self._figures.idle_time += self._idle * (now - since)
            self._sample_peak()
        self._idle_since = now
        self._idle += change

    def _sample_peak(self) -> None:
        if self._idle > self._figures.peak_idle and self._now() >= self._around.warmup:
            self._figures.peak_idle = self._idle
