"""The HTTP cache: the conformance cases of http-tests, whole crawls, replay, and what becomes of a cache that is damaged."""

from __future__ import annotations

from collections.abc import Iterator
from email.utils import formatdate
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from crawler import Request, Spider
from crawler.crawler import Crawler
from crawler.download.cachestore import CacheStore
from crawler.downloadermiddlewares.httpcache import HttpCacheMiddleware
from crawler.exceptions import DownloadConnectionLostError, NotCachedError, NotConfigured
from crawler.http import Headers, Response
from crawler.http.cachepolicy import CACHED
from crawler.settings import Settings
from crawler.stats import StatsCollector
from crawler.testing import Hit, Page, Site, crawl_in_memory
from tests.vectors import vectors

NOW = 1_800_000_000.0
HOST = "http://cached.test"


class Case:
    """A cache with a clock of its own."""

    def __init__(self, folder: Path, **settings: Any) -> None:
        self.now = NOW
        named = {"cache.enabled": True, **{f"cache.{name}": value for name, value in settings.items()}}
        section = Settings(named).cache
        self.stats = StatsCollector()
        self.store = CacheStore(
            folder / "cache.sqlite", max_size=section.max_size, max_age=section.max_age, wall_time=lambda: self.now
        )
        self.middleware = HttpCacheMiddleware(self.store, section, self.stats, wall_time=lambda: self.now)

    def fetch(self, request: Request, answer: Response | None = None) -> tuple[Response, bool]:
        """Return the response to *request*, and whether the server, which says *answer*, was not asked."""
        found = self.middleware.process_request(request)
        if found is not None:
            return self.middleware.process_response(request, found), True
        response = answer if answer is not None else Response(request.url, body=b"fresh")
        return self.middleware.process_response(request, response), False

    def get(self, path: str = "/", status: int = 200, body: bytes = b"fresh", **headers: str) -> tuple[bytes, bool]:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        url = HOST + path
        response, is_cached = self.fetch(Request(url), Response(url, status=status, headers=named, body=body))
        return response.body, is_cached


@pytest.fixture
def case(tmp_path: Path) -> Iterator[Case]:
    made = Case(tmp_path)
    yield made
    made.store.close()


# --- the conformance cases -----------------------------------------------------------------------------------------------

_SHARED = "a rule for caches that several people share; a crawl is one visitor"
_PARTIAL = "partial responses are not kept"
_USERS = "one user never sees what another was given, not even where that is public"
_RANGE = "a server may answer a request for a range with the whole, and so does the cache"
_LANGUAGES = "values of Accept-Language are compared as they are written; a crawl writes them in one way"

#: Why a case does not apply, or why a crawler should differ.
OTHERWISE = {
    "freshness-s-maxage-shared": _SHARED,
    "freshness-max-age-s-maxage-shared-longer": _SHARED,
    "freshness-max-age-s-maxage-shared-longer-reversed": _SHARED,
    "freshness-max-age-s-maxage-shared-longer-multiple": _SHARED,
    "freshness-max-age-s-maxage-shared-shorter": _SHARED,
    "freshness-max-age-s-maxage-shared-shorter-expires": _SHARED,
    "cc-resp-private-shared": _SHARED,
    "other-authorization": _SHARED,
    "other-authorization-smaxage": _SHARED,
    "other-authorization-public": _USERS,
    "other-authorization-must-revalidate": _USERS,
    "conditional-lm-fresh-no-lm": "RFC 9110 section 13.1.3 compares with Date here, which is later than what is asked for",
    "stale-while-revalidate": "it may be used while it is validated, and need not: nobody waits for a crawler",
    "stale-while-revalidate-window": "it may be used while it is validated, and need not: nobody waits for a crawler",
    "method-POST": "an answer to a POST is kept by the policy everything only",
    "vary-normalise-lang-order": _LANGUAGES,
    "vary-normalise-lang-case": _LANGUAGES,
    "vary-normalise-lang-select": _LANGUAGES,
    "partial-store-complete-reuse-partial": _RANGE,
    "partial-store-complete-reuse-partial-no-last": _RANGE,
    "partial-store-complete-reuse-partial-suffix": _RANGE,
    "partial-use-headers": _RANGE,
    "partial-use-stored-headers": _RANGE,
    "partial-store-partial-reuse-partial": _PARTIAL,
    "partial-store-partial-reuse-partial-byterange": _PARTIAL,
    "partial-store-partial-reuse-partial-absent": _PARTIAL,
    "partial-store-partial-reuse-partial-suffix": _PARTIAL,
}


