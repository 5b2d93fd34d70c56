"""MediaPipeline: an item waits while what it names is downloaded, each thing once in a crawl.

    get_media_requests(item, info)              what to download
    media_to_download(request, info, item=)     a result if nothing has to be downloaded, else None
    media_downloaded(response, request, info, item=)    the result of a download
    media_failed(failure, request, info)        called when there is none; raise, or return a result all the same
    item_completed(results, item, info)         the item that goes on; *results* are pairs as a DeferredList gives them

The names and arguments are Scrapy's; each method may be a coroutine, and may leave out ``info`` and ``item``. Downloads are
errands of the crawl (``engine.download``): robots.txt, delays and limits of their hosts hold, and their bodies go to disk.
"""

from __future__ import annotations

import inspect
import logging
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, Self

from twisted.internet.defer import CancelledError, Deferred, DeferredList
from twisted.python.failure import Failure

from crawler.concurrency import Bridge, is_awaitable
from crawler.exceptions import IgnoreRequest
from crawler.http import Request
from crawler.http.fingerprint import fingerprint
from crawler.pipelines.options import Options

if TYPE_CHECKING:
    from crawler.crawler import Crawler
    from crawler.http import Response

logger = logging.getLogger(__name__)

#: What became of one thing: url, path, checksum and status.
FileInfo = dict[str, Any]

# Results that are remembered, at some 500 bytes each. What came before is found in the store, for files.
REMEMBERED = 100_000


class FileException(Exception):
    """A file could not be downloaded, read or stored; the item goes on without it."""


class FileFilteredError(FileException):
    """A file is not downloaded since robots.txt or the spider's domains forbid it."""


