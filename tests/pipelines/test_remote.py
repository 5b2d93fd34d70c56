"""Stores by URL: what is kept there, and what is said when it cannot be."""

from __future__ import annotations

import hashlib
import io
import sys
import time
from typing import Any

import pytest
from twisted.python.failure import Failure

from crawler import Spider
from crawler.concurrency import start
from crawler.exceptions import StorageError
from crawler.pipelines.files import FilesPipeline
from crawler.pipelines.media import FileException
from crawler.pipelines.store import StorageFilesStore
from crawler.storages import open_storage
from crawler.testing import crawl_in_memory
from crawler.threads import without_threads

fsspec = pytest.importorskip("fsspec", reason="fsspec (the extra stores) is not installed")

HOST = "http://site.test"
CONTENT = bytes(range(256)) * 5000


@pytest.fixture
def files() -> Any:
    """fsspec's files in memory, none to begin with."""
    memory = fsspec.filesystem("memory")
    memory.store.clear()
    memory.pseudo_dirs[:] = [""]
    yield memory
    memory.store.clear()


def done(call: Any) -> Any:
    """Return what the awaitable that *call* returns comes to, without threads."""

    async def waited() -> Any:
        return await call()

    results: list[Any] = []
    with without_threads():
        start(waited()).addBoth(results.append)
    if isinstance(results[0], Failure):
        results[0].raiseException()
    return results[0]


class Papers(Spider):
    name = "papers"
    start_urls = [f"{HOST}/"]

    def parse(self, response):
        yield {"file_urls": [f"{HOST}/a.pdf"]}


def crawled(store: str, **settings: Any) -> Any:
    given = {"ITEM_PIPELINES": {FilesPipeline: 1}, "FILES_STORE": store, "politeness.obey_robots": False, **settings}
    return crawl_in_memory(Papers, {"/": "page", "/a.pdf": CONTENT}, given)


def test_a_crawl_keeps_its_files_at_a_url(files: Any) -> None:
    first = crawled("memory://bucket/files").items[0]["files"][0]
    assert (first["checksum"], first["status"]) == (hashlib.md5(CONTENT).hexdigest(), "downloaded")
    assert files.cat(f"/bucket/files/{first['path']}") == CONTENT
    assert crawled("memory://bucket/files").items[0]["files"] == [{**first, "status": "uptodate"}]


def test_a_file_is_known_with_its_age_and_checksum(files: Any) -> None:
    store = StorageFilesStore(open_storage("memory://files"))
    assert done(lambda: store.stat_file("full/a.pdf")) == {}
    assert done(lambda: store.persist_file("full/a.pdf", io.BytesIO(CONTENT))) == hashlib.md5(CONTENT).hexdigest()
    known = done(lambda: store.stat_file("full/a.pdf"))
    assert known["checksum"] == hashlib.md5(CONTENT).hexdigest()
    assert abs(known["last_modified"] - time.time()) < 60


def test_an_upload_that_fails_leaves_what_was_there(files: Any) -> None:
    class Broken(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            if self.tell():
                raise OSError("the disk is gone")
            return super().read(10)

    store = StorageFilesStore(open_storage("memory://files"))
    done(lambda: store.persist_file("a", io.BytesIO(b"old")))
    with pytest.raises(StorageError, match="cannot write memory://files/a: the disk is gone"):
        done(lambda: store.persist_file("a", Broken(CONTENT)))
    assert files.cat("/files/a") == b"old"
    assert files.find("/") == ["/files/a"]


@pytest.mark.parametrize("path", ["../a", "/a", "a/../../b", "a\0"])
def test_no_path_leads_out_of_it(path: str, files: Any) -> None:
    store = StorageFilesStore(open_storage("memory://files"))
    for call in (lambda: store.persist_file(path, io.BytesIO(b"x")), lambda: store.stat_file(path)):
        with pytest.raises(FileException):
            done(call)
    assert files.find("/") == []


def test_the_store_has_the_credentials_and_the_access_of_scrapys_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Any] = []

    def noted(url: str, options: Any, *, acl: str) -> Any:
        asked.append((url, options.s3_key, options.s3_endpoint, acl))
        return open_storage("memory://files")

    monkeypatch.setattr("crawler.pipelines.files.open_storage", noted)
    endpoint = "http://localhost:9000"
    crawled("s3://b/c", AWS_ACCESS_KEY_ID="id", AWS_ENDPOINT_URL=endpoint, FILES_STORE_S3_ACL="public-read")
    assert asked == [("s3://b/c", "id", endpoint, "public-read")]


def test_a_scheme_that_nobody_knows_is_an_error() -> None:
    with pytest.raises(StorageError, match=r"no storage for nowhere://files"):
        crawled("nowhere://files")


@pytest.mark.parametrize(("store", "package", "extra"), [("s3://bucket", "s3fs", "s3"), ("gs://bucket", "gcsfs", "gs")])
def test_without_its_package_the_error_names_the_extra(
    store: str, package: str, extra: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(StorageError, match=rf"crawler\[{extra}\]"):
        crawled(store)


def test_a_subclass_may_bring_stores_of_its_own() -> None:
    kept: dict[str, bytes] = {}

    class Shelf:
        def __init__(self, uri: str) -> None:
            self.uri = uri

        def persist_file(self, path, buf, info, meta=None, headers=None):
            kept[f"{self.uri}/{path}"] = buf.read()

        def stat_file(self, path, info):
            return {}

    class Mine(FilesPipeline):
        STORE_SCHEMES = {**FilesPipeline.STORE_SCHEMES, "shelf": Shelf}

    (found,) = crawled("shelf://one", ITEM_PIPELINES={Mine: 1}).items[0]["files"]
    assert kept == {f"shelf://one/{found['path']}": CONTENT}
    assert found["checksum"] == hashlib.md5(CONTENT).hexdigest()
