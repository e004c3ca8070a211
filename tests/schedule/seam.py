"""What the pool is made of, under control: each operation on what its threads share is a step of a scheduler.

The pool takes its deque, its locks and its clock from the seam (docs/design.md). Its other shared attributes become
properties of a subclass, and `move`, which is one call in C, becomes one step. That is done to a private copy of
the package, which may be patched: the one that other tests import stays as it is.
"""

from __future__ import annotations

import importlib
import importlib.util
import linecache
import shutil
import sys
import tempfile
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import count
from operator import attrgetter
from pathlib import Path
from types import ModuleType
from typing import Any, ClassVar, NamedTuple

import ya.resourcepool
from tests.schedule.scheduler import Scheduler, Task

FOLDER = Path(ya.resourcepool.__file__).parent
OF_THE_POOL = ("_limit", "_barred", "_since", "_closed", "_unsettled", "_clearing")
OF_A_WAITER = ("_woken", "_unpacked", "_abandoned")

_numbers = count(1)


class Patch(NamedTuple):
    """A change of the package's source text."""

    file: str
    before: str
    after: str


def load(patches: Sequence[Patch] = ()) -> ModuleType:
    """Import the package once more under another name, patched.

    Raises:
        ValueError: the text to be patched is not there exactly once.
    """
    folder = Path(tempfile.mkdtemp())
    try:
        for path in FOLDER.glob("*.py"):
            shutil.copy(path, folder)
        for patch in patches:
            path = folder / patch.file
            text = path.read_text(encoding="utf-8") if path.is_file() else ""
            if text.count(patch.before) != 1:
                raise ValueError(f"{patch.file} holds {text.count(patch.before)} times: {patch.before!r}")
            path.write_text(text.replace(patch.before, patch.after), encoding="utf-8")
        place = folder if patches else FOLDER
        name = f"controlled_resourcepool_{next(_numbers)}"
        spec = importlib.util.spec_from_file_location(
            name, place / "__init__.py", submodule_search_locations=[str(place)]
        )
        assert spec is not None
        assert spec.loader is not None
        package = importlib.util.module_from_spec(spec)
        sys.modules[name] = package
        spec.loader.exec_module(package)
        importlib.import_module(f"{name}._manual")  # the package itself does so when it is asked for
        for path in place.glob("*.py"):
            linecache.getlines(str(path))  # traces show them
    finally:
        shutil.rmtree(folder)
    # So that no pool is the first, which would be registered with atexit.
    sys.modules[f"{name}._lifecycle"].__dict__["_pools"][0] = lambda: None
    return package


class Watch:
    """What is told of some operations as they happen, also in those runs of which the states are not looked at."""

    def changed(self, operation: str, idle: Any) -> None:
        """This operation of the deque has changed what is idle."""

    def acquired(self) -> None:
        """The pool's lock was acquired."""

    def arrived(self, waiter: Any) -> None:
        """A waiter has joined the queue."""

    def filled(self, waiter: Any) -> None:
        """A waiter's box was filled."""

    def moved(self) -> None:
        """Time has moved."""


class Seam:
    """Containers, locks and clocks whose operations are steps of the scheduler."""

    def __init__(self, scheduler: Scheduler, watch: Watch | None = None) -> None:
        self.scheduler = scheduler
        self.watch = Watch() if watch is None else watch
        self.Deque = _deque_class(scheduler, self.watch)
        self.Lock = _lock_class(scheduler, self.watch)
        self.Latch = _latch_class(scheduler)

    def pool_class(self, package: ModuleType) -> type[Any]:
        """The pool of a package that was loaded, under control; with it its waiters and its `move`."""
        scheduler, watch = self.scheduler, self.watch
        pools: Any = sys.modules[f"{package.__name__}._pool"]
        waiters: Any = sys.modules[f"{package.__name__}._waiter"]
        original = sys.modules[f"{package.__name__}._moves"].move
        Queue, Box, Timer = _list_classes(scheduler, watch)

        def move(take: Callable[[], Any], put: Callable[[Iterable[Any]], object]) -> None:
            def noted() -> Any:
                item = take()
                moved.append(item)
                return item

            moved: list[Any] = []
            task = scheduler.atomically("move", lambda: original(noted, put))
            task.saw(tuple(moved))  # of two threads that evict, it matters which has what

        no_latch = self.Latch()

        if not hasattr(waiters, "Uncontrolled"):
            waiters.Uncontrolled = waiters.Waiter

        class Waiter(waiters.Uncontrolled):  # type: ignore[name-defined, misc]
            _latch = no_latch

            def __init__(self, pool: Any, timeout: Any) -> None:
                super().__init__(pool, timeout)
                self.box = Box()
                self.box.waiter = self
                self.call = scheduler.current.call if scheduler.current else None
                if self.call is not None:
                    self.call.waiter = self
                self.number = len(pool.born)
                pool.born.append(self)

            def __hash__(self) -> int:  # the same in each run
                return self.number

        _control(Waiter, OF_A_WAITER, scheduler)

        class Pool(package.ResourcePool):  # type: ignore[name-defined, misc]
            _deque, _rlock, _latch = self.Deque, self.Lock, self.Latch
            departing = sys.modules[f"{package.__name__}._victims"].__dict__["_departing"]

            def __init__(self, **kwargs: Any) -> None:
                self.born: list[Waiter] = []
                super().__init__(**kwargs)
                self._waiters, self._timer = Queue(), Timer(self._timer)

            def __del__(self) -> None:
                pass  # the run is over

        pools.Remains = lambda *arguments: None  # the same
        _control(Pool, OF_THE_POOL, scheduler)
        for module in pools, waiters:
            module.move, module.Waiter = move, Waiter
        return Pool


