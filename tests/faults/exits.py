"""Processes that end: `python -m tests.faults.exits amid OPERATION`, or `... of REASON`.

Each is a fork of this one, which has no pool, and ends as any process does.
"""

from __future__ import annotations

import atexit
import os
import random
import signal
import sys
import threading
from collections import Counter
from collections.abc import Callable
from functools import partial
from typing import Any

from tests.faults import occupied
from tests.faults.occupied import OPERATIONS, Scene, complain, expect, main_with
from tests.helpers import PATIENCE
from tests.support import inside
from ya.resourcepool import ResourcePool, ResourcePoolClosed, ResourcePoolEmpty

NO_SUCH_STEP = 77
INTERRUPTED = -signal.SIGINT

kept: list[Any] = []  # until the exit


class End(BaseException):
    """Leads to the end of the process."""


def _raise(error: type[BaseException]) -> None:
    raise error


# What ends a process, and with what status.
ENDINGS: dict[str, tuple[Callable[[], object], int]] = {
    "the end": (int, 0),
    "sys.exit": (lambda: sys.exit(3), 3),
    "an error": (partial(_raise, OSError), 1),
    "an interrupt": (partial(_raise, KeyboardInterrupt), INTERRUPTED),
    "os._exit": (lambda: os._exit(4), 4),
}


def _report(write: Callable[[int, bytes], int], file: int, getpid: Callable[[], int], owner: int, what: str) -> None:
    """Write to the parent. It needs no module, so that it can be called when these have been cleared."""
    write(file, f"{what}{'' if getpid() == owner else ' in a child'}\n".encode())


class Ended:
    """What a process has reported until it ended."""

    def __init__(self, begin: Callable[[Callable[[str], None]], None], ending: str) -> None:
        reads, writes = os.pipe()
        pid = os.fork()
        if pid == 0:
            signal.alarm(int(PATIENCE))
            os.close(reads)
            occupied.say_at[0] = os.dup(2)
            os.dup2(os.open(os.devnull, os.O_WRONLY), 2)  # for what Python, or a logger, says of an error
            begin(partial(_report, os.write, writes, os.getpid, os.getpid()))
            raise End(ending)
        os.close(writes)
        with open(reads) as report:
            self.lines = report.read().splitlines()
        self.status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        expect(self.status != -signal.SIGALRM, "L2: the exit is stuck")

    def ends_with(self, ending: str) -> None:
        expected = ENDINGS[ending][1]
        expect(self.status in (expected, -signal.SIGALRM), f"it ended with status {self.status}, not {expected}")


def amid(name: str, at: int, ending: str) -> bool:
    """End a process while a daemon thread stands at a step of an operation. Return whether there is that step."""
    occupied.where[0] = f"{name}, step {at}, {ending}"
    ended = Ended(lambda report: _stand(name, at, report), ending)
    if ended.status == NO_SUCH_STEP:
        return False
    ended.ends_with(ending)
    mark = ended.lines.index("end") if "end" in ended.lines else 0
    before = [line for line in ended.lines[:mark] if not line.startswith("left ")]
    left = [line.removeprefix("left ") for line in ended.lines[:mark] if line.startswith("left ")]
    after = ended.lines[mark + 1 :]
    twice = [resource for resource, times in Counter(before + after).items() if times > 1]
    expect(not twice, f"R4: {twice} were deallocated twice")
    if ending == "os._exit":
        expect(not after, f"{after} were deallocated")
        return True
    missing = set(left) - set(after)
    # Those that pop may still take one, if they are faster than the exit.
    takes = ("pop" in name or name == "block") + OPERATIONS[name].waiter
    expect(len(missing) <= takes, f"L1: {missing} were not deallocated")
    return True


