"""A process in which a thread is in the midst of an operation, for others to fork or to end it there."""

from __future__ import annotations

import os
import threading
from _thread import get_ident
from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

from tests.helpers import PATIENCE, Call, hooked_pool
from tests.support import inside
from ya.resourcepool import ManualClock, ResourcePoolClosed, ResourcePoolEmpty

where = ["nowhere"]  # for what is said of a mistake
say_at = [2]  # the number of the file


def complain(what: str) -> None:
    """Say what is wrong, also where the interpreter has been taken down; the test finds it in stderr."""
    os.write(say_at[0], f"{what} [{where[0]}]\n".encode())


def expect(condition: object, what: str) -> None:
    if not condition:
        complain(what)


class Owned:
    """A resource that complains when it ends in a process that it does not belong to."""

    in_hand: frozenset[str] = frozenset()  # what a call that goes on in the child has, which may end there

    def __init__(self, name: str) -> None:
        self.name, self.owner = name, os.getpid()

    def end(self, how: str, getpid: Callable[[], int] = os.getpid, complain: Callable[[str], None] = complain) -> None:
        if getpid() != self.owner and self.name not in self.in_hand:
            complain(f"L5: {self.name!r} is {how} in a child")

    def __del__(self) -> None:
        self.end("finalized")


class Steps(dict[str, Any]):
    """Hooks of `hooked_pool`: counts the steps of one thread, and has something happen at one of them."""

    def __init__(self, at: int, happen: Callable[[], None]) -> None:
        super().__init__()
        self.passed: list[str] = []
        self.thread: int | None = None
        self.any_other = False  # it is the first thread to come, but for the main one
        self.at = at
        self._happen = happen

    def pop(self, name: str, default: Any = None) -> Any:  # type: ignore[override]
        thread = get_ident()
        if self.any_other and thread != threading.main_thread().ident:
            self.thread, self.any_other = thread, False
        if thread != self.thread:
            return default
        self.passed.append(name)
        return self._happen if len(self.passed) - 1 == self.at else default

    def step(self, name: str) -> None:
        happen = self.pop(name)
        if happen is not None:
            happen()


class Operation(NamedTuple):
    """What a thread does.

    Attributes:
        do: does it.
        idle: how many are idle before.
        lacks: the callbacks that the pool is made without.
        settings: further arguments of the pool.
        waiter: whether another thread waits.
        blocks: whether it waits itself, until something is pushed.
        rings: whether it is the system's clock that does it.
    """

    do: Callable[[Scene], object]
    idle: int = 2
    lacks: tuple[str, ...] = ("alloc",)
    settings: dict[str, Any] = {}  # noqa: RUF012
    waiter: bool = False
    blocks: bool = False
    rings: bool = False


def _pop(scene: Scene, timeout: float | None = None) -> None:
    scene.took.append(scene.pool.pop(timeout).name)


def _push(scene: Scene) -> None:
    scene.pool.push(scene.new())


def _lease(scene: Scene) -> None:
    with scene.pool():
        pass


AGEING = {"maxage": 10, "minsize": 0}

OPERATIONS = {
    "pop": Operation(_pop),
    "pop of nothing": Operation(_pop, idle=0),
    "pop that checks": Operation(_pop, lacks=("alloc",)),
    "pop that allocates": Operation(_pop, idle=0, lacks=()),
    "pop of what is due": Operation(lambda scene: (scene.hurry(), _pop(scene)), settings=AGEING),
    "waiting pop": Operation(partial(_pop, timeout=0), idle=0, blocks=True),
    "waiting pop of two": Operation(partial(_pop, timeout=0), idle=0, blocks=True, waiter=True),
    "push": Operation(_push),
    "push to a waiter": Operation(_push, idle=0, waiter=True),
    "push that arms the clock": Operation(_push, idle=0, settings=AGEING),
    "push that evicts": Operation(_push, settings={"maxsize": 2, "minsize": 0}),
    "block": Operation(_lease),
    "clear": Operation(lambda scene: scene.pool.clear()),
    "close": Operation(lambda scene: scene.pool.close()),
    "close of a waiter": Operation(lambda scene: scene.pool.close(), idle=0, waiter=True),
    "expiry": Operation(lambda scene: scene.clock.advance(10), settings=AGEING),
    "expiry by the system's clock": Operation(lambda scene: scene.rung.wait(), settings={"maxage": 1e-3}, rings=True),
    "len": Operation(lambda scene: len(scene.pool), settings=AGEING),
}


