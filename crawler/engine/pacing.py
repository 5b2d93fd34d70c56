"""Pacing: what comes back from the wire is told to the workbench, which asks the host accordingly from then on.

    a good answer                  how long it took
    429, 503                       refused: the host is asked less often, and not at all for as long as Retry-After says
    RateLimit headers              where nothing is left the host is let alone until there is more
    reset, time-out                trouble: it is asked less often for a while
    cannot be reached              an outage: it is set aside, and tried again later (see ``frontier.outages``)

Other errors and statuses change nothing. Requests with ``meta["autothrottle_dont_adjust_delay"]`` tell nothing either.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import TYPE_CHECKING

from crawler.engine.errands import ASKING
from crawler.exceptions import (
    CannotResolveHostError,
    DownloadConnectionLostError,
    DownloadConnectionRefusedError,
    DownloadError,
    DownloadTimeoutError,
    HostDownError,
)
from crawler.frontier.outages import GIVEN_UP_FOR, Outages
from crawler.http.ratelimit import QUOTA, wait_asked_for, wait_for_quota

if TYPE_CHECKING:
    from crawler.frontier import Workbench
    from crawler.http import Request, Response
    from crawler.interfaces import Clock

logger = logging.getLogger(__name__)

REFUSALS = (429, 503)

# Hosts that have asked to be let alone, beyond which those whose time has come are forgotten.
_MANY = 1_000


class Pacer:
    """Tells *workbench* how the hosts take it. *host_key* gives the host of a request; *max_wait* bounds what they may ask."""

    def __init__(
        self,
        workbench: Workbench,
        clock: Clock,
        *,
        host_key: Callable[[Request], str],
        max_wait: float,
        wall_time: Callable[[], float] = time.time,
    ) -> None:
        self._workbench = workbench
        self._clock = clock
        self._host_key = host_key
        self._max_wait = max_wait
        self._wall_time = wall_time
        self._outages = Outages()
        self._let_alone: dict[str, float] = {}  # until when hosts have asked for it
        self._many = _MANY
        #: How often a host has asked to be let alone.
        self.asked = 0

    def __repr__(self) -> str:
        return f"<Pacer of {self._workbench}, {self._outages}>"

    def around(self, fetch: Callable[[Request], Awaitable[Response]]) -> Callable[[Request], Awaitable[Response]]:
        """Return *fetch* with what comes back told to the workbench."""
        seconds, host_key, outages, asking = self._clock.seconds, self._host_key, self._outages, ASKING.get

        # Hot: once per request.
        async def paced_fetch(request: Request) -> Response:
            visit, started = asking(), seconds()
            host = visit.host_key if visit is not None and visit.request is request else host_key(request)
            if outages.hosts and outages.is_given_up(host, started):
                raise HostDownError(
                    f"{host} could not be reached for minutes; its requests fail until it is tried again, which is "
                    f"{GIVEN_UP_FOR:.0f} seconds after it was given up"
                )
            try:
                response = await fetch(request)
            except DownloadError as error:
                self._failed(host, error, started)
                raise
            meta = request._meta
            if host and not (meta and meta.get("autothrottle_dont_adjust_delay")):
                self._answered(host, response, started)
            return response

        return paced_fetch

    # Hot: once per response.
    def _answered(self, host: str, response: Response, started: float) -> None:
        if self._outages.hosts:
            self._outages.answered(host)
        if response.ip_address is not None:
            self._workbench.is_at(host, str(response.ip_address))
        status, headers, now = response.status, response.headers, self._clock.seconds()
        if status in REFUSALS:
            wait = wait_asked_for(headers, self._wall_time())
            self._workbench.refused(host, started, now, in_so_many_words=status == 429 or wait is not None)
            self._snooze(host, wait, now)
        elif status < 400:
            self._workbench.answered(host, now - started)
        else:
            self._snooze(host, wait_asked_for(headers, self._wall_time()), now)
        if not QUOTA.isdisjoint(headers.keys()):  # those are looked through without a call each
            self._snooze(host, wait_for_quota(headers, self._wall_time()), now)

    def _snooze(self, host: str, wait: float | None, now: float) -> None:
        """Let *host* alone for the *wait* seconds that it asks for, if it does, within bounds."""
        if not wait:
            return
        until = now + min(wait, self._max_wait)
        self._workbench.snooze(host, until, now)
        if until > self._let_alone.get(host, 0.0):
            self._let_alone[host] = until
            self.asked += 1
            if len(self._let_alone) > self._many:
                self._many = max(_MANY, 2 * len(self.waits(now)))

    def waits(self, now: float) -> list[tuple[str, float]]:
        """Return the hosts that have asked to be let alone for longer than *now*: (host key, until when)."""
        self._let_alone = {host: until for host, until in self._let_alone.items() if until > now}
        return list(self._let_alone.items())

    def paces(self) -> list[tuple[str, list[float]]]:
        """Return what is known of hosts that have refused requests, or were in trouble, as plain values."""
        return self._workbench.paces()

    def restore(
        self, waits: Iterable[tuple[str, float]], paces: Iterable[tuple[str, Sequence[float]]], now: float
    ) -> None:
        """Go on from what :meth:`waits` and :meth:`paces` returned in an earlier process; no host has work yet."""
        self._workbench.restore_paces(paces, now)
        for host, until in waits:
            self._snooze(host, until - now if until > now else None, now)

    def _failed(self, host: str, error: DownloadError, started: float) -> None:
        now = self._clock.seconds()
        if _is_unreachable(error):
            until = self._outages.failed(host, started, now)
            if self._outages.is_given_up(host, now):
                logger.error("%s cannot be reached, and is given up for %.0f seconds: %s", host, until - now, error)
                self._workbench.let_go(host, now)
            elif until:
                logger.warning("%s cannot be reached, and is tried again in %.0f seconds: %s", host, until - now, error)
                self._workbench.snooze(host, until, now)
        elif isinstance(error, DownloadConnectionLostError | DownloadTimeoutError):
            self._workbench.troubled(host, started, now)


def _is_unreachable(error: DownloadError) -> bool:
    """Tell whether *error* says that no connection was made."""
    if isinstance(error, DownloadTimeoutError):
        return error.phase == "connect"
    return isinstance(error, CannotResolveHostError | DownloadConnectionRefusedError)
