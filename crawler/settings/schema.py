"""The settings: every section and field, with its default, its bounds and what it means. It is one module because it
is one table.

Sections are frozen. A field carries what is told about it everywhere (``crawler settings``, error
messages, settings.toml): its documentation, its unit and its bounds, and the name that Scrapy has for it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from crawler import __version__
from crawler.exceptions import SettingsError
from crawler.http.referrer import REFERRER_POLICIES
from crawler.settings.field import Section, section, setting
from crawler.settings.politeness import Politeness
from crawler.settings.storages import Storages

KiB, MiB = 1024, 1024 * 1024


@section
class Project(Section):
    """What the project is."""

    spiders: list[str] = setting(["spiders"], "Folders or dotted modules that hold the spiders.", "SPIDER_MODULES")
    commands: list[str] = setting(
        [],
        "Dotted packages whose modules are commands of the project's own, each with a click command.",
        "COMMANDS_MODULE",
    )
    editor: str = setting("", "What opens files to edit; by default the environment's VISUAL or EDITOR.", "EDITOR")


@section
class Crawl(Section):
    """How much a crawl does, and when it ends."""

    concurrency: int = setting(16, "Requests on the wire at once, over all hosts.", "CONCURRENT_REQUESTS", minimum=1)
    depth_limit: int = setting(
        0, "Links from a start page to the deepest page; 0 for no limit.", "DEPTH_LIMIT", minimum=0
    )
    depth_priority: int = setting(0, "Taken off a request's priority for each step of depth.", "DEPTH_PRIORITY")
    url_length: int = setting(2083, "Longest URL that is followed; 0 for no limit.", "URLLENGTH_LIMIT", minimum=0)
    max_pages: int = setting(0, "Stop after this many responses; 0 for no limit.", "CLOSESPIDER_PAGECOUNT", minimum=0)
    max_items: int = setting(
        0,
        "Stop at this many items, once the pages that brought them are finished; 0 for no limit.",
        "CLOSESPIDER_ITEMCOUNT",
        minimum=0,
    )
    max_errors: int = setting(
        0, "Stop after this many errors in callbacks; 0 for no limit.", "CLOSESPIDER_ERRORCOUNT", minimum=0
    )
    max_seconds: float = setting(0.0, "Stop after this many seconds; 0 for no limit.", "CLOSESPIDER_TIMEOUT", minimum=0)
    max_pages_without_item: int = setting(
        0,
        "Stop after this many pages in a row without an item; 0 for no limit.",
        "CLOSESPIDER_PAGECOUNT_NO_ITEM",
        minimum=0,
    )
    max_seconds_without_item: float = setting(
        0.0, "Stop after this many seconds without an item; 0 for no limit.", "CLOSESPIDER_TIMEOUT_NO_ITEM", minimum=0
    )
    max_bytes_in_hand: int = setting(
        64 * MiB,
        "Bytes of bodies in memory, arriving or in callbacks, before no new request starts and bodies that arrive go to files.",
        "SCRAPER_SLOT_MAX_ACTIVE_SIZE",
        minimum=1,
    )
    max_items_in_flight: int = setting(
        100, "Items in asynchronous pipelines at once before no new request starts.", "CONCURRENT_ITEMS", minimum=1
    )
    max_callback_seconds: float = setting(
        0.25,
        "A callback that holds the reactor longer than this many seconds is named in a warning; 0 for none.",
        minimum=0,
    )
    sticky_meta: list[str] = setting(
        [],
        "Keys of meta that requests inherit from the page that they were found on, such as cookiejar.",
        "STICKY_META_KEYS",
    )
    stay_on_site: bool = setting(True, "Keep to the spider's allowed_domains.")
    referer: bool = setting(True, "Send the page that a link was found on as Referer.", "REFERER_ENABLED")
    referrer_policy: str = setting(
        "strict-origin-when-cross-origin",
        "How much of that page's URL is told, by the W3C's names.",
        "REFERRER_POLICY",
        choices=REFERRER_POLICIES,
    )
    allow_http_errors: bool = setting(False, "Give responses of every status to callbacks.", "HTTPERROR_ALLOW_ALL")
    allowed_statuses: list[int] = setting([], "Statuses beyond 2xx that callbacks get.", "HTTPERROR_ALLOWED_CODES")


@section
class Http(Section):
    """What goes on the wire, and what may come back."""

    user_agent: str = setting(
        f"crawler/{__version__}", "The User-Agent. Name yourself and a way to reach you.", "USER_AGENT"
    )
    contact: str = setting(
        "", "Where you can be reached, a URL or an e-mail address; told at the end of the User-Agent."
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
    spool_above: int = setting(
        8 * MiB, "Bytes of a body from which on it is kept in a temporary file, not in memory; 0 for never.", minimum=0
    )
    spool_directory: str = setting("", "Folder of these temporary files; by default the system's.")
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
    tls_ciphers: str = setting(
        "", "Ciphers of TLS up to 1.2, as `openssl ciphers` takes them.", "DOWNLOADER_CLIENT_TLS_CIPHERS"
    )
    ca_file: str = setting("", "File (PEM) with the certificates that are trusted, instead of the system's.")
    client_certificate: str = setting("", "File (PEM) with the certificate that says who we are, and its chain.")
    client_key: str = setting("", "File (PEM) with its private key, if that is not in the same file.")
    client_certificate_hosts: list[str] = setting(
        [], 'Hosts that the client certificate is shown to, as "api.example.org" or "*.example.org"; needed to use it.'
    )
    transport: str = setting(
        "treq",
        "What speaks HTTP: treq, HTTP/1.1 by the crawler itself; curl, libcurl with HTTP/2 (needs the extra curl).",
        choices=("treq", "curl"),
    )
    impersonate: str = setting(
        "", "With curl, the browser whose TLS and HTTP/2 are used, such as chrome; empty for curl's own."
    )
    http3: bool = setting(False, "With curl, try HTTP/3 first.")
    bind_address: str = setting("", "Local address that connections are made from.", "DOWNLOAD_BIND_ADDRESS")
    dns_timeout: float = setting(10.0, "Seconds to find the addresses of a name.", "DNS_TIMEOUT", minimum=0.001)
    dns_cache: float = setting(
        60.0, "Seconds that the addresses of a name are remembered; 0 for not at all.", minimum=0
    )
    dns_cache_size: int = setting(10_000, "How many names are remembered.", "DNSCACHE_SIZE", minimum=0)
    pinned_hosts: dict[str, Any] = setting(
        {},
        'Addresses of hosts that are not looked up: [http.pinned_hosts] "example.org" = "192.0.2.7", or "example.org:443".',
    )
    allow_private: list[str] = setting(
        [],
        "Private, loopback and other special addresses that may be asked, besides hosts the spider starts at: addresses, "
        'networks (10.0.0.0/8), hosts (intranet.example, *.intranet.example), or "all".',
    )
    use_proxy: bool = setting(
        True, "Use http.proxy and http.proxies, or without them the environment's proxies.", "HTTPPROXY_ENABLED"
    )
    proxy: str = setting(
        "", "Proxy of all requests: http://, https://, socks5:// or socks5h://user:password@host:port.", secret=True
    )
    proxies: dict[str, str] = setting(
        {}, "Proxies by the scheme of the URL that is asked for: http, https.", secret=True
    )
    no_proxy: list[str] = setting(
        [], "Hosts that are asked directly: domains, addresses, networks, each with a port if wanted, or *."
    )
    proxy_auth_encoding: str = setting("utf-8", "Encoding of user and password for a proxy.", "HTTPPROXY_AUTH_ENCODING")
    schemes: list[str] = setting(
        ["http", "https", "data"],
        'Schemes that are fetched; "file" may be added, which lets pages name files of this machine.',
    )

    @property
    def identification(self) -> str:
        """The User-Agent with the contact."""
        if not self.contact or not self.user_agent or self.contact in self.user_agent:
            return self.user_agent
        return f"{self.user_agent} (+{self.contact})"

    def __post_init__(self) -> None:
        unknown = set(self.schemes) - {"http", "https", "file", "data"}
        if unknown:
            raise SettingsError(f"http.schemes names {sorted(unknown)}; there are http, https, file and data")
        if self.tls_max and self.tls_max < self.tls_min:
            raise SettingsError(f"http.tls_max = {self.tls_max!r} is older than http.tls_min = {self.tls_min!r}")


@section
class Retry(Section):
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
    outage: float = setting(
        300.0,
        "Seconds that a crawl waits while nothing at all can be reached; then it stops if it has a job, to be resumed.",
        minimum=0,
    )
    exceptions: list[str] = setting([], "More errors to try again, by their dotted paths, besides those of downloads.")


@section
class Redirect(Section):
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
        ["X-Api-Key", "X-Auth-Token", "X-Csrf-Token", "Api-Key"],
        "Headers that are dropped when a redirect leads to another origin, besides Authorization, Cookie and Proxy-Authorization.",
    )


@section
class Cookies(Section):
    """Cookies (RFC 6265bis)."""

    enabled: bool = setting(True, "Keep and send cookies.", "COOKIES_ENABLED")
    debug: bool = setting(False, "Log every cookie that is sent or received.", "COOKIES_DEBUG")


@section
class Sessions(Section):
    """Identities that take turns: cookies, proxy and headers as one, retired when blocked. Without any, there is one visitor."""

    size: int = setting(0, "Identities at once, each with cookies of its own; 0 for the common cookies.", minimum=0)
    proxies: list[str] = setting([], "URLs of proxies that take turns; a session keeps its own.", secret=True)
    headers: Any = setting(
        [], "Whole sets of headers, a table each, in the order in which they are sent; an identity has one of them."
    )
    cool_down: float = setting(
        300.0, "Seconds that a proxy rests that was blocked or failed; doubled when that goes on.", minimum=0
    )
    max_uses: int = setting(0, "Requests after which an identity is retired; 0 for never.", minimum=0)
    max_strikes: int = setting(1, "Blocks in a row after which an identity is retired.", minimum=1)
    max_retries: int = setting(3, "How often a blocked request is tried again as somebody else.", minimum=0)
    blocked_statuses: list[int] = setting([403, 429], "Statuses that mean: you are blocked.")
    blocked_texts: list[str] = setting(
        [], "Regular expressions of which one in the first 64 KiB of a page means: you are blocked."
    )

    def __post_init__(self) -> None:
        for headers in self.headers:
            if not isinstance(headers, dict) or not all(isinstance(value, str) for value in headers.values()):
                raise SettingsError(
                    f'sessions.headers holds {headers!r}; write tables of texts such as {{ "User-Agent" = "..." }}'
                )


@section
class Auth(Section):
    """HTTP authentication, sent to one domain only."""

    user: str = setting("", "User name.", "HTTPAUTH_USER")
    password: str = setting("", "Password.", "HTTPAUTH_PASS", secret=True)
    domain: str = setting("", "The domain that user and password are for; needed to use them.", "HTTPAUTH_DOMAIN")


@section
class Media(Section):
    """What holds for the pipelines that download what items name: FilesPipeline, ImagesPipeline and others made of them."""

    allow_redirects: bool = setting(
        False, "Follow redirects of files; else a redirect is a failure.", "MEDIA_ALLOW_REDIRECTS"
    )
    allow_offsite: bool = setting(False, "Download files from beyond the spider's allowed_domains.")
    max_body: int = setting(
        1024 * MiB, "Most bytes of a file; 0 for no limit. http.max_body counts if only that is set.", minimum=0
    )


@section
class Files(Section):
    """Where FilesPipeline keeps files, and in which fields of an item it finds and leaves them."""

    store: str = setting(
        "", "A folder, or a URL such as s3://bucket/files; without one the pipeline is off.", "FILES_STORE"
    )
    urls_field: str = setting("file_urls", "Field of an item with the URLs to download.", "FILES_URLS_FIELD")
    s3_acl: str = setting("", "Canned ACL that S3 sets on files; empty for that of the bucket.", "FILES_STORE_S3_ACL")
    gs_acl: str = setting(
        "", "Predefined ACL that Google sets on files; empty for that of the bucket.", "FILES_STORE_GCS_ACL"
    )
    result_field: str = setting("files", "Field of an item for what became of them.", "FILES_RESULT_FIELD")
    expires: int = setting(90, "Days until a file is downloaded again.", "FILES_EXPIRES", minimum=0)


@section
class Images(Section):
    """Where ImagesPipeline keeps images, in which fields of an item, and what it makes of them."""

    store: str = setting(
        "", "A folder, or a URL such as s3://bucket/files; without one the pipeline is off.", "IMAGES_STORE"
    )
    urls_field: str = setting("image_urls", "Field of an item with the URLs to download.", "IMAGES_URLS_FIELD")
    s3_acl: str = setting("", "Canned ACL that S3 sets on images; empty for that of the bucket.", "IMAGES_STORE_S3_ACL")
    gs_acl: str = setting(
        "", "Predefined ACL that Google sets on images; empty for that of the bucket.", "IMAGES_STORE_GCS_ACL"
    )
    result_field: str = setting("images", "Field of an item for what became of them.", "IMAGES_RESULT_FIELD")
    expires: int = setting(90, "Days until an image is downloaded again.", "IMAGES_EXPIRES", minimum=0)
    thumbs: dict[str, Any] = setting(
        {}, "Thumbnails: { small = [50, 50] } keeps one in thumbs/small that fits into 50 x 50.", "IMAGES_THUMBS"
    )
    min_width: int = setting(0, "Least width of an image in pixels; narrower ones fail.", "IMAGES_MIN_WIDTH", minimum=0)
    min_height: int = setting(0, "Least height of an image in pixels; lower ones fail.", "IMAGES_MIN_HEIGHT", minimum=0)
    max_pixels: int = setting(
        50_000_000,
        "Most pixels of an image; a larger one fails before they are decoded, which takes 3 bytes for each.",
        minimum=1,
        maximum=178_000_000,  # where Pillow itself refuses
    )

    def __post_init__(self) -> None:
        for name, size in self.thumbs.items():
            check_thumb("images.thumbs", name, size)


def check_thumb(setting_name: str, name: Any, size: Any) -> None:
    """Raise SettingsError if *size* is no width and height, or *name* no name of a folder."""
    is_pair = isinstance(size, list | tuple) and len(size) == 2
    if not is_pair or not all(isinstance(one, int) and not isinstance(one, bool) and one > 0 for one in size):
        raise SettingsError(f"{setting_name}: {name} = {size!r} is no size; write two whole numbers as in [50, 50]")
    if not isinstance(name, str) or not name.replace("-", "").replace("_", "").isalnum():
        raise SettingsError(f"{setting_name}: {name!r} cannot be the name of a folder; use letters, digits, _ and -")


@section
class Cache(Section):
    """The HTTP cache: what need not be fetched again."""

    enabled: bool = setting(False, "Keep responses, and use them again where that is allowed.", "HTTPCACHE_ENABLED")
    policy: str = setting(
        "rfc9111",
        "What is used again: rfc9111, as a browser does; everything, for ever, to work on a parser.",
        choices=("rfc9111", "everything"),
    )
    offline: bool = setting(
        False,
        "Fetch nothing: what is not kept is an error, and no host is asked for robots.txt.",
        "HTTPCACHE_IGNORE_MISSING",
    )
    path: str = setting("", "The file; by default cache.sqlite in frontier.directory.")
    max_size: int = setting(
        1024 * MiB, "Most bytes on disk; what was not used for longest goes. 0 for no limit.", minimum=0
    )
    max_age: float = setting(
        0.0,
        "Seconds after which an entry is not used any more, whatever it says; 0 for never.",
        "HTTPCACHE_EXPIRATION_SECS",
        minimum=0,
    )
    max_body: int = setting(16 * MiB, "Largest body that is kept, in bytes.", minimum=0)
    always_store: bool = setting(False, "Keep also what says no-store.", "HTTPCACHE_ALWAYS_STORE")
    ignore_statuses: list[int] = setting([], "Statuses that are not kept.", "HTTPCACHE_IGNORE_HTTP_CODES")
    ignore_schemes: list[str] = setting(
        ["file", "data"], "Schemes that the cache has nothing to do with.", "HTTPCACHE_IGNORE_SCHEMES"
    )
    ignore_response_directives: list[str] = setting(
        [], "Cache-Control directives of responses that count as absent.", "HTTPCACHE_IGNORE_RESPONSE_CACHE_CONTROLS"
    )


@section
class FrontierSection(Section):
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
    key_file: str = setting(
        "",
        "File of the key for what is secret in a job, made if it is not there; by default it lies beside the job's folder.",
    )
    keep_items: bool = setting(False, "Keep the items with the job, so that crawler export can write them again.")
    keep_jobs: int = setting(10, "Finished jobs that are kept; older ones are removed.", minimum=0)
    workbench: int = setting(
        10_000, "Requests that are held as objects; the others wait as compact records.", minimum=1
    )
    filter_duplicates: bool = setting(True, "Visit what is the same once; else each time that it is found.")
    include_headers: list[str] = setting([], "Headers that make two requests different, besides method, URL and body.")

    @property
    def key_path(self) -> Path | None:
        """The file of the key, None for the usual place."""
        return Path(self.key_file).absolute() if self.key_file else None


@section
class Export(Section):
    """What holds for every feed that does not say otherwise. The feeds themselves are a list: [[feeds]] with uri and options."""

    encoding: str = setting("utf-8", "Encoding of feeds.", "FEED_EXPORT_ENCODING")
    fields: Any = setting(
        [], "Fields to export, in order; or a table from field names to output names.", "FEED_EXPORT_FIELDS"
    )
    indent: int = setting(
        0, "Spaces of indentation in JSON and XML; 0 is one item a line.", "FEED_EXPORT_INDENT", minimum=0
    )
    store_empty: bool = setting(True, "Leave a feed behind even if it has no items.", "FEED_STORE_EMPTY")
    batch_item_count: int = setting(
        0,
        "Items after which a feed goes on in another file; 0 for one file.",
        "FEED_EXPORT_BATCH_ITEM_COUNT",
        minimum=0,
    )
    batch_bytes: int = setting(0, "Most bytes of such a file, before compression; 0 for no limit.", minimum=0)
    batch_seconds: float = setting(
        0.0, "Seconds after its first item that a feed goes on in another file; 0 for never.", minimum=0
    )
    uri_params: object = setting(
        "", "Dotted path of a function that returns the parameters of feeds' names.", "FEED_URI_PARAMS"
    )
    exporters: dict[str, Any] = setting(
        {}, "Item exporters of the project: a table from formats to dotted paths.", "FEED_EXPORTERS"
    )
    storages: dict[str, Any] = setting(
        {}, "Storages of the project: a table from schemes to dotted paths; None switches one off.", "FEED_STORAGES"
    )
    spool: str = setting(
        "",
        "Folder where feeds wait for their delivery if the crawl has no job; empty for the system's temporary one.",
        "FEED_TEMPDIR",
    )

    def defaults(self) -> dict[str, Any]:
        """Return what holds for feeds, as options of a feed."""
        return {name: value for name, value in vars(self).items() if value != [] and name != "spool"}


@section
class Log(Section):
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
    stats: bool = setting(False, "Log all statistics at the end.", "STATS_DUMP")
    duplicates: bool = setting(False, "Log every duplicate that is filtered, at DEBUG.", "DUPEFILTER_DEBUG")
    dropped_level: str = setting(
        "WARNING",
        "Level of the line about an item that is dropped, unless the DropItem has one.",
        "DEFAULT_DROPITEM_LOG_LEVEL",
        choices=("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"),
    )


@section
class Memory(Section):
    """How much memory the process may hold. What it holds of requests, bodies and items is bounded in any case."""

    watch: bool = setting(True, "Look at the memory in use: memusage/startup and memusage/max.", "MEMUSAGE_ENABLED")
    interval: float = setting(60.0, "Seconds between two looks.", "MEMUSAGE_CHECK_INTERVAL_SECONDS", minimum=0.001)
    warn_mb: int = setting(0, "Warn when more megabytes are in use; 0 for never.", "MEMUSAGE_WARNING_MB", minimum=0)
    limit_mb: int = setting(
        0,
        "End the crawl when more megabytes are in use; 0 for never. It can be resumed.",
        "MEMUSAGE_LIMIT_MB",
        minimum=0,
    )
    notify: list[str] = setting(
        [], "Mail addresses that are told of the warning and of the end; see [mail].", "MEMUSAGE_NOTIFY_MAIL"
    )


@section
class Mail(Section):
    """How mail is sent: by what the memory's ``notify``, ``stats_to`` or a component with crawler.mail.MailSender sends."""

    host: str = setting("localhost", "Host of the SMTP server.", "MAIL_HOST")
    port: int = setting(25, "Port of it.", "MAIL_PORT", minimum=1)
    sender: str = setting("crawler@localhost", "Address that mail is from.", "MAIL_FROM")
    user: str = setting("", "User to log in as; empty for no login.", "MAIL_USER")
    password: str = setting("", "Password of the user.", "MAIL_PASS", secret=True)
    tls: bool = setting(False, "Insist on STARTTLS.", "MAIL_TLS")
    ssl: bool = setting(False, "Speak TLS from the first byte.", "MAIL_SSL")
    timeout: float = setting(60.0, "Seconds to wait for the server.", minimum=0.1)
    stats_to: list[str] = setting(
        [], "Addresses that get the statistics at the end, with the extension StatsMailer.", "STATSMAILER_RCPTS"
    )


