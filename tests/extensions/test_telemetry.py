"""Telemetry: what a collector gets of a crawl, against what the crawl itself counts; and what a collector costs that is down."""

from __future__ import annotations

import logging
import socket
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from pytest_twisted import ensureDeferred

from crawler import Request, Spider, runtime
from crawler.crawler import Crawler
from crawler.exceptions import SettingsError
from crawler.extensions.telemetry import Telemetry, exporting_to
from crawler.extensions.telemetry.attributes import (
    answer_attributes,
    error_type,
    original_method,
    redactor,
    request_attributes,
)
from crawler.extensions.telemetry.attributes import (
    told as text_told,
)
from crawler.frontier import Visit
from crawler.settings import Settings
from tests.loopback.servers import FAST, reactor, response, say, serving

pytest.importorskip("opentelemetry.sdk", reason="opentelemetry is not installed")

from tests.loopback.collector import Collector, attributes_of, collecting

PAGES = {"/": b'<a href="/one">1</a><a href="/two?token=hush&page=2">2</a><a href="/gone">3</a><a href="/bad">4</a>'}


def page(transport: Any, head: bytes) -> None:
    path = head.split(b" ")[1].decode().partition("?")[0]
    answer = response(PAGES.get(path, b"<p>x"))
    transport.write(answer.replace(b"200 OK", b"404 Gone") if path == "/gone" else answer)


class Shop(Spider):
    """Follows the links of its first page; one callback fails, one link leads to nowhere and one is there twice."""

    name = "shop"

    def __init__(self, url: str) -> None:
        super().__init__()
        self.url = url

    async def start(self) -> Any:
        yield Request(f"{self.url}/")

    def parse(self, response: Any) -> Any:
        if response.url.endswith("/bad"):
            raise KeyError("no such thing")
        yield {"url": response.url}
        yield from response.follow_all(css="a")
        if response.url.endswith("/one"):
            yield Request(f"{self.url}/one")
            with socket.socket() as unused:
                unused.bind(("127.0.0.1", 0))
                yield Request(f"http://127.0.0.1:{unused.getsockname()[1]}/dead")


class Pass:
    def process_item(self, item: Any) -> Any:
        return item


async def crawl(url: str, **settings: Any) -> Crawler:
    named = {name.replace("__", "."): value for name, value in settings.items()}
    values = {**FAST, "components.pipelines": [Pass], "telemetry.enabled": True, **named}
    crawler = Crawler(Shop, values, runtime=runtime.of_reactor(reactor))
    await crawler.crawl(url=url)
    return crawler


async def told(collector: Collector, **settings: Any) -> tuple[Crawler, str]:
    """Crawl the shop; return the crawler, whose telemetry *collector* has, and the URL of the shop."""
    with serving(page) as server:
        return await crawl(server.url, **{"telemetry__endpoint": collector.url, **settings}), server.url


@ensureDeferred
async def test_every_visit_is_a_trace_that_tells_what_was_asked_and_what_came() -> None:
    with collecting() as collector:
        crawler, url = await told(collector)
    assert len(collector.roots) == crawler.stats.get_value("downloader/request_count") == 6
    assert len({span.trace_id for span in collector.roots}) == 6
    one = attributes_of(collector.root("/one"))
    assert collector.root("/one").name == "GET"
    assert collector.root("/one").kind == 3  # client
    expected = {
        "http.request.method": "GET",
        "url.full": f"{url}/one",
        "url.scheme": "http",
        "server.address": "127.0.0.1",
        "server.port": int(url.rpartition(":")[2]),
        "http.response.status_code": 200,
        "network.protocol.version": "1.1",
        "network.peer.address": "127.0.0.1",
        "crawler.outcome": "done",
        "crawler.items": 1,
        "crawler.depth": 1,
    }
    assert {name: one.get(name) for name in expected} == expected


@ensureDeferred
async def test_what_a_visit_waited_for_is_below_it_in_order_and_within() -> None:
    with collecting() as collector:
        await told(collector)
    root = next(one for one in collector.roots if not one.links)
    parts = collector.below(root)
    assert list(parts) == ["connect", "first byte", "body", "pipeline", "callback"]
    assert parts["connect"].end_time_unix_nano == parts["first byte"].start_time_unix_nano
    for part in parts.values():
        assert root.start_time_unix_nano <= part.start_time_unix_nano <= part.end_time_unix_nano
        assert part.end_time_unix_nano <= root.end_time_unix_nano
    assert abs(root.start_time_unix_nano / 1e9 - time.time()) < 60


