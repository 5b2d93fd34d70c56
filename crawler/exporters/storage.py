"""Where the bytes of a feed go: a file that can be overwritten from any place on, or a stream that cannot.

Nothing here knows formats. Errors of the system become FeedError with the path, the reason and a way out.
"""

from __future__ import annotations

import errno
import fcntl
import io
import os
import stat
import sys
from pathlib import Path
from typing import BinaryIO, Protocol

from crawler.disk import make_folder, sync_folder
from crawler.exceptions import FeedError

#: The path that means standard output.
STANDARD_OUTPUT = "-"


class Target(Protocol):
    """An open output."""

    path: str
    #: False for streams: what was written stays, so only whole records and, at the end, the closing may be written.
    can_rewrite: bool
    size: int
    #: True if opening created it.
    is_new: bool

    def read(self, offset: int, length: int) -> bytes:
        """Return up to *length* bytes from *offset* on."""

    def write(self, offset: int, data: bytes) -> None:
        """Write *data* at *offset*, all of it, or raise FeedError."""

    def truncate(self, size: int) -> None:
        """Cut everything after *size* off."""

    def sync(self) -> None:
        """Return when the system has put everything on disk."""

    def claim(self) -> None:
        """Keep other crawls away until it is closed; raise FeedError if one is writing it."""

    def close(self, *, remove: bool = False) -> None:
        """Close it; *remove* takes the file away."""


class FileTarget:
    """A file on a local disk. Opening creates it and the folders above it, and changes nothing in one that exists."""

    can_rewrite = True

    def __init__(self, path: str, *, must_exist: bool = False, mode: int = 0o666) -> None:
        self.path = path
        flags = os.O_RDWR | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0)
        if not must_exist:
            flags |= os.O_CREAT
        try:
            if not must_exist:
                make_folder(Path(path).parent)
            self.is_new = not Path(path).exists()
            self._is_named = not self.is_new  # on disk, too
            self._file = io.FileIO(os.open(path, flags, mode), "r+")
            self.size = os.fstat(self._file.fileno()).st_size
        except OSError as error:
            raise unwritable(path, error) from error

    def __repr__(self) -> str:
        return f"<FileTarget {self.path} {self.size} bytes>"

    def claim(self) -> None:
        """Keep other crawls away until the file is closed: each would write over what the other has written."""
        try:
            fcntl.flock(self._file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise FeedError(
                f"cannot write the feed {self.path!r}: another crawl is writing it; give each a file of its own, "
                "by %(name)s for the spider or %(time)s in its name"
            ) from error
        except OSError:  # a file system without locks
            pass

    def read(self, offset: int, length: int) -> bytes:
        """Return up to *length* bytes from *offset* on."""
        parts: list[bytes] = []
        try:
            self._file.seek(offset)
            while length > 0 and (part := self._file.read(length)):
                parts.append(part)
                length -= len(part)
        except OSError as error:
            raise unwritable(self.path, error) from error
        return b"".join(parts)

    def write(self, offset: int, data: bytes) -> None:
        """Write *data* at *offset*, all of it, or raise FeedError; then some of it may have been written."""
        left = memoryview(data)
        try:
            self._file.seek(offset)
            while left:
                left = left[self._file.write(left) :]
        except OSError as error:
            raise unwritable(self.path, error) from error
        finally:
            self.size = max(self.size, offset + len(data) - len(left))

    def truncate(self, size: int) -> None:
        """Cut everything after *size* off."""
        try:
            self._file.truncate(size)
            self.size = size
        except OSError as error:
            raise unwritable(self.path, error) from error

    def sync(self) -> None:
        """Return when the system has put everything on disk."""
        try:
            os.fsync(self._file.fileno())
            if not self._is_named:
                sync_folder(Path(self.path).parent)
                self._is_named = True
        except OSError as error:
            raise unwritable(self.path, error) from error

    def close(self, *, remove: bool = False) -> None:
        """Close the file; *remove* deletes it."""
        try:
            self._file.close()
            if remove:
                Path(self.path).unlink(missing_ok=True)
        except OSError as error:
            raise unwritable(self.path, error) from error


class StreamTarget:
    """Standard output (path ``-``), a pipe or a device: written in order, and never rewritten."""

    can_rewrite = False
    is_new = False

    def __init__(self, path: str) -> None:
        self.path = path
        self.size = 0
        self._file: BinaryIO | io.FileIO
        try:
            self._file = sys.stdout.buffer if path == STANDARD_OUTPUT else io.FileIO(path, "w")
        except OSError as error:
            raise unwritable(path, error) from error
        except AttributeError as error:
            raise FeedError("cannot write a feed to standard output: it is no byte stream here; name a file") from error

    def __repr__(self) -> str:
        return f"<StreamTarget {self.path} {self.size} bytes>"

    def read(self, offset: int, length: int) -> bytes:
        """Return nothing: what was written is gone."""
        return b""

    def write(self, offset: int, data: bytes) -> None:
        """Write *data* next; *offset* is where the stream is anyway."""
        left = memoryview(data)
        try:
            while left:
                left = left[self._file.write(left) :]
            self._file.flush()
        except OSError as error:
            raise unwritable(self.path, error) from error
        finally:
            self.size += len(data) - len(left)

    def truncate(self, size: int) -> None:
        """Do nothing: a stream holds nothing that could be cut off."""

    def sync(self) -> None:
        """Do nothing: every write is flushed already."""

    def claim(self) -> None:
        """Do nothing: a stream may have several writers, who write whole records."""

    def close(self, *, remove: bool = False) -> None:
        """Close a pipe or device; leave standard output to the process."""
        if self.path != STANDARD_OUTPUT:
            self._file.close()


def open_target(path: str, *, mode: int = 0o666) -> FileTarget | StreamTarget:
    """Return the opened output at *path*, ``-`` being standard output."""
    if path == STANDARD_OUTPUT:
        return StreamTarget(path)
    try:
        mode = Path(path).stat().st_mode
    except OSError:
        return FileTarget(path, mode=mode)  # which says what is wrong, if anything is
    if stat.S_ISDIR(mode) or stat.S_ISREG(mode):
        return FileTarget(path)
    return StreamTarget(path)


def unwritable(path: str, error: OSError) -> FeedError:
    """Return the error to raise for *error* on *path*."""
    reason = error.strerror or str(error)
    return FeedError(f"cannot write the feed {path!r}: {reason}{_WAYS_OUT.get(error.errno or 0, '')}")


_WAYS_OUT = {
    errno.EISDIR: "; name a file in it",
    errno.ENOSPC: "; make room and resume the crawl, or choose another disk",
    errno.EACCES: "; change its permissions or choose another place",
    errno.EROFS: "; choose another place",
    errno.ENOTDIR: "; a part of the path is a file",
    errno.EPIPE: "; the program that read it has ended",
}
