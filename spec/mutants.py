"""Mutants of a module: copies of it with one small fault in an action.

Mutated are the definitions between the lines BEGIN and END in which something is primed, and those that are asked
for by name. An operator's name says what it puts in the place of what was there.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass

from spec.errors import SpecError
from spec.tla import CONNECTIVES, Conjunct, Token, conjuncts, definitions, end_of, matching, tokenize

BEGIN = r"\* ---- actions ----"
END = r"\* ---- properties ----"

# Token by token: what stands in its place, and the operator's name.
COMPARISONS = {
    "<": ("<=", "le"),
    "<=": ("<", "lt"),
    "=<": ("<", "lt"),
    ">": (">=", "ge"),
    ">=": (">", "gt"),
    "=": ("#", "ne"),
    "#": ("=", "eq"),
    "/=": ("=", "eq"),
}
TRUTHS = {"TRUE": ("FALSE", "false"), "FALSE": ("TRUE", "true")}
STEPS = {"+": "plus", "-": "minus"}
# Where the module has no such operator, it is spelled out.
CALLS = {"Head": "Last", "Last": "Head", "Tail": "Front", "Front": "Tail"}
SPELLED = {"Last": "({0})[Len({0})]", "Front": "SubSeq({0}, 1, Len({0}) - 1)"}


@dataclass(frozen=True)
class Mutant:
    """A mutant; its name is `module:definition:number of the conjunct:operator`."""

    name: str
    module: str
    before: str  # the lines that differ, without comments
    after: str
    text: str  # the whole module

    @property
    def definition(self) -> str:
        """The name of the definition that it is in."""
        return self.name.split(":")[1]


@dataclass(frozen=True)
class Edit:
    """Text to put in the place of other text."""

    start: int
    end: int
    text: str


def mutants_of(module: str, text: str, also: Collection[str] = ()) -> list[Mutant]:
    """All mutants of a module, in the order of its text.

    Args:
        also: definitions to mutate although nothing in them is primed.

    Raises:
        SpecError: the module has no lines BEGIN and END, or no such definition between them.
    """
    begin, end = text.find(f"\n{BEGIN}"), text.find(f"\n{END}")
    if not -1 < begin < end:
        raise SpecError(f"{module}.tla has no part between {BEGIN!r} and {END!r}")
    tokens = tokenize(text)
    everywhere = definitions(tokens)
    operators = {definition.name for definition in everywhere}
    primed = {definition.name for definition in everywhere if definition.is_action}
    while True:  # also what uses them
        found = {d.name for d in everywhere if any(token.text in primed for token in d.tokens)}
        if found <= primed:
            break
        primed |= found
    here = [d for d in everywhere if d.tokens and begin < d.tokens[0].start < end]
    unknown = sorted(set(also) - {definition.name for definition in here})
    if unknown:
        raise SpecError(f"{module}.tla has no definition of {unknown[0]} between {BEGIN!r} and {END!r}")
    mutants: dict[str, Mutant] = {}  # by their text: two faults may come to the same
    for definition in here:
        if not definition.is_action and definition.name not in also:
            continue
        for conjunct in conjuncts(definition.tokens):
            seen: Counter[str] = Counter()
            for operator, edits in _faults(conjunct, primed, operators, text):
                seen[operator] += 1
                count = str(seen[operator]) if seen[operator] > 1 else ""
                name = f"{module}:{definition.name}:{conjunct.number}:{operator}{count}"
                mutant = Mutant(name, module, *_lines(text, edits), apply(text, edits))
                mutants.setdefault(mutant.text, mutant)
    return list(mutants.values())


def _faults(
    conjunct: Conjunct, primed: Collection[str], operators: Collection[str], text: str
) -> Iterator[tuple[str, list[Edit]]]:
    tokens, own = conjunct.tokens, conjunct.own
    assigns = any(token.text in ("'", "UNCHANGED") or token.text in primed for token in tokens)
    if conjunct.number and tokens and not assigns:
        yield "drop", [Edit(tokens[0].start, tokens[-1].end, "TRUE")]
        if not _is_comparison(tokens):
            yield "negate", _negation(tokens)
    ours = {token.start for token in own}
    for i, token in enumerate(tokens):
        if token.start in ours and token.kind != "string":
            yield from _swaps(tokens, i, assigns)
            yield from _calls(tokens, i, operators, text)
            yield from _assignments(tokens, i, text)
            yield from _branches(tokens, i)


def _is_comparison(tokens: list[Token]) -> bool:
    """Whether this is nothing but `=` or `#`, so that another comparison negates it."""
    texts = [token.text for token in tokens]
    return sum(text in ("=", "#", "/=") for text in texts) == 1 and not {
        *CONNECTIVES,
        *("~ \\lnot IF CASE LET \\E \\A CHOOSE : < > <= >= =<".split()),
    } & {*texts}


def _negation(tokens: list[Token]) -> list[Edit]:
    start, end = tokens[0].start, tokens[-1].end
    if tokens[0].text == "~" and _is_primary(tokens[1:]):
        return [Edit(start, tokens[1].start, "")]
    if _is_primary(tokens):
        return [Edit(start, start, "~")]
    return [Edit(start, start, "~("), Edit(end, end, ")")]


def _is_primary(tokens: list[Token]) -> bool:
    """Whether this is a name, perhaps with arguments, and nothing else."""
    i = 1
    while i < len(tokens) and tokens[i].text in ("(", "["):
        i = matching(tokens, i) + 1
    return i == len(tokens) and tokens[0].kind == "word"


def _swaps(tokens: list[Token], i: int, assigns: bool) -> Iterator[tuple[str, list[Edit]]]:
    """Another comparison, another number, another truth."""
    token, following = tokens[i], [other.text for other in tokens[i + 1 : i + 3]]
    if token.text in COMPARISONS and not (token.text == "=" and _is_assignment(tokens, i)):
        new, name = COMPARISONS[token.text]
        yield name, [Edit(token.start, token.end, new)]
    elif token.text in STEPS and following[:1] == ["1"]:
        for number in ("0", "2"):
            yield STEPS[token.text] + number, [Edit(tokens[i + 1].start, tokens[i + 1].end, number)]
    elif token.text in TRUTHS and assigns:
        new, name = TRUTHS[token.text]
        yield name, [Edit(token.start, token.end, new)]


def _is_assignment(tokens: list[Token], i: int) -> bool:
    """Whether this `=` stands after a primed variable, or after the place of an EXCEPT."""
    if i and tokens[i - 1].text == "'":
        return True
    depth = 0
    for token in reversed(tokens[:i]):
        if token.text in ("]", ")", "}", ">>"):
            depth += 1
        elif token.text in ("[", "(", "{", "<<"):
            depth -= 1
            if depth < 0:
                return False
        elif depth == 0 and token.text == "!":
            return True
        elif depth == 0 and (token.text in ("=", ",", "EXCEPT") or token.text in CONNECTIVES):
            return False
    return False


def _calls(tokens: list[Token], i: int, operators: Collection[str], text: str) -> Iterator[tuple[str, list[Edit]]]:
    """The other end of a sequence."""
    token = tokens[i]
    opened = i + 1 < len(tokens) and tokens[i + 1].text == "("
    closed = matching(tokens, i + 1) if opened else 0
    inside = _text(text, tokens, i + 2, closed)
    if token.text in CALLS and opened:
        new = CALLS[token.text]
        if new in SPELLED and new not in operators:
            yield new.lower(), [Edit(token.start, tokens[closed].end, SPELLED[new].format(inside))]
        else:
            yield new.lower(), [Edit(token.start, token.end, new)]
    elif token.text == "Append" and opened:
        comma = end_of(tokens, i + 2)
        sequence, item = _text(text, tokens, i + 2, comma), _text(text, tokens, comma + 1, closed)
        yield "prepend", [Edit(token.start, tokens[closed].end, f"(<<{item}>> \\o {sequence})")]
    elif token.text == "<<":
        closed = matching(tokens, i)
        after = closed + 2
        if closed + 1 < len(tokens) and tokens[closed + 1].text == "\\o" and after < len(tokens):
            end = after + 1
            while end < len(tokens) and tokens[end].text in ("(", "["):
                end = matching(tokens, end) + 1
            item, sequence = _text(text, tokens, i + 1, closed), _text(text, tokens, after, end)
            yield "append", [Edit(token.start, tokens[end - 1].end, f"({sequence} \\o <<{item}>>)")]


def _assignments(tokens: list[Token], i: int, text: str) -> Iterator[tuple[str, list[Edit]]]:
    """A variable that stays the same."""
    if [token.text for token in tokens[i + 1 : i + 3]] not in (["'", "="], ["'", "\\in"]) or tokens[i].kind != "word":
        return
    end = end_of(tokens, i + 3, tight=True)
    variable = tokens[i].text
    if _text(text, tokens, i + 3, end) != variable:
        yield "same", [Edit(tokens[i].start, tokens[end - 1].end, f"{variable}' = {variable}")]


def _branches(tokens: list[Token], i: int) -> Iterator[tuple[str, list[Edit]]]:
    """An IF that takes the other branch: its condition is negated."""
    if tokens[i].text == "IF":
        condition = tokens[i + 1 : end_of(tokens, i + 1)]
        if condition and not _is_comparison(condition):
            yield "swap", _negation(condition)


def _text(text: str, tokens: list[Token], begin: int, end: int) -> str:
    return text[tokens[begin].start : tokens[end - 1].end] if begin < end <= len(tokens) else ""


def apply(text: str, edits: list[Edit]) -> str:
    """The text with the edits made; lists of conjuncts that begin after one on its line stay in line."""
    for edit in sorted(edits, key=lambda edit: edit.start, reverse=True):
        text = _apply(text, edit)
    return text


def _apply(text: str, edit: Edit) -> str:
    end_of_line = text.find("\n", edit.end)
    end_of_line = len(text) if end_of_line < 0 else end_of_line
    bullet = re.search(r"/\\|\\/", text[edit.end : end_of_line])
    new = text[: edit.start] + edit.text
    if not bullet:
        return new + text[edit.end :]
    column = edit.end + bullet.start() - (text.rfind("\n", 0, edit.end) + 1)
    moved = len(new) - (new.rfind("\n") + 1) - (edit.end - (text.rfind("\n", 0, edit.end) + 1))
    lines = text[end_of_line:].split("\n")
    for i, line in enumerate(lines[1:], start=1):
        indent = len(line) - len(line.lstrip())
        if line.strip():
            if indent < column:
                break
            lines[i] = " " * (indent + moved) + line.lstrip()
    return new + text[edit.end : end_of_line] + "\n".join(lines)


def _lines(text: str, edits: list[Edit]) -> tuple[str, str]:
    """The lines that the edits change, before and after, without comments and breaks."""
    start = text.rfind("\n", 0, min(edit.start for edit in edits)) + 1
    end = text.find("\n", max(edit.end for edit in edits))
    before = text[start:end]
    after = before
    for edit in sorted(edits, key=lambda edit: edit.start, reverse=True):
        after = after[: edit.start - start] + edit.text + after[edit.end - start :]
    return _plain(before), _plain(after)


def _plain(lines: str) -> str:
    return " ".join(re.sub(r"\\\*.*|\(\*.*?\*\)", "", lines).split())
