"""Limited pools: who waits, who times out; and resources that die."""

from __future__ import annotations

from pathlib import Path

import pytest

from sim.figures import Setting, Surroundings
from sim.load import Rows
from sim.replay import replay
from sim.rows import UNCERTAIN, interval
from sim.study import study

LIMITED = {"alloc": False, "init": 1}


def test_without_a_timeout_an_acquire_that_finds_nothing_ends_at_once(files):
    row = files.row([0, 1, 2], [2, 1, 1], pool=LIMITED)

    assert (row["hits"], row["misses"], row["timeouts"], row["unserved"]) == (2, 0, 1, 0)
    assert (row["allocated"], row["hit_ratio"], row["engine"]) == (0, 2 / 3, "replay")
    assert row["wait_mean"] is row["wait_max"] is None
    assert row["cost"] == pytest.approx(50 + 0.01 * row["idle_seconds"])


def test_waiters_are_served_first_come_first_served_by_hand_over(files):
    """The second waits from 1 to 10, the third from 2 to 11."""
    row = files.row([0, 1, 2], [10, 1, 1], pool={**LIMITED, "timeout": 0})

    assert (row["hits"], row["timeouts"]) == (3, 0)
    assert row["wait_mean"] == pytest.approx((0 + 9 + 9) / 3)
    assert (row["wait_p50"], row["wait_p99"], row["wait_max"]) == (9, 9, 9)
    assert row["idle_seconds"] == 0
    assert row["peak_idle"] == 1  # at first
    assert row["left"] == 1


def test_a_wait_ends_after_the_timeout_and_its_hold_is_dropped(files):
    row = files.row([0, 1, 2], [10, 7, 1], pool={**LIMITED, "timeout": 8.5}, cost={"wait_second": 2, "timeout": 5})

    assert (row["hits"], row["timeouts"], row["unserved"]) == (2, 1, 0)
    assert row["wait_max"] == 8  # the second timed out at 9.5, so the third got it at 10
    assert row["cost"] == pytest.approx(2 * (8 + 8.5) + 5)


def test_if_only_those_waited_who_timed_out_the_others_have_waited_0(files):
    row = files.row([0, 1], [10, 1], pool={**LIMITED, "timeout": 2})

    assert (row["hits"], row["timeouts"], row["wait_mean"], row["wait_max"]) == (1, 1, 0, 0)


def test_a_timeout_comes_before_a_release_of_the_same_instant(files):
    assert files.row([0, 1], [10, 1], pool={**LIMITED, "timeout": 9})["timeouts"] == 1
    assert files.row([0, 1], [10, 1], pool={**LIMITED, "timeout": 9.000000001})["timeouts"] == 0


def test_who_still_waits_at_the_horizon_is_unserved_and_its_wait_counts(files):
    row = files.row([0, 4], [1, 1], pool={**LIMITED, "init": 0, "timeout": -1}, cost={"wait_second": 1})

    assert (row["acquires"], row["unserved"], row["hits"], row["wait_mean"]) == (2, 2, 0, None)
    assert row["cost"] == 4

    row = files.row([0, 4], [1, 1], pool={**LIMITED, "init": 0, "timeout": 4})
    assert (row["timeouts"], row["unserved"]) == (1, 1)


def test_a_handed_over_resource_is_never_idle(files):
    row = files.row([0, 0, 5], [2, 2, 1], pool={**LIMITED, "timeout": 9}, warmup=1)

    assert row["acquires"] == 1
    assert row["peak_idle"] == 1
    assert row["idle_seconds"] == 1  # from 4 to 5


def test_with_maxsize_0_a_waiter_still_gets_what_is_pushed(files):
    """R5. What is not handed over is gone: the fourth waits for ever."""
    row = files.row([0, 1, 2, 9], [3, 3, 3, 1], pool={"alloc": False, "init": 1, "maxsize": 0, "timeout": 0})
    assert (row["hits"], row["unserved"]) == (0, 4)  # the first resource overflows at once

    rows = Rows(Path("x"), "")
    for number, (arrival, hold) in enumerate([(0, 3), (1, 3), (2, 3), (20, 1)]):
        rows.add(number, arrival, hold, "")
    figures = replay(rows.load(), Setting(1, None, None), Surroundings(init=1, alloc=False, timeout=0))
    assert (figures.hits, list(figures.waits)) == (4, [0, 2, 4, 0])


def test_maxage_shrinks_a_limited_pool(files):
    row = files.row([0, 10], [1, 1], pool={"alloc": False, "init": 2, "maxage": 5, "timeout": 1})

    assert (row["hits"], row["timeouts"], row["unserved"], row["evicted_age"]) == (1, 0, 1, 2)


def test_the_pareto_front_of_a_limited_pool_is_of_idle_time_and_waits(files):
    study = files.study(
        [0, 0, 0, 9, 9], [2, 2, 2, 2, 2], pool={"alloc": False, "init": 3, "timeout": 0}, sweep={"maxage": [1, None]}
    )
    short, none = study["rows"]

    assert short["mean_idle"] < none["mean_idle"]
    assert short["wait_p99"] is None
    assert none["hits"] > short["hits"]
    assert study["pareto"] == [0]  # nobody of those served waited in either


