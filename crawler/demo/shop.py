"""A shop of books that does not exist: its stock and its pages, the same for the same seed.

    /                                           the first page of the list
    /catalogue/page-2.html                      20 books a page
    /catalogue/category/books/poetry_3/...      the books of a category, index.html and page-2.html ...
    /catalogue/the-quiet-harbour_17/index.html  a book
    /robots.txt

The layout is the one of books.toscrape.com, where crawlers have been tried out for years; texts and pages are our own. Pages have
the weight of a real shop's: navigation, sidebar, reviews, recommendations, footer, 10 to 30 KB.
"""

from __future__ import annotations

import html
import random
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

PER_PAGE = 20

_ADJECTIVES = (
    "quiet bright hidden last silver broken distant golden winter burning gentle lost northern paper crooked restless "
    "patient salt glass second hollow early secret wandering iron"
).split()
_NOUNS = (
    "harbour garden letter river mountain lantern orchard bridge season mirror island compass library storm shadow "
    "sparrow kitchen border engine mapmaker lighthouse alphabet railway daughter cartographer"
).split()
_PLACES = "Lisbon,the North,Prague,Winter,the Valley,Glass,Ghent,the Marshes,Tomorrow,Salt".split(",")
_CATEGORIES = (
    "Travel,Mystery,Poetry,Classics,Philosophy,Romance,Science,History,Fantasy,Art,Music,Cooking,Biography,Nature,Politics,"
    "Psychology,Thriller,Young Adult,Short Stories,Economics,Humour,Religion,Sports,Technology,Theatre"
).split(",")
_SENTENCES = (
    "Nobody in the town remembered who had built it, and nobody wanted to ask.",
    "What begins as an inventory of a house becomes the story of three generations.",
    "The author spent eleven years in archives that had been thought lost.",
    "Every chapter follows another witness, and no two of them agree.",
    "It is a book about work, about weather, and about the patience that both take.",
    "A letter arrives forty years late and changes what everybody believed.",
    "Written in plain sentences, it is harder to put down than most crime novels.",
    "The maps at the end are worth the price alone.",
    "Readers who liked the first volume will find the same dry humour here.",
    "Between the railway and the river lies a field that everyone claims.",
    "She had meant to stay for a week; the ferry had other plans.",
    "The recipes were tested in a kitchen of four square metres.",
)
_READERS = "Ana,Ben,Chloe,Daan,Elif,Femi,Greta,Hugo,Ines,Jonas,Kira,Luc,Mina,Nils,Olga,Pavel".split(",")
_RATINGS = ("One", "Two", "Three", "Four", "Five")


@dataclass(frozen=True, slots=True)
class Book:
    """One title of the shop. The price is in pence."""

    number: int
    title: str
    category: int
    price: int
    rating: int
    stock: int
    upc: str

    @property
    def path(self) -> str:
        """Where its page is."""
        return f"/catalogue/{_slug(self.title)}_{self.number}/index.html"


@dataclass(frozen=True, slots=True)
class Category:
    """A shelf."""

    number: int
    name: str

    def path(self, page: int = 1) -> str:
        """Where a page of its list is."""
        name = "index" if page == 1 else f"page-{page}"
        return f"/catalogue/category/books/{_slug(self.name)}_{self.number}/{name}.html"


