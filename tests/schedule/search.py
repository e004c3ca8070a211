"""Which schedules to run: all, or all with few preemptions, each state once."""

from __future__ import annotations

import gc
import linecache
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from tests.schedule.scheduler import Label, Scheduler, Task, written
from tests.schedule.touches import independent

UNBOUNDED = 10**9  # preemptions
FREE = -1  # nobody runs who could go on


class Case(Protocol):
    """What is to be run under each schedule."""

    def build(self, scheduler: Scheduler) -> Callable[[], None] | None:
        """Make everything anew and spawn the threads. Return what checks the end of a run."""

    def observe(self) -> None:
        """Look at the state between two steps; raise `Violation`."""

    def state(self) -> int:
        """A number that stands for all that threads share, and for all that the checks remember.

        Two steps that touch nothing in common change it by the same in either order.
        """


@dataclass(frozen=True)
class Failure:
    """A schedule under which something went wrong."""

    error: BaseException
    choices: tuple[int, ...]
    preemptions: int

    def __str__(self) -> str:
        return f"{type(self.error).__name__}: {self.error}\nschedule: {written(self.choices)}"


@dataclass
class Found:
    """What came of a search.

    Attributes:
        runs: how many times the code was executed, each time from its beginning.
        known: how many schedules were not run, since they were known to lead where all had been run.
        complete: how many of them went to their end; the others reached a state that had been visited.
        steps: how many steps were taken, without those that only led back to where a run branches off.
        seconds: of the processor's time.
        exhausted: whether nothing is left to run within the bound.
        bound: how many preemptions there were in a run, at most; None: any number.
    """

    runs: int = 0
    known: int = 0
    complete: int = 0
    steps: int = 0
    states: int = 0
    seconds: float = 0
    exhausted: bool = False
    bound: int | None = None
    failures: list[Failure] = field(default_factory=list)

    @property
    def failure(self) -> Failure | None:
        """The first."""
        return self.failures[0] if self.failures else None


class Visited:
    """The states from which all has been run, or is going to be, with so many preemptions left."""

    def __init__(self) -> None:
        self.most: dict[int, int] = {}  # by state
        self._left: dict[tuple[int, int], int] = {}  # by state and who ran there

    def covers(self, state: int, running: int, left: int) -> bool:
        """Whether a visit has covered this one.

        To be free to switch covers all that the one who runs can do, and one preemption more covers who else runs.
        """
        most = self.most.get(state, -1)
        if most > left:
            return True
        if most < 0:
            return False
        known = self._left.get
        return known((state, FREE), -1) >= left or (running != FREE and known((state, running), -1) >= left)

    def note(self, state: int, running: int, left: int) -> None:
        if self.most.get(state, -1) < left:
            self.most[state] = left
        self._left[state, running] = left


class Node:
    """A state of a run, and what is known of the steps from there."""

    __slots__ = ("state", "steps")

    def __init__(self, state: int) -> None:
        self.state = state
        # By task: by how much its step changes the state, what it touches, and whether it surely can go on then.
        self.steps: dict[int, tuple[int, int, bool]] = {}

    def after(self, task: Task, state: int) -> Node:
        """The state to which that task has taken a step.

        What others can do there is what they can do here, if they touch nothing in common with that step.

        Raises:
            RuntimeError: another state was expected.
        """
        known = self.steps.get(task.index)
        touched = task.touched
        if known is not None and (known[0] != state - self.state or touched & ~known[1]):
            raise RuntimeError(f"{task.name} at {task.operation}: its step depends on another one that was left out")
        goes_on = not (task.done or task.waits or task.guard is not None or task.handler is not None)
        self.steps[task.index] = state - self.state, touched, goes_on
        following = Node(state)
        for index, step in self.steps.items():
            if index != task.index and independent(step[1], touched):
                following.steps[index] = step
        return following


