"""The pool under control, and what it is in the terms of the specification.

`Replayed.state` says what each variable of ResourcePool.tla is in the pool, as ResourcePoolRefinement.tla does for the
algorithm.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from types import ModuleType
from typing import Any

from tests.replay.graph import Fast, State
from tests.schedule.clock import Clock
from tests.schedule.scheduler import Scheduler, Task, Violation
from tests.schedule.seam import Seam, Watch
from tests.support import inside

FOREVER = float("inf")
TIMEOUTS: dict[str, float | None] = {"none": None, "timed": 5, "forever": 0}


class CallbackRaised(Exception):
    """What a callback raises."""


class Caller:
    """A thread, and how far its call has come."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.owned: frozenset[str] = frozenset()
        self.command = ("", "")  # what it is to call: `pop`, `push` or `close`, and with what
        self.outcome: Any = None  # of the callback that it is in; an exception is raised
        self.dealloc_raises = False
        self.task: Task | None = None
        self.begin("out")

    def begin(self, kind: str) -> None:
        self.kind = kind
        self.timeout: str | None = None
        self.callback = ""  # checking or allocating
        self.hand: str | None = None  # of a pop, once it is in no box
        self.pushes: str | None = None
        self.pushing = ""  # or pushed
        self.stamped = False  # the push has read the clock
        self.open = False  # the push has appended, and has yet to look
        self.waiter: Any = None  # of the present candidate; the seam sets it
        self.queued: Any = None  # the waiter that has been in the queue last
        self.check_raised = self.has_shut = False
        self.settles = False  # in `LOOK`: it holds the lock, or has held it, or has nothing else to do
        self.evicting: tuple[int, Any] | None = None  # the arguments of `EVICT`
        self.expelling = self.undecided = False  # what it has just moved to its victims may be put back
        self.victims: Sequence[Any] = ()
        self.deallocating: str | None = None
        self.busy = False


class Alarms(Clock):
    """A clock that time passes on by itself; its call comes when it is told to."""

    def __init__(self, seam: Seam, caller: Caller) -> None:
        super().__init__(seam)
        self.caller = caller
        self.alarms: list[tuple[float, Task]] = []

    def now(self) -> float:
        task = self._scheduler.current
        time = super().now()
        if task is not None and task.call.pushing == "pushing":
            task.call.stamped = True
        return time

    def advance(self, time: float) -> None:
        """Waiting takes no time, so that timeouts can come at any moment."""

    def _call(self, time: float, function: Callable[[], object], name: str) -> Task:
        caller = self.caller

        def ring() -> None:
            caller.begin("ring")
            function()
            self._scheduler.step("return")
            caller.begin("out")

        alarm = super()._call(time, ring, name)
        alarm.call = caller
        self.alarms.append((time, alarm))
        return alarm

    def pending(self) -> list[tuple[float, Task]]:
        """When it is to call."""
        self.alarms = [(time, alarm) for time, alarm in self.alarms if not (alarm.done or alarm.started)]
        return self.alarms


def pool_class(seam: Seam, package: ModuleType) -> type[Any]:
    """The pool under control that notes how far its calls have come."""
    scheduler = seam.scheduler

    base = seam.pool_class(package)

    class Pool(base):  # type: ignore[misc, valid-type]
        def push(self, resource: Any) -> None:
            caller = scheduler.current.call
            caller.pushes, caller.pushing = resource, "pushing"
            caller.stamped = inside.maxage(self) is None
            caller.hand = None
            try:
                super().push(resource)
            finally:
                caller.open = False

    def look(self: Any, victims: Any, step: Any = None) -> None:
        caller = scheduler.current.call if scheduler.current else Caller("")
        caller.victims = victims
        caller.settles = step is None or step.__name__ == inside.DISARM
        try:
            getattr(base, inside.LOOK)(self, victims, step)
        finally:
            caller.settles = caller.open = False

    def shut(self: Any, victims: Any) -> Any:
        result = getattr(base, inside.SHUT)(self, victims)
        scheduler.current.call.has_shut = True
        return result

    def evict(self: Any, victims: Any, keep: int, now: Any = None) -> None:
        caller = scheduler.current.call if scheduler.current else Caller("")
        caller.evicting = keep, now
        try:
            getattr(base, inside.EVICT)(self, victims, keep, now)
        finally:
            caller.evicting = None
            caller.undecided = False

    def expel(self: Any, take: Any, victims: Any) -> None:
        caller = scheduler.current.call
        caller.expelling = True
        try:
            getattr(base, inside.EXPEL)(self, take, victims)
        finally:
            caller.expelling = False
        caller.undecided = caller.evicting is not None and (caller.evicting[0] > 0 or caller.evicting[1] is not None)

    return inside.subclass(Pool, look=look, shut=shut, evict=evict, expel=expel)


