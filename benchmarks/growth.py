"""How cost grows: with how many are idle, how many go at once, and how many wait."""

from __future__ import annotations

import time
from collections.abc import Callable
from threading import Lock, Thread
from typing import Any

from benchmarks.peers import LEGACY, OURS, Peer, ours
from benchmarks.rounds import Figures, figure, interleave, seconds
from ya.resourcepool import ManualClock, ResourcePool

PATIENT = (OURS, LEGACY, "psycopg_pool")  # who serves whoever came first, and 0.1.1


def idle(peers: list[Peer], rounds: int, scale: float) -> Figures:
    """Seconds that a pair takes while so many are idle. A series ends with the number: `plain 1000`."""
    measures = {}
    for n in sizes(10**6 if scale >= 1 else 10**4):
        for name, settings in (("plain", {}), ("maxsize", {"maxsize": n}), ("maxage", {"maxage": 3600})):
            pool = ours(**settings)(n)
            measures[f"{name} {n}"] = seconds("r = pool.pop(); pool.push(r)", 0.02 * scale, pool=pool)
    return interleave(rounds, measures)


def expiry(peers: list[Peer], rounds: int, scale: float) -> Figures:
    """Seconds a resource, to expire so many at once of a million that are idle."""
    largest = 10**5 if scale >= 1 else 10**3
    waves = sizes(largest, 1)

    def measure() -> dict[int, float]:
        clock = ManualClock()
        pool = ResourcePool(dealloc=bool, maxage=10**6, clock=clock)
        for wave in (*waves, 10 * largest - sum(waves)):
            for _ in range(wave):
                pool.push(0)
            clock.advance(1)
        clock.advance(10**6 - len(waves) - 2)
        taken = {}
        for wave in waves:
            start = time.perf_counter()
            clock.advance(1)
            taken[wave] = (time.perf_counter() - start) / wave
        assert len(pool) == 10 * largest - sum(waves)
        return taken

    results = [measure() for _ in range(rounds)]
    return {f"expiry {wave}": figure([result[wave] for result in results]) for wave in waves}


def overflow(peers: list[Peer], rounds: int, scale: float) -> Figures:
    """Seconds a resource, to evict so many by one push."""
    measures = {}
    for k in sizes(10**5 if scale >= 1 else 10**3, 1):
        pool = ResourcePool(dealloc=bool, maxsize=k - 1, minsize=0)
        measures[f"overflow {k}"] = _evict(pool, k)
    return interleave(rounds, measures)


def _evict(pool: ResourcePool[int], k: int) -> Callable[[], float]:
    def measure() -> float:
        taken = 0.0
        times = max(1, 1000 // k)
        for _ in range(times):
            for _ in range(k - 1):
                pool.push(0)
            start = time.perf_counter()
            pool.push(0)
            taken += time.perf_counter() - start
        assert len(pool) == 0
        return taken / times / k

    return measure


def waiters(peers: list[Peer], rounds: int, scale: float) -> Figures:
    """Seconds from a push until one of so many waiters has it and tells so; then it waits again."""
    measures = {}
    for peer in peers:
        if peer.name in PATIENT:
            for n in sizes(1000 if scale >= 1 else 10, 1):
                measures[f"{peer.name} {n}"] = _serve(peer, n, 50 if n > 100 else max(20, round(200 * scale)))
    return interleave(rounds, measures)


def _serve(peer: Peer, n: int, number: int) -> Callable[[], float]:
    names: dict[str, Any] = {}
    exec(f"def pop(pool): return {peer.waits}\ndef push(pool, r): {peer.push}", names)
    pop, push = names["pop"], names["push"]

    def measure() -> float:
        pool = peer.make(1)
        box = [pop(pool)]
        served = Lock()
        served.acquire()
        over = False

        def wait() -> None:
            while not over:
                box.append(pop(pool))
                served.release()

        threads = [Thread(target=wait) for _ in range(n)]
        for thread in threads:
            thread.start()
        time.sleep(0.001 * n**0.5)  # until they wait
        start = time.perf_counter()
        for _ in range(number):
            push(pool, box.pop())
            served.acquire()
        taken = time.perf_counter() - start
        over = True
        for _ in range(n):
            push(pool, box.pop())
            served.acquire()
        for thread in threads:
            thread.join()
        push(pool, box.pop())
        peer.close(pool)
        return taken / number

    return measure


def sizes(largest: int, smallest: int = 10) -> list[int]:
    """The powers of ten between, both included."""
    found = [smallest]
    while found[-1] < largest:
        found.append(10 * found[-1])
    return found
