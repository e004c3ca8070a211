"""R1 to R5: what the pool keeps, and what it evicts."""

from __future__ import annotations

import math
import threading
import time

import pytest

from tests.helpers import PATIENCE, Call, hooked_pool, push_elsewhere, waiting_pops
from tests.support import inside
from ya.resourcepool import ManualClock, ResourcePool, ResourcePoolEmpty


class StoppedClock:
    """A clock that is read, and that never calls: everything due is found by an operation."""

    def __init__(self):
        self.time = 0

    def now(self):
        return self.time

    def wait(self, lock, start, timeout):
        raise AssertionError

    def call_at(self, start, length, function):
        return None


def idle(pool):
    """What is idle, oldest first; takes it out."""
    return [pool.pop() for _ in range(len(pool))][::-1]


def push_held_up(hooks, pool, resource):
    """A push in another thread that has read the clock, and makes the resource idle when the event is set."""
    stamped, go_on = threading.Event(), threading.Event()
    hooks["append"] = lambda: (stamped.set(), go_on.wait(PATIENCE))
    push = Call(pool.push, resource)
    assert stamped.wait(PATIENCE)
    return push, go_on


def test_R1_more_than_maxsize_idle_evicts_the_oldest():
    evicted = []
    pool = ResourcePool(maxsize=2, dealloc=evicted.append)
    for resource in "abcd":
        pool.push(resource)

    assert evicted == ["a", "b"]
    assert idle(pool) == ["c", "d"]


def test_R1_overflow_evicts_down_to_minsize():
    evicted = []
    pool = ResourcePool(maxsize=4, minsize=2, dealloc=evicted.append)
    for resource in "abcdefg":
        pool.push(resource)

    assert evicted == ["a", "b", "c"]
    assert idle(pool) == ["d", "e", "f", "g"]


def test_R1_the_push_that_evicts_returns_after_the_deallocs_in_its_own_thread():
    deallocated = []
    pool = ResourcePool(init="ba", maxsize=2, minsize=0, dealloc=lambda r: deallocated.append(threading.get_ident()))
    pool.push("c")

    assert deallocated == [threading.get_ident()] * 3


def test_R1_without_dealloc_what_is_evicted_is_dropped():
    pool = ResourcePool(maxsize=1)
    pool.push("a")
    pool.push("b")

    assert idle(pool) == ["b"]


def test_R1_a_pop_in_the_midst_of_an_eviction_takes_the_newest_and_minsize_stays():
    """Without the pop "a" and "b" would go. "c" is decided on too late: it is what is left to keep."""
    evicted = []
    hooks = {}
    pool = hooked_pool(hooks, init="cba", maxsize=3, minsize=1, dealloc=evicted.append)
    popped = []

    def pop_twice():
        hooks["popleft"] = lambda: popped.extend([inside.idle(pool).pop(), inside.idle(pool).pop()])

    hooks["popleft"] = pop_twice
    pool.push("d")

    assert popped == ["d", "c"]
    assert evicted == ["a"]
    assert idle(pool) == ["b"]


def test_R1_at_most_maxsize_and_one_for_each_push_in_progress_are_idle():
    hooks = {}
    pool = hooked_pool(hooks, init="ab", maxsize=2)
    most = []

    def push_from_another_thread():
        hooks["lock"] = lambda: most.append(len(pool))
        Call(pool.push, "d").result()
        most.append(len(pool))

    hooks["lock"] = push_from_another_thread
    pool.push("c")

    assert max(most) <= 4
    assert most[-1] <= 3
    assert len(pool) == 2


def test_R1_a_reentrant_push_is_in_progress_until_the_interrupted_method_returns():
    hooks = {}
    pool = hooked_pool(hooks, init="ab", maxsize=2)
    lengths = []

    def push_again():
        pool.push("again")
        lengths.append(len(pool))

    hooks["unlock"] = push_again  # the lock is still held
    pool.push("c")

    assert lengths == [3]
    assert len(pool) == 2


