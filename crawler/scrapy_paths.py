"""Where what Scrapy has at a path is here, and what to do where it is not: the paths that ported code imports.

Most of what spiders import stands at the same path in both: ``scrapy.http`` is ``crawler.http``. This module knows the rest:

    PLACES     names that stand elsewhere here; ``crawler.utils.project.get_project_settings`` and the like import all the same
    BUILT_IN   components of Scrapy's that are part of the engine here, and the setting that rules each
    SWITCHES   what is set when a project switches one of them off
    ADVICE     what is not here at all, and what to do about it

``Paths``, a finder of Python's import system for this package only, makes up the modules of these names where there are none, and
gives what ``ADVICE`` says as the text of the ImportError. What is really there always wins over these tables.
"""

from __future__ import annotations

import importlib
import sys
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

_ROOT = "crawler."

#: Scrapy's path, without ``scrapy.`` -> the module here, and the name in it if that is another.
PLACES = {
    "cmdline.execute": "crawler.ported",
    "extensions.feedexport.ItemFilter": "crawler.exporters",
    "http.response.html.HtmlResponse": "crawler.http",
    "http.response.json.JsonResponse": "crawler.http",
    "http.response.xml.XmlResponse": "crawler.http",
    "linkextractors.lxmlhtml.LxmlLinkExtractor": "crawler.linkextractors:LinkExtractor",
    "loader.processors.Compose": "itemloaders.processors",
    "loader.processors.Identity": "itemloaders.processors",
    "loader.processors.Join": "itemloaders.processors",
    "loader.processors.MapCompose": "itemloaders.processors",
    "loader.processors.SelectJmes": "itemloaders.processors",
    "loader.processors.TakeFirst": "itemloaders.processors",
    "selector.unified.Selector": "crawler.selector",
    "selector.unified.SelectorList": "crawler.selector",
    "signalmanager.SignalManager": "crawler.signals",
    "spiderloader.SpiderLoader": "crawler.spiders.loader",
    "statscollectors.DummyStatsCollector": "crawler.stats",
    "statscollectors.MemoryStatsCollector": "crawler.stats",
    "statscollectors.StatsCollector": "crawler.stats",
    "utils.asyncgen.as_async_generator": "crawler.ported.values",
    "utils.asyncgen.collect_asyncgen": "crawler.ported.values",
    "utils.asyncio.AsyncioLoopingCall": "crawler.ported.waiting:LoopingCall",
    "utils.asyncio.call_later": "crawler.ported.waiting",
    "utils.asyncio.create_looping_call": "crawler.ported.waiting",
    "utils.asyncio.is_asyncio_available": "crawler.ported.waiting",
    "utils.asyncio.run_in_thread": "crawler.ported.waiting",
    "utils.asyncio.sleep": "crawler.ported.waiting",
    "utils.curl.curl_to_request_kwargs": "crawler.http.request.curl:arguments_of",
    "utils.datatypes.CaseInsensitiveDict": "crawler.ported.values",
    "utils.datatypes.CaselessDict": "crawler.ported.values:CaseInsensitiveDict",
    "utils.datatypes.LocalCache": "crawler.ported.values",
    "utils.datatypes.SequenceExclude": "crawler.ported.values",
    "utils.decorators.defers": "crawler.ported.waiting",
    "utils.decorators.inthread": "crawler.ported.waiting",
    "utils.defer.deferred_f_from_coro_f": "crawler.ported.waiting",
    "utils.defer.deferred_from_coro": "crawler.ported",
    "utils.defer.deferred_to_future": "crawler.ported",
    "utils.defer.ensure_awaitable": "crawler.ported.waiting",
    "utils.defer.maybe_deferred_to_future": "crawler.ported",
    "utils.gz.gunzip": "crawler.ported.documents",
    "utils.gz.gzip_magic_number": "crawler.ported.documents",
    "utils.httpobj.urlparse_cached": "crawler.ported.documents",
    "utils.iterators.csviter": "crawler.ported.documents",
    "utils.iterators.xmliter": "crawler.ported.documents:xmliter_lxml",
    "utils.iterators.xmliter_lxml": "crawler.ported.documents",
    "utils.log.configure_logging": "crawler.ported",
    "utils.log.failure_to_exc_info": "crawler.ported.documents",
    "utils.markup.remove_tags": "w3lib.html",
    "utils.misc.arg_to_iter": "itemloaders.utils",
    "utils.misc.build_from_crawler": "crawler.ported",
    "utils.misc.create_instance": "crawler.ported",
    "utils.misc.load_object": "crawler.ported",
    "utils.misc.md5sum": "crawler.ported",
    "utils.misc.rel_has_nofollow": "crawler.link:has_nofollow",
    "utils.misc.set_environ": "crawler.environment",
    "utils.misc.walk_modules": "crawler.ported",
    "utils.project.data_path": "crawler.ported.documents",
    "utils.project.get_project_settings": "crawler.settings",
    "utils.project.inside_project": "crawler.ported",
    "utils.python.binary_is_text": "crawler.ported.values",
    "utils.python.flatten": "parsel.utils",
    "utils.python.get_func_args": "crawler.ported.values",
    "utils.python.global_object_name": "crawler.ported.values",
    "utils.python.is_listlike": "crawler.ported.values",
    "utils.python.memoizemethod_noargs": "crawler.ported.values",
    "utils.python.to_bytes": "crawler.ported.values",
    "utils.python.to_unicode": "crawler.ported.values",
    "utils.python.unique": "crawler.ported.values",
    "utils.python.without_none_values": "crawler.ported.values",
    "utils.reactor.install_reactor": "crawler.ported",
    "utils.reactor.is_asyncio_reactor_installed": "crawler.ported",
    "utils.reactor.is_reactor_installed": "crawler.ported",
    "utils.reactorless.is_reactorless": "crawler.ported.waiting",
    "utils.request.RequestFingerprinter": "crawler.http.fingerprint",
    "utils.request.fingerprint": "crawler.http.fingerprint",
    "utils.request.referer_str": "crawler.ported.documents",
    "utils.request.request_fingerprint": "crawler.http.fingerprint",
    "utils.request.request_from_dict": "crawler.http.request",
    "utils.request.request_httprepr": "crawler.ported.documents",
    "utils.request.request_to_curl": "crawler.ported.documents",
    "utils.response.get_base_url": "crawler.ported.documents",
    "utils.response.get_meta_refresh": "crawler.ported.documents",
    "utils.response.open_in_browser": "crawler.http.browser",
    "utils.response.response_from_dict": "crawler.http.response",
    "utils.response.response_status_message": "crawler.ported.documents",
    "utils.serialize.ScrapyJSONEncoder": "crawler.ported",
    "utils.sitemap.Sitemap": "crawler.sitemap",
    "utils.sitemap.sitemap_urls_from_robots": "crawler.sitemap",
    "utils.spider.iter_spider_classes": "crawler.ported",
    "utils.spider.iterate_spider_output": "crawler.ported.values",
    "utils.template.string_camelcase": "crawler.ported.values",
    "utils.test.get_crawler": "crawler.ported",
    "utils.url.add_http_if_no_scheme": "crawler.ported.values",
    "utils.url.add_or_replace_parameter": "w3lib.url",
    "utils.url.any_to_uri": "w3lib.url",
    "utils.url.canonicalize_url": "w3lib.url",
    "utils.url.file_uri_to_path": "w3lib.url",
    "utils.url.guess_scheme": "crawler.ported.values",
    "utils.url.is_url": "w3lib.url",
    "utils.url.parse_url": "w3lib.url",
    "utils.url.path_to_file_uri": "w3lib.url",
    "utils.url.safe_download_url": "w3lib.url",
    "utils.url.safe_url_string": "w3lib.url",
    "utils.url.strip_url": "crawler.ported.values",
    "utils.url.url_has_any_extension": "crawler.ported.values",
    "utils.url.url_is_from_any_domain": "crawler.ported.values",
    "utils.url.url_is_from_spider": "crawler.ported.values",
    "utils.url.url_query_cleaner": "w3lib.url",
    "utils.url.url_query_parameter": "w3lib.url",
}

