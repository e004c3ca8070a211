"""Does the soak see that something grows?"""

from __future__ import annotations

import os
import threading

import pytest

from tests.load.footprint import BLOCKS, HAS_PROC, KILOBYTES, Footprint, growth, measure

ROUNDS = 40


def rounds(**grows):
    """Footprints of which some values grow, from one round to the next, and all are larger now and then."""
    steady = {"threads": 5, "descriptors": 6, "blocks": 50_000, "kilobytes": 20_000}
    return [
        Footprint(**{name: value + number * grows.get(name, 0) + 9 * (number % 3) for name, value in steady.items()})
        for number in range(ROUNDS)
    ]


def test_what_comes_and_goes_is_no_growth():
    assert growth(rounds()) == []


@pytest.mark.parametrize(
    ("name", "each"),
    [
        ("threads", 1),
        ("descriptors", 1),
        ("blocks", 3 * BLOCKS // ROUNDS + 1),
        ("kilobytes", 3 * KILOBYTES // ROUNDS + 1),
    ],
)
def test_what_grows_with_the_rounds_is_named(name, each):
    (grown,) = growth(rounds(**{name: each}))
    assert grown.startswith(f"{name} grew from ")


@pytest.mark.skipif(not HAS_PROC, reason="it is read from /proc")
def test_a_thread_a_descriptor_and_memory_that_are_left_are_seen():
    before = measure()
    gate = threading.Event()
    thread = threading.Thread(target=gate.wait)
    thread.start()
    read, write = os.pipe()
    kept = [object() for _ in range(BLOCKS)]
    after = measure()
    gate.set()
    thread.join()
    os.close(read), os.close(write)

    assert (after.threads, after.descriptors) == (before.threads + 1, before.descriptors + 2)
    assert after.blocks - before.blocks >= len(kept)
