"""The settings: every section and field, with its default, its bounds and what it means. One module because it is one table.

Sections are frozen. A field carries what is told about it everywhere (``crawler settings``, error
messages, settings.toml): its documentation, its unit and its bounds, and the name that Scrapy has for it.
"""

from __future__ import annotations

import dataclasses
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from crawler import __version__
from crawler.exceptions import SettingsError
from crawler.http.referrer import REFERRER_POLICIES

KiB, MiB = 1024, 1024 * 1024


def setting(
    default: Any,
    doc: str,
    scrapy: str = "",
    *,
    minimum: float | None = None,
    maximum: float | None = None,
    choices: tuple[str, ...] = (),
    secret: bool = False,
) -> Any:
    """Declare a field: its default, what it means, Scrapy's name, and what it may be."""
    metadata = {
        "doc": doc,
        "scrapy": scrapy,
        "minimum": minimum,
        "maximum": maximum,
        "choices": choices,
        "secret": secret,
    }
    if isinstance(default, list | dict):
        return dataclasses.field(default_factory=lambda: type(default)(default), metadata=metadata)
    return dataclasses.field(default=default, metadata=metadata)


@dataclass(frozen=True, slots=True)
class HostRules:
    """How a host may be asked: *delay* in seconds between requests, its *jitter*, and how many at once."""

    delay: float
    jitter: float
    concurrency: int


@dataclass(frozen=True)
class Project:
    """What the project is."""

    spiders: list[str] = setting(["spiders"], "Folders or dotted modules that hold the spiders.", "SPIDER_MODULES")
    commands: list[str] = setting(
        [],
        "Dotted packages whose modules are commands of the project's own, each with a click command.",
        "COMMANDS_MODULE",
    )
    editor: str = setting("", "What opens files to edit; by default the environment's VISUAL or EDITOR.", "EDITOR")


@dataclass(frozen=True)
class Crawl:
    """How much a crawl does, and when it ends."""

    concurrency: int = setting(16, "Requests on the wire at once, over all hosts.", "CONCURRENT_REQUESTS", minimum=1)
    depth_limit: int = setting(
        0, "Links from a start page to the deepest page; 0 for no limit.", "DEPTH_LIMIT", minimum=0
    )
    depth_priority: int = setting(0, "Taken off a request's priority for each step of depth.", "DEPTH_PRIORITY")
    url_length: int = setting(2083, "Longest URL that is followed; 0 for no limit.", "URLLENGTH_LIMIT", minimum=0)
    max_pages: int = setting(0, "Stop after this many responses; 0 for no limit.", "CLOSESPIDER_PAGECOUNT", minimum=0)
    max_items: int = setting(0, "Stop after this many items; 0 for no limit.", "CLOSESPIDER_ITEMCOUNT", minimum=0)
    max_errors: int = setting(
        0, "Stop after this many errors in callbacks; 0 for no limit.", "CLOSESPIDER_ERRORCOUNT", minimum=0
    )
    max_seconds: float = setting(0.0, "Stop after this many seconds; 0 for no limit.", "CLOSESPIDER_TIMEOUT", minimum=0)
    max_bytes_in_hand: int = setting(
        64 * MiB,
        "Bytes of bodies in callbacks at once before no new request starts.",
        "SCRAPER_SLOT_MAX_ACTIVE_SIZE",
        minimum=1,
    )
    max_items_in_flight: int = setting(
        100, "Items in asynchronous pipelines at once before no new request starts.", "CONCURRENT_ITEMS", minimum=1
    )
    max_callback_seconds: float = setting(
        0.25, "A callback that holds the reactor longer than this many seconds is named in a warning.", minimum=0
    )
    referer: bool = setting(True, "Send the page that a link was found on as Referer.", "REFERER_ENABLED")
    referrer_policy: str = setting(
        "strict-origin-when-cross-origin",
        "How much of that page's URL is told, by the W3C's names.",
        "REFERRER_POLICY",
        choices=REFERRER_POLICIES,
    )
    allow_http_errors: bool = setting(False, "Give responses of every status to callbacks.", "HTTPERROR_ALLOW_ALL")
    allowed_statuses: list[int] = setting([], "Statuses beyond 2xx that callbacks get.", "HTTPERROR_ALLOWED_CODES")


