"""A body as it arrives: decoded, counted, and kept in memory or, when it is large, in a file.

Small bodies stay in memory and cost one comparison. From SMALL bytes on a body is counted in the *bytes in hand* of the crawl,
step by step; it goes on in a file when it passes ``above``, or earlier when the bytes in hand are used up. So however many large
bodies arrive at once, they hold no more memory than that, plus a step each. No body waits for another: a download never stops
reading, so nothing can deadlock, and a disk that is slow slows the crawl down as a whole.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from twisted.internet.defer import Deferred
from twisted.internet.protocol import Protocol
from twisted.python.failure import Failure
from twisted.web.client import ResponseDone
from twisted.web.http import PotentialDataLoss

from crawler.download.errors import DownloadCancelledError, translated
from crawler.exceptions import DownloadError, DownloadFailedError, ResponseDataLossError, StopDownload
from crawler.http.decode import Decoder
from crawler.http.spool import Spool

if TYPE_CHECKING:
    from collections.abc import Sequence

# Most pages are smaller, and 16 of them at once are a megabyte: not worth an entry in any account.
SMALL = 64 * 1024

# What a body grows by between two looks at the account, and what is written to its file at once.
STEP = 256 * 1024


class BytesInHand:
    """The bytes of bodies that are in memory: arriving, and in callbacks. *limit* is the crawl's."""

    __slots__ = ("held", "limit")

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.held = 0

    def __repr__(self) -> str:
        return f"<BytesInHand {self.held} of {self.limit}>"


@dataclass(frozen=True, slots=True)
class Spooling:
    """When bodies go to files, and where: *above* this many bytes (0: never), in *directory* (empty: the system's)."""

    in_hand: BytesInHand
    above: int = 0
    directory: str = ""

    def body(self, *, to_file: bool = False) -> ArrivingBody:
        """Return the place for one body; *to_file* lets it go to a file from its first byte."""
        return ArrivingBody(self, to_file=to_file)


class ArrivingBody:
    """Keeps one body as it comes, piece by piece."""

    __slots__ = ("_above", "_counted", "_held", "_mark", "_pieces", "_spool", "_spooling")

    def __init__(self, spooling: Spooling, *, to_file: bool) -> None:
        self._spooling = spooling
        self._above = 0 if to_file else spooling.above or _NEVER
        self._mark = min(SMALL, self._above)
        self._pieces: list[bytes] = []
        self._held = 0
        self._counted = 0
        self._spool: Spool | None = None

    # Hot: once or more per response.
    def add(self, piece: bytes) -> None:
        """Keep *piece*; raise DownloadFailedError if it cannot be written to the file."""
        self._pieces.append(piece)
        self._held += len(piece)
        if self._held > self._mark:
            self._grow()

    def _grow(self) -> None:
        """Count what came, or let it go to the file."""
        in_hand = self._spooling.in_hand
        grown = self._held - self._counted
        is_full = self._spooling.above > 0 and in_hand.held + grown > in_hand.limit
        if self._spool is not None or self._held > self._above or is_full:
            self._write()
            self._mark = STEP
        else:
            in_hand.held += grown
            self._counted = self._held
            self._mark = min(self._held + STEP, self._above)

    def _write(self) -> None:
        try:
            if self._spool is None:
                self._spool = Spool(self._spooling.directory)
            for piece in self._pieces:
                self._spool.write(piece)
        except OSError as error:
            raise DownloadFailedError(
                f"the body cannot be written to a temporary file ({error.strerror or error}): see http.spool_directory"
            ) from error
        self._forget()

    def _forget(self) -> None:
        self._pieces.clear()
        self._spooling.in_hand.held -= self._counted
        self._held = self._counted = 0

    def taken(self) -> bytes | Spool:
        """Return all that came; nothing is kept from now on."""
        if self._spool is not None:
            self._write()
            spool, self._spool = self._spool, None
            return spool
        pieces = self._pieces
        body = pieces[0] if len(pieces) == 1 else b"".join(pieces)
        if self._counted:
            self._forget()
        return body

    def drop(self) -> None:
        """Keep nothing of it."""
        self._forget()
        self._spool = None


# More than any body has.
_NEVER = 2**63


class BodyReceiver(Protocol):
    """Takes a body as it arrives. ``finished`` fires with it, decoded, or with what was wrong.

    *codings* are undone, up to *max_size* bytes; *seen* is called with each part as it came.
    """

    def __init__(
        self,
        kept: ArrivingBody,
        codings: Sequence[bytes] = (),
        max_size: int = 0,
        seen: Callable[[bytes], None] | None = None,
    ) -> None:
        self.finished: Deferred[bytes | Spool] = Deferred(self._cancelled)
        self.so_far: bytes | Spool = b""
        self._kept = kept
        self._decoder = Decoder(list(codings), max_size, kept.add)
        self._seen = seen
        self._ended = False

    # Hot: once or more per response.
    def dataReceived(self, data: bytes) -> None:
        """Decode and keep *data*; end the download where that is an error."""
        if self._ended:
            return
        try:
            self._decoder.write(data)
            if self._seen is not None:
                self._seen(data)
        except (DownloadError, StopDownload) as error:
            self.end(error)

    def connectionLost(self, reason: Failure = Failure(ResponseDone())) -> None:  # noqa: B008  # Twisted's signature
        """Finish: the body is complete, or will never be."""
        if self._ended:
            return
        self._ended = True
        error, body = reason.value, None
        try:
            self._decoder.finish()
        except DownloadError as wrong:
            error = wrong
        try:
            body = self._kept.taken()
        except DownloadError as wrong:
            error, body = wrong, b""
        if isinstance(error, ResponseDone | PotentialDataLoss):
            self.finished.callback(body)
        else:
            loss = translated(error, "the response")
            if isinstance(loss, ResponseDataLossError):
                loss.kept = body
            self.finished.errback(Failure(loss))

    def end(self, error: DownloadError | StopDownload) -> None:
        """End the download with *error*."""
        if self._ended:
            return
        self._ended = True
        if isinstance(error, StopDownload):
            try:
                self.so_far = self._kept.taken()
            except DownloadError as failed:
                error = failed
        self._kept.drop()
        transport: Any = self.transport
        if transport is not None:
            # What Twisted's own agents give to a body can only be asked to close.
            abort = getattr(transport, "abortConnection", None) or transport.loseConnection
            abort()
        self.finished.errback(Failure(error))

    def _cancelled(self, finished: Deferred[bytes | Spool]) -> None:
        self.end(DownloadCancelledError("the download was cancelled"))
