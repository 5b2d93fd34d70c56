"""The demo site on loopback, in a process of its own: crawling it measures the crawler, and not the shop.

    with serving() as url:
        ...

The process ends when its standard input does, that is, also when whoever started it was killed.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from crawler.demo.areas import Answer, answer
from crawler.demo.shop import Shop

if TYPE_CHECKING:
    from twisted.web.server import Request as ServerRequest


@contextmanager
def serving(size: int = 1000) -> Iterator[str]:
    """Serve a shop with *size* books on a free port of 127.0.0.1 for as long as the block lasts; yield its URL."""
    server = start_server(size)
    try:
        yield server.url
    finally:
        server.stop()


class Server:
    """The process of a shop. ``url`` is where it is."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        assert process.stdout is not None  # a pipe
        self.url = process.stdout.readline().strip()
        if not self.url:
            raise RuntimeError(f"the demo shop did not start: it ended with {process.wait()}")

    @property
    def port(self) -> int:
        """The port of ``url``."""
        return urlsplit(self.url).port or 0

    def stop(self) -> None:
        """End the process and wait for its end."""
        assert self._process.stdin is not None  # a pipe
        self._process.stdin.close()
        self._process.wait()
        if self._process.stdout is not None:
            self._process.stdout.close()


def start_server(size: int = 1000, *, latency: float = 0.0, port: int = 0, patience: float = 0.0) -> Server:
    """Start a process that serves a shop with *size* books on loopback; return when it listens.

    Every answer is given *latency* seconds after its request. If *port* is not free within *patience* seconds, it is another one.
    """
    return Server(
        subprocess.Popen(
            [sys.executable, "-m", "crawler.demo.server", *map(str, (size, latency, port, patience))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            # Ctrl-C in a terminal goes to the whole group: the shop stays open while the crawl ends.
            start_new_session=True,
        )
    )


def site_answer(shop: Shop, method: str, uri: str, *, cookie: str, body: bytes, base: str) -> Answer:
    """Return what the demo site answers: a page of the shop, or of one of the other areas."""
    path, _, query = uri.partition("?")
    said = answer(shop, method, path or "/", query, cookie=cookie, body=body, base=base)
    if said is not None:
        return said
    page = shop.page(path or "/")
    return Answer((page or "<h1>Not found</h1>").encode(), status=200 if page is not None else 404)


def main(size: int, latency: float, wanted: int, patience: float) -> None:
    """Serve a shop with *size* books, each page *latency* seconds late, until standard input ends."""
    from twisted.internet import reactor as installed  # a process of its own: nobody else's reactor is at stake
    from twisted.internet.error import CannotListenError
    from twisted.internet.protocol import Protocol
    from twisted.internet.stdio import StandardIO
    from twisted.web.resource import Resource
    from twisted.web.server import NOT_DONE_YET, Site

    reactor: Any = installed
    shop = Shop(size)

    class Pages(Resource):
        isLeaf = True

        def render_GET(self, request: ServerRequest) -> Any:
            if not latency:
                return self._page(request)
            reactor.callLater(latency, self._finish, request)
            return NOT_DONE_YET

        def _finish(self, request: ServerRequest) -> None:
            if request.channel is not None:  # the client may be gone by now
                request.write(self._page(request))
                request.finish()

        def _page(self, request: ServerRequest) -> bytes:
            said = site_answer(
                shop,
                request.method.decode("latin-1"),
                request.uri.decode("latin-1"),
                cookie=request.getHeader("cookie") or "",
                body=request.content.read() if request.content else b"",
                base=f"http://{request.getHeader('host')}",
            )
            request.setResponseCode(said.status)
            request.setHeader(b"Content-Type", said.kind.encode())
            for name, value in said.headers.items():
                request.responseHeaders.addRawHeader(name, value)
            return said.body

        render_POST = render_GET

    pages = Pages()  # type: ignore[no-untyped-call]  # Twisted's

    class UntilEnd(Protocol):
        def connectionLost(self, reason: Any = None) -> None:
            if reactor.running:
                reactor.stop()

    def listen(port: int) -> Any:
        # As many may come at once as ``crawler bench models`` has tasks.
        return reactor.listenTCP(port, Site(pages), interface="127.0.0.1", backlog=2048)

    until = time.monotonic() + patience
    while True:
        try:
            port = listen(wanted)
            break
        except CannotListenError:
            if time.monotonic() < until:
                time.sleep(0.05)  # the server of a crawl that was killed just now is about to end
            else:
                wanted = 0
    print(f"http://127.0.0.1:{port.getHost().port}/", flush=True)
    StandardIO(UntilEnd())
    reactor.run()


if __name__ == "__main__":
    given = sys.argv[1:]
    size, latency, port, patience = [*given, *("1000", "0", "0", "0")[len(given) :]]
    main(int(size), float(latency), int(port), float(patience))
