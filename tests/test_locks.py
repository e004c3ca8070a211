"""K3, R1 and P9: a push waits for nobody's lock, the holder looks after it, and nothing leaves the lock held."""

from __future__ import annotations

import logging
import os
import sys
import threading
import weakref

import pytest

import ya.resourcepool
from tests.faults.points import Points
from tests.helpers import PATIENCE, Call, Resource, hooked_pool, in_time, raised, soon
from tests.support import inside
from ya.resourcepool import ManualClock, ResourcePool, ResourcePoolClosed, ResourcePoolEmpty

PACKAGE = os.path.join(ya.resourcepool.__path__[0], "")
HANGS = 0.5  # seconds after which a push counts as stuck, where it is tried at many points
METHODS = {
    "clear": lambda pool: pool.clear(),
    "close": lambda pool: pool.close(),
    "push": lambda pool: pool.push("held up"),
    "pop": lambda pool: pool.pop(0.001),
}


class Held:
    """A call of a pool in another thread that stops where it has the lock, and what to do about that."""

    def __init__(self, method, moment="locked", **arguments):
        self.hooks, self.has_lock, self.go_on = {}, threading.Event(), threading.Event()
        self.deallocated, self.got = [], []
        self.pool = hooked_pool(self.hooks, dealloc=self.deallocated.append, **arguments)
        self.hooks[moment] = self._stop
        self.call = Call(raised, lambda: self.got.append(METHODS[method](self.pool)))
        assert self.has_lock.wait(PATIENCE)

    def _stop(self):
        self.has_lock.set()
        self.go_on.wait(10)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.go_on.set()

    def end(self):
        self.go_on.set()
        return self.call.result()


@pytest.mark.parametrize("moment", ["locked", "unlock"])
@pytest.mark.parametrize("method", METHODS)
def test_K3_push_never_waits_for_a_lock_that_another_thread_holds(method, moment):
    with Held(method, moment, maxsize=0) as held:
        for name in "ab":
            soon(held.pool.push, name)
        error = held.end()

    assert error is None or isinstance(error, ResourcePoolEmpty)
    everything = ["a", "b", "held up"] if method == "push" else ["a", "b"]
    got = [resource for resource in held.got if resource is not None]  # a pop may have been served
    assert sorted(held.deallocated + got) == everything
    assert len(held.pool) == 0


@pytest.mark.parametrize("moment", ["locked", "unlock"])
@pytest.mark.parametrize("arguments", [{"maxsize": 2, "minsize": 1}, {"maxage": 60, "maxsize": 2, "minsize": 1}])
def test_R1_what_a_push_leaves_to_the_holder_of_the_lock_is_evicted_before_that_returns(arguments, moment):
    with Held("clear", moment, **arguments) as held:
        for name in "abc":
            soon(held.pool.push, name)
        held.end()

    assert len(held.pool) <= 2
    assert held.deallocated == ["a", "b", "c"][: len(held.deallocated)]
    assert len(held.deallocated) + len(held.pool) == 3


@pytest.mark.parametrize("moment", ["locked", "unlock"])
@pytest.mark.parametrize("method", ["clear", "push"])
def test_P8_what_a_push_leaves_to_the_holder_of_the_lock_is_handed_over_by_that(method, moment):
    hooks, has_lock, go_on, clock = {}, threading.Event(), threading.Event(), ManualClock()
    pool = hooked_pool(hooks, clock=clock)
    waiters = []
    for i in range(3):
        waiters.append(Call(pool.pop, timeout=0))
        clock.await_blocked(i + 1)

    def stop():
        has_lock.set()
        go_on.wait(10)

    hooks[moment] = stop
    holder = Call(METHODS[method], pool)
    assert has_lock.wait(PATIENCE)
    try:
        for name in "ab":
            soon(pool.push, name)
    finally:
        go_on.set()
    holder.result()
    if method == "clear" and moment == "locked":
        in_time(lambda: pool.waiting == 3 - len(pool), True, 0.1)  # what was pushed before the step may be cleared
    assert not (pool.waiting and len(pool))
    for _ in range(pool.waiting):
        pool.push("more")
    got = [waiter.result() for waiter in waiters]

    assert len(got) == 3


def test_R1_a_push_to_a_pool_that_another_thread_closes_is_deallocated_before_close_returns():
    with Held("close") as held:
        soon(held.pool.push, "a")
        held.end()

    assert held.deallocated == ["a"]
    assert len(held.pool) == 0


