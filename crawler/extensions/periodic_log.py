"""PeriodicLog: the statistics, or what has changed in them, as a line of JSON every ``log.stats_interval`` seconds.

Not on by default: name it in ``components.extensions`` and say with Scrapy's PERIODIC_LOG_STATS, PERIODIC_LOG_DELTA (True, or
``{"include": ["downloader/"], "exclude": []}``, parts of names) and PERIODIC_LOG_TIMING_ENABLED what is in the line.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Self

from crawler import signals
from crawler.exceptions import NotConfigured, SettingsError
from crawler.extensions.repeating import Repeating

if TYPE_CHECKING:
    from crawler.crawler import Crawler

logger = logging.getLogger(__name__)


class PeriodicLog:
    """Logs *stats* and *delta*, each the names that are wanted or None, every *interval* seconds and at the end."""

    def __init__(
        self, crawler: Crawler, *, interval: float, stats: Names | None, delta: Names | None, timing: bool = False
    ) -> None:
        self._stats = crawler.stats
        self._seconds = crawler.clock.seconds
        self._shown, self._delta, self._timing = stats, delta, timing
        self._before: dict[str, Any] = {}
        self._began = self._logged = self._seconds()
        crawler.signals.connect(self._log, signals.spider_closed)
        Repeating(crawler, interval, self._log)

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        """Build from Scrapy's PERIODIC_LOG settings and ``log.stats_interval``; left out if there is nothing to log."""
        settings = crawler.settings
        interval, timing = settings.log.stats_interval, settings.getbool("PERIODIC_LOG_TIMING_ENABLED")
        stats, delta = (Names.of(name, settings.get(name)) for name in ("PERIODIC_LOG_STATS", "PERIODIC_LOG_DELTA"))
        if not interval or not (stats or delta or timing):
            raise NotConfigured("PERIODIC_LOG_STATS, PERIODIC_LOG_DELTA or PERIODIC_LOG_TIMING_ENABLED must be set")
        return cls(crawler, interval=interval, stats=stats, delta=delta, timing=timing)

    def _log(self) -> None:
        now, values = self._seconds(), self._stats.get_stats()
        line: dict[str, Any] = {}
        if self._timing:
            line["time"] = {
                "log_interval_real": now - self._logged,
                "elapsed": now - self._began,
                "utcnow": datetime.now(UTC).isoformat(),
            }
        if self._delta is not None:
            changed = {
                name: value - self._before.get(name, 0)
                for name, value in values.items()
                if isinstance(value, int | float)
            }
            line["delta"] = self._delta.among(changed)
        if self._shown is not None:
            line["stats"] = self._shown.among(values)
        self._before = {name: value for name, value in values.items() if isinstance(value, int | float)}
        self._logged = now
        logger.info(json.dumps(line, default=str, sort_keys=True))


class Names:
    """Which statistics are wanted: those whose name has one of *include* in it, or all, and none of *exclude*."""

    def __init__(self, include: tuple[str, ...] = (), exclude: tuple[str, ...] = ()) -> None:
        self._include, self._exclude = include, exclude

    @classmethod
    def of(cls, name: str, value: Any) -> Self | None:
        """Return what the setting *name* asks for, None for nothing."""
        if not value:
            return None
        if isinstance(value, Mapping) and set(value) <= {"include", "exclude"}:
            return cls(tuple(value.get("include") or ()), tuple(value.get("exclude") or ()))
        if value is True or str(value).lower() in ("true", "1"):
            return cls()
        raise SettingsError(f"{name} is {value!r}: write True, or a table with include and exclude")

    def among(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Return those of *values* that are wanted."""
        return {
            name: value
            for name, value in values.items()
            if (not self._include or any(part in name for part in self._include))
            and not any(part in name for part in self._exclude)
        }
