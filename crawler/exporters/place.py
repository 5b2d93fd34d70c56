"""Where a feed stands, and where its file lies: the values that a job keeps, and the names that a URI expands to."""

from __future__ import annotations

import hashlib
import re
from datetime import UTC
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from crawler.exceptions import FeedError
from crawler.exporters.storage import STANDARD_OUTPUT

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from crawler.exporters.options import FeedOptions

#: How many bytes before the place are compared when a feed is continued: more than a usual last record's end.
CHECKED = 512


class FeedPlace(NamedTuple):
    """How far a feed had got at a flush: plain values, so that ``FeedPlace(*stored)`` restores it.

    The first ``offset`` bytes of the file are settled; what follows only makes it a whole document. ``items`` counts
    what this crawl has written. ``check`` is a digest of the last settled bytes. The member is the open one of a
    compressed file.
    """

    path: str
    offset: int
    items: int
    check: int
    member_checksum: int = 0
    member_size: int = 0


def digest(tail: bytes) -> int:
    """Return what is compared of the last *tail* bytes before a place; it fits a signed 64-bit integer."""
    return int.from_bytes(hashlib.blake2b(tail, digest_size=7).digest(), "big")


_PARAMETER = re.compile(r"%\((\w+)\)([-#0 +]*\d*(?:\.\d+)?[a-zA-Z])")


def expand(options: FeedOptions, spider: Any, now: datetime) -> str:
    """Return the absolute path of a feed, ``%(time)s``, ``%(name)s`` and the spider's attributes filled in."""
    if options.uri == STANDARD_OUTPUT:
        return options.uri
    values = _parameters(options, spider, now)

    def value(match: re.Match[str]) -> str:
        name = match[1]
        found = values[name] if name in values else getattr(spider, name, None)
        if found is None:
            raise FeedError(
                f"feed {options.uri!r}: %({name})s is neither time, name, batch_id, batch_time nor an attribute of the "
                "spider; pass it with -a, or write %(time)s or %(name)s"
            )
        try:
            text = f"%{match[2]}" % (found,)
        except (TypeError, ValueError) as error:
            raise FeedError(f"feed {options.uri!r}: cannot write {found!r} as {match[0]}: {error}") from error
        if ".." in re.split(r"[/\\]", text):
            raise FeedError(f"feed {options.uri!r}: the value {text!r} of {match[0]} leads out of its folder")
        return text

    return str(Path(_PARAMETER.sub(value, options.uri)).absolute())


def _parameters(options: FeedOptions, spider: Any, now: datetime) -> Mapping[str, Any]:
    time = now.astimezone(UTC).replace(microsecond=0).isoformat().replace(":", "-")
    values: dict[str, Any] = {"time": time, "batch_time": time, "batch_id": 1, "name": getattr(spider, "name", None)}
    if options.uri_params is not None:
        values = options.uri_params(values, spider) or values
    return values
