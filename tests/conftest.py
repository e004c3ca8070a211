"""For all tests."""

import gc


def pytest_collection_finish():
    """Have the many tests that collect garbage not look each time through all that the libraries have loaded."""
    gc.collect()
    gc.freeze()
