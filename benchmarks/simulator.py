"""Measure the simulator: next to SimPy and a bare heap in one run, and what a million acquires take.

    python -m benchmarks.simulator [ACQUIRES] [--write]

Seconds are of processor time, and the best of several rounds in which those that are compared take turns. It takes a
quarter of an hour, and a gigabyte of memory. With --write the figures go to benchmarks/simulator.json, and from there
to docs/simulator.md; with --only those of other measures stay as they are.
"""

from __future__ import annotations

import argparse
import gzip
import heapq
import io
import json
import os
import platform
import random
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path
from timeit import Timer
from typing import Any

import simpy

import sim
from benchmarks.__main__ import processor, rounded
from benchmarks.report import table
from sim.figures import Setting, Surroundings
from sim.hits import hit_surface
from sim.load import SECOND, Load, Rows
from sim.onepass import one_pass
from sim.replay import replay
from sim.source import load
from sim.workload import read
from tests.tables import DOCUMENTS, write
from ya.resourcepool import ResourcePool

RESULTS = Path(__file__).with_name("simulator.json")
ROUNDS = 3
UNLIMITED = Setting(None, None, None)
EIGHT = Setting(8, None, None)
SIZES = range(1, 65)
AGES = [round(SECOND * 0.1 * 1.15**i) for i in range(64)]
SURFACE = [Setting(size, None, age) for size in SIZES for age in AGES]
PURE, FAST = "pure Python", "with `fast`"


def poisson(rate: float, n: int) -> Load:
    """Poisson arrivals and exponential holds of 1 s."""
    generator = random.Random(1)
    rows, now = Rows(Path("poisson"), ""), 0.0
    for row in range(n):
        now += generator.expovariate(rate)
        rows.add(row, round(now * SECOND), round(generator.expovariate(1) * SECOND), "")
    return rows.load()


def best(functions: dict[str, Callable[[], object]], rounds: int = ROUNDS) -> dict[str, float]:
    """The least processor time of each, in turns."""
    seconds = dict.fromkeys(functions, float("inf"))
    for _ in range(rounds):
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


Seconds = dict[str, float]


def against_simpy(n: int) -> Seconds:
    """Seconds for M/M/8 at a load of 6."""
    acquires = poisson(6, n)
    around = Surroundings(alloc=False, init=8, timeout=0)
    return best(
        {
            "replay": lambda: replay(acquires, UNLIMITED, around),
            "SimPy": lambda: with_simpy(acquires, 8),
            "a bare heap": lambda: with_a_heap(acquires),
        }
    )


def open_loop(n: int) -> Seconds:
    """Seconds for an unlimited pool."""
    acquires = poisson(10, n)
    settings = {
        "no limits": UNLIMITED,
        "maxsize=8": EIGHT,
        "maxsize=8, maxage=5": Setting(8, None, 5 * SECOND),
        "maxage=1": Setting(None, None, SECOND),
    }
    return best(
        {name: lambda setting=setting: replay(acquires, setting, Surroundings()) for name, setting in settings.items()}
        | {"a bare heap": lambda: with_a_heap(acquires)}
    )


def surface(n: int) -> Seconds:
    """Seconds for 64 x 64 settings, from one pass, with the extra `fast` and without."""
    acquires = poisson(10, n)
    acquires.releases  # noqa: B018 - sorted once for each load
    work = {"hits": lambda: hit_surface(acquires, SIZES, AGES, Surroundings())}
    work["all figures"] = lambda: one_pass(acquires, SURFACE, Surroundings())
    return best(
        {
            f"{name}, {how}": lambda function=function, fast=how == FAST: _with(fast, function)
            for name, function in work.items()
            for how in (PURE, FAST)
        }
    )


def loading(n: int) -> Seconds:
    """Seconds to read a gzipped CSV file."""
    with tempfile.TemporaryDirectory() as folder:
        path = write_trace(Path(folder), n)
        workload = read(path)
        return best({how: lambda fast=how == FAST: _with(fast, lambda: load(workload, path)) for how in (PURE, FAST)})


