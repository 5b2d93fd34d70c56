"""What ported code imports: by Scrapy's paths, or an error that says what to do."""

from __future__ import annotations

import importlib
import subprocess
import sys
from pathlib import Path

import pytest

import crawler
from crawler import scrapy_paths

# What the projects of the field import from Scrapy, beyond the public names of test_public_names.
IMPORTS = """
scrapy.cmdline.execute
scrapy.crawler.AsyncCrawlerProcess
scrapy.crawler.AsyncCrawlerRunner
scrapy.exceptions.ScrapyDeprecationWarning
scrapy.exporters.PythonItemExporter
scrapy.downloadermiddlewares.offsite.OffsiteMiddleware
scrapy.downloadermiddlewares.redirect.RedirectMiddleware
scrapy.downloadermiddlewares.useragent.UserAgentMiddleware
scrapy.extensions.closespider.CloseSpider
scrapy.extensions.corestats.CoreStats
scrapy.extensions.debug.StackTraceDump
scrapy.extensions.logcount.LogCount
scrapy.extensions.logstats.LogStats
scrapy.extensions.memusage.MemoryUsage
scrapy.extensions.periodic_log.PeriodicLog
scrapy.spidermiddlewares.depth.DepthMiddleware
scrapy.spidermiddlewares.httperror.HttpErrorMiddleware
scrapy.spidermiddlewares.offsite.OffsiteMiddleware
scrapy.spidermiddlewares.referer.RefererMiddleware
scrapy.spidermiddlewares.urllength.UrlLengthMiddleware
scrapy.statscollectors.DummyStatsCollector
scrapy.utils.request.RequestFingerprinter
scrapy.utils.request.request_fingerprint
scrapy.utils.defer.deferred_f_from_coro_f
scrapy.utils.defer.ensure_awaitable
scrapy.downloadermiddlewares.redirect.BaseRedirectMiddleware
scrapy.crawler.CrawlerRunnerBase
scrapy.http.request.NO_CALLBACK
scrapy.http.request.form.FormRequest
scrapy.http.response.html.HtmlResponse
scrapy.http.response.text.TextResponse
scrapy.http.cookies.CookieJar
scrapy.linkextractors.lxmlhtml.LxmlLinkExtractor
scrapy.dupefilters.RFPDupeFilter
scrapy.extensions.statsmailer.StatsMailer
scrapy.linkextractors.IGNORED_EXTENSIONS
scrapy.logformatter.LogFormatter
scrapy.mail.MailSender
scrapy.loader.processors.TakeFirst
scrapy.loader.processors.MapCompose
scrapy.loader.processors.Join
scrapy.selector.unified.SelectorList
scrapy.settings.BaseSettings
scrapy.signalmanager.SignalManager
scrapy.signals.spider_idle
scrapy.spiderloader.SpiderLoader
scrapy.spidermiddlewares.base.BaseSpiderMiddleware
scrapy.spiders.crawl.CrawlSpider
scrapy.statscollectors.MemoryStatsCollector
scrapy.utils.defer.deferred_to_future
scrapy.utils.defer.maybe_deferred_to_future
scrapy.utils.httpobj.urlparse_cached
scrapy.utils.log.configure_logging
scrapy.utils.misc.arg_to_iter
scrapy.utils.misc.load_object
scrapy.utils.misc.md5sum
scrapy.utils.misc.walk_modules
scrapy.utils.project.get_project_settings
scrapy.utils.python.to_bytes
scrapy.utils.python.to_unicode
scrapy.utils.reactor.install_reactor
scrapy.utils.request.fingerprint
scrapy.utils.request.request_from_dict
scrapy.utils.response.get_base_url
scrapy.utils.serialize.ScrapyJSONEncoder
scrapy.utils.spider.iter_spider_classes
scrapy.utils.test.get_crawler
scrapy.utils.url.canonicalize_url
""".split()

