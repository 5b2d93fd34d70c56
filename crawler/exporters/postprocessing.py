"""What happens to a document between its format and its file: compression, or the plug-ins of a project.

A plug-in is a class as Scrapy has them: ``Plugin(file, feed_options)`` with ``write(data)`` and ``close()``; several form a
chain. What one makes of a document cannot be cut off anywhere and continued, so such a feed is written plain into the spool and
passes its plug-ins when it is delivered. Scrapy's own three do nothing but compress: one of them alone is the compression of
that name, with which a feed is whole after every flush.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple

from crawler.exceptions import FeedError
from crawler.exporters import compression
from crawler.exporters.loading import load, unknown

if TYPE_CHECKING:
    from pathlib import Path

#: Makes a plug-in that writes into the file.
Plugin = Callable[[Any, Mapping[str, Any]], Any]

#: Scrapy's plug-ins, the compression that each is, its option for the level, and those that only the plug-in knows.
_KNOWN = {
    "GzipPlugin": ("gzip", "gzip_compresslevel", ("gzip_mtime", "gzip_filename")),
    "Bz2Plugin": ("bz2", "bz2_compresslevel", ()),
    "LZMAPlugin": ("xz", "lzma_preset", ("lzma_format", "lzma_check", "lzma_filters")),
}
_LEVELS = {"zstd": "zstd_compresslevel"} | {method: level for method, level, _ in _KNOWN.values()}

#: The options of a feed that are read here.
OPTIONS = frozenset(
    ["compression", "postprocessing", *_LEVELS.values(), *(x for known in _KNOWN.values() for x in known[2])]
)

_CHUNK = 1 << 18


class PostProcessing(NamedTuple):
    """What becomes of a document: a compression with its level, or plug-ins."""

    compression: str = ""
    level: int | None = None
    plugins: Sequence[Plugin] = ()


def post_processing(uri: str, suffix: str, given: Mapping[str, Any]) -> PostProcessing:
    """Return what the options *given* ask for, or the *suffix* of a file name. Raise FeedError if there is no such thing."""
    named = list(given.get("postprocessing") or ())
    method = given.get("compression")
    if method == "lzma":
        method = "xz"
    if named and method:
        raise FeedError(f"feed {uri!r}: say compression or postprocessing, not both")
    if len(named) == 1:
        known = _KNOWN.get(_name_of_scrapys(named[0]))
        if known is not None and not any(given.get(option) is not None for option in known[2]):
            return PostProcessing(known[0], given.get(known[1]))
    if named:
        return PostProcessing(plugins=[_plugin(uri, one) for one in named])
    method = compression.SUFFIXES.get(suffix, "") if method is None else method
    if method and method not in compression.NAMES:
        raise FeedError(f"feed {uri!r}: {unknown('compression', str(method), compression.NAMES)}")
    return PostProcessing(method or "", given.get(_LEVELS.get(method, "")))


def _name_of_scrapys(plugin: Any) -> str:
    """Return the name of a plug-in that is Scrapy's, by whichever path it is named; else an empty string."""
    path = plugin if isinstance(plugin, str) else f"{plugin.__module__}.{getattr(plugin, '__name__', '')}"
    module, _, name = path.rpartition(".")
    return name if module in ("", "scrapy.extensions.postprocessing", "crawler.extensions.postprocessing") else ""


def _plugin(uri: str, named: Any) -> Plugin:
    ours = _name_of_scrapys(named)
    if ours in _KNOWN:
        named = f"crawler.extensions.postprocessing.{ours}"
    elif isinstance(named, str) and "." not in named:
        raise FeedError(f"feed {uri!r}: {unknown('postprocessing', named, _KNOWN)}, or the dotted path of a class")
    made = load(named)
    if not callable(made) or not all(callable(getattr(made, method, None)) for method in ("write", "close")):
        raise FeedError(f"feed {uri!r}: the plug-in {named!r} is no class with the methods write(data) and close()")
    return made  # type: ignore[no-any-return]  # it was looked at


def process(source: Path, target: BinaryIO, plugins: Sequence[Plugin], feed_options: Mapping[str, Any]) -> None:
    """Write what *plugins* make of the document in *source* to *target*, in their order."""
    chain: list[_Step] = []
    into: Any = target
    for plugin in reversed(plugins):
        into = _Step(plugin(into, feed_options))
        chain.insert(0, into)
    with source.open("rb") as file:
        shutil.copyfileobj(file, into, _CHUNK)
    for step in chain:
        step.close()


class _Step:
    """A plug-in as the one before it sees it: one that closes what it writes to, and one that does not, close it once."""

    def __init__(self, plugin: Any) -> None:
        self._plugin = plugin
        self._is_closed = False

    def write(self, data: bytes) -> int:
        self._plugin.write(data)
        return len(data)

    def flush(self) -> None:
        flush = getattr(self._plugin, "flush", None)
        if flush is not None:
            flush()

    def close(self) -> None:
        if not self._is_closed:
            self._is_closed = True
            self._plugin.close()
