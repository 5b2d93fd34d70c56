"""Telemetry: visits as OpenTelemetry traces, and metrics, sent to a collector while the crawl runs.

    pip install 'crawler[otel]'

    [telemetry]
    endpoint = "http://localhost:4318"      # OTLP over HTTP; or enabled = true, and OTEL_EXPORTER_OTLP_ENDPOINT

What is sent is told in ``spans`` and ``meters``. It is sent by the SDK's threads; nothing of it waits in the reactor. A collector
that is down costs one warning: what it cannot take is dropped, and no crawl waits for it. At the end what is left is sent for at
most ``telemetry.flush_timeout`` seconds.
"""

from __future__ import annotations

import logging
import os
import secrets
import threading
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from importlib import import_module
from typing import TYPE_CHECKING, Any

from twisted.internet.defer import Deferred

from crawler import __version__, signals
from crawler.exceptions import NotConfigured, SettingsError
from crawler.extensions.telemetry.attributes import redactor
from crawler.url import split

if TYPE_CHECKING:
    from crawler.crawler import Crawler
    from crawler.download import OnPhases, Phases
    from crawler.extensions.telemetry.exporting import Delivery
    from crawler.extensions.telemetry.meters import Meters
    from crawler.extensions.telemetry.spans import Tracing
    from crawler.frontier import Visit
    from crawler.http import Request, Response
    from crawler.settings.schema import Telemetry as TelemetrySettings

logger = logging.getLogger(__name__)

_HEADER = b"traceparent"


