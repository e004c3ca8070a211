"""The bytecodes of the pool, each of them a point at which something may happen.

Anything can run between two bytecodes: a finalizer, wherever one drops a reference or allocates. So `at_point` calls
a function before any bytecode, in the thread that executes it. It finds the points by `sys.settrace`; from Python 3.12
on by `sys.monitoring`, because settrace misses opcodes in 3.13.0.

A signal's handler runs at fewer places. A signal sets a flag, which the main thread looks at

* where a function is entered (`RESUME`; in 3.10 before its first opcode),
* where a call of C code ends (`CALL`, in 3.10 each `CALL_...`), not where a Python function returns to another one
  (in 3.10 there, too), and not where `with` calls `__enter__`, nor between that and the block,
* where a loop goes back (`JUMP_BACKWARD` and its like; in 3.10 each absolute jump).

Which these are need not be known here, as `interrupt_at_point` sends a real signal: it sets the flag just before the
bytecode, in the same way as the operating system's signal does, and CPython calls the handler when it comes by. The
tracer itself must not come by first. So it stops tracing, and trips the flag by a property that is C code, which is
none of the places above, and after which only its return follows.
"""

from __future__ import annotations

import _thread
import gc
import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import CodeType, FrameType, FunctionType, ModuleType
from typing import Any, NamedTuple

MONITORED = sys.version_info >= (3, 12)
TOOL = 4  # of `sys.monitoring`; lower ones are for debuggers, coverage and profilers


class Place(NamedTuple):
    """Where something happened in the pool."""

    function: str
    line: int
    file: str
    offset: int = -1


CALLER = Place("(who called)", 0, "")  # a signal was handled within the operation, but in no function of the pool
AFTER = Place("(after it)", 0, "")


class _Trip(int):
    now = property(_thread.interrupt_main)


_SIGINT = _Trip(signal.SIGINT)


def _nothing() -> None:
    """A place at which a signal that came last of all is handled."""


