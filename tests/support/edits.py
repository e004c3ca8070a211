"""Changes of a function, found by its structure: format, comments and line numbers do not matter.

A pattern is code, of an expression or of statements, in which `$name` stands for a name of `inside.py`, `_` for any
expression, `f(...)` for a call of `f` with any arguments, and `...` as a body for any statements.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from textwrap import dedent
from typing import Any, NamedTuple

from tests.support.inside import Definition, translate

Change = Callable[[ast.FunctionDef], None]


class Edit(NamedTuple):
    """A function, and how it is changed."""

    function: Definition
    change: Change


def replace(before: str, after: str, nth: int = 0) -> Change:
    """Put something in the place of an expression or of statements: of the only one, or of the nth in the function."""

    def change(function: ast.FunctionDef) -> None:
        old, new = _parsed(before), _parsed(after)
        if _is_expression(old) and _is_expression(new):
            parent, key, index = _one(_expressions(function, old[0].value), before, nth)
            if index is None:
                setattr(parent, key, new[0].value)
            else:
                getattr(parent, key)[index] = new[0].value
        else:
            block, place = _one(_statements(function, old), before, nth)
            block[place : place + len(old)] = new

    return change


def drop(statements: str, nth: int = 0) -> Change:
    """Leave statements out."""

    def change(function: ast.FunctionDef) -> None:
        old = _parsed(statements)
        block, place = _one(_statements(function, old), statements, nth)
        block[place : place + len(old)] = [] if len(block) > len(old) else [ast.Pass()]

    return change


def unwrap(statement: str, nth: int = 0) -> Change:
    """Leave of a `with`, a `try` or the like only its body."""

    def change(function: ast.FunctionDef) -> None:
        block, place = _one(_statements(function, _parsed(statement)), statement, nth)
        block[place : place + 1] = block[place].body  # type: ignore[attr-defined]

    return change


def move(statement: str, before: str) -> Change:
    """Have a statement come before another one."""

    def change(function: ast.FunctionDef) -> None:
        block, place = _one(_statements(function, _parsed(statement)), statement)
        moved = block[place]
        block[place] = ast.Pass()
        block, place = _one(_statements(function, _parsed(before)), before)
        block.insert(place, moved)

    return change


def body(definition: str) -> Change:
    """Have the function be another one."""

    def change(function: ast.FunctionDef) -> None:
        (new,) = _parsed(definition)
        function.args, function.body = new.args, new.body

    return change


def apply(tree: ast.Module, edit: Edit) -> None:
    """Change a function of a module.

    Raises:
        ValueError: the function or what it is to have is not there, or is there several times.
    """
    module, path = edit.function.module, edit.function.path
    scope: Any = tree
    for name in path.split("."):
        found = [node for node in scope.body if isinstance(node, (ast.ClassDef, ast.FunctionDef)) and node.name == name]
        if len(found) != 1:
            raise ValueError(f"{module}.py has {len(found)} times: {path}")
        scope = found[0]
    try:
        edit.change(scope)
    except ValueError as error:
        raise ValueError(f"{module}.py, {path} {error}") from None
    ast.fix_missing_locations(tree)


def _parsed(snippet: str) -> list[Any]:
    return ast.parse(dedent(translate(snippet))).body


def _is_expression(pattern: list[Any]) -> bool:
    return len(pattern) == 1 and isinstance(pattern[0], ast.Expr)


def _one(sites: Iterator[Any], pattern: str, nth: int = 0) -> Any:
    found = list(sites)
    if len(found) < nth or (not nth and len(found) != 1):
        raise ValueError(f"has {len(found)} times: {pattern}")
    return found[nth - 1 if nth else 0]


def _expressions(node: ast.AST, pattern: ast.expr) -> Iterator[tuple[ast.AST, str, int | None]]:
    """Where one stands that matches, in the order of the code: its parent, the field there, and the index in that."""
    for key, value in ast.iter_fields(node):
        for index, child in enumerate(value if isinstance(value, list) else [value]):
            if isinstance(child, ast.AST):
                if isinstance(child, ast.expr) and _matches(pattern, child):
                    yield node, key, index if isinstance(value, list) else None
                yield from _expressions(child, pattern)


def _statements(node: ast.AST, pattern: list[ast.stmt]) -> Iterator[tuple[list[ast.stmt], int]]:
    """Where some stand that match, in the order of the code: the block, and their place in that."""
    for _, value in ast.iter_fields(node):
        if not isinstance(value, list):
            continue
        for place, child in enumerate(value):
            if isinstance(child, ast.stmt) and _match_all(pattern, value[place : place + len(pattern)]):
                yield value, place
            if isinstance(child, ast.AST):
                yield from _statements(child, pattern)


def _matches(pattern: Any, node: Any) -> bool:
    if isinstance(pattern, ast.Name) and pattern.id == "_":
        return isinstance(node, ast.expr)
    if not isinstance(pattern, ast.AST):
        return bool(pattern == node)
    if type(pattern) is not type(node):
        return False
    for key, value in ast.iter_fields(pattern):
        other = getattr(node, key)
        if key == "keywords" and _is_anything(pattern.args):
            continue
        if isinstance(value, list):
            if not (_is_anything(value) or _match_all(value, other)):
                return False
        elif not _matches(value, other):
            return False
    return True


def _match_all(patterns: list[Any], nodes: list[Any]) -> bool:
    return len(patterns) == len(nodes) and all(map(_matches, patterns, nodes))


def _is_anything(pattern: list[Any]) -> bool:
    if len(pattern) != 1:
        return False
    node = pattern[0].value if isinstance(pattern[0], ast.Expr) else pattern[0]
    return isinstance(node, ast.Constant) and node.value is Ellipsis
