"""Record the load of a live pool, to replay it.

This needs nothing but the standard library, so that it can run where the simulator is not installed.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
import logging
import os
import time
from _thread import allocate_lock
from collections import deque
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Generic, TypeVar

from sim.files import write_whole
from ya.resourcepool import ResourcePool

R = TypeVar("R")

FOREVER = float("inf")


MOST = 1_000_000  # rows that are kept in memory
ROTATE = 10_000  # rows that are written at a time

_log = logging.getLogger("sim")


def record(pool: ResourcePool[R], to: str | os.PathLike[str] | None = None) -> Recorder[R]:
    """Wrap a pool so that each pop and the push of the same resource are recorded.

    Args:
        to: a workload file, which is written at once, to end in `.json`; beside it, to a file that ends in `.csv.gz`,
            goes what is recorded, 10,000 rows at a time. Without it the last million rows are kept in memory.

    Raises:
        ValueError: the path does not end in `.json`.
        OSError: a file can't be written.
    """
    return Recorder(pool, to=to)


class Recorder(Generic[R]):
    """A pool that remembers who asked when, and for how long it held its resource.

    Use it in the place of the pool; what it does not record itself it passes on. Not in the recording are: a
    resource that is not pushed before it is written, or that was not popped here, and a pop that raised.

    Args:
        pool: the pool; only its public interface is used.
        clock: seconds that never go back.
        to: see `record`.
        most: how many rows are kept in memory; without a file, the last ones.
        rotate: how many are written at a time. The push that completes them writes them.
    """

    def __init__(
        self,
        pool: ResourcePool[R],
        clock: Callable[[], float] = time.monotonic,
        *,
        to: str | os.PathLike[str] | None = None,
        most: int = MOST,
        rotate: int = ROTATE,
    ) -> None:
        self._pool = pool
        self._clock = clock
        self._most = most
        self._full = FOREVER if to is None else min(rotate, most)
        # Both are used by any thread; each operation on them is atomic.
        # By resource: when it was asked for, and got. The same object may be in the pool more than once.
        self._held: dict[int, tuple[float, float]] = {}
        self._held_again: dict[int, list[tuple[float, float]]] = {}
        # When it was asked for, how long it was held.
        self._rows: deque[tuple[float, float]] = deque(maxlen=most)
        # Never waited for: a push may come in a finalizer, or a signal handler, while its thread is writing.
        self._writing = allocate_lock()
        self._data: Path | None = None
        if to is not None:
            path = _workload_path(to)
            self._start = clock()
            write_whole(path.with_suffix(".csv.gz"), gzip.compress(b"arrival,hold\n", mtime=0))
            write_whole(path, _workload(path, {}, sort=True))
            self._data = path.with_suffix(".csv.gz")

    def pop(self, timeout: float | None = None) -> R:
        """Pop from the pool, and begin a row."""
        clock = self._clock
        asked = clock()
        resource = self._pool.pop(timeout)
        began = (asked, clock())
        held = self._held
        if held.setdefault(id(resource), began) is not began:
            self._held_again.setdefault(id(resource), []).append(began)
        if len(held) > self._most:  # of what is never pushed, the oldest
            try:
                del held[next(iter(held))]
            except (KeyError, RuntimeError):  # another thread was faster
                pass
        return resource

    def push(self, resource: R) -> None:
        """End the resource's row, and push it to the pool."""
        key = id(resource)
        began = self._held.pop(key, None)
        if began is not None:
            if self._held_again:
                self._hold_again(key)
            self._end(*began)
        self._pool.push(resource)

    def _hold_again(self, key: int) -> None:
        """The same object is held once less."""
        try:
            again = self._held_again[key]
            self._held[key] = again.pop()
            if not again:
                del self._held_again[key]
        except (KeyError, IndexError):
            pass  # another object

    def __call__(self, timeout: float | None = None) -> RecordedLease[R]:
        """What the pool's call returns, recorded."""
        return RecordedLease(self, timeout)

    def __getattr__(self, name: str) -> Any:
        if name == "_pool":  # it is being copied
            raise AttributeError(name)
        return getattr(self._pool, name)

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: {len(self._rows)} recorded, of {self._pool!r}>"

    def __len__(self) -> int:
        return len(self._pool)

    def __bool__(self) -> bool:
        return True

    def __enter__(self) -> Recorder[R]:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._pool.close()
        self.flush()

    def _end(self, asked: float, got: float) -> None:
        self._rows.append((asked, self._clock() - got))
        if len(self._rows) >= self._full:
            self._rotate()

    def flush(self) -> None:
        """Write to the file what has not been written yet, if there is a file."""
        if self._data is not None:
            self._rotate()

    def _rotate(self) -> None:
        if self._data is None or not self._writing.acquire(False):
            return
        try:
            rows = []
            while self._rows:
                rows.append(self._rows.popleft())
            lines = "".join(f"{asked - self._start:.6f},{hold:.6f}\n" for asked, hold in rows)
            with open(self._data, "ab") as file:  # gzipped parts are one gzipped file
                file.write(gzip.compress(lines.encode(), mtime=0))
        except OSError:
            _log.exception("what was recorded can't be written; %d rows are lost", len(rows))
        finally:
            self._writing.release()

    def rows(self) -> list[tuple[float, float]]:
        """What has been recorded: arrival and hold in seconds, the first arrival at 0, sorted."""
        rows = sorted(self._rows.copy())
        return [(asked - rows[0][0], hold) for asked, hold in rows]

    def write(self, path: str | os.PathLike[str], **settings: Any) -> None:
        """Write a workload file, and its data beside it as a gzipped CSV file of the same name.

        Args:
            path: of the workload file, which ends in `.json`.
            settings: further parts of the workload file, such as `pool`, `sweep` or `cost`.

        Raises:
            ValueError: nothing has been recorded, it goes to a file already, the path does not end in `.json`, or a
                setting is not finite.
            TypeError: a setting can't be written, or is one that the recording itself gives.
            OSError: a file can't be written.
        """
        path = _workload_path(path)
        if self._data is not None:
            raise ValueError(f"what is recorded is written to {self._data} already")
        rows = self.rows()
        if not rows:
            raise ValueError("nothing has been recorded: no resource was popped and pushed")
        workload = _workload(path, settings)
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(("arrival", "hold"))
        writer.writerows((f"{arrival:.6f}", f"{hold:.6f}") for arrival, hold in rows)
        write_whole(path.with_suffix(".csv.gz"), gzip.compress(text.getvalue().encode(), mtime=0))
        write_whole(path, workload)


