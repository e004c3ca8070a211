"""The pool's time: what it asks of a clock, and the system's clock."""

from __future__ import annotations

import _thread
import os
import sys
import time
from _thread import get_ident
from collections.abc import Callable
from importlib import import_module
from typing import Any, Protocol


class Clock(Protocol):
    """What the pool asks of its clock (T1).

    The pool subtracts and compares times and does nothing else with them, so they may be seconds, or
    integer nanoseconds if `maxage` and every `timeout` are, too (T3).
    """

    def now(self) -> float:
        """The time since some fixed moment. It never goes back."""

    def wait(self, lock: Any, start: float, timeout: float | None) -> bool:
        """Block until `lock` is acquired, or until `now() - start >= timeout`; None: for ever.

        The lock has `acquire(blocking, timeout)` as those of `threading`; `locked()`, whether it still has to
        be waited for; and `leave()`, for a clock that moves time itself, to be called when the time is up. When
        that returns, the waiter is out of its queue, or has been served, and the lock is released (T2).

        Returns:
            Whether the lock was acquired.
        """

    def call_at(self, start: float, length: float, function: Callable[[], object]) -> Callable[[], object] | None:
        """Call `function` once, when `now() - start >= length`, and not before this returns.

        The pool holds its lock meanwhile: take none that is held while a function is called.

        Returns:
            None, or what the pool calls if it needs the call no more. If that has an attribute `gone`, it tells whether
            the call was lost: the pool then asks for another one.

        Raises:
            RuntimeError: there is no way to, for now, or it is due and this clock calls nobody at once. The pool does
                what is due itself, and tries again at its next operation (L7).
        """


Clock.__module__ = "ya.resourcepool"


class _Alarm:
    """One call that is to come. To call it is to cancel it."""

    __slots__ = ("following", "function", "gone", "length", "lock", "start")

    def __init__(self, start: float, length: float, function: Callable[[], object]) -> None:
        self.start = start
        self.length = length
        self.function = function
        self.lock = _thread.allocate_lock()
        self.lock.acquire()
        self.following: _Alarm | None = None
        self.gone = False  # whether its thread has died, and nobody will call

    def __call__(self) -> None:
        if self.lock.locked():
            self.lock.release()


class SystemClock:
    """Monotonic seconds. A call to come is a thread that sleeps; it ends with the last one (L3)."""

    def __init__(self) -> None:
        self._ringing: dict[int, _Alarm] = {}  # by thread, the alarm whose function it is in
        if hasattr(os, "register_at_fork"):
            # A thread of the child may have the number of one that the parent had, whose threads it has not.
            os.register_at_fork(after_in_child=self._ringing.clear)
            os.register_at_fork(after_in_child=_running.clear)

    def now(self) -> float:
        return time.monotonic()  # looked up here, so that a patched one is seen

    def wait(self, lock: Any, start: float, timeout: float | None) -> bool:
        if timeout is None:
            return bool(lock.acquire())
        longest = _thread.TIMEOUT_MAX / 2  # for one wait; half of what is allowed, because of rounding
        while (elapsed := self.now() - start) < timeout:
            if lock.acquire(True, float(min(timeout, elapsed + longest) - elapsed)):
                return True
        return bool(lock.acquire(False))

    def call_at(self, start: float, length: float, function: Callable[[], object]) -> Callable[[], object]:
        alarm = _Alarm(start, length, function)
        try:
            current = self._ringing.get(get_ident())
            if current is not None and current.function is function and current.following is None:
                current.following = alarm
            else:
                self._start(alarm)
        except BaseException:
            alarm()
            raise
        return alarm

    def _start(self, alarm: _Alarm) -> None:
        if sys.version_info < (3, 12) and _is_subinterpreter():
            raise RuntimeError("up to Python 3.11 an interpreter with more than one thread can't be ended (L9)")
        running = _thread.allocate_lock()
        running.acquire()
        _running[id(running)] = running
        try:
            # Not `threading.Thread`: its start takes locks that a finalizer must not meet (K3).
            _thread.start_new_thread(self._run, (alarm, running))
        except BaseException:
            _running.pop(id(running), None)
            raise

    def _run(self, alarm: _Alarm, running: Any) -> None:
        try:
            self._ring(alarm)
        finally:
            _running.pop(id(running), None)
            running.release()  # the last step: an interpreter that ends waits for it

    def _ring(self, alarm: _Alarm | None) -> None:
        thread = get_ident()
        try:
            while alarm is not None and not self.wait(alarm.lock, alarm.start, alarm.length):
                self._ringing[thread] = alarm
                try:
                    alarm.function()
                except BaseException:
                    if (following := alarm.following) is not None:
                        alarm = None
                        self._go_on(following)
                    raise
                finally:
                    self._ringing.pop(thread, None)
                alarm = alarm.following
        finally:
            if alarm is not None:
                alarm.gone = True

    def _go_on(self, alarm: _Alarm) -> None:
        """In another thread, as this one ends; if there is none to be had, in this one."""
        try:
            self._start(alarm)
        except RuntimeError:
            self._ring(alarm)


# The clock's threads: for each a lock, which it releases as its last step.
_running: dict[int, Any] = {}


def await_threads() -> None:
    """At the end of an interpreter that is not the main one: wait until no thread of the clock is left (L9)."""
    if _running and _is_subinterpreter():
        for running in list(_running.values()):
            running.acquire()


def _is_subinterpreter() -> bool:
    try:
        return not _thread._is_main_interpreter()  # type: ignore[attr-defined]
    except AttributeError:  # before Python 3.13
        try:
            interpreters = import_module("_xxsubinterpreters")
        except ImportError:
            return False
        return bool(interpreters.get_current() != interpreters.get_main())
