"""The recorder, and the way from a recording to a replay."""

from __future__ import annotations

import copy
import csv
import gzip
import json
import subprocess
import sys
from pathlib import Path

import pytest

import sim
from sim.source import load
from sim.study import study
from sim.workload import read
from tests.helpers import Call
from ya.resourcepool import ManualClock, ResourcePool, ResourcePoolEmpty

EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.fixture
def clock():
    return ManualClock(100)


@pytest.fixture
def recorder(clock):
    return sim.Recorder(ResourcePool(alloc=object), clock.now)


def test_each_pop_and_push_is_a_row(recorder, clock):
    first = recorder.pop()
    clock.advance(1)
    with recorder() as second:
        assert second is not first
        clock.advance(2)
    recorder.push(first)

    assert recorder.rows() == [(0, 3), (1, 2)]
    assert len(recorder) == 2


def test_the_arrival_is_when_it_was_asked_for_and_the_hold_begins_when_it_was_got(clock):
    def alloc():
        clock.advance(5)
        return "made"

    recorder = sim.Recorder(ResourcePool(alloc=alloc), clock.now)
    recorder.push(recorder.pop())
    with recorder():
        clock.advance(1)

    assert recorder.rows() == [(0, 0), (5, 1)]


def test_the_same_object_may_be_out_more_than_once(clock):
    recorder = sim.Recorder(ResourcePool(init=["token"] * 3), clock.now)
    first, second = recorder.pop(), recorder.pop()
    clock.advance(1)
    recorder.push(first)
    with recorder():
        clock.advance(1)
    recorder.push(second)

    assert sorted(hold for _, hold in recorder.rows()) == [1, 1, 2]


def test_what_never_comes_back_is_not_taken_for_what_comes_later_with_its_id(clock):
    """As if the program had dropped the first, and the next were at its place in memory."""
    recorder = sim.Recorder(ResourcePool(init=["at the same place"] * 2), clock.now)
    recorder.pop()
    clock.advance(10)
    for _ in range(3):
        with_it = recorder.pop()
        clock.advance(1)
        recorder.push(with_it)

    assert [hold for _, hold in recorder.rows()] == [1, 1, 1]
    assert not recorder._log.again


def test_what_was_not_popped_here_is_passed_on_and_not_recorded(recorder):
    recorder.push("mine")

    assert recorder.pop() == "mine"
    assert recorder.rows() == []


@pytest.mark.parametrize(
    ("settings", "error"),
    [
        ({"sweep": {"maxsize": range(3)}}, TypeError),
        ({"sweep": {"maxage": [float("inf")]}}, ValueError),
        ({"version": 2}, TypeError),
        ({"workload": {}}, TypeError),
    ],
)
def test_settings_that_can_not_be_read_again_are_refused_and_nothing_is_written(recorder, tmp_path, settings, error):
    recorder.push(recorder.pop())
    with pytest.raises(error):
        recorder.write(tmp_path / "load.json", **settings)

    assert list(tmp_path.iterdir()) == []


def test_it_shows_its_pool_and_can_not_be_copied(recorder):
    assert repr(recorder).startswith("<Recorder: 0 recorded, of <ResourcePool: ")
    with pytest.raises(TypeError, match="one owner"):
        copy.deepcopy(recorder)


def test_a_resource_may_be_of_any_kind(clock):
    recorder = sim.Recorder(ResourcePool(init=[None, []]), clock.now)
    for resource in (recorder.pop(), recorder.pop()):
        recorder.push(resource)

    assert len(recorder.rows()) == 2


def test_what_is_still_held_and_what_was_never_popped_are_not_recorded(recorder):
    recorder.push("brought along")
    recorder.pop()

    assert recorder.rows() == []


def test_a_pop_that_raises_is_not_recorded_and_raises():
    recorder = sim.record(ResourcePool())
    with pytest.raises(ResourcePoolEmpty):
        recorder.pop()
    with pytest.raises(ResourcePoolEmpty), recorder():
        pass

    assert recorder.rows() == []


def test_discard_ends_the_row(clock):
    deallocated = []
    recorder = sim.Recorder(ResourcePool(init="a", dealloc=deallocated.append), clock.now)
    lease = recorder()
    with lease:
        clock.advance(2)
        lease.discard()

    assert recorder.rows() == [(0, 2)]
    assert deallocated == ["a"]


def test_it_stands_in_for_its_pool():
    with sim.record(ResourcePool(init="ab", maxsize=3)) as recorder:
        assert (len(recorder), recorder.waiting, bool(recorder)) == (2, 0, True)
        recorder.clear()
        assert len(recorder) == 0
    with pytest.raises(Exception, match="closed"):
        recorder.pop()


def test_threads_are_recorded_together():
    recorder = sim.record(ResourcePool(alloc=object))

    def use():
        for _ in range(200):
            with recorder():
                pass

    for call in [Call(use) for _ in range(8)]:
        call.result()

    assert len(recorder.rows()) == 1600
    assert not recorder._log.held


