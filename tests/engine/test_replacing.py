"""Components of Scrapy's that a project switches off, or puts one of its own in the place of."""

from __future__ import annotations

import re
from typing import Any

import pytest

from crawler import Request, Spider, signals
from crawler.downloadermiddlewares.cookies import CookiesMiddleware
from crawler.downloadermiddlewares.defaultheaders import DefaultHeadersMiddleware
from crawler.downloadermiddlewares.downloadtimeout import DownloadTimeoutMiddleware
from crawler.downloadermiddlewares.httpproxy import HttpProxyMiddleware
from crawler.downloadermiddlewares.offsite import OffsiteMiddleware as OffsiteDownloaderMiddleware
from crawler.downloadermiddlewares.redirect import MetaRefreshMiddleware, RedirectMiddleware
from crawler.downloadermiddlewares.retry import RetryMiddleware
from crawler.downloadermiddlewares.useragent import UserAgentMiddleware
from crawler.exceptions import IgnoreRequest
from crawler.http import Response
from crawler.spidermiddlewares.depth import DepthMiddleware
from crawler.spidermiddlewares.httperror import HttpErrorMiddleware
from crawler.spidermiddlewares.offsite import OffsiteMiddleware
from crawler.spidermiddlewares.referer import RefererMiddleware
from crawler.spidermiddlewares.urllength import UrlLengthMiddleware
from crawler.testing import Page, Site, crawl_in_memory

FAST = {"politeness.delay": 0, "politeness.obey_robots": False, "retry.delay": 0.0}
LONG = "x" * 60
PAGES = {
    "/": f'<a href="/in">1</a> <a href="http://other.test/out">2</a> <a href="/{LONG}">3</a> <a href="/gone">4</a>',
    "/in": '<a href="/deep">',
    "/deep": "",
    f"/{LONG}": "",
    "/out": "",
    "/gone": Page("gone", 404),
}
RULES = {"crawl.depth_limit": 1, "crawl.url_length": 50}


class Follows(Spider):
    name = "follows"
    start_urls = ["http://a.test/"]
    allowed_domains = ["a.test"]

    def parse(self, response: Response) -> Any:
        yield {"path": response.url.removeprefix("http://"), "referer": bool(response.request.headers.get("Referer"))}
        yield from response.follow_all(css="a")


def paths(**settings: Any) -> list[str]:
    return sorted(item["path"] for item in crawl_in_memory(Follows, PAGES, {**FAST, **RULES, **settings}).items)


def test_the_rules_hold_unless_they_are_switched_off() -> None:
    assert paths() == ["a.test/", "a.test/in"]


@pytest.mark.parametrize(
    ("path", "more"),
    [
        ("spidermiddlewares.offsite.OffsiteMiddleware", "other.test/out"),
        ("spidermiddlewares.depth.DepthMiddleware", "a.test/deep"),
        ("spidermiddlewares.urllength.UrlLengthMiddleware", f"a.test/{LONG}"),
        ("spidermiddlewares.httperror.HttpErrorMiddleware", "a.test/gone"),
    ],
)
def test_a_spider_middleware_that_is_switched_off_does_nothing(path: str, more: str) -> None:
    assert paths(SPIDER_MIDDLEWARES={f"scrapy.{path}": None}) == sorted(["a.test/", "a.test/in", more])


def test_the_offsite_downloader_middleware_and_classes_in_place_of_paths_are_switched_off_too() -> None:
    assert "other.test/out" in paths(DOWNLOADER_MIDDLEWARES={OffsiteDownloaderMiddleware: None})
    assert "other.test/out" in paths(SPIDER_MIDDLEWARES={OffsiteMiddleware: None})


def test_no_referer_is_sent_where_that_is_switched_off() -> None:
    result = crawl_in_memory(Follows, PAGES, {**FAST, "SPIDER_MIDDLEWARES": {RefererMiddleware: None}})
    assert not any(item["referer"] for item in result.items)


def test_robots_txt_is_not_asked_for_where_its_middleware_is_switched_off() -> None:
    site = Site({"/": "x"})
    off = {"scrapy.downloadermiddlewares.robotstxt.RobotsTxtMiddleware": None}
    crawl_in_memory(Follows, site, {"DOWNLOADER_MIDDLEWARES": off})
    assert [hit.url for hit in site.log] == ["http://a.test/"]


class WiderOffsite(OffsiteMiddleware):
    def should_follow(self, request: Request, spider: Any) -> bool:
        return "out" in request.url or super().should_follow(request, spider)


