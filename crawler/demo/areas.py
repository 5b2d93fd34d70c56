"""What the demo site has beside its shop: the same for everyone, and a page for each thing that spiders have to cope with.

    /quotes/                     quotes, 10 a page; only for those who have logged in
    /quotes/login                the form: a hidden token that belongs to the session cookie; user "reader", password "letters"
    /api/reviews?page=1          what a page that scrolls for ever loads: JSON with has_next
    /sitemap-index.xml           named in robots.txt; leads to /sitemaps/books.xml.gz and /sitemaps/manual.xml
    /manual/                     documentation: chapters, sections, next and previous
    /files/                      a list of files to download: texts and pictures

Pure: a request goes in, an answer comes out. Who has logged in is told by the cookie alone.
"""

from __future__ import annotations

import gzip
import hashlib
import html
import json
import random
import struct
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import parse_qs

if TYPE_CHECKING:
    from crawler.demo.shop import Shop

USER, PASSWORD = "reader", "letters"

QUOTES, QUOTES_PER_PAGE = 36, 10
REVIEWS, REVIEWS_PER_PAGE = 45, 10
CHAPTERS, SECTIONS = 5, 4
FILES = 6

_XML = "application/xml; charset=utf-8"
_WORDS = "a book is a door that opens where nobody had looked for one and stays open after it was read".split()
_AUTHORS = ("Ana Petri", "Daan Visser", "Elif Kaya", "Greta Lund")


@dataclass(frozen=True, slots=True)
class Answer:
    """What the site says."""

    body: bytes
    kind: str = "text/html; charset=utf-8"
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)


def answer(shop: Shop, method: str, path: str, query: str, *, cookie: str, body: bytes, base: str) -> Answer | None:
    """Return the answer to a request below *base* (``http://host:port``), None if the areas have no such page."""
    area = path.split("/")[1]
    if area == "quotes":
        return _quotes(method, path, cookie, body)
    if path == "/api/reviews":
        return _reviews(query)
    if path in ("/robots.txt", "/sitemap-index.xml") or area == "sitemaps":
        return _sitemaps(shop, path, base)
    if area == "manual":
        return _manual(path)
    if area == "files":
        return _files(path)
    return None


def _page(title: str, content: str, **options: object) -> Answer:
    text = f"<!doctype html><html><head><title>{html.escape(title)}</title></head><body>{content}</body></html>"
    return Answer(text.encode(), **options)  # type: ignore[arg-type]  # fields of an Answer


# --- quotes, behind a login ----------------------------------------------------------------------------------------------


def _secret(*parts: str) -> str:
    return hashlib.sha256(" ".join(("demo", *parts)).encode()).hexdigest()[:24]


def _cookies(header: str) -> dict[str, str]:
    pairs = (pair.strip().partition("=") for pair in header.split(";"))
    return {name: value for name, _, value in pairs if name}


def _quotes(method: str, path: str, cookie: str, body: bytes) -> Answer | None:
    cookies = _cookies(cookie)
    if path == "/quotes/login":
        return _logged_in(cookies, body) if method == "POST" else _login_form(cookies)
    if cookies.get("reader") != _secret("reader", cookies.get("session", "")):
        return Answer(b"", status=302, headers={"Location": "/quotes/login"})
    number = path.removeprefix("/quotes/").removeprefix("page-").removesuffix(".html") or "1"
    return _quotes_page(int(number)) if number.isdigit() else None


def _login_form(cookies: Mapping[str, str]) -> Answer:
    session = cookies.get("session") or _secret("session", str(random.random()))
    form = (
        '<h1>Log in</h1><form action="/quotes/login" method="post">'
        f'<input type="hidden" name="csrf_token" value="{_secret("token", session)}">'
        '<input name="username"><input name="password" type="password"><input type="submit" value="Log in"></form>'
    )
    return _page("Log in", form, headers={"Set-Cookie": f"session={session}; Path=/quotes; HttpOnly"})


def _logged_in(cookies: Mapping[str, str], body: bytes) -> Answer:
    session = cookies.get("session", "")
    form = {name: values[0] for name, values in parse_qs(body.decode("utf-8", "replace")).items()}
    if not session or form.get("csrf_token") != _secret("token", session):
        return _page("Refused", "<h1>This form is not from here, or too old</h1>", status=403)
    if (form.get("username"), form.get("password")) != (USER, PASSWORD):
        return _page("Log in", "<h1>Wrong name or password</h1>", status=401)
    cookie = f"reader={_secret('reader', session)}; Path=/quotes; HttpOnly"
    return Answer(b"", status=303, headers={"Location": "/quotes/", "Set-Cookie": cookie})


def quote(number: int) -> dict[str, object]:
    """Return quote *number*, from 1 on: its text, author and tags."""
    chance = random.Random(number)
    words = chance.choices(_WORDS, k=chance.randint(6, 12))
    tags = sorted(set(chance.choices(("books", "doors", "patience", "reading"), k=2)))
    return {"text": f"{' '.join(words).capitalize()}.", "author": chance.choice(_AUTHORS), "tags": tags}


