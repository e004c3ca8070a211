"""The pool's time: what it asks of a clock, and the system's clock."""

from __future__ import annotations

import _thread
import time
from _thread import allocate_lock, get_ident

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Protocol

    class Lock(Protocol):
        def acquire(self, blocking: bool = True, timeout: float = -1) -> bool: ...

else:
    from ._typing import Protocol


class Clock(Protocol):
    """What the pool asks of its clock (T1).

    The pool subtracts and compares times and does nothing else with them, so they may be seconds, or
    integer nanoseconds if `maxage` and every `timeout` are, too (T3).
    """

    def now(self) -> float:
        """The time since some fixed moment. It never goes back."""

    def wait(self, lock: Lock, start: float, timeout: float | None) -> bool:
        """Block until `lock` is acquired, or until `now() - start >= timeout`; None: for ever.

        The lock has `acquire(blocking, timeout)` and `locked()` as those of `threading`. Those that the
        pool waits for also have `leave()`: a clock that moves time itself calls it when the time is up. The
        waiter then has left its queue, and its lock is released, before anything else happens (T2).

        Returns:
            Whether the lock was acquired.
        """

    def call_at(self, start: float, length: float, function: Callable[[], object]) -> Callable[[], object] | None:
        """Call `function` once, when `now() - start >= length`, and not before this returns.

        The pool holds its lock meanwhile: take none that is held while a function is called.

        Returns:
            None, or what the pool calls if it needs the call no more.

        Raises:
            RuntimeError: there is no way to, for now. The pool tries again at its next operation (L7).
        """


Clock.__module__ = "ya.resourcepool"


class _Alarm:
    """One call that is to come."""

    __slots__ = ("following", "function", "length", "lock", "start")

    def __init__(self, start: float, length: float, function: Callable[[], object]) -> None:
        self.start = start
        self.length = length
        self.function = function
        self.lock = allocate_lock()
        self.lock.acquire()
        self.following: _Alarm | None = None

    def cancel(self) -> None:
        if self.lock.locked():
            self.lock.release()


class SystemClock:
    """Monotonic seconds. A call to come is a thread that sleeps; it ends with the last one (L3)."""

    def __init__(self) -> None:
        self._ringing: dict[int, _Alarm] = {}  # by thread, the alarm whose function it is in

    def now(self) -> float:
        return time.monotonic()  # looked up here, so that a patched one is seen

    def wait(self, lock: Lock, start: float, timeout: float | None) -> bool:
        if timeout is None:
            return lock.acquire()
        longest = _thread.TIMEOUT_MAX / 2  # for one wait; half of what is allowed, because of rounding
        while (elapsed := self.now() - start) < timeout:
            if lock.acquire(True, float(min(timeout, elapsed + longest) - elapsed)):
                return True
        return lock.acquire(False)

    def call_at(self, start: float, length: float, function: Callable[[], object]) -> Callable[[], object]:
        alarm = _Alarm(start, length, function)
        try:
            current = self._ringing.get(get_ident())
            if current is not None and current.function is function and current.following is None:
                current.following = alarm
            else:
                # Not `threading.Thread`: its start takes locks that a finalizer must not meet (K3).
                _thread.start_new_thread(self._ring, (alarm,))
        except BaseException:
            alarm.cancel()
            raise
        return alarm.cancel

    def _ring(self, alarm: _Alarm | None) -> None:
        thread = get_ident()
        while alarm is not None and not self.wait(alarm.lock, alarm.start, alarm.length):
            self._ringing[thread] = alarm
            try:
                alarm.function()
            except BaseException:
                if alarm.following is not None:
                    _thread.start_new_thread(self._ring, (alarm.following,))
                raise
            finally:
                del self._ringing[thread]
            alarm = alarm.following
