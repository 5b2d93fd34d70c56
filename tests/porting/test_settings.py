"""A settings module becomes settings.toml; what it computes is listed."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

from crawler.porting.settings import SettingsModule
from crawler.porting.source import Source
from crawler.settings import load_settings


def made(code: str) -> tuple[dict[str, Any], list[str]]:
    module = SettingsModule(Source.read(code.encode()))
    return tomllib.loads(module.toml("shop/settings.py")), [f"{one.line}: {one.what_to_do}" for one in module.findings]


def test_settings_stand_under_our_names_with_scrapys_behind_them() -> None:
    text = SettingsModule(Source.read(b"DOWNLOAD_DELAY = 3\nROBOTSTXT_OBEY = False\n")).toml("shop/settings.py")
    assert "[politeness]\nobey_robots = false  # ROBOTSTXT_OBEY\ndelay = 3.0  # DOWNLOAD_DELAY\n" in text
    assert text.startswith("# Made of shop/settings.py")


def test_a_name_that_the_project_reads_is_its_own_however_near_to_one_of_scrapys() -> None:
    source = Source.read(b'USER_AGENTS = ["a", "b"]')
    read, unread = SettingsModule(source, read={"USER_AGENTS"}), SettingsModule(source)
    assert tomllib.loads(read.toml("settings.py")) == {"user": {"USER_AGENTS": ["a", "b"]}}
    assert (read.findings, len(unread.findings)) == ([], 1)


def test_every_kind_of_setting_finds_its_place(tmp_path: Path) -> None:
    code = """
