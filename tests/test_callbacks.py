"""K1 to K3: what `alloc`, `dealloc` and `check` may do, and where `push` may be called."""

from __future__ import annotations

import gc
import logging
import signal
import threading
import time
import weakref
from fractions import Fraction

import pytest

from tests.helpers import PATIENCE, Call, Resource, hooked_pool
from tests.support import inside
from ya.resourcepool import ManualClock, ResourcePool, ResourcePoolEmpty


def use_the_slow_path(pool):
    """Do from another thread what needs the pool's lock. Stuck, if the caller's thread holds it."""
    Call(pool.clear).result()


def test_K1_alloc_runs_without_the_lock():
    def alloc():
        use_the_slow_path(pool)
        return "made"

    pool = ResourcePool(alloc=alloc)

    assert pool.pop() == "made"


@pytest.mark.parametrize("handed_over", [False, True])
def test_K1_check_runs_without_the_lock(handed_over):
    clock = ManualClock()
    pool = ResourcePool(check=lambda _: use_the_slow_path(pool) or True, clock=clock)
    if handed_over:
        call = Call(pool.pop, timeout=0)
        clock.await_blocked(1)
        pool.push("a")
        assert call.result() == "a"
    else:
        pool.push("a")
        assert pool.pop() == "a"


@pytest.mark.parametrize("end", ["overflow", "expiry", "close", "clear", "failed check", "closed push", "discard"])
def test_K1_dealloc_runs_without_the_lock(end):
    clock = ManualClock()
    deallocated = []

    def dealloc(resource):
        use_the_slow_path(pool)
        deallocated.append(resource)

    def check(resource):
        raise ValueError

    pool = ResourcePool(
        dealloc=dealloc,
        check=check if end == "failed check" else None,
        maxsize=0 if end == "overflow" else None,
        maxage=5,
        clock=clock,
    )
    if end == "closed push":
        pool.close()
    pool.push("a")
    if end == "expiry":
        clock.advance(5)
    elif end == "close":
        pool.close()
    elif end == "clear":
        pool.clear()
    elif end == "failed check":
        pytest.raises(ValueError, pool.pop)
    elif end == "discard":
        lease = pool()
        with lease:
            lease.discard()

    assert deallocated == ["a"]


def test_K1_callbacks_may_call_the_same_pool():
    clock = ManualClock()
    log = []

    def alloc():
        log.append(("alloc", len(pool), pool.waiting))
        pool.push("from alloc")
        return "made"

    def check(resource):
        log.append(("check", resource))
        pool.push(f"from check of {resource}")
        return True

    def dealloc(resource):
        log.append(("dealloc", resource))
        if resource == "from alloc":
            pool.push("from dealloc")
            pool.pop()

    pool = ResourcePool(alloc=alloc, check=check, dealloc=dealloc, maxsize=2, clock=clock)
    assert pool.pop() == "made"
    pool.push("a")
    pool.push("b")

    assert ("dealloc", "from alloc") in log
    assert ("check", "from dealloc") in log
    assert len(pool) <= 2


def test_K1_a_blocking_dealloc_holds_up_nobody_else():
    blocked, go_on = threading.Event(), threading.Event()

    def dealloc(resource):
        blocked.set()
        assert go_on.wait(PATIENCE)

    pool = ResourcePool(maxsize=1, dealloc=dealloc, init=["a"])
    slow = Call(pool.push, "b")
    assert blocked.wait(PATIENCE)
    waiters = [Call(pool.pop, timeout=0) for _ in range(2)]
    while pool.waiting < 1:
        pass
    pool.push("c")
    for waiter in waiters:
        waiter.result()
    go_on.set()
    slow.result()


def test_K1_a_blocking_check_holds_up_nobody_else():
    blocked, go_on = threading.Event(), threading.Event()

    def check(resource):
        if resource == "slow":
            blocked.set()
            assert go_on.wait(PATIENCE)
        return True

    pool = ResourcePool(init=["slow", "fast"], check=check)
    slow = Call(pool.pop)
    assert blocked.wait(PATIENCE)
    assert pool.pop() == "fast"
    go_on.set()

    assert slow.result() == "slow"


@pytest.mark.parametrize("end", ["overflow", "expiry", "clear", "close", "dead"])
def test_K1_the_last_reference_to_a_resource_is_not_dropped_under_the_lock(end):
    clock = ManualClock()
    finalized = []

    class Finalized:
        def __del__(self):
            use_the_slow_path(pool)
            finalized.append(1)

    pool = ResourcePool(maxsize=0 if end == "overflow" else None, maxage=5, check=lambda _: end != "dead", clock=clock)
    pool.push(Finalized())
    if end == "expiry":
        clock.advance(5)
    elif end == "dead":
        pytest.raises(ResourcePoolEmpty, pool.pop)
    elif end != "overflow":
        getattr(pool, end)()

    assert finalized == [1]