def cases() -> list[Any]:
    """Return what a private cache has to do or should do; not what is for CDNs, nor questions without a right answer ("check")."""
    return [
        pytest.param(test, id=test["id"])
        for suite in vectors("http-cache", "cache_tests.json")
        for test in suite["tests"]
        if not test.get("cdn_only") and test["id"] not in OTHERWISE and test.get("kind", "required") != "check"
    ]


def header_pairs(pairs: list[Any], now: float) -> list[tuple[str, str]]:
    dates = ("Date", "Expires", "Last-Modified", "If-Modified-Since")
    return [
        (name, formatdate(now + value, usegmt=True) if name in dates and not isinstance(value, str) else str(value))
        for name, value, *_ in pairs
    ]


def headers_of(pairs: list[Any], now: float) -> Headers:
    headers = Headers()
    for name, value in header_pairs(pairs, now):
        headers.appendlist(name, value.strip())
    return headers


def located(step: dict[str, Any]) -> list[Any]:
    """Return the headers that the server of *step* answers with, its Locations made absolute where the case asks for it."""
    pairs = step.get("response_headers", [])
    if not step.get("magic_locations"):
        return list(pairs)
    return [[name, f"{HOST}/{value}" if "ocation" in name else value, *rest] for name, value, *rest in pairs]


def served(step: dict[str, Any], request: Request, number: int, now: float) -> Response:
    """Return what the server of *step* says to *request*."""
    conditional = b"If-None-Match" in request.headers or b"If-Modified-Since" in request.headers
    is_validated = conditional and str(step.get("expected_type")).endswith("validated")
    status = 304 if is_validated else (step.get("response_status") or [200])[0]
    body = (
        b"" if status == 304 or request.method == "HEAD" else (step.get("response_body") or f"body {number}").encode()
    )
    answer = Response(request.url, status=status, headers=headers_of(located(step), now), body=body)
    answer.headers.setdefault("Date", formatdate(now, usegmt=True))
    return answer


def check(step: dict[str, Any], found: Response, number: int, now: float) -> None:
    """Compare the answer *found* with what *step* expects."""
    if "expected_status" in step:
        assert found.status == step["expected_status"], f"request {number}: status"
    for wanted in step.get("expected_response_headers", []):
        if isinstance(wanted, list) and len(wanted) == 3 and wanted[1] == ">":
            assert int(found.headers.get(wanted[0]) or b"-1") > wanted[2], f"request {number}: {wanted[0]}"
        elif isinstance(wanted, list) and len(wanted) == 2 and isinstance(wanted[1], str):
            assert found.headers.get(wanted[0]) == wanted[1].encode(), f"request {number}: {wanted[0]}"
    for name in step.get("expected_response_headers_missing", []):
        assert name not in found.headers, f"request {number}: {name} is there"


@pytest.mark.parametrize("test", cases())
def test_a_case_of_the_conformance_set(test: dict[str, Any], tmp_path: Path) -> None:
    case = Case(tmp_path, max_body=1_000_000)
    for number, step in enumerate(test["requests"]):
        url = f"{HOST}/{step.get('filename', 'page')}{'?' + step['query_arg'] if 'query_arg' in step else ''}"
        asked = headers_of(step.get("request_headers", []), case.now)
        request = Request(
            url, method=step.get("request_method", "GET"), headers=asked, body=step.get("request_body", "")
        )
        found = case.middleware.process_request(request)
        expected = step.get("expected_type")
        if expected == "not_cached":
            assert found is None, f"request {number} was answered from the cache"
        if expected in ("etag_validated", "lm_validated"):
            name = "If-None-Match" if expected == "etag_validated" else "If-Modified-Since"
            assert name in request.headers, f"request {number} does not validate"
        if found is None and step.get("disconnect"):
            found = case.middleware.process_exception(request, DownloadConnectionLostError("closed"))
            if found is None:
                continue
        elif found is None:
            found = case.middleware.process_response(request, served(step, request, number, case.now))
        if expected == "cached":
            assert CACHED in found.flags, f"request {number} was not answered from the cache"
        check(step, found, number, case.now)
        case.now += 3.0 if step.get("pause_after") else 0.01
    case.store.close()


