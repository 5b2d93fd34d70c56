"""FilesPipeline on real sockets, killed and not."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from pytest_twisted import ensureDeferred
from twisted.internet.task import deferLater

from crawler import Spider, runtime
from crawler.crawler import Crawler
from tests.loopback.large import digest_of
from tests.loopback.servers import FAST, reactor, serving

MiB = 1024 * 1024
CONTENT = bytes(range(256)) * (4 * MiB // 256)
PAGE = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 4\r\n\r\npage"
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/zip\r\nContent-Length: %d\r\n\r\n" % len(CONTENT)


def answer(transport: Any, head: bytes) -> None:
    transport.write(PAGE if head.startswith(b"GET / ") else HEAD + CONTENT)


class Archive(Spider):
    name = "archive"

    def __init__(self, site: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.start_urls = [site + "/"]
        self.site = site

    def parse(self, response):
        yield {"file_urls": [f"{self.site}/{number}.zip" for number in range(4)]}


@ensureDeferred
async def test_files_are_kept_by_threads_while_the_crawl_goes_on(tmp_path: Path) -> None:
    settings = {**FAST, "components.pipelines": ["crawler.pipelines.files.FilesPipeline"], "files.store": str(tmp_path)}
    items: list[Any] = []
    with serving(answer) as server:
        crawler = Crawler(Archive, settings, runtime=runtime.of_reactor(reactor), on_item=items.append)
        await crawler.crawl(site=server.url)
    checksum = hashlib.md5(CONTENT).hexdigest()
    assert [(one["checksum"], one["status"]) for one in items[0]["files"]] == [(checksum, "downloaded")] * 4
    assert all((tmp_path / one["path"]).read_bytes() == CONTENT for one in items[0]["files"])


SPIDER = """
from crawler import Spider

class Archive(Spider):
    name = "archive"

    def parse(self, response):
        yield {"file_urls": [response.url + "0.zip", response.url + "1.zip"]}
"""


@ensureDeferred
async def test_a_crawl_that_is_killed_within_a_file_leaves_no_half_of_it_and_gets_it_when_resumed(
    tmp_path: Path,
) -> None:
    (tmp_path / "archive.py").write_text(SPIDER)
    store, slow, process = tmp_path / "store", [True], []

    def half(transport: Any, head: bytes) -> None:
        if head.startswith((b"GET / ", b"GET /0")) or not slow:
            answer(transport, head)
        else:
            transport.write(HEAD + CONTENT[: len(CONTENT) // 2])
            reactor.callLater(0.5, process[0].send_signal, signal.SIGKILL)

    with serving(half) as server:
        command = [sys.executable, "-m", "crawler", "runspider", "archive.py", "-a", f"start_urls={server.url}/"]
        for name in ("obey_robots=false", "delay=0"):
            command += ["-s", f"politeness.{name}"]
        command += ["-s", 'ITEM_PIPELINES={"crawler.pipelines.files.FilesPipeline": 1}', "-s", f"FILES_STORE={store}"]
        command += ["--job", "archive", "-o", "items.jsonl"]
        environment = {**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[2])}

        async def run() -> int:
            process[:] = [subprocess.Popen(command, cwd=tmp_path, env=environment, stderr=subprocess.DEVNULL)]
            began = time.monotonic()
            while process[0].poll() is None:
                assert time.monotonic() - began < 60
                await deferLater(reactor, 0.02, lambda: None)
            return int(process[0].returncode)

        assert await run() == -signal.SIGKILL
        assert (tmp_path / "items.jsonl").read_text() == ""
        assert all(path.read_bytes() == CONTENT for path in store.glob("full/*.zip"))
        slow.clear()
        assert await run() == 0
    (item,) = [json.loads(line) for line in (tmp_path / "items.jsonl").read_text().splitlines()]
    assert sorted(one["status"] for one in item["files"]) in (["downloaded", "uptodate"], ["downloaded", "downloaded"])
    assert {path.read_bytes() == CONTENT for path in store.glob("full/*")} == {True}
    assert len(list(store.glob("full/*"))) == 2


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="memory is measured as Linux tells it")
def test_CVE_2017_14158_large_files_through_the_pipeline_stay_under_a_memory_cap(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tests.loopback.large", "20", "30", f"files.store={tmp_path}"]
    took = json.loads(subprocess.run(command, check=True, capture_output=True, text=True, timeout=120).stdout)
    assert took["digests"] == [digest_of(30 * MiB)] * 20
    assert sum(path.stat().st_size for path in tmp_path.glob("full/*")) == 20 * 30 * MiB
    assert took["grown"] < 120  # of 600
