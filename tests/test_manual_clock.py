"""T2: the clock that is moved by hand."""

from __future__ import annotations

import math
import random
import sys
import threading
from functools import partial

import pytest

from tests.faults.points import Points
from tests.helpers import PATIENCE, Call, raised
from tests.support import inside
from ya.resourcepool import ManualClock, ResourcePool, ResourcePoolEmpty


def test_T2_time_moves_only_by_advance():
    clock = ManualClock()
    assert clock.now() == 0
    clock.advance(2)
    clock.advance(0)
    clock.advance(0.5)
    assert clock.now() == 2.5
    assert ManualClock(start=7).now() == 7


@pytest.mark.parametrize("seconds", [-1, -0.001, math.nan, math.inf])
def test_T2_a_negative_or_endless_advance_is_a_ValueError(seconds):
    clock = ManualClock()
    with pytest.raises(ValueError, match=r"^seconds must be a finite number >= 0, not (-.*|inf|NaN)$"):
        clock.advance(seconds)

    assert clock.now() == 0


def test_T2_an_advance_by_what_is_no_number_is_a_TypeError():
    with pytest.raises(TypeError, match=r"^seconds must be a finite number >= 0, not '1'$"):
        ManualClock().advance("1")
    with pytest.raises(TypeError, match=r"^start must be a finite number, not '0'$"):
        ManualClock("0")


def test_T2_dealloc_runs_in_the_advancing_thread_with_the_clock_at_the_deadline():
    clock = ManualClock()
    log = []
    pool = ResourcePool(maxage=5, clock=clock, dealloc=lambda r: log.append((r, clock.now(), threading.get_ident())))
    pool.push("a")
    clock.advance(2)
    pool.push("b")
    clock.advance(60)

    assert log == [("a", 5, threading.get_ident()), ("b", 7, threading.get_ident())]
    assert clock.now() == 62


def test_T2_events_happen_in_the_order_of_their_deadlines_expiries_first():
    clock = ManualClock()
    log = []

    def dealloc(resource):
        log.append((clock.now(), resource, limited.waiting))

    limited = ResourcePool(clock=clock)
    pools = [ResourcePool(maxage=maxage, clock=clock, dealloc=dealloc) for maxage in (4, 3, 5)]
    pools[0].push("4")
    calls = [Call(limited.pop, timeout=timeout) for timeout in (3, 4)]
    clock.await_blocked(2)
    pools[1].push("3")
    pools[2].push("5")
    clock.advance(10)
    for call in calls:
        call.error()

    assert log == [(3, "3", 2), (4, "4", 1), (5, "5", 0)]


def test_T2_of_equal_deadlines_the_earlier_start_comes_first():
    clock = ManualClock()
    log = []
    early = ResourcePool(maxage=5, clock=clock, dealloc=log.append)
    late = ResourcePool(maxage=3, clock=clock, dealloc=log.append)
    early.push("from 0")
    clock.advance(2)
    late.push("from 2")
    clock.advance(3)

    assert log == ["from 0", "from 2"]


def test_T2_a_timeout_is_performed_when_advance_returns():
    """A later push does not reach the waiter, however late its thread runs."""
    clock = ManualClock()
    pool = ResourcePool(clock=clock)
    for _ in range(50):
        call = Call(pool.pop, timeout=5)
        clock.await_blocked(1)
        clock.advance(5)
        assert pool.waiting == 0
        pool.push("a")
        assert len(pool) == 1
        error = call.error()
        assert isinstance(error, ResourcePoolEmpty)
        assert error.waited == 5
        pool.clear()


def test_T2_waited_is_measured_at_the_deadline():
    clock = ManualClock()
    pool = ResourcePool(clock=clock)
    call = Call(pool.pop, timeout=5)
    clock.await_blocked(1)
    clock.advance(60)

    assert call.error().waited == 5


