"""Have TLC say which histories the contract allows: one run, whatever settings they were recorded with.

What is generated is a module with the histories, and for each of their settings an instance of spec/PoolTrace.tla.
"""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from spec.manifest import OK, Model
from spec.tlc import Tlc
from spec.tools import Tools
from spec.values import Sequence as TlaSequence
from spec.values import Value, parse, show
from tests.traces.recorder import ALIVE, CLOSED, DEAD, EMPTY, RAISED, Event, History, Settings

SPEC = Path(__file__).parents[2] / "spec"
MODULE = "PoolTraces"
NAMES = {EMPTY: "Empty", CLOSED: "Closed", RAISED: "Raised", ALIVE: "Alive", DEAD: "Dead", None: "None"}
MODEL_VALUES = (*NAMES.values(), "Alloc", "Asked")
VARIABLES = (
    "idle, queue, arrived, at, timeout, hand, owned, victims, keep, unsettled, left, busy, missed, ahead, due, late, "
    "tardy, unmade, gone, dead, closed, trace, line, answer, goal, doomed"
)
CALLS = ("pop", "push", "close")
ENDS = ("popped", "raised", "pushed", "closed")  # of calls


@dataclass(frozen=True)
class Verdict:
    """What TLC says of histories."""

    accepted: frozenset[int]  # their indices
    distinct: int  # states
    seconds: float


@dataclass(frozen=True)
class Rejection:
    """How far a history is possible."""

    history: History
    line: int  # the index of the event that is not
    before: tuple[str, ...]  # what may have been idle then, and who waits, in all ways to get there

    def __str__(self) -> str:
        shown = [
            f"{'!' if i == self.line else ' '} {i:>3}  {'':{14 * (event.by - 1)}}{event.do}"
            + ("" if event.what is None else f" {event.what}")
            for i, event in enumerate(self.history.events)
        ]
        threads = "".join(f"{f'thread {t}':14}" for t in range(1, self.history.settings.threads + 1))
        heading = f"{self.history.origin}: event {self.line} is not possible. {self.history.settings}"
        return "\n".join([heading, f"       {threads}", *shown, "before it there may be", *self.before])


def validate(tools: Tools, histories: Sequence[History]) -> Verdict:
    """Have TLC look at all histories, in one run."""
    printed, distinct, seconds = _run(tools, histories, talk=False)
    accepted = frozenset(int(number) - 1 for word, number, *_ in printed if word == "ACCEPT")
    return Verdict(accepted, distinct, seconds)


def explain(tools: Tools, rejected: Sequence[History]) -> list[Rejection]:
    """Find how far each of some rejected histories is possible."""
    furthest = [0] * len(rejected)
    ways: list[list[str]] = [[] for _ in rejected]
    for word, number, *reached in _run(tools, rejected, talk=True)[0]:
        assert word == "REACHED", f"{rejected[int(number) - 1].origin} is possible"
        i, line = int(number) - 1, int(reached[0]) - 1
        if line > furthest[i]:
            furthest[i], ways[i] = line, []
        way = f"idle {reached[1]}, waiting {reached[2]}"
        if line == furthest[i] and way not in ways[i]:
            ways[i].append(way)
    return [Rejection(*found) for found in zip(rejected, furthest, map(tuple, ways), strict=True)]


def _run(tools: Tools, histories: Sequence[History], talk: bool) -> tuple[list[list[str]], int, float]:
    """What TLC prints, word by word; the distinct states; seconds."""
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="traces-") as scratch:
        folder = Path(scratch)
        for name in ("ResourcePool", "PoolTrace"):
            shutil.copy(SPEC / f"{name}.tla", folder)
        (folder / f"{MODULE}.tla").write_text("\n".join(_module(histories, talk)), encoding="utf-8")
        (folder / f"{MODULE}.cfg").write_text(_config(), encoding="utf-8")
        outcome = Tlc(tools, folder).check(Model(MODULE, MODULE, MODULE, OK, "histories", workers=2))
    assert outcome.result == OK, "\n".join(outcome.errors)
    assert outcome.distinct is not None
    return [list(_words(line)) for line in outcome.printed], outcome.distinct, time.monotonic() - began


def _words(line: str) -> Iterator[str]:
    value = parse(line)
    assert isinstance(value, TlaSequence), line
    for item in value.items:
        yield _word(item)