BOT_NAME = "shop"
SPIDER_MODULES = [BOT_NAME + ".spiders"]
NEWSPIDER_MODULE = "shop.spiders"
USER_AGENT = f"{BOT_NAME} (+https://shop.test)"
DEFAULT_REQUEST_HEADERS = {"Accept-Language": "en", "X-None": None}
RETRY_HTTP_CODES = [500, 503]
DOWNLOAD_SLOTS = {"a.test": {"delay": 2, "randomize_delay": False}}
FEEDS = {"items.jsonl": {"format": "jsonlines", "overwrite": True}, "b.csv": {}}
FEED_EXPORT_FIELDS = ["a", "b"]
SHOP_CURRENCY = "EUR"
SHOP_TABLE = {"a": [1, 2]}
HTTPAUTH_PASS = "secret"
"""
    made_of, findings = made(code)
    assert findings == []
    (tmp_path / "settings.toml").write_text(SettingsModule(Source.read(code.encode())).toml("x"))
    settings = load_settings(tmp_path)
    assert settings.project.spiders == ["shop.spiders"]
    assert settings.http.user_agent == "shop (+https://shop.test)"
    assert settings.http.headers == {"Accept-Language": "en"}
    assert settings.retry.statuses == [500, 503]
    assert settings.politeness.for_host("a.test").jitter == 0
    assert [dict(feed) for feed in settings.feeds] == [
        {"uri": "items.jsonl", "format": "jsonlines", "overwrite": True},
        {"uri": "b.csv"},
    ]
    assert settings.get("SHOP_CURRENCY") == "EUR"
    assert settings.getdict("SHOP_TABLE") == {"a": [1, 2]}
    assert settings.get("BOT_NAME") == "shop"
    assert made_of["auth"]["password"] == "secret"


def test_older_names_for_one_feed_become_a_feed() -> None:
    made_of, _ = made("FEED_URI = 'out.csv'\nFEED_FORMAT = 'csv'\n")
    assert made_of == {"feeds": [{"uri": "out.csv", "format": "csv"}]}


def test_pipelines_become_a_list_in_their_order() -> None:
    made_of, findings = made("ITEM_PIPELINES = {'shop.pipelines.B': 800, 'shop.pipelines.A': 100}\n")
    assert made_of == {"components": {"pipelines": ["shop.pipelines.A", "shop.pipelines.B"]}}
    assert findings == []


def test_middlewares_keep_their_numbers_and_none_is_false() -> None:
    made_of, findings = made(
        "DOWNLOADER_MIDDLEWARES = {\n"
        "  'shop.middlewares.Proxies': 610,\n"
        "  'scrapy.downloadermiddlewares.useragent.UserAgentMiddleware': None,\n"
        "}\nEXTENSIONS = {'scrapy.extensions.telnet.TelnetConsole': None}\n"
    )
    assert made_of["components"]["downloader_middlewares"] == {
        "shop.middlewares.Proxies": 610,
        "crawler.downloadermiddlewares.useragent.UserAgentMiddleware": False,
    }
    assert findings == []


def test_components_that_are_not_here_are_told_and_left_out() -> None:
    made_of, findings = made(
        "SPIDER_MIDDLEWARES = {'scrapy.spidermiddlewares.referer.RefererMiddleware': None, 'shop.X': 1}\n"
        "EXTENSIONS = {'scrapy.squeues.FifoMemoryQueue': 1}\n"
    )
    assert made_of == {"components": {"spider_middlewares": {"shop.X": 1}, "extensions": {}}}
    assert "crawl.referer" in findings[0]
    assert "crawler.frontier" in findings[1]


def test_what_is_computed_is_told_with_the_names_that_it_has_here() -> None:
    made_of, findings = made(
        "import os\n"
        "USER_AGENT = os.environ['AGENT']\n"
        "SHOP_KEY = os.getenv('KEY')\n"
        "DOWNLOAD_DELAY = 1\n"
        "if os.getenv('FAST'):\n    DOWNLOAD_DELAY = 0\n"
    )
    assert "delay" not in made_of.get("politeness", {})
    assert findings == [
        "2: USER_AGENT is computed: write it as http.user_agent into settings.toml, "
        "or set the environment's CRAWLER_HTTP__USER_AGENT",
        "3: SHOP_KEY is computed: write its value into settings.toml, or read it where it is used",
        "5: DOWNLOAD_DELAY is changed or set on a condition: write it as politeness.delay into settings.toml, "
        "or set the environment's CRAWLER_POLITENESS__DELAY",
    ]


def test_changes_after_the_first_value_are_told() -> None:
    code = "ITEM_PIPELINES = {}\nITEM_PIPELINES['shop.X'] = 1\nSHOP = [1]\nSHOP.append(2)\nSHOP += [3]\n"
    _, findings = made(code)
    assert [one.partition(" is ")[0] for one in findings] == ["2: ITEM_PIPELINES", "4: SHOP", "5: SHOP"]


def test_code_and_star_imports_are_told() -> None:
    _, findings = made("'''Settings.'''\nfrom shop.base import *\nload_dotenv()\nimport os\ndef f(): pass\n")
    assert [one[:2] for one in findings] == ["2:", "3:"]
    assert "settings that come from shop.base" in findings[0]
    assert "runs no code" in findings[1]


def test_settings_without_effect_are_told_unless_they_ask_for_nothing() -> None:
    made_of, findings = made(
        "SCHEDULER = 'x.Y'\nDOWNLOAD_HANDLERS = {'http': 'x.Y'}\nTELNETCONSOLE_ENABLED = False\nADDONS = {}\n"
        "TWISTED_REACTOR = 'twisted.internet.asyncioreactor.AsyncioSelectorReactor'\nREQUEST_FINGERPRINTER_IMPLEMENTATION = '2.7'\n"
    )
    assert made_of == {}
    assert [one.partition(":")[2].partition(":")[0] for one in findings] == [
        " SCHEDULER has no effect",
        " DOWNLOAD_HANDLERS['http'] = 'x.Y' has no place here",
    ]


def test_a_value_that_cannot_be_is_told_and_left_out() -> None:
    made_of, findings = made("DOWNLOAD_DELAY = -1\nDOWNLOAD_TIMOUT = 5\nSHOP = {1: 2}\nSHOP_BYTES = b'x'\n")
    assert made_of == {}
    assert "must be a number, at least 0" in findings[0]
    assert "did you mean DOWNLOAD_TIMEOUT" in findings[1]
    assert [one[:2] for one in findings[2:]] == ["3:", "4:"]
