"""SitemapSpider: the pages that sitemaps name, found from the sitemaps themselves or from robots.txt."""

from __future__ import annotations

import logging
import re
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from crawler.exceptions import DownloadError
from crawler.http import Request
from crawler.settings import Settings
from crawler.sitemap import Sitemap, sitemap_urls_from_robots, unpacked
from crawler.spiders.spider import Spider

if TYPE_CHECKING:
    from crawler.http import Response

logger = logging.getLogger(__name__)

# An index may name an index, though sitemaps.org does not say so; a chain of more is a trap.
MAX_DEPTH = 10

_DEPTH = "sitemap_depth"
_RULE = "sitemap_rule"


class SitemapSpider(Spider):
    """Crawls what *sitemap_urls* name: sitemaps, indexes of sitemaps (also gzipped), or a robots.txt that names them.

    *sitemap_rules* are pairs of a regular expression and a callback (a method, its name, or any function of a response); the first
    whose expression is found in a URL gets its page. *sitemap_follow* are regular expressions for the sitemaps that are followed.
    With *sitemap_alternate_links* the pages in other languages count too. :meth:`sitemap_filter` may choose or change entries.
    """

    sitemap_urls: Sequence[str] = ()
    sitemap_rules: Sequence[tuple[re.Pattern[str] | str, str | Callable[..., Any]]] = [("", "parse")]
    sitemap_follow: Sequence[re.Pattern[str] | str] = [""]
    sitemap_alternate_links: bool = False

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._callbacks = [(_pattern(rule), self._method(callback)) for rule, callback in self.sitemap_rules]
        self._follow = [_pattern(rule) for rule in self.sitemap_follow]

    def _method(self, callback: str | Callable[..., Any]) -> Callable[..., Any]:
        if callable(callback):
            return callback
        method = getattr(self, callback, None)
        if not callable(method):
            raise AttributeError(
                f"a rule of {self!r} names the callback {callback!r}, and the spider has no such method"
            )
        return method  # type: ignore[no-any-return]  # a method found by name

    async def start(self) -> AsyncIterator[Any]:
        """Yield the requests for the sitemaps to begin with."""
        for url in self.sitemap_urls:
            yield Request(url, self._parse_sitemap)

    def sitemap_filter(self, entries: Iterable[dict[str, Any]]) -> Iterable[dict[str, Any]]:
        """Return the entries that count, of a sitemap or an index.

        They are dictionaries with ``loc`` and, where given, ``lastmod``, ``priority``, ``changefreq`` and ``alternate``.
        """
        return entries

    def _parse_sitemap(self, response: Response) -> Iterator[Request]:
        depth = response.meta.get(_DEPTH, 0) if response.request is not None else 0
        if response.url.partition("?")[0].endswith("/robots.txt"):
            named = list(sitemap_urls_from_robots(response.body, response.url))
            if not named:
                logger.warning(
                    "%s names no sitemap: write those of the site into sitemap_urls", response, extra={"spider": self}
                )
            for url in named:
                yield self._next_sitemap(url, depth)
            return
        body = self._get_sitemap_body(response)
        sitemap = Sitemap(body) if body else None
        if sitemap is None or not sitemap.is_known:
            logger.warning("Ignoring invalid sitemap: %s", response, extra={"spider": self})
            return
        entries = self.sitemap_filter(sitemap)
        if sitemap.type == "sitemapindex":
            if depth >= MAX_DEPTH:
                logger.warning("Ignoring sitemaps named by %s: they are nested more than %d deep", response, MAX_DEPTH)
                return
            for url in self._locations(entries):
                if any(rule.search(url) for rule in self._follow):
                    yield self._next_sitemap(response.urljoin(url), depth)
            return
        for url in self._locations(entries):
            found = next(((at, one) for at, (rule, one) in enumerate(self._callbacks) if rule.search(url)), None)
            if found is not None:
                yield self._page(response.urljoin(url), *found)

    def _page(self, url: str, rule: int, callback: Callable[..., Any]) -> Request:
        """Return the request for a page. One with a function as its callback goes by its rule, since that can be stored."""
        if getattr(callback, "__self__", None) is self:
            return Request(url, callback)
        return Request(url, self._parse_by_rule, meta={_RULE: rule})

    def _parse_by_rule(self, response: Response, **kwargs: Any) -> Any:
        return self._callbacks[response.meta[_RULE]][1](response, **kwargs)

    def _next_sitemap(self, url: str, depth: int) -> Request:
        return Request(url, self._parse_sitemap, meta={_DEPTH: depth + 1})

    def _locations(self, entries: Iterable[dict[str, Any]]) -> Iterator[str]:
        for entry in entries:
            yield entry["loc"]
            if self.sitemap_alternate_links:
                yield from entry.get("alternate", ())

    def _get_sitemap_body(self, response: Response) -> bytes | None:
        """Return the document, decompressed; None if it is none."""
        try:
            return unpacked(response.body, self._limit(response))
        except DownloadError as error:
            logger.warning("Ignoring sitemap %s: %s", response, error, extra={"spider": self})
            return None

    def _limit(self, response: Response) -> int:
        """Return how large a sitemap may be; 0 for any size."""
        if response.request is not None and "download_maxsize" in response.meta:
            return int(response.meta["download_maxsize"])
        settings: Settings | None = getattr(self, "settings", None)  # a spider may be tried out without a crawl
        return (settings or Settings()).http.max_body


def _pattern(rule: re.Pattern[str] | str) -> re.Pattern[str]:
    return re.compile(rule) if isinstance(rule, str) else rule
