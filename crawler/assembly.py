"""Assembly: every part of one crawl, built in the order in which the parts depend on each other.

Reading ``_put_together`` from top to bottom is reading what a crawl is made of. Whatever is wrong with a setting, a component or
an output is raised here, before the first request.
"""

from __future__ import annotations

import logging
import math
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

from crawler import builtin
from crawler.download import BytesInHand, NamedHosts, build_downloader
from crawler.downloadermiddlewares.cookies import CookiesMiddleware
from crawler.engine import Capacity, Engine, Parts, components, middleware, pipeline, spidermiddleware
from crawler.engine.admission import Admission, AdmissionPolicy
from crawler.engine.commit import Committer
from crawler.engine.connectivity import UNREACHABLE, Connectivity
from crawler.engine.counted import SignalWatcher, counted
from crawler.engine.deliveries import Deliveries
from crawler.engine.duplicates import OwnFilter
from crawler.engine.durability import Durability
from crawler.engine.errands import ASKING
from crawler.engine.identity import identity_of
from crawler.engine.limits import Limits
from crawler.engine.lines import FormattedLines
from crawler.engine.pacing import Pacer
from crawler.engine.robots import PAUSES, RobotsGate
from crawler.engine.scrape import Scraper
from crawler.engine.stalls import StallWatch
from crawler.engine.typed import TypedItems
from crawler.engine.watch import Watch
from crawler.exceptions import FeedError
from crawler.exporters import FeedOptions, Feeds, Spool, feeds_from_settings
from crawler.exporters.delivery import Delivery
from crawler.frontier import Frontier, MemoryStore, SeenIndex, SeenSet, Workbench
from crawler.frontier.codec import RequestCodec
from crawler.frontier.folder import SPOOL
from crawler.frontier.jobs import Job, job_path, remove_finished
from crawler.frontier.sqlite import SqliteStore
from crawler.http import Request
from crawler.item import outputs_of
from crawler.settings import find_project
from crawler.url import host_key
from crawler.watching import look

logger = logging.getLogger(__name__)

if TYPE_CHECKING:
    from crawler.concurrency import Bridge
    from crawler.crawler import Crawler
    from crawler.exceptions import UsageError
    from crawler.extensions.telemetry import Telemetry
    from crawler.http import Response
    from crawler.runtime import Runtime
    from crawler.settings import Settings
    from crawler.spiders import Spider

# Callbacks that wait (asynchronous ones) hold a visit but not the wire; this many of them per place on the wire.
VISITS_PER_PLACE = 4