class Telemetry:
    """Follows the visits of *crawler* and counts what it does."""

    def __init__(self, crawler: Crawler, settings: TelemetrySettings) -> None:
        self._crawler = crawler
        self._settings = settings
        self._tracing: Tracing | None = None
        self._meters: Meters | None = None
        self._hosts = frozenset(host.lower() for host in settings.propagate_to)
        self._broken: set[str] = set()  # what cannot be sent just now: traces, metrics
        self._is_told = False
        self._flushing: set[str] = set()
        self._waiting: Deferred[None] | None = None
        #: What makes the identifiers of traces those of this crawl and no other. It is kept with the job.
        self.run = secrets.token_hex(16)

    def __repr__(self) -> str:
        return "<Telemetry>"

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Telemetry:
        """Build from ``settings.telemetry``; left out where it is off, or where there is no network."""
        settings = crawler.settings.telemetry
        is_disabled = os.environ.get("OTEL_SDK_DISABLED", "").strip().lower() == "true"
        if not settings.is_on or is_disabled or crawler.runtime.loop is None:
            raise NotConfigured
        try:
            import_module(f"{__name__}.exporting")  # brings the SDK, an extra that takes a while
        except ImportError as error:
            raise SettingsError(
                f"telemetry needs OpenTelemetry, which is not installed ({error}): pip install 'crawler[otel]'"
            ) from error
        telemetry = cls(crawler, settings)
        crawler.signals.connect(telemetry.engine_started, signals.engine_started)
        crawler.signals.connect(telemetry.engine_stopped, signals.engine_stopped)
        return telemetry

    def engine_started(self) -> None:
        """Begin."""
        from opentelemetry.sdk.resources import Resource

        from crawler.extensions.telemetry import exporting
        from crawler.extensions.telemetry.meters import Meters
        from crawler.extensions.telemetry.spans import Tracing

        exporting.keep_quiet()
        engine, settings, stats = self._crawler.engine, self._settings, self._crawler.stats
        assert engine is not None  # it has started
        resource = Resource.create(self._resource(engine.job, engine.spider.name))
        headers = settings.headers or None
        if settings.traces:
            delivery = self._delivery("traces")
            self._tracing = Tracing(
                exporting.Spans(delivery, self._endpoint("traces"), headers),
                delivery,
                resource,
                run=self.run,
                sample=settings.sample,
                redacted=redactor(settings.redact),
            )
        if settings.metrics:
            self._meters = Meters(
                exporting.Metrics(self._delivery("metrics"), self._endpoint("metrics"), headers),
                resource,
                interval=settings.interval,
                stats=stats.get_stats,
                gauges={
                    "crawler.requests.waiting": lambda: engine.frontier.waiting,
                    "crawler.visits.in_flight": lambda: engine.in_flight,
                },
            )

    def _delivery(self, what: str) -> Delivery:
        from crawler.extensions.telemetry.exporting import Delivery

        def tried(reason: str) -> None:
            with suppress(RuntimeError):  # the loop was closed meanwhile: nobody is left to hear it
                self._crawler.runtime.reactor.callFromThread(self._tried, what, reason)

        return Delivery(tried)

    def _resource(self, job: str, spider: str) -> dict[str, Any]:
        """Return what everything that is sent says of where it comes from, besides OTEL_RESOURCE_ATTRIBUTES."""
        told: dict[str, Any] = {"crawler.spider": spider, "crawler.version": __version__}
        if job:
            told["crawler.job"] = job
        named = self._settings.service_name
        if named or not (os.environ.get("OTEL_SERVICE_NAME") or "service.name=" in _resource_attributes()):
            told["service.name"] = named or "crawler"
        return told

    def _endpoint(self, what: str) -> str | None:
        """Return where *what* is sent to, None for where the environment says."""
        given = self._settings.endpoint.rstrip("/")
        for path in ("/v1/traces", "/v1/metrics"):
            given = given.removesuffix(path)
        return f"{given}/v1/{what}" if given else None

    def _tried(self, what: str, reason: str) -> None:
        """Note that *what* was sent, or, for a *reason*, was not: warn the first time, and do not wait for it."""
        if not reason:
            self._broken.discard(what)
            return
        self._broken.add(what)
        if not self._is_told:
            self._is_told = True
            where = redactor(())(self._endpoint(what) or exporting_to(what, os.environ))
            logger.warning(
                "Telemetry (%s) cannot be sent to %s: %s. The crawl goes on without; this is said once",
                what,
                where,
                reason,
            )
        self._flushed(what)

    # --- what the engine tells ------------------------------------------------------------------------------------------

    def begun(self, visit: Visit) -> None:
        """Follow *visit*."""
        if self._tracing is not None:
            self._tracing.begun(visit)

    def ended(self, visit: Visit) -> None:
        """Tell of *visit*."""
        if self._tracing is not None:
            self._tracing.ended(visit)

    def committed(self, visits: Sequence[Visit], seconds: float) -> None:
        """Tell the commit of what *visits* brought."""
        if self._tracing is not None:
            self._tracing.committed(visits, seconds)

    def phases(self, count: OnPhases, asking: Callable[[], Visit | None]) -> OnPhases:
        """Return what takes the phases of each download: *count* does, and the visit that is *asking* notes them."""

        def on_phases(request: Request, phases: Phases) -> None:
            count(request, phases)
            visit = asking()
            trace: Any = visit.trace if visit is not None else None
            if trace is not None:
                trace.downloaded(phases)

        return on_phases

    def around(
        self, fetch: Callable[[Request], Awaitable[Response]], asking: Callable[[], Visit | None]
    ) -> Callable[[Request], Awaitable[Response]]:
        """Return *fetch* with its downloads counted, and noted by the visit that is *asking*."""

        # Hot, where telemetry is sent: once per request.
        async def followed_fetch(request: Request) -> Response:
            visit, began = asking(), time.monotonic()
            is_told = self._tell_context(request, visit) if self._hosts else False
            response: Response | None = None
            failed: Exception | None = None
            try:
                response = await fetch(request)
                return response
            except Exception as error:
                failed = error
                raise
            finally:
                if is_told:
                    del request.headers[_HEADER]  # a redirect may lead to another host
                if response is not None or failed is not None:  # else it was cut short
                    self._fetched(request, visit, time.monotonic() - began, response, failed)

        return followed_fetch

    def _fetched(
        self,
        request: Request,
        visit: Visit | None,
        seconds: float,
        response: Response | None,
        error: Exception | None,
    ) -> None:
        if self._meters is not None:
            self._meters.fetched(request, seconds, response, error)
        trace: Any = visit.trace if visit is not None else None
        if trace is not None:
            trace.got(request, response, error)

    def _tell_context(self, request: Request, visit: Visit | None) -> bool:
        """Put the trace of *visit* into the headers of *request* if its host may know; tell whether it was."""
        if self._tracing is None or visit is None or _HEADER in request.headers or not self._may_know(request):
            return False
        trace: Any = visit.trace
        context = trace.context if trace is not None else self._tracing.context_of(visit.sequence)
        request.headers[_HEADER] = self._tracing.traceparent(context)
        return True

    def _may_know(self, request: Request) -> bool:
        host = split(request.url).host
        if host in self._hosts:
            return True
        while host := host.partition(".")[2]:
            if f"*.{host}" in self._hosts:
                return True
        return False

    # --- the end --------------------------------------------------------------------------------------------------------

    def engine_stopped(self) -> Deferred[None] | None:
        """Send what is left, for a while; fires when that is done, has failed, or has taken too long."""
        senders: dict[str, Any] = {"traces": self._tracing, "metrics": self._meters}
        senders = {what: sender for what, sender in senders.items() if sender is not None}
        reactor, seconds = self._crawler.runtime.reactor, self._settings.flush_timeout
        self._flushing = set(senders) - self._broken
        for what, sender in senders.items():
            threading.Thread(target=self._send_rest, args=(what, sender), name="telemetry", daemon=True).start()
        if not self._flushing:
            return None
        waiting = self._waiting = Deferred[None]()
        timer = reactor.callLater(seconds, self._give_up, f"no answer within {seconds:g} s")

        def over(result: None) -> None:
            if timer.active():
                timer.cancel()

        return waiting.addCallback(over)

    def _send_rest(self, what: str, sender: Any) -> None:
        """In a thread: send what is left."""
        sender.shutdown()
        with suppress(RuntimeError):  # the loop was closed meanwhile
            self._crawler.runtime.reactor.callFromThread(self._flushed, what)

    def _give_up(self, reason: str) -> None:
        for what in sorted(self._flushing):
            self._tried(what, reason)

    def _flushed(self, what: str) -> None:
        """Note that *what* need not be waited for any more."""
        self._flushing.discard(what)
        if not self._flushing and self._waiting is not None:
            waiting, self._waiting = self._waiting, None
            waiting.callback(None)


def exporting_to(what: str, environ: Mapping[str, str]) -> str:
    """Return where the environment has *what* sent to, as the SDK reads it."""
    own = environ.get(f"OTEL_EXPORTER_OTLP_{what.upper()}_ENDPOINT")
    base = environ.get("OTEL_EXPORTER_OTLP_ENDPOINT") or "http://localhost:4318"
    return own or f"{base.rstrip('/')}/v1/{what}"


def _resource_attributes() -> str:
    return os.environ.get("OTEL_RESOURCE_ATTRIBUTES", "").replace(" ", "")
