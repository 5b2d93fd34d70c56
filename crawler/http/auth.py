"""HTTP authentication: basic (RFC 7617), bearer (RFC 6750) and digest (RFC 7616), always bound to where it is for.

    credentials = Credentials(user="me", password="secret", domain="example.com")
    if credentials.are_for(url):
        value = credentials.basic()

``domain`` is a domain (it and everything below it, any port) or an origin such as ``https://example.com``. There is no
way to write "everywhere". Pure: client nonces are passed in.
"""

from __future__ import annotations

import hashlib
import re
from base64 import b64encode
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from crawler.url import origin, split

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_TOKEN = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
_PART = re.compile(rf"""[\s,]*(?:({_TOKEN})\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]+))|({_TOKEN})(?:\s+|,|\Z))""")

_HASHES: dict[str, Callable[[bytes], str]] = {
    "md5": lambda text: hashlib.md5(text, usedforsecurity=False).hexdigest(),
    "sha-256": lambda text: hashlib.sha256(text).hexdigest(),
    "sha-512-256": lambda text: hashlib.new("sha512_256", text).hexdigest(),
}

# What a server offers is answered with the first of these.
_STRONGEST_FIRST = ("sha-512-256", "sha-256", "md5")


@dataclass(frozen=True, slots=True)
class Credentials:
    """Who we are, and where we say so. With a *token* the scheme is bearer; else ``basic`` or ``digest``."""

    domain: str
    user: str = ""
    password: str = field(default="", repr=False)
    token: str = field(default="", repr=False)
    scheme: str = "basic"

    def are_for(self, url: str) -> bool:
        """Tell whether the request for *url* may carry them."""
        if not self.domain:
            return False
        if "://" in self.domain:
            return origin(url) == origin(self.domain)
        host, domain = split(url).host, self.domain.lower().lstrip(".")
        return host == domain or host.endswith("." + domain)

    def header(self) -> bytes:
        """Return the value of an Authorization header that needs no challenge."""
        if self.token:
            return b"Bearer " + self.token.encode("ascii")
        return basic(self.user, self.password)


def basic(user: str, password: str) -> bytes:
    """Return the value of an Authorization header with *user* and *password*, in UTF-8."""
    return b"Basic " + b64encode(f"{user}:{password}".encode())


@dataclass(frozen=True, slots=True)
class Challenge:
    """A Digest challenge of a server, good for many requests; ``parameters`` have lower-case names."""

    parameters: dict[str, str]

    @property
    def nonce(self) -> str:
        """What the server counts our requests by."""
        return self.parameters.get("nonce", "")

    @property
    def is_stale(self) -> bool:
        """Whether the server says that only the nonce was too old, not the password wrong."""
        return self.parameters.get("stale", "").lower() == "true"

    @property
    def algorithm(self) -> str:
        """The hash, in lower case and without ``-sess``."""
        return self.parameters.get("algorithm", "MD5").lower().removesuffix("-sess")

    def answer(
        self, user: str, password: str, *, method: str, url: str, body: bytes = b"", count: int, client_nonce: str
    ) -> bytes:
        """Return the Authorization header of a request; *count* is how often the nonce was used, from 1."""
        given, digest = self.parameters, _HASHES[self.algorithm]
        uri = _target(url)
        realm, opaque = given.get("realm", ""), given.get("opaque")
        offered = [word.strip().lower() for word in given.get("qop", "").split(",")]
        qop = next((one for one in ("auth", "auth-int") if one in offered), "")

        def hashed(*words: str) -> str:
            return digest(
                ":".join(words).encode("utf-8" if given.get("charset", "").lower() == "utf-8" else "latin-1", "replace")
            )

        who = hashed(user, realm, password)
        if given.get("algorithm", "").lower().endswith("-sess"):
            who = hashed(who, self.nonce, client_nonce)
        what = hashed(method, uri, digest(body)) if qop == "auth-int" else hashed(method, uri)
        number = f"{count:08x}"
        response = hashed(who, self.nonce, number, client_nonce, qop, what) if qop else hashed(who, self.nonce, what)
        hides_user = given.get("userhash", "").lower() == "true"
        fields = {
            "username": hashed(user, realm) if hides_user else user,
            "realm": realm,
            "nonce": self.nonce,
            "uri": uri,
            "response": response,
        }
        words = [f'{name}="{_quoted(value)}"' for name, value in fields.items()]
        if opaque is not None:
            words.append(f'opaque="{_quoted(opaque)}"')
        if "algorithm" in given:
            words.append(f"algorithm={given['algorithm']}")
        if qop:
            words += [f"qop={qop}", f"nc={number}", f'cnonce="{client_nonce}"']
        if hides_user:
            words.append("userhash=true")
        return ("Digest " + ", ".join(words)).encode("utf-8")


def _target(url: str) -> str:
    """Return what the request line for *url* names: its path and query as they stand there, an empty query too."""
    place = url.partition("#")[0].partition("://")[2]
    path = place[len(re.split(r"[/?]", place, maxsplit=1)[0]) :]
    return path if path.startswith("/") else f"/{path}"


def digest_challenge(headers: Sequence[bytes]) -> Challenge | None:
    """Return the strongest Digest challenge of WWW-Authenticate *headers* that we can answer, None if there is none."""
    found = [
        Challenge(parameters)
        for header in headers
        for scheme, parameters in challenges(header.decode("utf-8", "replace"))
        if scheme == "digest" and parameters.get("nonce")
    ]
    able = [one for one in found if one.algorithm in _HASHES and _TOKEN_ONLY.fullmatch(one.algorithm)]
    return min(able, key=lambda one: _STRONGEST_FIRST.index(one.algorithm)) if able else None


_TOKEN_ONLY = re.compile(_TOKEN)


def challenges(header: str) -> list[tuple[str, dict[str, str]]]:
    """Return (scheme, parameters) of every challenge of a WWW-Authenticate *header*, names in lower case."""
    found: list[tuple[str, dict[str, str]]] = []
    place = 0
    while match := _PART.match(header, place):
        name, quoted, bare, scheme = match.groups()
        if scheme is not None:
            found.append((scheme.lower(), {}))
        elif found:
            value = bare if bare is not None else re.sub(r"\\(.)", r"\1", quoted)
            found[-1][1].setdefault(name.lower(), value)
        place = match.end()
    return found


def _quoted(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\r", "").replace("\n", "")
