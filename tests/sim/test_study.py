"""The comparison of settings: which, the Pareto front, and what is recommended."""

from __future__ import annotations

import math

import pytest

from sim.choice import pareto
from sim.errors import WorkloadError
from sim.replay import replay
from sim.study import MismatchError, study
from sim.words import number

LOAD = ([0, 0, 0, 10, 10, 20], [1, 2, 3, 1, 1, 1])


def settings_of(study):
    return [(row["maxsize"], row["minsize"], row["maxage"]) for row in study["rows"]]


def test_one_row_for_the_pools_own_setting(files):
    study = files.study(*LOAD, pool={"maxsize": 5, "minsize": 1, "maxage": 2.5})

    assert settings_of(study) == [(5, 1, 2.5)]
    assert study["recommended"]["row"] == 0
    assert study["recommended"]["runner_up"] is None


def test_a_sweep_is_the_product_in_order_and_takes_the_rest_from_the_pool(files):
    study = files.study(*LOAD, pool={"maxsize": 9, "minsize": 1}, sweep={"maxsize": [1, None], "maxage": [3, 5]})

    assert settings_of(study) == [(1, 1, 3), (1, 1, 5), (None, 1, 3), (None, 1, 5)]


def test_impossible_combinations_are_skipped_and_counted(files):
    study = files.study(*LOAD, sweep={"maxsize": [1, 2, None], "minsize": [2, None]})

    assert settings_of(study) == [(1, None, None), (2, 2, None), (2, None, None), (None, 2, None), (None, None, None)]
    assert study["skipped"] == 1


def test_a_log_grid_of_sizes_is_rounded_to_whole_ones(files):
    study = files.study(*LOAD, sweep={"maxsize": {"log": [1, 8], "n": 7}, "maxage": {"log": [1, 4], "n": 3}})

    assert [row["maxsize"] for row in study["rows"][::3]] == [1, 2, 3, 4, 6, 8]
    assert [row["maxage"] for row in study["rows"][:3]] == [1, 2, 4]


def test_the_figures_of_the_load(files):
    study = files.study(*LOAD, ["a", "b", "a", "a", "a", "a"])

    assert study["workload"] == {"acquires": 6, "keys": 2, "duration": 21, "peak_in_use": 3}


def test_the_keys_of_the_result_and_of_a_row(files):
    study = files.study(*LOAD)

    assert list(study) == (
        "workload skipped rows pareto recommended sensitivity one_more keys warnings unfinished".split()
    )
    assert (
        list(study["rows"][0])
        == (
            "maxsize minsize maxage engine verified acquires hits misses timeouts unserved hit_ratio allocated "
            "evicted_overflow evicted_age dead left idle_seconds mean_idle peak_idle "
            "wait_mean wait_p50 wait_p99 wait_max cost"
        ).split()
    )
    assert list(study["recommended"]) == "row runner_up maxsize minsize maxage cost meets_slo reasons".split()


def test_the_cost_is_the_sum_of_its_parts(files):
    cost = {"alloc": 3, "idle_second": 0.5, "wait_second": 7}
    row = files.row(*LOAD, latency={"alloc": 0.25}, cost=cost)

    waits = row["wait_mean"] * row["acquires"]
    assert row["cost"] == pytest.approx(3 * row["allocated"] + 0.5 * row["idle_seconds"] + 7 * waits)


def test_the_pareto_front_has_no_row_that_another_beats(files):
    study = files.study(*LOAD, sweep={"maxsize": [0, 1, 2, 3, 4, None], "maxage": [1, 5, 9, None]})
    rows = study["rows"]

    def beats(other, row):
        better = (other["mean_idle"] <= row["mean_idle"], other["hit_ratio"] >= row["hit_ratio"])
        return all(better) and (other["mean_idle"], other["hit_ratio"]) != (row["mean_idle"], row["hit_ratio"])

    assert study["pareto"] == [i for i, row in enumerate(rows) if not any(beats(other, row) for other in rows)]
    assert 1 < len(study["pareto"]) < len(rows)


def test_the_pareto_front_is_of_misses_or_of_waits_if_the_pool_is_limited():
    def row(idle, hit_ratio, wait):
        return {"mean_idle": idle, "hit_ratio": hit_ratio, "wait_p99": wait}

    rows = [row(1, 0.5, 3), row(2, 0.9, 3), row(3, 0.9, 2), row(4, 0.95, 2), row(5, 0.9, None), row(5, 0.9, None)]

    assert pareto(rows, limited=False) == [0, 1, 3]
    assert pareto(rows, limited=True) == [0, 2, 4, 5]


