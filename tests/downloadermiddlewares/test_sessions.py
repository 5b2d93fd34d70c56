"""Sessions in whole crawls: who asks, what happens when one is blocked, and what a spider sets itself."""

from __future__ import annotations

from typing import Any

import pytest

from crawler import Request, Spider
from crawler.crawler import Crawler
from crawler.downloadermiddlewares.sessions import SessionsMiddleware
from crawler.exceptions import NotConfigured, ProxyError, SettingsError
from crawler.http import Headers, Response
from crawler.http.sessions import BlockRules, ProxyPool, SessionPool
from crawler.stats import StatsCollector
from crawler.testing import Hit, Page, Site, crawl_in_memory

HOST = "http://guarded.test"
QUIET = {"log.stats_interval": 0, "politeness.obey_robots": False, "politeness.delay": 0.0}
CHROME = {"User-Agent": "Chrome", "Accept": "text/html", "Accept-Language": "en-GB"}


class Guarded(Site):
    """Gives every visitor a cookie, and blocks one that comes too often."""

    def __init__(self, patience: int, blocked: Page | None = None) -> None:
        super().__init__()
        self.patience = patience
        self.blocked = blocked or Page("go away", 403)
        self.visits: dict[str, int] = {}

    def answer(self, hit: Hit) -> Page:
        visitor = hit.headers.get("Cookie", "")
        if not visitor:
            visitor = f"id={len(self.visits)}"
        self.visits[visitor] = self.visits.get(visitor, 0) + 1
        if self.visits[visitor] > self.patience:
            return self.blocked
        return Page("<p>fine</p>", headers={"Content-Type": "text/html", "Set-Cookie": visitor})


class Pages(Spider):
    name = "pages"

    async def start(self):
        for number in range(20):
            yield Request(f"{HOST}/{number}")

    def parse(self, response):
        yield {"url": response.url, "session": response.meta.get("session")}


def test_blocked_sessions_are_retired_and_others_fetch_what_they_could_not() -> None:
    site = Guarded(patience=4)
    result = crawl_in_memory(Pages, site, {**QUIET, "sessions.size": 2, "crawl.concurrency": 2})
    assert len({item["url"] for item in result.items}) == 20
    assert result.stats["sessions/blocked/status 403"] == result.stats["sessions/retired"] > 2
    assert max(site.visits.values()) <= 6


def test_a_block_may_be_known_by_a_text() -> None:
    site = Guarded(patience=4, blocked=Page("Are you a robot?"))
    result = crawl_in_memory(Pages, site, {**QUIET, "sessions.size": 2, "sessions.blocked_texts": ["are you a robot"]})
    assert len({item["url"] for item in result.items}) == 20


def test_a_spider_may_say_itself_what_is_a_block() -> None:
    class Own(Pages):
        def is_blocked(self, response: Response) -> bool | None:
            return "fine" not in response.text

    site = Guarded(patience=4, blocked=Page("soft"))
    result = crawl_in_memory(Own, site, {**QUIET, "sessions.size": 2})
    assert len({item["url"] for item in result.items}) == 20
    assert result.stats["sessions/blocked/spider"] > 2


def test_after_enough_others_were_blocked_too_the_answer_goes_on() -> None:
    site = Guarded(patience=0)
    result = crawl_in_memory(Pages, site, {**QUIET, "sessions.size": 2, "sessions.max_retries": 1})
    assert result.items == []
    assert result.stats["sessions/gave_up"] == 20
    assert len(site.log) == 40


def test_what_goes_on_with_the_session_of_a_response_is_the_same_visitor() -> None:
    class Staying(Spider):
        name = "staying"
        start_urls = [f"{HOST}/a", f"{HOST}/b"]

        def parse(self, response):
            cookie = response.request.headers.get("Cookie") or b""
            yield {"session": response.meta["session"], "cookie": cookie.decode()}
            if not response.url.endswith("next"):
                yield response.follow(response.url + "/next", meta={"session": response.meta["session"]})

    site = Guarded(patience=99)
    items = crawl_in_memory(Staying, site, {**QUIET, "sessions.size": 2}).items
    assert {item["session"] for item in items} == {"session-1", "session-2"}
    assert all(visits == 2 for visits in site.visits.values())


