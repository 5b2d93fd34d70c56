"""The ways to run a crawl.

run(Spider, settings)             blocks until the crawl has ended; may be called again and again in one process
await crawl(Spider, settings)     in a running asyncio loop: a notebook, a web service
async for item in stream(Spider)  the items as they come; the crawl goes no faster than they are taken
run_crawl(Spider, settings, ...)  as the command line does it: feeds, Ctrl-C, no items in memory
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from crawler import runtime as runtimes
from crawler.crawler import Crawler

if TYPE_CHECKING:
    from twisted.internet.defer import Deferred

    from crawler.exporters import FeedOptions
    from crawler.result import CrawlResult
    from crawler.runtime import Runtime
    from crawler.settings import Settings
    from crawler.spiders import Spider


def run(
    spidercls: type[Spider], settings: Settings | Mapping[str, Any] | None = None, /, **arguments: Any
) -> CrawlResult:
    """Crawl with *spidercls* and return the result, items included, when it has ended.

    *settings* are dotted names or Scrapy's, or a :class:`Settings`; *arguments* go to the spider. May be called again and
    again in one process. Raises UsageError where an asyncio loop is running: use :func:`crawl` there.
    """
    where = runtimes.own()
    return runtimes.run(where, lambda: _begin(spidercls, settings, arguments, where))


async def crawl(
    spidercls: type[Spider], settings: Settings | Mapping[str, Any] | None = None, /, **arguments: Any
) -> CrawlResult:
    """Crawl with *spidercls* in the running asyncio loop and return the result, items included. As :func:`run` otherwise."""
    where = runtimes.of_running_loop()
    try:
        return await _begin(spidercls, settings, arguments, where).asFuture(asyncio.get_running_loop())
    finally:
        runtimes.release_threads(where)


def _begin(
    spidercls: type[Spider], settings: Settings | Mapping[str, Any] | None, arguments: dict[str, Any], where: Runtime
) -> Deferred[CrawlResult]:
    items: list[Any] = []
    crawler = Crawler(spidercls, settings, runtime=where, on_item=items.append)
    return crawler.crawl(**arguments).addCallback(lambda result: replace(result, items=items))


async def stream(
    spidercls: type[Spider], settings: Settings | Mapping[str, Any] | None = None, /, **arguments: Any
) -> AsyncIterator[Any]:
    """Yield the items of a crawl with *spidercls* as they come, in the running asyncio loop.

    The crawl goes no faster than the items are taken. Leaving the loop early stops the crawl.
    """
    loop, where = asyncio.get_running_loop(), runtimes.of_running_loop()
    # A few items ahead keep the crawl busy while one is being used; more would only be held in memory.
    items: asyncio.Queue[Any] = asyncio.Queue(maxsize=16)
    crawler = Crawler(spidercls, settings, runtime=where, on_item=items.put)
    ended = crawler.crawl(**arguments).asFuture(loop)
    try:
        while not (ended.done() and items.empty()):
            taken = asyncio.ensure_future(items.get())
            await asyncio.wait((taken, ended), return_when=asyncio.FIRST_COMPLETED)
            if taken.done():
                yield taken.result()
            else:
                taken.cancel()
    finally:
        if not ended.done() and crawler.engine is not None:
            crawler.engine.stop_now("shutdown")
        await ended
        runtimes.release_threads(where)


def run_crawl(
    spidercls: type[Spider],
    settings: Settings,
    arguments: Mapping[str, Any],
    *,
    feeds: Iterable[FeedOptions] = (),
    on_start: Callable[[Crawler], Any] | None = None,
    command: Mapping[str, Any] | None = None,
    start: Callable[[Spider], AsyncIterator[Any]] | None = None,
) -> CrawlResult:
    """Crawl as the command line does: *feeds* besides those of the settings, Ctrl-C to stop, no items kept in memory.

    The first Ctrl-C (SIGINT) or SIGTERM finishes what is in flight, the second stops at once. *on_start* gets the crawler
    before it begins; *command* is kept with the job, for who resumes it; *start* is that of :class:`Crawler`.
    """
    where = runtimes.own()
    crawler = Crawler(spidercls, settings, runtime=where, feeds=feeds, command=command, start=start)

    def begin() -> Deferred[CrawlResult]:
        if on_start is not None:
            on_start(crawler)
        return crawler.crawl(**arguments)

    with runtimes.stopped_by_signals(where, lambda: [crawler.engine] if crawler.engine is not None else []):
        return runtimes.run(where, begin)
