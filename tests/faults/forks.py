"""Processes that fork amid an operation: `python -m tests.faults.forks WAY OPERATION`."""

from __future__ import annotations

import gc
import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Callable
from typing import Any

from tests.faults import occupied
from tests.faults.occupied import Owned, Scene, complain, expect, main_with, use
from tests.helpers import PATIENCE, Call
from tests.support import inside

LIMIT = int(PATIENCE)  # seconds after which a child counts as stuck


class Child(BaseException):
    """Leads out of all that the parent was about to do; the child ends as any process does."""


def in_child(scene: Scene) -> None:
    occupied.where[0] += ", child"
    signal.alarm(LIMIT)
    use(scene)
    gc.collect()


def wait_for(pid: int) -> None:
    status = os.waitpid(pid, 0)[1]
    expect(status != signal.SIGALRM, "L5: the child is stuck")
    expect(status in (0, signal.SIGALRM), f"the child ended with status {status}")


def fork(scene: Scene) -> None:
    pid = os.fork()
    if pid == 0:
        in_child(scene)
        raise Child
    wait_for(pid)


def nested(scene: Scene) -> None:
    """The child forks at once, and again when it has used the pool."""
    pid = os.fork()
    if pid == 0:
        occupied.where[0] += ", child"
        signal.alarm(2 * LIMIT)
        fork(scene)
        use(scene)
        fork(scene)
        raise Child
    wait_for(pid)


def by_multiprocessing(scene: Scene) -> None:
    process: Any = multiprocessing.get_context("fork").Process(target=in_child, args=(scene,))
    process.start()
    process.join()
    expect(process.exitcode != -signal.SIGALRM, "L5: the child is stuck")
    expect(process.exitcode in (0, -signal.SIGALRM), f"the child ended with status {process.exitcode}")


WAYS: dict[str, Callable[[Scene], None]] = {"fork": fork, "nested": nested, "multiprocessing": by_multiprocessing}


def meanwhile(name: str, way: str, at: int) -> str | None:
    """Fork while another thread stands at a step. Return the step; None if there are not so many."""
    scene = Scene(name, at)
    if not scene.begin():
        scene.finish()
        return None
    step = scene.steps.passed[at] if at >= 0 else "blocked"
    occupied.where[0] = f"{name}, step {at}: {step}, {way}"
    WAYS[way](scene)
    scene.finish()
    return step


def amid(name: str, at: int) -> str | None:
    """A signal handler, or whatever comes there, forks in the thread that operates. In the child the call goes on."""
    scene = Scene(name, at)
    pid = -1

    def happen(*_: object) -> None:
        nonlocal pid
        departing = [entry for victims, *_ in inside.get(inside.DEPARTING).values() for entry in victims]
        left = {(entry[1] if inside.maxage(scene.pool) else entry).name for entry in departing} | set(scene.idle())
        del departing
        pid = os.fork()
        if pid == 0:
            occupied.where[0] += ", child"
            signal.alarm(LIMIT)
            Owned.in_hand = frozenset(scene.made) - left
            scene.calls.clear()  # the parent's
            scene.stopped, scene.ended = threading.Event(), threading.Event()
            if scene.operation.blocks:
                Call(scene.serve)
        else:
            wait_for(pid)

    scene.steps._happen = happen
    occupied.where[0] = f"{name}, step {at}, amid"
    if scene.operation.blocks:
        if at < 0:
            signal.signal(signal.SIGUSR1, happen)
        Call(_release, scene, at < 0)
    scene.operate()
    if pid == 0:
        use(scene)
        gc.collect()
        raise Child
    scene.finish()
    return scene.steps.passed[at] if pid > 0 and at >= 0 else "blocked" if pid > 0 else None


def _release(scene: Scene, to_fork: bool) -> None:
    """Have the signal come when the operation is blocked, and end it then."""
    if scene.comes_to_block():
        if to_fork:
            os.kill(os.getpid(), signal.SIGUSR1)
        scene.serve()


def _at_step(name: str, way: str, at: int) -> str | None:
    if way == "amid" and not occupied.OPERATIONS[name].rings:  # in whose thread no handler runs
        return amid(name, at)
    return meanwhile(name, "fork" if way == "amid" else way, at)


def run(way: str, name: str, stride: str = "1") -> None:
    """Print how many forks there were. The way `mixed` is one at each step, in turn: nested, amid, multiprocessing."""
    at, forks = -1 if occupied.OPERATIONS[name].blocks else 0, 0
    try:
        while _at_step(name, ("nested", "amid", "multiprocessing")[at % 3] if way == "mixed" else way, at) is not None:
            forks, at = forks + 1, max(0, at + int(stride))
    except Child:
        sys.exit()
    except BaseException:
        complain("it failed")
        raise
    print(forks)


if __name__ == "__main__":
    main_with(run, *sys.argv[1:])
