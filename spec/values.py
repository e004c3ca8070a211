"""TLC's values: what it prints, as Python objects, and back."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True)
class Name:
    """A model value, TRUE or FALSE."""

    text: str


@dataclass(frozen=True)
class Text:
    """A string."""

    text: str


@dataclass(frozen=True)
class Set:
    items: tuple[Value, ...]


@dataclass(frozen=True)
class Interval:
    low: int
    high: int


@dataclass(frozen=True)
class Sequence:
    items: tuple[Value, ...]


@dataclass(frozen=True)
class Record:
    """A record, or a function of strings: TLC prints both in the same way."""

    fields: tuple[tuple[str, Value], ...]


@dataclass(frozen=True)
class Function:
    """A function that is neither a sequence nor a record, in the order of its domain."""

    pairs: tuple[tuple[Value, Value], ...]


Value: TypeAlias = int | Name | Text | Set | Interval | Sequence | Record | Function

TOKEN = re.compile(r'\s*(-?\d+(?!\w)|\w+|"(?:[^"\\]|\\.)*"|<<|>>|\|->|:>|@@|\.\.|[\[\]{}(),]|$)', re.DOTALL)
ESCAPES = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\t": "\\t", "\r": "\\r", "\f": "\\f"}
UNESCAPES = {escape: plain for plain, escape in ESCAPES.items()}


def parse(text: str) -> Value:
    """Read a value as TLC prints it; how it is broken into lines makes no difference.

    Raises:
        ValueError: it is none of the above; TLC also has values that it does not enumerate, such as `Nat`.
    """
    parser = _Parser(text)
    value = parser.value()
    parser.take("")
    return value


def show(value: Value) -> str:
    """Write a value as TLC prints it, on one line."""
    match value:
        case int():
            return str(value)
        case Name(text):
            return text
        case Text(text):
            return '"' + "".join(ESCAPES.get(char, char) for char in text) + '"'
        case Set(items):
            return "{" + ", ".join(map(show, items)) + "}"
        case Interval(low, high):
            return f"{low}..{high}"
        case Sequence(items):
            return "<<" + ", ".join(map(show, items)) + ">>"
        case Record(fields):
            return "[" + ", ".join(f"{name} |-> {show(item)}" for name, item in fields) + "]"
        case Function(pairs):
            if not pairs:
                return "<< >>"  # so that it can be told from a sequence
            return "(" + " @@ ".join(f"{show(key)} :> {show(item)}" for key, item in pairs) + ")"


class _Parser:
    """Recursive descent, one method for each thing that has items."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.token = ""
        self.next = self._scan()

    def _scan(self) -> str:
        found = TOKEN.match(self.text, self.at)
        if not found:
            raise ValueError(f"{self.text[self.at :].lstrip()[:20]!r} is no part of a value")
        self.at = found.end()
        return found[1]

    def take(self, expected: str | None = None) -> str:
        """Go one token on; that must be the expected one."""
        if expected is not None and self.next != expected:
            raise ValueError(f"expected {expected or 'the end'!r}, found {self.next or 'the end'!r}")
        self.token = self.next
        self.next = self._scan() if self.token else ""
        return self.token

    def value(self) -> Value:
        token = self.take()
        match token:
            case "{":
                return Set(self.items("}"))
            case "<<":
                if self.next == ">>" and self.text[self.at - 3] == " ":
                    self.take()
                    return Function(())
                return Sequence(self.items(">>"))
            case "[":
                return Record(self.fields())
            case "(":
                return Function(self.pairs())
        if re.fullmatch(r"-?\d+", token):
            if self.next != "..":
                return int(token)
            self.take()
            return Interval(int(token), int(self.take()))
        if token.startswith('"'):
            return Text(re.sub(r"\\.", lambda escape: UNESCAPES.get(escape[0], escape[0]), token[1:-1]))
        if re.fullmatch(r"\w+", token):
            return Name(token)
        raise ValueError(f"expected a value, found {token or 'the end'!r}")

    def items(self, end: str) -> tuple[Value, ...]:
        found: list[Value] = []
        while self.next != end:
            if found:
                self.take(",")
            found.append(self.value())
        self.take(end)
        return tuple(found)

    def fields(self) -> tuple[tuple[str, Value], ...]:
        found: list[tuple[str, Value]] = []
        while self.next != "]":
            if found:
                self.take(",")
            name = self.take()
            self.take("|->")
            found.append((name, self.value()))
        self.take("]")
        return tuple(found)

    def pairs(self) -> tuple[tuple[Value, Value], ...]:
        found: list[tuple[Value, Value]] = []
        while not found or self.next == "@@":
            if found:
                self.take("@@")
            key = self.value()
            self.take(":>")
            found.append((key, self.value()))
        self.take(")")
        return tuple(found)
