"""Which place of a function a frame is at: the how-manieth, in the order of the code, that does the same.

Steps are named as in `tests/schedule`: `queue len` is a look whether somebody waits, or how many.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from types import CodeType

from tests.support import inside
from tests.support.package import tree

THINGS = {"": inside.IDLE, "queue": inside.WAITERS, "box": inside.BOX, "timer": inside.TIMER}


@cache
def place(code: CodeType, line: int, operation: str) -> int:
    """Counted from 1; 0 if the statement there does no such thing.

    Args:
        operation: `read ...` or `write ...` an attribute, `... len` or `... index` of a container, `call ...`.
    """
    function = _function(code)
    found = [header for header in _headers(function) if _does(function, header, operation)]
    return next((n for n, header in enumerate(found, start=1) if line in _lines(header)), 0)


@cache
def statement(file: str, line: int) -> str:
    """What stands there, without its comment, and of a compound statement without its body."""
    header = next((header for header in _headers(tree(file)) if line in _lines(header)), None)
    return "" if header is None else ast.unparse(header).strip().partition("\n")[0]


def _function(code: CodeType) -> ast.AST:
    nodes = [node for node in ast.walk(tree(code.co_filename)) if _first_line(node) == code.co_firstlineno]
    return next(node for node in nodes if getattr(node, "name", "<lambda>") == code.co_name)


def _first_line(node: ast.AST) -> int | None:
    if isinstance(node, ast.FunctionDef):
        return min(line.lineno for line in (node, *node.decorator_list))
    return node.lineno if isinstance(node, ast.Lambda) else None


def _headers(node: ast.AST) -> Iterator[ast.AST]:
    """The statements in it, in the order of the code."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, (ast.stmt, ast.ExceptHandler)):
            yield child
            yield from _headers(child)


def _own(header: ast.AST) -> Iterator[tuple[ast.AST, ast.AST]]:
    """All that belongs to it and not to a statement in it, each with its parent."""
    for child in ast.iter_child_nodes(header):
        if not isinstance(child, (ast.stmt, ast.ExceptHandler)):
            yield child, header
            yield from _own(child)


def _lines(header: ast.AST) -> range:
    first: int = header.lineno  # type: ignore[attr-defined]
    return range(first, max([first, *[getattr(node, "end_lineno", first) for node, _ in _own(header)]]) + 1)


def _does(function: ast.AST, header: ast.AST, operation: str) -> bool:
    thing, _, kind = operation.rpartition(" ")
    for node, parent in _own(header):
        if thing in ("read", "write"):
            context = ast.Load if thing == "read" else ast.Store
            if isinstance(node, ast.Attribute) and node.attr == inside.SHARED[kind] and isinstance(node.ctx, context):
                return True
        elif thing == "call":
            if isinstance(node, ast.Call) and kind in (getattr(node.func, "attr", ""), getattr(node.func, "id", "")):
                return True
        elif _is(node, THINGS[thing], function) and (_asks(parent, node) if kind == "len" else _indexes(parent, node)):
            return True
    return False


def _is(node: ast.AST, name: str, function: ast.AST) -> bool:
    """Whether it is the attribute of this name, or a variable that was set to it."""
    if isinstance(node, ast.Attribute):
        return node.attr == name
    return isinstance(node, ast.Name) and node.id in _variables(function, name)


@cache
def _variables(function: ast.AST, name: str) -> set[str]:
    found = set()
    for node in ast.walk(function):
        if isinstance(node, ast.Assign):
            values = node.value.elts if isinstance(node.value, ast.Tuple) else [node.value]
            targets = node.targets[0].elts if isinstance(node.targets[0], ast.Tuple) else node.targets
            for target, value in zip(targets, values, strict=False):
                if isinstance(target, ast.Name) and isinstance(value, ast.Attribute) and value.attr == name:
                    found.add(target.id)
    return found


def _asks(parent: ast.AST, node: ast.AST) -> bool:
    """Whether its length or its truth is asked for."""
    if isinstance(parent, ast.Call):
        return isinstance(parent.func, ast.Name) and parent.func.id == "len"
    return isinstance(parent, (ast.BoolOp, ast.UnaryOp)) or getattr(parent, "test", None) is node


def _indexes(parent: ast.AST, node: ast.AST) -> bool:
    return isinstance(parent, ast.Subscript) and parent.value is node and isinstance(parent.ctx, ast.Load)
