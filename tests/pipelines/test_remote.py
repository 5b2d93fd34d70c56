"""Stores by URL: what is kept there, and what is said when it cannot be."""

from __future__ import annotations

import hashlib
import io
import sys
import time
from typing import Any

import pytest
from twisted.python.failure import Failure

from crawler import Settings, Spider
from crawler.concurrency import start
from crawler.exceptions import ComponentError, SettingsError
from crawler.pipelines.files import FilesPipeline
from crawler.pipelines.media import FileException
from crawler.pipelines.remote import RemoteFilesStore, options_of, shown
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
    store = RemoteFilesStore("memory://files")
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

    store = RemoteFilesStore("memory://files")
    done(lambda: store.persist_file("a", io.BytesIO(b"old")))
    with pytest.raises(OSError, match="gone"):
        done(lambda: store.persist_file("a", Broken(CONTENT)))
    assert files.cat("/files/a") == b"old"
    assert files.find("/") == ["/files/a"]


@pytest.mark.parametrize("path", ["../a", "/a", "a/../../b", "a\0"])
def test_no_path_leads_out_of_it(path: str, files: Any) -> None:
    store = RemoteFilesStore("memory://files")
    for call in (lambda: store.persist_file(path, io.BytesIO(b"x")), lambda: store.stat_file(path)):
        with pytest.raises(FileException):
            done(call)
    assert files.find("/") == []


def test_credentials_come_from_scrapys_settings() -> None:
    settings = Settings(
        {
            "AWS_ACCESS_KEY_ID": "id",
            "AWS_SECRET_ACCESS_KEY": "secret",
            "AWS_ENDPOINT_URL": "http://localhost:9000",
            "AWS_USE_SSL": "false",
            "GCS_PROJECT_ID": "project",
            "FTP_USER": "user",
        }
    )
    assert options_of("s3", settings) == {
        "key": "id",
        "secret": "secret",
        "use_ssl": False,
        "client_kwargs": {"endpoint_url": "http://localhost:9000"},
    }
    assert options_of("gs", settings) == {"project": "project"}
    assert options_of("ftp", settings) == {"username": "user"}
    assert options_of("memory", settings) == {}


def test_no_password_is_shown() -> None:
    assert shown("ftp://user:pass@host:21/files?token=x") == "ftp://host:21/files"
    with pytest.raises(SettingsError) as error:
        RemoteFilesStore("ftp://user:pass@127.0.0.1:1/files")
    assert "pass" not in str(error.value)
    assert "ftp://127.0.0.1:1/files" in str(error.value)


def test_a_scheme_that_nobody_knows_is_an_error() -> None:
    with pytest.raises(SettingsError, match=r"nowhere://files cannot be opened"):
        crawled("nowhere://files")


@pytest.mark.parametrize(("store", "extra"), [("s3://bucket", "s3"), ("ftp://host", "stores")])
def test_without_fsspec_the_error_names_the_extra(store: str, extra: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "fsspec.core", None)
    with pytest.raises(ComponentError, match=rf"crawler\[{extra}\]"):
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
