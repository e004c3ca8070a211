"""L1 to L3, L6 and L7: collection, exit, threads, weak references."""

from __future__ import annotations

import _thread
import gc
import sys
import threading
import time
import weakref
from collections import deque
from textwrap import dedent

import pytest

from tests.helpers import PATIENCE, PRELUDE, Call, Resource, hooked_pool, output_of, python
from tests.support import inside
from ya.resourcepool import ManualClock, ResourcePool, ResourcePoolClosed, ResourcePoolEmpty


def threads_become(n, within=PATIENCE):
    """Whether n threads run at some moment of so many seconds."""
    end = time.monotonic() + within
    while _thread._count() != n:
        if time.monotonic() > end:
            return False
    return True


def deallocate_all(taken):
    """As exit does with what it has taken over."""
    for arguments in taken:
        inside.get(inside.DEALLOCATE)(*arguments)


def test_L1_a_collected_pool_deallocates_what_is_idle():
    deallocated = []
    pool = ResourcePool(init="abc", dealloc=deallocated.append)
    pool.pop()
    del pool
    gc.collect()

    assert sorted(deallocated) == ["b", "c"]


@pytest.mark.parametrize("arguments", [{"maxsize": 5}, {"maxage": 1000}, {"maxsize": 5, "minsize": 1, "maxage": 1000}])
def test_L1_whatever_its_settings(arguments):
    deallocated = []
    pool = ResourcePool(init="abc", dealloc=deallocated.append, **arguments)
    reference = weakref.ref(pool)
    del pool
    gc.collect()

    assert reference() is None
    assert sorted(deallocated) == ["a", "b", "c"]


def test_L1_also_where_resources_refer_back_to_their_pool():
    deallocated = []
    pool = ResourcePool(dealloc=lambda r: deallocated.append(r.name), maxage=1000)
    for i in range(50):
        resource = Resource(i)
        resource.pool = pool
        pool.push(resource)
    del pool, resource
    gc.collect()

    assert sorted(deallocated) == list(range(50))


@pytest.mark.parametrize("maxage", [None, 1000])
@pytest.mark.parametrize("cycle", [False, True])
def test_L1_also_if_an_interrupt_cuts_off_the_finalizer(cycle, maxage, monkeypatch):
    class Interrupted(ResourcePool):
        def __del__(self):
            raise KeyboardInterrupt

    raised, deallocated = [], []
    monkeypatch.setattr(sys, "unraisablehook", lambda unraisable: raised.append(unraisable.exc_type))
    pool = Interrupted(init="ba", maxage=maxage, dealloc=deallocated.append)
    if cycle:
        pool.itself = pool
    del pool
    gc.collect()

    assert raised == [KeyboardInterrupt]
    assert deallocated == ["a", "b"]


def test_P9_an_interrupt_amid_the_constructor_leaves_nothing_that_raises_when_it_is_collected(monkeypatch):
    ignored = []
    monkeypatch.setattr(sys, "unraisablehook", ignored.append)

    def at_entry(frame, event, argument):
        if frame.f_code is inside.get(inside.MAKE_REMAINS).__code__:
            raise KeyboardInterrupt

    before = sys.gettrace()
    sys.settrace(at_entry)
    try:
        with pytest.raises(KeyboardInterrupt):
            ResourcePool()
    finally:
        sys.settrace(before)
    gc.collect()

    assert ignored == []


def test_L1_also_if_an_interrupt_cuts_off_what_runs_at_exit():
    code = """
        from ya.resourcepool import $lifecycle_py
        def interrupted(living=$lifecycle_py.$living):
            $lifecycle_py.$living = living
            raise KeyboardInterrupt

        pools = [ResourcePool(init=[name], dealloc=print) for name in "ab"]
        $lifecycle_py.$living = interrupted
    """
    done = python(PRELUDE + dedent(code))

    assert done.stdout.split() == ["b", "a"]
    assert "KeyboardInterrupt" in done.stderr


def test_L1_exit_closes_every_pool():
    code = """
        class Returned:
            pass

        cyclic = Returned()
        cyclic.pool = ResourcePool(init=[cyclic], dealloc=lambda r: print("cyclic"))
        first = ResourcePool(init="ab", maxage=1e6, dealloc=print)
        second = ResourcePool(init="c", maxsize=7, dealloc=print)
        print("end")
    """
    assert output_of(PRELUDE + dedent(code)) == ["end", "c", "b", "a", "cyclic"]


