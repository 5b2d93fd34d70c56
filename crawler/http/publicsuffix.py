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
