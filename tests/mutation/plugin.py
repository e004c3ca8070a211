"""For the pytest of a mutant: it runs what is likely to notice, that first which did before; the first failure ends it.

At once, since threads that are stuck or spin in the mutant would keep the process from its end. Without a mutant it
notes which lines of the package each test runs, and how long it takes.
"""

from __future__ import annotations

import json
import os
from collections import defaultdict

import pytest

NOTED = "MUTANT_NOTED"  # the file to write into
TESTS = "MUTANT_TESTS"  # a file with the tests to run, in order, as JSON: name and seconds; the others are left out
COVERED = "MUTANT_COVERED"  # without a mutant: the folder with the files whose lines are to be noted, or nothing


def pytest_collection_modifyitems(items):
    if TESTS in os.environ:
        with open(os.environ[TESTS], encoding="utf-8") as file:
            tests = json.load(file)
        rank = {name: number for number, name in enumerate(tests)}
        items[:] = sorted((item for item in items if item.nodeid in rank), key=lambda item: rank[item.nodeid])
        for item in items:
            item.add_marker(pytest.mark.timeout(tests[item.nodeid]), append=False)


def pytest_collectreport(report):
    if report.failed:
        _failed("(import)", report.longreprtext)


def pytest_runtest_logstart(nodeid):
    _note([nodeid, None])


def pytest_runtest_logreport(report):
    if report.failed:
        _failed(report.nodeid, report.longreprtext)


def _failed(name, text):
    _note([name, text])
    if NOTED in os.environ:
        os._exit(1)


def _note(what):
    """Write down the test that runs, or has failed with this text."""
    if NOTED in os.environ:
        with open(os.environ[NOTED], "w", encoding="utf-8") as file:
            json.dump(what, file)


class Baseline:
    """How long each test takes, and which lines of the files in a folder it runs. Other processes are not seen."""

    def __init__(self, folder):
        self.seconds = defaultdict(float)
        self.coverage = None
        if folder:
            from coverage import Coverage

            self.coverage = Coverage(data_file=None, include=[f"{folder}/*"], config_file=False)
            self.coverage.start()

    def pytest_runtest_logreport(self, report):
        self.seconds[report.nodeid] += report.duration

    def pytest_runtest_logstart(self, nodeid):
        if self.coverage is not None:
            self.coverage.switch_context(nodeid)

    def pytest_sessionfinish(self):
        lines = {}
        if self.coverage is not None:
            self.coverage.stop()
            data = self.coverage.get_data()
            lines = {os.path.basename(path): data.contexts_by_lineno(path) for path in data.measured_files()}
        _note([self.seconds, lines])


def pytest_configure(config):
    if COVERED in os.environ:
        config.pluginmanager.register(Baseline(os.environ[COVERED]))
