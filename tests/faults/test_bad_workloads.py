"""Whatever is in a workload file, its trace or a log: it is simulated, or refused in one line with status 2."""

from __future__ import annotations

import contextlib
import gzip
import io
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import strategies as st

from sim.__main__ import main
from tests.faults.drawn import drawn
from tests.faults.workloads import cut, logs, traces, workloads

EXAMPLE = Path(__file__).parents[2] / "examples/webapp.json"
WORKLOAD = b'{"version": 1, "workload": {"kind": "trace", "path": "%s"%s}}'
KINDS = [b"", b', "sort": true', b', "unit": "ns"', b', "columns": {"arrival": "a", "hold": "b"}', b', "columns": {}']

workload_bytes = workloads() | cut(workloads()) | cut(st.just(EXAMPLE.read_bytes())) | st.binary(max_size=40)
trace_bytes = traces() | cut(traces()) | st.binary(max_size=40)
log_bytes = logs | cut(logs) | trace_bytes
gzipped = trace_bytes.map(gzip.compress) | cut(trace_bytes.map(gzip.compress))


@pytest.fixture(autouse=True)
def small(monkeypatch, tmp_path):
    """What is large is refused, as it would take long."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sim.synthetic.MOST_ACQUIRES", 300)
    monkeypatch.setattr("sim.settings.MOST_SETTINGS", 20)
    Path("trace.csv").write_text("arrival,hold\n0,1\n1,1\n")


def run(*arguments):
    """Run the command, which succeeds, or says in one line what is wrong."""
    output, errors = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(output), contextlib.redirect_stderr(errors):
        status = main(list(arguments))
    assert status in (0, 2)
    assert (errors.getvalue().count("\n"), output.getvalue() == "") == ((1, True) if status else (0, False))
    return status


@drawn(60, workload_bytes)
def test_any_workload_file_is_simulated_or_refused_in_one_line(content):
    Path("workload.json").write_bytes(content)
    run("workload.json", "--json")


@drawn(100, trace_bytes, st.sampled_from(KINDS))
def test_any_trace_is_simulated_or_refused_in_one_line(content, how):
    Path("trace.csv").write_bytes(content)
    Path("workload.json").write_bytes(WORKLOAD % (b"trace.csv", how))
    run("workload.json", "--json")


@drawn(100, gzipped, st.sampled_from(KINDS))
def test_any_gzipped_trace_is_simulated_or_refused_in_one_line(content, how):
    Path("trace.csv.gz").write_bytes(content)
    Path("workload.json").write_bytes(WORKLOAD % (b"trace.csv.gz", how))
    run("workload.json", "--json")


@drawn(150, log_bytes, st.sampled_from([[], ["--format", "swf"], ["--format", "pgbouncer"], ["--unit", "ns"]]))
def test_any_log_is_imported_or_refused_in_one_line(content, options):
    Path("log").write_bytes(content)
    run("import", "log", "--output", "new.json", *options)


@pytest.mark.parametrize("name", ["", ".", "..", "/", ".gz", "a/..", "a" * 300])
@pytest.mark.parametrize("arguments", [[], ["import"]])
def test_any_name_is_refused_in_one_line(name, arguments):
    assert run(*arguments, name) == 2


@pytest.mark.parametrize("command", ["workload", "import"])
@pytest.mark.parametrize("line", [b"x", b"0,", b"\0"])
def test_a_line_without_an_end_takes_no_more_memory_than_a_long_one(command, line):
    Path("trace.csv.gz").write_bytes(gzip.compress(b"arrival,hold\n" + line * (40_000_000 // len(line))))
    Path("workload.json").write_bytes(WORKLOAD % (b"trace.csv.gz", b""))
    tracemalloc.start()
    try:
        assert (
            run(*(["workload.json"] if command == "workload" else ["import", "trace.csv.gz", "--output", "a.json"]))
            == 2
        )
        assert tracemalloc.get_traced_memory()[1] < 25_000_000
    finally:
        tracemalloc.stop()


def test_a_workload_file_without_an_end_takes_no_more_memory_than_a_large_one(monkeypatch):
    monkeypatch.setattr("sim.workload.MOST_BYTES", 1_000_000)
    tracemalloc.start()
    try:
        assert run("/dev/zero") == 2
        assert tracemalloc.get_traced_memory()[1] < 10_000_000
    finally:
        tracemalloc.stop()


def test_bursts_that_are_too_many_are_refused():
    Path("workload.json").write_text(
        '{"version": 1, "workload": {"kind": "synthetic", "phases": [{"duration": 1e9, "hold": {"dist": "constant", '
        '"mean": 1}, "arrivals": {"dist": "bursty", "rate": 1e-9, "on": 5e-324, "off": 5e-324}}]}}'
    )
    assert run("workload.json") == 2
