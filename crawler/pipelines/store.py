"""Where files are kept: a folder, or whatever ``crawler.storages`` reaches by URL.

A store has Scrapy's two methods, either of which may return an awaitable:

    persist_file(path, buf, info, meta=None, headers=None)    keep what the file *buf* holds; return its MD5, or None
    stat_file(path, info)                                     {"last_modified": ..., "checksum": ...}, {} if it is not there

A file is there when it is whole. No path leads out of a store: not an absolute one, not by "..", and in a folder not by a symbolic
link either.
"""

from __future__ import annotations

import hashlib
import mimetypes
import os
import posixpath
from collections.abc import Awaitable
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Protocol, cast

from crawler import threads
from crawler.exceptions import SettingsError
from crawler.pipelines.media import FileException
from crawler.storages import open_storage

if TYPE_CHECKING:
    from collections.abc import Mapping

    from crawler.storages import Storage

_BLOCK = 256 * 1024

#: What a store knows of a file: when it was written, and its MD5. Empty if it has none.
StatInfo = dict[str, Any]


class FilesStore(Protocol):
    """Keeps files by their paths."""

    def persist_file(
        self,
        path: str,
        buf: BinaryIO,
        info: Any,
        meta: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Any:
        """Keep what *buf* holds under *path*, in the place of what was there; return its MD5, or None if it was not asked."""

    def stat_file(self, path: str, info: Any) -> Any:
        """Return what is known of the file at *path*."""


def checked_path(path: Any) -> str:
    """Return *path*, which a ``file_path()`` gave, if it can only lead into a store; raise FileException that names it."""
    if not isinstance(path, str | os.PathLike):
        raise FileException(f"file_path() returned {path!r}: return a path relative to the store, as text")
    text = os.fspath(path)
    parts = text.replace("\\", "/").split("/") if isinstance(text, str) else ()
    if not parts or "\0" in text or parts[0] == "" or ".." in parts or parts[-1] in ("", ".") or parts[0].endswith(":"):
        raise FileException(f"file_path() returned {path!r}, which is no path of a file in the store")
    return text


class StorageFilesStore:
    """Keeps files in *storage*. Its work is done in threads."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._storage.url}>"

    def persist_file(
        self,
        path: str,
        buf: BinaryIO,
        info: Any = None,
        meta: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Awaitable[str]:
        """Store the file; return an awaitable of its MD5, once it is there under its name."""
        kind = (headers or {}).get("Content-Type") or mimetypes.guess_type(path)[0] or ""
        return threads.run(self._write, checked_path(path), buf, kind)

    def _write(self, path: str, buf: BinaryIO, content_type: str) -> str:
        buf.seek(0)
        read = _Digesting(buf)
        self._storage.put(self._place(path), cast("BinaryIO", read), content_type=content_type)
        return str(read.digest.hexdigest())

    def stat_file(self, path: str, info: Any = None) -> Awaitable[StatInfo]:
        """Return an awaitable of when the file was written, and its MD5 if the storage knows it or is quick to read."""
        return threads.run(self._stat, checked_path(path))

    def _stat(self, path: str) -> StatInfo:
        place = self._place(path)
        found = self._storage.stat(place)
        if found is None:
            return {}
        checksum: str | None = found.checksum or None
        if checksum is None and self._storage.is_quick_to_read:
            with self._storage.open(place) as file:
                checksum = md5_of(file)
        return {"last_modified": found.modified or None, "checksum": checksum}

    def _place(self, path: str) -> str:
        """Return *path* as the storage wants it."""
        return posixpath.normpath(path)


class FSFilesStore(StorageFilesStore):
    """A folder, made when the first file comes."""

    def __init__(self, basedir: str | os.PathLike[str]) -> None:
        text = os.fspath(basedir)
        self.basedir = str(Path(text.removeprefix("file://")).absolute())
        if Path(self.basedir).exists() and not Path(self.basedir).is_dir():
            raise SettingsError(f"the store {text!r} is a file; name a folder")
        super().__init__(open_storage(self.basedir))

    def _place(self, path: str) -> str:
        """Return *path*; raise FileException if a symbolic link leads out of the folder."""
        if not Path(self.basedir, path).resolve().is_relative_to(Path(self.basedir).resolve()):
            raise FileException(
                f"file_path() returned {path!r}, which a symbolic link leads out of the store {self.basedir}"
            )
        return super()._place(path)


class _Digesting:
    """The file *of*, as far as it is read, and its MD5: from the beginning again, if it is read once more."""

    def __init__(self, of: BinaryIO) -> None:
        self._of = of
        self.digest = _md5()

    def read(self, size: int = -1) -> bytes:
        block = self._of.read(size)
        self.digest.update(block)
        return block

    def tell(self) -> int:
        return self._of.tell()

    def seek(self, place: int) -> int:
        self.digest = _md5()
        return self._of.seek(place)


def md5_of(file: BinaryIO) -> str:
    """Return the MD5 of what *file* holds from its beginning on."""
    digest = _md5()
    file.seek(0)
    while block := file.read(_BLOCK):
        digest.update(block)
    return str(digest.hexdigest())


def _md5() -> Any:
    return hashlib.md5(usedforsecurity=False)
