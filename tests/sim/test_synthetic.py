"""Synthetic loads: of the distributions that they name, and the same for the same seed."""

from __future__ import annotations

import math
import statistics

import pytest

from sim.errors import WorkloadError
from sim.load import SECOND
from sim.source import load
from sim.synthetic import mean_rate
from sim.workload import Bursty, Poisson, read

CONSTANT = {"dist": "constant", "mean": 1}
POISSON = {"dist": "poisson", "rate": 20}


def drawn(files, *phases, replication=0, **settings):
    path = files.write({"kind": "synthetic", "phases": list(phases)}, **settings)
    return load(read(path), path, replication)


def phase(arrivals=POISSON, hold=CONSTANT, duration=2000):
    return {"duration": duration, "arrivals": arrivals, "hold": hold}


def gaps(acquires):
    return [(b - a) / SECOND for a, b in zip(acquires.arrival, acquires.arrival[1:], strict=False)]


def z(sample, mean):
    """How many standard errors the mean of a sample is off."""
    return (statistics.fmean(sample) - mean) / (statistics.stdev(sample) / math.sqrt(len(sample)))


def test_poisson_arrivals_have_exponential_gaps(files):
    sample = gaps(drawn(files, phase()))

    assert abs(z(sample, 1 / 20)) <= 3.5
    assert abs(z([gap**2 for gap in sample], 2 / 20**2)) <= 3.5


def test_deterministic_arrivals_are_at_equal_distances(files):
    acquires = drawn(files, phase({"dist": "deterministic", "rate": 10}, duration=1.05))

    assert list(acquires.arrival) == [i * SECOND // 10 for i in range(11)]


def test_bursty_arrivals_have_the_mean_rate_and_vary_more(files):
    arrivals = {"dist": "bursty", "rate": 20, "on": 1, "off": 3}
    counts = [len(drawn(files, phase(arrivals, duration=200), seed=seed)) for seed in range(40)]

    assert abs(z(counts, 20 * 200 / 4)) <= 3.5
    assert statistics.variance(counts) > 4 * statistics.fmean(counts)  # of a Poisson process they would be equal


def test_the_estimate_of_bursty_arrivals_counts_the_pauses():
    assert mean_rate(Bursty(rate=20, on=1, off=3)) == 5
    assert mean_rate(Poisson(rate=20)) == 20


def test_diurnal_arrivals_have_more_in_the_first_half_of_the_period(files):
    arrivals = {"dist": "diurnal", "rate": 20, "amplitude": 0.5, "period": 100}
    shares = []
    for seed in range(30):
        acquires = drawn(files, phase(arrivals, duration=100), seed=seed)
        shares.append(sum(time < 50 * SECOND for time in acquires.arrival) / 1000)
    assert abs(z(shares, 1 + 2 * 0.5 / math.pi)) <= 3.5  # rate * 50 s * (1 + 2 amplitude / pi)


@pytest.mark.parametrize(
    ("hold", "second_moment"),
    [
        ({"dist": "exponential", "mean": 2}, 8),
        ({"dist": "lognormal", "mean": 2, "cv": 0.5}, 4 * 1.25),
        ({"dist": "pareto", "mean": 2, "shape": 6}, (2 * 5 / 6) ** 2 * 6 / 4),
        ({"dist": "empirical", "values": [1, 1, 4]}, 6),
    ],
    ids=lambda value: value["dist"] if isinstance(value, dict) else "",
)
def test_holds_have_the_first_two_moments(files, hold, second_moment):
    sample = [time / SECOND for time in drawn(files, phase(hold=hold)).hold]

    assert abs(z(sample, 2)) <= 3.5
    assert abs(z([time**2 for time in sample], second_moment)) <= 3.5


@pytest.mark.parametrize(
    "hold", [CONSTANT, {"dist": "lognormal", "mean": 1, "cv": 0}, {"dist": "empirical", "values": [1]}]
)
def test_holds_without_a_spread_are_all_equal(files, hold):
    assert set(drawn(files, phase(hold=hold)).hold) == {SECOND}


def test_holds_of_mean_0_are_0(files):
    assert set(drawn(files, phase(hold={"dist": "exponential", "mean": 0})).hold) == {0}


def test_pareto_holds_are_not_below_the_least(files):
    hold = {"dist": "pareto", "mean": 2, "shape": 1.5}

    assert min(drawn(files, phase(hold=hold)).hold) == pytest.approx(2 * 0.5 / 1.5 * SECOND, rel=1e-3)


def test_a_hold_is_at_most_a_century(files):
    hold = {"dist": "lognormal", "mean": 1e9, "cv": 1000}

    assert max(drawn(files, phase(hold=hold, duration=2_000)).hold) <= 100 * 366 * 86_400 * SECOND


def test_phases_follow_each_other_and_time_0_is_the_first_arrival(files):
    slow = {"dist": "deterministic", "rate": 1}
    fast = {"dist": "deterministic", "rate": 10}
    acquires = drawn(files, phase(slow, duration=3), phase(fast, {"dist": "constant", "mean": 5}, duration=0.3))

    assert [time / SECOND for time in acquires.arrival] == [0, 1, 2, 3, 3.1, 3.2]
    assert [time // SECOND for time in acquires.hold] == [1, 1, 1, 5, 5, 5]
    assert drawn(files, phase(), seed=3).arrival[0] == 0


def test_a_seed_and_a_replication_give_the_same_load_and_others_another(files):
    exponential = {"dist": "exponential", "mean": 1}

    def of(seed, replication=0):
        acquires = drawn(files, phase(hold=exponential, duration=10), seed=seed, replication=replication)
        return list(acquires.arrival), list(acquires.hold)

    assert of(1) == of(1)
    assert of(1, 2) == of(1, 2)
    assert len({str(of(seed, replication)) for seed in range(5) for replication in range(5)}) == 25


def test_phases_and_replications_draw_other_holds(files):
    phases = [phase({"dist": "deterministic", "rate": 1}, {"dist": "exponential", "mean": 1}, duration=5)] * 2
    one, other = drawn(files, *phases), drawn(files, *phases, replication=1)

    assert len({*one.hold, *other.hold}) == 20


def test_to_change_the_holds_leaves_the_arrivals_as_they_are(files):
    one = drawn(files, phase(hold={"dist": "exponential", "mean": 1}))
    other = drawn(files, phase(hold={"dist": "lognormal", "mean": 1, "cv": 3}))

    assert one.arrival == other.arrival


def test_a_billion_acquires_are_refused_with_an_estimate(files):
    with pytest.raises(WorkloadError) as caught:
        drawn(files, phase({"dist": "poisson", "rate": 1e6}, duration=1000))

    assert str(caught.value).endswith(
        "$.workload.phases: makes about 1,000,000,000 acquires, which take 60 GB of memory and 0.7 hours for each "
        "setting; expected at most 20,000,000"
    )


def test_more_than_a_century_is_refused(files):
    with pytest.raises(WorkloadError, match=r"phases: take 6e\+09 s in all; expected at most a century"):
        drawn(files, *[phase({"dist": "poisson", "rate": 1e-9}, duration=3e9)] * 2)


def test_a_load_without_acquires_is_refused(files):
    with pytest.raises(WorkloadError, match="has no acquires"):
        drawn(files, phase({"dist": "poisson", "rate": 1e-6}, duration=1))
