"""What a waiting and a seen request cost in the durable store.

python -m tests.benchmarks.frontier --waiting 1000000
"""

from __future__ import annotations

import argparse
import os
import random
import resource
import shutil
import tempfile
import time
from pathlib import Path
from statistics import median

from crawler import Request, Spider
from crawler.collector import collector_at_ease
from crawler.frontier import Frontier, SeenIndex, Workbench
from crawler.frontier.codec import RequestCodec
from crawler.frontier.jobs import DATABASE, Job
from crawler.frontier.sqlite import SqliteStore
from crawler.http.fingerprint import fingerprint
from crawler.settings import HostRules
from crawler.url import host_key

# As many as a crawl finds between two commits.
BATCH = 2_000
# Those of a page; the clock is read once for each of them, since reading it takes as long as some of what is measured.
LINKS = 20
HOSTS = 1_000
# Four times what the workbench holds.
FEW = 40_000
# Enough that what is read ahead for a host is also handed out.
VISITS = 60_000
# As few as no workbench would ever put on the disk: they are there when their job is resumed. Ten of each host, so that most are
# read when they are handed out, and not when the job is opened.
FEWEST, THEIR_HOSTS, ROUNDS = 1_000, 100, 20


class BenchSpider(Spider):
    name = "bench"


def opened(folder: Path) -> tuple[Frontier, SqliteStore]:
    """Return a frontier on the job in *folder*."""
    store = SqliteStore(Job(folder), RequestCodec(BenchSpider()))
    workbench = Workbench(lambda _: HostRules(0.0, 0.0, 1_000), store.stock, capacity=10_000)
    frontier = Frontier(
        workbench,
        SeenIndex(store.digest_of),
        fingerprint=fingerprint,
        host_key=lambda request: host_key(request.url),
        journal=store,
    )
    frontier.restore(0.0)
    return frontier, store


def request(spider: Spider, number: int, hosts: int = HOSTS) -> Request:
    """Return a request as a page's link makes it."""
    site = f"https://www.example{number % hosts}.test/catalogue"
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
        store._digests.add(number, digest)
        taken += time.process_time() - began
        rows.append((number, 0, digest, "", "done", "", 200, 1, 0.0, 1, "", 0.0, 0))
        if len(rows) == BATCH:
            database.execute("BEGIN")
            database.executemany("INSERT INTO history VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", rows)
            database.execute("COMMIT")
            began = time.process_time()
            store._digests.write()
            taken += time.process_time() - began
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


def enqueued(frontier: Frontier, store: SqliteStore, numbers: range, hosts: int = HOSTS) -> tuple[float, float]:
    """Enqueue requests, with commits; return the CPU of making one and of all else, in seconds."""
    spider = store._codec._spider
    making, began = 0.0, time.process_time()
    for start in range(numbers.start, numbers.stop, LINKS):
        made_at = time.process_time()
        links = [request(spider, number, hosts) for number in range(start, min(start + LINKS, numbers.stop))]
        making += time.process_time() - made_at
        for made in links:
            frontier.submit(made, 0.0)
        if start % BATCH == 0:
            store.commit({})
    store.commit({})
    return making / len(numbers), (time.process_time() - began - making) / len(numbers)


def resumed(folder: Path, count: int) -> tuple[float, float, float]:
    """Resume the job in *folder*; return the seconds until the first request, and what :func:`visits` of *count* returns."""
    began = time.perf_counter()
    frontier, store = opened(folder)
    visit = frontier.next(0.0)
    took = time.perf_counter() - began
    assert visit is not None
    frontier.load()  # as the engine does, between the turns of its reactor
    frontier.release(visit, 0.0)
    frontier.done(visit, 0.0)
    handing_out, committing = visits(frontier, store, count)
    store.job.close()
    return took, handing_out, committing


def handed_out(folder: Path, count: int) -> float:
    """Resume the job in *folder*; return the CPU of handing out and committing each of the first *count*, in seconds."""
    frontier, store = opened(folder)
    frontier.load()
    took = sum(visits(frontier, store, count))
    store.job.close()
    return took


def popped(count: int, scratch: Path) -> None:
    """Measure handing out with *count* waiting and with the fewest, over the same hosts and both from the disk, in turn."""
    for name, number in (("fewest", FEWEST), ("most", count)):
        frontier, store = opened(scratch / name)
        enqueued(frontier, store, range(number), THEIR_HOSTS)
        store.job.close()
        del frontier, store
    fewest, most = [], []
    for number in range(ROUNDS):
        shutil.copytree(scratch / "fewest", scratch / f"fewest-{number}")
        fewest.append(handed_out(scratch / f"fewest-{number}", FEWEST))
        most.append(handed_out(scratch / "most", min(VISITS, count // 2) // ROUNDS))
    few, many = median(fewest), median(most)
    print(
        f"  to hand one out and commit it after a resume, over {THEIR_HOSTS} hosts: {many * 1e6:.1f} microseconds of CPU, ",
        end="",
    )
    print(f"{many / few:.2f} of that with {FEWEST:,} waiting")


def waiting(count: int, scratch: str) -> None:
    """Measure a frontier with *count* requests waiting, beside one with few."""
    with_few = Path(scratch) / "few"
    frontier, store = opened(with_few)
    enqueued(frontier, store, range(FEW))
    fresh_few = visits(frontier, store, FEW // 8)
    visits(frontier, store, FEW // 8)  # the rest of those that have never left memory
    stored_few = visits(frontier, store, FEW // 4)
    store.job.close()
    resumed_few = resumed(with_few, FEW // 4)

    with_many = Path(scratch) / "many"
    frontier, store = opened(with_many)
    before = memory()
    making, each = enqueued(frontier, store, range(count))
    used = memory() - before
    store._database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    digests = store._digests._file  # none as long as there are few
    disk = (with_many / DATABASE).stat().st_size + (os.fstat(digests.fileno()).st_size if digests else 0)
    print(f"{count:,} waiting over {HOSTS:,} hosts")
    print(f"  to enqueue: {each * 1e6:.1f} microseconds of CPU each, and {making * 1e6:.1f} to make the request")
    print(f"  {used / count:.0f} bytes of memory each, {disk / count:.0f} bytes of disk each")
    fresh_many = visits(frontier, store, min(VISITS, count // 2))
    store.job.close()
    del frontier, store
    took, *resumed_many = resumed(with_many, min(VISITS, count // 4))
    for when, many, fews in (
        ("in the process that enqueued", fresh_many, {"from memory": fresh_few, "from disk": stored_few}),
        ("after a resume", resumed_many, {"": resumed_few[1:]}),
    ):
        for number, what in enumerate(("hand one out", "commit one")):
            ratios = [f"{many[number] / few[number]:.2f} of that {where}" for where, few in fews.items()]
            told = f"{', '.join(ratios).rstrip()} with {FEW:,} waiting"
            print(f"  to {what} {when}: {many[number] * 1e6:.1f} microseconds of CPU, {told}")
    popped(count, Path(scratch))
    print(f"  to resume: {took:.2f} s until the first request is handed out")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--waiting", type=int, default=1_000_000)
    parser.add_argument("--seen", type=int, default=0)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch, collector_at_ease():
        if given.seen:
            seen(given.seen, scratch)
        else:
            waiting(given.waiting, scratch)


if __name__ == "__main__":
    main()
