"""P5, P9, L4: connections to a SQLite database, which is a file."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path

import pytest

from tests.helpers import PATIENCE, Call
from tests.load.turns import THREADS
from tests.support import inside
from ya.resourcepool import ResourcePool

TURNS = 60
BREAKS = 7  # one in so many turns


@pytest.fixture
def connect(tmp_path):
    def connect():
        connection = sqlite3.connect(tmp_path / "base", timeout=PATIENCE, isolation_level=None, check_same_thread=False)
        connection.execute("PRAGMA synchronous=OFF")
        connection.execute("CREATE TABLE IF NOT EXISTS turns (thread, turn)")
        return connection

    return connect


def is_alive(connection):
    try:
        return connection.execute("SELECT 1").fetchone() == (1,)
    except sqlite3.ProgrammingError:  # it is closed
        return False


def descriptors(folder):
    """How many are open in this folder."""
    names = []
    for descriptor in os.listdir("/proc/self/fd"):
        try:
            names.append(Path(os.readlink(f"/proc/self/fd/{descriptor}")))
        except OSError:
            pass  # that of the listing
    return sum(folder in name.parents for name in names)


@pytest.mark.parametrize("limited", [False, True], ids=["allocated", "a limited set"])
def test_P5_no_thread_gets_a_sqlite_connection_that_is_closed_and_no_descriptor_is_left(connect, tmp_path, limited):
    settings = {"init": [connect() for _ in range(3)]} if limited else {"alloc": connect, "minsize": 1, "maxsize": 4}
    pool = ResourcePool(check=is_alive, dealloc=sqlite3.Connection.close, **settings)

    def work(thread):
        for turn in range(TURNS):
            with pool(PATIENCE) as connection:
                connection.execute("INSERT INTO turns VALUES (?, ?)", (thread, turn))
                breaks = turn % BREAKS == 0
                if breaks:
                    connection.close()
            if breaks and limited:
                pool.push(connect())

    calls = [Call(work, thread) for thread in range(THREADS)]
    for call in calls:
        call.result()

    with pool() as connection:
        assert connection.execute("SELECT count(*), count(DISTINCT thread) FROM turns").fetchone() == (
            THREADS * TURNS,
            THREADS,
        )
    dead = sum(not is_alive(connection) for connection in list(inside.idle(pool)))
    assert descriptors(tmp_path) == len(pool) - dead > 0
    pool.close()
    assert descriptors(tmp_path) == 0
