"""TLC's values: reading them, and writing them as they were."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spec.values import Function, Interval, Name, Record, Sequence, Set, Text, parse, show

PRINTED = [
    "0",
    "-3",
    "TRUE",
    "None",
    "r1",
    '""',
    '"out"',
    r'"a\"b\\c\n"',
    "{}",
    "{t1, t2}",
    "1..3",
    "-1..2",
    "<<>>",
    "<< >>",
    "<<<<>>, << >>>>",
    '<<0, "a", TRUE, -3>>',
    "[r |-> r1, age |-> 0]",
    "<<[r |-> r1, age |-> 0], [r |-> r2, age |-> 1]>>",
    '(t1 :> "out" @@ t2 :> "pushed")',
    "(<<t1, r1>> :> {} @@ <<t2, r1>> :> {<<1, {2}>>})",
    '("a b" :> 1 @@ "" :> 2)',
    "(0 :> (a :> 1 @@ b :> [x |-> <<>>]))",
]

NAMES = st.from_regex(r"[A-Za-z_]\w{0,5}", fullmatch=True)
INTEGERS = st.integers(-(2**31), 2**31 - 1)
VALUES = st.recursive(
    INTEGERS | NAMES.map(Name) | st.text().map(Text) | st.builds(Interval, INTEGERS, INTEGERS),
    lambda items: (
        st.lists(items, max_size=3).map(tuple).map(Set)
        | st.lists(items, max_size=3).map(tuple).map(Sequence)
        | st.lists(st.tuples(NAMES, items), min_size=1, max_size=3).map(tuple).map(Record)
        | st.lists(st.tuples(items, items), max_size=3).map(tuple).map(Function)
    ),
    max_leaves=12,
)


@pytest.mark.parametrize("text", PRINTED)
def test_what_tlc_prints_is_written_as_it_was_read(text):
    assert show(parse(text)) == text


@given(VALUES)
def test_any_value_is_read_as_it_was_written(value):
    assert parse(show(value)) == value


def test_lines_are_broken_anywhere():
    assert parse('( t1 :> "a" @@\n  t2 :>\n    <<1,\n 2>> )') == Function(
        ((Name("t1"), Text("a")), (Name("t2"), Sequence((1, 2))))
    )


def test_a_number_is_no_truth():
    assert parse("<<1, TRUE>>") == Sequence((1, Name("TRUE")))


@pytest.mark.parametrize(
    "text", ["", "<<1", "{1, }", "[a -> 1]", "(a :> 1", "()", "1 2", "1..", '"open', "SUBSET {1}", "[S -> T]", "%"]
)
def test_what_is_no_value_is_refused(text):
    with pytest.raises(ValueError, match=r"expected|no part|invalid literal"):
        parse(text)
