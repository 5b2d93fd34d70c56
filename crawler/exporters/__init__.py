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

import importlib
from typing import TYPE_CHECKING, Any

from crawler.exporters.feed import Feed
from crawler.exporters.feeds import Feeds, open_feed
from crawler.exporters.options import FeedOptions, ItemFilter, feeds_from_settings
from crawler.exporters.place import FeedPlace
from crawler.exporters.spool import Spool

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


def __getattr__(name: str) -> Any:
    """Import Scrapy's exporter classes when one is asked for: the feeds do without."""
    if not name.endswith("ItemExporter"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module("crawler.exporters.item_exporters"), name)
