"""Operations of threads on a pool, and the contract that each step of them has to keep."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Hashable, Iterable, Sequence
from typing import Any, NoReturn

from tests.schedule.clauses import View, look
from tests.schedule.clock import Clock
from tests.schedule.scheduler import Scheduler, Task, Violation, mixed
from tests.schedule.seam import CHANGES, Seam, Watch
from tests.schedule.touches import CALLS, IDLE, TIME, WAITERS, writing
from tests.support import inside
from tests.support.package import load

TICK = 3  # what an operation `tick` moves the time by
TIMEOUT = 5  # of a timed pop


class Call:
    """An operation in progress."""

    def __init__(self, kind: str, task: Task, outer: Call | None) -> None:
        self.kind, self.task, self.outer = kind, task, outer
        self.over = False
        self.began: float = 0
        self.found_nothing = False  # at some moment of it, nothing was idle
        self.ahead: list[Any] = []  # who waited already as it began
        self.due: set[str] = set()  # what had expired then
        self.closed = False  # as it began a close had returned, or a pop had raised that the pool is closed
        self.arrival = 0  # its place in the order of those that came to wait
        self.waiter: Any = None  # for its present candidate
        self.left_to_it = 0  # how many have left their work to it: pushes that interrupted it, or found the lock taken


class Scenario(Watch):
    """Threads that each do some operations on one pool.

    Operations are `pop`, `pop timed`, `pop forever`, `push` (what the thread popped last, or else something new),
    `new` (push something new), `close`, `clear`, `len` and `tick` (the time moves on).

    Args:
        threads: the operations of each, separated by commas.
        handlers: what a signal handler does, some time while the first thread is in a call.
        interrupts: how many KeyboardInterrupts come in pops and pushes of the first thread.
        init: names of the first resources, oldest last.
        alloc: whether the pool has an `alloc`.
        check: `dead`, what the `check` says of the resources named there, or `raise`, what it does then.
        again: whether the first `dealloc` pushes something new.
        leaves: whether a timeout is a thread that has the waiter leave.
        settings: of the pool.
    """

    def __init__(
        self,
        *threads: str,
        handlers: Sequence[str] = (),
        interrupts: int = 0,
        init: str = "",
        alloc: bool = False,
        dead: str = "",
        raising: str = "",
        again: bool = False,
        leaves: bool = False,
        **settings: Any,
    ) -> None:
        self.threads = [[part.strip() for part in thread.split(",")] for thread in threads]
        self.handlers, self.interrupts = handlers, interrupts
        self.init, self.alloc, self.dead, self.raising = init.split(), alloc, dead.split(), raising.split()
        self.checks = bool(self.dead or self.raising)
        self.again, self.leaves, self.settings = again, leaves, settings
        self.maxsize, self.maxage = settings.get("maxsize"), settings.get("maxage")
        self.floor = settings.get("minsize") or 0
        self.target = self.maxsize if settings.get("minsize") is None else settings["minsize"]
        self.counts_holders = self.maxsize is not None
        self.constant = self._constant()
        if interrupts:
            self.free = frozenset({"unsettled"})  # who is cut off has no lock
        self.use()

    def use(self, package: Any = None, scheduler: Scheduler | None = None) -> Scheduler:
        """Run on the pool of this package, with this scheduler. Return that."""
        self.package = load() if package is None else package
        self.scheduler = Scheduler() if scheduler is None else scheduler
        self.seam = Seam(self.scheduler, self)
        self.pool_class = self.seam.pool_class(self.package)
        return self.scheduler

    def _constant(self) -> frozenset[str]:
        operations = {operation for thread in (*self.threads, self.handlers) for operation in thread}
        found = {"now"} if self.maxage is None and not operations & {"pop timed", "tick"} else set()
        found |= {
            name for name, operation in (("closed", "close"), ("clearing", "clear")) if operation not in operations
        }
        if not (self.handlers or self.interrupts):
            found.add("unsettled")
        return frozenset(found)

    def _broken(self, how: str) -> NoReturn:
        self.scheduler.fail(Violation(how))

    # What a run consists of.

    def build(self, scheduler: Scheduler) -> Callable[[], None]:
        self.pool_class.departing.clear()  # a run that was given up may have left something
        self.clock = Clock(self.seam, self.leaves)
        self.calls: list[Call] = []
        self.made: list[str] = []
        self.pushed: dict[str, int] = {}  # when each was pushed last
        self.stamps: dict[str, float] = {}
        self.gone: list[str] = []
        self.dropped: list[str] = []
        self.ended = 0  # stands for both
        self.held: list[list[str]] = []
        self.outcomes: list[list[str]] = []
        self.raised: set[str] = set()  # their `check` did
        self.pushes = self.most = self.arrivals = self.lost = 0
        self.owing: Task | None = None
        self.left_to_the_clock: dict[int, int] = {}  # by its calls: how many have left their work to it
        self.has_closed = False
        self.has_pushed_again = not self.again
        self.made += self.init
        for name in reversed(self.init):
            self.pushes += 1
            self.pushed[name] = self.pushes
            self.stamps[name] = 0
        settings = dict(self.settings)
        if self.alloc:
            settings["alloc"] = self._alloc
        if self.checks:
            settings["check"] = self._check
        self.pool: Any = None
        self.pool = self.pool_class(init=self.init, dealloc=self._dealloc, clock=self.clock, **settings)
        for number, operations in enumerate(self.threads):
            held: list[str] = []
            outcomes: list[str] = []
            self.held.append(held)
            self.outcomes.append(outcomes)
            scheduler.spawn(self._thread(operations, held, outcomes), f"T{number + 1}")
        first = scheduler.tasks[0]
        first.exposed = bool(self.handlers or self.interrupts)
        for number, operation in enumerate(self.handlers):
            outcomes = []
            self.outcomes.append(outcomes)
            self.held.append([])
            body = self._handler(first, operation, self.held[-1], outcomes)
            scheduler.spawn(body, f"H{number + 1}", owner=first).daemon = True
        for number in range(self.interrupts):
            scheduler.spawn(self._interrupter(first), f"I{number + 1}").daemon = True
        return self._finish

    def _thread(self, operations: list[str], held: list[str], outcomes: list[str]) -> Callable[[], None]:
        def body() -> None:
            for operation in operations:
                self._call(operation, held, outcomes)

        return body

    def _handler(self, owner: Task, operation: str, held: list[str], outcomes: list[str]) -> Callable[[], None]:
        def body() -> None:
            self._call(operation, held, outcomes, lambda: owner.call is not None and owner.handler is None)

        return body

    def _interrupter(self, target: Task) -> Callable[[], None]:
        def ready() -> bool:
            call = target.call
            if call is None or target.handler is not None or target.interrupt is not None:
                return False
            # None can come right before the release, see docs/design.md; what its `dealloc` raises is the user's.
            return call.kind[:3] in ("pop", "pus", "new") and target.operation not in ("release", "dealloc")

        def body() -> None:
            task = self.scheduler.step("interrupt", ready)
            target.interrupt = KeyboardInterrupt()
            task.saw("interrupt")

        return body

    def _call(
        self, operation: str, held: list[str], outcomes: list[str], guard: Callable[[], bool] | None = None
    ) -> None:
        task = self.scheduler.step(operation, guard)
        if guard is not None:
            task.owner.handler = task
        call = task.call = Call(operation, task, task.call)
        self.calls.append(call)
        # What no check of this call asks for stays as it is, so that fewer states differ.
        if operation == "pop timed":
            call.began = self.clock.time
        call.found_nothing = self._nothing_is_idle()
        if self.maxage is not None and not self.floor and operation.startswith("pop"):
            call.due = self.due(deque.__iter__(inside.idle(self.pool)))
        call.closed = self.has_closed
        task.saw(operation)
        call.ahead = [waiter for waiter in list.__iter__(inside.waiters(self.pool)) if self._waits(waiter)]
        try:
            outcome = self._do(operation, held, call)
        except self.package.ResourcePoolEmpty:
            outcome = "empty"
            self._may_be_empty(call)
        except self.package.ResourcePoolClosed:
            outcome = "closed"
            self.has_closed = True  # whoever has been told so may rely on it
        except CallbackRaised as error:
            outcome = str(error)
        except KeyboardInterrupt:
            outcome = "interrupted"
            self.lost += 1
        except Exception as error:
            self._broken(f"P9: {operation} raised {error!r}")
        call.over = True
        task.touched |= ENDS
        self.calls.remove(call)
        task.call = call.outer
        if task.owner is not task and operation in ("push", "new"):
            task.owner.call.left_to_it += 1
        outcomes.append(outcome)
        # It has forgotten all but this.
        task.history = hash((task.name, tuple(outcomes), tuple(held)))

    def _do(self, operation: str, held: list[str], call: Call) -> str:
        pool = self.pool
        if operation.startswith("pop"):
            timeout = {"pop": None, "pop timed": TIMEOUT, "pop forever": 0}[operation]
            resource: str = pool.pop(timeout)
            if call.closed:
                self._broken(f"L4: the pool was closed before the pop began that got {resource}")
            if resource in call.due:
                self._broken(f"R3: {resource} was due when the pop began that got it")
            held.append(resource)
            return resource
        if operation in ("push", "new"):
            resource = held.pop() if held and operation == "push" else self._made(call.task.name)
            pool.push(resource)
            return "pushed"
        if operation == "tick":
            self.clock.advance(self.clock.time + TICK)
            return "tick"
        if operation == "len":
            return str(len(pool))
        getattr(pool, operation)()
        if operation == "close":
            self.has_closed = True
        return operation

    def _may_be_empty(self, call: Call) -> None:
        if call.kind == "pop forever":
            self._broken("P3: ResourcePoolEmpty, and it was to wait for ever")
        if call.kind == "pop timed" and self.clock.time - call.began < TIMEOUT:
            self._broken("P3: ResourcePoolEmpty before the timeout")
        if not call.found_nothing:
            self._broken("P3: ResourcePoolEmpty, and at each moment of the call something was idle")

    def _made(self, prefix: str) -> str:
        # By what its thread has made, which the thread's history tells: two states that differ in a name only would
        # be taken for one.
        name = f"{prefix}.{sum(made.startswith(f'{prefix}.') for made in self.made)}"
        self.made.append(name)
        return name

    # Callbacks.

    def _callback(self, name: str) -> Task:
        task = self.scheduler.step(name)
        if self.pool is not None and inside.lock(self.pool).owner is task.owner:
            self._broken(f"K1: {name} runs under the lock")
        return task

    def _alloc(self) -> str:
        task = self._callback("alloc")
        if not task.call.found_nothing:
            self._broken("P3: alloc was called, and at each moment of the call something was idle")
        resource = self._made(task.name)
        task.saw(resource)
        return resource

    def _check(self, resource: str) -> bool:
        task = self._callback("check")
        task.saw(resource)
        if resource in self.raising:
            self.raised.add(resource)
            raise CallbackRaised(f"check raised for {resource}")
        if resource in self.dead:
            self.dropped.append(resource)
            self.ended = hash((frozenset(self.gone), frozenset(self.dropped)))
            return False
        return True

    def _dealloc(self, resource: str) -> None:
        task = self._callback("dealloc")
        if resource in self.gone:
            self._broken(f"R4: a second dealloc of {resource}")
        if (
            self.maxage is not None
            and self.maxsize is None
            and not self.pool.raw_closed
            and resource not in self.raised
        ):
            cleared = any(call.kind == "clear" for call in self.calls)
            if not cleared and self.clock.time - self.stamps[resource] < self.maxage:
                self._broken(f"R2: {resource} is deallocated, and has not expired")
        self.gone.append(resource)
        self.ended = hash((frozenset(self.gone), frozenset(self.dropped)))
        task.saw(resource)
        if not self.has_pushed_again:
            self.has_pushed_again = True
            self._call("new", [], [])
            task.saw("again")

    # What happens in a step.

    def changed(self, operation: str, idle: Any) -> None:
        if self.pool is None:
            return
        task = self.scheduler.current or self.scheduler.acting
        size = deque.__len__(idle)
        if operation == "append":
            entry = deque.__getitem__(idle, size - 1)  # for -1 it would call `__len__`
            resource = entry if self.maxage is None else entry[1]
            self.pushes += 1
            self.pushed[resource] = self.pushes
            if self.maxage is not None:
                self.stamps[resource] = entry[0]
            if self.maxsize is not None:
                self.most = max(self.most, size)
            if self.owing is not None and size >= self.target:
                self.owing = None  # as if this had come before the eviction
        elif operation == "pop":
            if self.scheduler.current is not None and task.call is not None:  # not by `move`, see `filled`
                self._does_not_overtake(task.call)
        elif operation == "popleft":
            self._evicts(task, size + 1)
        elif operation == "extendleft" and self.owing is task:
            self.owing = None
        if self._nothing_is_idle():
            for call in self.calls:
                call.found_nothing = True

    def looks_at(self, operation: str, task: Task) -> int:
        if operation == "append" or (operation == "pop" and task.call is not None and not task.call.ahead):
            return TIME if self.maxage is not None else 0  # is anything idle that is not due?
        return CHANGES

    def acquired(self) -> None:
        if self.pool is not None and self.maxsize is not None:
            self.most = deque.__len__(inside.idle(self.pool))

    def waits(self) -> None:
        task = self.scheduler.current
        if task is not None and task.call is not None and task.call.kind in ("push", "new"):
            self._broken("K3: a push waits for the lock")

    def refused(self, holder: Task) -> None:
        if self.maxsize is None:
            return
        task = self.scheduler.current or self.scheduler.acting
        left = 1
        if task.call is not None:
            left += task.call.left_to_it
            task.call.left_to_it = 0
        if holder.call is not None:
            holder.call.left_to_it += left
        else:
            self.left_to_the_clock[holder.index] = self.left_to_the_clock.get(holder.index, 0) + left

    def moved(self) -> None:
        if self._nothing_is_idle():
            for call in self.calls:
                call.found_nothing = True

    def arrived(self, waiter: Any) -> None:
        if not waiter.call.arrival:
            self.arrivals += 1
            waiter.call.arrival = self.arrivals

    def filled(self, waiter: Any) -> None:
        queue = list(list.__iter__(inside.waiters(self.pool)))
        if any(waiter is queued for queued in queue):
            for other in queue:
                if (
                    other.call.arrival < waiter.call.arrival
                    and not list.__len__(inside.box(other))
                    and not _is_over(other)
                ):
                    self._broken(f"P7: {waiter.call.task.name} is served before {other.call.task.name}")
        elif waiter.call is not None:
            self._does_not_overtake(waiter.call)

    def due(self, entries: Iterable[tuple[float, str]]) -> set[str]:
        """What has expired."""
        return {resource for stamp, resource in entries if self.clock.time - stamp >= self.maxage}

    def _does_not_overtake(self, call: Call) -> None:
        for waiter in call.ahead:
            if self._waits(waiter) and any(waiter is queued for queued in list.__iter__(inside.waiters(self.pool))):
                self._broken(f"P7: {call.task.name} overtakes {waiter.call.task.name}")

    def _waits(self, waiter: Any) -> bool:
        return waiter.call.task.waits and not list.__len__(inside.box(waiter)) and inside.latch(waiter).held

    def _nothing_is_idle(self) -> bool:
        if self.pool is None or self.owing is not None:
            return False
        idle = inside.idle(self.pool)
        if not deque.__len__(idle):
            return True
        return (
            self.maxage is not None
            and not self.floor
            and all(self.clock.time - entry[0] >= self.maxage for entry in deque.__iter__(idle))
        )

    def _evicts(self, task: Task | None, size: int) -> None:
        """A victim was taken of so many that were idle."""
        pool = self.pool
        if pool.raw_closed or any(call.kind == "clear" for call in self.calls):
            return
        overflows = self.maxsize is not None and self.most > self.maxsize
        if overflows and list.__len__(inside.waiters(pool)) and self.maxage is None:
            self._broken("R5: it evicts while somebody waits")
        if self.maxage is None and not overflows:
            self._broken("R1: it evicts, and no more than maxsize were idle")
        if self.maxage is None and size <= self.target and not self.interrupts:
            self.owing = task  # it was one too many, to be put back, unless an interrupt comes

    # The states between.

    def view(self) -> View:
        """What can be seen of the pool now."""
        pool = self.pool
        return View(
            tuple(deque.__iter__(inside.idle(pool))),
            tuple([(w.number, *list.__iter__(inside.box(w))) for w in pool.born if list.__len__(inside.box(w))]),
            tuple(sorted([tuple(victims) for victims, _, _ in self.pool.departing.values() if victims], key=str)),
            tuple([w.number for w in list.__iter__(inside.waiters(pool))]),
            pool.raw_closed,
        )

    def state(self) -> int:
        """A number that stands for all that the threads share, and for all that is remembered here.

        It is a sum, of which steps that touch nothing in common change different parts.
        """
        pool = self.pool
        owner = inside.lock(pool).owner
        total = mixed((*deque.__iter__(inside.idle(pool)), self.most, self.owing and self.owing.index))
        total += mixed(
            (
                pool.raw_limit,
                pool.raw_barred,
                pool.raw_since,
                pool.raw_closed,
                pool.raw_clearing,
                inside.arrivals(pool),
                list.__len__(inside.timer(pool)),
                owner and owner.index,
                *[waiter.number for waiter in list.__iter__(inside.waiters(pool))],
            )
        )
        total += mixed(("unsettled", pool.raw_unsettled))  # who is cut off changes it without the lock
        total += mixed((self.clock.time, len(self.made), self.has_closed, self.has_pushed_again, self.lost, self.ended))
        for w in pool.born:
            if inside.latch(w).held:
                total += mixed(("held", w.number))
            if list.__len__(inside.box(w)) or not w.call.over:
                flags = w.raw_woken, w.raw_unpacked, w.raw_abandoned
                total += mixed((w.number, inside.arrival(w), inside.start(w), *flags, *list.__iter__(inside.box(w))))
        for c in self.calls:
            found_nothing = c.found_nothing and c.kind[:3] == "pop"
            seen = [w.number for w in c.ahead]
            if c.due:
                seen += sorted(c.due)
            total += mixed((c.kind, c.task.index, found_nothing, c.closed, c.arrival, c.began, *seen))
            if c.left_to_it:
                total += mixed(("left to", c.task.index, c.kind, c.left_to_it))  # by what others do
        for index, left in self.left_to_the_clock.items():
            total += mixed(("left", index, left))
        for victims, _, _ in pool.departing.values():
            if victims:
                total += mixed(("victims", *victims))
        return total

    def observe(self) -> None:
        look(self)

    def _finish(self) -> None:
        if self.maxage is not None and deque.__len__(inside.idle(self.pool)) > self.floor:
            raise Violation("R3: everything has rung, and something is left to expire")

    def outcome(self) -> Hashable:
        """What came of the run, for all that the threads can tell."""
        return (tuple(map(tuple, self.outcomes)), self.view(), frozenset(self.gone), frozenset(self.dropped))


ENDS = writing(CALLS) | IDLE | TIME | WAITERS  # what a thread touches as its call ends


class CallbackRaised(Exception):
    """What a `check` or an `alloc` raises."""


def _is_over(waiter: Any) -> bool:
    return bool(waiter.raw_unpacked or waiter.raw_abandoned)
