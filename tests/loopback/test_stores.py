"""A store on an FTP server, on real sockets."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pytest_twisted import ensureDeferred

from crawler import Spider, runtime
from crawler.crawler import Crawler
from tests.loopback.servers import FAST, reactor, response, say, serving

pytest.importorskip("fsspec", reason="fsspec (the extra stores) is not installed")
authorizers = pytest.importorskip("pyftpdlib.authorizers", reason="pyftpdlib is not installed")

from pyftpdlib.handlers import FTPHandler  # noqa: E402
from pyftpdlib.servers import FTPServer  # noqa: E402

CONTENT = bytes(range(256)) * 40_000
CHECKSUM = hashlib.md5(CONTENT).hexdigest()


@pytest.fixture
def ftp(tmp_path: Path) -> Iterator[str]:
    """The address of an FTP server whose files are in *tmp_path*."""
    authorizer = authorizers.DummyAuthorizer()
    authorizer.add_user("user", "p%ss", str(tmp_path), perm="elradfmwMT")
    handler = type("Handler", (FTPHandler,), {"authorizer": authorizer})
    server = FTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"timeout": 0.05}, daemon=True)
    thread.start()
    yield f"127.0.0.1:{server.address[1]}"
    server.close_all()
    thread.join(5)


class Papers(Spider):
    name = "papers"

    def __init__(self, site: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.start_urls = [f"{site}/"]
        self.site = site

    def parse(self, response):
        yield {"file_urls": [f"{self.site}/{number}.pdf" for number in range(3)]}


@pytest.mark.parametrize("credentials", ["in the URL", "in the settings"])
@ensureDeferred
async def test_files_are_kept_on_an_ftp_server(credentials: str, ftp: str, tmp_path: Path) -> None:
    settings: dict[str, Any] = {**FAST, "components.pipelines": ["crawler.pipelines.files.FilesPipeline"]}
    if credentials == "in the URL":
        settings["files.store"] = f"ftp://user:p%25ss@{ftp}/deep/files"
    else:
        settings |= {"files.store": f"ftp://{ftp}/deep/files", "FTP_USER": "user", "FTP_PASSWORD": "p%ss"}
    with serving(say(response(CONTENT))) as server:
        for status in ("downloaded", "uptodate"):
            items: list[Any] = []
            crawler = Crawler(Papers, settings, runtime=runtime.of_reactor(reactor), on_item=items.append)
            await crawler.crawl(site=server.url)
            found = items[0]["files"]
            assert [(one["status"], one["checksum"]) for one in found] == [(status, CHECKSUM)] * 3
    kept = {path.name: path.read_bytes() for path in (tmp_path / "deep/files/full").iterdir()}
    assert kept == {one["path"].removeprefix("full/"): CONTENT for one in found}
