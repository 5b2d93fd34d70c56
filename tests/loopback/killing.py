"""Crawls of the demo shop in processes that are killed with SIGKILL, at random or at named steps, and resumed until they end.

What came of a crawl is compared with what came of one that was never interrupted: the pages that it has visited and how that ended,
and the items in each output. Between its processes its account must balance.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

from tests.engine.accounts import Account, Visited, visited

ROOT = Path(__file__).resolve().parents[2]

#: The durable steps of a commit, and what to break off just before or after: (module, class, method, "before" or "after").
STEPS = {
    "before the transaction": ("crawler.engine.durability", "Durability", "commit", "before"),
    "after the feeds' flush": ("crawler.exporters.feeds", "Feeds", "flush", "after"),
    "inside the transaction": ("crawler.frontier.jobs", "Job", "put", "after"),
    "after the commit": ("crawler.frontier.sqlite", "SqliteStore", "commit", "after"),
    "inside close": ("crawler.exporters.feeds", "Feeds", "close", "after"),
    "when the job is let go": ("crawler.engine.durability", "Durability", "close", "before"),
}

#: The steps of a delivery.
DELIVERY_STEPS = {
    "before a delivery": ("crawler.exporters.delivery", "Delivery", "put", "before"),
    "after a delivery": ("crawler.exporters.delivery", "Delivery", "put", "after"),
    "before the commit of a delivery": ("crawler.engine.durability", "Durability", "commit", "before"),
    "after the commit of a delivery": ("crawler.engine.durability", "Durability", "commit", "after"),
    "when what was delivered is removed": ("crawler.exporters.spool", "Spool", "remove", "before"),
}

_KILLER = """
import importlib, os, signal, sys
module, cls, method, when, count = sys.argv[1:6]
owner = getattr(importlib.import_module(module), cls)
original, left = getattr(owner, method), int(count)

def killing(*arguments, **options):
    global left
    left -= 1
    if left == 0 and when == "before":
        os.kill(os.getpid(), signal.SIGKILL)
    result = original(*arguments, **options)
    if left == 0:
        os.kill(os.getpid(), signal.SIGKILL)
    return result

