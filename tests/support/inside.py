"""The names of what is private in `src/`. The other tests have them from here, so a rename changes this file only.

`$idle` in a snippet of code stands for what `IDLE` is here, see `translate`.
"""

from __future__ import annotations

import importlib
import inspect
import re
import sys
from operator import attrgetter
from types import ModuleType
from typing import Any

PACKAGE = "ya.resourcepool"


class Definition(str):
    """The name of what a module defines, with the module and its full name there."""

    module: str
    path: str

    def __new__(cls, module: str, path: str) -> Definition:
        self = super().__new__(cls, path.rpartition(".")[2])
        self.module, self.path = module, path
        return self


# Modules.

POOL_PY = "_pool"
WAITER_PY = "_waiter"
VICTIMS_PY = "_victims"
LIFECYCLE_PY = "_lifecycle"
MOVES_PY = "_moves"
CLOCKS_PY = "_clocks"
MANUAL_PY = "_manual"

# Of the pool: what it is made with, its seam, what its threads share.

ALLOC, DEALLOC, CHECK = "_alloc", "_dealloc", "_check"
MINSIZE, MAXSIZE, MAXAGE, FLOOR = "_minsize", "_maxsize", "_maxage", "_floor"
CLOCK = "_clock"
EXPIRY = "_expiry"
REMAINS = "_remains"

DEQUE_CLASS, LOCK_CLASS, LATCH_CLASS = "_deque", "_rlock", "_latch"

LOCK = "_lock"
IDLE = "_idle"
WAITERS = "_waiters"
TIMER = "_timer"
ARRIVALS = "_arrivals"
LIMIT = "_limit"
BARRED = "_barred"
SINCE = "_since"
CLOSED = "_closed"
UNSETTLED = "_unsettled"
CLEARING = "_clearing"

# Of a waiter. `acquire`, `locked` and `leave` are promised to clocks (T2).

BOX = "box"
OF_POOL = "_pool"
LATCH = "_latch"
WOKEN = "_woken"
UNPACKED = "_unpacked"
ABANDONED = "_abandoned"
ARRIVAL = "_arrival"
START = "_start"

# What steps are named after.

SHARED = {
    "limit": LIMIT,
    "barred": BARRED,
    "since": SINCE,
    "closed": CLOSED,
    "unsettled": UNSETTLED,
    "clearing": CLEARING,
}
OF_A_WAITER = {"woken": WOKEN, "unpacked": UNPACKED, "abandoned": ABANDONED}

# What modules define.

UNLIMITED = Definition(POOL_PY, "UNLIMITED")
WAITER_CLASS = Definition(WAITER_PY, "Waiter")
REMAINS_CLASS = Definition(VICTIMS_PY, "Remains")
DEPARTING = Definition(VICTIMS_PY, "_departing")
POOLS = Definition(LIFECYCLE_PY, "_pools")
PROCESS = Definition(LIFECYCLE_PY, "_process")
BURIED = Definition(LIFECYCLE_PY, "_buried")
SYSTEM_CLOCK = Definition(CLOCKS_PY, "SystemClock")
ALARM = Definition(CLOCKS_PY, "_Alarm")
EVENT = Definition(MANUAL_PY, "_Event")

# Of clocks.

TIMES = "_times"
EVENTS = "_events"
BLOCKED = "_blocked"
CLOCK_LOCK = "_lock"
RINGING = "_ringing"

# Functions.

INIT = Definition(POOL_PY, "ResourcePool.__init__")
POP = Definition(POOL_PY, "ResourcePool.pop")
PUSH = Definition(POOL_PY, "ResourcePool.push")
LEN = Definition(POOL_PY, "ResourcePool.__len__")
WAITING = Definition(POOL_PY, "ResourcePool.waiting")
END = Definition(POOL_PY, "ResourcePool.__del__")
SLOW_POP = Definition(POOL_PY, "ResourcePool._pop")
ALIVE = Definition(POOL_PY, "ResourcePool._alive")
DISCARD = Definition(POOL_PY, "ResourcePool._discard")
SETTLE = Definition(POOL_PY, "ResourcePool._settle")
LOOK = Definition(POOL_PY, "ResourcePool._look")
HOLD = Definition(POOL_PY, "ResourcePool._hold")
TEND = Definition(POOL_PY, "ResourcePool._tend")
EVICT = Definition(POOL_PY, "ResourcePool._evict")
EXPEL = Definition(POOL_PY, "ResourcePool._expel")
BAR = Definition(POOL_PY, "ResourcePool._bar")
ARM = Definition(POOL_PY, "ResourcePool._arm")
SHUT = Definition(POOL_PY, "ResourcePool._shut")
ANEW = Definition(POOL_PY, "ResourcePool._anew")
CLEAR = Definition(POOL_PY, "ResourcePool._clear")
DISARM = Definition(POOL_PY, "ResourcePool._disarm")
MAKE_EXPIRY = Definition(POOL_PY, "_Expiry.__init__")
EXPIRE = Definition(POOL_PY, "_Expiry.__call__")