def _stand(name: str, at: int, report: Callable[[str], None]) -> None:
    scene = Scene(name, at)
    scene.report = report
    if not scene.begin():
        os._exit(NO_SUCH_STEP)
    departing = [entry for victims, *_ in inside.get(inside.DEPARTING).values() for entry in victims]
    for resource in [*scene.idle(), *((entry[1] if inside.maxage(scene.pool) else entry).name for entry in departing)]:
        report(f"left {resource}")
    report("end")
    if at >= 0 and scene.steps.passed[at] not in ("alloc", "check", "dealloc"):
        # It may hold the lock: it goes on when the exit has begun. In a callback it stays for ever (L2).
        atexit.register(scene.gate.set)


def busy(ending: str) -> None:
    """End a process while daemon threads use a pool."""
    occupied.where[0] = f"busy, {ending}"
    threads, resources = 4, [str(i) for i in range(20)]

    def begin(report: Callable[[str], None]) -> None:
        pool = ResourcePool(init=resources, maxsize=len(resources), dealloc=report)
        started = threading.Semaphore(0)
        for number in range(threads):
            threading.Thread(target=_use, args=(pool, started, random.Random(number)), daemon=True).start()
        for _ in range(threads):
            started.acquire()

    ended = Ended(begin, ending)
    ended.ends_with(ending)
    if ending == "os._exit":
        expect(not ended.lines, f"{ended.lines} were deallocated")
    else:
        expect(len(set(ended.lines)) == len(ended.lines), f"R4: {ended.lines} were deallocated")
        expect(len(ended.lines) >= len(resources) - 2 * threads, f"L1: only {ended.lines} were deallocated")


def _use(pool: Any, started: threading.Semaphore, draw: random.Random) -> None:
    for _ in range(50):
        _take_turns(pool, draw)
    started.release()
    try:
        while True:
            _take_turns(pool, draw)
    except ResourcePoolClosed:
        # Said by Python, it would abort the process: at its end no thread may be just writing to a file.
        pass


def _take_turns(pool: Any, draw: random.Random) -> None:
    taken = []
    try:
        taken = [pool.pop() for _ in range(draw.randrange(3))]
    except ResourcePoolEmpty:
        pass
    for resource in taken:
        pool.push(resource)


# What a `dealloc` does at the exit, once; and what is deallocated because of that.


def _start_thread(world: dict[str, Any]) -> None:
    thread = threading.Thread(target=int)
    thread.start()  # since 3.12 it can't
    thread.join()


def _make(world: dict[str, Any]) -> None:
    world["made"] = ResourcePool(init=["new"], maxage=1000, dealloc=world["report"])


def _wait_for_thread(world: dict[str, Any]) -> None:
    """Be slow: end when a daemon thread has seen that this has begun."""
    world["begun"].set()
    world["go on"].wait()


DEALLOCS: dict[str, tuple[Callable[[dict[str, Any]], object], list[str]]] = {
    "returns": (lambda world: None, []),
    "is slow": (_wait_for_thread, []),
    "raises": (lambda world: _raise(OSError), []),
    "interrupts": (lambda world: _raise(KeyboardInterrupt), []),
    "exits": (lambda world: sys.exit(9), []),
    "starts a thread": (_start_thread, []),
    "forks": (lambda world: os.fork() == 0 or os.wait(), []),  # since 3.12 it can't
    "pushes": (lambda world: world["pool"].push("new"), ["new"]),
    "pushes to an older pool": (lambda world: world["older"].push("new"), ["new"]),
    "makes a pool": (_make, ["new"]),
    "closes": (lambda world: world["pool"].close(), []),
    "drops the pool": (lambda world: world.pop("pool"), []),
    "collects": (lambda world: __import__("gc").collect(), []),
}


