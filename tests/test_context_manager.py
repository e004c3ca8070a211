"""W1 and W2: a resource for the length of a block."""

from __future__ import annotations

import logging

import pytest

from tests.helpers import Call
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
