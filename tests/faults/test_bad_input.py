"""C2, C4, P3, P6, T2: whatever is passed in, it is right, or an error names it; and there is no half-made pool."""

from __future__ import annotations

import gc
import math
import sys
from collections import deque
from contextlib import contextmanager
from decimal import Decimal
from fractions import Fraction
from numbers import Real

import pytest
from hypothesis import strategies as st

from tests.faults.drawn import drawn
from tests.helpers import Call
from tests.support import inside
from ya.resourcepool import ManualClock, ResourcePool, ResourcePoolEmpty


def refuse(*args):
    raise OSError


class Hostile:
    """Nothing can be done with it, but for Hypothesis and pytest to show it."""

    __eq__ = __ne__ = __lt__ = __le__ = __gt__ = __ge__ = __bool__ = __len__ = refuse
    __str__ = __format__ = __int__ = __float__ = __index__ = refuse

    __hash__ = None

    def __repr__(self):
        return refuse() if "resourcepool" in sys._getframe(1).f_code.co_filename else "Hostile()"


class Huge(int):
    """So large that Python makes no digits of it; Hypothesis has to show it nevertheless."""

    def __repr__(self):
        return super().__repr__() if "resourcepool" in sys._getframe(1).f_code.co_filename else "Huge()"


class Unready:
    """A clock that lacks what clocks have to have."""

    now = call_at = print
    wait = None


LARGE = [2**31, 2**63 - 1, 2**63, 2**64, 10**400, Huge(10**5000), Huge(-(10**5000))]
numbers = (
    st.sampled_from([*LARGE, *(-number for number in LARGE)])
    | st.sampled_from([-0.0, 5e-324, 1e-300, 1e300, math.inf, -math.inf, math.nan])
    | st.integers(-3, 9)
    | st.floats()
    | st.fractions()
    | st.sampled_from([Fraction(10**400), Fraction(-1, 10**400)])
)
no_callables = (
    st.sampled_from([True, False, "", "1", b"1", 1j, [], {}, object(), Hostile(), Unready(), ...])
    | st.decimals()
    | st.just(Decimal("sNaN"))
    | st.text(max_size=3)
    | st.lists(st.integers(), max_size=2)
)
no_numbers = no_callables | st.sampled_from([print, Unready])
anything = st.none() | numbers | no_numbers


def is_number(value):
    return isinstance(value, (Real, Decimal)) and not isinstance(value, bool)


def wrong_number(value, allowed=lambda value: True):
    """The type of the error for what has to be a number; None if it is right."""
    if not is_number(value):
        return TypeError
    is_nan = value.is_nan() if isinstance(value, Decimal) else value != value
    return None if not is_nan and allowed(value) else ValueError


def is_sum_finite(one, other):
    """Whether a float can hold it, and it is finite."""
    return is_finite(sum(float(n) if isinstance(n, Decimal) else n for n in (one, other)))


def wrong_size(value):
    if not isinstance(value, int) or isinstance(value, bool):
        return TypeError
    return ValueError if value < 0 else None


def wrong(name, value):
    """The type of the error for an argument of the constructor; None if it is right."""
    if value is None:
        return None
    if name in ("alloc", "dealloc", "check"):
        return None if callable(value) else TypeError
    if name in ("minsize", "maxsize"):
        return wrong_size(value)
    if name == "maxage":
        return wrong_number(value, lambda age: age > 0)
    if name == "init":
        return None if hasattr(value, "__iter__") else TypeError
    methods = ("now", "wait", "call_at")
    return None if all(callable(getattr(value, method, None)) for method in methods) else TypeError


@contextmanager
def refused(name, kind):
    with pytest.raises((TypeError, ValueError)) as caught:
        yield
    assert caught.type is kind
    assert str(caught.value).startswith(f"{name} must be "), caught.value