def test_K1_a_waiter_that_drops_what_it_got_does_so_outside_the_lock():
    clock = ManualClock()
    finalized = threading.Event()

    class Finalized:
        def __del__(self):
            use_the_slow_path(pool)
            finalized.set()

    pool = ResourcePool(clock=clock)

    def pop_and_drop():
        pool.pop(timeout=0)

    call = Call(pop_and_drop)
    clock.await_blocked(1)
    pool.push(Finalized())
    call.result()

    assert finalized.wait(PATIENCE)


def give_up(end, pool, one_more):
    """Have the pool give up what is idle, by that end; its maxage is 5."""
    if end == "overflow":
        pool.push(one_more)
    elif end == "expiry":
        inside.clock(pool).advance(5)
    else:
        getattr(pool, end)()


@pytest.mark.parametrize("end", ["overflow", "expiry", "close", "clear"])
def test_K2_a_raising_dealloc_is_logged_and_the_others_are_deallocated(end, caplog):
    clock = ManualClock()
    deallocated = []

    def dealloc(resource):
        deallocated.append(resource)
        raise OSError(f"closing {resource}")

    pool = ResourcePool(init="cba", maxsize=3, minsize=0, maxage=5, dealloc=dealloc, clock=clock)
    with caplog.at_level(logging.ERROR, "ya.resourcepool"):
        give_up(end, pool, "d")

    assert deallocated == list("abcd" if end == "overflow" else "abc")
    assert [record.name for record in caplog.records] == ["ya.resourcepool"] * len(deallocated)
    for record, resource in zip(caplog.records, deallocated, strict=True):
        assert record.getMessage() == f"{dealloc!r} raised; its resource counts as deallocated"
        assert str(record.exc_info[1]) == f"closing {resource}"
    assert len(pool) == 0


@pytest.mark.parametrize("raising", ["abc", "c", "a"])
def test_K2_a_dealloc_that_raises_StopIteration_is_logged_as_well(raising, caplog):
    deallocated = []

    def dealloc(resource):
        deallocated.append(resource)
        if resource in raising:
            raise StopIteration

    pool = ResourcePool(init="cba", dealloc=dealloc)
    with caplog.at_level(logging.ERROR, "ya.resourcepool"):
        pool.close()

    assert deallocated == list("abc")
    assert len(caplog.records) == len(raising)


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit])
@pytest.mark.parametrize("end", ["overflow", "expiry", "close", "clear"])
def test_K2_an_interrupt_in_dealloc_propagates_after_the_rest(end, error):
    clock = ManualClock()
    deallocated = []

    def dealloc(resource):
        deallocated.append(resource)
        if resource != "b":
            raise error

    pool = ResourcePool(init="cba", maxsize=3, minsize=0, maxage=5, dealloc=dealloc, clock=clock)
    with pytest.raises(error):
        give_up(end, pool, "d")

    assert deallocated == list("abcd" if end == "overflow" else "abc")


def test_K2_an_interrupt_in_dealloc_propagates_though_another_call_takes_over_the_rest():
    taken = []

    def dealloc(resource):
        if resource == "a":
            raise KeyboardInterrupt
        taken.extend(inside.get(inside.TAKE_OVER)())  # as exit does

    pool = ResourcePool(init="cba", dealloc=dealloc)
    with pytest.raises(KeyboardInterrupt):
        pool.close()

    assert [list(victims) for victims, *_ in taken if victims] == [["c"]]
    for victims, *_ in taken:
        inside.get(inside.WITHDRAW)(victims)


def test_K2_a_logger_that_raises_stops_nothing():
    class Filter(logging.Filter):
        def filter(self, record):
            raise ValueError

    deallocated = []

    def dealloc(resource):
        deallocated.append(resource)
        raise ValueError

    pool = ResourcePool(init="ba", maxsize=2, minsize=0, dealloc=dealloc)
    logger, refuse = logging.getLogger("ya.resourcepool"), Filter()
    logger.addFilter(refuse)
    try:
        pool.push("c")
    finally:
        logger.removeFilter(refuse)

    assert deallocated == ["a", "b", "c"]


def test_K2_expiry_goes_on_after_a_dealloc_that_raised(caplog):
    clock = ManualClock()
    pool = ResourcePool(maxage=5, dealloc=lambda _: 1 / 0, clock=clock)
    for _ in range(3):
        pool.push("a")
        clock.advance(5)

    assert len(pool) == 0
    assert caplog.text.count("ZeroDivisionError") == 3


POINTS = ["append", "__len__", "lock", "locked", "pop", "popleft", "__getitem__", "unlock"]


