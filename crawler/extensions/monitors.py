"""Monitors: what a crawl must bring, checked when it ends; and a webhook that tells how it went.

    [monitors]
    min_items = 1000
    max_error_share = 0.01              # errors and failed requests, of all requests that ended
    fill = { title = 1.0, price = 0.95 }  # the least share of items in which a field holds something
    max_fewer_items = 0.2               # than the last finished job of the spider brought, as a share
    webhook = "https://example.org/hooks/crawls"
    webhook_on = "failure"              # or "end"
    webhook_headers = { "X-Secret" = "..." }

What failed stands in the log, in the table at the end, in the report, in the statistic ``monitors/failed``, and is exit code 4.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from twisted.internet.task import deferLater

from crawler import signals
from crawler.exceptions import CrawlerError, NotConfigured
from crawler.http import Request

if TYPE_CHECKING:
    from crawler.crawler import Crawler

logger = logging.getLogger(__name__)

FAILED = "monitors/failed"

# Seconds before each attempt: a receiver that is restarted comes back within seconds; one that does not is told of in the log.
_ATTEMPTS = (0.0, 1.0, 5.0)


@dataclass(frozen=True, slots=True)
class Brought:
    """What a crawl brought: *filled* is the number of items by field that holds something; *before* the items of the last job."""

    items: int
    errors: int
    ended: int
    filled: Mapping[str, int] = field(default_factory=dict)
    before: int | None = None


def failures(settings: Any, brought: Brought) -> list[str]:
    """Return a sentence for each monitor of the section *settings* that is not met. Pure."""
    told: list[str] = []
    items = brought.items
    if items < settings.min_items:
        told.append(f"{items:,} items are fewer than monitors.min_items = {settings.min_items:,}")
    share = brought.errors / brought.ended if brought.ended else float(bool(brought.errors))
    if share > settings.max_error_share:
        told.append(
            f"{brought.errors:,} errors in {brought.ended:,} requests ({share:.1%}) are more than "
            f"monitors.max_error_share = {settings.max_error_share:.1%}"
        )
    for name, least in settings.fill.items():
        filled = brought.filled.get(name, 0)
        if items and filled < items * least:
            told.append(
                f"the field {name!r} holds something in {filled / items:.0%} of the items; monitors.fill asks for {least:.0%}"
            )
    if settings.max_fewer_items < 1 and brought.before and items < brought.before * (1 - settings.max_fewer_items):
        told.append(
            f"{items:,} items are {1 - items / brought.before:.0%} fewer than the {brought.before:,} of the last job; "
            f"monitors.max_fewer_items = {settings.max_fewer_items:.0%}"
        )
    return told


class Monitors:
    """Checks the crawl of *crawler* when it ends; *post* sends the webhook."""

    def __init__(self, crawler: Crawler, *, post: Callable[[Request], Awaitable[Any]]) -> None:
        self._crawler = crawler
        self._settings = crawler.settings.monitors
        self._post = post

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Monitors:
        """Build from ``settings.monitors``; left out where none is set."""
        if not crawler.settings.monitors.is_used:
            raise NotConfigured
        monitors = cls(crawler, post=crawler.fetch)
        crawler.signals.connect(monitors.spider_closed, signals.spider_closed)
        return monitors

    async def spider_closed(self, spider: Any, reason: str) -> None:
        """Check, and tell whom it concerns."""
        told = failures(self._settings, self._brought())
        for sentence in told:
            logger.error("Monitor: %s", sentence)
        self._crawler.stats.set_value(FAILED, told)
        if self._settings.webhook and (told or self._settings.webhook_on == "end" or self._is_broken(reason)):
            await self._tell(reason, told)

    def _is_broken(self, reason: str) -> bool:
        return reason.endswith("_error")

    def _brought(self) -> Brought:
        engine = self._crawler.engine
        assert engine is not None  # it is closing
        fields = engine.watch.profile.fields
        return Brought(
            items=engine.account.items,
            errors=engine.account.errors + engine.frontier.failed,
            ended=sum(engine.frontier.ended.values()),
            filled={name: kept["filled"] for name, kept in fields.items()},
            before=self._crawler.items_before() if self._settings.max_fewer_items < 1 else None,
        )

    async def _tell(self, reason: str, told: list[str]) -> None:
        """Send the webhook; what goes wrong is logged, and changes nothing about the crawl."""
        now = self._crawler.look()
        body = {
            "spider": now["spider"],
            "job": now["job"],
            "reason": reason,
            "ok": not told and not self._is_broken(reason),
            "failed": told,
            **{name: now[name] for name in ("pages", "items", "errors", "waiting", "elapsed", "dropped", "statuses")},
            "failed_requests": now["failed"],
            "held_back": now["held_back"],
        }
        headers = {"Content-Type": "application/json", **self._settings.webhook_headers}
        for attempt, seconds in enumerate(_ATTEMPTS, 1):
            await deferLater(self._crawler.clock, seconds)
            request = Request(
                self._settings.webhook, method="POST", headers=headers, body=json.dumps(body), dont_filter=True
            )
            try:
                response = await self._post(request)
            except CrawlerError as error:
                said = str(error)
            else:
                if response.status < 300:
                    return
                said = f"status {response.status}"
            logger.warning("The webhook was not taken (attempt %d of %d): %s", attempt, len(_ATTEMPTS), said)