def test_what_has_died_is_found_by_check_and_dropped(files):
    row = files.row([0, 3, 20], [1, 1, 1], failures={"age": 10})

    assert (row["hits"], row["misses"], row["dead"], row["evicted_age"]) == (1, 2, 1, 0)
    assert row["idle_seconds"] == 2 + 16  # until it is taken
    assert row["engine"] == "replay"
    assert files.row([0, 11], [1, 1], failures={"age": 10})["dead"] == 1
    assert files.row([0, 11], [1, 1], failures={"age": 10.000000001})["dead"] == 0


def test_one_acquire_may_find_several_dead(files):
    row = files.row([0, 0, 0, 20], [1, 1, 1, 1], failures={"age": 10})
    assert (row["dead"], row["misses"], row["left"]) == (3, 4, 1)

    row = files.row([0, 20, 20], [1, 5, 1], failures={"age": 10}, pool={"alloc": False, "init": 2, "timeout": 0})
    assert (row["dead"], row["hits"], row["unserved"]) == (2, 1, 2)


def test_each_check_takes_its_time_and_a_dead_one_delays_the_acquire(files):
    """At 20 the first check ends at 22, dead, the second at 24, dead, and alloc at 29."""
    row = files.row([0, 0, 20], [1, 1, 1], failures={"age": 10}, latency={"check": 2, "alloc": 5})
    assert (row["misses"], row["dead"], row["wait_max"]) == (3, 2, 9)

    row = files.row([0, 3, 20], [1, 1, 1], failures={"age": 10}, latency={"check": 2})
    assert (row["hits"], row["dead"], row["wait_mean"]) == (1, 1, pytest.approx((0 + 2 + 2) / 3))


def test_P7_after_a_dead_candidate_an_acquire_takes_what_became_idle_meanwhile(files):
    """Its check runs from 20 to 23. At 22 the first comes back, which the acquire takes at 23 and checks until 26."""
    pool = {"alloc": False, "init": 2, "timeout": 0}
    row = files.row([0, 20], [19, 1], failures={"age": 10}, latency={"check": 3}, pool=pool)

    assert (row["hits"], row["dead"], row["wait_max"]) == (2, 1, 6)
    assert row["idle_seconds"] == 20 + 1


def test_a_check_that_ends_in_vain_after_the_horizon_does_not_move_it(files):
    """At 40, the last arrival, one is taken that is dead, as is found at 55; and so is the other, by 70."""
    pool = {"alloc": False, "init": 2, "timeout": 0}
    row = files.row([0, 40], [1, 1], failures={"age": 10}, latency={"check": 15}, pool=pool)

    assert (row["hits"], row["unserved"], row["dead"], row["left"]) == (1, 1, 1, 1)
    assert row["idle_seconds"] == 24 + 40
    assert row["mean_idle"] == 64 / 40


def test_deaths_at_a_rate_are_as_frequent_as_they_should_be(files):
    """Idle for 1 s at a time, so each is dead with the probability 1 - exp(-0.3)."""
    n = 4000
    row = files.row([2 * i for i in range(n)], [1] * n, failures={"rate": 0.3}, seed=5)
    p = 0.2591818
    assert abs(row["dead"] - (n - 1) * p) <= 3.5 * ((n - 1) * p * (1 - p)) ** 0.5
    assert row["hits"] + row["dead"] == n - 1

    again = files.row([2 * i for i in range(n)], [1] * n, failures={"rate": 0.3}, seed=5)
    other = files.row([2 * i for i in range(n)], [1] * n, failures={"rate": 0.3}, seed=6)
    assert again == row != other


@pytest.mark.parametrize("latency", [0, 0.3])
def test_with_deaths_everything_that_came_in_is_accounted_for(files, latency):
    n = 300
    row = files.row(
        [0.7 * i for i in range(n)],
        [(i * 7) % 5 for i in range(n)],
        failures={"rate": 0.2, "age": 3},
        pool={"init": 2, "maxsize": 4, "maxage": 5},
        latency={"check": latency},
    )
    assert row["hits"] + row["misses"] == n == row["acquires"]
    assert row["dead"] > 5
    assert 2 + n == row["hits"] + row["evicted_overflow"] + row["evicted_age"] + row["dead"] + row["left"]


def test_a_confidence_interval_is_of_Students_t():
    rows = [dict.fromkeys(UNCERTAIN, value) for value in (1, 2, 3)]
    assert interval(rows)["cost"] == {"mean": 2, "plus_minus": pytest.approx(4.303 / 3**0.5)}

    rows = [dict.fromkeys(UNCERTAIN, value) for value in (1, 3) * 50]
    assert interval(rows)["cost"]["plus_minus"] == pytest.approx(1.96 * (100 / 99) ** 0.5 / 10)


def test_replications_have_confidence_intervals(files):
    phases = [{"duration": 60, "arrivals": {"dist": "poisson", "rate": 5}, "hold": {"dist": "exponential", "mean": 1}}]
    path = files.write({"kind": "synthetic", "phases": phases}, replications=8, sweep={"maxsize": [1, 4]}, seed=2)
    row = study(path)["rows"][0]
    interval = row["intervals"]["hit_ratio"]
    # hits of M/M/inf with maxsize 1: 0.45 or so; the interval is narrow, and holds the first replication's
    assert abs(interval["mean"] - row["hit_ratio"]) < 5 * interval["plus_minus"]
    assert 0 < interval["plus_minus"] < 0.1
    assert study(path) == study(path)
