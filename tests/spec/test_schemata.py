"""Mutant schemata: many mutants in one run of TLC."""

from __future__ import annotations

from dataclasses import replace

import pytest

from spec.errors import SpecError
from spec.manifest import read_manifest
from spec.mutants import mutants_of
from spec.schemata import MANY, NAME, End, at_fault, ends, schemata
from spec.tlc import Tlc
from tests.spec.conftest import TINY

MUTANTS = mutants_of("Tiny", TINY)


def model(folder, name):
    return {model.name: model for model in read_manifest(folder / "manifest.toml")}[name]


def run(folder, tools, name, mutants, most=None):
    made = schemata(folder, model(folder, name), mutants, most)
    together = replace(model(folder, name), module=NAME, workers=1, deadlock=False)
    outcome = Tlc(tools, folder).check(together, replaced=made.modules, settings=made.settings)
    found = ends(outcome.printed, mutants)
    return outcome, {mutant.name.removeprefix("Tiny:") if mutant else None: its for mutant, its in found.items()}


def test_a_mutated_definition_is_a_case_of_its_mutants(folder):
    made = schemata(folder, model(folder, "safe"), MUTANTS[:2], None)

    case = "\nUp ==\n  CASE mutant = 1 -> Up_1\n    [] mutant = 2 -> Up_2\n    [] OTHER -> Up_0\n"
    assert case in made.modules["Tiny"]
    assert "Up_0 ==\n  /\\ n < 2\n" in made.modules["Tiny"]
    assert "Up_1 ==\n  /\\ TRUE\n  /\\ n' = n + 1  \\* the next\n  /\\ UNCHANGED done\n" in made.modules["Tiny"]
    assert made.modules["Tiny"].startswith("---- MODULE Tiny ----\nEXTENDS MutantVariable, Naturals, Sequences\n")


def test_what_is_checked_stands_in_constraints(folder):
    made = schemata(folder, model(folder, "safe"), MUTANTS, 7)

    assert "StepOneByOne ==\n              [n' \\in {n, n + 1}]_vars\n" in made.modules[NAME]
    assert '  /\\ StepOneByOne \\/ MutantEnds("OneByOne", TLCGet("level") + 1)\n' in made.modules[NAME]
    assert '  /\\ TypeOK \\/ MutantNotes("TypeOK", TLCGet("level") + 1)\n' in made.modules[NAME]
    for word in ("SPECIFICATION", "TypeOK", "OneByOne"):
        assert word not in made.settings


def test_what_holds_in_the_long_run_is_left_out(folder):
    assert "StepEnds" not in schemata(folder, model(folder, "live"), MUTANTS, None).modules[NAME]
    (folder / "live.cfg").write_text("SPECIFICATION Spec\nPROPERTY Ends\n")
    assert schemata(folder, model(folder, "live"), MUTANTS, None) is None


def test_a_specification_that_is_written_otherwise_is_refused(folder):
    (folder / "Tiny.tla").write_text(TINY.replace("Spec == Init /\\ [][Next]_vars", "Spec == [][Next]_vars /\\ Init"))
    with pytest.raises(SpecError, match=r"Spec must begin with 'Init /\\ \[\]\[Next\]_vars'"):
        schemata(folder, model(folder, "safe"), MUTANTS, None)


def test_each_mutant_ends_as_it_would_alone(folder, tools):
    tlc = Tlc(tools, folder)
    safe = replace(model(folder, "safe"), workers=1, deadlock=False)
    without = (folder / "safe.cfg").read_text().replace("TypeOK", "")
    _, together = run(folder, tools, "safe", MUTANTS, most=50)
    ended = {name: its[-1] for name, its in together.items() if its[-1].property not in (MANY, "TypeOK")}
    alone = {}
    for mutant in MUTANTS:
        name = mutant.name.removeprefix("Tiny:")
        if MANY not in {end.property for end in together.get(name, [])}:  # it would not end
            outcome = tlc.check(safe, replaced={"Tiny": mutant.text}, settings=without)
            if outcome.violation:
                alone[name] = End(outcome.result, outcome.depth)

    assert ended == alone
    assert len(alone) >= 3


