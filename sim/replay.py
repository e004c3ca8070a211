"""Replay a load through the real pool, on a virtual clock.

At one instant expiries and timeouts come first, then releases, then acquires, except that an acquire whose hold is
zero comes before the releases; otherwise it is the order of the load.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections import deque
from collections.abc import Callable
from heapq import heappop, heappush
from itertools import chain, count
from typing import Any

from sim.blocking import Watch, replay_blocking
from sim.books import FOREVER, Books
from sim.figures import Figures, Setting, Surroundings
from sim.load import Load
from ya.resourcepool import ResourcePoolEmpty


def replay(load: Load, setting: Setting, around: Surroundings, horizon: int = 0, watch: Watch | None = None) -> Figures:
    """Replay the whole load.

    Args:
        horizon: replay at least until then.
        watch: is told after every event the time, how many are idle, and how many are in use or about to be.
    """
    # Here nobody is blocked in `pop`. That is faster, and the same, unless a pop can be held up within: by a check
    # that takes time and finds it dead, or because there is nothing to wait for but a hand-over (R5).
    if (around.mortal and around.check_latency) or (setting.maxsize == 0 and not around.alloc):
        return replay_blocking(load, setting, around, horizon, watch)
    return _replay(load, setting, around, horizon, watch)


class _Clock:
    """A clock that is set by the replay, which is faster than to advance a `ManualClock`."""

    def __init__(self) -> None:
        self.time: float = 0
        self.calls: list[tuple[float, int, Callable[[], object]]] = []
        self.watch: Callable[[], object] | None = None
        self._numbers = count()

    def now(self) -> float:
        return self.time

    def wait(self, *_: object) -> bool:
        raise AssertionError("nobody is blocked in this replay")

    def call_at(self, start: float, length: float, function: Callable[[], object]) -> None:
        heappush(self.calls, (start + length, next(self._numbers), function))

    def run(self, until: float) -> None:
        """Make the calls that are due, each at its time."""
        while self.calls and self.calls[0][0] <= until:
            self.time, _, function = heappop(self.calls)
            function()
            if self.watch is not None:
                self.watch()


def _replay(load: Load, setting: Setting, around: Surroundings, horizon: int, watch: Watch | None) -> Figures:
    warmup, mortal = around.warmup, around.mortal
    hit_latency, miss_latency = around.check_latency, around.alloc_latency
    clock = _Clock()
    calls = clock.calls
    books = Books(setting, around, clock)
    pools = [books.make_pool() for _ in load.keys]
    prefilled = books.allocs
    pops, pushes = [pool.pop for pool in pools], [pool.push for pool in pools]
    line = None if around.alloc else _Line(load, around)
    waits = array("q", [-1]) * len(load) if line or hit_latency or miss_latency else None
    counted = bisect_left(load.arrival, warmup)  # the first acquire that is
    horizon = max(horizon, load.arrival[-1])
    arrival: Any
    idle, idle_time, peak = 0, 0, 0 if warmup else books.idle

    # What is to be released: when, in which order, of which key. The one without a resource ends the warm-up: what
    # is idle then has been so before.
    releases: list[tuple[Any, int, int, Any]] = [(warmup - 0.5, -1, 0, None)] if warmup else []
    pending = len(releases)
    if watch is not None:
        clock.watch = lambda: watch(int(clock.time), idle + books.idle, len(releases) - pending)
    watched = clock.watch
    acquires = zip(load.arrival, load.hold, load.key, strict=True)
    for number, (arrival, hold, key) in enumerate(chain(acquires, [(FOREVER, 1, -1)])):
        while releases and (releases[0][0] < arrival or (hold and releases[0][0] == arrival)):
            if calls and calls[0][0] <= releases[0][0]:
                clock.run(releases[0][0])
            now, order, its, resource = heappop(releases)
            clock.time = now
            if resource is None:
                clock.run(warmup)
                peak, pending = idle + books.idle, 0
                continue
            if mortal:
                books.stamp(resource, now)
            else:
                resource[0] = now
            horizon = max(horizon, now)
            pushes[its](resource)
            order = -1 if line is None else line.first(its, now)
            if order >= 0:
                waited = now + hit_latency - load.arrival[order]
                heappush(releases, (now + hit_latency + load.hold[order], order, its, pops[its]()))
                if order >= counted:
                    waits[order] = waited  # type: ignore[index]
                if watched is not None:
                    watched()
                continue
            idle += 1
            idle_time -= now if now > warmup else warmup
            if idle + books.idle > peak and now >= warmup:
                peak = idle + books.idle
            if watched is not None:
                watched()
        if key < 0:
            break
        if calls and calls[0][0] <= arrival:
            clock.run(arrival)
        clock.time = arrival
        allocs = books.allocs
        try:
            resource = pops[key]() if line is None or len(pools[key]) else None
        except ResourcePoolEmpty:  # what was idle was dead
            resource = None
        if resource is None:
            line.join(key, number)  # type: ignore[union-attr]
            continue
        idle -= 1
        idle_time += arrival if arrival > warmup else warmup
        latency = hit_latency if allocs == books.allocs else miss_latency
        if waits is not None and number >= counted:
            waits[number] = latency
        heappush(releases, (arrival + latency + hold, number, key, resource))
        if watched is not None:
            watched()

    clock.run(horizon)
    clock.time = horizon
    figures = books.figures(pools, len(load) - counted, peak)
    figures.misses = books.allocated - (0 if warmup else prefilled)
    figures.idle_time += idle_time
    figures.waits = waits if waits and max(waits) > 0 else ()
    if line is not None:
        line.close(horizon)
        figures.timeouts, figures.unserved, figures.lost_time = line.timeouts, line.unserved, line.lost_time
    figures.hits = figures.acquires - figures.misses - figures.timeouts - figures.unserved
    return figures


class _Line:
    """Who waits for a limited pool, by key, first come, first served (P7)."""

    def __init__(self, load: Load, around: Surroundings) -> None:
        self._lines: list[deque[int]] = [deque() for _ in load.keys]
        self._arrival = load.arrival
        self._warmup = around.warmup
        # As in `pop`: None does not wait, and a number <= 0 waits for ever (P3).
        self._waits = around.timeout is not None
        self._timeout: float = around.timeout if around.timeout and around.timeout > 0 else FOREVER
        self.timeouts = 0
        self.unserved = 0
        self.lost_time = 0

    def join(self, key: int, number: int) -> None:
        """Queue, or give up at once."""
        if self._waits:
            self._lines[key].append(number)
        else:
            self.timeouts += self._arrival[number] >= self._warmup

    def first(self, key: int, now: int) -> int:
        """Remove those whose time is up, and then the first; return its number, or -1."""
        line = self._lines[key]
        while line:
            number = line.popleft()
            if self._arrival[number] + self._timeout > now:
                return number
            self._time_out(number)
        return -1

    def close(self, horizon: int) -> None:
        """Count those who wait still."""
        for key, line in enumerate(self._lines):
            while (number := self.first(key, horizon)) >= 0:
                if self._arrival[number] >= self._warmup:
                    self.unserved += 1
                    self.lost_time += horizon - self._arrival[number]
            assert not line

    def _time_out(self, number: int) -> None:
        if self._arrival[number] >= self._warmup:
            self.timeouts += 1
            self.lost_time += int(self._timeout)
