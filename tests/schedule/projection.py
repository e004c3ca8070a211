"""What the code under the scheduler and the model of the algorithm have in common: one picture of both.

A picture holds what the threads share, what each thread has, and where it stands, by the labels of
spec/ResourcePoolThreads.tla. The code takes smaller steps: a label stands for all operations from the first at which a
thread can only do what the label does. What changes nothing in the picture is no step of either side.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from types import FrameType
from typing import Any, NamedTuple

from tests.schedule.oracle import Scenario
from tests.schedule.scheduler import Task
from tests.support import inside
from tests.support.inside import (
    ANEW,
    ARM,
    BAR,
    CLEAR,
    DEALLOCATE_ONCE,
    DISARM,
    EVICT,
    EXPEL,
    EXPIRE,
    HOLD,
    LEAVE,
    LEN,
    LOCKED,
    LOOK,
    POP,
    PUSH,
    QUEUE,
    QUIT,
    SERVE,
    SETTLE,
    SHUT,
    SLOW_POP,
    TAKE,
    TEND,
    UNPACK,
    WAIT,
    WAITING,
    WAKE,
)
from tests.support.places import place as place_of


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
READS = {"pop_since": POP, **dict.fromkeys(("push_len", "push_limit", "push_since"), PUSH)}
READS |= {**dict.fromkeys(EVICTING, EVICT), **dict.fromkeys(("_arm_since", "_arm_timer"), ARM)}


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

# By function and step; several where the function takes the step at several places, in the order of the code.
LABELS: dict[tuple[str, str], str | tuple[str, ...]] = {
    (POP, "now"): "pop_now",
    (POP, "read since"): "pop_since",
    (POP, "read barred"): "pop_barred",
    (POP, "pop"): "pop_pop",
    (PUSH, "now"): "out",  # what it has not read is not in its hand
    (PUSH, "append"): "push_append",
    (PUSH, "len"): "push_len",
    (PUSH, "read limit"): "push_limit",
    (PUSH, "read since"): "push_since",
    (WAIT, "latch acquire"): "_pop",
    (WAIT, "wait"): "wait",
    (WAIT, "box len"): "wait_box",
    (SLOW_POP, "box len"): "_pop_box",
    (SLOW_POP, "read closed"): "_pop_box",
    (LEN, "len"): "_pop_box",  # for the message of the exception
    (LEN, "now"): "_pop_box",
    (LEN, "read since"): "_pop_box",
    (LEN, "copy"): "_pop_box",
    (WAITING, "queue len"): "_pop_box",
    (UNPACK, "write unpacked"): "_pop_box",
    (UNPACK, "box pop"): "unpack",
    (LOOK, "read closed"): "_look",
    (LOOK, "write unsettled"): "_look",
    (LOOK, "queue len"): "_look_waiters",
    (HOLD, "acquire"): "_hold_acquire",
    (HOLD, "len"): ("_hold_idle", "_hold_len"),
    (HOLD, "release"): "_hold_release",
    (HOLD, "read unsettled"): "_hold_again",
    (HOLD, "read limit"): "_hold_limit",
    (LOCKED, "read woken"): "deallocate",
    (DEALLOCATE_ONCE, "dealloc"): "dealloc",
    (TAKE, "queue len"): "_hold_step",
    (TAKE, "read closed"): "_hold_step",
    (TAKE, "now"): "take_now",
    (QUEUE, "len"): "_hold_step",
    (QUEUE, "box len"): "_hold_queue",
    (QUEUE, "read closed"): "_hold_queue",
    (QUEUE, "now"): "_hold_queue",
    (QUEUE, "queue len"): "_hold_queue",
    (QUEUE, "queue index"): "_hold_queue",
    (QUEUE, "queue insert"): "_queue_insert",
    (QUIT, "box len"): "_quit",
    (QUIT, "read unpacked"): "_quit",
    (QUIT, "read abandoned"): "_quit",
    (QUIT, "queue contains"): "_quit",
    (QUIT, "now"): "_quit",
    (QUIT, "queue remove"): "_quit",
    (DISARM, "timer clear"): "_hold_step",
    (SHUT, "write closed"): "_shut",
    (BAR, "write limit"): "_bar_limit",
    (BAR, "write since"): "_bar_since",
    (BAR, "write barred"): "_bar_barred",
    (TEND, "write unsettled"): "_tend",
    (TEND, "now"): "_tend_now",
    (TEND, "queue len"): ("_tend_serve", "_tend_evict", "_tend_open"),
    (TEND, "read closed"): ("_tend_serve", "_tend_evict", "_tend_open", "back"),
    (TEND, "queue index"): ("_tend_serve", "wake"),
    (TEND, "queue del"): "wake_remove",
    (TEND, "read clearing"): "_tend_evict",
    (TEND, "write clearing"): "_tend_evict",
    (TEND, "len"): "_tend_evict",
    (TEND, "write barred"): "_tend_open",
    (TEND, "write limit"): "_tend_limit",
    (TEND, "timer next"): "back",
    (TEND, "timer clear"): "back",
    (SERVE, "box len"): "_tend_serve",
    (SERVE, "read unpacked"): "_tend_serve",
    (SERVE, "read abandoned"): "_tend_serve",
    (SERVE, "len"): "serve_idle",
    (SERVE, "move"): "serve_move",
    (WAKE, "latch locked"): "wake",
    (WAKE, "latch release"): "wake",
    (WAKE, "write woken"): "wake_remove",
    (EVICT, "len"): ("_evict_len", "_evict_check"),
    (EVICT, "index"): "_evict_age",
    (EVICT, "move"): "_evict_back",
    (EXPEL, "move"): "_evict_popleft",
    (ARM, "len"): "_arm_len",
    (ARM, "index"): "_arm_oldest",
    (ARM, "write limit"): "_arm_limit",
    (ARM, "write since"): ("_arm_nothing", "_arm_since"),
    (ARM, "timer len"): "_arm_timer",
    (ARM, "call_at"): "_arm_timer",
}

# What the model calls what a call is to do itself.
STEPS = {TAKE: "take", QUEUE: "queue", QUIT: "quit", SHUT: "shut", CLEAR: "clear", ANEW: "anew", DISARM: "disarm"}


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

    def place_in(self, function: str, operation: str) -> int:
        """At the how-manieth place it is where the function does this."""
        frame = self.frames[function]
        return place_of(frame.f_code, frame.f_lineno, operation)

    def place(self, aged: bool) -> str:
        """The label. One that is of no use here begins with a question mark."""
        assert self.inner is not None
        function = self.inner.f_code.co_name
        found = LABELS.get((function, self.operation))
        if isinstance(found, tuple):
            place = self.place_in(function, self.operation)
            found = found[place - 1] if 0 < place <= len(found) else None
        if found is None:
            return f"? {self.operation} in {function}"
        if HOLD not in self and LOOK in self:
            return self._place_without_the_lock(found, function)
        if function == SERVE and TEND not in self and found != "serve_move":
            return "_hold_step" if found == "_tend_serve" or QUEUE in self else found
        if function == WAKE and TEND not in self:
            if QUIT in self:
                return "_quit"
            return "_hold_queue" if found == "wake" else "_hold_release"
        if function == EXPEL and EVICT not in self:
            return "take_expel"
        if found == "_evict_check" and self.local(EVICT, inside.KEEP) == 0 and self.local(EVICT, inside.NOW) is None:
            return "_evict_len"  # it can't have been one too many
        if found == "_bar_since" and not aged:
            return "_bar_barred"
        return found

    def _place_without_the_lock(self, found: str, function: str) -> str:
        """The pool is closed, nobody waits, and that is going to stay so."""
        if function in (LOOK, EVICT, EXPEL):
            return "_evict_len" if found == "_evict_check" else found
        return "_evict_len" if (function, self.operation) == (WAKE, "write woken") else "_look_waiters"

    def step(self) -> str:
        """What it is to do itself, as far as it has not done so."""
        step = self.local(HOLD if HOLD in self else LOOK, inside.STEP)
        return "none" if step is None else STEPS[step.__name__]

    def now(self, place: str) -> Any:
        """The stamp that it has read, where it is still of use."""
        function = READS.get(place)
        return (
            self.local(function, inside.OLDEST if function == ARM else inside.NOW) if function in self.frames else None
        )

    def keep(self) -> int:
        keep: int = self.local(EVICT, inside.KEEP) if EVICT in self else 0
        return keep

    def back(self) -> str:
        """Where it goes on after it has tended, evicted or barred."""
        if TEND in self:
            first = self.place_in(HOLD, f"call {TEND}") == 1
            return "_hold_step" if first and self.step() != "none" else "_hold_release"
        if HOLD not in self:
            return "deallocate"
        if EVICT in self or EXPEL in self:
            return "take_expel"
        if BAR in self:
            return "_queue_insert" if QUEUE in self else "_shut"
        return "_hold_queue" if QUEUE in self else "_hold_release"


def of_code(scenario: Scenario, unlimited: int, new: Mapping[str, Sequence[str]]) -> Picture:
    """The picture of the pool between two steps.

    Args:
        unlimited: what the pool has for no limit.
        new: the names of what each thread makes, in this order.
    """
    pool = scenario.pool
    limit, owner = pool.raw_limit, inside.lock(pool).owner
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
    boxes = [(w.call.task.name, found) for w in pool.born for found in list.__iter__(inside.box(w))]
    timer = [cancel.start for cancel in list.__iter__(inside.timer(pool))]
    return Picture(
        tuple(deque.__iter__(inside.idle(pool))),
        UNLIMITED if limit == unlimited else limit,
        pool.raw_barred,
        pool.raw_closed,
        pool.raw_unsettled,
        tuple([None if w.call.over else w.call.task.name for w in list.__iter__(inside.waiters(pool))]),
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
        return Stand("out", calls - 1, owned | {stack.local(PUSH, inside.RESOURCE)})
    step = stack.step() if LOOK in stack else "none"
    back = stack.back() if LOOK in stack else "none"
    if place == "back":
        place = back
        if place == "_hold_step" and step == "shut":
            place, back = "_bar_limit", "_shut"
        elif place == "_hold_step" and step == "quit":
            place = "_quit"
    waiter = call and call.waiter
    if place == "wait" and inside.latch(waiter).is_free():
        place = "wait_box"
    settling = SETTLE if SETTLE in stack else EXPIRE if EXPIRE in stack else None
    victims = list(stack.local(settling, inside.VICTIMS)) if settling else []
    if stack.ends is not None:
        victims.insert(0, (scenario.stamps[stack.ends], stack.ends) if aged else stack.ends)
    waits = call is not None and call.kind in ("pop timed", "pop forever")
    latch = "locked" if waits and waiter is not None and inside.latch(waiter).held and LEAVE not in stack else "free"
    over = waiter is not None and (waiter.raw_unpacked or waiter.raw_abandoned)
    hand = None
    if place == "push_append":
        resource = stack.local(PUSH, inside.RESOURCE)
        hand = (stack.local(PUSH, inside.NOW), resource) if aged else resource
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
