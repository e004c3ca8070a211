"""Where the time of a hand-over goes: both sides of it in one thread, so that nothing has to be waited for."""

from __future__ import annotations

import time
from _thread import RLock, allocate_lock
from collections import deque
from collections.abc import Callable
from typing import Any

from benchmarks.peers import Peer
from benchmarks.rounds import Figures, figure, interleave, seconds
from ya.resourcepool import ResourcePool

PARTS = ("pop, until it waits", "push, until it wakes", "push, after that", "pop, after that")


def hand_over(peers: list[Peer], rounds: int, scale: float) -> Figures:
    """Seconds of each part, and of operations that they are made of."""
    moments: list[float] = []
    mark = lambda: moments.append(time.perf_counter())  # noqa: E731

    class Latch:
        def __init__(self) -> None:
            lock = allocate_lock()
            self.acquire, self.locked, self._release = lock.acquire, lock.locked, lock.release

        def release(self) -> None:
            mark()
            self._release()

    class Pool(ResourcePool[int]):
        _latch = Latch

    class PushingClock:
        """Where a pop would wait, this pushes."""

        def now(self) -> float:
            return time.monotonic()

        def wait(self, lock: Any, start: float, timeout: float | None) -> bool:
            mark()
            pool.push(0)
            mark()
            acquired = lock.acquire()
            mark()
            return bool(acquired)

        def call_at(self, start: float, length: float, function: Callable[[], object]) -> None:
            pass

    pool = Pool(clock=PushingClock())
    taken: dict[str, list[float]] = {part: [] for part in PARTS}
    for _ in range(max(20, round(20_000 * scale))):
        moments.clear()
        mark()
        pool.pop(0)
        mark()
        asked, waits, wakes, pushed, woken, popped = moments
        for part, value in zip(PARTS, (waits - asked, wakes - waits, pushed - wakes, popped - woken), strict=True):
            taken[part].append(value)
    return {part: figure(values) for part, values in taken.items()} | operations(rounds, scale)


def operations(rounds: int, scale: float) -> Figures:
    def function() -> None:
        pass

    statements = {
        "a call of a Python function": "function()",
        "`with` an RLock": "with lock: pass",
        "an IndexError, raised and caught": "try: empty.pop()\nexcept IndexError: pass",
        "a lock, made and acquired": "allocate_lock().acquire()",
    }
    names = {"function": function, "lock": RLock(), "empty": deque(), "allocate_lock": allocate_lock}
    return interleave(
        rounds, {name: seconds(statement, 0.02 * scale, **names) for name, statement in statements.items()}
    )