@section
class MonitorsSection(Section):
    """What a crawl must bring; what fails is told at the end, in the report, to a webhook, and by exit code 4."""

    min_items: int = setting(0, "Fewer items than this fail.", minimum=0)
    max_error_share: float = setting(
        1.0, "A larger share of errors and failed requests, of those that ended, fails.", minimum=0, maximum=1
    )
    fill: dict[str, Any] = setting(
        {}, "Field by field, the least share of items in which it holds something: { price = 0.95 }."
    )
    max_fewer_items: float = setting(
        1.0, "More than this share of items fewer than the last finished job of the spider fails.", minimum=0, maximum=1
    )
    webhook: str = setting("", "URL that is sent a POST with how the crawl went, as JSON.", secret=True)
    webhook_on: str = setting(
        "failure", "When: only on failure, or at the end of every crawl.", choices=("failure", "end")
    )
    webhook_headers: dict[str, str] = setting({}, "Headers of it, such as a secret by which it is known.", secret=True)

    def __post_init__(self) -> None:
        for name, share in self.fill.items():
            if isinstance(share, bool) or not isinstance(share, int | float) or not 0 <= share <= 1:
                raise SettingsError(f"monitors.fill: {name} = {share!r} is no number from 0 to 1")
        if self.webhook and not self.webhook.startswith(("http://", "https://")):
            raise SettingsError("monitors.webhook is no URL: it begins with http:// or https://")

    @property
    def is_used(self) -> bool:
        """Whether anything is to be checked or told."""
        return self != MonitorsSection()


