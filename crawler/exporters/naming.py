"""The names that a feed's URI expands to.

    %(time)s         when the crawl began, also after it was resumed
    %(name)s         the spider's name
    %(batch_id)05d   the number of the batch, from 1 on
    %(batch_time)s   when the batch was begun, to the microsecond
    %(shop)s         an attribute of the spider, so also one of its arguments

A value is part of a name and no more: it cannot lead to another folder above or beside, nor to another host or bucket.
"""

from __future__ import annotations

import re
from datetime import UTC
from pathlib import Path
from typing import TYPE_CHECKING, Any

from crawler.exceptions import FeedError
from crawler.exporters.storage import STANDARD_OUTPUT
from crawler.nearest import did_you_mean
from crawler.storages import is_remote
from crawler.url import without_password

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from crawler.exporters.options import FeedOptions

_PARAMETER = re.compile(r"%\((\w+)\)([-#0 +]*\d*(?:\.\d+)?[a-zA-Z])")
_BATCH = re.compile(r"%\(batch_(?:id|time)\)")
_AUTHORITY = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://[^/]*")
_OURS = ("time", "name", "batch_id", "batch_time")


def has_batch(uri: str) -> bool:
    """Tell whether every batch gets a name of its own."""
    return _BATCH.search(uri) is not None


def expand(
    options: FeedOptions, spider: Any, begun: datetime, *, batch: int = 1, batch_begun: datetime | None = None
) -> str:
    """Return where a feed goes: its URI, or its absolute path, with the parameters filled in. Raise FeedError if one is unknown."""
    uri = options.uri
    if uri == STANDARD_OUTPUT:
        return uri
    values = _parameters(options, spider, begun, batch, batch_begun or begun)
    found = _AUTHORITY.match(uri) if options.is_remote else None
    authority = found.end() if found else 0

    def value(match: re.Match[str]) -> str:
        name = match[1]
        given = values[name] if name in values else getattr(spider, name, None)
        if given is None:
            raise FeedError(
                f"feed {without_password(uri)!r}: %({name})s is neither time, name, batch_id, batch_time nor an attribute of the "
                "spider; pass it with -a, or write %(time)s or %(name)s"
                f"{did_you_mean(name, [*_OURS, *_attributes(spider)])}"
            )
        try:
            text = f"%{match[2]}" % (given,)
        except (TypeError, ValueError) as error:
            raise FeedError(f"feed {without_password(uri)!r}: cannot write {given!r} as {match[0]}: {error}") from error
        if _leads_out(text, at_start=match.start() == 0, in_authority=match.start() < authority):
            raise FeedError(f"feed {without_password(uri)!r}: the value {text!r} of {match[0]} leads out of its folder")
        return text

    expanded = _PARAMETER.sub(value, uri)
    return expanded if options.is_remote else str(Path(expanded).absolute())


def _leads_out(text: str, *, at_start: bool, in_authority: bool) -> bool:
    if in_authority:
        return re.fullmatch(r"[\w.-]*", text, re.ASCII) is None
    is_absolute = at_start and (text.startswith(("/", "\\", "~")) or is_remote(text) or re.match(r"[A-Za-z]:", text))
    return bool(is_absolute) or "\0" in text or ".." in re.split(r"[/\\]", text)


def _parameters(
    options: FeedOptions, spider: Any, begun: datetime, batch: int, batch_begun: datetime
) -> Mapping[str, Any]:
    values: dict[str, Any] = {
        "time": _stamp(begun.replace(microsecond=0)),
        "batch_time": _stamp(batch_begun),
        "batch_id": batch,
        "name": getattr(spider, "name", None),
    }
    if options.uri_params is not None:
        values = {**_attributes(spider), **values}
        values = options.uri_params(values, spider) or values
    return values


def _stamp(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat().replace(":", "-")


def _attributes(spider: Any) -> dict[str, Any]:
    """Return what is set on *spider* and its class, by name; what would have to be computed is left alone."""
    found: dict[str, Any] = {}
    for cls in reversed(type(spider).__mro__):
        found |= vars(cls)
    found |= getattr(spider, "__dict__", {})
    return {
        name: value
        for name, value in found.items()
        if not name.startswith("_") and not callable(value) and not hasattr(value, "__get__")
    }
