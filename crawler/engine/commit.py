"""Committing finished visits, in batches.

The unit of durability is a finished visit: its items are written to the feeds together or not at all, in the order in which
visits finish. Nothing is written on the per-request path: finished visits gather until enough of them wait, or a short time
has passed, and then the feeds are brought up to date in one go.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import msgspec

from crawler.exceptions import FeedError, JobError, UsageError, describe
from crawler.exporters.feeds import Feeds
from crawler.exporters.fields import FieldSelection
from crawler.exporters.values import plain_fields

if TYPE_CHECKING:
    from crawler.engine.deliveries import Deliveries
    from crawler.engine.durability import Durability
    from crawler.engine.waits import Waits
    from crawler.exporters import FeedPlace
    from crawler.frontier import Visit
    from crawler.interfaces import Clock, Timer, VisitWatcher

# A crash repeats at most this much work per feed; a flush takes well under a millisecond.
INTERVAL = 0.05

# With a job, a commit waits for the disk (a few milliseconds): four times a second is not felt.
DURABLE_INTERVAL = 0.25
BATCH = 256


class Committer:
    """Writes what visits bring to *feeds*, and where the feeds have got to with *durability* if the crawl is durable.

    *on_failure* is called with a FeedError or JobError, once, when that is no longer possible. *deliveries* are told of every
    commit, and take what is complete to where it belongs. *watcher* follows visits.
    """

    def __init__(
        self,
        feeds: Feeds,
        clock: Clock,
        *,
        on_failure: Callable[[UsageError], None],
        waits: Waits,
        deliveries: Deliveries,
        durability: Durability | None = None,
        watcher: VisitWatcher | None = None,
    ) -> None:
        self._feeds = feeds
        self._deliveries = deliveries
        self._time = waits["store"].add
        self._clock = clock
        self._on_failure = on_failure
        self._durability = durability
        self._watcher = watcher
        self._followed: list[Visit] = []
        self._selection = FieldSelection()
        self._interval = INTERVAL if durability is None else DURABLE_INTERVAL
        self._timer: Timer | None = None
        self._batch_timer: Timer | None = None
        self._gathered = 0
        self._broken = False

    def serialize(self, item: Any) -> list[tuple[Any, bytes]]:
        """Return *item* as each feed that takes it will write it; raise what makes that impossible."""
        return self._feeds.serialize(item)

    @property
    def is_durable(self) -> bool:
        """Whether the crawl can be resumed."""
        return self._durability is not None

    @property
    def keeps_items(self) -> bool:
        """Whether items are kept with the job, to be exported again."""
        return self._durability is not None and self._durability.keeps_items

    def record(self, item: Any) -> bytes:
        """Return *item* as the job keeps it."""
        return msgspec.msgpack.encode(plain_fields(self._selection.of(item)))

    # Hot: once per request.
    def add(self, visit: Visit) -> None:
        """Let what *visit* brought be written with the next batch."""
        if self._broken or not (visit.exports or self._durability):
            return
        try:
            for feed, content in visit.exports:
                feed.append(content)
        except FeedError as error:
            self.fail(error)
            return
        if visit.records and self._durability is not None:
            self._durability.keep_items(visit)
        if visit.trace is not None:
            self._followed.append(visit)
        self._gathered += 1
        if self._gathered >= BATCH:
            self.commit()
        elif self._timer is None:
            self._timer = self._clock.callLater(self._interval, self._due)

    def soon(self) -> None:
        """Let the job keep what has happened before long, whether or not a visit ends."""
        if self._durability is not None and self._timer is None and not self._broken:
            self._timer = self._clock.callLater(self._interval, self._due)

    def _due(self) -> None:
        self._timer = None
        self.commit_or_fail()

    def commit_or_fail(self) -> None:
        """Commit where nobody would hear of an error: the reactor would note it and go on without commits."""
        try:
            self.commit()
        except Exception as error:
            self.fail(_failed(error))

    def commit(self) -> None:
        """Write what has gathered, so that every feed on disk is a valid document."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._gathered = 0
        if self._broken:
            return
        began = time.perf_counter()
        try:
            places = self._feeds.flush(sync=self._durability is not None)
            self._keep(places)
        except (FeedError, JobError) as error:
            self.fail(error)
        took = time.perf_counter() - began
        self._time(took)
        if self._followed and self._watcher is not None:
            followed, self._followed = self._followed, []
            self._watcher.committed(followed, took)
        if self._feeds.spooled and not self._broken:
            self._deliveries.go_on()
            self._wait_for_batch()

    def _keep(self, places: list[FeedPlace]) -> None:
        """Let the job keep *places*."""
        if self._durability is not None:
            self._durability.commit(
                places, is_delivered=not any(place.uri and (place.is_open or place.complete) for place in places)
            )
        self._feeds.committed()

    def _wait_for_batch(self) -> None:
        """Commit when a batch has grown old, if nothing else brings a commit until then."""
        due = self._feeds.due_in
        if self._batch_timer is not None and self._batch_timer.active():
            self._batch_timer.cancel()
        self._batch_timer = None if due is None else self._clock.callLater(due, self._due)

    def fail(self, error: FeedError | JobError) -> None:
        """Write nothing from now on: the outputs and the job stay as they were at the last commit."""
        if not self._broken:
            self._broken = True
            self._on_failure(error)

    def hurry(self) -> None:
        """Wait for no storage that does not take a feed: a job delivers it when it is resumed."""
        self._deliveries.hurry()

    async def finish(self) -> None:
        """Write the rest, finish the feeds and deliver what is to be delivered."""
        self.commit_or_fail()
        if self._batch_timer is not None and self._batch_timer.active():
            self._batch_timer.cancel()
        try:
            await self._finish_feeds()
        except (FeedError, JobError) as error:
            self.fail(error)
        except Exception as error:
            self.fail(_failed(error))
        if self._durability is not None:
            self._durability.close()

    async def _finish_feeds(self) -> None:
        if self._broken and self._durability is not None:
            self._leave_feeds()
            return
        self._feeds.close(is_final=self._durability is None or self._durability.has_finished)
        for feed in self._feeds:
            if feed not in self._feeds.spooled:
                await self._deliveries.closed(feed.options, feed.path, feed.items)
        if self._feeds.spooled:
            self._keep(self._feeds.places)  # the names that documents are delivered to hold from now on
            try:
                await self._deliveries.finish()
            finally:
                self._keep(self._feeds.places)
                self._feeds.remove_spool()

    def _leave_feeds(self) -> None:
        """Close local feeds as whole documents, which the job cuts back; leave those in the spool to the job."""
        for feed in self._feeds.spooled:
            feed.let_go()
        Feeds(feed for feed in self._feeds if feed not in self._feeds.spooled).close()


def _failed(error: Exception) -> JobError:
    return JobError(f"the commit failed: {describe(error)}. What was committed before is safe")