def test_one_that_does_what_the_module_does_has_its_states(folder, tools):
    same = replace(MUTANTS[0], text=TINY.replace("n < 2", "~(n >= 2)", 1))
    outcome, found = run(folder, tools, "safe", [same, replace(same, name="Tiny:Up:2:same")])

    assert (outcome.result, found) == ("ok", {})
    assert (outcome.states, outcome.distinct) == (3 * 4, 3 * 4)  # with the module itself


def test_one_that_has_come_to_many_states_goes_no_further(folder, tools):
    same = replace(MUTANTS[0], text=TINY)
    outcome, found = run(folder, tools, "safe", [same], most=2)

    assert found == {"Up:1:drop": [End(MANY, 3)], None: [End(MANY, 3)]}
    assert outcome.distinct == 2 * 2


def test_a_witness_that_is_reached_is_said(folder, tools):
    same = replace(MUTANTS[0], text=TINY)
    never = replace(MUTANTS[0], name="Tiny:End:1:drop", text=TINY.replace("  /\\ n = 2\n", "  /\\ n = 3\n"))
    _, found = run(folder, tools, "witness", [same, never])

    assert found == {"Up:1:drop": [End("NeverDone", 4)], None: [End("NeverDone", 4)]}


def test_the_one_that_cannot_be_evaluated_is_told(folder, tools):
    wrong = replace(MUTANTS[1], text=TINY.replace("n' = n + 1", "n' = n + TRUE"))
    mutants = [replace(MUTANTS[0], text=TINY), wrong]
    outcome, _ = run(folder, tools, "safe", mutants)

    assert outcome.result == "error"
    assert at_fault(outcome, mutants) is wrong


def test_what_its_condition_asks_for_is_no_reason_to_leave_a_step_out(folder, tools):
    """As in `IF s # <<>> /\\ Head(s) = 1`, which is defined for all s."""
    body = "n' = IF <<n>> # <<>> /\\ Head(<<n>>) > 5 THEN n ELSE n + 1  \\* the next"
    (folder / "Tiny.tla").write_text(TINY.replace("n' = n + 1  \\* the next", body))
    mutants = mutants_of("Tiny", (folder / "Tiny.tla").read_text())
    made = schemata(folder, model(folder, "safe"), mutants[:1], None)
    assert "[] OTHER -> Up_0\n" in made.modules["Tiny"]


def test_who_asks_for_the_contrary_takes_no_step(folder):
    body = "n' = IF <<n>> = <<>> /\\ Head(<<n>>) > 5 THEN n ELSE n + 1  \\* the next"
    (folder / "Tiny.tla").write_text(TINY.replace("n' = n + 1  \\* the next", body))
    mutants = mutants_of("Tiny", (folder / "Tiny.tla").read_text())
    made = schemata(folder, model(folder, "safe"), mutants[:1], None)
    assert "[] OTHER -> (<<n>> # <<>>) /\\ Up_0\n" in made.modules["Tiny"]


def test_who_has_read_a_stamp_is_not_asked_whether_there_is_an_age(folder):
    body = "n' = IF read # None /\\ ~IsDue(read, n) THEN n ELSE n + 1  \\* the next"
    late = "n' = IF IsDue(read, n) THEN n ELSE n + 1  \\* the next"
    for text, step in (body, "Up_0"), (late, "(MaxAge # None) /\\ Up_0"):
        (folder / "Tiny.tla").write_text(TINY.replace("n' = n + 1  \\* the next", text))
        mutants = mutants_of("Tiny", (folder / "Tiny.tla").read_text())
        made = schemata(folder, model(folder, "safe"), mutants[:1], None)
        assert f"[] OTHER -> {step}\n" in made.modules["Tiny"]
