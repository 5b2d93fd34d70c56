"""LinkExtractor against what Scrapy's answered to the same pages and options, and what only ours promises."""

from __future__ import annotations

import base64
import re
from typing import Any

import pytest

import crawler.http
from crawler.link import Link
from crawler.linkextractors import LinkExtractor
from tests.vectors import vectors

CASES = vectors("html-pages", "scrapy_linkextractor.json")


def page_of_script(value: str) -> str | None:
    """Return the page that a ``javascript:goToPage('...')`` link goes to."""
    found = re.search(r"javascript:goToPage\('(.*?)'", value)
    return found.group(1) if found else None


def option(value: Any) -> Any:
    """Return an option as it was recorded: patterns and functions are written as tables."""
    if isinstance(value, dict) and "regex" in value:
        return re.compile(value["regex"], value["flags"])
    if isinstance(value, dict) and "py" in value:
        return page_of_script  # the one function in the set; recorded by its name only
    if isinstance(value, list):
        return [option(one) for one in value]
    return value


@pytest.mark.parametrize("case", CASES, ids=[f"{number} {case['test']}" for number, case in enumerate(CASES)])
def test_the_same_links_as_scrapy(case: dict[str, Any]) -> None:
    cls = getattr(crawler.http, case["response_class"])
    response = cls(case["url"], body=base64.b64decode(case["body_b64"]), encoding=case["encoding"])
    kwargs = {name: option(value) for name, value in case["kwargs"].items()}
    links = LinkExtractor(*map(option, case["args"]), **kwargs).extract_links(response)
    assert links == [Link(**link) for link in case["links"]]


def links_of(html: str, **options: Any) -> list[Link]:
    response = crawler.http.HtmlResponse("http://site.test/docs/index.html", body=html, encoding="utf-8")
    return LinkExtractor(**options).extract_links(response)


def test_each_fragment_of_a_page_is_a_link_of_its_own() -> None:
    html = "<a href='p.html#one'>1</a><a href='p.html#two words'>2</a><a href='p.html'>3</a><a href='#top'>4</a>"
    assert [link.url for link in links_of(html)] == [
        "http://site.test/docs/p.html#one",
        "http://site.test/docs/p.html#two%20words",
        "http://site.test/docs/p.html",
        "http://site.test/docs/index.html#top",
    ]


def test_a_blank_before_a_fragment_belongs_to_the_path() -> None:
    html = "<a href='p.html #a'>1</a><a href='p.html '>2</a>"
    assert [link.url for link in links_of(html)] == [
        "http://site.test/docs/p.html%20#a",
        "http://site.test/docs/p.html",
    ]


def test_patterns_see_the_fragment_of_a_link() -> None:
    html = "<a href='p.html#keep'>1</a><a href='p.html#leave'>2</a>"
    assert [link.text for link in links_of(html, allow="#keep$")] == ["1"]


def test_denied_endings_are_those_of_the_path_whatever_follows_it() -> None:
    html = "".join(
        f"<a href='{href}'>x</a>" for href in ("a.PDF", "b.pdf?v=1", "c.tar.gz#x y", "d?f=e.pdf", ".pdf", "e.pdf.")
    )
    assert [link.url for link in links_of(html)] == [
        "http://site.test/docs/d?f=e.pdf",
        "http://site.test/docs/.pdf",
        "http://site.test/docs/e.pdf.",
    ]


def test_the_text_of_a_link_is_all_that_stands_in_it_but_comments() -> None:
    assert links_of("<a href='p'>one <b>two</b><!-- not this --> three</a>")[0].text == "one two three"
    assert links_of("<a href='p'></a>")[0].text == ""


def test_nofollow_is_read_in_any_case_and_between_commas() -> None:
    html = "<a href=1 rel='NoFollow'></a><a href=2 rel='ugc,nofollow'></a><a href=3 rel=nofollowing></a><a href=4></a>"
    assert [link.nofollow for link in links_of(html)] == [True, True, False, False]
