"""Are PostgreSQL's programs those that the user of its server can run?"""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

import pytest

from tests.load import postgres


@pytest.fixture
def folders():
    """Two folders with programs; in neither of them is there a server."""
    top = Path(tempfile.mkdtemp())
    os.chmod(top, 0o755)
    made = []
    for name in ("first", "second"):
        folder = top / name / "bin"
        folder.mkdir(parents=True)
        for program in ("initdb", "postgres"):
            (folder / program).write_text("#!/bin/sh\necho 15\n")
            (folder / program).chmod(0o755)
        made.append(folder)
    yield made
    for folder in made:
        folder.parent.chmod(0o755)
    shutil.rmtree(top)


def closed(folder):
    """It may not be entered by the server's user: by nobody but root, or by nobody at all."""
    folder.parent.chmod(0o700 if os.geteuid() == 0 else 0)


def test_programs_that_the_servers_user_cannot_run_are_passed_over(folders, monkeypatch):
    monkeypatch.setenv("PATH", os.pathsep.join([*map(str, folders), os.environ["PATH"]]))
    assert postgres.find_programs() == folders[0]
    closed(folders[0])

    assert postgres.find_programs() == folders[1]


def test_where_the_servers_user_can_run_none_there_is_none_and_the_reason_says_so(folders, monkeypatch):
    monkeypatch.setenv("PATH", os.pathsep.join(map(str, folders)))
    monkeypatch.setattr(postgres, "DEBIAN", folders[0].parent.parent / "none")
    for folder in folders:
        closed(folder)

    assert postgres.find_programs() is None
    assert str(folders[0]) in postgres.why_not() or os.geteuid() != 0


def test_where_there_are_no_programs_the_reason_says_what_to_install(folders, monkeypatch):
    monkeypatch.setenv("PATH", str(folders[0].parent))
    monkeypatch.setattr(postgres, "DEBIAN", folders[0].parent)

    assert postgres.find_programs() is None
    assert postgres.why_not() == "PostgreSQL is not installed: apt-get install postgresql"
