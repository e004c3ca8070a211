"""The table of the code's mutants, and what is wrong with it. The mutants themselves are for `make mutants`."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from tests.mutation.verdicts import (
    KILLED,
    SURVIVED,
    TIMEOUT,
    ReasonError,
    Verdict,
    complaints,
    load,
    read_reasons,
    save,
    table,
)


@dataclass(frozen=True)
class Mutant:
    change: str
    file: str = "_pool.py"
    definition: str = "ResourcePool.pop"
    digest: str = field(default="1", compare=False)
    line: int = field(default=1, compare=False)


A, B = Mutant("a -> b"), Mutant("c | d -> c")
NOTICED = Verdict(KILLED, "tests/test_waiting.py::test_P7", 1)
UNNOTICED = Verdict(SURVIVED, "", 9)
MANY = {Mutant(f"{n} -> {n + 1}"): NOTICED for n in range(100)}


def reason(mutant):
    return {(mutant.file, mutant.definition, mutant.change): "the same"}


def test_all_is_well_if_each_survivor_has_a_reason():
    verdicts = {**MANY, A: UNNOTICED}
    assert list(complaints(verdicts, verdicts, reason(A))) == []


def test_a_survivor_without_a_reason_is_wrong():
    verdicts = {**MANY, A: UNNOTICED}
    assert list(complaints(verdicts, verdicts, {})) == [
        "_pool.py, ResourcePool.pop: a -> b survived, and has no reason"
    ]


@pytest.mark.parametrize(
    ("known", "complaint"),
    [(MANY, "is no mutant"), ({**MANY, A: NOTICED}, "is noticed, by tests/test_waiting.py::test_P7")],
)
def test_a_reason_for_what_does_not_survive_is_wrong(known, complaint):
    (found,) = complaints(known, known, reason(A))
    assert complaint in found


def test_what_was_not_tried_is_wrong():
    assert list(complaints([*MANY, A], MANY, {})) == ["_pool.py, ResourcePool.pop: a -> b was not tried"]


def test_too_few_that_are_killed_are_wrong():
    verdicts = {A: UNNOTICED, B: NOTICED}
    assert list(complaints(verdicts, verdicts, reason(A))) == ["1 of 2 are killed, less than 95%"]


def test_a_change_has_one_reason(tmp_path):
    path = tmp_path / "equivalent.toml"
    entry = '[[equivalent]]\nfile = "_pool.py"\ndefinition = "f"\nchanges = ["a -> b", "a -> c"]\nreason = "r"\n'
    path.write_text(entry)
    assert read_reasons(path) == {("_pool.py", "f", "a -> b"): "r", ("_pool.py", "f", "a -> c"): "r"}
    path.write_text(entry + entry)
    with pytest.raises(ReasonError, match="a -> b has two reasons"):
        read_reasons(path)


def test_a_verdict_holds_while_its_definition_reads_the_same(tmp_path):
    path = tmp_path / "verdicts.json"
    assert load([A], path) == ({}, {})
    save({A: NOTICED, B: UNNOTICED}, path)
    changed = Mutant(B.change, digest="2")
    assert load([A, B], path) == ({A: NOTICED, B: UNNOTICED}, {})
    assert load([A, changed], path) == ({A: NOTICED}, {B: UNNOTICED})
    assert load([], path) == ({}, {})


def test_the_table_counts_by_file_and_gives_the_reasons():
    by_schedule = Verdict(KILLED, "tests/schedule/test_pool_schedules.py::test_P7[x]", 1)
    verdicts = {
        A: NOTICED,
        B: UNNOTICED,
        Mutant("e -> f"): by_schedule,
        Mutant("g -> h", file="_waiter.py"): Verdict(TIMEOUT, "tests/test_waiting.py::test_P8", 60),
    }
    lines = table(verdicts, verdicts, reason(B))
    assert "| `_pool.py` | 3 | 2 | 1 | 0 | 1 | 66.7 | 0.2 |" in lines
    assert "| `_waiter.py` | 1 | 1 | 0 | 1 | 0 | 100.0 | 1.0 |" in lines
    assert "| all | 4 | 3 | 1 | 1 | 1 | 75.0 | 1.2 |" in lines
    assert lines[-1] == "| `ResourcePool.pop` | `c` | `c \\| d` | the same |"
