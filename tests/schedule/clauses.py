"""What must hold between any two steps, and when all calls have ended."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from tests.schedule.scheduler import Violation
from tests.support import inside

if TYPE_CHECKING:
    from tests.schedule.oracle import Scenario

ALARMS = ("expiry", "timeout")


class View(NamedTuple):
    """What can be seen of a pool between two steps."""

    idle: tuple[Any, ...]
    boxes: tuple[Any, ...]  # by waiter that has been handed something: its number, and that
    victims: tuple[Any, ...]
    waiters: tuple[int, ...]
    closed: bool


def look(scenario: Scenario) -> None:
    """Look at the state between two steps.

    Raises:
        Violation: a clause is broken.
    """
    view = scenario.view()
    idle = view.idle if scenario.maxage is None else tuple([entry[1] for entry in view.idle])
    boxes = [entry[1] if scenario.maxage is None else entry[1][1] for entry in view.boxes]
    victims = [
        entry if scenario.maxage is None or isinstance(entry, str) else entry[1]
        for entries in view.victims
        for entry in entries
    ]
    seen = [*idle, *boxes, *victims, *scenario.gone, *scenario.dropped, *(r for held in scenario.held for r in held)]
    if len(set(seen)) != len(seen):
        raise Violation(f"P9: in two places: {sorted({r for r in seen if seen.count(r) > 1})}")
    missing = len(scenario.made) - len(seen)
    tasks = scenario.scheduler.tasks
    active = len(scenario.calls) + sum([t.started and not t.done for t in tasks if t.name in ALARMS])
    if missing > active + scenario.lost:  # each may have one in hand
        raise Violation(f"P9: lost: {sorted(set(scenario.made) - set(seen))}")
    pushed = [scenario.pushed[resource] for resource in idle]
    if pushed != sorted(pushed):
        raise Violation(f"P1: idle are {idle}, and not in the order in which they were pushed")
    # Of two pushes at the same time, the one that comes later can have the earlier stamp, and expire first.
    if (
        pushed
        and scenario.maxage is None
        and any(scenario.pushed[r] > pushed[0] for r in victims if r not in scenario.raised)
    ):
        raise Violation(f"R1: evicted are {victims}, while {idle[0]} is older")
    if scenario.maxsize is not None and len(idle) > scenario.maxsize:
        # A pop that is interrupted pushes what it has been handed.
        pushes = sum([c.left_to_it + (c.kind in ("push", "new") or scenario.interrupts > 0) for c in scenario.calls])
        pushes += sum([left for index, left in scenario.left_to_the_clock.items() if not tasks[index].done])
        if len(idle) > scenario.maxsize + pushes:
            raise Violation(f"R1: {len(idle)} are idle, and {pushes} pushes in progress")
    if scenario.owing is not None and scenario.owing.operation in ("release", "dealloc"):
        raise Violation("R1: more were evicted than were too many")
    if all(t.done or t.waits or (t.call is None and not (t.started and t.name in ALARMS)) for t in tasks):
        _quiet(scenario, view, missing, seen)


def _quiet(scenario: Scenario, view: View, missing: int, seen: list[str]) -> None:
    """All calls have ended, or wait."""
    pool = scenario.pool
    if missing > scenario.lost:
        raise Violation(f"P9: lost: {sorted(set(scenario.made) - set(seen))}")
    if view.idle and view.waiters:
        raise Violation(f"P8: {view.idle} are idle, and somebody waits")
    if inside.lock(pool).owner is not None:
        raise Violation("P9: the lock is held")
    if any(view.victims):
        raise Violation(f"R4: {view.victims} were evicted, and nobody deallocates them")
    for waiter in pool.born:
        if waiter.call.over and list.__len__(inside.box(waiter)):
            raise Violation(f"P9: {waiter.call.task.name} has been handed something, and its pop is over")
    for call in scenario.calls:
        waiter = call.waiter
        if waiter is not None and call.task.waits and inside.latch(waiter).held:
            if list.__len__(inside.box(waiter)) or view.closed:
                raise Violation(f"P8: {call.task.name} has been served, or the pool closed, and it sleeps")
            if waiter.number not in view.waiters:
                raise Violation(f"P8: {call.task.name} waits, and nobody knows")
    if scenario.maxsize is not None and len(view.idle) > scenario.maxsize:
        raise Violation(f"R1: {len(view.idle)} are idle, and no push is in progress")
    if view.closed and (view.idle or view.waiters):
        raise Violation(f"L4: the pool is closed; idle are {view.idle}, waiting {len(view.waiters)}")
    can_expire = (
        scenario.maxage is not None and not view.closed and not view.waiters and len(view.idle) > scenario.floor
    )
    if can_expire and not any(t.name == "expiry" and not (t.started or t.done) for t in scenario.scheduler.tasks):
        raise Violation(f"R3: {view.idle} can expire, and nothing is going to call")