@dataclass(frozen=True)
class Politeness:
    """How hosts are treated. A host is a name and, if it is not the scheme's own, a port."""

    obey_robots: bool = setting(True, "Ask for robots.txt first and keep to it (RFC 9309).", "ROBOTSTXT_OBEY")
    robots_user_agent: str = setting(
        "", "The name to look for in robots.txt; by default http.user_agent's.", "ROBOTSTXT_USER_AGENT"
    )
    delay: float = setting(0.25, "Seconds between two requests to a host.", "DOWNLOAD_DELAY", minimum=0)
    jitter: float = setting(
        0.5,
        "Share by which the delay varies at random: 0.5 is from half to one and a half.",
        "DOWNLOAD_DELAY_JITTER",
        minimum=0,
        maximum=1,
    )
    concurrency_per_host: int = setting(4, "Requests to a host at once.", "CONCURRENT_REQUESTS_PER_DOMAIN", minimum=1)
    hosts: dict[str, Any] = setting(
        {},
        'Other rules for some hosts: [politeness.hosts."*.example.org"] with delay, jitter or concurrency. '
        "A pattern without a port fits every port.",
        "DOWNLOAD_SLOTS",
    )

    def __post_init__(self) -> None:
        for pattern, rules in self.hosts.items():
            _check_host_rules(pattern, rules)

    @cached_property
    def _patterns(self) -> list[tuple[str, Mapping[str, Any]]]:
        """The patterns, the most specific first: with a port, then by length, names before wildcards."""
        return sorted(self.hosts.items(), key=lambda one: (":" not in one[0], one[0].startswith("*"), -len(one[0])))

    def for_host(self, host_key: str) -> HostRules:
        """Return the rules for a host: those of the most specific pattern, the section's own for what it leaves out."""
        rules = next((rules for pattern, rules in self._patterns if _fits(pattern, host_key)), {})
        return HostRules(
            delay=float(rules.get("delay", self.delay)),
            jitter=float(rules.get("jitter", self.jitter)),
            concurrency=int(rules.get("concurrency", self.concurrency_per_host)),
        )


#: What a rule for a host may be. Not-a-number fits none of them, and infinity neither.
_HOST_RULES: dict[str, tuple[Callable[[float], bool], str]] = {
    "delay": (lambda value: 0 <= value < math.inf, "number from 0 on"),
    "jitter": (lambda value: 0 <= value <= 1, "number from 0 to 1"),
    "concurrency": (lambda value: 1 <= value < math.inf and value == int(value), "whole number from 1 on"),
}


def _check_host_rules(pattern: str, rules: Any) -> None:
    name = f"politeness.hosts.{pattern!r}"
    if not isinstance(rules, Mapping):
        raise SettingsError(f"{name} is {rules!r}; write a table such as {{ delay = 1.0, concurrency = 2 }}")
    for key, value in rules.items():
        if key not in _HOST_RULES:
            raise SettingsError(f"{name} has an unknown rule {key!r}; there are delay, jitter and concurrency")
        fits, allowed = _HOST_RULES[key]
        if isinstance(value, bool) or not isinstance(value, int | float) or not fits(value):
            raise SettingsError(f"{name}: {key} = {value!r} is no {allowed}")


# At the end of a host: the brackets of an IPv6 address hold colons too.
_PORT = re.compile(r":[0-9]+$")


def _fits(pattern: str, host_key: str) -> bool:
    hosts = (host_key, _PORT.sub("", host_key))
    if pattern.startswith("*."):
        return any(host.endswith(pattern[1:].lower()) for host in hosts)
    return pattern.lower() in hosts


