"""Metrics: how long requests took, as OpenTelemetry's conventions have it, and the counts of the crawl.

Counts and gauges are read from the crawl's statistics when they are sent, in the thread that sends them: a request costs one entry
in a histogram, and nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from opentelemetry.context import Context
from opentelemetry.metrics import Observation
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.metrics.view import ExplicitBucketHistogramAggregation, View

from crawler import __version__
from crawler.extensions.memusage import memory_in_use
from crawler.extensions.telemetry.attributes import OTHER, answer_attributes, request_attributes

if TYPE_CHECKING:
    from crawler.extensions.telemetry.exporting import Metrics
    from crawler.http import Request, Response

DURATION = "http.client.request.duration"

# Those of the conventions.
_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10)

# Time series cost the collector memory, and a broad crawl has a hundred thousand hosts. Those that come later are one.
_MOST_HOSTS = 100

#: Name, statistic, unit, meaning.
_COUNTS = (
    ("crawler.pages", "response_received_count", "{page}", "Responses that came to a callback."),
    ("crawler.items", "item_scraped_count", "{item}", "Items that were kept."),
    ("crawler.retries", "retry/count", "{request}", "Requests that were tried again."),
    ("crawler.received", "downloader/response_bytes", "By", "Bytes of bodies, decompressed."),
    ("crawler.errors", "spider_exceptions/count", "{error}", "Errors in callbacks."),
)

#: Name, the beginning of the statistics that it is split by, the attribute, unit, meaning.
_SPLIT = (
    ("crawler.requests.dropped", "dropped/", "crawler.reason", "{request}", "Requests that were dropped."),
    (
        "crawler.items.dropped",
        "item_dropped_reasons_count/",
        "error.type",
        "{item}",
        "Items that a pipeline dropped.",
    ),
    ("crawler.responses", "downloader/response_status_count/", "http.response.status_code", "{response}", "Responses."),
)


class Meters:
    """Sends metrics through *exporter* every *interval* seconds. *stats* are the crawl's, *gauges* its numbers by name."""

    def __init__(
        self,
        exporter: Metrics,
        resource: Any,
        *,
        interval: float,
        stats: Callable[[], Mapping[str, Any]],
        gauges: Mapping[str, Callable[[], int]],
    ) -> None:
        self._provider = MeterProvider(
            [PeriodicExportingMetricReader(exporter, export_interval_millis=interval * 1000)],
            resource=resource,
            shutdown_on_exit=False,
            views=[View(instrument_name=DURATION, aggregation=ExplicitBucketHistogramAggregation(_BUCKETS))],
        )
        meter = self._provider.get_meter("crawler", __version__)
        self._duration = meter.create_histogram(DURATION, "s", "Duration of HTTP client requests.")
        self._hosts: set[str] = set()
        self._nowhere = Context()

        def counted(statistic: str) -> Callable[[Any], Iterable[Any]]:
            return lambda _: [Observation(stats().get(statistic, 0))]

        def split(prefix: str, attribute: str) -> Callable[[Any], Iterable[Any]]:
            def observed(_: Any) -> Iterable[Any]:
                for name, count in stats().items():
                    if name.startswith(prefix):
                        value = name[len(prefix) :]
                        yield Observation(count, {attribute: int(value) if value.isdigit() else value})

            return observed

        def read(number: Callable[[], int]) -> Callable[[Any], Iterable[Any]]:
            return lambda _: [Observation(number())]

        for name, statistic, unit, meaning in _COUNTS:
            meter.create_observable_counter(name, [counted(statistic)], unit, meaning)
        for name, prefix, attribute, unit, meaning in _SPLIT:
            meter.create_observable_counter(name, [split(prefix, attribute)], unit, meaning)
        for name, number in gauges.items():
            meter.create_observable_gauge(name, [read(number)], "{request}")
        meter.create_observable_gauge("process.memory.usage", [read(memory_in_use)], "By", "Physical memory in use.")

    # Hot, where metrics are sent: once per request.
    def fetched(self, request: Request, seconds: float, response: Response | None, error: Exception | None) -> None:
        """Count a download that took so long."""
        attributes = request_attributes(request) | answer_attributes(response, error)
        host = attributes["server.address"]
        if host not in self._hosts:
            if len(self._hosts) < _MOST_HOSTS:
                self._hosts.add(host)
            else:
                attributes["server.address"] = OTHER
                attributes.pop("server.port", None)
        self._duration.record(seconds, attributes, self._nowhere)

    def shutdown(self) -> None:
        """Send the last numbers; return when that is done or has failed. Not for the reactor's thread."""
        self._provider.shutdown()
