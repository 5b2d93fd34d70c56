"""OffsiteMiddleware, for projects that have one of their own: ``{OffsiteMiddleware: None, "shop.MyOffsite": 50}``.

In every other crawl the engine keeps to the spider's ``allowed_domains`` by itself (``crawl.stay_on_site``).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Self

from crawler.exceptions import IgnoreRequest
from crawler.url import split

if TYPE_CHECKING:
    from crawler.crawler import Crawler
    from crawler.http import Request


class OffsiteMiddleware:
    """Drops requests to hosts outside of the spider's ``allowed_domains``; subclasses say what is outside."""

    def __init__(self, stats: Any = None) -> None:
        self.stats = stats
        self.crawler: Crawler | None = None

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        """Build with the statistics of *crawler*."""
        middleware = cls(crawler.stats)
        middleware.crawler = crawler
        return middleware

    def process_request(self, request: Request, spider: Any = None) -> None:
        """Raise IgnoreRequest if *request* is not to be followed."""
        if request.dont_filter or request.meta.get("allow_offsite"):
            return
        spider = spider or (self.crawler.spider if self.crawler is not None else None)
        if not self.should_follow(request, spider):
            if self.stats is not None:
                self.stats.inc_value("offsite/filtered")
            raise IgnoreRequest(f"{request.url} is not in allowed_domains of the spider")

    def should_follow(self, request: Request, spider: Any) -> bool:
        """Tell whether the host of *request* is one of the spider's."""
        return bool(self.get_host_regex(spider).search(split(request.url).host))

    def get_host_regex(self, spider: Any) -> re.Pattern[str]:
        """Return the expression that hosts of the spider match; by default one of its ``allowed_domains``."""
        domains = [re.escape(domain) for domain in getattr(spider, "allowed_domains", None) or () if domain]
        return re.compile(rf"^(.*\.)?({'|'.join(domains)})$" if domains else "")