def wearer(pool: SessionPool, **options: Any) -> SessionsMiddleware:
    defaults = Headers({"Accept": "*/*", "User-Agent": "crawler"})
    rules = BlockRules.of([403], [])
    return SessionsMiddleware(
        pool, rules=rules, stats=StatsCollector(), clock=lambda: 0.0, defaults=defaults, **options
    )


def test_an_identity_wears_a_whole_set_of_headers_in_its_order_and_what_is_the_spiders_own_stays() -> None:
    request = Request(HOST, headers={"X-Own": "1", "Accept": "*/*", "Accept-Language": "fi", "User-Agent": "crawler"})
    wearer(SessionPool(size=1, headers=[CHROME])).process_request(request)
    assert request.headers.raw_items() == [
        (b"User-Agent", b"Chrome"),
        (b"Accept", b"text/html"),
        (b"X-Own", b"1"),
        (b"Accept-Language", b"fi"),
    ]


def test_a_retry_wears_nothing_of_the_identity_before() -> None:
    middleware = wearer(SessionPool(size=1, proxies=ProxyPool(["http://u:secret@proxy.test"]), headers=[CHROME]))
    request = Request(HOST, headers={"X-Own": "1"})
    middleware.process_request(request)
    assert request.meta["proxy"] == "http://u:secret@proxy.test"
    again = middleware.process_response(request, Response(HOST, status=403))
    assert isinstance(again, Request)
    assert again.headers.raw_items() == [(b"X-Own", b"1")]
    assert again.meta == {"session_retries": 1, "retry_reason": "blocked: status 403"}


def test_what_a_request_sets_itself_counts_more() -> None:
    middleware = wearer(SessionPool(size=1, proxies=ProxyPool(["http://proxy.test"])))
    request = Request(HOST, meta={"proxy": "http://own.test", "cookiejar": "own"})
    middleware.process_request(request)
    middleware.process_response(request, Response(HOST))
    assert (request.meta["proxy"], request.meta["cookiejar"]) == ("http://own.test", "own")


def test_where_every_proxy_rests_a_request_waits_for_the_first_that_is_back() -> None:
    proxies = ProxyPool(["http://proxy.test"], cool_down=30.0)
    middleware = wearer(SessionPool(proxies=proxies))
    request = Request(HOST)
    middleware.process_request(request)
    middleware.process_exception(request, ProxyError("no"))
    waiting = middleware.process_request(Request(HOST))
    assert isinstance(waiting, Request)
    assert waiting.meta["retry_delay"] == 30.0


def test_an_error_that_is_not_the_proxys_does_not_let_it_rest() -> None:
    pool = SessionPool(proxies=ProxyPool(["http://proxy.test"]))
    middleware = wearer(pool)
    request = Request(HOST)
    middleware.process_request(request)
    middleware.process_exception(request, ValueError("no"))
    assert middleware.process_request(Request(HOST)) is None


def test_without_sessions_proxies_and_header_sets_there_is_no_such_middleware() -> None:
    with pytest.raises(NotConfigured):
        SessionsMiddleware.from_crawler(Crawler(Pages, {}))


def test_a_wrong_expression_names_the_setting() -> None:
    with pytest.raises(SettingsError, match=r"sessions.blocked_texts: '\(' is no regular expression"):
        SessionsMiddleware.from_crawler(Crawler(Pages, {"sessions.size": 1, "sessions.blocked_texts": ["("]}))


def test_headers_that_are_no_table_are_refused() -> None:
    with pytest.raises(SettingsError, match=r"sessions.headers holds 'Chrome'"):
        Crawler(Pages, {"sessions.headers": ["Chrome"]}).settings.sessions  # noqa: B018


def test_the_contact_is_told_in_the_user_agent() -> None:
    site = Site({"*": "x"})
    crawl_in_memory(Pages, site, {**QUIET, "http.contact": "https://example.org/bot"})
    assert site.log[0].headers["User-Agent"].endswith(" (+https://example.org/bot)")
