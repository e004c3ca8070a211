"""The mutants of the package's source: mutmut's operators, and one that leaves a call out.

mutmut's own runner is not used. It keeps all mutants of a function beside it, under other names, and chooses one at
each call, by the name of the module. The private copy of the pool that runs under the scheduler has another name, and
the tests look at functions and lines of the source; so here a mutant is a file.
"""

from __future__ import annotations

import ast
import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import libcst
from libcst.matchers import AnnAssign, Assign, Name, matches
from libcst.metadata import ByteSpanPositionProvider, MetadataWrapper
from mutmut.mutation.file_mutation import MutationVisitor
from mutmut.mutation.mutators import mutation_operators
from mutmut.mutation.pragma_handling import get_ignored_lines

SOURCE = Path(__file__).parents[2] / "src" / "ya" / "resourcepool"
MODULE = "(module)"


@dataclass(frozen=True)
class Mutant:
    """A changed file.

    Attributes:
        definition: the innermost function or class in which the change is.
        change: the smallest expression or statement that differs, before and after, as `ast.unparse` writes it. What is
            only a name or a constant is shown within another one. Where a definition has the same change twice, the
            later one has a number.
        lines: those of the definition.
        digest: of the source of the definition; what became of the mutant holds while this is the same.
    """

    file: str
    definition: str
    change: str
    digest: str = field(compare=False)
    line: int = field(compare=False)
    lines: range = field(repr=False, compare=False)
    text: str = field(repr=False, compare=False)


def _leave_out(node: libcst.Expr) -> Iterable[libcst.Expr]:
    if isinstance(node.value, libcst.Call):
        yield node.with_changes(value=libcst.Name("None"))


OPERATORS = [*mutation_operators, (libcst.Expr, _leave_out)]


def all_mutants() -> list[Mutant]:
    """Those of all files, each as often as its text differs from the others'."""
    return [mutant for path in sorted(SOURCE.glob("*.py")) for mutant in mutants_of(path.name, path.read_text("utf-8"))]


def mutants_of(file: str, source: str) -> Iterator[Mutant]:
    wrapper = MetadataWrapper(libcst.parse_module(source))
    visitor = MutationVisitor(OPERATORS, get_ignored_lines(file, source, wrapper))
    wrapper.visit(visitor)
    spans = wrapper.resolve(ByteSpanPositionProvider)
    tree = ast.parse(source)
    definitions, hidden = _definitions(tree, source)
    texts = {source}
    numbers: Counter[tuple[str, str]] = Counter()
    for mutation in visitor.mutations:
        if _is_a_flag(mutation.original_node) and not _is_a_flag(mutation.mutated_node):
            continue  # None instead of False, which are told apart nowhere; True is tried, too
        span = spans[mutation.original_node]
        data = source.encode()
        after = _code(mutation.original_node, mutation.mutated_node).encode()
        text = (data[: span.start] + after + data[span.start + span.length :]).decode()
        if text in texts:
            continue
        texts.add(text)
        line, change = _change(tree, ast.parse(text))
        if line in hidden:
            continue
        name, lines, digest = next(found for found in definitions if line in found[1])
        numbers[name, change] += 1
        number = numbers[name, change]
        yield Mutant(file, name, change if number == 1 else f"{change} ({number})", digest, line, lines, text)


def _is_a_flag(node: libcst.CSTNode) -> bool:
    """Whether it assigns False."""
    return matches(node, Assign(value=Name("False")) | AnnAssign(value=Name("False")))


def _code(original: libcst.CSTNode, mutated: libcst.CSTNode) -> str:
    """The text of the mutated node, without what is not counted to the span of the original one."""
    if getattr(original, "lpar", ()):
        mutated = mutated.with_changes(lpar=(), rpar=())
    code = libcst.Module([]).code_for_node(mutated)
    return code.strip() if isinstance(original, libcst.BaseCompOp) else code


BARE = (ast.Name, ast.Constant, ast.Attribute, ast.FormattedValue, ast.Starred, ast.Slice)


def _change(before: ast.AST, after: ast.AST) -> tuple[int, str]:
    """The line of the smallest node that differs, and what of it and around it is shown, in both versions."""
    line, shown = 1, (before, after)
    while True:
        line = getattr(before, "lineno", line)
        if _says_enough(before):
            shown = before, after
        different = list(_differences(before, after))
        if type(before) is not type(after) or len(different) != 1 or None in different[0]:
            break
        ((before, after),) = different
    return line, " -> ".join(map(_code_of, shown))


def _says_enough(node: ast.AST) -> bool:
    if isinstance(node, ast.expr):
        return not isinstance(node, BARE) and any(isinstance(part, ast.expr) for part in ast.iter_child_nodes(node))
    return isinstance(node, ast.stmt)


def _differences(before: ast.AST, after: ast.AST) -> Iterator[tuple[Any, Any]]:
    """The children that differ; None for what is no node, or of which there are not as many."""
    for key, old in ast.iter_fields(before):
        new = getattr(after, key, None)
        if isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
            pairs = list(zip(old, new, strict=True))
        else:
            pairs = [(old, new)]
        for one, other in pairs:
            if isinstance(one, ast.AST) and isinstance(other, ast.AST):
                if ast.dump(one) != ast.dump(other):
                    yield one, other
            elif one != other:
                yield None, None


def _code_of(node: ast.AST) -> str:
    """Of a compound statement without its body."""
    return ast.unparse(node).strip().partition("\n")[0]


def _definitions(tree: ast.Module, source: str) -> tuple[list[tuple[str, range, str]], set[int]]:
    """The definitions, inner ones first, and the lines that only a type checker reads."""
    found = []
    hidden = set()

    def digest(node: ast.AST) -> str:
        return hashlib.sha256(ast.dump(node).encode()).hexdigest()[:12]

    def visit(node: ast.AST, prefix: str) -> None:
        for child in ast.iter_child_nodes(node):
            name = prefix
            if isinstance(child, (ast.FunctionDef, ast.ClassDef)):
                name = f"{prefix}.{child.name}" if prefix else child.name
            visit(child, name)
            if name != prefix:
                lines = range(child.lineno, (child.end_lineno or 0) + 1)
                found.append((name, lines, digest(child)))
            if isinstance(child, ast.If) and ast.unparse(child.test) == "TYPE_CHECKING":
                for statement in child.body:
                    hidden.update(range(statement.lineno, (statement.end_lineno or 0) + 1))
            if isinstance(child, ast.Assign) and ast.unparse(child) == "TYPE_CHECKING = False":
                hidden.add(child.lineno)

    visit(tree, "")
    found.append((MODULE, range(1, len(source.splitlines()) + 1), digest(tree)))
    return found, hidden