AGAIN = Definition(WAITER_PY, "Waiter.again")
SERVE = Definition(WAITER_PY, "Waiter.serve")
WAKE = Definition(WAITER_PY, "Waiter.wake")
LOCKED = Definition(WAITER_PY, "Waiter.locked")
UNPACK = Definition(WAITER_PY, "Waiter.unpack")
WAIT = Definition(WAITER_PY, "Waiter.wait")
LEAVE = Definition(WAITER_PY, "Waiter.leave")
TAKE = Definition(WAITER_PY, "Waiter.take")
QUEUE = Definition(WAITER_PY, "Waiter._queue")
QUIT = Definition(WAITER_PY, "Waiter.quit")

ANNOUNCE = Definition(VICTIMS_PY, "announce")
WITHDRAW = Definition(VICTIMS_PY, "withdraw")
TAKE_OVER = Definition(VICTIMS_PY, "take_over")
DEALLOCATE = Definition(VICTIMS_PY, "deallocate")
DEALLOCATE_ONCE = Definition(VICTIMS_PY, "_deallocate")
LOG = Definition(VICTIMS_PY, "_log")
MAKE_REMAINS = Definition(VICTIMS_PY, "Remains.__init__")

REGISTER = Definition(LIFECYCLE_PY, "register")
CLOSE_ALL = Definition(LIFECYCLE_PY, "_close_all")
LIVING = Definition(LIFECYCLE_PY, "_living")

MOVE = Definition(MOVES_PY, "move")
RING = Definition(CLOCKS_PY, "SystemClock._ring")

# Variables and arguments of functions that the model knows, too.

STEP = "step"  # of LOOK and HOLD
VICTIMS = "victims"  # of SETTLE and EXPIRE
KEEP, NOW = "keep", "now"  # of EVICT; the latter also of POP and PUSH
OLDEST = "oldest"  # of ARM
RESOURCE = "resource"  # of PUSH

# Where a pop or a push has its resource in a variable of its own, or is entered with it.
HOLDERS = {POP, PUSH, "now", "__enter__", "__exit__", UNPACK, SLOW_POP, ALIVE, DISCARD, DEALLOCATE}


def translate(snippet: str) -> str:
    """Replace `$name` by what the constant of that name is here."""
    return re.sub(r"\$(\w+)", lambda found: str(globals()[found[1].upper()]), snippet)


def module(name: str, package: ModuleType | None = None) -> Any:
    """A module of the package, or of a private copy."""
    return importlib.import_module(f"{PACKAGE if package is None else package.__name__}.{name}")


def source(name: str) -> str:
    """The text of a module of the package."""
    return inspect.getsource(module(name))


def get(name: Definition, package: ModuleType | None = None) -> Any:
    """What the package defines under this name, or a private copy."""
    return attrgetter(name.path)(module(name.module, package))


def put(name: Definition, value: Any, package: ModuleType) -> None:
    """Have all modules of a private copy that define or import it have something else."""
    for key, found in list(sys.modules.items()):
        if key.startswith(f"{package.__name__}.") and name in vars(found):
            setattr(found, name, value)


def patch(monkeypatch: Any, name: Definition, value: Any) -> None:
    """Have a module of the package define something else until the end of the test."""
    monkeypatch.setattr(module(name.module), name, value)


def subclass(base: type[Any], **members: Any) -> type[Any]:
    """A subclass with members by the names that they have here, in lower case."""
    return type(base.__name__, (base,), {str(globals()[name.upper()]): value for name, value in members.items()})


# Of a pool.
idle = attrgetter(IDLE)
waiters = attrgetter(WAITERS)
timer = attrgetter(TIMER)
lock = attrgetter(LOCK)
closed = attrgetter(CLOSED)
arrivals = attrgetter(ARRIVALS)
maxsize = attrgetter(MAXSIZE)
maxage = attrgetter(MAXAGE)
floor = attrgetter(FLOOR)
clock = attrgetter(CLOCK)
expiry = attrgetter(EXPIRY)

# Of a waiter.
box = attrgetter(BOX)
latch = attrgetter(LATCH)
arrival = attrgetter(ARRIVAL)
start = attrgetter(START)

# Of a clock.
events = attrgetter(EVENTS)
blocked = attrgetter(BLOCKED)
clock_lock = attrgetter(CLOCK_LOCK)
ringing = attrgetter(RINGING)


def tend(pool: Any) -> None:
    """Tend under the lock, for which it waits."""
    getattr(pool, SETTLE)(getattr(pool, ANEW))


def ring(clock: Any, alarm: Any) -> None:
    """What the thread of a system's clock does with an alarm."""
    getattr(clock, RING)(alarm)


def be_late(clock: Any, time: Any) -> None:
    """Move a manual clock without a call to what falls due."""
    getattr(clock, TIMES)[:] = [time]
