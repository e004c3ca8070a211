"""The model of the algorithm in a scenario: all its states and steps, as TLC finds them."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from spec import values
from spec.dump import DumpedEdge, read_dump
from spec.manifest import OK, Model
from spec.tlc import Tlc
from spec.tools import find_tools
from tests.schedule.oracle import TICK, Scenario
from tests.schedule.projection import CLOCK, FOREVER, UNLIMITED, Picture, of_model

FOLDER = Path(__file__).parents[2] / "spec"
MODULES = ("ResourcePoolThreads", "MCSchedule")
END = 1000  # time does not get there
POPS = {"pop": "none", "pop timed": "timed", "pop forever": "forever"}


@dataclass(frozen=True)
class Graph:
    """What the model does.

    Attributes:
        states: how many it has.
        start: the picture of its first state.
        pictures: those of all its states.
        steps: the pictures before and after each step that changes something there, and who takes it, with the labels
            of the actions.
    """

    states: int
    start: Picture
    pictures: frozenset[Picture]
    steps: dict[tuple[Picture, str, Picture], str]


def programs(scenario: Scenario) -> dict[str, list[str]]:
    """What each thread calls."""
    found = {f"T{number}": operations for number, operations in enumerate(scenario.threads, start=1)}
    found |= {f"H{number}": [operation] for number, operation in enumerate(scenario.handlers, start=1)}
    return {name: [POPS.get(operation, operation) for operation in found[name]] for name in found}


def new(scenario: Scenario) -> dict[str, list[str]]:
    """What each thread may make, to push it."""
    found = {}
    for name, operations in programs(scenario).items():
        number = sum(operation in ("push", "new") for operation in operations)
        found[name] = [f"{name}.{i}" for i in range(number)]
    return found


def has(scenario: Scenario) -> bool:
    """Whether the model has all that this scenario does."""
    operations = {operation for program in programs(scenario).values() for operation in program}
    callbacks = scenario.alloc or scenario.dead or scenario.raising or scenario.again
    known = {*POPS.values(), "push", "new"}
    if scenario.maxage is None:
        known.add("close")
    else:
        known = known - {"timed"} | {"tick"}  # where a timeout moves the time, or a close cancels the timer, it differs
    return operations <= known and not (callbacks or scenario.interrupts or scenario.leaves)


def instance(scenario: Scenario) -> tuple[str, str]:
    """A module and a configuration for the scenario.

    Raises:
        ValueError: it does what is not in the model.
    """
    calls, made = programs(scenario), new(scenario)
    operations = {operation for program in calls.values() for operation in program}
    if not has(scenario):
        raise ValueError(f"{scenario.threads} do what is not in the model")
    threads = [name for name in calls if name.startswith("T")]
    frames = [*calls, CLOCK]
    settings = scenario.settings
    module = f"""---- MODULE Instance ----
EXTENDS MCSchedule, TLC
TheOwner == {_function({name: _text("T1" if name.startswith("H") else name) for name in frames})}
TheProgram == {_function({name: _sequence(calls.get(name, [])) for name in frames})}
TheNew == {_function({name: _sequence(made.get(name, [])) for name in frames})}
TheHeld == [f \\in Frames |-> {{New[f][i] : i \\in DOMAIN New[f]}}]
TheInit == {_sequence(scenario.init[::-1])}
====
"""
    config = f"""SPECIFICATION Schedule
CONSTANTS
  None = None
  Threads = {_set(threads)}
  Handlers = {_set(name for name in calls if name not in threads)}
  Clock = {_text(CLOCK)}
  Resources = {_set(resources_of(scenario))}
  MaxSize = {settings.get("maxsize")}
  MinSize = {settings.get("minsize")}
  MaxAge = {settings.get("maxage")}
  End = {END}
  Ticks = {TICK}
  Timeouts = {_set(operations & {*POPS.values()})}
  CanClose = {str("close" in operations).upper()}
  CanInterrupt = FALSE
  Owner <- TheOwner
  Program <- TheProgram
  New <- TheNew
  Held <- TheHeld
  Init0 <- TheInit
