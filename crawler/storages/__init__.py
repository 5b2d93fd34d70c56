"""Storages: where whole files go by URL. Feeds and the files pipeline deliver through them.

    storage = open_storage("s3://bucket/crawls", settings.storages)
    with path.open("rb") as file:
        storage.put("2026/items.jsonl", file)           # whole, or not at all
    storage.stat("2026/items.jsonl")                     # StoredFile(size=..., modified=...), None if it is not there

    /path  file:///path    a folder on a local disk                        nothing else is needed
    ftp://  ftps://        explicit TLS, verified, for ftps                nothing else is needed
    sftp://                host keys must be known                         pip install 'crawler[sftp]'
    s3://bucket/prefix                                                     pip install 'crawler[s3]'
    gs://bucket/prefix                                                     pip install 'crawler[gs]'
    memory://              within this process, for tests                  pip install 'crawler[storages]'

The calls block: run them in a thread (``crawler.threads``); a storage may be used from several threads at once. A package that
a storage needs is imported when the first one is opened, and a connection is made when the first file is asked for. Everything
that goes wrong is a StorageError, and no message of one, nor anything that this package logs, holds a password.
"""

from __future__ import annotations

import importlib
import importlib.util
from typing import TYPE_CHECKING

from crawler.exceptions import StorageError
from crawler.settings.storages import Storages
from crawler.storages.local import LocalStorage
from crawler.storages.storage import Storage, StoredFile
from crawler.storages.url import StorageURL, is_remote, split_url

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = [
    "SCHEMES",
    "LocalStorage",
    "Storage",
    "StorageURL",
    "Storages",
    "StoredFile",
    "check_storage",
    "is_remote",
    "open_storage",
    "split_url",
]

#: Scheme -> the module and class of its storage, what it needs to be importable, and the extra that brings that.
_REMOTE: dict[str, tuple[str, str, tuple[str, ...], str]] = {
    "ftp": ("ftp", "FtpStorage", (), ""),
    "ftps": ("ftp", "FtpStorage", (), ""),
    "sftp": ("remote", "SftpStorage", ("fsspec", "paramiko"), "sftp"),
    "s3": ("remote", "S3Storage", ("fsspec", "s3fs"), "s3"),
    "gs": ("remote", "GsStorage", ("fsspec", "gcsfs"), "gs"),
    "memory": ("remote", "MemoryStorage", ("fsspec",), "storages"),
}

#: The schemes that there are, besides a path.
SCHEMES = ("file", *_REMOTE)


def open_storage(url: str, options: Storages | None = None, *, acl: str = "") -> Storage:
    """Return the storage at *url*: a folder, a bucket, or a prefix in one.

    *options* are the section ``storages`` of the settings; *acl* is what an object store sets on what is put there. Raise
    StorageError if there is no such storage, or a package for it is missing.
    """
    where = StorageURL.parse(url)
    if where.scheme in ("", "file"):
        return LocalStorage(where)
    module, name, _, _ = _checked(where)
    make: Callable[..., Storage] = getattr(importlib.import_module(f"crawler.storages.{module}"), name)
    return make(where, options or Storages(), acl=acl)


def check_storage(url: str) -> None:
    """Raise StorageError if there is no storage for *url*, or a package for it is missing; nothing is imported or asked."""
    where = StorageURL.parse(url)
    if where.scheme not in ("", "file"):
        _checked(where)


def _checked(where: StorageURL) -> tuple[str, str, tuple[str, ...], str]:
    known = _REMOTE.get(where.scheme)
    if known is None:
        raise StorageError(f"no storage for {where}: there are a path, {', '.join(f'{name}:' for name in SCHEMES)}")
    if not where.host and where.scheme != "memory":
        raise StorageError(f"{where} names no {'bucket' if where.scheme in ('s3', 'gs') else 'host'}")
    missing = [package for package in known[2] if not _is_installed(package)]
    if missing:
        raise StorageError(
            f"{where} needs {' and '.join(missing)}, which is not installed: pip install 'crawler[{known[3]}]'"
        )
    return known


def _is_installed(package: str) -> bool:
    try:
        return importlib.util.find_spec(package) is not None
    except ValueError:  # what a test has put out of sight
        return False