def search(
    case: Case,
    scheduler: Scheduler,
    *,
    bound: int | None = None,
    prune: bool = True,
    reduce: bool = False,
    check: bool = False,
    runs: int | None = None,
    failures: int = 1,
    at_end: Callable[[], object] | None = None,
    observe: Callable[[Task | None], None] | None = None,
) -> Found:
    """Run the case under every schedule, or under every one with few preemptions.

    Args:
        bound: how often a thread may be preempted in a run: others go on though it could. None: any number of times.
        prune: give up a run at a state from which all has been run already, with as many preemptions left. What
            stands for a state is a number, of 64 bits, of what the threads share and of all that each has seen.
        reduce: have no others go on before a step that makes no difference to them, and run no schedule of which it is
            known that it leads to such a state: it ends with two steps that touch nothing in common, and that have
            been taken in the other order.
        check: run it nevertheless, and see whether it leads there.
        runs: stop after so many.
        failures: stop after so many schedules that failed.
        at_end: called at the end of each run that neither failed nor was given up.
        observe: called at both ends of each step that leads to a state for the first time, or in this way for the
            first time: see `Scheduler.observe`.
    """
    found = Found(bound=bound)
    visited = Visited()
    unlimited = UNBOUNDED if bound is None else bound
    pending: list[tuple[list[int], int, Node | None]] = [([], unlimited, None)]
    left, node = unlimited, None

    def known(index: int, left: int) -> bool:
        """Whether the step of this task leads to what a visit has covered."""
        step = node.steps.get(index) if node is not None else None
        if step is None:
            return False
        change, _, goes_on = step
        return visited.covers(node.state + change, index if goes_on and bound is not None else FREE, left)

    def decide() -> Task | None:
        nonlocal left, node
        able = scheduler.can_go()
        if not able:
            case.observe()
            return None
        last = scheduler.last
        running = bound is not None and last is able[0] and not last.waits
        if prune:
            state = case.state() + scheduler.histories()
            if reduce:
                node = Node(state) if node is None or last is None else node.after(last, state)
            ran = able[0].index if running else FREE
            if visited.covers(state, ran, left):
                return None
            if state not in visited.most:
                case.observe()
            visited.note(state, ran, left)
        else:
            case.observe()
        found.steps += 1
        following = None
        others = []
        for task in able:
            remaining = left - 1 if running and task is not last else left
            if remaining < 0:
                break
            if reduce and known(task.index, remaining):
                found.known += 1
                if not check:
                    continue
            if following is None:
                following, left_then = task, remaining
            else:
                others.append(([*scheduler.choices, task.index], remaining, node))
        if others:
            pending.extend(reversed(others))
        if following is not None:
            left = left_then
        return following

    scheduler.observe, scheduler.decide, scheduler.reduces = observe, decide, reduce
    started = time.process_time()
    collecting = gc.isenabled()
    gc.disable()  # frames and threads make cycles; to look for them in every run would take half of the time
    try:
        while pending and (runs is None or found.runs < runs):
            choices, left, node = pending.pop()
            if reduce and choices and known(choices[-1], left):
                found.known += 1
                if not check:
                    continue
            error = scheduler.run(case.build, choices)
            found.runs += 1
            if error is not None:
                found.failures.append(Failure(error, tuple(scheduler.choices), unlimited - left))
                if len(found.failures) >= failures:
                    break
            elif not scheduler.gave_up:
                found.complete += 1
                if at_end is not None:
                    at_end()
            if not found.runs % 1000:
                gc.collect(1)
    finally:
        if collecting:
            gc.enable()
        scheduler.observe, scheduler.decide, scheduler.reduces = None, scheduler.go_on, False
    found.exhausted = not pending and len(found.failures) < failures
    found.states = len(visited.most)
    found.seconds = time.process_time() - started
    return found


def deepen(case: Case, scheduler: Scheduler, most: int, runs: int) -> Found:
    """Search with no preemption, one, and so on up to `most`, while there are runs left.

    Returns:
        The sums, and the bound up to which nothing is left to run; it is -1 if there is something with none.
    """
    total = Found(bound=-1)
    for bound in range(most + 1):
        found = search(case, scheduler, bound=bound, reduce=True, runs=runs - total.runs)
        total.runs += found.runs
        total.known += found.known
        total.complete += found.complete
        total.steps += found.steps
        total.seconds += found.seconds
        total.states = max(total.states, found.states)
        total.failures += found.failures
        total.exhausted = found.exhausted
        if not found.exhausted:
            break
        total.bound = bound
    return total


def replay(
    case: Case,
    scheduler: Scheduler,
    choices: Sequence[int],
    observe: Callable[[Task | None], None] | None = None,
) -> BaseException | None:
    """Run the case under this schedule, and then to its end without a preemption. Return what went wrong.

    Args:
        observe: called at each state, with the task that took the step to it.
    """

    def look(task: Task | None) -> None:
        if observe is not None:
            observe(task)
        case.observe()

    scheduler.observe, scheduler.decide = look, scheduler.go_on
    try:
        return scheduler.run(case.build, choices, quickly=False)
    finally:
        scheduler.observe = None


def trace(case: Case, scheduler: Scheduler, choices: Sequence[int], folder: str = "") -> list[str]:
    """What each thread does under this schedule, one line a step, and what goes wrong in the end.

    Args:
        folder: of the code under control. Its functions and lines are named.
    """
    lines: list[str] = []
    labels: dict[int, Label] = {}

    def observe(task: Task | None) -> None:
        if task is not None:
            lines.append(_line(task, labels.get(task.index)))
        labels.clear()
        labels.update({other.index: scheduler.label(other, folder) for other in scheduler.tasks})

    error = replay(case, scheduler, choices, observe)
    if error is not None:
        if len(lines) < len(scheduler.choices):  # it was raised within the last step
            task = scheduler.tasks[scheduler.choices[-1]]
            lines.append(_line(task, labels.get(task.index)))
        lines.append(f"{type(error).__name__}: {error}")
    return lines


def _line(task: Task, label: Label | None) -> str:
    if label is None:
        return f"{task.name:8} begins"
    source = linecache.getline(label.file, label.line).strip()
    return f"{task.name:8} {label.function:14} {label.operation:18} {source}".rstrip()


def shortest(case: Case, scheduler: Scheduler, most: int = 3) -> Failure | None:
    """The failure with the fewest preemptions, and of those the shortest that the search meets first."""
    for bound in range(most + 1):
        failure = search(case, scheduler, bound=bound).failure
        if failure is not None:
            return failure
    return None


def sample(case: Case, scheduler: Scheduler, runs: int, seed: int) -> Found:
    """Run the case under random schedules, with rare switches in some of them and frequent ones in others."""
    found = Found()
    started = time.process_time()
    try:
        for number in range(runs):
            draw = random.Random(f"{seed}-{number}")
            often = draw.choice((0.05, 0.1, 0.3, 0.7))

            def decide(draw: random.Random = draw, often: float = often) -> Task | None:
                case.observe()
                able = scheduler.can_go()
                if not able:
                    return None
                found.steps += 1
                return able[0] if able[0] is scheduler.last and draw.random() > often else draw.choice(able)

            scheduler.decide = decide
            error = scheduler.run(case.build)
            found.runs += 1
            if error is not None:
                found.failures.append(Failure(error, tuple(scheduler.choices), 0))
                break
            found.complete += 1
    finally:
        scheduler.observe, scheduler.decide = None, scheduler.go_on
    found.seconds = time.process_time() - started
    return found
