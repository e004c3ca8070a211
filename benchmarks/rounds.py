"""How a figure is taken: all that are compared take turns, round by round, so that a busy machine hits all."""

from __future__ import annotations

import gc
from collections.abc import Callable, Mapping
from statistics import median
from timeit import Timer
from typing import Any

from benchmarks.peers import Peer

Figure = dict[str, float]  # "min" and "median" over the rounds
Figures = dict[str, Figure]  # by what was measured


def figure(values: list[float]) -> Figure:
    return {"min": min(values), "median": median(values)}


def interleave(rounds: int, measures: Mapping[str, Callable[[], float]]) -> Figures:
    """Call each once a round; each call returns the figure of that round."""
    taken: dict[str, list[float]] = {name: [] for name in measures}
    for _ in range(rounds):
        for name, measure in measures.items():
            gc.collect()
            taken[name].append(measure())
    return {name: figure(values) for name, values in taken.items()}


def compare(
    peers: list[Peer],
    rounds: int,
    resources: int,
    measure: Callable[[Peer, Any], Callable[[], float]],
    others: dict[str, Callable[[], float]] | None = None,
) -> Figures:
    """Measure each peer with a pool of its own, and the others beside them."""
    pools = {peer.name: peer.make(resources) for peer in peers}
    measures = {peer.name: measure(peer, pools[peer.name]) for peer in peers}
    try:
        return interleave(rounds, measures | (others or {}))
    finally:
        for peer in peers:
            peer.close(pools[peer.name])


def seconds(statement: str, seconds_a_round: float, **names: object) -> Callable[[], float]:
    """Measure the seconds that one execution of the statement takes. The garbage collector rests meanwhile."""
    timer = Timer(statement, globals=names)
    number = 1
    while (took := timer.timeit(number)) < seconds_a_round / 10:
        number *= 4
    number = max(1, round(number * seconds_a_round / took))
    return lambda: timer.timeit(number) / number
