"""Real sockets, large bodies: the memory of a crawl is bounded, whatever arrives at once."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from pytest_twisted import ensureDeferred

from tests.loopback.large import digest_of
from tests.loopback.servers import probe, response, say, serving

MiB = 1024 * 1024
COUNT, MEGABYTES = 20, 30


def crawled(*settings: str) -> dict[str, Any]:
    command = [sys.executable, "-m", "tests.loopback.large", str(COUNT), str(MEGABYTES), *settings]
    done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=120)
    return json.loads(done.stdout)


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="memory is measured as Linux tells it")
def test_CVE_2017_14158_many_large_files_at_once_stay_under_a_memory_cap() -> None:
    took = crawled("crawl.max_bytes_in_hand=16000000")
    assert took["digests"] == [digest_of(MEGABYTES * MiB)] * COUNT
    assert took["in_files"] == COUNT
    assert took["grown"] < 120  # of 600: the bytes in hand, and some for 20 connections


@ensureDeferred
async def test_a_large_body_is_decoded_and_counted_as_a_small_one_is() -> None:
    page = b"<h1>large</h1>" + b"<p>text</p>" * 100_000
    with serving(say(response(page))) as server:
        spider, result = await probe(server.url, http__spool_above=100_000)
    assert spider.responses[0].css("h1::text").get() == "large"
    assert spider.responses[0].body == page
    assert result.stats["downloader/response_bytes"] == len(page)


@ensureDeferred
async def test_a_large_body_is_bounded_as_a_small_one_is() -> None:
    with serving(say(response(bytes(2 * MiB)))) as server:
        spider, _ = await probe(server.url, http__spool_above=100_000, http__max_body=MiB)
    assert [type(error).__name__ for error in spider.errors] == ["ResponseTooLargeError"]


@ensureDeferred
async def test_a_large_body_that_is_cut_short_is_passed_on_where_that_is_allowed() -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: %d\r\n\r\n" % (2 * MiB)
    with serving(say(head + bytes(MiB), close=True)) as server:
        spider, _ = await probe(server.url, http__spool_above=100_000, http__fail_on_dataloss=False)
    assert spider.responses[0].flags == ["dataloss"]
    assert spider.responses[0].spool is not None
    assert spider.responses[0].body == bytes(MiB)
