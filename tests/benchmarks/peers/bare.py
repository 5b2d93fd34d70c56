"""The loop without a framework: treq, lxml and a set. What a page costs at least with these libraries."""

from __future__ import annotations

import json
import sys
from urllib.parse import urldefrag, urljoin, urlsplit

from twisted.internet import asyncioreactor

asyncioreactor.install()

import lxml.html  # noqa: E402
from treq.client import HTTPClient  # noqa: E402
from twisted.internet import defer, reactor  # noqa: E402
from twisted.web.client import Agent, HTTPConnectionPool  # noqa: E402

CONCURRENCY = 32


def main(start: str, output: str) -> None:
    """Crawl from *start* and write to *output*."""
    pool = HTTPConnectionPool(reactor, persistent=True)
    pool.maxPersistentPerHost = CONCURRENCY
    client = HTTPClient(Agent(reactor, pool=pool))
    host = urlsplit(start).netloc
    seen, waiting = {start}, [start]
    active = 0
    out = open(output, "w", encoding="utf-8")  # noqa: SIM115  # open as long as the program runs

    async def visit(url: str) -> None:
        response = await client.get(url)
        body = await response.content()
        if response.code != 200:
            return
        page = lxml.html.document_fromstring(body)
        headings = [heading.text_content() for heading in page.iter("h1")]
        out.write(json.dumps({"url": url, "title": page.findtext(".//title"), "h1": headings}) + "\n")
        hrefs = {href.partition("#")[0] for link in page.iter("a") if (href := link.get("href")) is not None}
        for href in hrefs:
            target = urldefrag(urljoin(url, href))[0]
            if target not in seen and urlsplit(target).netloc == host:
                seen.add(target)
                waiting.append(target)

    def ended(result: object) -> None:
        nonlocal active
        active -= 1
        if isinstance(result, BaseException):
            print(result, file=sys.stderr)
        fill()

    def fill() -> None:
        nonlocal active
        while waiting and active < CONCURRENCY:
            active += 1
            defer.ensureDeferred(visit(waiting.pop(0))).addBoth(ended)
        if not active:
            out.close()
            reactor.stop()

    reactor.callWhenRunning(fill)
    reactor.run()


if __name__ == "__main__":
    main(*sys.argv[1:])
