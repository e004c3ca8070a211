"""The command: what it prints where, and its exit status."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from rich.console import Console

from sim.__main__ import main
from sim.report import show
from sim.study import study

EXAMPLE = Path(__file__).parents[2] / "examples" / "webapp.json"
LOAD = {"kind": "inline", "arrival": [0, 0, 0, 10, 10, 20], "hold": [1, 2, 3, 1, 1, 1]}


def run(*arguments, **kwargs):
    return subprocess.run(
        [sys.executable, "-m", "sim", *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        cwd=EXAMPLE.parents[1],
        **kwargs,
    )


def test_the_example_is_replayed_and_one_setting_recommended():
    done = run("examples/webapp.json")

    assert (done.returncode, done.stderr) == (0, "")
    first, *lines = done.stdout.splitlines()
    assert first.startswith("examples/webapp.json: ")
    assert "acquires in" in first
    assert "Recommended: maxsize=6, minsize=none, maxage=none" in lines
    assert sum(line.startswith(" >") for line in lines) == 1
    assert sum(line.startswith("- ") for line in lines) == 3


def test_json_prints_one_object_and_nothing_else():
    done = run(EXAMPLE, "--json")

    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout) == study(EXAMPLE)


def test_the_recording_is_of_thousands_of_acquires_that_overlap():
    load = study(EXAMPLE)["workload"]

    assert load["acquires"] > 5000
    assert load["peak_in_use"] > 4


def test_a_wrong_workload_is_one_line_and_status_2(files):
    path = files.write(LOAD, pool={"maxsise": 1})
    done = run(path)

    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f"python -m sim: {path}: $.pool: unknown key 'maxsise'; did you mean 'maxsize'?\n"


def test_no_argument_is_usage_and_status_2():
    done = run()

    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("usage: python -m sim")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_output_that_can_not_be_written_is_one_line_and_status_1():
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "sim", EXAMPLE, "--json"],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            timeout=60,
            check=False,
            cwd=EXAMPLE.parents[1],
        )

    assert done.returncode == 1
    assert done.stderr == "python -m sim: the output can't be written: No space left on device\n"


def test_an_interrupt_ends_it_without_a_word(files, monkeypatch, capsys):
    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("sim.command.study", interrupt)

    assert main([str(files.write(LOAD))]) == 130
    assert capsys.readouterr().err == ""


def test_without_a_terminal_no_line_ends_in_blanks():
    assert not [line for line in run(EXAMPLE).stdout.splitlines() if line != line.rstrip()]


def test_help_says_what_it_does():
    done = run("--help")

    assert done.returncode == 0
    assert "WORKLOAD.json" in done.stdout


def test_without_its_dependencies_it_says_in_one_line_how_to_install_them(monkeypatch, capsys):
    for missing in ("msgspec", "rich"):
        with monkeypatch.context() as patch:
            patch.setitem(sys.modules, missing, None)
            assert main(["whatever.json"]) == 2
        assert capsys.readouterr().err == f"the simulator needs {missing}: pip install 'ya.resourcepool[sim]'\n"


def test_the_recorder_needs_none_of_them():
    code = "import sys; sys.modules.update(msgspec=None, rich=None); import sim; sim.record"
    assert subprocess.run([sys.executable, "-c", code], check=False, cwd=EXAMPLE.parents[1]).returncode == 0


def printed(result, width, *, terminal=True):
    console = Console(width=width, force_terminal=terminal, color_system=None)
    with console.capture() as capture:
        show(result, Path("workload.json"), console)
    return capture.get()


@pytest.mark.parametrize("width", [40, 60, 80, 100, 200])
def test_the_table_fits_the_terminal(files, width):
    result = study(files.write(LOAD, sweep={"maxsize": [0, 1, None], "minsize": [None, 0], "maxage": [5, None]}))
    text = printed(result, width)
    table, _, _legend = text[text.index("maxsize", 30) :].partition("\n\n" if "\n\n" in text else "* no")
    table = [line for line in text[text.index("maxsize", 30) :].splitlines()[1:] if line.startswith(" ")]

    assert max(map(len, table)) <= width
    assert "…" not in text
    assert ("not shown for lack of width" in text) == (width < 100)
    assert text.count("hits") == 1


def test_a_column_in_which_nothing_is_set_is_left_out(files):
    text = printed(study(files.write(LOAD, sweep={"maxsize": [1, 2]})), 200)

    assert "maxage" not in text.partition("Recommended")[0]
    assert "minsize" not in text.partition("Recommended")[0]


def test_of_many_settings_the_best_are_shown(files):
    result = study(files.write(LOAD, sweep={"maxsize": list(range(9)), "maxage": [0.5 + i for i in range(10)]}))
    text = printed(result, 200)

    assert f"of {9 * 10} settings; --json has all" in text
    assert sum(line.startswith(" >") for line in text.splitlines()) == 1
    assert len(text.splitlines()) < 60


def test_a_missed_slo_is_in_the_headline_with_the_best_that_there_is(files):
    text = printed(study(files.write(LOAD, sweep={"maxsize": [0, 1, 3]}, slo={"hit_ratio": 0.9})), 200)

    assert "\nNo setting reaches the SLO. The cheapest: maxsize=" in text
    assert "\n- the best hit ratio is 0.5000, with maxsize=3, minsize=none, maxage=none\n" in text


def test_a_single_setting_comes_with_advice(files):
    assert '- compare several with, for instance, "sweep": {"maxsize": [2, 4, 8]}' in printed(
        study(files.write(LOAD)), 80
    )


def test_the_result_does_not_depend_on_the_run():
    assert study(EXAMPLE) == study(EXAMPLE)
