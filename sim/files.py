"""Read files line by line, and write them whole, or not at all."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TextIO

LONGEST_LINE = 1_000_000  # characters


def lines_of(file: TextIO, error: Callable[[str], Exception]) -> Iterator[str]:
    """The lines of a file, which may be anything, so that one may never end.

    Raises:
        Exception: `error` made it, as a line is too long.
    """
    while line := file.readline(LONGEST_LINE + 1):
        if len(line) > LONGEST_LINE:
            raise error(f"has a line of more than {LONGEST_LINE:,} characters")
        yield line


def write_whole(path: Path, content: bytes) -> None:
    """Write a file under another name and rename it then, so that there is never half of it.

    Raises:
        OSError: it can't be written; what was there is still there.
    """
    partial = path.with_name(f"{path.name}.{os.getpid()}.partial")
    try:
        partial.write_bytes(content)
        partial.replace(path)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise
