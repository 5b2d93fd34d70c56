"""Stores beyond the local disk, through fsspec: s3://, gs://, ftp://, memory:// and what else it knows.

A file is there when it is whole: object stores show an upload when it is completed, and one that fails is called off; servers
with a rename (ftp, sftp) get it under a hidden name first. Credentials are those of Scrapy's settings (AWS_..., GCS_PROJECT_ID,
FTP_USER) or of the URL, or what the service's own library finds; they are in no message.
"""

from __future__ import annotations

import base64
import hashlib
import posixpath
import re
import secrets
import threading
from contextlib import nullcontext, suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, BinaryIO
from urllib.parse import unquote, urlsplit, urlunsplit

from crawler import threads
from crawler.exceptions import ComponentError, SettingsError, describe
from crawler.pipelines.store import BLOCK, StatInfo, checked_path

if TYPE_CHECKING:
    from collections.abc import Awaitable, Mapping

    from crawler.settings import Settings

# Where an upload can be shown or called off when it is complete; elsewhere a rename does that.
_COMMITS = ("s3", "s3a", "gs", "gcs")

# What an upload to an object store holds in memory. One of fewer bytes is sent at once, and its ETag is its MD5.
PART = 8 * 1024 * 1024

_MD5 = re.compile(r"[0-9a-f]{32}")

#: What of fsspec's options each of Scrapy's settings is, by scheme; a dot leads into a table.
_OPTIONS = {
    "s3": {
        "AWS_ACCESS_KEY_ID": "key",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_SESSION_TOKEN": "token",
        "AWS_USE_SSL": "use_ssl",
        "AWS_ENDPOINT_URL": "client_kwargs.endpoint_url",
        "AWS_REGION_NAME": "client_kwargs.region_name",
        "AWS_VERIFY": "client_kwargs.verify",
        "AWS_MAX_POOL_CONNECTIONS": "config_kwargs.max_pool_connections",
    },
    "gs": {"GCS_PROJECT_ID": "project"},
    "ftp": {"FTP_USER": "username", "FTP_PASSWORD": "password"},
}


# A command line has no other truth values than text.
_SWITCHES = {"true": True, "false": False}


