"""The simulator agrees with what is known exactly: queues, keep-alive, and another simulator.

Loads are random with fixed seeds. A figure is the mean of independent batches, and may be off by 3.5 of its standard
errors.
"""

from __future__ import annotations

import math
import random
import statistics
from functools import lru_cache
from itertools import accumulate
from pathlib import Path

import numpy
import pytest
import simpy

from sim.figures import Setting, Surroundings
from sim.load import SECOND, Load, Rows
from sim.onepass import one_pass
from sim.replay import replay

LIMIT = 3.5


def z(sample: list[float], exact: float) -> float:
    """How many standard errors the mean is off."""
    return (statistics.fmean(sample) - exact) / (statistics.stdev(sample) / math.sqrt(len(sample)))


def poisson(rate: float, mean: float, n: int, seed: object) -> Load:
    """Poisson arrivals and exponential holds."""
    generator = random.Random(str(seed))
    rows = Rows(Path("poisson"), "")
    arrivals = accumulate(generator.expovariate(rate) for _ in range(n))
    for row, arrival in enumerate(arrivals):
        rows.add(row, round(arrival * SECOND), round(generator.expovariate(1 / mean) * SECOND), "")
    return rows.load()


# Keep-alive: Poisson arrivals at 10/s, exponential holds of 1 s, LIFO.

RATE, STATES = 10, 46  # in use are Poisson(10), and never more than this


def keep_alive(maxsize: int | None, maxage: float | None) -> tuple[float, float, float]:
    """The hit ratio, the overflows per acquire and the mean idle, exactly.

    What is popped when k are in use was pushed when they last became k. So it is idle for an excursion at or below k,
    which ends up (a hit), or down, when `maxsize` others lie above it (an overflow).
    """
    hit = overflow = idle = 0.0
    for k in range(STATES):
        weight = math.exp(-RATE) * RATE**k / math.factorial(k)
        lowest = 0 if maxsize is None else max(0, k - maxsize + 1)
        # A step of the chain in which events are at a constant rate; what leaves it is up or down.
        events = RATE + k
        states = range(lowest, k + 1)
        step = numpy.zeros((len(states), len(states)))
        for i, n in enumerate(states):
            step[i, i] = (events - RATE - n) / events
            if i + 1 < len(states):
                step[i, i + 1] = RATE / events
            if i:
                step[i, i - 1] = n / events
        up = RATE / events
        down = lowest / events if maxsize is not None and k >= maxsize else 0
        here = numpy.zeros(len(states))
        here[-1] = 1
        if maxage is None:
            visits = numpy.linalg.solve(numpy.eye(len(states)) - step.T, here)
            hits, downs, time = up * visits[-1], down * visits[0], visits.sum() / events
        else:
            hits = downs = time = 0.0
            chance = math.exp(-events * maxage)  # of n events within maxage
            later = 1 - chance  # of more than n
            n = 0
            while later > 1e-13 and n < 10_000:
                hits += up * here[-1] * later
                downs += down * here[0] * later
                time += here.sum() * later / events
                here = here @ step
                n += 1
                chance *= events * maxage / n
                later -= chance
        hit += weight * hits
        overflow += weight * downs
        idle += RATE * weight * time
    return hit, overflow, idle


POINTS = [(maxsize, maxage) for maxsize in (None, 1, 2, 4, 8) for maxage in (0.2, 1, 5, None) if maxsize or maxage]


@pytest.mark.parametrize(
    ("maxsize", "maxage", "hit_ratio", "mean_idle"),
    [
        (None, 1, 0.849789, 2.92894),
        (None, 5, 0.960617, 5.83333),
        (1, None, 0.512802, 0.51280),
        (4, None, 0.836843, 2.09419),
        (8, 5, 0.940643, 4.23444),
    ],
)
def test_the_exact_form_gives_the_known_values(maxsize, maxage, hit_ratio, mean_idle):
    hit, _, idle = keep_alive(maxsize, maxage)

    assert hit == pytest.approx(hit_ratio, abs=1e-6)
    assert idle == pytest.approx(mean_idle, abs=1e-5)