#: Components that Scrapy's projects name in settings and that are no components here -> what does their work.
BUILT_IN = {
    "downloadermiddlewares.httpcompression.HttpCompressionMiddleware": "the transport decodes bodies: http.compression",
    "downloadermiddlewares.offsite.OffsiteMiddleware": (
        "the engine keeps to allowed_domains; a request passes with meta allow_offsite or with dont_filter"
    ),
    "downloadermiddlewares.robotstxt.RobotsTxtMiddleware": (
        "the engine asks for robots.txt before a host's first page: politeness.obey_robots"
    ),
    "downloadermiddlewares.stats.DownloaderStats": "the engine counts every download",
    "spidermiddlewares.depth.DepthMiddleware": "the engine counts depth: crawl.depth_limit and crawl.depth_priority",
    "spidermiddlewares.httperror.HttpErrorMiddleware": (
        "the engine keeps errors from callbacks: crawl.allowed_statuses and crawl.allow_http_errors"
    ),
    "spidermiddlewares.metacopy.MetaCopyDetectionMiddleware": "copying meta is not warned of",
    "spidermiddlewares.offsite.OffsiteMiddleware": (
        "the engine keeps to allowed_domains; a request passes with meta allow_offsite or with dont_filter"
    ),
    "spidermiddlewares.referer.RefererMiddleware": "the engine sets Referer: crawl.referer and crawl.referrer_policy",
    "spidermiddlewares.start.StartSpiderMiddleware": "the engine marks start requests with meta is_start_request",
    "spidermiddlewares.urllength.UrlLengthMiddleware": "the engine refuses long URLs: crawl.url_length",
    "extensions.feedexport.FeedExporter": "feeds are part of every crawl: -o, or [[feeds]] in settings.toml",
    "extensions.memdebug.MemoryDebugger": "use tracemalloc",
    "extensions.remote_control.RemoteControl": "nothing listens that would run code in the crawl's process",
    "extensions.spiderstate.SpiderState": "spider.state is part of every job",
    "extensions.throttle.AutoThrottle": (
        "the pace of every host adapts by itself: politeness.adaptive, politeness.max_delay"
    ),
    "extensions.telnet.TelnetConsole": "nothing listens that would run code in the crawl's process",
}

