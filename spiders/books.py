"""A shop of books: list pages, a page for each book."""

from __future__ import annotations

from urllib.parse import urljoin

from crawler import Request
from crawler.demo.hosted import DemoSpider

RATINGS = {"One": 1, "Two": 2, "Three": 3, "Four": 4, "Five": 5}


class BooksSpider(DemoSpider):
    """Every book of a shop: title, price, rating, stock, category.

    Without a *site* it crawls the bundled demo shop, which is served on this machine meanwhile; with one, a shop of the same
    layout: `-a site=https://books.toscrape.com`.
    """

    name = "books"
    # The demo shop is ours: there is nobody to be polite to.
    custom_settings = {"politeness.hosts": {"127.0.0.1": {"delay": 0.0, "concurrency": 16}}}

    def __init__(self, site: str = "", **kwargs) -> None:
        super().__init__(**kwargs)
        self.site = site

    async def start(self):
        yield Request(urljoin(self.site, "/"))

    def parse(self, response):
        yield from response.follow_all(css="article.product_pod h3 a", callback=self.parse_book)
        yield from response.follow_all(css="li.next a")

    def parse_book(self, response):
        facts = dict(
            zip(response.css("table th::text").getall(), response.css("table td::text").getall(), strict=False)
        )
        rating = response.css("p.star-rating").attrib["class"].split()[-1]
        yield {
            "url": response.url,
            "title": response.css("h1::text").get(),
            "price": float(response.css("p.price_color::text").re_first(r"[\d.]+")),
            "rating": RATINGS[rating],
            "stock": int(response.css("p.availability").re_first(r"(\d+) available") or 0),
            "category": response.css("ul.breadcrumb li:nth-last-child(2) a::text").get(),
            "upc": facts.get("UPC"),
        }
