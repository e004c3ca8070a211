"""W1 and W2: a resource for the length of a block."""

from __future__ import annotations

import copy
import logging
import pickle
import sys
import threading
from functools import partial

import pytest

from tests.faults.points import Points
from tests.helpers import PATIENCE, Call, in_time, raised, soon_raises
from tests.support import inside
from ya.resourcepool import ManualClock, ResourcePool, ResourcePoolClosed, ResourcePoolEmpty


def test_W1_with_pops_and_pushes():
    pool = ResourcePool(init=["a"])
    with pool() as resource:
        assert resource == "a"
        assert len(pool) == 0

    assert len(pool) == 1


def test_W1_nothing_is_popped_before_the_block_begins():
    pool = ResourcePool(init=["a"])
    lease = pool()
    assert len(pool) == 1
    with lease:
        assert len(pool) == 0


def test_W1_a_raising_body_pushes_back_and_propagates():
    pool = ResourcePool(init=["a"])
    with pytest.raises(KeyError, match="body"), pool():
        raise KeyError("body")

    assert pool.pop() == "a"


def test_W1_the_timeout_is_that_of_pop():
    clock = ManualClock()
    pool = ResourcePool(clock=clock)

    def use():
        with pool(timeout=3):
            raise AssertionError

    call = Call(use)
    clock.await_blocked(1)
    clock.advance(3)

    error = call.error()
    assert isinstance(error, ResourcePoolEmpty)
    assert error.waited == 3
    with pytest.raises(ResourcePoolEmpty), pool():
        pass


def test_W1_the_resource_may_be_None():
    pool = ResourcePool(init=[None])
    with pool() as resource:
        assert resource is None

    assert len(pool) == 1


def test_W1_a_lease_can_be_used_again_but_not_within_itself():
    pool = ResourcePool(init="ab")
    lease = pool()
    for _ in range(2):
        with (
            lease,
            pytest.raises(RuntimeError, match=r"^this lease is in its block already: call the pool for each block$"),
            lease,
        ):
            pass

    assert len(pool) == 2


def test_W2_discard_deallocates_at_exit_and_does_not_push():
    deallocated = []
    pool = ResourcePool(init=["a"], dealloc=deallocated.append)
    lease = pool()
    with lease:
        lease.discard()
        lease.discard()
        assert deallocated == []

    assert deallocated == ["a"]
    assert len(pool) == 0


def test_W2_discard_holds_for_one_block():
    pool = ResourcePool(init="ab")
    lease = pool()
    with lease:
        lease.discard()
    with lease:
        pass

    assert pool.pop() == "b"


def test_W2_a_resource_that_is_None_can_be_discarded_too():
    deallocated = []
    pool = ResourcePool(init=[None], dealloc=deallocated.append)
    lease = pool()
    with lease as resource:
        assert resource is None
        lease.discard()

    assert deallocated == [None]


def test_W2_discard_also_when_the_body_raises():
    deallocated = []
    pool = ResourcePool(init=["a"], dealloc=deallocated.append)
    lease = pool()
    with pytest.raises(ValueError, match="broken"), lease:
        lease.discard()
        raise ValueError("broken")

    assert deallocated == ["a"]


def test_W2_discard_outside_the_block_is_a_RuntimeError():
    pool = ResourcePool(init=["a"])
    lease = pool()
    with pytest.raises(RuntimeError, match=r"^discard\(\) outside the block of its lease$"):
        lease.discard()
    with lease:
        pass
    with pytest.raises(RuntimeError, match=r"^discard\(\) outside the block of its lease$"):
        lease.discard()

    assert len(pool) == 1


def test_W2_a_raising_dealloc_of_what_is_discarded_is_logged(caplog):
    def dealloc(resource):
        raise OSError("can't close")

    pool = ResourcePool(init=["a"], dealloc=dealloc)
    lease = pool()
    with caplog.at_level(logging.ERROR, "ya.resourcepool"), lease:
        lease.discard()

    assert "can't close" in caplog.text


def test_W2_an_interrupting_dealloc_of_what_is_discarded_propagates():
    def dealloc(resource):
        raise KeyboardInterrupt

    lease = ResourcePool(init=["a"], dealloc=dealloc)()
    with pytest.raises(KeyboardInterrupt), lease:
        lease.discard()


def test_W2_an_interrupt_just_before_the_dealloc_of_what_is_discarded_does_not_put_it_off(monkeypatch):
    """Until the exit, that is."""
    announce = inside.get(inside.ANNOUNCE)

    def interrupted(*arguments):
        announce(*arguments)
        inside.patch(monkeypatch, inside.ANNOUNCE, announce)
        raise KeyboardInterrupt

    deallocated = []
    lease = ResourcePool(init=["a"], dealloc=deallocated.append)()
    inside.patch(monkeypatch, inside.ANNOUNCE, interrupted)
    with pytest.raises(KeyboardInterrupt), lease:
        lease.discard()

    assert deallocated == ["a"]
    assert not inside.get(inside.DEPARTING)


