"""A time limit of the spider's own. The one of the settings is the downloader's, and needs no middleware."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

from crawler.exceptions import NotConfigured

if TYPE_CHECKING:
    from crawler.crawler import Crawler
    from crawler.http import Request


class DownloadTimeoutMiddleware:
    """Gives requests without ``meta["download_timeout"]`` the *timeout* of the spider, in seconds."""

    def __init__(self, timeout: float = 60.0) -> None:
        self._timeout = timeout

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        """Build from the spider's ``download_timeout``; without one the middleware is left out, unless it is a subclass."""
        timeout = getattr(crawler.spider, "download_timeout", None)
        if not timeout and cls is DownloadTimeoutMiddleware:
            raise NotConfigured
        return cls(float(timeout or crawler.settings.http.timeout))

    def spider_opened(self, spider: Any) -> None:
        """Take the ``download_timeout`` of *spider*; for subclasses, whose ``from_crawler`` connects it to the signal."""
        self._timeout = getattr(spider, "download_timeout", self._timeout)

    # Hot: once per request.
    def process_request(self, request: Request, spider: Any = None) -> None:
        """Set the time limit of *request* if it has none."""
        request.meta.setdefault("download_timeout", self._timeout)
