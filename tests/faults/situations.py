"""Every public operation, in every situation."""

from __future__ import annotations

import gc
from collections.abc import Callable
from functools import partial
from types import ModuleType
from typing import NamedTuple

from tests.faults.world import World
from tests.support import inside

Situation = Callable[[ModuleType], World]


def _idle(package: ModuleType, **settings: object) -> World:
    world = World(package, idle=3, **settings)  # type: ignore[arg-type]
    world.plenty = True
    return world


def _empty(package: ModuleType, **settings: object) -> World:
    world = World(package, **settings)  # type: ignore[arg-type]
    world.may_raise = (package.ResourcePoolEmpty,)
    return world


def _due(package: ModuleType, **settings: object) -> World:
    """Two of three are due, and the clock is late."""
    world = World(package, idle=2, maxage=10, **settings)  # type: ignore[arg-type]
    world.clock.hurry(9)
    world.push()
    world.clock.hurry(1)
    return world


def _waiting(package: ModuleType, **settings: object) -> World:
    return _empty(package, **settings).waits().waits()


def _handed_over(package: ModuleType, **settings: object) -> World:
    """A pop has been served, and has not gone on."""
    world = _empty(package, **settings).waits()
    world.stops(world.push)
    return world


def _overflowing(package: ModuleType) -> World:
    world = World(package, idle=3, maxsize=3, minsize=1, slow=True)
    world.stops(world.push)
    return world


def _expiring(package: ModuleType) -> World:
    world = World(package, idle=3, maxage=10, minsize=1, slow=True)
    world.stops(partial(world.clock.advance, 10))
    return world


def _closing(package: ModuleType) -> World:
    world = World(package, idle=3, slow=True)
    world.stops(world.pool.close)
    world.may_raise = (package.ResourcePoolClosed,)
    return world


def _closed(package: ModuleType) -> World:
    world = World(package)
    world.pool.close()
    world.may_raise = (package.ResourcePoolClosed,)
    return world


def _allocating(package: ModuleType) -> World:
    world = World(package, stock=3, slow=True)
    world.stops(lambda: world.held.append(world.pool.pop()))
    return world


def _checking(package: ModuleType) -> World:
    world = World(package, idle=3, dead=0, slow=True)
    world.stops(lambda: world.held.append(world.pool.pop()))
    return world


SITUATIONS: dict[str, Situation] = {
    "idle": _idle,
    "idle, ageing": partial(_idle, maxage=10),
    "idle, ageing down to a floor": partial(_idle, maxage=10, minsize=1),
    "idle, one dead": partial(_idle, dead=1),
    "empty": _empty,
    "empty, ageing": partial(_empty, maxage=10),
    "empty, maxsize=0": partial(_empty, maxsize=0),
    "empty, to be allocated": partial(World, stock=3),
    "waiting": _waiting,
    "waiting, ageing": partial(_waiting, maxage=10),
    "waiting, maxsize=0": partial(_waiting, maxsize=0),
    "being handed to": _handed_over,
    "being handed to, ageing": partial(_handed_over, maxage=10),
    "about to overflow": partial(World, idle=3, maxsize=3, minsize=1),
    "about to overflow, ageing": partial(World, idle=3, maxsize=3, minsize=1, maxage=10),
    "about to overflow, dealloc raises": partial(World, idle=3, maxsize=3, minsize=1, raising=True),
    "overflowing": _overflowing,
    "due": _due,
    "due down to a floor": partial(_due, minsize=1),
    "expiring": _expiring,
    "closing": _closing,
    "closed": _closed,
    "callbacks running: alloc": _allocating,
    "callbacks running: check": _checking,
    "the system's clock": partial(World, idle=3, maxsize=3, minsize=1, maxage=1000, system=True),
}


def _pop(world: World, timeout: float | None = None) -> None:
    world.moving = None
    world.operation = lambda: world.held.append(world.pool.pop(timeout))


def _pop_until(world: World) -> None:
    _pop(world, 5)
    if world.clock is not None:
        world.meetings = [partial(world.clock.advance, 5)]


def _pop_for_ever(world: World) -> None:
    _pop(world, 0)
    world.meetings = [world.push] * 5
    world.may_raise = tuple(error for error in world.may_raise if error is not world.package.ResourcePoolEmpty)


def _pop_from_what_closes(world: World) -> None:
    _pop(world, 0)
    world.meetings = [lambda: world.pool.close()]
    world.may_raise = (world.package.ResourcePoolClosed,)


def _pop_what_is_dead(world: World) -> None:
    """What it is handed is dead twice; then it takes one from the queue."""
    _pop(world, 0)

    def push(dead: bool) -> None:
        resource = world.new()
        if dead:
            world.dead.add(resource)
            world.verdicts[resource] = False
        world.pool.push(resource)

    world.meetings = [partial(push, True), partial(push, True), *[partial(push, False)] * 5]
    world.may_raise = ()


def _push(world: World) -> None:
    resource = world.new()
    world.moving = {resource}
    world.operation = lambda: world.pool.push(resource)


def _with(world: World) -> None:
    def use() -> None:
        with world.pool() as resource:
            assert resource in world.everything or resource in world.made_from

    world.moving = None
    world.operation = use


def _with_raising(world: World) -> None:
    def use() -> None:
        with world.pool():
            raise ZeroDivisionError

    world.moving = None
    world.operation = use
    world.may_raise += (ZeroDivisionError,)


def _discard(world: World) -> None:
    def use() -> None:
        lease = world.pool()
        with lease:
            lease.discard()

    world.moving = None
    world.operation = use


def _look(look: Callable[[object], object], world: World) -> None:
    world.operation = lambda: look(world.pool)


