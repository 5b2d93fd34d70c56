"""Public suffixes: under which names anybody may register a domain ("co.uk", "github.io").

The list of publicsuffix.org as the library publicsuffixlist ships it, private section included; never fetched. It takes
some tens of milliseconds to read, so that is done when the first question is asked: when the first cookie with a Domain
attribute arrives.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from publicsuffixlist import PublicSuffixList


@cache
def _suffixes() -> PublicSuffixList:
    from publicsuffixlist import PublicSuffixList  # on first use: most crawls never ask

    return PublicSuffixList()


def is_public_suffix(domain: str) -> bool:
    """Tell whether anybody may register names directly under *domain*, a lower-case name in ASCII form."""
    return bool(domain) and _suffixes().privatesuffix(domain) is None


def registrable_domain(host: str) -> str | None:
    """Return the domain that was registered by the owner of *host*, None if *host* is a public suffix or no name.

    ``"www.example.co.uk"`` gives ``"example.co.uk"``. *host* may be written in Unicode; the answer is written like it.
    """
    host = host.lower().removesuffix(".")
    if not host or host.startswith("."):
        return None
    try:
        name = host if host.isascii() else host.encode("idna").decode("ascii")
    except UnicodeError:
        return None
    found = _suffixes().privatesuffix(name)
    if found is None:
        return None
    return ".".join(host.split(".")[-(found.count(".") + 1) :])
