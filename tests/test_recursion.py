"""P5, P8, P9, R1, R4 and W1 near the limit of recursion: what could not be done is done later, and nothing is lost."""

from __future__ import annotations

import sys

from tests.helpers import in_time, soon
from ya.resourcepool import ResourcePool

MOST = 40  # so many frames are enough for whatever the pool does itself


def with_frames_left(left, function):
    """Call a function with so many frames left; return what it returns, or the RecursionError."""

    def down(levels):
        return down(levels - 1) if levels > 0 else function()

    frame, depth = sys._getframe(), 0
    while frame is not None:
        frame, depth = frame.f_back, depth + 1
    try:
        return down(sys.getrecursionlimit() - depth - left - 3)
    except RecursionError as error:
        return error.with_traceback(None)


def in_a_thread(left, function):
    return soon(with_frames_left, left, function)


def test_W1_a_block_with_few_frames_left_gives_back_what_it_has():
    lost = []
    for left in range(MOST):
        deallocated = []
        pool = ResourcePool(init="a", maxsize=1, dealloc=deallocated.append)

        def use():
            with pool():  # noqa: B023
                pass

        in_a_thread(left, use)
        if in_time(lambda: len(pool) + len(deallocated), 1, 0.2) != 1:  # noqa: B023
            lost.append((left, f"{len(pool)} idle"))

    assert lost == []
