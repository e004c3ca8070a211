"""TLC: what is read out of its output, and how it is run."""

from __future__ import annotations

import subprocess
import threading

import pytest

from spec.manifest import read_manifest
from spec.tlc import ERROR, TIMEOUT, Stopped, Tlc, read_output
from spec.tools import Tools, find_tools
from spec.trace import readable


def message(number, severity, text):
    return f"@!@!@STARTMSG {number}:{severity} @!@!@\n{text}\n@!@!@ENDMSG {number} @!@!@\n"


BANNER = (
    message(2262, 0, "TLC2 Version 2.15 of Day Month 20?? (rev: d5b5a7f)")
    + message(2401, 3, "Please run the Java VM which executes TLC with a throughput optimized garbage collector.")
    + message(2187, 0, "Running breadth-first search Model-Checking with fp 0 and seed 1 with 1 worker on 2 cores.")
    + message(2220, 0, "Starting SANY...")
    + "Parsing file x/Tiny.tla\nParsing file x/Naturals.tla\nSemantic processing of module Tiny\n"
    + message(2219, 0, "SANY finished.")
    + message(2189, 0, "Computing initial states...")
)
STATISTICS = message(
    2200,
    0,
    "Progress(7) at 2026-01-01 12:00:00: 1,177 states generated (14,567 s/min), 77 distinct states found "
    "(6,337 ds/min), 0 states left on queue.",
) + message(2199, 0, "1177 states generated, 77 distinct states found, 0 states left on queue.")
DEPTH = message(2194, 0, "The depth of the complete state graph search is 7.")
SUCCESS = message(
    2193,
    0,
    "Model checking completed. No error has been found.\n  Estimates of the probability that TLC did not check all "
    "reachable states\n  because two distinct states had the same fingerprint:\n  calculated (optimistic):  val = 1",
)
BEHAVIOUR = (
    message(2121, 1, "The behavior up to this point is:")
    + message(2217, 4, "1: <Initial predicate>\n/\\ x = 0\n/\\ y = <<>>\n")
    + message(2217, 4, "2: <Up line 5, col 7 to line 5, col 25 of module Tiny>\n/\\ x = 1\n/\\ y = <<>>\n")
)


def test_a_model_without_errors_is_ok_and_has_figures():
    outcome = read_output(BANNER + SUCCESS + STATISTICS + DEPTH)

    assert (outcome.result, outcome.states, outcome.distinct, outcome.depth) == ("ok", 1177, 77, 7)
    assert outcome.trace is None
    assert outcome.errors == ()


@pytest.mark.parametrize(
    ("number", "text", "name"),
    [
        (2110, "Invariant NeverTwo is violated.", "NeverTwo"),
        (2112, "Action property Step is violated.", "Step"),
        (2112, "Action property line 31, col 9 to line 31, col 40 of module Tiny is violated.", "line 31, col 9 to "),
        (2116, "Temporal properties were violated.\n", "temporal"),
        (2114, "Deadlock reached.", "deadlock"),
    ],
)
def test_the_result_is_what_is_violated_and_the_depth_the_length_of_the_counterexample(number, text, name):
    outcome = read_output(BANNER + message(number, 1, text) + BEHAVIOUR + STATISTICS + DEPTH)

    assert outcome.result.startswith(name)
    assert outcome.depth == 2
    assert outcome.errors == ()
    assert [state.action for state in outcome.trace.states] == ["start", "Up"]


@pytest.mark.parametrize(("number", "kind"), [(2107, "Invariant"), (2108, "Property")])
def test_an_initial_state_that_violates_is_a_counterexample_of_one_state(number, kind):
    outcome = read_output(BANNER + message(number, 1, f"{kind} Small is violated by the initial state:\n/\\ x = 9\n"))

    assert (outcome.result, outcome.depth) == ("Small", 1)
    assert readable(outcome.trace) == [" 1  start  x = 9"]


@pytest.mark.parametrize(
    ("last", "line"),
    [
        (
            message(2122, 4, "1: Back to state: <Up line 5, col 7 to line 5, col 25 of module Tiny>\n"),
            "back to state 1",
        ),
        (message(2218, 4, "3: Stuttering"), "stuttering"),
    ],
)
def test_what_happens_for_ever_is_the_last_line_and_no_state(last, line):
    heading = message(2264, 1, "The following behavior constitutes a counter-example:\n")
    outcome = read_output(
        BANNER + message(2116, 1, "Temporal properties were violated.\n") + heading + BEHAVIOUR + last
    )

    assert outcome.depth == 2
    assert line in readable(outcome.trace)[-1]


