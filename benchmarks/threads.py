"""Many threads: with a resource for each, with one for all, and how long a hand-over takes."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from statistics import median
from threading import Barrier, Lock, Thread
from typing import Any

from benchmarks.peers import Peer
from benchmarks.rounds import Figures, compare, figure

try:
    from resource import RUSAGE_SELF, getrusage
except ImportError:  # not on Windows
    getrusage = None  # type: ignore[assignment]

HOLD = 0.001  # seconds; who sleeps releases the GIL

PAIRS = """
def work(pool, stop):
    done = 0
    while not stop:
        for _ in range(20):
            r = {pop}
            {push}
        done += 20
    return done, 0
"""

TURNS = """
def work(pool, stop):
    done = longest = 0
    while not stop:
        asked = now()
        r = {waits}
        longest = max(longest, now() - asked)
        {hold}
        {push}
        done += 1
    return done, longest
"""

Work = Callable[[Any, list[bool]], tuple[int, float]]
Counts = list[tuple[int, float]]  # of each thread: how much it did, and its longest wait in seconds


def enough(threads: int, pinned: bool) -> Callable[[list[Peer], int, float], Figures]:
    """Seconds a pair, of all threads together, with a resource for each."""

    def measure(peers: list[Peer], rounds: int, scale: float) -> Figures:
        length = 0.2 * scale

        def of_peer(peer: Peer, pool: Any) -> Callable[[], float]:
            return lambda: per_unit(*run(work(PAIRS, peer), pool, threads, length))

        with one_processor() if pinned else nullcontext():
            return compare(peers, rounds, threads, of_peer)

    return measure


def turns(threads: int, hold: bool) -> Callable[[list[Peer], int, float], Figures]:
    """One resource: seconds a turn; of a thread, the most/fewest turns, and the longest wait in seconds."""

    def measure(peers: list[Peer], rounds: int, scale: float) -> Figures:
        length = 0.5 * scale
        peers = [peer for peer in peers if peer.waits]
        counts: dict[str, list[Counts]] = {peer.name: [] for peer in peers}

        def of_peer(peer: Peer, pool: Any) -> Callable[[], float]:
            def once() -> float:
                of_round, taken = run(work(TURNS, peer, f"sleep({HOLD})" if hold else ""), pool, threads, length)
                counts[peer.name].append(of_round)
                return per_unit(of_round, taken)

            return once

        figures = compare(peers, rounds, 1, of_peer)
        for name, of_rounds in counts.items():
            done = [[done for done, _ in of_round] for of_round in of_rounds]
            figures[f"{name}: most/fewest"] = figure([max(turns) / max(1, min(turns)) for turns in done])
            figures[f"{name}: longest wait"] = figure([max(wait for _, wait in of_round) for of_round in of_rounds])
        return figures

    return measure


def latency(rested: bool) -> Callable[[list[Peer], int, float], Figures]:
    """Seconds from the start of a push to the return of the pop that waited for it: the median of many.

    Rested: after 0.1 ms in which nothing happens, as in a service; else one follows the other.
    """

    def measure(peers: list[Peer], rounds: int, scale: float) -> Figures:
        number = max(20, round(2000 * scale))
        pause = 0.0001 if rested else 0

        def bare() -> float:
            lock = Lock()
            lock.acquire()
            return hand_over(lock.acquire, lock.release, number, pause)

        def of_peer(peer: Peer, pool: Any) -> Callable[[], float]:
            names: dict[str, Any] = {"pool": pool}
            exec(f"def pop(): global r; r = {peer.waits}\ndef push(): {peer.push}", names)

            def once() -> float:
                names["pop"]()
                result = hand_over(names["pop"], names["push"], number, pause)
                names["push"]()
                return result

            return once

        return compare([peer for peer in peers if peer.waits], rounds, 1, of_peer, {"a bare lock": bare})

    return measure


def hand_over(wait: Callable[[], object], wake: Callable[[], object], number: int, pause: float) -> float:
    taken: list[float] = []
    woken = [0.0]
    over = Lock()
    over.acquire()
    clock = time.perf_counter

    def waiter() -> None:
        for _ in range(number):
            wait()
            taken.append(clock() - woken[0])
            over.release()

    thread = Thread(target=waiter)
    thread.start()
    for _ in range(number):
        if pause:
            time.sleep(pause)
        woken[0] = clock()
        wake()
        over.acquire()
    thread.join()
    return median(taken)


def switches(peers: list[Peer], rounds: int, scale: float) -> Figures:
    """Context switches a turn, of 32 threads that share one resource. The switches of an idle process count, too."""
    if getrusage is None:
        return {}

    def of_peer(peer: Peer, pool: Any) -> Callable[[], float]:
        def once() -> float:
            before = switched()
            counts, _ = run(work(TURNS, peer, f"sleep({HOLD})"), pool, 32, 0.5 * scale)
            return per_unit(counts, switched() - before)

        return once

    return compare([peer for peer in peers if peer.waits], rounds, 1, of_peer)


def switched() -> int:
    usage = getrusage(RUSAGE_SELF)
    return usage.ru_nvcsw + usage.ru_nivcsw


def work(template: str, peer: Peer, hold: str = "") -> Work:
    names: dict[str, Any] = {"now": time.perf_counter, "sleep": time.sleep}
    exec(template.format(pop=peer.pop, waits=peer.waits, push=peer.push, hold=hold), names)
    return names["work"]


def run(work: Work, pool: Any, threads: int, length: float) -> tuple[Counts, float]:
    """Have so many threads work for so many seconds. Return also how long it took until all had ended."""
    stop: list[bool] = []
    counts: Counts = []
    barrier = Barrier(threads + 1)

    def thread() -> None:
        barrier.wait()
        counts.append(work(pool, stop))

    workers = [Thread(target=thread) for _ in range(threads)]
    for worker in workers:
        worker.start()
    barrier.wait()
    start = time.perf_counter()
    time.sleep(length)
    stop.append(True)
    for worker in workers:
        worker.join()
    return counts, time.perf_counter() - start


def per_unit(counts: Counts, taken: float) -> float:
    return taken / max(1, sum(done for done, _ in counts))


@contextmanager
def one_processor() -> Iterator[None]:
    """Keep this thread, and those that it starts, on one processor, where the system can."""
    if not hasattr(os, "sched_setaffinity"):
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(before)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)
