"""Scrapy's functions that projects call."""

from __future__ import annotations

import asyncio
import gzip
import io
import json
import logging
import os
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from twisted.internet import defer
from twisted.python.failure import Failure

from crawler import Request, Spider, ported
from crawler.environment import set_environ
from crawler.http import HtmlResponse, Response
from crawler.ported import documents, values, waiting
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
    @waiting.deferred_f_from_coro_f
    async def word(said: str) -> str:
        return await waiting.ensure_awaitable(said) + await waiting.ensure_awaitable(defer.succeed("!"))

    came: list[str] = []
    with ThreadPoolExecutor() as pool:  # where no loop is running
        pool.submit(lambda: word("hi").addCallback(came.append)).result()
    assert came == ["hi!"]


def test_on_a_running_loop_it_may_await_what_asyncio_has() -> None:
    @waiting.deferred_f_from_coro_f
    async def words() -> str:
        await asyncio.sleep(0)
        return await defer.succeed("both")

    async def main() -> str:
        return await ported.deferred_to_future(words())  # type: ignore[no-any-return]

    with ThreadPoolExecutor() as pool:  # a loop of its own: the tests run in one
        assert pool.submit(asyncio.run, main()).result() == "both"


def test_text_and_bytes_become_each_other() -> None:
    assert (values.to_bytes("ü"), values.to_bytes(b"x"), values.to_bytes("ü", "latin-1")) == (
        b"\xc3\xbc",
        b"x",
        b"\xfc",
    )
    assert (values.to_unicode(b"\xc3\xbc"), values.to_unicode("x")) == ("ü", "x")


def test_responses_and_urls_are_asked() -> None:
    page = HtmlResponse("http://a.test/x", body=b"<base href='/deep/'>")
    assert documents.get_base_url(page) == "http://a.test/deep/"
    assert documents.get_base_url(Response("http://a.test/x")) == "http://a.test/x"
    assert documents.urlparse_cached(page).hostname == "a.test"
    assert values.url_is_from_any_domain("http://www.a.test/", ["a.test"])
    assert [documents.response_status_message(status) for status in (404, "599")] == [
        "404 Not Found",
        "599 Unknown Status",
    ]
    assert documents.request_to_curl(Request("http://a.test/")).startswith("curl")
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
        "2020-01-02T03:04:05",
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


def test_coroutines_may_wait_for_asyncio_while_its_loop_runs() -> None:
    async def waits() -> int:
        future = asyncio.get_running_loop().create_future()
        asyncio.get_running_loop().call_soon(future.set_result, 2)
        await asyncio.sleep(0)
        return await defer.succeed(1) + await future  # type: ignore[no-any-return]

    async def outside_of_a_task() -> int:
        done: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        asyncio.get_running_loop().call_soon(
            lambda: ported.deferred_from_coro(waits()).addCallbacks(done.set_result, done.set_exception)
        )
        return await done

    async def in_a_task() -> list[int]:
        wrapped = [ported.maybe_deferred_to_future(ported.deferred_from_coro(waits())) for _ in range(2)]
        return await asyncio.gather(*wrapped)  # type: ignore[arg-type]  # futures, in a task

    with ThreadPoolExecutor() as pool:  # a loop of its own: the tests run in one
        assert pool.submit(asyncio.run, outside_of_a_task()).result() == 3
        assert pool.submit(asyncio.run, in_a_task()).result() == [3, 3]


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


# --- values -------------------------------------------------------------------------------------------------------


def test_what_is_no_text_is_a_type_error() -> None:
    for convert in (values.to_bytes, values.to_unicode, values.binary_is_text):
        with pytest.raises(TypeError):
            convert(3)  # type: ignore[arg-type]  # that is what it says
    with pytest.raises(TypeError, match="a dotted path, a class or a function is loaded, not int"):
        ported.load_object(3)


def test_a_component_whose_from_crawler_returns_nothing_is_an_error() -> None:
    class Nothing:
        @classmethod
        def from_crawler(cls, crawler: object) -> None: ...

    with pytest.raises(TypeError, match=r"Nothing\.from_crawler returned None"):
        ported.build_from_crawler(Nothing, "c")  # type: ignore[arg-type]


def test_values_are_looked_at_and_sifted() -> None:
    assert [values.binary_is_text(data) for data in (b"a\n\t\xff", b"\x02")] == [True, False]
    assert [values.is_listlike(value) for value in ("a", b"a", [], {}, None)] == [False, False, True, True, False]
    assert values.unique("AbaB", key=str.lower) == ["A", "b"]
    assert values.without_none_values({"a": None, "b": 1}) == {"b": 1}
    assert values.without_none_values((None, 0)) == (0,)
    assert values.global_object_name(Spider) == "crawler.spiders.spider.Spider"
    assert values.string_camelcase("lost-pound") == "LostPound"