def test_T2_an_expiry_at_the_deadline_of_a_waiter_may_still_serve_it():
    clock = ManualClock()
    limited = ResourcePool(clock=clock)
    expiring = ResourcePool(init="a", maxage=5, clock=clock, dealloc=limited.push)
    call = Call(limited.pop, timeout=5)
    clock.await_blocked(1)
    clock.advance(5)

    assert call.result() == "a"
    assert len(expiring) == 0


def test_T2_the_pool_starts_no_thread_under_it():
    import _thread

    before = _thread._count()
    clock = ManualClock()
    pool = ResourcePool(init="abc", maxage=5, clock=clock)
    pool.push("d")

    assert _thread._count() == before


def test_T2_await_blocked_waits_in_real_time():
    clock = ManualClock()
    pool = ResourcePool(clock=clock)
    with pytest.raises(TimeoutError, match=r"0 of 1 threads blocked within 0.01 s"):
        clock.await_blocked(1, 0.01)
    calls = [Call(pool.pop, timeout=0) for _ in range(3)]
    assert clock.await_blocked(3, PATIENCE)
    pool.push("a")
    with pytest.raises(TimeoutError, match="2 of 3"):
        clock.await_blocked(3, timeout=0.01)
    pool.close()
    assert sum(call.thread.join(PATIENCE) or call._error is None for call in calls) == 1


def test_T2_await_blocked_gives_up_after_ten_seconds(monkeypatch):
    times = iter([1, 10.9, 11])
    monkeypatch.setattr("time.monotonic", lambda: next(times))
    with pytest.raises(TimeoutError, match=r"^0 of 1 threads blocked within 10 s$"):
        ManualClock().await_blocked(1)


def test_T2_await_blocked_says_which_argument_is_no_number():
    clock = ManualClock()
    with pytest.raises(TypeError, match=r"^n must be a number, not '1'$"):
        clock.await_blocked("1")
    with pytest.raises(ValueError, match=r"^timeout must be a number, not NaN$"):
        clock.await_blocked(1, math.nan)


def test_T2_await_blocked_does_not_count_who_has_been_served():
    """Not even while its thread has the latch and has not come back from waiting for it."""
    acquired, go_on = threading.Event(), threading.Event()

    class Latch:
        def __init__(self):
            self._lock = threading.Lock()
            self.release, self.locked = self._lock.release, self._lock.locked
            self._fresh = True

        def acquire(self, *args):
            result = self._lock.acquire(*args)
            if not self._fresh:
                acquired.set()
                assert go_on.wait(PATIENCE)
            self._fresh = False
            return result

    clock = ManualClock()
    pool = inside.subclass(ResourcePool, latch_class=Latch)(clock=clock)
    call = Call(pool.pop, timeout=0)
    clock.await_blocked(1)
    pool.push("a")
    assert acquired.wait(PATIENCE)
    with pytest.raises(TimeoutError):
        clock.await_blocked(1, timeout=0)
    go_on.set()

    assert call.result() == "a"


def test_T2_an_event_that_advances_the_clock_happens_once():
    clock = ManualClock()
    times = []

    def advance():
        times.append(clock.now())
        clock.advance(1)

    clock.call_at(0, 1, advance)
    clock.advance(3)

    assert times == [1]
    assert clock.now() == 3


def test_T2_a_call_that_another_thread_cancels_as_it_begins_does_no_harm():
    """The thread closes its pool between two looks at what is to be called."""

    class Event(inside.get(inside.EVENT)):
        @property
        def function(self):
            function, self._function = self._function, None
            return function

        @function.setter
        def function(self, function):
            self._function = function

    calls = []
    event = Event(lambda: calls.append("called"))
    event.happen()

    assert calls == ["called"]


def test_T2_an_event_that_raises_happens_once():
    clock = ManualClock()
    calls = []

    def fail():
        calls.append(clock.now())
        raise ValueError("failed")

    clock.call_at(0, 1, fail)
    with pytest.raises(ValueError, match="failed"):
        clock.advance(2)
    clock.advance(2)

    assert calls == [1]


