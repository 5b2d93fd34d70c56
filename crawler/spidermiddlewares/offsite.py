"""OffsiteMiddleware, for projects that have one of their own: ``{OffsiteMiddleware: None, "shop.MyOffsite": 500}``.

In every other crawl the engine keeps to the spider's ``allowed_domains`` by itself (``crawl.stay_on_site``).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from crawler.spidermiddlewares.base import BaseSpiderMiddleware
from crawler.url import split

if TYPE_CHECKING:
    from crawler.http import Request, Response


class OffsiteMiddleware(BaseSpiderMiddleware):
    """Drops requests to hosts outside of the spider's ``allowed_domains``; subclasses say what is outside."""

    def get_processed_request(self, request: Request, response: Response | None) -> Request | None:
        """Return *request*, None if it is not to be followed."""
        if response is None or request.dont_filter or request.meta.get("allow_offsite"):
            return request
        if self.should_follow(request, self.crawler.spider):
            return request
        self.crawler.stats.inc_value("offsite/filtered")
        return None

    def should_follow(self, request: Request, spider: Any) -> bool:
        """Tell whether the host of *request* is one of the spider's."""
        return bool(self.get_host_regex(spider).search(split(request.url).host))

    def get_host_regex(self, spider: Any) -> re.Pattern[str]:
        """Return the expression that hosts of the spider match; by default one of its ``allowed_domains``."""
        domains = [re.escape(domain) for domain in getattr(spider, "allowed_domains", None) or () if domain]
        return re.compile(rf"^(.*\.)?({'|'.join(domains)})$" if domains else "")
