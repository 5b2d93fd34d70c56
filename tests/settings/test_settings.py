"""Settings: typed sections, precedence, Scrapy's API, and errors that say what to write instead."""

from __future__ import annotations

import logging
import math
from typing import Any

import pytest

from crawler.crawler import effective_settings
from crawler.exceptions import SettingsError
from crawler.settings import HostRules, Settings
from crawler.settings.settings import FIELDS
from crawler.spiders import Spider


def test_sections_are_typed_and_frozen() -> None:
    settings = Settings({"politeness.delay": "1.5", "politeness": {"jitter": 0}, "http.headers": {"A": "b"}})
    assert (settings.politeness.delay, settings.politeness.jitter, settings.http.headers) == (1.5, 0.0, {"A": "b"})
    with pytest.raises(AttributeError):
        settings.politeness.delay = 2.0  # type: ignore[misc]  # the point of the test


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"politeness.dealy": 1}, "unknown setting politeness.dealy; did you mean 'politeness.delay'"),
        ({"politness": {"delay": 1}}, "unknown setting politness; did you mean"),
        ({"DOWNLOAD_DELLAY": 1}, "unknown setting DOWNLOAD_DELLAY; did you mean DOWNLOAD_DELAY?"),
        ({"politeness.delay": "soon"}, "politeness.delay = 'soon': it must be a number, at least 0"),
        ({"politeness.delay": -1}, "politeness.delay = -1: it must be a number, at least 0"),
        ({"politeness.jitter": 2}, "politeness.jitter = 2: it must be a number from 0 to 1"),
        ({"crawl.concurrency": 1.5}, "crawl.concurrency = 1.5: it must be a whole number, at least 1"),
        ({"crawl.concurrency": True}, "crawl.concurrency = True: it must be a whole number"),
        ({"log.level": "LOUD"}, "log.level = 'LOUD': it must be one of 'DEBUG', 'INFO'"),
        ({"politeness.obey_robots": "maybe"}, "it must be true or false"),
        ({"http.schemes": ["gopher"]}, "http.schemes names ['gopher']; there are http, https, file and data"),
        ({"politeness.hosts": {"a.test": {"dealy": 1}}}, "unknown rule 'dealy'"),
        ({"feeds": [1]}, "feeds must be a list of tables"),
    ],
)
def test_what_is_wrong_is_told_with_the_setting_the_value_and_the_way_out(values: dict, message: str) -> None:
    with pytest.raises(SettingsError) as wrong:
        Settings(values)
    assert message in str(wrong.value)


def test_a_value_counts_by_where_it_comes_from() -> None:
    class Own(Spider):
        name = "own"
        custom_settings = {"politeness.delay": 2.0, "DOWNLOAD_TIMEOUT": 7, "http.max_body": 5}

    settings = Settings({"politeness.delay": 1.0, "http.keep_alive": 3})
    settings.set("http.timeout", 9, "cmdline")
    settings.set("http.max_body", 6, "environment")
    effective = effective_settings(Own, settings)
    assert effective.politeness.delay == 2.0  # custom_settings over code
    assert (effective.http.timeout, effective.http.max_body, effective.http.keep_alive) == (9.0, 6, 3.0)
    assert settings.politeness.delay == 1.0  # the crawl has a copy


def test_settings_of_the_projects_own_are_kept() -> None:
    settings = Settings({"MONGO_URI": "mongodb://x", "user": {"shop": "x"}})
    assert (settings["MONGO_URI"], settings.get("shop"), settings.get("NOT_THERE", 5)) == ("mongodb://x", "x", 5)


