"""The command `python -m tests.load`: a soak, and what was counted."""

from __future__ import annotations

import argparse
import faulthandler
import os
import random
import sys
import time
from types import ModuleType

import ya.resourcepool
from tests.helpers import PATIENCE
from tests.load import footprint
from tests.load.callbacks import CALLBACKS, FAULTS
from tests.load.soak import THREADS, Broken, Soak
from tests.support.mistakes import MISTAKES, noticed_by
from tests.support.package import load
from tests.tables import write

ROUNDS = 30  # about
LONGEST = 3  # seconds that one takes


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tests.load",
        description=f"Use pools in {THREADS} threads, at random, with faults in their callbacks and with interrupts, "
        "and account for every resource.",
    )
    parser.add_argument("--seconds", type=float, default=600, help="how long (%(default)s)")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6), help="of all that is drawn")
    parser.add_argument("--mutant", choices=noticed_by("soak"), help="put this mistake into the pool")
    parser.add_argument("--write", action="store_true", help="write the table into the documentation")
    options = parser.parse_args()
    if options.write and options.mutant:
        parser.error("--write is for the pool as it is")
    print(f"seed {options.seed}", flush=True)
    package: ModuleType = load(MISTAKES[options.mutant].edits) if options.mutant else ya.resourcepool
    each = min(LONGEST, options.seconds / ROUNDS)
    faulthandler.dump_traceback_later(options.seconds + 4 * PATIENCE, exit=True)
    soak = Soak(package, options.seed)
    began = time.process_time()
    try:
        soak.run(options.seconds, each)
        grown = footprint.growth(soak.taken)
    except Broken as broken:
        print(broken)
        faulthandler.dump_traceback(all_threads=True)
        return 1
    lines = table(soak, options.seconds)
    print(*lines, *grown, sep="\n")
    print(f"\n{time.process_time() - began:.0f} s of the processor's time, Python {sys.version.split()[0]}")
    if options.write and not grown:
        write("soak", lines)
    return int(bool(grown))


def table(soak: Soak, seconds: float) -> list[str]:
    """What was counted."""
    ledger, early, late = soak.ledger, *footprint.windows(soak.taken)
    operations = soak.operations
    faults = sum(soak.calls[name, fault].read() for name in CALLBACKS for fault in FAULTS)
    calls = faults + sum(soak.calls[name, "ok"].read() for name in CALLBACKS)
    rows: dict[str, object] = {
        "seconds": round(seconds),
        "threads, with the main one": len(soak.workers),
        "rounds": len(soak.taken) - 1,
        "operations": operations.total(),
        "pools made": soak.made.read(),
        "calls of `alloc`, `check` and `dealloc`": calls,
        "of these at fault": faults,
        "interrupts": soak.interrupts.read(),
        "of these in the pool's code": soak.inside.read(),
        "of these where one can cost a resource": soak.costly.read(),
        "signals whose handler used a pool": soak.handled.read(),
        "resources made": ledger.made.read(),
        **{fate: tally.read() for fate, tally in ledger.fates.items()},
    }
    rows |= {f"{name}, early": value for name, value in zip(early._fields, early, strict=True)}
    rows |= {f"{name}, late": value for name, value in zip(late._fields, late, strict=True)}
    return ["| what | number |", "|---|--:|", *(f"| {name} | {number:,} |" for name, number in rows.items())]


if __name__ == "__main__":
    code = main()
    if code:
        sys.stdout.flush()
        os._exit(code)  # what is stuck would hold up the exit
