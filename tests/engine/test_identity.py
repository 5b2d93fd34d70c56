"""What makes two requests the same may be decided by a class of the project's own."""

from __future__ import annotations

from hashlib import sha1
from typing import Any

import pytest

from crawler import Request, Spider
from crawler.crawler import Crawler
from crawler.engine.identity import identity_of
from crawler.exceptions import ComponentError
from crawler.http import Response
from crawler.http.fingerprint import RequestFingerprinter, fingerprint
from crawler.testing import MemoryWorld, Site, crawl_in_memory


class WithoutQuery(RequestFingerprinter):
    def fingerprint(self, request: Request) -> bytes:
        return sha1(request.url.partition("?")[0].encode()).digest()


class NoBytes:
    def fingerprint(self, request: Request) -> str:
        return request.url


class Asks(Spider):
    name = "asks"
    start_urls = ["http://a.test/x?1", "http://a.test/x?2", "http://a.test/y"]

    def parse(self, response: Response) -> Any:
        yield {"url": response.url}


@pytest.mark.parametrize("named", [WithoutQuery, f"{__name__}.WithoutQuery"])
def test_a_fingerprinter_of_ones_own_decides_what_is_the_same(named: Any) -> None:
    result = crawl_in_memory(Asks, {"*": "x"}, {"REQUEST_FINGERPRINTER_CLASS": named})
    assert [item["url"] for item in result.items] == ["http://a.test/x?1", "http://a.test/y"]


def test_a_fingerprint_of_any_length_is_kept_in_sixteen_bytes() -> None:
    identity = identity_of(WithoutQuery())
    one, same, other = (identity(Request(f"http://a.test/{path}")) for path in ("x?1", "x?2", "y"))
    assert one == same != other
    assert len(one) == 16


def test_scrapys_own_name_is_the_default() -> None:
    settings = {"REQUEST_FINGERPRINTER_CLASS": "scrapy.utils.request.RequestFingerprinter"}
    assert len(crawl_in_memory(Asks, {"*": "x"}, settings).items) == 3


def test_components_find_the_fingerprinter_while_they_are_built() -> None:
    class Keeps:
        @classmethod
        def from_crawler(cls, crawler: Any) -> Any:
            keeps = cls()
            keeps.fingerprint = crawler.request_fingerprinter.fingerprint
            return keeps

        def process_request(self, request: Request) -> None:
            seen.append(self.fingerprint(request))

    seen: list[bytes] = []
    crawl_in_memory(Asks, {"*": "x"}, {"DOWNLOADER_MIDDLEWARES": {Keeps: 1}, "ROBOTSTXT_OBEY": False})
    assert fingerprint(Request("http://a.test/y")) in seen


def test_the_crawler_has_the_fingerprinter() -> None:
    world = MemoryWorld(Site({"*": "x"}))
    crawler = Crawler(Asks, {}, runtime=world.runtime)
    world.run(crawler)
    request = Request("http://a.test/")
    assert crawler.request_fingerprinter.fingerprint(request) == fingerprint(request)


def test_a_class_without_the_method_is_an_error_before_the_crawl() -> None:
    with pytest.raises(ComponentError, match=r"has no method fingerprint\(request\)"):
        crawl_in_memory(Asks, {}, {"REQUEST_FINGERPRINTER_CLASS": dict})


def test_a_fingerprint_that_is_no_bytes_is_told() -> None:
    result = crawl_in_memory(Asks, {"*": "x"}, {"REQUEST_FINGERPRINTER_CLASS": NoBytes})
    assert (result.reason, result.items) == ("start_error", [])