def _control(owner: type[Any], names: tuple[str, ...], scheduler: Scheduler) -> None:
    """Make each access to these attributes a step. They are False at first; `raw` and their name reads them at once."""
    for name in names:
        setattr(owner, "raw" + name, False)
        setattr(owner, name, _attribute(name, scheduler))


def _attribute(name: str, scheduler: Scheduler) -> property:
    reading, writing, raw = f"read {name}", f"write {name}", "raw" + name
    step, get = scheduler.step, attrgetter(raw)

    def read(self: Any) -> Any:
        task = step(reading)
        value = get(self)
        task.history = hash((task.history, value))
        return value

    def write(self: Any, value: Any) -> None:
        task = step(writing)
        setattr(self, raw, value)
        task.history = hash((task.history, writing))

    return property(read, write)


def _deque_class(scheduler: Scheduler, watch: Watch) -> type[deque[Any]]:
    step, changed = scheduler.step, watch.changed

    def changing(name: str) -> Callable[..., Any]:
        original: Any = getattr(deque, name)

        def method(self: deque[Any], *arguments: Any) -> Any:
            task = step(name)
            try:
                result = original(self, *arguments)
            except IndexError:
                task.saw("IndexError")
                raise
            changed(name, self)
            task.history = hash((task.history, result))
            return result

        return method

    class Deque(deque[Any]):
        def __len__(self) -> int:
            task = step("len")
            task.size = result = deque.__len__(self)
            task.history = hash((task.history, result))
            return result

        def __bool__(self) -> bool:  # up to Python 3.10 a deque has one, which does not ask `__len__`
            return self.__len__() > 0

        def __getitem__(self, index: Any) -> Any:
            task = step("index")
            if index < 0:
                index += deque.__len__(self)  # else it would call `__len__`
            try:
                result = deque.__getitem__(self, index)
            except IndexError:
                task.saw("IndexError")
                raise
            task.history = hash((task.history, result))
            return result

        def copy(self) -> Any:
            task = step("copy")
            result = deque(deque.__iter__(self))
            task.saw(tuple(result))
            return result

    for name in ("append", "appendleft", "pop", "popleft", "extend", "extendleft", "clear"):
        setattr(Deque, name, changing(name))
    return Deque


def _list_classes(scheduler: Scheduler, watch: Watch) -> tuple[type[Any], type[Any], type[Any]]:
    """The classes of the queue of waiters, of a waiter's box, and of the pool's timer, which `call_at` extends."""
    step = scheduler.step

    class List(list[Any]):
        does: ClassVar[dict[str, str]]

        def __len__(self) -> int:
            task = step(self.does["len"])
            result = list.__len__(self)
            task.history = hash((task.history, result))
            return result

        def __getitem__(self, index: Any) -> Any:
            task = step(self.does["index"])
            try:
                result = list.__getitem__(self, index)
            except IndexError:
                task.saw("IndexError")
                raise
            task.history = hash((task.history, result))
            return result

        def pop(self, index: Any = -1) -> Any:
            task = step(self.does["pop"])
            result = list.pop(self, index)
            task.history = hash((task.history, result))
            return result

    class Queue(List):
        does: ClassVar = {name: f"queue {name}" for name in ("len", "index", "pop")}

        def insert(self, index: Any, waiter: Any) -> None:
            task = step("queue insert")
            list.insert(self, index, waiter)
            watch.arrived(waiter)
            task.saw("insert")

        def append(self, waiter: Any) -> None:
            self.insert(list.__len__(self), waiter)

        def remove(self, waiter: Any) -> None:
            task = step("queue remove")
            list.remove(self, waiter)
            task.saw("remove")

        def __delitem__(self, index: Any) -> None:
            task = step("queue del")
            list.__delitem__(self, index)
            task.saw("del")

        def __contains__(self, waiter: Any) -> bool:
            task = step("queue contains")
            result = any(waiter is queued for queued in list.__iter__(self))
            task.saw(result)
            return result

        def clear(self) -> None:
            task = step("queue clear")
            list.clear(self)
            task.saw("clear")

    class Box(List):
        does: ClassVar = {name: f"box {name}" for name in ("len", "index", "pop")}
        waiter: Any

        def extend(self, items: Any) -> None:
            task = step("box extend")
            list.extend(self, items)
            watch.filled(self.waiter)
            task.saw("extend")

        def append(self, item: Any) -> None:
            self.extend((item,))

    class Timer(List):
        does: ClassVar = {name: f"timer {name}" for name in ("len", "index", "pop")}

        def __iter__(self) -> Iterator[Any]:
            index = 0
            while True:
                task = step("timer next")
                if index >= list.__len__(self):
                    task.saw("end")
                    return
                task.saw(index)
                yield list.__getitem__(self, index)
                index += 1

        def clear(self) -> None:
            task = step("timer clear")
            list.clear(self)
            task.saw("clear")

    return Queue, Box, Timer


