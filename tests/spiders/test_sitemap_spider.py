"""SitemapSpider in whole crawls."""

from __future__ import annotations

import gzip
import re

import pytest

from crawler.http import XmlResponse
from crawler.ported import get_crawler
from crawler.spiders import SitemapSpider
from crawler.testing import Page, Site, crawl_in_memory
from tests.test_sitemap import urlset

HOST = "http://example.com"
FAST = {"politeness.delay": 0.0, "politeness.obey_robots": False, "log.stats_interval": 0}
XML = {"Content-Type": "application/xml"}


def index(*names: str) -> Page:
    entries = "".join(f"<sitemap><loc>{HOST}/{name}</loc></sitemap>" for name in names)
    return Page(f"<sitemapindex>{entries}</sitemapindex>", headers=XML)


SITE = {
    "/robots.txt": f"User-agent: *\nSitemap: {HOST}/index.xml\nSitemap: /more.xml\n",
    "/index.xml": index("pages.xml", "packed.xml.gz", "other.xml"),
    "/pages.xml": Page(urlset(3).decode(), headers=XML),
    "/packed.xml.gz": Page(gzip.compress(urlset(5)), headers={"Content-Type": "application/gzip"}),
    "/other.xml": Page(
        f"<urlset><url><loc>{HOST}/news/1</loc><lastmod>2020</lastmod></url><url><loc>{HOST}/news/2</loc>"
        f'<link rel="alternate" hreflang="de" href="{HOST}/de/2"/></url></urlset>',
        headers=XML,
    ),
    "/more.xml": Page(f"<urlset><url><loc>{HOST}/more</loc></url></urlset>", headers=XML),
    "*": "<p>page</p>",
}


class Pages(SitemapSpider):
    name = "pages"
    sitemap_urls = [f"{HOST}/robots.txt"]

    def parse(self, response):
        yield {"by": "parse", "path": response.url.removeprefix(HOST)}

    def parse_news(self, response):
        yield {"by": "news", "path": response.url.removeprefix(HOST)}


def crawl(spider: type[SitemapSpider], site=SITE) -> dict[str, str]:
    """Return by which callback each page was parsed."""
    items = crawl_in_memory(spider, site, FAST).items
    assert len({item["path"] for item in items}) == len(items)
    return {item["path"]: item["by"] for item in items}


def test_a_sitemap_is_parsed_without_a_crawl() -> None:
    spider = Pages.from_crawler(get_crawler(Pages))
    response = XmlResponse(f"{HOST}/other.xml", body=SITE["/other.xml"].body.encode())
    assert [request.url for request in spider._parse_sitemap(response)] == [f"{HOST}/news/1", f"{HOST}/news/2"]


def test_sitemaps_are_found_in_robots_txt_in_indexes_and_packed() -> None:
    assert sorted(crawl(Pages)) == ["/0", "/1", "/2", "/3", "/4", "/more", "/news/1", "/news/2"]


def test_a_robots_txt_that_names_no_sitemap_is_told(caplog: pytest.LogCaptureFixture) -> None:
    assert crawl(Pages, Site({"/robots.txt": "User-agent: *\nDisallow:\n"})) == {}
    assert f"<200 {HOST}/robots.txt> names no sitemap: write those of the site into sitemap_urls" in caplog.text


def test_the_first_rule_that_fits_gets_the_page_and_none_leaves_it_out() -> None:
    class Ruled(Pages):
        sitemap_rules = [(re.compile("/news/"), "parse_news"), (r"/\d$", Pages.parse_news), ("/mo", "parse")]

    class Few(Pages):
        sitemap_rules = [("/news/", "parse_news")]

    assert crawl(Few) == {"/news/1": "news", "/news/2": "news"}


def test_sitemaps_are_followed_by_rules_too() -> None:
    class Followed(Pages):
        sitemap_follow = [r"/other\.xml"]

    assert sorted(crawl(Followed)) == ["/more", "/news/1", "/news/2"]


def test_a_rule_may_name_any_function() -> None:
    def parse_page(response):
        yield {"by": "function", "path": response.url.removeprefix(HOST)}

    class Functions(Pages):
        sitemap_urls = [f"{HOST}/other.xml"]
        sitemap_rules = [("/2$", parse_page), ("", "parse")]

    assert crawl(Functions) == {"/news/1": "parse", "/news/2": "function"}


def test_pages_in_other_languages_count_where_asked_for() -> None:
    class Alternate(Pages):
        sitemap_urls = [f"{HOST}/other.xml"]
        sitemap_alternate_links = True

    assert sorted(crawl(Alternate)) == ["/de/2", "/news/1", "/news/2"]


def test_entries_may_be_chosen() -> None:
    class Chosen(Pages):
        sitemap_urls = [f"{HOST}/other.xml"]

        def sitemap_filter(self, entries):
            return (entry for entry in entries if entry.get("lastmod") == "2020")

    assert sorted(crawl(Chosen)) == ["/news/1"]


def test_what_is_no_sitemap_is_told(caplog: pytest.LogCaptureFixture) -> None:
    class Wrong(Pages):
        sitemap_urls = [f"{HOST}/page.html"]

    assert crawl(Wrong) == {}
    assert "Ignoring invalid sitemap: <200 http://example.com/page.html>" in caplog.text


def test_indexes_without_an_end_are_left(caplog: pytest.LogCaptureFixture) -> None:
    class Endless(Site):
        def answer(self, hit):
            number = int(hit.url.rpartition("/")[2].partition(".")[0])
            return index(f"{number + 1}.xml")

    class Trapped(Pages):
        sitemap_urls = [f"{HOST}/0.xml"]

    site = Endless()
    crawl(Trapped, site)
    assert len(site.log) == 11
    assert "nested more than 10 deep" in caplog.text


def test_a_callback_that_is_not_there_is_told_when_the_spider_is_made() -> None:
    class Misspelled(Pages):
        sitemap_rules = [("", "prase")]

    with pytest.raises(AttributeError, match="names the callback 'prase'"):
        Misspelled()
