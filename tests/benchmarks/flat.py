"""Does a page cost the same however much is waiting? And what does a waiting request cost?

    python -m tests.benchmarks.flat

The wire is left out: a middleware answers every request at once, so that what remains is the crawler itself. Every page brings one
new link, so that as much is waiting at the end as at the beginning.
"""

from __future__ import annotations

import argparse
import gc
import json
import subprocess
import sys
import time
import tracemalloc
from statistics import median

from twisted.internet.defer import succeed
from twisted.python.failure import Failure
from twisted.web.client import ResponseDone
from twisted.web.http_headers import Headers

from crawler import Request, Spider, runtime
from crawler.crawler import Crawler
from crawler.frontier import Frontier, MemoryStore, SeenSet, Workbench
from crawler.frontier.codec import RequestCodec
from crawler.http.fingerprint import fingerprint
from crawler.runtime import Runtime
from crawler.settings import HostRules
from crawler.url import host_key

SETTINGS = {
    "politeness.delay": 0.0,
    "politeness.concurrency_per_host": 1,
    "politeness.obey_robots": False,
    "crawl.max_callback_seconds": 60.0,
    "log.level": "WARNING",
}
PAGES = 10_000

# The average page of PostgreSQL's documentation has 14 KB.
PAGE = (
    b"<html><head><title>page</title></head><body>"
    + b"<p class=x>some <a href=/same>text</a></p>" * 340
    + b"</body></html>"
)


class StubResponse:
    """A response of *body*, delivered at once."""

    version = (b"HTTP", 1, 1)
    code = 200
    phrase = b"OK"
    headers = Headers({b"Content-Type": [b"text/html; charset=utf-8"]})

    def __init__(self, body: bytes) -> None:
        self.body = body
        self.length = len(body)

    def deliverBody(self, protocol) -> None:
        """Deliver."""
        protocol.dataReceived(self.body)
        protocol.connectionLost(Failure(ResponseDone()))


class StubAgent:
    """Answers every request at once with *body*."""

    def __init__(self, body: bytes) -> None:
        self.body = body

    def request(self, method, uri, headers=None, bodyProducer=None):
        """Answer."""
        list(headers.getAllRawHeaders())
        return succeed(StubResponse(self.body))


class FlatSpider(Spider):
    """Keeps *waiting* requests over *hosts* hosts waiting, and takes the time of PAGES pages."""

    name = "flat"

    def __init__(self, waiting: int, hosts: int) -> None:
        super().__init__()
        self.waiting, self.hosts = waiting, hosts
        self.made = self.pages = 0
        self.began = self.cpu = 0.0

    def request(self) -> Request:
        """Return the next request; hosts take turns."""
        self.made += 1
        return Request(f"http://host{self.made % self.hosts}.test/page/{self.made}")

    async def start(self):
        yield Request("http://seed.test/")

    def parse(self, response):
        if response.url == "http://seed.test/":
            for _ in range(self.waiting):
                yield self.request()
            return
        self.pages += 1
        if self.pages == PAGES // 10:
            gc.collect()
            self.began = time.process_time()
        if self.pages == PAGES // 10 + PAGES:
            self.cpu = time.process_time() - self.began
            self.crawler.engine.stop_now("measured")
        yield {"title": response.css("title::text").get()} if len(response.body) > 1 else None
        yield self.request()


def cpu_a_page(waiting: int, hosts: int, body: bytes) -> float:
    """Return the CPU of a page in seconds with *waiting* requests over *hosts* hosts."""
    own = runtime.own()
    where = Runtime(own.reactor, own.loop, StubAgent(body))
    crawler = Crawler(FlatSpider, SETTINGS, runtime=where)
    runtime.run(where, lambda: crawler.crawl(waiting=waiting, hosts=hosts))
    assert isinstance(crawler.spider, FlatSpider)
    return crawler.spider.cpu / PAGES


def bytes_a_request(count: int = 400_000, hosts: int = 1_000) -> float:
    """Return the memory of a waiting request in bytes: *count* of them in the memory store, as links of pages bring them."""
    spider = FlatSpider(0, 1)
    workbench = Workbench(lambda _: HostRules(0.0, 0.0, 1), MemoryStore(RequestCodec(spider)), capacity=1_000)
    frontier = Frontier(workbench, SeenSet(), fingerprint=fingerprint, host_key=lambda request: host_key(request.url))
    tracemalloc.start()
    before, _ = tracemalloc.get_traced_memory()
    for number in range(count):
        url = f"https://www.example{number % hosts}.test/catalogue/category/a-book-of-some-title_{number}/index.html"
        request = Request(url, callback=spider.parse)
        request.meta["depth"] = 3
        request.headers[b"Referer"] = (
            f"https://www.example{number % hosts}.test/catalogue/category/page-{number // 20}.html"
        )
        frontier.submit(request, 0.0)
    gc.collect()
    after, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return (after - before) / count


def main() -> None:
    """Measure each in a process of its own, several times in turn, and print medians and their ratio."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--one", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.one:
        if given.one == "memory":
            print(json.dumps(bytes_a_request()))
        else:
            waiting, hosts, kind = given.one.split(",")
            print(json.dumps(cpu_a_page(int(waiting), int(hosts), PAGE if kind == "page" else b"x")))
        return

    def measured(what: str) -> float:
        command = [sys.executable, "-m", "tests.benchmarks.flat", "--one", what]
        return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)

    for kind, text in (("page", "a page of 14 KB, parsed"), ("empty", "an empty page: the crawler alone")):
        few, many = [], []
        for _ in range(given.rounds):
            few.append(measured(f"1000,10,{kind}"))
            many.append(measured(f"100000,10000,{kind}"))
        print(text)
        print(f"    1,000 waiting over     10 hosts: {median(few) * 1e6:6.1f} microseconds of CPU a page")
        print(f"  100,000 waiting over 10,000 hosts: {median(many) * 1e6:6.1f} microseconds of CPU a page")
        print(f"  ratio {median(many) / median(few):.2f}", flush=True)
    print(f"a waiting request: {measured('memory'):.0f} bytes")


if __name__ == "__main__":
    main()