def _lock_class(scheduler: Scheduler, watch: Watch) -> type[Any]:
    class Lock:
        """A lock that its owner can acquire again. A handler owns what its thread owns."""

        def __init__(self) -> None:
            self.owner: Task | None = None
            self.depth = 0

        def _is_owned(self) -> bool:
            return scheduler.current is not None and self.owner is scheduler.current.owner

        def is_free(self) -> bool:
            return self.owner is None

        def acquire(self, blocking: bool = True, timeout: float = -1) -> bool:
            task = scheduler.step("acquire", None if self._is_owned() or not blocking else self.is_free)
            if self.owner is None or self.owner is task.owner:
                self.owner = task.owner
                self.depth += 1
                task.saw(True)
                watch.acquired()
                return True
            task.saw(False)
            return False

        def release(self) -> None:
            task = scheduler.step("release")
            if self.owner is not task.owner:
                raise RuntimeError("cannot release un-acquired lock")
            self.depth -= 1
            if not self.depth:
                self.owner = None
            task.saw("release")

        __enter__ = acquire

        def __exit__(self, *exc_info: object) -> None:
            self.release()

    return Lock


def _latch_class(scheduler: Scheduler) -> type[Any]:
    class Latch:
        """A plain lock, which anyone may release."""

        def __init__(self) -> None:
            self.held = False

        def is_free(self) -> bool:
            return not self.held

        def acquire(self, blocking: bool = True, timeout: float = -1) -> bool:
            task = scheduler.step("latch acquire", self.is_free if blocking else None)
            result = not self.held
            self.held = True
            task.saw(result)
            return result

        def release(self) -> None:
            task = scheduler.step("latch release")
            if not self.held:
                raise RuntimeError("release unlocked lock")
            self.held = False
            task.saw("release")

        def locked(self) -> bool:
            task = scheduler.step("latch locked")
            task.saw(self.held)
            return self.held

        __enter__ = acquire

        def __exit__(self, *exc_info: object) -> None:
            self.release()

    return Latch


class Clock:
    """A clock whose calls and timeouts come when the schedule says, and move its time to where they are due.

    So they come late at will, and never too early.

    Args:
        leaves: a timeout is a thread that has the waiter leave, as with a manual clock. Else the waiter does so itself.
    """

    def __init__(self, seam: Seam, leaves: bool = False) -> None:
        self._scheduler, self._watch = seam.scheduler, seam.watch
        self._leaves = leaves
        self.time: float = 0

    def advance(self, time: float) -> None:
        """Move to this time, unless it has passed."""
        if time > self.time:
            self.time = time
            self._watch.moved()

    def now(self) -> float:
        task = self._scheduler.step("now")
        task.saw(self.time)
        return self.time

    def wait(self, waiter: Any, start: float, timeout: float | None) -> bool:
        scheduler = self._scheduler
        latch = waiter._latch
        task = scheduler.current
        assert task is not None
        alarm = None
        if timeout is not None and self._leaves:
            alarm = self._call(start + timeout, waiter.leave, "timeout")
        task.waits = True
        task.daemon = timeout is None
        try:
            scheduler.step("wait", latch.is_free if timeout is None or self._leaves else None)
        finally:
            task.waits = task.daemon = False
            if alarm is not None:
                self._cancel(alarm)
        acquired = not latch.held
        task.saw(acquired)
        if not acquired:
            assert timeout is not None
            self.advance(start + timeout)
        latch.held = True
        return acquired

    def call_at(self, start: float, length: float, function: Callable[[], object]) -> Callable[[], object]:
        task = self._scheduler.step("call_at")
        alarm = self._call(start + length, function, "expiry")
        task.saw("call_at")

        def cancel() -> None:
            task = self._scheduler.step("cancel")
            self._cancel(alarm)
            task.saw("cancel")

        cancel.start = start  # type: ignore[attr-defined]
        return cancel

    def _call(self, time: float, function: Callable[[], object], name: str) -> Task:
        def ring() -> None:
            self.advance(time)
            alarm.saw("ring")
            function()
            alarm.history = 0  # nobody asks what it has seen

        alarm = self._scheduler.spawn(ring, name, operation="ring")
        return alarm

    def _cancel(self, alarm: Task) -> None:
        if not alarm.started:
            alarm.done = True
            alarm.history = 0
