"""L4 and L8: close and clear."""

from __future__ import annotations

import sys
import threading

import pytest

from tests.helpers import PATIENCE, Call, hooked_pool, interrupt, waiting_pops
from tests.support import inside
from tests.support.places import place
from ya.resourcepool import ManualClock, ResourcePool, ResourcePoolClosed, ResourcePoolEmpty


def test_L4_close_wakes_every_waiter_then_deallocates_the_oldest_first():
    clock = ManualClock()
    log = []
    pool = ResourcePool(dealloc=log.append, clock=clock)
    calls = [Call(pool.pop, timeout=timeout) for timeout in (0, 5, 0)]
    clock.await_blocked(3)
    pool.close()
    assert all(isinstance(call.error(), ResourcePoolClosed) for call in calls)

    pool = ResourcePool(init="cba", dealloc=log.append)
    pool.close()
    assert log == ["a", "b", "c"]


def test_L4_waiters_are_woken_before_the_deallocs():
    clock = ManualClock()
    hooks = {}
    woken = []
    pool = hooked_pool(hooks, clock=clock, dealloc=lambda _: woken.append(call.error()))
    call = Call(pool.pop, timeout=0)
    clock.await_blocked(1)
    hooks["unlock"] = lambda: inside.idle(pool).append("a")  # a push that races with the close
    pool.close()

    assert isinstance(woken[0], ResourcePoolClosed)


def test_L4_a_closed_pool_raises_at_pop_and_deallocates_at_push():
    deallocated = []
    pool = ResourcePool(alloc=lambda: "made", dealloc=deallocated.append, maxage=5)
    pool.close()
    for timeout in (None, 0, 5):
        with pytest.raises(ResourcePoolClosed, match=r"^the pool is closed$"):
            pool.pop(timeout)
    pool.push("a")

    assert deallocated == ["a"]
    assert len(pool) == 0


def test_L4_a_pop_called_while_close_is_at_work_takes_nothing():
    """Others may have been told by then that the pool is closed. It has to wait for the lock, and then raises."""
    main = threading.get_ident()
    settled = threading.Event()  # the pop wants the lock, or has ended

    class Lock:
        def __init__(self):
            self._lock = threading.RLock()
            self._is_owned = self._lock._is_owned
            self.release = self._lock.release

        def acquire(self, blocking=True, timeout=-1):
            if threading.get_ident() != main:
                settled.set()
            return self._lock.acquire(blocking, timeout)

    def close(pool, closed):
        pool.is_closed = closed
        if closed and not call:
            call.append(Call(pop))
            assert settled.wait(PATIENCE)

    def pop():
        try:
            return pool.pop()
        finally:
            settled.set()

    call = []
    flag = property(lambda pool: pool.is_closed, close)
    pool = inside.subclass(ResourcePool, lock_class=Lock, closed=flag)(init="a")
    pool.close()

    assert isinstance(call[0].error(), ResourcePoolClosed)


def test_L4_closing_again_does_nothing():
    deallocated = []
    pool = ResourcePool(init="a", dealloc=deallocated.append)
    pool.close()
    pool.close()
    pool.clear()

    assert deallocated == ["a"]


def test_L4_closed_is_not_empty():
    assert not issubclass(ResourcePoolClosed, ResourcePoolEmpty)
    assert ResourcePoolClosed.__module__ == ResourcePoolEmpty.__module__ == "ya.resourcepool"


def test_L4_an_alloc_under_way_still_returns_its_resource():
    def alloc():
        pool.close()
        return "made"

    pool = ResourcePool(alloc=alloc)

    assert pool.pop() == "made"


def test_L4_a_live_check_under_way_still_returns_its_resource():
    pool = ResourcePool(init="a", check=lambda _: pool.close() or True)

    assert pool.pop() == "a"


def test_L4_after_a_dead_candidate_pop_raises():
    pool = ResourcePool(init="a", check=lambda _: pool.close(), alloc=lambda: "made")

    with pytest.raises(ResourcePoolClosed):
        pool.pop()


def test_L4_a_waiter_with_a_dead_candidate_raises():
    clock = ManualClock()
    pool = ResourcePool(check=lambda _: pool.close(), clock=clock)
    call = Call(pool.pop, timeout=0)
    clock.await_blocked(1)
    pool.push("dead")

    assert isinstance(call.error(), ResourcePoolClosed)


def test_L4_a_hand_over_under_way_still_returns_its_resource():
    class HeldUpClock(ManualClock):
        def wait(self, lock, start, timeout):
            pool.push("handed over")
            pool.close()
            return super().wait(lock, start, timeout)

    pool = ResourcePool(clock=HeldUpClock())

    assert pool.pop(timeout=0) == "handed over"


def test_L4_a_push_that_races_with_close_is_deallocated():
    deallocated = []
    hooks = {}
    pool = hooked_pool(hooks, dealloc=deallocated.append)
    hooks["append"] = pool.close
    pool.push("a")

    assert deallocated == ["a"]


def test_L4_a_push_that_read_the_limit_before_close_lowered_it_is_deallocated():
    deallocated = []
    hooks = {}
    pool = hooked_pool(hooks, dealloc=deallocated.append)
    hooks["after __len__"] = lambda: Call(pool.push, "a").result()
    pool.close()

    assert deallocated == ["a"]


