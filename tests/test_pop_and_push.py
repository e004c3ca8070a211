"""P1 to P6, P10 and P12: taking resources and giving them back, and what a pool says of itself."""

from __future__ import annotations

import math
import pickle
import threading
import time

import pytest

from tests.helpers import PATIENCE, Call, hooked_pool, waiting_pops
from tests.support import inside
from ya.resourcepool import ManualClock, ResourcePool, ResourcePoolClosed, ResourcePoolEmpty


class Hostile:
    """A resource that can't stand to be looked at."""

    def __eq__(self, other):
        raise AssertionError("compared")

    def __hash__(self):
        raise AssertionError("hashed")

    def __bool__(self):
        raise AssertionError("tested for truth")


def test_P1_pop_gives_the_most_recently_pushed():
    pool = ResourcePool()
    for resource in "abc":
        pool.push(resource)

    assert [pool.pop(), pool.pop()] == ["c", "b"]
    pool.push("d")
    assert [pool.pop(), pool.pop()] == ["d", "a"]


def test_P1_pop_gives_the_ownership():
    deallocated = []
    pool = ResourcePool(init=["a"], dealloc=deallocated.append)
    pool.pop()
    pool.close()

    assert deallocated == []


def test_P2_nothing_idle_allocates_in_the_callers_thread_without_a_check():
    threads, checked = [], []

    def alloc():
        threads.append(threading.get_ident())
        return "made"

    pool = ResourcePool(alloc=alloc, check=checked.append)

    assert pool.pop() == "made"
    assert threads == [threading.get_ident()]
    assert checked == []


def test_P2_what_is_idle_is_preferred_to_alloc():
    pool = ResourcePool(init=["idle"], alloc=lambda: "made")

    assert [pool.pop(), pool.pop()] == ["idle", "made"]


@pytest.mark.parametrize("error", [ValueError, IndexError, KeyboardInterrupt])
def test_P2_a_raising_alloc_propagates_and_leaves_the_pool_as_it_was(error):
    def alloc():
        raise error("alloc")

    pool = ResourcePool(alloc=alloc)
    with pytest.raises(error, match="alloc"):
        pool.pop(timeout=5)

    assert (len(pool), pool.waiting) == (0, 0)
    pool.push("a")
    assert pool.pop() == "a"


def test_P3_nothing_idle_raises_at_once_without_a_timeout():
    with pytest.raises(ResourcePoolEmpty):
        ResourcePool().pop()


def test_P3_a_timeout_waits_that_long_and_then_raises():
    clock = ManualClock()
    pool = ResourcePool(clock=clock)
    call = Call(pool.pop, timeout=5)
    clock.await_blocked(1)

    clock.advance(4.5)
    assert pool.waiting == 1
    clock.advance(0.5)

    assert isinstance(call.error(), ResourcePoolEmpty)
    assert pool.waiting == 0


@pytest.mark.parametrize("timeout", [0, -1, -math.inf])
def test_P3_a_timeout_of_zero_or_less_waits_for_ever(timeout):
    clock = ManualClock()
    pool = ResourcePool(clock=clock)
    call = Call(pool.pop, timeout=timeout)
    clock.await_blocked(1)

    clock.advance(1e9)
    assert pool.waiting == 1
    pool.push("a")

    assert call.result() == "a"


def test_P3_one_deadline_however_many_dead_resources_are_met():
    clock = ManualClock(start=100)
    checked = threading.Semaphore(0)

    def check(resource):
        checked.release()
        return False

    pool = ResourcePool(check=check, clock=clock)
    call = Call(pool.pop, timeout=10)
    for i in range(3):
        clock.await_blocked(1)
        clock.advance(3)
        pool.push(f"dead {i}")
        assert checked.acquire(timeout=PATIENCE)
    clock.await_blocked(1)
    clock.advance(1)

    error = call.error()
    assert isinstance(error, ResourcePoolEmpty)
    assert error.waited == 10


