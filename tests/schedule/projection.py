"""What the code under the scheduler and the model of the algorithm have in common: one picture of both.

A picture holds what the threads share, what each thread has, and where it stands, by the labels of
spec/ResourcePoolThreads.tla. The code takes smaller steps: a label stands for all operations from the first at which a
thread can only do what the label does. What changes nothing in the picture is no step of either side.
"""

from __future__ import annotations

import linecache
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from types import FrameType
from typing import Any, NamedTuple

from tests.schedule.oracle import Scenario
from tests.schedule.scheduler import Task


class Stand(NamedTuple):
    """Where a thread stands, and what only it knows. What does not matter there is None."""

    place: str  # the label
    calls: int  # how many it has begun
    owned: frozenset[str]
    hand: Any = None  # what it is about to append
    size: int | None = None  # how many were idle when it looked
    step: str | None = None  # what it is to do itself, under the lock
    back: str | None = None  # where it goes on after it has tended, evicted or barred
    keep: int | None = None  # how many its eviction leaves
    now: Any = None  # a stamp that it has read
    latch: str | None = None  # of a pop that is on its way to wait: whether it would
    over: bool | None = None  # of a pop on the slow path: whether nobody may fill its box any more
    victims: tuple[Any, ...] = ()


class Picture(NamedTuple):
    """All that is compared."""

    idle: tuple[Any, ...]  # oldest first
    limit: int | str
    barred: bool
    closed: bool
    unsettled: bool
    waiters: tuple[str | None, ...]  # None for one whose pop is over
    lock: str | None
    boxes: tuple[tuple[str, Any], ...]
    gone: frozenset[str]
    time: float | None  # this and the next two only with `maxage`
    since: float | None
    armed: float | None  # the stamp for which the clock is to call
    threads: tuple[tuple[str, Stand], ...]


CLOCK = "clock"
EXPIRY = "expiry"  # what the scheduler calls its call
UNLIMITED = "unlimited"
FOREVER = float("inf")

# Labels at which something still matters. `back` and `keep` are as in spec/MCResourcePoolThreads.tla.
EVICTING = {"_evict_len", "_evict_age", "_evict_popleft", "_evict_check", "_evict_back"}
BARRING = {"_bar_limit", "_bar_since", "_bar_barred"}
SERVING = {"serve_idle", "serve_move", "take_now", "take_expel"}
TENDING = {"_tend", "_tend_now", "_tend_serve", "wake", "wake_remove", "_tend_evict", "_tend_open", "_tend_limit"}
TENDING |= {"_arm_len", "_arm_oldest", "_arm_since", "_arm_timer", "_arm_limit", "_arm_nothing"}
GOES_BACK = EVICTING | BARRING | SERVING | TENDING
HAS_A_STEP = GOES_BACK | {"_look", "_look_waiters", "_hold_acquire", "_hold_idle", "_hold_step", "_hold_queue"}
HAS_A_STEP |= {"_queue_insert", "_shut", "_quit"}
ENDS = {"_hold_release", "_hold_again", "_hold_len", "_hold_limit", "dealloc", "deallocate"}
ON_THE_WAY = HAS_A_STEP | ENDS | {"wait"}
SLOW = ON_THE_WAY | {"wait_box", "_pop_box", "unpack"}
COUNTS = {"push_limit", "_hold_limit"}
# With `maxage`: where it has read the clock, and the function that remembers what it read.
READS = {"pop_since": "pop", **dict.fromkeys(("push_len", "push_limit", "push_since"), "push")}
READS |= {**dict.fromkeys(EVICTING, "_evict"), **dict.fromkeys(("_arm_since", "_arm_timer"), "_arm")}


# The model.


def of_model(state: Mapping[str, Any], aged: bool) -> Picture:
    """The picture of a state that TLC has printed, as `model.plain` gives it; aged: whether there is a `maxage`."""

    def entry(found: Mapping[str, Any]) -> Any:
        return (found["stamp"], found["res"]) if aged else found["res"]

    return Picture(
        tuple(map(entry, state["idle"])),
        state["limit"],
        state["barred"],
        state["closed"],
        state["unsettled"],
        tuple(None if name is None or state["timeout"][name] is None else name for name in state["waiters"]),
        state["lock"],
        tuple((name, entry(found)) for name, found in sorted(state["box"].items()) if found is not None),
        frozenset(state["gone"]),
        *((state["time"], state["since"], state["armed"]) if aged else (None, None, None)),
        tuple([(name, _stand_of_model(state, name, entry)) for name in sorted(state["pc"])]),
    )


def _stand_of_model(state: Mapping[str, Any], name: str, entry: Callable[[Mapping[str, Any]], Any]) -> Stand:
    mine = {variable: state[variable][name] for variable in OF_A_FRAME}
    place, step, back, timeout = mine["pc"], mine["step"], mine["back"], mine["timeout"]
    leaves = step in ("quit", "tend and leave")
    if step == "tend and leave":
        step = "none"  # what the code has for it
    owned = frozenset(mine["owned"])
    victims = tuple(map(entry, mine["victims"]))
    # What no operation separates from what follows or, at the end of a call, from its return.
    if place == "deallocate":
        if victims:
            place = "dealloc"
        elif timeout is None:
            place = "out"
        elif timeout == "none" or leaves:
            place = "_pop_box"
    if place == "pop_return":
        owned |= {mine["hand"]["res"]}
    if place in ("pop_return", "push_return", "left"):
        place = "out"
    elif place == "_pop" and timeout == "none":
        place, step = "_look", "take"
    elif place == "wait" and mine["latch"] == "free":
        place = "wait_box"
    elif place == "_hold_idle" and step == "none":
        place, back = "_tend", "_hold_release"
    elif place == "_hold_step" and step == "shut":
        place, back = "_bar_limit", "_shut"
    elif place == "_hold_step" and step == "quit":
        place = "_quit"
    elif place == "serve_idle" and back == "_hold_queue":
        place = "_hold_step"
    latch = "free" if leaves else mine["latch"]
    waits = timeout in ("timed", "forever")
    return Stand(
        place,
        state["begun"][name],
        owned,
        hand=entry(mine["hand"]) if place == "push_append" else None,
        size=mine["len"] if place in COUNTS else None,
        step=step if place in HAS_A_STEP else None,
        back=back if place in GOES_BACK else None,
        keep=mine["keep"] if place in EVICTING else None,
        now=mine["read"] if place in READS else None,
        latch=latch if waits and place in ON_THE_WAY else None,
        over=mine["over"] if timeout is not None and place in SLOW else None,
        victims=victims,
    )


OF_A_FRAME = ("pc", "step", "back", "timeout", "owned", "victims", "hand", "latch", "len", "keep", "over", "read")


# The code.

