"""C1, C4, M2: which numbers are taken, what can be read and not set, and what tools can look up."""

from __future__ import annotations

import inspect
import typing
from decimal import Decimal
from fractions import Fraction

import pytest

import ya.resourcepool
from tests.helpers import Call, in_time, raised, soon_raises
from ya.resourcepool import ManualClock, ResourcePool, ResourcePoolClosed, ResourcePoolEmpty

MISSING = "there is none"
SETTINGS = {"minsize": 1, "maxsize": 3, "maxage": 60, "closed": False}
PUBLIC = [
    ResourcePool,
    ResourcePool.__init__,
    ResourcePool.pop,
    ResourcePool.push,
    ResourcePool.__call__,
    ResourcePool.clear,
    ResourcePool.close,
    ResourcePool.__enter__,
    ResourcePool.__exit__,
    ResourcePool.__len__,
    ResourcePool.__bool__,
    ResourcePool.__repr__,
    type(ResourcePool()()).__enter__,
    type(ResourcePool()()).__exit__,
    type(ResourcePool()()).discard,
    ManualClock,
    ManualClock.__init__,
    ManualClock.now,
    ManualClock.advance,
    ManualClock.wait,
    ManualClock.call_at,
    ManualClock.await_blocked,
    ya.resourcepool.Clock.now,
    ya.resourcepool.Clock.wait,
    ya.resourcepool.Clock.call_at,
    ResourcePoolEmpty,
    ResourcePoolEmpty.__init__,
    ResourcePoolEmpty.__str__,
    ResourcePoolClosed,
]
NAMES = [getattr(function, "__qualname__", str(function)) for function in PUBLIC]


class Index:
    """What has `__index__`, as the ints of numpy have."""

    def __init__(self, number):
        self._number = number

    def __index__(self):
        return self._number


def numbers_of_numpy(*names):
    """Of these types; none of them where numpy is not installed."""
    try:
        import numpy
    except ImportError:
        return []
    return [getattr(numpy, name) for name in names]


INDICES = [Index, *numbers_of_numpy("int8", "int64", "uint16")]
FLOATS = [Decimal, Fraction, *numbers_of_numpy("float32", "float64")]


@pytest.mark.parametrize("function", PUBLIC, ids=NAMES)
def test_C1_the_type_hints_of_every_public_callable_can_be_looked_up(function):
    assert raised(typing.get_type_hints, function) is None


@pytest.mark.parametrize("function", PUBLIC, ids=NAMES)
def test_C1_the_signature_of_every_public_callable_can_be_evaluated(function):
    error = raised(inspect.signature, function, eval_str=True)

    # Of an exception's class there is none at all, which inspect says by a ValueError.
    assert error is None or (isinstance(error, ValueError) and isinstance(function, type))


def test_C1_the_hints_say_what_is_taken_and_returned():
    def hints(function):
        return raised(typing.get_type_hints, function) or typing.get_type_hints(function)

    assert getattr(hints(ResourcePool.pop), "get", dict)("return").__class__ is typing.TypeVar
    assert getattr(hints(ResourcePool.__len__), "get", dict)("return") is int
    of_the_constructor = hints(ResourcePool.__init__)
    assert isinstance(of_the_constructor, dict)
    assert set(SETTINGS) - {"closed"} <= set(of_the_constructor)
    assert not any(type(hint) is object or isinstance(hint, str) for hint in of_the_constructor.values())


@pytest.mark.parametrize(("name", "value"), SETTINGS.items())
def test_M2_a_setting_can_be_read(name, value):
    pool = ResourcePool(minsize=1, maxsize=3, maxage=60)

    assert getattr(pool, name, MISSING) == value


@pytest.mark.parametrize("name", ["minsize", "maxsize", "maxage"])
def test_M2_a_setting_that_was_not_given_is_None(name):
    assert getattr(ResourcePool(), name, MISSING) is None


