"""Scrapy spiders run here when their imports are changed, and bring home what Scrapy brings home (see compare)."""

from __future__ import annotations

import ast
import difflib
import json
from pathlib import Path
from typing import Any

import pytest

from crawler import Spider
from crawler.crawler import Crawler
from crawler.testing import MemoryWorld
from tests.ported.expected import EXPECTED, NOTES
from tests.ported.site import BASE, make_site
from tests.ported.spiders_of_scrapy import ARGUMENTS, FILES, loaded, our_form, outcome, scrapy_form


def import_lines(text: str) -> set[int]:
    nodes = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Import | ast.ImportFrom)]
    return {line for node in nodes for line in range(node.lineno, (node.end_lineno or node.lineno) + 1)}


def crawled(name: str, text: str, folder: Path) -> tuple[list[Any], list[Any]]:
    items: list[Any] = []
    spidercls = loaded(name, text, Spider, folder)
    crawler = Crawler(spidercls, {}, runtime=(world := MemoryWorld(make_site())).runtime, on_item=items.append)
    world.run(crawler, **ARGUMENTS.get(name, {}))
    found = outcome(items, crawler.spider, site=BASE)
    return [json.loads(item) for item in found.items], found.notes


@pytest.mark.parametrize("name", FILES)
def test_a_scrapy_spider_is_ported_by_its_imports_alone(name: str) -> None:
    before, after = scrapy_form(name).splitlines(), our_form(name).splitlines()
    changes = difflib.SequenceMatcher(None, before, after, autojunk=False).get_opcodes()
    changed = {line for kind, start, end, *_ in changes if kind != "equal" for line in range(start + 1, end + 1)}
    assert changed
    assert changed <= import_lines(scrapy_form(name))
    assert len(before) == len(after)


@pytest.mark.parametrize("imports_only", [True, False], ids=["imports only", "names too"])
@pytest.mark.parametrize("name", FILES)
def test_a_ported_spider_brings_home_what_it_does_with_scrapy(name: str, imports_only: bool, tmp_path: Path) -> None:
    items, notes = crawled(name, our_form(name, imports_only=imports_only), tmp_path)
    assert items == EXPECTED[name]
    assert notes == NOTES.get(name, [])
