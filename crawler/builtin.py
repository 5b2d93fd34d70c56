"""The components of every crawl, and which of them have nothing to do under its settings: these are not even imported."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from crawler.settings import Settings

#: The downloader middlewares of every crawl, in the order in which a request meets them.
DOWNLOADER_MIDDLEWARES = (
    "crawler.downloadermiddlewares.httpauth.HttpAuthMiddleware",
    "crawler.downloadermiddlewares.downloadtimeout.DownloadTimeoutMiddleware",
    "crawler.downloadermiddlewares.defaultheaders.DefaultHeadersMiddleware",
    "crawler.downloadermiddlewares.useragent.UserAgentMiddleware",
    "crawler.downloadermiddlewares.retry.RetryMiddleware",
    "crawler.downloadermiddlewares.redirect.MetaRefreshMiddleware",
    "crawler.downloadermiddlewares.redirect.RedirectMiddleware",
    "crawler.downloadermiddlewares.sessions.SessionsMiddleware",
    "crawler.downloadermiddlewares.cookies.CookiesMiddleware",
    "crawler.downloadermiddlewares.httpproxy.HttpProxyMiddleware",
    "crawler.downloadermiddlewares.httpcache.HttpCacheMiddleware",
)

#: The extensions of every crawl.
EXTENSIONS = (
    "crawler.extensions.corestats.CoreStats",
    "crawler.extensions.logcount.LogCount",
    "crawler.extensions.memusage.MemoryUsage",
    "crawler.extensions.closespider.CloseSpider",
    "crawler.extensions.logstats.LogStats",
    "crawler.extensions.dashboard.Dashboard",
    "crawler.extensions.monitors.Monitors",
    "crawler.extensions.telemetry.Telemetry",
)

#: Component -> whether it has anything to do. One that is not here decides that itself, when it is built.
_HAS_WORK: dict[str, Callable[[Settings], object]] = {
    "crawler.downloadermiddlewares.retry.RetryMiddleware": lambda settings: settings.retry.enabled,
    "crawler.downloadermiddlewares.sessions.SessionsMiddleware": lambda settings: (
        settings.sessions.size or settings.sessions.proxies or settings.sessions.headers
    ),
    "crawler.downloadermiddlewares.httpcache.HttpCacheMiddleware": lambda settings: settings.cache.enabled,
    "crawler.extensions.memusage.MemoryUsage": lambda settings: settings.memory.watch,
    "crawler.extensions.closespider.CloseSpider": lambda settings: (
        settings.crawl.max_pages_without_item or settings.crawl.max_seconds_without_item
    ),
    "crawler.extensions.logstats.LogStats": lambda settings: settings.log.stats_interval,
    "crawler.extensions.dashboard.Dashboard": lambda settings: settings.dashboard.enabled,
    "crawler.extensions.monitors.Monitors": lambda settings: settings.monitors.is_used,
    "crawler.extensions.telemetry.Telemetry": lambda settings: settings.telemetry.is_on,
}


def idle(settings: Settings) -> frozenset[str]:
    """Return the paths of the components that have nothing to do under *settings*."""
    return frozenset(path for path, has_work in _HAS_WORK.items() if not has_work(settings))
