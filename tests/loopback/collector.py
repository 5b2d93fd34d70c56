"""A collector on loopback that takes OTLP over HTTP as any other does, and keeps what it was sent."""

from __future__ import annotations

import gzip
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest


def value_of(value: Any) -> Any:
    """Return what an AnyValue holds."""
    return getattr(value, value.WhichOneof("value"))


def attributes_of(told: Any) -> dict[str, Any]:
    """Return the attributes of a span, a point, a link or a resource."""
    return {one.key: value_of(one.value) for one in told.attributes}


class Collector:
    """What was sent: headers of each request, spans, and the last points of each metric by its name."""

    def __init__(self) -> None:
        self.url = ""
        self.status = 200
        self.headers: list[dict[str, str]] = []
        self.resources: list[dict[str, Any]] = []
        self.spans: list[Any] = []
        self.metrics: dict[str, Any] = {}
        self.release = threading.Event()
        self.release.set()

    def take(self, path: str, headers: dict[str, str], body: bytes) -> None:
        """Decode and keep what was sent."""
        self.headers.append(headers)
        if headers.get("content-encoding") == "gzip":
            body = gzip.decompress(body)
        if path.endswith("/v1/traces"):
            for sent in ExportTraceServiceRequest.FromString(body).resource_spans:
                self.resources.append(attributes_of(sent.resource))
                self.spans += [span for scope in sent.scope_spans for span in scope.spans]
        elif path.endswith("/v1/metrics"):
            for sent in ExportMetricsServiceRequest.FromString(body).resource_metrics:
                self.resources.append(attributes_of(sent.resource))
                self.metrics |= {one.name: one for scope in sent.scope_metrics for one in scope.metrics}

    @property
    def roots(self) -> list[Any]:
        """The spans of visits."""
        return [span for span in self.spans if not span.parent_span_id]

    def root(self, path: str) -> Any:
        """Return the span of the visit of the URL that ends with *path*."""
        (found,) = [span for span in self.roots if attributes_of(span)["url.full"].endswith(path)]
        return found

    def below(self, root: Any) -> dict[str, Any]:
        """Return the spans below *root* by name."""
        return {span.name: span for span in self.spans if span.parent_span_id == root.span_id}

    def names(self) -> Counter[str]:
        """Return how often each kind of span below a visit was sent."""
        return Counter(span.name for span in self.spans if span.parent_span_id)

    def points(self, name: str) -> list[Any]:
        """Return the points of the metric *name*."""
        metric = self.metrics[name]
        return list(getattr(metric, metric.WhichOneof("data")).data_points)

    def number(self, name: str) -> Any:
        """Return the number of the metric *name*, which has one point."""
        (point,) = self.points(name)
        return getattr(point, point.WhichOneof("value"))

    def numbers(self, name: str, attribute: str) -> dict[Any, Any]:
        """Return the numbers of the metric *name* by an attribute."""
        return {
            attributes_of(point)[attribute]: getattr(point, point.WhichOneof("value")) for point in self.points(name)
        }


@contextmanager
def collecting() -> Iterator[Collector]:
    """Run a collector for as long as the block lasts."""
    collector = Collector()

    class Taker(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            collector.release.wait(30)
            if collector.status == 200:
                collector.take(self.path, {name.lower(): value for name, value in self.headers.items()}, body)
            self.send_response(collector.status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Taker)
    server.daemon_threads = True
    server.block_on_close = False
    collector.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield collector
    finally:
        collector.release.set()
        server.shutdown()
        server.server_close()
        thread.join()
