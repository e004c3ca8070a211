"""Measure the simulator: next to SimPy and a bare heap in one run, and what a million acquires take.

    python -m benchmarks.simulator [ACQUIRES]

Seconds are of processor time, and the best of several rounds in which those that are compared take turns.
"""

from __future__ import annotations

import gzip
import heapq
import json
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from timeit import Timer

import simpy

import sim
from benchmarks.report import table
from sim.figures import Setting, Surroundings
from sim.load import SECOND, Load, Rows
from sim.onepass import one_pass
from sim.replay import replay
from sim.source import load
from sim.workload import read
from ya.resourcepool import ResourcePool

ROUNDS = 3
UNLIMITED = Setting(None, None, None)
SURFACE = [Setting(size, None, round(SECOND * 0.1 * 1.15**i)) for size in range(1, 65) for i in range(64)]


def poisson(rate: float, n: int) -> Load:
    """Poisson arrivals and exponential holds of 1 s."""
    generator = random.Random(1)
    rows, now = Rows(Path("poisson"), ""), 0.0
    for row in range(n):
        now += generator.expovariate(rate)
        rows.add(row, round(now * SECOND), round(generator.expovariate(1) * SECOND), "")
    return rows.load()


def best(functions: dict[str, Callable[[], object]]) -> dict[str, float]:
    """The least processor time of each, in turns."""
    seconds = dict.fromkeys(functions, float("inf"))
    for _ in range(ROUNDS):
        for name, function in functions.items():
            start = time.process_time()
            function()
            seconds[name] = min(seconds[name], time.process_time() - start)
    return seconds


def with_simpy(acquires: Load, c: int) -> None:
    """M/M/c by SimPy."""
    environment = simpy.Environment()
    resource = simpy.Resource(environment, c)

    def job(hold):
        with resource.request() as request:
            yield request
            yield environment.timeout(hold)

    def source():
        for arrival, hold in zip(acquires.arrival, acquires.hold, strict=True):
            yield environment.timeout(arrival - environment.now)
            environment.process(job(hold))

    environment.process(source())
    environment.run()


def with_a_heap(acquires: Load) -> None:
    """The least that an event loop does: each release goes through a heap."""
    releases: list[tuple[int, int]] = []
    for number, (arrival, hold) in enumerate(zip(acquires.arrival, acquires.hold, strict=True)):
        while releases and releases[0][0] <= arrival:
            heapq.heappop(releases)
        heapq.heappush(releases, (arrival + hold, number))


def against_simpy(n: int) -> list[list[str]]:
    """Thousands of requests per second, M/M/8 at a load of 6."""
    acquires = poisson(6, n)
    around = Surroundings(alloc=False, init=8, timeout=0)
    seconds = best(
        {
            "replay": lambda: replay(acquires, UNLIMITED, around),
            "SimPy": lambda: with_simpy(acquires, 8),
            "a bare heap": lambda: with_a_heap(acquires),
        }
    )
    return [[name, f"{n / time / 1e3:,.0f}", f"{seconds['SimPy'] / time:.2f}"] for name, time in seconds.items()]


def open_loop(n: int) -> list[list[str]]:
    """Thousands of acquires per second, and the share of a bare heap's."""
    acquires = poisson(10, n)
    settings = {
        "no limits": UNLIMITED,
        "maxsize=8": Setting(8, None, None),
        "maxsize=8, maxage=5": Setting(8, None, 5 * SECOND),
        "maxage=1": Setting(None, None, SECOND),
    }
    seconds = best(
        {name: lambda setting=setting: replay(acquires, setting, Surroundings()) for name, setting in settings.items()}
        | {"a bare heap": lambda: with_a_heap(acquires)}
    )
    return [[name, f"{n / time / 1e3:,.0f}", f"{seconds['a bare heap'] / time:.2f}"] for name, time in seconds.items()]


def surface(n: int) -> list[list[str]]:
    """Seconds for the figures of 64 x 64 settings, from one pass, with the extra `fast` and without."""
    acquires = poisson(10, n)

    def run(fast: bool) -> Callable[[], object]:
        return lambda: _with(fast, lambda: one_pass(acquires, SURFACE, Surroundings()))

    seconds = best({"with `fast`": run(True), "without": run(False)})
    return [[name, f"{time:.2f}"] for name, time in seconds.items()]


