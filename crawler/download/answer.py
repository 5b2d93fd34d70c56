"""What a transport brings back, and the Response that it makes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from crawler.http import Headers, Response
from crawler.http.response import RESPONSE_CLASSES
from crawler.http.sniff import LOOKED_AT, kind_of

if TYPE_CHECKING:
    from crawler.http import Request
    from crawler.http.spool import Spool


class Answer(NamedTuple):
    """A response as it came, its body decoded."""

    status: int
    headers: Sequence[tuple[bytes, bytes]]
    body: bytes | Spool
    flags: tuple[str, ...] = ()
    certificate: Any = None
    ip_address: Any = None
    protocol: str | None = None


# Hot: once per response.
def response_of(request: Request, answer: Answer) -> Response:
    """Return *answer* to *request* as the kind of Response that it is."""
    headers = Headers.received((name, [value]) for name, value in answer.headers)
    body = answer.body
    start = body if isinstance(body, bytes) else body.head(LOOKED_AT)
    cls = RESPONSE_CLASSES.get(kind_of(headers.get, request.url, start), Response)
    return cls(
        request.url,
        status=answer.status,
        headers=headers,
        body=body,
        flags=answer.flags,
        request=request,
        certificate=answer.certificate,
        ip_address=answer.ip_address,
        protocol=answer.protocol,
    )
