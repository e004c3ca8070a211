"""Real threads use a real pool, and what they see is recorded: histories for TLC and for the search of Wing and Gong.

A history is a list of events in the order of their stamps. The stamp of an event is its place in a list, and to draw it
is one `list.append`: one atomic operation, with the global interpreter lock and without it. No lock is held over a
call, so the threads meet in the pool as they would without the recorder.

The order of the stamps is sound. A call's first event is appended before the call begins, and its last after it has
ended, by the same thread; for a callback, which the pool calls, the first is appended after it has begun and the last
before it ends. So if one call's last event comes before another's first, the one had ended before the other began. The
recorded interval of a call contains the real one, and that of a callback lies within the real one: whatever the pool
did, it did in an order that the history allows. If a history can't be explained, the pool is to blame.
"""

from __future__ import annotations

import random
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from typing import Any

from tests.helpers import PATIENCE
from tests.support import inside
from ya.resourcepool import ResourcePool, ResourcePoolClosed, ResourcePoolEmpty

EMPTY, CLOSED, RAISED = "Empty", "Closed", "Raised"  # how a pop may end without a resource
ALIVE, DEAD = "alive", "dead"  # what `check` may say; or RAISED
NONE, TIMED, FOREVER = "none", "timed", "forever"  # how a pop may be called

SECONDS = {NONE: None, FOREVER: 0}


@dataclass(frozen=True)
class Event:
    """What a thread has seen.

    `do` is "pop", "push", "close", "check", "alloc" or "dealloc" where that begins, and "popped", "raised", "pushed",
    "closed", "checked", "alloced" or "dealloced" where it has ended, a pop in either of two ways. "queued" means that
    the thread saw so many pops waiting.

    Args:
        by: the thread, from 1.
        what: the resource; how a pop is called, or what it raised; what a check said; how many wait.
    """

    do: str
    by: int
    what: Any = None


@dataclass(frozen=True)
class Settings:
    """What pools are made with, and what threads do with them."""

    name: str
    init: int = 0  # resources 1, 2, ...
    alloc: bool = False
    check: bool = False
    minsize: int | None = None
    maxsize: int | None = None
    threads: int = 3
    calls: int = 3  # of each thread
    timeouts: tuple[str, ...] = (NONE, TIMED)
    close: bool = False  # whether the last thread ends with it
    queue: bool = False  # whether the others wait, one after the other, for what the last one has and gives back then
    hoard: bool = False  # whether they pop first, and push all in the end
    timeout: float = 0.0003  # seconds
    jitter: float = 0.5  # the share of pools whose deque shakes the threads


@dataclass(frozen=True)
class History:
    """What was recorded of one pool."""

    settings: Settings
    events: tuple[Event, ...]
    origin: str = ""  # for people: where it comes from

    @property
    def overlaps(self) -> bool:
        """Whether two calls were under way at the same time."""
        inside: set[int] = set()
        for event in self.events:
            if event.do in ("pop", "push", "close"):
                inside.add(event.by)
            elif event.do in ("popped", "raised", "pushed", "closed"):
                inside.discard(event.by)
            if len(inside) > 1:
                return True
        return False


class Crew:
    """Threads that go through one history after the other, released by a barrier each time."""

    def __init__(self, threads: int, pool_class: type[ResourcePool[Any]] = ResourcePool) -> None:
        self._pool_class = pool_class
        self._barrier = threading.Barrier(threads + 1)
        self._work: list[Callable[[], None] | None] = [None] * threads
        self._errors: list[BaseException] = []
        self._threads = [threading.Thread(target=self._run, args=(i,), daemon=True) for i in range(threads)]
        for thread in self._threads:
            thread.start()

    def _run(self, number: int) -> None:
        while True:
            self._barrier.wait()
            work = self._work[number]
            if work is None:
                return
            try:
                work()
            except BaseException as error:
                self._errors.append(error)
            self._barrier.wait()

    def dismiss(self) -> None:
        self._work = [None] * len(self._work)
        self._barrier.wait(PATIENCE)
        for thread in self._threads:
            thread.join(PATIENCE)

    def record(self, settings: Settings, seed: int) -> History:
        """Have the threads use a new pool at random; the seed decides what they do, not when."""
        rng = random.Random(f"{settings.name} {seed}")
        session = _Session(settings, rng, self._pool_class)
        session.prepare()
        idle = len(self._work) - settings.threads
        self._work = [session.work(i) for i in range(1, settings.threads + 1)] + [_nothing] * idle
        self._barrier.wait(PATIENCE)
        self._barrier.wait(PATIENCE)
        if self._errors:
            raise self._errors[0]
        return History(settings, tuple(session.events), f"{settings.name}, seed {seed}")