LABELS: dict[tuple[str, str], str | dict[str, str]] = {
    ("pop", "now"): "pop_now",
    ("pop", "read _since"): "pop_since",
    ("pop", "read _barred"): "pop_barred",
    ("pop", "pop"): "pop_pop",
    ("push", "now"): "out",  # what it has not read is not in its hand
    ("push", "append"): "push_append",
    ("push", "len"): "push_len",
    ("push", "read _limit"): "push_limit",
    ("push", "read _since"): "push_since",
    ("wait", "latch acquire"): "_pop",
    ("wait", "wait"): "wait",
    ("wait", "box len"): "wait_box",
    ("_pop", "box len"): "_pop_box",
    ("_pop", "read _closed"): "_pop_box",
    ("__len__", "len"): "_pop_box",  # for the message of the exception
    ("__len__", "now"): "_pop_box",
    ("__len__", "read _since"): "_pop_box",
    ("__len__", "copy"): "_pop_box",
    ("waiting", "queue len"): "_pop_box",
    ("unpack", "write _unpacked"): "_pop_box",
    ("unpack", "box pop"): "unpack",
    ("_look", "read _closed"): "_look",
    ("_look", "write _unsettled"): "_look",
    ("_look", "queue len"): "_look_waiters",
    ("_hold", "acquire"): "_hold_acquire",
    ("_hold", "len"): {"if step is None": "_hold_idle", "if not self._unsettled": "_hold_len"},
    ("_hold", "release"): "_hold_release",
    ("_hold", "read _unsettled"): "_hold_again",
    ("_hold", "read _limit"): "_hold_limit",
    ("locked", "read _woken"): "deallocate",
    ("_deallocate", "dealloc"): "dealloc",
    ("take", "queue len"): "_hold_step",
    ("take", "read _closed"): "_hold_step",
    ("take", "now"): "take_now",
    ("_queue", "len"): "_hold_step",
    ("_queue", "box len"): "_hold_queue",
    ("_queue", "read _closed"): "_hold_queue",
    ("_queue", "now"): "_hold_queue",
    ("_queue", "queue len"): "_hold_queue",
    ("_queue", "queue index"): "_hold_queue",
    ("_queue", "queue insert"): "_queue_insert",
    ("_quit", "box len"): "_quit",
    ("_quit", "read _unpacked"): "_quit",
    ("_quit", "queue contains"): "_quit",
    ("_quit", "now"): "_quit",
    ("_quit", "queue remove"): "_quit",
    ("_disarm", "timer clear"): "_hold_step",
    ("_shut", "write _closed"): "_shut",
    ("_bar", "write _limit"): "_bar_limit",
    ("_bar", "write _since"): "_bar_since",
    ("_bar", "write _barred"): "_bar_barred",
    ("_tend", "write _unsettled"): "_tend",
    ("_tend", "now"): "_tend_now",
    ("_tend", "queue len"): {
        "while waiters": "_tend_serve",
        "elif self._maxsize": "_tend_evict",
        "if self._closed or waiters": "_tend_open",
    },
    ("_tend", "read _closed"): {
        "while waiters": "_tend_serve",
        "if self._closed or self._clearing": "_tend_evict",
        "if self._closed or waiters": "_tend_open",
        "if self._closed:": "back",
    },
    ("_tend", "queue index"): {"while waiters": "_tend_serve", "waiters[0].wake()": "wake"},
    ("_tend", "queue del"): "wake_remove",
    ("_tend", "read _clearing"): "_tend_evict",
    ("_tend", "write _clearing"): "_tend_evict",
    ("_tend", "len"): "_tend_evict",
    ("_tend", "write _barred"): "_tend_open",
    ("_tend", "write _limit"): "_tend_limit",
    ("_tend", "timer next"): "back",
    ("_tend", "timer clear"): "back",
    ("serve", "box len"): "_tend_serve",
    ("serve", "read _unpacked"): "_tend_serve",
    ("serve", "read _abandoned"): "_tend_serve",
    ("serve", "len"): "serve_idle",
    ("serve", "move"): "serve_move",
    ("wake", "latch locked"): "wake",
    ("wake", "latch release"): "wake",
    ("wake", "write _woken"): "wake_remove",
    ("_evict", "len"): {"while len(idle)": "_evict_len", "if len(idle)": "_evict_check"},
    ("_evict", "index"): "_evict_age",
    ("_evict", "move"): "_evict_back",
    ("_expel", "move"): "_evict_popleft",
    ("_arm", "len"): "_arm_len",
    ("_arm", "index"): "_arm_oldest",
    ("_arm", "write _limit"): "_arm_limit",
    ("_arm", "write _since"): {"self._since = FOREVER": "_arm_nothing", "self._since = oldest": "_arm_since"},
    ("_arm", "timer len"): "_arm_timer",
    ("_arm", "call_at"): "_arm_timer",
}


