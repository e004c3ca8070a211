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


def test_L5_what_a_lease_holds_at_a_fork_belongs_to_the_parent():
    """Both leave the block; the child neither lends nor deallocates what is the parent's."""
    code = """
        pool = ResourcePool(init=[Owned("a")], dealloc=lambda r: say("dealloc", r.name))
        with pool():
            pid = os.fork()
            if pid == 0:
                who = "child"
            else:
                assert os.waitpid(pid, 0)[1] == 0
        say(len(pool))
        if who == "child":
            pool.push(Owned("b"))
            say(pool.pop().name)
    """
    assert output_of(FORK + dedent(code)) == [
        "child 0",
        "child finalized b",
        "child b",
        "parent 1",
        "parent dealloc a",
        "parent finalized a",
    ]


@pytest.mark.parametrize("arguments", ["maxage=1000", "maxsize=0", "minsize=0, maxsize=1"])
def test_L5_what_a_lease_holds_at_a_fork_is_not_evicted_by_the_child(arguments):
    code = f"""
        pool = ResourcePool(alloc=lambda: Owned("a"), dealloc=lambda r: say("dealloc", r.name), {arguments})
        with pool():
            fork_here(lambda: None)
        say(len(pool))
        pool.close()
    """
    lines = output_of(FORK + dedent(code))

    assert [line for line in lines if line.startswith("child")] == ["child 0"]
    assert "parent dealloc a" in lines


def test_L5_what_a_lease_holds_at_a_fork_is_not_deallocated_by_a_discard_of_the_child():
    code = """
        pool = ResourcePool(init=[Owned("a")], dealloc=lambda r: say("dealloc", r.name))
        lease = pool()
        with lease:
            fork_here(lambda: None)
            lease.discard()
        say("end")
    """
    assert output_of(FORK + dedent(code)) == ["child end", "parent dealloc a", "parent finalized a", "parent end"]


def test_L5_a_lease_that_was_held_at_a_fork_can_be_entered_again_by_the_child():
    code = """
        pool = ResourcePool(alloc=lambda: Owned(f"the {who}'s"), dealloc=lambda r: say("dealloc", r.name))
        lease = pool()
        with lease:
            fork_here(lambda: None)
        with lease as resource:
            say(resource.name)
            del resource
        say(len(pool))
        os._exit(0)
    """
    assert output_of(FORK + dedent(code)) == ["child the child's", "child 1", "parent the parent's", "parent 1"]


def test_L5_nested_leases_that_are_held_at_a_fork_belong_to_the_parent():
    code = """
        pools = [ResourcePool(init=[Owned(name)], dealloc=lambda r: say("dealloc", r.name)) for name in "ab"]
        with pools[0](), pools[1]():
            fork_here(lambda: None)
        say(*map(len, pools))
        for pool in pools: pool.close()
    """
    lines = output_of(FORK + dedent(code))

    assert [line for line in lines if line.startswith("child")] == ["child 0 0"]
    assert sorted(line for line in lines if "dealloc" in line) == ["parent dealloc a", "parent dealloc b"]


def test_L5_what_a_lease_of_another_thread_holds_at_a_fork_is_not_finalized_in_the_child():
    code = """
        entered, go_on = threading.Event(), threading.Event()
        pool = ResourcePool(init=[Owned("a")], dealloc=lambda r: say("dealloc", r.name))
        def use():
            with pool():
                entered.set()
                go_on.wait()
        thread = threading.Thread(target=use, daemon=True)
        thread.start()
        entered.wait()
        fork(lambda: (gc.collect(), say(len(pool))))
        go_on.set()
        thread.join()
        say(len(pool))
    """
    assert output_of(FORK + dedent(code)) == ["child 0", "parent 1", "parent dealloc a", "parent finalized a"]


def test_L5_what_was_popped_without_a_lease_is_the_programs_own_business():
    """As before: the child may push it."""
    code = """
        pool = ResourcePool(init=["a"], dealloc=lambda r: say("dealloc", r))
        resource = pool.pop()
        fork_here(lambda: None)
        pool.push(resource)
        say(len(pool))
    """
    assert output_of(FORK + dedent(code)) == ["child 1", "child dealloc a", "parent 1", "parent dealloc a"]


