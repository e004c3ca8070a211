"""Tests of which Hypothesis draws the input, the same examples each time."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings


def drawn(examples, *strategies):
    """Make a test of a check: so many examples, and 50 times as many in `make verify`."""

    def decorate(check):
        @pytest.mark.parametrize("examples", [examples, pytest.param(50 * examples, marks=pytest.mark.exhaustive)])
        def test(examples):
            calmly = settings(
                max_examples=examples,
                derandomize=True,
                deadline=None,
                database=None,
                suppress_health_check=list(HealthCheck),
            )
            calmly(given(*strategies)(check))()

        test.__name__ = check.__name__
        return test

    return decorate