class MediaPipeline:
    """Downloads what items name. Subclasses say what that is, and what is done with it."""

    #: Whether files that failed are told in the log once more with their item.
    LOG_FAILED_RESULTS = True
    MEDIA_NAME = "media"

    class SpiderInfo:
        """What the pipeline knows of a crawl: its *spider*, and by fingerprint what is being downloaded and what was."""

        def __init__(self, spider: Any) -> None:
            self.spider = spider
            self.downloading: set[bytes] = set()
            self.downloaded: dict[bytes, FileInfo | Failure | None] = {}
            self.waiting: dict[bytes, list[Deferred[Any]]] = {}

    def __init__(self, download_func: Any = None, *, crawler: Crawler) -> None:
        self.crawler = crawler
        self.spiderinfo = self.SpiderInfo(crawler.spider)
        self._bridge = Bridge(crawler.runtime.loop)
        self._identity = tuple(crawler.settings.frontier.include_headers)
        options = Options(crawler.settings, type(self), "MediaPipeline")
        self.allow_redirects: bool = options.get("MEDIA_ALLOW_REDIRECTS")
        self._allow_offsite = crawler.settings.media.allow_offsite
        self._max_body = max_body_of(crawler.settings)
        self._told_offsite = False
        # Resolved once: which of the arguments that Scrapy has the methods of this class take.
        self._get_requests = fitted(self.get_media_requests, "info")
        self._to_download = fitted(self.media_to_download, "info", "item")
        self._downloaded = fitted(self.media_downloaded, "info", "item")
        self._failed = fitted(self.media_failed, "info")
        self._completed = fitted(self.item_completed, "info")

    def __repr__(self) -> str:
        known = self.spiderinfo
        return f"<{type(self).__name__} {len(known.downloading)} on the way, {len(known.downloaded)} done>"

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        """Build from the settings of *crawler*."""
        return cls(crawler=crawler)

    def open_spider(self, spider: Any = None) -> None:
        """Begin anew, for the spider of the crawl."""
        self.spiderinfo = self.SpiderInfo(self.crawler.spider)

    async def process_item(self, item: Any, spider: Any = None) -> Any:
        """Return what :meth:`item_completed` makes of *item* once everything that it names is there, or has failed."""
        info = self.spiderinfo
        requests = listed(await self._settled(self._get_requests(item, info=info)))
        results: list[Any] = []
        if requests:
            each = [self._bridge.deferred(self._outcome(request, info, item)) for request in requests]
            for ok, outcome in await DeferredList(each, consumeErrors=True):
                if not ok:
                    outcome.raiseException()  # the crawl is stopped at once: the item is not complete
                results.append(outcome)
        return await self._settled(self._completed(results, item, info=info))

    async def _settled(self, value: Any) -> Any:
        """Return what a method of a subclass came to."""
        return await self._bridge.deferred(value) if is_awaitable(value) else value

    async def _outcome(self, request: Request, info: SpiderInfo, item: Any) -> tuple[bool, Any]:
        """Return (True, result) or (False, failure) of *request*: remembered, of the download on its way, or of a new one."""
        errback, request.callback, request.errback = request.errback, None, None
        key = fingerprint(request, include_headers=self._identity)
        if key in info.downloaded:
            result = info.downloaded[key]
        elif key in info.downloading:
            again: Deferred[Any] = Deferred()
            info.waiting.setdefault(key, []).append(again)
            (result,) = await again
        else:
            result = await self._obtained(key, request, info, item)
        if isinstance(result, Failure):
            if errback is None:
                return False, result
            try:
                return True, await self._settled(errback(result))
            except Exception as error:
                return False, Failure(error)
        return True, dict(result) if isinstance(result, dict) else result

    async def _obtained(self, key: bytes, request: Request, info: SpiderInfo, item: Any) -> Any:
        """Return what becomes of *request*, which others may wait for, and which is remembered for those who come later."""
        info.downloading.add(key)
        result: Any = CancelledError()
        try:
            result = await self._settled(self._to_download(request, info=info, item=item))
            if not result:
                result = await self._download(request, info, item)
            remember(info.downloaded, key, result)
        except CancelledError:
            raise
        except Exception as error:
            if not isinstance(error, FileException):
                logger.error("%s: %s of %s", type(self).__name__, type(error).__name__, request, exc_info=error)
            result = remember(info.downloaded, key, Failure(bare(error)))
        finally:
            info.downloading.discard(key)
            for waiting in info.waiting.pop(key, ()):
                if not waiting.called:
                    waiting.errback(result) if isinstance(result, CancelledError) else waiting.callback([result])
        return result

    async def _download(self, request: Request, info: SpiderInfo, item: Any) -> FileInfo | None:
        self._prepare(request)
        assert self.crawler.engine is not None  # there are no items without one
        try:
            response = await self.crawler.engine.download(request)
            result: FileInfo | None = await self._settled(self._downloaded(response, request, info=info, item=item))
        except CancelledError:
            raise
        except Exception as error:
            handled = await self._settled(self._failed(Failure(error), request, info=info))
            if isinstance(handled, Failure):
                handled.raiseException()
            return handled  # type: ignore[no-any-return]  # the subclass' own result
        return result

    def _prepare(self, request: Request) -> None:
        """Say in the meta of *request* how its response is wanted: whatever its status is, and in a file."""
        meta = request.meta
        if not self.allow_redirects:
            meta["handle_httpstatus_all"] = True
            meta.setdefault("dont_redirect", True)
        meta.setdefault("download_to_file", True)
        meta.setdefault("download_maxsize", self._max_body)
        meta.setdefault("download_warnsize", 0)
        if self._allow_offsite:
            meta.setdefault("allow_offsite", True)

    def inc_stats(self, status: str) -> None:
        """Count a file that came to *status*, under Scrapy's names."""
        stats = self.crawler.stats
        stats.inc_value("file_count")
        stats.inc_value(f"file_status_count/{status}")

    # --- what subclasses say -----------------------------------------------------------------------------------------

    def get_media_requests(self, item: Any, info: Any) -> Any:
        """Return the requests for what *item* names: an iterable, one request, or None."""
        raise NotImplementedError(f"{type(self).__name__} has no get_media_requests(item, info)")

    def media_to_download(self, request: Request, info: Any, *, item: Any = None) -> Any:
        """Return the result of *request* if it is known without a download, None if not; or a Deferred of either."""
        return None

    def media_downloaded(self, response: Response, request: Request, info: Any, *, item: Any = None) -> Any:
        """Return the result that *response* means; raise FileException if it means none."""
        raise NotImplementedError(f"{type(self).__name__} has no media_downloaded(response, request, info)")

    def media_failed(self, failure: Failure, request: Request, info: Any) -> Any:
        """Raise what is to be said of a download that failed, or return a result all the same."""
        if isinstance(failure.value, IgnoreRequest):
            self._tell_filtered(request, failure.value)
            raise FileFilteredError(str(failure.value)) from failure.value
        if isinstance(failure.value, FileException):
            raise failure.value
        logger.warning("%s: %s was not downloaded: %s", type(self).__name__, request.url, failure.value)
        raise FileException(f"{request.url} was not downloaded: {failure.value}") from failure.value

    def _tell_filtered(self, request: Request, reason: IgnoreRequest) -> None:
        """Tell once, aloud, that the spider's domains keep files away, since those are often at another host."""
        self.crawler.stats.inc_value("file_filtered_count")
        level = logging.DEBUG
        if "allowed_domains" in str(reason) and not self._told_offsite:
            self._told_offsite, level = True, logging.WARNING
        logger.log(
            level,
            "%s: %s is not downloaded: %s%s",
            type(self).__name__,
            request.url,
            reason,
            "; media.allow_offsite = true, or meta['allow_offsite'] of the request, lets it be (told once)"
            if level == logging.WARNING
            else "",
        )

    def item_completed(self, results: list[Any], item: Any, info: Any) -> Any:
        """Return the item that goes on; *results* are (True, result) and (False, failure), as many as there were requests."""
        if self.LOG_FAILED_RESULTS:
            for ok, failure in results:
                if not ok and not failure.check(FileFilteredError):
                    logger.error("%s: %s in %r", type(self).__name__, failure.value, item)
        return item

    def file_path(
        self, request: Request, response: Response | None = None, info: Any = None, *, item: Any = None
    ) -> Any:
        """Return where in the store the download of *request* is kept."""
        raise NotImplementedError(f"{type(self).__name__} has no file_path(request, response, info, item=)")


