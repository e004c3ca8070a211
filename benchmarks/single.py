"""One thread: what a pop and a push cost where nobody else wants anything."""

from __future__ import annotations

from collections.abc import Callable
from queue import SimpleQueue
from typing import Any

from benchmarks.peers import LEGACY, OURS, Peer, has_legacy, legacy, ours
from benchmarks.rounds import Figures, compare, interleave, seconds

IDLE = 8

SETTINGS: dict[str, dict[str, Any]] = {
    "no setting": {},
    "maxsize": {"maxsize": 2 * IDLE},
    "maxage": {"maxage": 3600},
    "check": {"check": bool},
}


def pair(peers: list[Peer], rounds: int, scale: float) -> Figures:
    """Seconds that a pop and a push take, of each peer."""
    return _compare(peers, rounds, scale, lambda peer: f"r = {peer.pop}; {peer.push}")


def block(peers: list[Peer], rounds: int, scale: float) -> Figures:
    """Seconds that an empty with block takes, of each peer that has one."""
    return _compare([peer for peer in peers if peer.block], rounds, scale, lambda peer: f"{peer.block} pass")


def _compare(peers: list[Peer], rounds: int, scale: float, statement: Callable[[Peer], str]) -> Figures:
    return compare(peers, rounds, IDLE, lambda peer, pool: seconds(statement(peer), 0.02 * scale, pool=pool))


def settings_pair(peers: list[Peer], rounds: int, scale: float) -> Figures:
    """Seconds that a pair takes, with each setting of this pool."""
    return _with_settings("r = pool.pop(); pool.push(r)", peers, rounds, scale)


def settings_block(peers: list[Peer], rounds: int, scale: float) -> Figures:
    """Seconds that a block takes, with each setting of this pool."""
    return _with_settings("with pool() as r: pass", peers, rounds, scale)


def _with_settings(statement: str, peers: list[Peer], rounds: int, scale: float) -> Figures:
    pools = {name: ours(**settings)(IDLE) for name, settings in SETTINGS.items()}
    pools["floor"] = peers[0].make(IDLE)
    measures = {name: seconds(statement, 0.02 * scale, pool=pool) for name, pool in pools.items()}
    if has_legacy(peers):
        for name in ("no setting", "maxsize", "check"):
            pool = legacy(**SETTINGS[name])(IDLE)
            measures["0.1.1, " + name] = seconds(statement, 0.02 * scale, pool=pool)
    figures = interleave(rounds, measures)
    if has_legacy(peers):
        # Each push starts a thread that sleeps for maxage, so there can't be many, nor can they sleep long.
        pool = legacy(maxage=0.2)(IDLE)
        pool.push(object())
        figures |= interleave(3, {"0.1.1, maxage": lambda: _few(statement, pool)})
    return figures


def _few(statement: str, pool: Any) -> float:
    for _ in range(IDLE):
        pool.push(object())  # the others may have expired
    return seconds(statement, 0, pool=pool)()


def eviction(together: int) -> Callable[[list[Peer], int, float], Figures]:
    """Seconds a push that evicts one, until that has been deallocated; so many pushes at a time.

    0.1.1 deallocates in another thread, and many at once if many were pushed.
    """

    def measure(peers: list[Peer], rounds: int, scale: float) -> Figures:
        makes = {OURS: ours}
        if has_legacy(peers):
            makes[LEGACY] = legacy
        return interleave(rounds, {name: _evicts(make, together, 0.02 * scale) for name, make in makes.items()})

    return measure


def _evicts(make: Callable[..., Any], together: int, length: float) -> Callable[[], float]:
    deallocated: SimpleQueue[object] = SimpleQueue()
    each = seconds(
        "for _ in some: pool.push(0)\nfor _ in some: deallocated.get()",
        length,
        pool=make(maxsize=IDLE, minsize=IDLE, dealloc=deallocated.put)(IDLE),
        deallocated=deallocated,
        some=range(together),
    )
    return lambda: each() / together