class Replayed(Watch):
    """A pool, and the threads that call it.

    Args:
        package: the pool's package, from `load`.
        settings: of the pool; with `alloc` and `check` whether it has one.
        initial: the first state of the graph.
        threads: their names, `clock` the last.
    """

    def __init__(self, package: ModuleType, settings: dict[str, Any], initial: State, threads: tuple[str, ...]) -> None:
        self.package, self.settings, self.initial, self.threads = package, dict(settings), initial, threads
        self.has_alloc, self.has_check = self.settings.pop("alloc"), self.settings.pop("check")
        self.maxage: int | None = settings["maxage"]
        self.scheduler = Scheduler()
        self.seam = Seam(self.scheduler, self)
        self.pool_class = pool_class(self.seam, package)

    def build(self, scheduler: Scheduler) -> None:
        """Make the pool and the threads."""
        self.pool: Any = None
        self.pool_class.departing.clear()
        self.callers = [Caller(name) for name in self.threads]
        self.by_name = {caller.name: caller for caller in self.callers}
        self.clock = Alarms(self.seam, self.callers[-1])
        self.stamps: dict[str, float] = {}
        initial = self.initial
        self.unmade, self.gone, self.dead = initial.unmade, initial.gone, initial.dead
        settings = dict(self.settings)
        if self.has_alloc:
            settings["alloc"] = self._alloc
        if self.has_check:
            settings["check"] = self._check
        names = [name for name, _ in initial.idle]
        self.stamps.update(dict.fromkeys(names, 0))
        init = reversed(names)
        self.pool = self.pool_class(init=init, dealloc=self._dealloc, clock=self.clock, **settings)
        for caller, owned in zip(self.callers, initial.owned, strict=False):
            caller.owned = owned
            caller.task = scheduler.spawn(self._body(caller), caller.name)
            caller.task.call = caller

    # What the threads do.

    def _body(self, caller: Caller) -> Callable[[], None]:
        step = self.scheduler.step

        def body() -> None:
            while True:
                caller.begin("out")
                step("out")
                kind, argument = caller.command
                try:
                    if kind == "pop":
                        caller.begin("pop")
                        caller.timeout = argument
                        resource = self.pool.pop(TIMEOUTS[argument])
                        if not caller.callback:
                            caller.hand = resource
                            step("return")
                        caller.owned |= {resource}
                    elif kind == "push":
                        caller.begin("push")
                        self.pool.push(argument)
                        caller.owned -= {argument}
                        step("return")
                    else:
                        caller.begin("close")
                        self.pool.close()
                        step("return")
                except (self.package.ResourcePoolEmpty, self.package.ResourcePoolClosed, CallbackRaised):
                    if caller.check_raised:
                        step("return")
                except KeyboardInterrupt:
                    if caller.pushing:
                        step("return")

        return body

    def _callback(self, name: str) -> Any:
        task = self.scheduler.step(name)
        if inside.lock(self.pool).owner is task:
            self.scheduler.fail(Violation(f"K1: {name} runs under the lock"))
        return task.call

    def _result(self, caller: Caller) -> Any:
        if isinstance(caller.outcome, Exception):
            raise caller.outcome
        return caller.outcome

    def _alloc(self) -> Any:
        caller = self._callback("alloc")
        caller.callback = "allocating"
        self.scheduler.step("allocating")
        resource = self._result(caller)
        self.unmade -= {resource}
        return resource

    def _check(self, resource: str) -> Any:
        caller = self.scheduler.current.call  # type: ignore[union-attr]
        caller.hand = resource
        self._callback("check")
        caller.callback = "checking"
        self.scheduler.step("checking")
        if caller.outcome is not True:
            caller.callback, caller.hand = "", None
            if caller.outcome is False:
                self.dead |= {resource}
            else:
                caller.check_raised = True
        return self._result(caller)

    def _dealloc(self, resource: str) -> None:
        caller = self.scheduler.current.call  # type: ignore[union-attr]
        caller.deallocating = resource
        self._callback("dealloc")
        caller.busy = True
        self.scheduler.step("deallocating")
        caller.busy, caller.deallocating = False, None
        self.gone |= {resource}
        if caller.dealloc_raises:
            raise CallbackRaised

    # What the seam tells.

    def changed(self, operation: str, idle: Any) -> None:
        if operation == "append":
            caller = self.scheduler.current.call  # type: ignore[union-attr]
            entry = deque.__getitem__(idle, deque.__len__(idle) - 1)
            if self.maxage is not None:
                self.stamps[entry[1]] = entry[0]
            caller.pushing, caller.open, caller.stamped = "pushed", True, True

    def acquired(self) -> None:
        if self.scheduler.current is not None:
            self.scheduler.current.call.settles = True

    def arrived(self, waiter: Any) -> None:
        waiter.call.queued = waiter

    # What it is in the terms of the specification.

    def _at(self, caller: Caller, queue: list[Any]) -> str:
        kind = caller.kind
        if kind == "out":
            return "out"
        if caller.pushing:
            if caller.stamped:
                return caller.pushing
            return "out" if kind == "push" else "found"
        if kind == "close":
            return "working" if caller.has_shut else "closing"
        if kind == "ring" or caller.check_raised:
            return "working"
        if caller.callback:
            return caller.callback
        waiter = caller.waiter
        if caller.hand is not None or (waiter is not None and list.__len__(inside.box(waiter))):
            return "found"
        if waiter is not None and caller.queued is waiter:
            return "waiting" if waiter in queue else "working"
        return "popping"

    def _entry(self, entry: Any) -> tuple[str, int]:
        if self.maxage is None:
            return entry, 0
        stamp, resource = entry
        return resource, int(min(self.clock.time - stamp, self.maxage))

    def _hand(self, caller: Caller, at: str) -> tuple[str, int] | None:
        if at == "found":
            if caller.hand is None and not caller.pushing:
                return self._entry(list.__getitem__(inside.box(caller.waiter), 0))
            resource: Any = caller.hand or caller.pushes
        elif at == "checking":
            resource = caller.hand
        elif at == "pushing":
            return caller.pushes, 0  # type: ignore[return-value]
        else:
            return None
        return self._entry((self.stamps[resource], resource) if self.maxage is not None else resource)

    def state(self) -> State:
        """The state of the specification that the pool is in."""
        pool, callers = self.pool, self.callers
        aged = self.maxage is not None
        queue = list(list.__iter__(inside.waiters(pool)))
        idle = [self._entry(entry) for entry in deque.__iter__(inside.idle(pool))]
        at: list[str] = []
        hands: list[tuple[str, int] | None] = []
        victims: list[tuple[str, ...]] = []
        keep: list[int | None] = []
        timeout: list[str | None] = []
        arrived: list[tuple[int, str]] = []
        unsettled: list[str] = []
        busy: list[str] = []
        for caller in callers:
            name = caller.name
            if caller.kind == "out":
                at.append("out")
                hands.append(None)
                victims.append(())
                keep.append(None)
                timeout.append(None)
                continue
            where = self._at(caller, queue)
            at.append(where)
            hands.append(self._hand(caller, where))
            given_up = [entry[1] for entry in caller.victims] if aged else list(caller.victims)
            if caller.undecided:
                idle.insert(0, self._entry(caller.victims[-1]))
                given_up.pop()
            if caller.deallocating is not None:
                given_up.insert(0, caller.deallocating)
            victims.append(tuple(given_up))
            evicting = caller.evicting
            keep.append(None if evicting is None or evicting[1] is not None or pool.raw_closed else evicting[0])
            if caller.settles or caller.open or evicting is not None:
                unsettled.append(name)
            if caller.busy:
                busy.append(name)
            if caller.kind == "pop" and where in IN_A_POP:
                timeout.append(caller.timeout)
                if caller.queued is not None:
                    arrived.append((inside.arrival(caller.waiter), name))
            else:
                timeout.append(None)
        del timeout[-1]
        arrived.sort()
        return State(
            tuple(idle),
            tuple([waiter.call.name for waiter in queue if not list.__len__(inside.box(waiter))]),
            tuple([name for _, name in arrived]),
            tuple(at),
            tuple(timeout),
            tuple(hands),
            tuple([self._owned(caller, where) for caller, where in zip(callers, at, strict=True)][:-1]),
            tuple(victims),
            tuple(keep),
            frozenset(unsettled),
            frozenset(busy),
            self.unmade,
            self.gone,
            self.dead,
            pool.raw_closed,
        )

    def _owned(self, caller: Caller, at: str) -> frozenset[str]:
        # A push takes over when it reads the clock.
        return caller.owned - {caller.command[1]} if caller.kind == "push" and at != "out" else caller.owned

    def fast(self) -> Fast:
        """What the fast path goes by."""
        pool = self.pool
        if self.maxage is None:
            return Fast(pool.raw_barred, 0, None)
        since = pool.raw_since
        pending = self.clock.pending()
        if len(pending) > 1:
            raise Violation(f"L3: the clock is to call {len(pending)} times")
        armed = int(min(self.clock.time - pending[0][0] + self.maxage, self.maxage)) if pending else None
        return Fast(pool.raw_barred, -1 if since == FOREVER else int(min(self.clock.time - since, self.maxage)), armed)


IN_A_POP = {"popping", "waiting", "found", "checking"}
