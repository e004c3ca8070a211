"""The command: what it prints where, and its exit status."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
import textwrap
import time
from argparse import Namespace
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from multiprocessing import active_children
from pathlib import Path

import pytest
from rich.console import Console

from sim.__main__ import main
from sim.command import _executor
from sim.progress import Bar
from sim.replay import replay
from sim.report import show
from sim.study import study
from tests.helpers import python

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
    assert sum(line.startswith("- ") for line in lines) == 5


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


def interrupted_after(settings, monkeypatch):
    """Have an interrupt come when so many settings have been replayed."""

    def wrapped(*args):
        calls.append(args)
        if len(calls) == settings + 1:
            raise KeyboardInterrupt
        return replay(*args)

    calls: list[object] = []
    monkeypatch.setattr("sim.study.replay", wrapped)


def test_an_interrupt_leaves_what_is_finished_and_says_so(files, monkeypatch, capsys):
    path = files.write(LOAD, latency={"alloc": 0.5}, sweep={"maxsize": [0, 1, 2, 3]})
    interrupted_after(2, monkeypatch)

    assert main([str(path), "--json"]) == 130
    output = capsys.readouterr()
    assert "interrupted when 2 of 4 settings were finished; the others are left out" in output.err
    result = json.loads(output.out)
    assert [row["maxsize"] for row in result["rows"]] == [0, 1]
    assert result["unfinished"] == 2
    assert result["recommended"]["row"] in (0, 1)


def test_after_an_interrupt_only_what_is_recommended_is_verified(files, monkeypatch, capsys):
    sweep = {"maxsize": [0, 1, 2, 3, 4], "minsize": [None, 0], "maxage": [1, 5, 9, None]}
    interrupted_after(0, monkeypatch)

    assert main([str(files.write(LOAD, sweep=sweep)), "--json"]) == 130
    result = json.loads(capsys.readouterr().out)
    assert {row["engine"] for row in result["rows"]} == {"one-pass"}
    assert sum(row["verified"] for row in result["rows"]) == 2
    assert len(result["pareto"]) > 2
    assert result["one_more"] is None


def test_an_interrupt_before_anything_is_finished_says_that(files, monkeypatch, capsys):
    path = files.write(LOAD, latency={"alloc": 0.5}, sweep={"maxsize": [0, 1]})
    interrupted_after(0, monkeypatch)

    assert main([str(path)]) == 130
    output = capsys.readouterr()
    assert output.out == ""
    assert output.err.endswith("interrupted, and no setting is finished\n")


def test_csv_prints_a_row_for_each_setting():
    rows = list(csv.DictReader(run(EXAMPLE, "--csv").stdout.splitlines()))
    expected = study(EXAMPLE)["rows"]

    assert list(rows[0]) == list(expected[0])
    assert [row["cost"] for row in rows] == [str(row["cost"]) for row in expected]
    assert rows[0]["wait_p99"] == ""


@pytest.mark.parametrize("form", [(), ("--json",), ("--csv",)])
def test_output_is_written_to_a_file_instead(tmp_path, form):
    written = run(EXAMPLE, *form, "--output", tmp_path / "result")

    assert (written.returncode, written.stdout, written.stderr) == (0, "", "")
    assert (tmp_path / "result").read_text() == run(EXAMPLE, *form).stdout
    assert [path.name for path in tmp_path.iterdir()] == ["result"]


def test_a_file_that_can_not_be_written_is_left_as_it_was(files, tmp_path):
    (tmp_path / "folder").mkdir()
    done = run(files.write(LOAD), "--output", tmp_path / "folder")

    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "python -m sim: the output can't be written: Is a directory\n"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["folder", "workload.json"]


def test_the_number_of_processes_changes_nothing(files):
    sweep = {"maxsize": list(range(10)), "minsize": [0, 2]}
    path = files.write({"kind": "trace", "path": str(EXAMPLE.with_name("webapp.csv.gz"))}, sweep=sweep)
    one, two = run(path, "--json"), run(path, "--json", "--jobs", 2)

    assert (two.returncode, two.stderr) == (0, "")
    assert one.stdout == two.stdout
    assert {row["engine"] for row in json.loads(one.stdout)["rows"]} == {"one-pass", "replay"}


def test_workers_in_the_midst_of_something_end_with_the_command():
    with _executor(Namespace(dask=None, jobs=2)) as executor:
        assert executor is not None
        executor.submit(time.sleep, 3600)
        workers = active_children()
    for worker in workers:
        worker.join()

    assert len(workers) >= 1


def test_a_Dask_cluster_of_two_processes_gives_the_same(files):
    path = files.write(LOAD, sweep={"maxsize": list(range(9)), "minsize": list(range(9))})
    script = f"""
        from distributed import LocalCluster
        from distributed.diagnostics.plugin import SchedulerPlugin
        from sim.__main__ import main

        class Watch(SchedulerPlugin):
            workers = set()

            def transition(self, key, start, finish, *args, worker=None, **kwargs):
                if (start, finish) == ("processing", "memory"):
                    self.workers.add(worker)

        if __name__ == "__main__":
            with LocalCluster(n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None) as cluster:
                cluster.scheduler.add_plugin(Watch())
                assert main([{str(path)!r}, "--json", "--dask", cluster.scheduler_address]) == 0
                assert Watch.workers == set(cluster.scheduler.workers)  # each of them had a part
                assert len(Watch.workers) == 2
    """
    done = python(script, timeout=100)

    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == study(path)


def test_a_Dask_cluster_that_is_not_there_is_one_line_and_status_2(files):
    script = f"""
        import dask
        from sim.__main__ import main

        dask.config.set({{"distributed.comm.timeouts.connect": 0.2}})
        sys.exit(main([{str(files.write(LOAD))!r}, "--dask", "tcp://127.0.0.1:1"]))
    """
    done = python("import sys\n" + textwrap.dedent(script), timeout=60)

    assert (done.returncode, done.stdout) == (2, "")
    assert "there is no Dask cluster at tcp://127.0.0.1:1: " in done.stderr
    assert "Traceback" not in done.stderr


def test_any_executor_will_do(files):
    path = files.write(LOAD, sweep={"maxsize": [1, 2, 3], "minsize": [0]})
    with ThreadPoolExecutor(2) as executor:
        assert study(path, executor=executor) == study(path)


def test_a_mismatch_of_the_engines_is_one_line_and_status_1(files, monkeypatch, capsys):
    monkeypatch.setattr("sim.study.replay", lambda *args: replace(replay(*args), hits=99))

    assert main([str(files.write(LOAD))]) == 1
    error = capsys.readouterr().err
    assert error.startswith("python -m sim: the engines differ for maxsize=none, minsize=none, maxage=none: replay ")
    assert error.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (("--verify", "-1"), "argument --verify: '-1' is not allowed; expected a whole number from 0 on"),
        (("--jobs", "x"), "argument --jobs: 'x' is not allowed; expected a whole number from 0 on"),
        (("--json", "--csv"), "not allowed with argument --json"),
    ],
)
def test_wrong_options_are_usage_and_status_2(arguments, problem):
    done = run(EXAMPLE, *arguments)

    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("usage: ")
    assert problem in done.stderr


def test_the_bar_shows_after_a_second_on_a_terminal_and_never_elsewhere(monkeypatch):
    started: list[float] = []
    monkeypatch.setattr("sim.progress.Timer", lambda seconds, start: started.append(seconds) or FakeTimer(start))
    monkeypatch.setenv("FORCE_COLOR", "1")
    with Bar() as bar:
        assert list(bar("abc", "Testing")) == ["a", "b", "c"]
        for _ in bar("a", "One"):
            assert bar._progress.tasks[0].total is None  # it goes on, there is no half of it
        assert not bar._progress.live.is_started
        FakeTimer.last.start_function()
        assert bar._progress.live.is_started
    assert started == [1.0]
    assert not bar._progress.live.is_started


class FakeTimer:
    last: FakeTimer

    def __init__(self, start_function):
        self.start_function = start_function
        FakeTimer.last = self

    def start(self):
        pass

    cancel = join = start


def test_the_schema_is_printed():
    assert json.loads(run("schema").stdout)["$ref"] == "#/$defs/Workload"


def test_without_a_terminal_no_line_ends_in_blanks():
    assert not [line for line in run(EXAMPLE).stdout.splitlines() if line != line.rstrip()]


def test_help_says_what_it_does():
    done = run("--help")

    assert done.returncode == 0
    assert "WORKLOAD.json" in done.stdout


def test_without_its_dependencies_it_says_in_one_line_how_to_install_them(monkeypatch, capsys):
    for missing in ("msgspec", "rich", "greenlet"):
        with monkeypatch.context() as patch:
            patch.setitem(sys.modules, missing, None)
            assert main(["whatever.json"]) == 2
        assert capsys.readouterr().err == f"the simulator needs {missing}: pip install 'ya.resourcepool[sim]'\n"


def test_without_greenlet_alone_it_says_so_in_one_line():
    """The simulator imports it late, where a limited pool is replayed."""
    code = "import sys; sys.modules['greenlet'] = None; from sim.__main__ import main; sys.exit(main(sys.argv[1:]))"
    done = subprocess.run(
        [sys.executable, "-c", code, str(EXAMPLE)], check=False, capture_output=True, text=True, cwd=EXAMPLE.parents[1]
    )

    assert done.stderr == "the simulator needs greenlet: pip install 'ya.resourcepool[sim]'\n"
    assert (done.returncode, done.stdout) == (2, "")


def test_the_recorder_needs_none_of_them():
    code = "import sys; sys.modules.update(msgspec=None, rich=None, greenlet=None); import sim; sim.record"
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
    assert max(map(len, text.splitlines())) <= width
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


def test_a_limited_pool_has_columns_of_its_own(files):
    pool = {"alloc": False, "init": 1, "timeout": 2.5}
    text = printed(study(files.write(LOAD, pool=pool, sweep={"maxage": [5, None]})), 200)
    heading = " ".join(text.partition("──")[0].splitlines()[-2:]).split()

    assert "misses" not in heading
    assert heading.count("99") == heading.count("outs") == 1
    assert "a shorter wait" in text


def test_what_one_more_would_buy_and_for_which_costs_the_choice_holds_are_said(files):
    text = printed(study(files.write(LOAD, sweep={"maxsize": [0, 1]}, cost={"alloc": 1, "idle_second": 0.04})), 200)

    assert "\n- one more, maxsize=2, would cost 0.28 less: 1 fewer miss, 18 idle seconds more\n" in text
    assert "\n- it stays the cheapest with a cost of alloc of at least 0.36, or idle_second of at most 0.111" in text


def test_of_many_warnings_the_first_are_shown(files):
    load = {"kind": "inline", "arrival": [0, 0, 0, 0, 2, 2], "hold": [1, 1, 1, 1, 9, 9]}
    result = study(files.write(load, sweep={"maxsize": [2, 3], "minsize": [1], "maxage": [3, 4, 5, 6, None]}))
    text = printed(result, 200)

    assert text.count("larger is worse") == 3
    assert "\n- and 2 more warnings of that kind; --json has all\n" in text


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
