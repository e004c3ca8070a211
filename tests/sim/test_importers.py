"""Workload files from the logs of other programs."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from sim.__main__ import main
from sim.load import SECOND
from sim.source import load
from sim.study import study
from sim.workload import read

PGBOUNCER = """\
2014-02-01 09:00:00.000 2031 LOG File descriptor limit: 1024
2014-02-01 09:00:00.100 2031 LOG C-0x1a2b: app/alice@10.0.0.1:51234 login attempt: db=app user=alice
2014-02-01 09:00:00.250 2031 LOG C-0x1a2c: app/bob@10.0.0.1:51235 login attempt: db=app user=bob
2014-02-01 09:00:00.260 2031 LOG S-0x77: app/bob@127.0.0.1:5432 new connection to server
2014-02-01 09:00:00.400 2031 LOG C-0x1a2b: app/alice@10.0.0.1:51234 closing because: client close request (age=0)
2014-02-01 09:00:00.500 2031 LOG C-0x1a2b: app/alice@10.0.0.1:51234 closing because: client close request (age=0)
2014-02-01 09:00:01.000 2031 LOG C-0x1a2b: app/carol@10.0.0.1:51236 login attempt: db=app user=carol
2014-02-01 09:00:01.250 2031 LOG C-0x1a2c: app/bob@10.0.0.1:51235 closing because: client unexpected eof (age=1)
2014-02-01 09:00:02.000 2031 LOG C-0x9999: app/eve@10.0.0.1:51235 closing because: client close request (age=9)
2014-02-01 09:00:02.500 2031 LOG C-0x1a2b: app/carol@10.0.0.1:51236 closing because: client close request (age=1)
"""
SWF = """\
; Version: 2.2
; Computer: a machine
  1   100 0 60 1 -1 -1 1 -1 -1 1 7 1 1 1 -1 -1 -1
  2   130 5 -1 1 -1 -1 1 -1 -1 0 7 1 1 1 -1 -1 -1
  3    80 0 0.5 1 -1 -1 1 -1 -1 1 8 1 1 1 -1 -1 -1
"""
CSV = "begin,stop,who\n1500,2000,a\n1750,1750,b\n"


def imported(tmp_path, name, content, *options):
    log = tmp_path / name
    log.write_bytes(gzip.compress(content.encode()) if name.endswith(".gz") else content.encode())
    output = tmp_path / "new.json"
    assert main(["import", str(log), "--output", str(output), *options]) == 0
    return load(read(output), output)


def rows(acquires):
    return [
        (arrival / SECOND, hold / SECOND, acquires.keys[key])
        for arrival, hold, key in zip(acquires.arrival, acquires.hold, acquires.key, strict=True)
    ]


@pytest.mark.parametrize("name", ["pgbouncer.log", "pgbouncer.log.gz"])
@pytest.mark.parametrize("options", [(), ("--format", "pgbouncer")])
def test_a_log_of_PgBouncer_is_its_clients(tmp_path, name, options):
    acquires = imported(tmp_path, name, PGBOUNCER, *options)

    assert rows(acquires) == [(0, 0.3, "app/alice"), (0.15, 1, "app/bob"), (0.9, 1.5, "app/carol")]


def test_a_standard_workload_is_its_jobs_in_the_order_of_submission(tmp_path):
    assert rows(imported(tmp_path, "jobs.swf", SWF)) == [(0, 0.5, "user 8"), (20, 60, "user 7")]


def test_a_csv_file_is_imported_with_its_columns(tmp_path):
    options = "--columns", "arrival=begin,end=stop,key=who", "--unit", "ms"

    assert rows(imported(tmp_path, "log.csv", CSV, *options)) == [(0, 0.5, "a"), (0.25, 0, "b")]
    assert rows(imported(tmp_path, "log.csv", 'arrival,hold,key\n0,1e-9,"a, ""b"""\n')) == [(0, 1e-9, 'a, "b"')]


def test_what_is_imported_can_be_studied_as_it_is(tmp_path, capsys):
    imported(tmp_path, "pgbouncer.log", PGBOUNCER)
    result = study(tmp_path / "new.json")

    assert capsys.readouterr().out == f"3 acquires imported to {tmp_path / 'new.json'}\n"
    assert result["workload"]["peak_in_use"] == 2
    assert [row["maxsize"] for row in result["rows"][::5]] == [1, 2]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["new.csv.gz", "new.json", "pgbouncer.log"]


def test_without_an_output_it_is_named_like_the_log(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("some").mkdir()
    Path("some/jobs.swf.gz").write_bytes(gzip.compress(SWF.encode()))

    assert main(["import", "some/jobs.swf.gz"]) == 0
    assert json.loads(Path("jobs.json").read_text())["workload"]["path"] == "jobs.csv.gz"


@pytest.mark.parametrize(
    ("name", "content", "options", "message"),
    [
        ("a.log", b"nothing\n", ["--format", "pgbouncer"], "a.log: has no acquires in the format pgbouncer"),
        ("a.md", b"words " * 18, [], "which --columns can name"),
        ("a.csv", CSV.encode(), ["--columns", "arrival=x,hold=y"], "there is no column 'x' for arrival; the file has "),
        ("a.csv", b"arrival,hold\n1e300,1\n", [], "row 2: arrival: '1e300' is not allowed"),
        ("a.csv", b"arrival,hold\n1e12,1\n", [], "; is --unit right?"),
        ("a.bin", b"x" * 1000, [], f"has the columns {'x' * 200}...; expected two"),
        ("a.log", b"nothing\n", [], "a.log: has the columns nothing; expected two of arrival, hold and end"),
        ("a.log.gz", b"nothing\n", [], "a.log.gz: is not a complete gzip file: Not a gzipped file"),
        ("a.swf", SWF.replace(" 60 ", " x ").encode(), [], "a.swf: is no log of the format swf: could not convert"),
        ("a.swf", SWF.replace(" 60 ", " inf ").encode(), [], "a.swf: is no log of the format swf: cannot convert"),
        ("a.swf", SWF.replace(" 60 ", " 1e15 ").encode(), [], "a.swf: acquire 2: takes more than a century"),
        ("a.swf", SWF.replace("100 0 60", "1e15 0 60").encode(), [], "a.swf: acquire 2: takes more than a century"),
        ("a.csv", CSV.encode(), ["--columns", "arival=begin"], "--columns: 'arival' is not allowed; expected arrival,"),
        ("a.csv", CSV.encode(), ["--output", "x.txt"], "x.txt: is not allowed; expected a name that ends in .json"),
        ("a.csv.gz", b"", ["--output", "a.json"], "a.csv.gz: is the log itself; name another with --output"),
        ("nix", None, [], "nix: can't be read: No such file or directory"),
    ],
)
def test_what_can_not_be_imported_is_one_line_and_status_2(
    tmp_path, monkeypatch, capsys, name, content, options, message
):
    monkeypatch.chdir(tmp_path)
    if content is not None:
        Path(name).write_bytes(content)

    assert main(["import", name, *options]) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1
    assert [path.name for path in tmp_path.iterdir()] == ([] if content is None else [name])
