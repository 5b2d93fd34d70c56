"""Rehearsals: callbacks of a spider are run on real pages, and what they yield is noted, level by level.

The first level is one page; the next are the pages behind the requests that it yields, as deep as one likes. Everything goes
through the engine, as in a crawl: robots.txt, delays, middlewares and the duplicates filter count. Items go no further than the
notes, unless they are asked to: through the pipelines, into outputs.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

from crawler import signals
from crawler.engine.scrape import default_callback, qualified_name
from crawler.exceptions import UsageError, describe
from crawler.http import Request
from crawler.item import outputs_of
from crawler.nearest import did_you_mean
from crawler.open_crawl import rehearsal_settings
from crawler.spiders import CrawlSpider

if TYPE_CHECKING:
    from crawler.crawler import Crawler
    from crawler.http import Response
    from crawler.settings import Settings
    from crawler.spiders import Spider

#: What runs on a page: a callback, given the spider.
Chosen = Callable[["Spider"], Callable[..., Any] | None]


@dataclass(slots=True)
class Level:
    """What came of the pages of one depth."""

    pages: list[tuple[Response, str]] = field(default_factory=list)
    items: list[Any] = field(default_factory=list)
    dropped: list[tuple[Any, str]] = field(default_factory=list)
    requests: list[Request] = field(default_factory=list)


class Rehearsal:
    """Runs on *request* the callback that *choose* returns, and on what it yields the next, *depth* levels down.

    With *through_pipelines* an item is noted when it has passed them; with *keeps_items* it goes to the outputs of the crawl.
    ``levels`` has what came of it, ``failures`` what could not be fetched, ``refused`` the mistake that kept it from beginning.
    """

    def __init__(
        self,
        request: Request,
        choose: Chosen = lambda spider: None,
        *,
        depth: int = 1,
        through_pipelines: bool = False,
        keeps_items: bool = False,
    ) -> None:
        self._request = request
        self._choose = choose
        self._depth = depth
        self._through_pipelines = through_pipelines
        self._keeps_items = keeps_items or through_pipelines
        self._level_of: dict[int, tuple[Level, Response]] = {}
        self.levels: list[Level] = []
        self.failures: list[str] = []
        self.refused: UsageError | None = None

    def __repr__(self) -> str:
        return f"<Rehearsal of {self._request}: {len(self.levels)} levels, {len(self.failures)} failures>"

    def watch(self, crawler: Crawler) -> None:
        """Note what the pipelines of *crawler* make of the items."""
        if self._through_pipelines:
            crawler.signals.connect(self._item_passed, signals.item_scraped, weak=False)
            crawler.signals.connect(self._item_dropped, signals.item_dropped, weak=False)

    async def start(self, spider: Spider) -> AsyncIterator[Request]:
        """Yield the request to begin with; what a crawl is given as *start*."""
        try:
            callback = self._choose(spider)
        except UsageError as error:
            self.refused = error
            return
        yield self._noted(self._request.replace(dont_filter=True), spider, 1, callback)

    def _noted(self, request: Request, spider: Spider, number: int, callback: Callable[..., Any] | None) -> Request:
        """Return *request* with its callback wrapped, so that what it yields is noted at level *number*."""
        called = callback or request.callback or default_callback(spider)
        noted: Request = request.replace(
            callback=partial(self._run, called, spider, number), errback=request.errback or self._failed
        )
        return noted

    async def _run(
        self, callback: Callable[..., Any], spider: Spider, number: int, response: Response, **cb_kwargs: Any
    ) -> AsyncIterator[Any]:
        while len(self.levels) < number:
            self.levels.append(Level())
        level = self.levels[number - 1]
        level.pages.append((response, qualified_name(callback)))
        self._level_of[id(response)] = level, response
        async for output in outputs_later(callback(response, **cb_kwargs)):
            if isinstance(output, Request):
                level.requests.append(output)
                if number < self._depth:
                    yield self._noted(output, spider, number + 1, None)
            elif output is not None:
                if not self._through_pipelines:
                    level.items.append(output)
                if self._keeps_items:
                    yield output

    def _failed(self, failure: Any) -> None:
        self.failures.append(f"{failure.request.url}: {describe(failure.value)}")

    def _item_passed(self, item: Any, response: Response) -> None:
        self._level_of[id(response)][0].items.append(item)

    def _item_dropped(self, item: Any, response: Response, exception: Exception) -> None:
        self._level_of[id(response)][0].dropped.append((item, str(exception)))


async def outputs_later(result: Any) -> AsyncIterator[Any]:
    """Yield what the *result* of any kind of callback holds."""
    if hasattr(result, "__await__"):
        result = await result
    if hasattr(result, "__aiter__"):
        async for output in result:
            yield output
    else:
        for output in outputs_of(result):
            yield output


def parse_settings(given: Settings, *, pipelines: bool) -> Settings:
    """Return *given* as they hold in a rehearsal; without *pipelines*, items are not shown to any."""
    settings = rehearsal_settings(given)
    if not pipelines:
        settings.set("components.pipelines", [], "cmdline")
    return settings


def method_named(name: str) -> Chosen:
    """Return what chooses the spider's method *name*. Raise UsageError, when it is asked, if there is none."""

    def choose(spider: Spider) -> Callable[..., Any]:
        method = getattr(spider, name, None)
        if not callable(method):
            methods = [one for one in dir(type(spider)) if one.startswith("parse")]
            raise UsageError(f"the spider {spider.name!r} has no callback {name!r}{did_you_mean(name, methods)}")
        return method  # type: ignore[no-any-return]  # found by name

    return choose


def rule_for(url: str) -> Chosen:
    """Return what chooses the rule of a CrawlSpider that a link to *url* would be followed by: its callback, and its following."""

    def choose(spider: Spider) -> Callable[..., Any]:
        if not isinstance(spider, CrawlSpider):
            raise UsageError(f"the spider {spider.name!r} has no rules: it is no CrawlSpider")
        rule = next((one for one in spider.rules if one.link_extractor.matches(url)), None)
        if rule is None:
            raise UsageError(f"no rule of the spider {spider.name!r} fits {url}")
        bound = rule.bound_to(spider)
        callback: Any = bound.callback

        def parse_by_rule(response: Response, **cb_kwargs: Any) -> AsyncIterator[Any]:
            return spider.parse_with_rules(response, callback, {**rule.cb_kwargs, **cb_kwargs}, follow=rule.follow)

        parse_by_rule.__qualname__ = qualified_name(callback) if callback else "rules"
        return parse_by_rule

    return choose
