"""The pool: what is idle, who waits, and when a resource is given up.

What is idle is in a deque, the newest at its right. The deque's operations are atomic: while nobody waits
and nothing is due, `pop` and `push` are one such operation, without a lock. All else is the work of `_tend`,
under the one lock: expire, serve the waiters, evict the overflow, arm the clock.

No wake-up is lost (P8), because each side first does its part and then looks for the other's:

* `push` appends, *then* reads `_limit`, and tends if more are idle.
* A waiter sets `_limit` to 0 and queues, *then*, after releasing the lock, looks whether something is idle.

So of a push and a waiter that race, at least one sees the other. That nothing is idle is decided under the
lock only, where what the holder is just moving can't be missed (P3).

A signal handler or a finalizer may run between any two bytecodes, call the same pool, and raise:

* A call that finds its own thread holding the lock leaves the work to the frame that it interrupted, which
  tends again before it returns (K3).
* A resource goes from one container to another in one C call, see `move`: an exception can't land while it
  is in neither (P9).
* `_tend` may be cut off anywhere and begun anew, which is done before the exception goes on (P8).
"""

from __future__ import annotations

import _thread
import sys
import time
from _thread import get_ident
from collections import deque
from collections.abc import Callable, Iterable
from itertools import repeat, starmap
from types import FrameType
from typing import Any, Generic, Optional, TypeVar
from weakref import ref

from . import _lease, _lifecycle
from ._arguments import check_callbacks, check_sizes, number, require_iterable, shown
from ._clocks import Clock, SystemClock
from ._errors import ResourcePoolClosed, ResourcePoolEmpty
from ._lease import Lease
from ._moves import move
from ._victims import Remains, announce, deallocate, withdraw
from ._waiter import Waiter

R = TypeVar("R")
Step = Callable[[Optional["deque[Any]"]], bool]

UNLIMITED = 2**30 - 1  # a larger int would compare more slowly; who exceeds it finds nothing to do
FOREVER = float("inf")
FORK_SHOWS = 0.1  # seconds after which a call that was forked while it waited for the lock finds the new one

system_clock = SystemClock()


