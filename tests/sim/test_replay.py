"""What a replay counts, and in which order things happen at one instant."""

from __future__ import annotations

import itertools
import random
from pathlib import Path

import pytest

from sim.figures import Setting, Surroundings
from sim.load import SECOND, Rows
from sim.replay import replay


def random_load(generator, n, *, ties):
    """Arrivals and holds; with ties, many of them are at the same instant and some holds are zero."""
    if ties:
        arrival = sorted(generator.randrange(n) for _ in range(n))
        hold = [generator.choice((0, 1, 2, 5)) for _ in range(n)]
    else:
        arrival = list(itertools.accumulate(generator.expovariate(1) for _ in range(n)))
        hold = [generator.expovariate(0.3) for _ in range(n)]
    return arrival, hold


def test_the_first_acquire_misses_and_the_next_hits(files):
    row = files.row([10, 12], [1, 3])

    assert (row["acquires"], row["hits"], row["misses"], row["hit_ratio"]) == (2, 1, 1, 0.5)
    assert (row["allocated"], row["left"]) == (1, 1)
    assert (row["evicted_overflow"], row["evicted_age"], row["dead"]) == (0, 0, 0)
    assert (row["timeouts"], row["unserved"]) == (0, 0)
    assert row["idle_seconds"] == 1  # from 11 to 12; at 15 the load ends
    assert row["mean_idle"] == 1 / 5
    assert row["peak_idle"] == 1
    assert (row["engine"], row["verified"]) == ("one-pass", True)
    assert row["wait_mean"] is row["wait_p50"] is row["wait_p99"] is row["wait_max"] is None


def test_a_release_comes_before_an_acquire_of_the_same_instant(files):
    assert files.row([0, 1], [1, 1])["hits"] == 1


def test_an_expiry_comes_before_an_acquire_of_the_same_instant(files):
    row = files.row([0, 3], [1, 1], pool={"maxage": 2})

    assert (row["hits"], row["evicted_age"]) == (0, 1)
    assert files.row([0, 3], [1, 1], pool={"maxage": 2.000000001})["hits"] == 1


def test_a_hold_of_zero_acquires_before_the_releases_of_its_instant(files):
    """The acquire of hold zero at 1 does not get what is released at 1; the other one does."""
    assert files.row([0, 1], [1, 0])["hits"] == 0
    assert files.row([0, 1, 1], [1, 0, 5])["hits"] == 1
    assert files.row([0, 1, 1], [1, 5, 0])["hits"] == 1
    assert files.row([0, 0, 0], [0, 0, 0])["misses"] == 3


def test_what_is_evicted_is_counted_by_its_cause(files):
    row = files.row([0, 0, 0, 20], [1, 1, 1, 1], pool={"maxsize": 2, "maxage": 5})

    assert (row["evicted_overflow"], row["evicted_age"], row["allocated"], row["left"]) == (1, 2, 4, 1)
    assert row["idle_seconds"] == 10  # two of them, until their deadline
    assert row["peak_idle"] == 2


def test_an_overflow_goes_down_to_minsize(files):
    """The example of a larger pool that is worse: 4 pushes, then 2 pops."""
    hits = {}
    for maxsize in (2, 3):
        row = files.row([0, 0, 0, 0, 2, 2], [1, 1, 1, 1, 1, 1], pool={"minsize": 1, "maxsize": maxsize, "alloc": True})
        hits[maxsize] = row["hits"]

    assert hits[2] > hits[3]


def test_what_the_floor_keeps_beyond_its_deadline_is_idle_until_it_is_taken(files):
    row = files.row([0, 100], [1, 1], pool={"minsize": 1, "maxage": 5})

    assert (row["allocated"], row["hits"], row["evicted_age"]) == (1, 2, 0)
    assert row["idle_seconds"] == 99


def test_an_explicit_minsize_prefills_and_init_is_there_at_first(files):
    row = files.row([0, 0, 0, 0], [1, 1, 1, 1], pool={"minsize": 3, "init": 1})
    assert (row["allocated"], row["hits"], row["misses"]) == (3, 3, 1)

    row = files.row([0], [1], pool={"init": 5, "maxsize": 2})
    assert (row["hits"], row["evicted_overflow"], row["peak_idle"], row["left"]) == (1, 3, 2, 2)


def test_initial_resources_age_from_the_first_arrival_on(files):
    assert files.row([100, 105], [10, 1], pool={"init": 2, "maxage": 5})["evicted_age"] == 1


def test_each_key_has_a_pool_of_its_own(files):
    row = files.row([0, 2, 4, 6], [1, 1, 1, 1], ["a", "b", "a", 7])

    assert (row["hits"], row["misses"], row["left"], row["peak_idle"]) == (1, 3, 3, 3)
    assert files.study([0, 2, 4, 6], [1, 1, 1, 1], ["a", "b", "a", 7])["workload"]["keys"] == 3


def test_all_pools_exist_until_one_common_horizon(files):
    row = files.row([0, 10], [1, 10], ["a", "b"], pool={"minsize": 1})

    assert row["idle_seconds"] == 19 + 10  # a from 1, b until 10; both were prefilled
    assert row["mean_idle"] == pytest.approx(29 / 20)


