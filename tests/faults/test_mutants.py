"""Does the harness catch mistakes in the pool, and say which clause they break?"""

from __future__ import annotations

import pytest

from tests.faults import world
from tests.faults.bytecodes import Failure, every, harness
from tests.faults.callbacks import CALLBACKS, compare
from tests.faults.mutants import MUTANTS, OF_CALLBACKS
from tests.faults.world import Violation
from tests.schedule.seam import load


@pytest.mark.parametrize("name", [pytest.param(name, id=f"{mutant.clause}_{name}") for name, mutant in MUTANTS.items()])
def test_a_fault_at_every_bytecode_catches(name, monkeypatch):
    monkeypatch.setattr(world, "PATIENCE", 1)  # who is stuck is found
    mutant = MUTANTS[name]
    with harness(load(mutant.patches)) as made, pytest.raises(Failure) as caught:
        every(made, mutant.case, (mutant.fault,))

    print(caught.value)  # pytest -rP shows it
    assert caught.value.violation.clause == mutant.clause


@pytest.mark.parametrize(
    "name", [pytest.param(name, id=f"{mutant.clause}_{name}") for name, mutant in OF_CALLBACKS.items()]
)
def test_a_fault_in_every_callback_catches(name, monkeypatch):
    monkeypatch.setattr(world, "PATIENCE", 1)
    mutant = OF_CALLBACKS[name]
    behaviours = dict.fromkeys(CALLBACKS, "ok") | {mutant.callback: mutant.fault}
    with pytest.raises(Violation) as caught:
        compare(load(mutant.patches), mutant.context, behaviours)

    print(caught.value)
    assert caught.value.clause == mutant.clause