def test_the_arguments_of_a_function_are_told() -> None:
    class A:
        def method(self, a, b=1, *args, c, **more): ...

    assert values.get_func_args(A.method, stripself=True) == values.get_func_args(A().method) == ["a", "b", "c"]


def test_a_method_is_remembered_for_each_object() -> None:
    class A:
        calls = 0

        @values.memoizemethod_noargs
        def number(self) -> int:
            self.calls += 1
            return self.calls

    first, second = A(), A()
    assert (first.number(), first.number(), second.number()) == (1, 1, 1)


def test_outputs_of_any_kind_are_iterated_over() -> None:
    async def several():
        yield 1

    assert list(values.iterate_spider_output({"a": 1})) == [{"a": 1}]
    assert list(values.iterate_spider_output(None)) == []
    generator = several()
    assert values.iterate_spider_output(generator) is generator
    for given, outputs in ((several(), [1]), ([1, 2], [1, 2])):
        gathered = values.collect_asyncgen(values.as_async_generator(given))
        assert defer.Deferred.fromCoroutine(gathered).result == outputs


def test_keys_are_the_same_in_any_case_and_stay_as_written() -> None:
    table = values.CaseInsensitiveDict({"Accept": 1}, other=2)
    table["ACCEPT"] = 3
    assert (table["accept"], list(table), "aCCept" in table, 3 in table) == (3, ["other", "ACCEPT"], True, False)
    del table["Other"]
    assert table == {"accept": 3}
    assert table.copy() == table


def test_a_cache_forgets_what_is_oldest_and_an_exclusion_holds_the_rest() -> None:
    cache = values.LocalCache(limit=2)
    for key in "abca":
        cache[key] = 1
    assert list(cache) == ["c", "a"]
    assert (3 in values.SequenceExclude(range(3)), 2 in values.SequenceExclude(range(3))) == (True, False)


def test_the_environment_is_set_for_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CRAWLER_OLD", "old")
    with set_environ(CRAWLER_OLD="new", CRAWLER_NEW="new"):
        assert (os.environ["CRAWLER_OLD"], os.environ["CRAWLER_NEW"]) == ("new", "new")
    assert (os.environ["CRAWLER_OLD"], "CRAWLER_NEW" in os.environ) == ("old", False)


def test_urls_get_a_scheme_and_lose_what_they_need_not_say() -> None:
    assert [values.add_http_if_no_scheme(url) for url in ("a.test", "//a.test", "ftp://a.test")] == [
        "http://a.test",
        "http://a.test",
        "ftp://a.test",
    ]
    assert [values.guess_scheme(url) for url in ("/a b", "a.test/x", "C:\\a\\b")] == [
        "file:///a%20b",
        "http://a.test/x",
        "file:///C:/a/b",
    ]
    url = "https://u:p@a.test:443/x?q#f"
    assert values.strip_url(url) == "https://a.test/x?q"
    assert values.strip_url(url, origin_only=True) == "https://a.test/"
    assert values.strip_url(url, strip_credentials=False, strip_default_port=False, strip_fragment=False) == url
    assert values.url_has_any_extension("http://a.test/x.TAR.gz?y", {".tar.gz"})
    assert values.url_is_from_spider("http://www.a.test/", Named)


class Named(Spider):
    name = "named"
    allowed_domains = ["a.test"]


# --- documents ----------------------------------------------------------------------------------------------------


def test_a_document_is_read_node_by_node_and_row_by_row() -> None:
    xml = b"<r xmlns:g='urn:g'><g:i>1</g:i><g:i>2</g:i></r>"
    nodes = documents.xmliter_lxml(xml, "i", namespace="urn:g", prefix="n")
    assert [node.xpath("./text()").get() for node in nodes] == ["1", "2"]
    assert [node.xpath("string()").get() for node in documents.xmliter_lxml("<r><i>1</i></r>", "i")] == ["1"]
    assert list(documents.csviter("a;b\n1;2\n", delimiter=";")) == [{"a": "1", "b": "2"}]
    assert list(documents.csviter(b"\xe9\n", headers=["x"], encoding="latin-1")) == [{"x": "é"}]


