"""T1: names of `_thread` are looked up when a pool or a waiter is made, so what patches them is seen."""

from __future__ import annotations

import _thread
import importlib.util
import threading
from textwrap import dedent

import pytest

from tests.helpers import PRELUDE, in_time, output_of
from ya.resourcepool import ResourcePool

needs_gevent = pytest.mark.skipif(importlib.util.find_spec("gevent") is None, reason="gevent is not installed")

# The pool is imported before all is patched, as it is by a program that patches late.
GEVENT = (
    PRELUDE
    + """
import warnings
warnings.simplefilter("ignore")
import gevent.monkey
gevent.monkey.patch_all()
import gevent
def watch():
    # A thread of the system's: it ends the process if the hub is blocked.
    time_of_the_system(3)
    os.write(1, b"the hub is blocked\\n")
    os._exit(0)
time_of_the_system = gevent.monkey.get_original("time", "sleep")
gevent.monkey.get_original("_thread", "start_new_thread")(watch, ())
"""
)


@needs_gevent
def test_T1_a_pop_that_waits_lets_other_greenlets_run():
    code = """
        pool = ResourcePool()
        waiter = gevent.spawn(pool.pop, 0)
        gevent.sleep(0)
        pool.push("a")
        print(waiter.get(), flush=True)
        os._exit(0)
    """
    assert output_of(GEVENT + dedent(code)) == ["a"]


@needs_gevent
def test_T1_a_pop_with_a_timeout_lets_other_greenlets_run():
    code = """
        pool = ResourcePool()
        ran = []
        other = gevent.spawn(lambda: [ran.append(gevent.sleep(0.01)) for _ in range(5)])
        try: pool.pop(0.3)
        except ResourcePoolEmpty as error: print(len(ran), 0.3 <= error.waited < 1, flush=True)
        os._exit(0)
    """
    assert output_of(GEVENT + dedent(code)) == ["5 True"]


@needs_gevent
def test_T1_waiting_greenlets_are_served_in_their_order():
    code = """
        pool = ResourcePool()
        waiters = [gevent.spawn(pool.pop, 0) for _ in range(5)]
        gevent.sleep(0)
        for i in range(5): pool.push(i)
        print([waiter.get() for waiter in waiters], flush=True)
        os._exit(0)
    """
    assert output_of(GEVENT + dedent(code)) == ["[0, 1, 2, 3, 4]"]


@needs_gevent
def test_R3_what_is_idle_expires_while_greenlets_run():
    code = """
        deallocated = []
        pool = ResourcePool(init="a", maxage=0.05, dealloc=deallocated.append)
        gevent.sleep(0.3)
        print(deallocated, flush=True)
        os._exit(0)
    """
    assert output_of(GEVENT + dedent(code)) == ["['a']"]


def test_T1_the_lock_that_a_pop_waits_for_is_that_of_the_moment(monkeypatch):
    made = []
    original = _thread.allocate_lock

    def allocate_lock():
        made.append(original())
        return made[-1]

    pool = ResourcePool()
    monkeypatch.setattr(_thread, "allocate_lock", allocate_lock)
    with pytest.raises(Exception, match="became idle"):
        pool.pop(0.01)

    assert made != []


def test_T1_the_lock_of_a_pool_is_that_of_the_moment(monkeypatch):
    made = []
    original = _thread.RLock

    def rlock():
        made.append(original())
        return made[-1]

    monkeypatch.setattr(_thread, "RLock", rlock)
    ResourcePool()

    assert made != []


def test_T1_the_thread_that_expiry_starts_is_that_of_the_moment(monkeypatch):
    started, deallocated = [], []
    original = _thread.start_new_thread

    def start_new_thread(*arguments):
        started.append(threading.get_ident())
        return original(*arguments)

    monkeypatch.setattr(_thread, "start_new_thread", start_new_thread)
    pool = ResourcePool(init="a", maxage=0.02, dealloc=deallocated.append)

    assert in_time(lambda: deallocated, ["a"]) == ["a"]
    assert started == [threading.get_ident()]
    pool.close()
