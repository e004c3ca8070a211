"""Running TLC on a model, and what it says.

TLC runs in a folder of its own that holds a copy of all modules: nothing of what it writes stays, and a module can
be replaced. It is asked for its machine-readable output, in which each message has a number.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from spec import config
from spec.manifest import DEADLOCK, OK, Model
from spec.tools import Tools
from spec.trace import State, Trace, read_end, read_state

ERROR, TIMEOUT = "error", "timeout"  # results that a manifest can't expect

# Numbers of messages.
VIOLATED_AT_ONCE = (2107, 2108)  # an invariant, a property; the state is part of the message
VIOLATED = (2110, 2112)  # an invariant, a property of steps
TEMPORAL_VIOLATED = 2116  # does not say which
DEADLOCKED = 2114
SUCCESS = 2193
STATISTICS, DEPTH = 2199, 2194
CHECKING_TEMPORAL = 2192
STATE, BACK_TO_STATE, STUTTERING = 2217, 2122, 2218
BEHAVIOUR = (2121, 2264)  # the headings of one
NESTED_EXPRESSIONS = 2103
NOT_PARSED = 3002
ERROR_SEVERITIES = (1, 2)

MARK = re.compile(r"@!@!@(STARTMSG|ENDMSG) (\d+)(?::(\d))? @!@!@\n?")


@dataclass(frozen=True)
class Outcome:
    """What TLC found. Without an error a result is OK, DEADLOCK or the name of what is violated."""

    result: str
    states: int | None = None
    distinct: int | None = None
    depth: int | None = None  # of the state graph; of a counterexample, its states
    trace: Trace | None = None
    errors: tuple[str, ...] = ()  # lines
    temporal: bool = False  # whether there was a temporal property to check
    seconds: float = 0.0
    printed: tuple[str, ...] = ()  # by `PrintT`, each a value that begins with a string

    @property
    def violation(self) -> bool:
        """Whether an invariant or a property is violated."""
        return self.result not in (OK, DEADLOCK, ERROR, TIMEOUT)


class Stopped(Exception):
    """TLC has been stopped."""


class Tlc:
    """TLC, ready to run models of a folder, from any thread."""

    def __init__(self, tools: Tools, folder: Path) -> None:
        self._tools = tools
        self._folder = folder
        self._lock = threading.Lock()  # protects what follows
        self._running: set[subprocess.Popen[str]] = set()
        self._stopped = False

    def check(
        self,
        model: Model,
        *,
        replaced: Mapping[str, str] | None = None,
        constraint: str = "",
        settings: str | None = None,
        dump: Path | None = None,
        timeout: float | None = None,
    ) -> Outcome:
        """Check a model.

        Args:
            replaced: the text of modules, by name.
            constraint: the name of what states have to meet, or TLC goes no further from them.
            settings: a configuration to use in the place of the model's.
            dump: where to write the graph of states, for Graphviz; its name ends in `.dot`.
            timeout: seconds after which it is ended.

        Raises:
            Stopped: `stop` has been called.
        """
        began = time.monotonic()
        with tempfile.TemporaryDirectory(prefix="tlc-") as scratch:
            modules = Path(scratch, "modules")
            shutil.copytree(self._folder, modules, ignore=_only_modules)
            for name, text in (replaced or {}).items():
                (modules / f"{name}.tla").write_text(text, encoding="utf-8")
            path = modules / f"{model.config}.cfg"
            if settings is not None:
                path.write_text(settings, encoding="utf-8")
            if constraint:
                with path.open("a", encoding="utf-8") as file:
                    file.write(f"\nCONSTRAINT {constraint}\n")
            outcome = self._run(model, Path(scratch), timeout, dump)
            if outcome.violation:
                outcome = self._named(outcome, model, Path(scratch), timeout)
        return replace(outcome, seconds=time.monotonic() - began)

    def stop(self) -> None:
        """End all that run, and start no more."""
        with self._lock:
            self._stopped = True
            for process in self._running:
                process.kill()

    def _named(self, outcome: Outcome, model: Model, scratch: Path, timeout: float | None) -> Outcome:
        """The outcome with the name of what is violated.

        Of an action property TLC says only where it stands; of a temporal one nothing, so each is checked alone then.
        """
        settings = scratch / "modules" / f"{model.config}.cfg"
        text = settings.read_text(encoding="utf-8")
        invariants, properties = config.checked(text)
        if outcome.result in [*invariants, *properties] or not properties:
            return outcome
        there = _defined_at(outcome.result, scratch / "modules")
        if there in properties:
            return replace(outcome, result=there)
        for name in properties[:-1]:
            settings.write_text(config.only(text, name), encoding="utf-8")
            alone = self._run(model, scratch, timeout)
            if alone.violation:
                return replace(alone, result=name)
        return replace(outcome, result=properties[-1])

    def _run(self, model: Model, scratch: Path, timeout: float | None, dump: Path | None = None) -> Outcome:
        root = scratch / "modules"
        module = root / f"{model.module}.tla"
        states = tempfile.mkdtemp(dir=scratch)
        command = [self._tools.java]
        # A young generation that grows is new memory all the time: half of a long run would be the kernel's.
        command += (
            ["-XX:+UseParallelGC", "-Xmn300m"] if model.large else ["-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"]
        )
        # TLC unpacks its standard modules to the temporary folder, under names that other runs use, too.
        command += [f"-Djava.io.tmpdir={states}", f"-DTLA-Library={root}", "-Duser.language=en"]
        command += ["-cp", str(self._tools.jar), "tlc2.TLC", "-tool", "-metadir", states]
        command += ["-fp", "0"]  # otherwise drawn at random, and with it the counterexample of a temporal property
        command += ["-workers", str(min(model.workers, os.cpu_count() or 1))]
        command += [] if model.deadlock else ["-deadlock"]
        command += ["-dump", "dot,actionlabels", str(dump.resolve())] if dump else []
        command += ["-config", str(root / f"{model.config}.cfg"), module.name]
        with self._lock:
            if self._stopped:
                raise Stopped
            process = subprocess.Popen(
                command,
                cwd=module.parent,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                encoding="utf-8",
                errors="replace",
            )
            self._running.add(process)
        try:
            output, complaints = process.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            return Outcome(TIMEOUT)
        finally:
            process.kill()
            process.communicate()
            with self._lock:
                self._running.discard(process)
        if self._stopped:
            raise Stopped
        return read_output(output, complaints, process.returncode)


def _defined_at(place: str, modules: Path) -> str:
    """The name of the definition at a place that TLC names, or nothing."""
    found = re.match(r"line (\d+), .* of module (\w+)$", place)
    path = modules / f"{found[2]}.tla" if found else None
    if found is None or path is None or not path.is_file():
        return ""
    lines = path.read_text(encoding="utf-8").splitlines()[: int(found[1])]
    heads = (re.match(r"(\w+)(\(.*?\))? *==", line) for line in reversed(lines))
    return next((head[1] for head in heads if head), "")


def _only_modules(folder: str, names: list[str]) -> list[str]:
    """Of what is in a folder, what is not to be copied."""
    return [
        name
        for name in names
        if not name.endswith((".tla", ".cfg")) and (name.startswith((".", "__")) or not Path(folder, name).is_dir())
    ]


def read_output(output: str, complaints: str = "", status: int = 0) -> Outcome:
    """Read what TLC has printed to its standard output, and Java to its standard error."""
    messages, rest = _messages(output)
    states: list[State] = []
    end, result = "", ""
    figures: dict[str, int] = {}
    errors: list[str] = []
    for number, severity, text in messages:
        if number in (*VIOLATED, *VIOLATED_AT_ONCE):
            said, _, state = text.partition("\n")
            named = re.search(r"(?:Invariant|[Pp]roperty) (.*?) (?:is|was) violated", said)
            result = result or (named[1] if named else said)
            if number in VIOLATED_AT_ONCE:
                states.append(read_state(state))
        elif number == TEMPORAL_VIOLATED:
            result = result or "temporal"
        elif number == DEADLOCKED:
            result = result or DEADLOCK
        elif number == SUCCESS:
            result = result or OK
        elif number == STATE:
            states.append(read_state(text))
        elif number in (BACK_TO_STATE, STUTTERING):
            end = read_end(text)
        elif number == STATISTICS:
            generated, distinct, *_ = re.findall(r"\d[\d,]*", text)
            figures.update(states=int(generated.replace(",", "")), distinct=int(distinct.replace(",", "")))
        elif number == DEPTH:
            figures["depth"] = int(re.findall(r"\d+", text)[0])
        elif number == NESTED_EXPRESSIONS:
            errors += [f"at {place}" for place in re.findall(r"(?m)^\d+\. (.*)", text)[-1:]]  # the innermost
        elif number == NOT_PARSED:
            errors += _parse_errors(rest) or [text]
        elif severity in ERROR_SEVERITIES and number not in BEHAVIOUR:
            errors += [line for line in _clean(text) if line not in errors]
    if errors or not result:
        errors = errors or _clean(complaints)[-5:] or [f"TLC ended with status {status}"]
        result = ERROR
    elif result != OK:
        figures["depth"] = len(states)
    return Outcome(
        result,
        figures.get("states"),
        figures.get("distinct"),
        figures.get("depth"),
        Trace(tuple(states), end) if states else None,
        tuple(errors),
        any(number == CHECKING_TEMPORAL for number, _, _ in messages),
        printed=tuple(line for line in rest.splitlines() if line.startswith('<<"')),
    )


def _messages(output: str) -> tuple[list[tuple[int, int, str]], str]:
    """The number, severity and text of each message, and what stands between them. One inside another is its text."""
    found: list[tuple[int, int, str]] = []
    rest: list[str] = []
    open_ones: list[tuple[int, int, list[str]]] = []
    at = 0
    for mark in MARK.finditer(output):
        (open_ones[0][2] if open_ones else rest).append(output[at : mark.start()])
        at = mark.end()
        if mark[1] == "STARTMSG":
            open_ones.append((int(mark[2]), int(mark[3] or 0), []))
        elif open_ones:
            number, severity, text = open_ones.pop()
            if not open_ones:
                found.append((number, severity, "".join(text).strip()))
    rest.append(output[at:])
    return found, "".join(rest)


NOISE = (
    "TLC threw an unexpected exception.",
    "This was probably caused by an error in the spec or model.",
    "See the User Output or TLC Console for clues to what happened.",
    "The exception was a ",
    "Parsing file ",
    "Semantic processing of module ",
    "Semantic errors:",
    "Fatal errors while parsing",
    "Residual stack trace follows:",
    "tla2sany.",
    "*** Abort messages:",
    "*** Errors:",
    "Unknown location",
    "Could not parse module ",
)


def _clean(text: str) -> list[str]:
    lines = (line.strip().removeprefix(": ") for line in text.splitlines())
    return [line for line in lines if line and not line.startswith(NOISE)]


def _parse_errors(text: str) -> list[str]:
    """What the parser complains of; it prints that between the messages, after the names of what it reads."""
    begun = re.search(r"^(\*\*\*|Semantic errors:|Lexical error)", text, re.MULTILINE)
    return _clean(text[begun.start() :]) if begun else []