def test_K3_the_end_of_a_block_waits_for_no_lock_either():
    hooks, has_lock, go_on, deallocated = {}, threading.Event(), threading.Event(), []
    pool = hooked_pool(hooks, init="a", maxsize=1, minsize=0, dealloc=deallocated.append)
    lease = pool()
    lease.__enter__()
    pool.push("b")
    hooks["locked"] = lambda: (has_lock.set(), go_on.wait(10))
    holder = Call(pool.clear)
    assert has_lock.wait(PATIENCE)
    try:
        soon(lease.__exit__, None, None, None)
    finally:
        go_on.set()
    holder.result()

    assert len(pool) <= 1
    pool.close()
    assert sorted(deallocated) == ["a", "b"]


def test_K3_two_pools_whose_finalizers_push_to_each_other_do_not_deadlock():
    """Each thread holds the lock of one pool, and there something is finalized that goes back to the other."""
    both = threading.Barrier(2)
    hooks = {}, {}
    deallocated = [], []
    pools = [hooked_pool(hooks[i], maxsize=0, dealloc=deallocated[i].append) for i in (0, 1)]

    class Returned:
        def __init__(self, pool):
            self.pool = pool

        def __del__(self):
            self.pool.push("given back")

    def finalize_one_for(pool):
        both.wait(PATIENCE)
        Returned(pool)

    for i in (0, 1):
        hooks[i]["locked"] = lambda i=i: finalize_one_for(pools[1 - i])
    calls = [Call(pool.clear) for pool in pools]
    for call in calls:
        call.thread.join(1.5)

    assert [call.thread.is_alive() for call in calls] == [False, False], "the two pools are in a deadlock"
    assert deallocated == (["given back"], ["given back"])


def test_K3_a_weakref_callback_and_a_handler_of_two_pools_do_not_deadlock():
    both = threading.Barrier(2)
    hooks = {}, {}
    pools = [hooked_pool(hooks[i], maxsize=0) for i in (0, 1)]
    references = []

    def drop_one_for(pool):
        both.wait(PATIENCE)
        resource = Resource()
        references.append(weakref.ref(resource, lambda _: pool.push("given back")))
        del resource

    hooks[0]["locked"] = lambda: drop_one_for(pools[1])
    hooks[1]["unlock"] = lambda: (both.wait(PATIENCE), pools[0].push("of a signal's handler"))
    calls = [Call(pool.clear) for pool in pools]
    for call in calls:
        call.thread.join(1.5)

    assert [call.thread.is_alive() for call in calls] == [False, False], "the two pools are in a deadlock"
    assert [len(pool) for pool in pools] == [0, 0]


def test_K3_a_pool_and_the_lock_of_a_log_handler_do_not_deadlock():
    """One thread has the pool's lock and logs in a finalizer, one has the handler's lock and pushes."""
    both = threading.Barrier(2)
    hooks, deallocated = {}, []
    pool = hooked_pool(hooks, maxsize=0, dealloc=deallocated.append)

    class Handler(logging.Handler):
        def emit(self, record):
            if record.getMessage() == "in the handler":
                both.wait(PATIENCE)
            pool.push(record.getMessage())

    logger = logging.Logger("of a program")
    logger.addHandler(Handler())

    class Logs:
        def __del__(self):
            logger.warning("in a finalizer")

    def finalize_one():
        both.wait(PATIENCE)
        Logs()

    hooks["locked"] = finalize_one
    calls = [Call(pool.clear), Call(logger.warning, "in the handler")]
    for call in calls:
        call.thread.join(1.5)

    assert [call.thread.is_alive() for call in calls] == [False, False], "the pool and the log are in a deadlock"
    assert sorted(deallocated) == ["in a finalizer", "in the handler"]


def test_K3_a_pool_and_any_other_lock_do_not_deadlock():
    both, lock = threading.Barrier(2), threading.Lock()
    hooks, deallocated = {}, []
    pool = hooked_pool(hooks, maxsize=0, dealloc=deallocated.append)

    def take_the_other():
        both.wait(PATIENCE)
        with lock:
            pass

    def push_under_the_other():
        with lock:
            both.wait(PATIENCE)
            pool.push("a")

    hooks["locked"] = take_the_other
    calls = [Call(pool.clear), Call(push_under_the_other)]
    for call in calls:
        call.thread.join(1.5)

    assert [call.thread.is_alive() for call in calls] == [False, False], "the pool and the lock are in a deadlock"
    assert deallocated == ["a"]


def waiting(n, clock, **arguments):
    pool = ResourcePool(clock=clock, **arguments)
    calls = []
    for i in range(n):
        calls.append(Call(pool.pop, timeout=0))
        clock.await_blocked(i + 1)
    return pool, calls


