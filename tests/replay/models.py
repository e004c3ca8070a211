"""The models that are replayed: those of the specification's manifest that are named `replay-...`."""

from __future__ import annotations

import gc
import re
import tempfile
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

from spec import values
from spec.manifest import OK, Model, read_manifest
from spec.tlc import Tlc
from spec.tools import find_tools
from tests.replay.graph import Graph, read

SPEC = Path(__file__).parents[2] / "spec"
PREFIX = "replay-"
MODELS = {
    model.name[len(PREFIX) :]: model for model in read_manifest(SPEC / "manifest.toml") if model.name.startswith(PREFIX)
}
SETTINGS = {"MaxSize": "maxsize", "MinSize": "minsize", "MaxAge": "maxage", "HasAlloc": "alloc", "HasCheck": "check"}


class GraphChanged(AssertionError):
    """TLC does not find what the manifest says."""


def settings(model: Model) -> dict[str, Any]:
    """How the pool of a model is made; `alloc` and `check` say whether it has one."""
    text = (SPEC / f"{model.config}.cfg").read_text(encoding="utf-8")
    found = dict(re.findall(r"(?m)^ +(\w+) = (\w+)$", text))
    return {name: _python(values.parse(found[key])) for key, name in SETTINGS.items()}


def _python(value: values.Value) -> int | None:
    match value:
        case int():
            return value
        case values.Name("None"):
            return None
        case values.Name("TRUE" | "FALSE" as text):
            return text == "TRUE"
    raise ValueError(f"{values.show(value)} is not expected as a setting")


@cache
def graph(name: str) -> Graph:
    """Have TLC check a model and dump its graph.

    Raises:
        GraphChanged: it is not the graph that the manifest knows, or the model is wrong.
    """
    model = replace(MODELS[name], large=False)  # so that Java is not made for a long run
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "graph.dot")
        outcome = Tlc(find_tools(), SPEC).check(model, dump=path)
        if outcome.result != OK:
            raise GraphChanged(f"{model.name}: {outcome.result} {' '.join(outcome.errors)}")
        changed = [
            f"{figure} is {getattr(outcome, figure)}, and was {getattr(model, figure)}"
            for figure in model.exact
            if getattr(outcome, figure) != getattr(model, figure)
        ]
        if changed:
            raise GraphChanged(
                f"{model.name}: {', '.join(changed)}. If that is meant: python -m spec --update {model.name}"
            )
        found = read(path)
    if len(found.nodes) != outcome.distinct:
        raise ValueError(f"{model.name}: {len(found.nodes)} states were read, of {outcome.distinct}")
    gc.freeze()  # it stays: to look through millions of objects takes a second, in the midst of other tests
    return found
