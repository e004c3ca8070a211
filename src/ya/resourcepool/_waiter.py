"""A pop that is on its way: what it has been given, and its place in the queue."""

from __future__ import annotations

from ._arguments import require_number
from ._moves import move

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ._pool import ResourcePool


class Waiter:
    """A pop on the slow path, from one candidate to the next. It is served at most once.

    It is also the lock that the clock waits for. That is released when it is served or the pool closes.
    """

    __slots__ = ("_arrival", "_pool", "_spent", "_start", "_timeout", "acquire", "box", "locked", "release", "waited")

    def __init__(self, pool: ResourcePool[Any], timeout: float | None, before: Waiter | None) -> None:
        self._pool = pool
        self._timeout: Any = timeout
        # Drawn when it queues, from 1; like the start it stays, however many dead candidates the pop meets.
        self._arrival: int = 0 if before is None else before._arrival
        self._start: float = 0 if before is None else before._start
        self.waited: float = 0
        self.box: list[Any] = []  # filled under the pool's lock, emptied by the pop
        self._spent = False  # it is about to be emptied

    def serve(self) -> bool:
        """Fill the box, unless that has been done; false if nothing is idle."""
        if not (self.box or self._spent):
            try:
                move(self._pool._idle.pop, self.box.extend)
            except IndexError:
                return False
        return True

    def wake(self) -> None:
        if self.locked():  # or an interrupt came after it had been woken
            self.release()

    def unpack(self) -> Any:
        """The resource in the box."""
        self._spent = True
        entry = self.box.pop()
        return entry if self._pool._maxage is None else entry[1]

    def wait(self) -> None:
        """Take what is idle; if nothing is, queue until something is in the box, or nothing will be."""
        pool, timeout = self._pool, self._timeout
        latch = pool._latch()
        latch.acquire()
        self.acquire, self.release, self.locked = latch.acquire, latch.release, latch.locked
        if pool._lock._is_owned():
            pool._settle(self.take)
            if not (self.box or pool._closed):
                raise RuntimeError(
                    "a pop can't wait while it interrupts another call of its pool, which couldn't go on"
                )
            return
        try:
            pool._settle(self._queue)
            if latch.locked():
                pool._clock.wait(self, self._start, timeout if timeout > 0 else None)
            if not self.box:
                self.leave()
        except BaseException:
            self.leave()
            raise

    def leave(self) -> None:
        """Leave the queue, unless served. A clock that moves time itself calls this (T2)."""
        self._pool._settle(self._quit)

    # Steps.

    def take(self) -> bool:
        """Fill the box, unless somebody waits for what is idle, or it is due."""
        pool = self._pool
        if pool._waiters or pool._closed or not self.serve():
            return False
        if pool._maxage is None or pool._floor or pool._clock.now() - self.box[0][0] < pool._maxage:
            return False
        move(self.box.pop, pool._idle.extend)
        return True

    def _queue(self) -> bool:
        """Take what is idle; if nothing is, queue by arrival."""
        self.take()
        pool, waiters = self._pool, self._pool._waiters
        if self.box or pool._closed:
            self.wake()
            return False
        if not self._arrival:
            require_number("timeout", self._timeout, "None or a number")
            self._start = pool._clock.now()
            pool._arrivals += 1
            self._arrival = pool._arrivals
        place = len(waiters)
        while place and waiters[place - 1]._arrival > self._arrival and not waiters[place - 1].box:
            place -= 1
        waiters.insert(place, self)
        pool._bar()
        return True

    def _quit(self) -> bool:
        pool = self._pool
        if self.box or self._spent or self not in pool._waiters:
            return False
        self.waited = pool._clock.now() - self._start
        self.wake()
        pool._waiters.remove(self)
        return True