def test_L1_exit_by_an_error_or_sys_exit_closes_every_pool():
    for ending, status in (("sys.exit(3)", 3), ("1 / 0", 1)):
        done = python(PRELUDE + f"pool = ResourcePool(init='a', dealloc=print)\n{ending}")
        assert (done.returncode, done.stdout) == (status, "a\n")


def test_L1_a_raising_dealloc_at_exit_stops_no_other():
    code = """
        def dealloc(resource):
            print(resource)
            raise OSError if resource == "b" else KeyboardInterrupt

        pools = [ResourcePool(init=[name], dealloc=dealloc) for name in "abc"]
    """
    done = python(PRELUDE + dedent(code))
    assert done.stdout.split() == ["c", "b", "a"]
    assert "KeyboardInterrupt" in done.stderr


def test_L1_what_was_imported_before_the_pool_was_made_still_works_when_exit_closes_it():
    code = """
        driver = {"connected": True}
        atexit.register(driver.clear)
        pool = ResourcePool(init="a", dealloc=lambda r: print(driver))
    """
    assert output_of(PRELUDE + dedent(code)) == ["{'connected': True}"]


@pytest.mark.parametrize("how", ["expiry", "overflow"])
def test_L1_exit_deallocates_what_a_background_thread_has_evicted_and_not_got_to(how):
    code = """
        begun = threading.Event()
        def dealloc(resource):
            print(resource, flush=True)
            if resource == "a":
                begun.set()
                threading.Event().wait()
        pool = ResourcePool(init="cba", maxsize=3, minsize=0, maxage=0.01 if HOW == "expiry" else None, dealloc=dealloc)
        if HOW == "overflow":
            threading.Thread(target=pool.push, args="d", daemon=True).start()
        begun.wait()
    """
    assert output_of(PRELUDE + f"HOW = {how!r}\n" + dedent(code)) == list("abc" if how == "expiry" else "abcd")


@pytest.mark.parametrize("maxage", [None, 1000])
def test_L1_exit_deallocates_what_a_call_has_evicted_and_not_begun_to_deallocate(maxage):
    hooks, deallocated, at_exit = {}, [], []
    pool = hooked_pool(hooks, init="a", maxage=maxage, dealloc=deallocated.append)

    def take_over():
        deallocate_all(inside.get(inside.TAKE_OVER)())
        at_exit.extend(deallocated)

    hooks["unlock"] = take_over
    pool.clear()

    assert at_exit == deallocated == ["a"]


def test_L1_an_interrupt_in_what_exit_has_taken_over_stops_no_other_and_is_reported():
    code = """
        begun = threading.Event()
        def dealloc(resource):
            print(resource, flush=True)
            if resource == "a":
                begun.set()
                threading.Event().wait()
            raise KeyboardInterrupt
        pool = ResourcePool(init="cba", maxage=0.01, dealloc=dealloc)
        begun.wait()
    """
    done = python(PRELUDE + dedent(code))
    assert done.stdout.split() == ["a", "b", "c"]
    assert "KeyboardInterrupt" in done.stderr


def test_L1_exit_takes_nothing_over_from_a_call_that_has_just_ended(monkeypatch):
    class Departing(dict):
        def __iter__(self):
            return iter([*self.keys(), 1])  # was there when exit looked

        def get(self, key):
            return super().get(key, (deque(), None, False))

    inside.patch(monkeypatch, inside.DEPARTING, Departing())
    taken = inside.get(inside.TAKE_OVER)()
    deallocate_all(taken)

    assert [len(victims) for victims, *_ in taken] == [0]
    assert not inside.get(inside.DEPARTING)


def test_L1_exit_takes_over_what_others_are_to_deallocate_though_a_call_has_just_ended(monkeypatch):
    class Departing(dict):
        def __iter__(self):
            return iter([1, *self.keys()])  # the first was there when exit looked

    inside.patch(monkeypatch, inside.DEPARTING, Departing())
    deallocated = []
    inside.get(inside.ANNOUNCE)(deque("a"), deallocated.append, False)
    deallocate_all(inside.get(inside.TAKE_OVER)())

    assert deallocated == ["a"]


