"""Imports of Scrapy become ours, and nothing else changes."""

from __future__ import annotations

import pytest

from crawler.porting import ported
from crawler.porting.source import Source


def text(before: str, *, imports_only: bool = False) -> str:
    return ported(Source.read(before.encode()), imports_only=imports_only)[0]


def told(before: str) -> list[tuple[int, str]]:
    return [(finding.line, finding.what_to_do) for finding in ported(Source.read(before.encode()))[1]]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("import scrapy\n", "import crawler\n"),
        ("import scrapy as s; s.Request\n", "import crawler as s; s.Request\n"),
        ("import os, scrapy, sys\n", "import os, crawler, sys\n"),
        ("import scrapy.http as h\n", "import crawler.http as h\n"),
        (
            "import scrapy.signals\nscrapy.signals.spider_idle\n",
            "import crawler.signals\ncrawler.signals.spider_idle\n",
        ),
        ("from scrapy import Spider, signals as s\n", "from crawler import Spider, signals as s\n"),
        ("from scrapy.http import *\n", "from crawler.http import *\n"),
        (
            "from scrapy.http import (  # both\n    Request,\n    FormRequest as F,  # forms\n)\n",
            "from crawler.http import (  # both\n    Request,\n    FormRequest as F,  # forms\n)\n",
        ),
        ("def f():\n    from scrapy.item import Item\n", "def f():\n    from crawler.item import Item\n"),
        (
            "try:\n    import scrapy\nexcept ImportError:\n    pass\n",
            "try:\n    import crawler\nexcept ImportError:\n    pass\n",
        ),
        (
            "import scrapy\nclass A(scrapy.Spider): x = scrapy.http\n",
            "import crawler\nclass A(crawler.Spider): x = crawler.http\n",
        ),
        ("from  scrapy.http  import Request\n", "from  crawler.http  import Request\n"),
    ],
)
def test_an_import_is_rewritten_in_its_place(before: str, after: str) -> None:
    assert text(before) == after


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (
            "from scrapy.utils.project import get_project_settings\n",
            "from crawler.settings import get_project_settings\n",
        ),
        (
            "from scrapy.loader.processors import TakeFirst as T\n",
            "from itemloaders.processors import TakeFirst as T\n",
        ),
        # two places, or another name: the path of old leads there
        ("from scrapy.utils.url import canonicalize_url, url_is_from_any_domain\n",) * 2,
        ("from scrapy.linkextractors.lxmlhtml import LxmlLinkExtractor\n",) * 2,
    ],
)
def test_a_name_that_stands_elsewhere_here_is_imported_from_there(before: str, after: str) -> None:
    assert text(before) == after.replace("scrapy", "crawler")


@pytest.mark.parametrize(
    "kept",
    [
        "from . import scrapy\n",
        "from .scrapy import thing\n",
        "import scrapy_project, myscrapy\n",
        "# import scrapy\n'''scrapy.Spider'''\nx = 'scrapy'\n",
        "x = 'https://scrapy.org', 'scrapy.org', 'scrapy.cfg', 'from scrapy import x'\n",
    ],
)
def test_what_is_not_scrapys_stays(kept: str) -> None:
    assert text(kept) == kept


@pytest.mark.parametrize(
    "meaning",
    [
        "def from_crawler(cls, crawler): return crawler",
        "crawler = 1",
        "from shop import crawler",
        "for crawler in (): pass",
        "class crawler: pass",
        "f = lambda scrapy: scrapy.x",
        "from shop import scrapy",
    ],
)
def test_where_crawler_means_something_already_scrapy_stays_the_name(meaning: str) -> None:
    before = f"import scrapy\n{meaning}\nscrapy.Request\n"
    assert text(before) == f"import crawler as scrapy\n{meaning}\nscrapy.Request\n"


def test_with_imports_only_no_other_line_changes() -> None:
    before = "import scrapy.http\nimport scrapy\nx = scrapy.http.Request, 'scrapy.http.Request'\n"
    after = "import crawler.http, crawler as scrapy\nimport crawler as scrapy\nx = scrapy.http.Request, 'scrapy.http.Request'\n"
    assert text(before, imports_only=True) == after


def test_names_within_f_strings_are_renamed_or_the_name_is_kept() -> None:
    after = text('import scrapy\nx = f"ü {scrapy.__version__}"\n')
    namespace: dict[str, str] = {}
    exec(after, namespace)
    assert namespace["x"].startswith("ü 0.")


def test_a_dotted_path_in_a_text_is_rewritten_if_it_is_one_of_ours() -> None:
    before = "x = {'scrapy.downloadermiddlewares.retry.RetryMiddleware': None, r\"scrapy.http.Request\": 1}\n"
    after = "x = {'crawler.downloadermiddlewares.retry.RetryMiddleware': None, r\"scrapy.http.Request\": 1}\n"
    assert text(before) == after


def test_comments_newlines_and_tabs_stay_byte_for_byte() -> None:
    before = "import scrapy\r\n\r\n\tclass_ = 1".replace("\t", "") + "  # ü\r\nif 1:\r\n\tscrapy.Request  \r\n# the end"
    assert text(before) == before.replace("scrapy", "crawler")


def test_what_is_ported_stays_as_it_is() -> None:
    once = text("import scrapy\nfrom scrapy.utils.project import get_project_settings\nscrapy.Request\n")
    assert text(once) == once


def test_a_name_that_is_not_here_is_told_with_its_line_and_what_to_do() -> None:
    assert told("import os\nfrom scrapy.telnet import (\n    TelnetConsole,\n)\n") == [
        (
            3,
            "scrapy.telnet.TelnetConsole: there is no crawler.telnet.TelnetConsole: nothing listens that would run code in the "
            "crawl's process",
        )
    ]
    [(line, what)] = told("import scrapy\n\nscrapy.core.scheduler.Scheduler()\n")
    assert line == 3
    assert "scrapy.core.scheduler.Scheduler" in what
    [(line, what)] = told("x = [\n  'scrapy.squeues.PickleFifoDiskQueue']\n")
    assert (line, "frontier" in what) == (2, True)


def test_an_import_that_cannot_be_rewritten_in_its_place_is_told() -> None:
    before = "from scrapy . http import Request\n"
    assert text(before) == before
    assert told(before) == [(1, "write crawler for scrapy in this import")]
