"""The ways to run a crawl: blocking, in an asyncio loop, as a stream, as Scrapy users know it. Over real sockets."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import textwrap
from pathlib import Path

import pytest

from crawler import Spider
from crawler.crawler import Crawler, CrawlerRunner
from crawler.exceptions import UsageError

ROOT = Path(__file__).resolve().parents[1]

PRELUDE = """
import asyncio, http.server, threading
import crawler

class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_GET(self):
        body = "".join(f"<a href='/{number}'>{number}</a>" for number in range(5)).encode()
        self.send_response(200 if self.path != "/robots.txt" else 404)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *arguments):
        pass

server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
threading.Thread(target=server.serve_forever, daemon=True).start()
URL = f"http://127.0.0.1:{server.server_port}/"

class PageSpider(crawler.Spider):
    name = "pages"
    start_urls = [URL]
    def parse(self, response):
        yield {"url": response.url}
        yield from response.follow_all(css="a")
"""


def python(program: str) -> str:
    """Run *program* in a process of its own and return what it prints; the process must end well and by itself."""
    with tempfile.TemporaryDirectory() as directory:
        finished = subprocess.run(
            [sys.executable, "-c", PRELUDE + textwrap.dedent(program)],
            cwd=directory,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            timeout=60,
        )
    assert finished.returncode == 0, finished.stderr
    return finished.stdout.strip()


def test_run_may_be_called_again_and_again_in_one_process() -> None:
    assert (
        python("""
        first = crawler.run(PageSpider)
        second = crawler.run(PageSpider)
        print(len(first.items), len(second.items), second.reason)
    """)
        == "6 6 finished"
    )


def test_crawl_can_be_awaited_in_a_running_loop_and_in_the_next_one() -> None:
    assert (
        python("""
        async def main():
            result = await crawler.crawl(PageSpider)
            return len(result.items)
        print(asyncio.run(main()), asyncio.run(main()))
    """)
        == "6 6"
    )


def test_several_crawls_run_side_by_side_in_one_loop() -> None:
    assert (
        python("""
        async def main():
            results = await asyncio.gather(*(crawler.crawl(PageSpider) for _ in range(3)))
            return [len(result.items) for result in results]
        print(asyncio.run(main()))
    """)
        == "[6, 6, 6]"
    )


def test_stream_yields_items_as_they_come() -> None:
    assert (
        python("""
        async def main():
            return [item["url"].removeprefix(URL) async for item in crawler.stream(PageSpider)]
        print(sorted(asyncio.run(main())))
    """)
        == "['', '0', '1', '2', '3', '4']"
    )


def test_leaving_a_stream_early_stops_the_crawl() -> None:
    assert (
        python("""
        async def main():
            items = crawler.stream(PageSpider)
            async for item in items:
                break
            await items.aclose()
            return "stopped"
        print(asyncio.run(main()))
    """)
        == "stopped"
    )


def test_run_within_a_loop_says_what_to_write_instead() -> None:
    assert "await crawler.crawl" in python("""
        async def main():
            try:
                crawler.run(PageSpider)
            except crawler.exceptions.UsageError as error:
                print(error)
        import crawler.exceptions
        asyncio.run(main())
    """)


def test_a_crawler_process_runs_what_was_added_to_it() -> None:
    assert (
        python("""
        from crawler.crawler import CrawlerProcess
        process = CrawlerProcess({"LOG_LEVEL": "ERROR"})
        counts = []
        for _ in range(2):
            process.crawl(PageSpider).addCallback(lambda result: counts.append(result.stats["item_scraped_count"]))
        process.start()
        print(counts)
    """)
        == "[6, 6]"
    )


def test_a_crawler_runner_lives_in_the_reactor_that_is_running() -> None:
    assert (
        python("""
        from twisted.internet import asyncioreactor
        asyncioreactor.install()
        from twisted.internet import reactor
        from crawler.crawler import CrawlerRunner
        runner = CrawlerRunner({"politeness.obey_robots": False})
        counts = []
        runner.crawl(PageSpider).addCallback(lambda result: counts.append(len(result.stats) > 5))
        runner.join().addBoth(lambda _: reactor.stop())
        reactor.run()
        print(counts)
    """)
        == "[True]"
    )


def test_an_async_runner_lives_in_the_asyncio_loop_that_is_running() -> None:
    assert (
        python("""
        from crawler.crawler import AsyncCrawlerRunner
        async def main():
            runner = AsyncCrawlerRunner({"LOG_LEVEL": "ERROR"})
            runner.crawl(PageSpider)
            await runner.join()
            result = await runner.crawl(PageSpider)
            await runner.stop()
            print(result.stats["item_scraped_count"], runner.bootstrap_failed)
        asyncio.run(main())
    """)
        == "6 False"
    )


def test_an_async_process_gives_futures_that_a_coroutine_in_it_awaits() -> None:
    assert (
        python("""
        from crawler.crawler import AsyncCrawlerProcess
        process = AsyncCrawlerProcess({"LOG_LEVEL": "ERROR"})
        class Two(PageSpider):
            async def parse(self, response):
                if response.url == URL:
                    result = await process.crawl(PageSpider)
                    yield {"inner": result.stats["item_scraped_count"]}
        outer = process.crawl(Two)
        process.start()
        print(outer.result().stats["item_scraped_count"])
    """)
        == "1"
    )


def test_a_crawler_of_ones_own_joins_the_loop_that_is_running() -> None:
    assert (
        python("""
        async def main():
            result = await crawler.Crawler(PageSpider, {"LOG_LEVEL": "ERROR"}).crawl_async()
            print(result.stats["item_scraped_count"])
        asyncio.run(main())
    """)
        == "6"
    )


def test_an_async_runner_without_an_asyncio_loop_says_what_to_use() -> None:
    assert (
        python("""
        from twisted.internet import selectreactor
        selectreactor.install()
        from crawler.crawler import AsyncCrawlerRunner
        try:
            AsyncCrawlerRunner().crawl(PageSpider)
        except crawler.exceptions.UsageError as error:
            print(error)
    """)
        == "AsyncCrawlerRunner needs an asyncio loop, and the reactor runs on none: use CrawlerRunner, "
        "or import crawler before twisted.internet.reactor"
    )


def test_a_spider_in_the_place_of_its_class_is_an_error_that_says_what_to_write() -> None:
    class Site(Spider):
        name = "site"

    with pytest.raises(UsageError, match=r"write Site, then its arguments"):
        CrawlerRunner().crawl(Site())  # type: ignore[arg-type]  # the mistake


def test_callbacks_may_await_asyncio_and_deferreds_side_by_side() -> None:
    assert (
        python("""
        from twisted.internet.task import deferLater
        class Awaits(PageSpider):
            async def parse(self, response):
                from twisted.internet import reactor
                await asyncio.sleep(0.001)
                await deferLater(reactor, 0.001, lambda: None)
                async with asyncio.timeout(5):
                    yield {"url": response.url}
        print(len(crawler.run(Awaits).items))
    """)
        == "1"
    )


def test_arguments_reach_the_spider() -> None:
    assert (
        python("""
        class Argued(PageSpider):
            def __init__(self, page, **kwargs):
                super().__init__(**kwargs)
                self.start_urls = [URL + page]
            def parse(self, response):
                yield {"url": response.url.removeprefix(URL)}
        print(crawler.run(Argued, page="here").items)
    """)
        == "[{'url': 'here'}]"
    )


@pytest.mark.parametrize("first", ["crawler", "crawler.cli", "crawler.spiders", "crawler.http"])
def test_importing_the_package_brings_no_reactor_and_no_rich(first: str) -> None:
    program = (
        f"import sys, {first}; print([m for m in ('twisted.internet.reactor', 'rich', 'treq') if m in sys.modules])"
    )
    finished = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert finished.stdout.strip() == "[]", finished.stderr


def test_a_process_runs_spiders_of_the_project_by_their_names(tmp_path: Path) -> None:
    (tmp_path / "settings.toml").write_text('[project]\nspiders = ["shop.spiders"]\n[frontier]\nstore = "memory"\n')
    package = tmp_path / "shop" / "spiders"
    package.mkdir(parents=True)
    for folder in (package.parent, package):
        (folder / "__init__.py").touch()
    for name in ("one", "two"):
        (package / f"{name}.py").write_text(
            f"import crawler\nclass S(crawler.Spider):\n    name = '{name}'\n"
            "    async def start(self):\n        print(self.name)\n        yield {'from': self.name}\n"
        )
    script = textwrap.dedent("""
        from crawler.crawler import CrawlerProcess
        from crawler.utils.project import get_project_settings

        process = CrawlerProcess(get_project_settings())
        for name in process.spider_loader.list():
            process.crawl(name)
        process.start()
        try:
            process.crawl("tow")
        except Exception as error:
            print(error)
    """)
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    lines = done.stdout.splitlines()
    assert lines[:2] == ["one", "two"], done.stderr
    assert lines[2] == "no spider is named 'tow'; did you mean 'two'?"


def test_a_crawl_that_needs_no_network_ends_after_the_reactor_was_run_and_not_before(tmp_path: Path) -> None:
    script = textwrap.dedent("""
        from twisted.internet import reactor
        import crawler
        from crawler.crawler import CrawlerRunner

        class One(crawler.Spider):
            name = "one"
            async def start(self):
                yield {"n": 1}

        def ended(result):
            print(result.reason)
            reactor.stop()

        CrawlerRunner({"frontier.store": "memory"}).crawl(One).addCallback(ended)
        reactor.run()
    """)
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        timeout=60,
    )
    assert (done.returncode, done.stdout) == (0, "finished\n"), done.stderr


def test_the_name_of_a_spider_where_its_class_is_wanted_is_told_where_names_are_taken() -> None:
    with pytest.raises(
        UsageError, match=r"'books' is the name of a spider .* CrawlerProcess and CrawlerRunner take names"
    ):
        Crawler("books")  # type: ignore[arg-type]  # that is the mistake


@pytest.mark.parametrize(
    ("body", "code", "told"),
    [
        (
            "custom_settings = {'ITEM_PIPELINES': {'nowhere.Pipe': 1}}",
            2,
            "cannot begin: nowhere.Pipe cannot be imported",
        ),
        ("def __init__(self): raise RuntimeError('no key')", 3, "RuntimeError: no key"),
    ],
)
def test_a_process_whose_crawl_cannot_begin_says_so_and_ends_with_an_error(body: str, code: int, told: str) -> None:
    program = f"""
from crawler.crawler import CrawlerProcess
from crawler import Spider
class Cannot(Spider):
    name = "cannot"
    {body}
process = CrawlerProcess()
process.crawl(Cannot)
process.start()
"""
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.returncode == code
    assert told in done.stderr
    assert "Unhandled error" not in done.stderr
    assert ("Traceback" in done.stderr) == (code == 3)


def test_a_process_whose_caller_takes_the_error_goes_on() -> None:
    assert (
        python("""
        from crawler.crawler import CrawlerProcess
        process = CrawlerProcess({"LOG_LEVEL": "CRITICAL"})
        class Cannot(PageSpider):
            custom_settings = {"ITEM_PIPELINES": {"nowhere.Pipe": 1}}
        process.crawl(Cannot).addErrback(lambda failure: print(failure.type.__name__))
        process.start()
        print(process.bootstrap_failed)
    """)
        == "ComponentError\nTrue"
    )
