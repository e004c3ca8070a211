"""A pool in a situation, those who use it, and where each resource is."""

from __future__ import annotations

import gc
import threading
import weakref
from collections.abc import Callable
from functools import cache, partial
from heapq import heappush
from types import FrameType, ModuleType
from typing import Any

from tests.helpers import Call, Resource
from tests.support import inside

PATIENCE = 5  # seconds after which something that should happen at once counts as stuck


class Violation(AssertionError):
    """A clause is broken."""

    def __init__(self, clause: str, what: str) -> None:
        super().__init__(f"{clause}: {what}")
        self.clause = clause


class Worker:
    """A thread that does one thing after the other, each within a bounded time."""

    def __init__(self) -> None:
        self._task: Callable[[], object] = int
        self._error: BaseException | None = None
        self._go, self._done = threading.Lock(), threading.Lock()
        self._go.acquire(), self._done.acquire()
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self) -> None:
        while True:
            self._go.acquire()
            try:
                self._task()
            except BaseException as error:
                self._error = error
            self._task = int
            self._done.release()

    def do(self, task: Callable[[], object]) -> bool:
        """Whether the task ended in time; raises what it raised. If it did not, the worker is of no more use."""
        self._task, self._error = task, None
        self._go.release()
        if not self._done.acquire(timeout=PATIENCE):
            return False
        error, self._error = self._error, None
        if error is not None:
            raise error
        return True


_workers = [Worker()]


def elsewhere(task: Callable[[], object], clause: str, what: str) -> None:
    """Do something in another thread, which must not be stuck."""
    worker = _workers[-1]
    if not worker.do(task):
        _workers.append(Worker())
        raise Violation(clause, f"{what} is stuck")


class Garbage:
    """In a cycle, and gives a resource back when it is collected."""

    def __init__(self, back: Callable[[], object]) -> None:
        self.itself = self
        self._back = back

    def __del__(self) -> None:
        self._back()


