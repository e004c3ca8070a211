"""Threads that take turns with a pool of real resources, while these are ended elsewhere."""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable
from typing import Any

from tests.helpers import PATIENCE, Call

THREADS = 8


class Turns:
    """The turns of all threads.

    Each notes what was dead when its pop began, and looks whether it gets one of these.

    Args:
        pool: what they share.
        use: what is done with a resource.
        key: tells resources apart.
        errors: what a resource raises that is ended while it is used, or made.

    Attributes:
        dead: the keys of what is known to have ended.
        handed_out: of these, the keys of what a pop has returned that began later.
        failed: how many turns ended in such an error.
    """

    def __init__(
        self,
        pool: Any,
        use: Callable[[Any], object],
        key: Callable[[Any], Hashable],
        errors: tuple[type[Exception], ...],
    ) -> None:
        self.dead: set[Hashable] = set()
        self.handed_out: list[Hashable] = []
        self.failed = 0
        self._pool, self._use, self._key, self._errors = pool, use, key, errors
        self._done = threading.Semaphore(0)
        self._over = False

    def during(self, outage: Callable[[], object], times: int, turns: int) -> None:
        """Have threads take turns, and after each so many of these call `outage`, so many times."""
        calls = [Call(self._take_turns) for _ in range(THREADS)]
        try:
            for _ in range(times):
                self._await(turns)
                outage()
            self._await(turns)
        finally:
            self._over = True
            for call in calls:
                call.result()

    def _await(self, turns: int) -> None:
        for _ in range(turns):
            assert self._done.acquire(timeout=PATIENCE), "no thread takes a turn"

    def _take_turns(self) -> None:
        while not self._over:
            self._take_one()
            self._done.release()

    def _take_one(self) -> None:
        dead = self.dead.copy()
        try:
            with self._pool() as resource:
                if self._key(resource) in dead:
                    self.handed_out.append(self._key(resource))
                self._use(resource)
        except self._errors:
            self.failed += 1  # of several threads: a count that is too low will do


def drop_dead(pool: Any) -> int:
    """Pop all that is idle, so that what is dead is dropped, and push it. Return how many these were."""
    alive = [pool.pop() for _ in range(len(pool))]
    for resource in alive:
        pool.push(resource)
    return len(alive)