def test_R1_no_push_returns_with_too_many_idle():
    pool = ResourcePool(maxsize=3)
    lengths = []

    def push():
        for i in range(200):
            pool.push(i)
            lengths.append(len(pool))

    for call in [Call(push) for _ in range(4)]:
        call.result()

    assert max(lengths) <= 3 + 3
    assert len(pool) == 3


def test_R2_a_resource_is_expired_at_maxage_and_not_before():
    clock = ManualClock()
    pool = ResourcePool(maxage=5, clock=clock)
    pool.push("a")
    clock.advance(4.999)
    assert len(pool) == 1
    clock.advance(0.001)
    assert len(pool) == 0


def test_R2_a_pop_and_push_starts_the_age_anew():
    clock = ManualClock()
    pool = ResourcePool(init="a", maxage=5, clock=clock)
    clock.advance(3)
    pool.push(pool.pop())
    clock.advance(4)
    assert len(pool) == 1
    clock.advance(1)
    assert len(pool) == 0


def test_R2_the_oldest_expires_first():
    clock = ManualClock()
    expired = []
    pool = ResourcePool(maxage=5, clock=clock, dealloc=lambda r: expired.append((clock.now(), r)))
    for resource in "abc":
        pool.push(resource)
        clock.advance(1)
    clock.advance(10)

    assert expired == [(5, "a"), (6, "b"), (7, "c")]


def test_R2_minsize_is_the_floor_of_expiry():
    clock = ManualClock()
    expired = []
    pool = ResourcePool(init="dcba", minsize=2, maxage=5, clock=clock, dealloc=expired.append)
    clock.advance(100)

    assert expired == ["a", "b"]
    assert idle(pool) == ["c", "d"]


def test_R2_maxsize_without_minsize_does_not_switch_maxage_off():
    clock = ManualClock()
    pool = ResourcePool(init="abc", maxsize=5, maxage=5, clock=clock)
    clock.advance(5)

    assert len(pool) == 0


def test_R2_what_minsize_kept_goes_when_the_pool_outgrows_it():
    clock = ManualClock()
    evicted = []
    pool = ResourcePool(init=["old"], minsize=1, maxage=5, clock=clock, dealloc=evicted.append)
    clock.advance(7)
    assert evicted == []
    pool.push("new")

    assert evicted == ["old"]
    assert idle(pool) == ["new"]


def test_R2_what_minsize_kept_may_still_be_popped():
    clock = ManualClock()
    pool = ResourcePool(init=["old"], minsize=1, maxage=5, clock=clock)
    clock.advance(7)

    assert pool.pop() == "old"


def test_R2_expiry_precedes_overflow():
    """Overflow would leave one; but when the expired have gone, it is no overflow any more."""
    clock = StoppedClock()
    evicted = []
    pool = ResourcePool(init="ba", minsize=1, maxsize=3, maxage=5, clock=clock, dealloc=evicted.append)
    clock.time = 3
    pool.push("c")
    clock.time = 5
    pool.push("d")

    assert evicted == ["a", "b"]
    assert idle(pool) == ["c", "d"]


def test_R2_expiry_evicts_what_is_expired_now_even_if_the_oldest_has_changed():
    """Between finding the oldest expired and taking it, it is popped and a fresh one is in its place."""
    clock = StoppedClock()
    evicted = []
    hooks = {}
    pool = hooked_pool(hooks, init=["old"], maxage=5, clock=clock, dealloc=evicted.append)

    def swap():
        inside.idle(pool).clear()
        inside.idle(pool).append((5, "fresh"))

    clock.time = 5
    hooks["popleft"] = swap
    pool.push("new")

    assert evicted == []
    assert idle(pool) == ["fresh"]


def test_R2_an_infinite_maxage_never_expires():
    clock = ManualClock()
    pool = ResourcePool(init="a", maxage=math.inf, clock=clock)
    clock.advance(1e300)

    assert len(pool) == 1