@lru_cache
def keep_alive_batches() -> dict[tuple[int | None, float | None], list[tuple[float, float, float]]]:
    """Of each point the figures of 30 batches."""
    settings = {
        point: Setting(point[0], None, None if point[1] is None else round(point[1] * SECOND)) for point in POINTS
    }
    found = {point: [] for point in POINTS}
    for seed in range(30):
        load = poisson(RATE, 1, 3_000, seed)
        # What happens in between: at first the pool is empty, and at last the load runs dry.
        start, end = 30 * SECOND, load.arrival[-1] - 30 * SECOND
        whole, rest = (one_pass(load, list(settings.values()), Surroundings(warmup=time)) for time in (start, end))
        for point, one, other in zip(POINTS, whole, rest, strict=True):
            acquires = one.acquires - other.acquires
            found[point].append(
                (
                    (one.hits - other.hits) / acquires,
                    (one.evicted_overflow - other.evicted_overflow) / acquires,
                    (one.idle_time - other.idle_time) / (end - start),
                )
            )
    return found


@pytest.mark.parametrize("point", POINTS, ids=str)
def test_keep_alive_agrees_with_its_exact_form(point):
    exact = keep_alive(*point)
    batches = keep_alive_batches()[point]
    for name, value, sample in zip(("hit", "overflow", "idle"), exact, zip(*batches, strict=True), strict=True):
        if value == 0:
            assert set(sample) == {0}, name
        else:
            assert abs(z(list(sample), value)) <= LIMIT, (name, value, statistics.fmean(sample))


# Limited pools are queues: M/M/c.


def erlang_b(c: int, load: float) -> float:
    """The share of acquires that find all c in use, if none waits."""
    blocked = 1.0
    for n in range(1, c + 1):
        blocked = load * blocked / (n + load * blocked)
    return blocked


def erlang_c(c: int, load: float) -> float:
    """The share of acquires that wait, if all do as long as needed."""
    blocked = erlang_b(c, load)
    return c * blocked / (c - load * (1 - blocked))


def timed_out(rate: float, service: float, c: int, timeout: float) -> float:
    """The share of acquires that give up, in M/M/c with waits of at most `timeout`, first come, first served.

    The time until one would be served has the density f(x) = rate * p * exp((rate - c * service) * x) up to the
    timeout, and beyond it, where nobody joins, f(timeout) * exp(-c * service * (x - timeout)); p is the probability
    that all but one are in use.
    """
    weights = [(rate / service) ** n / math.factorial(n) for n in range(c)]
    surplus = rate - c * service
    within = rate * (math.expm1(surplus * timeout) / surplus if surplus else timeout)
    beyond = rate * math.exp(surplus * timeout) / (c * service)
    return weights[-1] * beyond / (sum(weights) + weights[-1] * (within + beyond))


def test_the_formulas_of_queues_give_the_known_values():
    assert erlang_b(12, 10) == pytest.approx(0.119739, abs=1e-6)
    for c, share in ((11, 0.682118), (12, 0.449388), (15, 0.102042)):
        assert erlang_c(c, 10) == pytest.approx(share, abs=1e-6)
    for arguments, share in (((10, 1, 8, 0.5), 0.235406), ((10, 1, 12, 0.5), 0.031956), ((50, 10, 6, 0.05), 0.084477)):
        assert timed_out(*arguments) == pytest.approx(share, abs=1e-6)


def queue(c, rate=10, mean=1, timeout=None, batches=16, n=8_000, warm=200):
    """The figures of independent batches of M/M/c, and its loads."""
    for seed in range(batches):
        load = poisson(rate, mean, n, f"{c} {rate} {timeout} {seed}")
        around = Surroundings(
            alloc=False,
            init=c,
            timeout=None if timeout is None else round(timeout * SECOND),
            warmup=round(warm * mean * SECOND),
        )
        yield load, replay(load, Setting(None, None, None), around)