#: What is set when a project switches a component of Scrapy's off, by priority None, whose work the engine does.
SWITCHES: dict[str, dict[str, Any]] = {
    "downloadermiddlewares.httpcompression.HttpCompressionMiddleware": {"http.compression": False},
    "downloadermiddlewares.offsite.OffsiteMiddleware": {"crawl.stay_on_site": False},
    "downloadermiddlewares.robotstxt.RobotsTxtMiddleware": {"politeness.obey_robots": False},
    "extensions.closespider.CloseSpider": {
        "crawl.max_pages": 0,
        "crawl.max_items": 0,
        "crawl.max_errors": 0,
        "crawl.max_seconds": 0.0,
    },
    "extensions.throttle.AutoThrottle": {"politeness.adaptive": False},
    "spidermiddlewares.depth.DepthMiddleware": {"crawl.depth_limit": 0, "crawl.depth_priority": 0},
    "spidermiddlewares.httperror.HttpErrorMiddleware": {"crawl.allow_http_errors": True},
    "spidermiddlewares.offsite.OffsiteMiddleware": {"crawl.stay_on_site": False},
    "spidermiddlewares.referer.RefererMiddleware": {"crawl.referer": False},
    "spidermiddlewares.urllength.UrlLengthMiddleware": {"crawl.url_length": 0},
}

_ONE_ENGINE = (
    "the engine is one whole here and has no replaceable parts; crawler.interfaces lists what can be plugged in"
)
_QUEUES = (
    "requests wait by priority, then first in first out, in a frontier that survives any end; see crawler.frontier"
)
_OLD = "it left Scrapy years ago"
_OWN = "it is machinery of Scrapy's own, and not here; write the few lines where they are needed"