@pytest.mark.parametrize(
    ("timeout", "error"), [(math.nan, ValueError), ("1", TypeError), (1j, TypeError), (True, TypeError)]
)
def test_P3_a_timeout_that_is_no_number_is_refused_when_pop_must_wait(timeout, error):
    pool = ResourcePool()
    with pytest.raises(error, match=r"^timeout must be None or a number, not"):
        pool.pop(timeout=timeout)

    assert pool.waiting == 0


def test_P3_the_timeout_is_looked_at_only_when_pop_must_wait():
    assert ResourcePool(init=["a"]).pop(timeout="nonsense") == "a"
    assert ResourcePool(alloc=lambda: "made").pop(timeout=math.nan) == "made"


@pytest.mark.parametrize("timeout", [math.nan, "1"])
def test_P3_nor_is_it_where_pop_has_to_look_under_the_lock_for_what_is_idle(timeout):
    pool = ResourcePool(init=["old"], maxage=5, clock=(clock := ManualClock()))
    pool.push("a")
    inside.events(clock).clear()  # its call does not come
    clock.advance(4)
    pool.push("b")
    clock.advance(1)  # the oldest may be due, as far as is known without the lock

    assert pool.pop(timeout) == "b"


def test_P3_a_closed_pool_does_not_look_at_the_timeout():
    pool = ResourcePool()
    pool.close()
    with pytest.raises(ResourcePoolClosed):
        pool.pop(timeout="none")


def test_P3_what_is_idle_just_before_pop_queues_needs_no_waiting():
    class Clock(ManualClock):
        def wait(self, lock, start, timeout):
            raise AssertionError

    hooks = {}
    pool = hooked_pool(hooks, clock=Clock())
    hooks["latch"] = lambda: pool.push("pushed")

    assert pool.pop(timeout=5) == "pushed"


def test_P3_what_is_idle_at_the_end_of_the_fast_path_is_not_missed():
    """A push lands after pop has found nothing: pop neither raises nor allocates."""
    hooks = {}
    pool = hooked_pool(hooks, alloc=lambda: "made")
    hooks["lock"] = lambda: pool.push("pushed")

    assert pool.pop() == "pushed"


def test_P3_an_eviction_on_its_way_hides_nothing_from_a_pop():
    """The holder of the lock takes the oldest, which is a younger one by then, and puts it back.

    Who pops in between finds nothing on the fast path, but does not take that for an answer.
    """
    of_other_tests = set(inside.get(inside.DEPARTING))
    clock = ManualClock()
    hooks = {}
    pool = hooked_pool(hooks, init=["old"], maxage=5, clock=clock, alloc=lambda: "made")
    others = []

    def swap():  # what pops and a push do that began before
        inside.idle(pool).clear()
        inside.idle(pool).append((6, "young"))

    def pop_from_another_thread():
        arrived = threading.Event()
        hooks["lock"] = arrived.set
        others.append(Call(pool.pop))
        assert arrived.wait(PATIENCE)

    inside.be_late(clock, 6)  # the clock is late to call
    hooks["popleft"] = swap
    hooks["extendleft"] = pop_from_another_thread
    pool.push("pushed")

    assert others[0].result() == "young"
    assert set(inside.get(inside.DEPARTING)) <= of_other_tests


def test_P4_the_error_says_why():
    clock = ManualClock()
    pool = ResourcePool(clock=clock)
    calls = [*waiting_pops(pool, clock, 1), Call(pool.pop, timeout=2.5)]
    clock.await_blocked(2)
    clock.advance(2.5)

    error = calls[1].error()
    assert (error.waited, error.idle, error.waiting) == (2.5, 0, 1)
    assert str(error) == "no resource became idle within 2.5 s (0 idle, 1 waiting)"
    pool.push("a")
    assert calls[0].result() == "a"


def test_P4_the_error_of_a_pop_that_did_not_wait():
    with pytest.raises(ResourcePoolEmpty) as caught:
        ResourcePool().pop()

    assert (caught.value.waited, caught.value.idle, caught.value.waiting) == (0, 0, 0)
    assert str(caught.value) == str(ResourcePoolEmpty()) == "no resource is idle (0 idle, 0 waiting)"
    assert caught.value.__context__ is None


