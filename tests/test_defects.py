"""The defects of 0.1.1, by their numbers in docs/contract.md.

Each test is a script that uses nothing that 0.1.1 lacks, so that `make defects` can show it fail there.
"""

from __future__ import annotations

import os
import subprocess
import textwrap

import pytest

from tests.helpers import python

PRELUDE = """
import gc, os, signal, sys, threading, time, weakref
from ya.resourcepool import ResourcePool, ResourcePoolEmpty

def soon(condition, within=2):
    end = time.monotonic() + within
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.005)
    return True

def tasks():
    return len(os.listdir("/proc/self/task")) if os.path.isdir("/proc/self/task") else threading.active_count()
"""

needs_posix = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs POSIX")


def run(code: str, *, within: float = 10) -> None:
    """Run a script, which must end well and in time."""
    try:
        done = python(PRELUDE + textwrap.dedent(code), timeout=within)
    except subprocess.TimeoutExpired:
        pytest.fail(f"stuck for {within} s")
    assert done.returncode == 0, done.stderr


def test_defect_01_maxsize_keeps_the_pool_alive():
    run("""
        deallocated = []
        pool = ResourcePool(init=["a"], maxsize=5, dealloc=deallocated.append)
        del pool
        gc.collect()
        assert soon(lambda: deallocated == ["a"])
    """)


def test_defect_02_maxage_starts_a_thread_a_push_and_delays_the_exit():
    run("""
        pool = ResourcePool(maxage=60)
        for i in range(200):
            pool.push(i)
        assert tasks() <= 2, tasks()
    """)


def test_defect_03_dealloc_and_check_run_under_the_lock():
    run("""
        deallocated = []
        def dealloc(resource):
            pool.push(resource + 1) if resource < 1 else None
            deallocated.append(resource)
        pool = ResourcePool(init=[1, 0], minsize=0, maxsize=2, dealloc=dealloc)
        pool.push(2)
        assert soon(lambda: set(deallocated) >= {0, 1, 2}), deallocated
        user = threading.Thread(target=lambda: pool.push(3), daemon=True)
        user.start()
        user.join(2)
        assert not user.is_alive()
    """)


def test_defect_04_a_raising_dealloc_ends_eviction():
    run("""
        import logging
        logging.disable(logging.CRITICAL)
        def dealloc(resource):
            raise OSError
        pool = ResourcePool(maxsize=2, dealloc=dealloc)
        for i in range(1000):
            pool.push(i)
        assert soon(lambda: len(pool) <= 2), len(pool)
    """)


def test_defect_05_eviction_happens_later_in_another_thread():
    run("""
        threads = []
        pool = ResourcePool(maxsize=2, dealloc=lambda _: threads.append(threading.get_ident()))
        for i in range(50):
            pool.push(i)
            assert len(pool) <= 2
        assert threads == [threading.get_ident()] * 48
    """)


def test_defect_06_maxsize_without_minsize_disables_maxage():
    run("""
        pool = ResourcePool(maxsize=5, maxage=0.05)
        pool.push("a")
        assert soon(lambda: len(pool) == 0)
    """)


def test_defect_06_what_minsize_kept_once_is_never_evicted():
    run("""
        pool = ResourcePool(minsize=1, maxage=0.05)
        pool.push("old")
        time.sleep(0.2)
        pool.push("new")
        assert soon(lambda: len(pool) == 1)
        assert pool.pop() == "new"
    """)


def test_defect_07_init_is_changed_and_must_be_a_list():
    run("""
        init = [1]
        ResourcePool(init=init, alloc=object, minsize=3)
        assert init == [1], init
        assert len(ResourcePool(init=(i for i in (1, 2)), alloc=object, minsize=3)) == 3
    """)


def test_defect_07_init_never_ages():
    run("""
        pool = ResourcePool(init=["a"], maxage=0.05)
        assert soon(lambda: len(pool) == 0)
    """)


def test_defect_08_every_push_wakes_every_waiter_and_one_thread_gets_all():
    """Each thread holds the one resource for a while; all have to get about as many turns."""
    run(
        """
        pool = ResourcePool(init=["a"])
        turns = [0] * 16
        stop = threading.Event()
        def use(i):
            while not stop.is_set():
                with pool(timeout=0):
                    time.sleep(0.001)
                    turns[i] += 1
        users = [threading.Thread(target=use, args=(i,), daemon=True) for i in range(16)]
        for user in users: user.start()
        time.sleep(1)
        stop.set()
        assert min(turns) > 0.5 * max(turns), turns
        """
    )


