"""What a workload file says: its format, and the reading of it.

Each class is an object of the file, each attribute a key. Times are in seconds.
"""

from __future__ import annotations

import codecs
import difflib
import json
import math
import re
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct, field

from sim.errors import WorkloadError

CENTURY = 100 * 366 * 86_400  # seconds; more than that is a slip

Seconds = Annotated[float, Meta(ge=0, le=CENTURY)]
Age = Annotated[float, Meta(gt=0, le=CENTURY)]
LARGEST = 1_000_000
Size = Annotated[int, Meta(ge=0, le=LARGEST)]
Share = Annotated[float, Meta(ge=0, le=1)]
Amount = Annotated[float, Meta(ge=0, le=1e12)]

MOST_SETTINGS = 100_000  # that a sweep may ask for


class Strict(Struct, forbid_unknown_fields=True, kw_only=True):
    """An object whose keys are all known."""


class Columns(Strict):
    """Which columns of a trace hold what. `end` may stand in place of `arrival` or of `hold`."""

    arrival: str | None = None
    hold: str | None = None
    end: str | None = None
    key: str | None = None


class Trace(Strict, tag_field="kind", tag="trace"):
    """A recorded load: a CSV file with a header, which may be gzipped."""

    path: str
    columns: Columns | None = None
    unit: Literal["s", "ms", "us", "ns"] = "s"


class Inline(Strict, tag_field="kind", tag="inline"):
    """A load that stands in the workload file itself."""

    arrival: list[Seconds]
    hold: list[Seconds]
    key: list[str | int] | None = None


class Synthetic(Strict, tag_field="kind", tag="synthetic"):
    """A load that is drawn at random, phase after phase."""

    phases: Annotated[list[dict[str, Any]], Meta(min_length=1)]


class Pool(Strict):
    """The pool's settings, where `sweep` does not give several."""

    maxsize: Size | None = None
    minsize: Size | None = None
    maxage: Age | None = None
    init: Size = 0
    alloc: bool = True
    timeout: float | None = None


class Latency(Strict):
    """How long the callbacks take."""

    alloc: Seconds = 0
    dealloc: Seconds = 0
    check: Seconds = 0


class Cost(Strict):
    """What things cost, in a unit of the user's. Only the ratios matter."""

    alloc: Amount = 1
    idle_second: Amount = 0.01
    wait_second: Amount = 1
    timeout: Amount = 50


class LogGrid(Strict):
    """`n` values from the first to the last, each larger than the one before by the same factor."""

    log: tuple[Age, Age]
    n: Annotated[int, Meta(ge=1, le=10_000)]

    def values(self) -> list[float]:
        """The values; the ends are exact."""
        low, high = self.log
        if self.n == 1:
            return [low]
        step = math.log(high / low) / (self.n - 1)
        return [low, *(low * math.exp(step * i) for i in range(1, self.n - 1)), high]


class Sweep(Strict):
    """The settings to compare: their product."""

    maxsize: Annotated[list[Size | None], Meta(min_length=1)] | LogGrid | None = None
    minsize: Annotated[list[Size | None], Meta(min_length=1)] | LogGrid | None = None
    maxage: Annotated[list[Age | None], Meta(min_length=1)] | LogGrid | None = None


class Slo(Strict):
    """What a setting must reach to be recommended."""

    hit_ratio: Share | None = None
    wait_p99: Seconds | None = None


class Workload(Strict):
    """A workload file."""

    version: Literal[1]
    workload: Trace | Inline | Synthetic
    seed: int = 0
    warmup: Seconds = 0
    pool: Pool = field(default_factory=Pool)
    latency: Latency = field(default_factory=Latency)
    cost: Cost = field(default_factory=Cost)
    sweep: Sweep = field(default_factory=Sweep)
    slo: Slo = field(default_factory=Slo)