#: What is not here, by its path or the beginning of it; the longest that fits counts.
ADVICE = {
    "addons": "list the components in settings.toml, or change settings in the spider's update_settings",
    "cmdline": "commands are called with crawler.cmdline.execute, or from the library: crawler.run(MySpider)",
    "command": "a command of your own is a click command, see crawler.cli.custom, or a script that calls crawler.run()",
    "commands": "a command of your own is a click command, see crawler.cli.custom, or a script that calls crawler.run()",
    "conf": f"{_OLD}; use crawler.settings.get_project_settings()",
    "contrib": f"{_OLD}; what was there is in crawler.spiders, crawler.linkextractors, crawler.loader, crawler.pipelines, "
    "crawler.downloadermiddlewares, crawler.spidermiddlewares and crawler.exporters",
    "contrib_exp": f"{_OLD}; see crawler.linkextractors and crawler.loader",
    "core": _ONE_ENGINE,
    "core.downloader.contextfactory": "TLS is set up by http.verify_tls, http.tls_min and http.tls_max",
    "core.downloader.handlers": "schemes are switched on by http.schemes; a downloader middleware's process_request may "
    "return a response that it got by other means",
    "core.scheduler": _QUEUES,
    "downloadermiddlewares.ajaxcrawl": f"{_OLD}",
    "downloadermiddlewares.stats": "the engine counts every download",
    "extension": _ONE_ENGINE,
    "extensions.feedexport": "feeds are part of every crawl; crawler.exporters has their parts",
    "extensions.httpcache": "there is no HTTP cache",
    "extensions.throttle": "the pace of every host adapts by itself: politeness.adaptive, politeness.max_delay",
    "http.cookies.WrappedRequest": _OWN,
    "http.cookies.WrappedResponse": _OWN,
    "http.cookies.potential_domain_matches": _OWN,
    "http.request.VerboseCookie": "annotate with dict[str, Any]",
    "interfaces.ISpiderLoader": "spiders are found in project.spiders; see crawler.spiders.loader.SpiderLoader",
    "linkextractor": f"{_OLD}; use crawler.linkextractors.LinkExtractor",
    "linkextractors.htmlparser": f"{_OLD}; use crawler.linkextractors.LinkExtractor",
    "linkextractors.lxmlhtml.LxmlParserLinkExtractor": "use crawler.linkextractors.LinkExtractor",
    "linkextractors.regex": f"{_OLD}; use crawler.linkextractors.LinkExtractor",
    "linkextractors.sgml": f"{_OLD}; use crawler.linkextractors.LinkExtractor",
    "loader.common": "use itemloaders.common",
    "log": f"{_OLD}; use logging, or self.logger of the spider",
    "middleware": _ONE_ENGINE,
    "pipelines.ItemPipelineManager": _ONE_ENGINE,
    "pipelines.ItemProcessorProtocol": _ONE_ENGINE,
    "pqueues": _QUEUES,
    "project": f"{_OLD}; use crawler.settings.get_project_settings()",
    "resolver": "names are resolved by the operating system",
    "robotstxt": "robots.txt is read by RFC 9309; use crawler.robots.RobotsRules",
    "selector.HtmlXPathSelector": f"{_OLD}; use crawler.Selector, or response.xpath()",
    "selector.XmlXPathSelector": f"{_OLD}; use crawler.Selector, or response.xpath()",
    "selector.XPathSelector": f"{_OLD}; use crawler.Selector, or response.xpath()",
    "settings.default_settings": "`crawler settings` shows all settings, and crawler.Settings() has the defaults",
    "settings.iter_default_settings": "iterate over crawler.Settings()",
    "settings.overridden_settings": "Settings.explain() tells where values come from",
    "spider": f"{_OLD}; use crawler.Spider",
    "spiders.init": f"{_OLD}; begin in start()",
    "spiderloader": "spiders are found in project.spiders; see crawler.spiders.loader.SpiderLoader",
    "squeue": _QUEUES,
    "squeues": _QUEUES,
    "statscol": "use crawler.stats",
    "statscollectors": "use crawler.stats.MemoryStatsCollector",
    "telnet": "nothing listens that would run code in the crawl's process",
    "utils": _OWN,
    "utils.asyncgen": "use `async for` and asynchronous comprehensions",
    "utils.asyncio": "callbacks may await asyncio's and Twisted's awaitables as they are",
    "utils.boto": "storages are named by URL",
    "utils.conf": "use crawler.settings.find_project, get_project_settings and load_settings",
    "utils.defer": "hooks and callbacks may await asyncio's and Twisted's awaitables as they are",
    "utils.engine": "crawler.snapshot() tells the state of a crawl",
    "utils.iterators": "use lxml.etree.iterparse or the csv module",
    "utils.job": "the job is spider.settings.frontier.job; spider.state is kept in it",
    "utils.log": "use logging, and crawler.logs.configure_logging",
    "utils.markup": "use w3lib.html",
    "utils.project": "use crawler.settings.find_project",
    "utils.reactor": "the crawler installs no reactor: it takes the one that runs, or makes its own",
    "utils.request": "use crawler.http.fingerprint.fingerprint",
    "utils.signal": "use crawler.signals.send_catch_log of the crawler at hand",
    "utils.spider": "use crawler.spiders.loader",
    "utils.test": "use crawler.testing",
    "utils.trackref": "use tracemalloc, or the gc module",
    "utils.url": "use w3lib.url, or crawler.url",
    "xlib": f"{_OLD}; signals are connected with crawler.signals.connect of from_crawler",
    "xpath": f"{_OLD}; use crawler.Selector",
}


