"""What a generator returns is lost, and told."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable
from typing import Any

import pytest

from crawler import Spider
from crawler.engine.lostreturns import returns_value
from crawler.testing import crawl_in_memory


def returns_a_list(flag):
    if flag:
        return [1]
    yield 2


def returns_a_constant(flag):
    yield 2
    return 3


def returns_within_with(flag):
    with contextlib.suppress(ValueError):
        yield 2
        return flag


def returns_nothing(flag):
    if flag:
        return
    yield 2


def returns_none(flag):
    with contextlib.suppress(ValueError):
        for one in flag:
            try:
                yield one
                return None
            finally:
                print(one)


def yields_from(flag):
    yield from flag


@pytest.mark.parametrize("function", [returns_a_list, returns_a_constant, returns_within_with])
def test_a_generator_that_returns_a_value_is_known_by_its_code(function: Callable[[Any], Any]) -> None:
    assert returns_value(function.__code__)


@pytest.mark.parametrize("function", [returns_nothing, returns_none, yields_from])
def test_a_generator_that_returns_nothing_is_let_alone(function: Callable[[Any], Any]) -> None:
    assert not returns_value(function.__code__)


def test_a_callback_that_yields_and_returns_a_value_is_named_once(caplog: pytest.LogCaptureFixture) -> None:
    class Returns(Spider):
        name = "returns"
        start_urls = ["http://a.test/1", "http://a.test/2"]

        def parse(self, response):
            if response.url:
                return [{"url": response.url}]
            yield {"never": True}

    with caplog.at_level(logging.WARNING):
        result = crawl_in_memory(Returns, {"*": "x"}, {"politeness.delay": 0})
    told = [record.getMessage() for record in caplog.records if "is lost" in record.getMessage()]
    assert (result.items, len(told)) == ([], 1)
    assert ".Returns.parse (" in told[0]
