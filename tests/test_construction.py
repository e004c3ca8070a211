"""C1 to C5: how a pool is made."""

from __future__ import annotations

import gc
import math
from collections import deque
from fractions import Fraction

import pytest

from tests.helpers import Resource
from tests.support import inside
from ya.resourcepool import ManualClock, ResourcePool


def pop_all(pool):
    return [pool.pop() for _ in range(len(pool))]


def test_C1_arguments_are_keyword_only():
    with pytest.raises(TypeError):
        ResourcePool(object)


def test_C1_the_pool_is_generic_in_the_type_of_its_resources():
    alias = ResourcePool[int]

    assert alias.__origin__ is ResourcePool
    assert alias.__args__ == (int,)
    assert alias(init=[1]).pop() == 1


def test_C1_a_subclass_can_fix_the_type():
    class Numbers(ResourcePool[int]):
        pass

    assert Numbers(init=[1]).pop() == 1


@pytest.mark.parametrize("make", [list, tuple, dict.fromkeys, iter, lambda items: (item for item in items)])
def test_C2_init_is_any_iterable_handed_out_in_its_order(make):
    assert pop_all(ResourcePool(init=make(["a", "b", "c"]))) == ["a", "b", "c"]


def test_C2_init_is_not_changed():
    init = ["a"]
    ResourcePool(init=init, alloc=object, minsize=3)

    assert init == ["a"]


def test_C2_init_is_consumed_once():
    class Once:
        count = 0

        def __iter__(self):
            Once.count += 1
            return iter("ab")

    ResourcePool(init=Once())

    assert Once.count == 1


def test_C2_the_last_of_init_counts_as_the_oldest():
    evicted = []
    pool = ResourcePool(init="abc", maxsize=2, dealloc=evicted.append)

    assert evicted == ["c"]
    assert pop_all(pool) == ["a", "b"]


def test_C3_minsize_allocates_behind_init():
    made = iter([1, 2, 3])
    pool = ResourcePool(init="ab", alloc=lambda: next(made), minsize=4)

    assert pop_all(pool) == ["a", "b", 1, 2]


def test_C3_nothing_is_allocated_if_init_is_enough_or_alloc_is_missing():
    def alloc():
        raise AssertionError

    assert len(ResourcePool(init="abc", alloc=alloc, minsize=3)) == 3
    assert len(ResourcePool(minsize=3)) == 0


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, StopIteration])
def test_C3_a_raising_alloc_deallocates_what_was_allocated_and_leaves_init_alone(error):
    made, deallocated = [], []

    def alloc():
        if len(made) == 2:
            raise error
        made.append(Resource(len(made)))
        return made[-1]

    with pytest.raises(error) as caught:
        ResourcePool(init=["mine"], alloc=alloc, dealloc=deallocated.append, minsize=4)

    assert deallocated == made  # before the traceback is dropped, which refers to the constructor
    del caught
    gc.collect()
    assert deallocated == made
    assert len(made) == 2


def test_C3_also_if_the_clock_raises():
    class Clock(ManualClock):
        def now(self):
            raise KeyboardInterrupt

    deallocated = []
    with pytest.raises(KeyboardInterrupt):
        ResourcePool(alloc=lambda: "made", dealloc=deallocated.append, minsize=2, clock=Clock())

    assert deallocated == ["made"] * 2


def test_C3_an_interrupt_after_the_last_alloc_deallocates_what_was_made():
    class Idle(deque):
        def extend(self, resources):
            raise KeyboardInterrupt

    made, deallocated = [], []
    pool_class = inside.subclass(ResourcePool, deque_class=Idle)
    with pytest.raises(KeyboardInterrupt):
        pool_class(alloc=lambda: made.append(len(made)) or len(made), dealloc=deallocated.append, minsize=3)
    gc.collect()

    assert sorted(deallocated) == [1, 2, 3]


def test_C3_a_dealloc_that_raises_there_hides_neither_the_error_nor_the_rest(caplog):
    made, deallocated = [], []

    def alloc():
        if len(made) == 3:
            raise ValueError("no more")
        made.append(len(made))
        return made[-1]

    def dealloc(resource):
        deallocated.append(resource)
        raise OSError("dealloc")

    with pytest.raises(ValueError, match="no more"):
        ResourcePool(alloc=alloc, dealloc=dealloc, minsize=4)

    assert deallocated == [0, 1, 2]
    assert caplog.text.count("OSError: dealloc") == 3


