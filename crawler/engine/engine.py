"""The engine: what happens to a request, from submission to commit.

    submit   a request comes in: is it a duplicate, is it admitted? then it waits in the frontier
    fill     while there is room, visits start; back pressure is here and nowhere else
    visit    one request's life, from top to bottom: download, callback, items, commit
    close    the crawl ends: what is in flight finishes or goes back to waiting, then everything is shut in order

One timer is set to the moment when the frontier has something to hand out; nothing polls. Visits are coroutines that Twisted
drives; there is no task, queue or event per request. The account always balances:

    scheduled = done + failed + dropped + waiting + leased

It is one module because these four share one state, which is what must balance; whatever does not is beside it: how a crawl begins
(``beginning``), opens and closes (``lifecycle``), what is admitted, scraped, limited, counted and committed.
"""

from __future__ import annotations

import logging
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from twisted.internet.defer import Deferred

from crawler import signals
from crawler.concurrency import start
from crawler.engine.account import Account, raised_at
from crawler.engine.admission import DUPLICATE, IGNORED, PRIVATE, ROBOTS
from crawler.engine.beginning import Beginning
from crawler.engine.calls import EngineCalls
from crawler.engine.errands import ASKING, Errands, asks_on_the_wire, check_allowed
from crawler.engine.halt import CANCELLED, NOT_OF_USER, OUT_OF_MEMORY, Halted, is_short_of_memory
from crawler.engine.holdback import BYTES, ITEMS, NETWORK, PAUSED, PLACES, VISITS
from crawler.engine.items import ItemFlow
from crawler.engine.lifecycle import Lifecycle
from crawler.exceptions import (
    CloseSpider,
    DontCloseSpider,
    IgnoreRequest,
    JobError,
    NotStorableError,
    PrivateAddressError,
    describe,
)
from crawler.frontier import Outcome, Visit
from crawler.frontier.visit import FOR_ERRBACK, NOT_HANDLED, REPLACED
from crawler.http import Request, Response
from crawler.http.redirects import hop
from crawler.http.response.response import CACHED
from crawler.item import is_item
from crawler.spidermiddlewares.httperror import HttpError

if TYPE_CHECKING:
    from twisted.python.failure import Failure

    from crawler.engine.parts import Parts
    from crawler.engine.robots import RobotsGate
    from crawler.interfaces import Timer

logger = logging.getLogger(__name__)

# Scrapy asks an idle spider again after five seconds whether it wants to stay open; ported spiders count on it.
IDLE_INTERVAL = 5.0

# Visits that begin before the reactor has its turn. What comes from a cache ends at once: a replay would else be one long turn, in
# which neither Ctrl-C nor the dashboard nor a timer is heard. At 1.5 ms a page, this is 50 ms.
VISITS_PER_TURN = 32

# Requests that wait and are not written yet, some 700 bytes each, at which a callback that goes on and on is not waited for.
MOST_UNWRITTEN = 20_000

# What earlier processes of a job had seen is loaded between the turns of the reactor: so many thousands at once take 20 ms.
LOADED_PER_TURN = 10


