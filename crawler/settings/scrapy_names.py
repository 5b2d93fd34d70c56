"""Scrapy's settings: what each of their names means here. The one table.

    mapped    the setting of ours that it is, and how its value is read
    kept      no setting of the crawler, but stored, since components of the project or of others read it by name
    ignored   stored without effect; a warning says why, once

Names that have the same meaning and type on both sides are not repeated here: the field in ``schema.py`` says them.
"""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Callable, Mapping
from typing import Any

from crawler.exceptions import SettingsError
from crawler.settings.convert import as_bool, as_dict
from crawler.settings.schema import SECTIONS


@dataclasses.dataclass(frozen=True, slots=True)
class Mapped:
    """A name of Scrapy's that sets *target*, a dotted name of ours, to what *read* makes of the value."""

    target: str
    read: Callable[[Any], Any] | None = None


def _jitter_of(value: Any) -> float:
    return 0.5 if as_bool(value) else 0.0


def _hosts_of(value: Any) -> dict[str, Any]:
    hosts = {}
    for host, rules in as_dict(value).items():
        known = dict(rules) if isinstance(rules, Mapping) else rules
        if isinstance(known, dict) and "randomize_delay" in known:
            known.setdefault("jitter", _jitter_of(known.pop("randomize_delay")))
        hosts[host] = known
    return hosts


def _tls_version(value: Any) -> Any:
    return value.removeprefix("TLSv") if isinstance(value, str) else value


def _dns_cache(value: Any) -> float:
    return 60.0 if as_bool(value) else 0.0


def _ciphers(value: Any) -> Any:
    return "" if value == "DEFAULT" else value


def _tls_method(value: Any) -> Any:
    """Return the newest version that a method of Scrapy's names; "TLS" is whatever both sides know."""
    return "" if value == "TLS" else _tls_version(value)


_REFERRER_CLASSES = {
    "NoReferrerPolicy": "no-referrer",
    "NoReferrerWhenDowngradePolicy": "no-referrer-when-downgrade",
    "SameOriginPolicy": "same-origin",
    "OriginPolicy": "origin",
    "StrictOriginPolicy": "strict-origin",
    "OriginWhenCrossOriginPolicy": "origin-when-cross-origin",
    "StrictOriginWhenCrossOriginPolicy": "strict-origin-when-cross-origin",
    "UnsafeUrlPolicy": "unsafe-url",
    "DefaultReferrerPolicy": "scrapy-default",
}


def _is_passive(active: Any) -> bool:
    return not as_bool(active)


def _referrer_policy(value: Any) -> Any:
    name = value if isinstance(value, str) else getattr(value, "__name__", value)
    return _REFERRER_CLASSES.get(name.rpartition(".")[2], name) if isinstance(name, str) else name


def _unless_default(*defaults: str) -> Callable[[Any], Any]:
    """Return what reads a class: empty for Scrapy's default, whose work is done without it."""
    return lambda value: "" if value in defaults else value


def _schemes(value: Any) -> list[str]:
    """Return the schemes that are left, or are added, by a table of Scrapy's own handlers; others cannot take their place."""
    schemes = dict.fromkeys(("http", "https"), True)
    for scheme, target in as_dict(value).items():
        name = target if isinstance(target, str) else getattr(target, "__module__", "")
        if name and not name.startswith(("scrapy.", "crawler.")):
            raise SettingsError(
                f"DOWNLOAD_HANDLERS[{scheme!r}] = {target!r} has no place here: pages come through http.transport. "
                "What gets them by other means is the process_request of a downloader middleware, which returns the response"
            )
        if scheme in ("http", "https", "file", "data"):
            schemes[scheme] = bool(target)
    return [scheme for scheme, is_on in schemes.items() if is_on]


def _paths(value: Any) -> Any:
    """Return the dotted paths of the classes in *value*; what is a path already, or no list, as it is."""
    if not isinstance(value, list | tuple):
        return value
    return [f"{one.__module__}.{one.__qualname__}" if isinstance(one, type) else one for one in value]


def _fingerprinter(value: Any) -> Any:
    """Return the class, empty for Scrapy's own: what it does is what we do."""
    return "" if isinstance(value, str) and value.endswith(".RequestFingerprinter") else value