@ensureDeferred
async def test_spans_below_visits_are_as_many_as_the_waits_that_the_crawl_counts() -> None:
    with collecting() as collector:
        crawler, _ = await told(collector)
    assert crawler.engine is not None
    waits = crawler.engine.watch.waits.look()
    names = collector.names()
    for phase in ("connect", "first byte", "body", "callback"):
        assert names[phase] == waits[phase]["count"], phase
    assert names["pipeline"] == crawler.stats.get_value("item_scraped_count") == 3


@ensureDeferred
async def test_a_link_leads_to_the_visit_that_a_request_was_found_on() -> None:
    with collecting() as collector:
        await told(collector)
    first = next(one for one in collector.roots if not one.links)
    (link,) = collector.root("/one").links
    assert (link.trace_id, link.span_id) == (first.trace_id, first.span_id)
    (link,) = collector.root("/dead").links
    assert link.span_id == collector.root("/one").span_id


@ensureDeferred
async def test_what_went_wrong_is_told_as_an_error_with_its_type() -> None:
    with collecting() as collector:
        await told(collector)
    gone, bad, dead, good = (collector.root(path) for path in ("/gone", "/bad", "/dead", "/one"))
    assert [one.status.code for one in (gone, bad, dead, good)] == [2, 2, 2, 0]
    assert attributes_of(gone)["error.type"] == "404"
    assert attributes_of(bad)["error.type"] == "KeyError"
    assert attributes_of(collector.below(bad)["callback"])["error.type"] == "KeyError"
    assert attributes_of(dead)["error.type"].endswith("DownloadConnectionRefusedError")
    assert attributes_of(dead)["crawler.outcome"] == "failed"
    assert "http.response.status_code" not in attributes_of(dead)


@ensureDeferred
async def test_robots_txt_is_a_trace_too_and_what_it_forbids_is_told_with_the_reason() -> None:
    rules = response(b"User-agent: *\nDisallow: /one\n").replace(b"text/html", b"text/plain")

    def site(transport: Any, head: bytes) -> None:
        if head.startswith(b"GET /robots.txt "):
            transport.write(rules)
        else:
            page(transport, head)

    with collecting() as collector, serving(site) as server:
        await crawl(server.url, telemetry__endpoint=collector.url, politeness__obey_robots=True)
    assert attributes_of(collector.root("/robots.txt"))["http.response.status_code"] == 200
    refused = attributes_of(collector.root("/one"))
    assert (refused["crawler.outcome"], refused["crawler.reason"]) == ("dropped", "robots")
    assert "http.response.status_code" not in refused


class Errand(Shop):
    async def parse(self, response: Any) -> Any:
        answer = await self.crawler.engine.download(Request(f"{self.url}/errand"))
        return [{"url": answer.url}]


@ensureDeferred
async def test_a_download_that_a_visit_asks_for_is_a_trace_with_a_link_to_that_visit() -> None:
    with collecting() as collector, serving(page) as server:
        values = {**FAST, "telemetry.endpoint": collector.url}
        await Crawler(Errand, values, runtime=runtime.of_reactor(reactor)).crawl(url=server.url)
    errand = collector.root("/errand")
    (link,) = errand.links
    assert link.span_id == next(one for one in collector.roots if one is not errand).span_id
    assert attributes_of(errand)["crawler.outcome"] == "errand"
    assert {"first byte", "body"} <= set(collector.below(errand))


@ensureDeferred
async def test_what_comes_from_the_cache_is_told_as_such_and_has_not_been_on_the_wire(tmp_path: Path) -> None:
    cached = {"cache__enabled": True, "cache__policy": "everything", "cache__path": str(tmp_path / "cache.sqlite")}
    with collecting() as collector, serving(page) as server:
        await crawl(server.url, **cached)
        await crawl(server.url, telemetry__endpoint=collector.url, **cached)
    one = collector.root("/one")
    assert attributes_of(one)["crawler.cached"] is True
    assert attributes_of(one)["http.response.status_code"] == 200
    assert not {"connect", "first byte", "body"} & set(collector.below(one))


@ensureDeferred
async def test_secrets_of_a_url_are_not_told() -> None:
    with collecting() as collector:
        await told(collector)
    assert attributes_of(collector.root("page=2"))["url.full"].endswith("/two?token=REDACTED&page=2")
    assert b"hush" not in b"".join(span.SerializeToString() for span in collector.spans)


