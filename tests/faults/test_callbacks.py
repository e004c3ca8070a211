"""K1, K2, P5, C3, L1, L4: every callback with every fault, wherever it is called."""

from __future__ import annotations

import gc
import logging
from textwrap import dedent

import pytest

from tests.faults.callbacks import BEHAVIOURS, CONTEXTS, all_behaviours, compare
from tests.helpers import PRELUDE, python
from tests.support.package import load

EXIT = """
pools = {}
def make(name):
    def dealloc(resource):
        print(name, resource)
        if resource != "a": return
        if name == "falsy": return False
        if name == "raises": raise OSError
        if name == "interrupts": raise KeyboardInterrupt
        if name == "slow": threading.Event().wait(0.01)
        if name == "re-enters": pools[name].push("extra")
        if name == "closes": pools[name].close()
        if name == "drops": del pools[name]
    pools[name] = ResourcePool(init=["b", "a"], dealloc=dealloc)
for name in BEHAVIOURS: make(name)
"""


@pytest.fixture
def quiet(monkeypatch):
    logger = logging.getLogger("ya.resourcepool")
    monkeypatch.setattr(logger, "propagate", False)
    handler = logging.NullHandler()
    logger.addHandler(handler)
    yield
    logger.removeHandler(handler)


@pytest.fixture
def unraisable(monkeypatch):
    monkeypatch.setattr("sys.unraisablehook", lambda unraisable: None)


@pytest.mark.parametrize("context", CONTEXTS)
def test_K1_all_callbacks_with_all_faults(context, quiet, unraisable):
    package = load()
    gc.collect()
    gc.freeze()  # each case collects, and is not to look through what other tests have left
    for behaviours in all_behaviours():
        try:
            compare(package, context, behaviours)
        except AssertionError as error:
            raise AssertionError(f"{error} [{context}, {behaviours}]") from error


def test_L1_a_fault_in_a_dealloc_at_the_exit_of_a_process_ends_no_other():
    """The newest pool is closed first; `never returns` is for `test_L2_...`, as the exit waits for it."""
    names = [name for name in BEHAVIOURS if name != "never returns"]
    done = python(PRELUDE + f"BEHAVIOURS = {names!r}\n" + EXIT)

    expected = []
    for name in reversed(names):
        expected += [f"{name} a", *[f"{name} extra"] * (name == "re-enters"), f"{name} b"]
    assert done.stdout.splitlines() == expected
    assert "OSError" in done.stderr
    assert "KeyboardInterrupt" in done.stderr


def test_L2_the_exit_waits_for_a_dealloc_and_for_nothing_else():
    """For one that never returns it would wait for ever. Here it is interrupted, as by a user, and the rest follows."""
    code = """
        def dealloc(resource):
            print(resource, flush=True)
            if resource == "a":
                _thread.interrupt_main()
                threading.Event().wait()
        pool = ResourcePool(init=["b", "a"], dealloc=dealloc)
    """
    # Who started the tests in the background had them ignore SIGINT.
    begin = "import _thread, signal\nsignal.signal(signal.SIGINT, signal.default_int_handler)\n"
    done = python(PRELUDE + begin + dedent(code))

    assert done.stdout.split() == ["a", "b"]
    assert "KeyboardInterrupt" in done.stderr
