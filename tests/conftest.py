"""What every test leaves as it found it."""

from __future__ import annotations

import logging
from collections.abc import Iterator

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
