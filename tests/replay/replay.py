"""Taking the edges of a graph on the pool."""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Sequence
from functools import cache
from types import ModuleType
from typing import Any, NamedTuple

from tests.replay.graph import Edge, Graph
from tests.replay.models import MODELS, SPEC, graph, settings
from tests.replay.pool import CallbackRaised, Replayed
from tests.schedule.scheduler import Task, Violation
from tests.support import inside
from tests.support.edits import Edit
from tests.support.package import load

MOST_STEPS = 100  # of the pool for one edge


class Mismatch(Violation):
    """The pool did not do what the specification does."""


class Replay:
    """Takes paths of a graph on the pool.

    Attributes:
        taken: the edges that have been, by number.
        edges, steps: how many edges were taken, each time counted, and operations of the pool in them.
    """

    def __init__(self, graph: Graph, settings: dict[str, Any], package: ModuleType) -> None:
        self.graph = graph
        self.real = Replayed(package, settings, graph.nodes[0].state, graph.threads)
        self.real.scheduler.decide = self._decide
        self.taken: set[int] = set()
        self.edges = self.steps = 0

    def take(self, path: Sequence[int]) -> None:
        """Take these edges, beginning in the initial state.

        Raises:
            Mismatch: after one of them the pool is not in the state that the edge leads to.
        """
        self._path, self._index = path, -1
        self._task: Task | None = None
        self._before = self._source = self._target = self.graph.nodes[0]
        logger = logging.getLogger("ya.resourcepool")
        logger.disabled = True  # K2 logs what `dealloc` raises
        failure = self.real.scheduler.run(self.real.build)
        logger.disabled = False
        if isinstance(failure, Mismatch):
            raise failure
        if failure is not None:
            raise Mismatch(f"{failure!r}, {self._where()}") from failure

    def _decide(self) -> Task | None:
        try:
            return self._next()
        except Violation as error:
            raise Mismatch(self._story(error)) from None

    def _next(self) -> Task | None:
        """Who takes the next step of the pool; None at the end of the path."""
        real, task = self.real, self._task
        if task is not None:
            self.steps += 1
            self._decided(task)
            state = real.state()
            if state == self._target.state:
                self._arrived()
            elif state == self._source.state and not task.done:
                return self._go_on(task)
            else:
                raise Violation("another state")
        elif self._index < 0:
            self._arrived()
        while self._index < len(self._path):
            edge = self.graph.edges[self._path[self._index]]
            self._source, self._target = self.graph.nodes[edge.source], self.graph.nodes[edge.target]
            if edge.action == "tick":
                real.clock.time += 1
                self._arrived()
                continue
            self._left = MOST_STEPS
            return self._go_on(self._begin(edge))
        return None

    def _arrived(self) -> None:
        """An edge has been taken."""
        if self._task is None and self.real.state() != self._target.state:
            raise Violation("another state")
        if self._target.mover is None:
            if inside.lock(self.real.pool).owner is not None:
                raise Violation("the lock is held")
            if self.real.fast() != self._target.fast:
                raise Violation("another fast path")
            self._wakes_who_can_go_on()
        if self._index >= 0:
            self.edges += 1
            self.taken.add(self._path[self._index])
        self._index += 1
        self._task = None

    def _wakes_who_can_go_on(self) -> None:
        """Of those that are to sleep, or are about to wake."""
        for caller, at in zip(self.real.callers, self._target.state.at, strict=True):
            if caller.task is not None and caller.task.operation in ("read woken", "wait"):
                sleeps = inside.latch(caller.waiter).held or not caller.waiter.raw_woken
                if sleeps and at != "waiting":
                    raise Violation(f"P8: {caller.name} sleeps on")
                if not sleeps and at == "waiting":
                    raise Violation(f"P3: {caller.name} wakes up for nothing")

    def _begin(self, edge: Edge) -> Task:
        """Tell the thread of an edge what it is to do."""
        real = self.real
        caller = real.by_name[edge.thread]
        if edge.action == "ring":
            due = [alarm for time, alarm in real.clock.pending() if time <= real.clock.time]
            if not due:
                raise Violation("R3: nothing is going to call")
            caller.task = due[0]
        task = caller.task
        assert task is not None
        kind = CALLS.get(edge.action)
        if kind is not None:
            caller.command = kind, edge.argument
        elif edge.action in OUTCOMES:
            caller.outcome = OUTCOMES[edge.action]
        elif edge.action == "returnAlloc":
            caller.outcome = edge.argument
        elif edge.action == "returnDealloc":
            caller.dealloc_raises = bool(self._path[self._index] % 2)  # K2: to the pool that is the same
        elif edge.action == "interrupt":
            task.interrupt = KeyboardInterrupt()
        return task

    def _go_on(self, task: Task) -> Task:
        self._left -= 1
        if self._left < 0:
            raise Violation(f"nothing changes in {MOST_STEPS} steps")
        if not task.can_go():
            raise Violation(f"{task.name} can't go on at {task.operation!r}")
        self._task, self._operation, self._was_undecided = task, task.operation, task.call.undecided
        return task

    def _decided(self, task: Task) -> None:
        """What an eviction has taken may be put back, until it has looked how many are left."""
        caller = task.call
        if not caller.undecided:
            return
        if self._operation == "len" and (task.operation != "move" or caller.expelling):
            caller.undecided = False
        elif self._operation == "move" and self._was_undecided:
            caller.undecided = False  # it has been put back

    def _where(self) -> str:
        path = [self.graph.edges[number] for number in self._path[: self._index + 1]]
        if not path:
            return "at the beginning"
        return f"at {path[-1]}: {promises().get(path[-1].action, '')}\npath: {' '.join(map(str, path))}"

    def _story(self, error: Violation) -> str:
        """What went wrong, the path, and both states."""
        lines = [f"{error}, {self._where()}"]
        if self._task is not None:
            lines.append(f"{self._task.name} is about to: {self._task.operation}")
        real, expected = self.real.state(), self._target.state
        for name, was, now, should in zip(expected._fields, self._source.state, real, expected, strict=True):
            if now != should or was != should:
                lines.append(f"  {name}: {was} -> {should}" + (f", but it is {now}" if now != should else ""))
        fast = self.real.fast()
        if self._target.mover is None and fast != self._target.fast:
            lines.append(f"  {self._target.fast}, but it is {fast}")
        return "\n".join(lines)