def test_M2_closed_tells_whether_the_pool_is_closed():
    pool = ResourcePool()
    pool.close()

    assert getattr(pool, "closed", MISSING) is True


@pytest.mark.parametrize("name", SETTINGS)
def test_M2_a_setting_cannot_be_set_or_deleted(name):
    pool = ResourcePool(minsize=1, maxsize=3, maxage=60)

    assert type(raised(setattr, pool, name, 20)) is AttributeError
    assert type(raised(delattr, pool, name)) is AttributeError
    assert getattr(pool, name, MISSING) == SETTINGS[name]


@pytest.mark.parametrize("number", INDICES)
@pytest.mark.parametrize("name", ["minsize", "maxsize"])
def test_C4_a_size_is_whatever_has_an_index(name, number):
    assert raised(ResourcePool, **{name: number(8)}) is None
    assert raised(ResourcePool, minsize=number(1), maxsize=number(2)) is None
    for wrong in (
        lambda: ResourcePool(**{name: number(-1 % 256 - 256)}),
        lambda: ResourcePool(minsize=3, maxsize=number(2)),
    ):
        error = raised(wrong) if "uint" not in number.__name__ else ValueError("there is none below 0")
        assert isinstance(error, ValueError)


@pytest.mark.parametrize("number", INDICES)
def test_R1_a_size_that_has_an_index_evicts_as_an_int_does(number):
    deallocated = []
    error = raised(ResourcePool, minsize=number(1), maxsize=number(2))
    assert error is None
    pool = ResourcePool(init="cba", minsize=number(1), maxsize=number(2), dealloc=deallocated.append)
    pool.push("d")

    assert deallocated == ["a", "b"]
    assert (len(pool), pool.pop()) == (2, "d")
    assert "minsize=1, maxsize=2" in repr(pool)


@pytest.mark.parametrize("name", ["minsize", "maxsize"])
@pytest.mark.parametrize(
    "value", [True, False, *(kind(True) for kind in numbers_of_numpy("bool_")), 1.0, "1", Decimal(1)]
)
def test_C4_a_bool_or_what_has_no_index_is_no_size(name, value):
    error = raised(ResourcePool, **{name: value})

    assert isinstance(error, TypeError)
    assert name in str(error)


@pytest.mark.parametrize("number", [*FLOATS, *numbers_of_numpy("int64")])
def test_C4_a_maxage_is_any_real_number(number):
    assert raised(ResourcePool, maxage=number(8)) is None
    for wrong in (0, -1):
        assert isinstance(raised(ResourcePool, maxage=number(wrong)), ValueError)


@pytest.mark.parametrize(
    "value",
    [
        True,
        *(kind(True) for kind in numbers_of_numpy("bool_")),
        1j,
        *(kind(1) for kind in numbers_of_numpy("complex64")),
        "1",
    ],
)
def test_C4_a_bool_or_what_is_no_real_number_is_no_maxage_or_timeout(value):
    assert isinstance(raised(ResourcePool, maxage=value), TypeError)
    assert isinstance(soon_raises(ResourcePool().pop, timeout=value), TypeError)


@pytest.mark.parametrize(
    "value", [Decimal("NaN"), Decimal("sNaN"), *(kind("nan") for kind in numbers_of_numpy("float32"))]
)
def test_C4_NaN_is_no_maxage_or_timeout_of_whatever_type(value):
    assert isinstance(raised(ResourcePool, maxage=value), ValueError)
    assert isinstance(soon_raises(ResourcePool().pop, timeout=value), ValueError)


@pytest.mark.parametrize("number", FLOATS)
def test_R3_with_a_maxage_of_any_real_number_what_is_idle_expires_on_the_systems_clock(number):
    deallocated = []
    error = raised(ResourcePool, maxage=number("0.03"))
    assert error is None
    pool = ResourcePool(init="a", maxage=number("0.03"), dealloc=deallocated.append)

    assert in_time(lambda: deallocated, ["a"]) == ["a"]
    pool.push("b")
    assert pool.pop() == "b"


