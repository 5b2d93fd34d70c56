"""Storages over real sockets: FTP, FTP with TLS, SFTP, S3."""

from __future__ import annotations

import hashlib
import io
import time
from collections.abc import Awaitable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from crawler.concurrency import start
from crawler.exceptions import StorageError
from crawler.pipelines.store import StorageFilesStore
from crawler.settings.storages import Storages
from crawler.storages import Storage, open_storage
from crawler.threads import without_threads
from tests.loopback.storing import certificate, ftp_server, s3_server, sftp_server

BIG = bytes(range(256)) * 100_000  # more than one part of any protocol


@pytest.fixture(params=["ftp", "ftps", "sftp", "s3"])
def storage(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Storage]:
    folder = tmp_path / "served"
    folder.mkdir()
    if request.param == "ftp":
        with ftp_server(folder) as port:
            yield open_storage(f"ftp://user:p%40ss@127.0.0.1:{port}/in/here")
    elif request.param == "ftps":
        tls = certificate(tmp_path)
        with ftp_server(folder, tls=tls) as port:
            yield open_storage(f"ftps://user:p%40ss@127.0.0.1:{port}/in/here", Storages(ca_file=str(tls)))
    elif request.param == "sftp":
        known = tmp_path / "known_hosts"
        with sftp_server(folder, known) as port:
            yield open_storage(f"sftp://user:p%40ss@127.0.0.1:{port}/in/here", Storages(sftp_known_hosts=str(known)))
    else:
        with s3_server("bucket") as endpoint:
            options = Storages(s3_endpoint=endpoint, s3_key="id", s3_secret="p@ss", s3_region="us-east-1")
            yield open_storage("s3://bucket/in/here", options)


def test_a_file_is_put_replaced_looked_at_opened_and_deleted(storage: Storage) -> None:
    assert storage.stat("a/b.txt") is None
    storage.put("a/b.txt", io.BytesIO(b"first"), content_type="text/plain")
    storage.put("a/b.txt", io.BytesIO(BIG))
    found = storage.stat("a/b.txt")
    assert found is not None
    assert found.size == len(BIG)
    assert found.modified > 1_700_000_000
    with storage.open("a/b.txt") as file:
        assert file.read() == BIG
    storage.put("a/b.txt", io.BytesIO(b"short again"))
    with storage.open("a/b.txt") as file:
        assert file.read() == b"short again"
    storage.delete("a/b.txt")
    assert not storage.exists("a/b.txt")
    with pytest.raises(StorageError, match="there is no such file"):
        storage.open("a/b.txt")


def test_a_file_that_breaks_off_leaves_the_old_one(storage: Storage) -> None:
    class Broken(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            if self.tell():
                raise OSError("the disk is broken")
            return super().read(4)

    storage.put("a.txt", io.BytesIO(b"old"))
    with pytest.raises(StorageError, match="the disk is broken"):
        storage.put("a.txt", Broken(b"new and longer"))
    with storage.open("a.txt") as file:
        assert file.read() == b"old"


def test_a_wrong_password_is_an_error_without_the_password(tmp_path: Path) -> None:
    with ftp_server(tmp_path) as port:
        storage = open_storage(f"ftp://user:wrong-secret@127.0.0.1:{port}/")
        with pytest.raises(StorageError, match=rf"cannot write ftp://user@127\.0\.0\.1:{port}/a: 530") as refused:
            storage.put("a", io.BytesIO(b"x"))
    assert "wrong-secret" not in str(refused.value)


def test_a_connection_that_was_lost_while_idle_is_made_again(tmp_path: Path) -> None:
    with ftp_server(tmp_path) as port:
        storage = open_storage(f"ftp://user:p%40ss@127.0.0.1:{port}/")
        storage.put("a", io.BytesIO(b"1"))
        storage._connection.sock.close()  # type: ignore[attr-defined]  # as a server that is tired of waiting does
        storage.put("a", io.BytesIO(b"2"))
    assert (tmp_path / "a").read_bytes() == b"2"


def test_ftps_with_a_certificate_that_nobody_trusts_is_refused(tmp_path: Path) -> None:
    with ftp_server(tmp_path, tls=certificate(tmp_path)) as port:
        storage = open_storage(f"ftps://user:p%40ss@127.0.0.1:{port}/")
        with pytest.raises(StorageError, match="CERTIFICATE_VERIFY_FAILED"):
            storage.put("a", io.BytesIO(b"x"))


def test_an_ssh_server_whose_key_is_not_known_is_refused(tmp_path: Path) -> None:
    nobody = tmp_path / "empty"
    nobody.write_text("")
    with sftp_server(tmp_path, tmp_path / "known") as port:
        storage = open_storage(f"sftp://user:p%40ss@127.0.0.1:{port}/", Storages(sftp_known_hosts=str(nobody)))
        with pytest.raises(StorageError, match=r"host key of sftp://user@.* is not known.*storages\.sftp_known_hosts"):
            storage.put("a", io.BytesIO(b"x"))


def test_a_bucket_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with s3_server("bucket") as endpoint:
        options = Storages(s3_endpoint=endpoint, s3_key="id", s3_secret="sesame", s3_region="us-east-1")
        with pytest.raises(StorageError, match="cannot write s3://other/a"):
            open_storage("s3://other", options).put("a", io.BytesIO(b"x"))
        assert open_storage("s3://bucket", replace(options, s3_acl="x"), acl="public-read").stat("a") is None


def test_a_files_store_tells_the_checksum_and_the_age_of_what_it_has(storage: Storage) -> None:
    store, checksum = StorageFilesStore(storage), hashlib.md5(BIG[:100_000]).hexdigest()
    with without_threads():
        assert _done(store.stat_file("full/a.jpg")) == {}
        assert _done(store.persist_file("full/a.jpg", io.BytesIO(BIG[:100_000]))) == checksum
        known = _done(store.stat_file("full/a.jpg"))
    assert known["checksum"] == checksum
    assert abs(known["last_modified"] - time.time()) < 86_400  # an FTP server may tell its own time


def _done(what: Awaitable[Any]) -> Any:
    """Return what *what* comes to, which waits for nothing."""

    async def waited() -> Any:
        return await what

    results: list[Any] = []
    start(waited()).addBoth(results.append)
    return results[0]
