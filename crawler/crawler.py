"""Crawler: one crawl, and CrawlerProcess and CrawlerRunner as Scrapy users know them. ``running`` has the simpler ways to run one.

``Crawler`` builds every part of one crawl from its settings, in the order in which they depend on each other, and gives the
engine what it needs. Parts do not find each other through it: it is what components get as ``crawler``, and no more.
"""

from __future__ import annotations

import logging
from asyncio import Future
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack, nullcontext
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any

from twisted.internet.defer import Deferred, DeferredList, maybeDeferred, succeed

from crawler import runtime as runtimes
from crawler.assembly import Assembly
from crawler.concurrency import Bridge, start
from crawler.engine import addons, components
from crawler.engine.identity import fingerprinter_of
from crawler.exceptions import UsageError
from crawler.frontier.jobs import FINISHED, jobs_in
from crawler.logs import configure_logging
from crawler.refusals import Refusals
from crawler.result import CrawlResult
from crawler.settings import Settings
from crawler.signals import SignalManager
from crawler.spiders.loader import SpiderLoader
from crawler.stats import render
from crawler.watching import look, snapshot

if TYPE_CHECKING:
    from pathlib import Path

    from crawler.engine import Engine
    from crawler.exporters import FeedOptions
    from crawler.http import Request, Response
    from crawler.interfaces import CrawlSnapshot
    from crawler.runtime import Runtime
    from crawler.spiders import Spider
    from crawler.stats import StatsCollector

logger = logging.getLogger(__name__)