@ensureDeferred
async def test_the_numbers_are_those_of_the_crawl() -> None:
    with collecting() as collector:
        crawler, _ = await told(collector, memory__watch=False)
    stats = crawler.stats.get_stats()
    assert collector.number("crawler.pages") == stats["response_received_count"] == 5
    assert collector.number("crawler.items") == stats["item_scraped_count"] == 3
    assert collector.number("crawler.received") == stats["downloader/response_bytes"]
    assert collector.number("crawler.errors") == stats["spider_exceptions/count"] == 1
    assert collector.number("crawler.retries") == 0
    assert collector.numbers("crawler.requests.dropped", "crawler.reason") == {"duplicate": 1}
    assert collector.numbers("crawler.responses", "http.response.status_code") == {200: 4, 404: 1}
    assert collector.number("crawler.requests.waiting") == collector.number("crawler.visits.in_flight") == 0
    assert collector.number("process.memory.usage") > 1e6


@ensureDeferred
async def test_the_duration_of_requests_has_the_buckets_and_attributes_of_the_conventions() -> None:
    with collecting() as collector:
        crawler, _ = await told(collector)
    points = collector.points("http.client.request.duration")
    assert collector.metrics["http.client.request.duration"].unit == "s"
    assert sum(point.count for point in points) == crawler.stats.get_value("downloader/request_count")
    assert list(points[0].explicit_bounds) == [
        0.005,
        0.01,
        0.025,
        0.05,
        0.075,
        0.1,
        0.25,
        0.5,
        0.75,
        1,
        2.5,
        5,
        7.5,
        10,
    ]
    counts: Counter[Any] = Counter()
    for point in points:
        told_of = attributes_of(point)
        assert told_of["http.request.method"] == "GET"
        assert told_of["server.address"] == "127.0.0.1"
        counts[told_of.get("http.response.status_code"), told_of.get("error.type", "")[-28:]] += point.count
    assert counts == {(200, ""): 4, (404, "404"): 1, (None, "wnloadConnectionRefusedError"): 1}


@ensureDeferred
async def test_only_the_share_is_traced_and_everything_is_counted() -> None:
    with collecting() as collector:
        await told(collector, telemetry__sample=0.0)
    assert not collector.spans
    assert collector.number("crawler.pages") == 5


@pytest.mark.parametrize(("what", "other"), [("traces", "metrics"), ("metrics", "traces")])
@ensureDeferred
async def test_what_is_switched_off_is_not_sent(what: str, other: str) -> None:
    with collecting() as collector:
        await told(collector, **{f"telemetry__{what}": False})
    sent = {"traces": bool(collector.spans), "metrics": bool(collector.metrics)}
    assert sent == {what: False, other: True}


@ensureDeferred
async def test_the_environment_of_the_standard_is_honoured(monkeypatch: pytest.MonkeyPatch) -> None:
    with collecting() as collector:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url)
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", "x-key=from-there")
        monkeypatch.setenv("OTEL_SERVICE_NAME", "night-crawl")
        monkeypatch.setenv("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment=test")
        await told(collector, telemetry__endpoint="")
    assert collector.spans
    assert {headers["x-key"] for headers in collector.headers} == {"from-there"}
    for resource in collector.resources:
        assert resource["service.name"] == "night-crawl"
        assert resource["deployment.environment"] == "test"
        assert resource["crawler.spider"] == "shop"


@ensureDeferred
async def test_settings_come_before_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setenv("OTEL_SERVICE_NAME", "another")
    with collecting() as collector:
        endpoint = f"{collector.url}/v1/traces"
        headers = {"X-Key": "hush"}
        await told(collector, telemetry__endpoint=endpoint, telemetry__headers=headers, telemetry__service_name="mine")
    assert collector.spans
    assert collector.metrics
    assert {headers["x-key"] for headers in collector.headers} == {"hush"}
    assert {resource["service.name"] for resource in collector.resources} == {"mine"}


def test_the_headers_for_the_collector_are_masked_where_settings_are_shown() -> None:
    shown = Settings({"telemetry.headers": {"X-Key": "hush"}}).in_force()
    assert [value for name, value, _ in shown if name == "telemetry.headers"]
    assert "hush" not in str(shown)


@ensureDeferred
async def test_the_sdk_can_be_disabled_by_its_own_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_SDK_DISABLED", "true")
    with collecting() as collector:
        crawler, _ = await told(collector)
    assert crawler.get_extension(Telemetry) is None
    assert not collector.headers


@ensureDeferred
async def test_without_telemetry_nothing_follows_visits() -> None:
    with collecting() as collector:
        crawler, _ = await told(collector, telemetry__endpoint="", telemetry__enabled=False)
    assert crawler.get_extension(Telemetry) is None
    assert not collector.headers


# --- who may know of the trace ------------------------------------------------------------------------------------------


