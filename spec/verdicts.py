"""What becomes of a mutant: run the models on it until a named property kills it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal, get_args

from spec.manifest import OK, Model
from spec.mutants import Mutant
from spec.tlc import ERROR, TIMEOUT, Outcome, Tlc

TYPE_OK = "TypeOK"
LIMIT = 150.0  # seconds that a model may take

Kind = Literal["killed", "typed", "too large", "stillborn", "survives"]
KINDS: tuple[Kind, ...] = get_args(Kind)  # the first that holds counts


@dataclass(frozen=True)
class Verdict:
    """What became of a mutant; "typed" means that nothing but TypeOK kills it."""

    kind: Kind
    killer: str = ""
    model: str = ""
    length: int = 0  # of the counterexample, in states; 0 if there is none
    why: str = ""


def as_run(model: Model) -> Model:
    """The model as mutants are run on it: a deadlock kills no mutant, and must not hide what does."""
    return replace(model, workers=1, deadlock=False)


def judge(tlc: Tlc, mutant: Mutant, models: Sequence[Model], normal: dict[str, Outcome]) -> Verdict:
    """Run a mutant's models, one after the other, until one kills it.

    A model that expects a violation kills it if TLC finds another one, or none. Neither an error of evaluation nor
    TypeOK is a killer, so the other models are tried then.

    Args:
        normal: what comes of each model without a mutant.
    """
    found: dict[Kind, Verdict] = {}
    changed = []

    def check(model: Model, leave_out: str = "") -> Outcome:
        return tlc.check(model, replaced={mutant.module: mutant.text}, leave_out=leave_out, timeout=LIMIT)

    for model in map(as_run, models):
        outcome = check(model)
        if outcome.result == TYPE_OK != model.result:
            found.setdefault("typed", Verdict("typed", TYPE_OK, model.name, outcome.depth or 0))
            outcome = check(model, leave_out=TYPE_OK)
        if outcome.result == ERROR:
            found.setdefault("stillborn", Verdict("stillborn", model=model.name, why="; ".join(outcome.errors[:2])))
        elif outcome.result == TIMEOUT:
            found.setdefault("too large", Verdict("too large", model=model.name, why=f"no end after {LIMIT:.0f} s"))
        elif outcome.result not in (OK, model.result):
            return Verdict("killed", outcome.result, model.name, outcome.depth or 0)
        elif outcome.result != model.result:
            return Verdict("killed", model.result, model.name, why="not reached")
        elif (outcome.states, outcome.distinct) != (normal[model.name].states, normal[model.name].distinct):
            changed.append(model.name)
    states = f"the states differ in {', '.join(changed)}" if changed else "all states are the same"
    return next((found[kind] for kind in KINDS if kind in found), Verdict("survives", why=states))
