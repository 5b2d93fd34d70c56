"""The Cookie header of a request: written from names and values, and read back where somebody wrote it by hand.

RFC 6265bis section 5.8.3. What cannot stand in one pair is refused, so that no value can add a cookie or a header.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from crawler.http.setcookie import bytes_of, text_of

if TYPE_CHECKING:
    from collections.abc import Iterable

# Octets of one Cookie header. Servers refuse more than 8 to 16 KiB of all headers, so what is beyond is a bomb.
MAX_HEADER = 32 * 1024


def render(pairs: Iterable[tuple[str, str]]) -> bytes:
    """Return the value of a Cookie header for *pairs* of name and value, without those that would make it a bomb."""
    parts: list[bytes] = []
    size = 0
    for name, value in pairs:
        part = bytes_of(f"{name}={value}")
        if size + len(part) <= MAX_HEADER:
            parts.append(part)
            size += len(part) + 2
    return b"; ".join(parts)


def pairs_of(header: bytes | str) -> list[tuple[str, str]]:
    """Return the (name, value) pairs of a Cookie header that somebody wrote by hand."""
    pairs = (part.partition("=") for part in text_of(header).split(";"))
    return [(name.strip(), value.strip()) for name, _, value in pairs if name.strip()]


def check(name: str, value: str) -> None:
    """Raise ValueError if *name* and *value* cannot be written into one Cookie header pair."""
    if not name or any(char in name for char in "=;\r\n\0"):
        raise ValueError(f"cookie name {name!r}: write one or more characters without '=', ';' and line breaks")
    if any(char in value for char in ";\r\n\0"):
        raise ValueError(
            f"the value of cookie {name!r} holds ';', a line break or NUL, which a Cookie header cannot carry"
        )