@pytest.mark.parametrize("c", [5, 8, 12, 15])
def test_a_limited_pool_without_waiting_loses_as_Erlang_B_says(c):
    sample = [figures.timeouts / figures.acquires for _, figures in queue(c, warm=20)]

    assert abs(z(sample, erlang_b(c, 10))) <= LIMIT


@pytest.mark.parametrize("c", [11, 12, 15])
def test_a_limited_pool_makes_wait_as_Erlang_C_says(c):
    """The share that waits, the mean wait, the share that waits longer than 0.5 s."""
    samples = []
    for _, figures in queue(c, timeout=0, n=12_000 if c > 11 else 24_000):
        waits = [wait / SECOND for wait in figures.waits if wait >= 0]
        assert len(waits) == figures.acquires == figures.hits
        samples.append([sum(wait > 0 for wait in waits), sum(waits), sum(wait > 0.5 for wait in waits)])
        samples[-1] = [value / len(waits) for value in samples[-1]]
    share = erlang_c(c, 10)
    exact = [share, share / (c - 10), share * math.exp(-(c - 10) * 0.5)]
    for sample, value in zip(zip(*samples, strict=True), exact, strict=True):
        assert abs(z(list(sample), value)) <= LIMIT, (statistics.fmean(sample), value)


@pytest.mark.parametrize(("rate", "mean", "c", "timeout"), [(10, 1, 8, 0.5), (10, 1, 12, 0.5), (50, 0.1, 6, 0.05)])
def test_a_limited_pool_times_out_as_theory_says(rate, mean, c, timeout):
    figures = [figures for _, figures in queue(c, rate, mean, timeout, warm=20 if mean == 1 else 100)]
    sample = [each.timeouts / each.acquires for each in figures]

    assert abs(z(sample, timed_out(rate, 1 / mean, c, timeout))) <= LIMIT


@pytest.mark.parametrize("maxsize", [1, 3, None])
def test_Littles_law_holds_for_what_is_idle(maxsize):
    """The mean idle is the rate of pushes times the mean time that each stays, which a list tells."""
    load = poisson(10, 1, 2_000, "Little")
    events = [(arrival, 1) for arrival in load.arrival]
    events += [(arrival + hold, 0) for arrival, hold in zip(load.arrival, load.hold, strict=True)]
    idle, stays, end = [], [], max(events)[0]
    for now, pop in sorted(events):
        if not pop:
            idle.append(now)
        if idle and (pop or (maxsize and len(idle) > maxsize)):
            stays.append(now - idle.pop(-1 if pop else 0))
    stays += [end - now for now in idle]
    figures = replay(load, Setting(maxsize, None, None), Surroundings())

    assert len(stays) == len(load)
    assert figures.idle_time / figures.horizon == pytest.approx(len(stays) / end * statistics.fmean(stays))
    assert figures.idle_time == sum(stays)


@pytest.mark.parametrize("timeout", [0, 0.4])
@pytest.mark.parametrize("c", [1, 8, 11])
def test_SimPy_makes_each_request_wait_as_long(c, timeout):
    load = poisson(10 if c > 1 else 0.8, 1, 3_000, f"SimPy {c}")
    environment = simpy.Environment()
    resource = simpy.Resource(environment, c)
    waits = [-1] * len(load)

    def job(number, hold):
        with resource.request() as request:
            if timeout:
                yield request | environment.timeout(round(timeout * SECOND))
            else:
                yield request
            if request.triggered:
                waits[number] = environment.now - load.arrival[number]
                yield environment.timeout(hold)

    def source():
        for number, (arrival, hold) in enumerate(zip(load.arrival, load.hold, strict=True)):
            yield environment.timeout(arrival - environment.now)
            environment.process(job(number, hold))

    environment.process(source())
    environment.run()
    around = Surroundings(alloc=False, init=c, timeout=round(timeout * SECOND))
    figures = replay(load, Setting(None, None, None), around)

    assert list(figures.waits) == waits
    assert max(waits) > 0
    assert (figures.timeouts > 0) == (timeout > 0)