def test_a_recording_can_be_replayed(recorder, clock, tmp_path):
    for hold in (3, 1, 0.25):
        resource = recorder.pop()
        clock.advance(hold)
        recorder.push(resource)
    path = tmp_path / "load.json"
    recorder.write(path, sweep={"maxsize": [1, 2]})

    assert json.loads(path.read_text()) == {
        "version": 1,
        "workload": {"kind": "trace", "path": "load.csv.gz"},
        "sweep": {"maxsize": [1, 2]},
    }
    assert list(load(read(path), path).hold) == [3 * 10**9, 10**9, 10**9 // 4]
    assert [row["hits"] for row in study(path)["rows"]] == [2, 2]
    assert sorted(file.name for file in tmp_path.iterdir()) == ["load.csv.gz", "load.json"]


def test_the_same_recording_is_the_same_file(recorder, clock, tmp_path):
    with recorder():
        clock.advance(1)
    for name in ("a", "b"):
        recorder.write(tmp_path / f"{name}.json")

    assert (tmp_path / "a.csv.gz").read_bytes() == (tmp_path / "b.csv.gz").read_bytes()
    assert gzip.decompress((tmp_path / "a.csv.gz").read_bytes()) == b"arrival,hold\n0.000000,1.000000\n"


def test_nothing_recorded_or_another_ending_is_a_ValueError(recorder, tmp_path):
    with pytest.raises(ValueError, match="nothing has been recorded"):
        recorder.write(tmp_path / "load.json")
    with pytest.raises(ValueError, match=r"must end in .json, not 'load'"):
        recorder.write(tmp_path / "load")

    assert list(tmp_path.iterdir()) == []


def test_the_example_records_a_web_application(tmp_path):
    path = tmp_path / "webapp.json"
    done = subprocess.run(
        [sys.executable, str(EXAMPLES / "record_webapp.py"), "--output", str(path), "--speed", "30"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")

    result = study(path)
    assert result["workload"]["acquires"] > 50
    assert len(result["rows"]) == 36


def recorded_to(path):
    return list(csv.DictReader(gzip.decompress(path.with_suffix(".csv.gz").read_bytes()).decode().splitlines()))


def test_a_recording_rotates_to_a_file_that_can_be_studied_at_any_time(clock, tmp_path):
    path = tmp_path / "load.json"
    recorder = sim.Recorder(ResourcePool(alloc=object), clock.now, to=path, rotate=3)
    assert recorded_to(path) == []
    for number in range(7):
        resource = recorder.pop()
        clock.advance(1)
        recorder.push(resource)
        assert len(recorded_to(path)) == (number + 1) // 3 * 3
        assert len(recorder._log.rows) == (number + 1) % 3
    assert [row["hits"] for row in study(path)["rows"]] == [5]
    recorder.flush()

    assert recorded_to(path) == [{"arrival": f"{i}.000000", "hold": "1.000000"} for i in range(7)]
    assert sorted(file.name for file in tmp_path.iterdir()) == ["load.csv.gz", "load.json"]
    with pytest.raises(ValueError, match=r"is written to .*load.csv.gz already"):
        recorder.write(path)


def test_what_ends_earlier_is_written_earlier_and_sorted_when_it_is_read(clock, tmp_path):
    path = tmp_path / "load.json"
    with sim.Recorder(ResourcePool(alloc=object), clock.now, to=path) as recorder:
        first = recorder.pop()
        clock.advance(1)
        recorder.push(recorder.pop())
        clock.advance(1)
        recorder.push(first)

    assert [row["arrival"] for row in recorded_to(path)] == ["1.000000", "0.000000"]
    assert list(load(read(path), path).hold) == [2 * 10**9, 0]


def test_the_memory_that_a_recorder_takes_is_bounded(clock):
    recorder = sim.Recorder(ResourcePool(alloc=object), clock.now, most=5)
    kept = []
    for _ in range(20):
        with recorder():
            clock.advance(1)
        recorder.push(recorder.pop())
        kept.append(recorder.pop())  # and never pushed

    assert len(recorder.rows()) == 5
    assert len(recorder._log.held) == 5
    recorder.push(kept[-1])
    assert len(recorder.rows()) == 5


def test_a_file_that_can_not_be_written_any_more_costs_its_rows_and_nothing_else(clock, tmp_path, caplog):
    path = tmp_path / "load.json"
    recorder = sim.Recorder(ResourcePool(alloc=object), clock.now, to=path, rotate=2)
    path.with_suffix(".csv.gz").unlink()
    path.with_suffix(".csv.gz").mkdir()
    for _ in range(3):
        recorder.push(recorder.pop())

    assert len(recorder._pool) == 1
    assert "what was recorded can't be written; 2 rows are lost" in caplog.text


def test_a_push_that_comes_while_its_thread_writes_is_kept_for_later(clock, tmp_path, monkeypatch):
    """As in a finalizer."""
    path = tmp_path / "load.json"
    recorder = sim.Recorder(ResourcePool(init="ab"), clock.now, to=path, rotate=1)
    one, two = recorder.pop(), recorder.pop()

    def compress(content, level, mtime):
        monkeypatch.undo()
        recorder.push(two)
        return gzip.compress(content, level, mtime=mtime)

    monkeypatch.setattr("sim.recorder.gzip.compress", compress)
    recorder.push(one)
    assert len(recorded_to(path)) == 1
    recorder.flush()
    assert len(recorded_to(path)) == 2


def test_threads_rotate_together_and_lose_nothing(tmp_path):
    path = tmp_path / "load.json"
    recorder = sim.Recorder(ResourcePool(alloc=object), to=path, rotate=7)

    def use():
        for _ in range(200):
            recorder.push(recorder.pop())

    for call in [Call(use) for _ in range(6)]:
        call.result()
    recorder.flush()

    assert len(recorded_to(path)) == 1200
    assert not recorder._log.held
    assert not recorder._log.again