def test_R3_expiry_needs_no_traffic_and_is_in_time():
    expired = []
    done = threading.Event()

    def dealloc(resource):
        expired.append(time.monotonic())
        if len(expired) == 3:
            done.set()

    pool = ResourcePool(maxage=0.1, dealloc=dealloc)
    due = []
    for resource in "abc":
        pool.push(resource)
        due.append(time.monotonic() + 0.1)
        time.sleep(0.03)  # of the system clock, on which this test is
    assert done.wait(PATIENCE)

    # 50 ms are promised on an idle machine, and this one may be busy.
    assert all(-0.001 <= when - at < 0.5 for when, at in zip(expired, due, strict=True))


def test_R3_expiry_goes_on_as_long_as_something_can_expire():
    clock = ManualClock()
    pool = ResourcePool(maxage=5, clock=clock)
    for _ in range(20):
        pool.push("a")
        clock.advance(2)
        assert 0 < len(pool) <= 3
    clock.advance(5)

    assert len(pool) == 0


def test_R3_pop_never_returns_what_was_due():
    clock = StoppedClock()
    deallocated = []
    pool = ResourcePool(init="ab", maxage=5, clock=clock, dealloc=deallocated.append, alloc=lambda: "made")
    clock.time = 5

    assert pool.pop() == "made"
    assert deallocated == ["b", "a"]


def test_R3_pop_deallocates_the_due_that_it_finds():
    clock = StoppedClock()
    deallocated = []
    pool = ResourcePool(init=["old"], maxage=5, clock=clock, dealloc=deallocated.append)
    clock.time = 3
    pool.push("new")
    clock.time = 5

    assert pool.pop() == "new"
    assert deallocated == ["old"]


def test_R3_push_deallocates_the_due_that_it_finds():
    clock = StoppedClock()
    deallocated = []
    pool = ResourcePool(init=["old"], maxage=5, clock=clock, dealloc=deallocated.append)
    clock.time = 5
    pool.push("new")

    assert deallocated == ["old"]
    assert idle(pool) == ["new"]


def test_R3_a_pop_that_waits_was_told_the_truth():
    clock = StoppedClock()
    pool = ResourcePool(init=["old"], maxage=5, clock=clock)
    clock.time = 5
    with pytest.raises(ResourcePoolEmpty) as caught:
        pool.pop()

    assert caught.value.idle == 0


def test_R3_a_pop_amid_the_first_push_does_not_get_what_expires_before_it_is_armed():
    """The push is held up for longer than `maxage` between making the resource idle and arming the clock."""
    clock = StoppedClock()
    hooks = {}
    pool = hooked_pool(hooks, maxage=5, clock=clock)
    errors = []

    def pop_later():
        clock.time = 6
        errors.append(Call(pool.pop).error())

    hooks["lock"] = pop_later
    pool.push("a")

    assert isinstance(errors[0], ResourcePoolEmpty)


def test_R3_pop_does_not_get_what_was_due_before_its_push_made_it_idle():
    """The push is held up for longer than `maxage` between reading the clock and making the resource idle."""
    clock = StoppedClock()
    hooks = {}
    deallocated = []
    pool = hooked_pool(hooks, maxage=5, clock=clock, dealloc=deallocated.append)
    push, go_on = push_held_up(hooks, pool, "a")
    clock.time = 6

    def let_it_be_idle():
        pushed = threading.Event()
        hooks["lock"] = pushed.set
        go_on.set()
        assert pushed.wait(PATIENCE)

    hooks["locked"] = lambda: hooks.update({"after __len__": let_it_be_idle})
    with pytest.raises(ResourcePoolEmpty):
        pool.pop()
    push.result()

    assert deallocated == ["a"]