class Engine(EngineCalls):
    """Runs one crawl."""

    def __init__(self, parts: Parts) -> None:
        self.spider = parts.spider
        self.job = parts.job
        self.frontier = parts.frontier
        self._is_duplicate = parts.is_duplicate or parts.frontier.is_duplicate
        self.account = Account(
            parts.spider, parts.stats, parts.signals, parts.watch, now=parts.clock.seconds, lines=parts.lines
        )
        self._items = ItemFlow(
            parts.pipeline,
            parts.committer,
            self.account,
            bridge=parts.bridge,
            kept=self._item_kept,
            stops=self._stops_for,
            on_item=parts.on_item,
            job=parts.job,
            waits=parts.watch.waits,
        )
        self._stats = parts.stats
        self._download = parts.download
        self._scraper = parts.scraper
        self._committer = parts.committer
        self._named_hosts = parts.named_hosts
        self._admission = parts.admission
        self._robots = parts.robots
        self.connectivity = parts.connectivity
        self._limits = parts.limits
        self._capacity = parts.capacity
        self._in_hand = parts.in_hand
        self.watch = parts.watch
        self._holdback, self._waits = parts.watch.holdback, parts.watch.waits
        self._time_callback = self._waits["callback"].add
        self._visit_watcher = parts.visit_watcher
        self._signals = parts.signals
        self._clock = parts.clock
        self._lifecycle = Lifecycle(parts, self.stop)
        self.beginning = Beginning(
            parts.start,
            take=self._take_start,
            has_room=self._has_room_for_start,
            bridge=parts.bridge,
            skip=parts.start_taken,
        )
        self._unwritten = parts.frontier.unwritten
        self._start_visit = Visit(Request.from_trusted_url("about:start"), "", parts.clock.seconds())
        self._scheduled_receivers = parts.signals.receivers(signals.request_scheduled)
        self._empty_receivers = parts.signals.receivers(signals.scheduler_empty)

        self.state = "new"
        self.reason = ""
        self.paused = False
        self._is_full = False  # the limit of items is reached
        self._visits: set[Visit] = set()
        self._on_wire = 0
        self._unanswered = 0
        self._errands = Errands(parts.frontier, has_place=self._has_place, begin=self._begin)
        self._downloads: set[Deferred[Any]] = set()
        self._filling = self._fills_again = False
        self._timer: Timer | None = None
        self._idle_timer: Timer | None = None
        self._deadline: Timer | None = None
        self._ended: Deferred[None] = Deferred()

    def __repr__(self) -> str:
        return f"<Engine {self.state}: {self._on_wire} on the wire, {len(self._visits)} visits, {self.frontier}>"

    def now(self) -> float:
        """Return the time on the crawl's clock, in seconds."""
        return self._clock.seconds()

    @property
    def in_flight(self) -> int:
        """How many visits are in progress."""
        return len(self._visits)

    # --- the crawl as a whole ----------------------------------------------------------------------------------------

    async def run(self) -> str:
        """Crawl until the end; return the reason: "finished", "shutdown", "closespider_...", or a spider's own."""
        self.state = "opening"
        self.watch.begin(self._clock.seconds())
        try:
            await self._lifecycle.open()
            # A job that is resumed with the limit that has ended it would wait for ever for a page that it may not fetch.
            self._stop_if(self._reached_before())
            if self.reason:
                self.state = "closing"
            else:
                self.state = "running"
                if self._limits.seconds:
                    self._deadline = self._clock.callLater(self._limits.seconds, self.stop_now, "closespider_timeout")
                self.beginning.pull().addErrback(self._log_broken).addCallback(self._begun)
                self._load_seen()
            self._check_end()
            await self._ended
        finally:
            self.state = "closed"
            self.reason = self.reason or "start_error"
            for timer in (self._timer, self._idle_timer, self._deadline):
                if timer is not None and timer.active():
                    timer.cancel()
            self.connectivity.close()
            await self._lifecycle.close(self.reason)
        return self.reason

    def _load_seen(self, chunks: int | None = LOADED_PER_TURN) -> None:
        try:
            if not self.frontier.load(chunks) and self.state == "running":
                self._clock.callLater(0, self._load_seen)
        except JobError as error:
            self._committer.fail(error)

    def _reached_before(self) -> str | None:
        """Return the reason not to begin: a limit that earlier processes of the job have reached; say what to do."""
        limits, account = self._limits, self.account
        for name, limit, reason in (
            ("max_pages", limits.pages, limits.reached_pages(account.pages)),
            ("max_items", limits.items, limits.reached_items(account.items)),
        ):
            if reason is not None:
                told = "crawl.%s = %d was reached by an earlier process of the job: set it higher to go on"
                logger.warning(told, name, limit)
                return reason
        return None

    def _take_start(self, output: Any) -> Deferred[Any] | None:
        """Take one output of ``spider.start()``."""
        if self.state != "running":
            raise Halted
        if isinstance(output, Request):
            self._named_hosts.add(output.url)
        pending = self._handle(output, self._start_visit, None, 0)
        if pending is not None:
            return pending.addCallback(self._took_start)
        self._took_start(None)
        return None

    def _took_start(self, _: Any) -> None:
        self.beginning.taken += 1
        self.beginning.items += self._start_visit.items
        self._committer.add(self._start_visit)
        self._start_visit.exports, self._start_visit.items = [], 0
        self.fill()

    def _has_room_for_start(self) -> bool:
        return self.frontier.waiting < self._capacity.start_requests

    def _begun(self, closing: CloseSpider | None) -> None:
        """Note that everything that the crawl starts with is in."""
        if self.beginning.error is not None:
            self.account.start_failed(self.beginning.error)
        if closing is not None:
            self.stop(closing.reason)
        self.fill()
        self._check_end()

    def stop(self, reason: str = "shutdown") -> None:
        """End the crawl when what is in flight has finished; what waits stays waiting."""
        if self.state in ("closing", "closed"):
            return
        logger.info("Closing spider (%s)", reason)
        self.reason = reason
        if self.state == "running":
            self.state = "closing"
            if self.beginning.is_pulling:
                self._clock.callLater(0, self.beginning.cancel)
            self._check_end()
            if self.connectivity.is_lost:
                self.stop_now(reason)  # what is in flight waits for the network

    def stop_now(self, reason: str = "shutdown") -> None:
        """End the crawl at once: what is in flight goes back to waiting."""
        if self.state in ("closing", "closed"):
            self._committer.hurry()
        self.stop(reason)
        if not self._items.halted and self.state == "closing":
            self._items.halted = True
            self._clock.callLater(0, self._cancel_visits)

    def _cancel_visits(self) -> None:
        for visit in tuple(self._visits):
            if visit.deferred is not None:
                visit.deferred.cancel()
        for download in tuple(self._downloads):
            download.cancel()

    def _finish_visits_with_items(self, reason: str) -> None:
        """End the crawl at once but for visits whose items were counted: what is told and what is in the outputs is the same."""
        self._is_full = True
        self.stop(reason)
        for visit in tuple(self._visits):
            if visit.deferred is not None and not visit.taken:
                self._clock.callLater(0, visit.deferred.cancel)

    def change_places(self, on_wire: int) -> None:
        """Let *on_wire* requests be on the wire at once from now on."""
        self._capacity = replace(self._capacity, on_wire=on_wire)
        self.fill()

    def pause(self) -> None:
        """Start no more visits until :meth:`unpause`."""
        self.paused = True

    def unpause(self) -> None:
        """Go on after :meth:`pause`."""
        self.paused = False
        self.fill()

    # --- submit ------------------------------------------------------------------------------------------------------

    # Hot: once per link.
    def submit(
        self, request: Request, response: Response | None = None, depth: int | None = None, *, parent: int = 0
    ) -> bool:
        """Take *request*, found in *response* by the visit of the request number *parent*, into the crawl; tell whether it was.

        Raise Halted if that cannot be known or kept any more: the crawl ends then.
        """
        try:
            if self._is_duplicate(request) or self.frontier.is_repeated(request, parent):
                self.account.request_dropped(request, DUPLICATE)
                return False
            if depth is None:
                depth = self._admission.depth_of(response)
            refusal = self._admission.refusal(request, depth)
            if refusal is not None:
                self.account.request_dropped(request, refusal)
                self.frontier.refused(request, parent, partial(self._admission.explained, refusal, request, depth))
                return False
            depth = self._admission.adopt(request, response, depth)
            if self._scheduled_receivers and self._is_ignored(request):
                self.account.request_dropped(request, IGNORED)
                self.frontier.refused(request, parent, lambda: "a handler of the signal request_scheduled ignored it")
                return False
            self.frontier.submit(request, self._clock.seconds(), not_before=self._not_before(request), parent=parent)
            self.account.request_scheduled(depth)
            return True
        except JobError as error:
            self._committer.fail(error)
            raise Halted from error

    def keep_soon(self) -> None:
        """Let the job keep what has happened before long, whether or not a visit ends."""
        self._committer.soon()

    def _is_ignored(self, request: Request) -> bool:
        """Tell whether a handler of request_scheduled raises IgnoreRequest."""
        results = self._signals.send(
            signals.request_scheduled, request=request, spider=self.spider, dont_log=IgnoreRequest
        )
        return any(isinstance(result, IgnoreRequest) for result in results)

    def _not_before(self, request: Request) -> float:
        """Return when *request* may start, from the delay that a retry or the spider asks for in seconds."""
        meta = request._meta
        delay = meta.pop("retry_delay", 0.0) or meta.get("delay", 0.0) if meta else 0.0
        return self._clock.seconds() + delay if delay else 0.0

    # --- fill --------------------------------------------------------------------------------------------------------

    # Hot: twice per request.
    def fill(self) -> None:
        """Start visits while there is room, and set the timer for what must wait."""
        if self._filling:
            if self._errands.waiting:
                self._fill_soon()
            return
        if self.state != "running" and not self._errands.waiting:
            return
        self._filling = True
        try:
            now = self._clock.seconds()
            if self._errands.waiting:
                self._errands.serve(now)
                self._set_timer(now)
            begun = 0
            while self._has_room():
                if begun == VISITS_PER_TURN:
                    self._fill_soon()
                    break
                begun += 1
                visit = self._next(now)
                if visit is None:
                    if self._empty_receivers and not self.frontier.waiting:
                        self._send_of_no_visit(signals.scheduler_empty)
                    self._set_timer(now)
                    break
                self.account.request_begun()
                self._begin(visit)
            if self.state == "running":
                self._holdback.note(*self._held_by(now), now)
        finally:
            self._filling = False
        self.beginning.go_on()

    def _fill_soon(self) -> None:
        if not self._fills_again:
            self._fills_again = True
            self._clock.callLater(0, self._fill_again)

    def _fill_again(self) -> None:
        self._fills_again = False
        self.fill()

    def _next(self, now: float) -> Visit | None:
        try:
            return self.frontier.next(now)
        except JobError as error:
            self._committer.fail(error)
            return None

    def _has_place(self) -> bool:
        return self._on_wire < self._capacity.on_wire

    def _has_room(self) -> bool:
        capacity = self._capacity
        return (
            self._on_wire < capacity.on_wire
            and len(self._visits) < capacity.visits
            and self._in_hand.held < self._in_hand.limit
            and self._items.in_flight < capacity.items_in_flight
            and not self.paused
            and not self.connectivity.is_lost
            and self.state == "running"
            and self._limits.allows_visit(self.account.pages, self._unanswered)
        )

    def _held_by(self, now: float) -> tuple[str, str]:
        """Return what keeps more visits from starting, and the host that it is the fault of."""
        capacity = self._capacity
        if self.connectivity.is_lost:
            return NETWORK, ""
        if self._on_wire >= capacity.on_wire:
            return PLACES, ""
        if len(self._visits) >= capacity.visits:
            return VISITS, ""
        if self._in_hand.held >= self._in_hand.limit:
            return BYTES, ""
        if self._items.in_flight >= capacity.items_in_flight:
            return ITEMS, ""
        return (PAUSED, "") if self.paused else self.frontier.workbench.held_by(now)

    def _set_timer(self, now: float) -> None:
        wake_at = self.frontier.wake_at()
        timer = self._timer
        if timer is not None and timer.active():
            if wake_at is not None and timer.getTime() <= wake_at:
                return  # it fires in time, and is then set anew
            timer.cancel()
        self._timer = None if wake_at is None else self._clock.callLater(max(0.0, wake_at - now), self.fill)

    def _begin(self, visit: Visit) -> None:
        self._visits.add(visit)
        self._on_wire += 1
        self._unanswered += 1
        if self._visit_watcher is not None:
            self._visit_watcher.begun(visit)
        visit.deferred = start(self.visit(visit))
        visit.deferred.addErrback(self._log_broken)

    # --- visit -------------------------------------------------------------------------------------------------------

    async def visit(self, visit: Visit) -> None:
        """One request's life: download it, scrape what came back, commit what it brought."""
        ASKING.set(visit)
        try:
            try:
                answer = await self._fetched(visit)
            finally:
                self._leave_wire(visit)
            if isinstance(answer, Response):
                await self._scrape(visit, answer)
            elif answer is not None:
                self._replace(visit, answer)
        except (IgnoreRequest, PrivateAddressError) as error:
            visit.drop(visit.reason or (IGNORED if isinstance(error, IgnoreRequest) else PRIVATE))
            visit.detail = visit.detail or ", at ".join(filter(None, (str(error), raised_at(error))))
            await self._fail(visit, error)
        except (*CANCELLED, Halted):
            self._give_back(visit)
        except JobError as error:
            self._committer.fail(error)
            self._give_back(visit)
        except NOT_OF_USER:
            raise
        except BaseException as error:
            if self._items.halted or self._stops_for(error):
                self._give_back(visit)
            else:
                visit.outcome, visit.detail = Outcome.FAILED, describe(error)
                await self._fail(visit, error)
        finally:
            self._end(visit)

    # Hot: once per request.
    async def _fetched(self, visit: Visit) -> Response | Request | None:
        """Return what the download chain makes of the visit's request; None if there is nothing to go on with."""
        if self._robots is not None:
            if visit.is_prerequisite:
                await self._learn_robots(visit, self._robots)
                return None
            line = self._robots.refusal(visit.request)
            if line is not None:
                visit.reason, visit.detail = ROBOTS, line
                raise IgnoreRequest(f"forbidden by robots.txt: {line}")
        answer: Response | Request = await self._download(visit.request)
        return self._noted(visit, answer) if isinstance(answer, Response) and answer.has_flags else answer

    def _noted(self, visit: Visit, answer: Response | Request) -> Response | Request:
        """Return *answer*; if it is from the cache, its host owes no delay for it."""
        if isinstance(answer, Response) and CACHED in answer.flags:
            self.frontier.was_not_sent(visit, self._clock.seconds())
        return answer

    async def _learn_robots(self, visit: Visit, robots: RobotsGate) -> None:
        """Fetch the robots.txt that *visit* asks for, and let the requests of its host start."""
        self._stats.inc_value("robotstxt/request_count")
        answer: Response | Exception
        try:
            answer = await robots.fetch(visit.request, self._download)
            self._stats.inc_value("robotstxt/response_count")
            self._stats.inc_value(f"robotstxt/response_status_count/{answer.status}")
        except CANCELLED:
            raise
        except Exception as error:
            answer = error
            self._stats.inc_value(f"robotstxt/exception_count/{type(error).__name__}")
        now = self._clock.seconds()
        rules = robots.learn(visit.request, answer, now)
        self.frontier.admit(visit, now, delay=robots.delay(visit.request), not_before=robots.pause_until(visit.request))
        await self._lifecycle.tell(signals.robots_parsed, robotparser=rules, request=visit.request, spider=self.spider)

    def _leave_wire(self, visit: Visit) -> None:
        self._on_wire -= 1
        self.frontier.release(visit, self._clock.seconds())
        self.fill()

    async def _scrape(self, visit: Visit, response: Response) -> None:
        """Pass *response* to its callback; an error in there is logged and counted, and the crawl goes on."""
        request = visit.request
        if response.request is None:
            response.request = request
        visit.is_answered = True
        self._unanswered -= 1
        visit.status = response.status
        self._hold(visit, response)
        self.account.page(request, response)
        self._stop_if(self._limits.reached_pages(self.account.pages))
        depth = self._admission.depth_of(response)
        began, trace = self._clock.seconds(), visit.trace
        self._waits.add_visit(download=began - visit.started, turn=visit.turn, politeness=visit.let_alone)
        failed: BaseException | None = None
        if trace is not None:
            trace.begin("callback")
        try:
            # A middleware may have answered with another request's response: then that one's callback is meant.
            await self._scraper.scrape(
                response.request, response, lambda output: self._handle(output, visit, response, depth)
            )
        except HttpError as error:
            self.account.status_ignored(response.status)
            if response.status >= 500:
                visit.outcome, visit.reason = Outcome.FAILED, f"status {response.status}"
            else:
                visit.detail = NOT_HANDLED if request.errback is None else FOR_ERRBACK
            await self._fail(visit, error)
        except CloseSpider as close:
            visit.tell(f"its callback ended the crawl ({close.reason})")
            self.stop(close.reason)
        except (*CANCELLED, Halted, *NOT_OF_USER):
            raise
        except BaseException as error:
            if self._stops_for(error):
                raise Halted from error
            failed = error
            visit.tell(f"its callback {self.account.spider_error(error, request, response)}")
            self._stop_if(self._limits.reached_errors(self.account.errors), now=True)
        self._time_callback(self._clock.seconds() - began)
        if trace is not None:
            trace.end("callback", failed)

    # Hot: once per response.
    def _hold(self, visit: Visit, response: Response) -> None:
        """Count the body among the bytes in hand; one that is in a file counts once it is read into memory."""
        spool = response.spool
        if spool is not None:
            spool.on_load = partial(self._loaded, visit)
            return
        visit.response_size = response.body_size
        self._in_hand.held += visit.response_size

    def _loaded(self, visit: Visit, size: int) -> None:
        if visit in self._visits:
            visit.response_size += size
            self._in_hand.held += size

    async def _fail(self, visit: Visit, error: BaseException) -> None:
        """Tell the errback of the visit's request, or the log, that there is no response."""
        request = visit.request
        if request.errback is None:
            self.account.request_failed(request, error)
            return
        response = error.response if isinstance(error, HttpError) else None
        depth = self._admission.depth_of(response)
        try:
            await self._scraper.errback(request, error, lambda output: self._handle(output, visit, response, depth))
        except CloseSpider as close:
            self.stop(close.reason)
        except (*CANCELLED, Halted):
            self._give_back(visit)
        except NOT_OF_USER:
            raise
        except BaseException as failed:
            if self._stops_for(failed):
                self._give_back(visit)
                return
            visit.tell(f"its errback {self.account.spider_error(failed, request, response)}")
            self._stop_if(self._limits.reached_errors(self.account.errors), now=True)

    def _replace(self, visit: Visit, request: Request) -> None:
        """Go on with the *request* that a middleware returned: a retry waits in the place of the first, another is new."""
        if self.frontier.is_same(visit.request, request):
            self.frontier.again(visit, request, self._clock.seconds(), not_before=self._not_before(request))
            return
        depth = visit.request.meta.get("depth", 0) if visit.request.has_meta else 0
        self.submit(request, None, depth, parent=visit.sequence)
        visit.reason, visit.detail = f"{REPLACED}{request.url}", hop(visit.request, request)

    def _give_back(self, visit: Visit) -> None:
        """Let the request of a visit that was cut short wait again; what it had brought is not committed."""
        if not visit.is_prerequisite:
            self.frontier.again(visit, visit.request, self._clock.seconds())

    def _end(self, visit: Visit) -> None:
        """Account for a finished visit and commit what it brought."""
        self._visits.discard(visit)
        if visit.trace is not None and self._visit_watcher is not None:
            self._visit_watcher.ended(visit)
        if not visit.is_answered:
            self._unanswered -= 1
        self._in_hand.held -= visit.response_size
        if visit.outcome is not Outcome.WAITING and not visit.is_prerequisite:
            self.frontier.done(visit, self._clock.seconds())
            self._committer.add(visit)
            if visit.outcome is Outcome.DROPPED:
                self.account.request_dropped(visit.request, visit.reason)
        self.fill()
        self._check_end()

    def _check_end(self) -> None:
        """End the crawl if nothing is left to do, or nothing more shall be done."""
        if self._visits or self._downloads or self.beginning.is_pulling or self._ended.called:
            return
        if self.state == "closing":
            self._ended.callback(None)
        elif self.state == "running" and self.frontier.is_idle and not self.paused:
            self._ask_idle_spider()

    def _ask_idle_spider(self) -> None:
        """Close the crawl unless a handler of spider_idle wants it open, or has brought new requests."""
        if self._idle_timer is not None and self._idle_timer.active():
            return
        self._load_seen(None)  # which finds out whether a request is missing
        if self.state != "running":
            return
        results = self._send_of_no_visit(
            signals.spider_idle, spider=self.spider, dont_log=(DontCloseSpider, CloseSpider)
        )
        if not self.frontier.is_idle or self._visits:
            self.fill()
        elif any(isinstance(result, DontCloseSpider) for result in results):
            self._idle_timer = self._clock.callLater(IDLE_INTERVAL, self._check_end)
        else:
            closing = next((result for result in results if isinstance(result, CloseSpider)), None)
            self.stop(closing.reason if closing else "start_error" if self.beginning.error else "finished")

    def _send_of_no_visit(self, signal: object, **about: Any) -> list[Any]:
        """Send *signal*, which belongs to no visit, even if it was the end of one that led here."""
        asking = ASKING.set(None)
        try:
            return self._signals.send(signal, **about)
        finally:
            ASKING.reset(asking)

    # --- outputs -----------------------------------------------------------------------------------------------------

    # Hot: once per output of a callback.
    def _handle(self, output: Any, visit: Visit, response: Response | None, depth: int) -> Deferred[Any] | None:
        """Take one output of a callback; return a Deferred if the next one must wait."""
        if self._items.halted or (self._is_full and not visit.taken):
            raise Halted
        if isinstance(output, Request):
            try:
                self.submit(output, response, depth, parent=visit.sequence)
                # How far start() was pulled would not be known yet of what it brings.
                if len(self._unwritten) >= MOST_UNWRITTEN and visit is not self._start_visit:
                    self._committer.commit_or_fail()  # the callback is not to blame
            except NotStorableError as error:
                self.frontier.refused(output, visit.sequence, partial(str, error))
                visit.tell(self.account.request_refused(error, visit))
                self._stop_if(self._limits.reached_errors(self.account.errors), now=True)
        elif output is not None:
            if is_item(output):
                return self._items.take(output, visit, response)
            visit.tell(self.account.output_refused(output, visit))
            self._stop_if(self._limits.reached_errors(self.account.errors), now=True)
        return None

    def _item_kept(self, closing: CloseSpider | None) -> None:
        if closing is not None:
            self.stop(closing.reason)
        reason = self._limits.reached_items(self.account.items)
        if reason is not None and self._limits.is_far_beyond(self.account.items):
            self.stop_now(reason)
        elif reason is not None and self.state == "running":
            self._finish_visits_with_items(reason)

    def _stops_for(self, error: BaseException) -> bool:
        """Tell whether the crawl is stopped for *error*, out of code of the user's: for want of memory, if it can be resumed."""
        if not (self._committer.is_durable and is_short_of_memory(error)):
            return False
        if not self._items.halted:
            logger.error("There is no memory left for a page: the crawl stops, and nothing of it is lost")
        self.stop_now(OUT_OF_MEMORY)
        return True

    def _stop_if(self, reason: str | None, *, now: bool = False) -> None:
        if reason is not None:
            (self.stop_now if now else self.stop)(reason)

    # --- what extensions call, with Scrapy's names ---------------------------------------------------------------------

    def download(self, request: Request, spider: Any = None) -> Deferred[Response]:
        """Return a Deferred of the response to *request*, which goes past the frontier's order and its duplicates filter.

        It waits for its host as any request does (see ``errands``), but in the place of the request that a downloader
        middleware is handling if it is asked for there. IgnoreRequest if the spider's domains or robots.txt forbid it.
        """
        download = start(self._download_in_place(request) if asks_on_the_wire() else self._run_errand(request))
        self._downloads.add(download)

        def ended(result: Any) -> Any:
            self._downloads.discard(download)
            self._check_end()
            return result

        return download.addBoth(ended)

    async def _download_in_place(self, request: Request) -> Response:
        answer = await self._download(request)
        while isinstance(answer, Request):  # a retry or a redirect, each bounded by its middleware
            answer = await self._download(answer)
        return answer

    async def _run_errand(self, request: Request) -> Response:
        answer: Response | Request = request
        while isinstance(answer, Request):
            await self._waited(answer)
            answer = await self._run_once(answer)
        return answer

    async def _run_once(self, request: Request) -> Response | Request:
        """Download *request* when its host allows it; return a retry or a redirect when that may wait for its own turn."""
        check_allowed(request, self._admission, None)
        turn = self._errands.turn(request)
        self.fill()
        visit, asker = await turn, ASKING.get()
        ASKING.set(visit)
        self._on_wire += 1
        if self._visit_watcher is not None:
            visit.parent = asker.sequence if asker is not None else 0
            self._visit_watcher.begun(visit)
        try:
            check_allowed(request, self._admission, self._robots)
            answer = self._noted(visit, await self._download(request))
        finally:
            if visit.trace is not None and self._visit_watcher is not None:
                self._visit_watcher.ended(visit)
            self._leave_wire(visit)
        return answer

    async def _waited(self, request: Request) -> None:
        """Wait for the time that a retry is to wait, or any request that asks for it."""
        until = self._not_before(request)
        if until:
            waited: Deferred[None] = Deferred(lambda _: timer.cancel())
            timer = self._clock.callLater(until - self._clock.seconds(), waited.callback, None)
            await waited

    def name_host(self, url: str) -> None:
        """Let the host of *url* be at a private address, as that of a start request: a person has named it, and no page."""
        self._named_hosts.add(url)

    def _log_broken(self, failure: Failure) -> None:
        """Report a failure of the engine itself; the crawl cannot be trusted any more."""
        if not failure.check(*CANCELLED):
            logger.critical("The engine failed:\n%s", failure.getTraceback())
            self.stop_now("engine_error")
