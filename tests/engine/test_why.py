"""What ``crawler why`` tells of a URL: how it was found, what was tried, what kept or dropped it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from crawler import FormRequest, Request, Spider, signals
from crawler.crawler import Crawler
from crawler.dupefilters import RFPDupeFilter
from crawler.exceptions import DropItem, IgnoreRequest
from crawler.frontier import finding
from crawler.frontier.story import story_of
from crawler.linkextractors import LinkExtractor
from crawler.spiders import CrawlSpider, Rule
from crawler.testing import MemoryWorld, Page, Site

HOST = "http://shop.test"

TIME = r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC"


class Shop(Spider):
    """Follows all links."""

    name = "shop"
    start_urls = [f"{HOST}/"]

    def parse(self, response: Any) -> Iterator[Any]:
        yield {"url": response.url}
        yield from response.follow_all(css="a")


Told = Callable[..., list[str]]


@pytest.fixture
def crawl(tmp_path: Path) -> Callable[..., Told]:
    """Run a crawl of some pages with a job; return what tells of a URL."""

    def crawl(spider: type[Spider], pages: Mapping[str, Any], until: str = "", **settings: Any) -> Told:
        world = MemoryWorld(Site(pages))
        crawler = Crawler(
            spider,
            {
                "frontier.store": "sqlite",
                "frontier.job": str(tmp_path / "job"),
                "log.stats_interval": 0,
                "retry.delay": 1.0,
                **{name.replace("__", "."): value for name, value in settings.items()},
            },
            runtime=world.runtime,
        )
        assert world.run(crawler).reason == (until or "finished")
        return told

    def told(path: str, *, duplicates: bool = False) -> list[str]:
        """Return the lines about *path*, with TIME for times of day, 0.00 for seconds, and that of *duplicates* if asked for."""
        url = path if "://" in path else HOST + path
        lines = [re.sub(TIME, "TIME", line) for line in story_of(url, tmp_path / "job")]
        lines = [line for line in lines if duplicates or not line.startswith("  Later links")]
        return [re.sub(r"\d+\.\d\d s\b", "0.00 s", line) for line in lines]

    return crawl


def links(*paths: str) -> str:
    return "".join(f"<a href='{path}'>{path}</a>" for path in paths)


FOUND_AT_THE_START = ["  Found on:", f"    {HOST}/"]


def test_a_start_url_is_told_with_status_time_and_items(crawl: Callable[..., Told]) -> None:
    assert crawl(Shop, {"/": "<h1>x</h1>"})("/") == [
        "  The spider started with it.",
        "  Attempt 1: status 200, 0.00 s, 10 bytes",
        "  Done at TIME, with 1 item.",
    ]


def test_every_attempt_is_told(crawl: Callable[..., Told]) -> None:
    answers = [Page("", 503, latency=1.0), Page("", 429)]
    told = crawl(Shop, {"/": links("/a"), "/a": lambda _: answers.pop(0) if answers else Page("a")})
    assert told("/a") == [
        *FOUND_AT_THE_START,
        "  Attempt 1: 503 Service Unavailable, 0.00 s",
        "  Attempt 2: 429 Too Many Requests, 0.00 s",
        "  Attempt 3: status 200, 0.00 s, 1 byte",
        "  Done at TIME, with 1 item.",
    ]


def test_a_request_that_was_given_up_says_after_how_many_attempts(crawl: Callable[..., Told]) -> None:
    told = crawl(Shop, {"/": links("/a"), "/a": Page("no", 503)})
    assert told("/a") == [
        *FOUND_AT_THE_START,
        "  Attempt 1: 503 Service Unavailable, 0.00 s",
        "  Attempt 2: 503 Service Unavailable, 0.00 s",
        "  Attempt 3: status 503, 0.00 s, 2 bytes",
        "  Failed at TIME: it was given up after 3 attempts.",
    ]


def test_an_error_of_the_network_is_told_as_it_is_raised(crawl: Callable[..., Told]) -> None:
    told = crawl(Shop, {"/": links("/a"), "/a": Page("x", latency=99.0)}, http__timeout=5, retry__times=0)
    *_, attempt, end = told("/a")
    assert attempt.startswith("  Attempt 1: DownloadTimeoutError: ")
    assert attempt.endswith(", 0.00 s")
    assert end == "  Failed at TIME: it was not tried again."


def test_a_status_that_no_callback_sees_is_told(crawl: Callable[..., Told]) -> None:
    told = crawl(Shop, {"/": links("/gone")})
    assert told("/gone")[-2:] == [
        "  Attempt 1: status 404, 0.00 s, 9 bytes",
        "  Done at TIME, with 0 items. No callback saw it: status 404 is not in handle_httpstatus_list.",
    ]


class Fenced(Shop):
    """Has an errback, and stays at home."""

    allowed_domains = ["shop.test", "shops.test"]

    def parse(self, response: Any) -> Iterator[Any]:
        yield from response.follow_all(css="a", errback=self.failed)

    def failed(self, failure: Any) -> Iterator[Any]:
        yield Request(f"{HOST}/instead")


def test_a_request_of_an_errback_was_found_on_the_one_that_failed(crawl: Callable[..., Told]) -> None:
    told = crawl(Fenced, {"/": links("/gone"), "/instead": "ok"})
    assert told("/instead")[:3] == [*FOUND_AT_THE_START, f"    {HOST}/gone"]
    assert "Its errback saw it" in told("/gone")[-1]


def test_the_line_of_robots_txt_is_told_and_that_nothing_was_sent(crawl: Callable[..., Told]) -> None:
    told = crawl(Shop, {"/": links("/9"), "/robots.txt": "User-agent: *\nDisallow: /9\n"})
    assert told("/9") == [
        *FOUND_AT_THE_START,
        f"  Dropped at TIME: {HOST}/robots.txt forbids it (Disallow: /9), so nothing was sent.",
    ]
    assert "robots.txt is read before the first page of its host" in "\n".join(told("/robots.txt"))


def test_what_was_not_taken_in_is_told_with_its_numbers(crawl: Callable[..., Told]) -> None:
    far = "/" + "x" * 99
    pages = {"/": links("/1", far, "http://elsewhere.test/"), "/1": links("/2"), "/2": links("/3")}
    told = crawl(Fenced, pages, crawl__depth_limit=2, crawl__url_length=100)
    assert told("/3") == [
        *FOUND_AT_THE_START,
        f"    {HOST}/1",
        f"    {HOST}/2",
        "  It was not taken in: depth 3 is more than crawl.depth_limit = 2.",
    ]
    assert told(far)[-1] == "  It was not taken in: its 116 characters are more than crawl.url_length = 100."
    assert told("http://elsewhere.test/")[-1] == (
        "  It was not taken in: elsewhere.test is not in the spider's allowed_domains (shop.test, shops.test)."
    )


def test_a_url_that_was_too_deep_at_first_says_so(crawl: Callable[..., Told]) -> None:
    pages = {"/": links("/1", "/late"), "/1": links("/2"), "/late": Page(links("/2/"), latency=9.0), "/2": links("/3")}
    pages |= {"/2/": Page("", 302, {"Location": "/3"}), "/3": "x"}
    told = crawl(Shop, pages, crawl__depth_limit=2)
    assert told("/3")[:2] == [
        f"  Not every link to it was taken in: on {HOST}/2, depth 3 is more than crawl.depth_limit = 2.",
        "  Found on:",
    ]
    assert told("/3")[-1] == "  Done at TIME, with 1 item."


class Ignoring:
    """Ignores some requests, as a middleware of a project would."""

    def process_request(self, request: Request, spider: Any) -> None:
        if "/ignored" in request.url:
            raise IgnoreRequest("not today")


def test_a_request_that_a_middleware_ignored_says_where(crawl: Callable[..., Told]) -> None:
    told = crawl(Shop, {"/": links("/ignored")}, components__downloader_middlewares=[Ignoring])
    (line,) = told("/ignored")[2:]
    assert re.fullmatch(
        r"  Dropped at TIME: it was ignored \(IgnoreRequest\): not today, at \S+test_why.py:\d+ in Ignoring.process_request.",
        line,
    )


class Choosy(Shop):
    """Does not let every request in."""

    @classmethod
    def from_crawler(cls, crawler: Any, *args: Any, **kwargs: Any) -> Any:
        spider = super().from_crawler(crawler, *args, **kwargs)
        crawler.signals.connect(spider.scheduled, signals.request_scheduled)
        return spider

    def scheduled(self, request: Request, spider: Any) -> None:
        if "/no" in request.url:
            raise IgnoreRequest("no")

    def parse(self, response: Any) -> Iterator[Any]:
        yield from super().parse(response)
        yield Request(f"{HOST}/lambda", callback=lambda response: None)


def test_what_a_handler_of_a_signal_ignored_or_the_job_cannot_keep_is_told(crawl: Callable[..., Told]) -> None:
    told = crawl(Choosy, {"/": links("/no")})
    assert told("/no") == [
        *FOUND_AT_THE_START,
        "  It was not taken in: a handler of the signal request_scheduled ignored it.",
    ]
    assert told("/lambda")[-1].startswith(
        "  It was not taken in: the callback of <GET http://shop.test/lambda> is <function"
    )


class Raising(Shop):
    """Raises in a callback and in an errback."""

    def parse(self, response: Any) -> Iterator[Any]:
        yield from super().parse(response)
        if response.url.endswith("/raises"):
            raise ValueError("boo\nhoo")
        if response.url.endswith("/odd"):
            yield 5
        for path in ("/fails", "/missing"):
            yield Request(HOST + path, errback=self.failed)

    def failed(self, failure: Any) -> None:
        raise KeyError("errback")


def test_what_a_callback_or_an_errback_raised_is_told(crawl: Callable[..., Told]) -> None:
    told = crawl(
        Raising, {"/": links("/raises", "/odd"), "/raises": "x", "/odd": "x", "/fails": Page("", 500)}, retry__times=0
    )
    assert re.fullmatch(
        r"  Done at TIME, with 1 item. Its callback raised ValueError: boo hoo, at \S+test_why.py:\d+ in parse.",
        told("/raises")[-1],
    )
    assert "Raising.parse yielded 5 of type int" in told("/odd")[-1]
    assert re.fullmatch(
        r"  Failed at TIME: it was not tried again. Its errback raised KeyError: 'errback', at \S+test_why.py:\d+ in failed.",
        told("/fails")[-1],
    )
    assert "status 404 is not in handle_httpstatus_list. Its errback raised KeyError" in told("/missing")[-1]


class Picky:
    """Drops items."""

    def process_item(self, item: Any, spider: Any) -> Any:
        if item["url"].endswith("/dull"):
            raise DropItem("dull")
        return item


def test_items_that_pipelines_dropped_are_counted(crawl: Callable[..., Told]) -> None:
    told = crawl(Shop, {"/": links("/dull"), "/dull": "x"}, components__pipelines=[Picky])
    assert told("/dull")[-1] == "  Done at TIME, with 0 items, and 1 that was dropped."


def test_a_redirect_is_told_from_both_ends(crawl: Callable[..., Told]) -> None:
    pages = {
        "/": links("/r1"),
        "/r1": Page("", 302, {"Location": "/r2"}),
        "/r2": Page("", 301, {"Location": "/end"}),
        "/end": "x",
    }
    told = crawl(Shop, pages)
    assert told("/r1") == [
        *FOUND_AT_THE_START,
        "  Attempt 1: 302, 0.00 s",
        "  Done at TIME: it led to",
        f"    {HOST}/r2  (301)",
        f"    {HOST}/end  (done, status 200)",
    ]
    assert told("/end")[:4] == [*FOUND_AT_THE_START, f"    {HOST}/r1  (302)", f"    {HOST}/r2  (301)"]


def test_a_redirect_to_what_was_seen_before_says_so(crawl: Callable[..., Told]) -> None:
    told = crawl(Shop, {"/": links("/a", "/b"), "/a": "x", "/b": Page("", 301, {"Location": "/a"})})
    assert told("/b")[-2:] == ["  Done at TIME: it led to", f"    {HOST}/a  (which was taken in before, or not at all)"]


def test_a_page_that_sends_back_to_itself_with_a_cookie_is_one_request_with_two_attempts(
    crawl: Callable[..., Told],
) -> None:
    answers = [Page("", 302, {"Location": "/a", "Set-Cookie": "seen=1"})]
    told = crawl(Shop, {"/": links("/a"), "/a": lambda _: answers.pop(0) if answers else "x"})
    assert told("/a")[2:] == [
        "  Attempt 1: 302 to itself, 0.00 s",
        "  Attempt 2: status 200, 0.00 s, 1 byte",
        "  Done at TIME, with 1 item.",
    ]


class Timing:
    """Puts what no job can keep into every request, as a middleware of a project may."""

    def process_request(self, request: Request, spider: Any) -> None:
        request.meta["timer"] = object()


def test_a_retry_or_a_redirect_that_cannot_be_kept_fails_and_the_crawl_ends(crawl: Callable[..., Told]) -> None:
    pages = {"/": links("/busy", "/moved"), "/busy": Page("", 503), "/moved": Page("", 302, {"Location": "/new"})}
    told = crawl(Shop, pages, components__downloader_middlewares=[Timing])
    for path in ("/busy", "/moved"):
        attempt, end = told(path)[2:]
        assert attempt.startswith("  Attempt 1: NotStorableError: meta['timer'] of <GET ")
        assert end == "  Failed at TIME: it was not tried again."


class Posting(Shop):
    """Posts to a page twice and asks for it again."""

    def parse(self, response: Any) -> Iterator[Any]:
        yield {"url": response.url}
        if response.url.endswith("/form"):
            yield FormRequest(response.url, formdata={"q": "1"}, callback=self.nothing)
            yield FormRequest(response.url, formdata={"q": "22"}, callback=self.nothing)
            yield Request(response.url, callback=self.nothing, dont_filter=True)
        yield from response.follow_all(css="a")

    def nothing(self, response: Any) -> None:
        pass


def test_the_requests_of_one_url_are_told_apart(crawl: Callable[..., Told]) -> None:
    told = crawl(Posting, {"/": links("/form"), "/form": "x"})
    assert [line for line in told("/form") if line.startswith("Request")] == [
        "Request 1 of 4: GET",
        "Request 2 of 4: POST with a body of 3 bytes",
        "Request 3 of 4: POST with a body of 4 bytes",
        "Request 4 of 4: GET, the same as request 1; it was not filtered (dont_filter)",
    ]


class OnlyPosting(Shop):
    """Posts to a page that is never got."""

    def parse(self, response: Any) -> Iterator[Any]:
        yield Request(f"{HOST}/search?b=2&a=1", method="POST", body="x", callback=self.nothing)
        yield Request(f"{HOST}/feed", headers={"Accept-Language": "de"}, callback=self.nothing)

    def nothing(self, response: Any) -> None:
        pass


@pytest.mark.parametrize("asked", ["/search?b=2&a=1", "/search?a=1&b=2#top"])
def test_a_url_that_was_only_posted_is_found_by_the_url(crawl: Callable[..., Told], asked: str) -> None:
    told = crawl(OnlyPosting, {"/": "x", "*": "y"})
    assert "Request 1 of 1: POST with a body of 1 byte" in told(asked)
    assert told(asked)[-1] == "  Done at TIME, with 0 items."


def test_a_url_whose_headers_count_is_found_by_the_url(crawl: Callable[..., Told]) -> None:
    told = crawl(OnlyPosting, {"/": "x", "*": "y"}, frontier__include_headers=["Accept-Language"])
    assert told("/feed")[-1] == "  Done at TIME, with 0 items."


class ByPath:
    """Lets the query make no difference."""

    def fingerprint(self, request: Request) -> bytes:
        return request.url.partition("?")[0].encode()


class ByPathFilter(RFPDupeFilter):
    """The same, as a filter."""

    def request_fingerprint(self, request: Request) -> str:
        return request.url.partition("?")[0]


@pytest.mark.parametrize(
    "setting", [{"components__fingerprinter": ByPath}, {"components__dupefilter": ByPathFilter}], ids=["own", "filter"]
)
def test_with_fingerprints_of_the_projects_own_a_url_is_found_and_what_else_may_be_is_told(
    crawl: Callable[..., Told], setting: dict[str, Any]
) -> None:
    told = crawl(Shop, {"/": links("/a?x=1", "/a?x=2"), "/a?x=1": "a", "/a?x=2": "a"}, **setting)
    assert told("/a?x=1")[-1] == "  Done at TIME, with 1 item."
    assert "/a?x=2 was never taken in" in told("/a?x=2")[0]
    (name,) = (one.replace("__", ".") for one in setting)
    assert told("/a?x=2")[-1].startswith(f"  What counts as the same is said by {name} = ")


def test_a_url_that_counts_as_another_says_of_which_it_is_a_duplicate(crawl: Callable[..., Told]) -> None:
    told = crawl(Shop, {"/": links("/a?b=2&a=1", "/a?a=1&b=2"), "/a?b=2&a=1": "x"})
    same = f" counts as the same as {HOST}/a?b=2&a=1, which was found first, so a link to it is a duplicate: they differ by"
    assert told("/a?a=1&b=2")[0] == f"{HOST}/a?a=1&b=2{same} the order of the query only."
    assert told("/a?b=2&a=1#x")[0] == f"{HOST}/a?b=2&a=1#x{same} the fragment only."
    assert told("http://SHOP.test:80/a?b=2&a=1")[0].endswith("differ by how the host is written only.")
    assert told("/a?b=2&a=1")[0] == "  Found on:"
    assert told("/a?a=1&b=2", duplicates=True)[-1] == (
        "  Later links to it count as duplicates: 1 link of the job did, to all its URLs together."
    )


@pytest.mark.parametrize(
    ("asked", "meant"),
    [
        ("https://shop.test/a", "http://shop.test/a"),
        ("http://www.shop.test/a/", "http://shop.test/a"),
        ("http://shop.test/b", "http://shop.test/b/"),
        ("https://shop.test/c/?x=1", "http://shop.test/c?x=1"),
    ],
)
def test_a_url_that_is_nearly_one_of_the_job_says_of_which(crawl: Callable[..., Told], asked: str, meant: str) -> None:
    told = crawl(Shop, {"/": links("/a", "/b/", "/c?x=1"), "*": "x"})
    assert told(asked)[-1] == f"  Is {meant} meant? The job has that one."
    assert "meant" not in told("http://shop.test/d")[-1]


@pytest.mark.parametrize("host", ["127.0.0.1:8000", "[::1]:8000", "localhost"])
def test_a_host_that_www_does_not_go_before_is_no_trouble(crawl: Callable[..., Told], host: str) -> None:
    class Local(Shop):
        start_urls = [f"http://{host}/"]

    told = crawl(Local, {"/": links("/a"), "/a": "x"})
    assert told(f"https://{host}/a/")[-1] == f"  Is http://{host}/a meant? The job has that one."
    assert "was never taken in" in told(f"http://{host}/nowhere")[0]


class Ruled(CrawlSpider):
    """Has two rules."""

    name = "ruled"
    start_urls = [f"{HOST}/"]
    rules = (Rule(LinkExtractor(allow="/list")), Rule(LinkExtractor(allow="/book"), callback="book"))

    def book(self, response: Any) -> Any:
        yield {"url": response.url}


def test_the_rule_of_a_crawl_spider_is_told_for_what_has_ended_and_for_what_waits(crawl: Callable[..., Told]) -> None:
    told = crawl(Ruled, {"/": links("/book", "/book2")}, "closespider_pagecount", crawl__max_pages=2)
    rule = "  By rule 2 of the spider (rules[1]): <Rule <LinkExtractor allow=['/book'] deny=[]> -> book>"
    assert told("/book")[:3] == [*FOUND_AT_THE_START, rule]
    assert told("/book2")[:3] == [*FOUND_AT_THE_START, rule]
    assert told("/book2")[3].startswith("  It waits")


def test_what_waits_says_what_comes_before_it_and_how_to_go_on(crawl: Callable[..., Told]) -> None:
    told = crawl(Shop, {"/": links("/1", "/2", "/3")}, "closespider_pagecount", crawl__max_pages=1)
    assert told("/3")[2:] == [
        "  It waits; 2 requests of shop.test come before it. The job is interrupted: crawler resume job goes on with it."
    ]
    assert told("/9")[1] == "  The job is interrupted, and 3 requests wait: the pages that they bring may lead to it."


class Retried(Shop):
    """Fails once for a callback."""

    def parse(self, response: Any) -> Iterator[Any]:
        from crawler.downloadermiddlewares.retry import get_retry_request

        again = get_retry_request(response.request, spider=self, reason="empty\npage", max_retry_times=1)
        yield again or {"url": response.url}


def test_a_retry_that_a_callback_asked_for_says_why(crawl: Callable[..., Told]) -> None:
    told = crawl(Retried, {"/": "x"})
    assert "Request 2 of 2: GET, the same as request 1; its callback asked for it again: empty page" in told("/")


class Extended(Shop):
    """Asks for a page when nothing is left to do, and one while a page is read."""

    @classmethod
    def from_crawler(cls, crawler: Any, *args: Any, **kwargs: Any) -> Any:
        spider = super().from_crawler(crawler, *args, **kwargs)
        crawler.signals.connect(spider.idle, signals.spider_idle)
        return spider

    def idle(self) -> None:
        self.crawler.engine.crawl(Request(f"{HOST}/idle"))

    def parse(self, response: Any) -> Iterator[Any]:
        self.crawler.engine.crawl(Request(f"{HOST}/meanwhile"))
        yield from super().parse(response)


def test_what_an_extension_asked_for_is_not_said_to_be_of_the_start(crawl: Callable[..., Told]) -> None:
    told = crawl(Extended, {"/": "x", "/idle": "y", "/meanwhile": "z"})
    assert told("/idle")[0] == "  No page led to it: the project's own code asked for it (engine.crawl)."
    assert told("/meanwhile")[:2] == FOUND_AT_THE_START


def test_of_many_requests_of_a_url_the_first_and_the_last_are_told(crawl: Callable[..., Told]) -> None:
    class Polling(Shop):
        def parse(self, response: Any) -> Iterator[Any]:
            if response.meta["depth"] < 30:
                yield Request(response.url, dont_filter=True)

    lines = crawl(Polling, {"/": "x"})("/")
    assert [line for line in lines if line.startswith("Request")][2:4] == [
        "Request 3 of 31: GET, the same as request 1; it was not filtered (dont_filter)",
        "Request 29 of 31: GET, the same as request 1; it was not filtered (dont_filter)",
    ]
    assert "... 25 more ..." in lines
    assert (
        lines[-5:]
        == [
            *FOUND_AT_THE_START,
            "    ... 28 more, in circles ...",
            f"    {HOST}/",
            "  Attempt 1: status 200, 0.00 s, 1 byte",
            "  Done at TIME, with 0 items.",
        ][-5:]
    )


class ByFragment:
    """Lets the fragment make a difference."""

    def fingerprint(self, request: Request) -> bytes:
        return request.url.encode()


def test_where_fragments_count_each_url_is_one_of_its_own(crawl: Callable[..., Told]) -> None:
    class Both(Shop):
        start_urls = [f"{HOST}/a#1", f"{HOST}/a#2"]

    told = crawl(Both, {"/a": "x"}, components__fingerprinter=ByFragment)
    assert told("/a#2")[0] == "  The spider started with it."
    assert told("/a#3")[0] == (
        f"{HOST}/a#3 itself was never taken in. This is {HOST}/a#1, which differs from it by the fragment only."
    )


def test_a_long_chain_is_cut_in_the_middle(crawl: Callable[..., Told]) -> None:
    told = crawl(Shop, {f"/{number or ''}": links(f"/{number + 1}") for number in range(50)} | {"/50": "x"})
    lines = told("/50")
    assert lines[15:18] == [f"    {HOST}/14", "    ... 20 more ...", f"    {HOST}/35"]


def test_half_of_a_surrogate_pair_in_an_error_ends_no_crawl(crawl: Callable[..., Told]) -> None:
    class Quoting(Shop):
        def parse(self, response: Any) -> Iterator[Any]:
            raise ValueError("\ud800")

    assert r"raised ValueError: \ud800" in crawl(Quoting, {"/": "x"})("/")[-1]


def test_nothing_that_a_terminal_obeys_is_told(crawl: Callable[..., Told]) -> None:
    told = crawl(
        Shop, {"/": links("/9"), "/robots.txt": "User-agent: *\nDisallow: /9\x1b]0;title\x07*\nDisallow: /9\x1b[2J\n"}
    )
    assert "\x1b" not in "".join(told("/9"))


@pytest.mark.parametrize(
    ("asked", "written"),
    [
        ("http://a.test/x?b=2&a=1", "http://A.test:80/./x?a=1&b=2#y"),
        ("http://a.test/", "http://a.test"),
        ("http://a.test/", "http://a.test/#about"),
        ("http://a.test/", "http://a.test/x/.."),
        ("http://a.test/?", "http://a.test/?#"),
        ("http://a.test/it's?q='", "http://a.test/it's?q=%27"),
    ],
)
def test_a_url_is_recognised_however_it_is_written(asked: str, written: str) -> None:
    assert finding.Wanted(asked).is_meant_by(written)
    assert finding.Wanted(written).is_meant_by(asked)
    assert not finding.Wanted(asked).is_meant_by("http://a.test/other")
    for clue, other in ((finding.Wanted(asked).clue, written), (finding.Wanted(written).clue, asked)):
        assert clue in other
