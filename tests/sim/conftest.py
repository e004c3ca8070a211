"""A workload file for each test."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from sim.study import study


class Files:
    """Writes workload files, and studies them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def write(self, workload: Any = None, **settings: Any) -> Path:
        """Write a workload file of version 1."""
        path = self.folder / "workload.json"
        path.write_text(json.dumps({"version": 1, "workload": workload, **settings}))
        return path

    def study(self, arrival: list[float], hold: list[float], key: list[Any] | None = None, **settings: Any) -> Any:
        """Study an inline workload."""
        workload = {"kind": "inline", "arrival": arrival, "hold": hold}
        if key is not None:
            workload["key"] = key
        return study(self.write(workload, **settings))

    def row(self, arrival: list[float], hold: list[float], key: list[Any] | None = None, **settings: Any) -> Any:
        """The figures of the one setting of an inline workload."""
        (row,) = self.study(arrival, hold, key, **settings)["rows"]
        return row


@pytest.fixture
def files(tmp_path: Path) -> Files:
    return Files(tmp_path)