MISSING = {
    "from crawler.squeues import FifoMemoryQueue": r"crawler\.frontier",
    "from crawler.selector import HtmlXPathSelector": r"response\.xpath\(\)",
    "from crawler.linkextractors.sgml import SgmlLinkExtractor": r"crawler\.linkextractors\.LinkExtractor",
    "from crawler.contrib.spiders import CrawlSpider": r"crawler\.spiders",
    "from crawler.core.scheduler import Scheduler": r"crawler\.frontier",
    "import crawler.core.engine": "no replaceable parts",
    "from crawler import log": "logging",
    "from crawler.utils.trackref import object_ref": "tracemalloc",
    "from crawler.spidermiddlewares.metacopy import MetaCopyDetectionMiddleware": "copying meta is not warned of",
    "from crawler.downloadermiddlewares.robotstxt import RobotsTxtMiddleware": r"politeness\.obey_robots",
}


@pytest.mark.parametrize("path", IMPORTS)
def test_a_name_is_imported_from_where_scrapy_has_it(path: str) -> None:
    module, _, name = path.replace("scrapy.", "crawler.", 1).rpartition(".")
    namespace: dict[str, object] = {}
    exec(f"from {module} import {name}", namespace)
    assert namespace[name] is not None


@pytest.mark.parametrize("statement", MISSING)
def test_a_name_that_is_not_here_is_an_import_error_that_says_what_to_do(statement: str) -> None:
    with pytest.raises(ImportError, match=f"there is no crawler.*{MISSING[statement]}"):
        exec(statement, {})


def test_an_attribute_that_is_not_here_is_an_attribute_error_that_says_what_to_do() -> None:
    with pytest.raises(AttributeError, match=r"there is no crawler\.squeues: requests wait by priority"):
        crawler.squeues  # noqa: B018
    with pytest.raises(AttributeError, match=r"machinery of Scrapy's own"):
        importlib.import_module("crawler.utils.python").re_rsearch  # noqa: B018
    assert not hasattr(crawler, "squeues")


def test_a_name_that_nobody_knows_is_a_plain_import_error() -> None:
    with pytest.raises(ImportError, match=r"cannot import name 'Nonsense' from 'crawler\.loader'"):
        exec("from crawler.loader import Nonsense", {})
    with pytest.raises(ModuleNotFoundError, match=r"No module named 'crawler\.nonsense'"):
        importlib.import_module("crawler.nonsense")


def test_what_is_really_there_wins_over_the_tables(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(scrapy_paths.ADVICE, "signals", "never told")
    monkeypatch.setitem(scrapy_paths.ADVICE, "loader.ItemLoader", "never told")
    exec("from crawler.loader import ItemLoader; import crawler.signals", {})


@pytest.mark.parametrize("path", [*scrapy_paths.ADVICE, *scrapy_paths.BUILT_IN])
def test_what_there_is_advice_about_is_imported_or_the_advice_is_told(path: str) -> None:
    module, _, name = f"crawler.{path}".rpartition(".")
    try:
        exec(f"from {module} import {name}", {})
    except ImportError as error:
        assert str(error).startswith("there is no crawler."), error


@pytest.mark.parametrize("path", scrapy_paths.PLACES)
def test_a_place_of_the_table_is_there_or_there_is_advice(path: str) -> None:
    module, _, name = f"crawler.{path}".rpartition(".")
    try:
        exec(f"from {module} import {name}", {})
    except ImportError as error:
        assert str(error).startswith("there is no crawler."), error


def test_modules_are_there_after_import_crawler_alone_as_scrapys_are() -> None:
    code = "import crawler; print(crawler.signals.spider_idle, crawler.http.Request, crawler.exceptions.CloseSpider)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_the_paths_cost_nothing_before_they_are_used() -> None:
    code = "import sys, crawler; print([name for name in sys.modules if name.startswith('crawler.')])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.strip() == "['crawler.scrapy_paths']"


@pytest.mark.parametrize("path", scrapy_paths.ADVICE)
def test_advice_is_given_only_where_nothing_is(path: str) -> None:
    package = Path(scrapy_paths.__file__).parent
    module, _, name = path.rpartition(".")
    places = [package.joinpath(*path.split(".")).with_suffix(".py"), package.joinpath(*path.split("."), "__init__.py")]
    assert not any(place.exists() for place in places), f"crawler.{path} is there by now"
    source = package.joinpath(*module.split(".")).with_suffix(".py")
    if name and source.exists():
        assert f"class {name}(" not in source.read_text("utf-8"), f"crawler.{path} is there by now"
