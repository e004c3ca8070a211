"""The pool does what the specification does: each edge of the graphs of the models `replay-...`, on the pool."""

from __future__ import annotations

import re
from dataclasses import replace as changed

import pytest

from tests.replay.graph import Graph
from tests.replay.models import MODELS, SPEC, GraphChanged, graph, settings
from tests.replay.replay import Mismatch, Replay, replay
from tests.support.mistakes import noticed_by
from tests.support.package import load

# `make verify` makes the graphs of the others, too.
EVERYDAY = ["limited", "allocating", "hysteresis", "ageing", "interrupt"]


@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[pytest.mark.exhaustive] * (name not in EVERYDAY)) for name in MODELS]
)
def test_the_pool_takes_every_edge_of(name, capsys):
    coverage = replay(name)

    with capsys.disabled():
        print(f"\n{coverage.row(name)}")
    assert coverage.taken == coverage.edges


@pytest.mark.timeout(600)
def test_there_are_at_least_20000_edges():
    assert sum(len(graph(name).edges) for name in EVERYDAY) >= 20_000


@pytest.mark.exhaustive
@pytest.mark.timeout(600)
def test_every_step_of_the_module_is_an_edge_of_some_graph():
    edges = [edge for name in MODELS for edge in graph(name).edges]
    module = (SPEC / "MCReplay.tla").read_text()
    steps = re.findall(r"(\w+)\(", module.split("\nMoves(t) ==")[1].split("\nRNext ==")[0])

    assert {edge.action for edge in edges} == {*steps, "tick", "ring"} - {"Works"}


@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    "mistake",
    [
        pytest.param(
            mistake, id=f"{mistake.clause}_{name}", marks=[pytest.mark.exhaustive] * (mistake.replay[0] not in EVERYDAY)
        )
        for name, mistake in noticed_by("replay").items()
    ],
)
def test_the_replay_notices(mistake):
    model, action = mistake.replay

    with pytest.raises(Mismatch, match=rf"^.* at {action}\b"):
        replay(model, mistake.edits)


@pytest.mark.exhaustive
@pytest.mark.timeout(600)
@pytest.mark.parametrize("part", ["state", "fast"])
def test_every_variable_is_compared_and_has_several_values(part):
    name = "both"  # has all of `fast`
    found = graph(name)
    path = next(found.cover())
    for field in getattr(found.nodes[0], part)._fields:
        values = {getattr(getattr(node, part), field) for model in MODELS for node in graph(model).nodes}
        assert len(values) > 1, field
        nodes = found.nodes.copy()
        for number, node in enumerate(nodes):
            if number != 0 and node.mover is None:
                nodes[number] = node._replace(**{part: getattr(node, part)._replace(**{field: "something else"})})
        with pytest.raises(Mismatch, match=f"{field}.*something else"):
            Replay(Graph(nodes, found.edges, found.threads), settings(MODELS[name]), load()).take(path)


def test_a_graph_that_has_changed_is_noticed(monkeypatch):
    model = MODELS["interrupt"]
    monkeypatch.setitem(MODELS, "interrupt", changed(model, states=1))

    with pytest.raises(
        GraphChanged, match=r"^replay-interrupt: states is \d+, and was 1\. .* --update replay-interrupt$"
    ):
        graph.__wrapped__("interrupt")  # not the one that is remembered
