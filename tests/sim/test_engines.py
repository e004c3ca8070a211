"""The engines agree, in all figures, to the integer: `make differential` compares more cases."""

from __future__ import annotations

import random

import pytest

from sim.figures import Figures, Setting, Surroundings
from sim.hits import hit_surface
from sim.onepass import is_exact, one_pass
from sim.spans import Spans
from tests.sim.differential import blocking_cases, difference, one_pass_cases, random_load, random_warmup

CHUNK = 100


@pytest.mark.parametrize("chunk", range(5))
def test_one_pass_equals_the_replay_through_the_real_pool(chunk):
    """4,000 settings of 500 loads."""
    for seed in range(chunk * CHUNK, (chunk + 1) * CHUNK):
        for name, expected, found in one_pass_cases(seed):
            assert difference(expected, found) == "", name


@pytest.mark.parametrize("chunk", range(15))
def test_a_replay_equals_the_one_with_pops_that_block(chunk):
    for seed in range(chunk * CHUNK, (chunk + 1) * CHUNK):
        for name, expected, found in blocking_cases(seed):
            assert difference(expected, found) == "", name


@pytest.mark.parametrize("seed", [1002264, 1007266])
def test_releases_of_one_instant_are_in_the_order_of_the_load_also_if_their_acquires_waited(seed):
    """In these cases two that are drawn their deaths in another order die at other times."""
    for name, expected, found in blocking_cases(seed):
        assert difference(expected, found) == "", name


def test_one_pass_is_the_same_with_numpy(monkeypatch):
    monkeypatch.setattr("sim.extra.FAST_FROM", 0)
    for seed in range(40):
        for name, expected, found in one_pass_cases(seed):
            assert difference(expected, found) == "", name


def test_sums_that_numpy_can_not_hold_are_exact(monkeypatch):
    monkeypatch.setattr("sim.extra.FAST_FROM", 0)
    spans = Spans()
    for _ in range(5):
        spans.add(2**62)
    assert spans.below([2**62, 2**62 + 1]) == [(0, 0), (5, 5 * 2**62), (5, 5 * 2**62)]


def test_the_random_cases_reach_every_figure():
    """In several cases each figure is not 0, where the engine can count it at all."""
    reached = dict.fromkeys(Figures.__dataclass_fields__, 0)
    for seed in range(200):
        for _, figures, _ in (*one_pass_cases(seed), *blocking_cases(seed)):
            for name in reached:
                value = getattr(figures, name)
                reached[name] += bool(value if isinstance(value, int) else len(value))

    assert min(reached.values()) > 10, reached


def test_a_difference_is_seen():
    assert difference(Figures(hits=1), Figures(hits=2, left=1)) == "hits: 1 and 2, left: 0 and 1"
    assert difference(Figures(waits=(1, 2)), Figures(waits=(1, 3))) == "waits: (1, 2) and (1, 3)"


@pytest.mark.parametrize(
    ("setting", "around", "exact"),
    [
        ((3, None, 5), {}, True),
        ((None, 2, 5), {}, True),
        ((3, 3, 5), {"warmup": 5, "init": 9}, True),
        ((3, 2, 5), {}, False),  # an overflow evicts below maxsize
        ((3, 0, None), {}, False),
        ((3, None, 5), {"alloc": False}, False),
        ((3, None, 5), {"alloc_latency": 1}, False),
        ((3, None, 5), {"check_latency": 1}, False),
        ((3, None, 5), {"death_age": 1}, False),
        ((3, None, 5), {"death_rate": 0.1}, False),
    ],
)
def test_one_pass_is_refused_where_it_is_not_exact(setting, around, exact):
    assert is_exact(Setting(*setting), Surroundings(**around)) == exact


def test_the_hits_are_those_of_one_pass():
    """Of random sizes and ages, with warm-ups, keys and pools that begin filled."""
    for seed in range(400):
        generator = random.Random(seed)
        load, unit = random_load(generator)
        around = Surroundings(init=generator.choice([0, 0, 1, 3]), warmup=random_warmup(generator, load))
        sizes = sorted(generator.sample(range(7), generator.randrange(5)))
        ages = sorted({generator.randrange(1, 40) * unit for _ in range(generator.randrange(5))})
        settings = [Setting(size, None, age) for size in [*sizes, None] for age in [*ages, None]]
        expected = [figures.hits for figures in one_pass(load, settings, around)]

        assert [hits for row in hit_surface(load, sizes, ages, around) for hits in row] == expected, seed