setattr(owner, method, killing)
from crawler.cli import main
main(sys.argv[6:])
"""


#: An item as text: its fields and their values.
Item: TypeAlias = tuple[tuple[str, str], ...]


class Brought(NamedTuple):
    """What came of a crawl: the pages that it has visited, and its items."""

    visited: Counter[Visited]
    items: Counter[Item]


@dataclass
class Crawl:
    """A crawl of the shop at *url* in *folder*, as a job that is called "shop"."""

    folder: Path
    url: str
    settings: tuple[str, ...] = ()
    kills: int = 0
    account: Account = field(default_factory=Account)

    @property
    def job(self) -> Path:
        """The folder of the job."""
        return self.folder / ".crawler" / "jobs" / "shop"

    @property
    def arguments(self) -> list[str]:
        outputs = [argument for name in ("a.jsonl", "b.json", "c.csv.gz") for argument in ("-o", name)]
        return ["crawl", "books", "-a", f"site={self.url}", "--job", "shop", "-q", *self.settings, *outputs]

    def start(self, *program: str) -> subprocess.Popen[str]:
        """Start a process of the crawl, which goes on where the last one was killed, if the account of the job balances."""
        if (self.job / "job.sqlite").exists():
            self.account.check_job(self.job)
            assert set(self.account.taken.values()) <= {1}, "a page was taken in twice"
        env = {**os.environ, "PYTHONPATH": str(ROOT)}
        command = [sys.executable, *(program or ("-m", "crawler")), *self.arguments]
        return subprocess.Popen(command, cwd=self.folder, env=env, stderr=subprocess.PIPE, text=True)

    def run_for(self, seconds: float) -> bool:
        """Run a process and kill it *seconds* after it has begun to crawl; return whether it ended before that."""
        process = self.start()
        while process.poll() is None and not self._is_run_by(process):
            time.sleep(0.005)
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            process.communicate()
            self.kills += 1
            return False
        _ended_well(process)
        return True

    def _is_run_by(self, process: subprocess.Popen[str]) -> bool:
        """Tell whether *process* has the lock of the job."""
        lock = self.job / "lock"
        return lock.exists() and lock.read_text("ascii") == str(process.pid)

    def run_until(self, step: str, count: int) -> bool:
        """Run a process that kills itself when it comes to *step* for the *count*-th time; return whether it ended before."""
        process = self.start("-c", _KILLER, *(STEPS | DELIVERY_STEPS)[step], str(count))
        process.wait()
        if process.returncode == -signal.SIGKILL:
            process.communicate()
            self.kills += 1
            return False
        _ended_well(process)
        return True

    def outputs(self) -> list[Counter[Item]]:
        """Return the items in each output, with how often each is there."""
        lines = [json.loads(line) for line in (self.folder / "a.jsonl").read_text("utf-8").splitlines()]
        document = json.loads((self.folder / "b.json").read_text("utf-8"))
        table = csv.DictReader(io.StringIO(gzip.decompress((self.folder / "c.csv.gz").read_bytes()).decode()))
        return [_counted(items) for items in (lines, document, table)]


@dataclass
class DeliveredCrawl(Crawl):
    """A crawl that writes batches of *batch* items, and one file to the storage at *remote*, whose folder is *served*."""

    remote: str = ""
    served: Path = Path()
    batch: int = 7

    @property
    def arguments(self) -> list[str]:
        """The command, with the feeds as a setting."""
        feeds = {
            "batches/%(batch_time)s-%(batch_id)05d.jsonl": {"batch_item_count": self.batch},
            f"{self.remote}/whole.json.gz": {},
        }
        common = ["crawl", "books", "-a", f"site={self.url}", "--job", "shop", "-q"]
        return [*common, *self.settings, "-s", f"FEEDS={json.dumps(feeds)}"]

    def outputs(self) -> list[Counter[Item]]:
        """Return the items in all batches and in the remote file; raise AssertionError if a batch has another size."""
        batches = [path.read_text("utf-8").splitlines() for path in sorted((self.folder / "batches").iterdir())]
        assert sorted((len(batch) for batch in batches), reverse=True)[: len(batches) - 1] == [self.batch] * (
            len(batches) - 1
        )
        document = json.loads(gzip.decompress((self.served / "whole.json.gz").read_bytes()))
        items = [json.loads(line) for batch in batches for line in batch]
        return [_counted(found) for found in (items, document)]


def _counted(items: Iterable[Mapping[str, Any]]) -> Counter[Item]:
    """Return how often each item is there; a CSV knows nothing but text."""
    return Counter(tuple(sorted((name, str(value)) for name, value in item.items())) for item in items)


def _ended_well(process: subprocess.Popen[str]) -> None:
    _, errors = process.communicate()
    assert process.returncode == 0, errors


def project(folder: Path) -> Path:
    """Make *folder* a project with the example spiders; return it."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "settings.toml").write_text(f'[project]\nspiders = ["{ROOT / "spiders"}"]\n')
    return folder


def uninterrupted(url: str) -> Brought:
    """Return what a crawl of the shop at *url* brings that nothing interrupts."""
    with tempfile.TemporaryDirectory() as folder:
        crawl = Crawl(project(Path(folder)), url)
        process = crawl.start()
        process.wait()
        _ended_well(process)
        return Brought(visited(crawl.job), crawl.outputs()[0])


def kill_at_random(folder: Path, url: str, wanted: Brought, *, chance: random.Random, longest: float = 0.8) -> int:
    """Crawl the shop in *folder* with kills at random moments; return how many there were. Raise if anything is amiss.

    A process is killed at most *longest* seconds after it has begun; each may run longer than those before, so that a slow machine
    comes to an end too.
    """
    workbench, priority = chance.choice((1, 20, 10_000)), chance.choice((-1, 0, 1))
    settings = ("-s", f"frontier.workbench={workbench}", "-s", f"crawl.depth_priority={priority}")
    crawl = Crawl(project(folder), url, settings)
    while not crawl.run_for(chance.uniform(0.0, longest)):
        longest *= 1.1
    check(crawl, wanted)
    return crawl.kills


def check(crawl: Crawl, wanted: Brought) -> None:
    """Raise AssertionError if *crawl*, which has ended, has not visited what is *wanted*, or an output has other items."""
    crawl.account.check_job(crawl.job)
    _compare("pages", visited(crawl.job), wanted.visited)
    for items in crawl.outputs():
        _compare("items", items, wanted.items)


def _compare(what: str, found: Counter[Any], expected: Counter[Any]) -> None:
    missing, surplus = expected - found, found - expected
    assert not missing, f"{missing.total()} {what} are missing, as {next(iter(missing))}"
    assert not surplus, f"{surplus.total()} {what} came twice, as {next(iter(surplus))}"