def test_the_lowest_cost_is_recommended(files):
    study = files.study(*LOAD, cost={"alloc": 1, "idle_second": 0.01}, sweep={"maxsize": [0, 1, 3]})
    recommended = study["recommended"]

    assert recommended["row"] == min(range(3), key=lambda i: study["rows"][i]["cost"]) == 2
    assert recommended["runner_up"] == 1
    assert recommended["maxsize"] == 3
    assert recommended["cost"] == study["rows"][2]["cost"]
    assert recommended["meets_slo"] is True

    dear = files.study(*LOAD, cost={"alloc": 1, "idle_second": 10}, sweep={"maxsize": [0, 1, 3]})
    assert dear["recommended"]["maxsize"] == 0


def test_of_equal_costs_the_smaller_mean_idle_is_recommended_then_the_first(files):
    study = files.study(*LOAD, cost={"alloc": 0, "idle_second": 0}, sweep={"maxsize": [3, 1, 2]})
    assert study["recommended"]["maxsize"] == 1
    assert study["recommended"]["runner_up"] == 2

    study = files.study(*LOAD, sweep={"maxsize": [7, 8, None]})
    assert study["recommended"]["row"] == 0


def test_only_what_meets_the_slo_is_recommended(files):
    cost = {"alloc": 1, "idle_second": 10}
    study = files.study(*LOAD, cost=cost, slo={"hit_ratio": 0.4}, sweep={"maxsize": [0, 1, 2, 3]})

    assert study["recommended"]["maxsize"] == 2
    assert study["recommended"]["meets_slo"] is True
    assert study["rows"][1]["hit_ratio"] < 0.4 <= study["rows"][2]["hit_ratio"]


def test_an_slo_may_limit_the_wait(files):
    study = files.study(
        *LOAD,
        cost={"alloc": 0, "idle_second": 1},
        latency={"alloc": 0.5},
        slo={"wait_p99": 0.1},
        sweep={"minsize": [0, 3]},
    )

    assert study["recommended"]["minsize"] == 3
    assert study["rows"][1]["wait_p99"] is None


def test_if_nothing_meets_the_slo_the_lowest_cost_is_recommended_and_that_is_said(files):
    study = files.study(*LOAD, slo={"hit_ratio": 1}, sweep={"maxsize": [0, 3]})

    assert study["recommended"]["maxsize"] == 3
    assert study["recommended"]["meets_slo"] is False
    assert study["recommended"]["reasons"][0].startswith("no setting has a hit ratio of at least 1.0; of all")


def test_the_reasons_say_why_what_it_costs_and_what_is_next(files):
    study = files.study(*LOAD, slo={"hit_ratio": 0.3}, sweep={"maxsize": [0, 2, 3]})

    assert study["recommended"]["reasons"] == [
        "it costs least, 3.36, of the 2 of 3 settings with a hit ratio of at least 0.3",
        "the cost is 3 allocs at 1 + 36 idle seconds at 0.01",
        "next is maxsize=3, minsize=none, maxage=none, which costs 5.4 % more: "
        "as many misses, 0.857 more resources idle on average",
    ]


def test_a_value_that_is_swept_twice_is_compared_once(files):
    study = files.study(*LOAD, sweep={"maxsize": [1, 1, 2], "maxage": [2, 2.0]})

    assert [row["maxsize"] for row in study["rows"]] == [1, 2]


def test_a_larger_pool_can_be_worse_where_an_overflow_evicts_down_to_minsize(files):
    study = files.study([0, 0, 0, 0, 2, 2], [1, 1, 1, 1, 9, 9], sweep={"maxsize": [2, 3], "minsize": [1]})

    assert [row["hits"] for row in study["rows"]] == [3, 2]


def test_a_warmup_after_the_last_acquire_is_refused_whatever_comes_later(files):
    with pytest.raises(WorkloadError, match="expected at most 1, when the last acquire comes"):
        files.study([0, 1], [100, 100], warmup=50)


def test_numbers_are_shown_with_all_their_digits_before_the_point():
    assert [number(value) for value in (0, 1.5, 42.15151, 123456.7, 7949020.4)] == [
        "0",
        "1.5",
        "42.1515",
        "123457",
        "7,949,020",
    ]


