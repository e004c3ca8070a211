"""P5, P9, R1, L4: connections to a server that is killed and started again."""

from __future__ import annotations

import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.helpers import PATIENCE
from tests.load import footprint
from tests.load.turns import THREADS, Turns, drop_dead
from ya.resourcepool import ResourcePool

KILLS, TURNS = 3, 200


class Connection:
    """Asks the server a line at a time."""

    def __init__(self, port):
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE)
        self._file = self._socket.makefile("rw")

    def ask(self, question):
        self._file.write(f"{question}\n")
        self._file.flush()
        answer = self._file.readline()
        if not answer:
            raise ConnectionResetError("the server is gone")
        return int(answer)

    def close(self):
        try:
            self._file.close()
        except OSError:
            pass  # it has something left to write
        self._socket.close()


class Servers:
    """One server after the other, on the same port."""

    def __init__(self):
        self.generation, self.port = 0, 0
        self.start()

    def start(self):
        self.generation += 1
        self._process = subprocess.Popen(
            [sys.executable, Path(__file__).with_name("server.py"), str(self.generation), str(self.port)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        self.port = int(self._process.stdout.readline())

    def kill(self):
        """When this returns it is dead, and all its connections are."""
        self._process.kill()
        self._process.wait(PATIENCE)
        self._process.stdin.close()
        self._process.stdout.close()
        return self.generation

    def connect(self):
        connection = Connection(self.port)
        try:
            connection.generation = connection.ask("ping")
        except OSError:
            connection.close()
            raise
        return connection

    def sessions(self, number):
        """How many the server has, after it has waited for this number."""
        connection = Connection(self.port)
        try:
            return connection.ask(f"sessions {number}")
        finally:
            connection.close()


@pytest.fixture
def servers():
    before = footprint.descriptors()
    servers = Servers()
    yield servers
    servers.kill()
    assert footprint.descriptors() == before


def is_alive(connection):
    try:
        return connection.ask("ping") > 0
    except OSError:
        connection.close()
        return False


def kill_under_load(servers, pool):
    turns = Turns(pool, lambda connection: connection.ask("ping"), lambda connection: connection.generation, (OSError,))

    def outage():
        turns.dead.add(servers.kill())
        servers.start()

    turns.during(outage, KILLS, TURNS)
    return turns


def test_P5_nobody_gets_a_connection_whose_server_was_dead_when_the_pop_began(servers):
    """A server that dies between the check and the use, or while a connection is made, fails that turn."""
    pool = ResourcePool(
        alloc=servers.connect, dealloc=Connection.close, check=is_alive, minsize=1, maxsize=THREADS // 2
    )
    turns = kill_under_load(servers, pool)

    assert turns.dead == {1, 2, 3}
    assert turns.handed_out == []
    alive = drop_dead(pool)
    assert servers.sessions(alive) == alive == len(pool)
    pool.close()
    assert servers.sessions(0) == 0


def test_P5_without_a_check_they_are_handed_out(servers):
    """So the test above can fail."""
    pool = ResourcePool(alloc=servers.connect, dealloc=Connection.close)
    turns = kill_under_load(servers, pool)

    assert turns.handed_out != []
    pool.close()