def test_L4_a_pop_of_a_closed_pool_does_not_take_what_a_push_is_about_to_deallocate():
    hooks = {}
    deallocated = []
    pool = hooked_pool(hooks, dealloc=deallocated.append)
    pool.close()
    pops = []
    hooks["after append"] = lambda: pops.append(Call(pool.pop).error())
    pool.push("a")

    assert isinstance(pops[0], ResourcePoolClosed)
    assert deallocated == ["a"]


def test_L4_a_pop_that_close_overtook_does_not_take_what_a_push_is_about_to_deallocate():
    hooks = {}
    deallocated = []
    pool = hooked_pool(hooks, dealloc=deallocated.append)
    appended, go_on = threading.Event(), threading.Event()
    pushes = []

    def push():
        hooks["after append"] = lambda: (appended.set(), go_on.wait(PATIENCE))
        pushes.append(Call(pool.push, "a"))
        assert appended.wait(PATIENCE)

    def close():
        Call(pool.close).result()
        hooks["after __len__"] = push  # when pop has found that nothing is idle

    hooks["lock"] = close
    with pytest.raises(ResourcePoolClosed):
        pool.pop()
    go_on.set()
    pushes[0].result()

    assert deallocated == ["a"]


def test_L4_a_pop_that_close_overtook_does_not_wait():
    hooks = {}
    pool = hooked_pool(hooks)
    hooks["latch"] = lambda: Call(pool.close).result()

    assert isinstance(Call(pool.pop, timeout=0).error(), ResourcePoolClosed)


def test_L4_a_waiter_that_close_was_twice_kept_from_waking_is_woken_by_the_next_call():
    hooks = {}
    clock = ManualClock()
    pool = hooked_pool(hooks, clock=clock)
    (waiter,) = waiting_pops(pool, clock, 1)

    def interrupt_twice():
        hooks["lock"] = interrupt
        interrupt()

    hooks["release"] = interrupt_twice
    with pytest.raises(KeyboardInterrupt):
        pool.close()
    pool.push("a")

    assert isinstance(waiter.error(), ResourcePoolClosed)


@pytest.mark.parametrize("point", ["lock", "locked", "__len__", "unlock"])
def test_L4_a_close_that_interrupts_a_pop_wakes_the_waiters(point):
    """The pop has nothing to do itself, and has to look nevertheless what was left to it."""
    clock = ManualClock()
    hooks = {}
    pool = hooked_pool(hooks, clock=clock)
    (waiter,) = waiting_pops(pool, clock, 1)
    hooks[point] = pool.close
    with pytest.raises(ResourcePoolClosed):
        pool.pop()

    assert isinstance(waiter.error(), ResourcePoolClosed)


def test_L4_a_pool_closes_at_the_end_of_its_block():
    deallocated = []
    with pytest.raises(KeyError), ResourcePool(init="a", dealloc=deallocated.append) as pool:
        raise KeyError

    assert deallocated == ["a"]
    with pytest.raises(ResourcePoolClosed):
        pool.pop()


@pytest.mark.parametrize("end", ["clear", "close"])
def test_L8_what_clear_or_close_find_nobody_else_can_take_from_them(end):
    """Another thread that takes the lock would deallocate it, perhaps after `clear` has returned."""
    hooks = {}
    pool = hooked_pool(hooks, init="abc")
    left = []
    hooks["unlock"] = lambda: left.extend(inside.idle(pool))
    getattr(pool, end)()

    assert left == []


def test_L8_clear_deallocates_all_that_is_idle_and_the_pool_stays_open():
    deallocated = []
    pool = ResourcePool(init="cba", minsize=2, maxage=1000, dealloc=deallocated.append)
    pool.clear()
    assert deallocated == ["a", "b", "c"]
    assert len(pool) == 0
    pool.push("d")

    assert pool.pop() == "d"


def test_L4_a_close_by_a_handler_just_before_the_bar_is_lifted_is_not_undone():
    def at_line(frame, event, argument):
        if place(frame.f_code, frame.f_lineno, "write barred"):
            sys.settrace(None)
            frame.f_trace = None
            pool.close()
        return at_line

    def at_entry(frame, event, argument):
        return at_line if frame.f_code is inside.get(inside.TEND).__code__ else None

    deallocated = []
    pool = ResourcePool(init="a", maxsize=1, dealloc=deallocated.append)
    before = sys.gettrace()
    sys.settrace(at_entry)
    try:
        pool.push("b")
    finally:
        sys.settrace(before)
    assert deallocated == ["a", "b"]

    pool.push("c")
    assert deallocated == ["a", "b", "c"]


def test_L4_a_close_cancels_what_the_clock_was_to_do_once_though_it_has_to_tend_again():
    class Clock(ManualClock):
        def call_at(self, start, length, function):
            return lambda: cancelled.append(start)

    hooks, cancelled, deallocated = {}, [], []
    pool = hooked_pool(hooks, init="a", maxage=5, clock=Clock(), dealloc=deallocated.append)
    hooks["unlock"] = lambda: pool.push("b")
    pool.close()

    assert deallocated == ["a", "b"]
    assert cancelled == [0]
