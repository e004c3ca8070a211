"""Does the harness catch mistakes in the pool, and say which clause they break?"""

from __future__ import annotations

import pytest

from tests.faults import world
from tests.faults.bytecodes import Failure, every, harness
from tests.faults.callbacks import CALLBACKS, compare
from tests.faults.situations import Case
from tests.faults.world import Violation
from tests.support.mistakes import noticed_by
from tests.support.package import load


def cases(mistakes):
    return [pytest.param(mistake, id=f"{mistake.clause}_{name}") for name, mistake in mistakes.items()]


@pytest.mark.parametrize("mistake", cases(noticed_by("bytecodes")))
def test_a_fault_at_every_bytecode_catches(mistake, monkeypatch):
    monkeypatch.setattr(world, "PATIENCE", 1)  # who is stuck is found
    situation, operation, fault = mistake.bytecodes
    with harness(load(mistake.edits)) as made, pytest.raises(Failure) as caught:
        every(made, Case(situation, operation), (fault,))

    print(caught.value)  # pytest -rP shows it
    assert caught.value.violation.clause == mistake.clause


@pytest.mark.parametrize("mistake", cases(noticed_by("callbacks")))
def test_a_fault_in_every_callback_catches(mistake, monkeypatch):
    monkeypatch.setattr(world, "PATIENCE", 1)
    context, callback, fault = mistake.callbacks
    behaviours = dict.fromkeys(CALLBACKS, "ok") | {callback: fault}
    with pytest.raises(Violation) as caught:
        compare(load(mistake.edits), context, behaviours)

    print(caught.value)
    assert caught.value.clause == mistake.clause
