"""Every callback with every fault, wherever the pool calls it, next to what the contract says."""

from __future__ import annotations

import gc
import threading
import weakref
from collections.abc import Callable, Iterator
from itertools import product
from types import ModuleType
from typing import Any, NamedTuple

from tests.faults.world import PATIENCE, Violation, elsewhere
from tests.helpers import Call
from tests.support import inside

CALLBACKS = ("alloc", "check", "dealloc")
BEHAVIOURS = ("ok", "falsy", "raises", "interrupts", "slow", "never returns", "re-enters", "closes", "drops")
LATE = ("slow", "never returns")


class Fault(Exception):
    """What a callback raises."""


class Closed(Exception):
    """What the contract's pool raises when it is closed."""


class Context(NamedTuple):
    """Where the pool calls its callbacks: what it is made with, and what is done."""

    settings: dict[str, Any]
    idle: tuple[str, ...]
    do: Callable[[Any], object]
    lacks: tuple[str, ...] = ()  # the callbacks that it is made without
    after: tuple[str, ...] = ()  # what is pushed while the pop waits


CONTEXTS = {
    "constructor": Context({"minsize": 3}, ("a",), lambda pool: pool.make()),
    "pop": Context({}, ("a",), lambda pool: pool.pop()),
    "pop that allocates": Context({}, (), lambda pool: pool.pop()),
    "waiting pop": Context({}, (), lambda pool: pool.pop(0), ("alloc",), ("a", "b")),
    "push": Context({"maxsize": 1, "minsize": 0}, ("a",), lambda pool: pool.push("b"), ("alloc",)),
    "expiry": Context({"maxage": 10}, ("b", "a"), lambda pool: pool.expire()),
    "close": Context({}, ("b", "a"), lambda pool: pool.close()),
    "collection": Context({}, ("b", "a"), lambda pool: pool.end()),
    "exit": Context({}, ("b", "a"), lambda pool: pool.exit()),
}


class Contract:
    """What the contract says of one thread's operations, in as few lines as possible.

    What is idle is a list, the oldest first. The faulty behaviour of a callback is that of its last call in the
    constructor, and of its first one elsewhere; all other calls are ok.
    """

    def __init__(self, context: Context, behaviours: dict[str, str]) -> None:
        self.context, self.behaviours = context, dict(behaviours)
        self.idle = list(reversed(context.idle))
        self.closed = self.dropped = False
        self.calls: list[tuple[str, Any]] = []
        self.waiting = list(context.after)
        self.made = 0

    def call(self, callback: str, resource: Any) -> Any:
        self.calls.append((callback, resource))
        behaviour = self.behaviours.pop(callback, "ok")
        if behaviour == "raises":
            raise Fault
        if behaviour == "interrupts":
            raise KeyboardInterrupt
        if behaviour == "re-enters":
            self.push("extra")
        if behaviour == "closes":
            self.close()
        if behaviour == "drops":
            self.dropped = True
        return behaviour != "falsy"

    def alloc(self) -> Any:  # P2
        self.made += 1
        return f"made {self.made}" if self.call("alloc", None) else None

    def dealloc(self, victims: list[Any]) -> None:  # R4, K2
        interrupt = None
        for resource in victims:
            try:
                self.call("dealloc", resource)
            except Fault:
                pass
            except KeyboardInterrupt as error:
                interrupt = error
        if interrupt is not None:
            raise interrupt

    def pop(self, timeout: float | None = None) -> Any:  # P1, P3, P5, L4
        while True:
            if self.closed:
                raise Closed
            if not self.idle and "alloc" not in self.context.lacks:
                return self.alloc()
            if not self.idle:
                self.push(self.waiting.pop(0))
                continue
            resource = self.idle.pop()
            try:
                alive = self.call("check", resource)
            except BaseException:
                self.dealloc([resource])
                raise
            if alive:
                return resource

    def push(self, resource: Any) -> None:  # R1, L4
        if self.closed:
            return self.dealloc([resource])
        self.idle.append(resource)
        maxsize = self.context.settings.get("maxsize")
        if maxsize is not None and len(self.idle) > maxsize:
            self.evict()
        return None

    def evict(self) -> None:
        victims, self.idle = self.idle, []
        self.dealloc(victims)

    def close(self) -> None:  # L4
        self.closed = True
        self.evict()

    def expire(self) -> None:  # R2; nothing of what is idle then stays
        self.evict()

    def exit(self) -> None:  # L1
        self.close()

    def end(self) -> None:  # L1; nobody can catch what is raised there
        try:
            self.close()
        except KeyboardInterrupt:
            pass

    def make(self) -> None:  # C3
        faulty = self.behaviours.pop("alloc")
        made = [self.alloc()]
        self.behaviours["alloc"] = faulty
        try:
            made.append(self.alloc())
        except BaseException:
            self.idle = []  # what was given still belongs to the caller
            self.dealloc(made)
            raise
        self.idle = [*reversed(made), *self.idle]