def test_P4_the_error_has_all_its_arguments_and_survives_a_pickle():
    error = pickle.loads(pickle.dumps(ResourcePoolEmpty(waited=2, waiting=1)))

    assert error.args == (error.waited, error.idle, error.waiting) == (2, 0, 1)


def test_P5_check_runs_on_what_was_idle_and_on_what_is_handed_over():
    clock = ManualClock()
    checked = []

    def check(resource):
        checked.append((resource, threading.get_ident()))
        return True

    pool = ResourcePool(init=["idle"], check=check, clock=clock)
    assert pool.pop() == "idle"
    call = Call(pool.pop, timeout=0)
    clock.await_blocked(1)
    pool.push("handed over")

    assert call.result() == "handed over"
    assert checked == [("idle", threading.get_ident()), ("handed over", call.thread.ident)]


@pytest.mark.parametrize("falsy", [False, None, 0, ""])
def test_P5_a_dead_resource_is_dropped_without_dealloc_and_pop_goes_on(falsy):
    deallocated = []
    pool = ResourcePool(
        init=["dead", "too", "alive"], check=lambda r: "yes" if r == "alive" else falsy, dealloc=deallocated.append
    )

    assert pool.pop() == "alive"
    assert len(pool) == 0
    pool.close()
    assert deallocated == []


@pytest.mark.parametrize("alloc", [None, lambda: "made"])
def test_P5_a_dead_resource_does_not_live_on_while_pop_waits_or_allocates(alloc):
    """Its finalizer pushes what pop waits for."""

    class Dead:
        def __del__(self):
            pool.push("successor")

    pool = ResourcePool(check=lambda resource: resource == "successor", alloc=alloc)
    pool.push(Dead())

    assert pool.pop(timeout=PATIENCE) == "successor"


def test_P5_a_dead_resource_that_was_handed_over_does_not_live_on_while_pop_waits():
    class Dead:
        def __del__(self):
            pool.push("successor")

    clock = ManualClock()
    pool = ResourcePool(check=lambda resource: resource == "successor", clock=clock)
    (waiter,) = waiting_pops(pool, clock, 1)
    pool.push(Dead())

    assert waiter.result() == "successor"


def test_P5_all_dead_is_as_nothing_idle():
    assert ResourcePool(init="abc", check=lambda _: False, alloc=lambda: "made").pop() == "made"
    with pytest.raises(ResourcePoolEmpty):
        ResourcePool(init="abc", check=lambda _: False).pop()


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
@pytest.mark.parametrize("maxage", [None, 60])
def test_P5_a_raising_check_deallocates_the_resource_and_propagates(error, maxage):
    deallocated = []

    def check(resource):
        raise error("check")

    pool = ResourcePool(init="ab", check=check, dealloc=deallocated.append, maxage=maxage)
    with pytest.raises(error, match="check"):
        pool.pop()

    assert deallocated == ["a"]
    assert len(pool) == 1


def test_P5_an_answer_that_has_no_truth_value_is_a_raising_check():
    deallocated = []
    pool = ResourcePool(init=["a"], check=lambda _: Hostile(), dealloc=deallocated.append)
    with pytest.raises(AssertionError, match="tested for truth"):
        pool.pop()

    assert deallocated == ["a"]


@pytest.mark.parametrize("arguments", [{}, {"maxage": 60}, {"maxsize": 1}, {"check": lambda _: True}])
@pytest.mark.parametrize("resource", [None, 0, "", [], Hostile()], ids=lambda r: type(r).__name__)
def test_P6_any_object_is_a_resource(resource, arguments):
    pool = ResourcePool(**arguments)
    pool.push(Hostile())
    pool.push(resource)
    assert len(pool) >= 1

    assert pool.pop() is resource


