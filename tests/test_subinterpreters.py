"""L9: a sub-interpreter that used a pool can be ended, and the process goes on."""

from __future__ import annotations

import sys
from textwrap import dedent

import pytest

from tests.helpers import python

# Python's modules for this are private up to 3.13, and differ.
RUN = '''
import sys, time
try:
    import _interpreters as interpreters  # from 3.13 on
except ImportError:
    import _xxsubinterpreters as interpreters
def create(shares):
    """An interpreter; one that shares what it can may start threads from 3.10 on, others from 3.12 on."""
    if not shares:
        return interpreters.create()
    return interpreters.create(isolated=False) if sys.version_info < (3, 13) else interpreters.create("legacy")
def run(code, shares=True):
    interpreter = create(shares)
    if hasattr(interpreters, "run_string"):
        failed = interpreters.run_string(interpreter, code)
    else:
        failed = interpreters.exec(interpreter, code)
    assert failed is None, failed
    start = time.monotonic()
    interpreters.destroy(interpreter)
    return time.monotonic() - start
'''
PATHS = f"import sys\nsys.path[:] = {sys.path!r}\n"


def there_are_subinterpreters():
    try:
        import _interpreters  # noqa: F401
    except ImportError:
        try:
            import _xxsubinterpreters  # noqa: F401
        except ImportError:
            return False
    return True


pytestmark = pytest.mark.skipif(not there_are_subinterpreters(), reason="this Python has no sub-interpreters")

USES = {
    "that is left to expire": "pool = ResourcePool(init='a', maxage=1000)",
    "that is closed": "pool = ResourcePool(init='a', maxage=1000); pool.close()",
    "that is collected": "pool = ResourcePool(init='a', maxage=1000); del pool",
    "that has expired": "import time; pool = ResourcePool(init='a', maxage=0.01); time.sleep(0.05)",
    "that is just expiring": "import time; pool = ResourcePool(init='a', maxage=0.01); time.sleep(0.009)",
    "of which there are many": "pools = [ResourcePool(init='a', maxage=1000) for _ in range(20)]",
    "that does not age": "pool = ResourcePool(init='a', maxsize=3); pool.push('b')",
    "with blocks": "pool = ResourcePool(init='a', maxage=1000)\nwith pool(): pass",
    "on a manual clock": "from ya.resourcepool import ManualClock\n"
    "pool = ResourcePool(init='a', maxage=5, clock=ManualClock())",
}


def ended(use, more="", shares=True):
    """How a process ends in which an interpreter used a pool, and what it says."""
    code = f"""
        code = {PATHS + "from ya.resourcepool import ResourcePool" + chr(10) + use!r}
        for _ in range(3):
            took = run(code, {shares})
            {more or "pass"}
        print("alive")
    """
    done = python(PATHS + RUN + dedent(code))
    return done.returncode, done.stdout, done.stderr


@pytest.mark.parametrize("shares", [False, True], ids=["isolated", "sharing"])
@pytest.mark.parametrize("use", USES.values(), ids=USES)
def test_L9_a_subinterpreter_that_used_a_pool_ends_and_the_process_goes_on(use, shares):
    assert ended(use, shares=shares) == (0, "alive\n", "")


def test_L9_the_end_waits_for_the_dealloc_that_the_thread_is_in():
    use = dedent(
        """
        import os, time
        def dealloc(resource):
            os.write(1, b"begun\\n")
            time.sleep(0.3)
            os.write(1, b"ended\\n")
        pool = ResourcePool(init="a", maxage=0.01, dealloc=dealloc)
        time.sleep(0.1)
        """
    )
    status, said, complaints = ended(use)
    begun = said.count("begun")

    assert (status, complaints) == (0, "")
    assert said == "begun\nended\n" * begun + "alive\n"


def test_L9_the_end_waits_for_nothing_else():
    """Not for the time at which something would expire."""
    assert ended("pool = ResourcePool(init='a', maxage=1000)", "assert took < 0.5, took") == (0, "alive\n", "")


def test_L9_the_end_deallocates_what_is_idle():
    use = "import os\npool = ResourcePool(init='a', maxage=1000, dealloc=lambda _: os.write(1, b'dealloc\\n'))"
    assert ended(use) == (0, "dealloc\n" * 3 + "alive\n", "")


def test_L9_the_main_interpreters_pools_go_on():
    use = "pool = ResourcePool(init='a', maxage=1000)"
    code = f"""
        import threading
        from ya.resourcepool import ResourcePool
        expired = threading.Event()
        pool = ResourcePool(init="a", maxage=0.3, dealloc=lambda _: expired.set())
        run({PATHS + "from ya.resourcepool import ResourcePool" + chr(10) + use!r})
        print(expired.wait(10), len(pool))
    """
    done = python(PATHS + RUN + dedent(code))

    assert (done.returncode, done.stdout, done.stderr) == (0, "True 0\n", "")
