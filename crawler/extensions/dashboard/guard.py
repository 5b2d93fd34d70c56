"""Who may ask the dashboard: somebody with the token, whose browser shows a page of the dashboard itself.

Pure. A page of an attacker's in the same browser can send requests to loopback, and by a name that it lets resolve to 127.0.0.1
even read the answers. So a request needs all of these:

    Host      one of the addresses that the dashboard is served at: a name of somebody else's is refused (DNS rebinding)
    Origin    if there is one, the dashboard's own: another page's requests are refused, and no CORS header ever allows them
    token     in the Authorization header; for reading, also in the query, since that is how the URL is opened
    POST      for whatever changes something, with a JSON body: a form of another page cannot send one unasked
"""

from __future__ import annotations

import hmac
from collections.abc import Collection
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Asked:
    """What counts of a request."""

    method: str
    host: str
    origin: str | None = None
    authorization: str = ""
    query_token: str = ""
    content_type: str = ""


def refusal(asked: Asked, *, addresses: Collection[str], token: str) -> str:
    """Return why *asked* is refused, empty if it is not."""
    if asked.host.lower() not in addresses:
        return "this name is not the dashboard's"
    if asked.origin is not None and asked.origin.lower() not in {f"http://{address}" for address in addresses}:
        return "another page may not ask here"
    if asked.method not in ("GET", "HEAD", "POST"):
        return "there is no such method here"
    given = asked.authorization.removeprefix("Bearer ") if asked.authorization.startswith("Bearer ") else ""
    if asked.method != "POST":
        given = given or asked.query_token
    elif asked.content_type.partition(";")[0].strip().lower() != "application/json":
        return "a change is sent as application/json"
    if not hmac.compare_digest(given.encode(), token.encode()):
        return "the token is missing or wrong: open the URL that was printed when the crawl began"
    return ""


def addresses(host: str, port: int) -> frozenset[str]:
    """Return the values of Host under which *host* and *port* are known to a browser on this machine."""
    shown = f"[{host}]" if ":" in host else host
    names = {shown.lower()}
    if host in ("127.0.0.1", "::1", "localhost"):
        names |= {"127.0.0.1", "localhost", "[::1]"}
    return frozenset(f"{name}:{port}" for name in names)
