"""What a waiting and a seen request cost in the durable store.

python -m tests.benchmarks.frontier --waiting 1000000
"""

from __future__ import annotations

import argparse
import random
import resource
import tempfile
import time
from pathlib import Path

from crawler import Request, Spider
from crawler.frontier import Frontier, SeenIndex, Workbench
from crawler.frontier.codec import RequestCodec
from crawler.frontier.jobs import DATABASE, Job
from crawler.frontier.sqlite import SqliteStore
from crawler.http.fingerprint import fingerprint
from crawler.settings import HostRules
from crawler.url import host_key

# As many as a crawl finds between two commits.
BATCH = 2_000
HOSTS = 1_000
# Enough that what is read ahead for a host is also handed out.
VISITS = 60_000


class BenchSpider(Spider):
    name = "bench"


def opened(folder: Path) -> tuple[Frontier, SqliteStore]:
    """Return a frontier on the job in *folder*."""
    store = SqliteStore(Job(folder), RequestCodec(BenchSpider()))
    workbench = Workbench(lambda _: HostRules(0.0, 0.0, 1_000), store, capacity=10_000)
    frontier = Frontier(
        workbench,
        SeenIndex(store.digest_of),
        fingerprint=fingerprint,
        host_key=lambda request: host_key(request.url),
        journal=store,
    )
    frontier.restore(0.0)
    return frontier, store


def request(spider: Spider, number: int) -> Request:
    """Return a request as a page's link makes it."""
    site = f"https://www.example{number % HOSTS}.test/catalogue"
    made = Request.of_link(f"{site}/a-book-of-some-title_{number}/index.html", spider.parse)
    made.meta["depth"] = 3
    made.headers[b"Referer"] = f"{site}/page-{number // 20}.html"
    return made


def memory() -> int:
    """Return the memory of this process now, in bytes."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize()


def visits(frontier: Frontier, store: SqliteStore, count: int) -> tuple[float, float]:
    """Visit *count* requests; return the CPU of handing one out and of its share in a commit, in seconds."""
    handing_out = committing = 0.0
    for start in range(0, count, 256):
        began = time.process_time()
        for _ in range(start, min(count, start + 256)):
            visit = frontier.next(0.0)
            assert visit is not None
            frontier.release(visit, 0.0)
            frontier.done(visit, 0.0)
        handed_out = time.process_time()
        store.commit({})
        handing_out += handed_out - began
        committing += time.process_time() - handed_out
    return handing_out / count, committing / count


def seen(count: int, scratch: str) -> None:
    """Measure the seen test with *count* URLs whose requests have ended."""
    store = SqliteStore(Job(Path(scratch) / "seen"), RequestCodec(BenchSpider()))
    index = SeenIndex(store.digest_of)
    rows: list[tuple[object, ...]] = []
    database = store.job.database
    before, taken, making = memory(), 0.0, 0.0
    for number in range(1, count + 1):
        began = time.process_time()
        digest = fingerprint(
            Request.of_link(f"https://www.example.test/catalogue/a-book-of-some-title_{number}/index.html")
        )
        made_at = time.process_time()
        making += made_at - began
        assert digest not in index
        index.add(digest, number)
        taken += time.process_time() - began
        rows.append((number, 0, digest, "", "done", "", 200, 1, 0.0, 1, "", 0.0, 0))
        if len(rows) == 50_000:
            database.execute("BEGIN")
            database.executemany("INSERT INTO history VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", rows)
            database.execute("COMMIT")
            rows.clear()
    print(f"{count:,} seen URLs")
    each = f"{(taken - making) / count * 1e6:.1f} microseconds of CPU"
    print(f"  a new one: {each}, and {making / count * 1e6:.1f} for its fingerprint")
    print(f"  {sum(len(part) * 8 for part in index._parts) / count:.1f} bytes of index each, ", end="")
    print(f"{(memory() - before) / count:.1f} bytes of memory each with all caches")
    chance = random.Random(1)
    numbers = [chance.randint(1, count // 2) for _ in range(20_000)]
    urls = [f"https://www.example.test/catalogue/a-book-of-some-title_{number}/index.html" for number in numbers]
    for what in ("long ago", "lately"):
        digests = [fingerprint(Request.of_link(url)) for url in urls]
        began = time.process_time()
        assert all(digest in index for digest in digests)
        print(f"  one seen {what}: {(time.process_time() - began) / len(urls) * 1e6:.1f} microseconds of CPU")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--waiting", type=int, default=1_000_000)
    parser.add_argument("--seen", type=int, default=0)
    given = parser.parse_args()
    if given.seen:
        with tempfile.TemporaryDirectory() as scratch:
            seen(given.seen, scratch)
        return
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "job"
        frontier, store = opened(folder)
        spider = store._codec._spider
        for number in range(20_000):
            frontier.submit(request(spider, number), 0.0)
        store.commit({})
        few = visits(frontier, store, 5_000)
        before, began = memory(), time.process_time()
        making = 0.0
        for number in range(20_000, 20_000 + given.waiting):
            made_at = time.process_time()
            made = request(spider, number)
            making += time.process_time() - made_at
            frontier.submit(made, 0.0)
            if number % BATCH == 0:
                store.commit({})
        store.commit({})
        cpu, used = time.process_time() - began, memory() - before
        store._database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        disk = (folder / DATABASE).stat().st_size
        waiting = frontier.waiting
        print(f"{waiting:,} waiting over {HOSTS:,} hosts")
        each = f"{(cpu - making) / given.waiting * 1e6:.1f} microseconds of CPU each"
        print(f"  to enqueue: {each}, and {making / given.waiting * 1e6:.1f} to make the request")
        print(f"  {used / given.waiting:.0f} bytes of memory each, {disk / waiting:.0f} bytes of disk each")
        many = visits(frontier, store, VISITS)
        for what, few_one, many_one in zip(("hand one out", "commit one"), few, many, strict=True):
            ratio = many_one / few_one
            print(f"  to {what}: {many_one * 1e6:.1f} microseconds of CPU, {ratio:.2f} of that with 20,000 waiting")
        store.job.close()
        del frontier, store
        began = time.perf_counter()
        frontier, _ = opened(folder)
        visit = frontier.next(0.0)
        print(f"  to resume: {time.perf_counter() - began:.2f} s until {visit} is handed out")


if __name__ == "__main__":
    main()
