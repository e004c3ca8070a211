"""Do edits find what they are to change, and nothing else? And are places told apart by what is done there?"""

from __future__ import annotations

import ast
from textwrap import dedent

import pytest

from tests.support import inside
from tests.support.edits import Edit, apply, body, drop, move, replace, unwrap
from tests.support.inside import Definition
from tests.support.mistakes import MISTAKES
from tests.support.package import load
from tests.support.places import place, statement

SOURCE = """
class Pool:
    def work(self):
        with self.$lock:  # a comment
            a(1)
            b(
                2, key=3)
        try:
            a(1)
        except ValueError:
            raise
        if self.$limit and self.x:
            a(4)
        else:
            c()
"""


def changed(*changes, path="Pool.work"):
    tree = ast.parse(inside.translate(SOURCE))
    for change in changes:
        apply(tree, Edit(Definition("_pool", path), change))
    return ast.unparse(tree.body[0].body[0]).splitlines()[1:]


def same(code):
    return ast.unparse(ast.parse(dedent(code))).splitlines()


REST = """
try:
    a(1)
except ValueError:
    raise
if self.$limit and self.x:
    a(4)
else:
    c()
"""


@pytest.mark.parametrize(
    ("change", "first"),
    [
        (replace("b(2, key=3)", "d()"), "with self.$lock:\n    a(1)\n    d()"),
        (replace("b(...)", "d(); e()"), "with self.$lock:\n    a(1)\n    d()\n    e()"),
        (drop("b(_, key=_)"), "with self.$lock:\n    a(1)"),
        (drop("a(1); b(...)"), "with self.$lock:\n    pass"),
        (drop("a(...)", 1), "with self.$lock:\n    b(2, key=3)"),
        (drop("with self.$lock: ..."), ""),
        (unwrap("with self.$lock: ..."), "a(1)\nb(2, key=3)"),
    ],
)
def test_an_edit_changes_what_matches(change, first):
    assert changed(change) == [f"    {line}" for line in same(inside.translate(first + REST))]


def test_an_edit_may_change_an_expression_within_another_one():
    assert "    if self.y and self.x:" in changed(replace("self.$limit", "self.y"))


def test_an_edit_may_leave_a_handler_out():
    assert changed(unwrap("try: ...\nexcept ValueError: ..."))[3] == "    a(1)"


def test_an_edit_may_have_a_statement_come_earlier():
    lines = changed(move("if _: ...\nelse: ...", before="with self.$lock: ..."))
    assert lines[0] == inside.translate("    if self.$limit and self.x:")


def test_an_edit_may_replace_the_whole_function():
    assert changed(body("def other(self, more): return more")) == ["    return more"]


@pytest.mark.parametrize(
    ("change", "path", "message"),
    [
        (drop("nothing()"), "Pool.work", r"_pool\.py, Pool\.work has 0 times: nothing\(\)"),
        (drop("a(1)"), "Pool.work", r"_pool\.py, Pool\.work has 2 times: a\(1\)"),
        (replace("a(...)", "b()", 4), "Pool.work", r"has 3 times: a\(\.\.\.\)"),
        (drop("a(1)"), "Pool.rest", r"_pool\.py has 0 times: Pool\.rest"),
    ],
)
def test_what_is_not_there_once_is_refused(change, path, message):
    with pytest.raises(ValueError, match=message):
        changed(change, path=path)


def test_an_edit_of_no_file_is_refused():
    with pytest.raises(ValueError, match=r"there is no none\.py"):
        load([Edit(Definition("none", "anything"), drop("pass"))])


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_is_one(name):
    """The functions are there, they are changed, and some harness is to notice it."""
    mistake = MISTAKES[name]
    assert any(mistake[2:])
    trees = {}
    for edit in mistake.edits:
        module = edit.function.module
        tree = trees.setdefault(module, ast.parse(inside.source(module)))
        before = ast.dump(tree)
        apply(tree, edit)
        assert ast.dump(tree) != before


def test_places_are_counted_in_the_order_of_the_code():
    package = load([Edit(inside.WAKE, body(TWICE))])
    code = inside.get(inside.WAKE, package).__code__
    first = code.co_firstlineno
    assert [place(code, first + line, "queue len") for line in range(6)] == [0, 0, 1, 0, 2, 0]
    assert [place(code, first + line, "read limit") for line in range(6)] == [0, 0, 1, 2, 0, 0]
    assert [place(code, first + line, "call f") for line in range(6)] == [0, 0, 0, 1, 0, 2]
    assert statement(code.co_filename, first + 2) == inside.translate("if queue or pool.$limit:")


TWICE = """
def twice(self):
    queue, pool = self.$of_pool.$waiters, self.$of_pool
    if queue or pool.$limit:  # a comment, and queue
        f(pool.$limit)
    elif not queue:
        f(queue.pop)
"""