# --- what is used again --------------------------------------------------------------------------------------------------


def test_what_is_fresh_is_not_fetched_again(case: Case) -> None:
    assert case.get(Cache_Control="max-age=60", body=b"one") == (b"one", False)
    assert case.get(body=b"two") == (b"one", True)
    case.now += 61
    assert case.get(body=b"two") == (b"two", False)
    assert case.stats.get_value("httpcache/hit") == 1


def test_what_is_stale_is_validated_and_used_where_it_is_still_good(case: Case) -> None:
    case.get(Cache_Control="max-age=1", ETag='"v1"', body=b"one")
    case.now += 10
    request = Request(f"{HOST}/")
    assert case.middleware.process_request(request) is None
    assert request.headers["If-None-Match"] == b'"v1"'
    response = case.middleware.process_response(request, Response(request.url, status=304, headers={"X-New": "1"}))
    assert (response.status, response.body, response.headers["X-New"]) == (200, b"one", b"1")
    assert response.headers["Age"] == b"0"
    assert CACHED in response.flags
    assert b"If-None-Match" not in request.headers
    assert case.stats.get_value("httpcache/revalidate") == 1


def test_pages_that_vary_are_kept_apart(case: Case) -> None:
    def ask(language: str, body: bytes) -> bytes:
        headers = {"Cache-Control": "max-age=60", "Vary": "Accept-Language"}
        request = Request(f"{HOST}/", headers={"Accept-Language": language})
        return case.fetch(request, Response(request.url, headers=headers, body=body))[0].body

    assert ask("en", b"hello") == b"hello"
    assert ask("de", b"hallo") == b"hallo"
    assert [ask("en", b"other"), ask("de", b"other")] == [b"hello", b"hallo"]


def test_what_may_be_used_on_an_error_is(case: Case) -> None:
    case.get(Cache_Control="max-age=1, stale-if-error=60", body=b"one")
    case.now += 10
    assert case.get(status=503, body=b"down") == (b"one", False)
    case.now += 100
    assert case.get(status=503, body=b"down") == (b"down", False)


def test_a_change_makes_what_is_kept_invalid(case: Case) -> None:
    case.get(Cache_Control="max-age=60", body=b"one")
    case.fetch(Request(f"{HOST}/", method="POST"), Response(f"{HOST}/", status=200))
    assert case.get(body=b"two") == (b"two", False)


@pytest.mark.parametrize("where", ["url", "meta", "scheme"])
def test_a_request_may_keep_away_from_the_cache(case: Case, where: str) -> None:
    request = Request(
        "data:,x" if where == "scheme" else f"{HOST}/", meta={"dont_cache": True} if where == "meta" else {}
    )
    for body in (b"one", b"two"):
        answer = Response(
            request.url, headers={"Cache-Control": "max-age=60" if where != "url" else "no-store"}, body=body
        )
        assert case.fetch(request.copy(), answer)[1] is False


def test_directives_may_be_ignored(tmp_path: Path) -> None:
    case = Case(tmp_path, ignore_response_directives=["no-store", "no-cache"])
    case.get(Cache_Control="no-store, max-age=60", body=b"one")
    assert case.get(body=b"two") == (b"one", True)


def test_statuses_may_be_left_out(tmp_path: Path) -> None:
    case = Case(tmp_path, policy="everything", ignore_statuses=[404])
    case.get(status=404, body=b"none")
    assert case.get(body=b"there") == (b"there", False)


# --- conditions of the spider's own -------------------------------------------------------------------------------------------


def test_a_condition_of_the_spider_is_answered_by_the_cache_where_that_is_fresh(case: Case) -> None:
    case.get(Cache_Control="max-age=60", ETag='"v1"', body=b"one")
    statuses = []
    for tag in ('"v1"', 'W/"v1"', '"v0", "v1"', "*", '"v2"'):
        statuses.append(case.fetch(Request(f"{HOST}/", headers={"If-None-Match": tag}))[0].status)
    assert statuses == [304, 304, 304, 304, 200]


