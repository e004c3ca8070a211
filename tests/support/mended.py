"""The faults that were mended before 1.0.0, and the tests that show each of them."""

from __future__ import annotations

from typing import NamedTuple

COMMIT = "7c329e3"  # has them all
NAMES = "44dad88"  # has, in tests/support/inside.py, the private names of that one


class Fault(NamedTuple):
    """One of them.

    Attributes:
        name: its number; those that are missing were no faults of the pool or of its tests.
        clauses: which it broke.
        what: what happened, in plain words.
        tests: where they are, and their names; without parameters: whatever these are.
        holds: why its tests pass at that commit, too, if they do.
    """

    name: int
    clauses: str
    what: str
    tests: tuple[tuple[str, tuple[str, ...]], ...]
    holds: str = ""


FAULTS = (
    Fault(
        1,
        "P7 P8",
        "One interrupt, and a waiter slept for ever beside its full box: one that came back with a dead candidate "
        "stood in front of one that had been served and not woken.",
        (
            (
                "tests/test_waiting.py",
                ("test_P8_who_queues_again_does_not_stand_in_front_of_one_that_was_served_and_not_woken",),
            ),
        ),
    ),
    Fault(
        4,
        "W1",
        "A lease that was left twice, or never entered, put a private object into the pool, which lent it.",
        (
            (
                "tests/test_context_manager.py",
                (
                    "test_W1_a_lease_that_is_left_twice_raises_and_pushes_nothing",
                    "test_W1_a_lease_that_is_left_and_was_never_entered_raises_and_pushes_nothing",
                    "test_W1_a_lease_that_is_left_again_after_a_discard_raises_and_deallocates_nothing_more",
                    "test_W1_a_lease_that_is_left_by_hand_within_its_block_gives_back_once",
                ),
            ),
        ),
    ),
    Fault(
        5,
        "W1",
        "Two threads could enter one lease, or leave it, at the same time; a resource was lost for good.",
        (
            (
                "tests/test_context_manager.py",
                (
                    "test_W1_a_second_thread_cannot_enter_while_the_first_allocates",
                    "test_W1_a_second_thread_cannot_enter_while_the_first_waits",
                    "test_W1_of_two_threads_that_enter_or_leave_at_once_one_gets_through",
                    "test_W1_an_alloc_cannot_enter_the_lease_it_is_called_for",
                ),
            ),
        ),
    ),
    Fault(
        6,
        "L9",
        "The end of a sub-interpreter that used a pool with maxage killed the process.",
        (
            (
                "tests/test_subinterpreters.py",
                (
                    "test_L9_a_subinterpreter_that_used_a_pool_ends_and_the_process_goes_on",
                    "test_L9_the_end_waits_for_nothing_else",
                    "test_L9_the_main_interpreters_pools_go_on",
                ),
            ),
        ),
    ),
    Fault(
        7,
        "L5",
        "After a fork inside a block the child lent, and deallocated, what was the parent's; so it did with what a "
        "push or a check had in its hands.",
        (
            (
                "tests/test_fork.py",
                (
                    "test_L5_what_a_lease_holds_at_a_fork_belongs_to_the_parent",
                    "test_L5_what_a_lease_holds_at_a_fork_is_not_evicted_by_the_child",
                    "test_L5_what_a_lease_holds_at_a_fork_is_not_deallocated_by_a_discard_of_the_child",
                    "test_L5_what_is_pushed_by_a_push_that_a_handler_interrupts_to_fork_belongs_to_the_parent",
                    "test_L5_what_a_pop_checks_as_a_handler_interrupts_it_to_fork_belongs_to_the_parent",
                ),
            ),
        ),
    ),
    Fault(
        10,
        "C1",
        "The type hints of the constructor could not be looked up, and that of what pop returns was an object.",
        (
            (
                "tests/test_settings.py",
                (
                    "test_C1_the_type_hints_of_every_public_callable_can_be_looked_up",
                    "test_C1_the_signature_of_every_public_callable_can_be_evaluated",
                    "test_C1_the_hints_say_what_is_taken_and_returned",
                ),
            ),
        ),
    ),
    Fault(
        11,
        "M2",
        "pool.maxsize could be set, which changed nothing, and before that not be read.",
        (
            (
                "tests/test_settings.py",
                (
                    "test_M2_a_setting_can_be_read",
                    "test_M2_a_setting_cannot_be_set_or_deleted",
                    "test_M2_closed_tells_whether_the_pool_is_closed",
                ),
            ),
        ),
    ),
    Fault(
        12,
        "C4 P3",
        "A Decimal was no number, and an int of numpy no size.",
        (
            (
                "tests/test_settings.py",
                (
                    "test_C4_a_size_is_whatever_has_an_index",
                    "test_C4_a_maxage_is_any_real_number",
                    "test_P3_a_timeout_is_any_real_number",
                    "test_R3_with_a_maxage_of_any_real_number_what_is_idle_expires_on_the_systems_clock",
                ),
            ),
        ),
    ),
    Fault(
        13,
        "T1",
        "A pop that waited blocked gevent's hub, if the pool had been imported before all was patched.",
        (
            (
                "tests/test_gevent.py",
                (
                    "test_T1_a_pop_that_waits_lets_other_greenlets_run",
                    "test_T1_the_lock_that_a_pop_waits_for_is_that_of_the_moment",
                    "test_T1_the_lock_of_a_pool_is_that_of_the_moment",
                ),
            ),
        ),
    ),
    Fault(
        14,
        "tests, simulator",
        "The tests met errors where PostgreSQL's user may not enter a directory of PATH, and the simulator ended with "
        "a traceback where only greenlet was missing.",
        (
            ("tests/load/test_programs.py", ("test_programs_that_the_servers_user_cannot_run_are_passed_over",)),
            ("tests/sim/test_command.py", ("test_without_greenlet_alone_it_says_so_in_one_line",)),
        ),
    ),
    Fault(
        29,
        "K3",
        "A push waited for a lock that another thread held, so two pools, or a pool and a log handler, could deadlock.",
        (
            (
                "tests/test_locks.py",
                (
                    "test_K3_push_never_waits_for_a_lock_that_another_thread_holds",
                    "test_K3_two_pools_whose_finalizers_push_to_each_other_do_not_deadlock",
                    "test_K3_a_pool_and_the_lock_of_a_log_handler_do_not_deadlock",
                    "test_K3_a_push_of_another_thread_amid_a_call_returns_and_is_looked_after",
                ),
            ),
        ),
    ),
    Fault(
        31,
        "R3 L7",
        "One exception in the background thread ended expiry for good.",
        (
            (
                "tests/test_background.py",
                (
                    "test_R3_expiry_goes_on_after_an_asynchronous_exception_in_the_thread",
                    "test_R3_expiry_goes_on_after_a_dealloc_that_ended_the_thread_while_no_other_could_start",
                ),
            ),
        ),
    ),
    Fault(
        34,
        "T2 P7",
        "A handler that advanced a manual clock amid a push removed the wrong waiter.",
        (
            (
                "tests/test_manual_clock.py",
                ("test_T2_an_advance_by_a_handler_amid_a_call_has_none_leave_whose_time_has_not_come",),
            ),
        ),
    ),
    Fault(
        35,
        "L5",
        "A fork by a handler, while its thread was blocked for the lock, hung the child.",
        (
            (
                "tests/test_fork.py",
                ("test_L5_a_fork_by_a_handler_while_its_thread_is_blocked_for_the_lock_does_not_hang_the_child",),
            ),
        ),
    ),
    Fault(
        36,
        "P9",
        "A trace function that raised at the end of a line left the lock held for ever.",
        (("tests/test_locks.py", ("test_P9_a_trace_function_that_raises_leaves_the_lock_free",)),),
    ),
    Fault(
        37,
        "L9",
        "Up to Python 3.11 a sub-interpreter that used a pool with maxage could not be ended at all.",
        (
            (
                "tests/test_subinterpreters.py",
                (
                    "test_L9_a_subinterpreter_that_used_a_pool_ends_and_the_process_goes_on",
                    "test_L9_the_end_deallocates_what_is_idle",
                ),
            ),
        ),
    ),
    Fault(
        39,
        "R3",
        "Thousands of pools that were due together ran late.",
        (("tests/test_background.py", ("test_R3_a_hundred_pools_that_are_due_together_are_in_time",)),),
        "a hundred pools are in time there, too; what was late were thousands",
    ),
    Fault(
        40,
        "T2 W1 L1 P3",
        "No test noticed another order of equal deadlines, of exits that raise, or what a lease is after an error.",
        (
            (
                "tests/test_manual_clock.py",
                (
                    "test_T2_of_equal_deadlines_expiries_come_before_timeouts_whichever_started_first",
                    "test_T2_of_equal_deadlines_an_expiry_comes_before_a_timeout_that_started_earlier",
                    "test_T2_of_equal_deadlines_of_one_kind_what_started_first_comes_first",
                    "test_T2_of_equal_deadlines_what_started_first_comes_first_though_it_was_asked_for_last",
                    "test_T2_of_equal_deadlines_and_starts_what_was_asked_for_first_comes_first",
                    "test_T2_what_a_call_that_raised_has_not_done_is_not_done_twice",
                ),
            ),
            (
                "tests/test_context_manager.py",
                (
                    "test_W1_after_a_callback_that_raised_a_lease_can_be_entered_again",
                    "test_W1_after_a_wait_that_was_interrupted_a_lease_can_be_entered_again",
                ),
            ),
            (
                "tests/test_life_and_death.py",
                (
                    "test_L1_of_several_pools_that_raise_SystemExit_at_exit_the_newest_is_closed_first_and_none_is_"
                    "left_out",
                ),
            ),
        ),
        "these are tests that were missing; each notices a change of the code that it is about",
    ),
)
