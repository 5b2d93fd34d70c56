"""The dashboard: who may see it, what it shows, what can be changed, and how it looks in a browser."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import treq
from pytest_twisted import ensureDeferred
from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.threads import deferToThread

from crawler import Request, Spider, runtime, signals
from crawler.crawler import Crawler
from crawler.exceptions import DontCloseSpider
from crawler.extensions.dashboard import Dashboard
from crawler.extensions.dashboard.guard import Asked, addresses, refusal
from crawler.extensions.dashboard.metrics import exposition
from tests.browser import DESKTOP, PHONE, Browser, needs_chromium
from tests.loopback.servers import FAST, response, say, serving

TOKEN = "a-token"
OURS = addresses("127.0.0.1", 8080)
GOOD = {"host": "127.0.0.1:8080", "authorization": f"Bearer {TOKEN}"}


@pytest.mark.parametrize(
    ("asked", "why"),
    [
        (Asked("GET", **GOOD), ""),
        (Asked("GET", "localhost:8080", query_token=TOKEN), ""),
        (Asked("POST", **GOOD, content_type="application/json", origin="http://127.0.0.1:8080"), ""),
        (Asked("GET", "127.0.0.1:8080"), "token"),
        (Asked("GET", "127.0.0.1:8080", query_token="guess"), "token"),
        (Asked("GET", "evil.example:8080", authorization=f"Bearer {TOKEN}"), "name"),
        (Asked("GET", "127.0.0.1", authorization=f"Bearer {TOKEN}"), "name"),
        (Asked("GET", **GOOD, origin="http://evil.example"), "another page"),
        (Asked("GET", **GOOD, origin="null"), "another page"),
        (Asked("OPTIONS", **GOOD), "no such method"),
        (Asked("OPTIONS", **GOOD, origin="http://evil.example"), "another page"),
        (Asked("POST", **GOOD, content_type="text/plain"), "application/json"),
        (Asked("POST", **GOOD), "application/json"),
        (Asked("POST", "127.0.0.1:8080", query_token=TOKEN, content_type="application/json"), "token"),
    ],
)
def test_only_its_own_page_with_the_token_may_ask(asked: Asked, why: str) -> None:
    said = refusal(asked, addresses=OURS, token=TOKEN)
    assert why in said
    assert bool(said) == bool(why)


class Waiting(Spider):
    """Fetches some pages and stays open until it is told to end."""

    name = "waiting"

    def __init__(self, url: str = "", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.url = url
        self.fetched: Deferred[None] = Deferred()

    @classmethod
    def from_crawler(cls, crawler, *args, **kwargs):
        spider = super().from_crawler(crawler, *args, **kwargs)
        crawler.signals.connect(spider.idle, signals.spider_idle)
        return spider

    async def start(self):
        for number in range(5):
            yield Request(f"{self.url}/{number}")

    def parse(self, response):
        if response.url.endswith("/4"):
            raise KeyError("no such thing")
        yield {"url": response.url}

    def idle(self):
        if not self.fetched.called:
            self.fetched.callback(None)
        raise DontCloseSpider


@asynccontextmanager
async def watched(spider: type[Waiting] = Waiting, **settings: Any) -> AsyncIterator[tuple[Crawler, Dashboard]]:
    """Run a crawl with a dashboard until the block ends; it has fetched its pages by then."""
    values = {**FAST, "dashboard.enabled": True, "dashboard.token": TOKEN, **settings}
    with serving(say(response(b"<p>x"))) as server:
        crawler = Crawler(spider, values, runtime=runtime.of_reactor(reactor))
        running = crawler.crawl(url=server.url)
        assert isinstance(crawler.spider, Waiting)
        await crawler.spider.fetched
        dashboard = next(one for one in crawler.extensions if isinstance(one, Dashboard))
        try:
            yield crawler, dashboard
        finally:
            assert crawler.engine is not None
            crawler.engine.stop("shutdown")
            await running


async def ask(dashboard: Dashboard, path: str, method: str = "GET", **options: Any) -> tuple[int, Any, Any]:
    headers = {"Authorization": f"Bearer {TOKEN}", **options.pop("headers", {})}
    answer = await treq.request(method, f"http://{dashboard.address}{path}", headers=headers, **options)
    return answer.code, await answer.text(), answer.headers


async def change(dashboard: Dashboard, **what: Any) -> tuple[int, dict[str, Any]]:
    headers = {"Content-Type": "application/json"}
    code, text, _ = await ask(dashboard, "/api/change", "POST", headers=headers, data=json.dumps(what).encode())
    return code, json.loads(text)


@ensureDeferred
async def test_it_tells_what_the_crawl_has_done() -> None:
    async with watched() as (crawler, dashboard):
        code, text, _ = await ask(dashboard, "/api/look")
        now = json.loads(text)
        assert code == 200
        assert (now["pages"], now["items"], now["errors"]) == (5, 4, 1)
        assert now["statuses"] == {"200": 5}
        assert now["pages"] == crawler.stats.get_value("response_received_count")
        assert now["troubles"][0]["kind"] == "KeyError"
        assert {one["url"].rpartition("/")[2] for one in now["recent"]} == {"0", "1", "2", "3"}
        assert ["dashboard.enabled", "True", "code"] in now["settings"]
        assert TOKEN not in text
        assert now["waits"]["first byte"]["count"] == 5
        assert now["waits"]["connect"]["count"] >= 1
        assert "dns" not in now["waits"]  # an address is not looked up


class Shy(dict[str, Any]):
    def __repr__(self) -> str:
        raise ValueError("not now")


@ensureDeferred
async def test_an_item_that_cannot_be_shown_does_not_hide_the_rest() -> None:
    async with watched() as (_, dashboard):
        dashboard.item_scraped(Shy(), None)
        code, text, _ = await ask(dashboard, "/api/look")
        assert code == 200
        assert json.loads(text)["recent"][0]["item"] == "<Shy that cannot be shown: ValueError: not now>"


@ensureDeferred
async def test_it_has_the_numbers_for_prometheus() -> None:
    async with watched() as (_, dashboard):
        code, text, headers = await ask(dashboard, "/metrics")
        assert code == 200
        assert headers.getRawHeaders("content-type") == ["text/plain; version=0.0.4; charset=utf-8"]
        assert 'crawler_pages_total{spider="waiting"} 5\n' in text
        assert 'crawler_statuses_total{spider="waiting",status="200"} 5\n' in text
        assert 'crawler_wait_seconds_count{spider="waiting",phase="first byte"} 5\n' in text
        assert 'crawler_wait_seconds{spider="waiting",phase="connect",quantile="0.99"} ' in text
        for line in text.splitlines():
            assert line.startswith("# ") or re.fullmatch(r'crawler_\w+\{(\w+="[^"]*",?)+\} [0-9.e+-]+', line)


def test_what_would_break_a_line_of_the_numbers_is_escaped() -> None:
    names = "pages items errors failed bytes cpu waiting in_flight known_hosts memory".split()
    now = {**dict.fromkeys(names, 0), "spider": 'a"b\nc\\d', "statuses": {}, "dropped": {}, "latency": {}, "waits": {}}
    assert r'crawler_pages_total{spider="a\"b\nc\\d"} 0' in exposition(now)


@ensureDeferred
async def test_a_crawl_can_be_paused_resumed_and_stopped() -> None:
    async with watched() as (crawler, dashboard):
        assert await change(dashboard, action="pause") == (200, {"state": "paused"})
        assert await change(dashboard, action="resume") == (200, {"state": "running"})
        assert (await change(dashboard, action="stop"))[0] == 200
        assert crawler.engine is not None
        assert crawler.engine.reason == "shutdown"


@ensureDeferred
async def test_delay_and_concurrency_can_be_changed_while_it_runs() -> None:
    async with watched() as (crawler, dashboard):
        assert (await change(dashboard, action="change", delay=3.5, concurrency_per_host=2, concurrency=7))[0] == 200
        assert crawler.engine is not None
        crawler.engine.submit(Request("http://other.test/"))
        host = crawler.engine.frontier.workbench.busiest(1)[0]
        assert (host.delay, host.concurrency) == (3.5, 2)
        assert crawler.engine._capacity.on_wire == 7


@pytest.mark.parametrize(
    ("what", "error"),
    [
        ({"action": "explode"}, "action is 'explode'"),
        ({}, "action is None"),
        ({"action": "change", "delay": -1}, "delay is -1; write a number from 0 on"),
        ({"action": "change", "concurrency": "many"}, "concurrency is 'many'"),
        ({"action": "change", "concurrency_per_host": True}, "concurrency_per_host is True"),
    ],
)
@ensureDeferred
async def test_a_wrong_change_is_told_and_changes_nothing(what: dict[str, Any], error: str) -> None:
    async with watched() as (_, dashboard):
        code, said = await change(dashboard, **what)
        assert code == 400
        assert error in said["error"]


@ensureDeferred
async def test_why_is_answered_from_the_job(tmp_path: Path) -> None:
    job = {"frontier.store": "sqlite", "frontier.job": str(tmp_path / "job")}
    async with watched(**job) as (crawler, dashboard):
        assert isinstance(crawler.spider, Waiting)
        assert crawler.engine is not None
        crawler.engine._committer.commit()
        _, text, _ = await ask(dashboard, f"/api/why?url={crawler.spider.url}/1")
        assert any("The spider started with it." in line for line in json.loads(text)["lines"])


@ensureDeferred
async def test_the_crawl_goes_on_while_why_is_answered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    reads, goes_on = threading.Event(), threading.Event()

    def slowly(url: str, folder: Path) -> Iterator[str]:
        reads.set()
        assert goes_on.wait(30)
        yield f"the story of {url}"

    monkeypatch.setattr("crawler.extensions.dashboard.server.story_of", slowly)
    async with watched(**{"frontier.store": "sqlite", "frontier.job": str(tmp_path / "job")}) as (_, dashboard):
        asked = Deferred.fromCoroutine(ask(dashboard, "/api/why?url=http://x.test/"))
        while not reads.is_set():
            assert (await ask(dashboard, "/api/look"))[0] == 200
        assert (await ask(dashboard, "/api/look"))[0] == 200
        goes_on.set()
        assert json.loads((await asked)[1]) == {"lines": ["the story of http://x.test/"]}


@pytest.mark.parametrize(
    ("method", "path", "headers"),
    [
        ("GET", "/api/look", {"Authorization": ""}),
        ("GET", "/?token=guess", {"Authorization": ""}),
        ("GET", "/api/look", {"Host": "evil.example"}),
        ("GET", "/api/look", {"Origin": "http://evil.example"}),
        ("POST", "/api/change", {"Origin": "http://evil.example", "Content-Type": "application/json"}),
        ("POST", f"/api/change?token={TOKEN}", {"Authorization": "", "Content-Type": "application/json"}),
        ("OPTIONS", "/api/change", {"Origin": "http://evil.example", "Access-Control-Request-Method": "POST"}),
    ],
)
@ensureDeferred
async def test_an_attackers_page_can_neither_read_nor_control(method: str, path: str, headers: dict[str, str]) -> None:
    async with watched() as (crawler, dashboard):
        code, text, sent = await ask(dashboard, path, method, headers=headers, data=b'{"action": "stop"}')
        assert code == 403
        assert "pages" not in text
        assert not [name for name, _ in sent.getAllRawHeaders() if name.lower().startswith(b"access-control")]
        assert crawler.engine is not None
        assert crawler.engine.state == "running"


@ensureDeferred
async def test_the_page_may_load_nothing_from_elsewhere() -> None:
    async with watched() as (_, dashboard):
        code, text, headers = await ask(dashboard, "/")
        policy = headers.getRawHeaders("content-security-policy")[0]
        assert code == 200
        assert policy.startswith("default-src 'none'; script-src 'nonce-")
        assert headers.getRawHeaders("x-frame-options") == ["DENY"]
        assert not re.search(r"""(src|href)="(?!data:)|@import|url\(|https?://(?!www\.w3\.org)""", text)
        assert TOKEN not in text


