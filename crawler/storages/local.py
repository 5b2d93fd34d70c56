"""A folder on a local disk."""

from __future__ import annotations

import fcntl
import os
import secrets
import shutil
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from crawler.disk import make_folder, sync_folder
from crawler.storages.storage import CHUNK, Storage, StoredFile

if TYPE_CHECKING:
    from crawler.storages.url import StorageURL


class LocalStorage(Storage):
    """A folder; it is made when the first file is put there."""

    def __init__(self, url: StorageURL) -> None:
        super().__init__(url)
        self.folder = Path(url.path).expanduser().absolute()

    def path(self, path: str) -> Path:
        """Return where the file *path* is."""
        return self.folder / path

    def _put(self, path: str, file: BinaryIO, content_type: str) -> None:
        target = self.path(path)
        make_folder(target.parent)
        partial, copy = _opened_beside(target)
        with copy:  # until it is closed it is locked: nobody takes it for a leftover
            try:
                shutil.copyfileobj(file, copy, CHUNK)
                copy.flush()
                # What says that the file is here (a feed, a job) may be on disk before it otherwise.
                os.fsync(copy.fileno())
                partial.replace(target)
                sync_folder(target.parent)
            except BaseException:
                with suppress(OSError):
                    partial.unlink(missing_ok=True)
                raise

    def _open(self, path: str) -> BinaryIO:
        return self.path(path).open("rb")

    def _stat(self, path: str) -> StoredFile:
        found = self.path(path).stat()
        return StoredFile(found.st_size, found.st_mtime)

    def _delete(self, path: str) -> None:
        self.path(path).unlink()


def _opened_beside(target: Path) -> tuple[Path, BinaryIO]:
    """Return an empty file beside *target*, hidden and locked, and open to be written.

    It always has the same name, so that what a process left that was killed is used again by the next one that stores *target*;
    but for one that is being written at this moment: beside that goes another, with a name of its own.
    """
    name = f".{target.name[:200]}"
    partial = target.with_name(f"{name}.part")
    copy = partial.open("ab")
    try:
        fcntl.flock(copy, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if os.path.samestat(os.fstat(copy.fileno()), partial.stat()):
            copy.truncate(0)
            return partial, copy
    except OSError:  # somebody has it, or has just renamed it; or this file system knows no locks
        pass
    copy.close()
    partial = target.with_name(f"{name}.{secrets.token_hex(4)}.part")
    return partial, partial.open("xb")
