"""Running the tests on a mutant."""

from __future__ import annotations

import hashlib
import json
import multiprocessing
import os
import shutil
import signal
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from tests.mutation.child import PRELOADED, run_pytest
from tests.mutation.mutants import SOURCE, Mutant
from tests.mutation.plugin import COVERED, NOTED, TESTS
from tests.mutation.verdicts import KILLED, SURVIVED, TIMEOUT, Verdict

ROOT = Path(__file__).parents[2]
CONTEXT = multiprocessing.get_context("forkserver")
CONTEXT.set_forkserver_preload(PRELOADED)
LATE = ("Timeout", "is stuck", "TimeoutExpired", "TimeoutError")  # in the message of a test that waited in vain

EXAMPLES = "pop_and_push waiting retention construction context_manager callbacks closing time manual_clock".split()
# What is run, in this order; a group that has noticed other mutants of the same definition comes before. Of the
# examples only those that run the definition, as far as that is known.
GROUPS = {
    "package": ["tests/test_package.py"],
    "examples": [f"tests/test_{name}.py" for name in EXAMPLES],
    "processes": ["tests/test_life_and_death.py", "tests/test_fork.py"],
    "schedules": ["tests/schedule/test_pool_schedules.py"],
    "machine": ["tests/stateful/test_machine.py"],
}
SLOW = ("processes", "schedules", "machine")
SCHEDULES = "hold_for"  # in the names of those that search in every order, with few preemptions
PUNCTUAL = "in_time"  # in the names of those that a busy machine may fail
# What the scheduler runs. Of the rest it has its own, or does not need it.
SCHEDULED = ("_pool.py", "_waiter.py", "_victims.py", "_moves.py")


class Patience(NamedTuple):
    """After how many seconds something counts as stuck.

    Attributes:
        inside: what a test waits for.
        test: a test, or else if it takes `times` as long as without a mutant.
        all: all tests of a group.
    """

    inside: float
    test: float
    times: float
    all: float


FIRST_PATIENCE = Patience(3, 6, 10, 200)
MORE_PATIENCE = Patience(10, 20, 20, 300)
BASELINE_PATIENCE = Patience(20, 200, 1, 600)


class Tests:
    """What the tests do without a mutant: how long each takes, and what it runs.

    Args:
        quick: only those groups are to be run that take little time.
    """

    def __init__(self, quick: bool = False) -> None:
        self.names: dict[str, list[str]] = {}  # by group, the fastest first
        self.seconds: dict[str, float] = {}
        self.lines: dict[str, dict[str, list[str]]] = {}  # by file and line, the examples that run it
        self.groups = [group for group in GROUPS if not (quick and group in SLOW)]
        for group in self.groups:
            seconds, lines = _baseline(group)
            self.seconds.update(seconds)
            self.names[group] = sorted(seconds, key=seconds.__getitem__)
            self.lines.update(lines)

    def of(self, mutant: Mutant, noticed: Sequence[str]) -> Iterator[list[str]]:
        """Those that may notice the mutant, group by group, and first those that noticed one nearby."""
        hits = Counter(group for name in noticed for group, files in GROUPS.items() if name.split("::")[0] in files)
        for group in sorted(self.groups, key=lambda group: -hits[group]):
            names = self.names[group]
            if group == "examples":
                lines = self.lines.get(mutant.file, {})
                running = {name for line in mutant.lines for name in lines.get(str(line), ())}
                names = [name for name in names if name in running] or names
            if group != "schedules" or mutant.file in SCHEDULED:
                yield sorted(names, key=lambda name: noticed.index(name) if name in noticed else len(noticed))


