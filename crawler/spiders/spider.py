"""Spider: what to visit and what to make of it.

A spider says where to start (``start_urls``, ``start()`` or Scrapy's older ``start_requests()``) and has callbacks that yield
requests and items. Names and behaviour are Scrapy's; two differences cost a ported spider nothing and are worth knowing: start
requests go through the duplicates filter like all others, and an unknown spider argument is an error unless ``__init__`` takes
``**kwargs`` by itself.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Callable, Iterable
from types import UnionType
from typing import TYPE_CHECKING, Any, ClassVar, Self

from crawler.exceptions import SpiderError
from crawler.http import Request
from crawler.url import HostMatcher

if TYPE_CHECKING:
    from crawler.crawler import Crawler
    from crawler.http import Response
    from crawler.settings import Settings


class Spider:
    """Base of all spiders."""

    name: str
    start_urls: list[str]
    allowed_domains: list[str]
    custom_settings: ClassVar[dict[str, Any] | None] = None
    crawler: Crawler
    settings: Settings

    #: What the items of this spider are, or several types with ``|`` between them. What a callback yields is checked against it, a
    #: dictionary is made into it; what does not fit is dropped with the reason and counted by field. None lets everything pass.
    item_type: ClassVar[type[Any] | UnionType | None] = None

    #: Kept with the job: what a spider puts here is there again when the job is resumed.
    state: dict[str, Any]

    def __init__(self, name: str | None = None, **kwargs: Any) -> None:
        if name is not None:
            self.name = name
        elif not getattr(self, "name", None):
            raise ValueError(f"{type(self).__name__} has no name: set the class attribute name = '...'")
        self.__dict__.update(kwargs)
        if not hasattr(self, "start_urls"):
            self.start_urls = []
        self.state = {}

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name!r}>"

    __str__ = __repr__

    @property
    def logger(self) -> logging.LoggerAdapter[logging.Logger]:
        """A logger of the spider's name; its records carry ``spider``."""
        return logging.LoggerAdapter(logging.getLogger(self.name), {"spider": self})

    def log(self, message: Any, level: int = logging.DEBUG, **kw: Any) -> None:
        """Log *message* under the spider's name."""
        self.logger.log(level, message, **kw)

    @classmethod
    def from_crawler(cls, crawler: Crawler, *args: Any, **kwargs: Any) -> Self:
        """Return a spider for *crawler*, built with the spider arguments."""
        spider = cls(*args, **kwargs)
        spider._set_crawler(crawler)
        return spider

    def _set_crawler(self, crawler: Crawler) -> None:
        """Note which crawl the spider belongs to; connect its ``closed`` method."""
        self.crawler = crawler
        self.settings = crawler.settings

    @classmethod
    def update_settings(cls, settings: Any) -> None:
        """Change the settings of the crawl before it is assembled; by default from ``custom_settings``."""
        settings.setdict(cls.custom_settings or {}, priority="spider")

    @classmethod
    def handles_request(cls, request: Request) -> bool:
        """Tell whether the spider's ``allowed_domains`` or name fit the host of *request*."""
        domains = [*(getattr(cls, "allowed_domains", None) or ()), cls.name]
        return HostMatcher(domains).matches(request.url)

    async def start(self) -> AsyncIterator[Any]:
        """Yield what the crawl starts with: requests, or items. Pulled only when there is room for more."""
        if type(self).start_requests is not Spider.start_requests:
            for request in self.start_requests():
                yield request
            return
        if not self.start_urls and hasattr(self, "start_url"):
            raise AttributeError(f"{self!r} has a start_url but no start_urls: write start_urls = [{self.start_url!r}]")
        for request in Spider.start_requests(self):
            yield request

    def start_requests(self) -> Iterable[Any]:
        """Yield what the crawl starts with; Scrapy's older, synchronous form of :meth:`start`."""
        # A URL to start with is wanted, wherever it is: allowed_domains is for the links that are found.
        meta = {"allow_offsite": True} if getattr(self, "allowed_domains", None) else None
        if isinstance(self.start_urls, str):  # each of its letters would be a URL
            raise SpiderError(f"start_urls of {self!r} is a text: write start_urls = [{self.start_urls!r}]")
        for url in self.start_urls:
            yield Request(url, meta=meta)

    if TYPE_CHECKING:
        # Whatever a spider's own takes and returns is right: the kind of response, keyword arguments, def or async def.
        parse: Callable[..., Any]
    else:

        def parse(self, response: Response, **kwargs: Any) -> Any:
            """Make requests and items of a response; the callback of requests that name none."""
            raise NotImplementedError(f"{type(self).__name__}.parse is not defined; it is the callback of {response}")

    def _parse(self, response: Response, **kwargs: Any) -> Any:
        """Call :meth:`parse`; overridden by spiders that do something first."""
        return self.parse(response, **kwargs)

    def closed(self, reason: str) -> Any:
        """Called when the crawl has ended; override it. May be a coroutine."""
