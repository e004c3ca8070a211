"""T1 and T3: what a clock is, and the default one."""

from __future__ import annotations

import math
import random
import threading
import time
from fractions import Fraction

import pytest
from freezegun import freeze_time

from tests.helpers import Call
from tests.support import inside
from ya.resourcepool import ManualClock, ResourcePool, ResourcePoolEmpty


def test_T1_a_clock_is_anything_with_now_wait_and_call_at():
    log = []

    class Clock:
        def now(self):
            return 7

        def wait(self, lock, start, timeout):
            log.append(("wait", start, timeout, lock.acquire(False)))
            return False

        def call_at(self, start, length, function):
            log.append(("call_at", start, length))
            self.function = function

    clock = Clock()
    pool = ResourcePool(maxage=5, clock=clock)
    with pytest.raises(ResourcePoolEmpty):
        pool.pop(timeout=3)
    pool.push("a")
    pool.push("b")
    clock.now = lambda: 12
    clock.function()

    assert log == [("wait", 7, 3, False), ("call_at", 7, 5)]
    assert len(pool) == 0


def test_T1_a_clock_is_asked_to_wait_for_ever_by_None():
    class Clock(ManualClock):
        def wait(self, lock, start, timeout):
            timeouts.append(timeout)
            pool.push("a")
            return super().wait(lock, start, timeout)

    timeouts = []
    pool = ResourcePool(clock=Clock())
    assert [pool.pop(timeout) for timeout in (0, -1, 2, math.inf)] == ["a"] * 4
    assert timeouts == [None, None, 2, math.inf]


def test_T1_call_at_may_return_what_cancels_it():
    cancelled = []

    class Clock(ManualClock):
        def call_at(self, start, length, function):
            return lambda: cancelled.append(start)

    pool = ResourcePool(init="a", maxage=5, clock=Clock())
    pool.close()
    assert cancelled == [0]
    pool.close()
    assert cancelled == [0]


def test_T1_a_clock_holds_no_pool_strongly():
    import gc
    import weakref

    clock = ManualClock()
    pool = ResourcePool(init="a", maxage=5, clock=clock)
    reference = weakref.ref(pool)
    del pool
    gc.collect()

    assert reference() is None
    clock.advance(5)


def test_T1_the_default_reads_time_monotonic_whenever_it_is_needed(monkeypatch):
    pool = ResourcePool(maxage=60)
    pool.push("a")
    real = time.monotonic
    monkeypatch.setattr(time, "monotonic", lambda: real() + 61)

    assert len(pool) == 0
    with pytest.raises(ResourcePoolEmpty):
        pool.pop()


def test_T1_frozen_time_ages_resources():
    with freeze_time("2026-01-01") as frozen:
        pool = ResourcePool(maxage=60)
        pool.push("a")
        frozen.tick(59)
        assert pool.pop() == "a"
        pool.push("a")
        frozen.tick(60)
        assert len(pool) == 0
        with pytest.raises(ResourcePoolEmpty):
            pool.pop()


def test_T1_the_wall_clock_is_never_read(monkeypatch):
    def fail():
        raise AssertionError

    monkeypatch.setattr(time, "time", fail)
    pool = ResourcePool(maxage=60)
    pool.push("a")
    pool.pop()
    with pytest.raises(ResourcePoolEmpty):
        pool.pop(timeout=0.01)


def test_T1_the_default_clock_waits_for_its_timeout():
    pool = ResourcePool()
    start = time.monotonic()
    with pytest.raises(ResourcePoolEmpty) as caught:
        pool.pop(timeout=0.05)
    took = time.monotonic() - start

    assert 0.05 <= caught.value.waited <= took


def test_T1_a_call_of_the_default_clock_can_be_cancelled_twice():
    make = inside.get(inside.ALARM)

    alarm = make(0, 1, print)
    alarm()
    alarm()

    assert not alarm.lock.locked()


def test_T1_the_default_clock_takes_a_lock_that_is_free_at_the_deadline():

    lock = threading.Lock()
    assert inside.get(inside.SYSTEM_CLOCK)().wait(lock, time.monotonic() - 2, 1) is True
    assert lock.locked()
    assert inside.get(inside.SYSTEM_CLOCK)().wait(lock, time.monotonic() - 2, 1) is False


