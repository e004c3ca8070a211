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
from msgspec import Meta, Struct, field, inspect

from sim.errors import WorkloadError

CENTURY = 100 * 366 * 86_400  # seconds; more than that is a slip

Seconds = Annotated[float, Meta(ge=0, le=CENTURY)]
Age = Annotated[float, Meta(gt=0, le=CENTURY)]
LARGEST = 1_000_000
Size = Annotated[int, Meta(ge=0, le=LARGEST)]
Share = Annotated[float, Meta(ge=0, le=1)]
Amount = Annotated[float, Meta(ge=0, le=1e12)]
Rate = Annotated[float, Meta(gt=0, le=1e9)]  # per second
Duration = Annotated[float, Meta(gt=0, le=CENTURY)]

MOST_BYTES = 2**30  # of a workload file; a longer load is for a trace
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
    """A recorded load: a CSV file with a header, which may be gzipped. With `sort`, in any order."""

    path: str
    columns: Columns | None = None
    unit: Literal["s", "ms", "us", "ns"] = "s"
    sort: bool = False


class Inline(Strict, tag_field="kind", tag="inline"):
    """A load that stands in the workload file itself."""

    arrival: list[Seconds]
    hold: list[Seconds]
    key: list[str | int] | None = None


class Poisson(Strict, tag_field="dist", tag="poisson"):
    """Arrivals that do not depend on each other, `rate` per second on average."""

    rate: Rate


class Deterministic(Strict, tag_field="dist", tag="deterministic"):
    """Arrivals at equal distances, `rate` per second."""

    rate: Rate


class Bursty(Strict, tag_field="dist", tag="bursty"):
    """On-off: Poisson arrivals during bursts, none between. Both last exponential times of mean `on` and `off`."""

    rate: Rate
    on: Duration
    off: Duration


class Diurnal(Strict, tag_field="dist", tag="diurnal"):
    """Poisson arrivals at the rate `rate * (1 + amplitude * sin(2 pi t / period))`, t from the phase's start."""

    rate: Rate
    amplitude: Share = 0.8
    period: Duration = 86_400


class Constant(Strict, tag_field="dist", tag="constant"):
    """Holds that are all equal."""

    mean: Seconds


class Exponential(Strict, tag_field="dist", tag="exponential"):
    """Holds of an exponential distribution."""

    mean: Seconds


class Lognormal(Strict, tag_field="dist", tag="lognormal"):
    """Holds of a lognormal distribution; `cv` is the standard deviation divided by the mean."""

    mean: Seconds
    cv: Annotated[float, Meta(ge=0, le=1000)]


class Pareto(Strict, tag_field="dist", tag="pareto"):
    """Holds of a Pareto distribution: P(hold > x) = (least / x) ** shape, with the least that gives this mean."""

    mean: Seconds
    shape: Annotated[float, Meta(gt=1, le=1000)]


class Empirical(Strict, tag_field="dist", tag="empirical"):
    """Holds that are drawn from these, each as likely as the others."""

    values: Annotated[list[Seconds], Meta(min_length=1)]


class Phase(Strict):
    """A part of a synthetic load."""

    duration: Duration
    arrivals: Poisson | Deterministic | Bursty | Diurnal
    hold: Constant | Exponential | Lognormal | Pareto | Empirical


class Synthetic(Strict, tag_field="kind", tag="synthetic"):
    """A load that is drawn at random, phase after phase."""

    phases: Annotated[list[Phase], Meta(min_length=1)]


class Pool(Strict):
    """The pool's settings, where `sweep` does not give several."""

    maxsize: Size | None = None
    minsize: Size | None = None
    maxage: Age | None = None
    init: Size = 0
    alloc: bool = True
    timeout: Annotated[float, Meta(ge=-CENTURY, le=CENTURY)] | None = None


class Latency(Strict):
    """How long the callbacks take."""

    alloc: Seconds = 0
    dealloc: Seconds = 0
    check: Seconds = 0


class Failures(Strict):
    """How resources die while they are idle. The pool finds that out by `check`, when it is about to hand one out.

    Each dies when it has been idle for `age` seconds, or at the `rate` of so many deaths per idle second, whatever
    comes first.
    """

    age: Age | None = None
    rate: Annotated[float, Meta(ge=0, le=1e9)] = 0


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
    seed: Annotated[int, Meta(ge=0, le=2**63 - 1)] = 0
    replications: Annotated[int, Meta(ge=1, le=1000)] = 1
    warmup: Seconds = 0
    pool: Pool = field(default_factory=Pool)
    latency: Latency = field(default_factory=Latency)
    failures: Failures = field(default_factory=Failures)
    cost: Cost = field(default_factory=Cost)
    sweep: Sweep = field(default_factory=Sweep)
    slo: Slo = field(default_factory=Slo)


