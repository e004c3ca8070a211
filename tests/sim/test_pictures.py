"""Plots, and the page that has all of them."""

from __future__ import annotations

import re
import sys
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import pytest

from sim.__main__ import main
from sim.page import page
from sim.plots import COLUMNS, _time, draw
from sim.study import study

EXAMPLE = Path(__file__).parents[2] / "examples" / "webapp.json"
LOAD = {"kind": "inline", "arrival": [0, 0, 0, 10, 10, 20], "hold": [1, 2, 3, 1, 1, 1]}
SVG = "{http://www.w3.org/2000/svg}"


def texts(svg):
    return [element.text for element in ElementTree.fromstring(svg).iter(f"{SVG}text")]


@pytest.mark.parametrize(
    ("settings", "names"),
    [
        ({}, ["pareto", "time"]),
        ({"sweep": {"maxage": [1, None]}}, ["pareto", "time"]),
        ({"sweep": {"maxsize": [1, 2, None]}}, ["curves", "pareto", "time"]),
        ({"sweep": {"maxsize": [1, None], "maxage": [1, None]}}, ["hit-ratio", "curves", "pareto", "time"]),
        ({"sweep": {"maxsize": [1, 2], "minsize": [None, 2]}}, ["curves", "pareto", "time"]),
        ({"pool": {"alloc": False, "init": 1, "timeout": 0}}, ["pareto", "time", "waits"]),
        ({"latency": {"alloc": 1}, "slo": {"wait_p99": 1, "hit_ratio": 0.5}}, ["pareto", "time", "waits"]),
    ],
)
def test_what_there_is_to_see_is_drawn(files, settings, names):
    path = files.write(LOAD, **settings)
    drawings = draw(path, study(path))

    assert list(drawings) == names
    for svg in drawings.values():
        assert ElementTree.fromstring(svg).tag == f"{SVG}svg"


def test_the_plots_show_what_is_recommended_and_the_slo():
    drawings = draw(EXAMPLE, study(EXAMPLE))

    assert {"Hit ratio; the dot is", "maxsize=6, minsize=none, maxage=none"} <= set(texts(drawings["hit-ratio"]))
    assert {"recommended", "SLO", "share of misses"} <= set(texts(drawings["pareto"]))
    assert {"maxage 0.5", "maxage none", "SLO"} <= set(texts(drawings["curves"]))
    assert draw(EXAMPLE, study(EXAMPLE)) == drawings


def test_each_column_of_the_time_has_the_most_that_was_in_use_and_idle_in_it():
    class Axes:
        def __getattr__(self, name):
            return lambda *args, **kwargs: seen.update({name: args})

    class Figure:
        subplots = Axes

    seen = {}
    changes = [(0, 0, 1), (COLUMNS // 2, 5, 0), (COLUMNS // 2, 1, 2), (COLUMNS // 2 + 3, 4, 0)]
    _time(Figure(), changes, COLUMNS, {"maxsize": 1, "minsize": None, "maxage": None})
    _, in_use, idle = seen["stackplot"]
    middle = COLUMNS // 2

    assert list(in_use[:middle]) == [1] * middle
    assert list(in_use[middle:]) == [2] * 4 + [0] * (middle - 4)
    assert list(idle[:middle]) == [0] * middle
    assert list(idle[middle:]) == [5, 1, 1, 4] + [4] * (middle - 4)


class Page(HTMLParser):
    """Collects the tags, and where they lead."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.links, self.open = [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.links += [value for name, value in attrs if name in ("href", "src", "xlink:href")]
        if tag not in ("meta", "br"):
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        if tag not in ("meta", "br"):
            self.open.pop()

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def test_the_page_has_all_of_it_and_needs_nothing_else():
    result = study(EXAMPLE)
    text = page(EXAMPLE, result, draw(EXAMPLE, result))
    parsed = Page(text)

    assert parsed.open == []
    assert parsed.tags.count("tr") == 1 + len(result["rows"])
    assert parsed.tags.count("svg") == parsed.tags.count("figure") == 4
    assert all(link.startswith(("#", "data:image/png;base64,")) for link in parsed.links)
    assert "script" not in parsed.tags
    assert "url(http" not in text
    assert '<meta name="viewport"' in text
    assert "<h1>Recommended: maxsize=6, minsize=none, maxage=none</h1>" in text
    assert "<li>it costs least, 42.1515, of the 24 of 36 settings" in text
    assert len(re.findall("<tr class=best>", text)) == 1


def test_what_a_file_is_called_can_not_break_the_page(files):
    path = files.write(LOAD)
    path = path.rename(path.with_name("<script>.json"))

    assert "<script>" not in page(path, study(path), {})


def test_the_command_writes_plots_and_the_page(files, tmp_path, capsys):
    path = files.write(LOAD, sweep={"maxsize": [1, 2]})
    arguments = [str(path), "--plot", str(tmp_path / "new" / "plots"), "--report", str(tmp_path / "page.html")]

    assert main(arguments) == 0
    written = sorted(path.name for path in (tmp_path / "new" / "plots").iterdir())
    assert written == ["curves.svg", "pareto.svg", "time.svg"]
    assert (tmp_path / "page.html").read_text().startswith("<!DOCTYPE html>")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["new", "page.html", "workload.json"]
    assert "Recommended" in capsys.readouterr().out


def test_without_matplotlib_it_says_how_to_install_it_before_it_begins(files, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    monkeypatch.setattr("sim.command.study", None)

    assert main([str(files.write(LOAD)), "--plot", "plots"]) == 2
    assert capsys.readouterr().err == "python -m sim: this needs matplotlib: pip install 'ya.resourcepool[plot]'\n"
