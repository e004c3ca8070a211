"""Are the points all bytecodes, and do signals come where CPython lets them?"""

from __future__ import annotations

import dis
import signal
import sys

import pytest

from tests.faults.points import AFTER, CALLER, Points, _codes
from tests.support.package import load

# Where a signal is handled, in the words of `dis`. The names differ between versions, and these are of all of them.
CHECKS = ("RESUME", "CALL", "PRECALL", "JUMP_BACKWARD", "JUMP_ABSOLUTE", "POP_JUMP", "FOR_ITER", "INSTRUMENTED")


@pytest.fixture
def package():
    return load()


def overflow(package):
    return package.ResourcePool(init="abc", maxsize=3, minsize=1, dealloc=[].append)


def test_every_bytecode_that_is_executed_is_a_point(package):
    pool = package.ResourcePool(init="ab")
    with Points(package) as points:
        for _ in range(2):
            passed = points.count(pool.__bool__)

    code = package.ResourcePool.__bool__.__code__
    offsets = {place.offset for place in passed}
    assert {place.function for place in passed} == {"__bool__"}
    executed = {step.offset for step in dis.get_instructions(code) if step.opname not in ("RESUME", "CACHE")}
    assert executed <= offsets


def test_something_happens_at_the_point_that_was_asked_for(package):
    with Points(package) as points:
        for _ in range(2):
            passed = points.count(lambda: overflow(package).push("d"))
        for point in range(0, len(passed), 7):
            happened = []
            place = points.at_point(lambda: overflow(package).push("d"), point, lambda: happened.append(1))  # noqa: B023
            assert place == passed[point]
            assert happened == [1]


def test_a_signal_comes_where_a_function_is_entered_a_call_ends_or_a_loop_goes_back(package):
    names = {}
    for code in _codes(package.__name__, Points(package).folder):
        for step in dis.get_instructions(code):
            names[code.co_name, step.offset] = step.opname
    places = set()
    with Points(package) as points:
        for _ in range(2):
            passed = points.count(lambda: overflow(package).push("d"))
        for point in range(len(passed)):
            pool = overflow(package)
            points.interrupt_at_point(lambda: pool.push("d"), point)  # noqa: B023
            assert len(points.delivered) == 1
            places.add(points.delivered[0])

    within = {place for place in places if place.offset >= 0 and place.line}
    assert len(within) > 20
    wrong = {(place, names.get((place.function, place.offset))) for place in within}
    assert {name for _, name in wrong if not (name or "RESUME").startswith(CHECKS)} == set()


def test_a_signal_that_comes_last_of_all_is_handled_before_the_next_run(package):
    pool = package.ResourcePool(init="ab")
    with Points(package) as points:
        for _ in range(2):
            passed = points.count(pool.__bool__)
        points.interrupt_at_point(pool.__bool__, len(passed) - 1)
        assert len(points.delivered) == 1
        assert points.delivered[0] in (CALLER, AFTER)
        points.at_point(pool.__bool__, 0, int)


def test_the_handler_and_the_tracing_are_as_before(package):
    handler = signal.getsignal(signal.SIGINT)
    with Points(package) as points:
        points.count(overflow(package).close)

    assert signal.getsignal(signal.SIGINT) is handler
    assert sys.gettrace() is None
