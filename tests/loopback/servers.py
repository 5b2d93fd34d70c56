"""Servers on loopback that say exactly what a test wants, and crawls of them in the reactor of the tests."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from twisted.internet import reactor as installed
from twisted.internet.protocol import Factory, Protocol

from crawler import Request, Spider, runtime
from crawler.crawler import Crawler
from crawler.result import CrawlResult

reactor: Any = installed

FAST = {
    "politeness.obey_robots": False,
    "politeness.delay": 0.0,
    "retry.enabled": False,
    "log.stats_interval": 0,
    "frontier.store": "memory",
}

#: What a server does with a request: it gets its transport and the bytes of the head.
Script = Callable[[Any, bytes], None]


class Scripted(Protocol):
    """Hands each request head that arrives to the script of its factory."""

    def connectionMade(self) -> None:
        self.factory.connections += 1
        self.buffer = b""

    def dataReceived(self, data: bytes) -> None:
        self.buffer += data
        while b"\r\n\r\n" in self.buffer:
            head, _, self.buffer = self.buffer.partition(b"\r\n\r\n")
            self.factory.heads.append(head)
            self.factory.script(self.transport, head)


class ScriptedServer(Factory):
    """A server that follows *script*. ``heads`` are the requests that it got, ``connections`` how many times it was called."""

    protocol = Scripted
    noisy = False

    def __init__(self, script: Script) -> None:
        self.script = script
        self.heads: list[bytes] = []
        self.connections = 0
        self.url = ""


@contextmanager
def serving(script: Script, interface: str = "127.0.0.1") -> Iterator[ScriptedServer]:
    """Serve *script* on a free port for as long as the block lasts."""
    server = ScriptedServer(script)
    port = reactor.listenTCP(0, server, interface=interface)
    host = f"[{interface}]" if ":" in interface else interface
    server.url = f"http://{host}:{port.getHost().port}"
    try:
        yield server
    finally:
        port.stopListening()


def say(data: bytes, *, close: bool = False) -> Script:
    """Return the script that answers every request with *data*, and then closes the connection if asked to."""

    def script(transport: Any, head: bytes) -> None:
        transport.write(data)
        if close:
            transport.loseConnection()

    return script


def response(body: bytes, *headers: bytes) -> bytes:
    """Return a whole response."""
    lines = [b"HTTP/1.1 200 OK", b"Content-Type: text/html", b"Content-Length: %d" % len(body), *headers]
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


class Probe(Spider):
    """Fetches its start URLs and notes what came of each."""

    name = "probe"

    def __init__(self, urls: list[str], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.urls = urls
        self.responses: list[Any] = []
        self.errors: list[Any] = []

    async def start(self) -> Any:
        for url in self.urls:
            yield Request(url, errback=self.failed, dont_filter=True)

    def parse(self, response: Any, **kwargs: Any) -> None:
        self.responses.append(response)

    def failed(self, failure: Any) -> None:
        self.errors.append(failure.value)


async def probe(*urls: str, **settings: Any) -> tuple[Probe, CrawlResult]:
    """Crawl *urls* with :class:`Probe`; *settings* are dotted names with ``__`` for the dot."""
    named = {name.replace("__", "."): value for name, value in settings.items()}
    crawler = Crawler(Probe, {**FAST, **named}, runtime=runtime.of_reactor(reactor))
    result = await crawler.crawl(urls=list(urls))
    assert isinstance(crawler.spider, Probe)
    return crawler.spider, result
