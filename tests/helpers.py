"""What several test files need: threads with results, recorded callbacks, fresh interpreters."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Any

from tests.support import inside
from ya.resourcepool import ResourcePool

# Seconds after which something that should happen at once counts as stuck.
PATIENCE = float(os.environ.get("PATIENCE", "20"))

DEADLOCK = 5.0  # seconds that a hooked lock is waited for

PRELUDE = "import atexit, gc, os, sys, threading, time\nfrom ya.resourcepool import *\n"  # of scripts


class Call:
    """A function that runs in a thread of its own."""

    def __init__(self, function: Callable[..., Any], *args: Any, **kwargs: Any) -> None:
        self._function = lambda: function(*args, **kwargs)
        self._outcome: Any = None
        self._error: BaseException | None = None
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self) -> None:
        try:
            self._outcome = self._function()
        except BaseException as error:
            self._error = error

    def result(self) -> Any:
        """What the function returned; raises what it raised."""
        self.thread.join(PATIENCE)
        assert not self.thread.is_alive(), "the call is stuck"
        if self._error is not None:
            raise self._error
        return self._outcome

    def error(self) -> BaseException:
        """What the function raised."""
        self.thread.join(PATIENCE)
        assert not self.thread.is_alive(), "the call is stuck"
        assert self._error is not None, f"it returned {self._outcome!r}"
        return self._error


def soon(function: Callable[..., Any], *args: Any, within: float = 1.5, **kwargs: Any) -> Any:
    """What a function returns in a thread of its own, or raises. One that hangs is a failed assertion."""
    call = Call(function, *args, **kwargs)
    call.thread.join(within)
    called = getattr(args[0] if function is raised else function, "__qualname__", function).rpartition(">.")[2]
    assert not call.thread.is_alive(), f"it hangs: {called} has not returned after {within:g} s"
    return call.result()


def soon_raises(function: Callable[..., Any], *args: Any, within: float = 1.5, **kwargs: Any) -> BaseException | None:
    """What it raises in a thread of its own, or None. One that hangs is a failed assertion."""
    return soon(raised, function, *args, within=within, **kwargs)


def raised(function: Callable[..., Any], *args: Any, **kwargs: Any) -> BaseException | None:
    """What it raises, or None."""
    try:
        function(*args, **kwargs)
    except BaseException as error:
        return error
    return None


def in_time(look: Callable[[], Any], expected: Any, within: float = 1.5) -> Any:
    """What it gives as soon as that is what is expected, or else at the end of so many seconds."""
    end = time.monotonic() + within
    while (found := look()) != expected and time.monotonic() < end:
        time.sleep(0.001)
    return found


def waiting_pops(pool, clock, n, timeout=0):
    """Start n pops that wait, one after the other."""
    calls = []
    for i in range(n):
        calls.append(Call(pool.pop, timeout=timeout))
        clock.await_blocked(i + 1, PATIENCE)
    return calls


def interrupt() -> None:
    """What a signal handler may do to the call that it interrupts."""
    raise KeyboardInterrupt


class Resource:
    """A resource that can be told from all others, and referred to weakly."""

    def __init__(self, name: object = "resource") -> None:
        self.name = name

    def __repr__(self) -> str:
        return f"<{self.name}>"


def hooked_pool(hooks: dict[str, Callable[[], None]], **kwargs: Any) -> ResourcePool[Any]:
    """A pool that calls a hook at each operation of that name on what is idle, on its lock or on a latch.

    A hook is dropped as it is called, so that what it does itself does not call it. Names are those of the
    deque's methods, also `__len__`, for before the operation and with `after ` in front for after it; `lock`,
    `locked` and `unlock`; and for the latch of a waiter `latch`, when it is made, `release` and `released`.
    """

    def call(name: str) -> None:
        hook = hooks.pop(name, None)
        if hook is not None:
            hook()

    def hooked(name: str) -> Callable[..., Any]:
        original = getattr(deque, name)

        def method(self: Any, *args: Any) -> Any:
            call(name)
            try:
                return original(self, *args)
            finally:
                call("after " + name)

        return method

    names = ("append", "pop", "popleft", "extendleft", "__len__", "__getitem__")
    idle_class = type("HookedDeque", (deque,), {name: hooked(name) for name in names})

    class HookedLock:
        def __init__(self) -> None:
            self._lock = threading.RLock()
            self._is_owned = self._lock._is_owned

        def acquire(self, blocking: bool = True, timeout: float = -1) -> bool:
            call("lock")
            endless = blocking and timeout < 0
            if not self._lock.acquire(blocking, DEADLOCK if endless else timeout):
                if endless:
                    raise TimeoutError("a deadlock")  # so that what is stuck ends, and the process can
                return False
            call("locked")
            return True

        def release(self) -> None:
            try:
                if self._is_owned():
                    call("unlock")
            finally:
                self._lock.release()

        def __enter__(self) -> None:
            self.acquire()

        def __exit__(self, *exc_info: object) -> None:
            self.release()

    class HookedLatch:
        def __init__(self) -> None:
            call("latch")
            latch = threading.Lock()
            self._latch, self.acquire, self.locked = latch, latch.acquire, latch.locked

        def release(self) -> None:
            call("release")
            self._latch.release()
            call("released")

    seam = {"deque_class": idle_class, "lock_class": HookedLock, "latch_class": HookedLatch}
    pool: ResourcePool[Any] = inside.subclass(ResourcePool, **seam)(**kwargs)
    return pool


def push_elsewhere(pool: ResourcePool[Any], resource: Any) -> None:
    """Push in another thread. It returns though the lock may be held: it leaves what is to be done to the holder."""
    Call(pool.push, resource).result()


def python(
    code: str, *, timeout: float = PATIENCE, arguments: tuple[str, ...] = ()
) -> subprocess.CompletedProcess[str]:
    """Run a script in a fresh interpreter, which must end in time, with all that it has forked.

    `$idle` in it stands for the name that `tests/support/inside.py` has there.
    """
    process = subprocess.Popen(
        [sys.executable, *arguments, "-c", inside.translate(textwrap.dedent(code))],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        stdout, stderr = process.communicate(timeout=timeout)
    except subprocess.TimeoutExpired:
        if hasattr(os, "killpg"):
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()
        process.communicate()
        raise
    return subprocess.CompletedProcess(process.args, process.returncode, stdout, stderr)


def output_of(code: str, **kwargs: Any) -> list[str]:
    """What a script prints, by line; it must succeed and complain of nothing."""
    done = python(code, **kwargs)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return done.stdout.splitlines()