def test_T2_a_call_for_a_time_that_has_passed_does_not_set_the_clock_back():
    clock = ManualClock(start=10)
    times = []
    clock.call_at(0, 5, lambda: times.append(clock.now()))
    clock.advance(1)

    assert times == [10]
    assert clock.now() == 11


def test_T2_what_a_finalizer_pushes_while_old_events_are_dropped_expires():
    clock = ManualClock()
    expired = []
    pool = ResourcePool(maxage=5, clock=clock, dealloc=expired.append)

    class PushesWhenLookedAt:
        lock = function = None

        @property
        def done(self):
            if not inside.idle(pool):
                pool.push("a")
            return True

    for i in range(64):
        clock.call_at(0, 1000 + i, lambda: None)
    events = inside.events(clock)
    events[10] = (*events[10][:-1], PushesWhenLookedAt())
    clock.call_at(0, 1000, lambda: None)
    clock.advance(5)

    assert expired == ["a"]


@pytest.mark.parametrize("start", [math.inf, -math.inf, math.nan])
def test_T2_a_start_that_is_not_finite_is_a_ValueError(start):
    with pytest.raises(ValueError, match=r"^start must be a finite number, not -?(inf|NaN)$"):
        ManualClock(start)


def test_T2_a_start_that_no_float_can_hold_is_a_ValueError():
    with pytest.raises(ValueError, match=r"^start must be a finite number, not 10{400}$"):
        ManualClock(10**400)


def test_T2_a_call_that_no_float_can_tell_the_time_of_does_not_come():
    clock, calls = ManualClock(0.5), []
    clock.call_at(0.5, 10**400, lambda: calls.append(clock.now()))
    clock.advance(1e300)

    assert calls == []


def test_T2_calls_come_in_their_order_though_others_were_cancelled():
    generator = random.Random(2)
    clock, calls = ManualClock(), []
    for _ in range(500):
        length = generator.random()
        cancel = clock.call_at(0, length, partial(calls.append, length))
        if generator.random() < 0.8:
            cancel()
    clock.advance(1)

    assert len(calls) > 50
    assert calls == sorted(calls)


def test_T2_an_advance_that_no_float_can_hold_is_a_ValueError():
    with pytest.raises(ValueError, match=r"^seconds must be a number that can be added to 0.5$"):
        ManualClock(0.5).advance(10**400)


def test_T2_wait_works_with_any_lock():
    clock = ManualClock()
    for lock in (threading.Lock(), threading.BoundedSemaphore(1)):
        lock.acquire()
        call = Call(clock.wait, lock, clock.now(), 5)
        clock.await_blocked(1)
        clock.advance(5)
        assert call.result() is False

        call = Call(clock.wait, lock, clock.now(), 5)
        clock.await_blocked(1)
        lock.release()
        assert call.result() is True
        assert clock.wait(lock, clock.now() - 5, 5) is False
        lock.release()
        assert clock.wait(lock, clock.now() - 5, 5) is True


def test_T2_wait_leaves_it_to_a_lock_that_can_leave_when_it_returns():
    class Lock:
        def acquire(self):  # no timeout: to look again and again would be in the way of a simulation
            return True

        def leave(self): ...

    assert ManualClock().wait(Lock(), 0, 5) is True


def test_T2_wait_goes_on_while_the_lock_is_taken_and_the_time_has_not_come():
    class Lock:
        def acquire(self, blocking, timeout):
            return next(outcomes)

    outcomes = iter([False, False, False, True])
    assert ManualClock().wait(Lock(), 0, 5) is True


