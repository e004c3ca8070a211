"""What `pool()` returns: a resource for the length of a `with` block."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Generic, TypeVar

    from ._pool import ResourcePool

    R = TypeVar("R")
else:
    from ._light import Generic, R

OUTSIDE = object()  # the resource outside the block


class Lease(Generic[R]):
    """Pops at the start of the block and pushes at its end, also when the body raises (W1)."""

    __slots__ = ("_discarded", "_pool", "_resource", "_timeout")

    if TYPE_CHECKING:  # set by the pool
        _pool: ResourcePool[R]
        _timeout: float | None
        _resource: Any

    def __enter__(self) -> R:
        if self._resource is not OUTSIDE:
            raise RuntimeError("this lease is in its block already: call the pool for each block")
        self._discarded = False
        resource: R = self._pool.pop(self._timeout)
        self._resource = resource
        return resource

    def __exit__(self, kind: object, value: object, traceback: object) -> None:
        resource = self._resource
        self._resource = OUTSIDE
        if self._discarded:
            self._pool._discard(resource)
        else:
            self._pool.push(resource)

    def discard(self) -> None:
        """Have the resource deallocated at the end of the block, instead of pushed (W2).

        Raises:
            RuntimeError: outside the block.
        """
        if self._resource is OUTSIDE:
            raise RuntimeError("discard() outside the block of its lease")
        self._discarded = True
