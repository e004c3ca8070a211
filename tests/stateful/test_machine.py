"""Any sequence of operations, settings, callbacks and steps of the clock, against a model of a few lines.

One thread: what threads do to each other is for other tests.
"""

from __future__ import annotations

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, initialize, invariant, precondition, rule

from ya.resourcepool import ManualClock, ResourcePool, ResourcePoolClosed, ResourcePoolEmpty

sizes = st.one_of(st.none(), st.integers(0, 4))


class PoolMachine(RuleBasedStateMachine):
    """The model is the list of what is idle, oldest first, each with the time of its push."""

    held = Bundle("held")

    @initialize(minsize=sizes, maxsize=sizes, maxage=st.one_of(st.none(), st.integers(1, 5)), init=st.integers(0, 5))
    def make(self, minsize, maxsize, maxage, init):
        if minsize is not None and maxsize is not None and minsize > maxsize:
            minsize, maxsize = maxsize, minsize
        self.minsize, self.maxsize, self.maxage = minsize, maxsize, maxage
        self.clock = ManualClock()
        self.idle = []
        self.deallocated = []
        self.expected = []
        self.dead = set()
        self.closed = False
        self.names = iter(range(10**9))
        resources = [next(self.names) for _ in range(init)]
        self.pool = ResourcePool(
            init=resources,
            dealloc=self.deallocated.append,
            check=lambda resource: resource not in self.dead,
            minsize=minsize,
            maxsize=maxsize,
            maxage=maxage,
            clock=self.clock,
        )
        self.idle = [(0, resource) for resource in reversed(resources)]
        self.evict()

    def evict(self):
        """R2, then R1."""
        floor = self.minsize or 0
        while self.maxage and len(self.idle) > floor and self.clock.now() - self.idle[0][0] >= self.maxage:
            self.expected.append(self.idle.pop(0)[1])
        if self.maxsize is not None and len(self.idle) > self.maxsize:
            keep = self.maxsize if self.minsize is None else self.minsize
            while len(self.idle) > keep:
                self.expected.append(self.idle.pop(0)[1])

    @rule(target=held)
    def allocate(self):
        return next(self.names)

    @rule(resource=consumes(held))
    def push(self, resource):
        self.pool.push(resource)
        if self.closed:
            self.expected.append(resource)
        else:
            self.idle.append((self.clock.now(), resource))
            self.evict()

    @rule()
    def pop(self):
        while self.idle and self.idle[-1][1] in self.dead:
            self.idle.pop()
        if self.closed:
            with pytest.raises(ResourcePoolClosed):
                self.pool.pop()
        elif self.idle:
            assert self.pool.pop() == self.idle.pop()[1]
        else:
            with pytest.raises(ResourcePoolEmpty) as caught:
                self.pool.pop()
            assert (caught.value.idle, caught.value.waiting) == (0, 0)

    @rule(data=st.data())
    @precondition(lambda self: self.idle)
    def die(self, data):
        self.dead.add(data.draw(st.sampled_from([resource for _, resource in self.idle])))

    @rule(seconds=st.integers(0, 7))
    def advance(self, seconds):
        for _ in range(seconds):
            self.clock.advance(1)
            self.evict()

    @rule(seconds=st.integers(0, 7))
    def advance_at_once(self, seconds):
        before = len(self.deallocated)
        start = self.clock.now()
        self.clock.advance(seconds)
        for now in range(start, start + seconds + 1):
            self.clock._time = now
            self.evict()
        assert self.deallocated[before:] == self.expected[before:]

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

    @invariant()
    def agrees(self):
        if hasattr(self, "pool"):
            assert len(self.pool) == len(self.idle)
            assert self.deallocated == self.expected


class TestPool(PoolMachine.TestCase):
    settings = settings(max_examples=300, stateful_step_count=40, deadline=None)
