"""A progress bar, for what takes longer than a second."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from threading import Timer
from types import TracebackType
from typing import Any

from rich.console import Console
from rich.progress import Progress

PATIENCE = 1.0  # seconds


class Bar:
    """Shows on standard error how far it is, if that is a terminal, from the first second on."""

    def __init__(self) -> None:
        console = Console(stderr=True)
        self._progress = Progress(console=console, transient=True, disable=not console.is_terminal)
        self._timer = Timer(PATIENCE, self._progress.start)
        self._timer.daemon = True

    def __enter__(self) -> Bar:
        self._timer.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._timer.cancel()
        self._timer.join()
        self._progress.stop()

    def __call__(self, items: Sequence[Any], what: str) -> Iterable[Any]:
        """Pass on the items, and show how many of them are done."""
        task = self._progress.add_task(what, total=len(items) if len(items) > 1 else None)  # of one there is no half
        try:
            yield from self._each(items, task)
        finally:
            self._progress.remove_task(task)

    def _each(self, items: Sequence[Any], task: Any) -> Iterator[Any]:
        for item in items:
            yield item
            self._progress.advance(task)
