"""All feeds of a crawl: opened together or not at all, fed side by side.

A feed is a ``Feed``, which writes its file in place, or a ``SpooledFeed``, which is delivered. An item goes into every feed that
accepts it. A serialised item waits with its visit as (feed, record) and is appended
when the visit is committed, so the order in a feed is the order of commits.
"""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeAlias

from crawler.exceptions import FeedError
from crawler.exporters.feed import Feed
from crawler.exporters.naming import expand
from crawler.exporters.opening import open_at, start_after, start_at
from crawler.exporters.spool import Spool
from crawler.exporters.spooled import SpooledFeed
from crawler.exporters.storage import open_target
from crawler.storages import is_remote
from crawler.url import without_password

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from crawler.exporters.options import FeedOptions
    from crawler.exporters.place import FeedPlace


#: A feed of either kind.
AnyFeed: TypeAlias = Feed | SpooledFeed


def open_feed(
    options: FeedOptions, *, spider: Any = None, resume: FeedPlace | None = None, now: datetime | None = None
) -> AnyFeed:
    """Return an open feed, continued at *resume* if given. Raise FeedError if it cannot be written."""
    places = None if resume is None else [resume]
    (feed,) = Feeds.open_all([options], spider=spider, resume=places, now=now)
    return feed


class Feeds(Sequence[AnyFeed]):
    """The open feeds of a crawl, in the order of their options."""

    def __init__(self, feeds: Iterable[AnyFeed] = (), spool: Spool | None = None) -> None:
        self._feeds = tuple(feeds)
        self._only = self._feeds[0] if len(self._feeds) == 1 else None
        self._spool = spool
        #: The feeds that are delivered.
        self.spooled = [feed for feed in self._feeds if isinstance(feed, SpooledFeed)]
        self._timed = [feed for feed in self.spooled if feed.options.batch.seconds]

    def __repr__(self) -> str:
        return f"<Feeds {', '.join(f'{feed.path} {feed.items} items' for feed in self._feeds) or 'none'}>"

    def __len__(self) -> int:
        return len(self._feeds)

    def __getitem__(self, index: Any) -> Any:
        return self._feeds[index]

    def __iter__(self) -> Iterator[AnyFeed]:
        return iter(self._feeds)

    @classmethod
    def open_all(
        cls,
        options: Sequence[FeedOptions],
        *,
        spider: Any = None,
        resume: Sequence[FeedPlace] | None = None,
        now: datetime | None = None,
        spool: Spool | None = None,
        seconds: Callable[[], float] = time.monotonic,
        alone: bool = False,
    ) -> Feeds:
        """Open a feed for each of *options*; *resume* are the places of an interrupted crawl, in the same order.

        Raise FeedError if one cannot be written or continued, or if two go to the same file: then no file is changed.
        The places of a new crawl (``flush``) belong into its job before the first request, or a crash before the
        first commit leaves nothing to cut the files back to. Feeds that are delivered lie in *spool* meanwhile, and
        their batches grow old by *seconds*. With *alone* it is an error too if another crawl is writing one of the files.
        """
        _check_resumed(options, resume)
        moment = now or datetime.now(UTC)
        spool = spool or Spool()
        feeds: list[AnyFeed] = []
        try:
            _refuse_same([_uri(one, spider, moment, resume[i] if resume else None) for i, one in enumerate(options)])
            for index, one in enumerate(options):
                place = None if resume is None else resume[index]
                if one.is_spooled:
                    feed: AnyFeed = SpooledFeed(
                        one, spool, index=index, spider=spider, begun=moment, seconds=seconds, place=place
                    )
                else:
                    feed = _open(one, expand(one, spider, moment) if place is None else place.path, place)
                feeds.append(feed)
            for feed in feeds if alone else ():
                if isinstance(feed, Feed):
                    feed.claim()
            for feed in feeds:
                feed.begin()
        except BaseException:
            for feed in feeds:
                feed.abandon()
            spool.close()
            raise
        return cls(feeds, spool)

    # Hot: once per item.
    def serialize(self, item: Any) -> list[tuple[AnyFeed, bytes]]:
        """Return the record of *item* for each feed that accepts it; raise InvalidOutputError if one cannot hold it."""
        feed = self._only
        if feed is not None:
            return [(feed, feed.serialize(item))] if feed.accepts(item) else []
        return [(feed, feed.serialize(item)) for feed in self._feeds if feed.accepts(item)]

    def append(self, records: Iterable[tuple[AnyFeed, bytes]]) -> None:
        """Take what :meth:`serialize` returned, for one item or for many."""
        for feed, record in records:
            feed.append(record)

    def flush(self, *, sync: bool = False) -> list[FeedPlace]:
        """Write all feeds and return their places. Raise FeedError at the first that cannot be written."""
        return [feed.flush(sync=sync) for feed in self._feeds]

    @property
    def places(self) -> list[FeedPlace]:
        """The places after the last flush."""
        return [feed.place for feed in self._feeds]

    @property
    def has_undelivered(self) -> bool:
        """Whether complete documents wait for their delivery."""
        return any(feed.undelivered for feed in self.spooled)

    @property
    def due_in(self) -> float | None:
        """In how many seconds a batch is too old; None if none ever is."""
        return min((due for feed in self._timed if (due := feed.due_in) is not None), default=None)

    def committed(self) -> None:
        """Note that the places have been kept."""
        for feed in self.spooled:
            feed.committed()

    def close(self, *, is_final: bool = True) -> list[FeedPlace]:
        """Close every feed and return the last places; raise the first error after closing the rest.

        Documents that are delivered are complete then if *is_final*; otherwise a job may go on with them.
        """
        places: list[FeedPlace] = []
        errors: list[FeedError] = []
        for feed in self._feeds:
            try:
                places.append(feed.close(is_final=is_final) if isinstance(feed, SpooledFeed) else feed.close())
            except FeedError as error:
                errors.append(error)
        if errors:
            raise errors[0]
        return places

    def abandon(self) -> None:
        """Close every feed without another byte, and remove what was created for this crawl."""
        for feed in self._feeds:
            feed.abandon()
        self.remove_spool()

    def remove_spool(self) -> None:
        """Remove the temporary folder of a crawl without a job, if nothing is left in it."""
        if self._spool is not None:
            self._spool.close()


