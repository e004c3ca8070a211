"""What a pool costs while nobody uses it: memory, threads, import, exit."""

from __future__ import annotations

import subprocess
import sys
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import ya.resourcepool
from benchmarks.peers import LEGACY, LEGACY_PATH, OURS, Peer, has_legacy, ours
from benchmarks.rounds import Figures, figure, interleave

HERE = Path(ya.resourcepool.__file__).parents[2]

IMPORT = """
import os  # as every interpreter does that is not kept from it
from time import perf_counter
start = perf_counter()
import ya.resourcepool
print(perf_counter() - start)
"""

EXIT = """
import time
{make}
print(time.monotonic(), flush=True)
"""

MAKE = """
from ya.resourcepool import ResourcePool
pool = ResourcePool(maxage={maxage})
for _ in range(1000): pool.push(0)
"""

POOLS = """
import os, time
from ya.resourcepool import ResourcePool
pools = [ResourcePool(maxage=2, dealloc=bool) for _ in range(1000)]
start = time.process_time()
for pool in pools: pool.push(0)
made = time.process_time() - start
before = time.process_time()
time.sleep(1)
print(len(os.listdir("/proc/self/task")), time.process_time() - before, made)
"""


def memory(peers: list[Peer], rounds: int, scale: float) -> Figures:
    """Bytes that an idle resource takes in the pool, without the resource itself."""
    return {name: figure([_bytes(settings)]) for name, settings in (("plain", {}), ("maxage", {"maxage": 3600}))}


def _bytes(settings: dict[str, float]) -> float:
    n = 100_000
    pool = ours(**settings)(0)
    resource = object()
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        for _ in range(n):
            pool.push(resource)
        after, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    return (after - before) / n


def imports(peers: list[Peer], rounds: int, scale: float) -> Figures:
    """Seconds to import the package, in an interpreter that has imported only what each needs to start."""
    with TemporaryDirectory() as folder:
        modules = Path(folder) / "ya" / "resourcepool"
        modules.mkdir(parents=True)
        # All but what is imported only when it is wanted.
        names = [path.stem for path in (HERE / "ya" / "resourcepool").glob("_[a-z]*.py") if path.stem != "_manual"]
        for name in names:
            (modules / f"{name}.py").touch()
        (modules / "__init__.py").write_text("".join(f"from . import {name}\n" for name in names))
        places = [*versions(peers), ("empty modules", Path(folder))]
        return interleave(rounds, {name: lambda path=path: float(run(IMPORT, path)) for name, path in places})


def exits(peers: list[Peer], rounds: int, scale: float) -> Figures:
    """Seconds from the end of the program to the end of the process, with 1,000 idle that are far from expiry.

    For 0.1.1 `maxage` is 1 s: the process waits for that.
    """
    measures: dict[str, Callable[[], float]] = {"an empty interpreter": lambda: _exit("", HERE)}
    for name, path in versions(peers):
        make = MAKE.format(maxage=3600 if path is HERE else 1)
        measures[name] = lambda make=make, path=path: _exit(make, path)
    return interleave(rounds, measures)


def _exit(make: str, path: Path) -> float:
    ended = float(run(EXIT.format(make=make), path))
    return time.monotonic() - ended


def pools(peers: list[Peer], rounds: int, scale: float) -> Figures:
    """1,000 pools with one idle each and `maxage` 2 s: threads, and processor seconds in a second of rest."""
    figures: Figures = {}
    if not Path("/proc/self/task").exists():
        return figures
    for name, path in versions(peers):
        answers = [[float(value) for value in run(POOLS, path).split()] for _ in range(rounds)]
        threads, rest, made = zip(*answers, strict=True)
        figures[f"{name}: threads"] = figure(list(threads))
        figures[f"{name}: seconds at rest"] = figure(list(rest))
        figures[f"{name}: seconds a push"] = figure([value / 1000 for value in made])
    return figures


def versions(peers: list[Peer]) -> list[tuple[str, Path]]:
    found = [(OURS, HERE)]
    if has_legacy(peers):
        found.append((LEGACY, LEGACY_PATH))
    return found


def run(script: str, path: Path) -> str:
    """What an interpreter prints that finds the package there, and no other (`-I -S`)."""
    lines = f"import sys\nsys.path.insert(0, {str(path)!r})\n{script}"
    return subprocess.run([sys.executable, "-I", "-S", "-c", lines], check=True, capture_output=True, text=True).stdout
