"""Children of `multiprocessing`, with pools that are left open: `python -m tests.faults.children START`."""

from __future__ import annotations

import multiprocessing
import os
import sys
from typing import Any

from tests.faults.forks import in_child
from tests.faults.occupied import expect, main_with
from ya.resourcepool import ResourcePool

pools: list[Any] = []


def use_served() -> None:
    """In a child of a server of forks: the pool that the server has made has nothing for it."""
    from tests.faults.served import scene

    expect(scene.process == os.getppid(), "the pool is not the server's")
    scene.report = scene.deallocated.append
    in_child(scene)


def by_server() -> None:
    """Start a server, which makes a pool, and forks a few children."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.faults.served"])
    for _ in range(3):
        _start(context.Process(target=use_served))


def use_inherited() -> None:
    """In a child: make a pool, and push to that of the parent."""
    pools.append(ResourcePool(init=["made in the child"], dealloc=lambda name: print(name, flush=True)))
    pools[0].push("pushed in the child")


def by_fork() -> None:
    pools.append(ResourcePool(init=["of the parent"], dealloc=lambda name: print(name, flush=True)))
    context: Any = multiprocessing.get_context("fork")
    _start(context.Process(target=use_inherited))


def _start(process: Any) -> None:
    process.start()
    process.join()
    expect(process.exitcode == 0, f"the child ended with status {process.exitcode}")


def run(start: str) -> None:
    {"fork": by_fork, "forkserver": by_server}[start]()


if __name__ == "__main__":
    main_with(run, *sys.argv[1:])