def test_W1_a_pool_closed_during_the_block_deallocates_what_comes_back():
    deallocated = []
    pool = ResourcePool(init=["a"], dealloc=deallocated.append)
    with pool():
        pool.close()
        assert deallocated == []

    assert deallocated == ["a"]
    with pytest.raises(ResourcePoolClosed), pool():
        pass


def entering(lease):
    """A call that enters, and what it got; leaves it there."""
    return Call(lease.__enter__)


def slowly_made(gate, begun):
    """An `alloc` that takes until the gate is open."""

    def alloc():
        begun.release()
        assert gate.wait(PATIENCE)
        return "made"

    return alloc


def test_W1_a_lease_that_is_left_twice_raises_and_pushes_nothing():
    pool = ResourcePool(init="a")
    lease = pool()
    lease.__enter__()
    lease.__exit__(None, None, None)
    error = raised(lease.__exit__, None, None, None)

    assert len(pool) == 1
    assert type(error) is RuntimeError
    assert pool.pop() == "a"


def test_W1_a_lease_that_is_left_and_was_never_entered_raises_and_pushes_nothing():
    pool = ResourcePool()
    error = raised(pool().__exit__, None, None, None)

    assert len(pool) == 0
    assert type(error) is RuntimeError


def test_W1_a_lease_that_is_left_again_after_a_discard_raises_and_deallocates_nothing_more():
    deallocated = []
    pool = ResourcePool(init="a", dealloc=deallocated.append)
    lease = pool()
    lease.__enter__()
    lease.discard()
    lease.discard()
    lease.__exit__(None, None, None)
    error = raised(lease.__exit__, None, None, None)

    assert deallocated == ["a"]
    assert type(error) is RuntimeError


def test_W1_a_lease_that_is_left_by_hand_within_its_block_gives_back_once():
    pool = ResourcePool(init="ab")
    lease = pool()

    def use():
        with lease:
            lease.__exit__(None, None, None)

    error = raised(use)

    assert len(pool) == 2
    assert type(error) is RuntimeError


def test_W1_what_raises_in_the_body_of_a_lease_that_was_left_by_hand_is_still_seen():
    pool = ResourcePool(init="a")
    lease = pool()

    def use():
        with lease:
            lease.__exit__(None, None, None)
            raise KeyError("body")

    error = raised(use)

    assert len(pool) == 1
    assert type(error) is RuntimeError
    before = []
    while (error := error.__context__) is not None:
        before.append(type(error))
    assert KeyError in before


def test_W1_a_second_thread_cannot_enter_while_the_first_allocates():
    gate, begun = threading.Event(), threading.Semaphore(0)
    pool = ResourcePool(alloc=slowly_made(gate, begun))
    lease = pool()
    first = entering(lease)
    assert begun.acquire(timeout=PATIENCE)
    second = entering(lease)
    assert not begun.acquire(timeout=0.2), "both allocate for one lease"
    assert type(second.error()) is RuntimeError
    gate.set()

    assert first.result() == "made"
    lease.__exit__(None, None, None)
    assert len(pool) == 1


def test_W1_a_second_thread_cannot_enter_while_the_first_waits():
    clock = ManualClock()
    pool = ResourcePool(clock=clock)
    lease = pool(0)
    first = entering(lease)
    clock.await_blocked(1)
    second = entering(lease)
    in_time(lambda: pool.waiting == 2 or not second.thread.is_alive(), True)
    waiting = pool.waiting
    for resource in "ab"[:waiting]:
        pool.push(resource)

    assert waiting == 1
    assert type(second.error()) is RuntimeError
    assert first.result() == "a"


def test_W1_an_alloc_cannot_enter_the_lease_it_is_called_for():
    """As a handler could, which interrupts its entry."""
    errors = []

    def alloc():
        if not errors:
            errors.append(None)
            errors.append(raised(lease.__enter__))
        return "made"

    pool = ResourcePool(alloc=alloc)
    lease = pool()
    lease.__enter__()

    assert type(errors[1]) is RuntimeError


def test_W1_a_lease_can_neither_be_left_nor_discarded_while_it_is_being_entered():
    errors = []

    def alloc():
        errors.append(raised(lease.__exit__, None, None, None))
        errors.append(raised(lease.discard))
        return "made"

    pool = ResourcePool(alloc=alloc)
    lease = pool()

    assert raised(lease.__enter__) is None
    assert len(pool) == 0
    assert [type(error) for error in errors] == [RuntimeError, RuntimeError]