class Crawler:
    """One crawl of *spidercls*: its settings, statistics, signals, spider and engine.

    Settings are read when the crawler is made; ``custom_settings`` of the spider count less than *settings* given here only
    where those come from the command line or the environment. *start*, given the spider, yields what the crawl begins with, in the
    place of the spider's own ``start``.
    """

    def __init__(
        self,
        spidercls: type[Spider],
        settings: Settings | Mapping[str, Any] | None = None,
        *,
        runtime: Runtime | None = None,
        feeds: Iterable[FeedOptions] = (),
        on_item: Callable[[Any], Any] | None = None,
        command: Mapping[str, Any] | None = None,
        start: Callable[[Spider], AsyncIterator[Any]] | None = None,
    ) -> None:
        if isinstance(spidercls, str):
            raise UsageError(
                f"{spidercls!r} is the name of a spider where its class is wanted: CrawlerProcess and CrawlerRunner take names"
            )
        if not isinstance(spidercls, type):
            name = type(spidercls).__name__
            raise UsageError(f"{name}() is a spider where its class is wanted: write {name}, then its arguments")
        self.spidercls = spidercls
        self.settings = _own_settings(spidercls, settings)
        self.addons = addons.apply(self, self.settings)
        self.settings.freeze()
        self.signals = SignalManager(self)
        self.stats: StatsCollector = components.load(self.settings.components.stats)(self)
        self.spider: Spider | None = None
        self.engine: Engine | None = None
        self.crawling = False
        self._runtime = runtime
        self._assemble = partial(Assembly, feeds=tuple(feeds), on_item=on_item, command=command, start=start)
        self._assembly: Assembly | None = None
        self._began = 0.0

    def __repr__(self) -> str:
        return f"<Crawler of {self.spidercls.__name__}: {self.engine or 'not started'}>"

    @property
    def clock(self) -> Any:
        """The reactor's clock: ``seconds()`` and ``callLater``."""
        return self.runtime.reactor

    @property
    def runtime(self) -> Runtime:
        """Where the crawl runs."""
        if self._runtime is None:
            self._runtime = runtimes.here()
        return self._runtime

    @property
    def extensions(self) -> Sequence[Any]:
        """The extensions of the crawl, empty before it is assembled."""
        return self._assembly.extensions if self._assembly else ()

    @property
    def job_folder(self) -> Path | None:
        """Where the job of the crawl is kept, None if it is not durable or not assembled yet."""
        return self._assembly.job_folder if self._assembly else None

    def crawl(self, *args: Any, **kwargs: Any) -> Deferred[CrawlResult]:
        """Begin; return a Deferred of the result. Arguments go to the spider. May be called once."""
        if self.crawling or self.engine is not None:
            raise RuntimeError("a Crawler crawls once: make another")
        self.crawling = True
        return start(self._crawl(args, kwargs))

    async def crawl_async(self, *args: Any, **kwargs: Any) -> CrawlResult:
        """Crawl as :meth:`crawl` does; return the result when the crawl has ended. For asyncio's coroutines and Twisted's."""
        return await runtimes.awaitable(self.crawl(*args, **kwargs))

    async def _crawl(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> CrawlResult:
        try:
            self.spider = self._spider(args, kwargs)
            bridge = self.signals.bridge = Bridge(self.runtime.loop)
            with ExitStack() as opened:
                self._assembly = self._assemble(self, self.spider, self.runtime, bridge, opened)
                opened.pop_all()  # it stays open: the crawl closes it
            self.engine = self._assembly.engine
            self._began = self.clock.seconds()
            self.stats.open_spider(self.spider)
            self._assembly.begin()
            try:
                reason = await self.engine.run()
            finally:
                await self._assembly.close()
            self.stats.close_spider(self.spider, reason)
            if self.settings.log.stats:
                logger.info("Statistics of %s:\n%s", self.spider, render(self.stats.get_stats()))
            return self._result(reason)
        finally:
            self.crawling = False

    def _spider(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Spider:
        """Return the spider, complete also where its own ``from_crawler`` or ``__init__`` does not call those of ``Spider``."""
        spider = self.spidercls.from_crawler(self, *args, **kwargs)
        if getattr(spider, "crawler", None) is None or not hasattr(spider, "settings"):
            spider._set_crawler(self)
        spider.__dict__.setdefault("state", {})
        return spider

    def _result(self, reason: str) -> CrawlResult:
        assert self.engine is not None
        failed = self.engine.frontier.failed + self.engine.account.errors + self.stats.get_value("start/errors", 0)
        return CrawlResult(
            reason,
            self.stats.get_stats(),
            failed=failed,
            interrupted=reason == "shutdown",
            snapshot=self.snapshot(),
            outputs=self._assembly.outputs if self._assembly else (),
            undelivered=self._assembly.undelivered if self._assembly else (),
            job_folder=self.job_folder,
        )

    def snapshot(self) -> CrawlSnapshot:
        """Return what the crawl looks like now."""
        elapsed = self.clock.seconds() - self._began if self.engine is not None else 0.0
        return snapshot(self.engine, self.stats.get_stats(), spider=self.spidercls.name, elapsed=elapsed)

    async def fetch(self, request: Request) -> Response:
        """Return the response to *request*, which is no part of the crawl: past frontier, middlewares and statistics."""
        assert self._assembly is not None  # it is asked while the crawl runs
        return await self._assembly.fetch(request)

    def items_before(self) -> int | None:
        """Return how many items the last finished job of the spider brought, None if there is none."""
        if self.job_folder is None:
            return None
        others = (job for job in jobs_in(self.job_folder.parent.parent) if job.path != self.job_folder)
        finished = [job for job in others if job.spider == self.spidercls.name and job.state == FINISHED]
        return finished[-1].items if finished else None

    def look(self) -> dict[str, Any]:
        """Return what the running crawl looks like now, in detail: hosts, callbacks, troubles, what holds it back."""
        assert self.engine is not None  # it is asked while the crawl runs
        return look(self.engine, self.stats.get_stats())

    def stop(self) -> Deferred[None]:
        """End the crawl when what is in flight has finished."""
        if self.engine is not None:
            self.engine.stop("shutdown")
        return succeed(None)

    async def stop_async(self) -> None:
        """End the crawl when what is in flight has finished."""
        await self.stop()

    @cached_property
    def request_fingerprinter(self) -> Any:
        """What says by ``fingerprint(request)`` what makes two requests the same."""
        return fingerprinter_of(self)

    @cached_property
    def logformatter(self) -> Any:
        """What forms the lines about pages, items and errors where the settings name a formatter; else one that nobody asks."""
        named = self.settings.components.log_formatter or "crawler.logformatter.LogFormatter"
        return components.instance(components.Declared(named), self)

    def get_addon(self, cls: type) -> Any:
        """Return the add-on of class *cls*, None if the crawl has none."""
        return components.of_class(cls, self.addons)

    def get_extension(self, cls: type) -> Any:
        """Return the extension of class *cls*, None if the crawl has none."""
        return components.of_class(cls, self.extensions)

    def get_item_pipeline(self, cls: type) -> Any:
        """Return the item pipeline of class *cls*, None if the crawl has none."""
        return components.of_class(cls, self._assembly.pipelines if self._assembly else ())

    def get_downloader_middleware(self, cls: type) -> Any:
        """Return the downloader middleware of class *cls*, None if the crawl has none."""
        return components.of_class(cls, self._assembly.downloader_middlewares if self._assembly else ())

    def get_spider_middleware(self, cls: type) -> Any:
        """Return the spider middleware of class *cls*, None if the crawl has none."""
        return components.of_class(cls, self._assembly.spider_middlewares if self._assembly else ())


def effective_settings(spidercls: type[Spider], settings: Settings | Mapping[str, Any] | None) -> Settings:
    """Return the settings of a crawl of *spidercls*, its ``custom_settings`` in their place."""
    copy = _own_settings(spidercls, settings)
    copy.freeze()
    return copy


def _own_settings(spidercls: type[Spider], settings: Settings | Mapping[str, Any] | None) -> Settings:
    given = settings if isinstance(settings, Settings) else Settings(settings or {})
    copy = given.copy()
    addons.prepare(copy)
    spidercls.update_settings(copy)
    return copy


class CrawlerRunnerBase:
    """What the runners have in common: the settings of their crawls, the crawlers that run, and where they run."""

    def __init__(self, settings: Settings | Mapping[str, Any] | None = None, *, reactor: Any = None) -> None:
        self.settings = settings if isinstance(settings, Settings) else Settings(settings or {})
        self.crawlers: set[Crawler] = set()
        self.bootstrap_failed = False
        self._reactor = reactor
        self._refusals = Refusals()
        self._active: set[Deferred[Any]] = set()

    @cached_property
    def spider_loader(self) -> SpiderLoader:
        """The spiders of the project that the working directory belongs to, as ``project.spiders`` names them."""
        return SpiderLoader.from_settings(self.settings)

    def create_crawler(self, crawler_or_spidercls: type[Spider] | str | Crawler) -> Crawler:
        """Return a crawler for a spider class or for the name of a spider of the project; a crawler as it is."""
        if isinstance(crawler_or_spidercls, Crawler):
            return crawler_or_spidercls
        if isinstance(crawler_or_spidercls, str):
            crawler_or_spidercls = self.spider_loader.load(crawler_or_spidercls)
        return Crawler(crawler_or_spidercls, self.settings, runtime=self._runtime())

    def _runtime(self) -> Runtime:
        return runtimes.here() if self._reactor is None else runtimes.of_reactor(self._reactor)

    def _begun(self, crawler: Crawler, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Deferred[CrawlResult]:
        """Begin to crawl as soon as the reactor runs; return a Deferred of the result."""
        self.crawlers.add(crawler)
        crawling: Deferred[CrawlResult] = Deferred()
        self._active.add(crawling)

        def ended(result: Any) -> Any:
            self.crawlers.discard(crawler)
            self._active.discard(crawling)
            if crawler.engine is None:
                self.bootstrap_failed = True
                self._refusals.note(crawling, crawler.spidercls.name, result)
            if not self._active:
                runtimes.release_threads(crawler.runtime)
            return result

        crawling.addBoth(ended)
        runtimes.when_running(
            crawler.runtime, lambda: maybeDeferred(crawler.crawl, *args, **kwargs).chainDeferred(crawling)
        )
        return crawling

    def _stopped(self) -> Deferred[Any]:
        return DeferredList([crawler.stop() for crawler in self.crawlers])

    async def _joined(self) -> None:
        while self._active:
            await DeferredList(list(self._active), consumeErrors=False)


class CrawlerRunner(CrawlerRunnerBase):
    """Runs crawls within a reactor that somebody else runs, and answers with Deferreds.

    *reactor* is the one to use; by default the one that runs, or is installed.
    """

    def crawl(
        self, crawler_or_spidercls: type[Spider] | str | Crawler, *args: Any, **kwargs: Any
    ) -> Deferred[CrawlResult]:
        """Begin a crawl, as soon as the reactor runs; return a Deferred of its result."""
        return self._begun(self.create_crawler(crawler_or_spidercls), args, kwargs)

    def stop(self) -> Deferred[Any]:
        """End all crawls when what is in flight has finished."""
        return self._stopped()

    def join(self) -> Deferred[None]:
        """Return a Deferred that fires when all crawls have ended."""
        return start(self._joined())


class AsyncCrawlerRunner(CrawlerRunnerBase):
    """Runs crawls within an asyncio loop that somebody else runs, and answers with what its coroutines can await."""

    def crawl(
        self, crawler_or_spidercls: type[Spider] | str | Crawler, *args: Any, **kwargs: Any
    ) -> Future[CrawlResult]:
        """Begin a crawl, as soon as the loop runs; return a future of its result."""
        crawler = self.create_crawler(crawler_or_spidercls)
        loop = crawler.runtime.loop
        if loop is None:
            raise UsageError(
                f"{type(self).__name__} needs an asyncio loop, and the reactor runs on none: use "
                f"{type(self).__name__.removeprefix('Async')}, or import crawler before twisted.internet.reactor"
            )
        return self._begun(crawler, args, kwargs).asFuture(loop)

    async def stop(self) -> None:
        """End all crawls when what is in flight has finished."""
        await runtimes.awaitable(self._stopped())

    async def join(self) -> None:
        """Return when all crawls have ended."""
        await runtimes.awaitable(start(self._joined()))


class CrawlerProcessBase(CrawlerRunnerBase):
    """Runs crawls in a process of its own: begin them with ``crawl``, then ``start`` and wait."""

    def __init__(self, settings: Settings | Mapping[str, Any] | None = None, install_root_handler: bool = True) -> None:
        self._where = runtimes.own()
        super().__init__(settings, reactor=self._where.reactor)
        if install_root_handler:
            configure_logging(self.settings.log)

    def start(self, stop_after_crawl: bool = True, install_signal_handlers: bool = True) -> None:
        """Run until all crawls have ended; with *stop_after_crawl* false, until a signal stops them.

        One that could not begin, and whose Deferred nobody has looked at, ends the program with SystemExit.
        The first SIGINT or SIGTERM finishes what is in flight, the second stops at once.
        """

        async def until_ended() -> None:
            await self._joined()
            if not stop_after_crawl:
                await Deferred()  # for a reactor that others use too: ended by the signal's KeyboardInterrupt

        with (
            runtimes.stopped_by_signals(
                self._where, lambda: [crawler.engine for crawler in self.crawlers if crawler.engine is not None]
            )
            if install_signal_handlers and stop_after_crawl
            else nullcontext()
        ):
            runtimes.run(self._where, lambda: start(until_ended()))
        self._refusals.end_process()


class CrawlerProcess(CrawlerProcessBase, CrawlerRunner):
    """Runs crawls in a process of its own; ``crawl`` returns a Deferred."""


class AsyncCrawlerProcess(CrawlerProcessBase, AsyncCrawlerRunner):
    """Runs crawls in a process of its own; ``crawl`` returns a future, for the coroutines that run in it."""