def test_the_warmup_is_not_counted(files):
    row = files.row([0, 10, 20], [1, 1, 1], warmup=10)
    assert (row["acquires"], row["hits"], row["allocated"]) == (2, 2, 0)
    assert row["idle_seconds"] == 9
    assert row["mean_idle"] == 9 / 11

    row = files.row([0, 0, 10], [1, 1, 1], warmup=5, pool={"minsize": 2})
    assert (row["allocated"], row["peak_idle"], row["idle_seconds"]) == (0, 2, 5 * 2 + 1)


def test_an_expiry_within_the_warmup_is_not_counted(files):
    for warmup, counted in ((5, 1), (6, 1), (6.5, 0)):
        assert files.row([0, 10], [1, 1], warmup=warmup, pool={"maxage": 5})["evicted_age"] == counted


def test_the_latency_of_alloc_and_check_delays_the_hold(files):
    row = files.row([0, 2, 4], [1, 1, 1], latency={"alloc": 2, "check": 0.5})

    # Allocated until 2, held until 3; allocated until 4, held until 5; the third gets the first's, and checks it.
    assert (row["hits"], row["misses"]) == (1, 2)
    assert (row["wait_mean"], row["wait_p50"], row["wait_p99"], row["wait_max"]) == (1.5, 2, 2, 2)
    assert row["idle_seconds"] == 1 + 0.5


def test_waits_are_by_nearest_rank_zeros_included(files):
    n = 200
    row = files.row([2 * i for i in range(n)], [1] * n, latency={"alloc": 3})
    # The first is still being allocated when the second and the third arrive.
    assert row["misses"] == 2
    assert (row["wait_p50"], row["wait_p99"], row["wait_max"]) == (0, 0, 3)


@pytest.mark.parametrize("ties", [True, False])
@pytest.mark.parametrize("seed", range(15))
def test_everything_that_came_in_is_accounted_for(files, seed, ties):
    generator = random.Random(seed)
    arrival, hold = random_load(generator, 200, ties=ties)
    key = [generator.choice("ab") for _ in arrival]
    init = generator.choice((0, 3))
    study = files.study(
        arrival,
        hold,
        key,
        pool={"init": init},
        sweep={"maxsize": [0, 1, 3, None], "minsize": [None, 0, 2], "maxage": [1, 4, None]},
    )
    for row in study["rows"]:
        assert row["hits"] + row["misses"] == row["acquires"] == 200
        prefilled = row["allocated"] - row["misses"]
        minsize = row["minsize"] or 0
        assert prefilled == 2 * max(0, minsize - init)
        assert 2 * init + prefilled + 200 == row["hits"] + row["evicted_overflow"] + row["evicted_age"] + row["left"]
        if row["maxsize"] is not None:
            assert row["peak_idle"] <= 2 * row["maxsize"]
            assert row["left"] <= 2 * row["maxsize"]


@pytest.mark.parametrize("seed", range(10))
def test_without_limits_in_use_and_idle_are_the_sliding_maximum_of_in_use(files, seed):
    """With maxage A alone, in use + idle at t is the most that were in use within (t - A, t]."""
    generator = random.Random(seed)
    n, age = 60, generator.choice((1, 3, 10))
    arrival = sorted(generator.sample(range(10_000), n))
    hold = [generator.randint(1, 900) for _ in range(n)]
    scale = 0.01
    row = files.row([t * scale for t in arrival], [h * scale for h in hold], pool={"maxage": age})

    start = arrival[0]
    end = max(a + h for a, h in zip(arrival, hold, strict=True))
    in_use = [0] * (end - start)
    for a, h in zip(arrival, hold, strict=True):
        for t in range(a - start, a + h - start):
            in_use[t] += 1
    # In use is constant within a tick, and so is its maximum over a whole number of them.
    window = round(age / scale)
    total = sum(max(in_use[max(0, t - window) : t + 1]) for t in range(len(in_use)))
    # A tick of which only the end is still within the window counts for nothing but its last instant.
    assert row["idle_seconds"] == pytest.approx((total - sum(in_use)) * scale, abs=1e-6)


@pytest.mark.parametrize("pool", [{"maxage": 4}, {"alloc": False, "init": 2, "timeout": 0, "maxage": 4}])
@pytest.mark.parametrize("seed", range(4))
def test_who_watches_sees_what_is_idle_and_in_use_at_every_moment(pool, seed):
    """Added up, what is idle is the idle time, and what is in use are the holds."""
    generator = random.Random(seed)
    arrival, hold = random_load(generator, 100, ties=seed % 2 == 0)
    rows = Rows(Path("x"), "")
    for number, times in enumerate(zip(arrival, hold, strict=True)):
        rows.add(number, *(round(time * SECOND) for time in times), "")
    load = rows.load()
    around = Surroundings(init=pool.get("init", 0), alloc=pool.get("alloc", True), timeout=0)
    seen = [(0, around.init, 0)]
    figures = replay(load, Setting(None, None, 4 * SECOND), around, 0, lambda *what: seen.append(what))
    seen.append((figures.horizon, 0, 0))

    times, idle, in_use = zip(*seen, strict=True)
    lengths = [b - a for a, b in itertools.pairwise(times)]
    assert min(lengths) >= 0
    assert sum(map(int.__mul__, lengths, idle)) == figures.idle_time
    assert sum(map(int.__mul__, lengths, in_use)) == sum(
        time for number, time in enumerate(load.hold) if not figures.waits or figures.waits[number] >= 0
    )
    assert max(idle) == figures.peak_idle
