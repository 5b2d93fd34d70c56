"""Components by Scrapy's paths: ours, the engine's own work, or an error that says what to do."""

from __future__ import annotations

import logging

import pytest

from crawler.downloadermiddlewares.retry import RetryMiddleware
from crawler.engine import components
from crawler.exceptions import ComponentError

RETRY = "scrapy.downloadermiddlewares.retry.RetryMiddleware"
OFFSITE = "scrapy.spidermiddlewares.offsite.OffsiteMiddleware"
TELNET = "scrapy.extensions.telnet.TelnetConsole"


def test_a_path_of_scrapys_names_the_component_that_is_here() -> None:
    assert components.load(RETRY) is RetryMiddleware


@pytest.mark.parametrize("path", ["scrapy.mail.MailSender", "crawler.mail.MailSender"])
def test_a_path_of_what_is_not_here_says_what_to_do(path: str) -> None:
    with pytest.raises(ComponentError, match=r"there is no crawler\.mail\.MailSender: send mail with smtplib"):
        components.load(path)


def test_a_component_whose_work_the_engine_does_is_left_out_and_told(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        assert components.declared({OFFSITE: 500}) == components.declared([OFFSITE]) == []
    assert "keeps to allowed_domains" in caplog.text
    assert {record.levelname for record in caplog.records} == {"INFO"}


def test_switching_off_what_cannot_be_switched_off_is_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    assert components.declared({"scrapy.downloadermiddlewares.robotstxt.RobotsTxtMiddleware": None, TELNET: None}) == []
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert "politeness.obey_robots" in caplog.text


@pytest.mark.parametrize("off", [None, False])
def test_none_and_in_toml_false_switch_a_default_off(off: object) -> None:
    assert components.declared({RETRY: off}, ["crawler.downloadermiddlewares.retry.RetryMiddleware"]) == []


def test_true_is_no_priority() -> None:
    with pytest.raises(
        ComponentError, match=r"priority of shop\.Prices is True: write a number, or None \(false in TOML\)"
    ):
        components.declared({"shop.Prices": True})
