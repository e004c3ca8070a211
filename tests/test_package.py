"""The public names, and what an import brings with it."""

from __future__ import annotations

import sys

import pytest

import ya.resourcepool
from tests.helpers import output_of

NAMES = ["Clock", "ManualClock", "ResourcePool", "ResourcePoolClosed", "ResourcePoolEmpty"]


def test_the_star_import_gives_the_public_names():
    code = """
        from ya.resourcepool import *
        print(*sorted(name for name in globals() if not name.startswith("_")))
    """
    assert output_of(code) == [" ".join(NAMES)]


def test_every_public_name_says_that_it_is_from_the_package():
    assert ya.resourcepool.__all__ == NAMES
    for name in NAMES:
        assert getattr(ya.resourcepool, name).__module__ == "ya.resourcepool"
    assert ya.resourcepool.__version__ == "1.0.0"


def test_ya_is_a_namespace_that_others_share():
    import ya

    assert getattr(ya, "__file__", None) is None


def test_the_import_of_the_pool_brings_no_logging_and_no_threading():
    """Without `site`, which may import them itself."""
    code = f"""
        import sys
        sys.path += {sys.path!r}
        import ya.resourcepool
        ya.resourcepool.ResourcePool(maxage=60)
        print({{"logging", "threading", "numbers", "decimal"}} & set(sys.modules))
    """
    assert output_of(code, arguments=("-S",)) == ["set()"]


def test_an_unknown_name_is_an_AttributeError():
    with pytest.raises(AttributeError, match="has no attribute 'Pool'"):
        ya.resourcepool.Pool  # noqa: B018