async def traceparents(**settings: Any) -> tuple[list[bytes], Collector]:
    with collecting() as collector, serving(page) as server:
        url = server.url.replace("127.0.0.1", "api.site.test")
        pinned = {"http__pinned_hosts": {"api.site.test": "127.0.0.1"}}
        await crawl(url, telemetry__endpoint=collector.url, **pinned, **settings)
    lines = [line for head in server.heads for line in head.split(b"\r\n") if line.lower().startswith(b"traceparent")]
    return lines, collector


@ensureDeferred
async def test_no_site_is_told_of_the_trace_unless_it_is_named() -> None:
    lines, _ = await traceparents()
    assert not lines
    lines, _ = await traceparents(telemetry__propagate_to=["other.test", "*.api.site.test"])
    assert not lines


@pytest.mark.parametrize("host", ["api.site.test", "*.site.test"])
@ensureDeferred
async def test_a_host_that_is_named_is_told_of_the_trace(host: str) -> None:
    lines, collector = await traceparents(telemetry__propagate_to=[host])
    sent = {line.partition(b": ")[2].decode() for line in lines}
    known = {f"00-{root.trace_id.hex()}-{root.span_id.hex()}-01" for root in collector.roots}
    assert len(sent) == 5
    assert sent < known


@ensureDeferred
async def test_a_redirect_takes_the_trace_to_no_other_host() -> None:
    with collecting() as collector, serving(page) as other:
        away = b"HTTP/1.1 302 Found\r\nLocation: %b/one?token=hush\r\nContent-Length: 0\r\n\r\n" % other.url.encode()
        with serving(say(away)) as server:
            url = server.url.replace("127.0.0.1", "api.site.test")
            pinned = {"http__pinned_hosts": {"api.site.test": "127.0.0.1"}, "http__allow_private": ["all"]}
            named = {"telemetry__propagate_to": ["api.site.test"]}
            await crawl(url, telemetry__endpoint=collector.url, **pinned, **named)
    assert b"traceparent: 00-" in server.heads[0].lower()
    assert other.heads
    assert not [head for head in other.heads if b"traceparent" in head.lower()]
    assert b"hush" not in b"".join(span.SerializeToString() for span in collector.spans)


# --- the collector is down ----------------------------------------------------------------------------------------------


def warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [
        one.getMessage()
        for one in caplog.records
        if one.levelno >= logging.WARNING and "no such" not in str(one.exc_info)
    ]


@ensureDeferred
async def test_a_collector_that_is_down_costs_one_warning_and_no_time(caplog: pytest.LogCaptureFixture) -> None:
    with serving(page) as server:
        began = time.monotonic()
        crawler = await crawl(server.url, telemetry__endpoint="http://127.0.0.1:9", telemetry__interval=0.1)
        assert time.monotonic() - began < 4
    assert crawler.stats.get_value("item_scraped_count") == 3
    (said,) = [one for one in warnings(caplog) if "elemetry" in one or "export" in one.lower()]
    assert "cannot be sent to http://127.0.0.1:9/v1/" in said
    assert "refused" in said