def _check_resumed(options: Sequence[FeedOptions], resume: Sequence[FeedPlace] | None) -> None:
    if resume is None:
        return
    if len(resume) != len(options):
        raise FeedError(
            f"the interrupted crawl had {len(resume)} feeds and this one has {len(options)}: "
            "resume it with the same feeds"
        )
    for one, place in zip(options, resume, strict=True):
        if one.is_spooled != bool(place.uri):
            raise FeedError(
                f"the interrupted crawl wrote to {without_password(place.uri or place.path)} and this one writes to "
                f"{one.shown_uri}, which is another kind of feed: resume it with the same feeds"
            )


def _uri(options: FeedOptions, spider: Any, now: datetime, place: FeedPlace | None) -> str:
    if place is not None:
        return place.uri or place.path
    return expand(options, spider, now)


def _open(options: FeedOptions, path: str, place: FeedPlace | None) -> Feed:
    """Return the feed, with its file opened and not yet changed."""
    shape = options.build_format()
    target = open_target(path) if place is None else open_at(place)
    try:
        start = start_after(target, shape, options) if place is None else start_at(place, target, shape, options)
    except BaseException:
        target.close(remove=target.is_new)
        raise
    return Feed(options, target, shape, start)


def _refuse_same(paths: Sequence[str]) -> None:
    seen: dict[str, str] = {}
    for path in paths:
        real = path if path == "-" or is_remote(path) else os.path.realpath(path)
        if real in seen:
            raise FeedError(f"two feeds go to {without_password(path)!r}: give each a file of its own")
        seen[real] = path