class Assembly:
    """The parts of one crawl of *spider*; ``engine`` is complete when this is. A crawl that cannot begin leaves nothing behind:

    *opened* gets what closes again what was opened, if the rest cannot be built.
    """

    def __init__(
        self,
        crawler: Crawler,
        spider: Spider,
        runtime: Runtime,
        bridge: Bridge,
        opened: ExitStack,
        *,
        feeds: Iterable[FeedOptions] = (),
        on_item: Callable[[Any], Any] | None = None,
        command: Mapping[str, Any] | None = None,
        start: Callable[[Spider], AsyncIterator[Any]] | None = None,
    ) -> None:
        settings, clock = components.switched_off(crawler.settings), runtime.reactor
        named = settings.components
        idle = builtin.idle(crawler.settings)

        self.extensions = components.build(
            components.declared(named.extensions, builtin.EXTENSIONS), crawler, hooks={}, required=False, idle=idle
        )
        self.downloader_middlewares = components.build(
            components.declared(named.downloader_middlewares, builtin.DOWNLOADER_MIDDLEWARES),
            crawler,
            hooks=middleware.HOOKS,
            idle=idle,
        )
        self.spider_middlewares = components.build(
            components.declared(named.spider_middlewares), crawler, hooks=spidermiddleware.HOOKS
        )
        self.pipelines = components.build(components.declared(named.pipelines), crawler, hooks=pipeline.HOOKS)
        chain = None
        if self.spider_middlewares:
            chain = spidermiddleware.SpiderChain(self.spider_middlewares, spider=spider, bridge=bridge)

        typed = TypedItems.of(spider)

        watch = Watch()
        patience = settings.crawl.max_callback_seconds
        # On a fake clock nothing blocks; a callback that takes long is named by the scraper there.
        self._stalls = StallWatch(clock, watch.stalls, patience=patience) if patience and runtime.loop else None
        robots = _robots(settings)
        watcher = SignalWatcher(crawler.signals, spider)
        in_hand = BytesInHand(settings.crawl.max_bytes_in_hand)
        named_hosts = NamedHosts()
        if settings.monitors.webhook:
            named_hosts.add(settings.monitors.webhook)  # it is nobody's page that names it
        telemetry = _telemetry(settings, self.extensions)
        count = watch.waits.add_download
        self._downloader = build_downloader(
            settings,
            reactor=clock,
            in_hand=in_hand,
            phases=count if telemetry is None else telemetry.phases(count, ASKING.get),
            loop=runtime.loop,
            agent=runtime.agent,
            watcher=watcher,
            named_hosts=named_hosts,
        )

        def commit_failed(error: UsageError) -> None:
            logger.error("What the crawl brings cannot be written any more, so it ends: %s", error)
            reason = "feed_error" if isinstance(error, FeedError) else "job_error"
            self.engine.stop_now(reason)
            if self.engine.state == "closed":  # while it was shut, after what it was crawling for had ended
                self.engine.reason = reason
                crawler.stats.set_value("finish_reason", reason)

        identity = identity_of(crawler.request_fingerprinter, tuple(settings.frontier.include_headers))
        own_filter = OwnFilter.of(crawler, spider)
        if own_filter is not None:
            identity = own_filter.identity(identity)

        job = self._job = _job(settings, spider, runtime)
        if job is not None:
            opened.callback(job.give_up)
        codec = RequestCodec(spider, seal=job.seal if job is not None else None)
        store = SqliteStore(job, codec) if job is not None else None
        durability = None
        if job is not None and store is not None:
            jars = next((one.jars for one in self.downloader_middlewares if isinstance(one, CookiesMiddleware)), None)
            durability = Durability(
                job,
                store,
                spider=spider,
                stats=crawler.stats,
                cookies=jars,
                command=command or {},
                named_hosts=named_hosts,
                watch=watch,
                look=lambda engine: look(engine, crawler.stats.get_stats()),
                settings=settings.in_force(),
                keeps_items=settings.frontier.keep_items,
            )
            durability.restore_spider()
        self._feeds = Feeds.open_all(
            (*_feeds_of(settings), *feeds),
            spider=spider,
            resume=durability.places if durability else None,
            spool=Spool(job.folder / SPOOL if job is not None else None, temporary=settings.export.spool),
            seconds=clock.seconds,
            alone=True,
        )
        opened.callback(self._feeds.abandon)
        frontier = _frontier(settings, robots, codec, store, identity)
        pacer = Pacer(frontier.workbench, clock, host_key=politeness_key, max_wait=settings.politeness.max_wait)
        connectivity = Connectivity(
            self._downloader.fetch,
            clock,
            patience=settings.retry.outage,
            on_return=lambda: self.engine.fill(),
            on_given_up=None if job is None else lambda: self.engine.stop_now(UNREACHABLE),
        )
        fetch = counted(
            connectivity.around(pacer.around(self._downloader.fetch)),
            spider=spider,
            stats=crawler.stats,
            signal_manager=crawler.signals,
        )
        if telemetry is not None:
            fetch = telemetry.around(fetch, ASKING.get)
        deliveries = Deliveries(
            self._feeds,
            Delivery(settings.storages, spider),
            clock=clock,
            bridge=bridge,
            off_loop=runtime.off_loop(bridge),
            stats=crawler.stats,
            signal_manager=crawler.signals,
        )
        committer = Committer(
            self._feeds,
            clock,
            on_failure=commit_failed,
            waits=watch.waits,
            deliveries=deliveries,
            durability=durability,
            watcher=telemetry,
        )
        self.engine = Engine(
            Parts(
                spider=spider,
                frontier=frontier,
                download=middleware.fold(self.downloader_middlewares, fetch, spider=spider, bridge=bridge),
                scraper=Scraper(
                    spider,
                    bridge=bridge,
                    chain=chain,
                    typed=typed,
                    callbacks=watch.callbacks,
                    patience=math.inf if self._stalls is not None or not patience else patience,
                    allow_all_statuses=settings.crawl.allow_http_errors,
                    allowed_statuses=frozenset(settings.crawl.allowed_statuses),
                ),
                pipeline=pipeline.Pipeline(self.pipelines, spider=spider, bridge=bridge),
                committer=committer,
                connectivity=connectivity,
                admission=Admission(AdmissionPolicy.from_settings(settings), spider),
                robots=robots,
                limits=Limits.from_settings(settings),
                capacity=_capacity(settings),
                in_hand=in_hand,
                signals=crawler.signals,
                stats=crawler.stats,
                clock=clock,
                bridge=bridge,
                watch=watch,
                start=_start_of(spider, chain, typed, start),
                named_hosts=named_hosts,
                on_item=on_item,
                is_duplicate=own_filter.around(frontier) if own_filter is not None else None,
                lines=_lines(crawler, spider),
                visit_watcher=telemetry,
                job=job.name if job is not None else "",
                start_taken=durability.start_taken if durability else 0,
            )
        )
        if durability is not None:
            durability.begin(self.engine, pacer, self._feeds.flush())
        if telemetry is not None and job is not None and store is not None:
            telemetry.run = job.get("telemetry", telemetry.run)
            store.commit({"telemetry": telemetry.run})

    @property
    def job_folder(self) -> Path | None:
        """Where the job of the crawl is, None if it is not durable."""
        return self._job.folder if self._job is not None else None

    @property
    def outputs(self) -> list[tuple[str, int]]:
        """The feeds: where each is, and how many items it has."""
        return [(str(feed.path), feed.items) for feed in self._feeds]

    @property
    def undelivered(self) -> list[str]:
        """Those of the outputs that wait for their delivery, when the crawl has ended."""
        return [feed.path for feed in self._feeds.spooled if not feed.is_delivered]

    async def fetch(self, request: Request) -> Response:
        """Return the response to *request*, past frontier, middlewares and statistics."""
        return await self._downloader.fetch(request)

    def begin(self) -> None:
        """Begin what goes on beside the engine."""
        if self._stalls is not None:
            self._stalls.begin()

    async def close(self) -> None:
        """Close what the engine does not own: the connections, and what goes on beside it."""
        if self._stalls is not None:
            self._stalls.end()
        await self._downloader.close()