@dataclass(frozen=True)
class Http:
    """What goes on the wire, and what may come back."""

    user_agent: str = setting(
        f"crawler/{__version__}", "The User-Agent. Name yourself and a way to reach you.", "USER_AGENT"
    )
    headers: dict[str, str] = setting(
        {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"},
        "Headers of every request that does not set them itself.",
        "DEFAULT_REQUEST_HEADERS",
    )
    connect_timeout: float = setting(15.0, "Seconds to make a connection, TLS included.", minimum=0.001)
    first_byte_timeout: float = setting(30.0, "Seconds from the request to the headers of the response.", minimum=0.001)
    timeout: float = setting(60.0, "Seconds for a whole download.", "DOWNLOAD_TIMEOUT", minimum=0.001)
    max_body: int = setting(
        64 * MiB, "Most bytes of a body, decompressed; 0 for no limit.", "DOWNLOAD_MAXSIZE", minimum=0
    )
    warn_body: int = setting(
        32 * MiB, "Warn about a body of more bytes than this; 0 for never.", "DOWNLOAD_WARNSIZE", minimum=0
    )
    max_header_bytes: int = setting(256 * KiB, "Most bytes of a response's status line and headers.", minimum=1024)
    compression: bool = setting(True, "Ask for compressed bodies (gzip, deflate, br, zstd).", "COMPRESSION_ENABLED")
    fail_on_dataloss: bool = setting(
        True,
        "Treat a body that ends early as an error; else it is passed on with the flag dataloss.",
        "DOWNLOAD_FAIL_ON_DATALOSS",
    )
    keep_alive: float = setting(50.0, "Seconds that an idle connection is kept.", minimum=0)
    verify_tls: bool = setting(True, "Refuse certificates that are not trusted.", "DOWNLOAD_VERIFY_CERTIFICATES")
    tls_min: str = setting(
        "1.2", "Oldest version of TLS.", "DOWNLOAD_TLS_MIN_VERSION", choices=("1.0", "1.1", "1.2", "1.3")
    )
    tls_max: str = setting(
        "",
        "Newest version of TLS; empty for the newest there is.",
        "DOWNLOAD_TLS_MAX_VERSION",
        choices=("", "1.0", "1.1", "1.2", "1.3"),
    )
    bind_address: str = setting("", "Local address that connections are made from.", "DOWNLOAD_BIND_ADDRESS")
    schemes: list[str] = setting(["http", "https"], 'Schemes that are fetched; "file" and "data" may be added.')

    def __post_init__(self) -> None:
        unknown = set(self.schemes) - {"http", "https", "file", "data"}
        if unknown:
            raise SettingsError(f"http.schemes names {sorted(unknown)}; there are http, https, file and data")


@dataclass(frozen=True)
class Retry:
    """When a request is tried again."""

    enabled: bool = setting(True, "Try again what may go better the next time.", "RETRY_ENABLED")
    times: int = setting(2, "How often, besides the first time.", "RETRY_TIMES", minimum=0)
    statuses: list[int] = setting(
        [500, 502, 503, 504, 522, 524, 408, 429], "Statuses to try again.", "RETRY_HTTP_CODES"
    )
    priority_adjust: int = setting(-1, "Added to the priority of a retry.", "RETRY_PRIORITY_ADJUST")
    delay: float = setting(1.0, "Seconds before the first retry; doubled for each that follows.", minimum=0)
    max_delay: float = setting(
        60.0, "Longest wait before a retry in seconds, unless the server asks for another.", minimum=0
    )
    give_up_log_level: str = setting("ERROR", "Log level of giving up.", "RETRY_GIVE_UP_LOG_LEVEL")


@dataclass(frozen=True)
class Redirect:
    """How redirects are followed."""

    enabled: bool = setting(True, "Follow redirects.", "REDIRECT_ENABLED")
    max_times: int = setting(20, "How many in a row.", "REDIRECT_MAX_TIMES", minimum=0)
    priority_adjust: int = setting(2, "Added to the priority of a redirected request.", "REDIRECT_PRIORITY_ADJUST")
    meta_refresh: bool = setting(True, "Follow <meta http-equiv=refresh> too.", "METAREFRESH_ENABLED")
    meta_refresh_max_delay: float = setting(
        100.0, "Longest delay of a meta refresh that is followed, in seconds.", "METAREFRESH_MAXDELAY", minimum=0
    )
    meta_refresh_ignore_tags: list[str] = setting(
        ["noscript"], "Elements in which a meta refresh does not count.", "METAREFRESH_IGNORE_TAGS"
    )
    secret_headers: list[str] = setting(
        ["Authorization", "Cookie", "Proxy-Authorization", "X-Api-Key", "X-Auth-Token"],
        "Headers that are dropped when a redirect leads to another origin.",
    )


@dataclass(frozen=True)
class Cookies:
    """Cookies (RFC 6265bis)."""

    enabled: bool = setting(True, "Keep and send cookies.", "COOKIES_ENABLED")
    debug: bool = setting(False, "Log every cookie that is sent or received.", "COOKIES_DEBUG")


@dataclass(frozen=True)
class Auth:
    """HTTP authentication, sent to one domain only."""

    user: str = setting("", "User name.", "HTTPAUTH_USER")
    password: str = setting("", "Password.", "HTTPAUTH_PASS", secret=True)
    domain: str = setting("", "The domain that user and password are for; needed to use them.", "HTTPAUTH_DOMAIN")


@dataclass(frozen=True)
class FrontierSection:
    """Where requests wait, and whether a crawl survives its process."""

    store: str = setting(
        "sqlite",
        "Where crawls are kept: sqlite, with a job that can be resumed after any end; memory, not at all.",
        choices=("sqlite", "memory"),
    )
    job: str = setting(
        "",
        "Name or path of the job; one that is there is resumed. By default every crawl is a new job.",
        "JOBDIR",
    )
    directory: str = setting(".crawler", "Folder of the jobs, relative to the project or the working directory.")
    keep_items: bool = setting(False, "Keep the items with the job, so that crawler export can write them again.")
    keep_jobs: int = setting(10, "Finished jobs that are kept; older ones are removed.", minimum=0)
    workbench: int = setting(
        10_000, "Requests that are held as objects; the others wait as compact records.", minimum=1
    )
    include_headers: list[str] = setting([], "Headers that make two requests different, besides method, URL and body.")


@dataclass(frozen=True)
class Export:
    """What holds for every feed that does not say otherwise. The feeds themselves are a list: [[feeds]] with uri and options."""

    encoding: str = setting("utf-8", "Encoding of feeds.", "FEED_EXPORT_ENCODING")
    fields: Any = setting(
        [], "Fields to export, in order; or a table from field names to output names.", "FEED_EXPORT_FIELDS"
    )
    indent: int = setting(
        0, "Spaces of indentation in JSON and XML; 0 is one item a line.", "FEED_EXPORT_INDENT", minimum=0
    )
    store_empty: bool = setting(True, "Leave a feed behind even if it has no items.", "FEED_STORE_EMPTY")

    def defaults(self) -> dict[str, Any]:
        """Return what holds for feeds, as options of a feed."""
        return {name: value for name, value in vars(self).items() if value != []}


@dataclass(frozen=True)
class Log:
    """What is told while a crawl runs."""

    enabled: bool = setting(True, "Log at all.", "LOG_ENABLED")
    level: str = setting(
        "INFO", "Least level that is shown.", "LOG_LEVEL", choices=("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
    )
    file: str = setting("", "File to write the log to, instead of standard error.", "LOG_FILE")
    format: str = setting(
        "%(asctime)s [%(name)s] %(levelname)s: %(message)s", "Form of a line, as logging has it.", "LOG_FORMAT"
    )
    date_format: str = setting("%Y-%m-%d %H:%M:%S", "Form of the time in a line.", "LOG_DATEFORMAT")
    stats_interval: float = setting(
        60.0, "Seconds between two lines about progress; 0 for none.", "LOGSTATS_INTERVAL", minimum=0
    )


@dataclass(frozen=True)
class Components:
    """Classes that take part: lists in reading order, of dotted paths or tables {class, options, before, after}, or Scrapy's
    dictionaries of priorities."""

    downloader_middlewares: Any = setting(
        [], "See every request on its way out and every response on its way in.", "DOWNLOADER_MIDDLEWARES"
    )
    spider_middlewares: Any = setting([], "See what goes into callbacks and what comes out.", "SPIDER_MIDDLEWARES")
    pipelines: Any = setting([], "See every item on its way to the feeds.", "ITEM_PIPELINES")
    extensions: Any = setting([], "Live by the signals of a crawl.", "EXTENSIONS")
    contracts: Any = setting(
        [], "Contracts of callbacks besides the built-in ones, for crawler check.", "SPIDER_CONTRACTS"
    )


SECTIONS: dict[str, type] = {
    "project": Project,
    "crawl": Crawl,
    "politeness": Politeness,
    "http": Http,
    "retry": Retry,
    "redirect": Redirect,
    "cookies": Cookies,
    "auth": Auth,
    "frontier": FrontierSection,
    "export": Export,
    "log": Log,
    "components": Components,
}
