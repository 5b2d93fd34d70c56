"""What in a Scrapy project runs otherwise here, or not at all, and what to do about it. Found in the syntax, nothing is run."""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterator
from dataclasses import dataclass

from crawler.porting.flagged import problems, written


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    """Something on *line* that needs a hand."""

    line: int
    what_to_do: str


DEPLOY = "deploy with what runs processes: crawler crawl is one that can be killed and resumed"
_ITS_OWN = "it imports Scrapy itself, so its classes do not take part here"

#: Packages for Scrapy that projects use -> what to do.
PACKAGES = {
    "inline_requests": "write the callback as `async def` and await self.crawler.engine.download(request)",
    "scrapy_crawlera": f"{_ITS_OWN}; send requests through the service's proxy in a downloader middleware",
    "scrapy_deltafetch": f"{_ITS_OWN}; a job that is run again under its name (--job) goes on where it was",
    "scrapy_djangoitem": f"{_ITS_OWN}; yield dictionaries and save them in a pipeline",
    "scrapy_fake_useragent": f"{_ITS_OWN}; set the User-Agent in a downloader middleware's process_request",
    "scrapy_impersonate": f"{_ITS_OWN}; there is no such transport here",
    "scrapy_playwright": f"{_ITS_OWN}; await Playwright's asyncio API in the callback, or in a middleware's process_request",
    "scrapy_proxies": f"{_ITS_OWN}; choose meta['proxy'] in a downloader middleware's process_request",
    "scrapy_redis": f"{_ITS_OWN}; the frontier keeps requests by itself",
    "rotating_proxies": f"{_ITS_OWN}; choose meta['proxy'] in a downloader middleware's process_request",
    "scrapy_rotating_proxies": f"{_ITS_OWN}; choose meta['proxy'] in a downloader middleware's process_request",
    "scrapy_selenium": f"{_ITS_OWN}; drive the browser in a downloader middleware's process_request, which may return a response",
    "scrapy_splash": f"{_ITS_OWN}; send JsonRequest to Splash's HTTP API",
    "scrapy_user_agents": f"{_ITS_OWN}; set the User-Agent in a downloader middleware's process_request",
    "scrapy_zyte_api": f"{_ITS_OWN}; send JsonRequest to the HTTP API",
    "scrapy_poet": f"{_ITS_OWN}; make page objects in the callback",
    "scrapyd": DEPLOY,
    "scrapyd_api": DEPLOY,
    "scrapyd_client": DEPLOY,
    "scrapyrt": "call crawler.crawl(MySpider) in a web service of your own",
    "shub": DEPLOY,
    "spidermon": f"{_ITS_OWN}; look at crawler.stats in a spider_closed handler",
}

#: Keys of ``Request.meta`` that mean nothing here -> what to do.
META_KEYS = {
    "splash": PACKAGES["scrapy_splash"],
    "playwright": PACKAGES["scrapy_playwright"],
    "playwright_page_methods": PACKAGES["scrapy_playwright"],
    "zyte_api": PACKAGES["scrapy_zyte_api"],
    "ftp_user": "there is no FTP: use ftplib in a thread",
    "ftp_password": "there is no FTP: use ftplib in a thread",
    "ftp_local_filename": "there is no FTP: use ftplib in a thread",
}

#: What Scrapy's engine has beside crawl, download, pause, unpause and close_spider -> what to do.
ENGINE_PARTS = {
    "slot": "crawler.snapshot() tells what waits and what is in flight",
    "_slot": "crawler.snapshot() tells what waits and what is in flight",
    "scraper": "crawler.snapshot() tells what waits and what is in flight",
    "downloader": "the delay of a host is politeness.hosts; crawler.snapshot() tells what is in flight",
    "schedule": "call engine.crawl(request)",
    "scheduler": "call engine.crawl(request); crawler.snapshot() tells what waits",
}

_LAMBDA = (
    "a request with this callback cannot be kept in a job: make it a method and pass what it needs in cb_kwargs, "
    "or set frontier.store to memory"
)


def findings_of(tree: ast.AST, own: Collection[str] = ()) -> Iterator[Finding]:
    """Yield what needs a hand in a module of a project whose *own* packages are ported with it."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from _packages(node, [alias.name for alias in node.names], own)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield from _packages(node, [node.module], own)
        elif isinstance(node, ast.Call):
            yield from _call(node)
        elif isinstance(node, ast.Subscript) and _is_meta(node.value):
            yield from _meta_key(node.slice)
        elif isinstance(node, ast.Attribute):
            yield from _engine_part(node)
        for line, name, value in written(node):
            yield from (Finding(line, problem) for problem in problems(name, value))


def _packages(node: ast.stmt, modules: list[str], own: Collection[str]) -> Iterator[Finding]:
    for module in modules:
        package = module.partition(".")[0]
        told = PACKAGES.get(package)
        if told is not None and package not in own:
            yield Finding(node.lineno, f"{module}: {told}")


def _call(node: ast.Call) -> Iterator[Finding]:
    for keyword in node.keywords:
        if keyword.arg in ("callback", "errback") and isinstance(keyword.value, ast.Lambda):
            yield Finding(keyword.value.lineno, f"{keyword.arg}: {_LAMBDA}")
        if keyword.arg == "meta" and isinstance(keyword.value, ast.Dict):
            for key in keyword.value.keys:
                yield from _meta_key(key)
    named = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
    if named == "getLogger" and node.args and _text_of(node.args[0]).partition(".")[0] == "scrapy":
        yield Finding(
            node.lineno, "loggers have the names of our modules: crawler, crawler.engine, crawler.spiders ..."
        )


def _meta_key(key: ast.expr | None) -> Iterator[Finding]:
    told = META_KEYS.get(_text_of(key)) if key is not None else None
    if key is not None and told is not None:
        yield Finding(key.lineno, f"meta[{_text_of(key)!r}]: {told}")


def _engine_part(node: ast.Attribute) -> Iterator[Finding]:
    owner = node.value
    if isinstance(owner, ast.Attribute) and owner.attr == "engine" and node.attr in ENGINE_PARTS:
        yield Finding(node.lineno, f"engine.{node.attr}: {ENGINE_PARTS[node.attr]}")


def _is_meta(node: ast.expr) -> bool:
    return isinstance(node, ast.Attribute) and node.attr == "meta"


def _text_of(node: ast.expr | None) -> str:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""