def test_scrapys_ways_to_read_work() -> None:
    settings = Settings({"DOWNLOAD_DELAY": 2, "ROBOTSTXT_OBEY": "no", "MY_LIST": "a, b", "MY_DICT": '{"a": 1}'})
    assert settings.getfloat("DOWNLOAD_DELAY") == 2.0
    assert settings.getbool("ROBOTSTXT_OBEY") is False
    assert settings.getint("CONCURRENT_REQUESTS") == 16
    assert settings.getlist("MY_LIST") == ["a", "b"]
    assert settings.getdict("MY_DICT") == {"a": 1}
    assert "DOWNLOAD_DELAY" in settings
    assert "NOT_THERE" not in settings
    assert settings.getpriority("DOWNLOAD_DELAY") == 20


def test_frozen_settings_do_not_change() -> None:
    frozen = Settings().frozencopy()
    with pytest.raises(TypeError, match="frozen"):
        frozen.set("politeness.delay", 1)
    copy = frozen.copy()
    copy.set("politeness.delay", 1)
    assert (copy.politeness.delay, frozen.politeness.delay) == (1.0, 0.25)


def test_a_deleted_value_is_the_default_again() -> None:
    settings = Settings({"politeness.delay": 3})
    settings.delete("DOWNLOAD_DELAY")
    assert settings.politeness.delay == 0.25


def test_every_setting_is_explained_and_no_secret_is_told() -> None:
    settings = Settings({"auth.user": "me", "auth.password": "hunter2"})
    explained = {info.name: info for info in settings.explain()}
    assert set(FIELDS) <= set(explained)
    assert all(info.doc for info in explained.values())
    assert (explained["auth.password"].value, explained["auth.user"].source) == ("***", "code")
    assert "hunter2" not in repr(settings) + str(settings.explain())


def test_a_value_that_counts_less_changes_nothing() -> None:
    settings = Settings()
    settings.set("politeness.delay", 1, "cmdline")
    settings.set("DOWNLOAD_DELAY", 2, "spider")
    settings["politeness.delay"] = 3
    settings.delete("politeness.delay", "project")
    assert settings.politeness.delay == 1.0
    assert (settings.getpriority("politeness.delay"), settings.maxpriority()) == (40, 40)


def test_a_section_is_built_anew_when_a_value_changes() -> None:
    settings = Settings()
    before = settings.politeness
    settings.set("politeness.delay", 9)
    assert (before.delay, settings.politeness.delay) == (0.25, 9.0)


@pytest.mark.parametrize("name", ["DOWNLOAD_DELY", "CONCURENT_REQUESTS", "ITEM_PIPELINE"])
def test_a_name_of_the_projects_own_may_not_be_near_one_of_scrapys(name: str) -> None:
    with pytest.raises(SettingsError, match=rf"unknown setting {name}; did you mean .*put it into \[user\]"):
        Settings({name: 1})
    assert Settings({"user": {name: 1}})[name] == 1


@pytest.mark.parametrize("name", ["shop", "Shop", "SHOP-NAME", "shop.name"])
def test_a_name_of_the_projects_own_is_in_upper_case(name: str) -> None:
    with pytest.raises(SettingsError, match=rf"unknown setting {name}.*UPPER_CASE or in \[user\]"):
        Settings({name: 1})


def test_a_misspelled_section_is_told_with_the_nearest() -> None:
    with pytest.raises(AttributeError, match="no section 'politness' in the settings; did you mean 'politeness'"):
        _ = Settings().politness


def test_scrapys_other_ways_to_read_work() -> None:
    settings = Settings({"ITEM_PIPELINES": {"a.B": 300}, "SPIDER_MIDDLEWARES": ["c.D"], "MY_EITHER": '{"a": 1}'})
    assert settings.getwithbase("ITEM_PIPELINES") == {"a.B": 300}
    assert settings.getwithbase("SPIDER_MIDDLEWARES") == {"c.D": None}
    assert settings.getdictorlist("MY_EITHER") == {"a": 1}
    assert settings.getdictorlist("NOT_THERE", ["x"]) == ["x"]
    assert {"politeness.delay", "MY_EITHER"} <= set(settings)
    assert len(settings) == len(FIELDS) + 1


