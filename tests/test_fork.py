"""L5: a child process takes nothing from its parent."""

from __future__ import annotations

import os
from textwrap import dedent

import pytest

from tests.helpers import PRELUDE, output_of

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")

FORK = (
    PRELUDE
    + """
import warnings
warnings.filterwarnings("ignore", ".*multi-threaded", DeprecationWarning)  # since 3.12
class Owned:
    def __init__(self, name): self.name = name
    def __del__(self): say("finalized", self.name)
def say(*words): os.write(1, (" ".join(map(str, (who, *words))) + "\\n").encode())
who = "parent"
def fork_here(child):
    # The child goes on when it has done that; the parent waits for its end.
    global who
    pid = os.fork()
    if pid == 0:
        who = "child"
        child()
    else:
        assert os.waitpid(pid, 0)[1] == 0
def fork(child):
    def whole():
        child()
        sys.exit()
    fork_here(whole)
"""
)
# A pool for which another thread waits, and which calls hooks.
WAITED_FOR = """
from tests.helpers import hooked_pool
hooks, clock = {}, ManualClock()
pool = hooked_pool(hooks, clock=clock)
def wait():
    try: pool.pop(0)
    except ResourcePoolClosed: pass
threading.Thread(target=wait, daemon=True).start()
clock.await_blocked(1)
"""


def test_L5_the_childs_pool_is_empty_and_usable():
    code = """
        pool = ResourcePool(init=[1, 2], maxsize=2, maxage=1000, dealloc=lambda r: say("dealloc", r))
        def child():
            say(len(pool), pool.waiting)
            for i in (7, 8, 9): pool.push(i)
            say(pool.pop(), len(pool))
            try: pool.pop(); pool.pop(timeout=0.01)
            except ResourcePoolEmpty: say("empty")
            pool.push(10)
        fork(child)
        say(len(pool))
    """
    assert output_of(FORK + dedent(code)) == [
        "child 0 0",
        "child dealloc 7",
        "child 9 1",
        "child empty",
        "child dealloc 10",
        "parent 2",
        "parent dealloc 2",
        "parent dealloc 1",
    ]


def test_L5_inherited_resources_are_never_deallocated_or_finalized_in_the_child():
    code = """
        pool = ResourcePool(init=[Owned("a"), Owned("b")], maxage=0.2, dealloc=lambda r: say("dealloc", r.name))
        def child():
            gc.collect()
            pool.clear()
            pool.close()
            time.sleep(0.4)  # of the system clock: the parent's expiry has come
        fork(child)
        pool.close()
    """
    lines = output_of(FORK + dedent(code))

    assert [line for line in lines if line.startswith("child")] == []
    assert sorted(lines) == sorted(f"parent {what} {name}" for name in "ab" for what in ("dealloc", "finalized"))


def test_L5_also_those_of_a_pool_that_the_child_drops():
    code = """
        pools = [ResourcePool(init=[Owned("a")], dealloc=lambda r: say("dealloc", r.name))]
        def child():
            pools.clear()
            gc.collect()
            say("end")
        fork(child)
    """
    assert output_of(FORK + dedent(code)) == ["child end", "parent dealloc a", "parent finalized a"]


@pytest.mark.parametrize("end", ["None", "sys.exit()"], ids=["pass", "sys.exit()"])
def test_L5_also_the_victims_of_an_eviction_whose_dealloc_forks(end):
    code = """
        def dealloc(resource):
            say("dealloc", resource.name)
            if resource.name == "a":
                fork_here(lambda: END)
        pool = ResourcePool(init=[Owned("c"), Owned("b"), Owned("a")], dealloc=dealloc)
        pool.clear()
    """
    lines = output_of(FORK + dedent(code).replace("END", end))

    # "a" was under its dealloc in the forking thread, which is the child's own. In the fork the child has no name yet.
    assert sorted(line for line in lines if line != "child finalized a") == sorted(
        f"parent {what} {name}" for name in "abc" for what in ("dealloc", "finalized")
    )


