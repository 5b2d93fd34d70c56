"""Object stores, SFTP and memory, through fsspec."""

from __future__ import annotations

import base64
import io
import re
import shutil
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, BinaryIO, cast

from crawler.exceptions import StorageError
from crawler.storages.connection import ConnectedStorage
from crawler.storages.storage import CHUNK, Storage, StoredFile

if TYPE_CHECKING:
    from crawler.settings.storages import Storages
    from crawler.storages.url import StorageURL

# The parts that a large file is sent in: S3 takes ten thousand of them, of at least 5 MiB each; 160 GB in all.
_PART = 16 << 20

_MD5 = re.compile(r"[0-9a-f]{32}")


class ObjectStorage(Storage):
    """A prefix in an object store. *filesystem* is fsspec's; *extras* go with every file that is put."""

    is_quick_to_read = False

    def __init__(self, url: StorageURL, filesystem: Any, extras: Mapping[str, Any]) -> None:
        super().__init__(url)
        self._filesystem = filesystem
        self._extras = dict(extras)
        self._content_type = ""

    def _full(self, path: str) -> str:
        return f"{self._where.host}{self._where.path.rstrip('/')}/{path}"

    def _put(self, path: str, file: BinaryIO, content_type: str) -> None:
        extras = dict(self._extras)
        if content_type and self._content_type:
            extras[self._content_type] = content_type
        copy = self._filesystem.open(self._full(path), "wb", block_size=_PART, **extras)
        try:
            shutil.copyfileobj(file, copy, CHUNK)
            copy.close()
        except BaseException:
            with suppress(Exception):  # what was sent is of no use to anybody, and the first error tells why
                copy.discard()
            copy.closed = True  # else it would be completed when it is collected
            raise

    def _open(self, path: str) -> BinaryIO:
        return cast("BinaryIO", self._filesystem.open(self._full(path), "rb"))

    def _stat(self, path: str) -> StoredFile:
        return _stored(self._filesystem.info(self._full(path)))

    def _delete(self, path: str) -> None:
        self._filesystem.rm_file(self._full(path))


class S3Storage(ObjectStorage):
    """A bucket of S3, or of a server that speaks its protocol."""

    def __init__(self, url: StorageURL, options: Storages, *, acl: str = "") -> None:
        import s3fs  # brings botocore, which takes a while

        filesystem = s3fs.S3FileSystem(**s3_options(url, options), use_listings_cache=False, skip_instance_cache=True)
        super().__init__(url, filesystem, {"acl": acl} if acl else {})
        self._content_type = "ContentType"


def s3_options(url: StorageURL, options: Storages) -> dict[str, Any]:
    """Return what s3fs needs to know; what is not said is left to where Amazon's tools look."""
    client: dict[str, Any] = {"verify": (options.ca_file or True) if options.s3_verify else False}
    if options.s3_region:
        client["region_name"] = options.s3_region
    return {
        "key": url.user or options.s3_key or None,
        "secret": (url.password if url.user else options.s3_secret) or None,
        "token": options.s3_token or None,
        "endpoint_url": options.s3_endpoint or None,
        "use_ssl": options.s3_tls,
        "client_kwargs": client,
        "config_kwargs": {
            "max_pool_connections": options.s3_connections,
            "connect_timeout": options.timeout,
            "read_timeout": options.timeout,
        },
    }


class GsStorage(ObjectStorage):
    """A bucket of Google Cloud Storage."""

    def __init__(self, url: StorageURL, options: Storages, *, acl: str = "") -> None:
        import gcsfs  # heavy, too

        filesystem = gcsfs.GCSFileSystem(
            project=options.gs_project or None,
            endpoint_url=options.gs_endpoint or None,
            # A server of one's own (a test's) knows no accounts of Google's.
            token="anon" if options.gs_endpoint else None,
            timeout=options.timeout,
            use_listings_cache=False,
            skip_instance_cache=True,
        )
        super().__init__(url, filesystem, {"acl": acl} if acl else {})
        self._content_type = "content_type"


