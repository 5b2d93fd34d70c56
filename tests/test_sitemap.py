"""Sitemaps: the conformance sets, and what a hostile one may not do."""

from __future__ import annotations

import gzip
import tracemalloc
from base64 import b64decode
from typing import Any

import pytest

from crawler.exceptions import ResponseTooLargeError
from crawler.sitemap import Sitemap, sitemap_urls_from_robots, unpacked
from tests.vectors import vectors

#: What is taken otherwise than the set expects it, and why.
OTHERWISE = {
    "UnknownFormatException": "what cannot be read gives no entries, and the spider says so in the log",
    "setURLFilter": "URLs are taken as they are: a line without a scheme is none",
}


@pytest.mark.parametrize("case", vectors("sitemaps", "scrapy_sitemap.json"))
def test_a_case_of_scrapys(case: dict[str, Any]) -> None:
    sitemap = Sitemap(b64decode(case["xml_b64"]))
    assert list(sitemap) == case["entries"]
    assert sitemap.type == case["type"]


@pytest.mark.parametrize("case", vectors("sitemaps", "scrapy_robots_sitemaps.json"))
def test_the_sitemaps_of_a_robots_txt(case: dict[str, Any]) -> None:
    assert list(sitemap_urls_from_robots(b64decode(case["robots_b64"]), case["base_url"])) == case["sitemaps"]


@pytest.mark.parametrize("case", vectors("sitemaps", "crawler_commons.json"))
def test_a_case_of_crawler_commons(case: dict[str, Any]) -> None:
    sitemap = Sitemap(unpacked(b64decode(case["body_b64"]), 0))
    entries = list(sitemap)
    expected = case["expected"]
    if "throws" in expected:
        assert [entry["loc"] for entry in entries if "passwd" in entry["loc"] or "root:" in entry["loc"]] == []
        return
    if "setURLFilter" in str(case.get("parser_options")):
        assert len(entries) == 1
        return
    wanted = expected.get("sitemap_count") if expected.get("is_index") else expected.get("url_count")
    assert (sitemap.type == "sitemapindex") is bool(expected.get("is_index"))
    assert len(entries) == wanted
    assert set(expected.get("contains_urls", ())) <= {entry["loc"] for entry in entries}


def urlset(count: int) -> bytes:
    urls = b"".join(b"<url><loc>http://example.com/%d</loc></url>" % number for number in range(count))
    return b'<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">%b</urlset>' % urls


def test_a_large_sitemap_is_read_in_constant_memory() -> None:
    def needed(count: int) -> int:
        body = urlset(count)
        tracemalloc.start()
        assert sum(1 for _ in Sitemap(body)) == count
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return peak - len(body)

    assert needed(20_000) < needed(2_000) + 500_000


def test_entities_are_not_expanded() -> None:
    laughs = b"".join(b'<!ENTITY l%d "%b">' % (number, b"&l%d;" % (number - 1) * 10) for number in range(1, 9))
    body = b'<!DOCTYPE u [<!ENTITY l0 "ha">%b]><urlset><url><loc>http://a.test/&l8;</loc></url></urlset>' % laughs
    assert all("haha" not in entry["loc"] for entry in Sitemap(body))


def test_a_bomb_is_stopped_at_the_limit() -> None:
    with pytest.raises(ResponseTooLargeError):
        unpacked(gzip.compress(b"\0" * 10_000_000), 1_000_000)


def test_a_gzip_that_was_cut_off_is_read_as_far_as_it_goes() -> None:
    whole = gzip.compress(urlset(2_000))
    found = list(Sitemap(unpacked(whole[: len(whole) // 2], 0)))
    assert 100 < len(found) < 2_000


@pytest.mark.parametrize("body", [b"", b"<html><body>not found</body></html>", b"\x00\x01", b"just text"])
def test_what_is_no_sitemap_has_no_entries(body: bytes) -> None:
    assert list(Sitemap(body)) == []
