"""What is measured: the pool, its old version, and other pools, all with resources that cost nothing.

Where a pool needs connections it gets fakes, with no more than it looks at. Settings are the peer's defaults,
except for the size, and for the time to wait: without limit, so that who waits longest does not fail.
"""

from __future__ import annotations

import os
import platform
import sys
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from queue import LifoQueue
from threading import Lock
from types import ModuleType, SimpleNamespace
from typing import Any

from ya.resourcepool import ResourcePool, __version__

Make = Callable[[int], Any]

FLOOR, OURS, LEGACY = "floor", "ya.resourcepool", "ya.resourcepool 0.1.1"  # their names

LEGACY_PATH = Path(sys.prefix) / "peers"  # where 0.1.1 is installed, apart from what it would replace


@dataclass(frozen=True)
class Peer:
    """A pool, and how it is used; the code is about `pool` and `r`, a resource.

    Attributes:
        name: as shown in tables; no two are the same.
        version: of its package, or of Python.
        make: makes a pool of so many resources, all idle. Who finds none waits, if the peer can wait.
        pop: an expression that takes a resource.
        push: a statement that gives it back.
        block: the head of a with statement that does both; None if the peer has no context manager.
        waits: an expression that takes a resource, and waits for it without limit; None if the peer can't wait.
        close: ends what `make` started.
    """

    name: str
    version: str
    make: Make
    pop: str
    push: str
    block: str | None
    waits: str | None
    close: Callable[[Any], None]


def peers() -> tuple[list[Peer], list[str]]:
    """Those that can be imported, the floor first and this pool second; and those that can't, with the reason."""
    found: list[Peer] = []
    skipped: list[str] = []
    for name, describe in KNOWN.items():
        try:
            found.append(describe(name))
        except ImportError as error:
            reason = str(error).partition("\n")[0]
            skipped.append(f"{name}: {reason}")
    return found, skipped


def has_legacy(peers: list[Peer]) -> bool:
    return any(peer.name == LEGACY for peer in peers)


def ours(**settings: Any) -> Make:
    """Makes a limited pool, with these settings."""
    return lambda n: ResourcePool(init=resources(n), **settings)


def legacy(**settings: Any) -> Make:
    """Makes a limited pool of 0.1.1, with these settings.

    It can't be closed. With `maxsize` each pool has a thread that never ends, and with `maxage` each push starts
    a thread that sleeps that long, which the interpreter waits for when it exits.
    """
    pool = old_version().ResourcePool
    return lambda n: pool(init=resources(n), **settings)


class Floor:
    """The least that a thread-safe pool has to do: take a lock, and move a resource."""

    __slots__ = ("_idle", "_lock")

    def __init__(self, idle: Iterable[object]) -> None:
        self._lock = Lock()
        self._idle = deque(idle)

    def pop(self) -> object:
        with self._lock:
            return self._idle.pop()

    def push(self, r: object) -> None:
        with self._lock:
            self._idle.append(r)

    def __call__(self) -> FloorLease:
        return FloorLease(self)


class FloorLease:
    __slots__ = ("_floor", "_resource")

    def __init__(self, floor: Floor) -> None:
        self._floor = floor

    def __enter__(self) -> object:
        self._resource = resource = self._floor.pop()
        return resource

    def __exit__(self, *_: object) -> None:
        self._floor.push(self._resource)


def resources(n: int) -> list[object]:
    return [object() for _ in range(n)]


def nothing(_: object) -> None:
    pass


@cache
def old_version() -> ModuleType:
    """0.1.1 under another name: in one process a package can't have two versions."""
    path = LEGACY_PATH / "ya" / "resourcepool.py"
    spec = spec_from_file_location("resourcepool_0_1_1", path)
    if not path.exists() or spec is None or spec.loader is None:
        raise ImportError("not installed in the folder `peers` of the environment")
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def filled(pool: Any, n: int, pop: Callable[[], Any], push: Callable[[Any], object]) -> Any:
    """The same pool, once it has made what it makes on demand."""
    for resource in [pop() for _ in range(n)]:
        push(resource)
    return pool


def floor(name: str) -> Peer:
    return Peer(
        name=name,
        version=platform.python_version(),
        make=lambda n: Floor(resources(n)),
        pop="pool.pop()",
        push="pool.push(r)",
        block="with pool() as r:",
        waits=None,
        close=nothing,
    )


def this(name: str) -> Peer:
    return Peer(
        name=name,
        version=__version__,
        make=ours(),
        pop="pool.pop()",
        push="pool.push(r)",
        block="with pool() as r:",
        waits="pool.pop(0)",
        close=ResourcePool.close,
    )


def old(name: str) -> Peer:
    return Peer(
        name=name,
        version=old_version().__version__,
        make=legacy(),
        pop="pool.pop()",
        push="pool.push(r)",
        block="with pool() as r:",
        waits="pool.pop(0)",
        close=nothing,
    )


def lifo_queue(name: str) -> Peer:
    def make(n: int) -> LifoQueue[object]:
        pool: LifoQueue[object] = LifoQueue()
        for resource in resources(n):
            pool.put(resource)
        return pool

    return Peer(
        name=name,
        version=platform.python_version(),
        make=make,
        pop="pool.get()",
        push="pool.put(r)",
        block=None,
        waits="pool.get()",
        close=nothing,
    )


