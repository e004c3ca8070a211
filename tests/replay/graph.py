"""The states and edges of a model that TLC has dumped, and paths that take every edge."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from spec import values
from spec.dump import DumpedEdge, read_dump


class State(NamedTuple):
    """What is compared, as in ResourcePool.tla: threads by their name, `clock` the last, functions as tuples.

    What the model remembers for its promises (left, missed, ahead, due, late, tardy) follows from the others, so it
    says nothing more about the pool.
    """

    idle: tuple[tuple[str, int], ...]  # resource and age, oldest first
    queue: tuple[str, ...]
    arrived: tuple[str, ...]
    at: tuple[str, ...]
    timeout: tuple[str | None, ...]
    hand: tuple[tuple[str, int] | None, ...]
    owned: tuple[frozenset[str], ...]
    victims: tuple[tuple[str, ...], ...]
    keep: tuple[int | None, ...]
    unsettled: frozenset[str]
    busy: frozenset[str]
    unmade: frozenset[str]
    gone: frozenset[str]
    dead: frozenset[str]
    closed: bool


class Fast(NamedTuple):
    """What the fast path goes by, compared where nobody holds the lock."""

    barred: bool
    since: int  # how old `SINCE` is; as old as `maxage` if that or older, -1 for infinity
    armed: int | None  # how old the stamp is for which the clock is to call


class Node(NamedTuple):
    """A state of the graph."""

    state: State
    fast: Fast
    mover: str | None  # the call that others can't come in between


class Edge(NamedTuple):
    """A step: who does what."""

    source: int
    target: int
    action: str
    thread: str  # empty for time
    argument: str  # a timeout or a resource

    def __str__(self) -> str:
        arguments = ", ".join(part for part in (self.thread, self.argument) if part)
        return f"{self.action}({arguments})" if arguments else self.action


class Graph:
    """A graph, the first node of which is the initial state.

    Attributes:
        threads: their names, `clock` the last.
        out: for each node, the edges that leave it, by number.
    """

    def __init__(self, nodes: list[Node], edges: list[Edge], threads: tuple[str, ...]) -> None:
        self.nodes, self.edges, self.threads = nodes, edges, threads
        self.out: list[list[int]] = [[] for _ in nodes]
        for number, edge in enumerate(edges):
            self.out[edge.source].append(number)

    def cover(self) -> Iterator[list[int]]:
        """Yield paths from the initial state that take every edge: edges by number, at most `LONGEST` in each."""
        way: list[int | None] = [None] * len(self.nodes)  # the last edge of a shortest path to it
        order = [0]
        for node in order:
            for number in self.out[node]:
                target = self.edges[number].target
                if target and way[target] is None:
                    way[target] = number
                    order.append(target)
        if len(order) != len(self.nodes):
            raise ValueError(f"only {len(order)} of {len(self.nodes)} states can be reached")
        left = [list(reversed(out)) for out in self.out]  # what has not been taken
        taken = [False] * len(self.edges)

        def following(node: int) -> int | None:
            while left[node]:
                if not taken[number := left[node].pop()]:
                    return number
            return None

        for start in reversed(order):
            while (first := following(start)) is not None:
                path = [first]
                node = start
                while node and (last := way[node]) is not None:
                    path.append(last)
                    node = self.edges[last].source
                path.reverse()
                while len(path) < LONGEST:
                    node = self.edges[path[-1]].target
                    onward = following(node)
                    if onward is not None:
                        path.append(onward)
                        taken[onward] = True
                    elif detour := self._detour(node, left, taken):
                        path += detour
                    else:
                        break
                for number in path:
                    taken[number] = True
                yield path

    def _detour(self, start: int, left: list[list[int]], taken: list[bool]) -> list[int]:
        """A short way to another state where something is left; empty if there is none."""
        came: dict[int, int] = {start: -1}
        queue = deque([(start, 0)])
        while queue:
            node, length = queue.popleft()
            if any(not taken[number] for number in left[node]):
                path = []
                while node != start:
                    path.append(came[node])
                    node = self.edges[came[node]].source
                return path[::-1]
            if length < DETOUR:
                for number in self.out[node]:
                    target = self.edges[number].target
                    if target not in came:
                        came[target] = number
                        queue.append((target, length + 1))
        return []


LONGEST = 150  # edges of a path
DETOUR = 8  # edges to the next that is left, before a new path is begun


def read(path: Path) -> Graph:
    """Read what TLC has dumped with `-dump dot,actionlabels`.

    Raises:
        ValueError: there is something else in it.
    """
    nodes: list[Node] = []
    numbers: dict[str, int] = {}
    labelled: dict[tuple[str, str, str], None] = {}
    names: tuple[str, ...] = ()
    with path.open(encoding="utf-8") as lines:
        for found in read_dump(lines):
            if isinstance(found, DumpedEdge):
                labelled[found.source, found.target, found.action] = None
            elif found.name not in numbers:
                names = names or _names(found.values["at"])
                numbers[found.name] = len(nodes)
                nodes.append(_node(found.values, names))
    edges = [_edge(nodes, numbers[source], numbers[target], action, names) for source, target, action in labelled]
    return Graph(nodes, edges, names)


@cache
def _value(text: str) -> Any:
    return _python(values.parse(text))


def _python(value: values.Value) -> Any:
    match value:
        case values.Name(text):
            return {"None": None, "TRUE": True, "FALSE": False}.get(text, text)
        case values.Text(text):
            return text
        case values.Set(items):
            return frozenset(map(_python, items))
        case values.Sequence(items):
            return tuple(map(_python, items))
        case values.Record(fields):
            record = {name: _python(item) for name, item in fields}
            return record["res"], record["age"]
        case values.Function(pairs):
            return {_python(key): _python(item) for key, item in pairs} or ()  # the same as an empty sequence
        case int():
            return value
    raise ValueError(f"{values.show(value)} is not expected in a state")


def _names(at: str) -> tuple[str, ...]:
    names: list[str] = sorted(_value(at))
    names.remove("clock")
    return (*names, "clock")


@cache
def _row(text: str, names: tuple[str, ...]) -> tuple[Any, ...]:
    """A function of threads."""
    function = _value(text)
    return tuple(function[name] for name in names if name in function)


OF_THREADS = {"at", "timeout", "hand", "owned", "victims", "keep"}


def _node(texts: dict[str, str], names: tuple[str, ...]) -> Node:
    state = State(*[_row(texts[name], names) if name in OF_THREADS else _value(texts[name]) for name in State._fields])
    fast = Fast(bool(state.queue or state.closed), _value(texts["since"]), _value(texts["armed"]))
    return Node(state, fast, _value(texts["mover"]))


def _edge(nodes: list[Node], source: int, target: int, action: str, names: tuple[str, ...]) -> Edge:
    """Who does it, and with what, can be seen from what it changes."""
    before, after = nodes[source], nodes[target]
    old, new = before.state, after.state
    if action == "tick":
        return Edge(source, target, action, "", "")
    thread = before.mover or after.mover
    if thread is None:
        moved = frozenset(name for name, x, y in zip(names, old.at, new.at, strict=True) if x != y)
        (thread,) = moved or old.busy ^ new.busy or old.unsettled ^ new.unsettled
    index = names.index(thread)
    argument = ""
    if action == "callPop":
        argument = new.timeout[index] or ""
    elif action == "callPush":
        argument = (new.hand[index] or ("", 0))[0]
    elif action == "returnAlloc":
        (argument,) = old.unmade - new.unmade
    return Edge(source, target, action, thread, argument)