def test_it_is_known_whether_a_temporal_property_was_checked():
    checking = message(
        2192, 0, "Checking temporal properties for the complete state space with 77 total distinct states"
    )
    assert read_output(BANNER + checking + SUCCESS).temporal
    assert not read_output(BANNER + SUCCESS).temporal


def test_a_module_that_is_not_parsed_is_an_error_without_the_banner():
    output = (
        message(2220, 0, "Starting SANY...")
        + 'Parsing file x/Tiny.tla\n***Parse Error***\nWas expecting "==== or more Module body"\n'
        + 'Encountered "0" at line 4, column 15 and token "="\n\nResidual stack trace follows:\n'
        + "Module definition starting at line 1, column 1.\n\ntla2sany.semantic.AbortException\n"
        + "*** Abort messages: 1\n\nIn module Tiny\n\nCould not parse module Tiny from file Tiny.tla\n\n\n"
        + message(2219, 0, "SANY finished.")
        + message(3002, 1, "Parsing or semantic analysis failed.")
    )
    outcome = read_output(output, status=150)

    assert outcome.result == ERROR
    assert outcome.errors == (
        "***Parse Error***",
        'Was expecting "==== or more Module body"',
        'Encountered "0" at line 4, column 15 and token "="',
        "Module definition starting at line 1, column 1.",
        "In module Tiny",
    )


def test_an_unknown_name_is_an_error_with_its_place():
    output = (
        "Semantic processing of module Tiny\nSemantic errors:\n\n*** Errors: 1\n\n"
        + "line 4, col 13 to line 4, col 13 of module Tiny\n\nUnknown operator: `y'.\n\n\n"
        + message(3002, 1, "Parsing or semantic analysis failed.")
    )
    assert read_output(output).errors == ("line 4, col 13 to line 4, col 13 of module Tiny", "Unknown operator: `y'.")


def test_an_error_of_evaluation_says_what_and_where():
    inner = message(2184, 0, "Attempted to apply Head to the empty sequence.").rstrip("\n")
    text = (
        "TLC threw an unexpected exception.\nThis was probably caused by an error in the spec or model.\n"
        "See the User Output or TLC Console for clues to what happened.\nThe exception was a tlc2.tool.EvalException\n"
        f": {inner}"
    )
    places = (
        "The error occurred when TLC was evaluating the nested\nexpressions at the following positions:\n"
        "0. Line 7, column 9 to line 7, column 122 in Tiny\n1. Line 37, column 12 to line 37, column 21 in Tiny\n"
    )
    outcome = read_output(BANNER + message(1000, 1, text) + message(2103, 1, places) + BEHAVIOUR + STATISTICS)

    assert outcome.result == ERROR
    assert outcome.errors == (
        "Attempted to apply Head to the empty sequence.",
        "at Line 37, column 12 to line 37, column 21 in Tiny",
    )
    assert len(outcome.trace.states) == 2


def test_a_java_that_fails_is_an_error_with_its_last_words():
    outcome = read_output("", "Error occurred during initialization of VM\nToo small maximum heap\n", 1)
    assert outcome.errors == ("Error occurred during initialization of VM", "Too small maximum heap")
    assert read_output("", "", -9).errors == ("TLC ended with status -9",)


class Jvm:
    """Stands for Java; keeps what it was asked, and says what it was given."""

    def __init__(self, *outputs):
        self.outputs = list(outputs)
        self.commands = []
        self.configs = []
        self.returncode = 0
        self.hangs = False

    def __call__(self, command, **kwargs):
        self.commands.append(command)
        with open(command[command.index("-config") + 1]) as config:
            self.configs.append(config.read())
        return self

    def communicate(self, timeout=None):
        if self.hangs:
            self.hangs = False
            raise subprocess.TimeoutExpired("java", timeout)
        return (self.outputs.pop(0) if self.outputs else ""), ""

    def kill(self):
        pass


def tlc(monkeypatch, folder, jvm):
    monkeypatch.setattr(subprocess, "Popen", jvm)
    return Tlc(Tools("java", folder / "tla2tools.jar"), folder)


def models(folder):
    return {model.name: model for model in read_manifest(folder / "manifest.toml")}


def option(command, name):
    return command[command.index(name) + 1]


