"""Every key of ``Request.meta`` that Scrapy documents does what it says."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from crawler import Request, Spider
from crawler.exceptions import UnsupportedURLSchemeError
from crawler.http import Response
from crawler.linkextractors import LinkExtractor
from crawler.spiders import CrawlSpider, Rule
from crawler.testing import Hit, Page, Site, crawl_in_memory

HOST = "http://a.test"
FAST = {"politeness.delay": 0, "politeness.obey_robots": False, "politeness.adaptive": False, "retry.delay": 0.0}


class Outcome:
    """What came of a request: the responses, the error, and what the site saw."""

    def __init__(self, site: Site, result: Any, responses: list[Response], errors: list[Exception]) -> None:
        self.site, self.result, self.responses, self.errors = site, result, responses, errors

    @property
    def meta(self) -> dict[str, Any]:
        return self.responses[0].meta

    def headers(self, index: int = 0) -> dict[str, str]:
        return {name.lower(): value for name, value in self.site.log[index].headers.items()}


def ask(
    pages: dict[str, Any], meta: dict[str, Any], *, url: str = f"{HOST}/", request: Any = None, **settings: Any
) -> Outcome:
    """Return what comes of one request with *meta* for *url*."""
    responses: list[Response] = []
    errors: list[Exception] = []

    class Asks(Spider):
        name = "asks"

        async def start(self) -> Any:
            yield Request(url, self.parse, meta=meta, errback=self.failed, **(request or {}))

        def parse(self, response: Response) -> None:
            responses.append(response)

        def failed(self, failure: Any) -> None:
            errors.append(failure.value)

    site = Site(pages)
    return Outcome(site, crawl_in_memory(Asks, site, {**FAST, **settings}), responses, errors)


def found(meta: dict[str, Any], *, link: str = "/next", **settings: Any) -> list[Response]:
    """Return the responses to a link with *meta* that a page at depth 0 has."""
    responses: list[Response] = []

    class Follows(Spider):
        name = "follows"
        start_urls = [f"{HOST}/"]
        allowed_domains = ["a.test"]

        def parse(self, response: Response) -> Any:
            yield response.follow(link, self.parse_next, meta=meta)

        def parse_next(self, response: Response) -> Any:
            responses.append(response)
            yield response.follow("/last", self.parse_last)

        def parse_last(self, response: Response) -> None:
            responses.append(response)

    crawl_in_memory(Follows, {"*": "x"}, {**FAST, **settings})
    return responses


def test_allow_offsite() -> None:
    assert not found({}, link="http://b.test/")
    assert found({"allow_offsite": True}, link="http://b.test/")


@pytest.mark.parametrize("does_not_adjust", [True, False])
def test_autothrottle_dont_adjust_delay(does_not_adjust: bool) -> None:
    class Refused(Spider):
        name = "refused"

        async def start(self) -> Any:
            for number in range(20):
                yield Request(
                    f"{HOST}/{number}", meta={"autothrottle_dont_adjust_delay": does_not_adjust, "dont_retry": True}
                )

    settings = {**FAST, "politeness.adaptive": True}
    stats = crawl_in_memory(Refused, {"*": Page("slower", status=429)}, settings).stats
    assert (stats["elapsed_time_seconds"] < 1.0) == does_not_adjust


def test_bindaddress_that_is_no_address() -> None:
    assert "bindaddress" in str(ask({"/": "x"}, {"bindaddress": "nowhere"}).errors[0])


def test_cookiejar_and_dont_merge_cookies() -> None:
    def told(hit: Hit) -> Page:
        return Page(hit.headers.get("Cookie", hit.headers.get("cookie", "none")), headers={"Set-Cookie": "who=me"})

    class Jars(Spider):
        name = "jars"

        async def start(self) -> Any:
            yield Request(f"{HOST}/1", meta={"cookiejar": "a"})

        def parse(self, response: Response) -> Any:
            for path, meta in (("/same", {"cookiejar": "a"}), ("/other", {"cookiejar": "b"})):
                yield response.follow(path, self.parse_next, meta=meta)
            yield response.follow("/none", self.parse_next, meta={"cookiejar": "a", "dont_merge_cookies": True})

        def parse_next(self, response: Response) -> Any:
            yield {response.url.rpartition("/")[2]: response.body.decode()}

    items = crawl_in_memory(Jars, {"*": told}, {**FAST, "CONCURRENT_REQUESTS": 1}).items
    assert items == [{"same": "who=me"}, {"other": "none"}, {"none": "none"}]


def test_depth_and_depth_reset() -> None:
    assert [response.meta["depth"] for response in found({})] == [1, 2]
    assert [response.meta["depth"] for response in found({"depth_reset": True})] == [0, 1]
    assert len(found({"depth_reset": True}, DEPTH_LIMIT=1)) == 2


def test_depth_reset_goes_beyond_the_limit() -> None:
    class Resets(Spider):
        name = "resets"
        start_urls = [f"{HOST}/0"]

        def parse(self, response: Response) -> Any:
            yield {"depth": response.meta["depth"]}
            number = int(response.url[-1]) + 1
            if number < 4:
                yield response.follow(f"/{number}", meta={"depth_reset": number == 2})

    items = crawl_in_memory(Resets, {"*": "x"}, {**FAST, "DEPTH_LIMIT": 1}).items
    assert [item["depth"] for item in items] == [0, 1, 0, 1]


def test_dont_obey_robotstxt() -> None:
    pages = {"/robots.txt": "User-agent: *\nDisallow: /", "/": "x"}
    assert not ask(pages, {}, ROBOTSTXT_OBEY=True).responses
    assert ask(pages, {"dont_obey_robotstxt": True}, ROBOTSTXT_OBEY=True).responses


REDIRECTS = {"/": Page("", 302, {"Location": "/2"}), "/2": Page("", 301, {"Location": "/3"}), "/3": "x"}


def test_redirect_urls_reasons_times_and_ttl() -> None:
    meta = ask(REDIRECTS, {}, REDIRECT_MAX_TIMES=5).meta
    assert meta["redirect_urls"] == [f"{HOST}/", f"{HOST}/2"]
    assert (meta["redirect_reasons"], meta["redirect_times"], meta["redirect_ttl"]) == ([302, 301], 2, 3)


def test_redirect_ttl_ends_a_chain() -> None:
    assert "max redirections" in str(ask(REDIRECTS, {"redirect_ttl": 1}).errors[0])


def test_dont_redirect() -> None:
    kept = ask(REDIRECTS, {"dont_redirect": True, "handle_httpstatus_list": [302]})
    assert [response.status for response in kept.responses] == [302]


@pytest.mark.parametrize("meta", [{"handle_httpstatus_list": [503]}, {"handle_httpstatus_all": True}])
def test_handle_httpstatus_list_and_all(meta: dict[str, Any]) -> None:
    assert not ask({"/": Page("busy", 503)}, {}).responses
    assert [response.status for response in ask({"/": Page("busy", 503)}, meta).responses] == [503]


@pytest.mark.parametrize(("meta", "times"), [({}, 3), ({"dont_retry": True}, 1), ({"max_retry_times": 5}, 6)])
def test_dont_retry_and_max_retry_times(meta: dict[str, Any], times: int) -> None:
    assert len(ask({"/": Page("busy", 503)}, meta).site.log) == times


def test_retry_times_counts_and_priority_adjust_is_added() -> None:
    meta = {"handle_httpstatus_all": True, "priority_adjust": 7}
    answered = ask({"/": Page("busy", 503)}, meta)
    assert answered.meta["retry_times"] == 2
    assert answered.responses[0].request.priority == 14  # type: ignore[union-attr]  # it has its request


def test_give_up_log_level(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        ask({"/": Page("busy", 503)}, {"give_up_log_level": "INFO"})
    assert {record.levelname for record in caplog.records if "Gave up" in record.getMessage()} == {"INFO"}


def test_download_latency() -> None:
    assert ask({"/": Page("x", latency=2.5)}, {}).meta["download_latency"] == 2.5


def test_download_timeout() -> None:
    late = ask({"/": Page("x", latency=3.0)}, {"download_timeout": 2.0, "dont_retry": True})
    assert type(late.errors[0]).__name__ == "DownloadTimeoutError"


def test_download_maxsize_and_download_warnsize(caplog: pytest.LogCaptureFixture) -> None:
    assert type(ask({"/": "x" * 100}, {"download_maxsize": 99}).errors[0]).__name__ == "ResponseTooLargeError"
    assert ask({"/": "x" * 100}, {"download_warnsize": 99}).responses
    assert "100 bytes" in caplog.text


def test_download_slot() -> None:
    class Slots(Spider):
        name = "slots"

        async def start(self) -> Any:
            for host in ("a", "b"):
                yield Request(f"http://{host}.test/", meta={"download_slot": "one"})

        def parse(self, response: Response) -> None: ...

    site = Site({"*": "x"})
    crawl_in_memory(Slots, site, {**FAST, "politeness.delay": 5.0, "politeness.jitter": 0.0})
    assert [hit.at for hit in site.log] == [0.0, 5.0]


def test_http_user_and_http_pass_are_sent_to_http_auth_domain_only() -> None:
    meta = {"http_user": "u", "http_pass": "p"}
    assert ask({"/": "x"}, {**meta, "http_auth_domain": "a.test"}).headers()["authorization"] == "Basic dTpw"
    assert "authorization" not in ask({"/": "x"}, {**meta, "http_auth_domain": "b.test"}).headers()


def test_is_start_request() -> None:
    assert ask({"/": "x"}, {}).meta["is_start_request"] is True
    assert "is_start_request" not in found({})[0].meta


def test_referrer_policy() -> None:
    assert found({})[0].request.headers["Referer"] == b"http://a.test/"  # type: ignore[union-attr]  # it has its request
    assert "Referer" not in found({"referrer_policy": "no-referrer"})[0].request.headers  # type: ignore[union-attr]


def test_verbatim_url() -> None:
    url = f"{HOST}/%7euser/a|b"
    assert ask({"*": "x"}, {"verbatim_url": True}, url=url).site.log[0].url == url


def test_rule_and_link_text() -> None:
    class Rules(CrawlSpider):
        name = "rules"
        start_urls = [f"{HOST}/"]
        rules = [Rule(LinkExtractor(), callback="parse_page")]

        def parse_page(self, response: Response) -> Any:
            yield {"rule": response.meta["rule"], "text": response.meta["link_text"]}

    assert crawl_in_memory(Rules, {"/": "<a href=/x>a book</a>", "/x": "x"}, FAST).items == [
        {"rule": 0, "text": "a book"}
    ]


@pytest.mark.parametrize("name", ["ftp_user", "ftp_password", "ftp_local_filename"])
def test_ftp_is_told_not_to_be_there(name: str) -> None:
    error = ask({}, {name: "x"}, url="ftp://a.test/file").errors[0]
    assert isinstance(error, UnsupportedURLSchemeError)
    assert "ftp is not among the schemes that are switched on" in str(error)


def test_keys_that_stick_are_inherited() -> None:
    responses = found({"cookiejar": 7, "mine": 1}, STICKY_META_KEYS=["cookiejar"])
    assert [(response.meta.get("cookiejar"), response.meta.get("mine")) for response in responses] == [
        (7, 1),
        (7, None),
    ]


# --- what is the same ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "times"), [("BaseDupeFilter", 2), ("RFPDupeFilter", 1)])
def test_without_a_duplicates_filter_everything_is_visited(name: str, times: int) -> None:
    class Twice(Spider):
        name = "twice"
        start_urls = [f"{HOST}/", f"{HOST}/"]

        def parse(self, response: Response) -> None: ...

    site = Site({"/": "x"})
    crawl_in_memory(Twice, site, {**FAST, "DUPEFILTER_CLASS": f"scrapy.dupefilters.{name}"})
    assert len(site.log) == times


def test_follow_all_gives_each_url_once() -> None:
    class Follows(Spider):
        name = "follows"
        start_urls = [f"{HOST}/"]

        def parse(self, response: Response) -> Any:
            requests = list(response.follow_all(["/a", "/a#part", "/b", "/a"]))
            yield {"urls": [request.url.removeprefix(HOST) for request in requests]}

    assert crawl_in_memory(Follows, {"/": "x"}, FAST).items == [{"urls": ["/a", "/b"]}]
