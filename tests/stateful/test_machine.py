"""Any sequence of operations, settings, callbacks and steps of the clock, with up to hundreds of resources.

The oracle is a list and the rules R1 and R2. One thread: what threads do to each other is for `test_schedule.py`.
"""

from __future__ import annotations

import logging
from itertools import count
from math import inf

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

import ya.resourcepool
from tests.support.mistakes import MISTAKES, noticed_by
from tests.support.package import load
from ya.resourcepool import ManualClock

MANY = 300

few = st.integers(0, 4)
numbers = few | few | st.integers(0, MANY)
sizes = st.none() | numbers
ages = st.none() | st.integers(1, 5) | st.integers(1, 40) | st.just(0.1) | st.just(inf)
seconds = few | st.integers(0, 50)


class CallbackRaised(Exception):
    """What a callback raises."""


class PoolMachine(RuleBasedStateMachine):
    """The model is the list of what is idle, oldest first, each with the time of its push."""

    package = ya.resourcepool

    @initialize(minsize=sizes, maxsize=sizes, maxage=ages, init=numbers, alloc=st.booleans(), integers=st.booleans())
    def make(self, minsize, maxsize, maxage, init, alloc, integers):
        if minsize is not None and maxsize is not None and minsize > maxsize:
            minsize, maxsize = maxsize, minsize
        self.minsize, self.maxsize, self.maxage, self.has_alloc = minsize, maxsize, maxage, alloc
        self.tick = 1 if integers or maxage != 0.1 else 0.1  # what `maxage` counts in
        self.clock = ManualClock(0 if integers else 0.0)
        self.deallocated, self.expected = [], []
        self.fate = {}  # of resources: what their `check` does
        self.alloc_raises = self.dealloc_raises = self.closed = False
        self.held = []
        self.names = count()
        given = [next(self.names) for _ in range(init)]
        made = range(init, max(init, minsize or 0)) if alloc else []
        self.pool = self.package.ResourcePool(
            init=iter(given),
            alloc=self.alloc if alloc else None,
            dealloc=self.dealloc,
            check=self.check,
            minsize=minsize,
            maxsize=maxsize,
            maxage=maxage,
            clock=self.clock,
        )
        self.idle = [(self.clock.now(), resource) for resource in reversed([*given, *made])]
        self.evict()

    def alloc(self):
        if self.alloc_raises:
            raise CallbackRaised
        return next(self.names)

    def check(self, resource):
        if self.fate.get(resource) == "raises":
            raise CallbackRaised
        return resource not in self.fate

    def dealloc(self, resource):
        self.deallocated.append(resource)
        if self.dealloc_raises:
            raise CallbackRaised  # logged (K2)

    def evict(self):
        """R2, then R1."""
        floor = self.minsize or 0
        while self.maxage and len(self.idle) > floor and self.clock.now() - self.idle[0][0] >= self.maxage:
            self.expected.append(self.idle.pop(0)[1])
        if self.maxsize is not None and len(self.idle) > self.maxsize:
            keep = self.maxsize if self.minsize is None else self.minsize
            while len(self.idle) > keep:
                self.expected.append(self.idle.pop(0)[1])

    @rule(n=numbers)
    def allocate(self, n):
        """What is pushed need not come from the pool."""
        self.held += [next(self.names) for _ in range(n)]

    @rule(n=numbers, newest=st.booleans())
    def push(self, n, newest):
        for _ in range(min(n, len(self.held))):
            resource = self.held.pop(-1 if newest else 0)
            self.pool.push(resource)
            if self.closed:
                self.expected.append(resource)
            else:
                self.idle.append((self.clock.now(), resource))
                self.evict()

    @rule(n=numbers)
    def pop(self, n):
        for _ in range(n):
            while self.idle and self.fate.get(self.idle[-1][1]) == "dead":
                self.idle.pop()
            if self.closed:
                error = self.package.ResourcePoolClosed
            elif self.idle and self.idle[-1][1] in self.fate:
                error = CallbackRaised
                self.expected.append(self.idle.pop()[1])
            elif self.idle:
                resource = self.idle.pop()[1]
                assert self.pool.pop() == resource
                self.held.append(resource)
                continue
            elif not self.has_alloc:
                error = self.package.ResourcePoolEmpty
            elif self.alloc_raises:
                error = CallbackRaised
            else:
                self.held.append(self.pool.pop())
                continue
            with pytest.raises(error):
                self.pool.pop()

    @precondition(lambda self: self.idle)
    @rule(data=st.data(), outcome=st.sampled_from(["dead", "raises"]))
    def spoil(self, data, outcome):
        for index in data.draw(st.lists(st.integers(1, len(self.idle)), min_size=1, max_size=3)):
            self.fate[self.idle[-index][1]] = outcome

    @rule(alloc=st.booleans(), dealloc=st.booleans())
    def have_callbacks_raise(self, alloc, dealloc):
        self.alloc_raises, self.dealloc_raises = alloc, dealloc

    @rule(n=seconds)
    def advance(self, n):
        for _ in range(n):
            self.clock.advance(self.tick)
            self.evict()

    @rule(n=seconds)
    def advance_at_once(self, n):
        """What falls due on the way is deallocated in the order of its deadlines, which is that of the pushes."""
        self.clock.advance(n * self.tick)
        self.evict()

    @rule()
    def discard(self):
        """A lease whose body finds its resource broken."""
        if self.idle and not self.closed and self.idle[-1][1] not in self.fate:
            lease = self.pool()
            with lease as resource:
                lease.discard()
            self.expected.append(resource)
            assert resource == self.idle.pop()[1]

    @rule()
    def clear(self):
        self.pool.clear()
        self.expected += [resource for _, resource in self.idle]
        self.idle = []

    @precondition(lambda self: not self.closed)
    @rule(sure=st.integers(0, 9))
    def close(self, sure):
        if sure == 0:
            self.pool.close()
            self.closed = True
            self.expected += [resource for _, resource in self.idle]
            self.idle = []

    def teardown(self):
        # The pool is collected some time later, maybe in another test. CPython 3.11 can't parse source while it parses
        # source (python/cpython#106905), and the traceback in a log is such a case.
        self.dealloc_raises = False

    @invariant()
    def agrees(self):
        if hasattr(self, "pool"):
            assert len(self.pool) == len(self.idle)
            assert self.deallocated == self.expected
            assert self.pool.waiting == 0


LIKE_THE_OTHERS = settings(
    max_examples=150,
    stateful_step_count=40,
    deadline=None,
    database=None,
    derandomize=True,
    # Garbage collections after other tests take long, which says nothing of this one.
    suppress_health_check=[HealthCheck.too_slow],
)


class TestPool(PoolMachine.TestCase):
    settings = LIKE_THE_OTHERS
    pytestmark = pytest.mark.usefixtures("without_a_log")


@pytest.fixture
def without_a_log(monkeypatch):
    monkeypatch.setattr(logging.getLogger("ya.resourcepool"), "disabled", True)


@pytest.mark.usefixtures("without_a_log")
@pytest.mark.parametrize("name", noticed_by("machine"))
def test_it_notices(name):
    faulty = load(MISTAKES[name].edits)

    class Faulty(PoolMachine):
        package = faulty

    once = settings(LIKE_THE_OTHERS, phases=[Phase.generate], report_multiple_bugs=False)
    with pytest.raises((AssertionError, faulty.ResourcePoolEmpty, pytest.fail.Exception)):
        run_state_machine_as_test(Faulty, settings=once)
