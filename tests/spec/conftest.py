"""A folder with a tiny module, and TLC itself where it is installed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from spec.errors import SpecError
from spec.tools import find_tools

ROOT = Path(__file__).parents[2]
EVERYDAY = pytest.StashKey[subprocess.Popen]()

TINY = """---- MODULE Tiny ----
EXTENDS Naturals, Sequences
VARIABLES n, done

Init == n = 0 /\\ done = FALSE

\\* ---- actions ----

\\* Twice at most.
Up ==
  /\\ n < 2
  /\\ n' = n + 1  \\* the next
  /\\ UNCHANGED done

End ==
  /\\ n = 2
  /\\ ~done
  /\\ done' = TRUE
  /\\ UNCHANGED n

Next == Up \\/ End

\\* ---- properties ----

vars == <<n, done>>
Spec == Init /\\ [][Next]_vars /\\ WF_vars(Next)
TypeOK == n \\in 0..2 /\\ done \\in BOOLEAN
OneByOne == [][n' \\in {n, n + 1}]_vars
OnlyAtTheEnd == [][done' => done \\/ n = 2]_vars
Ends == <>done
NeverDone == ~done
NeverTwo == n < 2
====
"""
CONFIGS = {
    "safe": "SPECIFICATION Spec\nINVARIANT TypeOK\nPROPERTY OneByOne OnlyAtTheEnd\n",
    "live": "SPECIFICATION Spec\nPROPERTY OneByOne Ends\n",
    "witness": "SPECIFICATION Spec\nINVARIANTS TypeOK NeverDone\n",
}
MANIFEST = """# Of the tests.
[[model]]
name = "safe"
module = "Tiny"
config = "safe"
result = "ok"
workers = 1
states = 4  # generated
distinct = 4
depth = 4
note = "what must never happen"

# In the long run.
[[model]]
name = "live"
module = "Tiny"
config = "live"
result = "ok"
note = "what must happen"

[[model]]
name = "witness"
module = "Tiny"
config = "witness"
result = "NeverDone"
workers = 1
depth = 4
note = "what can happen"

[[model]]
name = "large"
module = "Tiny"
config = "safe"
result = "ok"
large = true
note = "what takes long"
"""


@pytest.fixture
def folder(tmp_path):
    """What spec/ holds, made of the above."""
    folder = tmp_path / "spec"
    folder.mkdir()
    (folder / "Tiny.tla").write_text(TINY)
    for name, text in CONFIGS.items():
        (folder / f"{name}.cfg").write_text(text)
    (folder / "manifest.toml").write_text(MANIFEST)
    return folder


@pytest.fixture
def tools():
    """TLC and Java; a test that asks for them is skipped where one is missing."""
    try:
        return find_tools()
    except SpecError as error:
        pytest.skip(f"needs TLC and Java: {error}")


def pytest_collection_finish(session):
    """If a test asks for all models, have TLC begin: one processor checks them while the other runs the tests."""
    asked = any("everyday" in getattr(item, "fixturenames", ()) for item in session.items)
    if asked and not session.config.option.collectonly:
        session.config.stash[EVERYDAY] = subprocess.Popen(
            [sys.executable, "-m", "spec", "--jobs", "1"],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )


def pytest_sessionfinish(session):
    process = session.config.stash.get(EVERYDAY, None)
    if process is not None and process.poll() is None:
        process.terminate()
        process.communicate()


@pytest.fixture
def everyday(request):
    """The command that checks all models that are not large."""
    return request.config.stash[EVERYDAY]