class RegexOffsite(OffsiteDownloaderMiddleware):
    def get_host_regex(self, spider: Any) -> re.Pattern[str]:
        return re.compile("test$")


class ShorterUrls(UrlLengthMiddleware):
    maxlength = 100

    @classmethod
    def from_crawler(cls, crawler: Any) -> Any:
        return cls(crawler)


class Deeper(DepthMiddleware):
    @classmethod
    def from_crawler(cls, crawler: Any) -> Any:
        middleware = super().from_crawler(crawler)
        middleware.maxdepth += 1
        return middleware


class Gone(HttpErrorMiddleware):
    def process_spider_input(self, response: Response, spider: Any = None) -> None:
        if response.status != 404:
            super().process_spider_input(response, spider)


@pytest.mark.parametrize(
    ("setting", "base", "mine", "more"),
    [
        ("SPIDER_MIDDLEWARES", OffsiteMiddleware, WiderOffsite, "other.test/out"),
        ("DOWNLOADER_MIDDLEWARES", OffsiteDownloaderMiddleware, RegexOffsite, "other.test/out"),
        ("SPIDER_MIDDLEWARES", UrlLengthMiddleware, ShorterUrls, f"a.test/{LONG}"),
        ("SPIDER_MIDDLEWARES", DepthMiddleware, Deeper, "a.test/deep"),
        ("SPIDER_MIDDLEWARES", HttpErrorMiddleware, Gone, "a.test/gone"),
    ],
)
def test_a_subclass_in_the_place_of_a_middleware_decides(setting: str, base: type, mine: type, more: str) -> None:
    assert paths(**{setting: {base: None, mine: 500}}) == sorted(["a.test/", "a.test/in", more])


def test_the_middlewares_for_subclasses_do_what_the_engine_does() -> None:
    bases = [OffsiteMiddleware, UrlLengthMiddleware, DepthMiddleware, HttpErrorMiddleware]

    class Offsite(OffsiteMiddleware): ...

    class UrlLength(UrlLengthMiddleware): ...

    class Depth(DepthMiddleware): ...

    class Errors(HttpErrorMiddleware): ...

    mine = {Offsite: 1, UrlLength: 2, Errors: 4}
    result = crawl_in_memory(Follows, PAGES, {**FAST, "SPIDER_MIDDLEWARES": {**dict.fromkeys(bases), **mine, Depth: 3}})
    assert sorted(item["path"] for item in result.items) == ["a.test/", "a.test/deep", "a.test/in", f"a.test/{LONG}"]
    assert result.stats["offsite/filtered"] == 1
    assert result.stats["httperror/response_ignored_count"] == 1


def test_a_referer_middleware_of_ones_own_says_what_the_referer_is() -> None:
    class Mine(RefererMiddleware):
        def referrer(self, response: Response, request: Request) -> str:
            return "http://mine.test/"

    site = Site(PAGES)
    crawl_in_memory(Follows, site, {**FAST, "SPIDER_MIDDLEWARES": {RefererMiddleware: None, Mine: 700}})
    assert {hit.headers.get("referer", hit.headers.get("Referer")) for hit in site.log[1:]} == {"http://mine.test/"}


# --- downloader middlewares, as projects write them ------------------------------------------------------------------


class OnePage(Spider):
    name = "one"
    start_urls = ["http://a.test/"]
    handle_httpstatus_list = [302]

    def parse(self, response: Response) -> Any:
        yield {"url": response.url, "status": response.status}


def test_a_user_agent_middleware_in_its_place_names_the_user_agent() -> None:
    class Rotating(UserAgentMiddleware):
        def __init__(self, user_agent: str = "") -> None:
            self.user_agent = "mine/1"

        def process_request(self, request: Request, spider: Any) -> Any:
            return super().process_request(request, spider)

    site = Site({"/": "x"})
    path = "scrapy.downloadermiddlewares.useragent.UserAgentMiddleware"
    crawl_in_memory(OnePage, site, {**FAST, "DOWNLOADER_MIDDLEWARES": {path: None, Rotating: 400}})
    assert {name.lower(): value for name, value in site.log[0].headers.items()}["user-agent"] == "mine/1"


