"""What a server of forks imports before it forks: a pool, which belongs to the server."""

from __future__ import annotations

from tests.faults.occupied import Scene

scene = Scene("len", -1)
scene.report = lambda name: print("deallocated by the server", flush=True)
