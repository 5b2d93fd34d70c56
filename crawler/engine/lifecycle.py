"""Opening and closing a crawl: the pipelines, the spider, and the signals that tell of it, in order.

A handler of these signals may be asynchronous, and is waited for; a ``CloseSpider`` that one raises stops the crawl.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from crawler import signals
from crawler.exceptions import CloseSpider

if TYPE_CHECKING:
    from crawler.engine.parts import Parts

logger = logging.getLogger(__name__)


class Lifecycle:
    """Opens and closes what takes part in a crawl. *stop* is called with the reason of a CloseSpider."""

    def __init__(self, parts: Parts, stop: Callable[[str], None]) -> None:
        self._spider = parts.spider
        self._pipeline = parts.pipeline
        self._committer = parts.committer
        self._signals = parts.signals
        self._bridge = parts.bridge
        self._stop = stop

    async def open(self) -> None:
        """Open the pipelines and tell that the spider is open."""
        await self.tell(signals.engine_started)
        await self._pipeline.open()
        await self.tell(signals.spider_opened, spider=self._spider)

    async def close(self, reason: str) -> None:
        """Shut everything in order; what fails is logged, and the rest is shut all the same."""

        async def close_spider() -> None:
            await self.tell(signals.spider_closed, spider=self._spider, reason=reason)
            rest = self._bridge.call(self._spider.closed, reason)
            if rest is not None:
                await rest

        async def stop_engine() -> None:
            await self.tell(signals.engine_stopped)

        async def close_feeds() -> None:
            await self._committer.finish()
            await self.tell(signals.feed_exporter_closed)

        for step in (self._pipeline.close, close_spider, close_feeds, stop_engine):
            try:
                await step()
            except Exception:
                logger.exception("Error while closing the crawl of %s", self._spider)

    async def tell(self, signal: signals.Signal, **arguments: Any) -> None:
        """Send *signal* and wait for its handlers; a CloseSpider that one raises stops the crawl."""
        for result in self._signals.send(signal, dont_log=CloseSpider, **arguments):
            answer = result
            if hasattr(result, "__await__"):
                try:
                    answer = await self._bridge.deferred(result)
                except CloseSpider as close:
                    answer = close
                except Exception:
                    logger.exception("Error in a handler of the signal %s", signal.name)
            if isinstance(answer, CloseSpider):
                self._stop(answer.reason)
