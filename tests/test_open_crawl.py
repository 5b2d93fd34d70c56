"""Crawls that stay open: pages fetched through the engine, one by one."""

from __future__ import annotations

from collections.abc import Coroutine, Iterator
from pathlib import Path
from typing import Any

import pytest
from twisted.python.failure import Failure

from crawler import Request, Spider
from crawler.concurrency import start
from crawler.exceptions import DownloadError, IgnoreRequest, UsageError
from crawler.open_crawl import OpenCrawl, address
from crawler.testing import MemoryWorld, Page, Site


class Opened:
    """An open crawl of *site*, on a fake clock."""

    def __init__(
        self, site: Site, spidercls: type[Spider] | None = None, settings: Any = None, **arguments: Any
    ) -> None:
        self.world = MemoryWorld(site)
        kind = {} if spidercls is None else {"spidercls": spidercls}
        self.crawl = OpenCrawl(**kind, settings=settings, runtime=self.world.runtime, arguments=arguments)
        self.wait(self.crawl.open())

    def wait(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        results: list[Any] = []
        start(coroutine).addBoth(results.append)
        while not results:
            self.world.step(self.crawl.crawler)
        if isinstance(results[0], Failure):
            results[0].raiseException()
        return results[0]

    def fetch(self, *arguments: Any, **options: Any) -> Any:
        return self.wait(self.crawl.fetch(*arguments, **options))


SITE = Site(
    {
        "/": "<h1>home</h1>",
        "/away": Page("", 302, {"Location": "/"}),
        "/503": Page("busy", 503),
        "/in": Page("", 200, {"Set-Cookie": "user=ana"}),
        "/who": lambda hit: hit.headers.get("Cookie", "nobody"),
        "/agent": lambda hit: hit.headers["User-Agent"],
        "/robots.txt": Page("User-agent: *\nDisallow: /", headers={"Content-Type": "text/plain"}),
    }
)


@pytest.fixture
def opened() -> Iterator[Opened]:
    SITE.log.clear()
    opened = Opened(SITE)
    yield opened
    opened.wait(opened.crawl.close())


def test_pages_are_fetched_again_and_again_whatever_their_status(opened: Opened) -> None:
    assert [opened.fetch(f"http://site/{path}").status for path in ("", "", "503", "nowhere")] == [200, 200, 503, 404]
    assert SITE.paths == ["/", "/", "/503", "/nowhere"]  # once each: nothing is tried again, no robots.txt is asked


def test_redirects_are_followed_unless_one_does_not_want_to(opened: Opened) -> None:
    assert opened.fetch("http://site/away").url == "http://site/"
    assert opened.fetch("http://site/away", redirect=False).status == 302


def test_cookies_are_kept_for_as_long_as_the_crawl_is_open(opened: Opened) -> None:
    opened.fetch("http://site/in")
    assert opened.fetch("http://site/who").text == "user=ana"


def test_a_request_is_sent_as_it_is(opened: Opened) -> None:
    response = opened.fetch(Request("http://site/who", method="POST", headers={"Cookie": "user=ben"}, body="x"))
    assert (response.text, SITE.log[-1].method, SITE.log[-1].body) == ("user=ben", "POST", b"x")
    assert opened.fetch("http://site/who", headers={"Cookie": "user=eva"}).text == "user=eva"


def test_what_does_not_come_is_an_error(opened: Opened) -> None:
    with pytest.raises(DownloadError, match="cannot be read"):
        opened.fetch("file:///no/such/file")


def test_the_settings_and_middlewares_of_the_spider_take_part_but_not_its_domains_and_its_start() -> None:
    class Marks:
        def process_request(self, request: Request) -> None:
            request.headers["User-Agent"] = "marked"

    class Shop(Spider):
        name = "shop"
        allowed_domains = ["shop.test"]
        start_urls = ["http://shop.test/start"]
        custom_settings = {"components.downloader_middlewares": [Marks()]}

    SITE.log.clear()
    opened = Opened(SITE, Shop)
    assert opened.fetch("http://elsewhere.test/agent").text == "marked"
    assert SITE.paths == ["/agent"]
    opened.wait(opened.crawl.close())


def test_the_spider_gets_its_arguments_and_what_it_raises_is_raised() -> None:
    class Asks(Spider):
        name = "asks"

        def __init__(self, url: str) -> None:
            super().__init__()
            if not url:
                raise KeyError("url")

    assert Opened(SITE, Asks, url="x").crawl.crawler.spider is not None
    with pytest.raises(KeyError):
        Opened(SITE, Asks, url="")


def test_robots_txt_is_asked_where_the_command_line_says_so() -> None:
    pytest.importorskip("crawler.engine.errands", reason="engine.download does not ask robots.txt")
    from crawler.settings import Settings

    settings = Settings()
    settings.set("politeness.obey_robots", True, "cmdline")
    with pytest.raises(IgnoreRequest, match="Disallow: /"):
        Opened(SITE, settings=settings).fetch("http://site/")


def test_closing_gives_up_what_is_being_fetched() -> None:
    opened = Opened(Site({"/": Page("late", latency=1000.0)}))
    fetching = start(opened.crawl.fetch("http://site/"))
    fetching.addErrback(lambda failure: failure.trap(Exception))
    opened.wait(opened.crawl.close())
    assert opened.world.clock.seconds() < 100
    assert fetching.called


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("https://example.com/a", "https://example.com/a"),
        ("example.com", "https://example.com"),
        ("example.com/a?b=c", "https://example.com/a?b=c"),
        ("localhost:8000/x", "http://localhost:8000/x"),
        ("127.0.0.1:8000", "http://127.0.0.1:8000"),
        ("[::1]:8000/", "http://[::1]:8000/"),
        ("data:text/html,<p>", "data:text/html,<p>"),
    ],
)
def test_an_address_is_what_one_types_into_a_browser(text: str, url: str) -> None:
    assert address(text) == url


def test_an_address_may_be_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a page.html").write_text("x")
    monkeypatch.chdir(tmp_path)
    assert address("a page.html") == f"{tmp_path.as_uri()}/a%20page.html"


@pytest.mark.parametrize("text", ["", "a b", "./nowhere.html", "http://[bad", "/no/such/file"])
def test_what_can_be_no_address_is_told(text: str) -> None:
    with pytest.raises(UsageError):
        address(text)