def test_each_run_has_folders_of_its_own_that_are_gone_afterwards(folder, monkeypatch):
    jvm = Jvm(BANNER + SUCCESS, BANNER + SUCCESS)
    runner = tlc(monkeypatch, folder, jvm)
    runner.check(models(folder)["safe"])
    runner.check(models(folder)["safe"])
    folders = {option(command, "-metadir") for command in jvm.commands}

    assert len(folders) == 2
    for place in folders:
        assert f"-Djava.io.tmpdir={place}" in jvm.commands[0] + jvm.commands[1]
        assert not (folder / place).exists()


def test_a_large_model_gets_the_parallel_collector_and_a_deadlock_is_looked_for_if_asked(folder, monkeypatch):
    jvm = Jvm(BANNER + SUCCESS, BANNER + SUCCESS)
    runner = tlc(monkeypatch, folder, jvm)
    runner.check(models(folder)["safe"])
    runner.check(models(folder)["large"])

    assert "-XX:+UseSerialGC" in jvm.commands[0]
    assert "-XX:+UseParallelGC" in jvm.commands[1]
    assert "-deadlock" in jvm.commands[0]  # TLC's switch turns it off


def test_a_temporal_property_is_named_by_checking_each_alone(folder, monkeypatch):
    violated = BANNER + message(2116, 1, "Temporal properties were violated.\n") + BEHAVIOUR
    jvm = Jvm(violated, BANNER + SUCCESS)
    outcome = tlc(monkeypatch, folder, jvm).check(models(folder)["live"])

    assert outcome.result == "Ends"
    assert jvm.configs[1].split() == ["SPECIFICATION", "Spec", "PROPERTY", "OneByOne"]


def test_a_name_that_tlc_says_is_not_looked_for(folder, monkeypatch):
    jvm = Jvm(BANNER + message(2112, 1, "Action property OneByOne is violated.") + BEHAVIOUR)
    assert tlc(monkeypatch, folder, jvm).check(models(folder)["safe"]).result == "OneByOne"
    assert len(jvm.commands) == 1


def test_a_run_that_takes_too_long_is_ended(folder, monkeypatch):
    jvm = Jvm()
    jvm.hangs = True
    assert tlc(monkeypatch, folder, jvm).check(models(folder)["safe"], timeout=1).result == TIMEOUT


def test_nothing_is_started_after_a_stop(folder, monkeypatch):
    jvm = Jvm()
    runner = tlc(monkeypatch, folder, jvm)
    runner.stop()
    with pytest.raises(Stopped):
        runner.check(models(folder)["safe"])
    assert jvm.commands == []


def test_the_jar_of_the_environment_comes_first(tmp_path, monkeypatch):
    jar = tmp_path / "mine.jar"
    jar.touch()
    monkeypatch.setenv("TLA2TOOLS_JAR", str(jar))
    monkeypatch.setattr("spec.tools._java", lambda: "java")
    assert find_tools() == Tools("java", jar)


def test_tlc_checks_a_module(folder, tools):
    runner = Tlc(tools, folder)
    found = models(folder)
    safe, witness = runner.check(found["safe"]), runner.check(found["witness"])

    assert (safe.result, safe.states, safe.distinct, safe.depth) == ("ok", 4, 4, 4)
    assert (witness.result, witness.depth) == ("NeverDone", 4)
    start, *steps = readable(witness.trace)
    assert start in (" 1  start  n = 0, done = FALSE", " 1  start  done = FALSE, n = 0")  # TLC has an order of its own
    assert steps == [
        " 2  Up     n: 0 -> 1",
        " 3  Up     n: 1 -> 2",
        " 4  End    done: FALSE -> TRUE",
    ]


def test_tlc_is_ended_by_a_stop(folder, tools):
    (folder / "Tiny.tla").write_text(
        "---- MODULE Tiny ----\nEXTENDS Naturals\nVARIABLE n\nSpec == n = 0 /\\ [][n' = n + 1]_n\n"
        "TypeOK == TRUE\nOneByOne == TRUE\nOnlyAtTheEnd == TRUE\n====\n"
    )
    (folder / "safe.cfg").write_text("SPECIFICATION Spec\n")
    runner = Tlc(tools, folder)
    errors = []

    def check():
        try:
            runner.check(models(folder)["safe"])
        except Stopped as error:
            errors.append(error)

    thread = threading.Thread(target=check)
    thread.start()
    while not runner._running and thread.is_alive():
        thread.join(0.01)
    runner.stop()
    thread.join(20)

    assert not thread.is_alive()
    assert len(errors) == 1
