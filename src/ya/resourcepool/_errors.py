"""What `pop` raises when it has nothing to return."""

from __future__ import annotations


class ResourcePoolEmpty(Exception):
    """Nothing was idle, or became idle in time (P3, P4).

    Attributes:
        waited: how long the pop waited, in the unit of its clock: seconds, by default.
        idle: how many resources were idle when it gave up.
        waiting: how many other pops were waiting then.
    """

    __module__ = "ya.resourcepool"

    def __init__(self, waited: float = 0, idle: int = 0, waiting: int = 0) -> None:
        super().__init__(waited, idle, waiting)
        self.waited, self.idle, self.waiting = waited, idle, waiting

    def __str__(self) -> str:
        what = f"became idle within {float(self.waited):g} s" if self.waited else "is idle"
        return f"no resource {what} ({self.idle} idle, {self.waiting} waiting)"


class ResourcePoolClosed(Exception):
    """The pool is closed and hands out nothing more (L4)."""

    __module__ = "ya.resourcepool"
