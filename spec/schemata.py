r"""Many mutants in one run of TLC: mutant schemata (Untch, Offutt and Harrold, 1993).

A variable `mutant` says which of them a behaviour is of, and never changes; the last one is no mutant, to see that the
run judges as it should. Each mutated definition becomes a CASE of its mutants. What the model checks stands in
constraints: of a violation a line is printed, and TLC goes no further with that mutant. So a run costs what its mutants
do until they end, and Java starts once.

Only what is about states and steps is checked so. A promise about the long run can't be a constraint.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path

from spec import config
from spec.errors import SpecError
from spec.manifest import Model
from spec.mutants import BEGIN, END, Mutant
from spec.tla import Definition, Token, conjuncts, definitions, end_of, matching, tokenize
from spec.tlc import Outcome

NAME = "MutantSchemata"  # of the module that is made
VARIABLE = "mutant"
DECLARES = "MutantVariable"  # the module that declares it
TYPE_OK = "TypeOK"
MANY = ""  # in the place of a property: it has come to as many states as it may
LENGTH = 'TLCGet("level") + 1'  # of the behaviour up to here: the level is that of the state before
ENDS = {"Head", "Tail", "Last", "Front"}  # of a sequence, which must not be empty
MAY_BE_NONE = {"hand", "box", "read", "keep"}  # functions
NUMBERS = {"MaxSize", "MinSize", "MaxAge", "armed"}  # or None
CALCULATES = {*"< > <= >= =< + -".split()}
TURN = re.compile(r'<<"turn", (\d+)>>')
SAID = re.compile(r'<<"mutant", (\d+), "(\w*)", (\d+)>>')


@dataclass(frozen=True)
class Schemata:
    """A run: its modules by name, and its configuration."""

    modules: dict[str, str]
    settings: str


@dataclass(frozen=True)
class End:
    """What a mutant has violated, and the length of that behaviour, in states."""

    property: str
    length: int


def schemata(folder: Path, model: Model, mutants: Sequence[Mutant], most: int | None) -> Schemata | None:
    r"""A run of the model with all these mutants, which are of one module; None if it checks the long run only.

    Args:
        most: how many states TLC may come to of each, those counted that it comes to again.

    Raises:
        SpecError: the specification of the model is not written as `Init /\ [][Next]_vars`.
    """
    settings = (folder / f"{model.config}.cfg").read_text(encoding="utf-8")
    closure = _closure(folder, Path(model.module).name)
    known = {d.name: (d, text) for text in closure.values() for d in definitions(tokenize(text))}
    invariants, properties = config.checked(settings)
    steps = {name: step for name in properties if (step := _step(*known[name]))}
    if not invariants and not steps:
        return None
    init, following = _behaviour(known, config.values(settings, "SPECIFICATION")[0])
    views = config.values(settings, "VIEW")
    count = len(mutants) + 1
    visits, typed = f"{count} + {VARIABLE}", f"{2 * count} + {VARIABLE}"
    lines = [
        f"---- MODULE {NAME} ----",
        f"EXTENDS {Path(model.module).name}, {DECLARES}, TLC",
        # Of each mutant: whether it has ended, how many states it has come to, whether TypeOK was violated. And whose
        # turn it is: TLC does not say where it was when it can't evaluate a constraint.
        f"ASSUME \\A m \\in 1..{count} :",
        f"  TLCSet(m, FALSE) /\\ TLCSet({count} + m, 0) /\\ TLCSet({2 * count} + m, FALSE)",
        "ASSUME TLCSet(0, 0)",
        f'MutantTurn == TLCGet(0) = {VARIABLE} \\/ (PrintT(<<"turn", {VARIABLE}>>) /\\ TLCSet(0, {VARIABLE}))',
        f"MutantInit == {VARIABLE} \\in 1..{count} /\\ {init}",
        f"MutantNext == {VARIABLE}' = {VARIABLE} /\\ {following}",
        f"MutantView == <<{VARIABLE}, {views[0]}>>" if views else "",
        f'MutantSays(name, length) == PrintT(<<"mutant", {VARIABLE}, name, length>>)',
        f"MutantEnds(name, length) == MutantSays(name, length) /\\ TLCSet({VARIABLE}, TRUE) /\\ FALSE",
        f"MutantNotes(name, length) == TLCGet({typed}) \\/ (MutantSays(name, length) /\\ TLCSet({typed}, TRUE))",
        "MutantStates ==",
        f"  /\\ ~TLCGet({VARIABLE}) /\\ MutantTurn",
        *(f"  /\\ {name} \\/ {_said(name)}" for name in invariants),
    ]
    if most is not None:
        lines += [f"  /\\ TLCSet({visits}, TLCGet({visits}) + 1)"]
        lines += [f"  /\\ TLCGet({visits}) <= {most} \\/ {_said(MANY)}"]
    for name, step in steps.items():
        lines += [f"Step{name} ==", step]
    lines += ["MutantSteps ==", f"  /\\ ~TLCGet({VARIABLE}) /\\ MutantTurn"]
    lines += [f"  /\\ Step{name} \\/ {_said(name)}" for name in steps]
    mutated = mutants[0].module
    text = closure.get(mutated) or _read(folder, mutated)
    modules = {**closure, mutated: _merged(text, mutants)}
    # Also those that have an instance of the mutated one.
    modules = {name: re.sub(r"(?m)^EXTENDS ", f"EXTENDS {DECLARES}, ", text) for name, text in modules.items()}
    modules[DECLARES] = f"---- MODULE {DECLARES} ----\nVARIABLE {VARIABLE}\n====\n"
    modules[NAME] = "\n".join([*lines, "====", ""])
    head = "INIT MutantInit\nNEXT MutantNext\nCONSTRAINT MutantStates\nACTION_CONSTRAINT MutantSteps\n"
    head += "VIEW MutantView\n" if views else ""
    return Schemata(modules, head + config.left(settings, "SPECIFICATION", "VIEW", *config.INVARIANT, *config.PROPERTY))


def _said(name: str) -> str:
    """How the module says that this is violated."""
    return f'{"MutantNotes" if name == TYPE_OK else "MutantEnds"}("{name}", {LENGTH})'


def ends(printed: Iterable[str], mutants: Sequence[Mutant]) -> dict[Mutant | None, list[End]]:
    """What TLC has said of each mutant, in that order; None is the module without a fault."""
    found: dict[Mutant | None, list[End]] = defaultdict(list)
    for line in printed:
        said = SAID.fullmatch(line)
        if said:
            found[(*mutants, None)[int(said[1]) - 1]].append(End(said[2], int(said[3])))
    return found


def at_fault(outcome: Outcome, mutants: Sequence[Mutant]) -> Mutant:
    """The mutant that TLC could not evaluate."""
    turns = [int(said[1]) for line in outcome.printed if (said := TURN.fullmatch(line))]
    number = outcome.trace.states[-1].values[VARIABLE] if outcome.trace else turns[-1] if turns else None
    if not isinstance(number, int) or number > len(mutants):
        raise SpecError(f"TLC failed: {'; '.join(outcome.errors)}")
    return mutants[number - 1]


def _read(folder: Path, name: str) -> str:
    return (folder / f"{name}.tla").read_text(encoding="utf-8")


def _closure(folder: Path, name: str) -> dict[str, str]:
    """The text of a module and of those of the folder that it extends."""
    found: dict[str, str] = {}
    waiting = [name]
    while waiting:
        name = waiting.pop()
        if name not in found and (folder / f"{name}.tla").is_file():
            found[name] = _read(folder, name)
            for extended in re.findall(r"(?m)^EXTENDS (.*)", found[name]):
                waiting += re.findall(r"\w+", extended)
    return found


def _behaviour(known: Mapping[str, tuple[Definition, str]], name: str) -> tuple[str, str]:
    """The names of the initial predicate and of the next-state relation."""
    definition, text = known[name]
    body = _body(definition, text)
    found = re.match(r"(\w+) */\\ *\[\]\[(\w+)\]_", body)
    if found:
        return found[1], found[2]
    word = re.match(r"\w+", body)
    if word and word[0] in known and word[0] != name:
        return _behaviour(known, word[0])
    raise SpecError(rf"{name} must begin with 'Init /\ [][Next]_vars', or with the name of what does; it is: {body}")


def _step(definition: Definition, text: str) -> str:
    r"""Of a property `[][A]_v`, perhaps after `P /\`: `[A]_v`, where it stood. P is about initial states, no step."""
    texts = [token.text for token in definition.tokens]
    for i in range(len(texts) - 2):
        if texts[i : i + 3] == ["[", "]", "["] and (i == 0 or texts[i - 1] == "/\\"):
            start = definition.tokens[i + 2]
            return " " * start.column + text[start.start : definition.tokens[-1].end]
    return ""


def _body(definition: Definition, text: str) -> str:
    return text[definition.tokens[0].start : definition.tokens[-1].end]


def _merged(text: str, mutants: Sequence[Mutant]) -> str:
    """The module in which each mutated definition is a CASE of its mutants, and no action happens that is undefined."""
    original = text
    variants: dict[str, list[tuple[int, str]]] = defaultdict(list)
    for number, mutant in enumerate(mutants, start=1):
        variants[mutant.definition].append((number, mutant.text))
    begin, end = text.find(f"\n{BEGIN}"), text.find(f"\n{END}")
    for definition in reversed(definitions(tokenize(text))):
        if not definition.is_action and definition.name not in variants:
            continue
        first, last = definition.tokens[0], definition.tokens[-1]
        if not begin < first.start < end:
            continue
        start = text.rfind(f"\n{definition.name}", 0, first.start) + 1
        arguments = text[start : first.start].partition("==")[0].rstrip().removeprefix(definition.name)
        parts, cases = [], []
        for number, whole in [*variants[definition.name], (0, original)]:
            name = f"{definition.name}_{number}"
            body = whole[first.start : last.end + len(whole) - len(original)]
            parts.append(f"{name}{arguments} ==\n{' ' * first.column}{body}")
            guards = "".join(f"({guard}) /\\ " for guard in _guards(body, first.column)) if definition.is_action else ""
            cases.append((f"{VARIABLE} = {number}" if number else "OTHER", f"{guards}{name}{arguments}"))
        body = "\n    [] ".join(" -> ".join(case) for case in cases)
        parts.append(f"{definition.name}{arguments} ==\n  " + (f"CASE {body}" if cases[1:] else cases[0][1]))
        text = text[:start] + "\n\n".join(parts) + text[last.end :]
    return text


def _guards(body: str, column: int) -> list[str]:
    """What must be true for the body to be defined, as far as its text tells. Those before a guard make it defined.

    A mutant may take the last of an empty sequence, or a field of None. That would end the run of all mutants; so such
    a step does not happen. What a mutant does without it, it also does with it.
    """
    tokens = tokenize(" " * column + body)
    local = _local(tokens)
    branches = _branches(tokens)
    # Who asks whether it is None knows.
    tested = {token.text for token, after in zip(tokens, tokens[2:], strict=False) if after.text == "None"}

    def text(begin: int, end: int) -> str:
        return " ".join((" " * column + body)[tokens[begin].start : tokens[end - 1].end].split())

    found: list[tuple[int, str]] = []  # with the place where it ends, as what is inside comes first
    for i, token in enumerate(tokens[:-1]):
        following = tokens[i + 1].text
        guard, end = "", 0
        if token.text in ENDS and following == "(":
            end = matching(tokens, i + 1)
            guard = f"{text(i + 2, end)} # <<>>"
        elif token.text in MAY_BE_NONE and following == "[":
            end = matching(tokens, i + 1)
            after = [token.text for token in tokens[end + 1 : end + 3]]
            if after[1:] != ["None"] and after[:1] != ["'"]:
                guard = f"{text(i, end + 1)} # None"
        elif token.text in MAY_BE_NONE and following == "EXCEPT" and tokens[i + 3].text == "[":
            end = matching(tokens, i + 3)
            if tokens[end + 1].text == ".":
                guard = f"{token.text}{text(i + 3, end + 1)} # None"
        elif token.text in NUMBERS and token.text not in tested and {following, tokens[i - 1].text} & CALCULATES:
            end = i
            guard = f"{token.text} # None"
        # Without MaxAge nobody has read a stamp, so who asks for the one that he has read knows.
        elif token.text == "IsDue" and not _asked(f"{text(i + 2, end_of(tokens, i + 2))} # None", tokens[:i]):
            end = i
            guard = "MaxAge # None"
            if tokens[i + 4].text == "armed":
                guard += " /\\ armed # None"
        if guard and not _asked(guard, tokens[:i]) and not any(t.text in {"@", *local} for t in tokens[i : end + 1]):
            for begin, until, condition in reversed(branches):
                if begin <= i < until:
                    guard = (
                        f"({text(*condition[1:])}) => ({guard})"
                        if condition[0]
                        else f"({text(*condition[1:])}) \\/ ({guard})"
                    )
            found.append((end, guard))
    return list(dict.fromkeys(guard for _, guard in sorted(found, key=lambda item: item[0])))


def _asked(guard: str, before: Sequence[Token]) -> bool:
    r"""Whether the condition that ends here has asked for it: `IF guard /\ ...`, or `LET a == guard /\ ...`."""
    texts = [token.text for token in before]
    start = max((i for i, text in enumerate(texts) if text in ("IF", "==")), default=len(texts))
    asked = [token.text for token in tokenize(guard)] + ["/\\"]
    return any(texts[i : i + len(asked)] == asked for i in range(start + 1, len(texts)))


def _local(tokens: Sequence[Token]) -> set[str]:
    """The names that are bound somewhere in an expression."""
    texts = [token.text for token in tokens]
    found = set()
    for i, text in enumerate(texts):
        if text in ("\\E", "\\A", "CHOOSE", "LAMBDA", "[", "{"):
            names = takewhile(lambda word: re.fullmatch(r"\w+|,", word), texts[i + 1 :])
            words = list(names)
            if texts[i + 1 + len(words) : i + 2 + len(words)] in (["\\in"], [":"]):
                found |= set(words)
        elif text == "==":
            found.add(texts[i - 1])
    return found


def _branches(tokens: list[Token]) -> list[tuple[int, int, tuple[bool, int, int]]]:
    """Of each IF, both branches: from where, to where, whether its condition is true there, and where that stands."""
    found = []
    spans = [(tokens.index(c.tokens[0]), tokens.index(c.tokens[-1]) + 1) for c in conjuncts(tokens) if c.tokens]
    for i, token in enumerate(tokens):
        if token.text == "IF":
            then = end_of(tokens, i + 1)
            other = end_of(tokens, then + 1)
            within = [end for begin, end in spans if begin <= i < end]
            end = min([end_of(tokens, other + 1), *within])
            found += [(then + 1, other, (True, i + 1, then)), (other + 1, end, (False, i + 1, then))]
    return found