class Stack:
    """The frames of a thread that are in the pool, by function."""

    def __init__(self, scenario: Scenario, task: Task) -> None:
        folder = scenario.package.__path__[0]
        self.operation = task.operation
        self.inner: FrameType | None = None
        self.frames: dict[str, FrameType] = {}
        self.ends: str | None = None  # what the callback has been called with
        for frame in scenario.scheduler.frames(task, ""):
            code = frame.f_code
            if code.co_filename.startswith(folder):
                self.inner = self.inner or frame
                self.frames.setdefault(code.co_name, frame)
            elif code.co_name == "_dealloc" and self.inner is None:
                self.ends = frame.f_locals["resource"]

    def __contains__(self, function: str) -> bool:
        return function in self.frames

    def local(self, function: str, name: str) -> Any:
        return self.frames[function].f_locals[name]

    def line(self, function: str, above: int = 0) -> str:
        frame = self.frames[function]
        return linecache.getline(frame.f_code.co_filename, frame.f_lineno - above).strip()

    def place(self, aged: bool) -> str:
        """The label. One that is of no use here begins with a question mark."""
        assert self.inner is not None
        function = self.inner.f_code.co_name
        found = LABELS.get((function, self.operation))
        if isinstance(found, dict):
            line = self.line(function)
            found = next((label for start, label in found.items() if line.startswith(start)), None)
        if found is None:
            return f"? {self.operation} in {function}: {self.line(function)}"
        if "_hold" not in self and "_look" in self:
            return self._place_without_the_lock(found, function)
        if function == "serve" and "_tend" not in self and found != "serve_move":
            return "_hold_step" if found == "_tend_serve" or "_queue" in self else found
        if function == "wake" and "_tend" not in self:
            if "_quit" in self:
                return "_quit"
            return "_hold_queue" if found == "wake" else "_hold_release"
        if function == "_expel" and "_evict" not in self:
            return "take_expel"
        if found == "_evict_check" and self.local("_evict", "keep") == 0 and self.local("_evict", "now") is None:
            return "_evict_len"  # it can't have been one too many
        if found == "_bar_since" and not aged:
            return "_bar_barred"
        return found

    def _place_without_the_lock(self, found: str, function: str) -> str:
        """The pool is closed, nobody waits, and that is going to stay so."""
        if function in ("_look", "_evict", "_expel"):
            return "_evict_len" if found == "_evict_check" else found
        return "_evict_len" if (function, self.operation) == ("wake", "write _woken") else "_look_waiters"

    def step(self) -> str:
        """What it is to do itself, as far as it has not done so."""
        step = self.local("_hold" if "_hold" in self else "_look", "step")
        return "none" if step is None else step.__name__.lstrip("_")

    def now(self, place: str) -> Any:
        """The stamp that it has read, where it is still of use."""
        function = READS.get(place)
        return self.local(function, "oldest" if function == "_arm" else "now") if function in self.frames else None

    def keep(self) -> int:
        keep: int = self.local("_evict", "keep") if "_evict" in self else 0
        return keep

    def back(self) -> str:
        """Where it goes on after it has tended, evicted or barred."""
        if "_tend" in self:
            first = self.line("_hold", above=1).startswith("if step is None")
            return "_hold_step" if first and self.step() != "none" else "_hold_release"
        if "_hold" not in self:
            return "deallocate"
        if "_evict" in self or "_expel" in self:
            return "take_expel"
        if "_bar" in self:
            return "_queue_insert" if "_queue" in self else "_shut"
        return "_hold_queue" if "_queue" in self else "_hold_release"