def test_a_304_to_a_condition_of_the_spider_says_nothing_of_what_is_kept(case: Case) -> None:
    case.get(Cache_Control="max-age=1", ETag='"old"', body=b"old")
    case.now += 10
    request = Request(f"{HOST}/", headers={"If-None-Match": '"newer"'})
    answer = Response(request.url, status=304, headers={"Cache-Control": "max-age=60"})
    response, is_cached = case.fetch(request, answer)
    assert (response.status, response.body, is_cached) == (304, b"", False)
    assert request.headers["If-None-Match"] == b'"newer"'
    assert case.get(body=b"new") == (b"new", False)


# --- HEAD --------------------------------------------------------------------------------------------------------------------


def head(case: Case, **headers: str) -> tuple[Response, bool]:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return case.fetch(Request(f"{HOST}/", method="HEAD"), Response(f"{HOST}/", headers=named))


def test_a_head_is_answered_with_the_headers_of_a_page_that_is_fresh(case: Case) -> None:
    case.get(Cache_Control="max-age=60", X_Mine="1", body=b"one")
    response, is_cached = head(case)
    assert (is_cached, response.body, response.headers["X-Mine"]) == (True, b"", b"1")


def test_a_head_is_never_kept_as_a_page(case: Case) -> None:
    head(case, Cache_Control="max-age=60")
    assert case.get(body=b"one") == (b"one", False)


def test_a_head_that_tells_of_the_same_page_makes_it_fresh_and_one_of_another_makes_it_invalid(case: Case) -> None:
    case.get(Cache_Control="max-age=1", ETag='"v1"', body=b"one")
    case.now += 10
    assert head(case, Cache_Control="max-age=60", ETag='"v1"')[1] is False
    assert case.get(body=b"two") == (b"one", True)
    case.now += 100
    head(case, Cache_Control="max-age=60", ETag='"v2"')
    assert case.get(body=b"two") == (b"two", False)


# --- who asks ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("policy", ["rfc9111", "everything"])
@pytest.mark.parametrize(
    "others",
    [
        ({"headers": {"Authorization": "Basic one"}}, {"headers": {"Authorization": "Basic two"}}),
        ({"headers": {"Authorization": "Basic one"}}, {}),
        ({"meta": {"cookiejar": 1}}, {"meta": {"cookiejar": 2}}),
        ({"meta": {"cookiejar": 1}}, {}),
    ],
)
def test_what_one_user_gets_is_never_shown_to_another(tmp_path: Path, policy: str, others: Any) -> None:
    case = Case(tmp_path, policy=policy)
    bodies = []
    for user in (*others, *others):
        answer = Response(f"{HOST}/", headers={"Cache-Control": "max-age=60"}, body=str(user).encode())
        bodies.append(case.fetch(Request(f"{HOST}/", **user), answer))
    assert [response.body.decode() for response, _ in bodies] == [str(user) for user in (*others, *others)]
    assert [is_cached for _, is_cached in bodies] == [False, False, True, True]


def test_a_digest_which_is_another_at_each_request_is_the_same_user(case: Case) -> None:
    for number, expected in ((1, False), (2, True)):
        value = f'Digest username="me", realm="r", nonce="n", nc={number:08x}, response="{number}"'
        answer = Response(f"{HOST}/", headers={"Cache-Control": "max-age=60"})
        assert case.fetch(Request(f"{HOST}/", headers={"Authorization": value}), answer)[1] is expected


def test_no_secret_of_a_request_is_in_the_file(case: Case, tmp_path: Path) -> None:
    asked = {"Cookie": "session=hidden1", "Authorization": "Bearer hidden2", "X-Api-Key": "hidden3"}
    answer = Response(f"{HOST}/", headers={"Cache-Control": "max-age=60", "Vary": ", ".join(asked)}, body=b"one")
    assert case.fetch(Request(f"{HOST}/", headers=asked), answer)[1] is False
    assert case.fetch(Request(f"{HOST}/", headers=asked), answer)[1] is True
    case.store.write()
    assert not any(b"hidden" in path.read_bytes() for path in tmp_path.iterdir())


# --- the policy everything, and offline ----------------------------------------------------------------------------------------


