"""Attributes of the pool and of its waiters, each access to which is a step."""

from __future__ import annotations

from operator import attrgetter
from typing import Any

from tests.schedule.scheduler import Scheduler, Task
from tests.schedule.touches import ALONE, HOLDER, OF_THE_POOL, writing


def control(owner: type[Any], attribute: str, name: str, steps: property) -> None:
    """Make each access to an attribute a step. It is False at first; `raw_` and its name reads it at once."""
    setattr(owner, f"raw_{name}", False)
    setattr(owner, attribute, steps)


def of_the_pool(name: str, scheduler: Scheduler, is_constant: bool, is_free: bool) -> property:
    reading, writes, raw = f"read {name}", f"write {name}", f"raw_{name}"
    step, get = scheduler.step, attrgetter(raw)
    reads, changes = OF_THE_POOL[name], writing(OF_THE_POOL[name])
    at_once = ALONE if is_constant else "" if is_free else HOLDER

    def read(self: Any) -> Any:
        task = step(reading, None, reads, at_once)
        value = get(self)
        task.history = hash((task.history, value))
        return value

    def write(self: Any, value: Any) -> None:
        current = scheduler.current
        if is_free:
            task = step(writes, None, changes)
        elif current is not None and scheduler.holder is current and get(self) == value:
            task = step(writes, None, reads, HOLDER)  # nobody can tell
        else:
            task = step(writes, None, changes)
            if scheduler.reduces and get(self) != value:
                disciplined(scheduler, task, writes, is_constant)
        setattr(self, raw, value)
        task.history = hash((task.history, writes))

    return property(read, write)


def disciplined(scheduler: Scheduler, task: Task, operation: str, wrong: bool = False) -> None:
    """What is left out rests on this: only the holder of the lock changes what is under the lock."""
    holder = scheduler.holder
    if wrong or (holder is not None and holder is not task.owner):
        scheduler.fail(RuntimeError(f"{task.name} may not {operation} here: search without leaving anything out"))


def of_a_waiter(name: str, scheduler: Scheduler) -> property:
    reading, writes, raw = f"read {name}", f"write {name}", f"raw_{name}"
    step, get = scheduler.step, attrgetter(raw)

    def read(self: Any) -> Any:
        task = step(reading, None, self.touches, self.is_private)
        value = get(self)
        task.history = hash((task.history, value))
        return value

    def write(self: Any, value: Any) -> None:
        task = step(writes, None, self.touches, self.is_private)
        setattr(self, raw, value)
        task.history = hash((task.history, writes))

    return property(read, write)