def _nothing() -> None:
    pass


@contextmanager
def crew(threads: int, pool_class: type[ResourcePool[Any]] = ResourcePool) -> Iterator[Crew]:
    """Threads that take turns as often as the interpreter can make them."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    hands = Crew(threads, pool_class)
    try:
        yield hands
    finally:
        hands.dismiss()
        sys.setswitchinterval(before)


class _Session:
    """A pool, what the threads will do with it, and what they have seen."""

    def __init__(self, settings: Settings, rng: random.Random, pool_class: type[ResourcePool[Any]]) -> None:
        self.settings = settings
        self.events: list[Event] = []
        self._who: dict[int, int] = {}  # by thread ident
        numbers = range(1, settings.threads + 1)
        self._owned: dict[int, list[int]] = {i: [] for i in numbers}
        if rng.random() < settings.jitter:
            shaken = type(
                "ShakenDeque", (_Shaken, getattr(pool_class, inside.DEQUE_CLASS)), {"rng": random.Random(rng.random())}
            )
            pool_class = inside.subclass(pool_class, deque_class=shaken)
        # Each thread has its own: nothing is shared but the pool and the list of events.
        self._verdicts = {i: random.Random(rng.random()) for i in numbers}
        self._new = {i: count(settings.init + i, settings.threads) for i in numbers}
        self._programs = {i: list(self._program(i, rng)) for i in numbers}
        self._pool = pool_class(
            alloc=self._alloc if settings.alloc else None,
            dealloc=self._dealloc,
            check=self._check if settings.check else None,
            init=range(settings.init, 0, -1),  # handed out in the order of the iterable: 1 is the oldest
            minsize=settings.minsize,
            maxsize=settings.maxsize,
        )

    def prepare(self) -> None:
        """What happens before the threads are released."""
        if self.settings.queue:
            last = self.settings.threads
            self._who[threading.get_ident()] = last
            for _ in range(self.settings.init):
                self._pop(last, NONE)

    def work(self, number: int) -> Callable[[], None]:
        def run() -> None:
            self._who[threading.get_ident()] = number
            for do, what in self._programs[number]:
                {"pop": self._pop, "push": self._push, "close": self._close, "queued": self._await}[do](number, what)

        return run

    def _program(self, number: int, rng: random.Random) -> Iterator[tuple[str, Any]]:
        settings = self.settings
        last = number == settings.threads
        if settings.queue:
            yield "queued", settings.threads - 1 if last else number - 1
            if not last:
                yield "pop", rng.choice(settings.timeouts)
            yield from [("push", rng.random())] * settings.init
            return
        for i in range(settings.calls):
            if i == 0 or (i < settings.calls - 1 if settings.hoard else rng.random() < 0.55):
                how = rng.choice(settings.timeouts)
                # Who closes must not wait for the end itself.
                yield "pop", TIMED if settings.close and last and how == FOREVER else how
            else:
                yield "push", rng.random()
        if settings.close and last:
            yield "close", None
        elif settings.hoard or rng.random() < 0.5:
            yield from [("push", rng.random())] * settings.calls

    # What the threads do.

    def _pop(self, number: int, how: str) -> None:
        note, pop = self.events.append, self._pool.pop
        timeout = SECONDS.get(how, self.settings.timeout)
        begin = Event("pop", number, how)
        note(begin)
        try:
            resource = pop(timeout)
        except ResourcePoolEmpty:
            note(Event("raised", number, EMPTY))
        except ResourcePoolClosed:
            note(Event("raised", number, CLOSED))
        except _CallbackError:
            note(Event("raised", number, RAISED))
        else:
            note(Event("popped", number, resource))
            self._owned[number].append(resource)

    def _push(self, number: int, which: float) -> None:
        owned = self._owned[number]
        if not owned:
            return
        resource = owned.pop(int(which * len(owned)))
        self.events.append(Event("push", number, resource))
        self._pool.push(resource)
        self.events.append(Event("pushed", number))

    def _close(self, number: int, _: None) -> None:
        self.events.append(Event("close", number))
        self._pool.close()
        self.events.append(Event("closed", number))

    def _await(self, number: int, waiting: int) -> None:
        """See that so many pops wait. They go on waiting: who could serve them awaits more."""
        if waiting:
            deadline = time.monotonic() + PATIENCE
            while self._pool.waiting < waiting:
                assert time.monotonic() < deadline, f"{self._pool} should have {waiting} waiting"
                time.sleep(0)
            self.events.append(Event("queued", number, waiting))

    # The callbacks. Each lets others go on, as a slow one would.

    def _alloc(self) -> int:
        number = self._who[threading.get_ident()]
        self.events.append(Event("alloc", number))
        time.sleep(0)
        if self._verdicts[number].random() < 0.1:
            self.events.append(Event("alloced", number, RAISED))
            raise _CallbackError
        resource = next(self._new[number])
        self.events.append(Event("alloced", number, resource))
        return resource

    def _check(self, resource: int) -> bool:
        number = self._who[threading.get_ident()]
        self.events.append(Event("check", number, resource))
        time.sleep(0)
        verdict = self._verdicts[number].choice((ALIVE, ALIVE, ALIVE, DEAD, RAISED))
        self.events.append(Event("checked", number, verdict))
        if verdict == RAISED:
            raise _CallbackError
        return verdict == ALIVE

    def _dealloc(self, resource: int) -> None:
        number = self._who.get(threading.get_ident())
        if number is None:
            return  # the recording is over, and its pool garbage
        self.events.append(Event("dealloc", number, resource))
        time.sleep(0)
        self.events.append(Event("dealloced", number, resource))


class _Shaken:
    """Makes a deque let other threads go on, now and then, before what it is asked for: they meet more often."""

    rng: random.Random

    def _shake(self) -> None:
        if self.rng.random() < 0.3:
            time.sleep(0)

    def append(self, item: Any) -> None:
        self._shake()
        super().append(item)  # type: ignore[misc]

    def pop(self) -> Any:
        self._shake()
        return super().pop()  # type: ignore[misc]

    def popleft(self) -> Any:
        self._shake()
        return super().popleft()  # type: ignore[misc]

    def __len__(self) -> int:
        self._shake()
        return super().__len__()  # type: ignore[misc, no-any-return]


class _CallbackError(Exception):
    """What a callback raises."""


def kinds(histories: list[History]) -> Counter[str]:
    """How often each kind of event was seen, those of `raised` and `checked` by what was."""
    return Counter(
        f"{event.do} {event.what}" if event.do in ("raised", "checked") else event.do
        for history in histories
        for event in history.events
    )


# Each with how many histories of it make a run. They are short, and most have two threads, so that TLC has few ways to
# try; what they do is random.
RUN: dict[Settings, int] = {
    Settings("limited", init=2, threads=2, calls=2): 1200,
    Settings("limited by three", init=2, calls=2): 200,
    Settings("waiting in order", init=1, queue=True, timeouts=(FOREVER,)): 200,
    Settings("allocating", init=1, alloc=True, threads=2, calls=2): 1250,
    Settings("checked", init=2, check=True, threads=2, calls=2): 600,
    Settings("checked and allocating", init=2, alloc=True, check=True, threads=2, calls=2): 400,
    Settings("overflow with hysteresis", init=1, alloc=True, minsize=1, maxsize=2, threads=2, calls=3, hoard=True): 150,
    Settings("overflow by three", init=1, alloc=True, maxsize=1, calls=2): 200,
    Settings("nothing is kept", alloc=True, maxsize=0, threads=2, calls=2): 400,
    Settings("closed", init=2, threads=2, calls=2, timeouts=(NONE, TIMED, FOREVER), close=True): 300,
    Settings("closed while allocating", init=1, alloc=True, check=True, maxsize=1, calls=2, close=True): 150,
}


def record(run: dict[Settings, int], seed: int, pool_class: type[ResourcePool[Any]] = ResourcePool) -> list[History]:
    """Record so many histories of each."""
    with crew(max(settings.threads for settings in run), pool_class) as hands:
        return [hands.record(settings, seed + i) for settings, number in run.items() for i in range(number)]
