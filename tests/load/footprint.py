"""What a process takes, and whether that grows."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

PAGE = os.sysconf("SC_PAGE_SIZE")
HAS_PROC = Path("/proc/self/task").exists()
BLOCKS = 1000  # of memory: the list of footprints takes some, and the interpreter's own tables and caches vary
KILOBYTES = 4096  # of what is resident, which also depends on how the allocator fills its pages


class Footprint(NamedTuple):
    """At a moment at which nothing is under way.

    Attributes:
        threads: of the process, those that Python doesn't list, too.
        descriptors: that are open.
        blocks: of memory that Python has allocated and not freed.
        kilobytes: that are resident.
    """

    threads: int
    descriptors: int
    blocks: int
    kilobytes: int


def threads() -> int:
    return len(os.listdir("/proc/self/task"))


def descriptors() -> int:
    return len(os.listdir("/proc/self/fd")) - 1  # that of the listing


def collect() -> None:
    """Collect all garbage. While another thread does so, `gc.collect` does nothing."""

    def collections() -> int:
        return int(gc.get_stats()[2]["collections"])

    gc.disable()
    try:
        before = collections()
        while collections() < before + 2:  # one may be that of the other thread
            gc.collect()
    finally:
        gc.enable()


def measure() -> Footprint:
    """Take the footprint, without garbage."""
    collect()
    resident = int(Path("/proc/self/statm").read_text().split()[1]) * PAGE // 1024
    return Footprint(threads(), descriptors(), sys.getallocatedblocks(), resident)


def windows(taken: Sequence[Footprint]) -> tuple[Footprint, Footprint]:
    """The least of each in the second quarter of what was taken, and in the last.

    A leak raises the least, too; what is there for a moment only does not.
    """
    quarter = len(taken) // 4
    early, late = taken[quarter : 2 * quarter], taken[-quarter:]
    least = [Footprint(*(min(values) for values in zip(*part, strict=True))) for part in (early, late)]
    return least[0], least[1]


def growth(taken: Sequence[Footprint]) -> list[str]:
    """What has grown from the early to the late window, by more than is allowed."""
    early, late = windows(taken)
    allowed = Footprint(threads=0, descriptors=0, blocks=BLOCKS, kilobytes=KILOBYTES)
    return [
        f"{name} grew from {before:,} to {after:,}"
        for name, before, after, more in zip(Footprint._fields, early, late, allowed, strict=True)
        if after - before > more
    ]
