"""What a transport brings back, and the Response that it makes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from crawler.http import Headers, Response
from crawler.http.response import RESPONSE_CLASSES
from crawler.http.sniff import kind_of

if TYPE_CHECKING:
    from crawler.http import Request


class Answer(NamedTuple):
    """A response as it came, its body decoded."""

    status: int
    headers: Sequence[tuple[bytes, bytes]]
    body: bytes
    flags: tuple[str, ...] = ()
    certificate: Any = None
    ip_address: Any = None
    protocol: str | None = None


# Hot: once per response.
def response_of(request: Request, answer: Answer) -> Response:
    """Return *answer* to *request* as the kind of Response that it is."""
    headers = Headers.received((name, [value]) for name, value in answer.headers)
    cls = RESPONSE_CLASSES.get(kind_of(headers.get, request.url, answer.body), Response)
    return cls(
        request.url,
        status=answer.status,
        headers=headers,
        body=answer.body,
        flags=answer.flags,
        request=request,
        certificate=answer.certificate,
        ip_address=answer.ip_address,
        protocol=answer.protocol,
    )