@ensureDeferred
async def test_it_listens_on_loopback_and_not_after_the_crawl() -> None:
    async with watched() as (_, dashboard):
        assert dashboard.address.startswith("127.0.0.1:")
        assert dashboard._listening.getHost().host == "127.0.0.1"
    with pytest.raises(Exception, match="refused"):
        await ask(dashboard, "/")


@ensureDeferred
async def test_the_page_may_be_loaded_without_the_token_but_a_wrong_one_and_everything_it_shows_are_refused() -> None:
    async with watched() as (_, dashboard):
        nothing = {"Authorization": ""}
        assert (await ask(dashboard, "/", headers=nothing))[0] == 200
        for path in ("/?token=guess", "/api/look", "/metrics", "/api/why?url=x"):
            assert (await ask(dashboard, path, headers=nothing))[0] == 403
        assert (await ask(dashboard, "/", headers={**nothing, "Host": "evil.example"}))[0] == 403
        assert (await ask(dashboard, "/", headers={**nothing, "Origin": "http://evil.example"}))[0] == 403


@ensureDeferred
async def test_the_token_is_shown_and_not_logged(
    capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    async with watched() as (_, dashboard):
        assert f"Dashboard: {dashboard.url}\n" in capsys.readouterr().err
        await ask(dashboard, f"/?token={TOKEN}")
    assert f"The dashboard is on http://{dashboard.address}/" in caplog.text
    assert TOKEN not in caplog.text


@ensureDeferred
async def test_a_change_leaves_what_was_changed_before() -> None:
    async with watched() as (crawler, dashboard):
        await change(dashboard, action="change", delay=3.5)
        await change(dashboard, action="change", concurrency_per_host=2)
        assert crawler.engine is not None
        crawler.engine.submit(Request("http://other.test/"))
        host = crawler.engine.frontier.workbench.busiest(1)[0]
        assert (host.delay, host.concurrency) == (3.5, 2)
        assert dashboard.look()["limits"] == {"delay": 3.5, "concurrency_per_host": 2, "concurrency": 16}


EVIL = "<img src=x onerror=\"document.title='owned'\"><script>document.title='owned'</script>"


class Hostile(Waiting):
    """What it finds wants to be more than text."""

    name = f"hostile {EVIL}"

    async def start(self):
        async for request in super().start():
            yield request
        yield Request(f"{self.url}/?q={EVIL}{'x' * 500}")

    def parse(self, response):
        if response.url.endswith("/4"):
            raise KeyError(EVIL)
        yield {EVIL: EVIL, "url": response.url}


@asynccontextmanager
async def seen(folder: Path, spider: type[Waiting] = Waiting) -> AsyncIterator[tuple[Crawler, Dashboard, Any]]:
    """A crawl with a dashboard, and how to use a browser: ``await see(function of the browser)``."""
    async with watched(spider) as (crawler, dashboard):
        chromium = await deferToThread(Browser, folder)
        try:
            yield crawler, dashboard, lambda use: deferToThread(use, chromium)
        finally:
            chromium.close()


@needs_chromium
@pytest.mark.parametrize("spider", [Waiting, Hostile])
@ensureDeferred
async def test_a_browser_shows_the_numbers_of_the_crawl_on_every_screen_and_no_error(
    spider: type[Waiting], tmp_path: Path
) -> None:
    async with seen(tmp_path, spider) as (crawler, dashboard, see):

        def look(chromium: Browser) -> None:
            for size in (DESKTOP, PHONE):
                for dark in (False, True):
                    chromium.look_like(size, dark=dark, still=True)
                    chromium.open(dashboard.url)
                    chromium.expect("document.getElementById('n-pages')")
                    assert not chromium.is_wider_than_its_window()
                    assert chromium.pale() == []
                    assert chromium.value("document.getAnimations().length") == 0
                    assert len(chromium.picture(tmp_path / "page.png")) > 10_000
            for name, stat in {
                "pages": "response_received_count",
                "items": "item_scraped_count",
                "errors": "spider_exceptions/count",
            }.items():
                assert chromium.text(f"#n-{name}") == str(crawler.stats.get_value(stat))
            pages = crawler.stats.get_value("downloader/response_status_count/200")
            texts = chromium.value("[...document.querySelectorAll('#statuses text')].map((one) => one.textContent)")
            assert texts == [str(pages), "200"]
            points = chromium.value("document.querySelector('#waiting polyline').getAttribute('points')").split()
            assert 1 <= len(points) <= len(dashboard.samples)
            assert "KeyError" in chromium.text("#troubles")
            assert f"{spider.__name__}.parse" in chromium.text("#callbacks")
            assert chromium.value("document.title").startswith(spider.name)
            assert chromium.value("document.querySelectorAll('img, iframe, object, a').length") == 0
            assert chromium.complaints == []
            assert {re.sub(r"\?.*", "", one["url"]) for one in chromium.asked} == {
                f"http://{dashboard.address}/",
                f"http://{dashboard.address}/api/look",
            }

        await see(look)


@needs_chromium
@ensureDeferred
async def test_the_crawl_is_paused_changed_and_stopped_from_the_page(tmp_path: Path) -> None:
    async with seen(tmp_path) as (crawler, dashboard, see):
        engine = crawler.engine
        assert engine is not None

        def use(chromium: Browser) -> None:
            chromium.open(dashboard.url)
            chromium.expect("document.getElementById('state').textContent === 'running'")
            chromium.click("#pause")
            chromium.expect("document.getElementById('state').textContent === 'paused'")
            assert engine.paused
            chromium.click("#pause")
            chromium.expect("document.getElementById('state').textContent === 'running'")
            assert not engine.paused
            for name, value in (("delay", "1.5"), ("concurrency_per_host", "3"), ("concurrency", "7")):
                chromium.click(f"[name={name}]")
                chromium.write(value)
            chromium.click("form button")
            chromium.expect("document.getElementById('said').textContent === 'done'")
            assert dashboard.changes == {"delay": 1.5, "concurrency_per_host": 3, "concurrency": 7}
            assert engine._capacity.on_wire == 7
            chromium.click("[name=delay]")
            chromium.write("soon")
            chromium.click("form button")
            chromium.expect("document.getElementById('said').textContent.includes('write a number from 0 on')")
            chromium.click("#stop")
            chromium.expect("document.getElementById('state').textContent.includes('the crawl is over')", within=30)
            assert chromium.value("document.getElementById('pause').disabled")

        await see(use)
        assert engine.reason == "shutdown"


@needs_chromium
@ensureDeferred
async def test_the_page_is_used_by_keyboard_and_says_why(tmp_path: Path) -> None:
    async with seen(tmp_path) as (_, dashboard, see):

        def use(chromium: Browser) -> None:
            chromium.open(dashboard.url)
            chromium.expect("document.querySelector('#recent .link')")
            reached: list[str] = []
            while "link" not in reached:
                assert len(reached) < 30, reached
                chromium.press("Tab")
                reached.append(chromium.value("document.activeElement.id || document.activeElement.className"))
            assert reached[:2] == ["pause", "stop"]
            url = chromium.value("document.activeElement.dataset.url")
            chromium.press("Enter")
            chromium.expect("document.getElementById('why').open")
            assert url in chromium.text("#story")
            assert "This crawl keeps no job" in chromium.text("#story")
            chromium.press("Escape")
            chromium.expect("!document.getElementById('why').open")
            # Rows that are drawn anew do not take the keyboard from who is at one of them.
            chromium.value("delete drawn.troubles, delete drawn.recent, look().then(() => 1)")
            assert chromium.value("document.activeElement.dataset.url") == url

        await see(use)


@needs_chromium
@ensureDeferred
async def test_the_token_leaves_the_address_and_the_page_can_be_loaded_again(tmp_path: Path) -> None:
    async with seen(tmp_path) as (_, dashboard, see):

        def use(chromium: Browser) -> None:
            chromium.open(dashboard.url)
            chromium.expect("document.getElementById('n-pages')")
            assert chromium.value("location.href") == f"http://{dashboard.address}/"
            chromium.open(f"http://{dashboard.address}/")
            chromium.expect("document.getElementById('n-pages')")
            assert {one["headers"].get("Referer", "") for one in chromium.asked} == {""}
            chromium.value("sessionStorage.clear()")
            chromium.open(f"http://{dashboard.address}/")
            chromium.expect("document.getElementById('state').textContent.startsWith('the token is missing')")

        await see(use)


@needs_chromium
@ensureDeferred
async def test_a_page_in_the_background_does_not_ask_and_is_up_to_date_when_it_is_seen(tmp_path: Path) -> None:
    async with seen(tmp_path) as (_, dashboard, see):

        def use(chromium: Browser) -> None:
            chromium.open(dashboard.url)
            chromium.expect("document.getElementById('n-pages')")
            hide = "Object.defineProperty(document, 'hidden', {{ get: () => {}, configurable: true }})"
            chromium.value(hide.format("true"))
            chromium.value("look().then(() => 1)")
            asked = len(chromium.asked)
            chromium.value("new Promise((done) => setTimeout(done, 1500))")
            assert len(chromium.asked) == asked
            chromium.value(hide.format("false"))
            chromium.value("document.dispatchEvent(new Event('visibilitychange'))")
            chromium.value("new Promise((done) => setTimeout(done, 200))")
            assert len(chromium.asked) > asked

        await see(use)
