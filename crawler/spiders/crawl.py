"""CrawlSpider: follows links by rules.

A rule says which links to extract from every page, what to do with the pages behind them, and whether to look for links there
again. The first rule that extracts a link has it.
"""

from __future__ import annotations

import copy
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from itertools import chain
from typing import TYPE_CHECKING, Any, Self

from crawler.http import HtmlResponse, Request
from crawler.item import outputs_of
from crawler.linkextractors import LinkExtractor
from crawler.spiders.spider import Spider

if TYPE_CHECKING:
    from crawler.crawler import Crawler
    from crawler.http import Response
    from crawler.link import Link

_DEFAULT_EXTRACTOR = LinkExtractor()


class Rule:
    """Which links to follow, and what to do with the pages behind them.

    *callback*, *errback*, *process_links* and *process_request* are functions or names of the spider's methods. *follow* says
    whether links are extracted from those pages too; by default they are if there is no callback.
    """

    def __init__(
        self,
        link_extractor: Any = None,
        callback: Callable[..., Any] | str | None = None,
        cb_kwargs: dict[str, Any] | None = None,
        follow: bool | None = None,
        process_links: Callable[[list[Link]], Iterable[Link]] | str | None = None,
        process_request: Callable[[Request, Response], Request | None] | str | None = None,
        errback: Callable[..., Any] | str | None = None,
    ) -> None:
        self.link_extractor = link_extractor or _DEFAULT_EXTRACTOR
        self.callback = callback
        self.errback = errback
        self.cb_kwargs = cb_kwargs or {}
        self.process_links = process_links
        self.process_request = process_request
        self.follow = follow if follow is not None else not callback

    def __repr__(self) -> str:
        return f"<Rule {self.link_extractor!r} -> {self.callback or 'follow'}>"

    def bound_to(self, spider: Spider) -> Rule:
        """Return this rule with the methods of *spider* in the place of their names."""
        rule = copy.copy(self)
        for role in ("callback", "errback", "process_links", "process_request"):
            setattr(rule, role, _method(spider, getattr(self, role), role))
        return rule


def _method(spider: Spider, named: Any, role: str) -> Callable[..., Any] | None:
    if named is None or callable(named):
        return named  # type: ignore[no-any-return]  # callable, as the signature of Rule asks
    method = getattr(spider, named, None)
    if not callable(method):
        raise AttributeError(f"a rule of {spider!r} names the {role} {named!r}, and the spider has no such method")
    return method  # type: ignore[no-any-return]  # a method found by name


class CrawlSpider(Spider):
    """A spider that is mostly its *rules*."""

    rules: Sequence[Rule] = ()
    _rules: list[Rule]
    _follow_links = True

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._compile_rules()

    def _compile_rules(self) -> None:
        self._rules = [rule.bound_to(self) for rule in self.rules]

    @classmethod
    def from_crawler(cls, crawler: Crawler, *args: Any, **kwargs: Any) -> Self:
        """Return a spider for *crawler*; the setting CRAWLSPIDER_FOLLOW_LINKS switches all following off."""
        spider = super().from_crawler(crawler, *args, **kwargs)
        spider._follow_links = crawler.settings.getbool("CRAWLSPIDER_FOLLOW_LINKS", True)
        return spider

    def _parse(self, response: Response, **kwargs: Any) -> Any:
        return self._with_rules(response, self.parse_start_url, kwargs, follow=True)

    def _with_rules(
        self, response: Response, callback: Callable[..., Any] | None, cb_kwargs: dict[str, Any], *, follow: bool
    ) -> Any:
        """Return the outputs of *callback* and of the rules: a plain generator as long as the callback is a plain one."""
        results = callback(response, **cb_kwargs) if callback is not None else ()
        if hasattr(results, "__await__") or hasattr(results, "__aiter__"):
            return self._with_rules_later(response, results, follow=follow)
        return chain(
            outputs_of(self.process_results(response, results)), self._requests_to_follow(response) if follow else ()
        )

    async def _with_rules_later(self, response: Response, results: Any, *, follow: bool) -> AsyncIterator[Any]:
        results = await results if hasattr(results, "__await__") else results
        processed = self.process_results(response, results)
        if hasattr(processed, "__aiter__"):
            async for output in processed:
                yield output
        else:
            for output in outputs_of(processed):
                yield output
        if follow:
            for request in self._requests_to_follow(response):
                yield request

    def parse_start_url(self, response: Response, **kwargs: Any) -> Any:
        """Make requests and items of a start page, besides what the rules make of its links; nothing by default."""
        return []

    def process_results(self, response: Response, results: Any) -> Any:
        """Return the outputs of a callback as they are to go on; unchanged by default."""
        return results

    async def parse_with_rules(
        self,
        response: Response,
        callback: Callable[..., Any] | None = None,
        cb_kwargs: dict[str, Any] | None = None,
        follow: bool = True,
    ) -> AsyncIterator[Any]:
        """Yield what *callback* makes of *response*, then the requests that the rules find in it if *follow*."""
        results = self._with_rules(response, callback, cb_kwargs or {}, follow=follow)
        if hasattr(results, "__aiter__"):
            async for output in results:
                yield output
        else:
            for output in results:
                yield output

    def _requests_to_follow(self, response: Response) -> Iterable[Request]:
        """Yield a request for each link that a rule extracts and no earlier rule has."""
        if not self._follow_links or not isinstance(response, HtmlResponse):
            return
        seen: set[Link] = set()
        for index, rule in enumerate(self._rules):
            links = [link for link in rule.link_extractor.extract_links(response) if link not in seen]
            chosen = rule.process_links(links) if callable(rule.process_links) else links
            for link in chosen or ():
                seen.add(link)
                request: Request | None = self._build_request(index, link)
                if callable(rule.process_request):
                    request = rule.process_request(request, response)  # type: ignore[arg-type]  # not None before
                if request is not None:
                    yield request

    def _build_request(self, rule_index: int, link: Link) -> Request:
        return Request(
            link.url,
            callback=self._callback,
            errback=self._errback,
            meta={"rule": rule_index, "link_text": link.text},
        )

    def _callback(self, response: Response, **cb_kwargs: Any) -> Any:
        rule = self._rules[response.meta["rule"]]
        callback = rule.callback if callable(rule.callback) else None
        return self._with_rules(response, callback, {**rule.cb_kwargs, **cb_kwargs}, follow=rule.follow)

    def _errback(self, failure: Any) -> Any:
        rule = self._rules[failure.request.meta["rule"]]
        return rule.errback(failure) if callable(rule.errback) else None
