"""Visits as traces: a span from the hand-out to the end, and below it one for each thing that the visit waited for.

    GET                      kind client; what was asked, what came (see ``attributes``), how the visit ended
        dns, connect, tls, first byte, body
        callback             what the callback awaits included
        pipeline             from the first item to the last
        store                the commit of what it brought, after its end

A link leads to the visit that the request was found on. The identifiers of a visit are made from the run and the number of its
request: so a link needs no memory of visits that are over, holds after a crawl was resumed, and whether the other end was sampled
is known, too.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import Link, SpanContext, SpanKind, Status, StatusCode, TraceFlags

from crawler import __version__
from crawler.extensions.telemetry.attributes import (
    OTHER,
    answer_attributes,
    error_type,
    original_method,
    request_attributes,
    told,
)

if TYPE_CHECKING:
    from crawler.download import Phases
    from crawler.extensions.telemetry.exporting import Delivery, Spans
    from crawler.frontier import Visit
    from crawler.http import Request, Response

# Spans that wait to be sent, and how many go at once. A collector that falls behind costs spans, not memory.
_QUEUE, _BATCH = 8192, 1024

# A visit has about this many spans; where fewer fit into the queue, it is not told.
_OF_A_VISIT = 10

# Characters of a message.
_MOST_TEXT = 500

_NAMES = ("dns", "connect", "tls", "first byte", "body")

# The share is compared with the last 56 bits of a trace's identifier, as the SDK's own sampler does.
_SHARE_BITS = 56


_UNSET, _FAILED = Status(StatusCode.UNSET), Status(StatusCode.ERROR)
_SAMPLED, _NOT_SAMPLED = TraceFlags(TraceFlags.SAMPLED), TraceFlags(TraceFlags.DEFAULT)


@dataclass(frozen=True, slots=True)
class Fetched:
    """A download of a visit."""

    request: Request
    response: Response | None
    error: Exception | None


@dataclass(slots=True)
class Trace:
    """What is noted of a visit; *now* gives the time in nanoseconds."""

    now: Callable[[], int]
    context: Any
    began: int
    #: (what, began, ended, error)
    parts: list[tuple[str, int, int, str]] = field(default_factory=list)
    fetched: list[Fetched] = field(default_factory=list)
    is_told: bool = False
    _open: dict[str, int] = field(default_factory=dict)

    def got(self, request: Request, response: Response | None, error: Exception | None) -> None:
        """Note a download, and what came of it."""
        self.fetched.append(Fetched(request, response, error))

    def begin(self, what: str) -> None:
        """Note that *what* begins now."""
        self._open[what] = self.now()

    def end(self, what: str, error: BaseException | None = None) -> None:
        """Note that it is over."""
        began = self._open.pop(what)
        self.parts.append((what, began, self.now(), error_type(error) if error is not None else ""))

    def took(self, what: str, seconds: float) -> None:
        """Note that *what* is over now; what there is several times is one, from its first beginning to its last end."""
        now = self.now()
        began = now - int(seconds * 1e9)
        for place, (known, first, _, error) in enumerate(self.parts):
            if known == what:
                self.parts[place] = what, min(first, began), now, error
                return
        self.parts.append((what, began, now, ""))

    def downloaded(self, phases: Phases) -> None:
        """Note the phases of a download that is over now."""
        at = self.now() - int(sum(seconds for seconds in phases if seconds is not None) * 1e9)
        for name, seconds in zip(_NAMES, phases, strict=True):
            if seconds is not None:
                ended = at + int(seconds * 1e9)
                self.parts.append((name, at, ended, ""))
                at = ended


class Tracing:
    """Makes spans of visits and hands them to *exporter*, whose *delivery* tells how far it is.

    *run* names the crawl, *sample* is the share that is traced, *redacted* makes URLs fit to be told, *seconds* is the clock.
    """

    def __init__(
        self,
        exporter: Spans,
        delivery: Delivery,
        resource: Any,
        *,
        run: str,
        sample: float,
        redacted: Callable[[str], str],
        seconds: Callable[[], float] = time.monotonic,
    ) -> None:
        self._processor = BatchSpanProcessor(
            exporter, max_queue_size=_QUEUE, max_export_batch_size=_BATCH, schedule_delay_millis=1000
        )
        self._resource = resource
        self._scope = InstrumentationScope("crawler", __version__)
        self._delivery = delivery
        self._key = blake2b(run.encode(), digest_size=32).digest()
        self._limit = round(sample * (1 << _SHARE_BITS))
        self._redacted = redacted
        self._seconds = seconds
        self._epoch = time.time_ns() - int(seconds() * 1e9)
        self._sent = 0
        #: Spans that were not told, since the collector did not keep up.
        self.dropped = 0

    def _now(self) -> int:
        return self._epoch + int(self._seconds() * 1e9)

    def context_of(self, sequence: int) -> Any:
        """Return the context of the span of the request number *sequence*; one of its own for 0, which is no number."""
        if sequence:
            digest = blake2b(sequence.to_bytes(8, "big"), digest_size=24, key=self._key).digest()
            trace, span = int.from_bytes(digest[:16], "big") or 1, int.from_bytes(digest[16:], "big") or 1
        else:
            trace, span = random.getrandbits(128) or 1, random.getrandbits(64) or 1
        is_sampled = trace & ((1 << _SHARE_BITS) - 1) < self._limit
        return SpanContext(trace, span, False, _SAMPLED if is_sampled else _NOT_SAMPLED)

    # Hot, where traces are sent: once per request.
    def begun(self, visit: Visit) -> None:
        """Follow *visit*, if it is among the share."""
        context = self.context_of(visit.sequence)
        if context.trace_flags.sampled:
            visit.trace = Trace(self._now, context, self._now())

    def ended(self, visit: Visit) -> None:
        """Make the spans of *visit*."""
        trace = visit.trace
        assert isinstance(trace, Trace)  # begun() sets it
        if self._sent - self._delivery.spans > _QUEUE - _OF_A_VISIT:
            self.dropped += 1 + len(trace.parts)
            return
        request, links = visit.request, []
        if visit.parent > 0:
            links.append(Link(self.context_of(visit.parent), {"crawler.link": "found on"}))
        attributes, error = self._attributes(visit, trace)
        context, status = trace.context, _UNSET
        if error:
            status = Status(StatusCode.ERROR, told(visit.detail[:_MOST_TEXT], self._redacted) or None)
        for name, began, ended, failed in trace.parts:
            self._child(context, name, began, ended, failed)
        name = request.method if attributes["http.request.method"] != OTHER else "HTTP"
        self._send(
            name,
            context,
            None,
            self._resource,
            attributes,
            (),
            links,
            SpanKind.CLIENT,
            status=status,
            start_time=trace.began,
            end_time=self._now(),
            instrumentation_scope=self._scope,
        )
        trace.is_told = True

    def _child(self, parent: Any, name: str, began: int, ended: int, error: str = "") -> None:
        self._send(
            name,
            SpanContext(parent.trace_id, random.getrandbits(64) or 1, False, parent.trace_flags),
            parent,
            self._resource,
            {"error.type": error} if error else {},
            status=_FAILED if error else _UNSET,
            start_time=began,
            end_time=ended,
            instrumentation_scope=self._scope,
        )

    def _send(self, *arguments: Any, **named: Any) -> None:
        """Make a span and let it be sent. It has ended long ago: a Tracer's, made to be filled, takes ten times as long."""
        self._processor.on_end(ReadableSpan(*arguments, **named))
        self._sent += 1

    def _attributes(self, visit: Visit, trace: Trace) -> tuple[dict[str, Any], bool]:
        """Return what is said of *visit*, and whether it went wrong."""
        request = visit.request
        attributes = request_attributes(request) | original_method(request)
        attributes["url.full"] = self._redacted(request.url)
        attributes["crawler.outcome"] = "errand" if not visit.sequence else str(visit.outcome)
        own = next(
            (one for one in trace.fetched if one.request is request), trace.fetched[-1] if trace.fetched else None
        )
        if own is not None:
            attributes |= answer_attributes(own.response, own.error)
            address = own.response.ip_address if own.response is not None else None
            if address is not None:
                attributes["network.peer.address"] = str(address)
        elif visit.status:
            attributes["http.response.status_code"] = visit.status
            attributes["crawler.cached"] = True
        failed = next((error for _, _, _, error in trace.parts if error), "")
        if failed:
            attributes.setdefault("error.type", failed)
        if visit.reason:
            attributes["crawler.reason"] = told(visit.reason[:_MOST_TEXT], self._redacted)
        if visit.items:
            attributes["crawler.items"] = visit.items
        if visit.turn:
            attributes["crawler.wait.turn"] = visit.turn
        if visit.let_alone:
            attributes["crawler.wait.politeness"] = visit.let_alone
        if request.has_meta:
            for key, name in (("depth", "crawler.depth"), ("retry_times", "http.request.resend_count")):
                value = request.meta.get(key)
                if isinstance(value, int) and value:
                    attributes[name] = value
        return attributes, "error.type" in attributes

    def committed(self, visits: Sequence[Visit], seconds: float) -> None:
        """Tell the commit of what *visits* brought."""
        now = self._now()
        for visit in visits:
            trace = visit.trace
            if isinstance(trace, Trace) and trace.is_told:
                self._child(trace.context, "store", now - int(seconds * 1e9), now)

    @staticmethod
    def traceparent(context: Any) -> str:
        """Return *context* as the header of W3C Trace Context."""
        return f"00-{context.trace_id:032x}-{context.span_id:016x}-{int(context.trace_flags):02x}"

    def shutdown(self) -> None:
        """Send what is left; return when that is done or has failed. Not for the reactor's thread."""
        self._processor.shutdown()
