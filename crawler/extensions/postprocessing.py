"""The plug-ins for ``postprocessing`` of a feed that Scrapy has, under its names and with its options.

One of them alone, without unusual options, is the compression of that name: the feed is then compressed as it is written. In a
chain with others they are what is here. A plug-in of your own has the same form.
"""

from __future__ import annotations

import bz2
import gzip
import lzma
from collections.abc import Mapping
from typing import Any


class GzipPlugin:
    """Compresses with gzip; options gzip_compresslevel, gzip_mtime, gzip_filename."""

    def __init__(self, file: Any, feed_options: Mapping[str, Any]) -> None:
        self._file = gzip.GzipFile(
            fileobj=file,
            mode="wb",
            compresslevel=feed_options.get("gzip_compresslevel", 9),
            mtime=feed_options.get("gzip_mtime"),
            filename=feed_options.get("gzip_filename") or "",
        )

    def write(self, data: bytes) -> int:
        """Take the next part of the document."""
        return self._file.write(data)

    def close(self) -> None:
        """Write the rest."""
        self._file.close()


class Bz2Plugin:
    """Compresses with bzip2; option bz2_compresslevel."""

    def __init__(self, file: Any, feed_options: Mapping[str, Any]) -> None:
        self._file = file
        self._compressor = bz2.BZ2Compressor(feed_options.get("bz2_compresslevel", 9))

    def write(self, data: bytes) -> int:
        """Take the next part of the document."""
        self._file.write(self._compressor.compress(data))
        return len(data)

    def close(self) -> None:
        """Write the rest."""
        self._file.write(self._compressor.flush())


class LZMAPlugin:
    """Compresses with LZMA; options lzma_format, lzma_check, lzma_preset, lzma_filters."""

    def __init__(self, file: Any, feed_options: Mapping[str, Any]) -> None:
        self._file = file
        self._compressor = lzma.LZMACompressor(
            format=feed_options.get("lzma_format") or lzma.FORMAT_XZ,
            check=feed_options.get("lzma_check", -1),
            preset=feed_options.get("lzma_preset"),
            filters=feed_options.get("lzma_filters"),
        )

    def write(self, data: bytes) -> int:
        """Take the next part of the document."""
        self._file.write(self._compressor.compress(data))
        return len(data)

    def close(self) -> None:
        """Write the rest."""
        self._file.write(self._compressor.flush())
