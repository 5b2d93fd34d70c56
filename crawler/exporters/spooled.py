"""A feed that is delivered: to a remote storage, in batches, or through plug-ins.

Its documents are written into the spool exactly as those of a local feed are into their files. A document is complete when its
batch is full, or with the crawl; what becomes of it then is the matter of ``delivery``. What a job keeps of the feed (see
``FeedPlace``) are the document that is open, with its batch and its name, and the complete ones that wait. So the rules:

    an item belongs to a batch when it is appended; the batch is complete for good when that is committed
    only what is committed is delivered: a name holds for ever from then on, and a repeated delivery goes to the same name
    a file leaves the spool when it is committed that it was delivered

A crash at any moment therefore repeats a delivery at most, whole. The items of one visit may fall into two batches, but both are
committed with the visit or neither is: what a crash leaves of them in the spool is removed when the feed is opened again.
"""

from __future__ import annotations

import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from crawler.exceptions import FeedError
from crawler.exporters.feed import Feed
from crawler.exporters.naming import expand
from crawler.exporters.opening import Start, open_at, start_after, start_at
from crawler.exporters.place import Batch, FeedPlace
from crawler.exporters.spool import MODE
from crawler.exporters.storage import FileTarget
from crawler.url import without_password

if TYPE_CHECKING:
    from collections.abc import Callable

    from crawler.exporters.options import FeedOptions
    from crawler.exporters.spool import Spool


