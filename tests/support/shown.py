"""Show that the tests of each mended fault fail on the code that had it, and pass on this one: `make faults`."""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple
from xml.etree import ElementTree

from tests.support.mended import COMMIT, FAULTS, NAMES, Fault

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "mended.md"
BEGIN, END = "<!-- what follows is written by `make faults ARGS=--write` -->", "<!-- the end of it -->"
AS_THEN = ("tests/load/postgres.py",)  # files below tests/ that are not tests, but what had a fault
INSIDE = "tests/support/inside.py"
WRONG = ("ImportError", "ModuleNotFoundError", "NameError", "AttributeError", "SyntaxError")  # it shows nothing


class Outcome(NamedTuple):
    """How one test ended, with one set of parameters."""

    kind: str  # passed, failed, error or skipped
    why: str = ""


Outcomes = dict[tuple[str, str], list[Outcome]]  # by file and name


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.support.shown", description=__doc__)
    parser.add_argument("--write", action="store_true", help=f"write the table to {PAGE.relative_to(ROOT)}")
    parser.add_argument("--then", action="store_true", help=f"look at commit {COMMIT} only")
    parser.add_argument("faults", nargs="*", type=int, help="the numbers of those to look at; all, if there is none")
    options = parser.parse_args(arguments)
    faults = [fault for fault in FAULTS if not options.faults or fault.name in options.faults]

    with tempfile.TemporaryDirectory() as folder:
        then = run(faults, check_out(Path(folder)), {"PATIENCE": "5"})  # much of that hangs
    now = None if options.then else run(faults, ROOT)
    rows, complaints = compare(faults, then, now)
    print(*rows, sep="\n")
    if options.write:
        text = PAGE.read_text(encoding="utf-8")
        before, after = text[: text.index(BEGIN) + len(BEGIN)], text[text.index(END) :]
        PAGE.write_text("\n".join([before, "", *rows, "", after]), encoding="utf-8")
    for complaint in complaints:
        print(complaint, file=sys.stderr)
    return 1 if complaints else 0


def check_out(folder: Path) -> Path:
    """The tree of that commit with the tests of this one."""
    archive = subprocess.run(["git", "archive", COMMIT], cwd=ROOT, check=True, stdout=subprocess.PIPE).stdout
    subprocess.run(["tar", "-x", "-C", folder], input=archive, check=True)
    old = {name: (folder / name).read_bytes() for name in AS_THEN}
    shutil.rmtree(folder / "tests")
    shutil.copytree(ROOT / "tests", folder / "tests", ignore=shutil.ignore_patterns("__pycache__"))
    for name, content in old.items():
        (folder / name).write_bytes(content)
    private = subprocess.run(["git", "show", f"{NAMES}:{INSIDE}"], cwd=ROOT, check=True, stdout=subprocess.PIPE).stdout
    inside = folder / INSIDE
    inside.write_text(with_names(inside.read_text(encoding="utf-8"), private.decode()), encoding="utf-8")
    return folder


def with_names(present: str, then: str) -> str:
    """The text of both, so that a name that both define is what it was then."""
    return present + then.replace("from __future__ import annotations\n", "")


def run(faults: list[Fault], tree: Path, settings: dict[str, str] | None = None) -> Outcomes:
    """The outcomes of their tests with the code of a tree. Each file has a process, which must end in time."""
    names: dict[str, set[str]] = {}
    for fault in faults:
        for file, tests in fault.tests:
            names.setdefault(file, set()).update(tests)
    outcomes: Outcomes = {}
    for file, tests in names.items():
        with tempfile.TemporaryDirectory() as folder:
            report = Path(folder) / "report.xml"
            command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--timeout", "60"]
            command += [f"--junitxml={report}", *sorted(f"{file}::{name}" for name in tests)]
            environment = {
                **os.environ,
                **(settings or {}),
                "PYTHONPATH": os.pathsep.join([str(tree / "src"), str(tree)]),
                "PYTHONDONTWRITEBYTECODE": "1",
            }
            process = subprocess.Popen(
                command, cwd=tree, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
            )
            await_report(process, report)
            if report.exists():
                read(file, report, outcomes)
    return outcomes


def await_report(process: subprocess.Popen[bytes], report: Path, seconds: float = 600) -> None:
    """Wait for the report, and then a little for the process: with a lock left held its exit can hang."""
    waited = 0.0
    while process.poll() is None and waited < seconds and not report.exists():
        waited += 0.2
        try:
            process.wait(0.2)
        except subprocess.TimeoutExpired:
            pass
    try:
        process.wait(3)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def read(file: str, report: Path, outcomes: Outcomes) -> None:
    for case in ElementTree.parse(report).iter("testcase"):
        name = str(case.get("name")).partition("[")[0]
        outcome = Outcome("passed")
        for element in case:
            if element.tag in ("failure", "error", "skipped"):
                kind = "failed" if element.tag == "failure" else element.tag
                outcome = Outcome(kind, str(element.get("message")))
                break
        outcomes.setdefault((file, name), []).append(outcome)


def compare(faults: list[Fault], then: Outcomes, now: Outcomes | None) -> tuple[list[str], list[str]]:
    """The table, and what is not as it should be."""
    rows = ["| fault | clause | test | how it fails there |", "|---|---|---|---|"]
    complaints = []
    for fault in faults:
        for file, tests in fault.tests:
            for test in tests:
                there = then.get((file, test), [Outcome("error", "it was not run")])
                failed = [outcome for outcome in there if outcome.kind == "failed"]
                useless = [outcome for outcome in there if outcome.kind == "error" or outcome.why.startswith(WRONG)]
                skipped = all(outcome.kind == "skipped" for outcome in there)
                if fault.holds:
                    how = f"it passes: {fault.holds}"
                elif skipped:
                    how = "skipped: " + there[0].why
                elif failed:
                    of = f" ({len(failed)} of {len(there)})" if len(there) > 1 else ""
                    how = f"`{shortened(failed[0].why)}`{of}"
                else:
                    how = "**it passes**"
                    complaints.append(f"{fault.name}: {test} passes at {COMMIT}")
                if useless and not fault.holds:
                    complaints.append(f"{fault.name}: {test} shows nothing at {COMMIT}: {useless[0].why}")
                rows.append(f"| {fault.name} | {fault.clauses} | `{test}` | {how} |")
                if now is None:
                    continue
                here = now.get((file, test), [Outcome("error", "it was not run")])
                for outcome in here:
                    if outcome.kind not in ("passed", "skipped"):
                        complaints.append(f"{fault.name}: {test} does not pass here: {shortened(outcome.why)}")
                        break
    return rows, complaints


def shortened(why: str) -> str:
    """The first line, without what differs from run to run, as it can stand in a cell."""
    line = why.strip().splitlines()[0] if why.strip() else ""
    line = line.removeprefix("AssertionError: ").removeprefix("tests.faults.bytecodes.Failure: ")
    line = (
        re.sub(r"/tmp/\w+", "/tmp/...", re.sub(r" at 0x[0-9a-f]+|\.\.\.[0-9a-f]{8,}(?=>)", "", line))
        .replace("|", "/")
        .replace("`", "'")
    )
    return line if len(line) <= 110 else line[:107] + "..."


if __name__ == "__main__":
    sys.exit(main())