def test_everything_keeps_the_answers_to_forms_too_each_apart(tmp_path: Path) -> None:
    case = Case(tmp_path, policy="everything")

    def post(body: str) -> tuple[bytes, bool]:
        request = Request(f"{HOST}/", method="POST", body=body)
        response, is_cached = case.fetch(request, Response(request.url, body=b"answer to " + body.encode()))
        return response.body, is_cached

    assert [post("a=1"), post("a=2"), post("a=1")] == [
        (b"answer to a=1", False),
        (b"answer to a=2", False),
        (b"answer to a=1", True),
    ]


def test_everything_does_not_forget_a_page_for_a_form_that_was_sent(tmp_path: Path) -> None:
    case = Case(tmp_path, policy="everything")
    case.get(body=b"one")
    case.fetch(Request(f"{HOST}/", method="POST"), Response(f"{HOST}/"))
    assert case.get(body=b"two") == (b"one", True)


@pytest.mark.parametrize("status", [408, 429, 500, 503])
def test_an_error_of_the_server_is_replayed_offline_only_so_that_a_retry_may_go_better(
    tmp_path: Path, status: int
) -> None:
    case = Case(tmp_path, policy="everything")
    assert case.get(status=status, body=b"down") == (b"down", False)
    offline = Case(tmp_path, policy="everything", offline=True)
    case.store.write()
    assert offline.get() == (b"down", True)
    assert case.get(body=b"up") == (b"up", False)
    assert case.get() == (b"up", True)


@pytest.mark.parametrize(
    "request_",
    [
        Request(f"{HOST}/", meta={"dont_cache": True}),
        Request(f"{HOST}/", method="POST"),
        Request("https://ignored.test/"),
    ],
)
def test_offline_nothing_goes_out_whatever_a_request_says(tmp_path: Path, request_: Request) -> None:
    case = Case(tmp_path, offline=True, ignore_schemes=["https"])
    with pytest.raises(NotCachedError):
        case.middleware.process_request(request_)


def test_offline_what_is_on_this_machine_can_be_read(tmp_path: Path) -> None:
    assert Case(tmp_path, offline=True).middleware.process_request(Request("data:,x")) is None


# --- whole crawls --------------------------------------------------------------------------------------------------------


class Pages(Spider):
    name = "pages"
    start_urls = [f"{HOST}/0"]

    def parse(self, response):
        yield {"url": response.url, "cached": CACHED in response.flags}
        yield from response.follow_all(css="a")


SITE = {f"/{number}": f"<a href='/{number + 1}'>next</a>" for number in range(20)} | {"/20": "end", "/robots.txt": ""}


def settings(folder: Path, **more: Any) -> dict[str, Any]:
    named = {f"cache.{name}": value for name, value in more.items()}
    quiet = {"log.stats_interval": 0, "politeness.delay": 1.0, "politeness.jitter": 0.0}
    return {**quiet, "cache.enabled": True, "cache.path": str(folder / "cache.sqlite"), **named}


def test_a_crawl_is_replayed_without_the_site_and_without_its_delays(tmp_path: Path) -> None:
    first = crawl_in_memory(Pages, SITE, settings(tmp_path, policy="everything"))
    nothing = Site()
    again = crawl_in_memory(Pages, nothing, settings(tmp_path, offline=True))
    assert [item["url"] for item in again.items] == [item["url"] for item in first.items]
    assert all(item["cached"] for item in again.items)
    assert nothing.log == []
    assert first.stats["elapsed_time_seconds"] >= 20.0
    assert again.stats["elapsed_time_seconds"] < 0.1


def test_what_a_callback_downloads_besides_is_replayed_without_delays_too(tmp_path: Path) -> None:
    class Besides(Pages):
        async def parse(self, response):
            for number in range(10):
                answer = await self.crawler.engine.download(Request(f"{HOST}/{number}"))
                yield {"url": answer.url}

    crawl_in_memory(Besides, SITE, settings(tmp_path, policy="everything"))
    again = crawl_in_memory(Besides, Site(), settings(tmp_path, offline=True))
    assert len(again.items) == 10
    assert again.stats["elapsed_time_seconds"] < 0.1


def test_a_retry_goes_to_the_server_although_everything_is_kept(tmp_path: Path) -> None:
    answers = iter([Page("down", 503), Page("up")])
    site = Site({"/0": lambda hit: next(answers), "/robots.txt": ""})
    result = crawl_in_memory(Pages, site, settings(tmp_path, policy="everything"))
    assert [item["url"] for item in result.items] == [f"{HOST}/0"]
    assert site.paths == ["/0", "/0"]