"""
    return module, config


def explore(scenario: Scenario, patches: Sequence[tuple[str, str]] = ()) -> Graph:
    """Have TLC find all that the model does in this scenario.

    Args:
        patches: changes of the text of ResourcePoolThreads.

    Raises:
        RuntimeError: TLC failed.
    """
    module, config = instance(scenario)
    with tempfile.TemporaryDirectory(prefix="schedule-") as scratch:
        folder = Path(scratch, "spec")
        folder.mkdir()
        for name in MODULES:
            shutil.copy(FOLDER / f"{name}.tla", folder)
        algorithm = folder / f"{MODULES[0]}.tla"
        text = algorithm.read_text(encoding="utf-8")
        for before, after in patches:
            if text.count(before) != 1:
                raise ValueError(f"{algorithm.name} holds {text.count(before)} times: {before!r}")
            text = text.replace(before, after)
        algorithm.write_text(text, encoding="utf-8")
        (folder / "Instance.tla").write_text(module, encoding="utf-8")
        (folder / "Instance.cfg").write_text(config, encoding="utf-8")
        dump = Path(scratch, "graph.dot")
        outcome = Tlc(find_tools(), folder).check(
            Model("schedule", "Instance", "Instance", OK, "", workers=1), dump=dump
        )
        if outcome.result != OK:
            raise RuntimeError(f"TLC: {outcome.result}: {' '.join(outcome.errors)}")
        graph = read(dump.read_text(encoding="utf-8"), scenario)
    if graph.states != outcome.distinct:
        raise RuntimeError(f"TLC found {outcome.distinct} states, and wrote {graph.states}")
    return graph


def resources_of(scenario: Scenario) -> list[str]:
    """The names of all resources."""
    return [*scenario.init, *(resource for some in new(scenario).values() for resource in some)]


def read(text: str, scenario: Scenario) -> Graph:
    """Read a graph that TLC has written in the format dot."""
    pictures: dict[str, Picture] = {}
    places: dict[str, dict[str, tuple[str, int]]] = {}
    start = None
    unlimited, maxage = len(resources_of(scenario)) + 1, scenario.maxage
    edges = []
    for found in read_dump(text.splitlines()):
        if isinstance(found, DumpedEdge):
            edges.append((found.source, found.target))
            continue
        state = {name: parsed(value) for name, value in found.values.items()}
        if state["limit"] == unlimited:
            state["limit"] = UNLIMITED
        if maxage is not None:
            state["since"] = {-maxage: -FOREVER, END + 1: FOREVER}.get(state["since"], state["since"])
        pictures[found.name] = of_model(state, maxage is not None)
        places[found.name] = {name: (place, state["begun"][name]) for name, place in state["pc"].items()}
        if found.initial:
            start = pictures[found.name]
    assert start is not None
    steps = {}
    for before, after in edges:
        if pictures[before] != pictures[after]:
            moved = [name for name, place in places[before].items() if places[after][name] != place]
            assert len(moved) == 1, f"{moved} took a step"
            place, _ = places[before][moved[0]]
            steps[pictures[before], moved[0], pictures[after]] = "a call" if place == "out" else place
    return Graph(len(pictures), start, frozenset(pictures.values()), steps)


@cache
def parsed(text: str) -> Any:
    """What TLC prints, as plain objects: None for the model value of that name."""
    return plain(values.parse(text))


def plain(value: values.Value) -> Any:
    match value:
        case values.Name(text):
            return {"TRUE": True, "FALSE": False, "None": None}[text]
        case values.Text(text):
            return text
        case values.Set(items) | values.Sequence(items):
            return [plain(item) for item in items]
        case values.Record(fields):
            return {name: plain(item) for name, item in fields}
        case values.Function(pairs):
            return {plain(key): plain(item) for key, item in pairs} if pairs else []
    return value


def _text(name: str) -> str:
    return f'"{name}"'


def _sequence(names: Sequence[str]) -> str:
    return "<<" + ", ".join(map(_text, names)) + ">>"


def _set(names: Iterable[str]) -> str:
    return "{" + ", ".join(map(_text, sorted(names))) + "}"


def _function(items: Mapping[str, str]) -> str:
    return "(" + " @@ ".join(f"{_text(name)} :> {item}" for name, item in items.items()) + ")"
