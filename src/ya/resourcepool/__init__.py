"""A compact, thread-safe pool for resources that are expensive to make."""

from __future__ import annotations

from ._clocks import Clock
from ._errors import ResourcePoolClosed, ResourcePoolEmpty
from ._pool import ResourcePool

__version__ = "1.0.0"
__all__ = ["Clock", "ManualClock", "ResourcePool", "ResourcePoolClosed", "ResourcePoolEmpty"]

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ._manual import ManualClock
else:

    def __getattr__(name: str) -> object:
        if name == "ManualClock":  # who only pools need not wait for its import
            from ._manual import ManualClock

            globals()[name] = ManualClock
            return ManualClock
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
