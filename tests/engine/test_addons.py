"""Add-ons change the settings before the crawl is assembled, and count less than the project."""

from __future__ import annotations

from typing import Any

import pytest

from crawler import Settings, Spider
from crawler.crawler import Crawler
from crawler.exceptions import ComponentError, NotConfigured
from crawler.testing import MemoryWorld, Site


class Empty(Spider):
    name = "empty"
    custom_settings = {"OF_SPIDER": "spider"}

    async def start(self) -> Any:
        yield {"n": self.settings.getint("N")}


class Pipeline:
    def process_item(self, item: Any) -> Any:
        return {**item, "seen": True}


class Adds:
    """An add-on as Scrapy's documentation teaches them."""

    def __init__(self, crawler: Crawler) -> None:
        self.crawler = crawler

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Adds:
        return cls(crawler)

    @classmethod
    def update_pre_crawler_settings(cls, settings: Settings) -> None:
        settings.set("N", 5, "addon")

    def update_settings(self, settings: Settings) -> None:
        settings.set("RETRY_TIMES", 7, "addon")
        settings.set("DOWNLOAD_TIMEOUT", 7, "addon")
        settings.set("OF_SPIDER", "addon", "addon")
        settings.setdefault_in_component_priority_dict("ITEM_PIPELINES", Pipeline, 100)


class Unused:
    def update_settings(self, settings: Settings) -> None:
        raise NotConfigured("not today")


def crawler_with(addons: dict[Any, Any], **settings: Any) -> Crawler:
    return Crawler(Empty, {"ADDONS": addons, **settings}, runtime=MemoryWorld(Site({})).runtime)


def test_an_addon_changes_settings_but_not_those_of_the_project_or_the_spider() -> None:
    settings = crawler_with({Adds: 0}, DOWNLOAD_TIMEOUT=30).settings
    assert (settings.retry.times, settings.http.timeout, settings["OF_SPIDER"]) == (7, 30.0, "spider")
    assert settings.getpriority("RETRY_TIMES") == 15


def test_an_addon_adds_components_and_is_found_again() -> None:
    world = MemoryWorld(Site({}))
    items: list[Any] = []
    crawler = Crawler(Empty, {"ADDONS": {Adds: 0}}, runtime=world.runtime, on_item=items.append)
    world.run(crawler)
    assert items == [{"n": 5, "seen": True}]
    assert crawler.get_addon(Adds) is crawler.addons[0]


def test_an_addon_may_be_not_configured() -> None:
    assert crawler_with({Unused: 0, Adds: 1}).get_addon(Unused) is None


def test_what_is_no_addon_is_an_error() -> None:
    with pytest.raises(ComponentError, match="Pipeline has neither update_settings nor update_pre_crawler_settings"):
        crawler_with({Pipeline: 0})
