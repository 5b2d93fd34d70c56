"""The dashboard: a crawl in the browser, while it runs.

    crawler crawl books --dashboard          or  dashboard.enabled = true

It is served on loopback, at a URL with a random token that is printed when the crawl begins. One page without any script, font or
picture from elsewhere; JSON at /api/look and numbers for Prometheus at /metrics beside it (``guard`` says who may ask).
"""

from __future__ import annotations

import logging
import secrets
import sys
from collections import deque
from typing import TYPE_CHECKING, Any

from crawler import signals
from crawler.exceptions import NotConfigured, UsageError, describe

if TYPE_CHECKING:
    from crawler.crawler import Crawler
    from crawler.interfaces import Timer

logger = logging.getLogger(__name__)

# One sample a second, for ten minutes.
INTERVAL, SAMPLES = 1.0, 600

_RECENT, _SHOWN = 20, 300


class Dashboard:
    """Serves what *crawler* looks like on *host* and *port* (0 for any free one), to whoever has *token*."""

    def __init__(self, crawler: Crawler, *, host: str, port: int, token: str) -> None:
        self.crawler = crawler
        self.token = token
        self.url = ""
        self.samples: deque[tuple[float, ...]] = deque(maxlen=SAMPLES)
        self._recent: deque[dict[str, str]] = deque(maxlen=_RECENT)
        self._to_show = _RECENT
        self._settings = crawler.settings.in_force()
        #: What was changed from the page, by name.
        self.changes: dict[str, float] = {}
        self._host = host
        self._port = port
        politeness, crawl = crawler.settings.politeness, crawler.settings.crawl
        self._limits = {
            "delay": politeness.delay,
            "concurrency_per_host": politeness.concurrency_per_host,
            "concurrency": crawl.concurrency,
        }
        self._listening: Any = None
        self._timer: Timer | None = None

    def __repr__(self) -> str:
        return f"<Dashboard on {self._host}>"  # not the URL: it holds the token

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Dashboard:
        """Build from ``settings.dashboard``; left out where it is not enabled, or where there is no network."""
        settings = crawler.settings.dashboard
        if not settings.enabled or crawler.runtime.loop is None:
            raise NotConfigured
        token = settings.token or secrets.token_urlsafe(24)
        dashboard = cls(crawler, host=settings.host, port=settings.port, token=token)
        crawler.signals.connect(dashboard.engine_started, signals.engine_started)
        crawler.signals.connect(dashboard.engine_stopped, signals.engine_stopped)
        crawler.signals.connect(dashboard.item_scraped, signals.item_scraped)
        return dashboard

    def engine_started(self) -> None:
        """Begin to serve."""
        from twisted.internet.error import CannotListenError

        from crawler.extensions.dashboard.server import site  # brings twisted.web's server, which no other crawl needs

        try:
            self._listening = self.crawler.runtime.reactor.listenTCP(self._port, site(self), interface=self._host)
        except CannotListenError as error:
            raise UsageError(
                f"the dashboard cannot be served on {self._host}, port {self._port}: {error.socketError}; set dashboard.port to "
                "another one, or to 0 for any that is free"
            ) from error
        port = self._listening.getHost().port
        shown = f"[{self._host}]" if ":" in self._host else self._host
        self.address = f"{shown}:{port}"
        self.url = f"http://{self.address}/?token={self.token}"
        # The log may be kept, and read by others: what opens the dashboard is only shown.
        sys.stderr.write(f"Dashboard: {self.url}\n")
        sys.stderr.flush()
        logger.info("The dashboard is on http://%s/", self.address)
        self._sample()

    def engine_stopped(self) -> Any:
        """Stop serving."""
        if self._timer is not None and self._timer.active():
            self._timer.cancel()
        return self._listening.stopListening() if self._listening is not None else None

    def item_scraped(self, item: Any, response: Any) -> None:
        """Keep the beginning of *item*, if it is among the first since the last sample: more than that nobody could read.

        The item itself is not kept, nor what it may hold of its page.
        """
        if self._to_show:
            self._to_show -= 1
            self._recent.appendleft({"item": _beginning(item), "url": response.url if response is not None else ""})

    def _sample(self) -> None:
        self._to_show = _RECENT
        now = self.crawler.look()
        latency = now["latency"]
        self.samples.append(
            (now["elapsed"], now["pages"], now["items"], now["waiting"], now["memory"], latency["p50"], latency["p90"])
        )
        self._timer = self.crawler.clock.callLater(INTERVAL, self._sample)

    def look(self) -> dict[str, Any]:
        """Return everything that the page shows."""
        return {
            **self.crawler.look(),
            "samples": list(self.samples),
            "recent": list(self._recent),
            "settings": self._settings,
            "limits": {**self._limits, **self.changes},
        }


def _beginning(item: Any) -> str:
    try:
        return repr(item)[:_SHOWN]
    except Exception as error:  # it is a class of the user's
        return f"<{type(item).__name__} that cannot be shown: {describe(error)}>"[:_SHOWN]
