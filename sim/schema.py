"""The JSON Schema of workload files, which editors use to check and complete them."""

from __future__ import annotations

import json

import msgspec

from sim.workload import Workload


def schema() -> str:
    """The schema, as the text of `sim/workload.schema.json`."""
    content = {"$schema": "https://json-schema.org/draft/2020-12/schema", **msgspec.json.schema(Workload)}
    return json.dumps(content, indent=1) + "\n"