class ResourcePool(Generic[R]):
    """A thread-safe pool of resources that are expensive to make.

    Args:
        alloc: makes a resource when nothing is idle. Without it the set is limited: `pop` waits, or raises.
        dealloc: ends a resource that the pool gives up. What it raises is logged (K2).
        check: tells whether a pooled resource is alive. What is false for it is dropped, without `dealloc` (P5). So a
            `ping()` that returns None when all is well needs `check=lambda connection: connection.ping() is None`.
        init: the first resources, handed out in this order (C2).
        minsize: how many eviction leaves; with `alloc`, also how many are made at once (C3).
        maxsize: with more than this many idle, the oldest are evicted down to `minsize`, or to this (R1).
        maxage: seconds after which an idle resource expires, while more than `minsize` are idle (R2).
        clock: measures ages and timeouts, and waits; the default is monotonic time (T1).

    Raises:
        TypeError, ValueError: an argument has a wrong type, or a wrong value (C4).
        Exception: `alloc` raised it; what it had made was deallocated (C3).
    """

    __module__ = "ya.resourcepool"

    # The seam: all that threads share is made of these. A subclass with others in their place sees, delays or
    # fails each operation; together with `clock` it controls all that happens in the pool.
    # The names are looked up when something is made: gevent may have put its own there since the import.
    _deque = deque
    _rlock = staticmethod(lambda: _thread.RLock())
    _latch = staticmethod(lambda: _thread.allocate_lock())

    def __init__(
        self,
        *,
        alloc: Callable[[], R] | None = None,
        dealloc: Callable[[R], object] | None = None,
        check: Callable[[R], object] | None = None,
        init: Iterable[R] | None = None,
        minsize: int | None = None,
        maxsize: int | None = None,
        maxage: float | None = None,
        clock: Clock | None = None,
    ) -> None:
        check_callbacks(alloc, dealloc, check, clock)
        minsize, maxsize = check_sizes(minsize, maxsize)
        if maxage is not None:
            maxage = number("maxage", maxage, "None or a number > 0", least=0)

        # Never changed.
        self._alloc, self._dealloc, self._check = alloc, dealloc, check
        self._minsize, self._maxsize = minsize, maxsize
        self._maxage = None if maxage == FOREVER else maxage
        self._floor = minsize or 0  # expiry leaves this many
        self._clock: Clock = system_clock if clock is None else clock
        self._now = None if clock is None else clock.now  # None: time.monotonic, looked up at every reading (T1)
        self._expiry = _Expiry(self)
        self._lock: Any = self._rlock()

        # Appended to and popped from by anyone, without the lock; the left end is for its holder. With `maxage`
        # an entry is a stamp and a resource, else the resource itself.
        self._idle: deque[Any] = self._deque()
        self._remains = Remains(self._idle, dealloc, self._maxage is not None)  # if an interrupt cuts off `__del__`

        # Read by anyone, written by the holder of the lock.
        self._limit = UNLIMITED  # a push that leaves more than this many idle has to tend
        self._barred = False  # somebody waits, or the pool is closed: a pop has to come by way of the lock
        self._since: float = -FOREVER  # until this is `maxage` ago, no pop can meet what is due: see `_arm`
        self._closed = False
        self._waiters: list[Waiter] = []  # in order of arrival; for others than the holder, only its length

        # For the holder of the lock.
        self._arrivals = 0
        self._leaving: list[Waiter] = []  # whom a call that interrupted the holder had leave
        self._timer: list[Callable[[], object] | None] = []  # if a call is to come: what cancels it

        # Set by a call that interrupted the holder in its own thread, or was cut off, and leaves this to do.
        self._unsettled = False
        self._clearing = False

        resources = [] if init is None else list(require_iterable("init", init))
        resources.reverse()
        made: deque[R] = deque()
        remains = Remains(made, dealloc)
        try:
            if alloc is not None and minsize is not None:
                missing = min(max(0, minsize - len(resources)), sys.maxsize)  # no `repeat` is longer
                made.extend(starmap(alloc, repeat((), missing)))
                if len(made) < missing:
                    raise StopIteration  # as alloc did, so that `starmap` ended
            stamp = self._clock.now()
        except BaseException:
            deallocate(made, dealloc)
            raise
        # Each of these is one call: an interrupt finds all that was made in one of the two.
        entries = starmap(made.pop, repeat((), len(made)))
        self._idle.extend(entries if self._maxage is None else zip(repeat(stamp), entries))
        self._idle.extend(resources if self._maxage is None else zip(repeat(stamp), resources))
        del resources, made, remains, entries
        _lifecycle.register(self)
        self._settle()

    def pop(self, timeout: float | None = None) -> R:
        """Take the most recently pushed resource; the caller owns it from then on (P1).

        Args:
            timeout: looked at only if nothing is idle and the pool has no `alloc`. None raises at once, a
                number > 0 waits that many seconds. **A number <= 0 waits for ever**: mind that when it is
                computed, as in `deadline - now`.

        Raises:
            ResourcePoolEmpty: nothing was idle, or became idle in time (P3).
            ResourcePoolClosed: the pool is closed (L4).
            TypeError, ValueError: the timeout is no number.
            Exception: whatever `alloc` (P2) or `check` (P5) raises.
        """
        if self._maxage is None:
            direct = not self._barred
        else:
            now = time.monotonic() if self._now is None else self._now()
            direct = now - self._since < self._maxage
        if direct:
            try:
                entry = self._idle.pop()
            except IndexError:
                pass
            else:
                resource: R = entry if self._maxage is None else entry[1]
                if self._check is None or self._alive(resource):
                    return resource
                del entry, resource  # what is dead must not live on while this waits
        return self._pop(timeout)

    def push(self, resource: R) -> None:
        """Give a resource to the first in the queue; if nobody waits, it is idle.

        What this evicts is deallocated before it returns (R1); a closed pool deallocates what it gets (L4).
        A finalizer or a signal handler may push, whatever it interrupts (K3).
        """
        try:
            if self._maxage is None:
                self._idle.append(resource)
                if len(self._idle) > self._limit:
                    self._settle()
            else:
                now = time.monotonic() if self._now is None else self._now()
                self._idle.append((now, resource))
                if len(self._idle) > self._limit or now - self._since >= self._maxage:
                    self._settle()
        except BaseException:
            self._settle()
            raise

    def __call__(self, timeout: float | None = None) -> Lease[R]:
        """Pop for the length of a block, then push: `with pool() as resource:` (W1)."""
        lease: Lease[R] = Lease()  # no `__init__`: to call one would be a good part of the time that a block takes
        lease._pool, lease._timeout, lease._outside = self, timeout, None
        return lease

    def clear(self) -> None:
        """Deallocate all that is idle; the pool stays open (L8)."""
        self._settle(self._clear)

    def close(self) -> None:
        """Wake all waiters with `ResourcePoolClosed`, then deallocate what is idle, oldest first (L4).

        From then on `pop` raises, and `push` deallocates. To close again does nothing.
        """
        self._settle(self._shut)

    def __enter__(self) -> ResourcePool[R]:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    def __del__(self) -> None:
        if not getattr(self, "_closed", True):
            self.close()

    def __len__(self) -> int:
        """How many are idle, without those that are due for eviction (P10)."""
        size = len(self._idle)
        if self._maxage is None or size <= self._floor:
            return size
        now = self._clock.now()
        if self._since != FOREVER and now - self._since < self._maxage:
            return size
        entries = self._idle.copy()
        while len(entries) > self._floor and now - entries[0][0] >= self._maxage:
            entries.popleft()
        return len(entries)

    def __bool__(self) -> bool:
        return True

    @property
    def minsize(self) -> int | None:
        """As given (M2)."""
        return self._minsize

    @property
    def maxsize(self) -> int | None:
        """As given (M2)."""
        return self._maxsize

    @property
    def maxage(self) -> float | None:
        """As given, in the units of the clock; None if it is infinite (M2)."""
        return self._maxage

    @property
    def closed(self) -> bool:
        """Whether the pool is closed (M2)."""
        return self._closed

    @property
    def waiting(self) -> int:
        """How many pops wait for a resource (P12)."""
        return len(self._waiters)

    def __repr__(self) -> str:
        state = "closed, " if self._closed else ""
        settings = f"minsize={shown(self._minsize)}, maxsize={shown(self._maxsize)}, maxage={shown(self._maxage)}"
        return f"<{type(self).__name__}: {state}{len(self)} idle, {self.waiting} waiting, {settings}>"

    def __reduce_ex__(self, protocol: object) -> tuple[Any, ...]:
        raise TypeError("a ResourcePool can't be copied or pickled: each resource has one owner (P9)")

    def _pop(self, timeout: float | None) -> R:
        """Pop under the lock; if nothing is idle: allocate, wait or raise."""
        waiter = Waiter(self, timeout)
        while True:
            try:
                if timeout is None or self._alloc is not None:
                    self._settle(waiter.take)
                else:
                    waiter.wait()
                if waiter.box:
                    resource: R = waiter.unpack()
                elif self._closed:
                    raise ResourcePoolClosed("the pool is closed")
                elif self._alloc is not None:
                    return self._alloc()
                else:
                    raise ResourcePoolEmpty(waiter.waited, len(self), self.waiting)
            except BaseException:
                if waiter.box:
                    self.push(waiter.unpack())
                raise
            if self._check is None or self._alive(resource):
                return resource
            del resource
            waiter = waiter.again()

    def _alive(self, resource: R) -> bool:
        """Whether it is alive. If `check` raises, it is deallocated (P5)."""
        check, process = self._check, _lease.pushed
        try:
            alive = check is None or bool(check(resource))
        except BaseException:
            if process is _lease.pushed:
                self._discard(resource)
            else:
                self._bury(resource)
            raise
        if process is _lease.pushed:
            return alive
        self._bury(resource)  # `check` forked, and this is the child: the resource is its parent's (L5)
        return False

    def _discard(self, resource: R) -> None:
        deallocate(deque((resource,)), self._dealloc)

    def _bury(self, resource: R) -> None:
        _lifecycle.bury([resource])

    def _settle(self, step: Step | None = None) -> None:
        """Do what is to be done under the lock, then deallocate what that evicted (K1)."""
        victims: deque[Any] = deque()
        try:
            self._look(victims, step)
            if victims:
                deallocate(victims, self._dealloc, self._maxage is not None)
        except BaseException:
            deallocate(victims, self._dealloc, self._maxage is not None)
            raise

    def _look(self, victims: deque[Any], step: Step | None = None) -> None:
        """Tend, take the step, and tend until nothing is left to do. What is evicted goes to `victims`."""
        if self._lock._is_owned():  # this call interrupted the holder, which will tend again
            self._unsettled = True
            if step is not None:
                step(None)
            return
        if self._closed and not self._waiters:
            # Without the lock: at exit a thread that holds it may never run again (L2).
            if step is not None:
                step(victims)
            self._evict(victims, 0)
            return
        try:
            self._hold(victims, step)
        except BaseException:
            self._unsettled = True  # a push leaves more than who has the lock would see by itself
            self._hold(victims, step and self._anew)
            raise

    def _hold(self, victims: deque[Any], step: Step | None) -> None:
        """Under the lock: tend, and take the step. Without a step, leave it to who has the lock (K3)."""
        while True:
            lock = self._lock
            try:
                if step is None:
                    if not lock.acquire(False):
                        return  # who has it will look, as below, after letting go of it
                else:
                    while not lock.acquire(True, FORK_SHOWS):
                        lock = self._lock
                if lock is not self._lock:
                    lock.release()
                    continue  # this is a forked child by now, which has another one
                if step is None or self._idle:
                    self._tend(victims)
                if step is not None and step(victims):
                    self._tend(victims)
                step = None
                lock.release()
            except BaseException:
                # No interrupt can come before this release, see docs/design.md.
                try:
                    lock.release()
                except RuntimeError:
                    pass  # it was not acquired, or has been released
                raise
            # A push that read the limit before it was lowered here, or found the lock taken, has left its work to this
            # thread.
            if not self._unsettled and len(self._idle) <= self._limit:
                return

    # What follows is called by the holder of the lock.

    def _tend(self, victims: deque[Any]) -> None:
        """Expire, serve the waiters, evict the overflow, tell the fast path what to look out for."""
        self._unsettled = False
        idle, waiters = self._idle, self._waiters
        while self._leaving:
            self._leaving[-1].quit(victims)
            self._leaving.pop()
        if self._maxage is not None:
            self._evict(victims, self._floor, self._clock.now())
        while waiters and (self._closed or waiters[0].serve()):
            waiters[0].wake()
            del waiters[0]
        if self._closed or self._clearing:
            self._clearing = False
            self._evict(victims, 0)
        elif self._maxsize is not None and not waiters and len(idle) > self._maxsize:
            self._evict(victims, self._maxsize if self._minsize is None else self._minsize)
        if self._closed or waiters:
            self._bar()
        else:
            self._barred = False
            self._limit = UNLIMITED if self._maxsize is None else self._maxsize
            if self._maxage is not None:
                self._arm(self._maxage)
        if self._closed:
            for cancel in self._timer:
                if cancel is not None:
                    cancel()
            self._timer.clear()

    def _evict(self, victims: deque[Any], keep: int, now: Any = None) -> None:
        """Move the oldest to the victims while more than `keep` are idle; given `now`, while it is expired."""
        idle, maxage = self._idle, self._maxage
        try:
            while len(idle) > keep and (now is None or now - idle[0][0] >= maxage):
                self._expel(idle.popleft, victims)
                # If pops came between, that was one too many, or a younger one: put it back. No other thread
                # has missed it, because that nothing is idle is decided under the lock.
                if len(idle) < keep or not (now is None or now - victims[-1][0] >= maxage):
                    move(victims.pop, idle.extendleft)
        except IndexError:
            pass  # pops took the rest
        if not victims:
            withdraw(victims)

    def _expel(self, take: Callable[[], Any], victims: deque[Any]) -> None:
        """Move one to the victims."""
        if not victims:
            announce(victims, self._dealloc, self._maxage is not None)
        move(take, victims.extend)

    def _bar(self) -> None:
        """Have every pop and push come by way of the lock."""
        self._limit, self._since, self._barred = 0, -FOREVER, True

    def _arm(self, maxage: float) -> None:
        """Have the clock call when the oldest expires, if more are idle than the floor keeps (L3)."""
        try:
            oldest = self._idle[0][0] if len(self._idle) > self._floor else None
        except IndexError:  # a pop took it
            oldest = None
        if oldest is None:
            self._limit = self._floor
            # With a floor the newest is never due. Without one it can be, before its push has come here.
            self._since = FOREVER if self._floor else -FOREVER
            return
        self._since = oldest
        if self._timer and getattr(self._timer[0], "gone", False):
            self._timer.clear()
        if not self._timer:
            try:
                self._timer.extend(starmap(self._clock.call_at, ((oldest, maxage, self._expiry),)))
            except RuntimeError:
                self._since = -FOREVER  # not now: the next operation tries again (L7)

    # Steps: what a call has to do itself. They return whether there is more to do then. A call that interrupted
    # the holder takes them, too, and then there are no victims. These three only set flags.

    def _shut(self, _victims: deque[Any] | None) -> bool:
        self._bar()  # first: a pop that is called when it is closed must not take what is still idle
        self._closed = True
        return True

    def _anew(self, _victims: deque[Any] | None) -> bool:
        """After an exception, of a call that waits for the lock: its box may be about to be filled."""
        return True

    def _clear(self, _victims: deque[Any] | None) -> bool:
        self._clearing = True
        return True

    def _disarm(self, _victims: deque[Any] | None) -> bool:
        self._timer.clear()
        return True

    def _disown(self) -> deque[Any]:
        """In a forked child: begin again, empty and unlocked. Return what the parent owns (L5)."""
        inherited = self._idle.copy()
        on_the_way = self._being_pushed(inherited)
        # Emptied, not replaced: the fork may have interrupted a call in this thread that works with them.
        self._idle.clear()
        self._timer.clear()
        for waiter in self._waiters:
            if waiter.thread != get_ident():
                waiter.abandon()
        if self._lock._is_owned():
            self._unsettled = True  # that call removes them
        else:
            self._waiters[:] = [waiter for waiter in self._waiters if waiter.thread == get_ident()]
            self._lock = self._rlock()
        self._bar()  # until the first operation
        if on_the_way:
            self._expect(on_the_way)
        return inherited

    def _being_pushed(self, inherited: deque[Any]) -> list[Any]:
        """What a push that the fork has interrupted is yet to append."""
        found = []
        frame: FrameType | None = sys._getframe().f_back
        callee = ""
        while frame is not None:
            if frame.f_code is ResourcePool.push.__code__ and frame.f_locals["self"] is self and callee != __file__:
                entries = inherited if self._maxage is None else [entry[1] for entry in inherited]
                resource = frame.f_locals["resource"]
                if not any(resource is entry for entry in entries):
                    found.append(resource)
            callee, frame = frame.f_code.co_filename, frame.f_back
        return found

    def _expect(self, foreign: list[Any]) -> None:
        """In a forked child: let nothing be popped before these have come, and bury them then (L5)."""

        def tend(victims: deque[Any]) -> None:
            entries = list(self._idle)
            self._idle.clear()
            for entry in entries:
                resource = entry if self._maxage is None else entry[1]
                if any(resource is other for other in foreign):
                    foreign[:] = [other for other in foreign if other is not resource]
                    self._bury(resource)
                else:
                    self._idle.append(entry)
            type(self)._tend(self, victims)
            if foreign:
                self._bar()
            else:
                vars(self).pop("_tend", None)

        self._tend = tend  # type: ignore[method-assign]


class _Expiry:
    """What the clock calls when something idle can have expired. It holds its pool weakly (L2)."""

    __slots__ = ("_pool",)

    def __init__(self, pool: ResourcePool[Any]) -> None:
        self._pool = ref(pool)

    def __call__(self) -> None:
        pool = self._pool()
        if pool is None:
            return
        victims: deque[Any] = deque()
        dealloc = pool._dealloc
        try:
            pool._look(victims, pool._disarm)
            del pool  # a slow dealloc must not keep it alive
            deallocate(victims, dealloc, stamped=True)
        except BaseException:
            deallocate(victims, dealloc, stamped=True)
            raise
