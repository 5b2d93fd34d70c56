"""Delivery: a complete document goes from the spool to where its feed goes, through the plug-ins of the feed if it has any.

To a storage of ours it is put whole, under its name or not at all; what was there is replaced. A storage of the project (a class
of ``FEED_STORAGES``) is used as Scrapy does: ``open(spider)`` gives a file, ``store(file)`` takes it when it is written.
"""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any, BinaryIO, Protocol

from crawler.exceptions import FeedError, StorageError, describe
from crawler.exporters.postprocessing import process
from crawler.exporters.spool import MODE
from crawler.storages import open_storage, split_url
from crawler.url import without_password

if TYPE_CHECKING:
    from pathlib import Path

    from crawler.exporters.options import FeedOptions
    from crawler.exporters.place import Batch
    from crawler.exporters.spooled import SpooledFeed
    from crawler.settings.storages import Storages
    from crawler.storages import Storage

_CHUNK = 1 << 18
_CONTENT_TYPES = {
    "jsonlines": "application/x-ndjson",
    "json": "application/json",
    "csv": "text/csv",
    "xml": "application/xml",
    "gzip": "application/gzip",
    "zstd": "application/zstd",
    "bz2": "application/x-bzip2",
    "xz": "application/x-xz",
}

#: What statistics call the storages, with Scrapy's names where it has the storage.
_NAMES = {
    "": "FileFeedStorage",
    "stdout": "StdoutFeedStorage",
    "ftp": "FTPFeedStorage",
    "ftps": "FTPFeedStorage",
    "sftp": "SFTPFeedStorage",
    "s3": "S3FeedStorage",
    "gs": "GCSFeedStorage",
    "memory": "MemoryFeedStorage",
}


class OwnStorage(Protocol):
    """A storage of the project."""

    def open(self, spider: Any) -> BinaryIO:
        """Return a file to write into."""

    def store(self, file: BinaryIO) -> Any:
        """Store what was written; may return something to wait for."""


def storage_name(options: FeedOptions) -> str:
    """Return what statistics call the storage of a feed."""
    if options.storage is not None:
        return str(getattr(options.storage, "__name__", type(options.storage).__name__))
    scheme = options.uri.partition("://")[0].lower() if options.is_remote else "stdout" if options.uri == "-" else ""
    return _NAMES[scheme]


class Delivery:
    """Delivers the documents of feeds of *spider*; *options* are how storages are reached. Its calls block."""

    def __init__(self, options: Storages, spider: Any) -> None:
        self._options = options
        self._spider = spider
        self._storages: dict[tuple[str, str], Storage] = {}

    def put(self, feed: SpooledFeed, batch: Batch) -> None:
        """Deliver *batch* of *feed* to a storage of ours. Raise FeedError if that cannot be done now."""
        folder, name = split_url(batch.uri)
        source = feed.source(batch)
        try:
            storage = self._storage(folder, batch.uri)
            if feed.options.plugins:
                source = _processed(feed, source)
            with source.open("rb") as file:
                storage.put(name, file, content_type=_content_type(feed.options))
        except (StorageError, OSError) as error:
            raise undelivered(feed, batch, str(error)) from error
        except FeedError:
            raise
        except Exception as error:  # a plug-in of the project
            raise undelivered(feed, batch, f"a plug-in failed: {describe(error)}") from error
        finally:
            if source != feed.source(batch):
                source.unlink(missing_ok=True)

    def deliver(self, feed: SpooledFeed, batch: Batch) -> None:
        """Deliver *batch* of *feed*, here and now; for where no crawl runs."""
        if feed.options.storage is None:
            self.put(feed, batch)
            return
        storage, file = self.open_own(feed, batch)
        self.copy(feed, batch, file)
        if hasattr(storage.store(file), "__await__"):
            raise undelivered(feed, batch, f"{type(storage).__name__} stores only while a crawl runs")

    def open_own(self, feed: SpooledFeed, batch: Batch) -> tuple[OwnStorage, BinaryIO]:
        """Return the project's storage for *batch*, and the file that it has opened."""
        make: Any = feed.options.storage
        crawler = getattr(self._spider, "crawler", None)
        given = dict(feed.options.given)
        if hasattr(make, "from_crawler") and crawler is not None:
            storage = make.from_crawler(crawler, batch.uri, feed_options=given)
        else:
            storage = make(batch.uri, feed_options=given)
        return storage, storage.open(self._spider)

    def copy(self, feed: SpooledFeed, batch: Batch, into: BinaryIO) -> None:
        """Write the document of *batch* into a file."""
        source = feed.source(batch)
        if feed.options.plugins:
            process(source, into, feed.options.plugins, feed.options.given)
            return
        with source.open("rb") as file:
            shutil.copyfileobj(file, into, _CHUNK)

    def _storage(self, folder: str, uri: str) -> Storage:
        """Return the storage of *folder*, with the connection that it has already."""
        acl = {"s3:": self._options.s3_acl, "gs:": self._options.gs_acl}.get(uri[:3].lower(), "")
        key = folder, acl
        if key not in self._storages:
            if len(self._storages) > 16:  # folders that are named after batches come and go
                self._storages.clear()
            self._storages[key] = open_storage(folder, self._options, acl=acl)
        return self._storages[key]


def undelivered(feed: SpooledFeed, batch: Batch, reason: str) -> FeedError:
    """Return the error to raise for *batch*, which could not be delivered for *reason*."""
    return FeedError(
        f"{batch.items} items could not be delivered to {without_password(batch.uri)}: {reason}. Nothing is lost: they are in "
        f"{feed.source(batch)}"
    )


def _processed(feed: SpooledFeed, source: Path) -> Path:
    target = source.with_name(f"{source.name}.processed")
    target.touch(mode=MODE)
    try:
        with target.open("wb") as file:
            process(source, file, feed.options.plugins, feed.options.given)
    except BaseException:
        target.unlink(missing_ok=True)
        raise
    return target


def _content_type(options: FeedOptions) -> str:
    return "" if options.plugins else _CONTENT_TYPES.get(options.compression or options.format, "")
