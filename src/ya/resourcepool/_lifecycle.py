"""What happens to all pools when the process exits or forks (L1, L5)."""

from __future__ import annotations

import atexit
import os
from collections.abc import Collection
from typing import Protocol
from weakref import ref

from . import _lease
from ._clocks import await_threads
from ._victims import deallocate, take_over, withdraw


class Pool(Protocol):
    """What is asked of a pool here."""

    def close(self) -> None: ...
    def _disown(self) -> Collection[object]: ...


# Every living pool, oldest first, held weakly. Its operations are atomic: no lock that a finalizer which
# makes a pool, or a fork, could meet.
_pools: dict[int, ref[Pool]] = {}

_process: int | None = None  # the one whose exit is to close them

_buried: list[object] = []  # what belongs to a parent process


def register(pool: Pool) -> None:
    """Have the pool closed at exit and emptied in a forked child."""
    global _process
    if _process != os.getpid():  # a child that `multiprocessing` forked has forgotten it, from 3.13 on
        _process = os.getpid()
        # Not at import: what was imported since, a driver for instance, may end its work at exit, too, and
        # the handler that was registered last runs first. Once only: up to Python 3.13 their list never shrinks.
        atexit.register(_close_all)
        atexit.register(_close_all)  # it runs twice: an interrupt may cut off the first
    key = id(pool)
    _pools[key] = ref(pool, lambda _: _pools.pop(key))


def _living() -> list[Pool]:
    # A list, as it is made without a collection of garbage: one amid `dict.copy`, up to Python 3.11, spoils the copy.
    return [pool for pool in (reference() for reference in list(_pools.values())) if pool is not None]


def _close_all() -> None:
    """At exit: deallocate what is idle, and what other threads will not get to any more (L1, R4)."""
    interrupt = None
    for pool in reversed(_living()):
        try:
            pool.close()
        except BaseException as error:
            interrupt = error
    for arguments in take_over():
        try:
            deallocate(*arguments)
        except BaseException as error:
            interrupt = error
    await_threads()
    if interrupt is not None:
        raise interrupt


def _prepare_to_bury() -> None:
    """Before a fork: import what the child needs. In there another thread's import would never end."""
    if _pools:
        try:
            import ctypes  # noqa: F401
        except Exception:
            pass


def _disown_all() -> None:
    """In a forked child: empty the pools, and keep what belongs to the parent from being finalized (L5)."""
    taken = take_over()
    _lease.renew()
    bury([victims for victims, *_ in taken if victims])
    for victims, *_ in taken:
        withdraw(victims)
    for pool in _living():
        try:
            bury(pool._disown())
        except Exception:  # a seam of the user's; the other pools are emptied nevertheless
            pass


def bury(resources: Collection[object]) -> None:
    """In a forked child: keep what is the parent's from being finalized."""
    if not resources:
        return
    _buried.append(resources)
    try:
        from ctypes import py_object, pythonapi

        # The interpreter clears modules as it exits, and would finalize the parent's resources then.
        pythonapi.Py_IncRef(py_object(resources))
    except Exception:
        pass  # not every Python has ctypes


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_prepare_to_bury, after_in_child=_disown_all)
