"""Real interrupts, of which each is accounted for: when one may come, that it has come, and where."""

from __future__ import annotations

import _thread
import ctypes
import signal
import threading
from _thread import allocate_lock, get_ident
from collections import deque
from collections.abc import Callable, Iterator
from itertools import count, starmap
from pathlib import Path
from types import CodeType, FrameType, SimpleNamespace
from typing import Any

from tests.support.inside import HOLDERS

ONE_CALL = ((),)  # the arguments of each, for `starmap`: to take and to put is one step then
MOST_TRIES = 1000  # an asynchronous exception comes at the first of them
RAISES, CALLS = signal.SIGUSR1, signal.SIGUSR2  # what the handler does

# By thread, where it stands now. A clock's thread has none: no signal handler runs in it.
windows: dict[int, Window] = {}


class Interrupt(KeyboardInterrupt):
    """It comes between any two bytecodes at which CPython lets one in."""

    def __init__(self) -> None:
        # Here, since what it meets may replace it by an exception of its own.
        windows[get_ident()].delivered = True


class Window:
    """A part of a thread's work into which one interrupt can come, at most.

    Whoever interrupts takes the token that is in it. While the thread has taken that itself, as when it keeps
    books, no interrupt can come.

    Attributes:
        delivered: whether one has come.
        accounted: whether it is known what it can have cost.
    """

    def __init__(self) -> None:
        self.delivered = self.accounted = False
        self._thread = get_ident()
        self._is_main = self._thread == threading.main_thread().ident
        self._open = deque(["the token"])
        self._mine: deque[str] = deque()
        self._shields = 0
        self._sent = allocate_lock()
        self._sent.acquire()

    def send(self, kind: int = RAISES) -> bool:
        """Interrupt it. To the main thread that is a signal of this kind, to others an asynchronous exception.

        Returns:
            False if one has been sent already, or none may come now.
        """
        try:
            self._open.pop()
        except IndexError:
            return False
        if self._is_main:
            signal.pthread_kill(self._thread, kind)
        else:
            raised = ctypes.pythonapi.PyThreadState_SetAsyncExc(
                ctypes.c_ulong(self._thread), ctypes.py_object(Interrupt)
            )
            assert raised == 1
        self._sent.release()
        return True

    def shield(self) -> None:
        """Let none come from now on. If one is on its way, it comes in here."""
        self._shields += 1  # first: a finalizer may come, too, and do the same
        if not self._mine:
            try:
                self._mine.extend(starmap(self._open.pop, ONE_CALL))
            except IndexError:
                if not self._mine:  # a finalizer amid this call has taken it
                    self._await()

    def _await(self) -> None:
        """Have what was sent come in here. It can have come already, and have been caught by nobody yet."""
        with self._sent:
            pass
        tries = count() if self._is_main else range(MOST_TRIES)
        for _ in tries:
            if self.delivered:
                break

    def unshield(self) -> None:
        self._shields -= 1
        if not self._shields and self._mine:
            try:
                self._open.extend(starmap(self._mine.pop, ONE_CALL))
            except IndexError:
                pass  # a finalizer amid this call has put it back


def start_new_thread(function: Callable[..., object], arguments: tuple[Any, ...]) -> None:
    def run() -> None:
        begun.release()
        function(*arguments)

    begun = allocate_lock()
    begun.acquire()
    shield()
    try:
        _thread.start_new_thread(run, ())
        begun.acquire()
    finally:
        unshield()


# Stands in for the module `_thread` where the pool's clock starts its threads. Up to CPython 3.11 a thread that is
# being started has the number of who starts it for a while, and would get the exception that is meant for that one.
STARTER = SimpleNamespace(**{**vars(_thread), "start_new_thread": start_new_thread})


def shield() -> None:
    """Let no interrupt come into this thread before `unshield`, whichever window it is in."""
    window = windows.get(get_ident())
    if window is not None:
        window.shield()


def unshield() -> None:
    window = windows.get(get_ident())
    if window is not None:
        window.unshield()


def interrupt(kind: int, frame: FrameType | None) -> None:
    """The handler of the signal that raises."""
    raise Interrupt


def find(error: BaseException | None) -> Interrupt | None:
    """The interrupt that an exception is, or replaced."""
    while not (error is None or isinstance(error, Interrupt)):
        error = error.__context__
    return error


def frames(came: Interrupt) -> Iterator[FrameType]:
    """Where it came, from the outside in, without what keeps the books."""
    traceback = came.__traceback__
    while traceback is not None:
        if Path(traceback.tb_frame.f_code.co_filename).name not in ("interrupts.py", "ledger.py"):
            yield traceback.tb_frame
        traceback = traceback.tb_next


def is_of_pool(code: CodeType, package: Any) -> bool:
    return Path(code.co_filename).parent == Path(package.__file__).parent


def can_cost(code: CodeType, package: Any, callers: frozenset[CodeType]) -> bool:
    """Whether a resource may be in a variable of this function, the innermost, or be its argument (P9)."""
    return code.co_name in HOLDERS if is_of_pool(code, package) else code in callers
