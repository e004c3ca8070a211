"""What the pool is made of, under control: each operation on what its threads share is a step of a scheduler.

The pool takes its deque, its locks and its clock from the seam (docs/design.md). Its other shared attributes become
properties of a subclass, and `move`, which is one call in C, becomes one step. That is done to a private copy of
the package.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from types import ModuleType
from typing import Any, ClassVar

from tests.schedule.attributes import control, disciplined, of_a_waiter, of_the_pool
from tests.schedule.scheduler import Scheduler, Task
from tests.schedule.touches import (
    ALONE,
    CALLS,
    HOLDER,
    IDLE,
    LATCHES,
    LOCK,
    OF_THE_POOL,
    QUEUE,
    SEVERAL,
    TIME,
    TIMER,
    WAITERS,
    writing,
)
from tests.schedule.touches import waiter as waiter_bit
from tests.support import inside

# What an operation touches that changes what is idle: the watch may look at all this.
CHANGES = writing(IDLE) | QUEUE | WAITERS | LATCHES | CALLS | TIME | OF_THE_POOL["closed"]
MOVES = CHANGES | writing(WAITERS)


class Watch:
    """What is told of some operations as they happen, also in those runs of which the states are not looked at.

    Attributes:
        constant: attributes of the pool that no thread changes, and `now` if time stands still.
        free: those that also who has not the lock changes.
        counts_holders: whether `acquired` and `refused` look at what is idle, and who counts for it.
    """

    constant: frozenset[str] = frozenset()
    free: frozenset[str] = frozenset()
    counts_holders = True

    def changed(self, operation: str, idle: Any) -> None:
        """This operation of the deque has changed what is idle."""

    def looks_at(self, operation: str, task: Task) -> int:
        """What `changed` looks at for it, besides what is idle."""
        return CHANGES

    def acquired(self) -> None:
        """The pool's lock was acquired."""

    def waits(self) -> None:
        """A call is about to wait for the pool's lock, if another thread has it."""

    def refused(self, holder: Task) -> None:
        """The pool's lock was not acquired, as this thread has it: the call leaves its work to that."""

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
        if not hasattr(package, "uncontrolled"):
            uncontrolled = inside.get(inside.MOVE, package), inside.get(inside.WAITER_CLASS, package)
            package.uncontrolled = uncontrolled  # type: ignore[attr-defined]
        original, waiter_class = package.uncontrolled
        Queue, Box, Timer = _list_classes(scheduler, watch)

        def move(take: Callable[[], Any], put: Callable[[Iterable[Any]], object]) -> None:
            def noted() -> Any:
                item = take()
                moved.append(item)
                return item

            moved: list[Any] = []
            task = scheduler.atomically("move", lambda: original(noted, put), MOVES)
            task.saw(tuple(moved))  # of two threads that evict, it matters which has what

        no_latch = self.Latch()

        class Waiter(waiter_class):  # type: ignore[misc, valid-type]
            is_shared = False  # with a clock that has it leave

            def __init__(self, pool: Any, timeout: Any) -> None:
                super().__init__(pool, timeout)
                self.pool = pool
                box = Box()
                box.waiter, box.at_once = self, self.is_private
                setattr(self, inside.BOX, box)
                task = scheduler.current
                self.call = task.call if task is not None else None
                if self.call is not None:
                    self.call.waiter = self
                # By thread, so that it does not depend on who comes first.
                self.index = task.index if task is not None else -1
                self.number = self.index + SEVERAL * sum([waiter.index == self.index for waiter in pool.born])
                self.touches = box.touches = waiter_bit(self.number)
                pool.born.append(self)

            def is_private(self) -> bool:
                """Whether only its own thread knows it now."""
                call = self.call
                return (
                    call is not None
                    and call.task is scheduler.current
                    and not self.is_shared
                    and not any(self is queued for queued in list.__iter__(inside.waiters(self.pool)))
                )

            def __hash__(self) -> int:  # the same in each run
                return self.number

        setattr(Waiter, inside.LATCH, no_latch)
        for name, attribute in inside.OF_A_WAITER.items():
            control(Waiter, attribute, name, of_a_waiter(name, scheduler))

        class Pool(package.ResourcePool):  # type: ignore[name-defined, misc]
            departing = inside.get(inside.DEPARTING, package)

            def __init__(self, **kwargs: Any) -> None:
                self.born: list[Waiter] = []
                super().__init__(**kwargs)
                setattr(self, inside.WAITERS, Queue())
                setattr(self, inside.TIMER, Timer(inside.timer(self)))

            def __del__(self) -> None:
                pass  # the run is over

        inside.put(inside.REMAINS_CLASS, lambda *arguments: None, package)  # the same
        seam = {inside.DEQUE_CLASS: self.Deque, inside.LOCK_CLASS: self.Lock, inside.LATCH_CLASS: self.Latch}
        for attribute, made in seam.items():
            setattr(Pool, attribute, made)
        for name, attribute in inside.SHARED.items():
            control(Pool, attribute, name, of_the_pool(name, scheduler, name in watch.constant, name in watch.free))
        inside.put(inside.MOVE, move, package)
        inside.put(inside.WAITER_CLASS, Waiter, package)
        return Pool


