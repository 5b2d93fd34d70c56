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