def test_L5_also_the_victims_of_an_eviction_that_a_fork_interrupts():
    """In the child the call that was interrupted goes on; what is pushed before that is left to it (K3)."""
    code = """
        import collections
        class Deque(collections.deque):
            def popleft(self):
                if len(self) == 2 and who == "parent":
                    fork_here(child)
                return super().popleft()
        def child():
            for i in range(4): pool.push(i)
            say("pushed")
        class Pool(ResourcePool):
            $deque_class = Deque
        pool = Pool(init="cba", maxsize=3, dealloc=lambda resource: say("dealloc", resource))
        pool.clear()
    """
    assert output_of(FORK + dedent(code)) == [
        "child pushed",
        *[f"child dealloc {i}" for i in range(4)],
        "parent dealloc a",
        "parent dealloc b",
        "parent dealloc c",
    ]


def test_L5_a_pop_that_waits_in_the_parent_does_not_wait_in_the_child():
    code = """
        clock = ManualClock()
        pool = ResourcePool(clock=clock)
        thread = threading.Thread(target=pool.pop, args=(0,), daemon=True)
        thread.start()
        clock.await_blocked(1)
        def child():
            pool.push("mine")
            try: clock.await_blocked(1, timeout=0)
            except TimeoutError: say(pool.waiting, pool.pop())
        fork(child)
        pool.push("the parent's")
        thread.join()
    """
    assert output_of(FORK + dedent(code)) == ["child 0 mine"]


def test_L5_a_pop_that_a_handler_interrupts_to_fork_waits_on_in_the_child():
    code = """
        import signal
        clock = ManualClock()
        pool = ResourcePool(clock=clock)
        other = threading.Thread(target=pool.pop, args=(0,), daemon=True)
        other.start()
        clock.await_blocked(1)
        def push():
            clock.await_blocked(2)
            os.kill(os.getpid(), signal.SIGUSR1)
            forked.wait()
            pool.push("for the other")
            pool.push("mine")
        def handle(*_):
            fork_here(threading.Thread(target=pool.push, args=("the child's",), daemon=True).start)
            forked.set()
        forked = threading.Event()
        signal.signal(signal.SIGUSR1, handle)
        thread = threading.Thread(target=push, daemon=True)
        thread.start()
        say(pool.pop(0))
    """
    assert output_of(FORK + dedent(code)) == ["child the child's", "parent mine"]


def test_L5_expiry_works_in_a_thread_of_the_child_that_has_the_number_of_one_of_the_parents():
    code = """
        numbers = []
        stuck, go_on, expired = threading.Event(), threading.Event(), threading.Event()
        def dealloc(resource):
            if resource == "the parent's":
                numbers.append(threading.get_ident())
                stuck.set()
                go_on.wait()
            else:
                expired.set()
        pool = ResourcePool(init=["the parent's"], maxage=0.01, dealloc=dealloc)
        stuck.wait()
        def child():
            def push():
                if threading.get_ident() in numbers:
                    numbers.clear()
                    pool.push("mine")
                else:
                    go_on.wait()  # so that the next thread has another number
            for _ in range(50):
                threading.Thread(target=push, daemon=True).start()
            if numbers:
                pool.push("mine")  # where the system gives no number again, this shows nothing
            say(expired.wait(5))
        fork(child)
        go_on.set()
    """
    assert output_of(FORK + dedent(code)) == ["child True"]


@pytest.mark.parametrize(
    ("call", "moment", "waiting"), [("close()", "released", 0), ("push(1)", "released", 0), ("clear()", "unlock", 1)]
)
def test_L5_a_call_that_a_fork_interrupts_leaves_no_waiter_of_the_parent_in_the_child(call, moment, waiting):
    code = f"""
        hooks[{moment!r}] = lambda: fork_here(lambda: None)
        pool.{call}
        say(pool.waiting)
    """
    assert output_of(FORK + WAITED_FOR + dedent(code)) == ["child 0", f"parent {waiting}"]


def test_L5_a_call_that_a_fork_interrupts_hands_nothing_to_a_waiter_of_the_parent_in_the_child():
    code = """
        hooks["locked"] = lambda: fork_here(lambda: pool.push("mine"))
        pool.push("the parent's")
        say(pool.waiting, len(pool))
    """
    assert output_of(FORK + WAITED_FOR + dedent(code)) == ["child 0 1", "parent 0 0"]


