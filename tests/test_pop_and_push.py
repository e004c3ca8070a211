"""P1 to P12: taking resources and giving them back, waiting for them included."""

from __future__ import annotations

import math
import signal
import threading
import time

import pytest

from tests.helpers import PATIENCE, Call, Resource, hooked_pool
from ya.resourcepool import ManualClock, ResourcePool, ResourcePoolClosed, ResourcePoolEmpty


class Hostile:
    """A resource that can't stand to be looked at."""

    def __eq__(self, other):
        raise AssertionError("compared")

    def __hash__(self):
        raise AssertionError("hashed")

    def __bool__(self):
        raise AssertionError("tested for truth")


class InterruptingClock(ManualClock):
    """A clock whose next wait is cut off after `before` has run."""

    def __init__(self, before=lambda: None, error=KeyboardInterrupt):
        super().__init__()
        self._before = before
        self._error = error

    def wait(self, lock, start, timeout):
        self._before()
        raise self._error


def waiting_pops(pool, clock, n, timeout=0):
    """Start n pops that wait, one after the other."""
    calls = []
    for i in range(n):
        calls.append(Call(pool.pop, timeout=timeout))
        clock.await_blocked(i + 1, PATIENCE)
    return calls


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
    clock = ManualClock()
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
    with pytest.raises(error, match="timeout must be None or a number, not"):
        pool.pop(timeout=timeout)

    assert pool.waiting == 0


def test_P3_the_timeout_is_looked_at_only_when_pop_must_wait():
    assert ResourcePool(init=["a"]).pop(timeout="nonsense") == "a"
    assert ResourcePool(alloc=lambda: "made").pop(timeout=math.nan) == "made"


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
    clock = ManualClock()
    hooks = {}
    pool = hooked_pool(hooks, init=["old"], maxage=5, clock=clock, alloc=lambda: "made")
    others = []

    def swap():  # what pops and a push do that began before
        pool._idle.clear()
        pool._idle.append((6, "young"))

    def pop_from_another_thread():
        arrived = threading.Event()
        hooks["lock"] = arrived.set
        others.append(Call(pool.pop))
        assert arrived.wait(PATIENCE)

    clock._time = 6  # the clock is late to call
    hooks["popleft"] = swap
    hooks["extendleft"] = pop_from_another_thread
    pool.push("pushed")

    assert others[0].result() == "young"


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
    assert str(caught.value) == "no resource is idle (0 idle, 0 waiting)"
    assert caught.value.__context__ is None


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


def test_P7_a_newcomer_does_not_take_what_a_push_has_for_a_waiter():
    """The newcomer comes after the push has made it idle and before the push hands it over."""
    clock = ManualClock()
    hooks = {}
    pool = hooked_pool(hooks, clock=clock)
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


def test_P7_a_waiter_is_not_waiting_while_its_check_runs():
    clock = ManualClock()
    checking, go_on = threading.Semaphore(0), threading.Semaphore(0)

    def check(resource):
        if resource == "slow":
            checking.release()
            assert go_on.acquire(timeout=PATIENCE)
        return True

    pool = ResourcePool(check=check, clock=clock)
    first, second = waiting_pops(pool, clock, 2)
    pool.push("slow")
    assert checking.acquire(timeout=PATIENCE)
    assert pool.waiting == 1
    pool.push("for the second")
    assert second.result() == "for the second"
    pool.push("idle")
    assert len(pool) == 1
    go_on.release()

    assert first.result() == "slow"


def test_P7_a_waiter_with_a_dead_candidate_first_takes_what_is_idle():
    clock = ManualClock()
    checking, go_on = threading.Semaphore(0), threading.Semaphore(0)

    def check(resource):
        if resource == "dead":
            checking.release()
            assert go_on.acquire(timeout=PATIENCE)
        return resource != "dead"

    pool = ResourcePool(check=check, clock=clock)
    (waiter,) = waiting_pops(pool, clock, 1)
    pool.push("dead")
    assert checking.acquire(timeout=PATIENCE)
    pool.push("idle")
    go_on.release()

    assert waiter.result() == "idle"


def test_P7_a_waiter_with_a_dead_candidate_keeps_its_place():
    clock = ManualClock()
    checking, go_on = threading.Semaphore(0), threading.Semaphore(0)

    def check(resource):
        if resource == "dead":
            checking.release()
            assert go_on.acquire(timeout=PATIENCE)
        return resource != "dead"

    pool = ResourcePool(check=check, clock=clock)
    first, second = waiting_pops(pool, clock, 2)
    pool.push("dead")
    assert checking.acquire(timeout=PATIENCE)
    third = Call(pool.pop, timeout=0)
    clock.await_blocked(2)
    go_on.release()
    clock.await_blocked(3)
    for resource in "abc":
        pool.push(resource)

    assert [call.result() for call in (first, second, third)] == ["a", "b", "c"]


def test_P8_a_push_that_does_not_see_the_waiter_is_seen_by_it():
    """The push is done before the waiter queues, and after it has found nothing."""
    hooks = {}
    pool = hooked_pool(hooks, clock=ManualClock())
    hooks["locked"] = lambda: pool._idle.append("pushed")  # all that a push does that sees no waiter

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


@pytest.mark.parametrize("point", ["__len__", "lock", "locked", "pop", "unlock"])
def test_P8_an_interrupted_push_still_serves_the_waiter(point):
    clock = ManualClock()
    hooks = {}
    pool = hooked_pool(hooks, clock=clock)
    (waiter,) = waiting_pops(pool, clock, 1)

    def interrupt():
        raise KeyboardInterrupt

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

    pool._clock = InterruptingClock(hand_over_to_both)
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


def test_P9_a_pop_whose_eviction_is_interrupted_keeps_what_it_had_taken():
    def dealloc(resource):
        if resource == "old":
            raise SystemExit

    clock = ManualClock()
    pool = ResourcePool(maxage=5, clock=clock, dealloc=dealloc)
    pool.push("old")
    clock._time = 4
    pool.push("new")
    clock._time = 6  # the clock is late to call
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


def test_P9_pools_are_not_copied():
    import copy
    import pickle

    pool = ResourcePool(init=["a"])
    for duplicate in (copy.copy, copy.deepcopy, pickle.dumps):
        with pytest.raises(TypeError, match="one owner"):
            duplicate(pool)


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
        del pool._idle[2]
        now = 110.0

        assert len(pool) == expected
        assert deallocated == []
        pool._idle.clear()


def test_P10_a_pool_is_always_true():
    assert ResourcePool()


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
