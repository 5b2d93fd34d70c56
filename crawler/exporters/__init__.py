"""Feeds: where items go when a crawl has scraped them. Several at once, by file name or by settings.

    values, fields        what an item's values become; which of its fields go out, under which names
    formats               what a format answers; json_format, csv_format, xml_format answer it
    compression, storage  the bytes of the file, and the file
    options, naming       what a feed is to be; the names that its URI expands to
    place, opening        how far it has got; where it goes on
    feed, feeds           one document; all feeds of a crawl
    spooled, spool        a feed that is delivered: remote, in batches, through plug-ins; where its documents wait
    delivery              how they get to where they belong
    postprocessing        plug-ins of a project; exporter_format, its item exporters
    item_exporters        Scrapy's exporter classes on the same formats

A document is whole after every flush and can be cut back to any flushed place: see ``feed`` and ``spooled``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from crawler.exporters.feed import Feed
from crawler.exporters.feeds import Feeds, open_feed
from crawler.exporters.options import FeedOptions, ItemFilter, feeds_from_settings
from crawler.exporters.place import FeedPlace
from crawler.exporters.spool import Spool
from crawler.first_use import at_first_use

if TYPE_CHECKING:
    from crawler.exporters.item_exporters import (
        BaseItemExporter,
        CsvItemExporter,
        JsonItemExporter,
        JsonLinesItemExporter,
        MarshalItemExporter,
        PickleItemExporter,
        PprintItemExporter,
        PythonItemExporter,
        XmlItemExporter,
    )

__all__ = [
    "BaseItemExporter",
    "CsvItemExporter",
    "Feed",
    "FeedOptions",
    "FeedPlace",
    "Feeds",
    "ItemFilter",
    "JsonItemExporter",
    "JsonLinesItemExporter",
    "MarshalItemExporter",
    "PickleItemExporter",
    "PprintItemExporter",
    "PythonItemExporter",
    "Spool",
    "XmlItemExporter",
    "feeds_from_settings",
    "open_feed",
]


# Scrapy's exporter classes: the feeds do without.
_CLASSES = dict.fromkeys(
    (name for name in __all__ if name.endswith("ItemExporter")), "crawler.exporters.item_exporters"
)

if not TYPE_CHECKING:  # type checkers know the names from above, and tell one that is misspelled
    __getattr__ = at_first_use(globals(), _CLASSES)
