"""Where a feed goes on: at the beginning, after what an existing file holds, or at the place of an interrupted crawl.

Everything is looked at before anything is changed, so that a crawl that cannot open one of its feeds leaves all files
alone.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from crawler.exceptions import FeedError
from crawler.exporters.compression import MemberState, decompressed_head
from crawler.exporters.formats import TextEncoding
from crawler.exporters.place import CHECKED, digest
from crawler.exporters.storage import FileTarget, open_target

if TYPE_CHECKING:
    from crawler.exporters.formats import Format
    from crawler.exporters.options import FeedOptions
    from crawler.exporters.place import FeedPlace
    from crawler.exporters.storage import StreamTarget, Target

# Enough for a CSV header or an XML root, and for the last line of a JSON Lines file.
_LOOK = 1 << 20


class Start(NamedTuple):
    """What a feed begins with: the settled bytes on disk, and what must follow them before the next record."""

    offset: int = 0
    items: int = 0
    tail: bytes = b""
    member: MemberState = MemberState()
    missing: bytes = b""


def open_at(place: FeedPlace, *, mode: int = 0o666) -> FileTarget | StreamTarget:
    """Return the output of an interrupted crawl. Raise FeedError if its file is gone."""
    path = Path(place.path)
    target = open_target(place.path, mode=mode) if not path.is_file() else FileTarget(place.path, must_exist=True)
    if isinstance(target, FileTarget) and target.is_new and place.offset:
        target.close(remove=True)
        raise _changed(place, "it is gone")
    return target


def start_at(place: FeedPlace, target: Target, shape: Format, options: FeedOptions) -> Start:
    """Return where an interrupted crawl goes on. Raise FeedError if its file was changed in between."""
    if not target.can_rewrite or not place.offset:
        return Start(items=place.items)
    if target.size < place.offset:
        raise _changed(place, f"it has {target.size} bytes where the crawl had written {place.offset}")
    tail = target.read(max(0, place.offset - CHECKED), min(CHECKED, place.offset))
    if digest(tail) != place.check:
        raise _changed(place, f"its content before byte {place.offset} is not what the crawl wrote")
    try:
        shape.adopt(decompressed_head(options.compression, target.read(0, min(_LOOK, place.offset))))
    except FeedError as error:
        raise _changed(place, str(error)) from error
    return Start(place.offset, place.items, tail, MemberState(place.member_checksum, place.member_size))


def start_after(target: Target, shape: Format, options: FeedOptions) -> Start:
    """Return where a new crawl begins: anew, or after what the file holds. Raise FeedError if that cannot be."""
    if options.overwrite or not target.can_rewrite or not target.size:
        return Start()
    try:
        head = decompressed_head(options.compression, target.read(0, _LOOK))
        if (shape.opening() + shape.closing).startswith(head):
            return Start()  # a document without items, or what a crash has left of one: there is nothing to go on after
        shape.adopt(head)
        offset, missing = _end(target, shape, options)
    except FeedError as error:
        raise FeedError(
            f"cannot continue the feed {target.path!r}: {error}; "
            "begin it anew with -O (overwrite = true), or name another file"
        ) from error
    tail = target.read(max(0, offset - CHECKED), min(CHECKED, offset))
    return Start(offset=offset, tail=tail, missing=missing)


def _end(target: Target, shape: Format, options: FeedOptions) -> tuple[int, bytes]:
    """Return the offset after the last record of an existing file, and what has to follow it."""
    if not TextEncoding(options.encoding).is_ascii_based:
        raise FeedError(f"a document in {options.encoding} cannot be continued")
    if options.compression:
        if shape.closing:
            raise FeedError(f"the end of its {options.format} document is compressed")
        return target.size, b""
    looked = min(_LOOK, target.size)
    cut, missing = shape.continuation(target.read(target.size - looked, looked))
    return target.size - cut, missing


def _changed(place: FeedPlace, what: str) -> FeedError:
    return FeedError(
        f"cannot resume the feed {place.path!r}: {what}. Put the file back as the crawl left it and resume again, "
        f"or drop the interrupted crawl and start a new one ({place.items} items were in the file)"
    )
