"""What `pool()` returns: a resource for the length of a `with` block."""

from __future__ import annotations

from typing import Any, Generic, NoReturn, Protocol, TypeVar

R = TypeVar("R")


class Pool(Protocol):
    """What a lease needs of its pool."""

    def pop(self, timeout: Any) -> Any: ...
    def push(self, resource: Any) -> None: ...
    def _discard(self, resource: Any) -> None: ...
    def _bury(self, resource: Any) -> None: ...


# What is to become of a resource at the end of its block: these mean that it is to be pushed, or discarded. A forked
# child has others, so that it can tell what the parent has popped (L5).
pushed, discarded = object(), object()


def renew() -> None:
    """In a forked child: what is in a block now belongs to the parent."""
    global pushed, discarded
    pushed, discarded = object(), object()


class Lease(Generic[R]):
    """Pops at the start of the block and pushes at its end, also when the body raises (W1).

    To enter takes `_outside` away and to leave takes `_fate` away. Each is one step, so of several that try only one
    gets through.
    """

    __slots__ = ("_fate", "_outside", "_pool", "_resource", "_timeout")

    _pool: Pool  # this, the timeout and `_outside` are set by the pool
    _timeout: Any
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
            self._fate = pushed
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
            if fate is pushed:
                self._pool.push(resource)
            elif fate is discarded:
                self._pool._discard(resource)
            else:
                self._pool._bury(resource)
        finally:
            self._outside = None

    def discard(self) -> None:
        """Have the resource deallocated at the end of the block, instead of pushed (W2).

        Raises:
            RuntimeError: outside the block.
        """
        try:
            fate = self._fate
        except AttributeError:
            raise RuntimeError("discard() outside the block of its lease") from None
        if fate is pushed:
            self._fate = discarded

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("a lease can't be copied or pickled: its resource has one owner (P9)")
