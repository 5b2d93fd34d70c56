"""What runs otherwise here is found in the syntax, with what to do."""

from __future__ import annotations

import ast

import pytest

from crawler.porting.findings import ENGINE_PARTS, META_KEYS, PACKAGES, findings_of


def told(code: str) -> list[str]:
    return [f"{finding.line}: {finding.what_to_do}" for finding in findings_of(ast.parse(code))]


@pytest.mark.parametrize(
    ("code", "told_in_part"),
    [
        ("from inline_requests import inline_requests", "await self.crawler.engine.download(request)"),
        ("import scrapy_splash", "Splash's HTTP API"),
        ("from scrapy_playwright.page import PageMethod", "Playwright's asyncio API"),
        ("from scrapyd_api import ScrapydAPI", "can be killed and resumed"),
        ("Request(url, callback=lambda r: 1)", "make it a method and pass what it needs in cb_kwargs"),
        ("response.follow(a, errback=lambda f: 1)", "errback: a request with this callback cannot be kept"),
        ("Request(url, meta={'playwright': True})", "meta['playwright']"),
        ("request.meta['splash'] = {}", "meta['splash']"),
        ("self.crawler.engine.slot.scheduler", "engine.slot: crawler.snapshot()"),
        ("crawler.engine.schedule(r, s)", "call engine.crawl(request)"),
        ("logging.getLogger('scrapy.core.engine').setLevel(1)", "loggers have the names of our modules"),
        ("class S:\n  custom_settings = {'SCHEDULER': 'x'}", "SCHEDULER has no effect"),
        (
            "class S:\n  custom_settings = {'DOWNLOAD_HANDLERS': {'https': 'shop.Own'}}",
            "DOWNLOAD_HANDLERS['https'] = 'shop.Own'",
        ),
        ("class S:\n  custom_settings = {'DOWNLOAD_TIMOUT': 5}", "did you mean DOWNLOAD_TIMEOUT"),
        ("class S:\n  custom_settings = dict(SCHEDULER='x')", "SCHEDULER has no effect"),
        (
            "class S:\n  custom_settings = {'EXTENSIONS': {'scrapy.extensions.memdebug.MemoryDebugger': 1}}",
            "use tracemalloc",
        ),
        (
            "class S:\n def update_settings(cls, settings):\n  settings.set('SCHEDULER', name, 'spider')",
            "SCHEDULER has no effect",
        ),
        ("settings['SCHEDULER'] = 'x'", "SCHEDULER has no effect"),
        ("self.settings.update({'DOWNLOAD_DELAY': -1})", "must be a number, at least 0"),
        ("CrawlerProcess({'SCHEDULER': 'x'})", "SCHEDULER has no effect"),
        ("CrawlerRunner(settings={'DNS_RESOLVER': 'x'})", "DNS_RESOLVER has no effect"),
        ("execute(['scrapy', 'crawl', 'x', '-s', 'SCHEDULER=x'])", "SCHEDULER has no effect"),
        ("os.system('scrapy crawl x -s SCHEDULER=x')", "SCHEDULER has no effect"),
        ("class S:\n  custom_settings: dict = {'TELNETCONSOLE_PORT': None}", "nothing listens"),
    ],
)
def test_what_needs_a_hand_is_found(code: str, told_in_part: str) -> None:
    [finding] = told(code)
    assert told_in_part in finding
    assert finding.startswith(f"{1 + code.count(chr(10))}: ")


@pytest.mark.parametrize(
    "code",
    [
        "Request(url, callback=self.parse, meta={'cookiejar': 1, 'proxy': p})",
        "crawler.engine.crawl(r); crawler.engine.pause(); engine.slot",
        "class S:\n  custom_settings = {'DOWNLOAD_DELAY': 1, **more}\n  def start_requests(self): pass",
        "from .scrapy_splash import x",
        "logging.getLogger(__name__)",
        "settings.get('SCHEDULER'); other.set('SCHEDULER', 1); values['SCHEDULER'] = 1",
        "class S:\n  custom_settings = {'SCHEDULER_DEBUG': False, 'SHOP_KEY': key, 'LOG_FORMATTER': 'shop.Lines'}",
        "execute(['scrapy', 'crawl', 'x', '-s', 'DOWNLOAD_DELAY=1', '-a', 'SCHEDULER=1'])",
        "CrawlerProcess(get_project_settings())",
    ],
)
def test_what_runs_as_it_is_is_not_told(code: str) -> None:
    assert told(code) == []


def test_the_projects_own_packages_are_no_foreign_ones() -> None:
    code = ast.parse("import scrapy_splash.request, scrapy_redis")
    assert [finding.what_to_do[:12] for finding in findings_of(code, {"scrapy_splash"})] == ["scrapy_redis"]


def test_every_word_of_advice_is_a_text() -> None:
    assert all([*PACKAGES.values(), *META_KEYS.values(), *ENGINE_PARTS.values()])