def test_P6_a_resource_is_not_looked_at_on_its_way_through_the_pool():
    clock = ManualClock()
    deallocated = []
    pool = ResourcePool(
        init=[Hostile(), Hostile()], maxsize=2, maxage=5, clock=clock, dealloc=lambda r: deallocated.append(id(r))
    )
    for _ in range(3):
        pool.push(Hostile())
    with pool() as resource:
        assert type(resource) is Hostile
    clock.advance(5)
    call = Call(pool.pop, timeout=0)
    clock.await_blocked(1)
    pool.push(Hostile())

    assert type(call.result()) is Hostile
    assert len(deallocated) == 5


def test_P6_the_same_object_can_be_pushed_twice():
    pool = ResourcePool()
    pool.push("a")
    pool.push("a")

    assert len(pool) == 2


@pytest.mark.parametrize(
    "arguments",
    [
        {"init": "a"},
        {"init": "ab", "maxsize": 2},
        {"init": "a", "maxage": 60},
        {"init": "a", "maxage": 60, "minsize": 1},
    ],
)
def test_pop_and_push_take_no_lock_while_nobody_waits_and_nothing_is_due(arguments):
    hooks = {}
    locked = []
    pool = hooked_pool(hooks, clock=ManualClock(), **arguments)
    hooks["lock"] = lambda: locked.append(True)
    pool.push(pool.pop())

    assert not locked


def test_P9_pools_are_not_copied():
    import copy

    pool = ResourcePool(init=["a"])
    for duplicate in (copy.copy, copy.deepcopy, pickle.dumps):
        with pytest.raises(
            TypeError, match=r"^a ResourcePool can't be copied or pickled: each resource has one owner \(P9\)$"
        ):
            duplicate(pool)


def test_P10_len_counts_what_is_idle():
    pool = ResourcePool(init="abc")
    assert len(pool) == 3
    pool.pop()
    assert len(pool) == 2


def test_P10_len_leaves_out_what_is_due_but_counts_what_the_floor_keeps(monkeypatch):
    deallocated = []
    for minsize, expected in ((None, 1), (2, 2), (3, 3)):
        now = 100.0
        monkeypatch.setattr(time, "monotonic", lambda: now)  # noqa: B023
        pool = ResourcePool(init="abc", maxage=10, minsize=minsize, dealloc=deallocated.append)
        now = 105.0
        pool.push("new")
        del inside.idle(pool)[2]
        now = 110.0

        assert len(pool) == expected
        assert deallocated == []
        inside.idle(pool).clear()


def test_P10_len_does_not_count_what_became_due_as_a_push_outgrew_the_floor():
    clock = ManualClock()
    hooks = {}
    pool = hooked_pool(hooks, init=["old"], minsize=1, maxage=5, clock=clock)
    clock.advance(7)
    lengths = []
    hooks["after append"] = lambda: lengths.append(len(pool))
    pool.push("new")

    assert lengths == [1]
    assert len(pool) == 1


def test_P10_a_pool_is_always_true():
    assert ResourcePool()


def test_P12_waiting_counts_who_waits():
    clock = ManualClock()
    pool = ResourcePool(clock=clock)
    assert pool.waiting == 0
    calls = waiting_pops(pool, clock, 3)
    assert pool.waiting == 3
    pool.close()

    assert pool.waiting == 0
    assert all(isinstance(call.error(), ResourcePoolClosed) for call in calls)


def test_P12_repr_shows_idle_waiting_and_the_settings():
    pool = ResourcePool(init="ab", minsize=1, maxsize=8, maxage=60)
    assert repr(pool) == "<ResourcePool: 2 idle, 0 waiting, minsize=1, maxsize=8, maxage=60>"
    pool.close()
    assert repr(pool) == "<ResourcePool: closed, 0 idle, 0 waiting, minsize=1, maxsize=8, maxage=60>"


def test_P12_repr_does_not_look_at_the_resources():
    class Unprintable:
        def __repr__(self):
            raise AssertionError

    assert "1 idle" in repr(ResourcePool(init=[Unprintable()]))
