"""Crawls of the demo shop in processes that are killed with SIGKILL, at random or at named steps, and resumed until they end."""

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
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

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


@dataclass
class Crawl:
    """A crawl of the shop at *url* in *folder*, as a job that is called "shop"."""

    folder: Path
    url: str
    settings: tuple[str, ...] = ()
    kills: int = 0

    @property
    def arguments(self) -> list[str]:
        outputs = [argument for name in ("a.jsonl", "b.json", "c.csv.gz") for argument in ("-o", name)]
        return ["crawl", "books", "-a", f"site={self.url}", "--job", "shop", "-q", *self.settings, *outputs]

    def start(self, *program: str) -> subprocess.Popen[str]:
        """Start a process of the crawl, which goes on where the last one was killed."""
        env = {**os.environ, "PYTHONPATH": str(ROOT)}
        command = [sys.executable, *(program or ("-m", "crawler")), *self.arguments]
        return subprocess.Popen(command, cwd=self.folder, env=env, stderr=subprocess.PIPE, text=True)

    def run_for(self, seconds: float) -> bool:
        """Run a process and kill it after *seconds*; return whether it ended before that."""
        process = self.start()
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            process.communicate()
            self.kills += 1
            return False
        _ended_well(process)
        return True

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

    def outputs(self) -> list[Counter[str]]:
        """Return the URLs in each output, with how often each is there."""
        lines = [json.loads(line) for line in (self.folder / "a.jsonl").read_text("utf-8").splitlines()]
        document = json.loads((self.folder / "b.json").read_text("utf-8"))
        table = csv.DictReader(io.StringIO(gzip.decompress((self.folder / "c.csv.gz").read_bytes()).decode()))
        return [Counter(item["url"] for item in items) for items in (lines, document, table)]


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

    def outputs(self) -> list[Counter[str]]:
        """Return the URLs in all batches and in the remote file; raise AssertionError if a batch has another size."""
        batches = [path.read_text("utf-8").splitlines() for path in sorted((self.folder / "batches").iterdir())]
        assert sorted((len(batch) for batch in batches), reverse=True)[: len(batches) - 1] == [self.batch] * (
            len(batches) - 1
        )
        document = json.loads(gzip.decompress((self.served / "whole.json.gz").read_bytes()))
        items = [json.loads(line) for batch in batches for line in batch]
        return [Counter(item["url"] for item in found) for found in (items, document)]


def _ended_well(process: subprocess.Popen[str]) -> None:
    _, errors = process.communicate()
    assert process.returncode == 0, errors


def project(folder: Path) -> Path:
    """Make *folder* a project with the example spiders; return it."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "settings.toml").write_text(f'[project]\nspiders = ["{ROOT / "spiders"}"]\n')
    return folder


def kill_at_random(
    folder: Path, url: str, *, books: int, chance: random.Random, shortest: float, longest: float
) -> int:
    """Crawl the shop in *folder* with kills at random moments; return how many there were. Raise if anything is amiss."""
    workbench, priority = chance.choice((1, 20, 10_000)), chance.choice((-1, 0, 1))
    settings = ("-s", f"frontier.workbench={workbench}", "-s", f"crawl.depth_priority={priority}")
    crawl = Crawl(project(folder), url, settings)
    while not crawl.run_for(chance.uniform(shortest, longest)):
        pass
    check(crawl, books)
    return crawl.kills


def check(crawl: Crawl, books: int) -> None:
    """Raise AssertionError unless every book is in each output once."""
    for counts in crawl.outputs():
        assert len(counts) == books, f"{books - len(counts)} items are missing"
        assert set(counts.values()) == {1}, f"{sum(counts.values()) - books} items came twice"
