"""All feeds of a crawl: opened together or not at all, fed side by side.

An item goes into every feed that accepts it. A serialised item waits with its visit as (feed, record) and is appended
when the visit is committed, so the order in a feed is the order of commits.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from crawler.exceptions import FeedError
from crawler.exporters.feed import Feed
from crawler.exporters.opening import open_at, start_after, start_at
from crawler.exporters.place import expand
from crawler.exporters.storage import open_target

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from crawler.exporters.options import FeedOptions
    from crawler.exporters.place import FeedPlace


def open_feed(
    options: FeedOptions, *, spider: Any = None, resume: FeedPlace | None = None, now: datetime | None = None
) -> Feed:
    """Return an open feed, continued at *resume* if given. Raise FeedError if it cannot be written."""
    places = None if resume is None else [resume]
    (feed,) = Feeds.open_all([options], spider=spider, resume=places, now=now)
    return feed


class Feeds(Sequence[Feed]):
    """The open feeds of a crawl, in the order of their options."""

    def __init__(self, feeds: Iterable[Feed] = ()) -> None:
        self._feeds = tuple(feeds)
        self._only = self._feeds[0] if len(self._feeds) == 1 else None

    def __repr__(self) -> str:
        return f"<Feeds {', '.join(f'{feed.path} {feed.items} items' for feed in self._feeds) or 'none'}>"

    def __len__(self) -> int:
        return len(self._feeds)

    def __getitem__(self, index: Any) -> Any:
        return self._feeds[index]

    def __iter__(self) -> Iterator[Feed]:
        return iter(self._feeds)

    @classmethod
    def open_all(
        cls,
        options: Sequence[FeedOptions],
        *,
        spider: Any = None,
        resume: Sequence[FeedPlace] | None = None,
        now: datetime | None = None,
    ) -> Feeds:
        """Open a feed for each of *options*; *resume* are the places of an interrupted crawl, in the same order.

        Raise FeedError if one cannot be written or continued, or if two go to the same file: then no file is changed.
        The places of a new crawl (``flush``) belong into its job before the first request, or a crash before the
        first commit leaves nothing to cut the files back to.
        """
        if resume is not None and len(resume) != len(options):
            raise FeedError(
                f"the interrupted crawl had {len(resume)} feeds and this one has {len(options)}: "
                "resume it with the same feeds"
            )
        moment = now or datetime.now(UTC)
        paths = (
            [place.path for place in resume] if resume is not None else [expand(one, spider, moment) for one in options]
        )
        _refuse_same(paths)
        feeds: list[Feed] = []
        try:
            for index, one in enumerate(options):
                feeds.append(_open(one, paths[index], None if resume is None else resume[index]))
            for feed in feeds:
                feed.begin()
        except BaseException:
            for feed in feeds:
                feed.abandon()
            raise
        return cls(feeds)

    # Hot: once per item.
    def serialize(self, item: Any) -> list[tuple[Feed, bytes]]:
        """Return the record of *item* for each feed that accepts it; raise InvalidOutputError if one cannot hold it."""
        feed = self._only
        if feed is not None:
            return [(feed, feed.serialize(item))] if feed.accepts(item) else []
        return [(feed, feed.serialize(item)) for feed in self._feeds if feed.accepts(item)]

    def append(self, records: Iterable[tuple[Feed, bytes]]) -> None:
        """Take what :meth:`serialize` returned, for one item or for many."""
        for feed, record in records:
            feed.append(record)

    def flush(self, *, sync: bool = False) -> list[FeedPlace]:
        """Write all feeds and return their places. Raise FeedError at the first that cannot be written."""
        return [feed.flush(sync=sync) for feed in self._feeds]

    def close(self) -> list[FeedPlace]:
        """Close every feed and return the last places; raise the first error after closing the rest."""
        places: list[FeedPlace] = []
        errors: list[FeedError] = []
        for feed in self._feeds:
            try:
                places.append(feed.close())
            except FeedError as error:
                errors.append(error)
        if errors:
            raise errors[0]
        return places


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
        real = os.path.realpath(path) if path != "-" else path
        if real in seen:
            raise FeedError(f"two feeds go to {path!r}: give each a file of its own")
        seen[real] = path
