"""The example spiders find the demo site again where it was."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.loopback.killing import ROOT

COMMAND = [sys.executable, "-m", "crawler"]
ENV = {**os.environ, "PYTHONPATH": str(ROOT)}


def test_a_crawl_of_the_demo_shop_that_was_killed_is_resumed_and_has_every_book_once(tmp_path: Path) -> None:
    spider = str(ROOT / "spiders" / "books.py")
    crawl = [*COMMAND, "runspider", spider, "-o", "books.jsonl", "-L", "DEBUG"]
    process = subprocess.Popen(crawl, cwd=tmp_path, env=ENV, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    seen = 0
    for line in process.stderr:
        seen += "Scraped from" in line
        if seen == 300:
            break
    process.kill()
    process.communicate()
    resumed = subprocess.run([*COMMAND, "resume"], cwd=tmp_path, env=ENV, capture_output=True, text=True, timeout=120)
    assert resumed.returncode == 0, resumed.stderr
    books = (tmp_path / "books.jsonl").read_text().splitlines()
    assert (len(books), len(set(books))) == (1000, 1000)
    assert seen == 300
