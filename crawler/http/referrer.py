"""Referrer policies: what a page tells the next one about where its visitor comes from.

W3C Referrer Policy. Pure; a policy is a name that is looked up, never anything that is imported or called.
"""

from __future__ import annotations

import re

from crawler.url import defrag, origin

#: The names of the W3C recommendation, and Scrapy's default under its own name.
REFERRER_POLICIES = (
    "no-referrer",
    "no-referrer-when-downgrade",
    "same-origin",
    "origin",
    "strict-origin",
    "origin-when-cross-origin",
    "strict-origin-when-cross-origin",
    "unsafe-url",
    "scrapy-default",
)

_WEB = ("http://", "https://")


def referrer(policy: str, source: str, target: str) -> str | None:
    """Return the Referer of a request for *target* found on *source*, None to send none.

    User name, password and fragment are never sent. Raises KeyError for a policy that is not in REFERRER_POLICIES.
    """
    came_from, goes_to = origin(source), origin(target)
    if policy == "no-referrer" or not came_from.startswith(_WEB) or not goes_to.startswith(_WEB):
        return None
    is_downgrade = came_from.startswith("https:") and not goes_to.startswith("https:")
    is_same_origin, site = came_from == goes_to, f"{came_from}/"
    page = _without_credentials(source) if "@" in source or "#" in source else source
    match policy:
        case "unsafe-url":
            return page
        case "origin":
            return site
        case "same-origin":
            return page if is_same_origin else None
        case "origin-when-cross-origin":
            return page if is_same_origin else site
        case "strict-origin":
            return None if is_downgrade else site
        case "no-referrer-when-downgrade" | "scrapy-default":
            return None if is_downgrade else page
        case "strict-origin-when-cross-origin":
            if is_same_origin:
                return page
            return None if is_downgrade else site
    raise KeyError(policy)


def _without_credentials(url: str) -> str:
    """Return *url* without user name, password and fragment."""
    url = defrag(url)
    scheme, _, rest = url.partition("://")
    authority = re.split(r"[/?\\]", rest, maxsplit=1)[0]
    return f"{scheme}://{rest[authority.rfind('@') + 1 :]}"
