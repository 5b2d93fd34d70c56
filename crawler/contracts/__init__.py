"""Contracts: what a callback promises, in its docstring, checked against real pages by ``crawler check``.

    def parse_book(self, response):
        \"\"\"One book.

        @url https://books.toscrape.com/catalogue/soumission_998/index.html
        @returns items 1 1
        @scrapes title price
        \"\"\"

contract   the base class; those of a project's own are named in the setting components.contracts (Scrapy: SPIDER_CONTRACTS)
default    the contracts that there are: @url @method @body @header @cookie @meta @cb_kwargs @returns @scrapes
reading    from a docstring to contracts; what is wrong is told with file and line
checking   the crawl that tries them
"""

from __future__ import annotations

from crawler.contracts.contract import Contract

__all__ = ["Contract"]
