"""Spiders that bring their site along: the demo site is served for as long as they crawl."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

from crawler import signals, threads
from crawler.demo.server import Server, start_server
from crawler.spiders import Spider

if TYPE_CHECKING:
    from crawler.crawler import Crawler

# The same each time, so that what one crawl has put into the cache is there for the next.
_PORT = 8475


class DemoSpider(Spider):
    """Has the demo site served while it crawls, unless ``self.site`` names another.

    A crawl that is resumed finds it where it was: what waits in the job are addresses of it.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.site = ""
        self.demo: Server | None = None

    @classmethod
    def from_crawler(cls, crawler: Crawler, *args: Any, **kwargs: Any) -> Self:
        """Return the spider, which serves its site as soon as it is opened."""
        spider = super().from_crawler(crawler, *args, **kwargs)
        crawler.signals.connect(spider.serve, signal=signals.spider_opened)
        return spider

    async def serve(self) -> None:
        """Serve the demo site where no other was named."""
        if self.site:
            return
        before = self.state.get("demo_port", 0)
        self.demo = await threads.run(start_server, port=before or _PORT, patience=1.0 if before else 0.0)
        self.site, self.state["demo_port"] = self.demo.url, self.demo.port

    def closed(self, reason: str) -> None:
        """Serve it no longer."""
        if self.demo is not None:
            self.demo.stop()
