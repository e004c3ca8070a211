"""The benchmarks measure what they say, and the document shows what they measured."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks import peers as peers_module
from benchmarks.measures import MEASURES
from benchmarks.peers import peers
from benchmarks.report import filled, load, short, table, targets
from benchmarks.rounds import interleave, seconds
from benchmarks.targets import TARGETS

ROOT = Path(__file__).parents[1]
RESULTS = load(ROOT)


def test_the_tables_of_the_document_are_those_of_the_results():
    """If not: `make bench ARGS=--render`."""
    document = (ROOT / "docs/performance.md").read_text()

    assert filled(document, RESULTS) == document
    assert document.count("<!-- end -->") == 10


def test_the_results_hold_all_measures_and_no_peer_is_missing():
    assert [result["python"].rpartition(".")[0] for result in RESULTS] == ["3.11", "3.13"]
    for result in RESULTS:
        assert list(result["figures"]) == list(MEASURES)
        assert list(result["versions"]) == list(peers_module.KNOWN)
        for target in TARGETS:
            assert target.value(result["figures"]) > 0


def test_a_target_that_is_missed_is_said_to_be():
    figures = {"pair": {name: {"min": time, "median": time} for name, time in (("ya.resourcepool", 1), ("floor", 2))}}
    result = {"python": "3", "implementation": "P", "figures": figures}

    assert "| a pop and a push / the floor | <= 0.4 | 0.3 | **0.5** missed |" in targets([result])
    figures["pair"]["floor"]["min"] = 4
    assert "| a pop and a push / the floor | <= 0.4 | 0.3 | 0.25 |" in targets([result])


def test_a_peer_that_is_not_installed_is_skipped_and_named(monkeypatch):
    def missing(name):
        raise ImportError("No module named 'peer'")

    monkeypatch.setitem(peers_module.KNOWN, "urllib3", missing)
    found, skipped = peers()

    assert "urllib3: No module named 'peer'" in skipped
    assert "urllib3" not in [peer.name for peer in found]
    assert [peer.name for peer in found][:2] == ["floor", "ya.resourcepool"]


@pytest.mark.parametrize("peer", peers()[0], ids=lambda peer: peer.name)
def test_a_peer_takes_and_gives_back(peer):
    names = {"pool": peer.make(1)}
    exec(f"r = {peer.pop}\nfirst = r\n{peer.push}\nr = {peer.waits or peer.pop}\n{peer.push}", names)
    if peer.block:
        exec(f"{peer.block} assert r is first or type(r) is type(first)", names)
    peer.close(names["pool"])

    assert names["r"] is names["first"] or type(names["r"]) is type(names["first"])


def test_those_that_are_compared_take_turns():
    order = []
    figures = interleave(3, {name: lambda name=name: order.append(name) or float(len(order)) for name in "ab"})

    assert order == ["a", "b"] * 3
    assert figures == {"a": {"min": 1, "median": 3}, "b": {"min": 2, "median": 4}}


def test_a_figure_is_of_one_execution():
    executed = []
    measure = seconds("executed.append(0)", 0.001, executed=executed)
    executed.clear()

    assert 0 < measure() * len(executed) < 1


def test_figures_have_three_digits():
    assert [short(value) for value in (0.012345, 1.0, 123.6, 12345.6)] == ["0.0123", "1", "124", "12,346"]
    assert table(["a", "b"], [["c", "1"]]) == "| a | b |\n| --- | ---: |\n| c | 1 |"