def _slug(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")


class Shop:
    """The shop with *size* books, made from *seed*."""

    def __init__(self, size: int = 1000, seed: int = 20) -> None:
        chance = random.Random(seed)
        self.categories = [Category(number, name) for number, name in enumerate(_CATEGORIES, 1)]
        self.books = [_book(number, chance) for number in range(1, size + 1)]

    def __repr__(self) -> str:
        return f"<Shop {len(self.books)} books>"

    @cached_property
    def _by_path(self) -> dict[str, Book]:
        return {book.path: book for book in self.books}

    @cached_property
    def _lists(self) -> dict[str, tuple[str, Sequence[Book], int, int]]:
        """The list pages by path: title, books, page and number of pages."""
        lists: dict[str, tuple[str, Sequence[Book], int, int]] = {}
        for title, books, path_of in self._shelves():
            pages = max(1, -(-len(books) // PER_PAGE))
            for page in range(1, pages + 1):
                lists[path_of(page)] = (title, books[(page - 1) * PER_PAGE : page * PER_PAGE], page, pages)
        lists["/"] = lists["/index.html"] = lists["/catalogue/page-1.html"]
        return lists

    def _shelves(self) -> Iterator[tuple[str, list[Book], Callable[[int], str]]]:
        yield "All books", self.books, lambda page: f"/catalogue/page-{page}.html"
        for category in self.categories:
            yield category.name, [book for book in self.books if book.category == category.number], category.path

    def page(self, path: str) -> str | None:
        """Return the page at *path*, None if there is none."""
        if path in self._by_path:
            return self._book_page(self._by_path[path])
        if path in self._lists:
            return self._list_page(path, *self._lists[path])
        return None

    def _list_page(self, path: str, title: str, books: Sequence[Book], page: int, pages: int) -> str:
        pods = "\n".join(map(_pod, books))
        folder = path.rpartition("/")[0]
        names = {1: "page-1.html" if title == "All books" else "index.html"}
        if path in ("/", "/index.html"):
            folder = "/catalogue"

        def link(number: int) -> str:
            return f"{folder}/{names.get(number, f'page-{number}.html')}"

        older = f'<li class="previous"><a href="{link(page - 1)}">previous</a></li>' if page > 1 else ""
        newer = f'<li class="next"><a href="{link(page + 1)}">next</a></li>' if page < pages else ""
        return self._frame(
            title,
            f'<div class="page-header action"><h1>{html.escape(title)}</h1></div>\n'
            f'<form method="get" class="form-horizontal"><strong>{len(books)}</strong> on this page</form>\n'
            f'<section><ol class="row">{pods}</ol>\n'
            f'<ul class="pager">{older}<li class="current">Page {page} of {pages}</li>{newer}</ul></section>',
        )

    def _book_page(self, book: Book) -> str:
        chance = random.Random(book.number)
        category = self.categories[book.category - 1]
        text = " ".join(chance.choices(_SENTENCES, k=12))
        others = "\n".join(_pod(self.books[chance.randrange(len(self.books))]) for _ in range(6))
        reviews = "\n".join(_review(chance) for _ in range(chance.randint(4, 18)))
        rows = {
            "UPC": book.upc,
            "Product Type": "Books",
            "Price (excl. tax)": _money(book.price),
            "Price (incl. tax)": _money(book.price),
            "Tax": _money(0),
            "Availability": f"In stock ({book.stock} available)",
            "Number of reviews": "0",
        }
        table = "".join(f"<tr><th>{name}</th><td>{value}</td></tr>" for name, value in rows.items())
        return self._frame(
            book.title,
            f'<ul class="breadcrumb"><li><a href="/index.html">Home</a></li>'
            f'<li><a href="/catalogue/page-1.html">Books</a></li>'
            f'<li><a href="{category.path()}">{category.name}</a></li><li class="active">{html.escape(book.title)}</li></ul>\n'
            f'<article class="product_page"><div class="row"><div class="col-sm-6 product_main">\n'
            f"<h1>{html.escape(book.title)}</h1>\n{_facts(book)}\n</div></div>\n"
            f'<div id="product_description" class="sub-header"><h2>Product Description</h2></div>\n<p>{text}</p>\n'
            f'<div class="sub-header"><h2>Product Information</h2></div>\n<table class="table table-striped">{table}</table>\n'
            f'<section class="reviews"><h2>What readers say</h2>{reviews}</section>\n'
            f'<section class="also"><h2>Others also looked at</h2><ol class="row">{others}</ol></section></article>',
        )

    def _frame(self, title: str, body: str) -> str:
        return _FRAME.format(title=html.escape(title), sidebar=self._sidebar, body=body)

    @cached_property
    def _sidebar(self) -> str:
        return "\n".join(
            f'<li class="category-item"><a href="{category.path()}" class="category-link" '
            f'data-category="{category.number}" title="All books on the shelf {category.name}">{category.name}</a></li>'
            for category in self.categories
        )


def _book(number: int, chance: random.Random) -> Book:
    noun, adjective = chance.choice(_NOUNS), chance.choice(_ADJECTIVES)
    title = chance.choice(
        (
            f"The {adjective.title()} {noun.title()}",
            f"A {noun.title()} in {chance.choice(_PLACES)}",
            f"{noun.title()}s & {chance.choice(_NOUNS).title()}s",
            f"What the {noun.title()} Knew",
        )
    )
    return Book(
        number=number,
        title=title,
        category=chance.randint(1, len(_CATEGORIES)),
        price=chance.randint(799, 5999),
        rating=chance.randint(1, 5),
        stock=chance.randint(1, 40),
        upc=f"{chance.getrandbits(64):016x}",
    )


def _money(pence: int) -> str:
    return f"£{pence // 100}.{pence % 100:02}"


def _facts(book: Book) -> str:
    return (
        f'<p class="price_color">{_money(book.price)}</p>\n'
        f'<p class="instock availability"><i class="icon-ok"></i> In stock ({book.stock} available)</p>\n'
        f'<p class="star-rating {_RATINGS[book.rating - 1]}">{"<i class=icon-star></i>" * 5}</p>'
    )


def _pod(book: Book) -> str:
    title = html.escape(book.title, quote=True)
    return (
        f'<li class="col-xs-6 col-sm-4 col-md-3 col-lg-3"><article class="product_pod">\n'
        f'<div class="image_container"><a href="{book.path}"><img src="/media/{book.upc}.jpg" alt="{title}" '
        f'class="thumbnail" loading="lazy" width="140" height="210"></a></div>\n'
        f'<h3><a href="{book.path}" title="{title}">{title}</a></h3>\n{_facts(book)}\n'
        f'<form action="/basket/add/{book.number}" method="post"><button type="submit" class="btn btn-primary btn-block" '
        f'data-loading-text="Adding...">Add to basket</button></form></article></li>'
    )


def _review(chance: random.Random) -> str:
    return (
        f'<article class="review"><header><span class="reader">{chance.choice(_READERS)}</span> '
        f'<time datetime="20{chance.randint(10, 25)}-{chance.randint(1, 12):02}-{chance.randint(1, 28):02}">verified</time>'
        f"</header>\n"
        f'<p class="star-rating {chance.choice(_RATINGS)}">{"<i class=icon-star></i>" * 5}</p>'
        f"<p>{' '.join(chance.choices(_SENTENCES, k=chance.randint(2, 6)))}</p></article>"
    )


_SCRIPT = "\n".join(
    f"shop.track.push(['event{number}', {{view: 'page', list: {number}, currency: 'GBP', consent: 'unknown'}}]);"
    for number in range(40)
)

_FRAME = (
    """<!DOCTYPE html>
<html lang="en-GB"><head><meta charset="utf-8"><title>{title} | Demo Shop</title>
<meta name="viewport" content="width=device-width, initial-scale=1"><meta name="robots" content="index,follow">
<meta name="description" content="{title}: a shop that a crawler may try itself on">
<link rel="stylesheet" href="/static/shop.css"><link rel="icon" href="/static/favicon.ico">
<script>window.shop = {{track: []}};
"""
    + _SCRIPT.replace("{", "{{").replace("}", "}}")
    + """
</script></head>
<body id="default" class="default"><header class="header container-fluid"><div class="page_inner"><div class="row">
<div class="col-sm-8 h1"><a href="/index.html">Demo Shop</a><small> We sell what does not exist</small></div></div></div>
<nav class="top"><ul><li><a href="/index.html">Home</a></li><li><a href="/catalogue/page-1.html">Books</a></li>
<li><a href="mailto:shop@example.org">Write to us</a></li><li><a href="#footer">About</a></li></ul></nav></header>
<div class="container-fluid page"><div class="page_inner"><div class="row"><aside class="sidebar col-sm-4 col-md-3">
<div class="side_categories"><ul class="nav nav-list">
{sidebar}
</ul></div></aside>
<div class="col-sm-8 col-md-9"><div id="messages"></div>
{body}
</div></div></div></div>
<footer id="footer" class="footer container-fluid"><p>Prices, ratings and books were drawn at random.</p></footer>
</body></html>
"""
)
