"""Random loads and settings, and the comparison of the engines with each other.

    python -m tests.sim.differential [CASES] [FIRST SEED]

compares so many cases (100,000 of each kind, if not said otherwise), and ends with status 1 if a figure differs.
"""

from __future__ import annotations

import random
import sys
from collections.abc import Iterator
from dataclasses import fields, replace
from pathlib import Path

from sim.blocking import replay_blocking
from sim.figures import Figures, Setting, Surroundings
from sim.load import Load, Rows
from sim.onepass import is_exact, one_pass
from sim.replay import replay

SECOND = 10**9
SETTINGS = 8  # of each load


def random_load(generator: random.Random) -> tuple[Load, int]:
    """A load, and about how long its holds are; in half of them all happens at few instants."""
    ties = generator.random() < 0.5
    rows = Rows(Path("random"), "row ")
    now = 0
    keys = generator.choice(["a", "a", "ab", "abc"])
    for row in range(generator.randrange(1, 80)):
        now += generator.randrange(4) if ties else int(generator.expovariate(1) * SECOND)
        hold = generator.choice([0, 1, 2, 3, 7, 20]) if ties else int(generator.expovariate(0.3) * SECOND)
        rows.add(row, now, hold, generator.choice(keys))
    return rows.load(), 1 if ties else SECOND


def random_warmup(generator: random.Random, load: Load) -> int:
    """None at all, at an arrival, or between two."""
    middle = load.arrival[len(load) // 2]
    return generator.choice([0, 0, middle, min(middle + 1, load.arrival[-1])])


def random_setting(generator: random.Random, unit: int, *, exact: bool) -> Setting:
    """Any setting; or one that one pass can simulate."""
    maxsize = generator.choice([None, 0, 1, 2, 3, 5])
    minsize = generator.choice([None, None, 0, 1, 2])
    if maxsize is not None and minsize is not None and (exact or minsize > maxsize):
        minsize = maxsize
    maxage = generator.choice([None, unit, 2 * unit, 4 * unit, 15 * unit, 40 * unit])
    return Setting(maxsize, minsize, maxage)


def one_pass_cases(seed: int) -> Iterator[tuple[str, Figures, Figures]]:
    """Several settings of a load by one pass, each with its replay."""
    generator = random.Random(seed)
    load, unit = random_load(generator)
    around = Surroundings(init=generator.choice([0, 0, 1, 3]), warmup=random_warmup(generator, load))
    settings = [random_setting(generator, unit, exact=True) for _ in range(SETTINGS)]
    assert all(is_exact(setting, around) for setting in settings)
    for setting, figures in zip(settings, one_pass(load, settings, around), strict=True):
        yield f"seed {seed}, {setting}, {around}", replay(load, setting, around), figures


def blocking_cases(seed: int) -> Iterator[tuple[str, Figures, Figures]]:
    """Replays of all kinds, each with pops that block and without."""
    generator = random.Random(seed)
    load, unit = random_load(generator)
    limited = generator.random() < 0.7
    setting = random_setting(generator, unit, exact=False)
    if limited and setting.maxsize == 0:
        setting = replace(setting, maxsize=None)
    around = Surroundings(
        init=generator.choice([0, 1, 2, 5]),
        alloc=not limited,
        timeout=generator.choice([None, 0, -1, unit, 3 * unit, 10 * unit]),
        warmup=random_warmup(generator, load),
        alloc_latency=generator.choice([0, 0, 2 * unit]),
        death_age=generator.choice([None, None, 3 * unit]),
        death_rate=generator.choice([0, 0, 0.2 * SECOND / unit]),
        seed=str(seed),
    )
    if not around.mortal:
        around = replace(around, check_latency=generator.choice([0, unit]))
    yield f"seed {seed}, {setting}, {around}", replay_blocking(load, setting, around), replay(load, setting, around)


def difference(one: Figures, other: Figures) -> str:
    """Each figure that differs, with both values."""
    pairs = [(field.name, getattr(one, field.name), getattr(other, field.name)) for field in fields(Figures)]
    return ", ".join(f"{name}: {a} and {b}" for name, a, b in pairs if list_of(a) != list_of(b))


def list_of(value: object) -> object:
    """A sequence as a list, so that an array is equal to a tuple."""
    return value if isinstance(value, int) else list(value)  # type: ignore[call-overload]


def main(cases: int = 100_000, first: int = 0) -> int:
    """Compare, and say what differs."""
    for kind in (one_pass_cases, blocking_cases):
        compared = wrong = 0
        seed = first
        while compared < cases:
            for name, expected, found in kind(seed):
                compared += 1
                if problem := difference(expected, found):
                    wrong += 1
                    print(f"{name}: {problem}")
            seed += 1
        print(f"{kind.__name__}: {compared:,} compared from seed {first} on, {wrong} differ", flush=True)
        if wrong:
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:])))
