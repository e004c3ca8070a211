"""Is the scheduler sound? It has to find as many orders as there are, and bugs that were put there."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from math import factorial
from typing import Any

import pytest

from tests.schedule.scheduler import BACKENDS, Deadlock, Scheduler, Task, Violation, read, written
from tests.schedule.seam import Seam
from tests.schedule.search import replay, sample, search, shortest, trace


class Toy:
    """Some functions that run at the same time, made anew for each run by a function of the seam.

    That returns the functions, what tells the shared state, and what checks the end.
    """

    def __init__(self, make: Callable[[Seam], Any], threads: Any = BACKENDS[0]) -> None:
        self.make = make
        self.scheduler = Scheduler(threads)
        self.seam = Seam(self.scheduler)
        self.states: set[Hashable] = set()

    def build(self, scheduler: Scheduler) -> Callable[[], None]:
        functions, self.shared, finish = self.make(self.seam)
        for number, function in enumerate(functions):
            scheduler.spawn(function, f"T{number + 1}")
        return finish

    def observe(self) -> None:
        self.states.add(self.shared())

    def state(self) -> int:
        return hash(self.shared())

    def search(self, **kwargs: Any) -> Any:
        return search(self, self.scheduler, **kwargs)


class Cell:
    """A variable that threads share; to read and to write it are steps."""

    def __init__(self, seam: Seam, value: Any) -> None:
        self._step, self.value = seam.scheduler.step, value

    def get(self) -> Any:
        task = self._step("get")
        task.saw(self.value)
        return self.value

    def set(self, value: Any) -> None:
        task = self._step("set")
        self.value = value
        task.saw("set")


def nothing() -> None:
    pass


def steps(threads, each, log=None):
    """Threads that take so many steps each."""

    def make(seam):
        taken = []

        def thread(number):
            def run():
                for _ in range(each):
                    seam.scheduler.step("step").saw("step")
                    taken.append(number)

            return run

        def finish():
            if log is not None:
                log.append(tuple(taken))

        return [thread(number) for number in range(threads)], lambda: tuple(taken), finish

    return make


def critical_sections(threads, each, log):
    """Threads that take turns with a lock."""

    def make(seam):
        lock, taken = seam.Lock(), []

        def thread(number):
            def run():
                for _ in range(each):
                    with lock:
                        taken.append(number)

            return run

        return (
            [thread(number) for number in range(threads)],
            lambda: (tuple(taken), lock.depth),
            lambda: log.append(tuple(taken)),
        )

    return make


def lost_update(locked):
    def make(seam):
        cell, lock = Cell(seam, 0), seam.Lock()

        def add():
            if locked:
                with lock:
                    cell.set(cell.get() + 1)
            else:
                cell.set(cell.get() + 1)

        def finish():
            if cell.value != 2:
                raise Violation(f"an update is lost: {cell.value}")

        return [add, add], lambda: (cell.value, lock.owner and lock.owner.index), finish

    return make


def abba(ordered):
    def make(seam):
        a, b = seam.Lock(), seam.Lock()

        def one():
            with a, b:
                pass

        def other():
            first, second = (a, b) if ordered else (b, a)
            with first, second:
                pass

        return [one, other], lambda: (a.owner and a.owner.index, b.owner and b.owner.index), nothing

    return make


def twice(again):
    """A latch that its owner acquires once more."""

    def make(seam):
        latch = seam.Latch()

        def one():
            with latch:
                if again:
                    latch.acquire()

        return [one, one], lambda: latch.held, nothing

    return make


def wake_up(rechecks):
    """Who waits announces that, and sleeps; who sets the flag wakes whoever is announced."""

    def make(seam):
        flag, announced, latch = Cell(seam, False), Cell(seam, False), seam.Latch()
        latch.held = True

        def waiter():
            if flag.get():
                return
            announced.set(True)
            if rechecks and flag.get():
                return
            latch.acquire()

        def setter():
            flag.set(True)
            if announced.get():
                latch.release()

        return [waiter, setter], lambda: (flag.value, announced.value, latch.held), nothing

    return make


def last_item(rechecks):
    """Two consumers look without the lock, take it, and then take the item."""

    def make(seam):
        items, lock = seam.Deque(["item"]), seam.Lock()

        def consumer():
            if items:
                with lock:
                    if not rechecks or items:
                        items.pop()

        return [consumer, consumer], lambda: (tuple(items), lock.owner and lock.owner.index), nothing

    return make


BUGS = {
    "lost update": (lost_update, Violation),
    "ABBA": (abba, Deadlock),
    "deadlock": (lambda right: twice(not right), Deadlock),
    "lost wake-up": (wake_up, Deadlock),
    "missed re-check": (last_item, IndexError),
}


@pytest.mark.parametrize(("threads", "each", "orders"), [(2, 2, 6), (3, 2, 90), (2, 5, 252), (4, 2, 2520)])
def test_steps_are_taken_in_every_order_once(threads, each, orders):
    log = []
    found = Toy(steps(threads, each, log)).search(prune=False)
    assert orders == factorial(threads * each) // factorial(each) ** threads
    assert found.runs == len(log) == len(set(log)) == orders
    assert found.exhausted


@pytest.mark.parametrize(("threads", "each", "orders"), [(2, 2, 6), (3, 2, 90), (2, 5, 252)])
def test_a_lock_is_taken_in_every_order_once(threads, each, orders):
    log = []
    found = Toy(critical_sections(threads, each, log)).search(prune=False)
    assert found.runs == len(log) == len(set(log)) == orders


@pytest.mark.parametrize("threads", BACKENDS)
def test_real_threads_find_every_order_too(threads):
    log = []
    assert Toy(steps(3, 2, log), threads).search(prune=False).runs == 90
    assert len(set(log)) == 90


@pytest.mark.parametrize(("bound", "orders"), [(0, 2), (1, 10), (2, 42)])
def test_a_bound_admits_the_orders_with_so_few_preemptions(bound, orders):
    log = []
    Toy(steps(2, 5, log)).search(prune=False, bound=bound)
    assert len(log) == len(set(log)) == orders
    assert orders == sum(preemptions(order) <= bound for order in all_orders())


def all_orders():
    log = []
    Toy(steps(2, 5, log)).search(prune=False)
    return log


def preemptions(order):
    """How often a thread that has steps left does not take the next one."""
    return sum(order[i] != order[i + 1] and order[i] in order[i + 1 :] for i in range(len(order) - 1))


@pytest.mark.parametrize("name", BUGS)
def test_a_bug_is_found_and_its_correction_passes(name):
    bug, kind = BUGS[name]
    toy = Toy(bug(False))
    assert isinstance(toy.search().failure.error, kind)
    found = Toy(bug(True)).search()
    assert found.exhausted
    assert found.failure is None


@pytest.mark.parametrize("name", BUGS)
@pytest.mark.parametrize("prune", [False, True])
def test_a_bug_replays_100_times_out_of_100(name, prune):
    bug, _ = BUGS[name]
    toy = Toy(bug(False))
    failure = toy.search(prune=prune).failure
    schedule = read(written(failure.choices))
    for _ in range(100):
        error = replay(toy, toy.scheduler, schedule)
        assert (type(error), str(error)) == (type(failure.error), str(failure.error))
        assert tuple(toy.scheduler.choices) == failure.choices


@pytest.mark.parametrize("name", BUGS)
@pytest.mark.parametrize("right", [False, True])
def test_what_is_pruned_has_been_visited_otherwise(name, right):
    bug, _ = BUGS[name]
    seen = []
    for prune in False, True:
        toy = Toy(bug(right))
        found = toy.search(prune=prune, failures=1000)
        assert found.exhausted
        seen.append((toy.states, {str(failure.error) for failure in found.failures}))
        seen[-1] += (found.runs,)
    assert seen[0][:2] == seen[1][:2]
    assert seen[1][2] <= seen[0][2]


@pytest.mark.parametrize("name", BUGS)
def test_both_kinds_of_threads_give_the_same_traces(name):
    pytest.importorskip("greenlet")
    bug, _ = BUGS[name]
    for right in False, True:
        toys = [Toy(bug(right), threads) for threads in BACKENDS]
        for seed in range(10):
            sample(toys[0], toys[0].scheduler, 1, seed)
            choices = toys[0].scheduler.choices
            traces = [trace(toy, toy.scheduler, choices, __file__) for toy in toys]
            assert traces[0] == traces[1]
            assert len(traces[0]) >= len(choices)


def test_the_shortest_failure_needs_as_few_preemptions_as_possible():
    toy = Toy(lost_update(False))
    failure = shortest(toy, toy.scheduler)
    assert failure.preemptions == 1
    assert len(failure.choices) == 4


def test_a_trace_names_the_thread_the_function_the_operation_and_the_line():
    toy = Toy(abba(False))
    lines = trace(toy, toy.scheduler, toy.search().failure.choices, __file__)
    assert lines[0].split(None, 3) == ["T1", "one", "acquire", "with a, b:"]
    assert lines[-1] == "Deadlock: deadlock: T1 at acquire, T2 at acquire"


def test_an_endless_loop_is_reported():
    def make(seam):
        cell = Cell(seam, False)

        def spin():
            while not cell.get():
                pass

        return [spin], lambda: cell.value, nothing

    toy = Toy(make)
    assert "no end" in str(toy.search(prune=False).failure.error)


def test_an_exception_of_a_thread_is_a_failure():
    def make(seam):
        def fail():
            seam.scheduler.step("step")
            raise ZeroDivisionError

        return [fail, fail], lambda: 0, nothing

    assert isinstance(Toy(make).search().failure.error, ZeroDivisionError)


@pytest.mark.parametrize("prune", [False, True])
def test_an_observer_sees_both_ends_of_every_transition(prune):
    log = []
    toy, seen = Toy(steps(2, 3, log)), set()
    before = None

    def observe(task: Task | None) -> None:
        nonlocal before
        now = toy.shared()
        if task is not None:
            seen.add((before, task.name, now))
        before = now

    toy.search(prune=prune, observe=observe)
    assert seen == {(order[:i], f"T{order[i] + 1}", order[: i + 1]) for order in log for i in range(len(order))}


def test_a_schedule_can_be_written_and_read():
    assert written([0, 0, 0, 1, 0]) == "0*3 1 0"
    assert read("0*3 1 0") == [0, 0, 0, 1, 0]