def _deque_class(scheduler: Scheduler, watch: Watch) -> type[deque[Any]]:
    step, changed = scheduler.step, watch.changed

    def changing(name: str) -> Callable[..., Any]:
        original: Any = getattr(deque, name)

        def method(self: deque[Any], *arguments: Any) -> Any:
            current = scheduler.current
            touches = CHANGES
            if scheduler.reduces and current is not None:
                touches = writing(IDLE) | watch.looks_at(name, current)
            task = step(name, None, touches)
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
            task = step("len", None, IDLE)
            task.size = result = deque.__len__(self)
            task.history = hash((task.history, result))
            return result

        def __bool__(self) -> bool:  # up to Python 3.10 a deque has one, which does not ask `__len__`
            return self.__len__() > 0

        def __getitem__(self, index: Any) -> Any:
            task = step("index", None, IDLE)
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
            task = step("copy", None, IDLE)
            result = deque(deque.__iter__(self))
            task.saw(tuple(result))
            return result

    for name in ("append", "appendleft", "pop", "popleft", "extend", "extendleft", "clear"):
        setattr(Deque, name, changing(name))
    return Deque


def _list_classes(scheduler: Scheduler, watch: Watch) -> tuple[type[Any], type[Any], type[Any]]:
    """The classes of the queue of waiters, of a waiter's box, and of the pool's timer, which `call_at` extends."""
    step = scheduler.step

    def change(operation: str) -> Task:
        task = step(operation, None, writing(QUEUE))
        if scheduler.reduces:
            disciplined(scheduler, task, operation)
        return task

    class List(list[Any]):
        does: ClassVar[dict[str, str]]
        touches: int  # by `len` and an index
        at_once: Any = ""

        def __len__(self) -> int:
            task = step(self.does["len"], None, self.touches, self.at_once)
            result = list.__len__(self)
            task.history = hash((task.history, result))
            return result

        def __getitem__(self, index: Any) -> Any:
            task = step(self.does["index"], None, self.touches, self.at_once)
            try:
                result = list.__getitem__(self, index)
            except IndexError:
                task.saw("IndexError")
                raise
            task.history = hash((task.history, result))
            return result

        def pop(self, index: Any = -1) -> Any:
            task = step(self.does["pop"], None, writing(self.touches), self.at_once)
            result = list.pop(self, index)
            task.history = hash((task.history, result))
            return result

    class Queue(List):
        does: ClassVar = {name: f"queue {name}" for name in ("len", "index", "pop")}
        touches = QUEUE
        at_once = HOLDER

        def insert(self, index: Any, waiter: Any) -> None:
            task = change("queue insert")
            list.insert(self, index, waiter)
            watch.arrived(waiter)
            task.saw("insert")

        def append(self, waiter: Any) -> None:
            self.insert(list.__len__(self), waiter)

        def remove(self, waiter: Any) -> None:
            task = change("queue remove")
            list.remove(self, waiter)
            task.saw("remove")

        def __delitem__(self, index: Any) -> None:
            task = change("queue del")
            list.__delitem__(self, index)
            task.saw("del")

        def __contains__(self, waiter: Any) -> bool:
            task = step("queue contains", None, QUEUE, HOLDER)
            result = any(waiter is queued for queued in list.__iter__(self))
            task.saw(result)
            return result

        def clear(self) -> None:
            task = change("queue clear")
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
        touches = TIMER

        def __getitem__(self, index: Any) -> Any:
            task = step("timer index", None, TIMER)
            task.saw(index)  # not what is there: that is another object in each run
            return list.__getitem__(self, index)

        def __iter__(self) -> Iterator[Any]:
            index = 0
            while True:
                task = step("timer next", None, TIMER)
                if index >= list.__len__(self):
                    task.saw("end")
                    return
                task.saw(index)
                yield list.__getitem__(self, index)
                index += 1

        def clear(self) -> None:
            task = step("timer clear", None, writing(TIMER))
            list.clear(self)
            task.saw("clear")

    return Queue, Box, Timer


