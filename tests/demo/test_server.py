"""The demo shop over HTTP: a process of its own that ends with whoever started it."""

from __future__ import annotations

import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator

import pytest

from crawler.demo import Shop
from crawler.demo.server import Server, serving, start_server


@pytest.fixture(scope="module")
def shop() -> Iterator[str]:
    with serving(30) as url:
        yield url


def get(url: str) -> str:
    with urllib.request.urlopen(url, timeout=30) as answer:
        assert answer.headers["Content-Type"].endswith("charset=utf-8")
        body: bytes = answer.read()
        return body.decode()


def test_it_serves_the_pages_of_the_shop_on_loopback(shop: str) -> None:
    assert shop.startswith("http://127.0.0.1:")
    pages = Shop(30)
    for path in ("/", "/catalogue/page-2.html", pages.books[0].path, pages.categories[0].path()):
        assert get(shop.rstrip("/") + path) == pages.page(path)


def test_it_has_a_robots_file(shop: str) -> None:
    robots = f"User-agent: *\nDisallow: /basket/\n\nSitemap: {shop}sitemap-index.xml\n"
    assert get(f"{shop}robots.txt") == robots


def test_what_is_not_there_is_a_404(shop: str) -> None:
    with pytest.raises(urllib.error.HTTPError) as wrong:
        get(f"{shop}nowhere")
    assert wrong.value.code == 404
    wrong.value.close()


def test_it_ends_when_its_standard_input_does() -> None:
    command = [sys.executable, "-m", "crawler.demo.server", "5"]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline().startswith("http://127.0.0.1:")
    process.communicate(timeout=30)
    assert process.returncode == 0


def test_nobody_answers_after_it_was_stopped() -> None:
    server = start_server(5)
    assert "product_pod" in get(server.url)
    server.stop()
    with pytest.raises(urllib.error.URLError):
        get(server.url)


def test_a_shop_that_does_not_start_is_told() -> None:
    command = [sys.executable, "-c", "raise SystemExit(5)"]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    with process, pytest.raises(RuntimeError, match="the demo shop did not start: it ended with 5"):
        Server(process)