def _quotes_page(page: int) -> Answer | None:
    first = (page - 1) * QUOTES_PER_PAGE + 1
    if not 1 <= first <= QUOTES:
        return None
    last = min(first + QUOTES_PER_PAGE, QUOTES + 1)
    parts = []
    for number in range(first, last):
        one = quote(number)
        tags = "".join(f'<a class="tag">{tag}</a>' for tag in one["tags"])  # type: ignore[attr-defined]  # a list
        parts.append(
            f'<div class="quote"><span class="text">{one["text"]}</span><small class="author">{one["author"]}</small>{tags}</div>'
        )
    following = f'<li class="next"><a href="/quotes/page-{page + 1}.html">next</a></li>' if last <= QUOTES else ""
    return _page("Quotes", "".join(parts) + following)


# --- reviews, as a script loads them -------------------------------------------------------------------------------------


def review(number: int) -> dict[str, object]:
    """Return review *number*, from 1 on."""
    chance = random.Random(f"review {number}")
    return {"id": number, "book": chance.randint(1, 1000), "stars": chance.randint(1, 5), "by": chance.choice(_AUTHORS)}


def _reviews(query: str) -> Answer:
    text = parse_qs(query).get("page", ["1"])[0]
    page = int(text) if text.isdigit() else 0
    first = (page - 1) * REVIEWS_PER_PAGE + 1
    if not 1 <= first <= REVIEWS:
        return Answer(json.dumps({"error": f"there is no page {text}"}).encode(), "application/json", 404)
    last = min(first + REVIEWS_PER_PAGE, REVIEWS + 1)
    told = {"page": page, "has_next": last <= REVIEWS, "reviews": [review(number) for number in range(first, last)]}
    return Answer(json.dumps(told).encode(), "application/json")


# --- sitemaps ------------------------------------------------------------------------------------------------------------


def _sitemaps(shop: Shop, path: str, base: str) -> Answer | None:
    if path == "/robots.txt":
        text = f"User-agent: *\nDisallow: /basket/\n\nSitemap: {base}/sitemap-index.xml\n"
        return Answer(text.encode(), "text/plain; charset=utf-8")
    if path == "/sitemap-index.xml":
        maps = "".join(
            f"<sitemap><loc>{base}/sitemaps/{name}</loc></sitemap>" for name in ("books.xml.gz", "manual.xml")
        )
        return Answer(
            f'<sitemapindex xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">{maps}</sitemapindex>'.encode(), _XML
        )
    if path == "/sitemaps/books.xml.gz":
        urls = [book.path for book in shop.books]
        return Answer(gzip.compress(_urlset(base, urls), mtime=0), "application/gzip")
    if path == "/sitemaps/manual.xml":
        return Answer(_urlset(base, manual_pages()), _XML)
    return None


def _urlset(base: str, paths: list[str]) -> bytes:
    urls = "".join(f"<url><loc>{base}{path}</loc><lastmod>2026-01-01</lastmod></url>" for path in paths)
    return f'<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">{urls}</urlset>'.encode()


# --- a manual ------------------------------------------------------------------------------------------------------------


def manual_pages() -> list[str]:
    """Return the paths of the manual's pages, in the order in which they are read."""
    pages = ["/manual/index.html"]
    for chapter in range(1, CHAPTERS + 1):
        pages.append(f"/manual/chapter-{chapter}/index.html")
        pages += [f"/manual/chapter-{chapter}/section-{section}.html" for section in range(1, SECTIONS + 1)]
    return pages


def _manual(path: str) -> Answer | None:
    pages = manual_pages()
    path = path + "index.html" if path.endswith("/") else path
    if path not in pages:
        return None
    place = pages.index(path)
    names = path.removesuffix(".html").removesuffix("/index").split("/")[2:] or ["the manual"]
    title = " ".join(names).replace("-", " ").capitalize()
    links = [f'<a rel="prev" href="{pages[place - 1]}">previous</a>'] if place else []
    links += [f'<a rel="next" href="{pages[place + 1]}">next</a>'] if place + 1 < len(pages) else []
    below = [page for page in pages if page != path and page.startswith(path.removesuffix("index.html"))]
    contents = "".join(f'<li><a href="{page}">{page}</a></li>' for page in below if path.endswith("index.html"))
    words = " ".join(random.Random(path).choices(_WORDS, k=80))
    return _page(
        title, f"<h1>{title}</h1><p>{words}.</p><ul>{contents}</ul>{' '.join(links)}<a href='/files/'>files</a>"
    )


# --- files ---------------------------------------------------------------------------------------------------------------


def file_names() -> list[str]:
    """Return the names of the files."""
    return [f"list-{number}.txt" for number in range(1, FILES + 1)] + [
        f"cover-{number}.png" for number in range(1, FILES + 1)
    ]


def _files(path: str) -> Answer | None:
    name = path.removeprefix("/files/")
    if not name:
        rows = "".join(
            f'<tr><td>{one}</td><td><a class="file" href="/files/{one}">download</a></td></tr>' for one in file_names()
        )
        return _page("Files", f"<h1>Files</h1><table>{rows}</table>")
    if name not in file_names():
        return None
    if name.endswith(".png"):
        return Answer(picture(name), "image/png")
    lines = [
        f"{number}\t{' '.join(random.Random(f'{name} {number}').choices(_WORDS, k=4))}" for number in range(1, 500)
    ]
    return Answer("\n".join(lines).encode(), "text/plain; charset=utf-8")


def picture(name: str, width: int = 60, height: int = 90) -> bytes:
    """Return a PNG of one colour that follows from *name*."""
    colour = hashlib.sha256(name.encode()).digest()[:3]

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    rows = b"".join(b"\0" + colour * width for _ in range(height))
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