def test_gzip_is_read_as_far_as_it_goes_and_no_further_than_it_may() -> None:
    packed = gzip.compress(b"x" * 100_000)
    assert documents.gunzip(packed) == b"x" * 100_000
    assert documents.gunzip(packed[:-20])
    with pytest.raises(ValueError, match="more than 1000 bytes"):
        documents.gunzip(packed, max_size=1000)
    with pytest.raises(OSError, match="gzip"):
        documents.gunzip(b"no gzip")
    assert documents.gzip_magic_number(Response("http://a.test/", body=packed))


def test_requests_and_responses_are_looked_at() -> None:
    request = Request("http://a.test/x?y=1", method="POST", headers={"Referer": "http://b.test/é"}, body=b"data")
    lines = documents.request_httprepr(request).split(b"\r\n")
    assert lines[:2] == [b"POST /x?y=1 HTTP/1.1", b"Host: a.test"]
    assert lines[-2:] == [b"", b"data"]
    assert (documents.referer_str(request), documents.referer_str(Request("http://a.test"))) == (
        "http://b.test/é",
        None,
    )
    assert documents.urlparse_cached(request) is documents.urlparse_cached(request)
    page = HtmlResponse("http://a.test/", body=b"<meta http-equiv=refresh content='3; url=/b'>")
    assert documents.get_meta_refresh(page) == (3.0, "http://a.test/b")


def test_a_failure_is_logged_with_its_traceback() -> None:
    failure = Failure(ValueError("x"))
    assert documents.failure_to_exc_info(failure)[1] is failure.value  # type: ignore[index]  # it is one
    assert documents.failure_to_exc_info("no failure") is None  # type: ignore[arg-type]  # that is what it says


def test_data_of_a_project_has_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "settings.toml").touch()
    (tmp_path / "below").mkdir()
    monkeypatch.chdir(tmp_path / "below")
    assert documents.data_path("cache", createdir=True) == str(tmp_path / ".scrapy" / "cache")
    assert (tmp_path / ".scrapy" / "cache").is_dir()
    assert documents.data_path("/x") == "/x"


# --- waiting ------------------------------------------------------------------------------------------------------


def on_a_loop(function: Callable[[], Coroutine[Any, Any, Any]]) -> Any:
    """Return what *function* comes to on a loop of its own: the tests run in one."""
    with ThreadPoolExecutor() as pool:
        return pool.submit(asyncio.run, function()).result()


def test_functions_are_called_again_and_again_until_they_are_stopped() -> None:
    async def counting() -> tuple[int, bool, bool]:
        calls: list[int] = []
        enough = asyncio.Event()

        async def count(step: int) -> None:
            await waiting.sleep(0)
            calls.append(step)
            if len(calls) == 3:
                enough.set()

        looping = waiting.create_looping_call(count, 1)
        looping.start(0.001)
        running = looping.running
        await enough.wait()
        looping.stop()
        return sum(calls), running, looping.running

    assert on_a_loop(counting) == (3, True, False)


def test_a_looping_call_that_fails_is_stopped_and_told(caplog: pytest.LogCaptureFixture) -> None:
    async def failing() -> bool:
        failed = asyncio.Event()

        def fail() -> None:
            failed.set()
            raise ValueError("no more")

        looping = waiting.create_looping_call(fail)
        looping.start(0.001, now=False)
        with pytest.raises(RuntimeError, match="runs already"):
            looping.start(1)
        await failed.wait()
        await waiting.sleep(0)
        return looping.running

    assert on_a_loop(failing) is False
    assert "no more" in caplog.text
    with pytest.raises(ValueError, match="more than 0 seconds"):
        waiting.create_looping_call(print).start(0)


def test_work_is_put_off_and_done_in_threads() -> None:
    async def working() -> tuple[str, Any, Any]:
        called = asyncio.get_running_loop().create_future()
        waiting.call_later(0, called.set_result, "later")
        return await called, await waiting.run_in_thread(pow, 2, exp=3), await waiting.inthread(len)("abc")

    assert on_a_loop(working) == ("later", 8, 3)
    assert not waiting.is_reactorless()


def test_functions_are_made_to_return_deferreds() -> None:
    @waiting.deferred_f_from_coro_f
    async def one() -> int:
        return await waiting.ensure_awaitable(defer.succeed(1)) + await waiting.ensure_awaitable(1)  # type: ignore[no-any-return]

    assert one().result == 2
    assert waiting.defers(len)("ab").result == 2
    failed = waiting.defers(len)(3)
    assert failed.result.check(TypeError)
    failed.addErrback(lambda _: None)
