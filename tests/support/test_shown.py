"""Do the tests that `make faults` runs exist, and does it tell what shows something from what doesn't?"""

from __future__ import annotations

import re

from tests.support import shown
from tests.support.mended import FAULTS, Fault

FAULT = Fault(1, "P1", "Something was wrong.", (("tests/test_a.py", ("test_P1_it_is_right",)),))
KEY = ("tests/test_a.py", "test_P1_it_is_right")
PASSES = {KEY: [shown.Outcome("passed")]}


def compared(then, now=PASSES, fault=FAULT):
    return shown.compare([fault], then, now)


def failing(why):
    return {KEY: [shown.Outcome("passed"), shown.Outcome("failed", why)]}


def test_every_test_of_a_mended_fault_is_there():
    for fault in FAULTS:
        for file, tests in fault.tests:
            defined = set(re.findall(r"^def (test_\w+)", (shown.ROOT / file).read_text(encoding="utf-8"), re.MULTILINE))
            assert set(tests) <= defined


def test_every_mended_fault_is_on_the_page_once_with_all_its_tests():
    page = shown.PAGE.read_text(encoding="utf-8")
    for fault in FAULTS:
        assert page.count(fault.what) == 1
        for _, tests in fault.tests:
            for test in tests:
                assert re.search(rf"^\| {fault.name} \| .* \| `{test}` \| .+ \|$", page, re.MULTILINE)


def test_a_wrong_value_is_shown():
    rows, complaints = compared(failing("AssertionError: assert 2 == 1\n + where"))

    assert complaints == []
    assert rows[-1] == "| 1 | P1 | `test_P1_it_is_right` | `assert 2 == 1` (1 of 2) |"


def test_a_test_that_passes_on_both_is_complained_of_unless_a_reason_is_given():
    assert compared(PASSES)[1] == [f"1: test_P1_it_is_right passes at {shown.COMMIT}"]
    assert compared(PASSES, fault=FAULT._replace(holds="because"))[1] == []


def test_a_missing_name_shows_nothing():
    for why in ("AttributeError: no x", "ImportError: no x", "ModuleNotFoundError: x", "NameError: x"):
        assert len(compared(failing(why))[1]) == 1
    assert len(compared({KEY: [shown.Outcome("error", "a fixture")]})[1]) == 2
    assert len(compared({})[1]) == 2


def test_a_test_that_does_not_pass_here_is_complained_of():
    wrong = failing("AssertionError: assert 2 == 1")

    assert compared(wrong, wrong)[1] == ["1: test_P1_it_is_right does not pass here: assert 2 == 1"]
    assert len(compared(wrong, {})[1]) == 1


def test_private_names_are_those_of_that_commit_and_newer_ones_stay():
    names = {}
    exec(shown.with_names('"""New."""\n\nIDLE, NEW = 1, 2\n', "from __future__ import annotations\nIDLE = 3\n"), names)

    assert (names["IDLE"], names["NEW"]) == (3, 2)


def test_what_differs_from_run_to_run_is_not_shown():
    assert shown.shortened("AssertionError: <x at 0x7f12> | `y`\nmore") == "<x> / 'y'"