def max_body_of(settings: Any) -> int:
    """Return how large a file may be: ``media.max_body``, unless only ``http.max_body`` was set."""
    if settings.getpriority("media.max_body") == 0 and settings.getpriority("http.max_body") > 0:
        return int(settings.http.max_body)
    return int(settings.media.max_body)


def remember(results: dict[bytes, Any], key: bytes, result: Any) -> Any:
    """Keep *result* among *results*, of which the oldest are forgotten; return it."""
    results[key] = result
    if len(results) > REMEMBERED:
        del results[next(iter(results))]
    return result


def listed(requests: Any) -> list[Request]:
    """Return *requests* as a list: None is none, a single one is one."""
    if requests is None:
        return []
    return [requests] if isinstance(requests, Request) or not isinstance(requests, Iterable) else list(requests)


def bare(error: BaseException) -> BaseException:
    """Return *error* without what it would keep alive: the frames that it passed, with responses in them."""
    seen: BaseException | None = error
    while seen is not None:
        seen.__traceback__ = None
        seen = seen.__cause__ or seen.__context__
    return error


def fitted(method: Callable[..., Any], *optional: str) -> Callable[..., Any]:
    """Return *method*, to be called with the keyword arguments *optional*; those that it does not take are left out."""
    try:
        parameters = inspect.signature(method).parameters
    except (TypeError, ValueError):
        return method
    kinds = {one.kind for one in parameters.values()}
    if inspect.Parameter.VAR_KEYWORD in kinds or all(name in parameters for name in optional):
        return method
    taken = [name for name in optional if name in parameters]
    # An argument of another name, as in get_media_requests(self, item, spider_info), is told by its place.
    needed = [one for one in parameters.values() if one.default is one.empty and one.kind is one.POSITIONAL_OR_KEYWORD]

    def call(*arguments: Any, **named: Any) -> Any:
        rest = [named[name] for name in optional if name not in taken][
            : max(0, len(needed) - len(arguments) - len(taken))
        ]
        return method(*arguments, *rest, **{name: named[name] for name in taken})

    return call
