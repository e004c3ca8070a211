"""Mistakes in the pool, the clause that each of them breaks, and the harnesses that have to notice it.

A mistake says which function it changes, and how: see `edits.py`.
"""

from __future__ import annotations

from typing import NamedTuple

from tests.support.edits import Change, Edit, body, drop, move, replace, unwrap
from tests.support.inside import (
    AGAIN,
    ALIVE,
    BAR,
    CLOSE_ALL,
    DEALLOCATE_ONCE,
    DISARM,
    END,
    EVICT,
    EXPEL,
    HOLD,
    INIT,
    LEAVE,
    LOOK,
    MAKE_EXPIRY,
    POP,
    PUSH,
    QUEUE,
    QUIT,
    REGISTER,
    SERVE,
    SETTLE,
    SHUT,
    SLOW_POP,
    TAKE,
    TAKE_OVER,
    TEND,
    WAIT,
    Definition,
)


class Mistake(NamedTuple):
    """A changed pool.

    Attributes:
        schedule: the scenario of `tests/schedule` in which it breaks the clause.
        edges: the scenario of `tests/schedule` in which it takes other steps than the model.
        bytecodes: the situation, the operation and the fault of `tests/faults` that show it.
        callbacks: the context, the callback and its fault of `tests/faults` that show it.
        replay: the model of `tests/replay`, and the step where it shows.
        soak: what `tests/load` names: which of these shows first depends on the run.
        machine: whether `tests/stateful` notices it with one thread.
        drawn: whether `tests/stateful` notices it in schedules drawn at random.
    """

    clause: str
    edits: tuple[Edit, ...]
    schedule: str = ""
    edges: str = ""
    bytecodes: tuple[str, str, str] | None = None
    callbacks: tuple[str, str, str] | None = None
    replay: tuple[str, str] | None = None
    soak: tuple[str, ...] = ()
    machine: bool = False
    drawn: bool = False


def noticed_by(harness: str) -> dict[str, Mistake]:
    """Those that a harness has to notice, by name."""
    return {name: mistake for name, mistake in MISTAKES.items() if getattr(mistake, harness)}


def _(function: Definition, *changes: Change) -> tuple[Edit, ...]:
    return tuple(Edit(function, change) for change in changes)


FOR_EVER = "a push meets a pop that waits for ever"
DOWN = "an eviction down to minsize meets a pop"
HAND_OVER = "an interrupt meets a hand-over"

NO_LAST_LOOK = _(HOLD, replace("if not self.$unsettled and _: ...", "return"))
KEEP = _(SLOW_POP, drop("if waiter.$box: self.push(...)"))
NO_PUT_BACK = _(EVICT, drop("if len(idle) < keep or _: ..."))
NOT_NOTED = _(LOOK, drop("self.$unsettled = True", 1))
NO_REMAINS = _(INIT, replace("self.$remains = _", "self.$remains = None"))
NO_REMAINS_OF_MADE = _(INIT, replace("remains = _", "remains = None"))
PUSH_ONCE = _(PUSH, unwrap("try: ...\nexcept BaseException: ..."))
DEALLOC_LOCKED = _(
    EVICT,
    replace("if not victims: $withdraw(victims)", "$deallocate(victims, self.$dealloc, self.$maxage is not None)"),
)