class Points:
    """The points of one copy of the package. Use it as a context manager, in the main thread.

    Garbage is not collected meanwhile: the end of a pool would be points of the call that it comes into.
    """

    def __init__(self, package: ModuleType) -> None:
        self.folder = os.path.join(package.__path__[0], "")
        self._name = package.__name__
        self._place = AFTER
        self._inside = False
        self._tripped = 0
        self._more: list[int] = []  # after how many bytecodes more further signals come
        self._again: Callable[[int], None] = lambda point: None
        self.delivered: list[Place] = []  # where signals were handled
        self.handled: Callable[[FrameType], None] = lambda frame: None  # is told the frame that a signal cut off

    def __enter__(self) -> Points:
        self._collects = gc.isenabled()
        gc.collect()
        gc.disable()
        self._handler = signal.signal(signal.SIGINT, self._interrupt)
        if MONITORED:
            sys.monitoring.use_tool_id(TOOL, "faults")
            for code in _codes(self._name, self.folder):
                sys.monitoring.set_local_events(TOOL, code, sys.monitoring.events.INSTRUCTION)
        return self

    def __exit__(self, *exc_info: object) -> None:
        signal.signal(signal.SIGINT, self._handler)
        if MONITORED:
            for code in _codes(self._name, self.folder):
                sys.monitoring.set_local_events(TOOL, code, 0)
            sys.monitoring.free_tool_id(TOOL)
        if self._collects:
            gc.enable()

    def count(self, operation: Callable[[], object]) -> list[Place]:
        """The points that an operation passes."""
        passed: list[Place] = []
        self._run(operation, lambda frame, offset: passed.append(self._at(frame, offset)), -1)
        return passed

    def at_point(self, operation: Callable[[], object], point: int, happen: Callable[[], object]) -> Place:
        """Run an operation in which something happens before the bytecode of that number. Return where that was."""
        self._place = AFTER

        def there(frame: FrameType, offset: int) -> None:
            self._place = self._at(frame, offset)
            happen()

        self._run(operation, there, point)
        return self._place

    def interrupt_at_point(self, operation: Callable[[], object], point: int, *more: int) -> None:
        """Run an operation into which a signal comes before that bytecode; its handler raises KeyboardInterrupt.

        Each of `more` is one more signal, which comes so many bytecodes after the one before has been handled.
        """
        self.delivered.clear()
        self._tripped = 0
        self._more[:] = more
        self._run(operation, None, point)
        if not self.delivered:
            self.delivered.append(AFTER)  # there was no such point this time

    def _at(self, frame: FrameType, offset: int) -> Place:
        return Place(frame.f_code.co_name, frame.f_lineno or 0, Path(frame.f_code.co_filename).name, offset)

    def _interrupt(self, _number: int, frame: FrameType | None) -> None:
        assert frame is not None
        self.handled(frame)
        place = CALLER if self._inside else AFTER
        inner: FrameType | None = frame
        while inner is not None and inner.f_code.co_filename != __file__:
            if inner.f_code.co_filename.startswith(self.folder):
                place = self._at(inner, inner.f_lasti)
                break
            inner = inner.f_back
        self.delivered.append(place)
        if self._more and self._inside:
            self._again(self._more.pop(0))
        raise KeyboardInterrupt

    def _run(
        self, operation: Callable[[], object], there: Callable[[FrameType, int], object] | None, point: int
    ) -> None:
        """Call `there` at this point, or everywhere if it is -1; trip the signal there if there is nothing to call."""
        run = self._monitored if MONITORED else self._traced
        self._inside = True
        try:
            try:
                run(operation, there, point)
            finally:
                self._inside = False
                _nothing()
            while self._tripped > len(self.delivered):
                time.sleep(0)  # another thread came by the flag first, and it is not for that one
        except KeyboardInterrupt:
            if there is not None or not self.delivered:
                raise

    def _traced(self, operation: Callable[[], object], there: Callable[..., object] | None, point: int) -> None:
        left = point

        # One function, because where a call of another one ends the signal would be handled.
        def traced(frame: FrameType, event: str, _argument: object) -> Any:
            nonlocal left
            if event == "call":
                if not frame.f_code.co_filename.startswith(self.folder):
                    return None
                frame.f_trace_opcodes, frame.f_trace_lines = True, False
            elif event != "opcode":
                return traced
            if point < 0:
                there(frame, frame.f_lasti)  # type: ignore[misc]
            elif left == 0:
                sys.settrace(None)
                if there is None:
                    self._tripped += 1
                    return _SIGINT.now
                return there(frame, frame.f_lasti)
            left -= 1
            return traced

        def again(point: int) -> None:
            nonlocal left
            left = point
            sys.settrace(traced)  # the frames of the pool still have it

        self._again = again
        before = sys.gettrace()
        sys.settrace(traced)
        try:
            operation()
        finally:
            try:
                self._more.clear()  # a signal that is handled from here on is the last
            finally:
                sys.settrace(before)

    def _monitored(self, operation: Callable[[], object], there: Callable[..., object] | None, point: int) -> None:
        left = point
        thread = _thread.get_ident()
        instruction = sys.monitoring.events.INSTRUCTION
        register = sys.monitoring.register_callback

        def passed(code: CodeType, offset: int) -> object:
            nonlocal left
            if _thread.get_ident() != thread:
                return None
            if point < 0:
                return there(sys._getframe(1), offset)  # type: ignore[misc]
            if left == 0:
                register(TOOL, instruction, None)
                if there is None:
                    self._tripped += 1
                    return _SIGINT.now
                return there(sys._getframe(1), offset)
            left -= 1
            return None

        def again(point: int) -> None:
            nonlocal left
            left = point
            register(TOOL, instruction, passed)

        self._again = again
        register(TOOL, instruction, passed)
        try:
            operation()
        finally:
            try:
                self._more.clear()
            finally:
                register(TOOL, instruction, None)


def _codes(name: str, folder: str) -> set[CodeType]:
    """All code of the package's functions."""
    found: set[CodeType] = set()

    def add(thing: object) -> None:
        if isinstance(thing, CodeType):
            if thing.co_filename.startswith(folder) and thing not in found:
                found.add(thing)
                for constant in thing.co_consts:
                    add(constant)
        elif isinstance(thing, FunctionType):
            add(thing.__code__)
        elif isinstance(thing, property):
            add(thing.fget)
        elif isinstance(thing, type) and thing.__module__.startswith(("ya.resourcepool", name)):
            for member in vars(thing).values():
                if not isinstance(member, type):
                    add(member)

    for module in [module for key, module in sys.modules.items() if key == name or key.startswith(name + ".")]:
        for thing in list(vars(module).values()):
            add(thing)
    return found