def _level_name(value: Any) -> Any:
    """Return the name of a level that is given by its number, as logging.INFO is."""
    return logging.getLevelName(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _cache_policy(value: Any) -> Any:
    """Return our name for the policy that Scrapy has as a class."""
    name = value if isinstance(value, str) else getattr(value, "__name__", value)
    return {"DummyPolicy": "everything", "RFC2616Policy": "rfc9111"}.get(str(name).rpartition(".")[2], name)


def _cache_path(value: Any) -> Any:
    """Return the file in the folder that Scrapy would have its files in."""
    return f"{value}/cache.sqlite" if isinstance(value, str) and value else value


def _same_names() -> dict[str, Mapped]:
    """Return the names that the fields themselves tell."""
    return {
        field.metadata["scrapy"]: Mapped(f"{section}.{field.name}")
        for section, cls in SECTIONS.items()
        for field in dataclasses.fields(cls)
        if field.metadata["scrapy"]
    }


MAPPED: dict[str, Mapped] = {
    **_same_names(),
    "RANDOMIZE_DOWNLOAD_DELAY": Mapped("politeness.jitter", _jitter_of),
    "DOWNLOAD_SLOTS": Mapped("politeness.hosts", _hosts_of),
    "DOWNLOAD_TLS_MIN_VERSION": Mapped("http.tls_min", _tls_version),
    "DOWNLOAD_TLS_MAX_VERSION": Mapped("http.tls_max", _tls_version),
    "DNSCACHE_ENABLED": Mapped("http.dns_cache", _dns_cache),
    "DOWNLOADER_CLIENT_TLS_CIPHERS": Mapped("http.tls_ciphers", _ciphers),
    "DOWNLOADER_CLIENT_TLS_METHOD": Mapped("http.tls_max", _tls_method),
    "REFERRER_POLICY": Mapped("crawl.referrer_policy", _referrer_policy),
    "FEEDS": Mapped("feeds"),
    "LOG_LEVEL": Mapped("log.level", _level_name),
    "DEFAULT_DROPITEM_LOG_LEVEL": Mapped("log.dropped_level", _level_name),
    "HTTPCACHE_POLICY": Mapped("cache.policy", _cache_policy),
    "RETRY_EXCEPTIONS": Mapped("retry.exceptions", _paths),
    "DOWNLOAD_HANDLERS": Mapped("http.schemes", _schemes),
    "DUPEFILTER_CLASS": Mapped(
        "components.dupefilter",
        _unless_default("scrapy.dupefilters.RFPDupeFilter", "crawler.dupefilters.RFPDupeFilter"),
    ),
    "REQUEST_FINGERPRINTER_CLASS": Mapped("components.fingerprinter", _fingerprinter),
    "HTTPCACHE_DIR": Mapped("cache.path", _cache_path),
    "FEED_STORAGE_FTP_ACTIVE": Mapped("storages.ftp_passive", _is_passive),
}

#: Read by spiders, components or templates through ``settings.get``; the crawler itself gives them no further meaning.
KEPT = frozenset(
    [
        "BOT_NAME",
        "CRAWLSPIDER_FOLLOW_LINKS",
        "FEED_FORMAT",
        "FEED_URI",
        "PERIODIC_LOG_DELTA",
        "PERIODIC_LOG_STATS",
        "PERIODIC_LOG_TIMING_ENABLED",
    ]
)

_ONE_ENGINE = "there is one engine here, and it is not replaced by name"
_ONE_FILE = "the HTTP cache is one SQLite file, compressed"
_NO_CONSOLE = "there is no telnet console"
_REACTOR = "the crawler always runs on asyncio, on uvloop where that is installed"
_BASE = "formats and storages of the project are added by export.exporters and export.storages"
_ORDER = "the frontier has one order: priority, then first in first out"
_DNS = "names are resolved by the operating system, both families, in threads of their own; see http.pinned_hosts"
_NO_REMOTE = "there is no remote control"

#: Why a name has no effect.
IGNORED: dict[str, str] = {
    "ASYNCIO_EVENT_LOOP": _REACTOR,
    "AUTOTHROTTLE_DEBUG": "the pace of every host is in the live view",
    "DEFAULT_ITEM_CLASS": "the shell makes no item",
    "DEPTH_STATS_VERBOSE": "depths are not counted one by one",
    "DNS_RESOLVER": _DNS,
    "DOWNLOADER": _ONE_ENGINE,
    "DOWNLOADER_CLIENTCONTEXTFACTORY": "see http.verify_tls, http.tls_min, http.tls_ciphers, http.ca_file and "
    "http.client_certificate",
    "DOWNLOADER_CLIENT_TLS_VERBOSE_LOGGING": "TLS errors are always told in full",
    "DOWNLOADER_STATS": "they are always counted, at no measurable cost",
    "DOWNLOAD_HANDLERS_BASE": "schemes are switched on by http.schemes",
    "FEED_EXPORTERS_BASE": _BASE,
    "FEED_STORAGES_BASE": _BASE,
    "FORCE_CRAWLER_PROCESS": _REACTOR,
    "HTTP2_MAX_FRAME_SIZE": "libcurl decides, where http.transport = 'curl'",
    "HTTPCACHE_DBM_MODULE": _ONE_FILE,
    "HTTPCACHE_GZIP": _ONE_FILE,
    "HTTPCACHE_STORAGE": _ONE_FILE,
    "HTTPX_HTTP2_ENABLED": "HTTP/2 is spoken with http.transport = 'curl'",
    "ITEM_PIPELINES_BASE": "there are no built-in pipelines",
    "ITEM_PROCESSOR": _ONE_ENGINE,
    "LOG_COLOR": "log lines have no colours",
    "LOG_ENCODING": "logs are UTF-8",
    "LOG_FILE_APPEND": "log files are appended to",
    "LOG_INSTALL_ROOT_HANDLER": "use install_root_handler of CrawlerProcess",
    "LOG_SHORT_NAMES": "use log.format",
    "LOG_STDOUT": "standard output is left alone, so that -o - works",
    "LOG_VERSIONS": "crawler version -v shows them",
    "MEMDEBUG_ENABLED": "use tracemalloc",
    "META_COPY_WARN_SKIP_KEYS": "copying meta is not warned of",
    "NEWSPIDER_MODULE": "genspider writes into the first of project.spiders",
    "REACTOR_THREADPOOL_MAXSIZE": "the thread pool is Twisted's own",
    "REFERRER_POLICIES": "the policies are the W3C's",
    "REMOTE_CONTROL_ENABLED": _NO_REMOTE,
    "REMOTE_CONTROL_JOBS_DIR": _NO_REMOTE,
    "REMOTE_CONTROL_TIMEOUT_DEFAULT": _NO_REMOTE,
    "REMOTE_CONTROL_TIMEOUT_MAX": _NO_REMOTE,
    "REMOTE_CONTROL_OUTPUT_MAX_BYTES": _NO_REMOTE,
    "REMOTE_CONTROL_TRACEBACK_MAX_BYTES": _NO_REMOTE,
    "REQUEST_HEADER_ORDER": "headers are sent in the order in which they are given",
    "ROBOTSTXT_PARSER": "robots.txt is read by RFC 9309",
    "SCHEDULER": _ONE_ENGINE,
    "SCHEDULER_DEBUG": "requests are accounted for one by one: see the dropped/ statistics",
    "SCHEDULER_DISK_QUEUE": _ORDER,
    "SCHEDULER_MEMORY_QUEUE": _ORDER,
    "SCHEDULER_PRIORITY_QUEUE": _ORDER,
    "SCHEDULER_START_DISK_QUEUE": _ORDER,
    "SCHEDULER_START_MEMORY_QUEUE": _ORDER,
    "SPIDER_CONTRACTS_BASE": "the built-in contracts are always there; one of yours with the same name takes the place of one",
    "SPIDER_LOADER_CLASS": "spiders are found in project.spiders",
    "SPIDER_LOADER_WARN_ONLY": "a module that does not import never hides the others",
    "TELNETCONSOLE_ENABLED": _NO_CONSOLE,
    "TELNETCONSOLE_HOST": _NO_CONSOLE,
    "TELNETCONSOLE_PORT": _NO_CONSOLE,
    "TELNETCONSOLE_USERNAME": _NO_CONSOLE,
    "TELNETCONSOLE_PASSWORD": _NO_CONSOLE,
    "TEMPLATES_DIR": "give genspider the path of a template: -t FILE",
    "TWISTED_DNS_RESOLVER": _DNS,
    "TWISTED_REACTOR": _REACTOR,
    "TWISTED_REACTOR_ENABLED": _REACTOR,
    "WARN_ON_GENERATOR_RETURN_VALUE": "what a generator returns is ignored",
}

KNOWN = frozenset(MAPPED) | KEPT | frozenset(IGNORED)


def meaning(name: str) -> str:
    """Return what Scrapy's setting *name*, one of ``KNOWN``, means here."""
    if name in MAPPED:
        return f"is {MAPPED[name].target}"
    return f"has no effect: {IGNORED[name]}" if name in IGNORED else "is kept, for components that read it"
