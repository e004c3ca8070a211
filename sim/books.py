"""What a replay's pools call back: each alloc, dealloc and check is counted here."""

from __future__ import annotations

import random
from collections.abc import Callable

from sim.figures import Figures, Setting, Surroundings
from ya.resourcepool import Clock, ResourcePool

FOREVER = float("inf")

Resource = list[float]  # when it was pushed, and when it dies if it stays idle
Pool = ResourcePool[Resource]


class Books:
    """Counts what happens in pools that share a clock.

    The idle time is a sum of instants: one is subtracted when a resource becomes idle, and added when it ceases
    to be. Instants before the warm-up count as its end.

    Attributes:
        idle: how many became idle by `alloc`, less those that ceased to be by `dealloc` or as dead.
        idle_time: the sum of their instants. Pops and pushes are for the engine to count.
        allocs: calls of `alloc`, those during the warm-up included.
    """

    def __init__(self, setting: Setting, around: Surroundings, clock: Clock) -> None:
        self._setting = setting
        self._around = around
        self._now: Callable[[], float] = clock.now
        self._clock = clock
        self._generator = random.Random(around.seed)
        self._over = False
        self.idle = 0
        self.idle_time = 0
        self.allocs = 0
        self.allocated = 0
        self.evicted_age = 0
        self.evicted_overflow = 0
        self.dead = 0

    def make_pool(self) -> Pool:
        """A pool with the setting."""
        setting, around = self._setting, self._around
        init = [self._made() for _ in range(around.init)]
        for resource in init:
            self.stamp(resource, 0)
        return ResourcePool(
            alloc=self.alloc if around.alloc else None,
            dealloc=self.dealloc,
            check=self.check if around.mortal else None,
            init=init,
            maxsize=setting.maxsize,
            minsize=setting.minsize,
            maxage=setting.maxage,
            clock=self._clock,
        )

    def stamp(self, resource: Resource, now: int) -> None:
        """Note that a resource is pushed, and draw when it dies."""
        around = self._around
        dies = FOREVER if around.death_age is None else now + around.death_age
        if around.death_rate:
            dies = min(dies, now + 1 + int(1e9 * self._generator.expovariate(around.death_rate)))
        resource[:] = now, dies

    def alloc(self) -> Resource:
        """The `alloc` of the pools."""
        self.allocs += 1
        self.allocated += self._now() >= self._around.warmup
        resource = self._made()
        if self._around.mortal:
            self.stamp(resource, int(self._now()))  # if it is made in advance
        return resource

    def _made(self) -> Resource:
        now = self._now()
        self.idle += 1
        self.idle_time -= self._counted(now)
        return [now, FOREVER]

    def dealloc(self, resource: Resource) -> None:
        """The `dealloc` of the pools."""
        if self._over:
            return
        now = self._now()
        self.idle -= 1
        self.idle_time += self._counted(now)
        if now >= self._around.warmup:
            # Where both apply, expiry precedes overflow (R2).
            maxage = self._setting.maxage
            expired = maxage is not None and now - resource[0] >= maxage
            self.evicted_age += expired
            self.evicted_overflow += not expired

    def check(self, resource: Resource) -> bool:
        """The `check` of the pools."""
        now = self._now()
        if now < resource[1]:
            return True
        self.idle -= 1
        self.idle_time += self._counted(now)
        self.dead += now >= self._around.warmup
        return False

    def figures(self, pools: list[Pool], acquires: int, peak: int) -> Figures:
        """What was counted here, when the clock is at the horizon.

        From then on nothing more is counted: the pools are about to be collected, which deallocates what is left.
        """
        self._over = True
        left = sum(map(len, pools))
        return Figures(
            acquires=acquires,
            allocated=self.allocated,
            evicted_overflow=self.evicted_overflow,
            evicted_age=self.evicted_age,
            dead=self.dead,
            left=left,
            idle_time=self.idle_time + left * self._counted(self._now()),
            peak_idle=peak,
            horizon=int(self._now()),
        )

    def _counted(self, now: float) -> int:
        return int(max(now, self._around.warmup))
