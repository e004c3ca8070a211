"""What happens to all pools when the process exits or forks (L1, L5)."""

from __future__ import annotations

import atexit
import os
from weakref import ref

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Protocol

    class Pool(Protocol):
        def close(self) -> None: ...
        def _disown(self) -> object: ...


# Every living pool, oldest first, held weakly. Its operations are atomic: no lock that a finalizer which
# makes a pool, or a fork, could meet.
_pools: dict[int, ref[Pool]] = {}

# How often this process has been forked from another. Who sees it change holds resources of the parent.
generation = 0

_buried: list[object] = []


def register(pool: Pool) -> None:
    """Have the pool closed at exit and emptied in a forked child."""
    if not _pools:
        # Not at import: what was imported since, a driver for instance, may end its work at exit, too,
        # and exit goes backwards.
        atexit.unregister(_close_all)
        atexit.register(_close_all)
    key = id(pool)
    _pools[key] = ref(pool, lambda _: _pools.pop(key, None))


def bury(resources: object) -> None:
    """Keep what belongs to the parent process referenced until this one has ended."""
    _buried.append(resources)
    try:
        from ctypes import py_object, pythonapi
    except ImportError:
        return
    # The interpreter clears modules as it exits, and would finalize the parent's resources then.
    pythonapi.Py_IncRef(py_object(resources))


def _living() -> list[Pool]:
    return [pool for pool in (reference() for reference in _pools.copy().values()) if pool is not None]


def _close_all() -> None:
    interrupt = None
    for pool in reversed(_living()):
        try:
            pool.close()
        except BaseException as error:
            interrupt = error
    if interrupt is not None:
        raise interrupt


def _disown_all() -> None:
    global generation
    generation += 1
    for pool in _living():
        inherited = pool._disown()
        if inherited:
            bury(inherited)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_disown_all)
