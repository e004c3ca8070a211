"""The figures of many settings from one pass over the load.

An eviction takes the oldest, so what a pool holds is always the top of the stack that a pool without limits would
hold. One pass over that stack tells of each of its entries which pools lose it, when, and why:

* A pool of `maxsize` M loses it when M others come to lie above it: at the first push that brings it to depth M + 1.
* A pool of `maxage` A loses it A after its push, if it is still there. With the floor m it loses it at the first
  moment from then on at which m others lie above it.

The stack does not depend on the setting where acquires don't wait, and an overflow evicts down to `maxsize`
(`is_exact`). Where a floor differs from the others, the stack is filled in advance as far, which takes a pass of its
own.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterator, Sequence
from dataclasses import replace

from sim.figures import Figures, Setting, Surroundings
from sim.load import Load
from sim.stack import FOREVER, Stack


def is_exact(setting: Setting, around: Surroundings) -> bool:
    """Whether one pass gives the figures of the setting: no acquire waits, and no overflow evicts below `maxsize`."""
    waits = not around.alloc or around.alloc_latency or around.check_latency or around.mortal
    return not waits and (setting.maxsize is None or setting.minsize in (None, setting.maxsize))


def one_pass(load: Load, settings: Sequence[Setting], around: Surroundings) -> list[Figures]:
    """The figures of each setting, all of which have to be exact.

    With several keys each setting takes a further pass, for `peak_idle`: the most that are idle at the same time are
    not the sum of the most that are idle in each pool.
    """
    found: dict[Setting, Figures] = {}
    horizon = load.duration
    for its in load.by_key():
        for setting, figures in _figures(its, set(settings), around, horizon):
            found[setting] = _add(found[setting], figures) if setting in found else figures
    if len(load.keys) > 1:
        for setting, figures in found.items():
            figures.peak_idle = _peak(load, setting, around)
    return [found[setting] for setting in settings]


def _figures(
    load: Load, settings: set[Setting], around: Surroundings, horizon: int
) -> Iterator[tuple[Setting, Figures]]:
    """The figures of the pool of one key."""
    groups: dict[tuple[int, int | None], list[Setting]] = defaultdict(list)
    for setting in settings:
        floor = setting.minsize or 0
        groups[floor, setting.maxsize if floor else None].append(setting)
    for (floor, maxsize), group in groups.items():
        full = floor == maxsize  # then nothing expires before it overflows
        ages = sorted({setting.maxage for setting in group if setting.maxage is not None})
        sizes = sorted({setting.maxsize for setting in group if setting.maxsize is not None})
        filled = max(around.init, floor)
        surface = Stack(load, around, horizon, ages, sizes, 0 if full else floor, filled).surface()
        for setting in group:
            row = surface[-1 if setting.maxsize is None else sizes.index(setting.maxsize)]
            figures = row[-1 if setting.maxage is None else ages.index(setting.maxage)]
            if full:
                young = figures.evicted_overflow
                figures = replace(row[-1], evicted_overflow=young, evicted_age=row[-1].evicted_overflow - young)
            figures.horizon = horizon
            if not around.warmup:
                figures.allocated += filled - around.init
                figures.peak_idle = max(figures.peak_idle, floor)
            elif floor:
                figures.peak_idle = _peak(load, setting, around)
            yield setting, figures


def _add(one: Figures, other: Figures) -> Figures:
    """What two pools have counted together."""
    total = Figures(horizon=one.horizon)
    for name in (
        "acquires hits misses allocated evicted_overflow evicted_age left idle_time"  # the others are 0
    ).split():
        setattr(total, name, getattr(one, name) + getattr(other, name))
    return total


def _peak(load: Load, setting: Setting, around: Surroundings) -> int:
    """The most that are idle at the same time in the pools of all keys."""
    floor, maxage, warmup = setting.minsize or 0, setting.maxage, around.warmup
    size = load.duration + len(load) if setting.maxsize is None else setting.maxsize
    filled = min(size, max(around.init, floor))
    pools: list[deque[int]] = [deque([0] * filled) for _ in load.keys]  # when each was pushed
    due = deque([(0, key) for key in range(len(pools)) for _ in range(filled)])  # likewise, of all
    idle = filled * len(pools)
    peak = 0 if warmup else idle

    def expire(key: int, now: int) -> int:
        pool, evicted = pools[key], 0
        while maxage is not None and len(pool) > floor and now - pool[0] >= maxage:
            pool.popleft()
            evicted += 1
        return evicted

    warm = not warmup
    for now, acquire in _events(load):
        if not warm and now >= warmup:
            warm = True
            while maxage is not None and due and warmup - due[0][0] >= maxage:
                idle -= expire(due.popleft()[1], warmup)
            peak = idle
        while maxage is not None and due and now - due[0][0] >= maxage:
            idle -= expire(due.popleft()[1], now)
        key = load.key[acquire if acquire >= 0 else ~acquire]
        if acquire >= 0:
            if pools[key]:
                pools[key].pop()
                idle -= 1
            continue
        pools[key].append(now)
        due.append((now, key))
        idle += 1 - expire(key, now)
        if len(pools[key]) > size:
            pools[key].popleft()
            idle -= 1
        if warm:
            peak = max(peak, idle)
    return peak


def _events(load: Load) -> Iterator[tuple[int, int]]:
    """The time of each acquire and release, in order, and the number of the acquire, inverted (~) for its release."""
    ends = sorted(range(len(load)), key=lambda number: load.arrival[number] + load.hold[number])
    releases = iter([*((load.arrival[number] + load.hold[number], ~number) for number in ends), (FOREVER, 0)])
    release = next(releases)
    for number, (arrival, hold) in enumerate(zip(load.arrival, load.hold, strict=True)):
        while release[0] < arrival or (hold and release[0] == arrival):
            yield release
            release = next(releases)
        yield arrival, number
    while release[0] < FOREVER:
        yield release
        release = next(releases)
