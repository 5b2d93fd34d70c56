"""Reading the feeds of a crawl of the shop, in every format and compression."""

from __future__ import annotations

import bz2
import csv
import gzip
import io
import json
import lzma
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import zstandard
from lxml import etree

#: A feed of each format, and of each compression, by its name.
FEEDS = tuple(
    f"items.{name}{suffix}" for name in ("jsonl", "json", "csv", "xml") for suffix in ("", ".gz", ".bz2", ".xz", ".zst")
)

_DECOMPRESS: Mapping[str, Callable[[bytes], bytes]] = {
    ".gz": gzip.decompress,
    ".bz2": bz2.decompress,
    ".xz": lzma.decompress,
    ".zst": lambda data: zstandard.ZstdDecompressor().stream_reader(io.BytesIO(data), read_across_frames=True).read(),
}

_PARSE: Mapping[str, Callable[[str], Iterable[Mapping[str, Any]]]] = {
    ".jsonl": lambda text: map(json.loads, text.splitlines()),
    ".json": json.loads,
    ".csv": lambda text: csv.DictReader(io.StringIO(text, newline="")),
    ".xml": lambda text: [{field.tag: field.text for field in item} for item in etree.fromstring(text.encode())],
}


def items_in(path: Path) -> Counter[tuple[str, int]]:
    """Return the items in the feed at *path*, with how often each is there."""
    data, suffix = path.read_bytes(), path.suffix
    if suffix in _DECOMPRESS:
        data, suffix = _DECOMPRESS[suffix](data), path.with_suffix("").suffix
    return Counter((item["page"], int(item["part"])) for item in _PARSE[suffix](data.decode()))