#: The modules that the names of the tables stand in, and those above them.
_MODULES = frozenset(
    ".".join(parts[:end])
    for parts in (path.split(".") for path in (*PLACES, *BUILT_IN, *ADVICE))
    for end in range(1, len(parts))
)


def advice(path: str) -> str | None:
    """Return what to do where *path* (``scrapy.mail.MailSender``, ``crawler.mail.MailSender``) is not; None if nothing is known."""
    root, _, below = path.partition(".")
    if root not in ("crawler", "scrapy"):
        return None
    told = BUILT_IN.get(below)
    while below and told is None:
        told = ADVICE.get(below)
        below = below.rpartition(".")[0]
    return f"there is no crawler.{path.partition('.')[2]}: {told}" if told is not None else None


def our_path(path: str) -> str:
    """Return where what Scrapy has at the dotted *path* is here; paths of others as they are."""
    root, _, below = path.partition(".")
    if root not in ("crawler", "scrapy"):
        return path
    place = PLACES.get(below)
    if place is None:
        return _ROOT + below if below else "crawler"
    module, _, name = place.partition(":")
    return f"{module}.{name or path.rpartition('.')[2]}"


def switched_off_by(path: str) -> dict[str, Any]:
    """Return what is set when a project switches off the component that Scrapy has at *path*."""
    root, _, below = path.partition(".")
    return SWITCHES.get(below, {}) if root in ("crawler", "scrapy") else {}


def built_in(path: str) -> str | None:
    """Return what does here the work of the component that Scrapy has at *path*; None if it is a component here too."""
    root, _, below = path.partition(".")
    return BUILT_IN.get(below) if root in ("crawler", "scrapy") else None


class Paths:
    """Finds what ported code imports from this package: the modules that there are, those of the tables, or what to do."""

    def find_spec(self, fullname: str, path: Any = None, target: ModuleType | None = None) -> ModuleSpec | None:
        """Return how the module *fullname* is loaded. Raise ImportError with the advice that there is."""
        if not fullname.startswith(_ROOT):
            return None
        below = fullname[len(_ROOT) :]
        for finder in tuple(sys.meta_path):
            spec = None if finder is self else finder.find_spec(fullname, path, target)
            if spec is not None:
                if spec.submodule_search_locations is None and below in _MODULES:
                    # Python asks for names that a module does not have only if the module could have others below it.
                    spec.submodule_search_locations = []
                return spec
        if below in _MODULES:
            return ModuleSpec(fullname, self, is_package=True)  # type: ignore[arg-type]  # a Loader by its methods
        told = advice(fullname)
        if told is not None:
            raise ImportError(told, name=fullname)
        return None

    def create_module(self, spec: ModuleSpec) -> None:
        """Leave it to Python to make the module."""

    def exec_module(self, module: ModuleType) -> None:
        """Fill a module of the tables: its names are looked up when they are asked for."""
        module.__doc__ = "Names that ported code imports from here; see crawler.scrapy_paths."

        def named(name: str) -> Any:
            path = f"{module.__name__}.{name}"
            if path[len(_ROOT) :] in _MODULES:
                return importlib.import_module(path)
            if path[len(_ROOT) :] in PLACES:
                where, _, what = our_path(path).rpartition(".")
                try:
                    return getattr(importlib.import_module(where), what)
                except ImportError as error:
                    if error.name != where:
                        raise
                except AttributeError:
                    pass
            raise AttributeError(advice(path) or f"module {module.__name__!r} has no attribute {name!r}")

        module.__getattr__ = named  # type: ignore[method-assign]  # how modules have it (PEP 562)


def install() -> None:
    """Let Python's import system ask here, once."""
    if not any(isinstance(finder, Paths) for finder in sys.meta_path):
        sys.meta_path.insert(0, Paths())