@section
class DashboardSection(Section):
    """The view of a running crawl in the browser."""

    enabled: bool = setting(False, "Serve it; the same as --dashboard.")
    host: str = setting(
        "127.0.0.1", "The address that it is served on. Whoever reaches it and has the token can stop the crawl."
    )
    port: int = setting(0, "The port; 0 for any that is free.", minimum=0, maximum=65535)
    token: str = setting("", "What must be shown to see it; empty for a random one at every crawl.", secret=True)


@section
class Telemetry(Section):
    """OpenTelemetry: a trace for each visit, and metrics, sent to a collector (OTLP over HTTP). Needs the extra otel."""

    enabled: bool = setting(False, "Send them; also switched on by an endpoint.")
    endpoint: str = setting(
        "",
        "URL of the collector, without v1/traces; empty for OTEL_EXPORTER_OTLP_ENDPOINT, or http://localhost:4318.",
    )
    headers: dict[str, str] = setting(
        {}, "Headers for the collector, such as a key by which we are known.", secret=True
    )
    service_name: str = setting("", "The name of the service; empty for OTEL_SERVICE_NAME, or crawler.")
    traces: bool = setting(True, "Send traces.")
    metrics: bool = setting(True, "Send metrics.")
    sample: float = setting(1.0, "The share of visits that are traced.", minimum=0, maximum=1)
    interval: float = setting(15.0, "Seconds between two times that metrics are sent.", minimum=0.1)
    flush_timeout: float = setting(
        5.0, "Most seconds that the end of a crawl waits for what is left to send.", minimum=0
    )
    propagate_to: list[str] = setting(
        [], 'Hosts whose requests carry traceparent, as "api.example.org" or "*.example.org"; no others do.'
    )
    redact: list[str] = setting(
        [
            "AWSAccessKeyId", "Signature", "sig", "X-Goog-Signature", "X-Amz-Signature", "X-Amz-Credential",
            "X-Amz-Security-Token", "access_token", "api_key", "apikey", "key", "password", "secret", "session", "token",
        ],
        "Parameters of queries whose values are not told.",
    )  # fmt: skip

    def __post_init__(self) -> None:
        if self.endpoint and not self.endpoint.startswith(("http://", "https://")):
            raise SettingsError(f"telemetry.endpoint = {self.endpoint!r} is no URL: it begins with http:// or https://")
        if "@" in self.endpoint.partition("://")[2].partition("/")[0]:
            raise SettingsError(
                "telemetry.endpoint has a user or password: write what the collector wants in telemetry.headers"
            )

    @property
    def is_on(self) -> bool:
        """Whether anything is to be sent."""
        return (self.enabled or bool(self.endpoint)) and (self.traces or self.metrics)