def _word(value: Value) -> str:
    return show(value).strip('"')


def _config() -> str:
    values = "".join(f"  {name} = {name}\n" for name in MODEL_VALUES)
    return f"INIT TInit\nNEXT TNext\nCONSTANTS\n{values}"


def _module(histories: Sequence[History], talk: bool) -> Iterator[str]:
    settings = list(dict.fromkeys(history.settings for history in histories))
    yield f"---- MODULE {MODULE} ----"
    yield "EXTENDS Naturals, Sequences"
    yield f"CONSTANTS {', '.join(MODEL_VALUES)}"
    yield f"VARIABLES {VARIABLES}, group"
    # A definition each: one of thousands of lines would be too deep for the parser.
    for i, history in enumerate(histories, start=1):
        yield f"H{i} == {_sequence(_lines(history.events))}"
    yield f"Histories == {_sequence(f'H{i}' for i in range(1, len(histories) + 1))}"
    for group, chosen in enumerate(settings, start=1):
        numbers = [str(i) for i, history in enumerate(histories, start=1) if history.settings == chosen]
        most = max([chosen.init, *(e.what for h in histories for e in h.events if isinstance(e.what, int))])
        yield f"Chosen{group} == {{{', '.join(numbers)}}}"
        yield f"G{group} == INSTANCE PoolTrace WITH {_constants(chosen, most)}, Chosen <- Chosen{group}, " + (
            f"Traces <- Histories, Talk <- {_bool(talk)}"
        )
    groups = range(1, len(settings) + 1)
    yield "TInit == " + " \\/ ".join(f"(group = {g} /\\ G{g}!TraceInit)" for g in groups)
    yield "TNext == UNCHANGED group /\\ CASE " + " [] ".join(f"group = {g} -> G{g}!TraceNext" for g in groups)
    yield "===="


def _constants(settings: Settings, most: int) -> str:
    values = {
        "Threads": f"1..{settings.threads}",
        "Clock": "0",
        "Resources": f"1..{most}",
        "Init0": _sequence(map(str, range(1, settings.init + 1))),
        "Held": f"[t \\in 1..{settings.threads} |-> {{}}]",
        "MaxSize": _number(settings.maxsize),
        "MinSize": _number(settings.minsize),
        "MaxAge": "None",
        "HasAlloc": _bool(settings.alloc),
        "HasCheck": _bool(settings.check),
        "Timeouts": "{}",  # the lines say how
        "CanClose": _bool(settings.close),
        "CanInterrupt": "FALSE",
        "Nested": "{}",
        "HeldUp": "FALSE",
    }
    return ", ".join(f"{name} <- {value}" for name, value in values.items())


def _number(number: int | None) -> str:
    return "None" if number is None else str(number)


def _bool(value: bool) -> str:
    return "TRUE" if value else "FALSE"


def _sequence(items: Iterable[str]) -> str:
    return f"<<{', '.join(items)}>>"


def _lines(events: Sequence[Event]) -> Iterator[str]:
    for i, event in enumerate(events):
        what = f'"{event.what}"' if event.do == "pop" else NAMES.get(event.what, str(event.what))
        line = f'do |-> "{event.do}", by |-> {event.by}, what |-> {what}'
        if event.do in CALLS:
            line += f", doomed |-> {_sequence(map(str, _doomed(events, i)))}"
        if event.do == "pop" or (event.do == "checked" and event.what == DEAD):
            line += f", goal |-> {_goal(events, i)}"
        yield f"[{line}]"


def _doomed(events: Sequence[Event], begin: int) -> Iterator[int]:
    """What the call that begins there deallocates."""
    for event in events[begin + 1 :]:
        if event.by == events[begin].by:
            if event.do in (*CALLS, *ENDS):
                return
            if event.do == "dealloc":
                yield event.what


def _goal(events: Sequence[Event], begin: int) -> str:
    """What the pop comes to after that; None if the history ends before."""
    for event in events[begin + 1 :]:
        if event.by == events[begin].by:
            if event.do in ("check", "popped", "raised"):
                return NAMES.get(event.what, str(event.what))
            if event.do == "alloc":
                return "Alloc"
            if event.do in (*CALLS, *ENDS):
                break
    return "None"
