"""DepthMiddleware, for projects that have one of their own in its place. Else the engine limits depth (``crawl.depth_limit``).

How deep a page is stands in ``meta["depth"]`` in any case: the engine counts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from crawler.spidermiddlewares.base import BaseSpiderMiddleware

if TYPE_CHECKING:
    from crawler.crawler import Crawler
    from crawler.http import Request, Response


class DepthMiddleware(BaseSpiderMiddleware):
    """Drops requests that are deeper than ``maxdepth`` (0 for no limit), and takes ``prio`` a step off their priority."""

    maxdepth = 0
    prio = 0

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        """Build from DEPTH_LIMIT and DEPTH_PRIORITY."""
        middleware = cls(crawler)
        middleware.maxdepth = crawler.settings.getint("DEPTH_LIMIT")
        middleware.prio = crawler.settings.getint("DEPTH_PRIORITY")
        return middleware

    def get_processed_request(self, request: Request, response: Response | None) -> Request | None:
        """Return *request*, None if it is too deep."""
        if response is None:
            return request
        depth = 0 if request.meta.get("depth_reset") else response.meta.get("depth", 0) + 1
        request.priority -= depth * self.prio
        return request if not self.maxdepth or depth <= self.maxdepth else None