class SpooledFeed:
    """The feed number *index* of a crawl by *spider* that began at *begun*, with its documents in *spool*.

    *seconds* is the crawl's clock, by which batches grow old. *place* is where an interrupted crawl had got.
    """

    def __init__(
        self,
        options: FeedOptions,
        spool: Spool,
        *,
        index: int,
        spider: Any,
        begun: datetime,
        seconds: Callable[[], float],
        place: FeedPlace | None = None,
    ) -> None:
        self.options = options
        self.items = 0
        self._spool = spool
        self._index = index
        self._spider = spider
        self._begun = begun if place is None or not place.begun else datetime.fromisoformat(place.begun)
        self._seconds = seconds
        self._format = options.build_format()
        self._fields = options.build_selection()
        self._filter = options.item_filter
        self._document: Feed | None = None
        self._complete: list[Batch] = []
        self._delivered: list[Batch] = []
        self._batch = 1
        self._earlier = 0
        self._size = 0
        self._began_at = seconds()
        self._is_final = False
        self._is_shown = False  # the document that is open was delivered as far as it goes
        if place is None:
            self.uri = self._name()
            self._document = self._open()
        else:
            self.uri = place.uri
            self._resume(place)

    def __repr__(self) -> str:
        return f"<SpooledFeed {self.path}: {self.items} items, batch {self._batch}, {len(self._complete)} to deliver>"

    @property
    def path(self) -> str:
        """Where the feed goes, without a password; the pattern of the names if there are batches."""
        return self.options.shown_uri if any(self.options.batch) else without_password(self.uri)

    def accepts(self, item: Any) -> bool:
        """Tell whether *item* goes into this feed."""
        return self._filter is None or self._filter.accepts(item)

    # Hot: once per item.
    def serialize(self, item: Any) -> bytes:
        """Return the record of *item*. Raise InvalidOutputError if a field cannot be written."""
        return self._format.encode(self._fields.of(item))

    # Hot: once per item.
    def append(self, record: bytes) -> None:
        """Take a record that :meth:`serialize` made; begin another batch before it if it does not fit into this one."""
        document, limits = self._document, self.options.batch
        if document is not None and (
            (limits.items and document.items >= limits.items)
            or (limits.bytes and document.items and self._size + len(record) + self._separator > limits.bytes)
        ):
            self._end_batch()
            document = None
        if document is None:
            document = self._next()
        if not document.items:
            self._began_at = self._seconds()
        if limits.bytes:
            if not document.items:
                self._size += len(self._format.opening()) + len(self._format.before_first) + len(self._format.closing)
            self._size += len(record) + self._separator
        document.append(record)
        self.items += 1

    def begin(self) -> None:
        """Remove what a crash has left behind, and make the document a whole one."""
        kept = {batch.file for batch in self._complete}
        if self._document is not None:
            kept.add(self._file)
        self._spool.remove_others(f"{self._index}-", kept)
        if self._document is not None:
            self._document.begin()

    def flush(self, *, sync: bool = False) -> FeedPlace:
        """Write everything and return the place after it; a batch that is full or old is complete then."""
        document, limits = self._document, self.options.batch
        if document is not None:
            document.flush(sync=sync)
            if (limits.items and document.items >= limits.items) or self.is_due:
                self._end_batch()
        return self.place

    @property
    def place(self) -> FeedPlace:
        """What a job has to keep for the feed to go on from the last flush."""
        document = self._document
        at = FeedPlace("", 0, 0, 0) if document is None else document.place
        return at._replace(
            uri=self.uri,
            batch=self._batch,
            is_open=document is not None,
            earlier=self.items - (document.items if document is not None else 0),
            size=self._size,
            age=self._seconds() - self._began_at if document is not None and document.items else 0.0,
            begun=self._begun.isoformat(),
            complete=tuple(self._complete),
        )

    @property
    def due_in(self) -> float | None:
        """In how many seconds the batch is too old, None if it never is."""
        document, limit = self._document, self.options.batch.seconds
        if not limit or document is None or not document.items:
            return None
        return max(0.0, self._began_at + limit - self._seconds())

    @property
    def is_due(self) -> bool:
        """Whether the batch is too old."""
        return self.due_in == 0.0

    def close(self, *, is_final: bool = True) -> FeedPlace:
        """Close the document; it is complete if the crawl has finished, else a job may go on with it. Return the last place."""
        document = self._document
        if document is not None:
            if is_final:
                self._end_batch()
            else:
                document.close()
        self._is_final = self._is_final or is_final
        return self.place

    def abandon(self) -> None:
        """Close the document without another byte; remove it if it was made for this crawl."""
        if self._document is not None:
            self._document.abandon()

    def let_go(self) -> None:
        """Close the document without another byte, and leave it as it is."""
        if self._document is not None:
            self._document.let_go()

    # --- delivery ----------------------------------------------------------------------------------------------------

    @property
    def undelivered(self) -> list[Batch]:
        """The complete documents that wait for their delivery."""
        return list(self._complete)

    @property
    def unfinished(self) -> Batch | None:
        """The document of a crawl that was closed before its end, None if there is none: delivered as far as it goes."""
        document = self._document
        if document is None or document.is_unwanted:
            return None
        return Batch(self._batch, self.uri, document.items, self._file)

    def source(self, batch: Batch) -> Path:
        """Return where the document of *batch* lies."""
        return self._spool.path(batch.file)

    def delivered(self, batch: Batch) -> None:
        """Note that *batch* was delivered; its file is removed when that is committed."""
        if batch in self._complete:
            self._complete.remove(batch)
            self._delivered.append(batch)
        else:
            self._is_shown = True

    @property
    def is_delivered(self) -> bool:
        """Whether all that it has was delivered, when it was closed."""
        return not self._complete and (self._is_shown or self.unfinished is None)

    def committed(self) -> None:
        """Remove what was delivered: the place without it has been kept."""
        for batch in self._delivered:
            self._spool.remove(batch.file)
        self._delivered.clear()

    # --- documents ---------------------------------------------------------------------------------------------------

    @property
    def _file(self) -> str:
        suffix = f".{self.options.compression}" if self.options.compression else ""
        return f"{self._index}-{self._batch:05d}.{self.options.format}{suffix}"

    @property
    def _separator(self) -> int:
        return len(self._format.before_next)

    def _name(self) -> str:
        return expand(self.options, self._spider, self._begun, batch=self._batch, batch_begun=self._now())

    def _now(self) -> datetime:
        # The first batch begins with the crawl: both times are the same in its name.
        return self._begun if self._batch == 1 else datetime.now(UTC)

    def _open(self) -> Feed:
        """Return a new document, which begins with what is there already if the feed continues local files."""
        path = self._spool.path(self._file)
        self._spool.remove(self._file)
        existing = self._existing()
        target = FileTarget(str(path), mode=MODE)
        try:
            start = Start()
            if existing is not None:
                with existing.open("rb") as file, path.open("r+b") as copy:
                    shutil.copyfileobj(file, copy)
                target.size = path.stat().st_size
                start = start_after(target, self._format, self.options)
                self._size = target.size
            return Feed(self.options, target, self._format, start)
        except BaseException:
            target.close(remove=True)
            raise

    def _existing(self) -> Path | None:
        """Return the local file that is to be continued, None if there is none. Raise FeedError if that cannot be."""
        options = self.options
        if options.overwrite or options.is_remote or options.storage is not None:
            return None
        path = Path(self.uri)
        if not path.exists() or (path.is_file() and not path.stat().st_size):
            return None
        if options.plugins or not path.is_file():
            raise FeedError(
                f"cannot continue the feed {self.uri!r}: it is "
                f"{'what plug-ins have made of a document' if path.is_file() else 'no file'}; begin it anew with -O "
                "(overwrite = true), or name another file"
            )
        return path

    def _resume(self, place: FeedPlace) -> None:
        self._batch, self._size = place.batch, place.size
        self._began_at = self._seconds() - place.age
        self._complete = list(place.complete)
        self.items = place.earlier + place.items
        for batch in self._complete:
            waiting = self._spool.path(batch.file)
            if not waiting.is_file():
                raise FeedError(
                    f"cannot deliver {batch.items} items to {without_password(batch.uri)}: {waiting} is gone. Put it back and "
                    "resume again, or drop the interrupted crawl and start a new one"
                )
        if not place.is_open:
            return
        place = place._replace(path=str(self._spool.path(self._file)))  # the job may have been moved
        target = open_at(place, mode=MODE)
        try:
            self._document = Feed(
                self.options, target, self._format, start_at(place, target, self._format, self.options)
            )
        except BaseException:
            target.close(remove=target.is_new)
            raise

    def _end_batch(self) -> None:
        """Close the document, which is complete now."""
        document = self._document
        assert document is not None  # the callers have looked
        document.close()
        if not document.is_unwanted:
            self._complete.append(Batch(self._batch, self.uri, document.items, self._file))
        self._document = None
        self._batch += 1
        self._size = 0

    def _next(self) -> Feed:
        """Begin the next batch."""
        if not any(self.options.batch):
            raise FeedError(
                f"the feed {self.path} was delivered when its crawl had finished, so nothing can be added: start a new job"
            )
        self.uri = self._name()
        self._document = document = self._open()
        document.begin()
        return document
