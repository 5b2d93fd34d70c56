"""The demo shop: the same for the same seed, and every link leads somewhere."""

from __future__ import annotations

import re

from crawler.demo import Shop

LISTS = [f"/catalogue/page-{number}.html" for number in (1, 2, 3)]
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


def test_every_book_stands_on_the_shelf_of_its_category_only() -> None:
    shop = Shop()
    shelved: list[str] = []
    for category in shop.categories:
        number = 1
        while page := shop.page(category.path(number)):
            paths = re.findall(r'<h3><a href="([^"]+)"', page)
            assert 0 < len(paths) <= 20
            shelved += paths
            number += 1
    assert sorted(shelved) == sorted(book.path for book in shop.books)


def test_pages_of_a_list_lead_on_and_back() -> None:
    shop = Shop(50)
    pager = [re.findall(r'class="(next|previous)"><a href="([^"]+)"', shop.page(path) or "") for path in LISTS]
    assert pager == [
        [("next", LISTS[1])],
        [("previous", LISTS[0]), ("next", LISTS[2])],
        [("previous", LISTS[1])],
    ]


def test_the_first_page_has_three_addresses() -> None:
    shop = Shop(50)
    assert shop.page("/") == shop.page("/index.html") == shop.page("/catalogue/page-1.html")


def test_an_empty_shop_still_has_a_page() -> None:
    assert "Page 1 of 1" in (Shop(0).page("/") or "")


def test_what_is_not_there_has_no_page() -> None:
    assert Shop(5).page("/catalogue/no-such-book_6/index.html") is None
