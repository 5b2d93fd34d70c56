"""HttpError: a response whose status the spider does not handle, as its errback gets it.

HttpErrorMiddleware is for projects that have one of their own in its place: ``{HttpErrorMiddleware: None, "shop.Mine": 50}``.
Else the engine raises HttpError by itself (``crawl.allowed_statuses``, ``crawl.allow_http_errors``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

from crawler.exceptions import IgnoreRequest

if TYPE_CHECKING:
    from crawler.crawler import Crawler
    from crawler.http import Response
    from crawler.settings import Settings


class HttpError(IgnoreRequest):
    """A response was received but its status is not one that the spider handles. ``response`` is that response."""

    def __init__(self, response: Response, *args: Any) -> None:
        self.response = response
        super().__init__(*args)


class HttpErrorMiddleware:
    """Raises HttpError for responses of other statuses than 2xx, unless meta, the spider or the settings let them pass."""

    def __init__(self, settings: Settings) -> None:
        self.handle_httpstatus_all: bool = settings.getbool("HTTPERROR_ALLOW_ALL")
        self.handle_httpstatus_list: list[Any] = settings.getlist("HTTPERROR_ALLOWED_CODES")
        self.crawler: Crawler | None = None

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        """Build from HTTPERROR_ALLOW_ALL and HTTPERROR_ALLOWED_CODES."""
        middleware = cls(crawler.settings)
        middleware.crawler = crawler
        return middleware

    def process_spider_input(self, response: Response, spider: Any = None) -> None:
        """Raise HttpError unless the status of *response* is one that the spider handles."""
        if 200 <= response.status < 300:
            return
        meta = response.meta
        if meta.get("handle_httpstatus_all"):
            return
        spider = spider or (self.crawler.spider if self.crawler is not None else None)
        allowed = meta.get("handle_httpstatus_list")
        if allowed is None:
            if self.handle_httpstatus_all:
                return
            allowed = getattr(spider, "handle_httpstatus_list", self.handle_httpstatus_list)
        if response.status not in allowed:
            raise HttpError(response, f"HTTP status {response.status} is not handled")

    def process_spider_exception(self, response: Response, exception: Exception, spider: Any = None) -> None:
        """Let *exception* go on: the engine counts it and calls the errback."""
