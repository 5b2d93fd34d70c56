"""The site that the ported spiders crawl: a few shelves of invented quotes, a shop, a login, an API, and pages that misbehave."""

from __future__ import annotations

import json
from urllib.parse import parse_qs, urlsplit

from crawler.testing import Hit, Page, Site

BASE = "http://site.test"

QUOTES = [
    ("Measure before you cut.", "Ada Plum", ["craft", "care"]),
    ("A slow page is still a page.", "Ben Ore", ["web"]),
    ("Rivers do not queue.", "Cy Loam", ["nature", "time"]),
    ("What is counted is not lost.", "Ada Plum", ["care"]),
    ("Ask twice, knock once.", "Ben Ore", ["manners", "web"]),
]
BORN = {"Ada Plum": ("March 3, 1901", "Lyme"), "Ben Ore": ("July 9, 1933", "Hull"), "Cy Loam": ("May 1, 1950", "Bath")}
PRODUCTS = [
    ("kettle", "12.50", 3, "kitchen"),
    ("spade", "25.00", 0, "garden"),
    ("rake", "19.99", 7, "garden"),
    ("cup", "", 5, "kitchen"),
]


def _page(body: str, *, title: str = "Demo") -> str:
    return f"<html><head><title>{title}</title></head><body>{body}</body></html>"


def _slug(author: str) -> str:
    return author.lower().replace(" ", "-")


def _quote(text: str, author: str, tags: list[str]) -> str:
    labels = "".join(f'<a class="tag" href="/tag/{tag}">{tag}</a>' for tag in tags)
    return (
        f'<div class="quote"><span class="text">“{text}”</span>'
        f'<span>by <small class="author">{author}</small> <a class="about" href="/author/{_slug(author)}">(about)</a></span>'
        f'<div class="tags">{labels}</div></div>'
    )


def _shelf(number: int) -> str:
    quotes = "".join(_quote(*quote) for quote in QUOTES[2 * number - 2 : 2 * number])
    more = f'<ul class="pager"><li class="next"><a href="/page/{number + 1}">Next</a></li></ul>' if number < 3 else ""
    return _page(quotes + more)


def _product(name: str, price: str, stock: int, category: str) -> str:
    return _page(
        f'<h1>{name.title()}</h1><p class="price color-a">{f"£{price}" if price else ""}</p>'
        f"<table><tr><th>Stock</th><td> {stock} left </td></tr><tr><th>Shelf</th><td>{category}</td></tr></table>"
        f'<ul class="facts"><li>sku-{len(name)}{stock}</li><li>made by hand</li></ul>'
    )


def _login(hit: Hit) -> Page | str:
    if hit.method == "GET":
        form = (
            '<form action="/login" method="post"><input type="hidden" name="csrf" value="t0k3n">'
            '<input name="user"><input type="password" name="word"><input type="submit" name="go" value="in"></form>'
        )
        return Page(_page(form), headers={"Content-Type": "text/html", "Set-Cookie": "visit=1; Path=/"})
    sent = parse_qs(hit.body.decode())
    if sent != {"csrf": ["t0k3n"], "user": ["ada"], "word": ["plum"], "go": ["in"]} or "visit=1" not in hit.headers.get(
        "Cookie", ""
    ):
        return _page("<p>wrong</p>")
    return Page("", 302, {"Location": "/account", "Set-Cookie": "session=ada; Path=/"})


def _account(hit: Hit) -> Page | str:
    if "session=ada" not in hit.headers.get("Cookie", ""):
        return Page("who are you?", 403)
    return _page('<h1 class="hello">Hello Ada</h1><a class="orders" href="/orders">orders</a>')


def _orders(hit: Hit) -> Page | str:
    if "session=ada" not in hit.headers.get("Cookie", ""):
        return Page("who are you?", 403)
    return _page("".join(f"<li class='order'>{number}</li>" for number in (17, 23)))


