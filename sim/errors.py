"""What is wrong with what the user gave."""

from __future__ import annotations

from pathlib import Path


class WorkloadError(Exception):
    """A workload, or its data, can't be simulated. The message is for the user, on one line."""

    def __init__(self, path: Path, problem: str) -> None:
        super().__init__(f"{path}: {problem}")


class MissingError(Exception):
    """Something that is asked for needs what is not there. The message says how to get it, if it can be installed."""
