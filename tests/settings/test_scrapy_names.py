"""Every setting of Scrapy's is mapped, kept or ignored with a reason."""

from __future__ import annotations

import logging
import re
from pathlib import Path
from typing import Any

import pytest

from crawler.exceptions import SettingsError
from crawler.settings import Settings, settings
from crawler.settings.scrapy_names import IGNORED, KEPT, KNOWN, MAPPED
from crawler.settings.settings import FIELDS

REFERENCE = Path(__file__).resolve().parents[3] / "shared" / "reference" / "scrapy.md"


def test_all_of_scrapys_names_are_in_the_table() -> None:
    if not REFERENCE.is_file():
        pytest.skip("the list of Scrapy's names is not beside this checkout")
    section = REFERENCE.read_text("utf-8").split("## 1.12")[1].split("## 1.13")[0]
    names = set(re.findall(r"`([A-Z][A-Z0-9_]+)=", section))
    assert len(names) > 200
    assert sorted(names - KNOWN) == []


def test_a_name_has_one_meaning_and_a_reason_if_it_has_none() -> None:
    assert not set(MAPPED) & KEPT
    assert not set(MAPPED) & set(IGNORED)
    assert not KEPT & set(IGNORED)
    assert all(IGNORED.values())
    assert {mapped.target for mapped in MAPPED.values()} <= {*FIELDS, "feeds"}


@pytest.mark.parametrize(
    ("name", "value", "target", "meant"),
    [
        ("RANDOMIZE_DOWNLOAD_DELAY", False, "politeness.jitter", 0.0),
        ("LOG_LEVEL", logging.WARNING, "log.level", "WARNING"),
        ("DEFAULT_DROPITEM_LOG_LEVEL", 20, "log.dropped_level", "INFO"),
        ("DUPEFILTER_CLASS", "scrapy.dupefilters.RFPDupeFilter", "components.dupefilter", ""),
        ("FILES_STORE_S3_ACL", "public-read", "files.s3_acl", "public-read"),
        ("RANDOMIZE_DOWNLOAD_DELAY", "True", "politeness.jitter", 0.5),
        ("DOWNLOAD_TLS_MIN_VERSION", "TLSv1.3", "http.tls_min", "1.3"),
        (
            "REFERRER_POLICY",
            "scrapy.spidermiddlewares.referer.NoReferrerPolicy",
            "crawl.referrer_policy",
            "no-referrer",
        ),
        ("REFERRER_POLICY", "same-origin", "crawl.referrer_policy", "same-origin"),
        ("DOWNLOAD_TIMEOUT", None, "http.timeout", 60.0),
        ("CLOSESPIDER_PAGECOUNT", 5, "crawl.max_pages", 5),
        ("JOBDIR", "crawls/one", "frontier.job", "crawls/one"),
        ("HTTPERROR_ALLOWED_CODES", [404], "crawl.allowed_statuses", [404]),
        ("ITEM_PIPELINES", {"a.B": 300}, "components.pipelines", {"a.B": 300}),
        ("DOWNLOAD_HANDLERS", {"s3": None, "ftp": None}, "http.schemes", ["http", "https"]),
        ("DOWNLOAD_HANDLERS", {"http": None, "data": "scrapy.x.DataURI"}, "http.schemes", ["https", "data"]),
        (
            "DOWNLOAD_SLOTS",
            {"a.test": {"concurrency": 1, "delay": 2, "randomize_delay": False}},
            "politeness.hosts",
            {"a.test": {"concurrency": 1, "delay": 2, "jitter": 0.0}},
        ),
    ],
)
def test_scrapys_values_mean_the_same_here(name: str, value: Any, target: str, meant: Any) -> None:
    given = Settings({name: value})
    assert given.get(target) == given[name] == meant


def test_what_is_kept_can_be_read_by_components(caplog: pytest.LogCaptureFixture) -> None:
    given = Settings(dict.fromkeys(KEPT, "value"))
    assert {given.get(name) for name in KEPT} == {"value"}
    assert not caplog.records


def test_every_name_without_effect_is_told_once_with_its_reason(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settings, "_told", set())
    with caplog.at_level(logging.WARNING):
        for _ in range(2):
            Settings(dict.fromkeys(IGNORED, 1))
    assert caplog.messages == [f"The setting {name} has no effect: {why}" for name, why in IGNORED.items()]


def test_a_letter_too_much_in_any_of_them_is_told() -> None:
    for name in KNOWN:
        with pytest.raises(SettingsError, match=f"unknown setting {name}X; did you mean"):
            Settings({f"{name}X": 1})


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("DOWNLOAD_DELAY", "soon", "politeness.delay = 'soon': it must be a number, at least 0"),
        ("RANDOMIZE_DOWNLOAD_DELAY", "maybe", "RANDOMIZE_DOWNLOAD_DELAY = 'maybe' cannot be read"),
        ("DOWNLOAD_SLOTS", "a.test", "DOWNLOAD_SLOTS = 'a.test' cannot be read; see politeness.hosts"),
        ("DOWNLOAD_TLS_MIN_VERSION", "SSLv3", "http.tls_min = 'SSLv3': it must be one of '1.0'"),
        ("REFERRER_POLICY", "never", "crawl.referrer_policy = 'never': it must be one of 'no-referrer'"),
        (
            "DOWNLOAD_HANDLERS",
            {"https": "scrapy_playwright.handler.X"},
            "DOWNLOAD_HANDLERS['https'] = 'scrapy_playwright",
        ),
        ("FEEDS", "{a", "feeds must be a list of tables"),
        ("FEEDS", 5, "feeds must be a list of tables"),
        ("FEEDS", {"a.jsonl": "jsonlines"}, "feeds must be a list of tables"),
    ],
)
def test_values_of_scrapys_that_do_not_fit_are_told(name: str, value: Any, message: str) -> None:
    with pytest.raises(SettingsError) as wrong:
        Settings({name: value})
    assert message in str(wrong.value)