class Coverage(NamedTuple):
    """What a replay has taken."""

    states: int
    edges: int
    taken: int  # different ones
    paths: int
    replayed: int  # each time counted
    steps: int
    seconds: float  # of the processor, without TLC

    def row(self, name: str) -> str:
        """A row of the table that HEAD begins."""
        share = f"{100 * self.taken / self.edges:.1f} %"
        figures = [self.states, self.edges, share, self.paths, self.replayed, self.steps, f"{self.seconds:.1f}"]
        cells = [f"{figure:,}" if isinstance(figure, int) else figure for figure in figures]
        return f"| {' | '.join([name, *cells])} |"


HEAD = """\
| model | states | edges | taken | paths | edges replayed | steps of the pool | s |
|---|--:|--:|--:|--:|--:|--:|--:|"""


def replay(name: str, edits: Sequence[Edit] = ()) -> Coverage:
    """Take every edge of a model's graph on the pool, which may be changed.

    Raises:
        GraphChanged: TLC does not find the graph that the manifest knows.
        Mismatch: the pool does something else.
    """
    began = time.process_time()
    found = graph(name)
    runner = Replay(found, settings(MODELS[name]), load(edits))
    paths = 0
    for path in found.cover():
        runner.take(path)
        paths += 1
    return Coverage(
        len(found.nodes),
        len(found.edges),
        len(runner.taken),
        paths,
        runner.edges,
        runner.steps,
        time.process_time() - began,
    )


@cache
def promises() -> dict[str, str]:
    """What ResourcePool.tla says of each action, with the clauses."""
    text = (SPEC / "ResourcePool.tla").read_text(encoding="utf-8")
    found = re.findall(r"((?:^\\\*.*\n)+)^(\w+)(?:\(.*\))? ==", text, re.MULTILINE)
    return {name[0].lower() + name[1:]: " ".join(re.findall(r"[^\s\\*]+", comment)) for comment, name in found}


CALLS = {"callPop": "pop", "callPush": "push", "callClose": "close"}
OUTCOMES: dict[str, object] = {
    "returnPop": True,
    "dropDead": False,
    "checkRaises": CallbackRaised("check"),
    "allocRaises": CallbackRaised("alloc"),
}