def test_redirects_and_cookies_are_replayed_with_the_pages(tmp_path: Path) -> None:
    def page(hit: Hit) -> Page:
        return Page(f"you are {hit.headers.get('Cookie', 'nobody')}", headers={"Content-Type": "text/html"})

    away = Page("", 302, {"Location": "/in", "Set-Cookie": "who=me"})

    class Login(Pages):
        def parse(self, response):
            yield {"text": response.text, "passed": response.meta["redirect_urls"]}

    found = []
    for offline in (False, True):
        site = Site({"/0": away, "/in": page}) if not offline else Site()
        found.append(crawl_in_memory(Login, site, settings(tmp_path, policy="everything", offline=offline)).items)
    assert found[0] == found[1] == [{"text": "you are who=me", "passed": [f"{HOST}/0"]}]


def test_a_replay_lets_others_have_their_turn(tmp_path: Path) -> None:
    runs: list[int] = [0]

    class Many(Pages):
        def parse(self, response):
            if not runs[-1]:
                self.crawler.clock.callLater(0, runs.append, 0)
            runs[-1] += 1
            if response.meta["depth"] == 0:
                yield from (Request(f"{HOST}/{number}") for number in range(1000))

    crawl_in_memory(Many, {"*": "x"}, settings(tmp_path, policy="everything"))
    runs[:] = [0]
    crawl_in_memory(Many, Site(), settings(tmp_path, offline=True))
    assert sum(runs) == 1000
    assert max(runs) <= 64


def test_the_identities_of_a_crawl_share_its_cache(tmp_path: Path) -> None:
    more = {"sessions.size": 3}
    crawl_in_memory(Pages, SITE, {**settings(tmp_path, policy="everything"), **more})
    again = crawl_in_memory(Pages, Site(), {**settings(tmp_path, offline=True), **more})
    assert len(again.items) == 21


def test_what_is_not_kept_is_an_error_offline_that_says_so(tmp_path: Path) -> None:
    errors: list[BaseException] = []

    class Missing(Pages):
        async def start(self):
            yield Request(f"{HOST}/elsewhere", errback=lambda failure: errors.append(failure.value))

    crawl_in_memory(Missing, Site(), settings(tmp_path, offline=True))
    assert isinstance(errors[0], NotCachedError)
    assert "crawl once without it" in str(errors[0])


def test_pages_that_are_fetched_keep_their_delay_beside_those_that_are_not(tmp_path: Path) -> None:
    crawl_in_memory(Pages, {**SITE, "/5": "end"}, settings(tmp_path, policy="everything", ignore_statuses=[404]))

    class More(Pages):
        async def start(self):
            for number in range(5):
                yield Request(f"{HOST}/{number}", callback=self.parse_only)
                yield Request(f"{HOST}/new{number}", callback=self.parse_only)

        def parse_only(self, response):
            yield {"url": response.url}

    site = Site({"*": "x"})
    crawl_in_memory(More, site, settings(tmp_path, policy="everything"))
    new = [hit.at for hit in site.log if "/new" in hit.url]
    assert [later - sooner for sooner, later in pairwise(new)] == [1.0] * 4


def test_what_was_received_is_told(tmp_path: Path) -> None:
    seen: list[Any] = []

    class Timed(Pages):
        def parse(self, response):
            seen.append(response.meta.get("cache_timestamp"))

    for _ in range(2):
        crawl_in_memory(Timed, SITE, settings(tmp_path, policy="everything"))
    assert seen[0] is None
    assert isinstance(seen[1], float)


def test_without_the_setting_there_is_no_cache() -> None:
    with pytest.raises(NotConfigured):
        HttpCacheMiddleware.from_crawler(Crawler(Pages, {}))


@pytest.mark.parametrize(
    ("name", "ours"),
    [
        ("scrapy.extensions.httpcache.DummyPolicy", "everything"),
        ("scrapy.extensions.httpcache.RFC2616Policy", "rfc9111"),
    ],
)
def test_scrapys_policies_are_known(name: str, ours: str) -> None:
    section = Settings({"HTTPCACHE_ENABLED": True, "HTTPCACHE_POLICY": name, "HTTPCACHE_DIR": "httpcache"}).cache
    assert (section.policy, section.path) == (ours, "httpcache/cache.sqlite")
