"""The search for an order finds one exactly if there is one, and real histories that are too long for TLC have one."""

from __future__ import annotations

import random
from dataclasses import replace
from itertools import permutations

import pytest

from tests.traces.linearizability import EVICT, MISS, PUT, TAKE, Operation, after, linearize, operations
from tests.traces.recorder import EMPTY, NONE, TIMED, Event, Settings, record

LONG = {
    Settings("long and limited", init=5, threads=8, calls=40): 2,
    Settings("long and allocating", init=2, alloc=True, threads=8, calls=40): 1,
    Settings("long and checked", init=300, check=True, threads=8, calls=40): 1,
    Settings("long with overflow", alloc=True, init=3, minsize=2, maxsize=5, threads=8, calls=40): 1,
}
SHORT = {Settings("short and limited", init=5, threads=8, calls=8): 10}
SEED = 30_000


@pytest.fixture(scope="module")
def histories():
    return record(LONG, SEED)


def initial(history):
    return tuple(range(1, history.settings.init + 1))


def is_an_order(order, todo, idle):
    """Whether each comes once, none before one that had ended when it began, and each is possible."""
    assert sorted(order, key=todo.index) == list(todo)
    for i, operation in enumerate(order):
        assert all(later.end > operation.begin for later in order[i + 1 :])
        idle = after(idle, operation)
        assert idle is not None
    return True


HAND_MADE = {
    "one after the other": ([(PUT, 1, 0, 1), (PUT, 2, 2, 3), (TAKE, 2, 4, 5), (TAKE, 1, 6, 7)], True),
    "oldest first": ([(PUT, 1, 0, 1), (PUT, 2, 2, 3), (TAKE, 1, 4, 5)], False),
    "two puts that meet, in either order": ([(PUT, 1, 0, 2), (PUT, 2, 1, 3), (TAKE, 1, 4, 5), (TAKE, 2, 6, 7)], True),
    "a take between two puts": ([(PUT, 1, 0, 1), (PUT, 2, 2, 5), (TAKE, 1, 3, 4)], True),
    "taken before it is put": ([(TAKE, 1, 0, 1), (PUT, 1, 2, 3)], False),
    "a take that waits": ([(TAKE, 1, 0, 3), (PUT, 1, 1, 2)], True),
    "taken twice": ([(PUT, 1, 0, 1), (TAKE, 1, 2, 4), (TAKE, 1, 3, 5)], False),
    "a miss while it is out": ([(PUT, 1, 0, 1), (TAKE, 1, 2, 4), (MISS, None, 3, 5)], True),
    "a miss beside what is idle": ([(PUT, 1, 0, 1), (MISS, None, 2, 3), (TAKE, 1, 4, 5)], False),
    "a miss beside what is idle all the time": (
        [(PUT, 1, 0, 1), (PUT, 2, 2, 3), (MISS, None, 4, 9), (TAKE, 2, 5, 6), (PUT, 2, 7, 8)],
        False,
    ),
    "the oldest is evicted": ([(PUT, 1, 0, 1), (PUT, 2, 2, 5), (EVICT, 1, 2, 4), (TAKE, 2, 6, 7)], True),
    "the newest is evicted": ([(PUT, 1, 0, 1), (PUT, 2, 2, 5), (EVICT, 2, 3, 4), (TAKE, 1, 6, 7)], False),
    "evicted and taken": ([(PUT, 1, 0, 1), (EVICT, 1, 2, 4), (TAKE, 1, 3, 5)], False),
    "nothing": ([], True),
}


@pytest.mark.parametrize("name", HAND_MADE)
def test_an_order_is_found_exactly_if_there_is_one(name):
    rows, possible = HAND_MADE[name]
    todo = [Operation(*row) for row in rows]

    order, stuck = linearize(todo)

    assert (stuck is None) == possible
    if possible:
        assert is_an_order(order, todo, ())


def test_the_search_agrees_with_trying_all_orders():
    rng = random.Random(SEED)
    answers = set()
    for _ in range(2000):
        stamps = rng.sample(range(20), 10)
        todo = [
            Operation(do, None if do == MISS else rng.randint(1, 2), *sorted(stamps[2 * i : 2 * i + 2]))
            for i, do in enumerate(rng.choices((PUT, TAKE, MISS, EVICT), k=5))
        ]

        order, stuck = linearize(todo)

        possible = any(brute_force(candidate) for candidate in permutations(todo))
        assert (stuck is None) == possible, todo
        assert not possible or is_an_order(order, todo, ())
        answers.add(possible)
    assert answers == {True, False}


def brute_force(order):
    state = ()
    for i, operation in enumerate(order):
        state = after(state, operation)
        if state is None or any(later.end < operation.begin for later in order[i + 1 :]):
            return False
    return True


def test_real_histories_of_many_threads_have_an_order(histories):
    for history in histories:
        todo = list(operations(history.events))
        assert len(todo) >= 120, history.origin

        order, stuck = linearize(todo, initial(history))

        assert stuck is None, f"{history.origin}: {stuck} after {len(order)} of {len(todo)}"
        assert is_an_order(order, todo, initial(history))


def test_a_corrupted_history_has_none():
    """Of short ones, as every order has to be tried to know that there is none."""
    rng = random.Random(SEED)
    tried = 0
    low = record(SHORT, SEED)
    for history in low:
        todo = list(operations(history.events))
        taken = [i for i, operation in enumerate(todo) if operation.do == TAKE]
        for i in rng.sample(taken, 3):
            again = replace(todo[i], begin=len(history.events), end=len(history.events) + 1)
            last_put = max(
                (j for j, o in enumerate(todo) if o.do == PUT and o.resource == todo[i].resource), default=-1
            )
            twice = [*todo, again] if last_put < i else todo[:last_put] + todo[last_put + 1 :] + [again]
            foreign = [*todo[:i], replace(todo[i], resource=10**6), *todo[i + 1 :]]
            for corrupt in (twice, foreign):
                order, stuck = linearize(corrupt, initial(history))
                assert stuck is not None
                assert len(order) < len(corrupt)
                tried += 1
    assert tried == 6 * len(low)


def test_what_a_pop_has_found_itself_is_not_evicted():
    events = (
        Event("pop", 1, NONE),
        Event("check", 1, 2),
        Event("checked", 1, "dead"),
        Event("check", 1, 1),
        Event("checked", 1, "Raised"),
        Event("dealloc", 1, 1),
        Event("dealloced", 1, 1),
        Event("raised", 1, "Raised"),
        Event("pop", 1, TIMED),
        Event("raised", 1, EMPTY),
    )

    assert list(operations(events)) == [
        Operation(TAKE, 2, 0, 1),
        Operation(TAKE, 1, 2, 3),
        Operation(MISS, None, 8, 9),
    ]


@pytest.mark.parametrize("events", [(Event("close", 1),), (Event("push", 1, 1),)])
def test_what_it_cannot_explain_is_refused(events):
    with pytest.raises(ValueError, match=r"closed|ended"):
        list(operations(events))
