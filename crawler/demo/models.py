"""Why event-driven: the same pages fetched one after the other, with a thread each, and by events on one reactor.

Each model runs in a process of its own, so that its CPU, memory and context switches are its own. Of every task is noted when it
was begun, sent, answered and over: in between it waits for the server, or works.

    python -m crawler.demo.models MODEL TASKS URL       prints what run() reads
"""

from __future__ import annotations

import http.client
import json
import resource
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

MODELS = ("one after the other", "a thread each", "events")

# More than this one after the other would take minutes at a usual latency; the time of more is told from this many.
SEQUENTIAL_MOST = 100


@dataclass(frozen=True, slots=True)
class Task:
    """Moments of a task, in seconds from the start: it works until it is sent, waits until it is answered, and works to its end."""

    begun: float
    sent: float
    answered: float
    over: float


@dataclass(frozen=True, slots=True)
class Run:
    """What fetching *tasks* pages took; *is_told* if the time is that of fewer, multiplied."""

    model: str
    tasks: int
    seconds: float
    cpu: float
    memory: int
    switches: int
    timeline: list[Task]
    is_told: bool = False


def run(model: str, tasks: int, url: str) -> Run:
    """Fetch *tasks* pages of *url* with *model* in a process of its own."""
    done = min(tasks, SEQUENTIAL_MOST) if model == MODELS[0] else tasks
    command = [sys.executable, "-m", "crawler.demo.models", model, str(done), url]
    told = json.loads(subprocess.run(command, stdout=subprocess.PIPE, check=True, text=True).stdout)
    times = tasks / done
    return Run(
        model,
        tasks,
        told["seconds"] * times,
        told["cpu"] * times,
        told["memory"],
        int(told["switches"] * times),
        [Task(*moments) for moments in told["timeline"]],
        is_told=times > 1,
    )


class _Clock:
    """The moments of tasks, from the start on."""

    def __init__(self, tasks: int) -> None:
        self._began = time.perf_counter()
        self.moments: list[list[float]] = [[] for _ in range(tasks)]

    def note(self, task: int) -> None:
        self.moments[task].append(time.perf_counter() - self._began)


def _parse(body: bytes) -> None:
    """Do with a page what a small spider does."""
    from crawler.selector import Selector

    page = Selector(text=body.decode())
    page.css("title::text").get()
    page.css("a::attr(href)").getall()


def _fetch(connection: http.client.HTTPConnection, path: str, task: int, clock: _Clock) -> None:
    clock.note(task)
    connection.request("GET", path)
    clock.note(task)
    body = connection.getresponse().read()
    clock.note(task)
    _parse(body)
    clock.note(task)


def _sequential(tasks: int, host: str, path: str, clock: _Clock) -> None:
    connection = http.client.HTTPConnection(host)
    for task in range(tasks):
        _fetch(connection, path, task, clock)
    connection.close()


def _threaded(tasks: int, host: str, path: str, clock: _Clock) -> None:
    def work(task: int) -> None:
        connection = http.client.HTTPConnection(host)
        _fetch(connection, path, task, clock)
        connection.close()

    threads = [threading.Thread(target=work, args=(task,)) for task in range(tasks)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def _evented(tasks: int, host: str, path: str, clock: _Clock) -> None:
    from twisted.internet.defer import Deferred, DeferredList

    from crawler import runtime as runtimes
    from crawler.download import BytesInHand, build_downloader
    from crawler.http import Request
    from crawler.settings import Settings

    own = runtimes.own()
    settings = Settings({"crawl.concurrency": tasks, "http.allow_private": ["all"]})  # the demo site is on this machine
    in_hand = BytesInHand(settings.crawl.max_bytes_in_hand)
    downloader = build_downloader(settings, reactor=own.reactor, in_hand=in_hand)

    async def one(task: int) -> None:
        clock.note(task)
        fetching = downloader.fetch(Request(f"http://{host}{path}"))
        clock.note(task)
        response = await fetching
        clock.note(task)
        _parse(response.body)
        clock.note(task)

    async def every() -> None:
        await DeferredList([Deferred.fromCoroutine(one(task)) for task in range(tasks)], fireOnOneErrback=True)
        await downloader.close()

    runtimes.run(own, lambda: Deferred.fromCoroutine(every()))


_WORK: dict[str, Callable[[int, str, str, _Clock], None]] = dict(
    zip(MODELS, (_sequential, _threaded, _evented), strict=True)
)


def main(model: str, tasks: int, url: str) -> None:
    """Run *model* and print what it took, as JSON."""
    parts = urlsplit(url)
    # One page first: the time is to be that of the work, and not of what a program does once.
    _WORK[model](1, parts.netloc, parts.path or "/", _Clock(1))
    clock = _Clock(tasks)
    before = resource.getrusage(resource.RUSAGE_SELF)
    began = time.perf_counter()
    _WORK[model](tasks, parts.netloc, parts.path or "/", clock)
    seconds = time.perf_counter() - began
    after = resource.getrusage(resource.RUSAGE_SELF)
    told: dict[str, Any] = {
        "seconds": seconds,
        "cpu": after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime,
        "memory": after.ru_maxrss * 1024,
        "switches": after.ru_nvcsw + after.ru_nivcsw - before.ru_nvcsw - before.ru_nivcsw,
        "timeline": clock.moments,
    }
    print(json.dumps(told))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), sys.argv[3])