@pytest.mark.parametrize("stamped", [False, True])
def test_L1_what_exit_has_taken_over_is_found_again_if_an_interrupt_cuts_it_off(stamped):
    victims = deque([(0, "a"), (0, "b")] if stamped else "ab")
    deallocated = []
    inside.get(inside.ANNOUNCE)(victims, deallocated.append, stamped)
    inside.get(inside.TAKE_OVER)()
    again = inside.get(inside.TAKE_OVER)()
    deallocate_all(again)

    assert len(again) == 1
    assert deallocated == ["a", "b"]
    assert not inside.get(inside.DEPARTING)


def test_L1_what_exit_is_about_to_take_over_is_found_again_if_an_interrupt_cuts_it_off(monkeypatch):
    class Departing(dict):
        def pop(self, *arguments):
            super().pop(*arguments)
            if interrupts:
                raise interrupts.pop()

    interrupts = [KeyboardInterrupt]
    inside.patch(monkeypatch, inside.DEPARTING, Departing())
    deallocated = []
    victims = deque("ab")  # its thread has it, too
    inside.get(inside.ANNOUNCE)(victims, deallocated.append, False)
    with pytest.raises(KeyboardInterrupt):
        inside.get(inside.TAKE_OVER)()
    deallocate_all(inside.get(inside.TAKE_OVER)())

    assert deallocated == ["a", "b"]


def test_L1_exit_may_be_interrupted_by_what_takes_over_the_same(monkeypatch):
    class Departing(dict):
        def pop(self, *arguments):
            super().pop(*arguments)
            if not again:
                again.append(())
                again.extend(inside.get(inside.TAKE_OVER)())

    again, deallocated = [], []
    inside.patch(monkeypatch, inside.DEPARTING, Departing())
    victims = deque("ab")
    inside.get(inside.ANNOUNCE)(victims, deallocated.append, False)
    deallocate_all([*inside.get(inside.TAKE_OVER)(), *again[1:]])

    assert deallocated == ["a", "b"]


def test_L1_exit_and_the_thread_that_evicted_share_what_is_left():
    """The thread goes on deallocating while exit takes over."""

    class Shrinking(deque):
        def __len__(self):
            return super().__len__() + 1  # one has gone since

    victims, deallocated = Shrinking("ab"), []
    inside.get(inside.ANNOUNCE)(victims, deallocated.append, False)
    deallocate_all(inside.get(inside.TAKE_OVER)())

    assert deallocated == ["a", "b"]


def test_L1_pools_that_come_and_go_leave_nothing_more_to_do_at_exit():
    """Not even where none is left in between."""
    code = """
        from ya.resourcepool import $lifecycle_py
        pool = ResourcePool()
        handlers = atexit._ncallbacks()
        for _ in range(3):
            del pool
            pool = ResourcePool()
        others = [ResourcePool() for _ in range(3)]
        del others
        print(atexit._ncallbacks() - handlers, len($lifecycle_py.$pools))
    """
    assert output_of(PRELUDE + dedent(code)) == ["0 1"]


def test_L1_pools_that_are_collected_while_exit_looks_for_all_pools_do_not_stop_it():
    """Up to Python 3.11 a collection amid `dict.copy`, which calls what a weak reference calls, spoils the copy."""
    code = """
        from ya.resourcepool import $lifecycle_py
        def look(allocations):
            living = [ResourcePool() for _ in range(20)]
            gc.collect()
            gc.disable()
            for _ in range(3):
                garbage = ResourcePool()
                garbage.itself = garbage
            del garbage
            held = [{i: i} for i in range(100)]  # so that no dict is there to be used again
            gc.set_threshold(allocations)
            gc.enable()
            $lifecycle_py.$living()
            gc.disable()
        for allocations in range(100, 200):
            look(allocations)
    """
    assert output_of(PRELUDE + dedent(code)) == []


def test_L2_a_far_expiry_does_not_delay_the_exit():
    start = time.monotonic()
    assert output_of(PRELUDE + "pool = ResourcePool(init=range(1000), maxage=1e6)") == []

    assert time.monotonic() - start < 10


def test_L2_a_dealloc_that_never_returns_in_the_background_does_not_delay_the_exit():
    code = """
        started = threading.Event()
        def dealloc(resource):
            started.set()
            threading.Event().wait()

        pool = ResourcePool(init="a", maxage=0.01, dealloc=dealloc)
        assert started.wait(20)
        print("end")
    """
    assert output_of(PRELUDE + dedent(code)) == ["end"]