def read(path: Path) -> Workload:
    """Read a workload file.

    Raises:
        WorkloadError: it can't be read, or is not a workload.
    """
    try:
        content = _content(path).removeprefix(codecs.BOM_UTF8)
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


def _content(path: Path) -> bytes:
    """All that is in a file, which may be anything, so that it may never end."""
    pieces, size = [], 0
    with path.open("rb") as file:
        while piece := file.read(2**20):
            pieces.append(piece)
            size += len(piece)
            if size > MOST_BYTES:
                raise WorkloadError(path, f"is too large; expected at most {MOST_BYTES:,} bytes, and more in a trace")
    return b"".join(pieces)


def _explain(message: str, content: bytes) -> str:
    """Make msgspec's message say where, what is there, and what is allowed."""
    expected, _, where = message.partition(" - at `")
    where = where.rstrip("`") or "$"
    unknown = re.fullmatch(r"Object contains unknown field `(.*)`", expected, re.DOTALL)
    if unknown:
        return f"{where}: unknown key {unknown[1]!r}{_suggest(unknown[1], where, content)}"
    missing = re.fullmatch(r"Object missing required field `(.*)`", expected)
    if missing:
        choices = _choices(f"{where}.{missing[1]}")
        return f"{where}: the key {missing[1]!r} is missing" + (f"; expected {choices}" if choices else "")
    return f"{where}: {_value_at(where, content)} is not allowed; expected {_allowed(expected, where)}"


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
        return _choices(where) or "another"
    if expected == "Number out of range":
        return "a smaller number"
    expected = expected.replace(str(float(CENTURY)), "a century").replace(">= 0.0", ">= 0").replace("> 0.0", "> 0")
    kinds = re.sub(r"^Expected |, got .*$", "", expected).replace("`", "").split(" | ")
    *most, last = [re.sub(r"^\w+", lambda word: WORDS.get(word[0], word[0]), kind) for kind in kinds]
    return f"{', '.join(most)} or {last}" if most else last


STEP = re.compile(r"\.([^.\[]+)|\[(\d+)\]")


UNKNOWN = object()


def _find(where: str, content: bytes) -> Any:
    """The value at this place, or UNKNOWN."""
    try:
        value: Any = json.loads(content)
        for key, index in STEP.findall(where):
            value = value[key] if key else value[int(index)]
    except (ValueError, KeyError, IndexError, TypeError, RecursionError):
        return UNKNOWN
    return value


def _value_at(where: str, content: bytes) -> str:
    value = _find(where, content)
    if value is UNKNOWN:
        return "the value"
    text = json.dumps(value)
    return text if len(text) <= 60 else text[:57] + "..."


def _types(where: str) -> list[inspect.Type]:
    """What the format allows at this place."""
    types: list[inspect.Type] = [inspect.type_info(Workload)]
    for key, _ in STEP.findall(where):
        types = [kind for parent in types for kind in _inside(parent, key)]
    return types


def _inside(parent: inspect.Type, key: str) -> list[inspect.Type]:
    if isinstance(parent, inspect.StructType) and key:
        found = [field.type for field in parent.fields if field.encode_name == key]
        if key == parent.tag_field:
            found = [inspect.LiteralType((parent.tag,))]
    elif isinstance(parent, inspect.ListType) and not key:
        found = [parent.item_type]
    else:
        found = []
    return [kind for each in found for kind in (each.types if isinstance(each, inspect.UnionType) else (each,))]


def _choices(where: str) -> str:
    """The values that are allowed there, if these are few."""
    values = [value for kind in _types(where) if isinstance(kind, inspect.LiteralType) for value in kind.values]
    *most, last = [json.dumps(value) for value in values] or [""]
    return f"{', '.join(most)} or {last}" if most else last


def _suggest(key: str, where: str, content: bytes) -> str:
    structs = [kind for kind in _types(where) if isinstance(kind, inspect.StructType)]
    value = _find(where, content)
    if isinstance(value, dict):  # of several kinds of object it is the one that it says
        structs = [kind for kind in structs if not kind.tag_field or value.get(kind.tag_field) == kind.tag]
    known = [field.encode_name for kind in structs for field in kind.fields]
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