def test_a_retry_middleware_in_its_place_decides_what_is_tried_again() -> None:
    class Mine(RetryMiddleware):
        def __init__(self, settings: Any) -> None:
            super().__init__(settings)
            self.max_retry_times = 4

        def process_response(self, request: Request, response: Response, spider: Any) -> Any:
            if b"captcha" in response.body:
                return self._retry(request, "captcha", spider) or response
            return super().process_response(request, response, spider)

    site = Site({"/": "captcha"})
    settings = {**FAST, "DOWNLOADER_MIDDLEWARES": {RetryMiddleware: None, Mine: 550}}
    result = crawl_in_memory(OnePage, site, settings)
    assert len(site.log) == 5
    assert (result.stats["retry/reason_count/captcha"], result.stats["retry/max_reached"]) == (4, 1)


def test_a_retry_middleware_in_its_place_may_name_statuses_and_errors() -> None:
    class Mine(RetryMiddleware):
        def __init__(self, settings: Any) -> None:
            super().__init__(settings)
            self.retry_http_codes = {404}
            self.exceptions_to_retry = (ConnectionError,)

        def process_exception(self, request: Request, exception: Exception, spider: Any) -> Any:
            return super().process_exception(request, exception, spider)

    class Fails:
        def process_request(self, request: Request, spider: Any) -> None:
            failures.append(request)
            if len(failures) == 1:
                raise ConnectionError

    failures: list[Request] = []
    site = Site({"/": Page("gone", 404)})
    crawl_in_memory(OnePage, site, {**FAST, "DOWNLOADER_MIDDLEWARES": {RetryMiddleware: None, Mine: 550, Fails: 560}})
    assert (len(failures), len(site.log)) == (3, 2)


def test_a_redirect_middleware_in_its_place_may_refuse_redirects() -> None:
    class Mine(RedirectMiddleware):
        def process_response(self, request: Request, response: Response, spider: Any) -> Any:
            if b"/trap" in (response.headers.get("Location") or b""):
                raise IgnoreRequest("a trap")
            return super().process_response(request, response, spider)

    class Two(Spider):
        name = "two"
        start_urls = ["http://a.test/1", "http://a.test/2"]

        def parse(self, response: Response) -> Any:
            yield {"url": response.url}

    pages = {"/1": Page("", 302, {"Location": "/trap"}), "/2": Page("", 302, {"Location": "/3"}), "*": "x"}
    result = crawl_in_memory(Two, pages, {**FAST, "DOWNLOADER_MIDDLEWARES": {RedirectMiddleware: None, Mine: 600}})
    assert [item["url"] for item in result.items] == ["http://a.test/3"]


def test_a_redirect_middleware_in_its_place_may_say_how_far_redirects_go() -> None:
    class Short(RedirectMiddleware):
        def __init__(self, settings: Any) -> None:
            super().__init__(settings)
            self.max_redirect_times = 1
            self.priority_adjust += 1

    seen: list[int] = []

    class Sees:
        def process_request(self, request: Request) -> None:
            seen.append(request.priority)

    pages = {"/": Page("", 301, {"Location": "/1"}), "/1": Page("", 301, {"Location": "/2"}), "*": "x"}
    middlewares = {RedirectMiddleware: None, Short: 600, Sees: 610}
    assert crawl_in_memory(OnePage, pages, {**FAST, "DOWNLOADER_MIDDLEWARES": middlewares}).items == []
    assert seen == [0, 3]


def test_a_retry_middleware_that_is_built_in_its_own_way_counts_in_the_spiders_crawl() -> None:
    class Mine(RetryMiddleware):
        EXCEPTIONS_TO_RETRY = (*RetryMiddleware.EXCEPTIONS_TO_RETRY, LookupError)

        @classmethod
        def from_crawler(cls, crawler: Any) -> Any:
            return cls(crawler.settings)

        def process_exception(self, request: Request, exception: Exception, spider: Any) -> Any:
            return self._retry(request, exception, spider) if isinstance(exception, self.EXCEPTIONS_TO_RETRY) else None

    class Fails:
        def process_request(self, request: Request) -> None:
            raise LookupError

    middlewares = {RetryMiddleware: None, Mine: 550, Fails: 560}
    result = crawl_in_memory(OnePage, {"*": "x"}, {**FAST, "DOWNLOADER_MIDDLEWARES": middlewares})
    assert (result.stats["retry/count"], result.stats["retry/max_reached"]) == (2, 1)