def test_L2_nothing_that_the_pool_starts_keeps_it_alive():
    for clock in (None, ManualClock()):
        pool = ResourcePool(init="abc", maxsize=5, maxage=1000, clock=clock)
        reference = weakref.ref(pool)
        del pool
        gc.collect()

        assert reference() is None


def test_L2_a_slow_dealloc_in_the_background_does_not_keep_the_pool_alive():
    started, go_on = threading.Event(), threading.Event()
    deallocated = []

    def dealloc(resource):
        if resource == "slow":
            started.set()
            assert go_on.wait(PATIENCE)
        deallocated.append(resource)

    pool = ResourcePool(init=["slow"], maxage=0.01, dealloc=dealloc)
    reference = weakref.ref(pool)
    assert started.wait(PATIENCE)
    pool.push("idle")
    del pool
    gc.collect()

    assert reference() is None
    assert deallocated == ["idle"]
    go_on.set()


def test_L2_a_clock_that_was_waited_for_does_not_keep_the_pool_alive():
    clock = ManualClock()
    pool = ResourcePool(clock=clock)
    call = Call(pool.pop, timeout=1000)
    clock.await_blocked(1)
    pool.push("a")
    call.result()
    reference = weakref.ref(pool)
    del pool, call
    gc.collect()

    assert reference() is None


def test_L2_a_closed_pool_needs_no_lock_that_an_ended_thread_may_hold():
    deallocated = []
    pool = ResourcePool(dealloc=deallocated.append)
    pool.close()
    held, go_on = threading.Event(), threading.Event()

    def hold():
        with inside.lock(pool):
            held.set()
            assert go_on.wait(PATIENCE)

    holder = Call(hold)
    assert held.wait(PATIENCE)
    Call(pool.push, "a").result()
    assert deallocated == ["a"]
    assert isinstance(Call(pool.pop, timeout=0).error(), ResourcePoolClosed)
    Call(pool.close).result()
    go_on.set()
    holder.result()


def test_L3_no_thread_before_something_idle_can_expire():
    before = _thread._count()
    pools = [
        ResourcePool(init="abc", maxsize=5),
        ResourcePool(maxage=1000),
        ResourcePool(init="abc", minsize=3, maxage=1000),
    ]
    pools[2].push(pools[2].pop())

    assert not threads_become(before + 1, within=0.05)


def test_L3_one_thread_a_pool_however_many_pushes():
    before = _thread._count()
    pool = ResourcePool(maxage=1000)
    for i in range(2000):
        pool.push(i)
    assert threads_become(before + 1)
    assert not threads_become(before + 2, within=0.05)

    pool.close()
    assert threads_become(before, within=1)


def test_L3_the_thread_ends_when_the_pool_is_collected():
    before = _thread._count()
    pools = [ResourcePool(init="a", maxage=1000) for _ in range(20)]
    assert threads_become(before + 20)
    pools.clear()
    gc.collect()

    assert threads_become(before, within=1)


def test_L3_the_thread_ends_when_nothing_can_expire_any_more():
    before = _thread._count()
    expired = threading.Event()
    pool = ResourcePool(init="abc", minsize=2, maxage=0.02, dealloc=lambda _: expired.set())
    assert expired.wait(PATIENCE)
    assert threads_become(before)

    assert len(pool) == 2


def test_L3_one_thread_serves_deadline_after_deadline():
    threads = []
    done = threading.Event()

    def dealloc(resource):
        threads.append(threading.get_ident())
        if len(threads) < 5:
            pool.push(resource)
        else:
            done.set()

    pool = ResourcePool(init=["a"], maxage=0.01, dealloc=dealloc)

    assert done.wait(PATIENCE)
    assert threads == threads[:1] * 5


def test_L3_an_interrupt_as_the_thread_starts_leaves_none_behind(monkeypatch):
    start = _thread.start_new_thread

    def start_and_interrupt(*args):
        start(*args)
        while _thread._count() == before:
            pass
        raise KeyboardInterrupt

    pool = ResourcePool(maxage=1000)
    before = _thread._count()
    monkeypatch.setattr(_thread, "start_new_thread", start_and_interrupt)
    with pytest.raises(KeyboardInterrupt):
        inside.clock(pool).call_at(time.monotonic(), 1000, print)

    assert threads_become(before)


