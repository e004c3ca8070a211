"""What the page on reliability names exists: tests, properties of the specification, scenarios."""

from __future__ import annotations

import ast
import re
from pathlib import Path

from tests.schedule.scenarios import ALL

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs/reliability.md").read_text()
CLASSES = re.split(r"^### ", PAGE.partition("## What happened to other pools")[2], flags=re.MULTILINE)[1:]


def test_each_of_the_24_classes_and_one_more_is_there_and_shown_by_a_test():
    numbers = [re.match(r"(\d+)\. ", text) for text in CLASSES]

    assert [number and int(number[1]) for number in numbers] == [*range(1, 25), None]
    assert [text.splitlines()[0] for text in CLASSES if "\n- [`test_" not in text] == []


def test_the_tests_that_show_them_exist_where_the_links_lead():
    links = re.findall(r"^- \[`(\w+)`\]\(\.\./(tests/[\w/]+\.py)\)$", PAGE, re.MULTILINE)
    functions = {
        path: {node.name for node in ast.parse((ROOT / path).read_text()).body if isinstance(node, ast.FunctionDef)}
        for path in {path for _, path in links}
    }

    assert len(links) == len(re.findall(r"^- \[", PAGE, re.MULTILINE)) > 50
    assert [name for name, path in links if name not in functions[path]] == []


def test_the_properties_that_show_them_are_checked_in_some_model():
    named = [
        name for line in re.findall(r"^- spec: (.*)$", PAGE, re.MULTILINE) for name in re.findall(r"`(\w+)`", line)
    ]
    specified = "".join(path.read_text() for path in ROOT.glob("spec/*.tla"))
    checked = "".join(path.read_text() for path in ROOT.glob("spec/*.cfg"))

    assert len(named) > 20
    assert [name for name in named if not re.search(rf"^{name} ==", specified, re.MULTILINE)] == []
    assert [name for name in named if not re.search(rf"^\s+{name}$", checked, re.MULTILINE)] == []


def test_the_scenarios_that_show_them_are_searched():
    lines = re.findall(r"^- scenarios: (.*)$", PAGE, re.MULTILINE)
    named = [name for line in lines for name in re.findall("“(.*?)”", line)]

    assert len(named) > 20
    assert [name for name in named if name not in ALL] == []