MISTAKES = {
    # Orders of steps.
    "no look after queueing": Mistake("P8", NO_LAST_LOOK, schedule=FOR_EVER, edges=FOR_EVER),
    "a push reads the limit before it appends": Mistake(
        "P8",
        _(
            PUSH,
            replace("self.$idle.append(resource)", "limit = self.$limit; self.$idle.append(resource)"),
            replace("len(self.$idle) > self.$limit", "len(self.$idle) > limit", 1),
        ),
        schedule=FOR_EVER,
        edges=FOR_EVER,
    ),
    "a waiter does not lower the limit": Mistake(
        "P8",
        _(
            BAR,
            replace(
                "self.$limit, self.$since, self.$barred = 0, -FOREVER, True",
                "self.$since, self.$barred = -FOREVER, True",
            ),
        ),
        schedule=FOR_EVER,
        edges=FOR_EVER,
    ),
    "a waiter does not bar the fast path": Mistake(
        "P7",
        _(
            BAR,
            replace(
                "self.$limit, self.$since, self.$barred = 0, -FOREVER, True",
                "self.$limit, self.$since = 0, -FOREVER",
            ),
        ),
        schedule="one push for a waiter and a pop",
    ),
    "a pop on the slow path takes what is for a waiter": Mistake(
        "P7",
        _(TAKE, replace("pool.$waiters or pool.$closed", "pool.$closed")),
        schedule="one push for a waiter and a pop",
    ),
    "the youngest waiter is served": Mistake(
        "P7",
        _(
            TEND,
            replace("waiters[0].$serve()", "waiters[-1].$serve()"),
            replace("waiters[0].$wake()", "waiters[-1].$wake()"),
            replace("del waiters[0]", "del waiters[-1]"),
        ),
        schedule="two pushes for two waiters",
        replay=("limited", "serve"),
    ),
    "who queues again goes to the end": Mistake(
        "P7",
        _(QUEUE, drop("while place and _ and _: ...")),
        schedule="a dead candidate queues again",
        replay=("check", "enqueue"),
    ),
    "who queues again has arrived anew": Mistake(
        "P7",
        _(
            AGAIN,
            replace(
                "following.$arrival, following.$start = self.$arrival, self.$start", "following.$start = self.$start"
            ),
        ),
        schedule="a dead candidate queues again",
    ),
    "two waiters leave the queue for one": Mistake(
        "P8", _(TEND, replace("del waiters[0]", "del waiters[:2]")), schedule="two pushes for two waiters"
    ),
    "two waiters are woken for one": Mistake(
        "P3",
        _(TEND, replace("del waiters[0]", "del waiters[0]; waiters and waiters[0].$wake()")),
        schedule="one push for two timed pops",
        replay=("limited", "settle"),
    ),
    "a waiter is woken before its box is filled": Mistake(
        "P3",
        _(
            TEND,
            replace("self.$closed or waiters[0].$serve()", "self.$closed or idle"),
            replace("waiters[0].$wake()", "waiters[0].$wake(); waiters[0].$serve()"),
        ),
        schedule="one push for a waiter and a pop",
    ),
    "a waiter is not woken": Mistake(
        "P8",
        _(TEND, drop("_.$wake()")),
        schedule=FOR_EVER,
        replay=("limited", "settle"),
        soak=("P8",),
        drawn=True,
    ),
    "who leaves stays in the queue": Mistake(
        "P9",
        _(QUIT, drop("_.$waiters.remove(self)")),
        schedule="two time out for one",
        replay=("check", "timeOut"),
    ),
    "a waiter leaves without the lock": Mistake(
        "P9", _(LEAVE, replace("_.$settle(_)", "self.$quit(())")), schedule="a push meets a timed pop"
    ),
    "who is handed something as its time is up ignores it": Mistake(
        "P9",
        _(WAIT, replace("if not self.$box: self.$leave()", "self.late = not self.$box\nif self.late: self.$leave()"))
        + KEEP
        + _(SLOW_POP, replace("waiter.$box", "waiter.$box and not getattr(waiter, 'late', False)")),
        schedule="a push meets a timed pop",
    ),
    "an interrupted waiter keeps what it was handed": Mistake(
        "P9", KEEP, schedule=HAND_OVER, replay=("interrupt", "settle"), soak=("P9",)
    ),
    "an interrupted waiter does not leave": Mistake(
        "P9",
        _(WAIT, drop("self.$abandoned = True; self.$leave()")),
        schedule=HAND_OVER,
        replay=("interrupt", "interrupt"),
    ),
    "what is handed over is taken after it was given": Mistake(
        "P9",
        _(
            SERVE,
            replace(
                "$move(self.$of_pool.$idle.pop, _)",
                "self.$box.extend((self.$of_pool.$idle[-1],)); self.$of_pool.$idle.pop()",
            ),
        ),
        schedule="two pushes for two waiters",
    ),
    "what is evicted is taken after it was given": Mistake(
        "P9",
        _(
            EVICT,
            replace(
                "self.$expel(...)",
                "$announce(victims, self.$dealloc, False); victims.append(idle[0]); idle.popleft()",
            ),
        ),
        schedule="an eviction meets a pop",
        drawn=True,
    ),
    "it evicts all": Mistake(
        "R1",
        _(TEND, replace("self.$maxsize if self.$minsize is None else self.$minsize", "0")),
        schedule="an eviction meets a pop",
        replay=("hysteresis", "overflow"),
        machine=True,
        drawn=True,
    ),
    "it evicts the newest": Mistake(
        "R1",
        _(EVICT, replace("idle.popleft", "idle.pop")),
        schedule="an eviction meets a pop",
        edges=DOWN,
        replay=("hysteresis", "evict"),
        machine=True,
    ),
    "it evicts what a waiter is for": Mistake(
        "R5",
        _(
            TEND,
            replace("_ is not None and not waiters and _", "self.$maxsize is not None and len(idle) > self.$maxsize"),
        ),
        schedule="maxsize=0 meets two timed pops",
    ),
    "what was one too many is not put back": Mistake("R1", NO_PUT_BACK, schedule=DOWN, edges=DOWN),
    "it is put back at the wrong end": Mistake(
        "P1", _(EVICT, replace("idle.extendleft", "idle.extend")), schedule="an eviction meets a pop"
    ),
    "a pop decides without the lock that nothing is idle": Mistake(
        "P3",
        _(
            POP,
            replace(
                "return self.$slow_pop(timeout)",
                """
                if timeout is None and self.$alloc is None and direct:
                    raise ResourcePoolEmpty
                return self.$slow_pop(timeout)
                """,
            ),
        ),
        schedule="pops meet an eviction down to minsize",
    ),
    "dealloc under the lock": Mistake(
        "K1",
        DEALLOC_LOCKED,
        schedule="two overflow",
        callbacks=("push", "dealloc", "slow"),
        replay=("hysteresis", "endEviction"),
        drawn=True,
    ),
    "alloc under the lock": Mistake(
        "K1",
        _(SLOW_POP, replace("return self.$alloc()", "with self.$lock: return self.$alloc()")),
        schedule="two allocate",
        callbacks=("pop that allocates", "alloc", "never returns"),
    ),
    "check under the lock": Mistake(
        "K1",
        _(
            ALIVE,
            replace("alive = check is None or _", "with self.$lock: alive = check is None or bool(check(resource))"),
        ),
        schedule="a dead candidate is handed over",
        callbacks=("waiting pop", "check", "slow"),
    ),
    "no lock": Mistake(
        "R1",
        _(HOLD, replace("lock = self.$lock", "lock = self.$lock_class()", 1), drop("if lock is not self.$lock: ...")),
        schedule="two overflow",
    ),
    "a close does not wake the waiters": Mistake(
        "P8",
        _(TEND, replace("self.$closed or waiters[0].$serve()", "waiters[0].$serve()")),
        schedule="a close meets a pop that waits for ever",
        replay=("close", "wakeClosed"),
    ),
    "a close does not bar the fast path first": Mistake(
        "L4", _(SHUT, drop("self.$bar()")), schedule="a close meets who pops, pushes and pops"
    ),
    "a close leaves what is idle": Mistake(
        "L4",
        _(TEND, replace("self.$closed or self.$clearing", "self.$clearing")) + NO_LAST_LOOK,
        schedule="a close meets a push",
        replay=("close", "evictClosed"),
        machine=True,
        drawn=True,
    ),
    "a push to a closed pool stays": Mistake(
        "L4",
        _(LOOK, drop("self.$evict(victims, 0)")),
        schedule="a close meets a push",
        replay=("close", "evictClosed"),
        machine=True,
    ),
    "a waiter queues in a closed pool": Mistake(
        "P8",
        _(QUEUE, replace("self.$box or pool.$closed", "self.$box")),
        schedule="a close meets a pop that waits for ever",
    ),
    "a push waits for the lock": Mistake(
        "K3", _(HOLD, replace("lock.acquire(False)", "lock.acquire()")), schedule="two overflow"
    ),
    "who is cut off does not tell the holder": Mistake(
        "P8",
        _(LOOK, drop("self.$unsettled = True", 2)),
        schedule="an interrupt meets a push for a waiter, and a pop has the lock",
    ),
    "a handler does not tell the holder": Mistake(
        "R1", NOT_NOTED + NO_LAST_LOOK, schedule="a handler pushes amid a push"
    ),
    "a handler tends amid its thread's work": Mistake(
        "P8", _(LOOK, drop("if self.$lock._is_owned(): ...")), schedule="a handler pushes amid a pop"
    ),
    "nothing is to call when something expires": Mistake(
        "R3",
        _(TEND, drop("self.$arm(...)")),
        schedule="a push meets a pop where something ages",
        replay=("both", "the beginning"),
        machine=True,
    ),
    "what has called is not forgotten": Mistake(
        "R3",
        _(DISARM, drop("self.$timer.clear()")),
        schedule="what is old meets a push",
        soak=("R3",),
        machine=True,
    ),
    "a pop with maxage looks at no time": Mistake(
        "R3",
        _(POP, replace("direct = now - self.$since < self.$maxage", "direct = True")),
        schedule="what is old meets a pop",
    ),
    "a younger one is evicted by age": Mistake("R2", NO_PUT_BACK, schedule="a pop meets what is old and what is new"),
    # Order of steps that no clause asks for, but the model.
    "the bar in another order": Mistake(
        "",
        _(
            BAR,
            replace(
                "self.$limit, self.$since, self.$barred = 0, -FOREVER, True",
                "self.$barred, self.$since, self.$limit = True, -FOREVER, 0",
            ),
        ),
        edges=FOR_EVER,
    ),
    "a waiter is woken twice": Mistake(
        "", _(TEND, replace("waiters[0].$wake()", "waiters[0].$wake(); waiters[0].$wake()")), edges=FOR_EVER
    ),
    # What comes between two bytecodes.
    "a hand-over is two operations": Mistake(
        "P9",
        _(SERVE, replace("$move(...)", "self.$box.append(self.$of_pool.$idle.pop())")),
        bytecodes=("waiting", "push", "interrupt"),
    ),
    "an eviction is two operations": Mistake(
        "P9",
        _(EXPEL, replace("$move(...)", "victims.append(take())")),
        bytecodes=("about to overflow", "push", "interrupt"),
    ),
    "to take a victim and to deallocate it are two operations": Mistake(
        "P9",
        _(DEALLOCATE_ONCE, replace("taken = _", "taken = [victims.popleft() for _ in range(size)]")),
        bytecodes=("idle", "close", "interrupt"),
        soak=("P9",),
    ),
    "victims are not deallocated after an interrupt": Mistake(
        "R4",
        _(SETTLE, unwrap("try: ...\nexcept BaseException: ...")),
        bytecodes=("about to overflow", "push", "interrupt"),
    ),
    "a push that is interrupted does not tend": Mistake("P8", PUSH_ONCE, bytecodes=("waiting", "push", "interrupt")),
    "an interrupted holder of the lock does not tend again": Mistake(
        "P8",
        _(LOOK, unwrap("try: ...\nexcept BaseException: ...")) + PUSH_ONCE,
        bytecodes=("waiting", "push", "interrupt"),
    ),
    "the lock is acquired and then tried": Mistake(
        "P9",
        _(
            HOLD,
            body(
                """
                def hold(self, victims, step):
                    while True:
                        lock = self.$lock
                        if step is None:
                            if not lock.acquire(False):
                                return
                        else:
                            while not lock.acquire(True, FORK_SHOWS):
                                lock = self.$lock
                        try:
                            if step is None or self.$idle:
                                self.$tend(victims)
                            if step is not None and step(victims):
                                self.$tend(victims)
                            step = None
                        finally:
                            lock.release()
                        if not self.$unsettled and len(self.$idle) <= self.$limit:
                            return
                """
            ),
        ),
        bytecodes=("about to overflow", "push", "interrupt"),
    ),
    "a finalizer's push is not noted": Mistake(
        "P8",
        _(PUSH, replace("len(self.$idle) > self.$limit", "len(self.$idle) > self.$limit > 0", 1)),
        bytecodes=("waiting", "len", "push"),
    ),
    "a call amid another one's work is not noted": Mistake(
        "R1", NOT_NOTED + NO_LAST_LOOK, bytecodes=("empty, maxsize=0", "push", "push")
    ),
    "what is made and not pooled is forgotten": Mistake(
        "P9",
        NO_REMAINS_OF_MADE + _(INIT, replace("entries = _", "entries = [made.pop() for _ in range(len(made))]")),
        bytecodes=("being made", "init and minsize", "interrupt"),
    ),
    "nothing stands in for the finalizer": Mistake("P9", NO_REMAINS, bytecodes=("idle", "end", "interrupt")),
    "what exit takes over is in no table": Mistake(
        "P9",
        _(TAKE_OVER, drop("$announce(...)"), drop("$departing[_] = _")),
        bytecodes=("overflowing", "exit", "interrupt"),
    ),
    "the expiry keeps its pool alive": Mistake(
        "L2",
        _(MAKE_EXPIRY, replace("ref(pool)", "lambda: pool")),
        bytecodes=("idle, ageing", "len", "drop"),
        soak=("L2", "L3"),
    ),
    # Callbacks.
    "what check raises on is lost": Mistake(
        "P5", _(ALIVE, drop("self.$discard(resource)")), callbacks=("pop", "check", "raises"), soak=("P9",)
    ),
    "what is dead is deallocated": Mistake(
        "P5",
        _(SLOW_POP, replace("del resource", "self.$discard(resource)")),
        callbacks=("waiting pop", "check", "falsy"),
        soak=("P5",),
    ),
    "what is allocated is checked": Mistake(
        "P5",
        _(
            SLOW_POP,
            replace("return self.$alloc()", "resource = self.$alloc(); self.$alive(resource); return resource"),
        ),
        callbacks=("pop", "check", "falsy"),
    ),
    "a dealloc that raises ends the eviction": Mistake(
        "K2", _(DEALLOCATE_ONCE, replace("$log(dealloc)", "raise")), callbacks=("close", "dealloc", "raises")
    ),
    "an interrupt in dealloc is swallowed": Mistake(
        "K2", _(DEALLOCATE_ONCE, drop("interrupt = error")), callbacks=("expiry", "dealloc", "interrupts")
    ),
    "the newest is deallocated first": Mistake(
        "K1", _(DEALLOCATE_ONCE, replace("victims.popleft", "victims.pop")), callbacks=("close", "dealloc", "ok")
    ),
    "what was made is not deallocated if alloc raises": Mistake(
        "C3",
        NO_REMAINS_OF_MADE + _(INIT, drop("$deallocate(made, dealloc)")),
        callbacks=("constructor", "alloc", "raises"),
    ),
    "the finalizer does not close": Mistake(
        "K1", NO_REMAINS + _(END, drop("if not _: self.close()")), callbacks=("collection", "dealloc", "ok")
    ),
    "the exit closes no pool": Mistake(
        "K2", _(CLOSE_ALL, replace("reversed($living())", "()")), callbacks=("exit", "dealloc", "closes")
    ),
    # What the replay takes to another state.
    "a pop takes the oldest": Mistake(
        "P1", _(POP, replace("self.$idle.pop()", "self.$idle.popleft()")), replay=("hysteresis", "take")
    ),
    "a waiter gets the oldest": Mistake(
        "P7", _(SERVE, replace("_.$idle.pop", "self.$of_pool.$idle.popleft")), replay=("limited", "serve")
    ),
    "an overflow leaves maxsize": Mistake(
        "R1",
        _(TEND, replace("self.$maxsize if self.$minsize is None else self.$minsize", "self.$maxsize")),
        replay=("hysteresis", "overflow"),
    ),
    "one more than maxsize may stay": Mistake(
        "R1",
        _(TEND, replace("len(idle) > self.$maxsize", "len(idle) > self.$maxsize + 1")),
        replay=("allocating", "overflow"),
    ),
    "the floor is one higher": Mistake(
        "R2", _(TEND, replace("self.$floor", "self.$floor + 1")), replay=("ageing", "expire")
    ),
    "there is no floor": Mistake("R2", _(TEND, replace("self.$floor", "0")), replay=("ageing", "take")),
    "what is as old as maxage stays": Mistake(
        "R2", _(EVICT, replace("now - idle[0][0] >= maxage", "now - idle[0][0] > maxage")), replay=("both", "expire")
    ),
    "overflow comes before expiry": Mistake(
        "R2",
        _(
            TEND,
            move(
                "if self.$maxage is not None: self.$evict(...)",
                before="if self.$closed or waiters: ...\nelse: ...",
            ),
        ),
        replay=("both", "expire"),
    ),
    "a dead resource is deallocated": Mistake(
        "P5",
        _(ALIVE, replace("return alive", "alive or self.$discard(resource); return alive")),
        replay=("check", "dropDead"),
    ),
    "what check raises for is dropped": Mistake(
        "P5", _(ALIVE, drop("self.$discard(resource)")), replay=("check", "checkRaises")
    ),
    "alloc is called twice": Mistake(
        "P2",
        _(SLOW_POP, replace("return self.$alloc()", "self.$alloc(); return self.$alloc()")),
        replay=("allocating", "returnAlloc"),
    ),
    # What a soak sees.
    "the clock's thread of a closed pool sleeps on": Mistake(
        "L3", _(TEND, drop("if cancel is not None: ...")), soak=("L3",)
    ),
    "a collected pool leaves something in a table": Mistake(
        "L3",
        _(REGISTER, replace("$pools.pop(key)", "$pools.pop(key, $buried.extend([key] for _ in range(99)))")),
        soak=("blocks",),
    ),
}
