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
        change: what stood there and what stands there now, without the lines' indentation. Where a definition has the
            same line twice, the later change has a number.
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
    definitions, hidden = _definitions(source)
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
        line, change = _change(source, text)
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


def _change(source: str, text: str) -> tuple[int, str]:
    """The first line that differs, and both versions of those that differ."""
    before, after = source.splitlines(), text.splitlines()
    first = next(i for i, pair in enumerate(zip(before, after, strict=False)) if pair[0] != pair[1])
    while before[-1] == after[-1] and min(len(before), len(after)) > first + 1:
        del before[-1], after[-1]
    old, new = (" ".join(map(str.strip, lines[first:])) for lines in (before, after))
    return first + 1, f"{old} -> {new}"


def _definitions(source: str) -> tuple[list[tuple[str, range, str]], set[int]]:
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

    tree = ast.parse(source)
    visit(tree, "")
    found.append((MODULE, range(1, len(source.splitlines()) + 1), digest(tree)))
    return found, hidden