@section
class Components(Section):
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
    addons: Any = setting([], "Change the settings before the crawl is assembled from them.", "ADDONS")
    stats: str | type = setting("crawler.stats.MemoryStatsCollector", "Keeps the statistics.", "STATS_CLASS")
    fingerprinter: str | type = setting(
        "", "Says by its method fingerprint(request) what makes two requests the same.", "REQUEST_FINGERPRINTER_CLASS"
    )
    dupefilter: str | type = setting(
        "", "A duplicates filter of the project's own, see crawler.dupefilters; it decides.", "DUPEFILTER_CLASS"
    )
    log_formatter: str | type = setting(
        "", "Forms the log lines about pages, items and errors, see crawler.logformatter.", "LOG_FORMATTER"
    )


SECTIONS: dict[str, type] = {
    "project": Project,
    "crawl": Crawl,
    "politeness": Politeness,
    "http": Http,
    "retry": Retry,
    "redirect": Redirect,
    "cookies": Cookies,
    "sessions": Sessions,
    "auth": Auth,
    "media": Media,
    "files": Files,
    "images": Images,
    "cache": Cache,
    "frontier": FrontierSection,
    "export": Export,
    "storages": Storages,
    "log": Log,
    "memory": Memory,
    "mail": Mail,
    "dashboard": DashboardSection,
    "monitors": MonitorsSection,
    "telemetry": Telemetry,
    "components": Components,
}