def _workload_path(path: str | os.PathLike[str]) -> Path:
    path = Path(path)
    if path.suffix != ".json":
        raise ValueError(f"the path of a workload must end in .json, not {path.name!r}")
    return path


def _workload(path: Path, settings: dict[str, Any], **how: Any) -> bytes:
    """A workload file whose trace lies beside it."""
    if taken := settings.keys() & {"version", "workload"}:
        raise TypeError(f"{taken.pop()!r} is given by the recording")
    source = {"kind": "trace", "path": path.with_suffix(".csv.gz").name, **how}
    workload = {"version": 1, "workload": source, **settings}
    lines = ",\n".join(f" {json.dumps(key)}: {json.dumps(value, allow_nan=False)}" for key, value in workload.items())
    return f"{{\n{lines}\n}}\n".encode()


class RecordedLease(Generic[R]):
    """A lease of the pool whose block is recorded."""

    def __init__(self, recorder: Recorder[R], timeout: float | None) -> None:
        self._recorder = recorder
        self._lease = recorder._pool(timeout)

    def __enter__(self) -> R:
        asked = self._recorder._clock()
        resource = self._lease.__enter__()
        self._began = asked, self._recorder._clock()
        return resource

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._recorder._end(*self._began)
        self._lease.__exit__(kind, error, trace)

    def discard(self) -> None:
        """Have the resource deallocated at the end of the block."""
        self._lease.discard()
