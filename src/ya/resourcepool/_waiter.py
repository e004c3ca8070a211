"""A pop that is on its way: what it has been given, and its place in the queue."""

from __future__ import annotations

from _thread import get_ident
from collections import deque
from typing import Any

from ._arguments import number
from ._moves import move


class Waiter:
    """A pop on the slow path, from one candidate to the next. It is served at most once.

    It is also the lock that the clock waits for. That is released when it is served, leaves, or the pool closes.
    """

    # Set where they come to differ; most pops never need them.
    waited: float = 0
    thread = 0
    _arrival: int = 0  # drawn when it queues, from 1
    _start: float = 0
    _woken = False
    # Either is set by the pop, and means that nobody may fill the box any more.
    _unpacked = False
    _abandoned = False

    def __init__(self, pool: Any, timeout: float | None) -> None:
        self._pool = pool
        self._timeout: Any = timeout
        self.box: list[Any] = []  # filled under the pool's lock, emptied by the pop

    def again(self) -> Waiter:
        """For the next candidate of the same pop. Its arrival and start stay, however many are dead."""
        following = Waiter(self._pool, self._timeout)
        following._arrival, following._start = self._arrival, self._start
        return following

    def serve(self) -> bool:
        """Fill the box, unless that has been done, or is no use; false if nothing is idle."""
        if not (self.box or self._unpacked or self._abandoned):
            if not self._pool._idle:
                return False
            try:
                move(self._pool._idle.pop, self.box.extend)
            except IndexError:
                return False
        return True

    def wake(self) -> None:
        if self._latch.locked():  # or an interrupt came after it had been woken
            self._latch.release()
        self._woken = True

    def locked(self) -> bool:
        """Whether the clock still has to wait for it."""
        return not self._woken

    def unpack(self) -> Any:
        """The resource in the box."""
        self._unpacked = True
        entry = self.box.pop()
        return entry if self._pool._maxage is None else entry[1]

    def wait(self) -> None:
        """Take what is idle; if nothing is, queue until something is in the box, or nothing will be."""
        pool, timeout = self._pool, self._timeout
        nested = pool._lock._is_owned()
        if nested or type(timeout) not in (float, int) or timeout != timeout:
            pool._settle(self.take)
            if self.box or pool._closed:
                return
            if nested:
                raise RuntimeError(
                    "a pop can't wait while it interrupts another call of its pool, which couldn't go on"
                )
            # Not under the lock: it may call methods of the user's.
            self._timeout = timeout = number("timeout", timeout, "None or a number")
        self.thread = get_ident()
        self._latch = pool._latch()
        self._latch.acquire()
        self.acquire = self._latch.acquire
        try:
            pool._settle(self._queue)
            if self.locked():
                pool._clock.wait(self, self._start, timeout if timeout > 0 else None)
            if not self.box:
                self.leave()
        except BaseException:
            self._abandoned = True  # in case that one more interrupt comes
            self.leave()
            raise

    def abandon(self) -> None:
        """Its thread is one of the parent process, and never comes for what would be in the box."""
        self._abandoned = True

    def leave(self) -> None:
        """Leave the queue, unless served. A clock that moves time itself calls this (T2)."""
        self._pool._settle(self.quit)

    # Steps, see the pool's.

    def take(self, victims: deque[Any] | None) -> bool:
        """Fill the box, unless somebody waits for what is idle, or it is due."""
        pool, maxage = self._pool, self._pool._maxage
        while not (pool._waiters or pool._closed) and self.serve():
            if maxage is None or pool._floor:
                return False  # with a floor, the newest is never due
            now = pool._clock.now()
            if now - self.box[0][0] < maxage:
                return False
            if victims is None:
                move(self.box.pop, pool._idle.extend)
                return True
            pool._evict(victims, 0, now)  # the older ones go first
            pool._expel(self.box.pop, victims)
        return False

    def _queue(self, victims: deque[Any] | None) -> bool:
        """Take what is idle; if nothing is, queue by arrival."""
        pool, waiters = self._pool, self._pool._waiters
        if pool._idle:
            self.take(victims)
        if self.box or pool._closed:
            self.wake()
            return False
        if not self._arrival:
            self._start = pool._clock.now()
            pool._arrivals += 1
            self._arrival = pool._arrivals
        place = len(waiters)
        # Not before one that has been served, and is yet to be woken: who tends would not come to it.
        while place and waiters[place - 1]._arrival > self._arrival and not waiters[place - 1].box:
            place -= 1
        pool._bar()
        waiters.insert(place, self)
        return False  # what was pushed before the bar came down is found by the look after the lock

    def quit(self, victims: deque[Any] | None) -> bool:
        """Leave the queue, unless served."""
        pool = self._pool
        if self.box or self._unpacked or self not in pool._waiters:
            return False
        if not self._abandoned or not self.waited:
            self.waited = pool._clock.now() - self._start
        if victims is None:
            # The holder, which this interrupts, may be about to serve it: so it must not run before that is over.
            self._abandoned = True
            pool._leaving.append(self)
            return True
        self.wake()
        pool._waiters.remove(self)
        return True