@pytest.mark.parametrize(
    "base", [UserAgentMiddleware, DefaultHeadersMiddleware, DownloadTimeoutMiddleware, HttpProxyMiddleware]
)
def test_a_subclass_takes_part_also_where_the_settings_name_nothing(base: Any) -> None:
    class Mine(base):
        def process_request(self, request: Request, spider: Any) -> None:
            super().process_request(request, spider)
            request.headers["X-Mine"] = spider.name

    site = Site({"*": "x"})
    settings = {"USER_AGENT": "", "DEFAULT_REQUEST_HEADERS": {}, "DOWNLOADER_MIDDLEWARES": {base: None, Mine: 500}}
    crawl_in_memory(OnePage, site, {**FAST, **settings})
    assert [hit.headers["X-Mine"] for hit in site.log] == ["one"]


@pytest.mark.parametrize("base", [UserAgentMiddleware, DownloadTimeoutMiddleware])
def test_a_subclass_may_connect_what_scrapys_connects(base: Any) -> None:
    class Mine(base):
        @classmethod
        def from_crawler(cls, crawler: Any) -> Any:
            mine = cls()
            crawler.signals.connect(mine.spider_opened, signals.spider_opened)
            return mine

    class Own(OnePage):
        user_agent = "own/1"
        download_timeout = 7.0

        def parse(self, response: Response) -> Any:
            request = response.request
            yield {"agent": request.headers.get("User-Agent"), "timeout": request.meta.get("download_timeout")}

    site = Site({"*": "x"})
    [item] = crawl_in_memory(Own, site, {**FAST, "DOWNLOADER_MIDDLEWARES": {base: None, Mine: 500}}).items
    assert item == {"agent": b"own/1", "timeout": 7.0}


@pytest.mark.parametrize("base", [RetryMiddleware, RedirectMiddleware, MetaRefreshMiddleware, CookiesMiddleware])
def test_a_subclass_knows_the_crawl_that_it_is_built_for(base: Any) -> None:
    class Mine(base):
        def process_response(self, request: Request, response: Response, spider: Any) -> Any:
            self.crawler.stats.inc_value(f"mine/{self.crawler.spider.name}")
            return super().process_response(request, response, spider)

    result = crawl_in_memory(OnePage, {"*": "x"}, {**FAST, "DOWNLOADER_MIDDLEWARES": {base: None, Mine: 500}})
    assert result.stats["mine/one"] == 1


@pytest.mark.parametrize("setting", ["DOWNLOADER_MIDDLEWARES", "SPIDER_MIDDLEWARES", "ITEM_PIPELINES"])
def test_a_component_may_do_all_its_work_in_handlers_of_signals(setting: str) -> None:
    told: list[str] = []

    class Listens:
        @classmethod
        def from_crawler(cls, crawler: Any) -> Any:
            crawler.signals.connect(lambda spider: told.append(spider.name), signals.spider_opened, weak=False)
            return cls()

    crawl_in_memory(OnePage, {"*": "x"}, {**FAST, setting: {Listens: 500}})
    assert told == ["one"]


def test_a_cookies_middleware_in_its_place_sees_the_jars() -> None:
    class Mine(CookiesMiddleware):
        def process_request(self, request: Request, spider: Any) -> Any:
            self.jars[request.meta.get("cookiejar")].add(request.url, name="mine", value="1", now=0.0)
            return super().process_request(request, spider)

    site = Site({"/": "x"})
    crawl_in_memory(OnePage, site, {**FAST, "DOWNLOADER_MIDDLEWARES": {CookiesMiddleware: None, Mine: 700}})
    assert {name.lower(): value for name, value in site.log[0].headers.items()}["cookie"] == "mine=1"


@pytest.mark.parametrize(
    ("base", "argument"),
    [
        (UserAgentMiddleware, "agent"),
        (DefaultHeadersMiddleware, [("Accept", "x")]),
        (DownloadTimeoutMiddleware, 5.0),
        (CookiesMiddleware, False),
    ],
)
def test_the_middlewares_are_built_and_called_as_scrapys_are(base: Any, argument: Any) -> None:
    request = Request("http://a.test/")
    assert base(argument).process_request(request, spider=None) is None


def test_middlewares_without_settings_have_the_defaults() -> None:
    for base in (RetryMiddleware, RedirectMiddleware, MetaRefreshMiddleware):
        response = Response("http://a.test/")
        assert base().process_response(Request("http://a.test/"), response, None) is response


def test_start_requests_say_so_and_others_do_not() -> None:
    class Says(Follows):
        def parse(self, response: Response) -> Any:
            yield {"path": response.url, "start": response.meta.get("is_start_request", False)}
            yield from response.follow_all(css="a")

    result = crawl_in_memory(Says, PAGES, {**FAST, **RULES})
    assert [item["start"] for item in result.items] == [True, False]
