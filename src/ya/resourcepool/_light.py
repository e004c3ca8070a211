"""What the pool needs of modules that would take longer to import than the pool itself.

Of `collections`, `operator` and `weakref` it needs only what is written in C.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections import deque
    from operator import itemgetter
    from typing import Any
    from weakref import ref

    __all__ = ["Generic", "Protocol", "R", "deque", "itemgetter", "ref"]
else:
    from _collections import deque
    from _operator import itemgetter
    from _weakref import ref

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