class Scene:
    """A pool, and an operation of a thread that stops at one of its steps until it is released."""

    def __init__(self, name: str, at: int) -> None:
        self.operation = operation = OPERATIONS[name]
        self.gate, self.stopped, self.ended, self.rung = (threading.Event() for _ in range(4))
        self.steps = Steps(at, self.stop)
        self.process = os.getpid()
        self.made: list[str] = []
        self.took: list[str] = []
        self.deallocated: list[str] = []
        self.report: Callable[[str], None] = self.deallocated.append
        self.calls: list[Call] = []
        steps = self.steps

        class Clock(inside.get(inside.SYSTEM_CLOCK) if operation.rings else ManualClock):  # type: ignore[misc]
            def now(self) -> float:
                steps.step("now")
                return super().now()

            def call_at(self, *args: Any) -> Any:
                steps.step("call_at")
                return super().call_at(*args)

            def wait(self, *args: Any) -> bool:
                steps.step("wait")
                return super().wait(*args)

        self.clock = Clock()
        callbacks = {"alloc": self._alloc, "check": self._check, "dealloc": self._dealloc}
        self.steps.any_other = operation.rings
        self.pool = hooked_pool(
            self.steps,
            clock=self.clock,
            init=[self.new() for _ in range(operation.idle)],
            **{key: function for key, function in callbacks.items() if key not in operation.lacks},
            **operation.settings,
        )
        if operation.waiter:
            self.calls.append(Call(_pop, self, 0))
            self.clock.await_blocked(1, PATIENCE)

    def new(self) -> Owned:
        resource = Owned(f"{len(self.made)} of {self.process}")
        self.made.append(resource.name)
        return resource

    def _alloc(self) -> Owned:
        self.steps.step("alloc")
        return self.new()

    def _check(self, resource: Owned) -> bool:
        self.steps.step("check")
        return True

    def _dealloc(self, resource: Owned) -> None:
        resource.end("deallocated")
        self.report(resource.name)
        self.steps.step("dealloc")
        if resource.name in (self.made[0], self.made[-1]):  # the oldest of the parent, and that of the child
            self.rung.set()

    def hurry(self) -> None:
        """What is idle is due, and the clock is late."""
        inside.be_late(self.clock, self.clock.now() + 10)

    def stop(self) -> None:
        self.stopped.set()
        self.gate.wait()

    def operate(self) -> None:
        if not self.operation.rings:
            self.steps.thread = get_ident()
        try:
            self.operation.do(self)
        except (ResourcePoolEmpty, ResourcePoolClosed):
            pass
        finally:
            self.ended.set()
            self.stopped.set()

    def begin(self) -> bool:
        """Have a thread operate. Return whether it has come to its step, or is blocked, if the step is -1."""
        self.calls.append(Call(self.operate))
        if self.operation.blocks:
            blocked = self.comes_to_block()
            if self.steps.at < 0:
                return blocked
            while blocked and self.pool.waiting:
                self.pool.push(self.new())
        expect(self.stopped.wait(PATIENCE), "the operation is stuck")
        return self.steps.at < len(self.steps.passed)

    def comes_to_block(self) -> bool:
        """Wait until the operation is blocked, or stops."""
        while not self.stopped.wait(1e-3):
            try:
                return self.clock.await_blocked(1 + self.operation.waiter, 0)
            except TimeoutError:
                pass
        return False

    def idle(self) -> list[str]:
        entries = list(inside.idle(self.pool).copy())
        return [(entry if inside.maxage(self.pool) is None else entry[1]).name for entry in entries]

    def serve(self) -> None:
        """Push until the operation has ended, and nobody waits."""
        while not self.ended.wait(1e-3) or any(call.thread.is_alive() for call in self.calls):
            if self.pool.waiting:
                self.pool.push(self.new())

    def finish(self) -> None:
        """Let the operation end, in the process to which the pool belongs. Nothing may be lost."""
        self.steps.at = -1
        self.gate.set()
        self.serve()
        for call in self.calls:
            try:
                call.result()
            except ResourcePoolClosed:
                pass
        self.rung.wait(PATIENCE if self.operation.rings else 0)
        where_all_are = [*self.idle(), *self.took, *self.deallocated]
        expect(sorted(where_all_are) == sorted(self.made), f"P9: of {self.made} there are {where_all_are}")
        idle = self.idle()
        self.pool.close()
        expect(self.deallocated[len(self.deallocated) - len(idle) :] == idle, f"L4: {idle} were idle at the end")


def use(scene: Scene) -> None:
    """Use the pool of a child. It has to be empty, unlocked and usable (L5)."""
    pool, clock = scene.pool, scene.clock
    scene.steps.thread, scene.steps.any_other, scene.steps.at = None, False, -1
    scene.process = os.getpid()
    if Owned.in_hand:  # what the call that went on has put into the pool
        expect(len(pool) <= len(Owned.in_hand), f"L5: {pool} in a child")
        pool.clear()
    first = len(scene.made)
    scene.deallocated.clear()
    expect(len(pool) == 0 == pool.waiting, f"L5: {pool} in a child")
    scene.rung.clear()
    Call(_push, scene).result()
    if scene.operation.rings:
        expect(scene.rung.wait(PATIENCE), "L5: nothing expires in the child")
    elif inside.closed(pool):
        expect(isinstance(Call(pool.pop, 0).error(), ResourcePoolClosed), "L5: a closed pool is open in the child")
    else:
        expect(Call(pool.pop, 0).result().name == scene.made[-1], "L5: the child can't pop what it has pushed")
        pool.clear()
        if pool._alloc is None:
            waiting = Call(pool.pop, 0)
            while not pool.waiting:
                waiting.thread.join(1e-3)
            _push(scene)
            expect(waiting.result().name == scene.made[-1], "L5: a waiter of the child is not served")
        if scene.operation.settings is AGEING:
            _push(scene)
            clock.advance(10)
            expect(scene.deallocated[-1:] == scene.made[-1:], "L5: nothing expires in the child")
        for _ in range(4):
            _push(scene)  # the last is for the exit
    expect(set(scene.deallocated) <= set(scene.made[first:]), "L5: the child deallocated what is not its own")


def main_with(run: Callable[..., object], *arguments: str) -> None:
    """The main function of a process that forks."""
    import warnings

    warnings.filterwarnings("ignore", ".*multi-threaded", DeprecationWarning)  # at a fork, since 3.12
    run(*arguments)