def _telemetry(settings: Settings, extensions: Iterable[Any]) -> Telemetry | None:
    if not settings.telemetry.is_on:
        return None
    from crawler.extensions.telemetry import Telemetry  # by those who send it

    return next((one for one in extensions if isinstance(one, Telemetry)), None)


def _lines(crawler: Crawler, spider: Spider) -> FormattedLines | None:
    return FormattedLines(spider, crawler.logformatter) if crawler.settings.components.log_formatter else None


def _feeds_of(settings: Settings) -> list[FeedOptions]:
    return feeds_from_settings(settings.feeds, settings.export.defaults())


def _robots(settings: Settings) -> RobotsGate | None:
    politeness = settings.politeness
    if not politeness.obey_robots or (settings.cache.enabled and settings.cache.offline):
        return None
    agent = politeness.robots_user_agent or settings.http.identification
    pauses = PAUSES if settings.retry.enabled else ()
    return RobotsGate(agent, max_delay=politeness.max_crawl_delay, pauses=pauses)


def _job(settings: Settings, spider: Spider, runtime: Runtime) -> Job | None:
    """Return the open job of the crawl, None if it is not to survive: by the settings, or because it runs in memory."""
    frontier = settings.frontier
    if frontier.store == "memory" or (runtime.agent is not None and not settings.getpriority("frontier.store")):
        return None
    directory = (find_project() or Path()) / frontier.directory
    folder = job_path(directory, frontier.job, spider.name)
    remove_finished(directory, frontier.keep_jobs, other_than=folder)
    return Job(folder, key_file=frontier.key_path)


def _frontier(
    settings: Settings,
    robots: RobotsGate | None,
    codec: RequestCodec,
    journal: SqliteStore | None,
    identity: Callable[[Request], bytes],
) -> Frontier:
    workbench = Workbench(
        settings.politeness.for_host,
        MemoryStore(codec) if journal is None else journal.stock,
        capacity=settings.frontier.workbench,
        prerequisite=robots.prerequisite if robots is not None else None,
        per_address=settings.politeness.concurrency_per_address,
    )
    return Frontier(
        workbench,
        SeenSet() if journal is None else SeenIndex(journal.digest_of),
        fingerprint=identity,
        host_key=politeness_key,
        journal=journal,
        filter_duplicates=settings.frontier.filter_duplicates,
    )


# Hot: twice per request.
def politeness_key(request: Request) -> str:
    """Return what the delay and the concurrency of *request* are counted by: its host, or what its meta names."""
    meta = request._meta
    return str(meta["download_slot"]) if meta and "download_slot" in meta else host_key(request._url)


def _capacity(settings: Settings) -> Capacity:
    crawl = settings.crawl
    return Capacity(
        on_wire=crawl.concurrency,
        visits=crawl.concurrency * VISITS_PER_PLACE,
        items_in_flight=crawl.max_items_in_flight,
        start_requests=max(1, settings.frontier.workbench // 2),
    )


def _start_of(
    spider: Spider,
    chain: spidermiddleware.SpiderChain | None,
    typed: TypedItems | None,
    begin: Callable[[Spider], AsyncIterator[Any]] | None,
) -> Callable[[], AsyncIterator[Any]]:
    def start() -> AsyncIterator[Any]:
        outputs = _marked(spider.start() if begin is None else begin(spider))
        outputs = outputs if chain is None else chain.start(outputs)
        return outputs if typed is None else typed.start(outputs, spider.start)

    return start


async def _marked(outputs: Any) -> AsyncIterator[Any]:
    """Pass on what a spider starts with, its requests with ``meta["is_start_request"]``.

    It is an asynchronous generator as a rule, but may be all that a callback may be: a plain one, a list, or a coroutine.
    """
    if hasattr(outputs, "__await__"):
        outputs = await outputs
    if not hasattr(outputs, "__aiter__"):
        for output in outputs_of(outputs):
            yield _mark(output)
        return
    async for output in outputs:
        yield _mark(output)


def _mark(output: Any) -> Any:
    if isinstance(output, Request):
        output.meta.setdefault("is_start_request", True)
    return output
