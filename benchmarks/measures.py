"""All that is measured, in the order in which it is run and shown."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from benchmarks import footprint, growth, parts, single, threads
from benchmarks.peers import Peer
from benchmarks.rounds import Figures


class Measure(NamedTuple):
    take: Callable[[list[Peer], int, float], Figures]  # of the peers, in so many rounds, at this scale of length
    rounds: int
    title: str


MEASURES = {
    "pair": Measure(single.pair, 40, "a pop and a push, one thread"),
    "block": Measure(single.block, 40, "an empty `with` block, one thread"),
    "settings pair": Measure(single.settings_pair, 40, "a pop and a push, with a setting"),
    "settings block": Measure(single.settings_block, 40, "an empty `with` block, with a setting"),
    "eviction": Measure(single.eviction(1), 20, "a push that evicts one, until it is deallocated"),
    "eviction 100": Measure(single.eviction(100), 20, "the same, a hundred pushes at a time"),
    "2 threads": Measure(threads.enough(2, pinned=False), 5, "a pop and a push, 2 threads, enough for all"),
    "8 threads": Measure(threads.enough(8, pinned=False), 5, "the same, 8 threads"),
    "32 threads": Measure(threads.enough(32, pinned=False), 5, "the same, 32 threads"),
    "8 threads, pinned": Measure(threads.enough(8, pinned=True), 5, "the same, 8 threads on one processor"),
    "32 threads, pinned": Measure(threads.enough(32, pinned=True), 5, "the same, 32 threads on one processor"),
    "turns, 2 threads": Measure(threads.turns(2, hold=True), 5, "2 threads, one resource, held for 1 ms"),
    "turns": Measure(threads.turns(8, hold=True), 5, "8 threads, one resource, held for 1 ms"),
    "turns, 32 threads": Measure(threads.turns(32, hold=True), 5, "32 threads, one resource, held for 1 ms"),
    "turns, no hold": Measure(threads.turns(8, hold=False), 5, "8 threads, one resource, not held"),
    "latency, rested": Measure(threads.latency(rested=True), 5, "a hand-over, after 0.1 ms of rest"),
    "latency": Measure(threads.latency(rested=False), 5, "a hand-over, one after the other"),
    "parts": Measure(parts.hand_over, 20, "the parts of a hand-over"),
    "switches": Measure(threads.switches, 3, "context switches a turn, 32 threads, one resource, held for 1 ms"),
    "idle": Measure(growth.idle, 10, "a pop and a push, while many are idle"),
    "expiry": Measure(growth.expiry, 3, "to expire many at once, of a million that are idle"),
    "overflow": Measure(growth.overflow, 5, "to evict many by one push"),
    "waiters": Measure(growth.waiters, 3, "a hand-over, while many wait"),
    "memory": Measure(footprint.memory, 1, "bytes that an idle resource takes in the pool"),
    "import": Measure(footprint.imports, 20, "to import the package"),
    "exit": Measure(footprint.exits, 10, "to exit, with 1,000 idle"),
    "pools": Measure(footprint.pools, 3, "1,000 pools with `maxage`"),
}
