"""The clock of a pool under control."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.schedule.scheduler import Task
from tests.schedule.seam import Seam
from tests.schedule.touches import ALL, ALONE, LATCHES, TIME, writing
from tests.support import inside


class Clock:
    """A clock whose calls and timeouts come when the schedule says, and move its time to where they are due.

    So they come late at will, and never too early.

    Args:
        leaves: a timeout is a thread that has the waiter leave, as with a manual clock. Else the waiter does so itself.
    """

    def __init__(self, seam: Seam, leaves: bool = False) -> None:
        self._scheduler, self._watch = seam.scheduler, seam.watch
        self._leaves = leaves
        self._stands = ALONE if "now" in seam.watch.constant else ""
        self.time: float = 0

    def advance(self, time: float) -> None:
        """Move to this time, unless it has passed."""
        if time > self.time:
            self.time = time
            self._watch.moved()

    def now(self) -> float:
        task = self._scheduler.step("now", None, TIME, self._stands)
        task.saw(self.time)
        return self.time

    def wait(self, waiter: Any, start: float, timeout: float | None) -> bool:
        scheduler = self._scheduler
        latch = inside.latch(waiter)
        task = scheduler.current
        assert task is not None
        alarm = None
        if timeout is not None and self._leaves:
            alarm = self._call(start + timeout, waiter.leave, "timeout")
            waiter.is_shared = True
        task.waits = True
        task.daemon = timeout is None
        try:
            touches = waiter.touches | writing(LATCHES) | (0 if timeout is None else writing(TIME))
            scheduler.step("wait", latch.is_free if timeout is None or self._leaves else None, touches)
        finally:
            task.waits = task.daemon = False
            if alarm is not None:
                self._cancel(alarm)
        acquired = not latch.held
        task.saw(acquired)
        if not acquired:
            assert timeout is not None
            self.advance(start + timeout)
        latch.held = True
        return acquired

    def call_at(self, start: float, length: float, function: Callable[[], object]) -> Callable[[], object]:
        task = self._scheduler.step("call_at")
        alarm = self._call(start + length, function, "expiry")
        task.saw("call_at")

        def cancel() -> None:
            task = self._scheduler.step("cancel")
            self._cancel(alarm)
            task.saw("cancel")

        cancel.start = start  # type: ignore[attr-defined]
        return cancel

    def _call(self, time: float, function: Callable[[], object], name: str) -> Task:
        def ring() -> None:
            self.advance(time)
            alarm.touched = ALL
            alarm.saw("ring")
            function()
            alarm.history = 0  # nobody asks what it has seen

        alarm = self._scheduler.spawn(ring, name, operation="ring")
        return alarm

    def _cancel(self, alarm: Task) -> None:
        if not alarm.started:
            alarm.done = True
            alarm.history = 0
