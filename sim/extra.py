"""What is faster with the extra `fast`."""

from __future__ import annotations

from typing import Any

FAST_FROM = 100_000  # numbers; to import numpy takes longer than to sort fewer


def numpy_for(numbers: int) -> Any:
    """The module numpy, if it is installed, and worth while for so many numbers; else None."""
    if numbers < FAST_FROM:
        return None
    try:
        import numpy
    except ImportError:
        return None
    return numpy
