"""P8, P9, R1, R3, R4, L2, L3: many threads, faults and interrupts lose nothing, and leave nothing."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from pathlib import Path

import pytest

from tests.load.footprint import HAS_PROC
from tests.support.mistakes import noticed_by

ROOT = Path(__file__).parents[2]
MISTAKES = noticed_by("soak")

pytestmark = pytest.mark.skipif(not HAS_PROC, reason="what a process takes is read from /proc")


def soak(*arguments, **environment):
    """In a process of its own: it counts that one's threads and descriptors."""
    return subprocess.run(
        [sys.executable, "-m", "tests.load", *arguments],
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
        cwd=ROOT,
        env={**os.environ, **environment},
    )


def test_P8_P9_R1_R3_R4_L2_L3_hold_under_load_and_nothing_grows():
    seed = random.randrange(10**6)
    done = soak("--seconds", "20", "--seed", str(seed))

    print(done.stdout)  # pytest -rP shows it, and the seed
    # What is printed besides says nothing: an interrupt may come in the hook that is told of exceptions in finalizers.
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(
            name,
            id=f"{mistake.soak[0]}_{name}",
            marks=[pytest.mark.exhaustive] * mistake.soak[0].startswith(("R", "L")),
        )
        for name, mistake in MISTAKES.items()
    ],
)
def test_the_soak_notices(name):
    done = soak("--seconds", "5", "--seed", "5", "--mutant", name, PATIENCE="5")

    assert done.returncode == 1, done.stdout
    assert any(line.startswith(MISTAKES[name].soak) for line in done.stdout.splitlines()), done.stdout + done.stderr
