"""P7 to P9 and P11: the queue of those who wait, and that neither a wake-up nor a resource is lost."""

from __future__ import annotations

import math
import signal
import threading
import time

import pytest

from tests.helpers import PATIENCE, Call, Resource, hooked_pool, in_time, interrupt, push_elsewhere, waiting_pops
from tests.support import inside
from ya.resourcepool import ManualClock, ResourcePool, ResourcePoolEmpty


class InterruptingClock(ManualClock):
    """A clock whose next wait is cut off after `before` has run."""

    def __init__(self, before=lambda: None, error=KeyboardInterrupt):
        super().__init__()
        self._before = before
        self._error = error

    def wait(self, lock, start, timeout):
        self._before()
        raise self._error


class SlowCheck:
    """A check that takes until it is let go, for the slow and the dead; `begun` counts how often it was called so."""

    def __init__(self):
        self.begun, self.go_on = threading.Semaphore(0), threading.Semaphore(0)

    def __call__(self, resource):
        if resource in ("slow", "dead"):
            self.begun.release()
            assert self.go_on.acquire(timeout=PATIENCE)
        return resource != "dead"


def test_P7_waiters_are_served_first_come_first_served():
    clock = ManualClock()
    pool = ResourcePool(clock=clock)
    calls = waiting_pops(pool, clock, 5)
    for i in range(5):
        pool.push(i)
        assert pool.waiting == 4 - i

    assert [call.result() for call in calls] == [0, 1, 2, 3, 4]


def test_P7_one_that_leaves_does_not_change_the_order_of_the_others():
    clock = ManualClock()
    pool = ResourcePool(clock=clock)
    first = Call(pool.pop, timeout=0)
    clock.await_blocked(1)
    second = Call(pool.pop, timeout=5)
    clock.await_blocked(2)
    third = Call(pool.pop, timeout=0)
    clock.await_blocked(3)
    clock.advance(5)
    pool.push("a")
    pool.push("b")

    assert isinstance(second.error(), ResourcePoolEmpty)
    assert (first.result(), third.result()) == ("a", "b")


@pytest.mark.parametrize("arguments", [{}, {"maxage": 60}, {"maxage": 60, "minsize": 1}])
def test_P7_a_newcomer_does_not_take_what_a_push_has_for_a_waiter(arguments):
    """The newcomer comes after the push has made it idle and before the push hands it over."""
    clock = ManualClock()
    hooks = {}
    pool = hooked_pool(hooks, clock=clock, **arguments)
    waiter = Call(pool.pop, timeout=0)
    clock.await_blocked(1)
    newcomers = []

    def newcomer():
        newcomers.append(Call(pool.pop))
        assert isinstance(newcomers[0].error(), ResourcePoolEmpty)

    hooks["__len__"] = newcomer
    pool.push("a")

    assert waiter.result() == "a"
    assert len(newcomers) == 1


def test_P7_a_newcomer_does_not_take_what_is_pushed_while_it_looks():
    clock = ManualClock()
    hooks = {}
    pool = hooked_pool(hooks, clock=clock)
    (waiter,) = waiting_pops(pool, clock, 1)
    hooks["after __len__"] = lambda: push_elsewhere(pool, "a")
    with pytest.raises(ResourcePoolEmpty):
        pool.pop()

    assert waiter.result() == "a"


def test_P7_a_waiter_is_not_waiting_while_its_check_runs():
    clock = ManualClock()
    check = SlowCheck()
    pool = ResourcePool(check=check, clock=clock)
    first, second = waiting_pops(pool, clock, 2)
    pool.push("slow")
    assert check.begun.acquire(timeout=PATIENCE)
    assert pool.waiting == 1
    pool.push("for the second")
    assert second.result() == "for the second"
    pool.push("idle")
    assert len(pool) == 1
    check.go_on.release()

    assert first.result() == "slow"


def test_P7_a_waiter_with_a_dead_candidate_first_takes_what_is_idle():
    clock = ManualClock()
    check = SlowCheck()
    pool = ResourcePool(check=check, clock=clock)
    (waiter,) = waiting_pops(pool, clock, 1)
    pool.push("dead")
    assert check.begun.acquire(timeout=PATIENCE)
    pool.push("idle")
    check.go_on.release()

    assert waiter.result() == "idle"


