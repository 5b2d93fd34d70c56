"""The names that spiders import: where Scrapy has them, with Scrapy's signatures."""

from __future__ import annotations

import importlib
import inspect

import pytest

import crawler

# module -> names, as spiders and projects import them from Scrapy
NAMES = {
    "crawler": ["Spider", "Request", "FormRequest", "Selector", "Item", "Field", "Settings", "run", "crawl", "stream"],
    "crawler.spiders": ["Spider", "CrawlSpider", "Rule"],
    "crawler.http": [
        "Request",
        "FormRequest",
        "JsonRequest",
        "XmlRpcRequest",
        "Headers",
        "Response",
        "TextResponse",
        "HtmlResponse",
        "XmlResponse",
        "JsonResponse",
    ],
    "crawler.selector": ["Selector", "SelectorList"],
    "crawler.linkextractors": ["LinkExtractor"],
    "crawler.link": ["Link"],
    "crawler.item": ["Item", "Field"],
    "crawler.loader": ["ItemLoader"],
    "crawler.pipelines.files": ["FilesPipeline", "FSFilesStore", "FileException"],
    "crawler.pipelines.images": ["ImagesPipeline", "ImageException"],
    "crawler.pipelines.media": ["MediaPipeline", "FileException"],
    "crawler.exceptions": [
        "DropItem",
        "IgnoreRequest",
        "CloseSpider",
        "DontCloseSpider",
        "NotConfigured",
        "NotSupported",
        "StopDownload",
        "ContractFail",
    ],
    "crawler.signals": [
        "engine_started",
        "engine_stopped",
        "spider_opened",
        "spider_idle",
        "spider_closed",
        "spider_error",
        "request_scheduled",
        "request_dropped",
        "response_received",
        "item_scraped",
        "item_dropped",
        "item_error",
    ],
    "crawler.settings": ["Settings"],
    "crawler.crawler": ["Crawler", "CrawlerProcess", "CrawlerRunner", "CrawlResult"],
    "crawler.spidermiddlewares.httperror": ["HttpError"],
    "crawler.downloadermiddlewares.retry": ["RetryMiddleware", "get_retry_request"],
    "crawler.downloadermiddlewares.redirect": ["RedirectMiddleware"],
    "crawler.downloadermiddlewares.cookies": ["CookiesMiddleware"],
    "crawler.exporters": [
        "BaseItemExporter",
        "JsonLinesItemExporter",
        "JsonItemExporter",
        "CsvItemExporter",
        "XmlItemExporter",
    ],
    "crawler.shell": ["inspect_response", "open_in_browser"],
    "crawler.utils.response": ["open_in_browser"],
    "crawler.contracts": ["Contract"],
    "crawler.contracts.default": [
        "UrlContract",
        "CallbackKeywordArgumentsContract",
        "MetadataContract",
        "MethodContract",
        "BodyContract",
        "HeaderContract",
        "CookieContract",
        "ReturnsContract",
        "ScrapesContract",
    ],
    "crawler.testing": ["crawl_in_memory", "Site", "Page", "MemoryWorld"],
    "crawler.interfaces": ["DownloaderMiddleware", "SpiderMiddleware", "ItemPipeline", "Extension", "CrawlSnapshot"],
}

SIGNATURES = {
    "crawler.http:Request": "url callback method headers body cookies meta encoding priority dont_filter errback flags cb_kwargs",
    "crawler.http:Response": "url status headers body flags request certificate ip_address protocol",
    "crawler.linkextractors:LinkExtractor": (
        "allow deny allow_domains deny_domains restrict_xpaths tags attrs canonicalize unique process_value "
        "deny_extensions restrict_css strip restrict_text deny_tags deny_attrs"
    ),
    "crawler.spiders:Rule": "link_extractor callback cb_kwargs follow process_links process_request errback",
}


@pytest.mark.parametrize(("module", "name"), [(module, name) for module, names in NAMES.items() for name in names])
def test_a_public_name_is_where_spiders_import_it(module: str, name: str) -> None:
    assert hasattr(importlib.import_module(module), name)


@pytest.mark.parametrize("path", SIGNATURES)
def test_a_public_class_takes_the_arguments_that_scrapys_takes_in_their_order(path: str) -> None:
    module, _, name = path.partition(":")
    parameters = list(inspect.signature(getattr(importlib.import_module(module), name)).parameters)
    wanted = SIGNATURES[path].split()
    assert parameters[: len(wanted)] == wanted


@pytest.mark.parametrize("name", crawler.__all__)
def test_every_name_of_the_package_is_there_and_documented(name: str) -> None:
    value = getattr(crawler, name)
    assert name == "__version__" or (value.__doc__ or "").strip()


def test_an_unknown_name_of_the_package_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="'crawler' has no attribute 'Spyder'"):
        crawler.Spyder  # noqa: B018
