"""What must hold after an operation, whatever came between."""

from __future__ import annotations

import gc
import weakref
from collections import Counter

from tests.faults.world import PATIENCE, Violation, World
from tests.support import inside

INTERRUPT, DROP = "interrupt", "drop"


def audit(world: World, fault: str, unraisable: list[BaseException], delivered: bool = False) -> object | None:
    """Check that nothing is lost, and that the pool works. Return the resource that an interrupted call has lost.

    Args:
        fault: what came between.
        unraisable: what was raised where nobody could catch it.
        delivered: whether an interrupt has come in a function of the pool.

    Raises:
        Violation: a clause is broken.
    """
    made = world.operation == world.make and world.error is None
    _outcome(world, fault, unraisable, delivered)
    try:
        if world.operation == world.make:
            del world.box[:-1]
            gc.collect()
            world.reference = weakref.ref(world.box[0]) if world.box else lambda: None
        if not world.box and not world.calls:
            gc.collect()  # a cycle through what was raised
            if world.pool is not None:
                raise Violation("L2", "something keeps the pool alive")
        if world.pool is not None:
            _works(world)
        else:
            world.gate.set()
            for call in world.calls:
                call.thread.join(PATIENCE)
                if call.thread.is_alive():
                    raise Violation("K1", "a call is stuck")
            world.calls.clear()
            gc.collect()  # a cycle through what was raised
    finally:
        world.gate.set()
        world.release()
    if world.departing:
        raise Violation("R4", f"{list(world.departing.values())} are left to be deallocated at exit")
    return _conserved(world, fault, set() if made else world.callers)


def _outcome(world: World, fault: str, unraisable: list[BaseException], delivered: bool) -> None:
    error = world.error
    world.error = None
    if isinstance(error, Violation):
        raise error
    allowed = world.may_raise
    if fault == INTERRUPT:
        allowed += (KeyboardInterrupt,)
        if delivered and not any(isinstance(seen, KeyboardInterrupt) for seen in (error, *unraisable)):
            raise Violation("P9", "the interrupt is swallowed")
    elif unraisable:
        raise Violation("L1", f"a finalizer raised {unraisable[0]!r}")
    if fault in ("clear", "close") or (fault == "pop" and not world.plenty):
        allowed += (world.package.ResourcePoolEmpty,)
    if fault == "close":
        allowed += (world.package.ResourcePoolClosed,)
    if error is not None and not isinstance(error, allowed):
        raise Violation("K3" if fault != INTERRUPT else "P9", f"it raised {error!r}") from error


def _works(world: World) -> None:
    """Use the pool, and end it."""
    pool = world.pool
    if world.ends and (len(pool) or not inside.closed(pool)):
        raise Violation("L1", f"{len(pool)} are idle at the end")
    waiting = pool.waiting
    if waiting and len(pool):
        raise Violation("P8", f"{len(pool)} are idle while {waiting} wait")
    _unlocked(world)
    if not world.calls:
        _bounded(world)
    _use(world)
    world.gate.set()
    _end_calls(world)
    _finish(world)


def _unlocked(world: World) -> None:
    """Nobody holds a lock: neither this thread, which could go on, nor another one. So any thread can use the pool."""
    for lock in (
        [inside.lock(world.pool)] if world.clock is None else [inside.lock(world.pool), inside.clock_lock(world.clock)]
    ):
        if lock._is_owned() or not lock.acquire(timeout=PATIENCE):
            raise Violation("P9", "a lock is left held")
        lock.release()


def _use(world: World) -> None:
    world.push()
    try:
        world.held.append(world.pool.pop())
    except (world.package.ResourcePoolEmpty, world.package.ResourcePoolClosed, IndexError):
        pass


def _bounded(world: World) -> None:
    size = len(world.pool)
    if world.maxsize is not None and size > world.maxsize:
        raise Violation("R1", f"{size} are idle, with maxsize={world.maxsize}")


def _finish(world: World) -> None:
    """Have all expire, if it ages, and close it."""
    pool = world.pool
    world.push()
    _bounded(world)
    before = len(world.deallocated)
    if world.clock is not None and "maxage" in world.settings and not inside.closed(pool):
        idle = len(pool)
        world.clock.advance(world.settings["maxage"])
        left = min(idle, world.settings.get("minsize") or 0)
        if len(pool) != left or len(world.deallocated) - before != idle - left:
            raise Violation("R3", f"of {idle} that were idle {len(pool)} are, and not {left}, when all have expired")
    idle, before = len(pool), len(world.deallocated)
    pool.close()
    if len(pool) or pool.waiting or len(world.deallocated) - before != idle:
        raise Violation("L4", f"after a close {len(pool)} are idle, and {len(world.deallocated) - before} deallocated")
    world.push()
    if len(pool) or world.deallocated[-1] is not world.everything[-1]:
        raise Violation("L4", "a closed pool keeps what is pushed")


def _end_calls(world: World) -> None:
    """All who wait get something, and all calls end."""
    pool = world.pool
    for call in world.calls:
        if pool.waiting:
            world.push()
        call.thread.join(0.0005)
    for call in world.calls:
        if call.thread.is_alive():
            for _ in range(pool.waiting):
                world.push()
            call.thread.join(PATIENCE)
        if call.thread.is_alive():
            raise Violation("P8", "a pop is neither served nor freed")
        error = call._error
        if error is not None and not isinstance(error, world.others_may_raise):
            raise Violation("P9", f"another call raised {error!r}") from error
    if pool.waiting:
        raise Violation("P8", f"{pool.waiting} wait though all calls have ended")


def _conserved(world: World, fault: str, callers: set[object]) -> object | None:
    """Each resource is in one place."""
    made = [resource for resource in world.made_from if resource not in world.stock]
    everything = {*world.everything, *made}
    deallocated = Counter(world.deallocated)
    held = Counter(world.held)
    lost = []
    for resource in everything:
        places = held[resource] + deallocated[resource]
        if deallocated[resource] > 1:
            raise Violation("R4", f"{resource} got {deallocated[resource]} deallocs")
        if places > 1:
            raise Violation("P9", f"{resource} has {places} owners")
        if not places and resource not in world.dead and resource not in callers:
            lost.append(resource)
    if not lost:
        return None
    if fault != INTERRUPT:
        raise Violation("P9", f"{lost} are lost")
    if len(lost) > 1:
        raise Violation("P9", f"{lost} are lost, not one")
    if world.moving is not None and lost[0] not in world.moving:
        raise Violation("P9", f"{lost[0]} is lost, which the call was not moving")
    return lost[0]
