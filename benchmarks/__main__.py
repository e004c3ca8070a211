"""Measure the pool next to others, and write what came out into the documentation.

With --write the figures go to benchmarks/results/, a file for each version of Python, and docs/performance.md is
made anew of all the files there. Without it they are printed only.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
from pathlib import Path

from benchmarks.measures import MEASURES
from benchmarks.peers import peers
from benchmarks.report import tables, write_report
from benchmarks.rounds import Figures

ROOT = Path(__file__).parents[1]


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--short", action="store_true", help="a smoke test: each measure once, for a moment")
    parser.add_argument("--only", metavar="NAME", action="append", choices=MEASURES, help="take this measure only")
    parser.add_argument("--write", action="store_true", help="write the figures and docs/performance.md")
    parser.add_argument("--render", action="store_true", help="measure nothing, write docs/performance.md anew")
    options = parser.parse_args()
    if options.write and options.short:
        parser.error("--write takes measures in full, so not with --short")
    if options.render:
        write_report(ROOT)
        return 0
    found, skipped = peers()
    for reason in skipped:
        print(f"skipped {reason}", file=sys.stderr)
    figures: dict[str, Figures] = {}
    for name in options.only or MEASURES:
        measure = MEASURES[name]
        print(f"{name}: {measure.title} ...", file=sys.stderr, flush=True)
        figures[name] = measure.take(found, 1 if options.short else measure.rounds, 0.02 if options.short else 1)
    results = {
        "python": platform.python_version(),
        "implementation": platform.python_implementation(),
        "machine": f"{processor()}, {os.cpu_count()} processors, {platform.system()}",
        "versions": {peer.name: peer.version for peer in found},
        "skipped": skipped,
        "figures": figures,
    }
    if options.write:
        version = ".".join(platform.python_version_tuple()[:2])
        path = ROOT / "benchmarks" / "results" / f"{platform.python_implementation().lower()}-{version}.json"
        path.parent.mkdir(exist_ok=True)
        if options.only:
            before = json.loads(path.read_text())
            known = before["figures"] | figures
            results["figures"] = {name: known[name] for name in MEASURES if name in known}
        path.write_text(json.dumps(rounded(results), indent=1) + "\n")
        write_report(ROOT)
        print(f"wrote {path.relative_to(ROOT)} and docs/performance.md", file=sys.stderr)
    print(tables([results]))
    return 0


def rounded(value: object) -> object:
    """The same with floats of five digits: more than that is noise."""
    if isinstance(value, dict):
        return {key: rounded(item) for key, item in value.items()}
    return float(f"{value:.5g}") if isinstance(value, float) else value


def processor() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


if __name__ == "__main__":
    sys.exit(main())
