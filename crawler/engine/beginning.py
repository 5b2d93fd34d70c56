"""What a crawl begins with: ``spider.start()``, pulled no faster than there is room for what it yields."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import TYPE_CHECKING, Any

from twisted.internet.defer import Deferred

from crawler.engine.halt import CANCELLED, NOT_OF_USER, Halted
from crawler.exceptions import CloseSpider

if TYPE_CHECKING:
    from crawler.concurrency import Bridge


class Beginning:
    """Pulls *outputs* and gives each to *take*, which returns a Deferred if the next must wait, while *has_room*.

    A resumed job has taken the first *skip* outputs already; None says that it has taken all.
    """

    def __init__(
        self,
        outputs: Callable[[], AsyncIterator[Any]],
        *,
        take: Callable[[Any], Deferred[Any] | None],
        has_room: Callable[[], bool],
        bridge: Bridge,
        skip: int | None = 0,
    ) -> None:
        self._outputs = outputs
        self._take = take
        self._has_room = has_room
        self._bridge = bridge
        self._pulling: Deferred[Any] | None = None
        self._room: Deferred[None] | None = None
        self.is_pulling = False
        #: How many outputs were taken, those of earlier processes included, and whether that were all. *take* counts, at the moment
        #: at which what an output brought is ready to be committed.
        self.taken = skip or 0
        self.is_done = skip is None
        #: How many items they brought.
        self.items = 0
        #: The error that ended the pulling, if one did.
        self.error: BaseException | None = None

    def pull(self) -> Deferred[Any]:
        """Begin; fires with None, or with the ``CloseSpider`` that was raised."""
        self.is_pulling = True
        self._pulling = self._bridge.deferred(self._pull())
        return self._pulling.addBoth(self._ended)

    def _ended(self, result: Any) -> Any:
        self.is_pulling = False
        return result

    async def _pull(self) -> CloseSpider | None:
        if self.is_done:
            return None
        skip = self.taken
        try:
            async for output in self._outputs():
                if skip:
                    skip -= 1
                    continue
                pending = self._take(output)
                if pending is not None:
                    await pending
                if not self._has_room():
                    self._room = Deferred()
                    await self._room
            self.is_done = True
        except CloseSpider as close:
            return close
        except (*CANCELLED, Halted):
            return None
        except NOT_OF_USER:
            raise
        except BaseException as error:
            self.error = error
        return None

    # Hot: twice per request.
    def go_on(self) -> None:
        """Pull on if there was no room and now there is."""
        if self._room is not None and self._has_room():
            room, self._room = self._room, None
            room.callback(None)

    def cancel(self) -> None:
        """Pull no more."""
        if self._pulling is not None:
            self._pulling.cancel()
