"""Real sockets: what a page leads to may not reach this machine, what the spider names may."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pytest_twisted import ensureDeferred

from crawler import Request, Spider, exceptions, runtime
from crawler.crawler import Crawler
from tests.loopback.proxies import SocksProxy, proxying
from tests.loopback.servers import FAST, ScriptedServer, probe, reactor, response, say, serving

PAGE = b"<h1>inside</h1>"


class Following(Spider):
    """Follows the links that *links* has for its start page."""

    name = "following"

    def __init__(self, start: str, links: list[str]) -> None:
        super().__init__()
        self.start_urls = [start]
        self.links = links
        self.pages: list[str] = []
        self.errors: list[Any] = []

    def parse(self, response: Any) -> Any:
        self.pages.append(response.url)
        if response.url in self.start_urls:
            for link in self.links:
                yield Request(link, errback=self.failed)

    def failed(self, failure: Any) -> None:
        self.errors.append(failure.value)


async def follow(start: str, *links: str, **settings: Any) -> tuple[Following, Any]:
    """Start at *start*, which is public by the settings, and follow *links* that were found there."""
    named = {name.replace("__", "."): value for name, value in settings.items()}
    pinned = {"http.pinned_hosts": {"public.test": "127.0.0.1"}}
    crawler = Crawler(Following, {**FAST, **pinned, **named}, runtime=runtime.of_reactor(reactor))
    result = await crawler.crawl(start=start, links=list(links))
    assert isinstance(crawler.spider, Following)
    return crawler.spider, result


def at(server: ScriptedServer, host: str) -> str:
    return server.url.replace("127.0.0.1", host)


@pytest.mark.parametrize(
    "host",
    [
        *("127.0.0.1", "127.1", "2130706433", "0x7f.1", "0177.0.0.1", "017700000001", "127.0.0.1.", "0", "0x0"),
        *("localhost", "LOCALHOST", "\uff11\uff12\uff17.0.0.1", "127\u30020\u30020\u30021", "%31%32%37.0.0.1"),
        *(
            "[::1]",
            "[::]",
            "[::ffff:127.0.0.1]",
            "[::ffff:7f00:1]",
            "[::127.0.0.1]",
            "[64:ff9b::7f00:1]",
            "[2002:7f00:1::]",
        ),
    ],
)
@ensureDeferred
async def test_section_3_3_no_8_a_link_to_this_machine_is_dropped_and_says_why(host: str) -> None:
    with serving(say(response(PAGE))) as server:
        spider, result = await follow(at(server, "public.test") + "/", at(server, host) + "/secret")
    assert spider.pages == [at(server, "public.test") + "/"]
    assert len(server.heads) == 1
    assert isinstance(spider.errors[0], exceptions.PrivateAddressError)
    assert "http.allow_private" in str(spider.errors[0])
    assert result.stats["dropped/private_address"] == 1
    assert (result.reason, result.failed) == ("finished", 0)


@ensureDeferred
async def test_a_url_that_goes_out_as_it_is_written_gets_no_further() -> None:
    class Verbatim(Following):
        def parse(self, response: Any) -> Any:
            self.pages.append(response.url)
            if len(self.pages) == 1:
                yield Request(self.links[0], errback=self.failed, meta={"verbatim_url": True})

    with serving(say(response(PAGE))) as server:
        crawler = Crawler(
            Verbatim,
            {**FAST, "http.pinned_hosts": {"public.test": "127.0.0.1"}},
            runtime=runtime.of_reactor(reactor),
        )
        await crawler.crawl(start=at(server, "public.test") + "/", links=[at(server, "0x7f000001") + "/secret"])
    assert isinstance(crawler.spider, Verbatim)
    assert [type(error).__name__ for error in crawler.spider.errors] == ["PrivateAddressError"]
    assert len(server.heads) == 1


@ensureDeferred
async def test_a_redirect_to_this_machine_is_refused_at_its_hop() -> None:
    def redirect(transport: Any, head: bytes) -> None:
        location = at(server, "127.0.0.1").encode() + b"/secret"
        transport.write(b"HTTP/1.1 302 Found\r\nContent-Length: 0\r\nLocation: " + location + b"\r\n\r\n")

    with serving(redirect) as server:
        spider, result = await follow(at(server, "public.test") + "/")
    assert (spider.pages, len(server.heads)) == ([], 1)
    assert result.stats["dropped/private_address"] == 1


@ensureDeferred
async def test_a_public_name_whose_robots_txt_would_be_inside_is_dropped_for_that_reason() -> None:
    with serving(say(response(PAGE))) as server:
        spider, result = await follow(
            at(server, "public.test") + "/",
            at(server, "127.0.0.1") + "/secret",
            politeness__obey_robots=True,
        )
    assert isinstance(spider.errors[0], exceptions.PrivateAddressError)
    assert result.stats["dropped/private_address"] == 1


@ensureDeferred
async def test_what_the_spider_starts_at_may_be_inside_with_all_its_pages() -> None:
    with serving(say(response(PAGE))) as server:
        spider, _ = await follow(server.url + "/", server.url + "/more")
    assert spider.pages == [server.url + "/", server.url + "/more"]


@pytest.mark.parametrize("allowed", ["all", "127.0.0.1", "127.0.0.0/8"])
@ensureDeferred
async def test_a_setting_allows_it(allowed: str) -> None:
    with serving(say(response(PAGE))) as server:
        spider, _ = await follow(at(server, "public.test") + "/", server.url + "/more", http__allow_private=[allowed])
    assert spider.pages[1:] == [server.url + "/more"]


@ensureDeferred
async def test_what_a_pipeline_downloads_is_guarded_too() -> None:
    class Downloading(Following):
        async def parse(self, response: Any) -> Any:
            try:
                await self.crawler.engine.download(Request(self.links[0]))
            except exceptions.PrivateAddressError as error:
                self.errors.append(error)

    with serving(say(response(PAGE))) as server:
        crawler = Crawler(
            Downloading,
            {**FAST, "http.pinned_hosts": {"public.test": "127.0.0.1"}},
            runtime=runtime.of_reactor(reactor),
        )
        await crawler.crawl(start=at(server, "public.test") + "/", links=[server.url + "/image.png"])
    assert isinstance(crawler.spider, Downloading)
    assert len(crawler.spider.errors) == 1
    assert len(server.heads) == 1


@ensureDeferred
async def test_a_host_that_somebody_names_to_the_engine_may_be_inside() -> None:
    class Told(Following):
        async def parse(self, response: Any) -> Any:
            self.crawler.engine.name_host(self.links[0])
            answer = await self.crawler.engine.download(Request(self.links[0]))
            self.pages.append(answer.url)

    with serving(say(response(PAGE))) as server:
        crawler = Crawler(
            Told, {**FAST, "http.pinned_hosts": {"public.test": "127.0.0.1"}}, runtime=runtime.of_reactor(reactor)
        )
        await crawler.crawl(start=at(server, "public.test") + "/", links=[server.url + "/page"])
    assert isinstance(crawler.spider, Told)
    assert crawler.spider.pages == [server.url + "/page"]


@ensureDeferred
async def test_through_a_proxy_the_guard_sees_what_is_written() -> None:
    class Proxied(Following):
        def parse(self, response: Any) -> Any:
            self.pages.append(response.url)
            if len(self.pages) == 1:
                for link in self.links:
                    yield Request(link, errback=self.failed, meta={"proxy": at(server, "127.0.0.1")})

    with serving(say(response(PAGE))) as server:
        crawler = Crawler(
            Proxied, {**FAST, "http.pinned_hosts": {"public.test": "127.0.0.1"}}, runtime=runtime.of_reactor(reactor)
        )
        links = ["http://169.254.169.254/latest/meta-data/", "https://localhost/", "http://intranet.test/"]
        await crawler.crawl(start=at(server, "public.test") + "/", links=links)
    assert isinstance(crawler.spider, Proxied)
    assert [error.host for error in crawler.spider.errors] == ["169.254.169.254", "localhost"]
    assert crawler.spider.pages[1:] == ["http://intranet.test/"]


class Linking(Spider):
    """Asks for a second page; a resumed job only has that one."""

    name = "linking"

    def __init__(self, start: str) -> None:
        super().__init__()
        self.start_urls = [start]

    def parse(self, response: Any) -> Any:
        yield {"url": response.url}
        yield Request(self.start_urls[0] + "more")


@ensureDeferred
async def test_a_resumed_job_still_knows_what_the_spider_started_at(tmp_path: Path) -> None:
    job = {**FAST, "frontier.store": "sqlite", "frontier.job": f"{tmp_path}/job", "frontier.directory": str(tmp_path)}
    with serving(say(response(PAGE))) as server:
        for more in ({"crawl.max_pages": 1}, {}):
            crawler = Crawler(Linking, {**job, **more}, runtime=runtime.of_reactor(reactor))
            result = await crawler.crawl(start=server.url + "/")
    assert [head.split(b" ")[1] for head in server.heads] == [b"/", b"/more"]
    assert result.stats["item_scraped_count"] == 2


@ensureDeferred
async def test_through_a_socks_proxy_that_gets_addresses_the_guard_sees_them() -> None:
    class Proxied(Following):
        def parse(self, response: Any) -> Any:
            yield Request(self.links[0], errback=self.failed, meta={"proxy": f"socks5://127.0.0.1:{proxy.port}"})

    with serving(say(response(PAGE))) as server, proxying(SocksProxy()) as proxy:
        crawler = Crawler(
            Proxied, {**FAST, "http.pinned_hosts": {"public.test": "127.0.0.1"}}, runtime=runtime.of_reactor(reactor)
        )
        await crawler.crawl(start=at(server, "public.test") + "/", links=[at(server, "localhost") + "/secret"])
    assert isinstance(crawler.spider, Proxied)
    assert [error.host for error in crawler.spider.errors] == ["localhost"]
    assert proxy.opened == []


@ensureDeferred
async def test_a_start_url_at_the_machines_name_works() -> None:
    with serving(say(response(PAGE))) as server:
        spider, _ = await probe(at(server, "localhost") + "/")
    assert spider.responses[0].body == PAGE
