"""P5, P9, R1, R3, L4: sessions of a PostgreSQL server, which ends some of them under load."""

from __future__ import annotations

import random
import time

import psycopg
import pytest

from tests.helpers import PATIENCE
from tests.load import postgres
from tests.load.turns import THREADS, Turns, drop_dead
from ya.resourcepool import ResourcePool

PROGRAMS = postgres.find_programs()
TERMINATIONS, TURNS = 20, 15

pytestmark = pytest.mark.skipif(PROGRAMS is None, reason=postgres.why_not())

TERMINATE = "SELECT pg_terminate_backend(pid, %s) FROM pg_stat_activity WHERE pid = %s AND backend_start = %s"
MYSELF = "SELECT pid, backend_start FROM pg_stat_activity WHERE pid = pg_backend_pid()"
OTHERS = "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"


class Sessions:
    """Makes connections, and ends them from the server's side.

    Attributes:
        living: of the connections that were made and not closed, their keys. Only such a session can be ended.
    """

    def __init__(self, host):
        self._connect = lambda: psycopg.connect(host=host, user="postgres", autocommit=True)
        self._control = self._connect()
        self.living = {}

    def alloc(self):
        connection = self._connect()
        connection.key = connection.execute(MYSELF).fetchone()
        self.living[connection.key] = True
        return connection

    def check(self, connection):
        try:
            return connection.execute("SELECT 1").fetchone() == (1,)
        except psycopg.OperationalError:
            self.dealloc(connection)
            return False

    def dealloc(self, connection):
        self.living.pop(connection.key, None)
        connection.close()

    def terminate(self, key):
        """End a session. Return whether it was there, and is gone."""
        return self._control.execute(TERMINATE, (int(PATIENCE * 1000), *key)).fetchone() == (True,)

    def await_count(self, number):
        """How many there are: this number, unless that lasts too long. A session ends some time after its client."""
        deadline = time.monotonic() + PATIENCE
        while (found := self._control.execute(OTHERS).fetchone()[0]) != number and time.monotonic() < deadline:
            pass
        return found

    def close(self):
        self._control.close()


@pytest.fixture(scope="module")
def host():
    with postgres.running(PROGRAMS) as folder:
        yield folder


@pytest.fixture
def sessions(host):
    sessions = Sessions(host)
    yield sessions
    sessions.close()


def terminate_under_load(sessions, pool):
    rng = random.Random(7)
    turns = Turns(
        pool,
        lambda connection: connection.execute("SELECT 2"),
        lambda connection: connection.key,
        (psycopg.OperationalError,),
    )

    def outage():
        living = list(sessions.living.copy())
        if living and sessions.terminate(key := rng.choice(living)):  # or it was evicted at the same moment
            turns.dead.add(key)

    turns.during(outage, TERMINATIONS, TURNS)
    return turns


def test_P5_nobody_gets_a_session_that_was_terminated_when_the_pop_began(sessions):
    """One that is terminated between the check and the use fails that turn."""
    pool = ResourcePool(
        alloc=sessions.alloc, dealloc=sessions.dealloc, check=sessions.check, minsize=1, maxsize=THREADS // 2
    )
    turns = terminate_under_load(sessions, pool)

    assert len(turns.dead) > 0
    assert turns.handed_out == []
    alive = drop_dead(pool)
    assert sessions.await_count(alive) == alive == len(pool)
    pool.close()
    assert sessions.await_count(0) == 0


def test_P5_without_a_check_they_are_handed_out_here_too(sessions):
    """So the test above can fail."""
    pool = ResourcePool(alloc=sessions.alloc, dealloc=sessions.dealloc)
    turns = terminate_under_load(sessions, pool)

    assert turns.handed_out != []
    pool.close()


def test_R3_sessions_that_expire_are_ended_down_to_the_floor(sessions):
    pool = ResourcePool(alloc=sessions.alloc, dealloc=sessions.dealloc, minsize=2, maxage=0.05)
    taken = [pool.pop() for _ in range(THREADS)]
    assert sessions.await_count(THREADS) == THREADS
    for connection in taken:
        pool.push(connection)

    assert sessions.await_count(2) == 2 == len(pool)
    pool.close()
    assert sessions.await_count(0) == 0
