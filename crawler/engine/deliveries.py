"""Deliveries: complete documents of feeds go to their storages while the crawl goes on, and the rest when it ends.

One document is delivered at a time, in a thread. A delivery that fails is tried again later, with the next ones, and at the end
a few times more; what cannot be delivered then stays in the spool and is delivered when the job is resumed. Every document that
has reached its place, or failed to for good, is counted and told of by the signal ``feed_slot_closed``, those of local feeds too.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from twisted.internet.defer import CancelledError, Deferred

from crawler import signals
from crawler.concurrency import start
from crawler.exceptions import FeedError, describe
from crawler.exporters.delivery import storage_name, undelivered

if TYPE_CHECKING:
    from twisted.python.failure import Failure

    from crawler.concurrency import Bridge
    from crawler.exporters import Feeds
    from crawler.exporters.delivery import Delivery
    from crawler.exporters.options import FeedOptions
    from crawler.exporters.place import Batch
    from crawler.exporters.spooled import SpooledFeed
    from crawler.interfaces import Clock
    from crawler.signals import SignalManager
    from crawler.stats import StatsCollector

logger = logging.getLogger(__name__)

# Long enough for a storage that is restarted, and no more than is felt at the end of a crawl.
LAST_ATTEMPTS = (0.0, 2.0, 10.0)

# Seconds of peace after a failure during the crawl; doubled for each that follows. Nothing is lost by waiting.
PAUSE, LONGEST_PAUSE = 15.0, 600.0

#: Runs a blocking call without blocking the reactor, where there is one to block.
OffLoop = Callable[..., Awaitable[Any]]


@dataclass(frozen=True, slots=True)
class ClosedFeed:
    """A document of a feed that is closed: what ``feed_slot_closed`` gives as ``slot``, with Scrapy's names."""

    uri: str
    uri_template: str
    format: str
    itemcount: int
    batch_id: int
    store_empty: bool
    feed_options: Any


class Deliveries:
    """Delivers what *feeds* have in their spool with *delivery*, and tells of every document that is closed."""

    def __init__(
        self,
        feeds: Feeds,
        delivery: Delivery,
        *,
        clock: Clock,
        bridge: Bridge,
        off_loop: OffLoop,
        stats: StatsCollector,
        signal_manager: SignalManager,
    ) -> None:
        self._feeds = feeds
        self._delivery = delivery
        self._clock = clock
        self._bridge = bridge
        self._off_loop = off_loop
        self._stats = stats
        self._signals = signal_manager
        self._running: Deferred[None] | None = None
        self._not_before = 0.0
        self._pause = PAUSE
        self._hurries = False
        self._between: Deferred[None] | None = None  # two attempts, at the end

    def go_on(self) -> None:
        """Deliver what is complete and committed, in the background. Called after every commit."""
        is_running = self._running is not None and not self._running.called
        if not is_running and self._clock.seconds() >= self._not_before and self._feeds.has_undelivered:
            self._running = start(self._deliver_some())
            self._running.addErrback(self._log_broken)

    async def _deliver_some(self) -> None:
        """Deliver what was committed up to now; what is completed meanwhile follows its own commit."""
        for feed in self._feeds.spooled:
            for batch in feed.undelivered:
                try:
                    await self._deliver(feed, batch)
                except FeedError as error:
                    logger.warning("%s. It is tried again in %g s", error, self._pause)
                    self._not_before = self._clock.seconds() + self._pause
                    self._pause = min(2 * self._pause, LONGEST_PAUSE)
                    return
                self._pause = PAUSE
                feed.delivered(batch)
                await self.closed(feed.options, batch.uri, batch.items, batch=batch.number)

    async def finish(self) -> None:
        """Deliver the rest, and what there is of documents that are not complete; raise FeedError if one cannot be delivered."""
        if self._running is not None:
            waiting: Deferred[None] = Deferred()
            self._running.addBoth(lambda _: waiting.callback(None))
            await waiting
        failed = 0
        for feed in self._feeds.spooled:
            unfinished = feed.unfinished
            for batch in [*feed.undelivered, *([unfinished] if unfinished else [])]:
                error = await self._last_attempts(feed, batch)
                if error is None:
                    feed.delivered(batch)
                else:
                    failed += 1
                    logger.error("%s", error)
                await self.closed(feed.options, batch.uri, batch.items, batch=batch.number, failed=error is not None)
        if failed:
            told = f"{failed} outputs wait" if failed > 1 else "1 output waits"
            raise FeedError(f"{told} for delivery: resume the job to try again, or copy the files where they belong")

    async def _last_attempts(self, feed: SpooledFeed, batch: Batch) -> FeedError | None:
        error: FeedError | None = None
        for delay in LAST_ATTEMPTS:
            if delay and not self._hurries:
                await self._sleep(delay)
            if delay and self._hurries:
                break
            try:
                await self._deliver(feed, batch)
            except FeedError as failed:
                error = failed
            else:
                return None
        return error

    async def _sleep(self, seconds: float) -> None:
        self._between = Deferred(lambda _: timer.cancel())
        timer = self._clock.callLater(seconds, self._between.callback, None)
        with suppress(CancelledError):
            await self._between

    def hurry(self) -> None:
        """Try each delivery once from now on: whoever has asked twice for the end does not wait for a storage."""
        self._hurries = True
        if self._between is not None:
            self._between.cancel()

    async def _deliver(self, feed: SpooledFeed, batch: Batch) -> None:
        if feed.options.storage is None:
            await self._off_loop(self._delivery.put, feed, batch)
            return
        try:
            storage, file = self._delivery.open_own(feed, batch)
            await self._off_loop(self._delivery.copy, feed, batch, file)
            stored = storage.store(file)
            if hasattr(stored, "__await__"):
                await self._bridge.deferred(stored)
        except Exception as error:  # the project's code
            raise undelivered(feed, batch, describe(error)) from error

    async def closed(self, options: FeedOptions, uri: str, items: int, *, batch: int = 1, failed: bool = False) -> None:
        """Count a document that is closed, and tell of it."""
        how = "failed_count" if failed else "success_count"
        self._stats.inc_value(f"feedexport/{how}/{storage_name(options)}")
        closed = ClosedFeed(uri, options.uri, options.format, items, batch, options.store_empty, dict(options.given))
        for result in self._signals.send(signals.feed_slot_closed, slot=closed):
            if hasattr(result, "__await__"):
                try:
                    await self._bridge.deferred(result)
                except Exception:
                    logger.exception("Error in a handler of the signal feed_slot_closed")

    def _log_broken(self, failure: Failure) -> None:
        logger.error("Delivering feeds failed; it is tried again at the end:\n%s", failure.getTraceback())
