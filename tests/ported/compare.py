"""The same spiders by Scrapy and by the crawler, on the same site on loopback: their items must be the same.

python -m tests.ported.compare          (with the bench extra)

Each runs in a process of its own, on a site that nobody has visited.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from crawler.testing import Hit
from tests.ported.site import BASE, make_site
from tests.ported.spiders_of_scrapy import ARGUMENTS, FILES, loaded, our_form, outcome, scrapy_form

#: Spiders in a form that Scrapy has dropped since.
BEFORE = {"starting_before": "Scrapy 2.16 has no start_requests any more"}

ROOT = Path(__file__).resolve().parents[2]


def serve() -> str:
    """Serve the site on loopback for as long as the process lives; return its URL."""
    site = make_site()

    class Answers(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            headers = {name.title(): value for name, value in self.headers.items()}
            page = site.answer(Hit(0.0, self.command, f"http://{headers['Host']}{self.path}", headers, body))
            time.sleep(page.latency)
            content = page.body.encode() if isinstance(page.body, str) else page.body
            try:
                self.send_response(page.status)
                for name, value in page.headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)
            except OSError:  # the client did not wait
                self.close_connection = True

        do_POST = do_GET

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return f"http://127.0.0.1:{server.server_port}"


def at(url: str, text: str) -> str:
    """Return the *text* of a spider for the site at *url*."""
    return text.replace(BASE, url).replace("site.test", "127.0.0.1")


def by_scrapy(name: str, url: str) -> None:
    """Print what Scrapy makes of a spider."""
    import scrapy
    from scrapy import signals
    from scrapy.crawler import AsyncCrawlerProcess

    with tempfile.TemporaryDirectory() as folder:
        spidercls = loaded(name, at(url, scrapy_form(name)), scrapy.Spider, Path(folder))
        process = AsyncCrawlerProcess(
            {
                "LOG_LEVEL": "CRITICAL",
                "TELNETCONSOLE_ENABLED": False,
                "REMOTE_CONTROL_ENABLED": False,
                "JOBDIR": f"{folder}/job",
            }
        )
        crawler = process.create_crawler(spidercls)
        items: list[Any] = []
        crawler.signals.connect(lambda item: items.append(item), signals.item_scraped, weak=False)
        process.crawl(crawler, **ARGUMENTS.get(name, {}))
        process.start()
    _print(items, crawler.spider, url)


def by_crawler(name: str, url: str) -> None:
    """Print what the crawler makes of it."""
    import logging

    import crawler
    from crawler.crawler import CrawlerProcess

    logging.disable(logging.CRITICAL)
    with tempfile.TemporaryDirectory() as folder:
        spidercls = loaded(name, at(url, our_form(name)), crawler.Spider, Path(folder))
        process = CrawlerProcess({"politeness.delay": 0, "retry.delay": 0, "frontier.store": "memory"}, False)
        one = process.create_crawler(spidercls)
        items: list[Any] = []
        one.signals.connect(lambda item: items.append(item), crawler.signals.item_scraped)
        process.crawl(one, **ARGUMENTS.get(name, {}))
        process.start()
    _print(items, one.spider, url)


def _print(items: list[Any], spider: Any, url: str) -> None:
    result = outcome(items, spider, site=url)
    print(json.dumps({"items": result.items, "notes": result.notes}))


def run(form: str, name: str) -> Any:
    """Return what *form* of the spider *name* comes to, in a process of its own."""
    command = [sys.executable, "-W", "ignore", "-m", "tests.ported.compare", form, name, serve()]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120)
    return json.loads(done.stdout) if done.returncode == 0 else {"items": [], "notes": done.stderr[-2000:]}


def main() -> int:
    different = 0
    for name in FILES:
        ours = run("crawler", name)
        if name in BEFORE:
            print(f"{name:<24} {len(ours['items'])} items (not compared: {BEFORE[name]})")
            continue
        theirs = run("scrapy", name)
        same = ours == theirs and bool(ours["items"])
        different += not same
        print(f"{name:<24} {len(ours['items'])} items, {'the same' if same else 'NOT THE SAME'}")
        if not same:
            for form, result in (("scrapy", theirs), ("crawler", ours)):
                print(f"  {form}: {json.dumps(result, indent=4)}")
    return 1 if different else 0


if __name__ == "__main__":
    if len(sys.argv) == 4:
        {"scrapy": by_scrapy, "crawler": by_crawler}[sys.argv[1]](sys.argv[2], sys.argv[3])
    else:
        sys.exit(main())
