"""What every test leaves as it found it."""

from __future__ import annotations

import logging
import os
from collections.abc import Generator, Iterator

import pytest

from crawler.extensions.logcount import LogCount


@pytest.fixture(autouse=True)
def no_crawl_goes_on_counting() -> Iterator[None]:
    """Take off the root logger what the crawls left there that were killed in the midst."""
    yield
    root = logging.getLogger()
    for handler in list(root.handlers):
        if isinstance(handler, LogCount):
            root.removeHandler(handler)


def pytest_xdist_auto_num_workers() -> int | None:
    """Return one worker more than there are processors: a quarter of the time, tests wait for processes and for timers."""
    return None if "PYTEST_XDIST_AUTO_NUM_WORKERS" in os.environ else (os.cpu_count() or 1) + 1


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Write out what no UTF-8 can say in what a test has logged: a report goes from process to process."""
    report = yield
    report.sections = [
        (name, content.encode("utf-8", "backslashreplace").decode("utf-8")) for name, content in report.sections
    ]
    return report