class World:
    """A pool with its clock and callbacks, the calls of other threads, and the operation to be looked at.

    Args:
        idle: how many resources the pool begins with.
        dead: how many of them, the newest first, `check` finds dead. With None there is no check.
        stock: how many resources `alloc` can make before it raises IndexError; None: there is no alloc.
        raising: whether `dealloc` raises.
        slow: whether the callbacks are functions in Python, which stop or call the pool if they are told to.
        system: whether the pool has the system's clock.
    """

    def __init__(
        self,
        package: ModuleType,
        *,
        idle: int = 0,
        dead: int | None = None,
        stock: int | None = None,
        raising: bool = False,
        slow: bool = False,
        system: bool = False,
        **settings: Any,
    ) -> None:
        self.package, self.settings = package, settings
        self.maxsize: int | None = settings.get("maxsize")
        self.departing: dict[int, Any] = inside.get(inside.DEPARTING, package)
        self.everything: list[Resource] = []
        self.held: list[Any] = []  # returned to who called
        self.deallocated: list[Any] = []
        self.dead: set[Any] = set()
        self.moving: set[Any] | None = set()  # what an interrupted operation may lose one of; None: any
        self.may_raise: tuple[type[BaseException], ...] = ()
        self.error: BaseException | None = None
        self.calls: list[Call] = []
        self.others_may_raise: tuple[type[BaseException], ...] = (package.ResourcePoolClosed,)
        self.meetings: list[Callable[[], object]] = []
        self.arrived = threading.Semaphore(0)
        self.gate = threading.Event()  # at which one stops in a callback, or before it returns from `wait`
        self.at_gate = threading.Semaphore(0)
        self._stopping = False
        self.nested: dict[str, list[Callable[[], object]]] = {}  # what a callback does once
        self.operation: Callable[[], object] = int
        self.ends = False  # all that is idle is deallocated by the operation
        self.initial: list[Any] = []  # of the pool that the operation makes

        self.verdicts: dict[Any, bool] = {}  # of `check`
        self.plenty = False  # there is something idle throughout

        resources = [self.new() for _ in range(idle)]
        self.stock = [Resource(f"made {i}") for i in range(stock or 0)]
        self.made_from = list(self.stock)
        self.verdicts.update(dict.fromkeys(self.made_from, True))
        if dead is not None:
            self.dead.update(resources[:dead])
            self.verdicts.update(dict.fromkeys(self.dead, False))
        # Callbacks in C, if possible: a signal comes before them or after them.
        self.callbacks: dict[str, Any] = {"dealloc": self.slow_dealloc if slow else self.deallocated.append}
        if raising:
            self.deallocated.append(Resource("is there for what is pushed on the heap to be compared with"))
            self.callbacks["dealloc"] = partial(heappush, self.deallocated)
        if dead is not None:
            self.callbacks["check"] = self.slow_check if slow else self.verdicts.__getitem__
        if stock is not None:
            self.callbacks["alloc"] = self.slow_alloc if slow else self.stock.pop
        self.clock = None if system else _clock_class(package)(self)
        self.arguments = {"init": resources, "clock": self.clock, **self.callbacks, **settings}
        self.box: list[Any] = [package.ResourcePool(**self.arguments)]
        self.reference = weakref.ref(self.box[0])

    # What a scenario is made of.

    @property
    def pool(self) -> Any:
        return self.reference()

    def new(self) -> Resource:
        resource = Resource(len(self.everything))
        self.everything.append(resource)
        self.verdicts[resource] = True
        return resource

    def push(self) -> Resource:
        resource = self.new()
        self.pool.push(resource)
        return resource

    def waits(self, timeout: float = 0) -> World:
        """One more thread waits in `pop`."""
        self.call(lambda: self.held.append(self.pool.pop(timeout)))
        if timeout > 0:
            self.others_may_raise += (self.package.ResourcePoolEmpty,)
        if not self.arrived.acquire(timeout=PATIENCE):
            raise Violation("P8", "a pop did not come to wait")
        return self

    def call(self, function: Callable[[], object]) -> None:
        self.calls.append(Call(function))

    def stops(self, function: Callable[[], object]) -> World:
        """A thread is in a callback of this call, and stays there until the operation is over."""
        self._stopping = True
        self.call(function)
        if not self.at_gate.acquire(timeout=PATIENCE):
            raise Violation("K1", "a call did not come to its callback")
        return self

    def stop(self) -> None:
        """What a callback does to stop at the gate, if it is to."""
        if self._stopping:
            self._stopping = False
            self.at_gate.release()
            self.gate.wait(PATIENCE)

    def slow_alloc(self) -> Any:
        self._nest("alloc")
        return self.stock.pop()

    def slow_check(self, resource: Any) -> bool:
        self._nest("check")
        return self.verdicts[resource]

    def slow_dealloc(self, resource: Any) -> None:
        self.deallocated.append(resource)
        self._nest("dealloc")

    def _nest(self, callback: str) -> None:
        for inner in self.nested.pop(callback, ()):
            inner()
        self.stop()

    # The run.

    def operate(self) -> None:
        try:
            self.operation()
        except BaseException as error:
            self.error = error

    def cut_off(self, frame: FrameType) -> None:
        """A signal comes at the entry of `dealloc`: it has been called."""
        if frame.f_code is World.slow_dealloc.__code__ and frame.f_locals["resource"] not in self.deallocated:
            self.deallocated.append(frame.f_locals["resource"])

    def drop(self) -> None:
        self.box.clear()

    def collect(self) -> None:
        for _ in range(2):
            Garbage(lambda: self.pool is not None and self.push())
        gc.collect()

    def make(self) -> None:
        """Construct one more pool, the one to be looked at."""
        self.box.append(self.package.ResourcePool(**{**self.arguments, "init": self.initial}))

    @property
    def callers(self) -> set[Any]:
        """What belongs to the caller of a constructor that raised, unless it has come into the pool."""
        return set(self.initial)

    def release(self) -> None:
        """Let go of the pool."""
        self.gate.set()
        self.box.clear()
        self.calls.clear()
        self.meetings.clear()
        self.error = None
        if self.clock is not None:
            self.clock.world = None


@cache
def _clock_class(package: ModuleType) -> Any:
    class Clock(package.ManualClock):  # type: ignore[name-defined, misc]
        def __init__(self, world: World) -> None:
            super().__init__()
            self.world: World | None = world

        def wait(self, lock: Any, start: float, timeout: float | None) -> bool:
            world = self.world
            assert world is not None
            if threading.current_thread() is threading.main_thread():
                return bool(super().wait(_Meeting(world, lock), start, timeout))
            world.arrived.release()
            acquired = super().wait(lock, start, timeout)
            world.stop()
            return bool(acquired)

        def hurry(self, seconds: float) -> None:
            """Move the time, and be late with what falls due."""
            inside.be_late(self, self.now() + seconds)

    return Clock


class _Meeting:
    """What the operation waits for. Others do what is to happen meanwhile, just before it is blocked."""

    def __init__(self, world: World, lock: Any) -> None:
        self._world, self._lock = world, lock
        self.locked, self.leave = lock.locked, lock.leave

    def acquire(self, blocking: bool = True) -> bool:
        while blocking and self.locked():
            if not self._world.meetings:
                raise Violation("P8", "the operation waits, and nobody will wake it")
            elsewhere(self._world.meetings.pop(0), "K1", "a call that meets the operation")
        return bool(self._lock.acquire(blocking))
