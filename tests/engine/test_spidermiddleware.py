"""Spider middlewares: what goes on to the engine when callbacks, errbacks and middlewares yield and raise."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from crawler import Request, Spider
from crawler.spidermiddlewares.base import BaseSpiderMiddleware
from crawler.spidermiddlewares.httperror import HttpError
from crawler.testing import Page, crawl_in_memory

FAST = {"politeness.obey_robots": False, "politeness.delay": 0.0, "retry.enabled": False}
URL = "http://a.test/"


class Outer:
    """Nearest to the engine."""

    def process_spider_output(self, response, result, spider):
        for item in result:
            yield {**item, "passed": [*item.get("passed", ()), "outer"]}

    def process_spider_exception(self, response, exception, spider):
        yield {"outer took": type(exception).__name__}


class Inner:
    """Nearest to the spider."""

    def process_spider_output(self, response, result, spider):
        for item in result:
            yield {**item, "passed": [*item.get("passed", ()), "inner"]}


def crawl(callback: Any, middlewares: dict[Any, int], *, errback: Any = None, status: int = 200) -> list[Any]:
    class Once(Spider):
        name = "once"

        async def start(self):
            yield Request(URL, self.parse, errback=self.failed if errback else None)

        def failed(self, failure):
            return errback(failure)

    Once.parse = callback
    settings = {**FAST, "SPIDER_MIDDLEWARES": middlewares}
    return list(crawl_in_memory(Once, {"/": Page("x", status=status)}, settings).items)


def yields_and_raises(self, response):
    yield {"n": 1}
    raise LookupError


async def yields_and_raises_asynchronously(self, response):
    yield {"n": 1}
    raise LookupError


@pytest.mark.parametrize("callback", [yields_and_raises, yields_and_raises_asynchronously])
def test_what_was_yielded_before_an_exception_is_not_lost(callback: Any) -> None:
    assert crawl(callback, {Outer: 1, Inner: 2}) == [
        {"n": 1, "passed": ["inner", "outer"]},
        {"outer took": "LookupError"},
    ]


def test_what_a_middleware_makes_of_an_exception_goes_through_those_after_it_only() -> None:
    class Takes(Inner):
        def process_spider_exception(self, response, exception, spider):
            return [{"took": type(exception).__name__}]

    def callback(self, response):
        raise LookupError

    assert crawl(callback, {Outer: 1, Takes: 2}) == [{"took": "LookupError", "passed": ["outer"]}]


def test_a_middlewares_own_exception_is_for_those_after_it() -> None:
    class Fails(Inner):
        def process_spider_output(self, response, result, spider):
            yield from result
            raise LookupError

        def process_spider_exception(self, response, exception, spider):
            raise AssertionError("it was its own")

    def callback(self, response):
        yield {"n": 1}

    assert crawl(callback, {Outer: 1, Fails: 2}) == [{"n": 1, "passed": ["outer"]}, {"outer took": "LookupError"}]


def test_plain_outputs_are_read_one_by_one() -> None:
    order = []

    def callback(self, response):
        for n in range(2):
            order.append(f"callback {n}")
            yield {"n": n}

    class Notes:
        def process_spider_output(self, response, result):
            for item in result:
                order.append(f"middleware {item['n']}")
                yield item

    crawl(callback, {Notes: 1})
    assert order == ["callback 0", "middleware 0", "callback 1", "middleware 1"]


class Refuses:
    def process_spider_input(self, response):
        raise LookupError


def test_an_exception_of_process_spider_input_goes_to_the_errback_whose_outputs_pass_the_middlewares() -> None:
    items = crawl(
        yields_and_raises, {Outer: 1, Refuses: 2}, errback=lambda failure: [{"url": failure.value.response.url}]
    )
    assert items == [{"url": URL, "passed": ["outer"]}]


def test_without_an_errback_it_goes_to_process_spider_exception() -> None:
    assert crawl(yields_and_raises, {Outer: 1, Refuses: 2}) == [{"outer took": "LookupError"}]


def test_a_status_that_is_not_handled_goes_to_process_spider_exception_or_to_the_errback() -> None:
    assert crawl(yields_and_raises, {Outer: 1}, status=404) == [{"outer took": "HttpError"}]
    items = crawl(
        yields_and_raises, {Outer: 1}, status=404, errback=lambda failure: [{"is": bool(failure.check(HttpError))}]
    )
    assert items == [{"is": True, "passed": ["outer"]}]


def test_the_statuses_of_a_request_count_more_than_that_all_are_allowed() -> None:
    class Two(Spider):
        name = "two"

        async def start(self):
            yield Request(f"{URL}all")
            yield Request(f"{URL}listed", meta={"handle_httpstatus_list": [500]})

        def parse(self, response):
            yield {"url": response.url}

    pages = {"*": Page("x", status=404)}
    assert crawl_in_memory(Two, pages, {**FAST, "HTTPERROR_ALLOW_ALL": True}).items == [{"url": f"{URL}all"}]


def test_a_subclass_of_the_base_may_go_on_with_its_plain_outputs() -> None:
    class More(BaseSpiderMiddleware):
        def process_spider_output(self, response, result) -> Iterator[Any]:
            yield from super().process_spider_output(response, result)
            yield {"n": "more"}

    def callback(self, response):
        yield {"n": 1}

    assert crawl(callback, {More: 1}) == [{"n": 1}, {"n": "more"}]
