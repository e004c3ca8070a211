"""R3, R6, L3 and L7: who deallocates, in which thread, and that no bad moment ends that for good."""

from __future__ import annotations

import _thread
import ctypes
import sys
import threading
import time

import pytest

from tests.helpers import Call, in_time, soon
from tests.support import inside
from ya.resourcepool import ManualClock, ResourcePool, ResourcePoolEmpty

HERE = "in this thread"


class Slow:
    """A `dealloc` that hangs, for all or for some, until it is let go; it knows which threads it was called in."""

    def __init__(self, *names):
        self._names, self._gate = names, threading.Event()
        self.begun, self.ended, self.threads = [], [], []

    def __call__(self, resource):
        self.threads.append(threading.get_ident())
        self.begun.append(resource)
        if not self._names or resource in self._names:
            self._gate.wait(10)
        self.ended.append(resource)

    def let_go(self):
        self._gate.set()


@pytest.fixture
def slow():
    """Makes such a `dealloc`; it lets go at the end, also of a test that failed, and awaits the threads' end."""
    made, before = [], _thread._count()

    def make(*names):
        made.append(Slow(*names))
        return made[-1]

    yield make
    for one in made:
        one.let_go()
    in_time(lambda: _thread._count() <= before, True)


@pytest.fixture
def quiet(monkeypatch):
    """What a background thread dies of is not reported."""
    monkeypatch.setattr(sys, "unraisablehook", lambda unraisable: None)


def who(threads):
    return [HERE if thread == threading.get_ident() else "elsewhere" for thread in threads]


# R6: who deallocates what.


def test_R6_the_overflow_of_a_push_is_deallocated_by_it():
    threads = []
    pool = ResourcePool(
        init="cba", maxsize=3, minsize=1, maxage=1000, dealloc=lambda _: threads.append(_thread.get_ident())
    )
    pool.push("d")

    assert who(threads) == [HERE] * 3


@pytest.mark.parametrize(
    "end",
    ["clear", "close", "push to a closed pool", "discard", "a check that raises", "collection"],
)
def test_R6_everything_else_that_a_call_gives_up_it_deallocates(end):
    threads = []

    def check(_):
        raise OSError

    pool = ResourcePool(
        init="a",
        maxage=1000,
        dealloc=lambda _: threads.append(_thread.get_ident()),
        check=check if "check" in end else None,
    )
    if end in ("clear", "close"):
        getattr(pool, end)()
    elif "closed" in end:
        resource = pool.pop()
        pool.close()
        pool.push(resource)
    elif end == "discard":
        lease = pool()
        with lease:
            lease.discard()
    elif "check" in end:
        with pytest.raises(OSError):  # noqa: PT011
            pool.pop()
    else:
        del pool

    assert who(threads) == [HERE]


@pytest.mark.parametrize("operation", ["push", "pop"])
def test_R6_where_no_thread_can_be_had_the_operation_that_found_it_deallocates(operation, monkeypatch):
    def fail(*_):
        raise RuntimeError("can't start new thread")

    deallocated = []
    pool = ResourcePool(maxage=0.03, dealloc=lambda resource: deallocated.append((resource, _thread.get_ident())))
    monkeypatch.setattr(_thread, "start_new_thread", fail)
    pool.push("a")
    pool.push("b")
    time.sleep(0.04)
    if operation == "push":
        pool.push("c")
    else:
        with pytest.raises(ResourcePoolEmpty):
            pool.pop()

    assert deallocated == [(name, threading.get_ident()) for name in "ab"]


class Late(ManualClock):
    """A clock that can be late with what falls due."""

    def hurry(self, seconds):
        inside.be_late(self, self.now() + seconds)


@pytest.mark.parametrize("operation", ["push", "pop"])
def test_R6_with_a_manual_clock_the_operation_that_finds_it_due_deallocates_before_it_returns(operation):
    before, clock, threads = _thread._count(), Late(), []
    pool = ResourcePool(init="ab", maxage=5, clock=clock, dealloc=lambda _: threads.append(_thread.get_ident()))
    clock.hurry(5)
    if operation == "push":
        pool.push("c")
    else:
        with pytest.raises(ResourcePoolEmpty):
            pool.pop()

    assert who(threads) == [HERE, HERE]
    assert _thread._count() <= before  # threads of other tests may have ended


# L3: how many threads.


def best_of_three(measure):
    """How late something is at best: the machine has other things to do, too."""
    late = []
    while len(late) < 3 and (not late or late[-1] >= 0.05):
        late.append(measure())
    return min(late)