def test_L5_without_ctypes_the_child_finalizes_nothing_as_long_as_it_lives():
    code = """
        sys.modules["ctypes"] = None  # cannot be imported
        pool = ResourcePool(init=[Owned("a")])
        def child():
            say(len(pool))
            os._exit(0)
        fork(child)
    """
    assert output_of(FORK + dedent(code)) == ["child 0", "parent finalized a"]


def test_L5_a_fork_while_another_thread_imports_does_not_hang_the_child():
    code = """
        import importlib.abc
        begun = threading.Event()
        class Slow(importlib.abc.MetaPathFinder):
            def find_spec(self, name, path, target=None):
                if name == "_ctypes":
                    begun.set()
                    time.sleep(0.3)  # a slow disk
        pool = ResourcePool(init="a")
        sys.meta_path.insert(0, Slow())
        thread = threading.Thread(target=__import__, args=("ctypes",), daemon=True)
        thread.start()
        begun.wait()
        fork(lambda: say(len(pool)))
        thread.join()
    """
    assert output_of(FORK + dedent(code)) == ["child 0"]


def test_L5_a_seam_that_raises_in_the_child_does_not_leave_it_another_pools_resources():
    code = """
        import collections
        class Deque(collections.deque):
            def copy(self): raise OSError
        class Pool(ResourcePool):
            $deque_class = Deque
        first = Pool(init="a")
        second = ResourcePool(init="b")
        fork(lambda: say(len(second)))
    """
    assert output_of(FORK + dedent(code)) == ["child 0"]


def test_L5_the_child_is_unlocked_though_another_thread_held_the_lock():
    code = """
        class Clock(ManualClock):
            def call_at(self, *args):  # the pool holds its lock meanwhile
                armed.set()
                go_on.wait()
                return super().call_at(*args)
        armed, go_on = threading.Event(), threading.Event()
        pool = ResourcePool(maxage=5, clock=Clock())
        thread = threading.Thread(target=pool.push, args=("the parent's",), daemon=True)
        thread.start()
        armed.wait()
        def child():
            go_on.set()
            pool.push("mine")
            say(pool.pop(), len(pool))
        fork(child)
        go_on.set()
        thread.join()
        say(pool.pop())
    """
    assert output_of(FORK + dedent(code)) == ["child mine 0", "parent the parent's"]


def test_L5_a_manual_clock_is_unlocked_in_the_child():
    code = """
        clock = ManualClock()
        pool = ResourcePool(maxage=5, clock=clock)
        locked, go_on = threading.Event(), threading.Event()
        def hold():
            with clock.$clock_lock:
                locked.set()
                go_on.wait()
        thread = threading.Thread(target=hold, daemon=True)
        thread.start()
        locked.wait()
        def child():
            pool.push("mine")
            clock.advance(5)
            say(len(pool))
        fork(child)
        go_on.set()
    """
    assert output_of(FORK + dedent(code)) == ["child 0"]


def test_L5_the_background_thread_that_a_dealloc_forks_ends_in_the_child_without_an_error():
    code = """
        ended = threading.Event()
        def dealloc(resource):
            fork_here(lambda: None)
            ended.set()
        pool = ResourcePool(init="a", maxage=0.01, dealloc=dealloc)
        ended.wait()
    """
    assert output_of(FORK + dedent(code)) == []


def test_L5_expiry_works_in_the_child():
    code = """
        pool = ResourcePool(init=[1], maxage=0.05)
        def child():
            done = threading.Event()
            pool.$dealloc = lambda r: done.set()
            pool.push("mine")
            assert done.wait(20)
            say("expired")
        fork(child)
    """
    assert output_of(FORK + dedent(code)) == ["child expired"]


def test_L5_a_child_of_a_child():
    code = """
        pool = ResourcePool(init=[Owned("a")], dealloc=lambda r: say("dealloc", r.name))
        def child():
            pool.push(Owned("b"))
            pid = os.fork()
            if pid == 0:
                global who
                who = "grandchild"
                say(len(pool))
                sys.exit()
            os.waitpid(pid, 0)
        fork(child)
    """
    assert output_of(FORK + dedent(code)) == [
        "grandchild 0",
        "child dealloc b",
        "child finalized b",
        "parent dealloc a",
        "parent finalized a",
    ]
