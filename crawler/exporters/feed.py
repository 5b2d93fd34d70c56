"""A feed: one document that grows while the crawl runs and is whole after every flush.

``serialize`` makes the bytes of an item when it leaves the pipelines; ``append`` takes them when its visit is
committed; ``flush`` writes them, and after them whatever closes the document (``]``, ``</items>``, the end of a gzip
member), which the next flush overwrites. So a crawl that is killed leaves a valid file. ``flush`` returns the place
where the settled bytes end. A feed that is opened with such a place cuts the file back to it and goes on: what was
written after the last commit is gone, and will be written again by the visits that are repeated.

The file is written in place, under its final name, from the first moment on: a resumed crawl needs the partial file,
and whoever looks at it meanwhile sees a valid document. An existing one is emptied when it is opened to be
overwritten, and continued otherwise: rows after the last row, items inside the array or the root element.

Standard output and pipes cannot be rewritten: there the closing comes at the end only, and a resumed crawl begins a
new document.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

from crawler.exceptions import FeedError
from crawler.exporters.compression import compressor
from crawler.exporters.place import CHECKED, FeedPlace, digest

if TYPE_CHECKING:
    from crawler.exporters.formats import Format
    from crawler.exporters.opening import Start
    from crawler.exporters.options import FeedOptions
    from crawler.exporters.storage import Target

# append writes by itself beyond this, so that a crawl that is rarely committed does not keep its items in memory.
_BUFFER = 1 << 18


class Feed:
    """One output of a crawl, open for writing. Made by ``open_feed`` and ``Feeds``."""

    def __init__(self, options: FeedOptions, target: Target, shape: Format, start: Start) -> None:
        self.options = options
        self.path = target.path
        self.items = start.items
        self._target = target
        self._format = shape
        self._fields = options.build_selection()
        self._filter = options.item_filter
        self._compressor = compressor(options.compression, start.member, level=options.compression_level)
        self._offset = start.offset  # where the settled bytes on disk end
        self._tail = start.tail  # the last of them
        self._ending = b""  # what stands on disk after them
        self._has_record = start.offset > 0
        self._buffer = bytearray(start.missing)  # what will follow them
        self._is_appended = False  # the compressor holds something back
        self._is_closed = False
        self._place = self._here()

    def __repr__(self) -> str:
        return f"<Feed {self.path} {self.options.format}: {self.items} items, {self._offset} bytes>"

    @property
    def place(self) -> FeedPlace:
        """The place after the last flush."""
        return self._place

    @property
    def format(self) -> Format:
        """The format of the document."""
        return self._format

    @property
    def is_unwanted(self) -> bool:
        """Whether the document has no items and is not to be kept without."""
        return not self._has_record and not self.options.store_empty

    def accepts(self, item: Any) -> bool:
        """Tell whether *item* goes into this feed."""
        return self._filter is None or self._filter.accepts(item)

    # Hot: once per item.
    def serialize(self, item: Any) -> bytes:
        """Return the record of *item*. Raise InvalidOutputError if a field cannot be written.

        Changes nothing, except that the first item decides the columns of a CSV feed without chosen fields.
        """
        return self._format.encode(self._fields.of(item))

    # Hot: once per item.
    def append(self, record: bytes) -> None:
        """Take a record that :meth:`serialize` made; it is on disk after the next flush."""
        self.items += 1
        if not record:
            return
        shape = self._format
        if self._has_record:
            record = shape.before_next + record
        else:
            record = shape.opening() + shape.before_first + record
            self._has_record = True
        self._buffer += self._compressor.write(record)
        self._is_appended = True
        if len(self._buffer) > _BUFFER:
            self._write()

    def claim(self) -> None:
        """Keep other crawls away from the file until it is closed; raise FeedError if one is writing it."""
        self._target.claim()

    def begin(self) -> None:
        """Cut the file back to where the feed goes on and make it a whole document; nothing before this changes it."""
        if self._target.can_rewrite:
            self._write_ending()

    def flush(self, *, sync: bool = False) -> FeedPlace:
        """Write everything and return the place after it; the file is a whole document then.

        *sync* waits until it would survive a power failure. Raise FeedError if it cannot be written: the file is then
        as it was after the last flush, as far as the system allows it, nothing is forgotten, and flushing again tries
        once more.
        """
        self._write()
        if sync:
            self._target.sync()
        return self._place

    def close(self) -> FeedPlace:
        """Flush, close the file and return the last place; remove an empty file if it is not to be stored."""
        if self._is_closed:
            return self._place
        is_unwanted = self.is_unwanted
        try:
            self._write()
            if not self._target.can_rewrite and not is_unwanted:
                self._write_ending()
            self._target.sync()
        finally:
            self._is_closed = True
            self._target.close(remove=is_unwanted)
        return self._place

    def let_go(self) -> None:
        """Close the file without another byte, and leave it as it is."""
        self._is_closed = True
        with suppress(FeedError):
            self._target.close()

    def abandon(self) -> None:
        """Close the file without another byte; remove it if it was created for this feed."""
        self._is_closed = True
        with suppress(FeedError):
            self._target.close(remove=self._target.is_new)

    def _write(self) -> None:
        """Write the buffer and the ending after it, in one go."""
        if self._is_appended:
            self._buffer += self._compressor.flush()
            self._is_appended = False
        if not self._buffer:
            return
        ending = self._next_ending() if self._target.can_rewrite else b""
        self._put(bytes(self._buffer), ending)

    def _write_ending(self) -> None:
        self._put(b"", self._next_ending())

    def _next_ending(self) -> bytes:
        shape = self._format
        closing = shape.closing if self._has_record else shape.opening() + shape.closing
        return self._compressor.ending(closing, alone=not self._offset and not self._buffer)

    def _put(self, settled: bytes, ending: bytes) -> None:
        """Write *settled* and *ending* after what is settled already; take both back if that fails."""
        target = self._target
        before = target.size
        try:
            target.write(self._offset, settled + ending)
            if target.size > self._offset + len(settled) + len(ending):
                target.truncate(self._offset + len(settled) + len(ending))
        except FeedError:
            if target.can_rewrite:
                self._restore()
            else:
                self._settle(settled[: target.size - before])
            raise
        self._ending = ending
        self._settle(settled)
        self._place = self._here()

    def _settle(self, written: bytes) -> None:
        """Count *written*, the beginning of the buffer, to what is settled."""
        self._tail = (self._tail + written)[-CHECKED:]
        self._offset += len(written)
        del self._buffer[: len(written)]

    def _restore(self) -> None:
        """Make the file what it was after the last flush. What fails here has failed, and been reported, before."""
        with suppress(FeedError):
            self._target.truncate(self._offset + len(self._ending))
        with suppress(FeedError):
            self._target.write(self._offset, self._ending)

    def _here(self) -> FeedPlace:
        return FeedPlace(self.path, self._offset, self.items, digest(self._tail), *self._compressor.state)
