"""The graph of states that TLC has dumped with `-dump dot,actionlabels`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from spec.trace import variables

STATE = re.compile(r'(-?\d+) \[label="(.*?)"(,style = filled)?\];?$')
EDGE = re.compile(r'(-?\d+) -> (-?\d+) \[label="(\w+)"')


@dataclass(frozen=True)
class DumpedState:
    """A state: what TLC calls it, whether it is an initial one, and the text of each variable's value."""

    name: str
    initial: bool
    values: dict[str, str]


@dataclass(frozen=True)
class DumpedEdge:
    """A step from one state to another, and the action that TLC calls it by."""

    source: str
    target: str
    action: str


def read_dump(lines: Iterable[str]) -> Iterator[DumpedState | DumpedEdge]:
    """Read it line by line. States and edges may come more than once, and an edge before its target."""
    for line in lines:
        if edge := EDGE.match(line):
            yield DumpedEdge(edge[1], edge[2], edge[3])
        elif state := STATE.match(line.rstrip("\n")):
            yield DumpedState(state[1], state[3] is not None, dict(variables(_plain(state[2]))))


def _plain(label: str) -> str:
    return label.replace("\\n", "\n").replace('\\"', '"').replace("\\\\", "\\")