class MemoryStorage(ObjectStorage):
    """What fsspec calls memory: files that are gone with the process, and are the same for whoever asks in it."""

    is_quick_to_read = True

    def __init__(self, url: StorageURL, options: Storages, *, acl: str = "") -> None:
        from fsspec.implementations.memory import MemoryFileSystem

        super().__init__(url, MemoryFileSystem(), {})

    def _put(self, path: str, file: BinaryIO, content_type: str) -> None:
        whole = io.BytesIO()
        shutil.copyfileobj(file, whole, CHUNK)
        self._filesystem.pipe_file(self._full(path), whole.getvalue())

    def _full(self, path: str) -> str:
        return f"/{self._where.path.strip('/')}/{path}".replace("//", "/")


class SftpStorage(ConnectedStorage[Any]):
    """A folder of an SSH server, whose host key must be known (``~/.ssh/known_hosts``); a path is one from the root.

    A file is sent under another name and then renamed.
    """

    refusals = (*ConnectedStorage.refusals, PermissionError)

    def __init__(self, url: StorageURL, options: Storages, *, acl: str = "") -> None:
        super().__init__(url)
        self._options = options

    def _connect(self) -> Any:
        import paramiko
        from fsspec.implementations.sftp import SFTPFileSystem

        known_hosts = self._options.sftp_known_hosts

        class Verified(SFTPFileSystem):  # type: ignore[misc]  # fsspec has no types
            def _connect(self) -> None:
                """Connect only to a host whose key is known: fsspec's own way takes any."""
                self.client = paramiko.SSHClient()
                self.client.load_system_host_keys(known_hosts or None)
                self.client.set_missing_host_key_policy(paramiko.RejectPolicy())
                try:
                    self.client.connect(self.host, **self.ssh_kwargs)
                    self.ftp = self.client.open_sftp()
                except BaseException:
                    self.client.close()
                    raise

        where, options = self._where, self._options
        credentials = {"username": where.user or None, "password": where.password or None}
        try:
            connection = Verified(
                where.host, port=where.port or 22, timeout=options.timeout, skip_instance_cache=True, **credentials
            )
        except paramiko.SSHException as error:
            if "not found in known_hosts" not in str(error):
                raise
            raise StorageError(
                f"the host key of {where} is not known: connect to it once with ssh, or name a file with its key as "
                "storages.sftp_known_hosts"
            ) from error
        connection.ftp.get_channel().settimeout(options.timeout)
        return connection

    def _disconnect(self, connection: Any) -> None:
        connection.client.close()

    def _send(self, connection: Any, path: str, file: BinaryIO) -> None:
        partial = f"{path}.part"
        connection.makedirs(path.rpartition("/")[0] or "/", exist_ok=True)
        connection.ftp.putfo(file, partial)
        connection.mv(partial, path)

    def _fetch(self, connection: Any, path: str) -> BinaryIO:
        copy = tempfile.SpooledTemporaryFile(max_size=1 << 20)  # noqa: SIM115  (the caller closes it)
        try:
            connection.ftp.getfo(path, copy)
        except BaseException:
            copy.close()
            raise
        copy.seek(0)
        return cast("BinaryIO", copy)  # it has all that a binary file has

    def _look(self, connection: Any, path: str) -> StoredFile:
        return _stored(connection.info(path))

    def _remove(self, connection: Any, path: str) -> None:
        connection.ftp.remove(path)


def _stored(info: Mapping[str, Any]) -> StoredFile:
    """Return what fsspec's *info* says, which calls the time of writing by several names."""
    if info.get("type") == "directory":
        raise FileNotFoundError(str(info.get("name")))
    when = next((info[name] for name in ("LastModified", "mtime", "updated", "created") if info.get(name)), None)
    if isinstance(when, str):
        when = datetime.fromisoformat(when)
    if isinstance(when, datetime):
        when = (when if when.tzinfo else when.replace(tzinfo=UTC)).timestamp()
    etag = str(info.get("ETag") or "").strip('"')
    # S3's ETag is the MD5 of an object that was not sent in parts, and not encrypted with a key of its owner's.
    checksum = etag if _MD5.fullmatch(etag) else ""
    if "md5Hash" in info:
        checksum = base64.b64decode(info["md5Hash"]).hex()
    return StoredFile(int(info.get("size") or 0), float(when or 0.0), etag, checksum)
