"""The HTTP cache: the conformance cases of http-tests, whole crawls, replay, and what becomes of a cache that is damaged."""

from __future__ import annotations

import random
import stat
from collections.abc import Iterator
from email.utils import formatdate
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from crawler import Request, Spider
from crawler.crawler import Crawler
from crawler.download.cachestore import CacheStore, Entry
from crawler.downloadermiddlewares.httpcache import HttpCacheMiddleware
from crawler.exceptions import NotCachedError, NotConfigured, SettingsError
from crawler.http import Headers, Response
from crawler.http.cachepolicy import CACHED, Stored
from crawler.settings import Settings
from crawler.stats import StatsCollector
from crawler.testing import Site, crawl_in_memory
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

#: Why a case does not apply, or why a crawler should differ.
OTHERWISE = {
    "freshness-s-maxage-shared": _SHARED,
    "freshness-max-age-s-maxage-shared-longer": _SHARED,
    "freshness-max-age-s-maxage-shared-longer-reversed": _SHARED,
    "freshness-max-age-s-maxage-shared-longer-multiple": _SHARED,
    "cc-resp-private-shared": _SHARED,
    "other-authorization": _SHARED,
    "stale-while-revalidate-window": "it may be used while it is validated, and need not: nobody waits for a crawler",
}
_NOT_OURS = {
    "cdn-cache-control": "CDN-Cache-Control is for shared caches",
    "interim": "interim responses do not reach the cache",
    "partial": "partial responses are not kept",
}


def cases() -> list[Any]:
    """Return the cases that a private cache has to pass, as parameters."""
    found = []
    for suite in vectors("http-cache", "cache_tests.json"):
        for test in suite["tests"]:
            is_ours = suite["id"] not in _NOT_OURS and not test.get("cdn_only") and test["id"] not in OTHERWISE
            if is_ours and test.get("kind", "required") == "required":
                found.append(pytest.param(test, id=test["id"]))
    return found


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
        if expected == "cached":
            assert found is not None, f"request {number} was not answered from the cache"
        elif expected == "not_cached":
            assert found is None, f"request {number} was answered from the cache"
        if found is None:
            conditional = b"If-None-Match" in request.headers or b"If-Modified-Since" in request.headers
            status = (step.get("response_status") or [200])[0]
            if expected in ("etag_validated", "lm_validated"):
                name = "If-None-Match" if expected == "etag_validated" else "If-Modified-Since"
                assert name in request.headers, f"request {number} does not validate"
            if conditional and str(expected).endswith("validated"):
                status = 304
            pairs = step.get("response_headers", [])
            if step.get("magic_locations"):
                pairs = [
                    [name, f"{HOST}/{value}" if "ocation" in name else value, *rest] for name, value, *rest in pairs
                ]
            body = b"" if status == 304 else (step.get("response_body") or f"body {number}").encode()
            answer = Response(url, status=status, headers=headers_of(pairs, case.now), body=body)
            if b"Date" not in answer.headers:
                answer.headers["Date"] = formatdate(case.now, usegmt=True)
            found = case.middleware.process_response(request, answer)
        for wanted in step.get("expected_response_headers", []):
            if isinstance(wanted, list) and len(wanted) == 3 and wanted[1] == ">":
                assert int(found.headers.get(wanted[0]) or b"-1") > wanted[2], f"request {number}: {wanted[0]}"
            elif isinstance(wanted, list) and len(wanted) == 2 and isinstance(wanted[1], str):
                assert found.headers.get(wanted[0]) == wanted[1].encode(), f"request {number}: {wanted[0]}"
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


# --- the store -----------------------------------------------------------------------------------------------------------


def entry(body: bytes, received: float = NOW) -> Entry:
    return Entry(f"{HOST}/", Stored(200, Headers({"A": "1"}), received, received), body)


def test_an_entry_survives_the_process_byte_for_byte(tmp_path: Path) -> None:
    for body in (b"", b"small", b"large " * 10_000, bytes(range(256)) * 10):
        with_store = CacheStore(tmp_path / "c.sqlite", wall_time=lambda: NOW)
        with_store.put(b"key", entry(body))
        with_store.close()
        found = CacheStore(tmp_path / "c.sqlite", wall_time=lambda: NOW).find(b"key", Headers())
        assert found is not None
        assert (found.body, found.stored.headers["A"], found.stored.status) == (body, b"1", 200)


def test_the_file_is_for_its_owner_only(tmp_path: Path) -> None:
    CacheStore(tmp_path / "folder" / "c.sqlite").close()
    assert stat.S_IMODE((tmp_path / "folder" / "c.sqlite").stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "folder").stat().st_mode) == 0o700


def test_what_was_not_used_for_longest_goes_when_the_cache_is_full(tmp_path: Path) -> None:
    now = NOW
    store = CacheStore(tmp_path / "c.sqlite", max_size=60_000, wall_time=lambda: now)
    chance = random.Random(1)
    for number in range(20):
        now += 2
        store.put(b"%d" % number, entry(chance.randbytes(10_000)))
        store.find(b"0", Headers())
    store.write()
    kept = [number for number in range(20) if store.find(b"%d" % number, Headers()) is not None]
    assert 0 in kept
    assert 19 in kept
    assert 1 not in kept
    assert len(kept) <= 6
    store.close()


def test_what_is_too_old_is_not_found(tmp_path: Path) -> None:
    now = NOW
    store = CacheStore(tmp_path / "c.sqlite", max_age=100.0, wall_time=lambda: now)
    store.put(b"key", entry(b"x"))
    store.write()
    now += 101
    assert store.find(b"key", Headers()) is None


@pytest.mark.parametrize("at", [0, 4096, 9000])
def test_a_damaged_cache_is_set_aside_and_begun_anew(tmp_path: Path, at: int, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "c.sqlite"
    store = CacheStore(path, wall_time=lambda: NOW)
    for number in range(200):
        store.put(b"%d" % number, entry(b"x" * 100))
    store.close()
    with path.open("r+b") as file:
        file.seek(at)
        file.write(b"\xff" * 3000)
    store = CacheStore(path, wall_time=lambda: NOW)
    found = [store.find(b"%d" % number, Headers()) for number in range(200)]
    assert all(one is None or one.body == b"x" * 100 for one in found)
    store.put(b"new", entry(b"y"))
    store.close()
    again = CacheStore(path, wall_time=lambda: NOW).find(b"new", Headers())
    assert again is not None
    assert (tmp_path / "c.sqlite.damaged").exists() == ("is damaged" in caplog.text)


def test_two_crawls_may_share_a_cache(tmp_path: Path) -> None:
    one, other = (CacheStore(tmp_path / "c.sqlite", wall_time=lambda: NOW) for _ in range(2))
    one.put(b"key", entry(b"x"))
    one.write()
    found = other.find(b"key", Headers())
    assert found is not None
    other.put(b"other", entry(b"y"))
    other.close()
    assert one.find(b"other", Headers()) is not None
    one.close()


def test_a_cache_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(SettingsError, match=r"name another file with cache\.path"):
        CacheStore(tmp_path / "file" / "c.sqlite")


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