def _lock_class(scheduler: Scheduler, watch: Watch) -> type[Any]:
    acquires = writing(LOCK | IDLE) if watch.counts_holders else writing(LOCK)

    class Lock:
        """A lock that its owner can acquire again. A handler owns what its thread owns."""

        def __init__(self) -> None:
            self.owner: Task | None = None
            self.frame: Any = None  # the owner or its handler, whichever acquired it
            self.depth = 0

        def _is_owned(self) -> bool:
            return scheduler.current is not None and self.owner is scheduler.current.owner

        def is_free(self) -> bool:
            return self.owner is None

        def acquire(self, blocking: bool = True, timeout: float = -1) -> bool:
            if blocking:
                watch.waits()
            task = scheduler.step("acquire", None if self._is_owned() or not blocking else self.is_free, acquires)
            if self.owner is None or self.owner is task.owner:
                self.owner = scheduler.holder = task.owner
                self.frame = task
                self.depth += 1
                task.saw(True)
                watch.acquired()
                return True
            task.saw(False)
            watch.refused(self.frame)
            return False

        def release(self) -> None:
            task = scheduler.step("release", None, writing(LOCK))
            if self.owner is not task.owner:
                task.saw("RuntimeError")
                raise RuntimeError("cannot release un-acquired lock")
            self.depth -= 1
            if not self.depth:
                self.owner = scheduler.holder = None
            task.saw("release")

        __enter__ = acquire

        def __exit__(self, *exc_info: object) -> None:
            self.release()

    return Lock


def _latch_class(scheduler: Scheduler) -> type[Any]:
    class Latch:
        """A plain lock, which anyone may release."""

        def __init__(self) -> None:
            self.held = self.known = False

        def is_free(self) -> bool:
            return not self.held

        def acquire(self, blocking: bool = True, timeout: float = -1) -> bool:
            at_once, self.known = "" if self.known else ALONE, True  # nobody has it yet
            task = scheduler.step("latch acquire", self.is_free if blocking else None, writing(LATCHES), at_once)
            result = not self.held
            self.held = True
            task.saw(result)
            return result

        def release(self) -> None:
            task = scheduler.step("latch release", None, writing(LATCHES))
            if not self.held:
                raise RuntimeError("release unlocked lock")
            self.held = False
            task.saw("release")

        def locked(self) -> bool:
            task = scheduler.step("latch locked", None, LATCHES)
            task.saw(self.held)
            return self.held

        __enter__ = acquire

        def __exit__(self, *exc_info: object) -> None:
            self.release()

    return Latch