def test_P7_a_waiter_with_a_dead_candidate_keeps_its_place():
    clock = ManualClock()
    check = SlowCheck()
    pool = ResourcePool(check=check, clock=clock)
    first, second = waiting_pops(pool, clock, 2)
    pool.push("dead")
    assert check.begun.acquire(timeout=PATIENCE)
    third = Call(pool.pop, timeout=0)
    clock.await_blocked(2)
    check.go_on.release()
    clock.await_blocked(3)
    for resource in "abc":
        pool.push(resource)

    assert [call.result() for call in (first, second, third)] == ["a", "b", "c"]


def test_P7_two_with_dead_candidates_queue_again_between_the_others():
    clock = ManualClock()
    dead = {"first": threading.Event(), "second": threading.Event()}

    def check(resource):
        if resource in dead:
            assert dead[resource].wait(PATIENCE)
        return resource not in dead

    pool = ResourcePool(check=check, clock=clock)
    calls = waiting_pops(pool, clock, 5)
    pool.push("first")
    pool.push("second")
    dead["first"].set()
    clock.await_blocked(4)
    dead["second"].set()
    clock.await_blocked(5)
    for resource in "abcde":
        pool.push(resource)

    assert [call.result() for call in calls] == [*"abcde"]


def test_P8_a_push_that_does_not_see_the_waiter_is_seen_by_it():
    """The push is done before the waiter queues, and after it has found nothing."""
    hooks = {}
    pool = hooked_pool(hooks, clock=ManualClock())
    hooks["locked"] = lambda: inside.idle(pool).append("pushed")  # all that a push does that sees no waiter

    assert pool.pop(timeout=0) == "pushed"


def test_P8_a_push_between_finding_nothing_and_queueing_is_seen():
    hooks = {}
    clock = ManualClock()
    pool = hooked_pool(hooks, clock=clock)

    def push_after_the_last_look():
        hooks["unlock"] = lambda: Call(pool.push, "pushed")

    hooks["locked"] = push_after_the_last_look
    call = Call(pool.pop, timeout=0)

    assert call.result() == "pushed"


@pytest.mark.parametrize("point", ["__len__", "lock", "locked", "pop", "release", "released", "unlock"])
def test_P8_an_interrupted_push_still_serves_the_waiter(point):
    clock = ManualClock()
    hooks = {}
    pool = hooked_pool(hooks, clock=clock)
    (waiter,) = waiting_pops(pool, clock, 1)

    hooks[point] = interrupt
    with pytest.raises(KeyboardInterrupt):
        pool.push("a")

    assert waiter.result() == "a"


def test_P8_an_interrupted_waiter_passes_on_what_it_was_handed():
    clock = ManualClock()
    pool = ResourcePool(clock=clock)
    (second,) = waiting_pops(pool, clock, 1)

    def hand_over_to_both():
        ResourcePool.push(pool, "for the second")
        ResourcePool.push(pool, "for the first")

    setattr(pool, inside.CLOCK, InterruptingClock(hand_over_to_both))
    with pytest.raises(KeyboardInterrupt):
        pool.pop(timeout=0)

    assert second.result() == "for the second"
    assert pool.pop() == "for the first"


def test_P9_a_hand_over_that_meets_the_timeout_is_not_lost():
    """The push comes when the clock has given up already, and before the waiter leaves."""

    class LateClock(ManualClock):
        def wait(self, lock, start, timeout):
            pool.push("late")
            return False

    pool = ResourcePool(clock=LateClock())

    assert pool.pop(timeout=5) == "late"


def test_P9_a_push_after_the_timeout_stays_in_the_pool():
    clock = ManualClock()
    pool = ResourcePool(clock=clock)
    call = Call(pool.pop, timeout=5)
    clock.await_blocked(1)
    clock.advance(5)
    pool.push("a")

    assert isinstance(call.error(), ResourcePoolEmpty)
    assert pool.pop() == "a"


@pytest.mark.parametrize("gone", [False, True])
def test_P9_a_hand_over_that_was_interrupted_is_not_made_twice(gone):
    """What is pushed meanwhile is not for the waiter that has its resource, nor for one that is gone with it."""
    clock = ManualClock()
    hooks = {}
    pool = hooked_pool(hooks, clock=clock)
    (waiter,) = waiting_pops(pool, clock, 1)

    def push_another_and_interrupt():
        if gone:
            waiter.result()
        push_elsewhere(pool, "b")
        interrupt()

    hooks["released" if gone else "release"] = push_another_and_interrupt
    with pytest.raises(KeyboardInterrupt):
        pool.push("a")

    assert waiter.result() == "a"
    assert pool.pop() == "b"


