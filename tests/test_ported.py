"""Scrapy's functions that projects call."""

from __future__ import annotations

import asyncio
import io
import json
import logging
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from twisted.internet import defer

from crawler import Request, Spider, ported
from crawler.http import HtmlResponse, Response
from crawler.settings import Settings
from crawler.testing import crawl_in_memory


def test_load_object_returns_what_a_path_names() -> None:
    assert ported.load_object("scrapy.http.Request") is ported.load_object("crawler.http.Request") is Request
    assert ported.load_object(Request) is Request
    with pytest.raises(ValueError, match="'Request' is no dotted path"):
        ported.load_object("Request")
    with pytest.raises(NameError, match=r"crawler\.http has no Reqest; did you mean crawler\.http\.Request"):
        ported.load_object("crawler.http.Reqest")
    with pytest.raises(ImportError):
        ported.load_object("no_such_package.thing")


def test_components_are_built_through_from_crawler_or_from_settings() -> None:
    class FromCrawler:
        @classmethod
        def from_crawler(cls, crawler: object, word: str) -> str:
            return f"{crawler} {word}"

    class FromSettings:
        @classmethod
        def from_settings(cls, settings: object) -> str:
            return f"of {settings}"

    assert ported.build_from_crawler(FromCrawler, "c", "w") == "c w"  # type: ignore[arg-type]
    assert ported.create_instance(FromCrawler, "s", "c", "w") == "c w"  # type: ignore[arg-type]
    assert ported.create_instance(FromSettings, "s", None) == "of s"
    assert ported.create_instance(dict, "s", None, a=1) == {"a": 1}


def test_a_coroutine_function_becomes_one_that_returns_a_deferred() -> None:
    @ported.deferred_f_from_coro_f
    async def word(said: str) -> str:
        return await ported.ensure_awaitable(said) + await ported.ensure_awaitable(defer.succeed("!"))

    came: list[str] = []
    with ThreadPoolExecutor() as pool:  # where no loop is running
        pool.submit(lambda: word("hi").addCallback(came.append)).result()
    assert came == ["hi!"]


def test_on_a_running_loop_it_may_await_what_asyncio_has() -> None:
    @ported.deferred_f_from_coro_f
    async def words() -> str:
        await asyncio.sleep(0)
        return await defer.succeed("both")

    async def main() -> str:
        return await ported.deferred_to_future(words())  # type: ignore[no-any-return]

    with ThreadPoolExecutor() as pool:  # a loop of its own: the tests run in one
        assert pool.submit(asyncio.run, main()).result() == "both"


def test_text_and_bytes_become_each_other() -> None:
    assert (ported.to_bytes("ü"), ported.to_bytes(b"x"), ported.to_bytes("ü", "latin-1")) == (
        b"\xc3\xbc",
        b"x",
        b"\xfc",
    )
    assert (ported.to_unicode(b"\xc3\xbc"), ported.to_unicode("x")) == ("ü", "x")


def test_responses_and_urls_are_asked() -> None:
    page = HtmlResponse("http://a.test/x", body=b"<base href='/deep/'>")
    assert ported.get_base_url(page) == "http://a.test/deep/"
    assert ported.get_base_url(Response("http://a.test/x")) == "http://a.test/x"
    assert ported.urlparse_cached(page).hostname == "a.test"
    assert ported.url_is_from_any_domain("http://www.a.test/", ["a.test"])
    assert [ported.response_status_message(status) for status in (404, "599")] == [
        "404 Not Found",
        "599 Unknown Status",
    ]
    assert ported.request_to_curl(Request("http://a.test/")).startswith("curl")
    assert ported.md5sum(io.BytesIO(b"abc")) == "900150983cd24fb0d6963f7d28e17f72"


def test_the_json_encoder_writes_what_items_hold() -> None:
    @dataclass
    class Book:
        title: str

    values = [
        datetime(2020, 1, 2, 3, 4, 5),
        date(2020, 1, 2),
        Decimal("1.5"),
        {1},
        Book("x"),
        Request("http://a.test/"),
    ]
    assert json.loads(json.dumps(values, cls=ported.ScrapyJSONEncoder)) == [
        "2020-01-02 03:04:05",
        "2020-01-02",
        "1.5",
        [1],
        {"title": "x"},
        "<Request GET http://a.test/>",
    ]
    with pytest.raises(TypeError, match="not JSON serializable"):
        json.dumps(object(), cls=ported.ScrapyJSONEncoder)


def test_logging_is_configured_with_scrapys_names(capsys: pytest.CaptureFixture[str]) -> None:
    before = logging.root.level
    ported.configure_logging({"LOG_FORMAT": "<%(message)s>", "LOG_LEVEL": "WARNING"})
    logging.getLogger("somebody").warning("told")
    ported.configure_logging(Settings({"log.enabled": False}))
    logging.root.setLevel(before)
    assert "<told>" in capsys.readouterr().err


def test_without_a_root_handler_logging_is_left_alone() -> None:
    handlers = [*logging.root.handlers]
    ported.configure_logging(install_root_handler=False)
    assert logging.root.handlers == handlers


def test_a_deferred_is_awaited_with_and_without_scrapys_wrappers() -> None:
    class Waits(Spider):
        name = "waits"
        start_urls = ["http://a.test/"]

        async def parse(self, response: Response) -> dict[str, int]:  # type: ignore[override]
            one = await ported.maybe_deferred_to_future(defer.succeed(1))
            return {"sum": one + await ported.deferred_from_coro(self.two())}

        async def two(self) -> int:
            return 2

    assert crawl_in_memory(Waits, {"/": "x"}).items == [{"sum": 3}]

    async def future() -> int:
        return await ported.deferred_to_future(defer.succeed(5))  # type: ignore[no-any-return]

    with ThreadPoolExecutor() as pool:  # a loop of its own: the tests run in one
        assert pool.submit(asyncio.run, future()).result() == 5
    assert ported.deferred_from_coro(5) == 5


def test_tests_of_components_get_a_crawler() -> None:
    crawler = ported.get_crawler(settings_dict={"DOWNLOAD_DELAY": 3})
    assert crawler.settings.politeness.delay == 3
    assert crawler.spidercls.name == "default"


def test_a_reactor_that_is_installed_is_left_alone() -> None:
    from twisted.internet import reactor

    ported.install_reactor("twisted.internet.selectreactor.SelectReactor")
    from twisted.internet import reactor as again

    assert again is reactor
    assert ported.is_asyncio_reactor_installed()


def test_spiders_are_found_in_modules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "shop_of_ported"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "books.py").write_text("import crawler\nclass Books(crawler.Spider):\n    name = 'books'\n")
    monkeypatch.syspath_prepend(tmp_path)
    modules = ported.walk_modules("shop_of_ported")
    assert [spider.name for module in modules for spider in ported.iter_spider_classes(module)] == ["books"]


def test_a_folder_is_in_a_project_or_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert not ported.inside_project()
    (tmp_path / "settings.toml").touch()
    assert ported.inside_project()


def test_execute_runs_a_command_whatever_the_first_word_is(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        ported.execute(["scrapy", "version"])
    assert ended.value.code == 0
    assert capsys.readouterr().out.startswith("crawler ")
