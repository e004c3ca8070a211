"""A deterministic scheduler: threads take their steps in an order that a list of choices says.

Code under control calls `Scheduler.step` before each operation that other threads can see; `tests.schedule.seam` has
locks and containers that do. A step is that operation and what its thread does alone until it is about to take the
next one. One thread runs at a time, so a run is a function of its list of choices, which replays it.

Tools that were looked at instead, in 2026: frontrun 0.7.0 finds 1 of 2, 1 or 3 of 6 and 30 of 90 orders in which
threads can take a lock, and reports that the property holds; interleave-test 0.1.0 finds all of them, but needs Python
3.12, switches at every bytecode (1,000 to 3,000 schedules a second), has no hook into what is shared, and takes a
daemon thread that sleeps for a deadlock; musil checks models, not code. So this is the project's own, with a test of
its soundness in test_scheduler.py.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Hashable, Iterator, Sequence
from itertools import groupby
from types import FrameType
from typing import Any, NamedTuple, NoReturn

try:
    from greenlet import getcurrent, greenlet
except ImportError:  # it would switch on the global lock of a Python that can do without
    greenlet = None

from tests.schedule.touches import ALL, ALONE, HOLDER, QUEUE

MOST_STEPS = 5000  # of a run; one that takes more counts as a livelock


class Violation(AssertionError):
    """A promise that was broken; the message begins with its clause."""


class Deadlock(Violation):
    """Nobody can go on."""


class Killed(BaseException):
    """Unwinds what is left of a run."""


class Label(NamedTuple):
    """Where a thread stands: the innermost function of the code under control, and the operation that it is about
    to do there."""

    function: str
    operation: str
    file: str = ""
    line: int = 0


class Greenlets:
    """Threads that are greenlets: fast. They are used again, since to make one takes longer than ten steps."""

    def __init__(self) -> None:
        self.main = getcurrent()
        self._free: list[greenlet] = []

    def thread(self, body: Callable[[], None]) -> greenlet:
        thread = self._free.pop() if self._free else greenlet(self._work, self.main)
        thread.body = body
        return thread

    def _work(self) -> None:
        thread: Any = getcurrent()
        while True:
            thread.body()
            thread.body = None
            self._free.append(thread)
            self.main.switch()

    @staticmethod
    def frame(thread: greenlet) -> FrameType | None:
        frame: FrameType | None = thread.gr_frame
        return frame


class RealThreads:
    """Threads that are threads, and pass a baton."""

    class Thread:
        def __init__(self, owner: RealThreads, body: Callable[[], None] | None) -> None:
            self._owner, self._body = owner, body
            self._baton = threading.Lock()
            self._baton.acquire()
            self.thread: threading.Thread | None = None

        def switch(self) -> None:
            """Give the baton to this thread; return when the caller has it back."""
            caller, self._owner.current = self._owner.current, self
            if self.thread is None and self._body is not None:
                self.thread = threading.Thread(target=self._run, daemon=True)
                self.thread.start()
            else:
                self._baton.release()
            caller._baton.acquire()

        def _run(self) -> None:
            assert self._body is not None
            self._body()
            self._owner.current = self._owner.main
            self._owner.main._baton.release()

    def __init__(self) -> None:
        self.main = self.current = RealThreads.Thread(self, None)

    def thread(self, body: Callable[[], None]) -> RealThreads.Thread:
        return RealThreads.Thread(self, body)

    @staticmethod
    def frame(thread: RealThreads.Thread) -> FrameType | None:
        ident = thread.thread.ident if thread.thread is not None else None
        return None if ident is None else sys._current_frames().get(ident)


BACKENDS = [RealThreads] if greenlet is None else [Greenlets, RealThreads]


class Task:
    """A thread, as the scheduler sees it."""

    __slots__ = (
        "call",
        "daemon",
        "done",
        "exposed",
        "guard",
        "handler",
        "history",
        "index",
        "interrupt",
        "name",
        "operation",
        "owner",
        "size",
        "started",
        "thread",
        "touched",
        "waits",
    )

    def __init__(self, index: int, name: str, owner: Task | None, guard: Callable[[], bool] | None) -> None:
        self.index, self.name = index, name
        self.owner = owner or self  # whose locks it has: a handler runs in the thread that it interrupts
        self.guard = guard  # whether it can take its next step; None: it can
        self.operation = "start"
        self.waits = False  # its next step may be a timeout, so others go first
        self.handler: Task | None = None  # runs on top of it
        self.interrupt: BaseException | None = None  # to be raised in place of its next step
        self.started = self.done = False
        self.daemon = False  # the run may end without it
        self.exposed = False  # a handler or an interrupt may come before any of its steps
        self.touched = 0  # by its last step, see `touches`
        self.call: Any = None  # the operation of the pool that it is in, for the oracle
        self.size = 0  # what it was told when it asked last how many are idle
        # Of all that it has seen. Its local state is a function of that, so this stands for it in a fingerprint.
        self.history = hash((name, index))
        self.thread: Any = None

    def saw(self, result: object) -> None:
        """Note the result of its step."""
        self.history = hash((self.history, result))

    def can_go(self) -> bool:
        if self.done or self.handler is not None:
            return False
        return self.interrupt is not None or self.guard is None or self.guard()


class Scheduler:
    """Runs threads under control, one run after the other.

    Args:
        threads: makes the threads: one of `BACKENDS`, the fastest by default.

    Attributes:
        current: who takes a step; None outside the run, and in what is part of one step: nothing is a step there.
        acting: who takes a step that consists of several operations.
        choices: the index of who took each step of the run.
        observe: called at each state from the last of the given choices on, or at each state of the run, with the
            task that took the step to it, or None at the first of them. It may look at everything, and raise.
        decide: called after that, at each state beyond the given choices; returns who goes on, None to give up the run.
        reduces: take a step at once if others can do nothing before it that would make a difference.
        holder: who has the lock for which steps say that they are taken at once.
    """

    def __init__(self, threads: Callable[[], Any] = BACKENDS[0]) -> None:
        self._threads = threads()
        self.observe: Callable[[Task | None], None] | None = None
        self.decide: Callable[[], Task | None] = self.go_on
        self.current: Task | None = None
        self.acting: Task | None = None
        self.holder: Task | None = None
        self.reduces = False
        self.tasks: list[Task] = []
        self.choices: list[int] = []
        self._nobody = Task(-1, "nobody", None, None)

    def run(
        self, build: Callable[[Scheduler], Callable[[], None] | None], choices: Sequence[int] = (), quickly: bool = True
    ) -> BaseException | None:
        """Run once: `build` spawns the threads, and returns what is to be called at the end of a run.

        Args:
            choices: who takes the first steps.
            quickly: observe nothing before the last of them.

        Returns:
            What went wrong: a `Violation`, or another exception that left a thread.
        """
        self.tasks, self.choices = [], list(choices)
        self._given = len(self.choices)
        self._quickly = self._steps = self._own = 0
        self._over = False
        self.gave_up = False
        self.failure: BaseException | None = None
        self.current, self.last, self.holder = None, None, None
        finish = build(self)
        self._starting = True
        for task in self.tasks:
            if task.operation == "start":
                self._switch(task)
        self._starting = False
        self._quickly = self._given - 1 if quickly else 0  # up to there nothing is observed
        while not self._over:
            following = self._next()
            if following is None:
                break
            self._switch(following)
        if not self.gave_up and self.failure is None and finish is not None:
            try:
                finish()
            except BaseException as error:
                self.failure = error
        self._over = True
        for task in self.tasks:
            while not task.done:
                self._switch(task)  # `step` raises, or it never begins
        return self.failure

    def spawn(
        self,
        function: Callable[[], object],
        name: str,
        *,
        owner: Task | None = None,
        guard: Callable[[], bool] | None = None,
        operation: str = "start",
    ) -> Task:
        """Have a thread run the function.

        Args:
            owner: the thread that this one interrupts: it does not go on before this ends.
            guard: whether it can take its first step.
            operation: what its first step is. By default it runs up to the first step of the function at once.
        """
        task = Task(len(self.tasks), name, owner, guard)
        task.operation = operation

        def body() -> None:
            try:
                if not self._over:
                    function()
            except Killed:
                pass
            except BaseException as error:
                if not self._over:
                    self.failure, self._over = error, True
            task.done = True
            if task.owner.handler is task:
                task.owner.handler = None

        task.thread = self._threads.thread(body)
        self.tasks.append(task)
        return task

    def step(
        self, operation: str, guard: Callable[[], bool] | None = None, touches: int = ALL, at_once: Any = ""
    ) -> Task:
        """The current thread is about to do what others can see: wait for its turn. Return its task.

        Args:
            guard: whether the operation would not block now.
            touches: what it reads and writes.
            at_once: whether it need not wait for its turn: `HOLDER`, `ALONE`, or a function that tells.
        """
        task = self.current
        if task is None:
            return self._nobody
        if self._own:
            self._own -= 1
            return task
        if at_once and self.reduces and not task.exposed:
            steps = self._steps
            if at_once is HOLDER or at_once is ALONE:
                alone = at_once is ALONE or self.holder is task
            else:
                alone = at_once()
                task.touched |= QUEUE  # that is where it looks
            if alone and self._given <= steps < MOST_STEPS and not self._over:
                self._steps = steps + 1
                self.choices.append(task.index)
                task.touched |= touches
                return task
        self._check()
        task.operation, task.guard = operation, guard
        following = None if self._starting else self._next()
        if following is not task:
            if following is None:
                self._threads.main.switch()
            else:
                following.started = True
                following.thread.switch()
            self._check()
        task.touched |= touches
        if task.interrupt is not None:
            error, task.interrupt = task.interrupt, None
            task.saw(type(error).__name__)
            raise error
        return task

    def fail(self, error: BaseException) -> NoReturn:
        """End the run with this error, which the code under control might catch if it were raised."""
        if not self._over:
            self.failure, self._over = error, True
        raise Killed

    def atomically(self, operation: str, function: Callable[[], object], touches: int = ALL) -> Task:
        """Do what consists of several operations as one step. Return who did."""
        task = self.step(operation, None, touches)
        self.current, self.acting = None, task
        try:
            function()
        except BaseException as error:
            task.saw(type(error).__name__)
            raise
        finally:
            if task is not self._nobody:
                self.current = task
        task.saw(operation)
        return task

    def can_go(self) -> list[Task]:
        """Who can take a step, the current one first if it need not wait."""
        last = self.last
        tasks = []
        for task in self.tasks:
            if not task.done and task.handler is None:
                guard = task.guard
                if guard is None or task.interrupt is not None or guard():
                    tasks.append(task)
        if last in tasks and not last.waits:
            if tasks[0] is not last:
                tasks.remove(last)
                tasks.insert(0, last)
        elif len(tasks) > 1:
            tasks.sort(key=waits)
        return tasks

    def histories(self) -> int:
        """A number that stands for what each thread has seen."""
        total = 0
        for task in self.tasks:
            total += task.history * task.history  # see `mixed`
        return total

    def go_on(self) -> Task | None:
        """Decide to switch only where the current thread can't go on, and for a timeout only where nobody else can."""
        tasks = self.can_go()
        return tasks[0] if tasks else None

    def frames(self, task: Task, folder: str) -> Iterator[FrameType]:
        """Where a thread stands, in the code of which the files are in that folder, the innermost first.

        To be called between two steps.
        """
        frame = None if task.done else self._threads.frame(task.thread)
        if frame is None and task is self.last:
            frame = sys._getframe()
        while frame is not None:
            if frame.f_code.co_filename.startswith(folder):
                yield frame
            frame = frame.f_back

    def label(self, task: Task, folder: str) -> Label:
        """Where a thread stands, and what it is about to do; to be called between two steps."""
        for frame in self.frames(task, folder):
            return Label(frame.f_code.co_name, task.operation, frame.f_code.co_filename, frame.f_lineno)
        return Label("", task.operation)

    # What follows may be called in any of the threads.

    def _check(self) -> None:
        if self._over:
            raise Killed

    def _switch(self, task: Task) -> None:
        self.current = task
        task.started = True
        task.thread.switch()
        self.current = None

    def _next(self) -> Task | None:
        """Who takes the next step; None at the end of the run."""
        steps = self._steps
        self.last = before = self.tasks[self.choices[steps - 1]] if steps else None
        try:
            self.current = None
            if steps < self._quickly:
                following: Task | None = self.tasks[self.choices[steps]]
                self._own = self._in_a_row(steps) - 1
            else:
                if self.observe is not None:
                    self.observe(before if steps > self._quickly else None)
                if steps < self._given:
                    following = self.tasks[self.choices[steps]]
                elif steps > MOST_STEPS:
                    raise Violation(f"no end after {steps} steps")
                else:
                    following = self.decide()
                    if following is not None:
                        self.choices.append(following.index)
                    else:
                        self._end()
        except BaseException as error:
            self.failure, following = error, None
        if following is None:
            self._over = True
        else:
            self._steps = steps + 1 + self._own
            following.touched = 0
            self.current = following
        return following

    def _in_a_row(self, steps: int) -> int:
        """How many of the given steps the thread that takes this one takes, without the last given one."""
        choices, end = self.choices, self._quickly
        index = choices[steps]
        following = steps + 1
        while following < end and choices[following] == index:
            following += 1
        return following - steps

    def _end(self) -> None:
        """Nobody is to go on: the end, or a deadlock, or the search knows the rest."""
        if self.can_go():
            self.gave_up = True
            return
        stuck = [task for task in self.tasks if not (task.done or task.daemon)]
        if stuck:
            raise Deadlock("deadlock: " + ", ".join(f"{task.name} at {task.operation}" for task in stuck))


def mixed(value: Hashable) -> int:
    """A hash that can be added to others.

    Of tuples that differ in their last items the hashes differ by the same, whatever comes before, so that sums of them
    would be alike. Those of squares are not.
    """
    number = hash(value)
    return number * number


def waits(task: Task) -> bool:
    return task.waits


def written(choices: Sequence[int]) -> str:
    """A schedule as text: `0*3 1 0` for [0, 0, 0, 1, 0]."""
    runs = [(index, len(list(group))) for index, group in groupby(choices)]
    return " ".join(f"{index}*{n}" if n > 1 else f"{index}" for index, n in runs)


def read(schedule: str) -> list[int]:
    """What `written` wrote."""
    choices: list[int] = []
    for part in schedule.split():
        index, _, n = part.partition("*")
        choices += [int(index)] * int(n or 1)
    return choices