def of_code(scenario: Scenario, unlimited: int, new: Mapping[str, Sequence[str]]) -> Picture:
    """The picture of the pool between two steps.

    Args:
        unlimited: what the pool has for no limit.
        new: the names of what each thread makes, in this order.
    """
    pool = scenario.pool
    limit, owner = pool.raw_limit, pool._lock.owner
    aged = scenario.maxage is not None
    left = {thread: [name for name in names if name not in scenario.made] for thread, names in new.items()}
    threads = {CLOCK: Stand("out", 0, frozenset())}
    for task in scenario.scheduler.tasks:
        if task.name != EXPIRY:
            threads[task.name] = _stand_of_code(scenario, task, left.get(task.name, []))
        elif task.started and not task.done:
            # There would be two if one called while another is still at work.
            name = CLOCK if threads[CLOCK].place == "out" else f"{CLOCK} {task.index}"
            threads[name] = _stand_of_code(scenario, task, left.get(task.name, []))
    boxes = [(w.call.task.name, found) for w in pool.born for found in list.__iter__(w.box)]
    timer = [cancel.start for cancel in list.__iter__(pool._timer)]
    return Picture(
        tuple(deque.__iter__(pool._idle)),
        UNLIMITED if limit == unlimited else limit,
        pool.raw_barred,
        pool.raw_closed,
        pool.raw_unsettled,
        tuple([None if w.call.over else w.call.task.name for w in list.__iter__(pool._waiters)]),
        owner and (CLOCK if owner.name == EXPIRY else owner.name),
        tuple(sorted(boxes)),
        frozenset(scenario.gone),
        *((scenario.clock.time, pool.raw_since, timer[0] if timer else None) if aged else (None, None, None)),
        tuple(sorted(threads.items())),
    )


def _stand_of_code(scenario: Scenario, task: Task, left: Sequence[str]) -> Stand:
    """Where the thread stands, which is yet to make those that are left."""
    call, aged = task.call, scenario.maxage is not None
    stack = Stack(scenario, task)
    if task.name == EXPIRY:
        calls, owned = 0, frozenset[str]()
    else:
        number = int(task.name[1:]) - 1 + (len(scenario.threads) if task.name.startswith("H") else 0)
        calls = len(scenario.outcomes[number]) + (call is not None)
        owned = frozenset([*scenario.held[number], *left])
    if stack.inner is None or (call is None and task.name != EXPIRY):
        return Stand("out", calls, owned)
    place = stack.place(aged)
    if place == "out":
        return Stand("out", calls - 1, owned | {stack.local("push", "resource")})
    step = stack.step() if "_look" in stack else "none"
    back = stack.back() if "_look" in stack else "none"
    if place == "back":
        place = back
        if place == "_hold_step" and step == "shut":
            place, back = "_bar_limit", "_shut"
        elif place == "_hold_step" and step == "quit":
            place = "_quit"
    waiter = call and call.waiter
    if place == "wait" and waiter._latch.is_free():
        place = "wait_box"
    settling = "_settle" if "_settle" in stack else "__call__" if "__call__" in stack else None
    victims = list(stack.local(settling, "victims")) if settling else []
    if stack.ends is not None:
        victims.insert(0, (scenario.stamps[stack.ends], stack.ends) if aged else stack.ends)
    waits = call is not None and call.kind in ("pop timed", "pop forever")
    latch = "locked" if waits and waiter is not None and waiter._latch.held and "leave" not in stack else "free"
    over = waiter is not None and (waiter.raw_unpacked or waiter.raw_abandoned)
    hand = None
    if place == "push_append":
        resource = stack.local("push", "resource")
        hand = (stack.local("push", "now"), resource) if aged else resource
    return Stand(
        place,
        calls,
        owned,
        hand=hand,
        size=task.size if place in COUNTS else None,
        step=step if place in HAS_A_STEP else None,
        back=back if place in GOES_BACK else None,
        keep=stack.keep() if place in EVICTING else None,
        now=stack.now(place) if aged else None,
        latch=latch if waits and place in ON_THE_WAY else None,
        over=over if waiter is not None and place in SLOW else None,
        victims=tuple(victims),
    )