class Recorded:
    """Callbacks that note their calls; `alloc` makes some, and then it raises."""

    def __init__(self, stock):
        self.calls, self.made, self.deallocated, self.stock = [], [], [], stock

    def alloc(self):
        self.calls.append("alloc")
        if len(self.made) == self.stock:
            raise LookupError
        self.made.append(Hostile())
        return self.made[-1]

    def check(self, resource):
        return True

    def dealloc(self, resource):
        self.calls.append("dealloc")
        self.deallocated.append(resource)

    def init(self, idle):
        for resource in idle:
            self.calls.append("init")
            yield resource


class Clock(ManualClock):
    """One that pushes before a pop would wait."""

    pool = None
    resource = object()

    def wait(self, lock, start, timeout):
        self.pool.push(self.resource)
        return bool(lock.acquire(False))


@contextmanager
def nothing_left_behind():
    """No pool that was not there, and nothing raised in a finalizer."""
    gc.collect(0)
    before, raised, hook = set(inside.get(inside.POOLS)), [], sys.unraisablehook
    sys.unraisablehook = lambda unraisable: raised.append(repr(unraisable.exc_type))
    try:
        yield
        if set(inside.get(inside.POOLS)) != before:
            gc.collect()
        assert set(inside.get(inside.POOLS)) == before
        assert raised == []
    finally:
        sys.unraisablehook = hook


def identical(some, others):
    return sorted(map(id, some)) == sorted(map(id, others))


rarely = st.integers(0, 5).map(lambda n: n == 0)


@st.composite
def arguments(draw):
    """Arguments of the constructor, and what notes their calls."""
    recorded = Recorded(draw(st.integers(0, 4)))
    chosen: dict[str, object] = {}
    for name in ("alloc", "dealloc", "check"):
        if draw(st.booleans()):
            chosen[name] = draw(no_callables) if draw(rarely) else getattr(recorded, name)
    if draw(st.booleans()):
        chosen["init"] = draw(anything) if draw(rarely) else recorded.init(draw(st.lists(anything, max_size=3)))
    for name in ("minsize", "maxsize", "maxage"):
        if draw(st.booleans()):
            chosen[name] = draw(anything) if draw(st.booleans()) else draw(st.integers(1, 5))
    if draw(st.booleans()):
        chosen["clock"] = draw(no_callables) if draw(rarely) else ManualClock()
    return chosen, recorded


@drawn(300, arguments())
def test_C4_any_arguments_of_the_constructor_make_a_pool_that_works_or_an_error_names_one(case):
    given_arguments, recorded = case
    errors = {name: kind for name, value in given_arguments.items() if (kind := wrong(name, value)) is not None}
    minsize, maxsize = given_arguments.get("minsize"), given_arguments.get("maxsize")
    if not {"minsize", "maxsize"} & {*errors} and None not in (minsize, maxsize) and minsize > maxsize:
        errors["minsize"] = ValueError
    with nothing_left_behind():
        if errors:
            with pytest.raises((TypeError, ValueError)) as caught:
                ResourcePool(**given_arguments)
            name = str(caught.value).partition(" must be ")[0]
            assert caught.type is errors[name]
            assert [call for call in recorded.calls if call != "init" or name != "init"] == []
            return
        try:
            pool = ResourcePool(**given_arguments)
        except LookupError:
            assert minsize > recorded.stock or minsize > len(recorded.made)
            assert identical(recorded.deallocated, recorded.made) or given_arguments.get("dealloc") is None
            return
        assert repr(pool).startswith("<ResourcePool: ")
        resource = object()
        pool.push(resource)
        maxage = given_arguments.get("maxage")
        if maxsize != 0 and (maxage is None or maxage >= 1 or "clock" in given_arguments):  # else it may have expired
            assert pool.pop() is resource
        pool.close()
        del pool


