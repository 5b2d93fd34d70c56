"""Where files are kept: a folder, or whatever fsspec reaches by URL.

A store has Scrapy's two methods, either of which may return an awaitable:

    persist_file(path, buf, info, meta=None, headers=None)    keep what the file *buf* holds; return its MD5, or None
    stat_file(path, info)                                     {"last_modified": ..., "checksum": ...}, {} if it is not there

A file of a folder is there when it is whole: it is written beside its place under a hidden name, brought to the disk, and moved.
No path leads out of a store: not an absolute one, not by "..", and in a folder not by a symbolic link either.
"""

from __future__ import annotations

import hashlib
import os
import secrets
from collections.abc import Awaitable
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Protocol

from crawler import threads
from crawler.exceptions import SettingsError
from crawler.pipelines.media import FileException

if TYPE_CHECKING:
    from collections.abc import Mapping

BLOCK = 256 * 1024

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


class FSFilesStore:
    """A folder, made when the first file comes. Its work is done in threads."""

    def __init__(self, basedir: str | os.PathLike[str]) -> None:
        text = os.fspath(basedir)
        self.basedir = str(Path(text.removeprefix("file://")).absolute())
        self._root = Path(self.basedir)
        if self._root.exists() and not self._root.is_dir():
            raise SettingsError(f"the store {text!r} is a file; name a folder")

    def __repr__(self) -> str:
        return f"<FSFilesStore {self.basedir}>"

    def persist_file(
        self,
        path: str,
        buf: BinaryIO,
        info: Any = None,
        meta: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Awaitable[str]:
        """Write the file; return an awaitable of its MD5, once it is on disk under its name."""
        return threads.run(self._write, checked_path(path), buf)

    def _write(self, path: str, buf: BinaryIO) -> str:
        place = self._place(path)
        place.parent.mkdir(parents=True, exist_ok=True)
        partial = place.with_name(f".{place.name[:100]}.{secrets.token_hex(4)}.partial")
        digest = hashlib.md5(usedforsecurity=False)
        buf.seek(0)
        try:
            with partial.open("xb") as file:
                while block := buf.read(BLOCK):
                    digest.update(block)
                    file.write(block)
                file.flush()
                os.fsync(file.fileno())  # else a power cut could leave an empty file under the name
            partial.replace(place)
        except BaseException:
            partial.unlink(missing_ok=True)
            raise
        return digest.hexdigest()

    def stat_file(self, path: str, info: Any = None) -> Awaitable[StatInfo]:
        """Return an awaitable of when the file was written, and its MD5."""
        return threads.run(self._stat, checked_path(path))

    def _stat(self, path: str) -> StatInfo:
        try:
            with self._place(path).open("rb") as file:
                written = os.fstat(file.fileno()).st_mtime
                return {"last_modified": written, "checksum": hashlib.file_digest(file, _md5).hexdigest()}
        except (FileNotFoundError, NotADirectoryError):
            return {}

    def _place(self, path: str) -> Path:
        """Return where *path* is; raise FileException if a symbolic link leads out of the folder."""
        place = self._root / path
        root = self._root.resolve()
        if not place.resolve().is_relative_to(root):
            raise FileException(
                f"file_path() returned {path!r}, which a symbolic link leads out of the store {self.basedir}"
            )
        return place


def _md5() -> Any:
    return hashlib.md5(usedforsecurity=False)
