"""A clock that is moved by hand, for tests and simulations."""

from __future__ import annotations

import os
import time
from _thread import RLock, allocate_lock
from bisect import insort
from collections.abc import Callable
from heapq import heapify, heappop, heappush
from itertools import count
from math import isfinite, nextafter, ulp
from typing import Any
from weakref import WeakSet

from ._arguments import number, shown

INFINITY = float("inf")

_clocks: WeakSet[ManualClock] = WeakSet()


def _unblock_all() -> None:
    """In a forked child: the threads that had the locks, or were blocked, are the parent's."""
    for clock in list(_clocks):
        clock._lock = RLock()
        clock._blocked.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_unblock_all)


class _Event:
    """Something that a manual clock has to do when its time comes."""

    __slots__ = ("function", "lock", "timed_out", "to_come")

    def __init__(self, function: Callable[[], object] | None = None, lock: Any = None) -> None:
        self.function = function
        self.lock = lock
        self.to_come = [True]  # empty when it is over: to empty it is one step, also for a handler amid an advance
        self.timed_out = False

    @property
    def done(self) -> bool:
        return not self.to_come

    def happen(self) -> None:
        try:
            try:
                self.to_come.pop()  # first: what happens may advance the clock, too
            except IndexError:
                return
            function, lock = self.function, self.lock  # `cancel` may forget them meanwhile
            if function is not None:
                function()
            elif hasattr(lock, "leave"):
                lock.leave()
            else:
                self.timed_out = True  # `wait` polls it
        except Exception:
            raise
        except BaseException:
            self.to_come[:] = [True]  # the interrupt may have come before anything was done
            raise

    def cancel(self) -> None:
        """Forget what was to be done; the lock refers to the pool."""
        self.to_come.clear()
        self.function = self.lock = None

    def blocks(self) -> bool:
        """Whether its thread is blocked, and has not just been released."""
        lock = self.lock
        return lock is not None and (not hasattr(lock, "locked") or bool(lock.locked()))


class ManualClock:
    """A clock that stands still until it is advanced (T2).

    Args:
        start: its first reading, of any type of number.
    """

    __module__ = "ya.resourcepool"

    def __init__(self, start: float = 0) -> None:
        start = number("start", start, "a finite number")
        if not _is_finite(start):
            raise ValueError(f"start must be a finite number, not {shown(start)}")
        self._times = [start]  # the last is the time; to insert one in order is one step, so time never goes back
        # Under the lock, which is never held while an event happens.
        self._lock = RLock()
        self._events: list[tuple[float, int, float, int, float, _Event]] = []  # a heap, see `_schedule`
        self._purge_at: float = 64
        self._numbers = count()
        self._blocked: dict[_Event, None] = {}
        _clocks.add(self)

    def now(self) -> float:
        """The time to which the clock was advanced."""
        return self._times[-1]

    def advance(self, seconds: float) -> None:
        """Move the time, and do what falls due on the way, each at its time, before returning.

        Events happen in the order of their deadlines; of equal ones, expiries come first, then what
        started first. What `dealloc` raises beyond `Exception` ends the advance at that deadline.

        Raises:
            TypeError, ValueError: not a finite number >= 0.
        """
        seconds = number("seconds", seconds, "a finite number >= 0")
        if not 0 <= seconds < INFINITY:
            raise ValueError(f"seconds must be a finite number >= 0, not {shown(seconds)}")
        try:
            target = self._times[-1] + seconds
            if not isfinite(target):
                raise OverflowError
        except OverflowError:  # an int that no float can hold
            raise ValueError(f"seconds must be a number that can be added to {self._times[-1]!r}") from None
        while (event := self._next(target)) is not None:
            event.happen()

    def wait(self, lock: Any, start: float, timeout: float | None) -> bool:
        """Block until `lock` is acquired, or until the clock is advanced to `timeout` after `start`."""
        event = _Event(lock=lock)
        try:
            with self._lock:
                if timeout is not None:
                    if self._times[-1] - start >= timeout:
                        return bool(lock.acquire(False))
                    self._schedule(1, start, timeout, event)
                self._blocked[event] = None
            if hasattr(lock, "leave"):
                return bool(lock.acquire())
            while not lock.acquire(True, 0.005):
                if event.timed_out:
                    return False
            return True
        finally:
            self._blocked.pop(event, None)
            event.cancel()

    def call_at(self, start: float, length: float, function: Callable[[], object]) -> Callable[[], object]:
        """Have `advance` call the function at `length` after `start`."""
        event = _Event(function)
        with self._lock:
            self._schedule(0, start, length, event)
        return event.cancel

    def await_blocked(self, n: int, timeout: float = 10) -> bool:
        """Wait, in real time, until at least `n` threads are blocked in `wait`. Returns True.

        Raises:
            TimeoutError: they were not within `timeout` seconds.
            TypeError, ValueError: an argument is no number.
        """
        number("n", n, "a number")
        timeout = number("timeout", timeout, "a number")
        start = time.monotonic()
        pause = allocate_lock()
        pause.acquire()
        while (blocked := sum(event.blocks() for event in list(self._blocked))) < n:
            if time.monotonic() - start >= timeout:
                raise TimeoutError(f"{blocked} of {shown(n)} threads blocked within {shown(timeout)} s")
            pause.acquire(True, 0.001)
        return True

    def _schedule(self, order: int, start: float, length: float, event: _Event) -> None:
        if len(self._events) >= self._purge_at:  # waits that ended early would pile up
            self._purge_at = INFINITY
            events = self._events
            size = len(events)
            pending = [item for item in events if not item[-1].done]
            if len(events) == size:  # else a finalizer has scheduled something meanwhile
                events[:] = pending
                heapify(events)
            self._purge_at = 64 + 2 * len(events)
        due = first_reading(start, length)
        # An advance by exactly `length` gets there, although the sum is often rounded to a little less than `due`.
        reached = due if due == INFINITY else min(due, start + length)
        heappush(self._events, (reached, order, start, next(self._numbers), due, event))

    def _next(self, target: float) -> _Event | None:
        """Move to the next event up to `target`, or there."""
        with self._lock:
            try:
                while (item := self._events[0])[-1].done:
                    if not (popped := heappop(self._events))[-1].done:
                        heappush(self._events, popped)  # a handler amid this has advanced the clock, too
                if item[0] <= target:
                    self._move(item[-2])
                    return item[-1]
            except IndexError:
                pass  # there are none
            self._move(target)
            return None

    def _move(self, time: float) -> None:
        insort(self._times, time)
        del self._times[:-1]


def _is_finite(number: float) -> bool:
    """Whether it is a number that a float can hold, as then it can be subtracted from any other."""
    try:
        return isfinite(number)
    except OverflowError:
        return False


def first_reading(start: float, length: float) -> float:
    """The first reading where `now - start >= length` (T3)."""
    try:
        first = start + length
    except OverflowError:  # an int that no float can hold
        return INFINITY
    if not isinstance(first, float) or first == INFINITY:
        return first
    while first - start < length:
        first = nextafter(first, INFINITY)
    if nextafter(first, -INFINITY) - start >= length:  # rounding: the difference has fewer digits
        too_early = first - 4 * ulp(max(abs(start), abs(length)))
        while nextafter(too_early, INFINITY) < first:
            middle = too_early + (first - too_early) / 2
            if middle - start >= length:
                first = middle
            else:
                too_early = middle
    return first