@pytest.mark.parametrize("handed", [True, False])
def test_P9_a_waiter_that_leaves_by_an_exception_loses_nothing(handed):
    clock = InterruptingClock(lambda: pool.push("a") if handed else None)
    pool = ResourcePool(clock=clock)
    with pytest.raises(KeyboardInterrupt):
        pool.pop(timeout=0)

    assert pool.waiting == 0
    pool.push("b")
    assert [pool.pop() for _ in range(len(pool))] == ["b", "a"][: 1 + handed]


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="needs POSIX signals")
def test_P9_an_interrupted_wait_on_the_system_clock_leaves_the_queue():
    def handler(*_):
        raise KeyboardInterrupt

    pool = ResourcePool()
    before = signal.signal(signal.SIGALRM, handler)
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.05)
        with pytest.raises(KeyboardInterrupt):
            pool.pop(timeout=PATIENCE)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)

    assert pool.waiting == 0
    pool.push("a")
    assert len(pool) == 1


def test_P9_a_timeout_that_is_interrupted_leaves_the_queue():
    class Clock(ManualClock):
        def wait(self, lock, start, timeout):
            hooks["lock"] = interrupt
            return False

    hooks = {}
    pool = hooked_pool(hooks, clock=Clock())
    with pytest.raises(KeyboardInterrupt):
        pool.pop(timeout=5)

    assert pool.waiting == 0
    pool.push("a")
    assert pool.pop() == "a"


def test_P9_a_waiter_that_is_interrupted_twice_is_served_nothing():
    class Clock(ManualClock):
        def wait(self, lock, start, timeout):
            hooks["lock"] = interrupt
            raise KeyboardInterrupt

    hooks = {}
    pool = hooked_pool(hooks, clock=Clock())
    with pytest.raises(KeyboardInterrupt):
        pool.pop(timeout=0)
    pool.push("a")

    assert pool.waiting == 0
    assert pool.pop() == "a"


def test_P9_a_timeout_that_interrupts_the_hand_over_changes_nothing():
    """The clock has begun to end the wait when the push serves the waiter, which is gone with it at once."""
    clock = ManualClock()
    hooks = {}
    pool = hooked_pool(hooks, clock=clock)
    first, second = waiting_pops(pool, clock, 2)
    waiter = inside.waiters(pool)[0]

    def wait_until_it_is_gone_and_end_its_wait():
        first.result()
        waiter.leave()

    hooks["released"] = wait_until_it_is_gone_and_end_its_wait
    pool.push("a")
    pool.push("b")

    assert (first.result(), second.result()) == ("a", "b")


def test_P9_a_pop_whose_eviction_is_interrupted_keeps_what_it_had_taken():
    def dealloc(resource):
        if resource == "old":
            raise SystemExit

    clock = ManualClock()
    pool = ResourcePool(maxage=5, clock=clock, dealloc=dealloc)
    pool.push("old")
    inside.be_late(clock, 4)
    pool.push("new")
    inside.be_late(clock, 6)  # the clock is late to call
    with pytest.raises(SystemExit):
        pool.pop()

    assert len(pool) == 1


def test_P9_victims_of_an_interrupted_eviction_get_their_dealloc():
    deallocated = []

    def dealloc(resource):
        deallocated.append(resource)
        if resource == "b":
            raise KeyboardInterrupt

    pool = ResourcePool(init="dcba", maxsize=4, minsize=1, dealloc=dealloc)
    with pytest.raises(KeyboardInterrupt):
        pool.push("e")

    assert deallocated == ["a", "b", "c", "d"]
    assert pool.pop() == "e"


def test_P9_victims_get_their_dealloc_though_an_interrupt_comes_before_the_first():
    deallocated = []
    hooks = {}
    pool = hooked_pool(hooks, init="ba", maxsize=2, minsize=0, dealloc=deallocated.append)
    hooks["unlock"] = interrupt
    with pytest.raises(KeyboardInterrupt):
        pool.push("c")

    assert deallocated == ["a", "b", "c"]


