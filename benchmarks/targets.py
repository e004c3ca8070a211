"""What the pool is to reach, as ratios within one run."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from benchmarks.peers import FLOOR, LEGACY, OURS
from benchmarks.rounds import Figures

All = dict[str, Figures]  # by measure


class Target(NamedTuple):
    title: str
    value: Callable[[All], float]  # KeyError if it was not measured
    bound: float
    stretch: float | None
    at_most: bool = True
    unit: str = ""

    def met(self, value: float) -> bool:
        return value <= self.bound if self.at_most else value >= self.bound


def ratio(measure: str, one: str, other: str, of: str = "min") -> Callable[[All], float]:
    return lambda taken: taken[measure][one][of] / taken[measure][other][of]


def best_peer(taken: All) -> float:
    """Throughput, so the other way round than the time of a turn."""
    turns = taken["turns"]
    others = [value["min"] for name, value in turns.items() if ":" not in name and name != OURS]
    return min(others) / turns[OURS]["min"]


TARGETS = [
    Target("a pop and a push / the floor", ratio("pair", OURS, FLOOR), 0.40, 0.30),
    Target("the same with `maxage`", ratio("settings pair", "maxage", FLOOR), 0.85, 0.70),
    Target("the same with `maxsize`, not exceeded", ratio("settings pair", "maxsize", FLOOR), 0.40, 0.33),
    Target("`with pool() as r` / the floor's", ratio("block", OURS, FLOOR), 0.55, 0.45),
    Target("0.1.1 / ours, a pop and a push", ratio("pair", LEGACY, OURS), 15, 19, False),
    Target("0.1.1 / ours, `with`", ratio("block", LEGACY, OURS), 8.5, 11.5, False),
    Target("LifoQueue / ours, a pop and a push", ratio("pair", "queue.LifoQueue", OURS), 8, 10, False),
    Target("object-pool / ours, a pop and a push", ratio("pair", "object-pool", OURS), 4, 5, False),
    Target("0.1.1 / ours, 8 threads on one processor", ratio("8 threads, pinned", LEGACY, OURS), 15, 20, False),
    Target("0.1.1 / ours, 32 threads on one processor", ratio("32 threads, pinned", LEGACY, OURS), 15, 20, False),
    Target(
        "one resource, 8 threads: most / fewest turns",
        lambda taken: taken["turns"][f"{OURS}: most/fewest"]["min"],
        1.05,
        1.01,
    ),
    Target("the same: throughput / the best peer's", best_peer, 0.95, 0.98, False),
    Target("psycopg_pool / ours, a turn without hold", ratio("turns, no hold", "psycopg_pool", OURS), 1.4, 2.2, False),
    Target("hand-over / a bare lock's, after rest", ratio("latency, rested", OURS, "a bare lock"), 1.5, 1.15),
    Target("hand-over / a bare lock's, one after the other", ratio("latency", OURS, "a bare lock"), 1.5, 1.15),
    Target("context switches a turn, 32 threads", lambda taken: taken["switches"][OURS]["min"], 6, 5),
    Target("bytes an idle resource", lambda taken: taken["memory"]["plain"]["min"], 16, 8),
    Target("the same with `maxage`", lambda taken: taken["memory"]["maxage"]["min"], 100, 40),
    Target("evicting push / 0.1.1's, with its dealloc", ratio("eviction", OURS, LEGACY), 0.4, 0.3),
    Target("import", lambda taken: taken["import"][OURS]["min"] * 1000, 12, 6, unit=" ms"),
    Target(
        "exit with 1,000 idle, over an empty interpreter",
        lambda taken: (taken["exit"][OURS]["min"] - taken["exit"]["an empty interpreter"]["min"]) * 1000,
        20,
        5,
        unit=" ms",
    ),
]
