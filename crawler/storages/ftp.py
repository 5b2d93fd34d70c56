"""FTP, and FTP with explicit TLS, by the standard library.

A file is sent under another name and then renamed, so that nobody reads half of it. For ftps the server's certificate must be
trusted, and the files are encrypted as the commands are.
"""

from __future__ import annotations

import ftplib
import ssl
import tempfile
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING, BinaryIO, TypeVar, cast

from crawler.storages.connection import ConnectedStorage
from crawler.storages.storage import CHUNK, StoredFile

if TYPE_CHECKING:
    from crawler.settings.storages import Storages
    from crawler.storages.url import StorageURL

T = TypeVar("T")


class FtpStorage(ConnectedStorage[ftplib.FTP]):
    """A folder of an FTP server."""

    refusals = (*ConnectedStorage.refusals, ftplib.error_perm)

    def __init__(self, url: StorageURL, options: Storages, *, acl: str = "") -> None:
        super().__init__(url)
        self._options = options

    def _connect(self) -> ftplib.FTP:
        options, where = self._options, self._where
        user = where.user or options.ftp_user
        password = where.password if where.user else options.ftp_password
        ftp: ftplib.FTP
        if where.scheme == "ftps":
            ftp = ftplib.FTP_TLS(
                timeout=options.timeout, context=ssl.create_default_context(cafile=options.ca_file or None)
            )
        else:
            ftp = ftplib.FTP(timeout=options.timeout)
        try:
            ftp.connect(where.host, where.port or ftplib.FTP_PORT)
            ftp.login(user, password)
            if isinstance(ftp, ftplib.FTP_TLS):
                ftp.prot_p()
            ftp.set_pasv(options.ftp_passive)
            ftp.voidcmd("TYPE I")
        except BaseException:
            ftp.close()
            raise
        return ftp

    def _disconnect(self, connection: ftplib.FTP) -> None:
        connection.close()

    def _send(self, connection: ftplib.FTP, path: str, file: BinaryIO) -> None:
        folder, _, _ = path.rpartition("/")
        partial, start = f"{path}.part", file.tell()
        try:
            connection.storbinary(f"STOR {partial}", file, CHUNK)
        except ftplib.error_perm:
            _make_folders(connection, folder)
            file.seek(start)
            connection.storbinary(f"STOR {partial}", file, CHUNK)
        try:
            connection.rename(partial, path)
        except ftplib.error_perm:  # servers that do not rename onto what is there
            connection.delete(path)
            connection.rename(partial, path)

    def _fetch(self, connection: ftplib.FTP, path: str) -> BinaryIO:
        copy = tempfile.SpooledTemporaryFile(max_size=1 << 20)  # noqa: SIM115  (the caller closes it)
        try:
            _missing_or(lambda: connection.retrbinary(f"RETR {path}", copy.write, CHUNK))
        except BaseException:
            copy.close()
            raise
        copy.seek(0)
        return cast("BinaryIO", copy)  # it has all that a binary file has

    def _look(self, connection: ftplib.FTP, path: str) -> StoredFile:
        size = _missing_or(lambda: connection.size(path))
        modified = 0.0
        with suppress(ftplib.error_perm, ValueError):  # MDTM is an extension that not every server has
            stamp = connection.voidcmd(f"MDTM {path}").split()[-1][:14]
            modified = datetime.strptime(stamp, "%Y%m%d%H%M%S").replace(tzinfo=UTC).timestamp()
        return StoredFile(size or 0, modified)

    def _remove(self, connection: ftplib.FTP, path: str) -> None:
        _missing_or(lambda: connection.delete(path))


def _missing_or(act: Callable[[], T]) -> T:
    """Return what *act* does; what the server calls unavailable (550) is not there."""
    try:
        return act()
    except ftplib.error_perm as error:
        if str(error).startswith("550"):
            raise FileNotFoundError(str(error)) from error
        raise


def _make_folders(connection: ftplib.FTP, folder: str) -> None:
    """Make *folder* and those above it; what is there already is refused, and so is what may not be made: then storing says so."""
    parts = folder.strip("/").split("/")
    for count in range(1, len(parts) + 1):
        with suppress(ftplib.error_perm):
            connection.mkd("/" + "/".join(parts[:count]))
