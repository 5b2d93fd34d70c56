"""UrlLengthMiddleware, for projects that have one of their own in its place. Else the engine looks (``crawl.url_length``)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from crawler.exceptions import NotConfigured
from crawler.spidermiddlewares.base import BaseSpiderMiddleware

if TYPE_CHECKING:
    from crawler.crawler import Crawler
    from crawler.http import Request, Response


class UrlLengthMiddleware(BaseSpiderMiddleware):
    """Drops requests whose URL is longer than ``maxlength``."""

    maxlength = 0

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        """Build from URLLENGTH_LIMIT; 0 leaves the middleware out."""
        middleware = cls(crawler)
        middleware.maxlength = crawler.settings.getint("URLLENGTH_LIMIT")
        if not middleware.maxlength:
            raise NotConfigured
        return middleware

    def get_processed_request(self, request: Request, response: Response | None) -> Request | None:
        """Return *request*, None if its URL is too long."""
        if len(request.url) <= self.maxlength:
            return request
        self.crawler.stats.inc_value("urllength/request_ignored_count")
        return None
