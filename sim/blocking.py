"""Replay a load with pops that block: each acquire is a greenlet that calls the pool's own `pop`.

This is for what can't be replayed without: a check that takes time and finds its resource dead, after which the pop
goes on; and resources that are only ever handed over. It is several times slower.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections import deque
from collections.abc import Callable
from functools import partial
from heapq import heappop, heappush
from typing import Any

from greenlet import getcurrent, greenlet

from sim.books import FOREVER, Books, Pool, Resource
from sim.figures import Figures, Setting, Surroundings
from sim.load import Load
from ya.resourcepool import ManualClock, ResourcePoolEmpty

Watch = Callable[[int, int, int], object]

# What comes first at one instant; of the same, what was first in the load.
WARM, ACQUIRE_FOR_NO_TIME, RELEASE, CHECKED, ACQUIRE, END = range(6)


def replay_blocking(
    load: Load, setting: Setting, around: Surroundings, horizon: int = 0, watch: Watch | None = None
) -> Figures:
    """Replay the whole load; see `sim.replay`. Here an expiry is seen by who watches at the next event."""
    replay = _Replay(load, setting, around, watch)
    replay.run(FOREVER)
    horizon = max(horizon, replay.horizon)
    if replay.clock.now() > horizon:  # a check ended after it, in vain
        replay = _Replay(load, setting, around, None)
        replay.run(horizon)
    return replay.close(horizon)


class _Acquire(greenlet):
    """An acquire, until it has its resource, or has none."""

    def __init__(self, run: Callable[[_Acquire], None], number: int, key: int) -> None:
        super().__init__(run)
        self.number = number
        self.key = key
        self.allocated = False


class _Clock(ManualClock):
    """A manual clock on which a greenlet is blocked, instead of its thread."""

    def __init__(self) -> None:
        super().__init__(0)
        self.hub = getcurrent()
        # Who waits, by key. Who is served or times out is the first: each waits once, because what is handed over has
        # not been idle, and is not dead.
        self._waiters: dict[int, deque[tuple[Any, _Acquire]]] = {}

    def wait(self, lock: Any, start: float, timeout: float | None) -> bool:
        acquire = getcurrent()
        assert isinstance(acquire, _Acquire)
        cancel = None if timeout is None else self.call_at(start, timeout, partial(self._time_out, lock))
        self._waiters.setdefault(acquire.key, deque()).append((lock, acquire))
        self.hub.switch()
        if cancel is not None:
            cancel()
        return bool(lock.acquire(False))

    def _time_out(self, lock: Any) -> None:
        lock.leave()
        self.resume()

    def resume(self) -> None:
        """Go on with those who have been served, or whose time is up."""
        for waiters in self._waiters.values():
            while waiters and not waiters[0][0].locked():
                waiters.popleft()[1].switch()


class _Replay(Books):
    def __init__(self, load: Load, setting: Setting, around: Surroundings, watch: Watch | None) -> None:
        self.clock = _Clock()
        super().__init__(setting, around, self.clock)
        self.horizon: int = load.arrival[-1]
        self._watch = watch
        self._in_use = 0
        self._load = load
        self._around = around
        self._agenda: list[tuple[int, int, int, Callable[[], object]]] = []
        self._counted_from = bisect_left(load.arrival, around.warmup)
        self._waits = array("q", [-1]) * len(load)
        self._pending: dict[int, _Acquire] = {}
        self._misses = self._timeouts = self._lost_time = self._peak = 0
        self._pools: list[Pool] = [self.make_pool() for _ in load.keys]
        self._sample()

    def run(self, until: float) -> None:
        """Do what happens up to then."""
        load = self._load
        if self._around.warmup:
            self._schedule(self._around.warmup, WARM, -1, self._sample)
        for number, (arrival, hold, key) in enumerate(zip(load.arrival, load.hold, load.key, strict=True)):
            self._catch_up((arrival, ACQUIRE if hold else ACQUIRE_FOR_NO_TIME))
            self.clock.advance(arrival - self.clock.now())
            self._pending[number] = _Acquire(self._acquire, number, key)
            self._pending[number].switch(self._pending[number])
        self._catch_up((until, END))

    def close(self, horizon: int) -> Figures:
        """What was counted, up to the horizon."""
        self.clock.advance(horizon - self.clock.now())
        figures = self.figures(self._pools, len(self._load) - self._counted_from, self._peak)
        unserved = [number for number in self._pending if number >= self._counted_from]
        for acquire in self._pending.values():
            acquire.throw()
        figures.unserved, figures.timeouts, figures.misses = len(unserved), self._timeouts, self._misses
        figures.hits = figures.acquires - figures.misses - figures.timeouts - figures.unserved
        figures.lost_time = self._lost_time + sum(horizon - self._load.arrival[number] for number in unserved)
        figures.waits = self._waits if max(self._waits) > 0 else ()
        return figures

    def _schedule(self, time: int, order: int, number: int, function: Callable[[], object]) -> None:
        heappush(self._agenda, (time, order, number, function))

    def _catch_up(self, until: tuple[float, int]) -> None:
        """Do what is on the agenda before that."""
        while self._agenda and self._agenda[0][:2] < until:
            time, _, _, function = heappop(self._agenda)
            self.clock.advance(time - self.clock.now())
            function()

    def _acquire(self, acquire: _Acquire) -> None:
        number, around = acquire.number, self._around
        arrival, counted = self._load.arrival[number], number >= self._counted_from
        try:
            resource = self._pools[acquire.key].pop(around.timeout)
        except ResourcePoolEmpty:
            del self._pending[number]
            if counted:
                self._timeouts += 1
                self._lost_time += self._time() - arrival
            return
        del self._pending[number]
        if acquire.allocated:
            self._misses += counted
            latency = around.alloc_latency
        else:
            latency = 0 if around.mortal else around.check_latency  # else it has passed
        if acquire.allocated or not around.mortal:
            self._take()
        if counted:
            self._waits[number] = self._time() + latency - arrival
        end = self._time() + latency + self._load.hold[number]
        self._schedule(end, RELEASE, number, partial(self._release, acquire.key, resource))
        self._in_use += 1
        self._tell()

    def _release(self, key: int, resource: Resource) -> None:
        self.horizon = max(self.horizon, self._time())
        self.stamp(resource, self._time())
        self._in_use -= 1
        self.idle += 1
        self.idle_time -= self._counted(self._time())
        self._pools[key].push(resource)
        self.clock.resume()
        self._sample()
        self._tell()

    def alloc(self) -> Resource:
        """The `alloc` of the pools."""
        acquire = getcurrent()
        if isinstance(acquire, _Acquire):
            acquire.allocated = True
        return super().alloc()

    def check(self, resource: Resource) -> bool:
        """The `check` of the pools, which takes its time."""
        alive = super().check(resource)
        if alive:
            self._take()
        if self._around.check_latency:
            acquire = getcurrent()
            assert isinstance(acquire, _Acquire)
            self._schedule(self._time() + self._around.check_latency, CHECKED, acquire.number, acquire.switch)
            self.clock.hub.switch()
        return alive

    def _take(self) -> None:
        self.idle -= 1
        self.idle_time += self._counted(self._time())

    def _time(self) -> int:
        return int(self.clock.now())

    def _tell(self) -> None:
        if self._watch is not None:
            self._watch(self._time(), self.idle, self._in_use)

    def _sample(self) -> None:
        if self._time() >= self._around.warmup:
            self._peak = max(self._peak, self.idle)