@pytest.mark.parametrize(
    ("method", "arguments"),
    [
        ("clear", {"init": "ab", "maxsize": 2, "minsize": 1}),
        ("close", {"init": "ab", "maxsize": 2, "minsize": 1}),
        ("push", {"init": "ab", "maxsize": 2, "minsize": 1}),
        ("push", {"init": "ab", "maxsize": 2, "maxage": 60}),
        ("pop", {"maxage": 60, "alloc": lambda: "made"}),
        ("pop", {"maxsize": 0, "alloc": lambda: "made"}),
    ],
)
def test_K3_a_push_of_another_thread_amid_a_call_returns_and_is_looked_after(method, arguments):
    """Before each bytecode of the call."""

    class Everything:
        def __init__(self):
            self.deallocated, self.got = [], []
            self.pool = ResourcePool(dealloc=self.deallocated.append, clock=ManualClock(), **arguments)

        def call(self):
            if method == "pop":
                self.got.append(self.pool.pop())
            else:
                METHODS[method](self.pool)

    with Points(sys.modules["ya.resourcepool"]) as points:
        for _ in range(2):
            passed = points.count(Everything().call)
        for point in range(len(passed)):
            world = Everything()
            place = points.at_point(world.call, point, lambda: soon(world.pool.push, "new", within=HANGS))  # noqa: B023
            where = f"{place.function}, line {place.line}"
            pool, closed = world.pool, method == "close"
            left = len(pool)
            assert left <= (0 if closed else arguments.get("maxsize", 9)), where
            soon(pool.close, within=HANGS)
            expected = [*arguments.get("init", ""), "new", *(["held up"] if method == "push" else [])]
            assert sorted(world.deallocated + [one for one in world.got if one != "made"]) == sorted(expected), where


@pytest.mark.parametrize("method", ["clear", "push", "pop"])
def test_P8_a_push_of_another_thread_amid_a_call_reaches_who_waits(method):
    """At each third bytecode of the call."""
    with Points(sys.modules["ya.resourcepool"]) as points:
        for point in (None, None, *range(0, 10_000, 3)):
            clock = ManualClock()
            pool, waiters = waiting(2, clock)
            call = METHODS[method] if method != "pop" else lambda pool: raised(pool.pop)
            if point is None:
                most = len(points.count(lambda: call(pool)))  # noqa: B023
                place = None
            elif point > most:
                pool.close()
                break
            else:
                place = points.at_point(
                    lambda: call(pool),  # noqa: B023
                    point,
                    lambda: soon(pool.push, "new", within=HANGS),  # noqa: B023
                )
            assert not (len(pool) and pool.waiting), place
            soon(pool.close, within=HANGS)
            for waiter in waiters:
                assert in_time(waiter.thread.is_alive, False) is False, place


# P9: nothing leaves the lock held.


class Raised(BaseException):
    """By a trace function."""


def raise_at(number, events, operation):
    """Run it; at this event in the pool's code the trace function raises. Return where, or None if there were fewer."""
    left, where = number, None

    def traced(frame, event, _):
        nonlocal left, where
        if not frame.f_code.co_filename.startswith(PACKAGE):
            return None
        frame.f_trace_opcodes = events == "opcode"
        if event == events:
            if left == 0:
                where = f"{os.path.basename(frame.f_code.co_filename)}, line {frame.f_lineno}"
                raise Raised
            left -= 1
        return traced

    before = sys.gettrace()
    sys.settrace(traced)
    try:
        operation()
    except (Raised, ResourcePoolEmpty, ResourcePoolClosed):
        pass
    finally:
        sys.settrace(before)
    return where


@pytest.mark.parametrize("events", ["line", "call", "return", "opcode"])
@pytest.mark.parametrize(
    "method", ["push", "push that overflows", "push that ages", "pop", "pop that waits", "clear", "close"]
)
def test_P9_a_trace_function_that_raises_leaves_the_lock_free(method, events, monkeypatch):
    monkeypatch.setattr(sys, "unraisablehook", lambda unraisable: None)
    number = 0
    while True:
        arguments = {"push that overflows": {"init": "ab", "maxsize": 2}, "push that ages": {"maxage": 60}}.get(
            method, {}
        )
        pool = ResourcePool(clock=ManualClock(), **arguments)
        if method == "pop that waits":
            inside.clock(pool).wait = lambda lock, start, timeout: False
        operation = {
            "pop": lambda: pool.pop(),  # noqa: B023
            "pop that waits": lambda: pool.pop(0),  # noqa: B023
            "clear": pool.clear,
            "close": pool.close,
        }.get(method, lambda: pool.push("c"))  # noqa: B023
        # In a thread: what is raised at the end of a handler leaves its exception as the one that is being handled.
        where = Call(raise_at, number, events, operation).result()
        if where is None:
            break
        again = Call(lambda: (pool.clear(), pool.push("x"), raised(pool.pop), pool.close()))  # noqa: B023
        again.thread.join(HANGS)
        assert not again.thread.is_alive(), f"the lock is left held by what is raised at {where}"
        again.result()
        number += 1

    assert number > 0