def loading(n: int) -> list[list[str]]:
    """Seconds to read a gzipped CSV file."""
    generator, now = random.Random(1), 0.0
    with tempfile.TemporaryDirectory() as folder:
        with gzip.open(Path(folder, "load.csv.gz"), "wt") as file:
            file.write("arrival,hold\n")
            for _ in range(n):
                now += generator.expovariate(10)
                file.write(f"{now:.6f},{generator.expovariate(1):.6f}\n")
        path = Path(folder, "load.json")
        path.write_text(json.dumps({"version": 1, "workload": {"kind": "trace", "path": "load.csv.gz"}}))
        workload = read(path)
        seconds = best(
            {
                "with `fast`": lambda: _with(True, lambda: load(workload, path)),
                "without": lambda: _with(False, lambda: load(workload, path)),
            }
        )
    return [[name, f"{time:.2f}"] for name, time in seconds.items()]


def _with(fast: bool, function: Callable[[], object]) -> object:
    """Call a function with the extra `fast`, or as if it were not installed."""
    hidden = {} if fast else {name: sys.modules.get(name) for name in ("numpy", "polars")}
    sys.modules.update(dict.fromkeys(hidden, None))  # type: ignore[arg-type]
    try:
        return function()
    finally:
        for name, module in hidden.items():
            if module is None:
                del sys.modules[name]
            else:
                sys.modules[name] = module


MEMORY = """
from benchmarks.simulator import SURFACE, Surroundings, UNLIMITED, one_pass, poisson, replay
acquires = poisson(10, {n})
{work}
print([1024 * int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmHWM")][0])
"""
WORK = {
    "to load": "",
    "to load and replay": "replay(acquires, UNLIMITED, Surroundings())",
    "to load and replay a limited pool": "replay(acquires, UNLIMITED, Surroundings(alloc=False, init=20, timeout=0))",
    "to load, one pass for 4,096 settings": "one_pass(acquires, SURFACE, Surroundings())",
}


def recording(n: int) -> list[list[str]]:
    """Nanoseconds for a pop and a push, and their ratio."""
    rows = []
    for name, settings in (("no limits", {}), ("maxsize=8, maxage=60", {"maxsize": 8, "maxage": 60})):
        pools = {
            "pool": ResourcePool(alloc=object, **settings),
            "recorded": sim.record(ResourcePool(alloc=object, **settings)),
        }
        number = max(1, n // 10)
        timers = {
            each: Timer("push(pop())", globals={"pop": pool.pop, "push": pool.push}) for each, pool in pools.items()
        }
        seconds = best({each: lambda timer=timer, n=number: timer.timeit(n) for each, timer in timers.items()})
        times = [time / number * 1e9 for time in seconds.values()]
        rows.append([name, *(f"{time:.0f}" for time in times), f"{times[1] / times[0]:.1f}"])
    return rows


def memory(n: int) -> list[list[str]]:
    """Bytes at the peak for each further acquire; on Linux."""
    rows = []
    for name, work in WORK.items():
        few, many = (
            int(subprocess.check_output([sys.executable, "-c", MEMORY.format(n=number, work=work)]))
            for number in (n // 10, n)
        )
        rows.append([name, f"{(many - few) / (n - n // 10):.0f}"])
    return rows


def growth(n: int) -> list[list[str]]:
    """Microseconds an acquire, for loads of several lengths."""
    rows = []
    for length in (n // 100, n // 10, n):
        acquires = poisson(10, length)
        seconds = best(
            {
                "replay": lambda acquires=acquires: replay(acquires, Setting(8, None, None), Surroundings()),
                "pass": lambda acquires=acquires: one_pass(acquires, SURFACE, Surroundings()),
            }
        )
        rows.append([f"{length:,}", *(f"{time / length * 1e6:.2f}" for time in seconds.values())])
    return rows


def main(n: int = 1_000_000) -> None:
    """Measure all, and print it as tables."""
    for heading, columns, measure in (
        ("M/M/8", ["", "1,000 requests/s", "/ SimPy"], against_simpy),
        ("Open loop", ["", "1,000 acquires/s", "/ a bare heap"], open_loop),
        (f"4,096 settings of {n:,} acquires", ["", "s"], surface),
        (f"Loading {n:,} acquires from CSV.gz", ["", "s"], loading),
        ("Recording", ["", "a pop and a push, ns", "recorded, ns", "ratio"], recording),
        ("Memory", ["", "bytes an acquire"], memory),
        ("Growth", ["acquires", "replay, us an acquire", "one pass for 4,096 settings, us an acquire"], growth),
    ):
        print(f"\n{heading}\n\n{table(columns, measure(n))}", flush=True)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
