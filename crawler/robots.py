"""robots.txt by RFC 9309: which URLs a crawler may fetch from a host, how often, and where its sitemaps are.

    rules = RobotsRules.of_response(200, body)
    allowed, line = rules.decision("https://example.com/private/x", "mybot/1.0 (+https://mybot.example)")

``line`` is the text of the line that decided, so that "why was this not crawled?" has an answer.

Read as Google's parser reads it, whose tests all pass; with these additions, none of which lets through what Google
refuses:

* A Disallow also holds for URLs that differ from it only in percent-encoding (RFC 9309 section 2.2.2): ``/%7Ejoe`` is
  ``/~joe``.
* A user agent may be a whole User-Agent header; its product token counts.
* Crawl-delay and Request-rate are read. As any line that is no rule, they do not end a list of user-agent lines.

Pure, and bounded: what is after 500 KiB is not read, a line is cut at 16 KiB, and a pattern takes linear time.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import unquote_to_bytes

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

# RFC 9309 section 2.5 asks for 500 KiB or more.
MAX_BYTES = 500 * 1024

# Google's limit, eight times the longest URL of old browsers.
MAX_LINE = 2083 * 8 - 1

_TYPOS = {
    "user-agent": ("user-agent", "useragent", "user agent"),
    "allow": ("allow",),
    "disallow": ("disallow", "dissallow", "dissalow", "disalow", "diasllow", "disallaw"),
    "sitemap": ("sitemap", "site-map"),
    "crawl-delay": ("crawl-delay", "crawldelay", "crawl delay"),
    "request-rate": ("request-rate", "request rate"),
}
_NAMES: dict[str, list[tuple[str, str]]] = {}
for _known, _spellings in _TYPOS.items():
    _NAMES.setdefault(_known[0], []).extend((spelling, _known) for spelling in _spellings)

_LINE_END = re.compile(rb"\r\n|\r|\n")

# White space is ASCII's: a no-break space is part of a name or a pattern.
_SPACES_TEXT = " \t\n\v\f\r"
_SPACES = _SPACES_TEXT.encode()
_BLANKS = re.compile(r"[ \t]+")
_PATH = re.compile(r"(?://|[^/?;#]*://)?[^/?;#]*([^#]*)")
_TOKEN = re.compile(r"[A-Za-z_-]+")
_COMPATIBLE = re.compile(r"\(compatible;\s*([^;/\s()]+)", re.IGNORECASE)
_UNRESERVED = re.compile(r"%(?:2[DE]|3\d|4[1-9A-F]|5[\dAF]|6[1-9A-F]|7[\dAE])", re.IGNORECASE)
_RATE = re.compile(r"(\d{1,6})\s*/\s*(\d{1,6})\s*([smhd]?)", re.ASCII | re.IGNORECASE)
_NUMBER = re.compile(r"\d{1,9}(?:\.\d{1,9})?|\.\d{1,9}", re.ASCII)
_UNITS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400}


@dataclass(frozen=True, slots=True)
class Directive:
    """A line of a robots.txt. ``name`` is what it is about, in lower case and without typing errors, or ``unknown``."""

    number: int
    name: str
    value: str
    text: str


@dataclass(slots=True)
class _Block:
    """Rules that follow one list of user-agent lines."""

    rules: list[_Rule] = field(default_factory=list)
    crawl_delay: float | None = None
    request_rate: tuple[int, float] | None = None


class RobotsRules:
    """What a robots.txt says. ``sitemaps`` are the URLs that it names, in order."""

    def __init__(
        self,
        blocks: Mapping[str, Sequence[_Block]],
        sitemaps: Sequence[str] = (),
        *,
        verdict: tuple[bool, str] | None = None,
    ) -> None:
        self._blocks = blocks
        self._verdict = verdict
        self._groups: dict[str, _Group] = {}  # by user agent, as they are asked for
        self.sitemaps = tuple(sitemaps)

    def __repr__(self) -> str:
        if self._verdict is not None:
            return f"<RobotsRules {'allow' if self._verdict[0] else 'disallow'} all: {self._verdict[1]}>"
        return f"<RobotsRules {len(self._blocks)} user agents, {len(self.sitemaps)} sitemaps>"

    @classmethod
    def parse(cls, body: bytes) -> RobotsRules:
        """Return the rules of a robots.txt. Whatever the bytes are, this does not raise."""
        blocks: dict[str, list[_Block]] = {}
        sitemaps: dict[str, None] = {}
        block = _Block()  # of nobody: rules before the first user-agent line
        is_naming = False  # between user-agent lines and their first rule
        for line in directives(body):
            if line.name == "user-agent":
                if not is_naming:
                    block, is_naming = _Block(), True
                named = blocks.setdefault(_agent_of_line(line.value), [])
                if not named or named[-1] is not block:
                    named.append(block)
            elif line.name in ("allow", "disallow"):
                is_naming = False
                if line.value:
                    block.rules.append(_Rule.of(line))
            elif line.name == "sitemap" and line.value:
                sitemaps[line.value] = None
            elif line.name == "crawl-delay" and block.crawl_delay is None:
                block.crawl_delay = _seconds(line.value)
            elif line.name == "request-rate" and block.request_rate is None:
                block.request_rate = _rate(line.value)
        blocks.pop("", None)
        return cls(blocks, list(sitemaps))

    @classmethod
    def of_response(cls, status: int, body: bytes) -> RobotsRules:
        """Return the rules that a response to the request for a robots.txt means (RFC 9309 section 2.3.1).

        A redirect that was not followed to its end is like a 4xx: there is none, everything is allowed.
        """
        if 200 <= status < 300:
            return cls.parse(body)
        if status >= 500:
            return cls.unreachable(f"robots.txt answered with status {status}")
        return cls.missing(f"status {status}")

    @classmethod
    def missing(cls, reason: str) -> RobotsRules:
        """Return rules that allow everything, for a host without a robots.txt (RFC 9309 section 2.3.1.3)."""
        return cls({}, verdict=(True, f"no robots.txt: {reason}"))

    @classmethod
    def unreachable(cls, reason: str = "robots.txt could not be fetched") -> RobotsRules:
        """Return rules that allow nothing, for a host whose robots.txt is not known (RFC 9309 section 2.3.1.4)."""
        return cls({}, verdict=(False, reason))

    # Hot: once per request.
    def decision(self, url: str, user_agent: str) -> tuple[bool, str]:
        """Return whether *user_agent* may fetch *url*, and the line that says so; the line is empty if none does.

        The longest matching pattern wins, Allow wins a tie, and what nothing matches is allowed. So is */robots.txt*.
        """
        if self._verdict is not None:
            return self._verdict
        group = self._groups.get(user_agent) or self._group(user_agent)
        if not group.lengths:
            return True, ""
        path = path_of(url)
        if path == "/robots.txt":
            return True, ""
        best = group.best(path)
        return (True, "") if best is None else (best.is_allow, best.text)

    def allowed(self, url: str, user_agent: str) -> bool:
        """Tell whether *user_agent* may fetch *url*."""
        return self.decision(url, user_agent)[0]

    def crawl_delay(self, user_agent: str) -> float | None:
        """Return the seconds between two requests that are asked of *user_agent*, None if nothing is asked."""
        return self._group(user_agent).crawl_delay

    def request_rate(self, user_agent: str) -> tuple[int, float] | None:
        """Return (requests, seconds) that are asked of *user_agent* at most, None if nothing is asked."""
        return self._group(user_agent).request_rate

    def _group(self, user_agent: str) -> _Group:
        group = self._groups.get(user_agent)
        if group is None:
            token = product_token(user_agent).lower()
            blocks = self._blocks.get(token) or self._blocks.get("*") or ()
            group = self._groups[user_agent] = _Group(blocks)
        return group


class _Group:
    """All that is said to one user agent, sorted so that a decision looks at the few rules that may match."""

    __slots__ = ("crawl_delay", "index", "index_pages", "lengths", "request_rate")

    def __init__(self, blocks: Sequence[_Block]) -> None:
        rules = list(dict.fromkeys(rule for block in blocks for rule in block.rules))
        self.crawl_delay = next((block.crawl_delay for block in blocks if block.crawl_delay is not None), None)
        self.request_rate = next((block.request_rate for block in blocks if block.request_rate is not None), None)
        self.index: dict[str, list[_Rule]] = {}  # by what the pattern begins with, up to its first wildcard
        for rule in rules:
            for prefix in {rule.parts[0], rule.decoded_parts[0]}:
                self.index.setdefault(prefix, []).append(rule)
        self.lengths = sorted({len(prefix) for prefix in self.index})
        self.index_pages = [rule for rule in rules if rule.index_parts]

    def best(self, path: str) -> _Rule | None:
        """Return the rule that decides about *path*, None if none matches."""
        best, priority = None, 0
        decoded = _normal(path) if "%" in path else path
        for rule in self.candidates(path, decoded):
            found = rule.match(path, decoded)
            if found > priority or (found == priority and best is not None and rule.is_allow and not best.is_allow):
                best, priority = rule, found
        return best

    def candidates(self, path: str, decoded: str) -> list[_Rule]:
        """Return the rules that may match: those that begin as *path* does."""
        index = self.index
        rules: list[_Rule] = []
        for length in self.lengths:
            if length > len(path):
                break
            if found := index.get(path[:length]):
                rules += found
            if decoded is not path and decoded[:length] != path[:length] and (found := index.get(decoded[:length])):
                rules += found
        return rules + self.index_pages if path.endswith("/") else rules


@dataclass(frozen=True, slots=True)
class _Rule:
    """An Allow or Disallow, its pattern cut at the wildcards; ``text`` is not part of what it is.

    An Allow of ``/folder/index.html`` is also one of ``/folder/$``, which are its ``index_parts``.
    """

    is_allow: bool
    priority: int
    parts: tuple[str, ...]
    is_anchored: bool
    decoded_parts: tuple[str, ...]
    index_parts: tuple[str, ...] = ()
    text: str = field(default="", compare=False)

    @classmethod
    def of(cls, line: Directive) -> _Rule:
        pattern = escaped(line.value)
        is_allow = line.name == "allow"
        is_anchored = pattern.endswith("$")
        parts = tuple((pattern[:-1] if is_anchored else pattern).split("*"))
        decoded = parts if is_allow else tuple(_normal(part) for part in parts)
        folder, slash, name = pattern.rpartition("/")
        index = tuple((folder + slash).split("*")) if is_allow and name.startswith("index.htm") else ()
        return cls(is_allow, len(pattern), parts, is_anchored, decoded, index, line.text)

    def match(self, path: str, decoded: str) -> int:
        """Return how specific the match with *path* is, -1 if there is none."""
        if _fits(self.parts, path, is_anchored=self.is_anchored):
            return self.priority
        if self.index_parts and _fits(self.index_parts, path, is_anchored=True):
            return sum(map(len, self.index_parts)) + len(self.index_parts)  # the length of that pattern and its $
        if not self.is_allow and _fits(self.decoded_parts, decoded, is_anchored=self.is_anchored):
            return self.priority
        return -1


def _fits(parts: tuple[str, ...], path: str, *, is_anchored: bool) -> bool:
    """Tell whether *path* begins with *parts*, anything being between them; is all of it if *is_anchored*."""
    if not path.startswith(parts[0]):
        return False
    place = len(parts[0])
    if len(parts) == 1:
        return not is_anchored or place == len(path)
    for part in parts[1:-1]:
        place = path.find(part, place)
        if place == -1:
            return False
        place += len(part)
    last = parts[-1]
    if is_anchored:
        return len(path) - len(last) >= place and path.endswith(last)
    return path.find(last, place) != -1


def directives(body: bytes) -> Iterator[Directive]:
    """Yield the lines of a robots.txt that say anything, also those that nobody understands."""
    for mark in (b"\xef", b"\xbb", b"\xbf"):  # a byte order mark, whole or cut
        if not body.startswith(mark):
            break
        body = body[1:]
    if len(body) > MAX_BYTES:
        body = body[: max(body.rfind(b"\n", 0, MAX_BYTES), body.rfind(b"\r", 0, MAX_BYTES)) + 1]
    for number, line in enumerate(_LINE_END.split(body), 1):
        text = line[:MAX_LINE].partition(b"#")[0].strip(_SPACES).decode("utf-8", "surrogateescape")
        if not text:
            continue
        key, colon, value = text.partition(":")
        if not colon:
            words = _BLANKS.split(text)
            if len(words) != 2:
                continue
            key, value = words
        key = key.strip(_SPACES_TEXT).lower()
        if key:
            yield Directive(number, _name(key), value.strip(_SPACES_TEXT), text)


def _name(key: str) -> str:
    for spelling, name in _NAMES.get(key[0], ()):
        if key.startswith(spelling):
            return name
    return "unknown"


def path_of(url: str) -> str:
    """Return the path and query of *url*, which is what patterns are matched with."""
    found = _PATH.match(url)
    path = found[1] if found is not None else ""
    return path if path.startswith("/") else "/" + path


def escaped(pattern: str) -> str:
    """Return *pattern* as it appears in URLs: percent-encoded where it is not ASCII, with upper-case digits."""
    if not pattern.isascii():
        raw = pattern.encode("utf-8", "surrogateescape")
        pattern = "".join(chr(byte) if byte < 128 else f"%{byte:02X}" for byte in raw)
    if "%" not in pattern:
        return pattern
    return re.sub(r"%[0-9a-fA-F]{2}", lambda match: match[0].upper(), pattern)


def _normal(text: str) -> str:
    """Return *text* without percent-encoding where none is needed (RFC 3986 section 6.2.2.2)."""
    if "%" not in text:
        return text
    return _UNRESERVED.sub(lambda match: unquote_to_bytes(match[0]).decode("ascii"), escaped(text))


def product_token(user_agent: str) -> str:
    """Return the name under which a robots.txt speaks to *user_agent*.

    ``mybot/1.0 (+https://mybot.example)`` is mybot, ``Mozilla/5.0 (compatible; MyBot/2.1)`` is MyBot. What has no slash
    is taken whole: it is a token, or matches no group.
    """
    name, slash, _ = user_agent.partition("/")
    if name == "Mozilla" and (compatible := _COMPATIBLE.search(user_agent)):
        name, slash = compatible[1], "/"
    found = _TOKEN.match(name.strip())
    if found is None or (not slash and " " in name.strip()):
        return name.strip()
    return found[0]


def _agent_of_line(value: str) -> str:
    """Return the token of a user-agent line in lower case, ``*`` for everybody, empty for nobody."""
    if value[:1] == "*" and (len(value) == 1 or value[1] in _SPACES_TEXT):
        return "*"
    found = _TOKEN.match(value)
    return found[0].lower() if found else ""


def _seconds(value: str) -> float | None:
    found = _NUMBER.match(value)
    return float(found[0]) if found else None


def _rate(value: str) -> tuple[int, float] | None:
    """Return what ``5/10`` or ``1/10m`` means; a time of day behind it (``0600-0845``) is not looked at."""
    found = _RATE.match(value)
    if found is None or int(found[1]) == 0 or int(found[2]) == 0:
        return None
    return int(found[1]), float(int(found[2]) * _UNITS[found[3].lower()])