MANY = {"sweep": {"maxsize": [0, 1, 2, 3, 4, None], "maxage": [1, 3, 5, 9, None]}}


@pytest.mark.parametrize("verify", [0, 1, 2, 5, 8, 100])
def test_the_recommended_its_runner_up_and_so_many_of_the_front_are_verified(files, verify):
    result = study(files.write({"kind": "inline", "arrival": LOAD[0], "hold": LOAD[1]}, **MANY), verify=verify)
    verified = {i for i, row in enumerate(result["rows"]) if row["verified"]}
    recommended = result["recommended"]
    front = set(result["pareto"])

    assert {row["engine"] for row in result["rows"]} == {"one-pass"}
    assert {recommended["row"], recommended["runner_up"]} <= verified
    assert len(verified & front) >= min(verify, len(front))
    assert verified - front <= {recommended["row"], recommended["runner_up"]}
    if verify in (2, 5):
        assert {min(front), max(front)} <= verified


def test_a_row_that_is_replayed_is_verified_by_that(files):
    rows = files.study(*LOAD, sweep={"maxsize": [2, 3], "minsize": [None, 1]})["rows"]

    assert [row["engine"] for row in rows] == ["one-pass", "replay"] * 2
    assert rows[1]["verified"] is rows[3]["verified"] is True


def test_the_run_fails_if_the_engines_differ(files, monkeypatch):
    def wrong(*args):
        figures = replay(*args)
        figures.idle_time += 1
        return figures

    monkeypatch.setattr("sim.study.replay", wrong)
    with pytest.raises(MismatchError, match=r"the engines differ for maxsize=\d, .*idle_time=(\d+)"):
        files.study(*LOAD, **MANY)


def test_the_sensitivity_is_the_range_in_which_the_choice_stays(files):
    """Slightly within the range the same row is recommended, slightly beyond it another."""
    cost = {"alloc": 1, "idle_second": 0.05, "wait_second": 0, "timeout": 0}
    result = files.study(*LOAD, cost=cost, **MANY)
    assert set(result["sensitivity"]) == {"alloc", "idle_second"}
    assert result["sensitivity"]["idle_second"][1] is not None
    for name, (low, high) in result["sensitivity"].items():
        assert low <= cost[name] <= (high or math.inf)
        ends = [(low * 1.001, True), (low * 0.999, low == 0)]
        if high is not None:
            ends += [(high * 0.999, True), (high * 1.001, False)]
        for value, same in ends:
            other = files.study(*LOAD, cost={**cost, name: value}, **MANY)["recommended"]["row"]
            assert (other == result["recommended"]["row"]) == same, (name, value)


def test_one_more_is_the_difference_to_a_maxsize_that_is_larger_by_one(files):
    one, two = files.study(*LOAD, sweep={"maxsize": [1, 2]})["rows"]
    more = files.study(*LOAD, pool={"maxsize": 1})["one_more"]

    assert more["maxsize"] == 2
    for name in ("hits", "misses", "timeouts", "idle_seconds", "cost"):
        assert more[name] == two[name] - one[name]
    assert files.study(*LOAD)["one_more"] is None


def test_the_figures_of_each_key_add_up(files):
    result = files.study(*LOAD, ["a", "b", "a", "c", "a", "a"], pool={"maxsize": 1, "maxage": 9.5}, warmup=1)
    (row,), keys = result["rows"], result["keys"]

    assert [key["key"] for key in keys] == ["a", "b", "c"]
    for name in ("acquires", "hits", "misses", "timeouts", "unserved"):
        assert sum(key[name] for key in keys) == row[name]
    for name in ("mean_idle", "cost"):
        assert sum(key[name] for key in keys) == pytest.approx(row[name])
    assert files.study(*LOAD)["keys"] == []


def test_a_larger_maxsize_that_is_worse_is_warned_of(files):
    load = [0, 0, 0, 0, 2, 2], [1, 1, 1, 1, 9, 9]

    assert files.study(*load, sweep={"maxsize": [3, 2, 4], "minsize": [1]})["warnings"] == [
        "larger is worse: maxsize=3, minsize=1, maxage=none has 1 fewer hit than maxsize=2"
    ]
    assert files.study(*load, sweep={"maxsize": [3, 2, None]})["warnings"] == []
