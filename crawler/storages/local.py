"""A folder on a local disk."""

from __future__ import annotations

import os
import secrets
import shutil
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

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
        target.parent.mkdir(parents=True, exist_ok=True)
        partial = target.with_name(f".{target.name[:200]}.{secrets.token_hex(4)}.part")
        try:
            with partial.open("xb") as copy:
                shutil.copyfileobj(file, copy, CHUNK)
                copy.flush()
                # What says that the file is here (a feed, a job) may be on disk before it otherwise.
                os.fsync(copy.fileno())
            partial.replace(target)
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