def test_setdict_and_delete_are_refused_on_frozen_settings() -> None:
    frozen = Settings({"politeness.delay": 1}).frozencopy()
    for change in (lambda: frozen.setdict({"politeness.delay": 2}), lambda: frozen.delete("politeness.delay")):
        with pytest.raises(TypeError, match="frozen"):
            change()
    assert frozen.politeness.delay == 1.0


@pytest.mark.parametrize("name", ["AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "MAIL_PASS", "FTP_PASSWORD"])
def test_secrets_of_scrapys_names_are_masked_too(name: str) -> None:
    settings = Settings({name: "hunter2"})
    assert "hunter2" not in repr(settings) + str(settings.explain())
    assert settings[name] == "hunter2"


@pytest.mark.parametrize(
    ("rules", "message"),
    [
        (5, "politeness.hosts.'a.test' is 5; write a table"),
        ({"delay": -1}, "delay = -1 is no number from 0 on"),
        ({"delay": "1"}, "delay = '1' is no number from 0 on"),
        ({"delay": math.inf}, "delay = inf is no number from 0 on"),
        ({"delay": math.nan}, "delay = nan is no number from 0 on"),
        ({"jitter": 2}, "jitter = 2 is no number from 0 to 1"),
        ({"concurrency": 0}, "concurrency = 0 is no whole number from 1 on"),
        ({"concurrency": 1.5}, "concurrency = 1.5 is no whole number from 1 on"),
        ({"concurrency": True}, "concurrency = True is no whole number from 1 on"),
    ],
)
def test_rules_for_a_host_that_do_not_fit_are_told(rules: Any, message: str) -> None:
    with pytest.raises(SettingsError) as wrong:
        Settings({"politeness.hosts": {"a.test": rules}})
    assert message in str(wrong.value)


@pytest.mark.parametrize(
    ("pattern", "host", "fits"),
    [
        ("Example.ORG", "example.org", True),
        ("*.Example.org", "a.example.org", True),
        ("*.example.org", "badexample.org", False),
        ("*.example.org:8080", "a.example.org:8080", True),
        ("*.example.org:8080", "a.example.org", False),
        ("[::1]", "[::1]:8080", True),
        ("[::1]", "[::1]", True),
        ("[::1]:8080", "[::1]", False),
    ],
)
def test_a_pattern_fits_whatever_its_case_and_with_any_port_unless_it_names_one(
    pattern: str, host: str, fits: bool
) -> None:
    settings = Settings({"politeness.hosts": {pattern: {"delay": 9}}})
    assert (settings.politeness.for_host(host).delay == 9.0) is fits


@pytest.mark.parametrize(
    ("host", "delay"),
    [
        ("elsewhere.test", 1.0),
        ("a.example.org", 2.0),
        ("b.a.example.org:8080", 2.0),
        ("example.org", 3.0),
        ("example.org:8080", 4.0),
    ],
)
def test_the_most_specific_pattern_rules_a_host(host: str, delay: float) -> None:
    patterns = {"*.example.org": {"delay": 2}, "example.org": {"delay": 3}, "example.org:8080": {"delay": 4}}
    settings = Settings({"politeness.delay": 1, "politeness.jitter": 0, "politeness.hosts": patterns})
    assert settings.politeness.for_host(host) == HostRules(delay=delay, jitter=0.0, concurrency=4)


def test_feeds_are_read_from_tables_and_from_scrapys_names() -> None:
    assert Settings({"FEEDS": {"a.jsonl": {"overwrite": True}}}).feeds == [{"uri": "a.jsonl", "overwrite": True}]
    assert Settings({"FEED_URI": "b.csv", "FEED_FORMAT": "csv"}).feeds == [{"uri": "b.csv", "format": "csv"}]


def test_a_setting_without_effect_is_told_once_with_the_reason(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        Settings({"TELNETCONSOLE_PORT": [1]})
        Settings({"TELNETCONSOLE_PORT": [1]})
    assert caplog.messages == ["The setting TELNETCONSOLE_PORT has no effect: there is no telnet console"]


def test_settings_are_made_of_settings() -> None:
    given = Settings({"politeness.delay": 3})
    given.set("http.timeout", 5, "cmdline")
    made = Settings(given)
    assert (made.politeness.delay, made.http.timeout, made.getpriority("http.timeout")) == (3.0, 5.0, 40)


# --- lists and tables of components, as add-ons change them ---------------------------------------------------------


def test_components_are_set_replaced_and_added_by_any_path() -> None:
    settings = Settings({"ITEM_PIPELINES": {"shop.A": 100}})
    settings.set_in_component_priority_dict("ITEM_PIPELINES", "shop.B", 200)
    settings.setdefault_in_component_priority_dict("ITEM_PIPELINES", "shop.A", 5)
    settings.replace_in_component_priority_dict("ITEM_PIPELINES", "shop.B", Settings)
    assert settings.getdict("ITEM_PIPELINES") == {"shop.A": 100, Settings: 200}
    settings.set_in_component_priority_dict("ITEM_PIPELINES", "crawler.settings.settings.Settings", None)
    assert settings.getdict("ITEM_PIPELINES") == {"shop.A": 100, "crawler.settings.settings.Settings": None}
    with pytest.raises(KeyError, match=r"shop\.C is not in ITEM_PIPELINES"):
        settings.replace_in_component_priority_dict("ITEM_PIPELINES", "shop.C", "shop.D")


def test_lists_are_added_to_and_taken_from() -> None:
    settings = Settings()
    settings.add_to_list("HTTPERROR_ALLOWED_CODES", 404)
    settings.add_to_list("HTTPERROR_ALLOWED_CODES", 404)
    assert settings.getlist("HTTPERROR_ALLOWED_CODES") == [404]
    settings.remove_from_list("HTTPERROR_ALLOWED_CODES", 404)
    with pytest.raises(ValueError, match="404 is not in HTTPERROR_ALLOWED_CODES"):
        settings.remove_from_list("HTTPERROR_ALLOWED_CODES", 404)


def test_passwords_in_the_urls_of_feeds_are_not_shown() -> None:
    settings = Settings({"FEEDS": {"ftp://me:sesame@host/a.json": {}}, "FEED_URI": "ftp://me:sesame@host/b.json"})
    told = str(settings.in_force())
    assert "sesame" not in told
    assert "ftp://me:***@host/a.json" in told


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("http.headers", {"Authorization": "Bearer s3cr3t", "X-Api-Key": "s3cr3t", "Cookie": "a=s3cr3t"}),
        ("sessions.headers", [{"Cookie": "s3cr3t"}]),
        (
            "components.pipelines",
            [{"class": "shop.Mine", "options": {"dsn": "pg://me:s3cr3t@db", "password": "s3cr3t"}}],
        ),
        ("MY_API_KEY", "s3cr3t"),
        ("MY_TOKEN", "s3cr3t"),
        ("DB_PASS", "s3cr3t"),
        ("SMTP", {"host": "mail.test", "passwd": "s3cr3t"}),
        ("AWS_SECRET_ACCESS_KEY", "s3cr3t"),
    ],
)
def test_what_is_secret_by_its_name_is_not_shown_wherever_it_stands(name: str, value: Any) -> None:
    settings = Settings({name: value})
    assert "s3cr3t" not in str(settings.in_force())
    assert "s3cr3t" in str(settings.get(name))


@pytest.mark.parametrize(
    ("name", "value"), [("MY_TOKENS", 5), ("COMPASS", "north"), ("PASSAGE", "a"), ("USE_COOKIES", True)]
)
def test_what_only_sounds_so_is_shown(name: str, value: Any) -> None:
    assert [(one, str(value)) for one, _, _ in Settings({name: value}).in_force()] == [(name, str(value))]
    assert str(value) in str(Settings({name: value}).in_force())
