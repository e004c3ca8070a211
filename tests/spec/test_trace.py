"""Counterexamples: one line a step."""

from __future__ import annotations

from spec.trace import Trace, read_end, read_state, readable


def states(*texts):
    return tuple(map(read_state, texts))


def lines(*texts, end=""):
    return readable(Trace(states(*texts), end))


START = """1: <Initial predicate>
/\\ idle = <<>>
/\\ held = (t1 :> None @@ t2 :> None)
/\\ pc = (t1 :> "out" @@ t2 :> "out")
"""
PUSH = """2: <Push line 30, col 5 to line 33, col 20 of module Tiny>
/\\ idle = <<[r |-> r1, age |-> 0]>>
/\\ held = (t1 :> None @@ t2 :> None)
/\\ pc = (t1 :> "pushed" @@
  t2 :> "out")
"""
TICK = """3: <Tick line 40, col 5 to line 43, col 20 of module Tiny>
/\\ idle = <<[r |-> r1, age |-> 1]>>
/\\ held = (t1 :> None @@ t2 :> None)
/\\ pc = (t1 :> "pushed" @@ t2 :> "out")
"""


def test_a_step_says_who_did_what_and_what_changed():
    assert lines(START, PUSH, TICK) == [
        ' 1  start     idle = <<>>, held = (t1 :> None @@ t2 :> None), pc = (t1 :> "out" @@ t2 :> "out")',
        ' 2  Push(t1)  idle: <<>> -> <<[r |-> r1, age |-> 0]>>; pc[t1]: "out" -> "pushed"',
        " 3  Tick      idle[1].age: 0 -> 1",
    ]


def test_the_thread_is_left_out_if_two_moved():
    both = PUSH.replace('t2 :> "out"', 't2 :> "pushed"')
    assert lines(START, both)[1].startswith(" 2  Push  ")


def test_a_thread_that_stays_where_it_is_shows_in_a_function_or_a_set():
    start = '/\\ at = (t1 :> "out" @@ t2 :> "out")\n/\\ keep = (t1 :> 0 @@ t2 :> 0)\n/\\ busy = {}\n'
    head = "2: <Step line 1, col 1 to line 2, col 2 of module M>\n"
    assert lines(start, head + start.replace("t2 :> 0", "t2 :> 1"))[1] == " 2  Step(t2)  keep[t2]: 0 -> 1"
    assert lines(start, head + start.replace("{}", "{t1}"))[1] == " 2  Step(t1)  busy: {} -> {t1}"
    assert lines(start, head + start.replace("{}", "{r1}"))[1] == " 2  Step   busy: {} -> {r1}"


def test_threads_may_be_strings_or_numbers():
    head = "2: <Go line 1, col 1 to line 2, col 2 of module M>\n"
    assert lines('pc = [t1 |-> "a", t2 |-> "a"]', head + 'pc = [t1 |-> "a", t2 |-> "b"]')[1] == (
        ' 2  Go(t2)  pc[t2]: "a" -> "b"'
    )
    assert lines('pc = <<"a", "a">>', head + 'pc = <<"a", "b">>')[1] == ' 2  Go(2)  pc[2]: "a" -> "b"'


def test_arguments_that_tlc_prints_are_kept():
    head = "2: <Go(t9) line 1, col 1 to line 2, col 2 of module M>\n"
    assert lines('pc = <<"a", "a">>', head + 'pc = <<"a", "b">>')[1].startswith(" 2  Go(t9)  ")


def test_entries_come_and_go():
    head = "2: <Go line 1, col 1 to line 2, col 2 of module M>\n"
    assert lines("f = (a :> 1 @@ b :> 2)", head + "f = (b :> 2 @@ c :> 3)")[1] == (
        " 2  Go     f[a]: gone, was 1; f[c]: new 3"
    )
    assert lines("f = << >>", head + "f = [a |-> 1]")[1] == " 2  Go     f[a]: new 1"


def test_a_step_that_changes_nothing_says_so():
    assert lines("x = 1", "2: <Go line 1, col 1 to line 2, col 2 of module M>\nx = 1")[1] == (
        " 2  Go     (nothing changes)"
    )


def test_a_value_that_can_not_be_read_is_shown_as_it_is():
    assert lines("x = SUBSET\n  {1}") == [" 1  start  x = SUBSET {1}"]


def test_a_long_initial_state_is_wrapped():
    text = "".join(f"/\\ variable{i} = <<1, 2, 3>>\n" for i in range(20))
    wrapped = lines(text)

    assert len(wrapped) > 2
    assert max(map(len, wrapped)) <= 120
    assert " ".join(" ".join(wrapped).split()).count("<<1, 2, 3>>") == 20


def test_the_last_line_says_how_it_goes_on_for_ever():
    assert lines("x = 1", end=read_end("5: Back to state: <Pop line 18, col 3 to line 24, col 16 of module Tiny>"))[
        -1
    ] == (" 2  back to state 5")
    assert lines("x = 1", end=read_end("4: Stuttering"))[-1].startswith(" 2  stuttering")