def test_L3_a_slow_dealloc_does_not_delay_the_expiry_of_another_pool():
    stuck, go_on, expired = threading.Event(), threading.Event(), threading.Event()

    def dealloc(resource):
        other.push("b")  # the other pool arms its clock in the thread of this one
        stuck.set()
        assert go_on.wait(PATIENCE)

    other = ResourcePool(maxage=0.02, dealloc=lambda _: expired.set())
    pool = ResourcePool(init=["a"], maxage=0.02, dealloc=dealloc)
    assert stuck.wait(PATIENCE)

    assert expired.wait(PATIENCE)
    go_on.set()
    del pool


def test_L3_an_interrupt_in_a_background_dealloc_does_not_stop_expiry():
    expired = threading.Event()

    def dealloc(resource):
        if resource == "a":
            pool.push("b")
            raise SystemExit
        expired.set()

    pool = ResourcePool(init=["a"], maxage=0.01, dealloc=dealloc)

    assert expired.wait(PATIENCE)
    assert len(pool) == 0


def test_L6_a_pool_can_be_weakly_referenced():
    pool = ResourcePool()

    assert weakref.ref(pool)() is pool


def test_L7_a_push_succeeds_where_no_thread_can_be_started(monkeypatch):
    def fail(*_):
        raise RuntimeError("can't start new thread")

    deallocated = []
    pool = ResourcePool(maxage=0.05, dealloc=deallocated.append)
    call = Call(pool.pop, timeout=0)
    while not pool.waiting:
        pass
    monkeypatch.setattr(_thread, "start_new_thread", fail)
    pool.push("for the waiter")
    assert call.result() == "for the waiter"
    before = _thread._count()
    pool.push("a")
    pool.push("b")
    assert pool.pop() == "b"
    assert _thread._count() == before
    end = time.monotonic() + 0.06
    while time.monotonic() < end:
        pass

    # Expiry happens at the next operation ...
    with pytest.raises(ResourcePoolEmpty):
        pool.pop()
    assert deallocated == ["a"]

    # ... which tries again.
    pool.push("c")
    monkeypatch.undo()
    pool.push("d")
    assert pool.pop() == "d"
    end = time.monotonic() + PATIENCE
    while deallocated == ["a"] and time.monotonic() < end:
        pass
    assert deallocated == ["a", "c"]


def test_L7_any_operation_tries_again(monkeypatch):
    calls = []

    class Clock(ManualClock):
        def call_at(self, start, length, function):
            calls.append(start)
            if len(calls) < 3:
                raise RuntimeError("not now")
            return super().call_at(start, length, function)

    clock = Clock()
    pool = ResourcePool(maxage=5, clock=clock)
    pool.push("a")
    pool.push("b")
    assert len(calls) == 2
    pool.pop()
    assert len(calls) == 3
    pool.push("c")
    assert len(calls) == 3
    clock.advance(5)

    assert len(pool) == 0


def test_L1_of_several_pools_that_raise_SystemExit_at_exit_the_newest_is_closed_first_and_none_is_left_out():
    """What is raised last is what Python sees: that of the oldest pool. All the others were closed before."""
    code = """
        def dealloc(name):
            print(name, flush=True)
            raise SystemExit(name)
        pools = [ResourcePool(init=[name], dealloc=dealloc) for name in "abc"]
        report = sys.excepthook
        from ya.resourcepool import $lifecycle_py
        @atexit.register
        def close_all():
            try: $lifecycle_py.$close_all()
            except SystemExit as error: print("raised", error.code, flush=True)
    """
    done = python(PRELUDE + dedent(code))

    assert done.stdout.split() == ["c", "b", "a", "raised", "a"]
    assert "Traceback" not in done.stdout


@pytest.mark.parametrize("ending", ["", "sys.exit(0)", "sys.exit(3)"])
def test_L1_pools_that_raise_SystemExit_at_exit_do_not_change_the_order_of_the_others(ending):
    code = f"""
        def dealloc(name):
            print(name, flush=True)
            if name in "bd": raise SystemExit(7)
        pools = [ResourcePool(init=[name], dealloc=dealloc) for name in "abcd"]
        {ending}
    """
    done = python(PRELUDE + dedent(code))

    assert done.stdout.split() == ["d", "c", "b", "a"]