def _as_json(value: object, status: int = 200) -> Page:
    return Page(json.dumps(value), status, {"Content-Type": "application/json"})


def _api(hit: Hit) -> Page:
    page = int(parse_qs(urlsplit(hit.url).query).get("page", ["1"])[0])
    rows = [{"text": text, "author": {"name": author}} for text, author, _ in QUOTES[2 * page - 2 : 2 * page]]
    return _as_json({"quotes": rows, "page": page, "has_next": page < 3})


def _search(hit: Hit) -> Page:
    wanted = json.loads(hit.body)["tag"] if hit.method == "POST" else ""
    return _as_json(
        {"found": [text for text, _, tags in QUOTES if wanted in tags], "type": hit.headers["Content-Type"]}
    )


def _echo(hit: Hit) -> Page:
    parts = urlsplit(hit.url)
    query = f"?{parts.query}" if parts.query else ""
    shown = {
        "path": parts.path + query,
        "method": hit.method,
        "body": hit.body.decode(),
        "x": hit.headers.get("X-From", ""),
    }
    return _as_json(shown)


class _Flaky:
    """Fails the first time that each client asks."""

    def __init__(self) -> None:
        self.seen: set[str] = set()

    def __call__(self, hit: Hit) -> Page:
        who = urlsplit(hit.url).query
        if who in self.seen:
            return Page(_page("<p id='ok'>steady now</p>"))
        self.seen.add(who)
        return Page("busy", 503)


def make_site() -> Site:
    """Return the site, as nobody has visited it yet."""
    pages: dict[str, object] = {
        "/": _shelf(1),
        "/page/1": _shelf(1),
        "/page/2": _shelf(2),
        "/page/3": _shelf(3),
        "/login": _login,
        "/account": _account,
        "/orders": _orders,
        "/search": _search,
        "/missing": Page(_page("<p>nothing here</p>"), 404),
        "/gone": Page(_page("<p>gone for good</p>"), 410),
        "/error": Page("broken", 500),
        "/broken": Page("broken, too", 500),
        "/old": Page("", 301, {"Location": "/page/3"}),
        "/slow": Page(_page("late"), latency=1.5),
        "/text": Page("just text\nline two", headers={"Content-Type": "text/plain; charset=utf-8"}),
        "/shop": _page(
            '<nav><a href="/shop/garden">garden</a> <a href="/shop/kitchen">kitchen</a> <a href="/shop/help.pdf">help</a></nav>'
        ),
        "/facts": _page(
            '<base href="/deep/"><ul><li class="fact big" data-no="1">Born: 1901-03-03</li>'
            '<li class="fact" data-no="2">Died: <b>never</b></li><li class="note" data-no="3">Paid 1,200 EUR</li></ul>'
            '<a href="page?x=1">rel</a><a href="../up">up</a><a href="//other.test/z">other</a>'
        ),
    }
    for author, (day, place) in BORN.items():
        pages[f"/author/{_slug(author)}"] = _page(
            f'<h3 class="author-title">{author} </h3><span class="born"> {day}</span><span class="place">in {place}</span>'
        )
    for category in ("garden", "kitchen"):
        links = "".join(f'<a href="/item/{name}">{name}</a>' for name, _, _, shelf in PRODUCTS if shelf == category)
        pages[f"/shop/{category}"] = _page(f"{links}<a href='/shop'>up</a>", title=category.title())
    for name, price, stock, category in PRODUCTS:
        pages[f"/item/{name}"] = _product(name, price, stock, category)
    flaky = _Flaky()

    def other(hit: Hit) -> Page | str:
        path = urlsplit(hit.url).path
        prefixes = {"/api": _api, "/echo": _echo, "/flaky": flaky}
        for prefix, answer in prefixes.items():
            if path.startswith(prefix):
                return answer(hit)
        return Page(_page("not found"), 404)

    pages["*"] = other
    return Site(pages)  # type: ignore[arg-type]  # pages of every kind
