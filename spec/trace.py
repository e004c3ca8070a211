"""A counterexample, one line a step: who did what, and what changed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from spec.values import Function, Name, Record, Sequence, Set, Text, Value, parse, show

WIDTH = 120
PLACES = ("pc", "at", "state")  # a variable of this name says where each thread is


@dataclass(frozen=True)
class State:
    """One state of a behaviour, and the action that led to it.

    A value that can't be read stays as it was printed, as a `Name`.
    """

    action: str
    values: dict[str, Value]


@dataclass(frozen=True)
class Trace:
    """A behaviour; `end` says how it goes on for ever, if it does."""

    states: tuple[State, ...]
    end: str = ""


def read_state(text: str) -> State:
    """Read a state as TLC prints it, with or without a first line such as `2: <Push line 30, ...>`."""
    headed = re.match(r"\d+: <(.*)>\s*\n", text)
    body = text[headed.end() :] if headed else text
    return State(_action(headed[1]) if headed else "start", {name: _value(value) for name, value in variables(body)})


def read_end(text: str) -> str:
    """Read the last line of a behaviour that does not end: `5: Back to state: <Pop line ...>` or `4: Stuttering`."""
    back = re.match(r"(\d+): Back to state", text)
    return f"back to state {back[1]}" if back else "stuttering: nothing else happens from here on"


def readable(trace: Trace) -> list[str]:
    """Write it for people."""
    steps = [
        (name, "; ".join(_changes(before, after)) or "(nothing changes)")
        for before, after in zip(trace.states, trace.states[1:], strict=False)
        for name in [_who(before, after)]
    ]
    width = max(len(name) for name, _ in [("start", ""), *steps])
    indent = " " * (width + 6)
    start = _wrapped([f"{name} = {show(value)}" for name, value in trace.states[0].values.items()], WIDTH - len(indent))
    lines = [f"{1:>2}  {'start':{width}}  {start[0]}", *(indent + line for line in start[1:])]
    lines += [f"{i:>2}  {name:{width}}  {changes}" for i, (name, changes) in enumerate(steps, start=2)]
    if trace.end:
        lines.append(f"{len(trace.states) + 1:>2}  {trace.end}")
    return lines


def _wrapped(items: list[str], width: int) -> list[str]:
    """Lines of several items each; only an item that is too long for a line makes one longer."""
    lines = [""]
    for item in items:
        if lines[-1] and len(lines[-1]) + len(item) + 3 > width:
            lines[-1] += ","
            lines.append(item)
        else:
            lines[-1] += f", {item}" if lines[-1] else item
    return lines


def _action(text: str) -> str:
    """Its name; where it stands in the module is left out."""
    name = re.sub(r" ?line \d+, col \d+ to line .*", "", text)
    return "start" if name == "Initial predicate" else name or "Next"


def variables(text: str) -> Iterator[tuple[str, str]]:
    r"""Each variable's name and value; where there is but one, TLC leaves the `/\` out."""
    for part in re.split(r"^/\\ ", text, flags=re.MULTILINE):
        name, assigned, value = part.partition(" = ")
        if assigned:
            yield name.strip(), value.strip()


def _value(text: str) -> Value:
    try:
        return parse(text)
    except ValueError:
        return Name(" ".join(text.split()))


def _who(before: State, after: State) -> str:
    """The action, and in brackets the thread, if it can be told from what changed."""
    if "(" in after.action:
        return after.action
    place = next((name for name in PLACES if _entries(before.values.get(name))), None)
    if place is None:
        return after.action
    threads = _entries(before.values[place])
    moved = _touched(before.values[place], after.values[place])
    if not moved:
        # Some actions leave their thread where it is, and show in another function or set of threads.
        touched = [_touched(old, after.values.get(name, old)) & {*threads} for name, old in before.values.items()]
        moved = set().union(*(found for found in touched if len(found) == 1))
    return f"{after.action}({_key(moved.pop())})" if len(moved) == 1 else after.action


def _touched(old: Value, new: Value) -> set[Value]:
    """The keys of the entries that differ, or what a set gained or lost."""
    if isinstance(old, Set) and isinstance(new, Set):
        return set(old.items) ^ set(new.items)
    before, after = _entries(old), _entries(new)
    return {key for key in {*before, *after} if before.get(key) != after.get(key)}


def _entries(value: Value | None) -> dict[Value, Value]:
    """What a function maps to what; of anything else, nothing."""
    match value:
        case Function(pairs):
            return dict(pairs)
        case Record(fields):
            return {Text(name): item for name, item in fields}
        case Sequence(items):
            return {i: item for i, item in enumerate(items, start=1)}  # noqa: C416, as a dict of values
    return {}


def _changes(before: State, after: State) -> Iterator[str]:
    for name, new in after.values.items():
        old = before.values.get(name)
        if old is None:
            yield f"{name}: {show(new)}"
        else:
            yield from _differences(name, old, new)


def _differences(name: str, old: Value, new: Value) -> Iterator[str]:
    """Entry by entry where a function stays one, whole otherwise."""
    if old == new or (_is_empty(old) and _is_empty(new)):
        return
    if not _comparable(old, new):
        yield f"{name}: {show(old)} -> {show(new)}"
        return
    before, after = _entries(old), _entries(new)
    for key in {**before, **after}:
        # Of a variable it is taken for a function, inside of one for a record.
        entry = f"{name}.{key.text}" if "[" in name and isinstance(key, Text) else f"{name}[{_key(key)}]"
        if key not in before:
            yield f"{entry}: new {show(after[key])}"
        elif key not in after:
            yield f"{entry}: gone, was {show(before[key])}"
        else:
            yield from _differences(entry, before[key], after[key])


def _is_empty(value: Value) -> bool:
    """Whether it is the empty sequence, which is the empty function, though TLC prints that in another way."""
    return value in (Sequence(()), Function(()))


def _comparable(old: Value, new: Value) -> bool:
    match old, new:
        case (Function() | Record(), Function() | Record()):
            return True
        case (Sequence(a), Sequence(b)):
            # A function of 1..n is a sequence, too. If more than one entry differs, it is rather one that was moved.
            return len(a) == len(b) and sum(x != y for x, y in zip(a, b, strict=True)) == 1
    return False


def _key(key: Value) -> str:
    return key.text if isinstance(key, (Name, Text)) else show(key)
