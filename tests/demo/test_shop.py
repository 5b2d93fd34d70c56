"""The demo shop: the same for the same seed, and every link leads somewhere."""

from __future__ import annotations

import re
import subprocess
import sys
import urllib.request

from crawler.demo import Shop
from crawler.demo.server import serving

ELSEWHERE = ("/basket", "/media", "/static", "mailto:", "#")


def test_the_same_seed_makes_the_same_pages() -> None:
    one, other = Shop(50), Shop(50)
    assert [one.page(book.path) for book in one.books] == [other.page(book.path) for book in other.books]
    assert one.page("/") == other.page("/")
    assert Shop(50, seed=1).page("/") != one.page("/")


def test_a_thousand_books_stand_in_lists_of_twenty_and_in_categories() -> None:
    shop = Shop()
    assert len({book.path for book in shop.books}) == 1000
    pages = [shop.page(f"/catalogue/page-{number}.html") or "" for number in range(1, 51)]
    assert all(page.count("product_pod") == 20 for page in pages)
    assert shop.page("/catalogue/page-51.html") is None
    assert sum(1 for book in shop.books if book.category == 1) > 0


def test_pages_have_the_weight_of_a_real_shops() -> None:
    shop = Shop()
    sizes = [len(shop.page(book.path) or "") for book in shop.books[:200]]
    sizes += [len(shop.page(f"/catalogue/page-{number}.html") or "") for number in range(1, 51)]
    assert min(sizes) > 10_000
    assert max(sizes) < 30_000


def test_every_link_leads_to_a_page() -> None:
    shop = Shop(120)
    seen, waiting = {"/"}, ["/"]
    while waiting:
        page = shop.page(waiting.pop())
        assert page is not None
        for link in re.findall(r'href="([^"]+)"', page):
            if not link.startswith(ELSEWHERE) and link not in seen:
                seen.add(link)
                waiting.append(link)
    assert {book.path for book in shop.books} <= seen


def test_it_is_served_from_a_process_that_ends_with_its_user() -> None:
    with serving(10) as url:
        with urllib.request.urlopen(url) as answer:
            assert b"product_pod" in answer.read()
        assert url.startswith("http://127.0.0.1:")
    process = subprocess.Popen(
        [sys.executable, "-m", "crawler.demo.server", "5"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline().startswith("http://127.0.0.1:")
    process.communicate()
    assert process.returncode == 0
