"""Link extractors: which links a page has, and which of them are wanted.

One walk over the tree finds the elements; each URL is joined, filtered and made a ``Link`` once, and the text is read only of links
that stay. Options are Scrapy's, and so is what comes out, in order.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any

from lxml import etree
from parsel.csstranslator import HTMLTranslator

from crawler.exceptions import InvalidURLError
from crawler.link import Link, has_nofollow
from crawler.url import HostMatcher, canonical, ensure_absolute, join

if TYPE_CHECKING:
    from crawler.http import TextResponse

#: Endings of URLs that are hardly ever pages.
IGNORED_EXTENSIONS = (
    # archives and packages
    "7z 7zip bz2 rar tar tar.gz xz zip apk bin dmg exe iso cdr deb rpm "
    # images
    "mng pct bmp gif jpg jpeg png pst psp tif tiff ai drw dxf eps ps svg webp ico "
    # sound and film
    "mp3 wma ogg wav ra aac mid au aiff 3gp asf asx avi mov mp4 mpg qt rm swf wmv m4a m4v flv webm "
    # office documents
    "xls xlsm xlsx xltm xltx potm potx ppt pptm pptx pps doc docb docm docx dotm dotx odt ods odg odp pdf "
    # the rest
    "css js rss jar sh rb hta bat cpl msi msp py"
).split()

# What HTML calls white space; it surrounds many an href.
_WHITE_SPACE = " \t\n\r\x0c"

_SCHEMES = ("http://", "https://", "file://", "ftp://")

# A fragment that goes into a URL as it is.
_PLAIN = re.compile(r"[A-Za-z0-9\-._~:/?\[\]@!$&'()*+,;=%]*")

_text_of = etree.XPath("string()")

Patterns = str | re.Pattern[str] | Iterable[str | re.Pattern[str]]


class LxmlLinkExtractor:
    """Extracts links from pages.

    *allow* and *deny* are regular expressions that are searched for in absolute URLs; *allow_domains* and *deny_domains* cover
    their subdomains; *restrict_xpaths* and *restrict_css* choose regions, *restrict_text* patterns of the link's text; *tags* and
    *attrs* say where links are (``"*"`` for anywhere), except *deny_tags* and *deny_attrs*; *process_value* makes another value
    of an attribute, or None to pass it over; *deny_extensions* are endings of paths, by default :data:`IGNORED_EXTENSIONS`.
    With *canonicalize* URLs come in canonical form; with *unique* each comes once; *strip* removes white space around values.
    """

    def __init__(
        self,
        allow: Patterns = (),
        deny: Patterns = (),
        allow_domains: str | Iterable[str] = (),
        deny_domains: str | Iterable[str] = (),
        restrict_xpaths: str | Iterable[str] = (),
        tags: str | Iterable[str] | None = ("a", "area"),
        attrs: str | Iterable[str] | None = ("href",),
        canonicalize: bool = False,
        unique: bool = True,
        process_value: Callable[[Any], Any] | None = None,
        deny_extensions: str | Iterable[str] | None = None,
        restrict_css: str | Iterable[str] = (),
        strip: bool = True,
        restrict_text: Patterns | None = None,
        deny_tags: str | Iterable[str] = (),
        deny_attrs: str | Iterable[str] = (),
    ) -> None:
        self._allow = _compiled(allow)
        self._deny = _compiled(deny)
        self._text = _compiled(restrict_text)
        self._allow_domains = HostMatcher(_several(allow_domains)) if allow_domains else None
        self._deny_domains = HostMatcher(_several(deny_domains)) if deny_domains else None
        to_xpath = HTMLTranslator().css_to_xpath
        self._regions = [*_several(restrict_xpaths), *map(to_xpath, _several(restrict_css))]
        self._tags, self._deny_tags = frozenset(_several(tags)), frozenset(_several(deny_tags))
        self._attrs, self._deny_attrs = frozenset(_several(attrs)), frozenset(_several(deny_attrs))
        # "{*}a" is an a of any namespace or none; "*" is any element, without comments and the like.
        self._wanted = ["*"] if "*" in self._tags else sorted(f"{{*}}{tag}" for tag in self._tags - self._deny_tags)
        plain = len(self._attrs) == 1 and "*" not in self._attrs and not self._deny_attrs
        self._attribute = next(iter(self._attrs)) if plain else None
        extensions = IGNORED_EXTENSIONS if deny_extensions is None else _several(deny_extensions)
        self._extensions = frozenset(f".{extension.lstrip('.').lower()}" for extension in extensions)
        self._last_endings = frozenset(extension.rpartition(".")[2] for extension in self._extensions)
        self._process = process_value
        self._canonicalize = canonicalize
        self._unique = unique
        self._strip = strip

    def __repr__(self) -> str:
        allow = [pattern.pattern for pattern in self._allow]
        deny = [pattern.pattern for pattern in self._deny]
        return f"<LinkExtractor allow={allow} deny={deny}>"

    # Hot: once per page.
    def extract_links(self, response: TextResponse) -> list[Link]:
        """Return the links of *response* in document order, region by region."""
        if not self._regions:
            return self._links_below([response.selector.root], response)
        links: list[Link] = []
        for region in self._regions:
            links += self._links_below([selected.root for selected in response.xpath(region)], response)
        return _unique(links) if self._unique and len(self._regions) > 1 else links

    def matches(self, url: str) -> bool:
        """Tell whether a link to *url* would be extracted, by its URL alone."""
        return self._passes_patterns(url) and self._passes_domains(url)

    # Hot: once per page, its loop once per link.
    def _links_below(self, roots: Iterable[Any], response: TextResponse) -> list[Link]:
        resolve = self._resolver(response)
        filtered, unique = bool(self._allow or self._deny), self._unique
        links: list[Link] = []
        values: set[str] = set()
        found: set[str] = set()
        for root in roots:
            if not hasattr(root, "iter"):
                continue  # a region that is text has no elements
            for element, value in self._values(root):
                if unique:
                    if value in values and self._process is None:
                        continue
                    values.add(value)
                url = resolve(value)
                if url is None or (unique and url in found):
                    continue
                found.add(url)
                if filtered and not self._passes_patterns(url):
                    continue
                # Most links hold nothing but text, and a look at it costs a tenth of an XPath.
                text = str(_text_of(element)) if len(element) else element.text or ""
                if self._text and not any(pattern.search(text) for pattern in self._text):
                    continue
                if self._canonicalize:
                    url = canonical(url)
                links.append(Link(url, text, nofollow=has_nofollow(element.get("rel"))))
        return _unique(links) if unique and (self._canonicalize or self._process) else links

    def _values(self, root: Any) -> Iterator[tuple[Any, str]]:
        """Yield (element, value of an attribute that may be a link) in document order."""
        attribute, deny_tags = self._attribute, self._deny_tags
        if not self._wanted:
            return
        for element in root.iter(*self._wanted):
            if deny_tags and (not isinstance(element.tag, str) or etree.QName(element).localname in deny_tags):
                continue
            if attribute is not None:
                value = element.get(attribute)
                if value is not None:
                    yield element, value
                continue
            for name, value in element.attrib.items():
                if (name in self._attrs or "*" in self._attrs) and name not in self._deny_attrs:
                    yield element, value

    def _resolver(self, response: TextResponse) -> Callable[[str], str | None]:
        """Return what makes an absolute URL of a value on this page, or None of one that is to be passed over.

        Many links of a page go to places on few others: what is before the ``#`` is joined and judged once.
        """
        base, encoding, strip = response.base_url, response.encoding, self._strip
        if self._process is not None:
            return lambda value: self._processed(value, response)
        pages: dict[str, str | None] = {}

        def resolve(value: str) -> str | None:
            if strip:
                value = value.strip(_WHITE_SPACE)
            page, mark, fragment = value.partition("#")
            # A blank before the "#" belongs to the path, at the end of all it is nothing.
            if mark and (not _PLAIN.fullmatch(fragment) or (page and page[-1] <= " ")):
                return self._place(base, value, encoding)
            if page in pages:
                url = pages[page]
            else:
                url = pages[page] = self._place(base, page, encoding)
            return f"{url}#{fragment}" if mark and url is not None else url

        return resolve

    def _processed(self, value: str, response: TextResponse) -> str | None:
        """Return the URL that ``process_value`` makes of *value*, None if it is to be passed over."""
        if self._strip:
            value = value.strip(_WHITE_SPACE)
        try:
            url = self._process(_joined(response.base_url, value, response.encoding))  # type: ignore[misc]  # it is one
        except InvalidURLError:
            return None
        return None if url is None else self._place(response.url, url, response.encoding)

    def _place(self, base: str, value: str, encoding: str) -> str | None:
        """Return the absolute URL of *value*, None if its scheme, host or ending is not wanted."""
        try:
            url = _joined(base, value, encoding)
        except InvalidURLError:
            return None
        wanted = url.startswith(_SCHEMES) and self._passes_domains(url) and not self._is_ignored(url)
        return url if wanted else None

    def _passes_patterns(self, url: str) -> bool:
        if self._allow and not any(pattern.search(url) for pattern in self._allow):
            return False
        return not any(pattern.search(url) for pattern in self._deny)

    def _passes_domains(self, url: str) -> bool:
        if self._allow_domains is not None and not self._allow_domains.matches(url):
            return False
        return self._deny_domains is None or not self._deny_domains.matches(url)

    def _is_ignored(self, url: str) -> bool:
        """Tell whether the path of *url* has one of the denied endings."""
        if url[url.rfind(".") + 1 :].lower() not in self._last_endings and "?" not in url and "#" not in url:
            return False  # as nearly all links
        name = url.partition("?")[0].partition("#")[0].rpartition("/")[2]
        if "." not in name or name.endswith(".") or "://" + name in url:
            return False
        endings = name.lower().lstrip(".").partition(".")[2]
        return bool(endings) and (
            f".{endings}" in self._extensions or f".{endings.rpartition('.')[2]}" in self._extensions
        )


LinkExtractor = LxmlLinkExtractor


def _joined(base: str, value: str, encoding: str) -> str:
    """Return *value* as an absolute URL: as it stands if it is one that a browser would send so."""
    if value.startswith(_SCHEMES):
        return ensure_absolute(value, encoding)
    return join(base, value, encoding)


def _unique(links: list[Link]) -> list[Link]:
    """Return *links* without those whose URL came before."""
    return list({link.url: link for link in reversed(links)}.values())[::-1]


def _several(value: Any) -> list[Any]:
    """Return one or several values as a list."""
    if value is None:
        return []
    return [value] if isinstance(value, str | re.Pattern) else list(value)


def _compiled(patterns: Patterns | None) -> list[re.Pattern[str]]:
    return [pattern if isinstance(pattern, re.Pattern) else re.compile(pattern) for pattern in _several(patterns)]