def test_T2_await_blocked_does_not_count_who_came_back_while_it_counts():
    class Lock:
        def __init__(self):
            self._lock = threading.Lock()
            self._lock.acquire()
            self.acquire, self.release = self._lock.acquire, self._lock.release
            self.meanwhile = lambda: None

        def locked(self):
            self.meanwhile()
            return True

    def release_second():
        second.release()
        assert calls[1].result() is True

    clock = ManualClock()
    first, second = Lock(), Lock()
    calls = []
    for lock in (first, second):
        calls.append(Call(clock.wait, lock, 0, 5))
        clock.await_blocked(len(calls))
    first.meanwhile = release_second
    with pytest.raises(TimeoutError, match="1 of 2"):
        clock.await_blocked(2, timeout=0)
    first.release()
    assert calls[0].result() is True


def test_T2_an_interrupted_advance_is_made_up_for_by_the_next():
    clock = ManualClock()
    calls = []

    def function():
        calls.append(clock.now())
        if len(calls) == 1:
            raise KeyboardInterrupt

    clock.call_at(0, 5, function)
    with pytest.raises(KeyboardInterrupt):
        clock.advance(9)
    assert clock.now() == 5
    clock.advance(1)
    clock.advance(1)

    assert calls == [5, 5]


def test_T2_waits_that_ended_early_do_not_pile_up():
    clock = ManualClock()
    pool = ResourcePool(clock=clock)

    def pop():
        for _ in range(100):
            pool.pop(timeout=1000)

    call = Call(pop)
    while call.thread.is_alive():
        if pool.waiting:
            pool.push("a")
    call.result()

    assert len(inside.events(clock)) < 80
    assert not inside.blocked(clock)


def in_the_order(starts):
    """What happens, in its order, of equal deadlines: each of these begins to wait, or to age, as it is named."""
    clock, log = ManualClock(), []

    class Latch:
        """What a thread waits for. The clock has it leave."""

        def __init__(self, name):
            self._name, self._lock = name, threading.Lock()
            self._lock.acquire()
            self.locked = self._lock.locked

        def acquire(self, blocking=True, timeout=-1):
            return self._lock.acquire(blocking, timeout)

        def leave(self):
            log.append(self._name)
            self._lock.release()

    calls, blocked = [], 0
    for name, start, length in starts:
        clock.advance(start - clock.now())
        if name.startswith("wait"):
            calls.append(Call(clock.wait, Latch(name), start, length))
            blocked += 1
            clock.await_blocked(blocked)
        else:
            clock.call_at(start, length, lambda name=name: log.append(name))
    clock.advance(20)
    for call in calls:
        call.result()
    return log


def test_T2_of_equal_deadlines_expiries_come_before_timeouts_whichever_started_first():
    assert in_the_order([("wait 1", 0, 10), ("expire 1", 0, 10), ("wait 2", 0, 10), ("expire 2", 0, 10)]) == [
        "expire 1",
        "expire 2",
        "wait 1",
        "wait 2",
    ]


def test_T2_of_equal_deadlines_an_expiry_comes_before_a_timeout_that_started_earlier():
    assert in_the_order([("wait 1", 0, 10), ("expire 1", 4, 6)]) == ["expire 1", "wait 1"]


@pytest.mark.parametrize("kind", ["wait", "expire"])
def test_T2_of_equal_deadlines_of_one_kind_what_started_first_comes_first(kind):
    assert in_the_order([(f"{kind} 1", 0, 10), (f"{kind} 2", 3, 7), (f"{kind} 3", 5, 5)]) == [
        f"{kind} 1",
        f"{kind} 2",
        f"{kind} 3",
    ]


def test_T2_of_equal_deadlines_what_started_first_comes_first_though_it_was_asked_for_last():
    clock, log = ManualClock(), []
    clock.advance(5)
    for start in (4, 2, 3):
        clock.call_at(start, 10 - start, lambda start=start: log.append(start))
    clock.advance(5)

    assert log == [2, 3, 4]


@pytest.mark.parametrize("kind", ["wait", "expire"])
def test_T2_of_equal_deadlines_and_starts_what_was_asked_for_first_comes_first(kind):
    assert in_the_order([(f"{kind} {i}", 0, 10) for i in range(9)]) == [f"{kind} {i}" for i in range(9)]