def test_W1_a_refused_entry_changes_nothing():
    pool = ResourcePool(init="ab")
    lease = pool()
    with lease as resource:
        for _ in range(3):
            assert type(soon_raises(lease.__enter__)) is RuntimeError
        lease.discard()
        assert type(raised(lease.__enter__)) is RuntimeError  # nor does it take the discard back

    assert resource == "a"
    assert [pool.pop() for _ in range(len(pool))] == ["b"]


@pytest.mark.parametrize("method", ["__enter__", "__exit__"])
def test_W1_of_two_threads_that_enter_or_leave_at_once_one_gets_through(method):
    """The second one comes before each bytecode of the first."""
    wrong = []
    with Points(sys.modules["ya.resourcepool"]) as points:

        def both(point):
            pool = ResourcePool(init="abc")
            lease = pool()
            arguments = () if method == "__enter__" else (None, None, None)
            if method == "__exit__":
                lease.__enter__()
            errors = []
            call = getattr(lease, method)
            first = lambda: errors.append(raised(call, *arguments))  # noqa: E731
            second = lambda: errors.append(soon_raises(call, *arguments))  # noqa: E731
            if point is None:
                return points.count(first)
            place = points.at_point(first, point, second)
            if len(errors) == 1:
                second()
            idle = len(pool)
            if sorted(map(type, errors), key=str) != [type(None), RuntimeError] or idle != (
                2 if method == "__enter__" else 3
            ):
                wrong.append((place.function, place.line, errors, f"{idle} idle"))
            return None

        both(None)
        for point in range(len(both(None))):
            both(point)

    assert wrong == []


def test_W1_after_a_pop_that_raised_a_lease_can_be_entered_again():
    pool = ResourcePool()
    lease = pool()
    with pytest.raises(ResourcePoolEmpty):
        lease.__enter__()
    assert type(raised(lease.__exit__, None, None, None)) is RuntimeError
    assert type(raised(lease.discard)) is RuntimeError
    assert len(pool) == 0
    pool.push("a")
    with lease as resource:
        assert resource == "a"

    assert len(pool) == 1


@pytest.mark.parametrize("error", [OSError, KeyboardInterrupt])
@pytest.mark.parametrize("callback", ["alloc", "check"])
def test_W1_after_a_callback_that_raised_a_lease_can_be_entered_again(callback, error):
    errors = [error]

    def raising(*_):
        if errors:
            raise errors.pop()
        return "made"

    pool = ResourcePool(init="a" if callback == "check" else None, **{"alloc": lambda: "made", callback: raising})
    lease = pool()
    with pytest.raises(error):
        lease.__enter__()
    with lease as resource:
        assert resource == "made"

    assert len(pool) == 1


def test_W1_after_a_wait_that_was_interrupted_a_lease_can_be_entered_again():
    class Clock(ManualClock):
        def wait(self, lock, start, timeout):
            raise KeyboardInterrupt

    pool = ResourcePool(clock=Clock())
    lease = pool(0)
    with pytest.raises(KeyboardInterrupt):
        lease.__enter__()
    pool.push("a")
    with lease as resource:
        assert resource == "a"

    assert len(pool) == 1


@pytest.mark.parametrize("discards", [False, True])
def test_W1_after_a_push_that_raised_a_lease_can_be_entered_again(discards):
    """Its `dealloc` is interrupted, the resource is gone, and nothing of it stays in the lease."""
    deallocated = []

    def dealloc(resource):
        deallocated.append(resource)
        if resource == "a":
            raise KeyboardInterrupt

    pool = ResourcePool(alloc=iter("ab").__next__, maxsize=0, dealloc=dealloc)
    lease = pool()

    def use():
        with lease:
            if discards:
                lease.discard()

    assert type(raised(use)) is KeyboardInterrupt
    left_again = raised(lease.__exit__, None, None, None)
    assert deallocated == ["a"]
    assert type(left_again) is RuntimeError
    with lease as resource:
        assert resource == "b"

    assert deallocated == ["a", "b"]


@pytest.mark.parametrize(
    "duplicate",
    [copy.copy, copy.deepcopy, *(partial(pickle.dumps, protocol=i) for i in range(pickle.HIGHEST_PROTOCOL + 1))],
)
@pytest.mark.parametrize("entered", [False, True])
def test_W1_a_lease_cannot_be_copied_or_pickled(entered, duplicate):
    lease = ResourcePool(init=["a"])()
    if entered:
        lease.__enter__()

    assert isinstance(raised(duplicate, lease), TypeError)
