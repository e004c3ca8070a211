"""Draw a synthetic load: arrivals and holds of known distributions, phase after phase."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterator

from sim.load import SECOND, Rows
from sim.workload import (
    CENTURY,
    Bursty,
    Constant,
    Deterministic,
    Diurnal,
    Empirical,
    Exponential,
    Lognormal,
    Pareto,
    Phase,
    Poisson,
    Synthetic,
)

MOST_ACQUIRES = 20_000_000
BYTES = 60  # that an acquire takes, at least

Generator = random.Random


def draw(rows: Rows, source: Synthetic, seed: int, replication: int) -> None:
    """Draw the acquires of a synthetic load.

    The random numbers of each phase, and of its arrivals and its holds, are independent of each other, so that
    to change one leaves the others as they are.

    Raises:
        WorkloadError: there would be too many.
    """
    duration = sum(phase.duration for phase in source.phases)
    if duration > CENTURY:
        raise rows.error(f"$.workload.phases: take {duration:g} s in all; expected at most a century")
    expected = sum(phase.duration * mean_rate(phase.arrivals) for phase in source.phases)
    if expected > MOST_ACQUIRES:
        raise rows.error(
            f"$.workload.phases: makes about {expected:,.0f} acquires, which take {expected * BYTES / 1e9:,.0f} GB of "
            f"memory and {expected / 400_000 / 3600:,.1f} hours for each setting; expected at most {MOST_ACQUIRES:,}"
        )
    bursts = sum(
        phase.duration / (phase.arrivals.on + phase.arrivals.off)
        for phase in source.phases
        if isinstance(phase.arrivals, Bursty)
    )
    if bursts > MOST_ACQUIRES:  # however few arrive in them
        raise rows.error(f"$.workload.phases: makes about {bursts:,.0f} bursts; expected at most {MOST_ACQUIRES:,}")
    start, row = 0.0, 0
    for number, phase in enumerate(source.phases):
        name = f"{seed} {replication} {number}"
        hold = _holds(phase, random.Random(f"{name} holds"))
        for time in _arrivals(phase, random.Random(f"{name} arrivals")):
            rows.add(row, round((start + time) * SECOND), round(min(hold(), CENTURY) * SECOND), "")
            row += 1
        start += phase.duration


def mean_rate(arrivals: Poisson | Deterministic | Bursty | Diurnal) -> float:
    """How many arrive per second, on average over a long time."""
    if isinstance(arrivals, Bursty):
        return arrivals.rate * arrivals.on / (arrivals.on + arrivals.off)
    return arrivals.rate


def _arrivals(phase: Phase, generator: Generator) -> Iterator[float]:
    """Times from the start of the phase, in seconds."""
    arrivals, end = phase.arrivals, phase.duration
    if isinstance(arrivals, Deterministic):
        # The k-th is at k / rate, those before the end; not a sum, which would add up rounding.
        yield from (k / arrivals.rate for k in range(math.ceil(end * arrivals.rate)) if k / arrivals.rate < end)
    elif isinstance(arrivals, Poisson):
        yield from _poisson(generator, arrivals.rate, 0, end)
    elif isinstance(arrivals, Bursty):
        time = 0.0
        on = generator.random() < arrivals.on / (arrivals.on + arrivals.off)
        while time < end:
            until = time + generator.expovariate(1 / (arrivals.on if on else arrivals.off))
            if on:
                yield from _poisson(generator, arrivals.rate, time, min(until, end))
            time, on = until, not on
    else:  # thinning: of a Poisson process at the highest rate each is kept with probability rate(t) / highest
        for time in _poisson(generator, arrivals.rate * (1 + arrivals.amplitude), 0, end):
            now = 1 + arrivals.amplitude * math.sin(2 * math.pi * time / arrivals.period)
            if generator.random() * (1 + arrivals.amplitude) < now:
                yield time


def _poisson(generator: Generator, rate: float, time: float, end: float) -> Iterator[float]:
    while (time := time + generator.expovariate(rate)) < end:
        yield time


def _holds(phase: Phase, generator: Generator) -> Callable[[], float]:
    """A function that draws a hold, in seconds."""
    hold = phase.hold
    if isinstance(hold, Constant) or (not isinstance(hold, Empirical) and hold.mean == 0):
        mean = hold.mean
        return lambda: mean
    if isinstance(hold, Exponential):
        rate = 1 / hold.mean
        return lambda: generator.expovariate(rate)
    if isinstance(hold, Lognormal):
        variance = math.log(1 + hold.cv**2)
        mu, sigma = math.log(hold.mean) - variance / 2, math.sqrt(variance)
        return lambda: generator.lognormvariate(mu, sigma)
    if isinstance(hold, Pareto):
        least, shape = hold.mean * (hold.shape - 1) / hold.shape, hold.shape
        return lambda: least * generator.paretovariate(shape)
    values = hold.values
    return lambda: generator.choice(values)
