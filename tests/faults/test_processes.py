"""L1, L2, L5, L7: processes that fork or end, wherever their threads are."""

from __future__ import annotations

import os
import sys

import pytest

from tests.faults.exits import REASONS
from tests.faults.forks import WAYS
from tests.faults.occupied import OPERATIONS
from tests.faults.processes import process

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")

each_operation = pytest.mark.parametrize("operation", OPERATIONS)


def some_processes(module, *arguments):
    number = int(process(module, *arguments))
    print(f"{number} processes")  # pytest -rP shows it
    assert number > 0


@each_operation
def test_L5_a_fork_while_another_thread_is_at_each_second_step_of_an_operation(operation):
    some_processes("forks", "fork", operation, "2")


@each_operation
def test_L5_a_fork_that_is_nested_or_by_a_handler_or_by_multiprocessing_at_steps_of_an_operation(operation):
    some_processes("forks", "mixed", operation, "2")


@pytest.mark.exhaustive
@pytest.mark.parametrize("way", [*WAYS, "amid"])
@each_operation
def test_L5_each_kind_of_fork_at_each_step_of_an_operation(operation, way):
    some_processes("forks", way, operation)


def test_L5_a_pool_that_a_server_of_forks_has_made_belongs_to_the_server():
    assert process("children", "forkserver").splitlines() == ["deallocated by the server"] * 2


def test_L1_the_end_of_a_child_of_multiprocessing_closes_its_pools_where_it_runs_exit_handlers():
    """It does from Python 3.13 on. Before that it ends by `os._exit`, and a pool of it has to be closed by then."""
    made = ["made in the child", "pushed in the child"] if sys.version_info >= (3, 13) else []
    assert process("children", "fork").splitlines() == [*made, "of the parent"]


@each_operation
def test_L1_the_end_of_a_process_whose_daemon_thread_is_at_each_step_of_an_operation(operation):
    some_processes("exits", "amid", operation, "5")


@pytest.mark.exhaustive
@each_operation
def test_L1_each_end_of_a_process_whose_daemon_thread_is_at_each_step_of_an_operation(operation):
    some_processes("exits", "amid", operation)


@pytest.mark.parametrize("reason", REASONS)
def test_L1_L2_L7_each_end_of_a_process_with_a_fault_in_a_dealloc_or_a_late_push_or_busy_threads(reason):
    some_processes("exits", "of", reason)