@pytest.mark.parametrize("point", POINTS)
@pytest.mark.parametrize("situation", ["push", "overflow", "expire", "pop", "hand over", "close", "clear"])
def test_K3_push_may_interrupt_any_method_in_the_same_thread(situation, point):
    """As a finalizer or a signal handler would, at each operation on what threads share."""
    clock = ManualClock()
    hooks = {}
    deallocated = []
    pool = hooked_pool(hooks, init="ba", maxsize=2, maxage=5, dealloc=deallocated.append, clock=clock)
    call = None
    if situation == "hand over":
        pool.pop(), pool.pop()
        call = Call(pool.pop, timeout=0)
        clock.await_blocked(1)
    hooks[point] = lambda: pool.push("x")
    popped = ["a", "b"] if situation == "hand over" else []
    if situation == "expire":
        clock.advance(5)
    elif situation == "pop":
        popped = [pool.pop()]
    elif situation in ("close", "clear"):
        getattr(pool, situation)()
    else:
        pool.push("c")
    pushed_again = point not in hooks
    hooks.clear()
    if call is not None:
        popped.append(call.result())

    everything = ["a", "b"] + ["c"] * (situation in ("push", "overflow", "hand over")) + ["x"] * pushed_again
    if situation != "close":
        assert len(pool) <= 2
        popped += [pool.pop() for _ in range(len(pool))]
    assert sorted(popped + deallocated) == sorted(everything)
    Call(pool.clear).result()  # no lock is held


def test_K3_a_push_in_a_finalizer_during_any_of_the_pools_allocations():
    """Garbage that pushes is collected whenever Python feels like it."""
    pool = ResourcePool(maxsize=3, minsize=1, maxage=60)
    pushed = []

    class Returns:
        def __init__(self):
            self.cycle = self

        def __del__(self):
            pushed.append(1)
            pool.push("from the finalizer")

    threshold = gc.get_threshold()
    gc.set_threshold(1)
    try:
        for _ in range(300):
            Returns()
            pool.push("a")
            with pool():
                pass
    finally:
        gc.set_threshold(*threshold)
    gc.collect()

    assert len(pushed) == 300
    assert len(pool) <= 3


def test_K3_a_push_in_a_weakref_callback():
    pool = ResourcePool()
    resource = Resource()
    reference = weakref.ref(resource, lambda _: pool.push("again"))
    del resource

    assert reference() is None
    assert pool.pop() == "again"


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="needs POSIX signals")
def test_K3_a_push_in_a_signal_handler_while_the_same_thread_is_in_the_pool():
    deallocated = []
    pool = ResourcePool(maxsize=2, minsize=1, maxage=60, dealloc=deallocated.append)
    handled = []

    def handler(*_):
        handled.append(1)
        pool.push("from the handler")

    before = signal.signal(signal.SIGALRM, handler)
    signal.setitimer(signal.ITIMER_REAL, 0.0002, 0.0002)
    pushed = 0
    try:
        end = time.monotonic() + PATIENCE
        while len(handled) < 300 and time.monotonic() < end:
            pool.push("a")
            pushed += 1
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)

    assert len(handled) >= 300
    assert len(pool) <= 2
    assert len(pool) + len(deallocated) == pushed + len(handled)


def test_K3_a_pop_that_would_wait_within_the_lock_holder_is_refused():
    """It could wait for ever: nobody can serve it before the frame that it interrupted goes on."""
    hooks = {}
    pool = hooked_pool(hooks)
    errors = []

    def pop():
        with pytest.raises(
            RuntimeError, match=r"^a pop can't wait while it interrupts .*, which couldn't go on$"
        ) as caught:
            pool.pop(timeout=5)
        errors.append(caught.value)

    hooks["unlock"] = pop
    pool.clear()

    assert len(errors) == 1
    assert pool.waiting == 0


def test_K1_a_timeout_is_looked_at_without_the_lock():
    class Timeout(Fraction):
        def __ne__(self, other):
            looked.append(inside.lock(pool)._is_owned())
            return super().__ne__(other)

    looked = []
    pool = ResourcePool(clock=ManualClock())
    call = Call(pool.pop, timeout=Timeout(5))
    inside.clock(pool).await_blocked(1)
    pool.push("a")

    assert call.result() == "a"
    assert looked
    assert not any(looked)


def test_K3_close_and_clear_may_interrupt_and_are_finished_by_the_interrupted_call():
    for method in ("close", "clear"):
        deallocated = []
        hooks = {}
        pool = hooked_pool(hooks, init="abc", maxsize=3, dealloc=deallocated.append)
        hooks["unlock"] = getattr(pool, method)
        pool.push("d")

        assert sorted(deallocated) == list("abcd")


@pytest.mark.parametrize("maxage", [None, 60])
def test_P9_an_interrupt_just_before_a_dealloc_leaves_nothing_to_deallocate(maxage, monkeypatch):
    original = inside.get(inside.DEALLOCATE_ONCE)

    def interrupted(*arguments):
        inside.patch(monkeypatch, inside.DEALLOCATE_ONCE, original)
        raise KeyboardInterrupt

    deallocated = []
    pool = ResourcePool(init="ba", maxage=maxage, dealloc=deallocated.append)
    inside.patch(monkeypatch, inside.DEALLOCATE_ONCE, interrupted)
    with pytest.raises(KeyboardInterrupt):
        pool.clear()

    assert deallocated == ["a", "b"]
