"""Ten thousand conversations with a server that means no good: what it says follows from a seed.

Each answer begins as a good one and is then spoilt: cut off at any byte, reset, garbled, dripped byte by byte, left hanging,
blown up, redirected to nowhere. Whatever happens, every request must end in exactly one of response, error and drop, and memory
stay bounded.
"""

from __future__ import annotations

import gzip
import random
import resource
import socket
import struct
import zlib
from collections import Counter
from collections.abc import Callable
from typing import Any

from crawler import Request, Spider, runtime, signals
from crawler.crawler import Crawler
from tests.loopback.servers import FAST, reactor, serving

MAX_BODY = 200_000
SETTINGS = {
    **FAST,
    "politeness.adaptive": False,
    "politeness.concurrency_per_host": 64,
    "crawl.concurrency": 64,
    "http.max_body": MAX_BODY,
    "http.connect_timeout": 20.0,
    "http.first_byte_timeout": 0.3,
    "http.timeout": 0.6,
    "redirect.max_times": 3,
    "log.enabled": False,
}

BOMBS = (gzip.compress(b"\0" * 20_000_000), zlib.compress(b"a" * 20_000_000))
CODINGS: dict[bytes, Callable[[bytes], bytes]] = {b"gzip": gzip.compress, b"deflate": zlib.compress}
TARGETS = (
    b"/0", b"//", b"http://", b"file:///etc/passwd", b"data:text/html,x", b"http://[::1", b"http://127.0.0.1:1/", b"ftp://x/",
    b"javascript:alert(1)", b"http://a b/", b"\xff\xfe", b"http://127.0.0.1:99999/", b"x" * 70_000, b"",
)  # fmt: skip


class Conversation:
    """What the server says to one request."""

    def __init__(self, transport: Any, seed: int) -> None:
        self._transport = transport
        self._chance = random.Random(seed)
        getattr(self, "_" + self._chance.choice(ENDINGS))(self._answer())

    def _answer(self) -> bytes:
        """Return a whole response, some of them strange already."""
        chance = self._chance
        body = chance.randbytes(chance.choice((0, 1, 100, 20_000))) or b""
        if chance.random() < 0.5:
            body = b"<html><title>page</title><a href='/1'>" + body
        lines = [b"HTTP/1.%d %d Said" % (chance.randint(0, 1), self._status())]
        lines += [b"X-%d: %s" % (number, b"y" * chance.randint(0, 50)) for number in range(self._many())]
        lines += [
            b"Set-Cookie: c%d=%s" % (number, b"v" * chance.choice((1, 5_000)))
            for number in range(chance.choice((0, 0, 2, 60)))
        ]
        if chance.random() < 0.2:
            lines.append(b"Location: " + chance.choice(TARGETS))
        if chance.random() < 0.1:
            lines.append(b"Refresh: 0; url=" + chance.choice(TARGETS))
        if chance.random() < 0.3:
            name, coding = chance.choice(list(CODINGS.items()))
            lines.append(b"Content-Encoding: " + name)
            body = chance.choice((coding(body), body, chance.choice(BOMBS)))
        return b"\r\n".join(lines) + b"\r\n" + self._framed(body)

    def _status(self) -> int:
        return self._chance.choice((200, 200, 200, 204, 301, 302, 304, 307, 404, 429, 500, 503, 101, 999, 100))

    def _many(self) -> int:
        return self._chance.choice((0, 3, 10, 3_000))

    def _framed(self, body: bytes) -> bytes:
        kind = self._chance.choice(("length", "chunks", "close", "both", "wrong length", "wrong chunks"))
        if kind == "length":
            return b"Content-Length: %d\r\n\r\n%s" % (len(body), body)
        if kind == "wrong length":
            return b"Content-Length: %s\r\n\r\n%s" % (
                self._chance.choice((b"-1", b"9" * 30, b"1, 2", b"0x10", b"5")),
                body,
            )
        if kind == "close":
            return b"Connection: close\r\n\r\n" + body
        size = b"%x" % len(body) if kind != "wrong chunks" else self._chance.choice((b"", b"-5", b"f" * 40, b"g", b"1"))
        lengths = b"Content-Length: 3\r\n" if kind == "both" else b""
        return b"%sTransfer-Encoding: chunked\r\n\r\n%s\r\n%s\r\n0\r\n\r\n" % (lengths, size, body)

    # --- endings: what becomes of the answer ---

    def _all(self, answer: bytes) -> None:
        self._transport.write(answer)
        if self._chance.random() < 0.3:
            self._transport.loseConnection()

    def _twice(self, answer: bytes) -> None:
        self._transport.write(answer * 2)

    def _cut(self, answer: bytes) -> None:
        self._transport.write(answer[: self._chance.randrange(len(answer))])
        self._transport.loseConnection()

    def _reset(self, answer: bytes) -> None:
        self._transport.write(answer[: self._chance.randrange(len(answer))])
        self._transport.getHandle().setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        reactor.callLater(0, self._transport.abortConnection)

    def _hang(self, answer: bytes) -> None:
        self._transport.write(answer[: self._chance.randrange(len(answer))])

    def _garbled(self, answer: bytes) -> None:
        spoilt = bytearray(answer[:2_000])
        for _ in range(self._chance.randint(1, 10)):
            spoilt[self._chance.randrange(len(spoilt))] = self._chance.randrange(256)
        self._transport.write(bytes(spoilt) + answer[2_000:])
        self._transport.loseConnection()

    def _garbage(self, answer: bytes) -> None:
        self._transport.write(self._chance.randbytes(self._chance.randint(1, 5_000)))
        self._transport.loseConnection()

    def _early(self, answer: bytes) -> None:
        self._transport.write(
            b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n" * self._chance.choice((1, 20, 5_000)) + answer
        )
        self._transport.loseConnection()

    def _pieces(self, answer: bytes) -> None:
        """Say it in pieces, a few bytes at a time."""
        step = self._chance.choice((1, 2, 7, 1_000))
        rest = [answer[:300][start : start + step] for start in range(0, min(300, len(answer)), step)] + [answer[300:]]

        def more() -> None:
            if rest and self._transport.connected:
                self._transport.write(rest.pop(0))
                reactor.callLater(0, more)

        more()

    def _endless(self, answer: bytes) -> None:
        head, _, _ = answer.partition(b"\r\n\r\n")
        piece = self._chance.choice((b"X: y\r\n", b"1\r\nx\r\n", b"\r\n", b"x" * 10_000))
        self._transport.write(
            head + self._chance.choice((b"\r\n", b"\r\nTransfer-Encoding: chunked\r\n\r\n", b"\r\n\r\n"))
        )

        def more() -> None:
            if self._transport.connected and not self._transport.disconnecting:
                self._transport.write(piece * 20)
                reactor.callLater(0.001, more)

        more()