def dealloc_that(does: str, ending: str) -> None:
    """End a process with a pool whose `dealloc` does that."""
    occupied.where[0] = f"a dealloc that {does}, {ending}"
    behaviour, more = DEALLOCS[does]
    world: dict[str, Any] = {}

    def begin(report: Callable[[str], None]) -> None:
        def dealloc(resource: str) -> None:
            report(resource)
            if resource == "a":
                behaviour(world)

        def watch() -> None:
            world["begun"].wait()
            world["go on"].set()

        kept.append(world)
        world.update(report=report, begun=threading.Event())
        world["go on"] = threading.Event()
        threading.Thread(target=watch, daemon=True).start()
        world["oldest"] = ResourcePool(init=["d"], dealloc=report)
        world["older"] = ResourcePool(init=["c"], maxage=1000, dealloc=report)
        world["pool"] = ResourcePool(init=["b", "a"], maxage=1000, dealloc=dealloc)

    ended = Ended(begin, ending)
    _all_once(ended, ["a", "b", "c", "d", *more], ending)


def _all_once(ended: Ended, expected: list[str], ending: str) -> None:
    if (ending, ended.status) != ("an interrupt", 1):  # so Python ends if something is logged after the interrupt
        ended.ends_with(ending)
    expected = [] if ending == "os._exit" else expected
    expect(sorted(ended.lines) == expected, f"L1: {ended.lines} were deallocated, and not {expected}")


# Who pushes when, since 3.12, no thread can be started for the expiry of what is pushed (L7). The handler that is
# registered last is the first to run, and the pool's is registered when it is made.


def _by_thread(make: Callable[[], None], push: Callable[[], None]) -> None:
    def late() -> None:
        threading.main_thread().join()
        push()

    make()
    threading.Thread(target=late).start()


def _before(make: Callable[[], None], push: Callable[[], None]) -> None:
    make()
    atexit.register(push)


def _after(make: Callable[[], None], push: Callable[[], None]) -> None:
    atexit.register(push)
    make()


class _Last:
    """Ends when all handlers have run, and the modules are about to be cleared."""

    def __init__(self, *functions: Callable[[], None]) -> None:
        self._functions = functions

    def __del__(self) -> None:
        for function in self._functions:
            function()


def _by_finalizer(make: Callable[[], None], push: Callable[[], None]) -> None:
    kept.append(_Last(make, push, kept[0].clear))


LATE: dict[str, Callable[[Callable[[], None], Callable[[], None]], None]] = {
    "a thread that the exit waits for": _by_thread,
    "a handler before the pool's": _before,
    "a handler after the pool's": _after,
    "a finalizer that makes the pool": _by_finalizer,
}


def late_push(by: str, ending: str) -> None:
    """Push to a pool with a maxage when the exit has begun."""
    occupied.where[0] = f"a late push by {by}, {ending}"

    def begin(report: Callable[[str], None]) -> None:
        pools: list[Any] = []
        new = partial(ResourcePool, init=["b"], maxage=1000, minsize=1, dealloc=report)

        def make() -> None:
            pools.append(new())

        def push() -> None:
            pools[0].push("a")
            report("pushed")

        kept.append(pools)
        LATE[by](make, push)

    _all_once(Ended(begin, ending), ["a", "b", "pushed"], ending)


REASONS: dict[str, tuple[list[str], Callable[[str, str], None]]] = {
    "dealloc": (list(DEALLOCS), dealloc_that),
    "late": (list(LATE), late_push),
    "busy": ([""], lambda _, ending: busy(ending)),
}


def _some(endings: list[str], at: int, stride: int) -> list[str]:
    """Those to be tried at a step; with a stride, not all."""
    return endings[at % stride :: stride]


def run(what: str, name: str, stride: str = "1") -> None:
    """Print how many processes have ended."""
    number = 0
    endings = list(ENDINGS)
    try:
        if what == "of":
            cases, end = REASONS[name]
            for case in cases:
                for ending in endings:
                    end(case, ending)
                    number += 1
        else:
            at = -1 if OPERATIONS[name].blocks else 0
            while all(amid(name, at, ending) for ending in _some(endings, at, int(stride))):
                number += len(_some(endings, at, int(stride)))
                at += 1
    except End as end_of_process:
        ENDINGS[end_of_process.args[0]][0]()
        return
    except BaseException:
        complain("it failed")
        raise
    print(number)


if __name__ == "__main__":
    main_with(run, *sys.argv[1:])