def _baseline(group: str) -> tuple[dict[str, float], dict[str, dict[str, list[str]]]]:
    """Measure it, unless that was done with the same tests and the same code."""
    files = [*sorted(SOURCE.glob("*.py")), *(ROOT / name for name in GROUPS[group]), ROOT / "tests" / "helpers.py"]
    digest = hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()[:12]
    known = ROOT / "build" / "mutation" / f"{group}-{digest}.json"
    if not known.exists():
        words = SCHEDULES if group == "schedules" else f"not {PUNCTUAL}"
        covered = str(SOURCE) if group == "examples" else ""
        with tempfile.TemporaryDirectory(prefix="tests-") as folder:
            status, noted = run(Path(folder), [*GROUPS[group], "-k", words], BASELINE_PATIENCE, **{COVERED: covered})
        if status != 0:
            raise RuntimeError(f"without a mutant a test failed: {noted}")
        known.parent.mkdir(parents=True, exist_ok=True)
        known.write_text(json.dumps(noted), encoding="utf-8")
    seconds, lines = json.loads(known.read_text("utf-8"))
    return seconds, lines


def try_mutant(mutant: Mutant, tests: Tests, noticed: Sequence[str]) -> Verdict:
    """Run group after group until a test notices. One that hangs has to do so again, on its own."""
    begun = time.monotonic()
    noticed = [name for name in noticed if name in tests.seconds]
    with tempfile.TemporaryDirectory(prefix="mutant-") as name:
        folder = Path(name)
        package = folder / "src" / "ya" / "resourcepool"
        shutil.copytree(SOURCE, package, ignore=shutil.ignore_patterns("__pycache__"))
        (package / mutant.file).write_text(mutant.text, encoding="utf-8")
        verdict, by = SURVIVED, ""
        groups = [*([noticed[:3]] if noticed else []), *tests.of(mutant, noticed)]
        while groups and verdict == SURVIVED:
            names = groups.pop(0)
            verdict, by = _pytest(folder, tests, names, FIRST_PATIENCE)
            if verdict == TIMEOUT:
                if by in names:
                    groups.insert(0, names[names.index(by) + 1 :])
                verdict, by = _pytest(folder, tests, [by], MORE_PATIENCE)
    return Verdict(verdict, by, round(time.monotonic() - begun, 1))


def _pytest(folder: Path, tests: Tests, names: Sequence[str], patience: Patience) -> tuple[str, str]:
    if not names:
        return SURVIVED, ""
    chosen = folder / "tests.json"
    most = {name: max(patience.test, patience.times * tests.seconds.get(name, 0)) for name in names}
    chosen.write_text(json.dumps(most), encoding="utf-8")
    files = list(dict.fromkeys(name.split("::")[0] for name in names)) if len(names) > 3 else names
    status, noted = run(folder, files, patience, **{TESTS: str(chosen)})
    if status == 0:
        return SURVIVED, ""
    by, text = noted
    late = status is None or text is None or any(word in text for word in LATE)
    return TIMEOUT if late else KILLED, by


def run(folder: Path, arguments: Sequence[str], patience: Patience, **environment: str) -> tuple[int | None, Any]:
    """Run pytest on the package that is in the folder, if there is one.

    Returns:
        Its status, or None if it did not end in time, and what the plugin has noted.

    Raises:
        RuntimeError: it could not be run.
    """
    noted, output = folder / "noted.json", folder / "output"
    noted.unlink(missing_ok=True)
    environment = {
        **environment,
        "PYTHONPATH": str(folder / "src"),
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
        "HYPOTHESIS_STORAGE_DIRECTORY": str(folder / "hypothesis"),
        "PATIENCE": str(patience.inside),
        NOTED: str(noted),
    }
    plugins = "no:cacheprovider", "pytest_timeout", "_hypothesis_pytestplugin", "tests.mutation.plugin"
    options = ["-x", "-q", "--rootdir", str(ROOT), "--assert=plain", "-W", "ignore::pytest.PytestAssertRewriteWarning"]
    options += [f"--timeout={patience.test}", "--timeout-method=thread", "--hypothesis-seed=0"]
    options += [word for plugin in plugins for word in ("-p", plugin)]
    process = CONTEXT.Process(target=run_pytest, args=([*options, *arguments], environment, str(output)))
    process.start()
    process.join(patience.all)
    status = process.exitcode
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
    process.join()
    if status != 0 and not noted.exists():
        raise RuntimeError(f"pytest could not be run ({status}):\n{output.read_text('utf-8')}")
    return status, json.loads(noted.read_text("utf-8")) if noted.exists() else None
