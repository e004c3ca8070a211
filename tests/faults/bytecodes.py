"""Something happens before each bytecode, one run for each."""

from __future__ import annotations

import gc
import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any, NamedTuple

from tests.faults.audit import DROP, INTERRUPT, audit
from tests.faults.points import AFTER, CALLER, Place, Points
from tests.faults.situations import Case
from tests.faults.world import Violation, World
from tests.support import inside
from tests.support.places import statement

FAULTS = (INTERRUPT, "push", "pop", "len", "close", "clear", "collect", DROP)


class Lost(NamedTuple):
    """A statement at which an interrupt loses what its call is moving."""

    function: str
    statement: str
    operation: str


class Found:
    """What was run of a case."""

    def __init__(self) -> None:
        self.points = 0
        self.runs = 0
        self.deliveries = 0
        self.lost: set[Lost] = set()

    def add(self, other: Found) -> None:
        self.points += other.points
        self.runs += other.runs
        self.deliveries += other.deliveries
        self.lost |= other.lost


class Failure(Exception):
    """A clause that is broken, and by what."""

    def __init__(self, case: Case, fault: str, point: int, place: Place, statement: str, violation: Violation):
        where = f"in {place.function}: {statement}"
        super().__init__(f"{violation} [{case.operation}; {case.situation}; {fault} before point {point}, {where}]")
        self.violation = violation


class Harness:
    """Runs cases on one copy of the package."""

    def __init__(self, package: ModuleType, points: Points) -> None:
        self._package, self._points = package, points
        self._unraisable: list[BaseException] = []

    def points(self, case: Case) -> list[Place]:
        """The points of a case."""
        for _ in range(2):  # what is imported, or specialized, at first
            world = case.world(self._package)
            passed = self._points.count(world.operate)
            self._judge(case, world, "nothing", -1, AFTER)
        return passed

    def at(self, case: Case, fault: str, point: int) -> tuple[Place, Lost | None]:
        """Run a case with a fault at a point. Return where it was, and what is lost.

        Raises:
            Failure: it breaks a clause.
        """
        world = case.world(self._package)
        if fault == INTERRUPT:
            self._points.handled = world.cut_off
            self._points.interrupt_at_point(world.operate, point)
            place = self._points.delivered[0]
        else:
            place = self._points.at_point(world.operate, point, lambda: _happen(world, fault))
        lost = self._judge(case, world, fault, point, place)
        if lost is None:
            return place, None
        return place, Lost(place.function, self._statement(place), case.operation)

    def pair(self, case: Case, first: int, second: int) -> list[Place]:
        """Run a case with an interrupt at a point, and one so many bytecodes later. Return where they were.

        Raises:
            Failure: it breaks a clause.
        """
        world = case.world(self._package)
        self._points.handled = world.cut_off
        self._points.interrupt_at_point(world.operate, first, second)
        places = list(self._points.delivered)
        # What is lost is what the call was moving, so one of the two was where it has it in a variable.
        holding = next((place for place in places if place.function in inside.HOLDERS), places[-1])
        self._judge(case, world, INTERRUPT, first, holding)
        return places

    def _judge(self, case: Case, world: World, fault: str, point: int, place: Place) -> object | None:
        unraisable, self._unraisable = self._unraisable, []
        try:
            lost = audit(world, fault, unraisable, place not in (AFTER, CALLER))
            if lost is not None and place not in (AFTER, CALLER) and place.function not in inside.HOLDERS:
                raise Violation("P9", f"{lost} is lost, which is in a container there")
            return lost
        except Violation as violation:
            raise Failure(case, fault, point, place, self._statement(place), violation) from violation
        finally:
            world.release()
            world.departing.clear()

    def _statement(self, place: Place) -> str:
        return statement(os.path.join(self._points.folder, place.file), place.line) if place.file else ""

    def noticed(self, unraisable: Any) -> None:
        # Not the exception itself: its traceback, or that of its context, would keep alive what is being finalized.
        self._unraisable.append(unraisable.exc_type())


@contextmanager
def harness(package: ModuleType) -> Iterator[Harness]:
    """A harness, and a process that is prepared for it: garbage is collected only where it is asked for."""
    hook = sys.unraisablehook
    logger, nowhere = logging.getLogger("ya.resourcepool"), logging.NullHandler()
    logger.addHandler(nowhere)
    logger.propagate = False
    gc.collect()
    gc.freeze()
    gc.disable()
    try:
        with Points(package) as points:
            made = Harness(package, points)
            sys.unraisablehook = made.noticed
            yield made
    finally:
        sys.unraisablehook = hook
        logger.removeHandler(nowhere)
        logger.propagate = True
        gc.enable()


def _happen(world: World, fault: str) -> None:
    """What comes between, in the same thread."""
    pool = world.pool
    if fault == DROP:
        del pool
        world.drop()
    elif fault == "collect":
        world.collect()
    elif pool is None:
        return
    elif fault == "push":
        world.push()
    elif fault == "pop":
        try:
            world.held.append(pool.pop())
        except world.package.ResourcePoolEmpty as error:
            if world.plenty:
                world.error = Violation("P3", f"{error!r}, though something is idle")
        except (world.package.ResourcePoolClosed, *world.may_raise):
            pass  # what `alloc` raises stays in the handler: no exception comes between just any two bytecodes
    elif fault == "len":
        if not 0 <= len(pool) <= len(world.everything) + len(world.made_from):
            world.error = Violation("P10", f"{len(pool)} are idle")
    else:
        getattr(pool, fault)()


def every(harness: Harness, case: Case, faults: tuple[str, ...] = FAULTS) -> Found:
    """Each fault at each point."""
    found = Found()
    passed = harness.points(case)
    found.points = len(passed)
    for fault in faults:
        _each(harness, case, fault, passed, found)
    return found


def some(harness: Harness, case: Case, shift: int) -> Found:
    """At each point an interrupt, if it comes to a place that it has not come to, and at each ninth another fault."""
    found = Found()
    passed = harness.points(case)
    found.points = len(passed)
    _each(harness, case, INTERRUPT, passed, found)
    others = FAULTS[1:]
    for i, point in enumerate(range(shift % 9, len(passed), 9)):
        harness.at(case, others[(i + shift) % len(others)], point)
        found.runs += 1
    return found


def _each(harness: Harness, case: Case, fault: str, passed: list[Place], found: Found) -> None:
    point = 0
    while point < len(passed):
        place, lost = harness.at(case, fault, point)
        found.runs += 1
        if lost is not None:
            found.lost.add(lost)
        if fault == INTERRUPT:
            found.deliveries += 1
            point = _next(passed, point, place)
        else:
            point += 1


def _next(passed: list[Place], point: int, place: Place) -> int:
    """The first point at which a signal would be handled later than one that comes at this point."""
    if place is None:
        return len(passed)
    return next(
        (later + 1 for later in range(point, len(passed)) if passed[later][::3] == place[::3]),
        point + 1,
    )


def pairs(harness: Harness, case: Case, step: int, shift: int = 0) -> Found:
    """Two interrupts in one call: the first wherever one comes, the second at each so many bytecodes after it."""
    found = Found()
    passed = harness.points(case)
    found.points = len(passed)
    first = 0
    while first < len(passed):
        place, _ = harness.at(case, INTERRUPT, first)
        later, places = shift % step, [place, place]
        while len(places) > 1:  # else the call had ended before
            places = harness.pair(case, first, later)
            found.runs += 1
            found.deliveries += len(places)
            later += step
        first = _next(passed, first, place)
    return found
