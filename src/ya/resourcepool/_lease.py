"""What `pool()` returns: a resource for the length of a `with` block."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Generic, NoReturn, TypeVar

    from ._pool import ResourcePool

    R = TypeVar("R")
else:
    from ._light import Generic, R

# What is to become of the resource at the end of its block.
PUSHED, DISCARDED = object(), object()


class Lease(Generic[R]):
    """Pops at the start of the block and pushes at its end, also when the body raises (W1).

    To enter takes `_outside` away, and to leave takes `_fate` away. Each is one step, so of several that try only one
    gets through.
    """

    __slots__ = ("_fate", "_outside", "_pool", "_resource", "_timeout")

    if TYPE_CHECKING:  # the pool sets the first three
        _pool: ResourcePool[R]
        _timeout: float | None
        _outside: None
        _resource: Any
        _fate: object

    def __enter__(self) -> R:
        try:
            del self._outside
        except AttributeError:
            raise RuntimeError("this lease is in its block already: call the pool for each block") from None
        try:
            resource: R = self._pool.pop(self._timeout)
            self._resource = resource
            self._fate = PUSHED
        except BaseException:
            self._outside = None
            raise
        return resource

    def __exit__(self, kind: object, value: object, traceback: object) -> None:
        try:
            fate = self._fate
            del self._fate
        except AttributeError:
            raise RuntimeError("this lease is not in its block, so it can't be left") from None
        resource = self._resource
        self._resource = None
        try:
            if fate is PUSHED:
                self._pool.push(resource)
            else:
                self._pool._discard(resource)
        finally:
            self._outside = None

    def discard(self) -> None:
        """Have the resource deallocated at the end of the block, instead of pushed (W2).

        Raises:
            RuntimeError: outside the block.
        """
        if not hasattr(self, "_fate"):
            raise RuntimeError("discard() outside the block of its lease")
        self._fate = DISCARDED

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("a lease can't be copied or pickled: its resource has one owner (P9)")