@pytest.mark.parametrize("call", ["pop", "push", "len"])
def test_R3_what_is_due_at_this_moment_is_gone_though_the_clock_has_not_called(call):
    class Late(ManualClock):
        def call_at(self, start, length, function):
            return None

    clock = Late()
    deallocated = []
    pool = ResourcePool(init="a", maxage=5, clock=clock, dealloc=deallocated.append)
    clock.advance(5)
    if call == "len":
        assert len(pool) == 0
        return
    if call == "push":
        pool.push("b")
    else:
        with pytest.raises(ResourcePoolEmpty):
            pool.pop()

    assert deallocated == ["a"]


def test_R4_what_becomes_due_while_a_pop_looks_for_one_that_is_not_goes_oldest_first():
    class Clock(StoppedClock):
        def now(self):
            return readings.pop(0)

    readings = [0, 0]  # of the constructor
    deallocated = []
    pool = ResourcePool(init="cba", maxage=5, clock=Clock(), dealloc=deallocated.append)
    assert readings == []
    readings = [5, 4, 5, 5, 5]  # without the lock, by the one who tends, and by who takes; the error's
    with pytest.raises(ResourcePoolEmpty):
        pool.pop()

    assert deallocated == ["a", "b", "c"]


@pytest.fixture
def held_up():
    """A pool with "younger", pushed at 4, its clock, what it deallocates, and what lets the push of "older" go on."""
    clock = StoppedClock()
    hooks = {}
    deallocated = []
    pool = hooked_pool(hooks, maxage=5, clock=clock, dealloc=deallocated.append)
    push, go_on = push_held_up(hooks, pool, "older")
    clock.time = 4
    pool.push("younger")

    def land():
        go_on.set()
        push.result()

    return pool, clock, deallocated, land


def test_R3_what_is_due_is_not_in_the_way_of_what_is_not(held_up):
    """A push that was held up has put an older resource on a younger one."""
    pool, clock, deallocated, land = held_up
    land()
    clock.time = 5
    setattr(pool, inside.SINCE, -math.inf)  # as where no thread can be started

    assert pool.pop() == "younger"
    assert deallocated == ["older"]


def test_R3_what_a_push_brings_that_was_held_up_is_due_late_by_no_more_than_that(held_up):
    """A younger one was pushed and taken meanwhile, and all that the pool still knows of is its stamp."""
    pool, clock, deallocated, land = held_up
    assert pool.pop() == "younger"
    land()
    clock.time = 9

    with pytest.raises(ResourcePoolEmpty):
        pool.pop()
    assert deallocated == ["older"]


def test_R3_what_becomes_due_while_pop_looks_is_not_laid_on_what_is_pushed_meanwhile():
    hooks = {}
    clock = StoppedClock()
    evicted = []
    pool = hooked_pool(hooks, init=["old", "older"], maxage=5, maxsize=2, clock=clock, dealloc=evicted.append)
    setattr(pool, inside.SINCE, -math.inf)  # as where no thread can be started
    clock.time = 4

    def time_passes_and_a_push_comes():
        clock.time = 5
        Call(inside.idle(pool).append, (5, "new")).result()

    hooks["after pop"] = time_passes_and_a_push_comes

    assert pool.pop() == "new"
    assert evicted == ["older", "old"]


def test_R3_a_pop_that_interrupts_the_holder_of_the_lock_does_not_get_what_is_due():
    hooks = {}
    clock = StoppedClock()
    evicted = []
    pool = hooked_pool(hooks, init=["old"], maxage=5, clock=clock, dealloc=evicted.append)
    clock.time = 5

    def pop():
        with pytest.raises(ResourcePoolEmpty):
            pool.pop()

    hooks["locked"] = pop
    pool.clear()

    assert evicted == ["old"]


def test_R3_pop_deallocates_the_due_though_the_floor_held_when_they_came():
    clock = StoppedClock()
    deallocated = []
    pool = ResourcePool(init="a", minsize=1, maxage=5, clock=clock, dealloc=deallocated.append)
    pool.push("b")
    clock.time = 5

    assert pool.pop() == "b"
    assert deallocated == ["a"]


