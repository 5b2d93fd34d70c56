"""LogFormatter: the lines about pages, items and errors as a project wants them (``components.log_formatter``).

A method returns a dictionary of ``level``, ``msg`` and ``args`` as :mod:`logging` takes them, or None for no line at all. The
defaults are the lines that ported projects expect. Where no formatter is named (Scrapy's ``LOG_FORMATTER``) the crawler writes its
own, shorter lines, and nothing here is loaded.
"""

from __future__ import annotations

import logging
import os
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from crawler.crawler import Crawler
    from crawler.http import Request, Response
    from crawler.spiders import Spider

#: What a method returns: ``level``, ``msg``, ``args``; None for no line.
Line = dict[str, Any] | None

CRAWLEDMSG = "Crawled (%(status)s) %(request)s%(request_flags)s (referer: %(referer)s)%(response_flags)s"
SCRAPEDMSG = f"Scraped from %(src)s{os.linesep}%(item)s"
DROPPEDMSG = f"Dropped: %(exception)s{os.linesep}%(item)s"
ITEMERRORMSG = "Error processing %(item)s"
SPIDERERRORMSG = "Spider error processing %(request)s (referer: %(referer)s)"
DOWNLOADERRORMSG_SHORT = "Error downloading %(request)s"
DOWNLOADERRORMSG_LONG = "Error downloading %(request)s: %(errmsg)s"


class LogFormatter:
    """Says how lines about what a crawl does read. Override what is to read otherwise."""

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        """Build it for *crawler*."""
        return cls()

    def crawled(self, request: Request, response: Response, spider: Spider) -> Line:
        """Return the line about a response that a callback will see."""
        return {
            "level": logging.DEBUG,
            "msg": CRAWLEDMSG,
            "args": {
                "status": response.status,
                "request": request,
                "request_flags": f" {request.flags}" if request.flags else "",
                "referer": _referer(request),
                "response_flags": f" {response.flags}" if response.flags else "",
                "flags": f" {response.flags}" if response.flags else "",
            },
        }

    def scraped(self, item: Any, response: Any, spider: Spider) -> Line:
        """Return the line about an item that has passed the pipelines; *response* is None for what ``start`` yields."""
        source = f"{type(spider).__module__}.{type(spider).__qualname__}.start" if response is None else response
        return {"level": logging.DEBUG, "msg": SCRAPEDMSG, "args": {"src": source, "item": item}}

    def dropped(self, item: Any, exception: BaseException, response: Any, spider: Spider) -> Line:
        """Return the line about an item that a pipeline dropped."""
        level = getattr(exception, "log_level", None)
        if level is None:
            level = spider.settings.log.dropped_level
        return {
            "level": logging.getLevelNamesMapping()[level.upper()] if isinstance(level, str) else level,
            "msg": DROPPEDMSG,
            "args": {"exception": exception, "item": item},
        }

    def item_error(self, item: Any, exception: BaseException, response: Any, spider: Spider) -> Line:
        """Return the line about an item on which a pipeline failed."""
        return {"level": logging.ERROR, "msg": ITEMERRORMSG, "args": {"item": item}}

    def spider_error(self, failure: Any, request: Request, response: Any, spider: Spider) -> Line:
        """Return the line about a callback that raised."""
        return {
            "level": logging.ERROR,
            "msg": SPIDERERRORMSG,
            "args": {"request": request, "referer": _referer(request)},
        }

    def download_error(self, failure: Any, request: Request, spider: Spider, errmsg: str | None = None) -> Line:
        """Return the line about a request that ended without a response, with no errback that wants to know."""
        args: dict[str, Any] = {"request": request}
        if errmsg:
            args["errmsg"] = errmsg
        return {
            "level": logging.ERROR,
            "msg": DOWNLOADERRORMSG_LONG if errmsg else DOWNLOADERRORMSG_SHORT,
            "args": args,
        }


def _referer(request: Request) -> str | None:
    referer = request.headers.get("Referer")
    return None if referer is None else referer.decode("utf-8", "replace")