ENDINGS = (
    "all", "all", "all", "twice", "cut", "cut", "reset", "hang", "garbled", "garbled", "garbage", "early", "pieces", "endless",
)  # fmt: skip


class Talker(Spider):
    """Talks to the server so many times, and notes how each conversation ended."""

    name = "talker"

    def __init__(self, url: str, count: int, seed: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.url, self.count, self.seed = url, count, seed
        self.ends: dict[int, list[str]] = {number: [] for number in range(count)}

    async def start(self) -> Any:
        for number in range(self.count):
            yield Request(
                f"{self.url}/{self.seed + number}?{number}", errback=self.failed, cb_kwargs={"number": number}
            )

    def parse(self, response: Any, number: int) -> None:
        self.ends[number].append("response")

    def failed(self, failure: Any) -> None:
        self.ends[failure.request.cb_kwargs["number"]].append(type(failure.value).__name__)

    def dropped(self, request: Any) -> None:
        if request.errback is None or not self.ends[request.cb_kwargs["number"]]:
            self.ends[request.cb_kwargs["number"]].append("dropped")


async def talk(count: int, seed: int = 0, *, transport: str = "treq") -> tuple[Counter[str], int]:
    """Have *count* conversations by *transport*; return how they ended, and by how many bytes the process has grown at most.

    Raise AssertionError if one has not ended in exactly one way, or the account does not balance.
    """

    def script(transport: Any, head: bytes) -> None:
        path = head.split(b" ", 2)[1].partition(b"?")[0]
        Conversation(transport, int(path[1:]) if path[1:].isdigit() else 0)

    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with serving(script) as server:
        server.heads = _Forgetful()
        crawler = Crawler(Talker, {**SETTINGS, "http.transport": transport}, runtime=runtime.of_reactor(reactor))
        crawler.signals.connect(lambda request: crawler.spider.dropped(request), signals.request_dropped, weak=False)
        result = await crawler.crawl(url=server.url, count=count, seed=seed)
    assert isinstance(crawler.spider, Talker)
    unclear = {number: ends for number, ends in crawler.spider.ends.items() if len(ends) != 1}
    assert not unclear, f"these have not ended in exactly one way: {dict(list(unclear.items())[:10])}"
    assert result.reason == "finished"
    assert crawler.engine is not None
    frontier = crawler.engine.frontier
    assert frontier.waiting == frontier.leased == 0
    assert sum(frontier.ended.values()) == frontier.scheduled
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024
    return Counter(ends[0] for ends in crawler.spider.ends.values()), grown


class _Forgetful(list[bytes]):
    """Keeps nothing: the server notes every request, and there are many."""

    def append(self, item: bytes) -> None:
        """Forget *item*."""
