"""What an engine is asked, and what it counts. Times are integer nanoseconds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Setting:
    """One setting of the pool; None is no limit."""

    maxsize: int | None
    minsize: int | None
    maxage: int | None


@dataclass(frozen=True)
class Surroundings:
    """What is the same for all settings.

    Attributes:
        init: how many resources each pool has at first.
        alloc: whether the pool makes resources; else it is limited, and acquires wait for each other.
        timeout: for how long, as `pop` takes it.
        warmup: what happens before this is not counted.
        alloc_latency: how long an alloc takes; so much later begins the hold.
        check_latency: how long the check of a pooled resource takes, likewise.
        death_age: after so much idle time a resource is dead.
        death_rate: deaths per idle second.
        seed: of the deaths.
    """

    init: int = 0
    alloc: bool = True
    timeout: int | None = None
    warmup: int = 0
    alloc_latency: int = 0
    check_latency: int = 0
    death_age: int | None = None
    death_rate: float = 0
    seed: str = ""

    @property
    def mortal(self) -> bool:
        """Whether resources die."""
        return self.death_age is not None or self.death_rate > 0


@dataclass
class Figures:
    """What is counted from the warm-up to the horizon.

    Attributes:
        acquires: hits + misses + timeouts + unserved.
        hits: acquires that got a pooled resource.
        misses: acquires that called `alloc`.
        timeouts: acquires that ended in `ResourcePoolEmpty`.
        unserved: acquires that still wait at the horizon.
        allocated: calls of `alloc`, those that prefill included.
        evicted_overflow: evicted because more than `maxsize` were idle.
        evicted_age: evicted because they were older than `maxage`.
        dead: found dead by `check`.
        left: idle at the horizon, after its expiries.
        idle_time: the time that resources were idle, added up.
        peak_idle: the most that were idle at the same time, in all pools.
        horizon: the last release, or the last arrival if that is later.
        lost_time: how long those waited that timed out, or wait still.
        waits: how long each acquire of the load waited for its resource, -1 if it did not get one or is not counted;
            empty, if nobody waited.
    """

    acquires: int = 0
    hits: int = 0
    misses: int = 0
    timeouts: int = 0
    unserved: int = 0
    allocated: int = 0
    evicted_overflow: int = 0
    evicted_age: int = 0
    dead: int = 0
    left: int = 0
    idle_time: int = 0
    peak_idle: int = 0
    horizon: int = 0
    lost_time: int = 0
    waits: Sequence[int] = field(default=(), repr=False)