def sqlalchemy(name: str) -> Peer:
    from sqlalchemy.pool import QueuePool

    class Connection:
        def rollback(self) -> None:  # by default each return calls it
            pass

        def close(self) -> None:
            pass

    def make(n: int) -> QueuePool:
        # Defaults that show: the oldest first (no use_lifo), a rollback on return. Not the one of 30 s to wait.
        pool = QueuePool(Connection, pool_size=n, max_overflow=0, timeout=None)
        return filled(pool, n, pool.connect, lambda r: r.close())

    return Peer(
        name=name,
        version=version("sqlalchemy"),
        make=make,
        pop="pool.connect()",
        push="r.close()",
        block="with pool.connect() as r:",
        waits="pool.connect()",
        close=QueuePool.dispose,
    )


def psycopg(name: str) -> Peer:
    from psycopg.pq import TransactionStatus
    from psycopg_pool import ConnectionPool

    class Connection:
        pgconn = SimpleNamespace(transaction_status=TransactionStatus.IDLE)

        @classmethod
        def connect(cls, *_: object, **__: object) -> Connection:
            return cls()

        def close(self) -> None:
            pass

        def __enter__(self) -> None:
            pass

        def __exit__(self, *_: object) -> None:
            pass

    def make(n: int) -> ConnectionPool[Any]:
        # It can't do without a limit, so it is a day. To leave `open` out is deprecated.
        pool = ConnectionPool(connection_class=Connection, min_size=n, max_size=n, open=True, timeout=86_400)
        pool.wait()
        return pool

    return Peer(
        name=name,
        version=version("psycopg-pool"),
        make=make,
        pop="pool.getconn()",
        push="pool.putconn(r)",
        block="with pool.connection() as r:",
        waits="pool.getconn()",
        close=ConnectionPool.close,
    )


def redis(name: str) -> Peer:
    from redis import BlockingConnectionPool

    class Connection:
        def __init__(self, **_: object) -> None:
            self.pid = os.getpid()  # a pool takes back only what belongs to its process

        def connect(self) -> None:
            pass

        def disconnect(self) -> None:
            pass

        def can_read(self) -> bool:
            return False

        def should_reconnect(self) -> bool:
            return False

    def make(n: int) -> BlockingConnectionPool:
        pool = BlockingConnectionPool(max_connections=n, connection_class=Connection, timeout=None)
        return filled(pool, n, pool.get_connection, pool.release)

    return Peer(
        name=name,
        version=version("redis"),
        make=make,
        pop="pool.get_connection()",
        push="pool.release(r)",
        block=None,
        waits="pool.get_connection()",
        close=BlockingConnectionPool.disconnect,
    )


def urllib3(name: str) -> Peer:
    from urllib3 import HTTPConnectionPool

    class Connection:
        is_connected = True

        def __init__(self, **_: object) -> None:
            pass

        def close(self) -> None:
            pass

    class Pool(HTTPConnectionPool):
        ConnectionCls = Connection

    def make(n: int) -> Pool:
        pool = Pool("localhost", maxsize=n, block=True)
        return filled(pool, n, pool._get_conn, pool._put_conn)

    return Peer(
        name=name,
        version=version("urllib3"),
        make=make,
        pop="pool._get_conn()",  # there is no public one
        push="pool._put_conn(r)",
        block=None,
        waits="pool._get_conn()",
        close=Pool.close,
    )


def dbutils(name: str) -> Peer:
    from dbutils.pooled_db import PooledDB

    class Connection:  # without ping, which drivers need not have: the pool finds out once, and asks no more
        def rollback(self) -> None:  # by default each return calls it
            pass

        def close(self) -> None:
            pass

    class Module:
        threadsafety = 1
        connect = Connection
        OperationalError = InterfaceError = InternalError = OSError

    return Peer(
        name=name,
        version=version("DBUtils"),
        make=lambda n: PooledDB(Module, mincached=n, maxconnections=n, blocking=True),
        pop="pool.connection()",
        push="r.close()",
        block="with pool.connection() as r:",
        waits="pool.connection()",
        close=PooledDB.close,
    )


def generic_connection_pool(name: str) -> Peer:
    from generic_connection_pool.threading import BaseConnectionManager, ConnectionPool

    class Manager(BaseConnectionManager[str, object]):
        def create(self, *_: object, **__: object) -> object:
            return object()

        def dispose(self, *_: object, **__: object) -> None:
            pass

    def make(n: int) -> ConnectionPool[str, object]:
        pool = ConnectionPool(Manager(), min_idle=n, max_size=n, total_max_size=n)
        return filled(pool, n, lambda: pool.acquire("db"), lambda r: pool.release(r, "db"))

    return Peer(
        name=name,
        version=version("generic-connection-pool"),
        make=make,
        pop="pool.acquire('db')",
        push="pool.release(r, 'db')",
        block="with pool.connection('db') as r:",
        waits="pool.acquire('db')",
        close=ConnectionPool.close,
    )


def object_pool(name: str) -> Peer:
    from object_pool import ObjectPool

    def make(n: int) -> ObjectPool:
        pool = ObjectPool(object, max_size=n)
        return filled(pool, n, pool.get, pool.put)

    return Peer(
        name=name,
        version=version("object-pool"),
        make=make,
        pop="pool.get()",
        push="pool.put(r)",
        block="with pool.item() as r:",
        waits="pool.get()",
        close=nothing,
    )


KNOWN: dict[str, Callable[[str], Peer]] = {
    FLOOR: floor,
    OURS: this,
    LEGACY: old,
    "queue.LifoQueue": lifo_queue,
    "SQLAlchemy QueuePool": sqlalchemy,
    "psycopg_pool": psycopg,
    "redis-py": redis,
    "urllib3": urllib3,
    "DBUtils PooledDB": dbutils,
    "generic-connection-pool": generic_connection_pool,
    "object-pool": object_pool,
}