class RemoteFilesStore:
    """The folder of a store that *uri* names. *acl* is the access that new objects get, by the service's name for it."""

    def __init__(self, uri: str, *, options: Mapping[str, Any] | None = None, acl: str = "") -> None:
        scheme = urlsplit(uri).scheme
        try:
            from fsspec.core import url_to_fs
        except ImportError as error:
            raise ComponentError(
                f"{scheme}:// needs fsspec: install  pip install 'crawler[{_extra(scheme)}]'"
            ) from error
        self._shown = shown(uri)
        self._acl = acl
        try:
            url, credentials = without_credentials(uri)
            self._files, root = url_to_fs(url, **{**(options or {}), **credentials})
        except ImportError as error:
            raise ComponentError(
                f"the store {self._shown} needs {describe(error)}: install  pip install 'crawler[{_extra(scheme)}]'"
            ) from error
        except Exception as error:
            raise SettingsError(f"the store {self._shown} cannot be opened: {describe(error)}") from error
        self._root = root.rstrip("/")
        self._renames = scheme not in _COMMITS
        # A server that has a session with us has one of them, which is no matter for two threads.
        self._one_at_a_time = threading.Lock() if self._renames else nullcontext()

    def __repr__(self) -> str:
        return f"<RemoteFilesStore {self._shown}>"

    def persist_file(
        self,
        path: str,
        buf: BinaryIO,
        info: Any = None,
        meta: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Awaitable[str]:
        """Upload the file; return an awaitable of its MD5, once it is there."""
        return threads.run(self._write, checked_path(path), buf)

    def _write(self, path: str, buf: BinaryIO) -> str:
        place = f"{self._root}/{path}"
        with self._one_at_a_time:
            self._files.makedirs(posixpath.dirname(place), exist_ok=True)
            if not self._renames:
                return self._upload(place, buf)
            partial = f"{posixpath.dirname(place)}/.{posixpath.basename(place)[:100]}.{secrets.token_hex(4)}.partial"
            try:
                checksum = self._upload(partial, buf)
                self._files.mv(partial, place)
            except BaseException:
                if self._files.exists(partial):
                    self._files.rm_file(partial)
                raise
            return checksum

    def _upload(self, place: str, buf: BinaryIO) -> str:
        """Write to *place*, which shows nothing before it is complete where the store can do that."""
        digest = hashlib.md5(usedforsecurity=False)
        about: dict[str, Any] = {"acl": self._acl} if self._acl else {}
        if not self._renames:
            about["block_size"] = PART
        file = self._files.open(place, "wb", **about)
        buf.seek(0)
        try:
            while block := buf.read(BLOCK):
                digest.update(block)
                file.write(block)
        except BaseException:
            if not self._renames:
                file.discard()
            with suppress(AttributeError):  # of a file in memory, which has nothing to send
                file.closed = True  # else it would be completed when it is collected
            raise
        file.close()
        return digest.hexdigest()

    def stat_file(self, path: str, info: Any = None) -> Awaitable[StatInfo]:
        """Return an awaitable of when the file was written, and its MD5 if the store knows it or is quick to read."""
        return threads.run(self._stat, checked_path(path))

    def _stat(self, path: str) -> StatInfo:
        place = f"{self._root}/{path}"
        with self._one_at_a_time:
            self._files.invalidate_cache()
            try:
                known = self._files.info(place)
            except FileNotFoundError:
                return {}
            return {"last_modified": self._written(place, known), "checksum": self._checksum(place, known)}

    def _written(self, place: str, known: Mapping[str, Any]) -> float | None:
        """Return when the file was written, None if the store does not tell."""
        written: datetime
        try:
            written = self._files.modified(place)
        except NotImplementedError:
            stamp = str(known.get("modify", ""))[:14]  # what an FTP server says
            if not stamp.isdigit() or len(stamp) < 14:
                return None
            written = datetime.strptime(stamp, "%Y%m%d%H%M%S")
        return (written if written.tzinfo else written.replace(tzinfo=UTC)).timestamp()

    def _checksum(self, place: str, known: Mapping[str, Any]) -> str | None:
        """Return the MD5; None of an object that was uploaded in parts, for which it would have to be downloaded."""
        tag = str(known.get("ETag", "")).strip('"')
        if tag:
            return tag if _MD5.fullmatch(tag) else None
        if "md5Hash" in known:
            return base64.b64decode(known["md5Hash"]).hex()
        digest = hashlib.md5(usedforsecurity=False)
        with self._files.open(place, "rb") as file:
            while block := file.read(BLOCK):
                digest.update(block)
        return digest.hexdigest()


def options_of(scheme: str, settings: Settings) -> dict[str, Any]:
    """Return the options for stores of *scheme* that *settings* hold under Scrapy's names."""
    options: dict[str, Any] = {}
    for name, target in _OPTIONS.get(scheme, {}).items():
        value = settings.get(name)
        if value is not None and value != "":
            table, _, key = target.rpartition(".")
            (options.setdefault(table, {}) if table else options)[key] = _SWITCHES.get(str(value).lower(), value)
    return options


def without_credentials(uri: str) -> tuple[str, dict[str, str]]:
    """Return *uri* without user and password, and these, decoded."""
    parts = urlsplit(uri)
    named = {"username": parts.username, "password": parts.password}
    given = {name: unquote(value) for name, value in named.items() if value}
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2])), given


def shown(uri: str) -> str:
    """Return *uri* without user, password and query, for messages."""
    return without_credentials(uri)[0].partition("?")[0]


def _extra(scheme: str) -> str:
    return {"s3": "s3", "gs": "gs", "gcs": "gs"}.get(scheme, "storages")
