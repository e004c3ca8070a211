"""The pool of another commit next to this one, in one run: `python -m benchmarks.versus COMMIT`.

Each measure is taken of both in turn, round by round. What is printed are ratios, this one to that: of the fastest
rounds, and the median of the rounds' own.
"""

from __future__ import annotations

import importlib.util
import io
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Callable
from pathlib import Path
from statistics import median
from types import ModuleType
from typing import Any

from benchmarks.rounds import seconds
from benchmarks.threads import hand_over

ROOT = Path(__file__).parent.parent
ROUNDS = 30
SECONDS = 0.02  # of a round

SETTINGS: dict[str, dict[str, Any]] = {
    "a pop and a push": {},
    "the same with `maxage`": {"maxage": 60},
    "the same with `maxsize`": {"maxsize": 10},
    "the same with `check`": {"check": bool},
}


def load(folder: Path, name: str) -> ModuleType:
    """The package in that folder, under a name of its own."""
    spec = importlib.util.spec_from_file_location(
        name, folder / "__init__.py", submodule_search_locations=[str(folder)]
    )
    assert spec is not None
    assert spec.loader is not None
    sys.modules[name] = module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def of_commit(commit: str, folder: str) -> Path:
    packed = subprocess.run(["git", "archive", commit, "src"], cwd=ROOT, check=True, capture_output=True).stdout
    with tarfile.open(fileobj=io.BytesIO(packed)) as archive:
        archive.extractall(folder)
    return Path(folder, "src", "ya", "resourcepool")


def measures(package: ModuleType) -> dict[str, Callable[[], float]]:
    """What to measure of it."""
    made: dict[str, Callable[[], float]] = {}
    for title, settings in SETTINGS.items():
        pool = package.ResourcePool(init=["x"], **settings)
        made[title] = seconds("push(pop())", SECONDS, push=pool.push, pop=pool.pop)
    made["a block"] = seconds("with pool() as r: pass", SECONDS, pool=package.ResourcePool(init=["x"]))
    made["the slow path: a pop that allocates"] = seconds("pop()", SECONDS, pop=package.ResourcePool(alloc=object).pop)
    evicting = package.ResourcePool(init=["x"], maxsize=1, dealloc=id)
    made["a push that evicts"] = seconds("push(1)", SECONDS, push=evicting.push)
    for title, pause in (("a hand-over", 0), ("a hand-over, after 0.1 ms of rest", 0.0001)):
        limited = package.ResourcePool()
        wait, wake = (lambda pool=limited: pool.pop(0)), (lambda pool=limited: pool.push(1))
        made[title] = lambda wait=wait, wake=wake, pause=pause: hand_over(wait, wake, 300, pause)
    return made


def main(commit: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        that = measures(load(of_commit(commit, folder), "that_pool"))
        this = measures(load(ROOT / "src" / "ya" / "resourcepool", "this_pool"))
        print(f"{'':42} ns here   ns there   of the fastest   median")
        for title in this:
            pairs = []
            for i in range(ROUNDS):
                turns = [this[title], that[title]][:: 1 if i % 2 else -1]
                taken = [turn() for turn in turns][:: 1 if i % 2 else -1]
                pairs.append(taken)
            here, there = (min(pair[i] for pair in pairs) * 1e9 for i in (0, 1))
            ratio = median(one / other for one, other in pairs)
            print(f"{title:40} {here:9.1f}  {there:9.1f}  {here / there:15.3f}  {ratio:7.3f}", flush=True)


if __name__ == "__main__":
    main(sys.argv[1])
