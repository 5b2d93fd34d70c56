"""Something that is done again and again while a crawl lasts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from crawler import signals

if TYPE_CHECKING:
    from collections.abc import Callable

    from crawler.crawler import Crawler
    from crawler.interfaces import Timer


class Repeating:
    """Calls *action* every *interval* seconds from when the spider of *crawler* is opened until it is closed."""

    def __init__(self, crawler: Crawler, interval: float, action: Callable[[], Any]) -> None:
        self._crawler = crawler
        self._interval = interval
        self._action = action
        self._timer: Timer | None = None
        crawler.signals.connect(self._begin, signals.spider_opened)
        crawler.signals.connect(self._end, signals.spider_closed)

    def _begin(self) -> None:
        self._timer = self._crawler.clock.callLater(self._interval, self._act)

    def _act(self) -> None:
        self._begin()
        self._action()

    def _end(self) -> None:
        if self._timer is not None and self._timer.active():
            self._timer.cancel()
