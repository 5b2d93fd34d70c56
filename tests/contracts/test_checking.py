"""Contracts tried on pages, in memory."""

from __future__ import annotations

from typing import Any, ClassVar

import pytest
from twisted.internet.defer import succeed

from crawler import Request, Settings, Spider
from crawler.contracts import Contract
from crawler.contracts.checking import Checked, SpiderCheck
from crawler.contracts.reading import known_contracts
from crawler.crawler import Crawler
from crawler.exceptions import ContractFail
from crawler.rehearsal import parse_settings
from crawler.testing import MemoryWorld, Page, Site

SITE = Site(
    {
        "/": "<h1>home</h1>",
        "/private": "secret",
        "/away": Page("", 302, {"Location": "/"}),
        "/robots.txt": Page("User-agent: *\nDisallow: /private", headers={"Content-Type": "text/plain"}),
    }
)


def check(spidercls: type[Spider], *own: type[Contract]) -> dict[str, Checked]:
    SITE.log.clear()
    world = MemoryWorld(SITE)
    checked = SpiderCheck(known_contracts(list(own)))
    crawler = Crawler(
        spidercls, parse_settings(Settings(), pipelines=False), runtime=world.runtime, start=checked.start
    )
    world.run(crawler)
    return {one.method: one for one in checked.results}


class Kinds(Spider):
    """Callbacks of every kind, each of which yields one item and one request."""

    name = "kinds"
    allowed_domains = ["elsewhere.test"]

    def generator(self, response: Any) -> Any:
        """
        @url http://site/
        @returns items 1 1
        @returns requests 1 1
        @scrapes title
        """
        yield {"title": response.css("h1::text").get()}
        yield None
        yield Request("http://site/never")

    def function(self, response: Any) -> Any:
        return list(self.generator(response))

    async def coroutine(self, response: Any) -> Any:
        return await succeed(self.function(response))

    async def asynchronous_generator(self, response: Any) -> Any:
        for one in self.generator(response):
            yield await succeed(one)

    def deferred(self, response: Any) -> Any:
        return succeed(self.function(response))

    for _one in (function, coroutine, asynchronous_generator, deferred):
        _one.__doc__ = generator.__doc__
    del _one


def test_callbacks_of_every_kind_are_checked_on_real_pages_and_no_others_are_visited() -> None:
    results = check(Kinds)
    assert {method: one.outcome for method, one in results.items()} == dict.fromkeys(
        ["generator", "function", "coroutine", "asynchronous_generator", "deferred"], "ok"
    )
    assert SITE.paths == ["/"] * 5


class Breaks(Spider):
    name = "breaks"

    def too_few(self, response: Any) -> Any:
        """
        @url http://site/away
        @returns items 2
        @returns requests 0 0
        @scrapes price
        """
        return [{"title": 1}]

    def raises(self, response: Any) -> Any:
        """
        @url http://site/
        @returns items
        """
        yield {}
        raise KeyError("x")

    def not_there(self, response: Any) -> Any:
        """
        @url http://site/nowhere
        """

    def forbidden(self, response: Any) -> Any:
        """
        @url http://site/private
        """

    def misspelled(self, response: Any) -> Any:
        """
        @url http://site/
        @return items
        """


BROKEN = check(Breaks)


def test_every_broken_contract_is_told_with_the_line_of_its_page() -> None:
    one = BROKEN["too_few"]
    assert (one.outcome, one.url) == ("failed", "http://site/away")
    assert one.messages == (
        "@returns items 2: returned 1 items, expected at least 2",
        "@scrapes price: missing fields: price (1 of 1 items)",
    )
    assert [says != "" for _, says in one.contracts] == [False, True, False, True]
    assert "test_checking.py:" in one.where


@pytest.mark.parametrize(
    ("method", "says"),
    [
        ("raises", "KeyError: 'x', at "),
        ("not_there", "the page did not come: HttpError: HTTP status 404"),
        ("forbidden", "the page did not come: IgnoreRequest: forbidden by robots.txt"),
        ("misspelled", "there is no contract @return; did you mean 'returns'?"),
    ],
)
def test_what_could_not_be_tried_is_an_error_that_says_why(method: str, says: str) -> None:
    assert BROKEN[method].outcome == "error"
    assert says in BROKEN[method].messages[0]


class Before(Contract):
    name: ClassVar[str] = "before"

    def pre_process(self, response: Any) -> None:
        if response.css("h1::text").get() != self.args[0]:
            raise ContractFail(f"the page is no {self.args[0]}")


class After(Contract):
    name: ClassVar[str] = "after"

    async def post_process(self, output: list[Any]) -> None:
        if len(output) != await succeed(int(self.args[0])):
            raise ContractFail("not as many")


class Crashes(Contract):
    name: ClassVar[str] = "crashes"

    def post_process(self, output: list[Any]) -> None:
        raise ZeroDivisionError


def test_contracts_of_a_projects_own_look_before_and_after_and_may_be_asynchronous() -> None:
    class Own(Spider):
        name = "own"

        def kept(self, response: Any) -> Any:
            """
            @url http://site/
            @before home
            @after 0
            """

        def broken(self, response: Any) -> Any:
            """
            @url http://site/
            @before shop
            @after 1
            """

        def crashed(self, response: Any) -> Any:
            """
            @url http://site/
            @crashes
            """

    results = check(Own, Before, After, Crashes)
    assert [one.outcome for one in results.values()] == ["ok", "failed", "error"]
    assert results["broken"].messages == ("@before shop: the page is no shop", "@after 1: not as many")
    assert results["crashed"].messages == ("@crashes: ZeroDivisionError",)
