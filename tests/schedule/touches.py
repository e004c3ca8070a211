"""What steps touch: two that touch nothing in common, or only read it, can be taken in either order.

A set of things is a number with a bit for each. The upper half says which of them are written.
"""

from __future__ import annotations

from tests.support.inside import SHARED

WIDTH = 32
THINGS = (1 << WIDTH) - 1
ALL = THINGS << WIDTH | THINGS  # what no step says otherwise of itself

IDLE, LOCK, QUEUE, TIMER, LATCHES, TIME, CALLS = (1 << number for number in range(7))
OF_THE_POOL = {name: 1 << number for number, name in enumerate(SHARED, start=7)}
FIRST, SEVERAL = 13, 16  # of waiters; if there are more, some count as one
WAITERS = ((1 << SEVERAL) - 1) << FIRST

# When a thread takes a step at once: in between others can't do anything that would make a difference.
HOLDER, ALONE = "if it has the lock", "always"


def writing(things: int) -> int:
    return things << WIDTH | things


def waiter(number: int) -> int:
    """The waiter's box, flags and latch, of which only one step at a time can be taken."""
    return writing(1 << FIRST + number % SEVERAL)


def independent(one: int, other: int) -> bool:
    """Whether the order of two steps of different threads makes no difference."""
    return not (one >> WIDTH & other or other >> WIDTH & one)