@pytest.mark.parametrize("start", [0, 0.5])
@pytest.mark.parametrize("number", FLOATS)
def test_R3_with_a_maxage_of_any_real_number_what_is_idle_expires_on_a_manual_clock(number, start):
    clock, deallocated = ManualClock(start), []
    error = raised(ResourcePool, maxage=number("60"), clock=clock)
    assert error is None
    pool = ResourcePool(init="a", maxage=number("60"), dealloc=deallocated.append, clock=clock)
    clock.advance(59)
    assert (len(pool), deallocated) == (1, [])
    clock.advance(1)

    assert (len(pool), deallocated) == (0, ["a"])


@pytest.mark.parametrize("infinity", [Decimal("Infinity"), *(kind("inf") for kind in numbers_of_numpy("float32"))])
def test_C4_an_infinite_maxage_is_none_of_whatever_type(infinity):
    assert raised(ResourcePool, maxage=infinity) is None
    pool = ResourcePool(init="a", maxage=infinity)

    assert pool.pop() == "a"


@pytest.mark.parametrize("number", [*FLOATS, *numbers_of_numpy("float16")])
def test_P3_a_timeout_is_any_real_number(number):
    error = soon_raises(ResourcePool().pop, timeout=number("0.02"))

    assert type(error) is ResourcePoolEmpty
    assert error.waited >= 0.02 * 0.999


@pytest.mark.parametrize("number", [*FLOATS, *numbers_of_numpy("int64")])
def test_P3_a_timeout_of_any_real_number_is_measured_by_a_manual_clock(number):
    clock = ManualClock()
    pool = ResourcePool(clock=clock)
    call = Call(pool.pop, timeout=number(3))
    assert in_time(lambda: pool.waiting or not call.thread.is_alive(), 1) == 1
    error = None if call.thread.is_alive() else call.error()
    assert error is None
    clock.await_blocked(1)
    clock.advance(2)
    assert pool.waiting == 1
    clock.advance(1)

    assert type(call.error()) is ResourcePoolEmpty


@pytest.mark.parametrize("number", [*FLOATS, *numbers_of_numpy("int64")])
@pytest.mark.parametrize("value", [0, -1])
def test_P3_a_timeout_of_any_real_number_up_to_0_waits_for_ever(number, value):
    clock = ManualClock()
    pool = ResourcePool(clock=clock)
    call = Call(pool.pop, timeout=number(value))
    assert in_time(lambda: pool.waiting or not call.thread.is_alive(), 1) == 1
    assert call.thread.is_alive()
    clock.await_blocked(1)
    clock.advance(10**9)
    pool.push("a")

    assert call.result() == "a"


@pytest.mark.parametrize("infinity", [Decimal("Infinity"), *(kind("inf") for kind in numbers_of_numpy("float32"))])
def test_P11_an_infinite_timeout_of_any_type_waits_for_ever(infinity):
    pool = ResourcePool()
    call = Call(pool.pop, timeout=infinity)
    assert in_time(lambda: pool.waiting or not call.thread.is_alive(), 1) == 1
    assert call.thread.is_alive()
    pool.push("a")

    assert call.result() == "a"


@pytest.mark.parametrize("timeout", [Decimal("1e4000"), Fraction(10**400), Fraction(1, 10**400), Decimal("1e-4000")])
def test_P11_a_finite_timeout_that_no_float_holds_is_honoured(timeout):
    pool = ResourcePool()
    call = Call(pool.pop, timeout=timeout)
    if timeout > 1:
        assert in_time(lambda: pool.waiting or not call.thread.is_alive(), 1) == 1
        assert call.thread.is_alive()
        pool.push("a")
        assert call.result() == "a"
    else:
        assert type(call.error()) is ResourcePoolEmpty
