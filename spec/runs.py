"""Doing many things at once, as many as there are processors for, and showing how far it is."""

from __future__ import annotations

import sys
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from types import TracebackType
from typing import TypeVar

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

T = TypeVar("T")
R = TypeVar("R")


def bounded(
    items: Sequence[T], weight: Callable[[T], int], capacity: int, do: Callable[[T], R], stop: Callable[[], None]
) -> Generator[tuple[T, R], None, None]:
    """Do it with each item in a thread, and yield it with its result as soon as it has one.

    Those at work weigh no more than `capacity` together; one that weighs more works alone. If it ends early, `stop`
    must make those at work end.
    """
    waiting = list(items)
    working: dict[Future[R], T] = {}
    executor = ThreadPoolExecutor(max(1, min(capacity, len(waiting))))
    try:
        while waiting or working:
            free = capacity - sum(min(capacity, weight(item)) for item in working.values())
            for item in list(waiting):
                if min(capacity, weight(item)) <= free:
                    free -= min(capacity, weight(item))
                    waiting.remove(item)
                    working[executor.submit(do, item)] = item
            for future in wait(working, return_when=FIRST_COMPLETED).done:
                yield working.pop(future), future.result()
    except BaseException:
        stop()
        raise
    finally:
        executor.shutdown(cancel_futures=True)


class Display:
    """On a terminal a bar with what is at work, else a line for each that is done; both on standard error."""

    def __init__(self, total: int) -> None:
        console = Console(stderr=True)
        self._bar = Progress(
            MofNCompleteColumn(),
            BarColumn(),
            TimeElapsedColumn(),
            TextColumn("{task.description}"),
            console=console,
            transient=True,
            disable=not console.is_terminal,
        )
        self._task = self._bar.add_task("", total=total)
        self._plain = not console.is_terminal
        self._working: list[str] = []

    def __enter__(self) -> Display:
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._bar.stop()

    def begin(self, name: str) -> None:
        """Show that it is at work; any thread may call this."""
        self._working.append(name)
        self._bar.update(self._task, description=", ".join(self._working))

    def end(self, name: str, line: str) -> None:
        """Show that it is done."""
        if name in self._working:
            self._working.remove(name)
        self._bar.update(self._task, description=", ".join(self._working), advance=1)
        if self._plain:
            print(line, file=sys.stderr, flush=True)
