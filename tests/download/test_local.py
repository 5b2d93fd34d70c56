"""file: and data: URLs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from crawler import Spider
from crawler.download import FetchLimits
from crawler.download.answer import Answer
from crawler.download.body import BytesInHand, Spooling
from crawler.download.local import DataTransport, FileTransport
from crawler.exceptions import DownloadFailedError, ResponseTooLargeError
from crawler.http import Request
from crawler.http.spool import Spool
from crawler.testing import crawl_in_memory

LIMITS = FetchLimits(connect_timeout=1, first_byte_timeout=1, timeout=1, max_body=1000)


def fetched(transport: Any, url: str) -> Answer:
    results: list[Any] = []
    Deferred.fromCoroutine(transport.fetch(Request(url), LIMITS)).addBoth(results.append)
    if isinstance(results[0], Failure):
        results[0].raiseException()
    return results[0]


def file(url: str) -> Answer:
    return fetched(FileTransport(Spooling(BytesInHand(0))), url)


def data(url: str) -> Answer:
    return fetched(DataTransport(), url)


def test_a_file_is_read_with_its_type(tmp_path: Path) -> None:
    (tmp_path / "a page.html").write_text("<h1>Hello</h1>")
    answer = file((tmp_path / "a page.html").as_uri())
    assert (answer.body, answer.headers) == (b"<h1>Hello</h1>", [(b"Content-Type", b"text/html")])


def test_a_file_that_is_not_there_is_an_error_that_names_it(tmp_path: Path) -> None:
    with pytest.raises(DownloadFailedError, match=r"nothing\.html cannot be read: No such file"):
        file((tmp_path / "nothing.html").as_uri())


def test_a_file_over_the_limit_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "big").write_bytes(b"x" * 1001)
    with pytest.raises(ResponseTooLargeError):
        file((tmp_path / "big").as_uri())


def test_a_file_of_another_host_is_refused() -> None:
    with pytest.raises(DownloadFailedError, match="another host"):
        file("file://elsewhere/etc/passwd")


@pytest.mark.parametrize(
    ("url", "kind", "body"),
    [
        ("data:,Hello%2C%20World", b"text/plain;charset=US-ASCII", b"Hello, World"),
        ("data:text/html;base64,PGgxPkhpPC9oMT4=", b"text/html", b"<h1>Hi</h1>"),
        ("data:text/html;charset=utf-8,%C3%A9", b"text/html;charset=utf-8", "é".encode()),
    ],
)
def test_data_urls_hold_their_answer(url: str, kind: bytes, body: bytes) -> None:
    answer = data(url)
    assert (answer.headers[0][1], answer.body) == (kind, body)


@pytest.mark.parametrize("url", ["data:no-comma", "data:text/plain;base64,!!!"])
def test_data_urls_that_hold_nothing_are_errors(url: str) -> None:
    with pytest.raises(DownloadFailedError):
        data(url)


def test_files_are_off_until_they_are_switched_on_and_data_are_not(tmp_path: Path) -> None:
    (tmp_path / "page.html").write_text("<h1>Here</h1>")

    class Both(Spider):
        name = "both"
        start_urls = ["data:text/html,<h1>Hi</h1>", (tmp_path / "page.html").as_uri()]

        def parse(self, response):
            yield {"h1": response.css("h1::text").get()}

    settings = {"politeness.obey_robots": False, "retry.enabled": False}
    off = crawl_in_memory(Both, {}, settings)
    on = crawl_in_memory(Both, {}, {**settings, "http.schemes": ["http", "https", "data", "file"]})
    assert (off.items, off.failed) == ([{"h1": "Hi"}], 1)
    assert sorted(on.items, key=str) == [{"h1": "Here"}, {"h1": "Hi"}]


def test_a_large_file_is_copied_to_a_temporary_one(tmp_path: Path) -> None:
    (tmp_path / "large").write_bytes(b"x" * 1000)
    transport = FileTransport(Spooling(BytesInHand(1000), above=500))
    answer = fetched(transport, (tmp_path / "large").as_uri())
    assert isinstance(answer.body, Spool)
    assert answer.body.load() == b"x" * 1000