@pytest.mark.parametrize("moment", ["append", "after append", "lock", "locked", "unlock"])
def test_L5_what_is_pushed_by_a_push_that_a_handler_interrupts_to_fork_belongs_to_the_parent(moment):
    code = f"""
        from tests.helpers import hooked_pool
        hooks = {{}}
        pool = hooked_pool(hooks, maxsize=0, dealloc=lambda r: say("dealloc", r.name))
        hooks[{moment!r}] = lambda: fork_here(lambda: None)
        pool.push(Owned("a"))
        say(len(pool))
    """
    assert output_of(FORK + dedent(code)) == [
        "child 0",
        "parent dealloc a",
        "parent finalized a",
        "parent 0",
    ]


def test_L5_what_a_pop_checks_as_a_handler_interrupts_it_to_fork_belongs_to_the_parent():
    """That pop starts over in the child."""
    code = """
        def check(resource):
            if resource.name == "a":
                fork_here(lambda: pool.push(Owned("b")))
            return True
        pool = ResourcePool(init=[Owned("a")], check=check, dealloc=lambda r: say("dealloc", r.name))
        say("got", pool.pop().name)
        os._exit(0)
    """
    lines = output_of(FORK + dedent(code))

    assert [line for line in lines if "got" in line] == ["child got b", "parent got a"]
    assert "child finalized a" not in lines
    assert not any("dealloc" in line for line in lines)


@pytest.mark.parametrize("answer", ["False", "1 / 0"])
def test_L5_a_candidate_of_the_parents_is_not_given_up_by_the_child(answer):
    code = """
        def check(resource):
            fork_here(lambda: None)
            if who == "child":
                return ANSWER
            return True
        pool = ResourcePool(init=[Owned("a")], check=check, dealloc=lambda r: say("dealloc", r.name))
        try: say("got", pool.pop().name)
        except Exception as error: say(type(error).__name__)
        os._exit(0)
    """
    lines = output_of(FORK + dedent(code).replace("ANSWER", answer))

    assert "child finalized a" not in lines
    assert "child dealloc a" not in lines
    assert "parent got a" in lines


def test_L5_an_alloc_and_a_dealloc_that_have_begun_go_on_in_both():
    code = """
        def alloc():
            fork_here(lambda: None)
            return f"of the {who}"
        pool = ResourcePool(alloc=alloc)
        say(pool.pop())
        if who == "child": os._exit(0)
        def dealloc(resource):
            fork_here(lambda: None)
            say("dealloc", resource)
        pool = ResourcePool(init="a", dealloc=dealloc)
        pool.clear()
        os._exit(0)
    """
    assert output_of(FORK + dedent(code)) == [
        "child of the child",
        "parent of the parent",
        "child dealloc a",
        "parent dealloc a",
    ]


@pytest.mark.parametrize(
    "call", ["pool.clear()", "pool.close()", "raised(pool.pop)", "pool.push(0)", "pool.push(0) or pool.clear()"]
)
def test_L5_a_fork_by_a_handler_while_its_thread_is_blocked_for_the_lock_does_not_hang_the_child(call):
    """Another thread holds the lock. In the child it is nobody's."""
    code = """
        import signal
        from tests.helpers import hooked_pool, raised
        hooks = {}
        has_lock, go_on, blocked = (threading.Event() for _ in range(3))
        pool = hooked_pool(hooks, alloc=lambda: "made", maxsize=0)
        hooks["locked"] = lambda: (has_lock.set(), go_on.wait(10))
        threading.Thread(target=pool.clear, daemon=True).start()
        assert has_lock.wait(10)
        main = threading.get_ident()
        def send():
            blocked.wait()
            time.sleep(0.1)  # until it is blocked for the lock
            if not sent: signal.pthread_kill(main, signal.SIGUSR1)
            time.sleep(0.3)
            go_on.set()
        sent, pids = [], []
        def handle(*_):
            sent.append(1)
            pid = os.fork()
            if pid == 0:
                signal.signal(signal.SIGALRM, signal.SIG_DFL)
                signal.alarm(2)
            else:
                pids.append(pid)
        signal.signal(signal.SIGUSR1, handle)
        hooks["lock"] = blocked.set
        threading.Thread(target=send, daemon=True).start()
        CALL
        if not sent: handle()  # it did not wait for the lock
        if not pids:
            say_in_child = pool.push(1), pool.clear(), len(pool)
            os._exit(say_in_child[-1])
        print("the child ended with", os.waitpid(pids[0], 0)[1], flush=True)
        os._exit(0)
    """
    assert output_of(FORK + dedent(code).replace("CALL", call)) == ["the child ended with 0"]
