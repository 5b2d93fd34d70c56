"""What a storage answers, and what all of them share: paths that stay inside, and one kind of error."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO, TypeVar

from crawler.exceptions import StorageError

if TYPE_CHECKING:
    from crawler.storages.url import StorageURL

T = TypeVar("T")

#: How much is copied at once; what a storage holds in memory is a small multiple of it.
CHUNK = 1 << 18


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A file in a storage: its *size* in bytes, when it was *modified* (seconds since 1970, 0 if unknown), its ETag if any.

    *checksum* is its MD5 in hexadecimal, if the storage knows it.
    """

    size: int
    modified: float = 0.0
    etag: str = ""
    checksum: str = ""


class Storage(ABC):
    """A place for files. Paths are relative, with ``/``; one that leads out of the place is a StorageError."""

    #: Whether to read a file is no great matter: it is near, or in memory.
    is_quick_to_read = True

    def __init__(self, url: StorageURL) -> None:
        self._where = url

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._where}>"

    @property
    def url(self) -> str:
        """Where the storage is, without its password."""
        return str(self._where)

    def put(self, path: str, file: BinaryIO, *, content_type: str = "") -> None:
        """Store what *file* holds from where it stands at *path*, in the place of what is there.

        Whoever reads meanwhile sees the old file or the new one, never a part. *content_type* is kept where that is possible.
        """
        inside = _inside(path)
        self._told("write", inside, lambda: self._put(inside, file, content_type))

    def open(self, path: str) -> BinaryIO:
        """Return the file at *path*, opened to be read. Raise StorageError if it is not there."""
        inside = _inside(path)
        return self._told("read", inside, lambda: self._open(inside))

    def stat(self, path: str) -> StoredFile | None:
        """Return what is known of the file at *path*; None if there is none."""
        inside = _inside(path)
        return self._told("look at", inside, lambda: _or_none(lambda: self._stat(inside)))

    def exists(self, path: str) -> bool:
        """Tell whether there is a file at *path*."""
        return self.stat(path) is not None

    def delete(self, path: str) -> None:
        """Remove the file at *path*, if it is there."""
        inside = _inside(path)
        self._told("remove", inside, lambda: _or_none(lambda: self._delete(inside)))

    # What each kind of storage does; they raise what they raise, a FileNotFoundError where there is no file.

    @abstractmethod
    def _put(self, path: str, file: BinaryIO, content_type: str) -> None: ...

    @abstractmethod
    def _open(self, path: str) -> BinaryIO: ...

    @abstractmethod
    def _stat(self, path: str) -> StoredFile: ...

    @abstractmethod
    def _delete(self, path: str) -> None: ...

    def _told(self, verb: str, path: str, act: Callable[[], T]) -> T:
        """Return what *act* does; raise a StorageError for whatever goes wrong, each library having errors of its own."""
        try:
            return act()
        except StorageError:
            raise
        except Exception as error:
            reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
            if isinstance(error, FileNotFoundError):
                reason = "there is no such file"
            text = reason or type(error).__name__
            if self._where.password:
                text = text.replace(self._where.password, "***")
            raise StorageError(f"cannot {verb} {self.url.rstrip('/')}/{path}: {text}") from error


def _or_none(act: Callable[[], T]) -> T | None:
    try:
        return act()
    except FileNotFoundError:
        return None


def _inside(path: str) -> str:
    """Return *path*, which must name a file within a storage."""
    parts = path.split("/")
    if "\0" in path or any(part in ("", ".", "..") for part in parts) or ".." in path.replace("\\", "/").split("/"):
        raise StorageError(f"{path!r} is no path within a storage: it must be relative, as in 'folder/name.jpg'")
    return path