def test_R3_what_comes_during_a_slow_dealloc_and_is_due_later_is_in_time(slow):
    """The one thread is busy as it is pushed, and free long before it is due."""

    def late():
        dealloc, times = slow("a"), {}

        def timed(resource):
            times[resource] = time.monotonic()
            dealloc(resource)

        pool = ResourcePool(init="a", maxage=0.2, dealloc=timed)
        assert in_time(lambda: dealloc.begun, ["a"]) == ["a"]
        pushed = time.monotonic()
        pool.push("b")
        dealloc.let_go()

        assert in_time(lambda: dealloc.begun, ["a", "b"]) == ["a", "b"]
        assert times["b"] - pushed >= 0.2
        return times["b"] - pushed - 0.2

    assert best_of_three(late) < 0.05


def most_late(deadline, times, n):
    in_time(lambda: len(times), n, 10)
    assert len(times) == n
    return max(times) - deadline


def test_R3_a_hundred_pools_that_are_due_together_are_in_time():
    def late():
        times = []
        pools = [ResourcePool(maxage=0.3, dealloc=lambda _: times.append(time.monotonic())) for _ in range(100)]
        start = time.monotonic()
        for pool in pools:
            pool.push("a")
        pushed = time.monotonic()
        assert pushed - start < 0.3
        return most_late(pushed + 0.3, times, 100)

    assert best_of_three(late) < 0.05


# L7 and R3: one bad moment does not end expiry.


def expiry_goes_on(pool, deallocated, name):
    """What has expired soon after the next operation has pushed that."""
    soon(pool.push, name)
    in_time(lambda: name in deallocated, True)
    return deallocated


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit, RuntimeError])
def test_R3_expiry_goes_on_after_an_asynchronous_exception_in_the_thread(quiet, error):
    others, deallocated = set(sys._current_frames()), []
    pool = ResourcePool(init="a", maxage=0.1, dealloc=deallocated.append)
    threads = in_time(lambda: len(set(sys._current_frames()) - others), 1) and set(sys._current_frames()) - others
    assert len(threads) == 1
    for thread in threads:
        assert ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread), ctypes.py_object(error)) == 1
    time.sleep(0.15)

    assert expiry_goes_on(pool, deallocated, "b") == ["a", "b"]


@pytest.mark.parametrize("error", [SystemExit, KeyboardInterrupt])
def test_R3_expiry_goes_on_after_a_dealloc_that_ended_the_thread_while_no_other_could_start(monkeypatch, quiet, error):
    deallocated = []

    def fail(*_):
        raise RuntimeError("can't start new thread")

    def dealloc(resource):
        deallocated.append(resource)
        if resource == "a":
            pool.push("b")
            monkeypatch.setattr(_thread, "start_new_thread", fail)
            raise error

    before = _thread._count()
    pool = ResourcePool(init="a", maxage=0.02, dealloc=dealloc)
    assert in_time(lambda: deallocated[:1], ["a"]) == ["a"]
    in_time(lambda: _thread._count(), before, 0.2)
    monkeypatch.undo()
    monkeypatch.setattr(sys, "unraisablehook", lambda unraisable: None)

    assert expiry_goes_on(pool, deallocated, "c") == ["a", "b", "c"]


def test_R3_expiry_goes_on_though_what_was_left_to_the_thread_raised_SystemExit(slow, quiet):
    deallocated = []

    def dealloc(resource):
        deallocated.append(resource)
        raise SystemExit

    pool = ResourcePool(init="cba", maxage=0.02, dealloc=dealloc)
    assert in_time(lambda: deallocated, ["a", "b", "c"]) == ["a", "b", "c"]

    assert expiry_goes_on(pool, deallocated, "d") == ["a", "b", "c", "d"]


def test_R3_expiry_goes_on_after_the_clocks_function_has_raised():
    """A manual clock: `advance` raises what `dealloc` raised, and what remains is idle, due or deallocated."""
    deallocated = []

    def dealloc(resource):
        deallocated.append(resource)
        if resource == "a":
            raise KeyboardInterrupt

    clock = ManualClock()
    pool = ResourcePool(init="ba", maxage=5, dealloc=dealloc, clock=clock)
    clock.advance(1)
    pool.push("c")
    with pytest.raises(KeyboardInterrupt):
        clock.advance(4)
    assert deallocated == ["a", "b"]
    assert (clock.now(), len(pool)) == (5, 1)
    clock.advance(1)

    assert deallocated == ["a", "b", "c"]


def test_P8_a_wait_begun_while_the_thread_is_busy_is_served(slow):
    dealloc = slow("a")
    pool = ResourcePool(init="a", maxage=0.02, dealloc=dealloc)
    assert in_time(lambda: dealloc.begun, ["a"]) == ["a"]
    call = Call(pool.pop, timeout=5)
    assert in_time(lambda: pool.waiting, 1) == 1
    soon(pool.push, "b")

    assert call.result() == "b"
