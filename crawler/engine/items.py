"""The way of an item: pipelines, then the feeds.

Everything is a direct call as long as no pipeline, signal handler or feed answers with something to wait for. What must be
waited for is counted as in flight, and the callback that yielded the item goes on when it is done.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from crawler.concurrency import start
from crawler.engine.halt import CANCELLED, Halted
from crawler.exceptions import CloseSpider
from crawler.http.fingerprint import fingerprint
from crawler.item import ItemIdentity, identify

if TYPE_CHECKING:
    from twisted.internet.defer import Deferred

    from crawler.concurrency import Bridge
    from crawler.engine.account import Account
    from crawler.engine.commit import Committer
    from crawler.engine.pipeline import Pipeline
    from crawler.engine.waits import Waits
    from crawler.frontier import Visit
    from crawler.http import Response

logger = logging.getLogger(__name__)


class ItemFlow:
    """Passes items through *pipeline* and keeps them, serialised, with the visit that brought them.

    *kept* is called after each item that was kept, with a CloseSpider if something asked for the end; *stops* tells of an error
    whether the crawl is stopped for it; *on_item* is a listener
    of the library's that may return an awaitable to slow the crawl down to its pace.
    """

    def __init__(
        self,
        pipeline: Pipeline,
        committer: Committer,
        account: Account,
        *,
        bridge: Bridge,
        kept: Callable[[CloseSpider | None], None],
        stops: Callable[[BaseException], bool],
        on_item: Callable[[Any], Any] | None = None,
        job: str = "",
        waits: Waits,
    ) -> None:
        self._pipeline = pipeline
        self._time = waits["pipeline"].add
        self._committer = committer
        self._account = account
        self._bridge = bridge
        self._kept = kept
        self._stops = stops
        self._on_item = on_item
        self._job = job
        self.halted = False
        self.in_flight = 0

    # Hot: once per item.
    def take(self, item: Any, visit: Visit, response: Response | None) -> Deferred[Any] | None:
        """Take *item*; return a Deferred if its way is not over yet."""
        visit.taken += 1
        began = 0.0
        if self._pipeline.has_stages:
            identify(ItemIdentity(self._job, fingerprint(visit.request), visit.taken))
            began = time.perf_counter()
        try:
            processed = self._pipeline.process(item)
            if not hasattr(processed, "__await__"):
                if self._pipeline.has_stages:
                    self._took(visit, began)
                waiting = self._keep(processed, visit, response)
                return start(self._wait(waiting)) if waiting else None
        except Halted:
            raise
        except Exception as error:
            waiting = self._refuse(error, item, response)
            return start(self._wait(waiting)) if waiting else None
        self.in_flight += 1
        return start(self._rest(processed, item, visit, response, began))

    # Hot: once per item.
    def _took(self, visit: Visit, began: float) -> None:
        """Count the time of the pipelines."""
        seconds = time.perf_counter() - began
        self._time(seconds)
        if visit.trace is not None:
            visit.trace.took("pipeline", seconds)

    async def _rest(self, processed: Any, item: Any, visit: Visit, response: Response | None, began: float) -> None:
        try:
            processed = await processed
            self._took(visit, began)
            waiting = self._keep(processed, visit, response)
            if waiting:
                await self._wait(waiting)
        except (*CANCELLED, Halted):
            raise
        except Exception as error:
            await self._wait(self._refuse(error, item, response))
        finally:
            self.in_flight -= 1

    def _keep(self, item: Any, visit: Visit, response: Response | None) -> list[Any]:
        """Serialise and count *item*; return what must be waited for."""
        if self.halted:
            raise Halted
        exports = self._committer.serialize(item)
        if self._committer.keeps_items:
            visit.records.append(self._committer.record(item))
        visit.exports += exports
        visit.items += 1
        results = self._account.item_scraped(item, response)
        if self._on_item is not None:
            results.append(self._on_item(item))
        closing = next((result for result in results if isinstance(result, CloseSpider)), None)
        self._kept(closing)
        return [result for result in results if hasattr(result, "__await__")]

    async def _wait(self, waiting: list[Any]) -> None:
        for one in waiting:
            try:
                await self._bridge.deferred(one)
            except CloseSpider as close:
                self._kept(close)
            except (*CANCELLED, Halted):
                raise
            except Exception:
                logger.exception("Error in what was to be waited for after an item")

    def _refuse(self, error: Exception, item: Any, response: Response | None) -> list[Any]:
        """Account for *item*, which was refused for *error*; return what must be waited for."""
        if isinstance(error, CloseSpider):
            self._kept(error)
            return []
        if self._stops(error):
            raise Halted from error
        results = self._account.item_refused(error, item, response)
        closing = next((result for result in results if isinstance(result, CloseSpider)), None)
        if closing is not None:
            self._kept(closing)
        return [result for result in results if hasattr(result, "__await__")]
