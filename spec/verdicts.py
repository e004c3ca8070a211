"""What becomes of a mutant: run the models on it until a named property kills it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal, get_args

from spec.manifest import OK, Model
from spec.mutants import Mutant
from spec.tlc import ERROR, TIMEOUT, Outcome, Tlc

TYPE_OK = "TypeOK"
FEW = "FewStates"  # defined beside the models
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


def judge(
    tlc: Tlc, mutant: Mutant, models: Sequence[Model], normal: dict[str, Outcome], in_full: bool = True
) -> Verdict:
    """Run a mutant's models, one after the other, until one kills it.

    Most mutants soon show. So the models are run on their first states only, see FEW, and then in full. A model that
    expects a violation kills if TLC finds another one, or none; it is run in full at once. One of what holds in the
    long run is run in full only. Neither an error of evaluation nor TypeOK is a killer, so the other models are tried
    then.

    Args:
        normal: what comes of each model without a mutant.
        in_full: whether to go beyond the first states.
    """
    found: dict[Kind, Verdict] = {}
    changed = []

    def check(model: Model, constraint: str, leave_out: str = "") -> Outcome:
        replaced = {mutant.module: mutant.text}
        return tlc.check(model, replaced=replaced, leave_out=leave_out, constraint=constraint, timeout=LIMIT)

    for model, constraint in _runs([as_run(model) for model in models], normal, in_full):
        outcome = check(model, constraint)
        if outcome.result == TYPE_OK != model.result:
            found.setdefault("typed", Verdict("typed", TYPE_OK, model.name, outcome.depth or 0))
            outcome = check(model, constraint, leave_out=TYPE_OK)
        if outcome.result == ERROR:
            found.setdefault("stillborn", Verdict("stillborn", model=model.name, why="; ".join(outcome.errors[:2])))
        elif outcome.result == TIMEOUT:
            found.setdefault("too large", Verdict("too large", model=model.name, why=f"no end after {LIMIT:.0f} s"))
        elif outcome.result not in (OK, model.result):
            return Verdict("killed", outcome.result, model.name, outcome.depth or 0)
        elif outcome.result != model.result:
            return Verdict("killed", model.result, model.name, why="not reached")
        elif not constraint and (outcome.states, outcome.distinct) != (
            normal[model.name].states,
            normal[model.name].distinct,
        ):
            changed.append(model.name)
    same = "all states are the same" if in_full else "the first states were looked at"
    states = f"the states differ in {', '.join(changed)}" if changed else same
    return next((found[kind] for kind in KINDS if kind in found), Verdict("survives", why=states))


def _runs(models: Sequence[Model], normal: dict[str, Outcome], in_full: bool) -> Iterator[tuple[Model, str]]:
    """Each model with the constraint that it is run with."""
    in_part = [model for model in models if model.result == OK and not normal[model.name].temporal]
    for model in models:
        if model in in_part:
            yield model, FEW
        elif model.result != OK:
            yield model, ""
    for model in models if in_full else ():
        if model.result == OK:
            yield model, ""