def write_trace(folder: Path, n: int) -> Path:
    """A workload file, and beside it the trace."""
    generator, now = random.Random(1), 0.0
    with gzip.open(folder / "load.csv.gz", "wt", compresslevel=6) as file:
        file.write("arrival,hold\n")
        for _ in range(n):
            now += generator.expovariate(10)
            file.write(f"{now:.6f},{generator.expovariate(1):.6f}\n")
    path = folder / "load.json"
    path.write_text(json.dumps({"version": 1, "workload": {"kind": "trace", "path": "load.csv.gz"}}))
    return path


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
import sys
from pathlib import Path
from benchmarks.simulator import *
n = {n}
{work}
print([1024 * int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmHWM")][0])
"""
WITHOUT = "sys.modules.update(numpy=None, polars=None)\n"
READ = "path = Path({path!r}); acquires = load(read(path), path)"
DRAW = "acquires = poisson(10, n)\n"
WORK = {
    f"to load from CSV.gz, {PURE}": WITHOUT + READ,
    f"to load from CSV.gz, {FAST}": READ,
    "to draw": DRAW,
    "to draw and replay": DRAW + "replay(acquires, UNLIMITED, Surroundings())",
    "to draw and replay a limited pool": DRAW
    + "replay(acquires, UNLIMITED, Surroundings(alloc=False, init=20, timeout=0))",
    f"to draw, hits of 4,096 settings, {PURE}": WITHOUT + DRAW + "hit_surface(acquires, SIZES, AGES, Surroundings())",
    f"to draw, one pass for 4,096 settings, {FAST}": DRAW + "one_pass(acquires, SURFACE, Surroundings())",
}


SOME_WORK = [name for name in WORK if FAST in name or name == "to draw and replay"]


def memory(n: int, work: Iterable[str] = WORK) -> dict[str, float]:
    """Bytes at the peak for each further acquire; on Linux."""
    few = max(n // 10, min(n // 2, 200_000))  # enough that the same modules are imported
    with tempfile.TemporaryDirectory() as folder:
        paths = {number: str(write_trace(_made(Path(folder, str(number))), number)) for number in (few, n)}

        def peak(work: str, number: int) -> int:
            code = MEMORY.format(n=number, work=work.format(path=paths[number]))
            return int(subprocess.check_output([sys.executable, "-c", code]))

        return {name: (peak(WORK[name], n) - peak(WORK[name], few)) / (n - few) for name in work}


def _made(folder: Path) -> Path:
    folder.mkdir()
    return folder


PAIR, BLOCK = "push(pop())", "with pool(): pass"
QUERY = "with pool() as c: c.execute('SELECT name FROM users WHERE id = 50').fetchone()"
RECORDED = {
    "a pop and a push": (PAIR, {}),
    "the same, maxsize=8, maxage=60": (PAIR, {"maxsize": 8, "maxage": 60}),
    "a block": (BLOCK, {}),
    "a block with a query of SQLite": (QUERY, {}),
    "a block that works for 50 us": ("with pool(): work()", {}),
}


def recording(n: int) -> dict[str, Seconds]:
    """Seconds for a use of the pool: without the recorder, with it, and when it writes to a file."""
    found = {}
    with tempfile.TemporaryDirectory() as folder:
        for name, (statement, settings) in RECORDED.items():
            pools = {
                how: ResourcePool(alloc=_database, **settings) for how in ("plain", "recorded", "recorded to a file")
            }
            used = {
                "plain": pools["plain"],
                "recorded": sim.record(pools["recorded"]),
                "recorded to a file": sim.record(pools["recorded to a file"], to=Path(folder, "load.json")),
            }
            number = max(1, n // 10)
            timers = {
                how: Timer(statement, globals={"pool": pool, "pop": pool.pop, "push": pool.push, "work": _work})
                for how, pool in used.items()
            }
            seconds = best({how: lambda timer=timer, n=number: timer.timeit(n) for how, timer in timers.items()})
            found[name] = {how: time / number for how, time in seconds.items()}
    number = max(1, n // 10)
    parts = {
        "a call of a function that calls pop, and one that calls push": (
            "push(pop())",
            {"pop": lambda pop=pools["plain"].pop: pop(), "push": lambda r, push=pools["plain"].push: push(r)},
        ),
        "three readings of the clock": ("now(); now(); now()", {"now": time.monotonic}),
    }
    timers = {name: Timer(statement, globals=names) for name, (statement, names) in parts.items()}
    seconds = best({name: lambda timer=timer: timer.timeit(number) for name, timer in timers.items()})
    return found | {name: {"plain": time / number} for name, time in seconds.items()}


def _work() -> None:
    until = time.perf_counter() + 50e-6
    while time.perf_counter() < until:
        pass


def _database() -> sqlite3.Connection:
    connection = sqlite3.connect(":memory:", check_same_thread=False)
    connection.execute("CREATE TABLE users (id INTEGER PRIMARY KEY, name TEXT)")
    connection.executemany("INSERT INTO users VALUES (?, ?)", ((i, f"user {i}") for i in range(100)))
    return connection


GROWING = {
    "replay": lambda acquires: replay(acquires, EIGHT, Surroundings()),
    "hits of 4,096 settings": lambda acquires: hit_surface(acquires, SIZES, AGES, Surroundings()),
    "all figures of 4,096 settings": lambda acquires: one_pass(acquires, SURFACE, Surroundings()),
}


def growth(n: int) -> dict[str, Seconds]:
    """Seconds an acquire, for loads of several lengths up to ten times as many."""
    found = {}
    for length in (n // 100, n // 10, n, 10 * n):
        acquires = poisson(10, length)
        acquires.releases  # noqa: B018 - sorted once for each load
        rounds = ROUNDS if length <= n else 1
        seconds = best({name: partial(work, acquires) for name, work in GROWING.items()}, rounds)
        found[str(length)] = {name: time / length for name, time in seconds.items()}
    return found


def plot_growth(found: dict[str, Seconds]) -> str:
    """An SVG of what an acquire takes, by the number of acquires."""
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    with rc_context({"svg.hashsalt": "ya.resourcepool", "svg.fonttype": "none", "font.size": 10}):
        figure = Figure(figsize=(5.4, 3.2), layout="constrained")
        axes = figure.subplots()
        for name in GROWING:
            axes.plot([*map(int, found)], [seconds[name] * 1e6 for seconds in found.values()], "o-", label=name)
        axes.set(xscale="log", ylim=(0, None), xlabel="acquires", ylabel="µs an acquire")
        axes.spines[["top", "right"]].set_visible(False)
        axes.legend(frameon=False)
        content = io.BytesIO()
        figure.savefig(content, format="svg", metadata={"Date": None})
    return content.getvalue().decode()


MEASURES: dict[str, Callable[[int], Any]] = {
    "against_simpy": against_simpy,
    "open_loop": open_loop,
    "surface": surface,
    "loading": loading,
    "recording": recording,
    "memory": memory,
    "growth": growth,
    "memory, 10 n": lambda n: memory(10 * n, SOME_WORK),
}


def tables(found: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """What was measured, as tables with their headings."""
    n = found["n"]
    simpy, loop = found["against_simpy"], found["open_loop"]
    rows = [[name, f"{n / time / 1e3:,.0f}", f"{simpy['SimPy'] / time:.2f}"] for name, time in simpy.items()]
    yield "M/M/8", table(["", "1,000 requests/s", "/ SimPy"], rows)
    rows = [[name, f"{n / time / 1e3:,.0f}", f"{loop['a bare heap'] / time:.2f}"] for name, time in loop.items()]
    yield "Open loop", table(["", "1,000 acquires/s", "/ a bare heap"], rows)
    rows = [[name, f"{time:.2f}"] for name, time in found["surface"].items()]
    yield f"4,096 settings of {n:,} acquires", table(["", "s"], rows)
    rows = [[name, f"{time:.2f}"] for name, time in found["loading"].items()]
    yield f"Loading {n:,} acquires from CSV.gz", table(["", "s"], rows)
    yield "Recording", recording_table(found)
    larger = found["memory, 10 n"]
    rows = [
        [name, f"{size:.0f}", f"{larger[name]:.0f}" if name in larger else ""] for name, size in found["memory"].items()
    ]
    yield "Memory", table(["bytes an acquire", f"{n:,}", f"{10 * n:,}"], rows)
    rows = [
        [f"{int(length):,}", *(f"{time * 1e6:.2f}" for time in seconds.values())]
        for length, seconds in found["growth"].items()
    ]
    yield "Growth", table(["us an acquire", *GROWING], rows)


def recording_table(found: dict[str, Any]) -> str:
    """Nanoseconds, and what the recorder adds in percent."""
    rows = []
    for name, seconds in found["recording"].items():
        plain = seconds["plain"]
        row = [name, f"{plain * 1e9:,.0f}"]
        for taken in list(seconds.values())[1:]:
            row += [f"{taken * 1e9:,.0f}", f"{100 * (taken / plain - 1):,.0f}"]
        rows.append(row + [""] * (6 - len(row)))
    return table(["ns", "plain", "recorded", "more, %", "recorded to a file", "more, %"], rows)


def targets(found: dict[str, Any]) -> str:
    """What was asked for, and what was measured."""
    n, simpy, loop = found["n"], found["against_simpy"], found["open_loop"]
    surfaces, loads = found["surface"], found["loading"]
    recorded = {
        name: 100 * (seconds["recorded"] / seconds["plain"] - 1)
        for name, seconds in found["recording"].items()
        if "recorded" in seconds
    }
    most, most_of_more = max(found["memory"].values()), max(found["memory, 10 n"].values())
    rows = [
        ("replay of M/M/8: requests/s, / SimPy's", ">=", 3, simpy["SimPy"] / simpy["replay"], ".1f"),
        *(
            (f"replay, open loop, {name}: million acquires/s", ">=", 0.4, n / loop[name] / 1e6, ".2f")
            for name in loop
            if name != "a bare heap"
        ),
        (f"hits of 4,096 settings of {n:,} acquires, {PURE}: s", "<=", 1, surfaces[f"hits, {PURE}"], ".2f"),
        (f"all figures of them, {FAST}: s", "<=", 2, surfaces[f"all figures, {FAST}"], ".2f"),
        (f"loading {n:,} acquires from CSV.gz, {FAST}: s", "<=", 0.5, loads[FAST], ".2f"),
        (f"the same, {PURE}: s", "<=", 2, loads[PURE], ".2f"),
        (f"memory of {n:,} acquires, whatever is done with them: bytes each", "<=", 100, most, ".0f"),
        (f"memory of {10 * n:,}: bytes each", "<=", 100, most_of_more, ".0f"),
        ("recording: a pop and a push take longer by, %", "<=", 15, recorded["a pop and a push"], ".0f"),
        ("recording: a block that works for 50 us, %", "<=", 15, recorded["a block that works for 50 us"], ".1f"),
    ]  # fmt: skip
    lines = []
    for name, sign, bound, value, form in rows:
        met = value <= bound if sign == "<=" else value >= bound
        lines.append([name, f"{sign} {bound:g}", f"{value:{form}}" if met else f"**{value:{form}}** missed"])
    return table(["measure", "target", "measured"], lines)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.simulator", description=__doc__.partition("\n")[0])
    parser.add_argument("acquires", nargs="?", type=int, default=1_000_000)
    parser.add_argument("--only", metavar="NAME", action="append", choices=MEASURES, help="take this measure only")
    parser.add_argument("--write", action="store_true", help="write the figures to docs/simulator.md")
    options = parser.parse_args()
    n = options.acquires
    found: dict[str, Any] = json.loads(RESULTS.read_text()) if options.only else {"n": n}
    for name in options.only or MEASURES:
        print(f"{name} ...", file=sys.stderr, flush=True)
        found[name] = MEASURES[name](n)
        if options.write:
            RESULTS.write_text(json.dumps(rounded(found), indent=1) + "\n")
    parts = [f"{heading}:\n\n{text}" for heading, text in tables(found)]
    print("\n\n".join([targets(found), *parts]))
    if options.write:
        write("simulator targets", ["", machine(), "", targets(found), ""])
        write("simulator recording", ["", recording_table(found), ""])
        write("simulator figures", ["", "\n\n".join(parts), ""])
        (DOCUMENTS / "simulator-growth.svg").write_text(plot_growth(found["growth"]))


def machine() -> str:
    python, on = platform.python_version(), f"{processor()}, {os.cpu_count()} processors"
    return f"CPython {python} on {on}; SimPy {simpy.__version__}."


if __name__ == "__main__":
    main()
