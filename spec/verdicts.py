"""What becomes of mutants: run the models on them until a named property kills them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, TypeVar, get_args

from spec.errors import SpecError
from spec.manifest import OK, Model
from spec.mutants import Mutant
from spec.runs import bounded
from spec.schemata import MANY, NAME, TYPE_OK, at_fault, ends, schemata
from spec.tlc import ERROR, TIMEOUT, Outcome, Tlc

TOGETHER = 50  # mutants in a run
MOST = 3000  # states that each of them may come to at first
TIMES = 2  # then as many as the model has, times this: a mutant may have more, or no end of them
ERRORS = 3  # so many models that can't be evaluated are enough
LIMIT = 150.0  # seconds that a model may take with one of them

T = TypeVar("T")
R = TypeVar("R")
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


Verdicts = dict[Mutant, Verdict]


class Judge:
    """Runs mutants on models until a named property kills them. Neither an error of evaluation nor TypeOK does.

    Most mutants soon show. So all are run together first, see `schemata`, on the beginning of each model. Who still
    lives is run so in full on the small models, and at last alone on what must hold in the long run. A model that
    expects a violation kills if TLC finds another one, or none.
    """

    def __init__(self, tlc: Tlc, folder: Path, jobs: int) -> None:
        self._tlc, self._folder, self._jobs = tlc, folder, jobs
        self._found: dict[Mutant, dict[Kind, Verdict]] = {}
        self._errors: defaultdict[Mutant, set[Model]] = defaultdict(set)

    def judge(
        self,
        first: Mapping[Mutant, Sequence[Model]],
        full: Mapping[Mutant, Sequence[Model]],
        live: Mapping[Mutant, Sequence[Model]],
        begin: Callable[[str], None],
    ) -> Iterator[tuple[Mutant, Verdict]]:
        """The verdicts, as they come.

        Args:
            first: of each mutant, the models on the beginning of which it is run, in their order.
            full: those that are run in full then.
            live: those on which it is run alone at last.
            begin: is called with what is run now.
        """
        self._found = {mutant: {} for mutant in first}
        alive = list(first)

        def alone(mutant: Mutant) -> Verdict | None:
            begin(mutant.name)
            return self._alone(mutant, [as_run(model) for model in live[mutant]])

        for models, most in (first, lambda _: MOST), (full, lambda model: TIMES * model.states):

            def together(run: tuple[Model, Sequence[Mutant]], most: Callable[[Model], int] = most) -> Verdicts:
                model, mutants = run
                begin(f"some in {model.name}")
                tried = [m for m in mutants if m in alive and len(self._errors[m]) < ERRORS]
                return self._together(model, tried, most(model) if model.result == OK else None)

            runs = _runs({mutant: [as_run(model) for model in models[mutant]] for mutant in alive})
            for _, verdicts in self._all(list(runs), together):
                for mutant, verdict in verdicts.items():
                    if mutant in alive:
                        alive.remove(mutant)
                        yield mutant, verdict
        for mutant in list(alive):
            if not live[mutant] or len(self._errors[mutant]) >= ERRORS:
                alive.remove(mutant)
                yield mutant, self._rest(mutant)
        for mutant, killed in self._all(list(alive), alone):
            yield mutant, killed or self._rest(mutant)

    def _all(self, items: list[T], do: Callable[[T], R]) -> Iterator[tuple[T, R]]:
        with closing(bounded(items, lambda _: 1, self._jobs, do, self._tlc.stop)) as found:
            yield from found

    def _alone(self, mutant: Mutant, models: Sequence[Model]) -> Verdict | None:
        """What kills it, if one of these models does."""
        for model in models:
            outcome = self._tlc.check(model, replaced={mutant.module: mutant.text}, timeout=LIMIT)
            if outcome.result == ERROR:
                self._note_error(mutant, model, outcome)
            elif outcome.result == TIMEOUT:
                self._note(mutant, Verdict("too large", model=model.name, why=f"no end after {LIMIT:.0f} s"))
            elif outcome.result != OK:
                return Verdict("killed", outcome.result, model.name, outcome.depth or 0)
        return None

    def _together(self, model: Model, mutants: Sequence[Mutant], most: int | None) -> Verdicts:
        """Those of them that the model kills."""
        killed: Verdicts = {}
        alive = list(mutants)
        while alive:
            run = schemata(self._folder, model, alive, most)
            if run is None:
                break
            # It is checked like a large one, as there are many states.
            together = replace(model, module=NAME, large=True)
            outcome = self._tlc.check(together, replaced=run.modules, settings=run.settings)
            said = ends(outcome.printed, alive)
            without = {end.property for end in said.get(None, [])} - {MANY}
            if without - {model.result} or (model.result not in without and outcome.result == OK != model.result):
                raise SpecError(f"{model.name}: without a mutant the run found {sorted(without)}, not {model.result}")
            for mutant in alive:
                ended = said.get(mutant, [])
                killers = [end for end in ended if end.property not in (TYPE_OK, MANY, model.result)]
                if killers:
                    killed[mutant] = Verdict("killed", killers[0].property, model.name, killers[0].length)
                elif ended and ended[0].property == TYPE_OK:
                    self._note(mutant, Verdict("typed", TYPE_OK, model.name, ended[0].length))
                elif not ended and model.result != OK and outcome.result == OK:
                    killed[mutant] = Verdict("killed", model.result, model.name, why="not reached")
            if outcome.result == ERROR:
                # It ends the run of all. Those that had not ended begin again, without the one at fault.
                wrong = at_fault(outcome, alive)
                self._note_error(wrong, model, outcome)
                alive = [m for m in alive if m != wrong and all(end.property == TYPE_OK for end in said.get(m, []))]
            elif outcome.result == OK:
                break
            else:
                raise SpecError(f"{model.name}: the run of several mutants ended with {outcome.result}")
        return killed

    def _note(self, mutant: Mutant, verdict: Verdict) -> None:
        self._found[mutant].setdefault(verdict.kind, verdict)

    def _note_error(self, mutant: Mutant, model: Model, outcome: Outcome) -> None:
        self._errors[mutant].add(model)
        self._note(mutant, Verdict("stillborn", model=model.name, why="; ".join(outcome.errors[:2])))

    def _rest(self, mutant: Mutant) -> Verdict:
        """What can be said of one that no property kills."""
        found = self._found[mutant]
        return next((found[kind] for kind in KINDS if kind in found), Verdict("survives"))


def _runs(models: Mapping[Mutant, Sequence[Model]]) -> Iterator[tuple[Model, Sequence[Mutant]]]:
    """What is run together: a model, and some mutants of one module. Mutants that stand together in it die together."""
    for model in dict.fromkeys(model for its in models.values() for model in its):
        for module in dict.fromkeys(mutant.module for mutant in models):
            theirs = [mutant for mutant, its in models.items() if mutant.module == module and model in its]
            yield from ((model, theirs[i : i + TOGETHER]) for i in range(0, len(theirs), TOGETHER))


def as_run(model: Model) -> Model:
    """The model as mutants are run on it: a deadlock kills no mutant, and must not hide what does."""
    return replace(model, workers=1, deadlock=False)
