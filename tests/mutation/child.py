"""The process in which the tests run on a mutant. It is forked from a server that has imported what takes long."""

from __future__ import annotations

import os
import resource
import sys

import pytest

PRELOADED = ["pytest", "pytest_timeout", "_hypothesis_pytestplugin", "hypothesis.stateful", "greenlet", __name__]
MOST_MEMORY = 4 * 2**30  # of a process, bytes
MOST_TIME = 300  # of a processor, seconds


def run_pytest(arguments: list[str], environment: dict[str, str], output: str) -> None:
    """Become the leader of a process group, and end with the status of pytest."""
    os.setsid()
    for limit, most in (resource.RLIMIT_AS, MOST_MEMORY), (resource.RLIMIT_CPU, MOST_TIME):
        resource.setrlimit(limit, (most, most))
    file = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o666)
    for stream, flags in (0, os.O_RDONLY), (1, None), (2, None):
        os.dup2(file if flags is None else os.open(os.devnull, flags), stream)
    os.environ.update(environment)
    sys.dont_write_bytecode = False  # the tests are compiled once
    sys.path[:0] = environment["PYTHONPATH"].split(os.pathsep)
    status = pytest.main(arguments)
    sys.stdout.flush()
    os._exit(status)
