"""What a workload file may say, what its data may be, and what is said of mistakes in them."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

import sim
from sim.errors import WorkloadError
from sim.fast import read_fast
from sim.load import Rows
from sim.schema import schema
from sim.source import load
from sim.study import study
from sim.workload import LogGrid, read

INLINE = {"kind": "inline", "arrival": [0, 1], "hold": [1, 1]}


def lists(acquires):
    return list(acquires.arrival), list(acquires.hold)


def trace(files, content, name="trace.csv", **settings):
    data = content.encode() if isinstance(content, str) else content
    (files.folder / name).write_bytes(data)
    path = files.write({"kind": "trace", "path": name, **settings})
    return load(read(path), path)


def test_only_version_and_workload_are_required(files):
    workload = read(files.write(INLINE))

    assert (workload.pool.maxsize, workload.pool.alloc, workload.warmup, workload.seed) == (None, True, 0, 0)


def test_the_whole_format_is_read(files):
    path = files.write(
        {"kind": "trace", "path": "t.csv.gz", "columns": {"arrival": "a", "hold": "h", "key": "k"}, "unit": "ms"},
        seed=1,
        warmup=60,
        pool={"maxsize": 16, "minsize": None, "maxage": 60, "init": 0, "alloc": True, "timeout": None},
        latency={"alloc": 0.15, "dealloc": 0, "check": 0},
        cost={"alloc": 1, "idle_second": 0.01, "wait_second": 1, "timeout": 50},
        sweep={"maxsize": [1, 2, None], "minsize": [None], "maxage": {"log": [1, 600], "n": 32}},
        slo={"hit_ratio": 0.99, "wait_p99": 0.05},
    )
    workload = read(path)

    assert workload.workload.columns.key == "k"
    assert workload.sweep.maxage.n == 32


def test_a_log_grid_has_exact_ends_and_equal_factors():
    values = LogGrid(log=(1, 1000), n=4).values()

    assert values == pytest.approx([1, 10, 100, 1000])
    assert (values[0], values[-1]) == (1, 1000)
    assert LogGrid(log=(5, 7), n=1).values() == [5]


def test_time_0_is_the_first_arrival(files):
    acquires = trace(files, "arrival,hold\n100.5,1\n101.25,0.000000001\n")

    assert list(acquires.arrival) == [0, 750_000_000]
    assert list(acquires.hold) == [1_000_000_000, 1]


def test_duration_and_peak_in_use(files):
    acquires = trace(files, "arrival,hold\n0,10\n1,2\n3,1\n4,1\n")

    assert acquires.duration == 10_000_000_000
    assert acquires.peak_in_use == 2
    assert trace(files, "arrival,hold\n0,1\n5,0\n").duration == 5_000_000_000
    assert trace(files, "arrival,hold\n0,0\n0,0\n").peak_in_use == 2


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
def test_the_unit_is_that_of_the_columns(files, unit):
    scale = {"s": 10**9, "ms": 10**6, "us": 10**3, "ns": 1}[unit]

    assert list(trace(files, "arrival,hold\n0,7\n3,1\n", unit=unit).arrival) == [0, 3 * scale]


def test_late_times_keep_their_nanoseconds(files):
    start = 1_700_000_000
    acquires = trace(files, f"arrival,hold\n{start}.000000001,1\n{start}.000000004,1\n")

    assert list(acquires.arrival) == [0, 3]


def test_columns_have_the_names_that_the_file_gives_them(files):
    content = "host,until,from,extra\nx,5,2,\ny,6,3,\n"
    acquires = trace(files, content, columns={"arrival": "from", "end": "until", "key": "host"})

    assert lists(acquires) == ([0, 10**9], [3 * 10**9] * 2)
    assert acquires.keys == ["x", "y"]


def test_without_columns_the_usual_names_are_looked_for(files):
    assert trace(files, "key,hold,arrival\nx,1,0\n").keys == ["x"]
    assert list(trace(files, "arrival,end\n1,3\n").hold) == [2 * 10**9]


def test_a_log_of_ends_and_holds_may_be_sorted_by_its_ends(files):
    acquires = trace(files, "end,hold\n5,1\n6,5\n")

    assert lists(acquires) == ([0, 3 * 10**9], [5 * 10**9, 10**9])


def test_a_trace_that_says_so_is_sorted(files):
    acquires = trace(files, "arrival,hold,key\n5,1,a\n3,2,b\n5,3,c\n", sort=True)

    assert lists(acquires) == ([0, 2 * 10**9, 2 * 10**9], [2 * 10**9, 10**9, 3 * 10**9])
    assert acquires.keys == ["b", "a", "c"]


def test_a_trace_may_be_gzipped_and_have_empty_lines_and_a_byte_order_mark(files):
    content = gzip.compress("\ufeffarrival,hold\r\n0,1\r\n\r\n1,1\r\n".encode())

    assert len(trace(files, content, "trace.csv.gz")) == 2


def test_within_an_instant_holds_of_zero_come_first_else_the_order_of_the_file(files):
    acquires = trace(files, "arrival,hold,key\n0,1,a\n0,0,b\n0,2,c\n0,0,d\n")

    assert [acquires.keys[i] for i in acquires.key] == ["b", "d", "a", "c"]


def test_a_workload_file_may_begin_with_a_byte_order_mark(files):
    path = files.folder / "workload.json"
    path.write_text("\ufeff" + json.dumps({"version": 1, "workload": INLINE}))

    assert read(path).version == 1


WRONG = [
    ({"pool": {"maxsise": 3}}, "$.pool: unknown key 'maxsise'; did you mean 'maxsize'?"),
    (
        {"pool": {"colour": 3}},
        "$.pool: unknown key 'colour'; known are maxsize, minsize, maxage, init, alloc, timeout",
    ),
    ({"pool": {"maxsize": -3}}, "$.pool.maxsize: -3 is not allowed; expected an integer >= 0"),
    ({"pool": {"maxsize": 1.5}}, "$.pool.maxsize: 1.5 is not allowed; expected an integer or null"),
    ({"pool": {"maxsize": True}}, "$.pool.maxsize: true is not allowed; expected an integer or null"),
    ({"pool": {"maxsize": 10**7}}, "$.pool.maxsize: 10000000 is not allowed; expected an integer <= 1000000"),
    ({"pool": {"maxage": 0}}, "$.pool.maxage: 0 is not allowed; expected a number > 0"),
    ({"pool": {"alloc": "yes"}}, '$.pool.alloc: "yes" is not allowed; expected true or false'),
    ({"sweep": {"maxsize": [1, "two"]}}, '$.sweep.maxsize[1]: "two" is not allowed; expected an integer or null'),
    ({"sweep": {"maxsize": []}}, "$.sweep.maxsize: [] is not allowed; expected an array of length >= 1"),
    ({"sweep": {"maxage": 5}}, "$.sweep.maxage: 5 is not allowed; expected an object, an array or null"),
    ({"sweep": {"maxage": {"log": [1, 2]}}}, "$.sweep.maxage: the key 'n' is missing"),
    ({"sweep": {"minsize": [3], "maxsize": [2]}}, "$.sweep: in every combination minsize is larger than maxsize"),
    ({"pool": {"minsize": 3, "maxsize": 2}}, "$.pool: minsize 3 is larger than maxsize 2"),
    (
        {"pool": {"minsize": 3, "maxsize": 2}, "sweep": {"maxage": [1, 2]}},
        "$.pool: minsize 3 is larger than maxsize 2",
    ),
    (
        {"sweep": {"minsize": {"log": [1, 1e9], "n": 2}}},
        "$.sweep.minsize.log: 1e+09 is not allowed; expected at most 1000000",
    ),
    (
        {"sweep": {"maxage": {"log": [1, 9], "n": 1000}, "maxsize": {"log": [1, 1e5], "n": 1000}}},
        "$.sweep: 698,000 combinations; expected at most 100,000",
    ),
    ({"pool": {"timeout": 1e300}}, "$.pool.timeout: 1e+300 is not allowed; expected a number <= a century"),
    ({"failures": {"age": 0}}, "$.failures.age: 0 is not allowed; expected a number > 0"),
    ({"failures": {"rate": -1}}, "$.failures.rate: -1 is not allowed; expected a number >= 0"),
    ({"replications": 0}, "$.replications: 0 is not allowed; expected an integer >= 1"),
    ({"seed": 0.5}, "$.seed: 0.5 is not allowed; expected an integer"),
    (
        {"workload": {"kind": "synthetic", "phases": [{"duration": 1, "arrivals": {"dist": "poison"}}]}},
        '$.workload.phases[0].arrivals.dist: "poison" is not allowed; '
        'expected "poisson", "deterministic", "bursty" or "diurnal"',
    ),
    (
        {"workload": {"kind": "synthetic", "phases": [{"arrivals": {"dist": "poisson", "rte": 1}}]}},
        "$.workload.phases[0].arrivals: unknown key 'rte'; did you mean 'rate'?",
    ),
    ({"cost": {"alloc": 1e308}}, "$.cost.alloc: 1e+308 is not allowed; expected a number <= 1000000000000.0"),
    (
        {"a\nb\x1b[31m": 2},
        "$: unknown key 'a\\nb\\x1b[31m'; "
        "known are version, workload, seed, replications, warmup, pool, latency, failures, cost, sweep, slo",
    ),
    ({"workload": {"kind": "trace", "path": "a\0b"}}, None),
    (
        {"workload": {"kind": "inline", "arrival": [0], "holds": [0]}},
        "$.workload: unknown key 'holds'; did you mean 'hold'?",
    ),
    ({"warmup": -1}, "$.warmup: -1 is not allowed; expected a number >= 0"),
    ({"warmup": 2}, "$.warmup: 2 is not allowed; expected at most 1, when the last acquire comes"),
    ({"slo": {"hit_ratio": 2}}, "$.slo.hit_ratio: 2 is not allowed; expected a number <= 1.0"),
    ({"version": 2}, "$.version: 2 is not allowed; expected 1"),
    ({"workload": {}}, '$.workload: the key \'kind\' is missing; expected "trace", "inline" or "synthetic"'),
    ({"workload": {"kind": "csv"}}, '$.workload.kind: "csv" is not allowed; expected "trace", "inline" or "synthetic"'),
    ({"workload": {"kind": "synthetic", "phases": [{}]}}, "$.workload.phases[0]: the key 'duration' is missing"),
    (
        {"workload": {"kind": "inline", "arrival": [0, -1], "hold": [1, 1]}},
        "$.workload.arrival[1]: -1 is not allowed; expected a number >= 0",
    ),
    (
        {"workload": {"kind": "inline", "arrival": [0, 1e300], "hold": [1, 1]}},
        "$.workload.arrival[1]: 1e+300 is not allowed; expected a number <= a century",
    ),
    (
        {"workload": {"kind": "inline", "arrival": [1, 0], "hold": [1, 1]}},
        "$.workload: index 1: arrivals have to be sorted, but 0 s comes after 1 s",
    ),
    (
        {"workload": {"kind": "inline", "arrival": [1], "hold": [1, 1]}},
        "$.workload: the arrays have to be equally long, but arrival has 1, hold has 2",
    ),
    ({"workload": {"kind": "inline", "arrival": [], "hold": []}}, "has no acquires"),
]


@pytest.mark.parametrize(("settings", "message"), WRONG)
def test_a_wrong_workload_is_refused_with_file_path_value_and_what_is_allowed(files, settings, message):
    path = files.folder / "workload.json"
    path.write_text(json.dumps({"version": 1, "workload": INLINE, **settings}))
    with pytest.raises(WorkloadError) as caught:
        study(path)

    assert "\n" not in str(caught.value)
    if message is None:
        assert str(caught.value).endswith("can't be read: embedded null byte")
    else:
        assert str(caught.value) == f"{path}: {message}"


def test_replications_are_of_synthetic_loads(files):
    with pytest.raises(WorkloadError, match=r"replications: 2 is not allowed; expected 1, unless the load is synth"):
        study(files.write(INLINE, replications=2))


def test_the_json_schema_that_is_shipped_is_that_of_the_format():
    """If not: `make schema`."""
    assert Path(sim.__file__).with_name("workload.schema.json").read_text() == schema()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is not valid JSON: Input data was truncated"),
        (b"[]", "$: [] is not allowed; expected an object"),
        (
            b'{"version": 1,\n "warmup": oops}',
            "is not valid JSON: JSON is malformed: invalid character at line 2, column 12",
        ),
        (
            b'{"version": 1, "warmup": NaN}',
            "is not valid JSON: JSON is malformed: invalid character at line 1, column 26",
        ),
        (b'{"version": 1, "warmup": 1e999}', "$.warmup: Infinity is not allowed; expected a smaller number"),
        (b'{"version": "\xff"}', "$.version: the value is not allowed; expected an integer"),
        (
            b'{"version": 1,\n "workload": {"kind": "inline", "key": ["\xe9"]}}',
            "is not valid JSON: b'\\xe9' is not UTF-8 text at line 2, column ",
        ),
        (
            b'{"version": 1, "workload": {"a": ' + b"[" * 100_000,
            "is nested too deeply",
        ),
        (b"\x00\x01", "is not valid JSON: JSON is malformed: invalid character at line 1, column 1"),
    ],
)
def test_what_is_no_json_is_refused_with_the_place(files, content, message):
    path = files.folder / "workload.json"
    path.write_bytes(content)
    with pytest.raises(WorkloadError) as caught:
        read(path)

    assert str(caught.value).startswith(f"{path}: {message}")
    assert "\n" not in str(caught.value)


BROKEN = [
    ("", "is empty; expected a line with the names of the columns"),
    ("arrival,hold\n", "has no acquires"),
    (
        "a,b\n0,1\n",
        "has the columns a, b; expected two of arrival, hold and end, which $.workload.columns can name",
    ),
    (
        '"a\nb",c\n0,1\n',
        "has the columns a\\nb, c; expected two of arrival, hold and end, which $.workload.columns can name",
    ),
    (
        "arrival,key\n0,1\n",
        "has the columns arrival, key; expected two of arrival, hold and end, which $.workload.columns can name",
    ),
    ("arrival,hold\n0,1\n1,x\n", "row 3: hold: 'x' is not allowed; expected a number from 0 to a century"),
    ("arrival,hold\n0,nan\n", "row 2: hold: 'nan' is not allowed; expected a number from 0 to a century"),
    ("arrival,hold\n-1,1\n", "row 2: arrival: '-1' is not allowed; expected a number from 0 to a century"),
    ("arrival,hold\n0,inf\n", "row 2: hold: 'inf' is not allowed; expected a number from 0 to a century"),
    ("arrival,hold\n0,1e300\n", "row 2: hold: '1e300' is not allowed; expected a number from 0 to a century"),
    (
        "arrival,hold\n1700000000123,1\n",
        "row 2: arrival: '1700000000123' is not allowed; expected a number from 0 to a century; "
        "is $.workload.unit right?",
    ),
    ("arrival,hold\n0,1_0\n", "row 2: hold: '1_0' is not allowed; expected a number from 0 to a century"),
    ("arrival,hold,hold\n0,1,2\n", "has more than one column 'hold'"),
    ('arrival,hold,key\n0,1,"a\n1,1,b\n', "is not valid CSV: unexpected end of data"),
    ("arrival,hold\n0,1\n2\n", "row 3: 1 fields; expected 2, as in the header"),
    ("arrival,hold\n5,1\n4,1\n", "row 3: arrivals have to be sorted, but 4 s comes after 5 s"),
    ("arrival,end\n5,4\n", "row 2: ends at 4 s, before it arrives at 5 s"),
    (b"arrival,hold\n\xff,1\n", "is not UTF-8 text"),
]


@pytest.mark.parametrize(("content", "message"), BROKEN)
def test_broken_data_is_refused_with_file_row_value_and_what_is_allowed(files, content, message):
    with pytest.raises(WorkloadError) as caught:
        trace(files, content)

    assert str(caught.value) == f"{files.folder / 'trace.csv'}: {message}"


def test_a_missing_column_is_named(files):
    with pytest.raises(WorkloadError, match=r"there is no column 't' for arrival; the file has arrival, hold"):
        trace(files, "arrival,hold\n0,1\n", columns={"arrival": "t", "hold": "hold"})


@pytest.mark.parametrize("content", [gzip.compress(b"arrival,hold\n" + b"0,1\n" * 999)[:-20], b"hello", b""])
def test_a_broken_gzip_file_is_refused(files, content):
    with pytest.raises(WorkloadError, match=r"trace.csv.gz: is (not a complete gzip file|empty)"):
        trace(files, content, "trace.csv.gz")


def test_files_that_are_not_there_are_named(files):
    with pytest.raises(WorkloadError, match=r"nix.json: can't be read: No such file or directory"):
        read(files.folder / "nix.json")
    path = files.write({"kind": "trace", "path": "nix.csv"})
    with pytest.raises(WorkloadError, match=r"nix.csv: can't be read: No such file or directory"):
        load(read(path), path)


GOOD = [
    ("arrival,hold,key\n0.5,1,b\n0.5,0,a\n2,1e-3,b\n", {}),
    ("arrival,hold\n170000.25,1\n170001,3.000000001\n", {}),
    ("key,end,arrival\nä,3,1\nb,4,2.5\n", {"unit": "ms"}),
    ('x,arrival,hold,key\n,0,1,"a,b"\n,1,1,c\n', {}),
]


@pytest.mark.parametrize(("content", "settings"), GOOD)
def test_a_large_trace_is_read_fast_and_the_same(files, content, settings, monkeypatch):
    slow = trace(files, content, **settings)
    read = []
    monkeypatch.setattr("sim.fast.FAST_FROM", 0)
    monkeypatch.setattr("sim.trace.read_fast", lambda *args: read.append(read_fast(*args)) or read[-1])

    assert trace(files, content, **settings) == slow
    assert trace(files, gzip.compress(content.encode()), "trace.csv.gz", **settings) == slow
    assert read == [True, True]


@pytest.mark.parametrize(("content", "message"), BROKEN)
def test_broken_data_is_refused_with_the_same_words_if_it_is_large(files, content, message, monkeypatch):
    monkeypatch.setattr("sim.fast.FAST_FROM", 0)
    with pytest.raises(WorkloadError) as caught:
        trace(files, content)

    assert str(caught.value) == f"{files.folder / 'trace.csv'}: {message}"


@pytest.mark.parametrize(
    "content", ["arrival,hold\n0,1_0\n", "arrival,hold\n1,1\n0,1\n", "arrival,hold\n0,\n", "arrival,hold\n0,nan\n"]
)
def test_what_is_odd_is_left_to_the_reader_of_rows(files, content, monkeypatch):
    (files.folder / "trace.csv").write_text(content)
    rows = Rows(files.folder / "trace.csv", "row ")
    monkeypatch.setattr("sim.fast.FAST_FROM", 0)

    assert not read_fast(rows, ["arrival", "hold"], {"arrival": 0, "hold": 1}, 10**9, 2**50)
    assert len(rows.arrival) == len(rows.hold) == len(rows.key) == len(rows.keys) == 0


def test_a_row_that_is_odd_is_found_among_many(files):
    rows = [f"{i},1\n" for i in range(3000)]
    rows[2500] = "2500,1_0\n"
    with pytest.raises(WorkloadError, match="row 2502: hold: '1_0' is not allowed"):
        trace(files, "arrival,hold\n" + "".join(rows))
    rows[2500] = "2499,1\n"
    assert len(trace(files, "arrival,hold\n" + "".join(rows))) == 3000
    rows[2048] = "2046,1\n"  # the first of its chunk
    with pytest.raises(WorkloadError, match="row 2050: arrivals have to be sorted, but 2046 s comes after 2047 s"):
        trace(files, "arrival,hold\n" + "".join(rows))
    rows[2048] = "1700000000.000000001,1\n"
    with pytest.raises(WorkloadError, match="row 2051: arrivals have to be sorted"):
        trace(files, "arrival,hold\n" + "".join(rows))
