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
import sys
import time
from _thread import RLock, allocate_lock
from collections import deque
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Generic, TypeVar

from sim.files import write_whole
from ya.resourcepool import ResourcePool

R = TypeVar("R")
Began = tuple[float, float]  # when it was asked for, and got

MOST = 1_000_000  # rows that are kept in memory
ROTATE = 10_000  # rows that are written at a time

_logger = logging.getLogger("sim")


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

    Attributes:
        pop: the pool's `pop`; it begins a row.
        push: the pool's `push`; it ends the row of the resource.

    Args:
        pool: the pool; only its public interface is used.
        clock: seconds that never go back.
        to: see `record`.
        most: how many rows are kept in memory; without a file, the last ones.
        rotate: how many are written at a time. The push that completes them writes them, when it is done.
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
        self._log = _Log(clock, most, sys.maxsize if to is None else min(rotate, most))
        # Not methods: what they need is at hand in their closures, and they are called for each acquire. They don't
        # refer to the recorder, so that it and its pool end when nobody refers to them.
        self.pop: Callable[..., R] = _recorded_pop(pool, self._log)
        self.push: Callable[[R], None] = _recorded_push(pool, self._log)
        if to is not None:
            path = _workload_path(to)
            write_whole(path.with_suffix(".csv.gz"), gzip.compress(b"arrival,hold\n", mtime=0))
            write_whole(path, _workload(path, {}, sort=True))
            self._log.data = path.with_suffix(".csv.gz")

    def __call__(self, timeout: float | None = None) -> RecordedLease[R]:
        """What the pool's call returns, recorded."""
        return RecordedLease(self._log, self._pool(timeout))

    def __getattr__(self, name: str) -> Any:
        if name == "_pool":  # it is being copied
            raise AttributeError(name)
        return getattr(self._pool, name)

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: {len(self._log.rows)} recorded, of {self._pool!r}>"

    def __len__(self) -> int:
        return len(self._pool)

    def __bool__(self) -> bool:
        return True

    def __enter__(self) -> Recorder[R]:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._pool.close()
        self.flush()

    def flush(self) -> None:
        """Write to the file what has not been written yet, if there is a file."""
        if self._log.data is not None:
            self._log.rotate()

    def rows(self) -> list[tuple[float, float]]:
        """What has been recorded: arrival and hold in seconds, the first arrival at 0, sorted."""
        rows = sorted(self._log.rows.copy())
        return [(asked - rows[0][0][0], end - got) for (asked, got), end in rows]

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
        if self._log.data is not None:
            raise ValueError(f"what is recorded is written to {self._log.data} already")
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


class _Log:
    """What has been recorded. Any thread uses it; each operation on a container is atomic.

    Attributes:
        held: by the id of the resource: when it was asked for, and got.
        again: the same of an object that is out more than once, but for the first.
        rows: of what was pushed: when it was asked for and got, and when it was pushed.
        full: so many rows are written.
        data: to where, or None.
    """

    def __init__(self, clock: Callable[[], float], most: int, full: int) -> None:
        self.clock = clock
        self.most = most
        self.full = full
        self.held: dict[int, Began] = {}
        self.again: dict[int, list[Began]] = {}
        self.rows: deque[tuple[Began, float]] = deque(maxlen=most)
        self.data: Path | None = None
        self._start = clock()
        self._colliding = RLock()  # so that a finalizer may push while its thread has it
        # Never waited for: a push may come in a finalizer, or a signal handler, while its thread is writing.
        self._writing = allocate_lock()

    def forget(self) -> None:
        """Of what is held, and may never be pushed, forget the oldest."""
        try:
            del self.held[next(iter(self.held))]
        except (KeyError, RuntimeError):  # another thread was faster
            pass

    def begin_again(self, key: int, began: Began) -> None:
        """Begin a row of an object that is out already; or of another that has got its id, because it is gone."""
        with self._colliding:
            self.again.setdefault(key, []).append(began)

    def end(self, key: int) -> Began | None:
        """End the row of the object that began last: so one that never ends can't be taken for it."""
        with self._colliding:
            again = self.again.get(key)
            if again is None:
                return self.held.pop(key, None)
            began = again.pop()
            if not again:
                del self.again[key]
            return began

    def rotate(self) -> None:
        """Write the rows to the file."""
        if self.data is None or not self._writing.acquire(False):
            return
        try:
            rows = [self.rows.popleft() for _ in range(len(self.rows))]
            lines = "".join([f"{asked - self._start:.6f},{end - got:.6f}\n" for (asked, got), end in rows])
            # Gzipped parts are one gzipped file. To press them harder takes several times as long.
            with open(self.data, "ab") as file:
                file.write(gzip.compress(lines.encode(), 1, mtime=0))
        except OSError:
            _logger.exception("what was recorded can't be written; %d rows are lost", len(rows))
        finally:
            self._writing.release()


def _recorded_pop(pool: ResourcePool[R], log: _Log) -> Callable[..., R]:
    take, clock, held, begin, most = pool.pop, log.clock, log.held, log.held.setdefault, log.most

    def pop(timeout: float | None = None) -> R:
        """Pop from the pool, and begin a row."""
        asked = clock()
        resource = take(timeout)
        began = (asked, clock())
        if begin(id(resource), began) is not began:
            log.begin_again(id(resource), began)
        if len(held) > most:
            log.forget()
        return resource

    return pop


def _recorded_push(pool: ResourcePool[R], log: _Log) -> Callable[[R], None]:
    give, clock, end, again, rows, full = pool.push, log.clock, log.held.pop, log.again, log.rows, log.full
    append = rows.append

    def push(resource: R) -> None:
        """End the resource's row, and push it to the pool."""
        began = log.end(id(resource)) if again else end(id(resource), None)
        if began is not None:  # it was popped here
            append((began, clock()))
        give(resource)
        if len(rows) >= full:
            log.rotate()

    return push


class RecordedLease(Generic[R]):
    """A lease of the pool whose block is recorded."""

    __slots__ = ("_began", "_lease", "_log")

    _began: Began

    def __init__(self, log: _Log, lease: Any) -> None:
        self._log = log
        self._lease = lease

    def __enter__(self) -> R:
        clock = self._log.clock
        asked = clock()
        resource: R = self._lease.__enter__()
        self._began = asked, clock()
        return resource

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        log = self._log
        log.rows.append((self._began, log.clock()))
        self._lease.__exit__(kind, error, trace)
        if len(log.rows) >= log.full:
            log.rotate()

    def discard(self) -> None:
        """Have the resource deallocated at the end of the block."""
        self._lease.discard()
