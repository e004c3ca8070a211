"""What the pool needs of `typing` at run time. Importing that would take longer than importing the pool."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_alias: Any = type(list[int])


class Generic:
    """A base class whose subclasses can be subscripted."""

    __slots__ = ()

    def __class_getitem__(cls, item: object) -> object:
        return _alias(cls, item)


class Protocol:
    """A base class of what describes others."""

    __slots__ = ()


R = object()  # for `Generic[R]`
