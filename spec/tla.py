"""The text of TLA+ modules: tokens, definitions, and the conjuncts of a definition."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

TOKEN = re.compile(
    r"""
      (?P<comment> \\\*[^\n]* | \(\*.*?\*\) )
    | (?P<string>  "(?:[^"\\\n]|\\.)*" )
    | (?P<word>    \w+ )
    | (?P<symbol>  /\\ | \\/ | \\[A-Za-z]+ | <=> | \|-> | == | => | =<(?!<) | <= | >= | << | >> | -> | <- | :> | @@ | /=
                 | \.\. | ~> | <> | [^\s\w] )
    """,
    re.VERBOSE | re.DOTALL,
)
OPENING = {"(": ")", "[": "]", "{": "}", "<<": ">>"}
CLOSING = set(OPENING.values())
CONNECTIVES = {"/\\", "\\/", "=>", "<=>"}
# After these an expression begins, so a following `/\` opens a list and does not join two expressions.
BEFORE_EXPRESSION = {*OPENING, *CONNECTIVES, *"== THEN ELSE IN : -> |-> , = # ~ \\lnot".split()}


@dataclass(frozen=True)
class Token:
    """A token that is no comment, and where it stands."""

    kind: str
    text: str
    start: int
    line: int
    column: int

    @property
    def end(self) -> int:
        return self.start + len(self.text)


@dataclass
class Conjunct:
    r"""An item of a list of conjuncts, or, with number 0, what stands outside of any such list.

    `tokens` are all of it, without the leading `/\`; `own` those that are not in a conjunct inside of it.
    """

    number: int
    tokens: list[Token]
    own: list[Token]


@dataclass
class Definition:
    """A definition that begins in the first column; `tokens` are those of its body."""

    name: str
    tokens: list[Token] = field(default_factory=list)

    @property
    def is_action(self) -> bool:
        """Whether something in it is primed, or said to be unchanged."""
        return any(token.text in ("'", "UNCHANGED") for token in self.tokens)


def tokenize(text: str) -> list[Token]:
    """Split a module into tokens."""
    starts = [0, *(newline.end() for newline in re.finditer("\n", text))]
    found: list[Token] = []
    line = 0
    for match in TOKEN.finditer(text):
        kind = str(match.lastgroup)
        while line + 1 < len(starts) and starts[line + 1] <= match.start():
            line += 1
        if kind != "comment":
            found.append(Token(kind, match[0], match.start(), line, match.start() - starts[line]))
    return found


def definitions(tokens: list[Token]) -> list[Definition]:
    """The definitions among them, in their order."""
    found: list[Definition] = []
    current: Definition | None = None
    i = 0
    while i < len(tokens):
        token = tokens[i]
        if token.column == 0:
            current = None
            body = _body(tokens, i)
            if body:
                current = Definition(tokens[i + (token.text == "LOCAL")].text)
                found.append(current)
                i = body
                continue
        if current:
            current.tokens.append(token)
        i += 1
    return found


def _body(tokens: list[Token], i: int) -> int:
    """Where the body of the definition that begins here begins; 0 if none does."""
    name = i + (tokens[i].text == "LOCAL")
    if name == len(tokens) or tokens[name].kind != "word":
        return 0
    after = name + 1
    if after < len(tokens) and tokens[after].text in ("(", "["):
        after = matching(tokens, after) + 1
    return after + 1 if after < len(tokens) and tokens[after].text == "==" else 0


def matching(tokens: list[Token], opening: int) -> int:
    """The index of the token that closes the bracket; the last one if none does."""
    depth = 0
    for i in range(opening, len(tokens)):
        if tokens[i].text in OPENING:
            depth += 1
        elif tokens[i].text in CLOSING:
            depth -= 1
            if depth == 0:
                return i
    return len(tokens) - 1


def end_of(tokens: list[Token], begin: int, column: int = -1, *, tight: bool = False) -> int:
    r"""The index after the expression that begins there.

    It ends before what closes something around it, and before a later line's token in `column` or to the left of it.
    With `tight` it ends also before a connective that binds less than `=`, if it is no IF, LET or quantifier, which
    go on as far as possible.
    """
    brackets, ifs, lets, binding = 0, 0, 0, False
    for i in range(begin, len(tokens)):
        token = tokens[i]
        if token.line > tokens[begin].line and token.column <= column:
            return i
        text = token.text
        if text in OPENING:
            brackets += 1
        elif text in CLOSING:
            if brackets == 0:
                return i
            brackets -= 1
        elif brackets:
            continue
        elif text in ("IF", "CASE"):
            ifs += text == "IF"
            tight = False
        elif text == "LET":
            lets += 1
            tight = False
        elif text in ("\\E", "\\A", "CHOOSE", "LAMBDA"):
            tight, binding = False, True
        elif text == ":":
            binding = False
        elif (
            (text == "," and not binding)
            or (text == "THEN" and ifs == 0)
            or (text == "ELSE" and ifs == 0)
            or (text == "IN" and lets == 0)
        ):
            return i
        elif text == "ELSE":
            ifs -= 1
        elif text == "IN":
            lets -= 1
        elif tight and text in CONNECTIVES:
            return i
    return len(tokens)


def conjuncts(body: list[Token]) -> list[Conjunct]:
    """The conjuncts of a body in the order of their beginnings, after number 0."""
    spans: list[tuple[int, int]] = []
    for i, token in enumerate(body):
        if token.text != "/\\":
            continue
        before = body[i - 1] if i else None
        if before is None or before.line < token.line or before.text in BEFORE_EXPRESSION:
            spans.append((i, end_of(body, i + 1, token.column)))
    found = [Conjunct(0, body, _outside(body, 0, len(body), spans))]
    for number, (begin, end) in enumerate(spans, start=1):
        inner = [span for span in spans if begin < span[0] < end]
        found.append(Conjunct(number, body[begin + 1 : end], _outside(body, begin + 1, end, inner)))
    return found


def _outside(body: list[Token], begin: int, end: int, spans: list[tuple[int, int]]) -> list[Token]:
    return [body[i] for i in range(begin, end) if not any(low <= i < high for low, high in spans)]