def _method(name: str, world: World) -> None:
    world.plenty = False
    world.operation = lambda: getattr(world.pool, name)()


def _advance(world: World) -> None:
    world.plenty = False
    world.operation = lambda: world.clock.advance(world.settings.get("maxage", 10))


def _ring(world: World) -> None:
    """What the system's clock calls in its thread; here in this one."""
    world.plenty = False
    clock = object.__new__(
        inside.get(inside.SYSTEM_CLOCK, world.package)
    )  # not `__init__`, which registers it with each fork
    setattr(clock, inside.RINGING, {})
    clock.now = world.clock.now
    alarm = inside.get(inside.ALARM, world.package)(world.clock.now() - 10, 10, inside.expiry(world.pool))
    world.operation = lambda: inside.ring(clock, alarm)


def _exit(world: World) -> None:
    world.plenty = False
    gc.collect()  # pools of other worlds, which it would close, too
    close_all = inside.get(inside.CLOSE_ALL, world.package)

    def leave() -> None:
        """As `atexit` calls what is registered with it."""
        try:
            close_all()
        finally:
            close_all()

    world.operation = leave
    world.ends = True


def _end(world: World) -> None:
    """The last reference goes."""
    world.plenty = False
    world.operation = world.drop
    world.ends = True


def _collect(world: World) -> None:
    """A pool in a cycle is collected."""
    world.plenty = False
    world.pool.itself = world.pool
    world.drop()
    world.operation = gc.collect
    world.ends = True


OPERATIONS: dict[str, Callable[[World], None]] = {
    "pop": _pop,
    "pop until a timeout": _pop_until,
    "pop that waits": _pop_for_ever,
    "pop that meets a close": _pop_from_what_closes,
    "push": _push,
    "with": _with,
    "with, the body raises": _with_raising,
    "discard": _discard,
    "len": partial(_look, len),
    "bool": partial(_look, bool),
    "repr": partial(_look, repr),
    "waiting": partial(_look, lambda pool: pool.waiting),
    "close": partial(_method, "close"),
    "clear": partial(_method, "clear"),
    "expiry": _advance,
    "expiry by the system's clock": _ring,
    "exit": _exit,
    "end": _end,
}


class Case(NamedTuple):
    situation: str
    operation: str

    def world(self, package: ModuleType) -> World:
        return CASES[self](package)


def _case(situation: Situation, operation: Callable[[World], None], package: ModuleType) -> World:
    world = situation(package)
    operation(world)
    return world


def _makes_sense(situation: str, operation: str) -> bool:
    """Whether the operation differs from others there, and can be done."""
    ages = any(word in situation for word in ("ageing", "due", "expiring"))
    if operation in ("pop until a timeout", "pop that waits", "pop that meets a close"):
        return situation.startswith(("empty", "waiting", "being handed")) and "allocated" not in situation
    if operation == "expiry":
        return ages
    if operation == "expiry by the system's clock":
        return ages and not situation.startswith("waiting")
    if operation == "end":
        return not situation.startswith(("waiting", "being handed", "overflowing", "expiring", "closing", "callbacks"))
    return True


def _constructor(package: ModuleType, given: int, **arguments: object) -> World:
    world = World(package, **arguments)  # type: ignore[arg-type]
    world.initial = [world.new() for _ in range(given)]
    world.operation = world.make
    return world


def _short_of_stock(package: ModuleType) -> World:
    world = _constructor(package, 1, stock=2)
    world.arguments["minsize"] = 5
    world.may_raise = (IndexError,)
    return world


def _timed_pop_elsewhere(package: ModuleType) -> World:
    """The clock has other threads' pops time out."""
    world = _empty(package).waits(5).waits(7)
    world.operation = lambda: world.clock.advance(10)
    return world


def _nested(callback: str, operation: str, package: ModuleType) -> World:
    """An operation whose callback calls the same pool."""
    world = World(package, idle=2, maxsize=2, minsize=1, dead=0, slow=True, stock=3)
    inner = {
        "push": world.push,
        "pop": lambda: world.held.append(world.pool.pop()),
        "close": lambda: world.pool.close(),
        "clear": lambda: world.pool.clear(),
    }[operation]
    if callback == "alloc":
        world.pool.clear()
    world.nested[callback] = [inner]
    {"alloc": _pop, "check": _pop, "dealloc": _push}[callback](world)
    world.moving = None
    world.may_raise += (world.package.ResourcePoolClosed,) if operation == "close" else ()
    return world


CASES: dict[Case, Situation] = {
    **{
        Case(situation, operation): partial(_case, there, does)
        for situation, there in SITUATIONS.items()
        for operation, does in OPERATIONS.items()
        if _makes_sense(situation, operation)
    },
    Case("empty, what is handed over is dead", "pop that waits"): partial(
        _case, partial(_empty, dead=0), _pop_what_is_dead
    ),
    Case("idle, in a cycle", "collection"): partial(_case, _idle, _collect),
    Case("waiting until a timeout", "advance"): _timed_pop_elsewhere,
    **{
        Case(f"callbacks running: {callback}", f"{operation} within it"): partial(_nested, callback, operation)
        for callback in ("alloc", "check", "dealloc")
        for operation in ("push", "pop", "close", "clear")
    },
    Case("being made", "init"): partial(_constructor, given=3),
    Case("being made", "init that overflows"): partial(_constructor, given=3, maxsize=2, minsize=0),
    Case("being made", "init and minsize"): partial(_constructor, given=1, stock=5, minsize=3),
    Case("being made", "init and minsize, ageing"): partial(_constructor, given=1, stock=6, minsize=3, maxage=10),
    Case("being made", "alloc raises"): _short_of_stock,
}
