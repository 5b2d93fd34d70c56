"""Export to a collector: OTLP over HTTP, in the threads of the SDK. A collector that is down costs one warning.

The SDK tries again by itself, and logs each attempt, from its own threads. Here these lines are kept back for what this crawl
exports, and what went wrong is told once, on the reactor.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import requests
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.metrics.export import MetricExportResult
from opentelemetry.sdk.trace.export import SpanExportResult

#: Who of the SDK logs what this crawl's exporters meet.
_LOGGERS = (
    "opentelemetry.exporter.otlp.proto.http.trace_exporter",
    "opentelemetry.exporter.otlp.proto.http.metric_exporter",
    "opentelemetry.exporter.otlp.common.http",
)

#: Which threads export something of ours now.
_OURS = threading.local()


class _Quiet(logging.Filter):
    def filter(self, record: logging.LogRecord) -> bool:
        """Keep back what is logged while something of ours is exported."""
        return not getattr(_OURS, "exporting", False)


_QUIET = _Quiet()


def keep_quiet() -> None:
    """Let the SDK's loggers say nothing about what is exported here; what others in the process export is told as ever."""
    for name in _LOGGERS:
        logging.getLogger(name).addFilter(_QUIET)  # adds it once


class Delivery:
    """Whether what is sent arrives. *tried* is called, in the thread that sends, with what went wrong, "" if nothing did."""

    def __init__(self, tried: Callable[[str], None]) -> None:
        self.tried = tried
        #: Spans that went to the collector or were given up.
        self.spans = 0

    @contextmanager
    def quiet(self) -> Iterator[None]:
        """Keep back what is logged in this thread, and what is raised: some versions of the SDK raise where others do not."""
        _OURS.exporting = True
        try:
            yield
        except Exception as error:
            self.tried(_in_words(error))
        finally:
            _OURS.exporting = False


class _Session(requests.Session):  # type: ignore[misc]  # as below
    """Tells *delivery* what comes of each attempt, at once: the SDK only does after all of them."""

    def __init__(self, delivery: Delivery) -> None:
        super().__init__()
        self._delivery = delivery

    def send(self, request: requests.PreparedRequest, **kwargs: Any) -> requests.Response:
        """Send."""
        try:
            response = super().send(request, **kwargs)
        except requests.RequestException as error:
            self._delivery.tried(_in_words(error))
            raise
        status = response.status_code
        self._delivery.tried(f"it answers with status {status}" if status >= 400 else "")
        return response


def _in_words(error: Exception) -> str:
    """Return what is wrong, without the objects that requests tells of."""
    if isinstance(error, requests.Timeout):
        return "it does not answer in time"
    cause: BaseException = error
    while (inner := getattr(cause, "reason", None) or cause.__cause__ or cause.__context__) is not None:
        if not isinstance(inner, BaseException):
            break
        cause = inner
    return str(getattr(cause, "strerror", None) or cause)


class Spans(OTLPSpanExporter):  # type: ignore[misc]  # an extra: mypy does not look at it
    """Sends spans to *endpoint*; without one, where the environment says."""

    def __init__(self, delivery: Delivery, endpoint: str | None, headers: Mapping[str, str] | None) -> None:
        super().__init__(endpoint=endpoint, headers=headers, session=_Session(delivery))
        self._delivery = delivery

    def export(self, spans: Any) -> Any:
        """Send *spans*."""
        try:
            with self._delivery.quiet():
                return super().export(spans)
            return SpanExportResult.FAILURE
        finally:
            self._delivery.spans += len(spans)


class Metrics(OTLPMetricExporter):  # type: ignore[misc]  # as above
    """Sends metrics to *endpoint*; without one, where the environment says."""

    def __init__(self, delivery: Delivery, endpoint: str | None, headers: Mapping[str, str] | None) -> None:
        super().__init__(endpoint=endpoint, headers=headers, session=_Session(delivery))
        self._delivery = delivery

    def export(self, metrics_data: Any, timeout_millis: float = 10_000, **kwargs: Any) -> Any:
        """Send *metrics_data*."""
        with self._delivery.quiet():
            return super().export(metrics_data, timeout_millis=timeout_millis, **kwargs)
        return MetricExportResult.FAILURE
