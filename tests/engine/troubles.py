"""Crawls that meet trouble after trouble, chosen by a seed, and must come to what an undisturbed one comes to."""

from __future__ import annotations

import logging
import math
import random
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.engine.crashes import Job
from tests.engine.disks import FAILS, KILLED, POWER, Disk
from tests.engine.reading import FEEDS

#: The troubles, as they are counted.
AT_AN_EVENT, AT_A_WRITE, POWER_FAILURE, FULL, UNREADABLE = (
    "killed at an event",
    "killed at a write",
    "power failures",
    "full disks",
    "unreadable disks",
)


def survive(folder: Path, seed: int, *, delivers: bool | None = None) -> tuple[Counter[str], int]:
    """Crawl a shop in *folder* with the troubles of *seed*; return how many there were, and how often the account was checked.

    Raise AssertionError if anything was lost or came twice, or if a process did not end as it should.
    """
    chance = random.Random(f"troubles {seed}")
    random.seed(seed)  # of the crawl's own choices: delays, and waits before retries
    feeds = chance.sample(FEEDS, 2)
    job = Job(
        folder / "crawl", seed=seed, feeds=feeds, delivers=chance.random() < 0.3 if delivers is None else delivers
    )
    troubles: Counter[str] = Counter()
    with orderly():
        for _ in range(chance.randint(1, 8)):
            troubles[meet_trouble(job, chance)] += 1
        assert job.run(), "a job that nothing disturbs does not finish"
    job.check()
    del troubles[""]
    return troubles, job.account.checks


def meet_trouble(job: Job, chance: random.Random) -> str:
    """Run a process of *job* until it meets a trouble; return which it was, nothing if it had ended before."""
    trouble = chance.choice((AT_AN_EVENT, AT_A_WRITE, POWER_FAILURE, FULL, UNREADABLE))
    # A process begins with some 40 writes, and each commit is about 15; it ends after some 200 events.
    moment = chance.randrange(chance.choice((10, 50, 200, 500)))
    if trouble == AT_AN_EVENT:
        return "" if job.run(moment) else trouble
    disk = Disk(
        job.folder,
        chance,
        at=moment,
        lasting=chance.choice((1, 2, 5, math.inf)) if trouble in (FULL, UNREADABLE) else 1,
        ends={AT_A_WRITE: KILLED, POWER_FAILURE: POWER}.get(trouble, FAILS),
        unreadable=trouble == UNREADABLE,
    )
    job.run(disk=disk)
    return trouble if disk.has_failed or disk.is_off else ""


@contextmanager
def orderly() -> Iterator[None]:
    """Raise AssertionError in the end if something was logged meanwhile that nobody had foreseen."""
    records: list[logging.LogRecord] = []
    handler = logging.Handler(logging.ERROR)
    handler.emit = records.append  # type: ignore[method-assign]
    logger = logging.getLogger("crawler")
    logger.addHandler(handler)
    try:
        yield
    finally:
        logger.removeHandler(handler)
    for record in records:
        unforeseen = record.exc_info or record.levelno >= logging.CRITICAL or "Traceback" in record.getMessage()
        assert not unforeseen, logging.Formatter().format(record)
