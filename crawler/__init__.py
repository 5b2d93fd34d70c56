"""A Scrapy-style web crawler.

The public names stand here; each is imported when it is first used, so that importing the package is quick and brings no
reactor. How the package is built, from the bottom up:

    exceptions, url, link, item, selector, concurrency     values and words
    http, settings, signals, stats, robots                 documents and decisions, no network
    interfaces, linkextractors, loader                     what plug-ins implement, what spiders use
    spiders                                                the base classes of spiders
    frontier, download                                     what starts next; what is on the wire
    engine and its components                              a request's life: submit, fill, visit, close
    crawler, runtime, testing, demo                        a crawl put together and run
    cli                                                    the command line
    scrapy_paths, ported, porting                          what ported code imports; how a project is ported

A module imports from lower layers and its own package only. ``crawler.engine.engine`` is the page to read first.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from crawler import scrapy_paths

__version__ = "0.1.0"
version_info = tuple(int(part) for part in __version__.split("."))

_PUBLIC = {
    "CrawlResult": "crawler.result",
    "CrawlSpider": "crawler.spiders",
    "Crawler": "crawler.crawler",
    "CrawlerProcess": "crawler.crawler",
    "CrawlerRunner": "crawler.crawler",
    "Field": "crawler.item",
    "FormRequest": "crawler.http",
    "HtmlResponse": "crawler.http",
    "Item": "crawler.item",
    "JsonRequest": "crawler.http",
    "Request": "crawler.http",
    "Response": "crawler.http",
    "Selector": "crawler.selector",
    "Settings": "crawler.settings",
    "Spider": "crawler.spiders",
    "TextResponse": "crawler.http",
    "XmlResponse": "crawler.http",
    "crawl": "crawler.running",
    "run": "crawler.running",
    "stream": "crawler.running",
}

scrapy_paths.install()

if TYPE_CHECKING:
    from crawler.crawler import Crawler, CrawlerProcess, CrawlerRunner
    from crawler.http import FormRequest, HtmlResponse, JsonRequest, Request, Response, TextResponse, XmlResponse
    from crawler.item import Field, Item
    from crawler.result import CrawlResult
    from crawler.running import crawl, run, stream
    from crawler.selector import Selector
    from crawler.settings import Settings
    from crawler.spiders import CrawlSpider, Spider

__all__ = [
    "CrawlResult",
    "CrawlSpider",
    "Crawler",
    "CrawlerProcess",
    "CrawlerRunner",
    "Field",
    "FormRequest",
    "HtmlResponse",
    "Item",
    "JsonRequest",
    "Request",
    "Response",
    "Selector",
    "Settings",
    "Spider",
    "TextResponse",
    "XmlResponse",
    "__version__",
    "crawl",
    "run",
    "stream",
]


def _public(name: str) -> Any:
    """Import a public name, or a module of the package, when it is first asked for."""
    module_name = _PUBLIC.get(name)
    if module_name is None:
        return _module(name)
    value = getattr(importlib.import_module(module_name), name)
    globals()[name] = value
    return value


def _module(name: str) -> Any:
    """Return the module *name*: as Scrapy's users have it, ``crawler.signals`` is there after ``import crawler``."""
    path = f"{__name__}.{name}"
    try:
        if not name.startswith("_"):
            return importlib.import_module(path)
    except ImportError as error:
        if error.name != path:
            raise
    raise AttributeError(scrapy_paths.advice(path) or f"module 'crawler' has no attribute {name!r}")


if not TYPE_CHECKING:  # type checkers know the names from above, and tell one that is misspelled
    __getattr__ = _public  # as modules have it (PEP 562)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
