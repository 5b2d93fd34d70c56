"""Rehearsals: what callbacks yield on pages, level by level."""

from __future__ import annotations

from typing import Any

import pytest

from crawler import CrawlSpider, Request, Settings, Spider
from crawler.crawler import Crawler
from crawler.exceptions import DropItem, UsageError
from crawler.linkextractors import LinkExtractor
from crawler.rehearsal import Rehearsal, method_named, parse_settings, rule_for
from crawler.result import CrawlResult
from crawler.spiders import Rule
from crawler.testing import MemoryWorld, Site

SITE = {"/": "<a href='/1'>1</a><a href='/2'>2</a>", "/1": "<h1>one</h1><a href='/3'>3</a>", "/2": "<h1>two</h1>"}
URL = "http://site/"


class Titles(Spider):
    name = "titles"

    def parse(self, response: Any) -> Any:
        yield from response.follow_all(css="a", callback=self.parse_title, cb_kwargs={"n": 1})

    async def parse_title(self, response: Any, n: int = 0) -> Any:
        yield {"title": response.css("h1::text").get(), "n": n}
        for request in response.follow_all(css="a"):
            yield request

    def fails(self, response: Any) -> None:
        raise KeyError("x")

    async def coroutine(self, response: Any) -> list[dict[str, int]]:
        return [{"n": 1}]


def rehearse(rehearsal: Rehearsal, spidercls: type[Spider] = Titles, settings: Any = None) -> CrawlResult:
    world = MemoryWorld(Site(SITE))
    given = parse_settings(Settings(settings or {}), pipelines=True)
    crawler = Crawler(spidercls, given, runtime=world.runtime, start=rehearsal.start)
    rehearsal.watch(crawler)
    return world.run(crawler)


def requested(rehearsal: Rehearsal, level: int) -> list[str]:
    return [request.url for request in rehearsal.levels[level].requests]


def test_one_page_is_visited_and_what_it_yields_is_noted() -> None:
    rehearsal = Rehearsal(Request(URL))
    rehearse(rehearsal)
    assert [(response.url, name) for response, name in rehearsal.levels[0].pages] == [(URL, "Titles.parse")]
    assert (requested(rehearsal, 0), rehearsal.levels[0].items) == ([f"{URL}1", f"{URL}2"], [])
    assert len(rehearsal.levels) == 1


def test_deeper_levels_are_visited_with_the_callbacks_of_their_requests() -> None:
    rehearsal = Rehearsal(Request(URL), depth=2)
    rehearse(rehearsal)
    assert len(rehearsal.levels) == 2
    assert rehearsal.levels[1].items == [{"title": "one", "n": 1}, {"title": "two", "n": 1}]
    assert requested(rehearsal, 1) == [f"{URL}3"]


@pytest.mark.parametrize(("name", "items"), [("parse_title", [{"title": None, "n": 0}]), ("coroutine", [{"n": 1}])])
def test_any_kind_of_callback_may_be_named(name: str, items: list[Any]) -> None:
    rehearsal = Rehearsal(Request(URL), method_named(name))
    rehearse(rehearsal)
    assert rehearsal.levels[0].items == items


def test_a_callback_that_is_not_there_is_told_with_the_nearest() -> None:
    rehearsal = Rehearsal(Request(URL), method_named("parse_titel"))
    rehearse(rehearsal)
    assert "'titles' has no callback 'parse_titel'; did you mean 'parse_title'" in str(rehearsal.refused)
    assert rehearsal.levels == []


def test_a_page_that_does_not_come_is_a_failure() -> None:
    rehearsal = Rehearsal(Request(f"{URL}nowhere"))
    rehearse(rehearsal)
    assert rehearsal.failures[0].startswith(f"{URL}nowhere: HttpError: HTTP status 404")


def test_a_callback_that_raises_is_counted_as_in_a_crawl() -> None:
    result = rehearse(Rehearsal(Request(URL), method_named("fails")))
    assert (result.failed, result.stats["spider_exceptions/KeyError"]) == (1, 1)


class Doubles:
    def process_item(self, item: dict[str, Any]) -> dict[str, Any]:
        if item["title"] == "two":
            raise DropItem("no twos")
        return {**item, "twice": True}


def test_items_go_to_the_pipelines_only_if_they_are_asked_to() -> None:
    settings = {"components.pipelines": [Doubles()]}
    through = Rehearsal(Request(URL), depth=2, through_pipelines=True)
    result = rehearse(through, settings=settings)
    assert through.levels[1].items == [{"title": "one", "n": 1, "twice": True}]
    assert through.levels[1].dropped == [({"title": "two", "n": 1}, "no twos")]
    assert result.stats["item_scraped_count"] == 1
    past = Rehearsal(Request(URL), depth=2)
    assert "item_scraped_count" not in rehearse(past, settings=settings).stats
    assert len(past.levels[1].items) == 2


def test_nothing_is_kept_and_nothing_is_watched() -> None:
    given = Settings(
        {"monitors.min_items": 5, "feeds": [{"uri": "a.jsonl"}], "FEED_URI": "b.jsonl", "dashboard.enabled": True}
    )
    settings = parse_settings(given, pipelines=False)
    assert (settings.monitors.min_items, settings.feeds, settings.dashboard.enabled) == (0, [], False)
    assert settings.frontier.store == "memory"


class Rules(CrawlSpider):
    name = "rules"
    rules = [
        Rule(LinkExtractor(allow="/2"), callback="parse_two", cb_kwargs={"n": 2}),
        Rule(LinkExtractor(allow="/1")),
        Rule(LinkExtractor(allow="/3"), callback="parse_two"),
    ]

    def parse_two(self, response: Any, n: int) -> Any:
        yield {"n": n}


@pytest.mark.parametrize(("path", "items", "links"), [("2", [{"n": 2}], []), ("1", [], ["3"])])
def test_a_rule_gives_its_callback_and_its_following(path: str, items: list[Any], links: list[str]) -> None:
    rehearsal = Rehearsal(Request(URL + path), rule_for(URL + path))
    rehearse(rehearsal, Rules)
    assert (rehearsal.levels[0].items, requested(rehearsal, 0)) == (items, [URL + link for link in links])


@pytest.mark.parametrize(
    ("spidercls", "says"), [(Rules, "no rule of the spider 'rules' fits"), (Titles, "it is no CrawlSpider")]
)
def test_without_a_rule_that_fits_it_is_said_so(spidercls: type[Spider], says: str) -> None:
    rehearsal = Rehearsal(Request(URL), rule_for(URL))
    rehearse(rehearsal, spidercls)
    assert isinstance(rehearsal.refused, UsageError)
    assert says in str(rehearsal.refused)