@pytest.mark.parametrize("point", ["popleft", "unlock"])
@pytest.mark.parametrize("call", ["push", "expiry"])
def test_P9_an_interrupted_expiry_goes_on_and_what_it_took_gets_its_dealloc(call, point):
    clock = ManualClock()
    deallocated = []
    hooks = {}
    pool = hooked_pool(hooks, init="ba", maxage=5, clock=clock, dealloc=deallocated.append)
    hooks[point] = interrupt
    with pytest.raises(KeyboardInterrupt):
        if call == "expiry":
            clock.advance(5)
        else:
            inside.be_late(clock, 5)  # the clock is late to call
            pool.push("c")

    assert deallocated == ["a", "b"]


def test_P9_many_threads_own_each_resource_one_at_a_time():
    resources = [Resource(i) for i in range(5)]
    pool = ResourcePool(init=resources, maxage=60)
    owned = {id(resource): threading.Lock() for resource in resources}

    def use():
        for _ in range(300):
            with pool(timeout=0) as resource:
                assert owned[id(resource)].acquire(blocking=False)
                owned[id(resource)].release()

    for call in [Call(use) for _ in range(12)]:
        call.result()

    assert len(pool) == 5
    assert pool.waiting == 0


@pytest.mark.parametrize("timeout", [1e10, 1e300, 10**30, 10**400, math.inf])
def test_P11_a_timeout_of_any_size_is_honoured(timeout):
    for clock in (None, ManualClock()):
        pool = ResourcePool(clock=clock)
        call = Call(pool.pop, timeout=timeout)
        while pool.waiting == 0 and call.thread.is_alive():
            pass
        pool.push("a")

        assert call.result() == "a"


def test_P11_the_system_clock_waits_again_after_the_longest_wait_it_can_ask_for(monkeypatch):
    import _thread

    monkeypatch.setattr(_thread, "TIMEOUT_MAX", 0.01)
    pool = ResourcePool()
    start = time.monotonic()
    with pytest.raises(ResourcePoolEmpty):
        pool.pop(timeout=0.05)

    assert time.monotonic() - start >= 0.05


def test_P8_a_waiter_from_whom_a_pop_that_came_before_it_takes_what_is_pushed_waits_on():
    hooks, clock, taken = {}, ManualClock(), []
    pool = hooked_pool(hooks, clock=clock)
    call = Call(pool.pop, timeout=0)
    clock.await_blocked(1)

    hooks["pop"] = lambda: taken.append(inside.idle(pool).pop())  # after the look whether something is idle
    pool.push("a")
    assert taken == ["a"]
    assert pool.waiting == 1

    pool.push("b")
    assert call.result() == "b"


def test_P8_who_queues_again_does_not_stand_in_front_of_one_that_was_served_and_not_woken():
    """A push is cut off between the hand-over to the second and its wake-up, and meanwhile the first comes back."""
    clock, hooks = ManualClock(), {}
    begun, go_on = threading.Event(), threading.Event()

    def check(resource):
        if resource == "dead":
            begun.set()
            assert go_on.wait(PATIENCE)
        return resource != "dead"

    pool = hooked_pool(hooks, clock=clock, check=check)
    first, second = waiting_pops(pool, clock, 2)
    pool.push("dead")
    assert begun.wait(PATIENCE)

    def cut_off():
        hooks["lock"] = let_the_first_queue_again
        raise KeyboardInterrupt

    def let_the_first_queue_again():
        go_on.set()
        in_time(lambda: pool.waiting, 2, 0.5)

    hooks["release"] = cut_off
    with pytest.raises(KeyboardInterrupt):
        pool.push("b")
    go_on.set()
    second.thread.join(1)
    served = not second.thread.is_alive()
    waiting = in_time(lambda: pool.waiting, 1, 1)
    pool.push("c")  # for the first
    pool.push("d")

    assert served, f"the second sleeps beside its full box, {waiting} wait"
    assert second.result() == "b"
    assert first.result() == "c"


def test_P7_who_queues_again_is_served_before_all_who_came_after_it():
    clock = ManualClock()
    check = SlowCheck()
    pool = ResourcePool(clock=clock, check=check)
    calls = waiting_pops(pool, clock, 3)
    pool.push("dead")
    assert check.begun.acquire(timeout=PATIENCE)
    check.go_on.release()
    clock.await_blocked(3)
    for i in range(3):
        pool.push(i)

    assert [call.result() for call in calls] == [0, 1, 2]