def read(path: Path) -> Workload:
    """Read a workload file.

    Raises:
        WorkloadError: it can't be read, or is not a workload.
    """
    try:
        content = path.read_bytes().removeprefix(codecs.BOM_UTF8)
    except OSError as error:
        raise WorkloadError(path, f"can't be read: {error.strerror}") from None
    try:
        return msgspec.json.decode(content, type=Workload)
    except msgspec.ValidationError as error:
        raise WorkloadError(path, _explain(str(error), content)) from None
    except msgspec.DecodeError as error:
        raise WorkloadError(path, f"is not valid JSON: {_locate(str(error), content)}") from None
    except UnicodeDecodeError:
        raise WorkloadError(path, f"is not valid JSON: {_undecodable(content)}") from None
    except RecursionError:
        raise WorkloadError(path, "is nested too deeply") from None


def _explain(message: str, content: bytes) -> str:
    """Make msgspec's message say where, what is there, and what is allowed."""
    expected, _, where = message.partition(" - at `")
    where = where.rstrip("`") or "$"
    unknown = re.fullmatch(r"Object contains unknown field `(.*)`", expected, re.DOTALL)
    if unknown:
        return f"{where}: unknown key {unknown[1]!r}{_suggest(unknown[1], where)}"
    missing = re.fullmatch(r"Object missing required field `(.*)`", expected)
    if missing:
        choices = CHOICES.get(f"{where}.{missing[1]}")
        return f"{where}: the key {missing[1]!r} is missing" + (f"; expected {choices}" if choices else "")
    return f"{where}: {_value_at(where, content)} is not allowed; expected {_allowed(expected, where)}"


# What msgspec does not say of an enumeration, and how it is put for people.
CHOICES = {
    "$.version": "1",
    "$.workload.kind": '"trace" or "inline"',
    "$.workload.unit": '"s", "ms", "us" or "ns"',
}
WORDS = {
    "int": "an integer",
    "float": "a number",
    "str": "a string",
    "bool": "true or false",
    "array": "an array",
    "object": "an object",
}


def _allowed(expected: str, where: str) -> str:
    if expected.startswith("Invalid"):
        return CHOICES.get(where, "another")
    if expected == "Number out of range":
        return "a smaller number"
    expected = expected.replace(str(float(CENTURY)), "a century").replace(">= 0.0", ">= 0").replace("> 0.0", "> 0")
    kinds = re.sub(r"^Expected |, got .*$", "", expected).replace("`", "").split(" | ")
    *most, last = [re.sub(r"^\w+", lambda word: WORDS.get(word[0], word[0]), kind) for kind in kinds]
    return f"{', '.join(most)} or {last}" if most else last


def _value_at(where: str, content: bytes) -> str:
    try:
        value: Any = json.loads(content)
        for key, index in re.findall(r"\.([^.\[]+)|\[(\d+)\]", where):
            value = value[key] if key else value[int(index)]
    except (ValueError, KeyError, IndexError, TypeError, RecursionError):
        return "the value"
    text = json.dumps(value)
    return text if len(text) <= 60 else text[:57] + "..."


KEYS: dict[str, list[type[Struct]]] = {
    "$": [Workload],
    "$.workload": [Trace, Inline],
    "$.pool": [Pool],
    "$.latency": [Latency],
    "$.cost": [Cost],
    "$.sweep": [Sweep],
    "$.slo": [Slo],
    "$.workload.columns": [Columns],
}


def _suggest(key: str, where: str) -> str:
    known = [name for kind in KEYS.get(where, []) for name in kind.__struct_fields__]
    if not known:
        return ""
    close = difflib.get_close_matches(key, known, 1)
    return f"; did you mean {close[0]!r}?" if close else f"; known are {', '.join(known)}"


def _locate(message: str, content: bytes) -> str:
    byte = re.search(r"\(byte (\d+)\)", message)
    if not byte:
        return message
    return f"{message.replace(byte[0], '').strip()} {_place(content, int(byte[1]))}"


def _undecodable(content: bytes) -> str:
    """Where it is no text. What msgspec says of that is about the one string that it was in."""
    try:
        content.decode()
    except UnicodeDecodeError as error:
        return f"{content[error.start : error.start + 1]!r} is not UTF-8 text {_place(content, error.start)}"
    return "a string is not UTF-8 text"


def _place(content: bytes, byte: int) -> str:
    before = content[:byte]
    line, column = before.count(b"\n") + 1, len(before) - before.rfind(b"\n")
    return f"at line {line}, column {column}"