WRONG_TYPES = [
    ("alloc", 1),
    ("dealloc", "close"),
    ("check", []),
    ("minsize", 1.0),
    ("minsize", True),
    ("minsize", "1"),
    ("maxsize", 2.5),
    ("maxsize", False),
    ("maxage", "60"),
    ("maxage", True),
    ("maxage", 1j),
    ("clock", object()),
]


@pytest.mark.parametrize(("name", "value"), WRONG_TYPES)
def test_C4_a_wrong_type_is_a_TypeError_that_names_argument_value_and_what_is_allowed(name, value):
    with pytest.raises(TypeError) as caught:
        ResourcePool(**{name: value})

    message = str(caught.value)
    assert message.startswith(f"{name} must ")
    assert repr(value) in message


def test_C4_an_init_that_is_not_iterable_is_a_TypeError_that_names_it():
    with pytest.raises(TypeError, match=r"^init must be None or iterable, not 7$"):
        ResourcePool(init=7)


def test_C4_a_value_that_can_not_be_shown_does_not_hide_which_argument_is_wrong():
    """Python makes no digits of an int of more than 4300."""
    with pytest.raises(ValueError, match=r"^minsize must be None or an int >= 0, not <int>$"):
        ResourcePool(minsize=-(10**5000))
    assert "maxsize=<int>" in repr(ResourcePool(maxsize=10**5000))


def test_C3_a_minsize_beyond_all_sizes_allocates_until_alloc_raises():
    made = []
    with pytest.raises(IndexError):
        ResourcePool(alloc=lambda: made.append([1, 2, 3][len(made)]), minsize=2**70)

    assert made == [1, 2, 3]


WRONG_VALUES = [
    ("minsize", -1),
    ("maxsize", -7),
    ("maxage", 0),
    ("maxage", -0.5),
    ("maxage", -math.inf),
    ("maxage", math.nan),
]


@pytest.mark.parametrize(("name", "value"), WRONG_VALUES)
def test_C4_a_wrong_value_is_a_ValueError_that_names_argument_value_and_what_is_allowed(name, value):
    with pytest.raises(ValueError, match=f"^{name} must be None or .*, not ") as caught:
        ResourcePool(**{name: value})

    assert repr(value).lower() in str(caught.value).lower()


def test_C4_minsize_is_at_most_maxsize():
    with pytest.raises(ValueError, match=r"minsize must be at most maxsize.* 3, not 4"):
        ResourcePool(minsize=4, maxsize=3)


def test_C4_wrong_arguments_are_refused_before_anything_happens():
    calls = []

    def init():
        calls.append("init")
        yield 1

    with pytest.raises(ValueError, match="maxage"):
        ResourcePool(init=init(), alloc=lambda: calls.append("alloc"), minsize=1, maxage=-1)

    assert calls == []


@pytest.mark.parametrize(
    "arguments",
    [
        {"maxage": math.inf},
        {"maxage": Fraction(1, 3)},
        {"maxage": 10**400},
        {"minsize": 0, "maxsize": 0},
        {"minsize": 3, "maxsize": 3},
        {"minsize": 5},
        {"init": None},
        {"init": []},
    ],
)
def test_C4_what_is_allowed_makes_a_pool_that_works(arguments):
    pool = ResourcePool(**arguments)
    pool.push("a")

    assert len(pool) == (arguments.get("maxsize") != 0)


def test_C5_initial_resources_age_from_one_stamp():
    clock = ManualClock()
    pool = ResourcePool(init="ab", alloc=lambda: "c", minsize=0, maxage=5, clock=clock)

    clock.advance(4)
    assert len(pool) == 2
    clock.advance(1)
    assert len(pool) == 0


def test_C5_the_stamp_is_read_after_the_last_alloc():
    clock = ManualClock()
    expired = []

    def alloc():
        clock.advance(10)
        return f"made at {clock.now()}"

    def dealloc(resource):
        expired.append((clock.now(), resource))

    pool = ResourcePool(alloc=alloc, dealloc=dealloc, minsize=2, maxage=5, clock=clock)
    pool.push("one above the floor")
    clock.advance(4)
    assert expired == []
    clock.advance(1)

    assert expired == [(25, "made at 20")]


def test_C5_overflow_is_applied_once_at_the_end():
    evicted = []
    pool = ResourcePool(init="abcdef", minsize=1, maxsize=4, dealloc=evicted.append)

    assert evicted == ["f", "e", "d", "c", "b"]
    assert pop_all(pool) == ["a"]
