"""Feeds: where items go when a crawl has scraped them. Several at once, by file name or by settings.

    values, fields        what an item's values become; which of its fields go out, under which names
    formats               what a format answers; json_format, csv_format, xml_format answer it
    compression, storage  the bytes of the file, and the file
    options, place        what a feed is to be; how far it has got
    opening, feed, feeds  where it goes on; one feed; all feeds of a crawl
    item_exporters        Scrapy's exporter classes on the same formats

A feed is a whole document after every flush and can be cut back to any flushed place: see ``feed``.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from crawler.exporters.feed import Feed
from crawler.exporters.feeds import Feeds, open_feed
from crawler.exporters.options import FeedOptions, ItemFilter, feeds_from_settings
from crawler.exporters.place import FeedPlace

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
    "XmlItemExporter",
    "feeds_from_settings",
    "open_feed",
]


def __getattr__(name: str) -> Any:
    """Import Scrapy's exporter classes when one is asked for: the feeds do without."""
    if not name.endswith("ItemExporter"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module("crawler.exporters.item_exporters"), name)