def test_T2_deadlines_come_before_kinds_and_starts():
    assert in_the_order([("wait 1", 0, 9), ("expire 1", 0, 10), ("wait 2", 1, 9.5)]) == ["wait 1", "expire 1", "wait 2"]


def test_T2_what_a_call_that_raised_has_not_done_is_not_done_twice():
    clock, log = ManualClock(), []

    def fail():
        log.append("raised")
        raise OSError

    clock.call_at(0, 5, fail)
    clock.call_at(0, 5, lambda: log.append("next"))
    with pytest.raises(OSError):  # noqa: PT011
        clock.advance(9)
    assert (clock.now(), log) == (5, ["raised"])
    clock.advance(4)

    assert (clock.now(), log) == (9, ["raised", "next"])


@pytest.mark.parametrize("method", ["push", "clear", "close", "pop"])
@pytest.mark.parametrize("timeouts", [(5, 0), (0, 5), (5, 0, 5, 0)])
def test_T2_an_advance_by_a_handler_amid_a_call_has_none_leave_whose_time_has_not_come(timeouts, method):
    """Before each bytecode of the call."""

    class Everything:
        def __init__(self):
            self.clock = ManualClock()
            self.pool = ResourcePool(clock=self.clock)
            self.calls = []
            for i, timeout in enumerate(timeouts):
                self.calls.append(Call(self.pool.pop, timeout=timeout))
                self.clock.await_blocked(i + 1)

        def operate(self):
            if method == "pop":
                raised(self.pool.pop)
            elif method == "push":
                self.pool.push("a")
            else:
                getattr(self.pool, method)()

        def end(self):
            for _ in range(self.pool.waiting):
                self.pool.push("b")
            for call in self.calls:
                call.thread.join(PATIENCE)
            return [(call._outcome, type(call._error)) for call in self.calls]

    with Points(sys.modules["ya.resourcepool"]) as points:
        for _ in range(2):
            world = Everything()
            passed = points.count(world.operate)
            world.end()
        for point in range(0, len(passed), 1 if method == "push" else 5):
            world = Everything()
            place = points.at_point(world.operate, point, lambda: world.clock.advance(10))  # noqa: B023
            where = f"{place.function}, line {place.line}"
            ends = world.end()
            got = [outcome for outcome, _ in ends if outcome is not None]
            for timeout, (_, error) in zip(timeouts, ends, strict=True):
                assert timeout or error is not ResourcePoolEmpty, f"{ends} at {where}"
            assert got.count("a") + len(world.pool) <= 1, f"{ends} at {where}"
            if method == "push":
                assert got.count("a") + list(inside.idle(world.pool)).count("a") == 1, f"{ends} at {where}"


def test_T2_an_advance_by_a_handler_amid_an_advance_does_each_thing_once():
    """Before each bytecode of the advance."""

    class Everything:
        def __init__(self):
            self.clock, self.log = ManualClock(), []
            cancel = self.clock.call_at(0, 2, lambda: self.log.append("cancelled"))
            for length in (1, 2, 3, 30):
                self.clock.call_at(0, length, partial(self.log.append, length))
            cancel()

        def operate(self):
            self.clock.advance(5)

    with Points(sys.modules["ya.resourcepool"]) as points:
        for _ in range(2):
            passed = points.count(Everything().operate)
        for point in range(len(passed)):
            world, errors = Everything(), []
            place = points.at_point(
                lambda: errors.append(raised(world.operate)),  # noqa: B023
                point,
                lambda: errors.append(raised(world.clock.advance, 10)),  # noqa: B023
            )
            where = f"{place.function}, line {place.line}"
            assert errors == [None, None], where
            assert sorted(world.log) == [1, 2, 3], where
            assert 10 <= world.clock.now() <= 15, where