@pytest.mark.parametrize("arguments", [{"maxsize": 2}, {"maxage": 5}, {"maxsize": 4, "minsize": 2, "maxage": 5}])
def test_R4_each_evicted_resource_gets_exactly_one_dealloc(arguments):
    of_other_tests = set(inside.get(inside.DEPARTING))
    clock = ManualClock()
    deallocated = []
    pool = ResourcePool(dealloc=deallocated.append, clock=clock, **arguments)
    for i in range(100):
        pool.push(i)
        clock.advance(i % 3)
    clock.advance(100)
    pool.close()

    assert sorted(deallocated) == list(range(100))
    assert set(inside.get(inside.DEPARTING)) <= of_other_tests


def test_R4_an_eviction_whose_victims_are_popped_before_it_gets_them_leaves_nothing_behind():
    of_other_tests = set(inside.get(inside.DEPARTING))
    hooks = {}
    pool = hooked_pool(hooks, init="ab")
    hooks["popleft"] = lambda: [Call(pool.pop).result() for _ in "ab"]
    pool.clear()

    assert set(inside.get(inside.DEPARTING)) <= of_other_tests


def test_R4_evictions_of_several_threads_share_no_victim():
    deallocated = []
    pool = ResourcePool(maxsize=3, minsize=1, dealloc=deallocated.append)

    def push(thread):
        for i in range(300):
            pool.push((thread, i))

    for call in [Call(push, thread) for thread in range(4)]:
        call.result()
    pool.close()

    assert len(deallocated) == len(set(deallocated)) == 1200


def test_R2_an_infinite_maxage_asks_the_clock_for_nothing():
    class Clock(StoppedClock):
        def call_at(self, start, length, function):
            raise AssertionError

    pool = ResourcePool(init=["a"], maxage=math.inf, clock=Clock())
    pool.push("b")

    assert len(pool) == 2


def test_R5_what_is_pushed_while_the_queue_is_looked_through_is_not_evicted_past_a_waiter():
    """The holder of the lock found nothing to hand over; then comes a push, then its look at the overflow."""
    clock = ManualClock()
    hooks = {}
    deallocated = []
    pool = hooked_pool(hooks, maxsize=0, clock=clock, dealloc=deallocated.append)
    (first,) = waiting_pops(pool, clock, 1)
    second = Call(pool.pop, timeout=1)
    clock.await_blocked(2)
    pushed = []

    def look():
        if pool.waiting == 2:  # the second has still to leave the queue
            hooks["after __len__"] = look
        else:
            push_elsewhere(pool, "a")
            pushed.append("a")

    hooks["after __len__"] = look
    clock.advance(1)

    assert isinstance(second.error(), ResourcePoolEmpty)
    assert first.result() == "a"
    assert pushed == ["a"]
    assert deallocated == []


def test_R5_with_maxsize_0_nothing_is_kept():
    deallocated = []
    pool = ResourcePool(maxsize=0, dealloc=deallocated.append)
    pool.push("a")

    assert deallocated == ["a"]
    assert len(pool) == 0


def test_R5_with_maxsize_0_a_waiter_still_gets_a_pushed_resource():
    clock = ManualClock()
    deallocated = []
    pool = ResourcePool(maxsize=0, dealloc=deallocated.append, clock=clock)
    call = Call(pool.pop, timeout=0)
    clock.await_blocked(1)
    pool.push("a")

    assert call.result() == "a"
    assert deallocated == []


def test_L3_a_pop_that_takes_the_oldest_as_the_clock_is_to_be_told_of_it_leaves_nothing_to_tell():
    hooks, taken = {}, []
    pool = hooked_pool(hooks, maxage=5, clock=StoppedClock())

    def take():
        taken.append(inside.idle(pool).pop()[1])

    hooks["__getitem__"] = lambda: hooks.update(__getitem__=take)  # the first is for the eviction
    pool.push("a")
    assert taken == ["a"]

    pool.push("b")
    assert pool.pop() == "b"
