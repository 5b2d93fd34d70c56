"""What is fetched without a network: ``file:`` and ``data:``. Only where ``http.schemes`` switches them on."""

from __future__ import annotations

import base64
import binascii
import mimetypes
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, unquote_to_bytes, urlsplit

from crawler.download.answer import Answer
from crawler.download.body import STEP, Spooling
from crawler.exceptions import DownloadFailedError, ResponseTooLargeError

if TYPE_CHECKING:
    from crawler.download.transport import FetchLimits
    from crawler.http import Request
    from crawler.http.spool import Spool


class FileTransport:
    """Reads files (RFC 8089); large ones into temporary files, as *spooling* says."""

    def __init__(self, spooling: Spooling) -> None:
        self._spooling = spooling

    async def fetch(self, request: Request, limits: FetchLimits) -> Answer:
        """Return the file that the URL names; raise DownloadFailedError if it cannot be read."""
        parts = urlsplit(request.url)
        if parts.netloc not in ("", "localhost"):
            raise DownloadFailedError(f"{request.url} names a file of another host, {parts.netloc}; write file:///path")
        path = Path(unquote(parts.path))
        try:
            # Off the wire, a short read is all that the reactor waits for.
            if limits.max_body and path.stat().st_size > limits.max_body:
                raise ResponseTooLargeError(limit=limits.max_body)
            body = self._read(path, limits)
        except OSError as error:
            raise DownloadFailedError(f"{path} cannot be read: {error.strerror or error}") from error
        kind, encoding = mimetypes.guess_type(path.name)
        headers = [(b"Content-Type", kind.encode("ascii"))] if kind and not encoding else []
        return Answer(200, headers, body)

    def _read(self, path: Path, limits: FetchLimits) -> bytes | Spool:
        kept = self._spooling.body(to_file=limits.to_file)
        try:
            with path.open("rb") as file:
                while piece := file.read(STEP):
                    kept.add(piece)
            return kept.taken()
        finally:
            kept.drop()


class DataTransport:
    """Reads ``data:`` URLs (RFC 2397)."""

    async def fetch(self, request: Request, limits: FetchLimits) -> Answer:
        """Return what the URL holds; raise DownloadFailedError if it is none."""
        head, comma, text = request.url.partition("#")[0].removeprefix("data:").partition(",")
        if not comma:
            raise DownloadFailedError(f"{request.url[:100]!r} has no comma before its data")
        kind, _, last = head.rpartition(";")
        is_base64 = last.strip().lower() == "base64"
        body = unquote_to_bytes(text)
        if is_base64:
            try:
                body = base64.b64decode(bytes(byte for byte in body if byte not in b" \t\r\n"), validate=True)
            except binascii.Error as error:
                raise DownloadFailedError(f"{request.url[:100]!r} is no base64: {error}") from error
        if limits.max_body and len(body) > limits.max_body:
            raise ResponseTooLargeError(limit=limits.max_body)
        kind = (kind if is_base64 else head) or "text/plain;charset=US-ASCII"
        return Answer(200, [(b"Content-Type", kind.encode("ascii", "replace"))], body)
