"""Connectivity: whether anything can be reached at all.

A request that cannot be sent says one of two things: its host is down, or this machine is off the network. The first is the host's
affair (``frontier.outages``) and ends with the failure of its requests. For the second no request is lost, and no attempt used up.

What tells them apart are sites that have answered before, *witnesses*. An answer from anywhere since the request was started says
that the network is there. Else the robots.txt of the witnesses is asked for. When none of them can be reached either, no visit
starts, those on the wire wait, and the witnesses are asked again and again. Any answer ends it, and what waited is sent. When it
has lasted for too long, a crawl with a job stops, to be resumed, and one without goes on as if the hosts were down.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any

from twisted.internet.defer import Deferred

from crawler.concurrency import start
from crawler.engine.halt import CANCELLED
from crawler.engine.robots import robots_request
from crawler.exceptions import CannotResolveHostError, DownloadError
from crawler.http import Request
from crawler.http.retry import was_not_sent
from crawler.url import origin, split

if TYPE_CHECKING:
    from crawler.http import Response
    from crawler.interfaces import Clock

logger = logging.getLogger(__name__)

#: The reason of a crawl that stops because nothing can be reached.
UNREACHABLE = "unreachable"

# Of several sites one may be down at the same time as the one that is asked; four hardly ever are.
_WITNESSES = 4

# Seconds between two times that an answer is looked at for another witness, once there are as many or its site is one.
_NOTE_INTERVAL = 1.0

# Seconds between two times that the witnesses are asked, twice as many each time.
_FIRST_PAUSE, _LONGEST_PAUSE = 5.0, 60.0


class Connectivity:
    """Tells whether the network is away, and lets requests wait while it is, for *patience* seconds at most.

    *fetch* asks the witnesses. *on_return* is called when something can be reached again, *on_given_up* when the patience has run
    out; None if requests shall fail then.
    """

    def __init__(
        self,
        fetch: Callable[[Request], Awaitable[Response]],
        clock: Clock,
        *,
        patience: float,
        on_return: Callable[[], None],
        on_given_up: Callable[[], None] | None = None,
    ) -> None:
        self._fetch = fetch
        self._clock = clock
        self._patience = patience
        self._on_return = on_return
        self._on_given_up = on_given_up
        self._witnesses: dict[str, Request] = {}  # by origin, the one noted last at the end
        self._answered_at = self._noted_at = float("-inf")
        self._waiting: list[Deferred[bool]] = []
        self._search: Deferred[None] | None = None
        self._has_given_up = False
        #: Whether nothing can be reached.
        self.is_lost = False
        #: How often a site has become a witness that was none.
        self.noted = 0

    def __repr__(self) -> str:
        return f"<Connectivity {'lost' if self.is_lost else 'as far as is known'}, {len(self._waiting)} requests wait>"

    def around(self, fetch: Callable[[Request], Awaitable[Response]]) -> Callable[[Request], Awaitable[Response]]:
        """Return *fetch* for which requests that cannot be sent wait while the network is away."""
        if not self._patience:
            return fetch
        seconds = self._clock.seconds

        # Hot: once per request.
        async def connected_fetch(request: Request) -> Response:
            while True:
                began = seconds()
                try:
                    response = await fetch(request)
                except DownloadError as error:
                    if not (_may_be_ours(error) and await self._comes_back(began)):
                        raise
                else:
                    self._answered(request, seconds())
                    return response

        return connected_fetch

    # Hot: once per response.
    def _answered(self, request: Request, now: float) -> None:
        self._answered_at = now
        if now - self._noted_at >= _NOTE_INTERVAL or self._is_wanted(request):
            self._note(request, now)
        if self.is_lost:
            self.close()
            self._end(came_back=True)

    def _is_wanted(self, request: Request) -> bool:
        """Tell whether the site of *request* is a new one and more are wanted; at fixed times it could be the same one always."""
        return len(self._witnesses) < _WITNESSES and origin(request.url) not in self._witnesses

    def _note(self, request: Request, now: float) -> None:
        """Take the site of *request* for a witness."""
        site = origin(request.url)
        if site.startswith("http"):
            self._noted_at = now
            self._has_given_up = False
            self.noted += self._witnesses.pop(site, None) is None
            self._witnesses[site] = robots_request(site, request)
            if len(self._witnesses) > _WITNESSES:
                del self._witnesses[next(iter(self._witnesses))]

    def witnesses(self) -> list[tuple[str, dict[str, Any]]]:
        """Return the sites that would be asked, for :meth:`restore`: URL and meta, which may hold the password of a proxy."""
        return [(request.url, request.meta) for request in self._witnesses.values()]

    def restore(self, witnesses: Iterable[tuple[str, dict[str, Any]]]) -> None:
        """Take over what :meth:`witnesses` of an earlier process returned."""
        for url, meta in witnesses:
            self._witnesses[origin(url)] = Request.from_trusted_url(url, meta=meta)

    async def _comes_back(self, began: float) -> bool:
        """Wait while nothing can be reached; tell whether it was so, and a request that *began* then is to be sent again."""
        if self._answered_at >= began or not self._witnesses or self._has_given_up:
            return False
        waits: Deferred[bool] = Deferred(self._waiting.remove)
        self._waiting.append(waits)
        if len(self._waiting) == 1:
            self._search = start(self._ask_until_answered())
        return await waits

    async def _ask_until_answered(self) -> None:
        if await self._reaches_a_witness():
            self._end(came_back=False)
            return
        self.is_lost, since = True, self._clock.seconds()
        logger.warning(
            "Nothing can be reached any more (tried %s): the crawl waits for the network",
            ", ".join(split(site).host for site in self._witnesses),
        )
        for pause in _pauses(self._patience):
            await self._pass(pause)
            if await self._reaches_a_witness():
                logger.info("The network is back after %.0f seconds", self._clock.seconds() - since)
                self._end(came_back=True)
                return
        self._give_up()

    async def _reaches_a_witness(self) -> bool:
        for request in list(self._witnesses.values())[::-1]:
            try:
                await self._fetch(request.copy())
            except CANCELLED:
                raise
            except DownloadError as error:
                if was_not_sent(error):
                    continue
            return True
        return False

    async def _pass(self, seconds: float) -> None:
        passed: Deferred[None] = Deferred(lambda _: timer.cancel())
        timer = self._clock.callLater(seconds, passed.callback, None)
        await passed

    def _give_up(self) -> None:
        self._has_given_up = True
        if self._on_given_up is None:
            logger.error("Nothing could be reached for %.0f seconds: requests fail from now on", self._patience)
            self._end(came_back=False)
            return
        logger.error(
            "Nothing could be reached for %.0f seconds: the crawl stops, and nothing of it is lost", self._patience
        )
        self._on_given_up()

    def _end(self, *, came_back: bool) -> None:
        """Tell what waits that it is over."""
        was_lost, self.is_lost = self.is_lost, False
        waiting, self._waiting = self._waiting, []
        for waits in waiting:
            waits.callback(came_back)
        if was_lost:
            self._on_return()

    def close(self) -> None:
        """Ask the witnesses no more."""
        search, self._search = self._search, None
        if search is not None:
            search.addErrback(lambda _: None)  # that it was cancelled
            search.cancel()


def _may_be_ours(error: DownloadError) -> bool:
    """Tell whether *error* may say that this machine is off the network: a name server that knows of no such host says not."""
    return was_not_sent(error) and not (isinstance(error, CannotResolveHostError) and error.is_certain)


def _pauses(patience: float) -> Iterator[float]:
    """Yield the pauses between the times that the witnesses are asked, *patience* seconds in all."""
    pause = _FIRST_PAUSE
    while patience > 0:
        yield min(pause, patience)
        patience -= pause
        pause = min(2 * pause, _LONGEST_PAUSE)