class Real:
    """The pool, with callbacks that do as they are told, and a note of their calls."""

    def __init__(self, package: ModuleType, context: Context, behaviours: dict[str, str], making: bool) -> None:
        self.package, self.context, self.behaviours = package, context, dict(behaviours)
        self.calls: list[tuple[str, Any]] = []
        self.waiting = list(context.after)
        self.made = 0
        self.normal_allocs = 1 if making else 0
        self.gate = threading.Event()
        self.stopped = threading.Semaphore(0)
        real = self

        class Clock(package.ManualClock):  # type: ignore[name-defined, misc]
            def wait(self, lock: Any, start: float, timeout: float | None) -> bool:
                if real.waiting:
                    Call(real.pool.push, real.waiting.pop(0)).result()
                return bool(super().wait(lock, start, timeout))

        self.clock = Clock()
        self.arguments = {
            "init": context.idle,
            "clock": self.clock,
            **{name: getattr(self, name) for name in CALLBACKS if name not in context.lacks},
            **context.settings,
        }
        self.box: list[Any] = []
        self.reference: Callable[[], Any] = lambda: None
        if not making:
            self.make()

    @property
    def pool(self) -> Any:
        return self.reference()

    def call(self, callback: str, resource: Any) -> Any:
        self.calls.append((callback, resource))
        behaviour = self.behaviours.pop(callback, "ok")
        pool = self.pool
        if behaviour == "raises":
            raise Fault
        if behaviour == "interrupts":
            raise KeyboardInterrupt
        if behaviour in LATE:
            self.stopped.release()
            self.gate.wait(2 * PATIENCE)
        if behaviour == "drops":
            self.box.clear()
        if behaviour == "re-enters" and pool is not None:
            pool.push("extra")
        if behaviour == "closes" and pool is not None:
            pool.close()
        return behaviour != "falsy"

    def alloc(self) -> Any:
        self.made += 1
        name = f"made {self.made}"
        if self.normal_allocs:
            self.normal_allocs -= 1
            self.calls.append(("alloc", None))
            return name
        return name if self.call("alloc", None) else None

    def check(self, resource: Any) -> Any:
        return self.call("check", resource)

    def dealloc(self, resource: Any) -> None:
        self.call("dealloc", resource)

    def make(self) -> None:
        self.box.append(self.package.ResourcePool(**self.arguments))
        self.reference = weakref.ref(self.box[0])

    def idle(self) -> list[Any]:
        if self.pool is None:
            return []
        return [entry[1] if "maxage" in self.context.settings else entry for entry in inside.idle(self.pool)]

    def pop(self, timeout: float | None = None) -> Any:
        return self.pool.pop(timeout)

    def push(self, resource: Any) -> None:
        self.pool.push(resource)

    def close(self) -> None:
        self.pool.close()

    def expire(self) -> None:
        self.clock.advance(10)

    def end(self) -> None:
        self.box.clear()
        gc.collect()

    def exit(self) -> None:
        inside.get(inside.CLOSE_ALL, self.package)()


def all_behaviours() -> Iterator[dict[str, str]]:
    """Each behaviour of each callback, with each of the others'."""
    for behaviours in product(BEHAVIOURS, repeat=len(CALLBACKS)):
        yield dict(zip(CALLBACKS, behaviours, strict=True))


def compare(package: ModuleType, name: str, behaviours: dict[str, str]) -> None:
    """Run a case on the pool and by the contract.

    Raises:
        Violation: they differ.
    """
    context = CONTEXTS[name]
    expected = Contract(context, behaviours)
    if name == "constructor":  # there is no pool yet that a callback could use
        expected.behaviours = {
            key: "ok" if behaviour in ("re-enters", "closes", "drops") else behaviour
            for key, behaviour in behaviours.items()
        }
    if name == "collection":
        expected.behaviours = {
            key: "ok" if behaviour == "drops" else behaviour for key, behaviour in expected.behaviours.items()
        }
    wanted = _outcome(lambda: context.do(expected))
    if expected.dropped and not expected.closed:
        expected.end()
    real = Real(package, context, behaviours, name == "constructor")
    call = Call(lambda: _outcome(lambda: context.do(real)))
    try:
        if _comes_to_stop(real, call):
            # K1: others use the pool; who takes a step waits for its lock.
            elsewhere(lambda: real.pool is None or (repr(real.pool), inside.tend(real.pool)), "K1", "another thread")
            if "never returns" in behaviours.values():
                _leave(real)
                return
    finally:
        real.gate.set()
        got = call.result()
    del call
    gc.collect()
    clause = _clause(name, behaviours)
    if got != wanted:
        raise Violation(clause, f"it {got}, and should have {wanted}")
    if real.calls != expected.calls:
        raise Violation(clause, f"the callbacks were called so: {real.calls}, and not so: {expected.calls}")
    if real.idle() != expected.idle:
        raise Violation("P9", f"{real.idle()} are idle, and not {expected.idle}")


def _comes_to_stop(real: Real, call: Call) -> bool:
    """Whether a callback does not return; false when the call has ended."""
    while not real.stopped.acquire(timeout=0.001):
        if not call.thread.is_alive():
            return real.stopped.acquire(blocking=False)
    return True


def _leave(real: Real) -> None:
    """The callback never returns. Others close the pool, and what is not in the hands of that call is deallocated."""
    if real.pool is None:
        return
    before, idle = len(real.calls), real.idle()
    elsewhere(lambda: real.pool.close(), "K1", "a close")
    if real.calls[before:] != [("dealloc", resource) for resource in idle]:
        raise Violation("L4", f"{idle} were idle, and a close called {real.calls[before:]}")


def _clause(context: str, behaviours: dict[str, str]) -> str:
    """What is about the first callback that is not ok."""
    clauses = {"alloc": "C3" if context == "constructor" else "P2", "check": "P5", "dealloc": "K2"}
    return next((clauses[callback] for callback in CALLBACKS if behaviours[callback] != "ok"), "K1")


def _outcome(do: Callable[[], object]) -> str:
    try:
        return f"returned {do()!r}"
    except BaseException as error:
        return f"raised {type(error).__name__.removeprefix('ResourcePool')}"
