"""Record the load of a live pool, to replay it.

This needs nothing but the standard library, so that it can run where the simulator is not installed.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Generic, TypeVar

from sim.files import write_whole
from ya.resourcepool import ResourcePool

R = TypeVar("R")


def record(pool: ResourcePool[R]) -> Recorder[R]:
    """Wrap a pool so that each pop and the push of the same resource are recorded."""
    return Recorder(pool)


class Recorder(Generic[R]):
    """A pool that remembers who asked when, and for how long it held its resource.

    Use it in the place of the pool; what it does not record itself it passes on. Not in the recording are: a
    resource that is not pushed before it is written, or that was not popped here, and a pop that raised.

    Args:
        pool: the pool; only its public interface is used.
        clock: seconds that never go back.
    """

    def __init__(self, pool: ResourcePool[R], clock: Callable[[], float] = time.monotonic) -> None:
        self._pool = pool
        self._clock = clock
        # Both are used by any thread; each operation on them is atomic.
        # By resource: when it was asked for, and got. The same object may be in the pool more than once.
        self._held: dict[int, list[tuple[float, float]]] = {}
        self._rows: list[tuple[float, float]] = []  # when it was asked for, how long it was held

    def pop(self, timeout: float | None = None) -> R:
        """Pop from the pool, and begin a row."""
        asked = self._clock()
        resource = self._pool.pop(timeout)
        self._held.setdefault(id(resource), []).append((asked, self._clock()))
        return resource

    def push(self, resource: R) -> None:
        """End the resource's row, and push it to the pool."""
        try:
            self._end(*self._held[id(resource)].pop())
        except (KeyError, IndexError):
            pass  # it was not popped here
        self._pool.push(resource)

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

    def _end(self, asked: float, got: float) -> None:
        self._rows.append((asked, self._clock() - got))

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
            ValueError: nothing has been recorded, the path does not end in `.json`, or a setting is not finite.
            TypeError: a setting can't be written, or is one that the recording itself gives.
            OSError: a file can't be written.
        """
        path = Path(path)
        if path.suffix != ".json":
            raise ValueError(f"the path of a workload must end in .json, not {path.name!r}")
        rows = self.rows()
        if not rows:
            raise ValueError("nothing has been recorded: no resource was popped and pushed")
        if taken := settings.keys() & {"version", "workload"}:
            raise TypeError(f"{taken.pop()!r} is given by the recording")
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(("arrival", "hold"))
        writer.writerows((f"{arrival:.6f}", f"{hold:.6f}") for arrival, hold in rows)
        data = path.with_suffix(".csv.gz")
        workload = {"version": 1, "workload": {"kind": "trace", "path": data.name}, **settings}
        lines = ",\n".join(
            f" {json.dumps(key)}: {json.dumps(value, allow_nan=False)}" for key, value in workload.items()
        )
        write_whole(data, gzip.compress(text.getvalue().encode(), mtime=0))
        write_whole(path, f"{{\n{lines}\n}}\n".encode())


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