def test_T1_the_default_clock_waits_for_what_is_left_and_says_that_it_has_the_lock(monkeypatch):

    class Lock:
        def acquire(self, blocking, timeout):
            asked.append((blocking, timeout))
            return True

    asked = []
    monkeypatch.setattr(time, "monotonic", lambda: 5)
    assert inside.get(inside.SYSTEM_CLOCK)().wait(Lock(), 3, 10) is True
    assert asked == [(True, 8)]


def test_L3_a_thread_of_the_default_clock_leaves_nothing_behind_under_its_number():
    """Another thread may get that number, and its calls would be left to the one that has ended."""
    make = inside.get(inside.ALARM)

    clock = inside.get(inside.SYSTEM_CLOCK)()
    during = []
    inside.ring(clock, make(time.monotonic() - 2, 1, lambda: during.extend(inside.ringing(clock))))

    assert during == [threading.get_ident()]
    assert inside.ringing(clock) == {}


def test_T3_a_clock_may_count_integer_nanoseconds():
    clock = ManualClock(10**18)
    deallocated = []
    pool = ResourcePool(
        init="ab", minsize=1, maxage=5 * 10**9, clock=clock, dealloc=lambda r: deallocated.append(clock.now())
    )
    clock.advance(5 * 10**9 - 1)
    assert len(pool) == 2
    clock.advance(1)
    assert len(pool) == 1
    pool.pop()
    call = Call(pool.pop, timeout=3)
    clock.await_blocked(1)
    clock.advance(10)

    assert call.error().waited == 3
    assert deallocated == [10**18 + 5 * 10**9]
    assert all(type(when) is int for when in deallocated)


def test_T3_a_clock_may_count_fractions():
    clock = ManualClock(Fraction(1, 3))
    pool = ResourcePool(init="a", maxage=Fraction(1, 7), clock=clock)
    clock.advance(Fraction(1, 7) - Fraction(1, 10**30))
    assert len(pool) == 1
    clock.advance(Fraction(1, 10**30))
    assert len(pool) == 0


def test_T3_with_floats_the_clock_steps_to_the_first_reading_at_which_length_has_passed():
    generator = random.Random(3)
    for _ in range(3000):
        start = generator.choice((1, 1, -1)) * generator.random() * generator.choice((1e-6, 1, 1e6, 1e12))
        length = generator.random() * generator.choice((1e-6, 1, 1e6, 1e18))
        if generator.random() < 0.1:
            start = -length  # the reading has more digits than the difference
        clock = ManualClock(start)
        called = []
        clock.call_at(start, length, lambda: called.append(clock.now()))  # noqa: B023
        clock.advance(length)

        assert len(called) == 1, (start, length)
        assert called[0] - start >= length, (start, length)
        assert math.nextafter(called[0], -math.inf) - start < length, (start, length)


@pytest.mark.parametrize("maxage", [0.1, 0.2, 0.3, 1 / 3, 5])
@pytest.mark.parametrize("start", [0.1, 0.7, 1e9 + 0.3])
def test_T3_with_floats_an_advance_by_maxage_expires(start, maxage):
    clock = ManualClock(start)
    pool = ResourcePool(init="a", maxage=maxage, clock=clock)
    clock.advance(maxage)

    assert len(pool) == 0


def test_T3_a_clock_is_only_subtracted_and_compared():
    class Time:
        """A moment that supports nothing else; the difference of two is a number."""

        def __init__(self, value):
            self.value = value

        def __sub__(self, other):
            return self.value - (other.value if isinstance(other, Time) else other)

        def __rsub__(self, other):
            return other - self.value

    class Clock:
        time = 0

        def now(self):
            return Time(self.time)

        def wait(self, lock, start, timeout):
            return False

        def call_at(self, start, length, function):
            return None

    clock = Clock()
    pool = ResourcePool(init="abc", maxage=5, minsize=1, clock=clock)
    assert pool.pop() == "a"
    clock.time = 5
    assert len(pool) == 1
    assert pool.pop() == "b"
    with pytest.raises(ResourcePoolEmpty) as caught:
        pool.pop(timeout=2)
    assert caught.value.waited == 0