def test_defect_09_a_raising_check_loses_the_resource():
    run("""
        deallocated = []
        def check(resource):
            raise ValueError
        pool = ResourcePool(init=["a"], check=check, dealloc=deallocated.append)
        try: pool.pop()
        except ValueError: pass
        assert deallocated == ["a"] or len(pool) == 1
    """)


def test_defect_09_a_raising_alloc_in_the_constructor_leaks():
    run("""
        made, deallocated = [], []
        def alloc():
            if len(made) == 2:
                raise ValueError
            made.append(len(made))
            return made[-1]
        try: ResourcePool(alloc=alloc, dealloc=deallocated.append, minsize=3)
        except ValueError: pass
        assert deallocated == made == [0, 1]
    """)


def test_defect_10_minsize_above_maxsize_spins():
    run("""
        try:
            pool = ResourcePool(minsize=3, maxsize=2)
        except ValueError:
            sys.exit()
        for i in range(3):
            pool.push(i)
        before = time.process_time()
        time.sleep(0.5)
        assert time.process_time() - before < 0.1
    """)


@needs_posix
def test_defect_11_no_eviction_after_fork():
    run("""
        pool = ResourcePool(maxsize=2)
        pid = os.fork()
        if pid == 0:
            for i in range(10):
                pool.push(i)
            os._exit(not soon(lambda: len(pool) <= 2))
        assert os.waitpid(pid, 0)[1] == 0
    """)


@needs_posix
def test_defect_12_a_signal_handler_or_finalizer_that_uses_the_pool_deadlocks_it():
    run("""
        pool = ResourcePool(init=["a"])
        handled = []
        def handler(*_):
            handled.append(1)
            pool.push("b")
        signal.signal(signal.SIGALRM, handler)
        signal.setitimer(signal.ITIMER_REAL, 0.002, 0.002)
        while len(handled) < 300:
            with pool():
                pass
        signal.setitimer(signal.ITIMER_REAL, 0)
    """)


def test_defect_13_a_push_that_can_start_no_thread_raises_and_wakes_nobody():
    run("""
        import _thread
        pool = ResourcePool(maxage=60)
        got = []
        waiter = threading.Thread(target=lambda: got.append(pool.pop(timeout=0)), daemon=True)
        waiter.start()
        time.sleep(0.2)
        def fail(*args, **kwargs):
            raise RuntimeError("can't start new thread")
        for name in ("start_new_thread", "start_joinable_thread"):
            setattr(_thread, name, fail)
            setattr(threading, "_" + name, fail)
        pool.push("a")
        waiter.join(2)
        assert got == ["a"]
    """)


def test_defect_14_a_pool_cannot_be_weakly_referenced():
    run("""
        pool = ResourcePool()
        assert weakref.ref(pool)() is pool
    """)


def test_defect_15_resources_that_refer_to_their_pool_keep_both_alive():
    run("""
        class Resource: pass
        deallocated = []
        pool = ResourcePool(dealloc=deallocated.append)
        for i in range(50):
            resource = Resource()
            resource.pool = pool
            pool.push(resource)
        del pool, resource
        gc.collect()
        assert len(deallocated) == 50, len(deallocated)
    """)


@needs_posix
def test_defect_16_an_exception_in_a_signal_handler_leaves_the_lock_held():
    run("""
        class Interrupt(Exception): pass
        def handler(*_):
            raise Interrupt
        pool = ResourcePool(init=range(10), maxsize=1000, maxage=60)
        signal.signal(signal.SIGALRM, handler)
        for i in range(1500):
            try:
                try:
                    signal.setitimer(signal.ITIMER_REAL, 0.00001 * (1 + i % 10))
                    while True:
                        pool.push(pool.pop(timeout=1) if len(pool) else "new")
                finally:
                    signal.setitimer(signal.ITIMER_REAL, 0)
            except (Interrupt, ResourcePoolEmpty):
                pass
        user = threading.Thread(target=lambda: [pool.push("a"), pool.pop(timeout=1)], daemon=True)
        user.start()
        user.join(3)
        assert not user.is_alive()
    """)


def test_defect_17_a_large_timeout_raises_OverflowError():
    run("""
        pool = ResourcePool()
        threading.Timer(0.1, pool.push, ["a"]).start()
        assert pool.pop(timeout=1e10) == "a"
    """)


def test_defect_17_a_nan_timeout_blocks():
    run("""
        errors = []
        def use():
            try: ResourcePool().pop(timeout=float("nan"))
            except ValueError as error: errors.append(error)
        user = threading.Thread(target=use, daemon=True)
        user.start()
        user.join(2)
        assert len(errors) == 1
    """)