@drawn(200, anything, st.booleans(), st.booleans())
def test_P3_any_timeout_is_waited_for_or_an_error_names_it_if_pop_has_to_wait(timeout, allocates, leased):
    clock = Clock()
    pool = clock.pool = ResourcePool(clock=clock, alloc=object if allocates else None)

    def pop():
        if not leased:
            return pool.pop(timeout)
        lease = pool(timeout)
        resource = lease.__enter__()
        lease.discard()
        lease.__exit__(None, None, None)
        return resource

    pool.push(clock.resource)
    assert pop() is clock.resource
    kind = wrong_number(timeout)
    if allocates:
        pop()
    elif timeout is None:
        with pytest.raises(ResourcePoolEmpty):
            pop()
    elif kind is None:
        assert pop() is clock.resource
    else:
        with refused("timeout", kind):
            pop()
    assert (len(pool), pool.waiting) == (0, 0)
    Call(pool.push, timeout).result()
    assert pool.pop() is timeout


class Latch:
    """A lock that can't be acquired at first."""

    def __init__(self):
        self.waits = []

    def acquire(self, blocking=True, timeout=-1):
        self.waits.append(timeout)
        assert isinstance(timeout, float) or timeout == -1
        assert timeout == -1 or 0 <= timeout <= 2**62
        return len(self.waits) > 2


@drawn(100, numbers, st.floats(-1, 1e9))
def test_P11_the_systems_clock_honours_any_timeout(timeout, start):
    if not timeout > 0:
        return
    clock, latch = inside.get(inside.SYSTEM_CLOCK)(), Latch()
    now = iter([start] * 3 + [math.inf] * 3)
    clock.now = lambda: next(now)
    assert clock.wait(latch, start, timeout) in (True, False)
    assert latch.waits


@drawn(100, st.lists(anything, max_size=5), st.integers(0, 3), st.none() | st.just(10))
def test_P6_any_object_can_be_pushed(resources, maxsize, maxage):
    deallocated = []
    with nothing_left_behind():
        pool = ResourcePool(maxsize=maxsize, maxage=maxage, dealloc=deallocated.append, clock=ManualClock())
        expected = deque()
        for resource in resources:
            pool.push(resource)
            expected.append(resource)
            while len(expected) > maxsize:
                expected.popleft()
        assert len(pool) == len(expected)
        while expected:
            assert pool.pop() is expected.pop()
        pool.close()
        del pool


def is_finite(value):
    """Whether a float can hold it, and it is finite."""
    try:
        return math.isfinite(value)
    except OverflowError:
        return False


@drawn(200, anything, st.lists(anything, max_size=3))
def test_T2_any_start_and_any_advance_of_a_manual_clock_moves_it_or_an_error_names_it(start, advances):
    kind = wrong_number(start, is_finite)
    if kind is not None:
        with refused("start", kind):
            ManualClock(start)
        return
    clock = ManualClock(start)
    pool = ResourcePool(maxage=10, clock=clock)
    for seconds in advances:
        before = clock.now()
        pool.push(seconds)
        kind = wrong_number(seconds, lambda n, time=before: n >= 0 and is_finite(n) and is_sum_finite(time, n))
        if kind is None:
            clock.advance(seconds)
            assert clock.now() >= before
        else:
            with refused("seconds", kind):
                clock.advance(seconds)
            assert clock.now() == before
            assert pool.pop() is seconds
        pool.clear()


@drawn(100, anything, anything)
def test_T2_any_number_of_threads_and_any_time_to_wait_for_them_or_an_error_names_it(n, timeout):
    kind = wrong_number(n)
    of_timeout = wrong_number(timeout)
    clock = ManualClock()
    if kind is not None:
        with refused("n", kind):
            clock.await_blocked(n, timeout)
    elif of_timeout is not None:
        with refused("timeout", of_timeout):
            clock.await_blocked(n, timeout)
    elif n <= 0:
        assert clock.await_blocked(n, timeout)
    elif timeout <= 0:
        with pytest.raises(TimeoutError):
            clock.await_blocked(n, timeout)
