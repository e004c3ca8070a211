"""The command `python -m tests.mutation`: run the tests on each mutant of the pool's code."""

from __future__ import annotations

import argparse
import time
from collections import Counter, defaultdict
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor, as_completed

from tests.mutation.mutants import Mutant, all_mutants
from tests.mutation.trial import Tests, try_mutant
from tests.mutation.verdicts import (
    KILLED,
    SURVIVED,
    Verdict,
    Verdicts,
    complaints,
    key_of,
    load,
    read_reasons,
    save,
    table,
)
from tests.tables import write


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tests.mutation",
        description="Change the code of the pool in one place at a time, and see whether a test notices. What became "
        "of each is kept in tests/mutation/verdicts.json; why a survivor does the same is in equivalent.toml.",
    )
    parser.add_argument("--only", metavar="TEXT", default="", help="those with this in file, definition and change")
    parser.add_argument(
        "--new", action="store_true", help="those of which nothing is known yet, or the code has changed"
    )
    parser.add_argument("--survivors", action="store_true", help="those that have survived")
    parser.add_argument("--quick", action="store_true", help="run the fast tests only, and note what these notice only")
    parser.add_argument("--list", action="store_true", help="run nothing, list the mutants")
    parser.add_argument("--table", action="store_true", help="run nothing, print the table")
    parser.add_argument("--write", action="store_true", help="write the table into the documentation")
    parser.add_argument("--jobs", metavar="N", type=int, default=2, help="run N at a time (2)")
    options = parser.parse_args()

    mutants = all_mutants()
    chosen = [mutant for mutant in mutants if options.only in ", ".join(key_of(mutant))]
    verdicts, old = load(mutants)
    if options.survivors:
        chosen = [mutant for mutant in chosen if mutant in verdicts and verdicts[mutant].verdict == SURVIVED]
    if options.new:
        chosen = [mutant for mutant in chosen if mutant not in verdicts]
    if options.list:
        for mutant in chosen:
            print(f"{mutant.file}:{mutant.line}: {mutant.definition}: {mutant.change}  {verdicts.get(mutant, '')}")
        return 0
    if not options.table:
        _try(chosen, verdicts, {**old, **verdicts}, options.jobs, options.quick)
    reasons = read_reasons()
    if options.table:
        print(*table(mutants, verdicts, reasons), sep="\n")
    wrong = list(complaints(mutants, verdicts, reasons))
    print(*wrong, sep="\n")
    if options.write:
        write("code mutants", table(mutants, verdicts, reasons))
    return int(bool(wrong))


def _try(chosen: list[Mutant], verdicts: Verdicts, known: Mapping[Mutant, Verdict], jobs: int, quick: bool) -> None:
    """Try them and save each verdict, so that `--new` can go on from there."""
    begun = time.monotonic()
    tests = Tests(quick)
    noticed: dict[tuple[str, ...], list[str]] = defaultdict(list)  # by file and definition: the tests that failed
    for mutant, verdict in known.items():
        _note(noticed, mutant, verdict)

    def trial(mutant: Mutant) -> Verdict:
        here, near = noticed[mutant.file, mutant.definition], noticed[(mutant.file,)]
        first = [known[mutant].by] if mutant in known else []
        often = [name for name, _ in Counter(near).most_common(3)]
        return try_mutant(mutant, tests, list(dict.fromkeys([*first, *reversed(here), *often])))

    with ThreadPoolExecutor(jobs) as pool:
        futures = {pool.submit(trial, mutant): mutant for mutant in chosen}
        try:
            for number, future in enumerate(as_completed(futures), 1):
                mutant, verdict = futures[future], future.result()
                if verdict.verdict != SURVIVED or not quick:
                    verdicts[mutant] = verdict
                    _note(noticed, mutant, verdict)
                    save(verdicts)
                print(
                    f"{number}/{len(chosen)} {verdict.verdict} {mutant.file}:{mutant.line} {mutant.change}", flush=True
                )
        finally:
            pool.shutdown(cancel_futures=True)
    print(f"{len(chosen)} mutants in {(time.monotonic() - begun) / 60:.1f} minutes")


def _note(noticed: dict[tuple[str, ...], list[str]], mutant: Mutant, verdict: Verdict) -> None:
    if verdict.verdict == KILLED and "::" in verdict.by:  # one that has hung may do so again
        noticed[mutant.file, mutant.definition].append(verdict.by)
        noticed[(mutant.file,)].append(verdict.by)


if __name__ == "__main__":
    raise SystemExit(main())
