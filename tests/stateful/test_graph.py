"""Random walks through the graphs of the specification, on the pool: the oracle is the graph.

`tests/replay` takes each edge once, on one way that leads to it. Here there are other ways, which leave other things
behind that no state of the specification shows. A failure shrinks to a short path.
"""

from __future__ import annotations

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from tests.replay import models
from tests.replay.models import MODELS, graph
from tests.replay.replay import Replay
from tests.support.package import load


class GraphMachine(RuleBasedStateMachine):
    """Its state is the path so far, which the pool takes in the end: the message says at which edge it went wrong."""

    @initialize(name=st.sampled_from(sorted(MODELS)))
    def begin(self, name):
        self.graph = graph(name)
        self.path = []
        self.runner = Replay(self.graph, models.settings(MODELS[name]), load())

    @rule(data=st.data())
    def take_an_edge(self, data):
        out = self.graph.out[self.graph.edges[self.path[-1]].target if self.path else 0]
        if not out:  # all wait for ever: begin again
            self.runner.take(self.path)
            self.path, out = [], self.graph.out[0]
        self.path.append(data.draw(st.sampled_from(out), label="edge"))

    def teardown(self):
        self.runner.take(self.path)


class TestGraph(GraphMachine.TestCase):
    settings = settings(max_examples=50, stateful_step_count=60, deadline=None)
    pytestmark = pytest.mark.timeout(600)