@ensureDeferred
async def test_a_collector_that_never_answers_is_waited_for_no_longer_than_is_set(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with collecting() as collector, serving(page) as server:
        collector.release.clear()
        began = time.monotonic()
        await crawl(server.url, telemetry__endpoint=collector.url, telemetry__flush_timeout=0.3)
        assert 0.3 <= time.monotonic() - began < 4
    (said,) = [one for one in warnings(caplog) if "elemetry" in one]
    assert "no answer within 0.3 s" in said


@ensureDeferred
async def test_a_collector_that_refuses_is_told_with_its_status(caplog: pytest.LogCaptureFixture) -> None:
    with collecting() as collector:
        collector.status = 401
        await told(collector, telemetry__headers={"X-Key": "hush"})
    (said,) = [one for one in warnings(caplog) if "elemetry" in one]
    assert "answers with status 401" in said
    assert "hush" not in caplog.text


def test_a_collector_that_falls_behind_costs_spans_and_not_memory(caplog: pytest.LogCaptureFixture) -> None:
    from crawler.extensions.telemetry import exporting, spans

    with collecting() as collector:
        collector.release.clear()
        delivery = exporting.Delivery(lambda reason: None)
        exporter = exporting.Spans(delivery, f"{collector.url}/v1/traces", None)
        tracing = spans.Tracing(exporter, delivery, None, run="run", sample=1.0, redacted=str)
        for number in range(10_000):
            visit = Visit(Request(f"http://site.test/{number}"), "site.test", 0.0)
            visit.sequence = number + 1
            tracing.begun(visit)
            tracing.ended(visit)
        collector.release.set()
        tracing.shutdown()
    assert len(collector.spans) + tracing.dropped == 10_000
    assert 8_000 < len(collector.spans) < 10_000
    assert not warnings(caplog)


def test_hosts_beyond_the_first_hundred_are_one_series() -> None:
    from crawler.extensions.telemetry import exporting, meters

    with collecting() as collector:
        exporter = exporting.Metrics(exporting.Delivery(lambda reason: None), f"{collector.url}/v1/metrics", None)
        numbers = meters.Meters(exporter, None, interval=60, stats=dict, gauges={})
        for number in range(300):
            numbers.fetched(Request(f"http://host{number}.test/"), 0.1, None, None)
        numbers.shutdown()
    counts = {
        attributes_of(one)["server.address"]: one.count for one in collector.points("http.client.request.duration")
    }
    assert len(counts) == 101
    assert counts["_OTHER"] == 200


@ensureDeferred
async def test_a_resumed_crawl_has_the_same_traces_so_that_links_hold(tmp_path: Path) -> None:
    job = {"frontier__store": "sqlite", "frontier__job": str(tmp_path / "job")}
    with collecting() as collector, serving(page) as server:
        await crawl(server.url, telemetry__endpoint=collector.url, crawl__max_pages=1, crawl__concurrency=1, **job)
        (first,) = collector.roots
        await crawl(server.url, telemetry__endpoint=collector.url, **job)
    (link,) = collector.root("/one").links
    assert link.span_id == first.span_id
    assert len(collector.roots) == 6
    assert collector.names()["store"] == 6


# --- pure ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("http://site.test/a?b=1&c#top", "http://site.test/a?b=1&c"),
        ("http://me:hush@site.test/", "http://REDACTED:REDACTED@site.test/"),
        ("http://me@site.test?x=1", "http://REDACTED@site.test?x=1"),
        ("http://site.test/?SIG=hush&sig&x=sig=1", "http://site.test/?SIG=REDACTED&sig&x=sig=1"),
        ("http://site.test/@me?at=a@b", "http://site.test/@me?at=a@b"),
        ("data:text/html,x", "data:text/html,x"),
    ],
)
def test_a_url_is_told_without_its_secrets(url: str, shown: str) -> None:
    assert redactor(["sig"])(url) == shown


def test_urls_in_the_message_of_an_error_are_told_without_their_secrets() -> None:
    said = "no answer\udcff from http://me:hush@a.test/?sig=hush, replaced by 'https://b.test/?x=1&sig=hush'"
    assert text_told(said, redactor(["sig"])) == (
        "no answer? from http://REDACTED:REDACTED@a.test/?sig=REDACTED replaced by 'https://b.test/?x=1&sig=REDACTED'"
    )


def test_a_method_that_is_none_of_http_makes_no_series_of_its_own() -> None:
    request = Request("https://site.test/", method="BREW")
    assert request_attributes(request)["http.request.method"] == "_OTHER"
    assert request_attributes(request)["server.port"] == 443
    assert original_method(request) == {"http.request.method_original": "BREW"}


def test_an_error_is_told_by_its_class() -> None:
    assert error_type(KeyError("x")) == "KeyError"
    assert error_type(SettingsError("x")) == "crawler.exceptions.SettingsError"
    assert answer_attributes(None, KeyError("x")) == {"error.type": "KeyError"}
    assert answer_attributes(None, None) == {}


def test_the_collector_of_the_environment_is_named_as_the_sdk_reads_it() -> None:
    assert exporting_to("traces", {}) == "http://localhost:4318/v1/traces"
    assert exporting_to("metrics", {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://c:1/"}) == "http://c:1/v1/metrics"
    assert exporting_to("traces", {"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://c:1/x"}) == "http://c:1/x"


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"telemetry.endpoint": "localhost:4318"}, "begins with http://"),
        ({"telemetry.endpoint": "http://me:hush@c.test"}, "telemetry.headers"),
        ({"telemetry.sample": 1.5}, "telemetry.sample"),
    ],
)
def test_settings_that_make_no_sense_are_told(settings: dict[str, Any], said: str) -> None:
    with pytest.raises(SettingsError) as raised:
        Settings(settings).telemetry  # noqa: B018
    assert said in str(raised.value)
    assert "hush" not in str(raised.value)


@ensureDeferred
async def test_without_the_extra_the_error_names_it(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [one for one in sys.modules if one.startswith(("opentelemetry", "crawler.extensions.telemetry."))]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "opentelemetry", None)
    with pytest.raises(SettingsError, match=r"pip install 'crawler\[otel\]'"):
        await crawl("http://127.0.0.1:9/")
