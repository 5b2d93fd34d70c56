"""Components by Scrapy's paths: ours, the engine's own work, or an error that says what to do."""

from __future__ import annotations

import logging

import pytest

from crawler import scrapy_paths
from crawler.downloadermiddlewares.retry import RetryMiddleware
from crawler.engine import components
from crawler.exceptions import ComponentError
from crawler.settings import Settings

RETRY = "scrapy.downloadermiddlewares.retry.RetryMiddleware"
OFFSITE = "scrapy.spidermiddlewares.offsite.OffsiteMiddleware"
TELNET = "scrapy.extensions.telnet.TelnetConsole"


def test_a_path_of_scrapys_names_the_component_that_is_here() -> None:
    assert components.load(RETRY) is RetryMiddleware


@pytest.mark.parametrize("path", ["scrapy.squeues.FifoMemoryQueue", "crawler.squeues.FifoMemoryQueue"])
def test_a_path_of_what_is_not_here_says_what_to_do(path: str) -> None:
    with pytest.raises(
        ComponentError, match=r"there is no crawler\.squeues\.FifoMemoryQueue: requests wait by priority"
    ):
        components.load(path)


def test_a_component_whose_work_the_engine_does_is_left_out_and_told(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        assert components.declared({OFFSITE: 500}) == components.declared([OFFSITE]) == []
    assert "keeps to allowed_domains" in caplog.text
    assert {record.levelname for record in caplog.records} == {"INFO"}


def test_switching_off_what_cannot_be_switched_off_is_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    assert components.declared({"scrapy.downloadermiddlewares.stats.DownloaderStats": None, TELNET: None}) == []
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert "the engine counts every download" in caplog.text


@pytest.mark.parametrize("path", scrapy_paths.SWITCHES)
def test_switching_off_what_the_engine_does_sets_what_switches_it(path: str) -> None:
    names = {"spidermiddlewares": "SPIDER_MIDDLEWARES", "downloadermiddlewares": "DOWNLOADER_MIDDLEWARES"}
    name = names.get(path.partition(".")[0], "EXTENSIONS")
    settings = Settings({name: {f"scrapy.{path}": None}, "DEPTH_LIMIT": 3, "DEPTH_PRIORITY": 1})
    settings.set("DEPTH_LIMIT", 4, priority="spider")
    ruled = components.switched_off(settings)
    assert {switch: ruled.get(switch) for switch in scrapy_paths.SWITCHES[path]} == scrapy_paths.SWITCHES[path]
    assert settings.crawl.depth_limit == 4


def test_a_class_of_the_projects_own_does_not_replace_the_one_of_that_name() -> None:
    mine = components.declared({"shop.RetryMiddleware": 543}, ["crawler.downloadermiddlewares.retry.RetryMiddleware"])
    assert [one.name for one in mine] == ["shop.RetryMiddleware", "crawler.downloadermiddlewares.retry.RetryMiddleware"]


@pytest.mark.parametrize("off", [None, False])
def test_none_and_in_toml_false_switch_a_default_off(off: object) -> None:
    assert components.declared({RETRY: off}, ["crawler.downloadermiddlewares.retry.RetryMiddleware"]) == []


def test_true_is_no_priority() -> None:
    with pytest.raises(
        ComponentError, match=r"priority of shop\.Prices is True: write a number, or None \(false in TOML\)"
    ):
        components.declared({"shop.Prices": True})


def test_an_extension_of_any_priority_finds_the_statistics_complete_at_the_end() -> None:
    ordered = components.declared({"shop.Report": 100}, ["crawler.extensions.corestats.CoreStats"])
    assert [one.name for one in ordered] == ["crawler.extensions.corestats.CoreStats", "shop.Report"]
