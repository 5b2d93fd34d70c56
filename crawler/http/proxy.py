"""Proxies: what a proxy's URL says, and which proxy the request for a URL goes through. Pure.

    parse_proxy("http://me:secret@proxy.example:3128")      # http, https, socks5, socks5h
    rules = ProxyRules.from_environment(os.environ)
    rules.proxy_for("https://example.org/")                 # a Proxy, or None

* Credentials come from the proxy's URL, percent-decoded, and from nowhere else. They are in no repr and no text.
* ``socks5`` resolves names here, ``socks5h`` lets the proxy do it. A port that is not given is 80, 443 or 1080.
* The environment is read as curl reads it: ``http_proxy``, ``https_proxy``, ``all_proxy`` and ``no_proxy``, in small letters or
  large ones. ``HTTP_PROXY`` does not count in a CGI script, where a visitor can set it. The machine itself is
  never asked through a proxy of the environment.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from urllib.parse import unquote, urlsplit

from crawler.exceptions import InvalidURLError
from crawler.url import DEFAULT_PORTS, SplitURL, ensure_absolute, split

_PORTS = {"http": 80, "https": 443, "socks5": 1080, "socks5h": 1080}

_FORM = "http://user:password@host:port"

# RFC 1929 has one byte for the length of each.
_MAX_SOCKS_TEXT = 255


@dataclass(frozen=True, slots=True)
class Proxy:
    """A proxy and who we are there. ``authorization`` is the value of Proxy-Authorization, empty for none."""

    scheme: str
    host: str
    port: int
    user: str = field(default="", repr=False)
    password: str = field(default="", repr=False)
    authorization: bytes = field(default=b"", repr=False)

    @property
    def url(self) -> str:
        """The URL without credentials, as it may be shown."""
        return f"{self.scheme}://{self.place}"

    @property
    def place(self) -> str:
        """Host and port."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def is_socks(self) -> bool:
        """Whether it speaks SOCKS, and not HTTP."""
        return self.scheme.startswith("socks")

    def __str__(self) -> str:
        return self.url


def parse_proxy(text: str, *, encoding: str = "utf-8") -> Proxy:
    """Return the proxy that *text* names; user and password go out in *encoding*.

    Raises InvalidURLError that quotes nothing of *text* but its scheme: any part of a URL that is none may be the password.
    """
    try:
        parts = urlsplit(text.strip() if "://" in text else f"http://{text.strip()}")
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise InvalidURLError(f"it is no URL; write {_FORM}") from None
    scheme = parts.scheme.lower()
    if scheme not in _PORTS:
        raise InvalidURLError(
            f"it is of a kind that is not spoken, {scheme}; write {_FORM} or with https, socks5 or socks5h"
        )
    if not host or not host.isascii() or not host.isprintable() or " " in host:
        raise InvalidURLError(f"it names no host; write {_FORM}")
    user, password = unquote(parts.username or ""), unquote(parts.password or "")
    try:
        authorization = (
            _basic(user, password, encoding) if (user or password) and not scheme.startswith("socks") else b""
        )
    except (UnicodeError, LookupError):
        raise InvalidURLError(
            f"the credentials of the proxy {host} cannot be written in {encoding!r}; see http.proxy_auth_encoding"
        ) from None
    if scheme.startswith("socks") and max(len(user.encode()), len(password.encode())) > _MAX_SOCKS_TEXT:
        raise InvalidURLError(f"the credentials of the proxy {host} are longer than SOCKS can tell (255 bytes)")
    return Proxy(scheme, host, _PORTS[scheme] if port is None else port, user, password, authorization)


def _basic(user: str, password: str, encoding: str) -> bytes:
    return b"Basic " + b64encode(f"{user}:{password}".encode(encoding))


class Bypass:
    """The hosts that are asked directly, by the rules of ``no_proxy``.

    ``*`` is every host; ``example.org``, ``.example.org`` and ``*.example.org`` are that domain and all below it; then there
    are addresses, networks (``10.0.0.0/8``), and any but ``*`` with a port.
    """

    def __init__(self, rules: Iterable[str] = (), *, this_machine: bool = False) -> None:
        self._all = False
        self._this_machine = this_machine
        self._networks: list[tuple[IPv4Network | IPv6Network, int | None]] = []
        self._domains: set[tuple[str, int | None]] = set()
        for rule in rules:
            if rule.strip():
                self._add(rule.strip().lower())

    def _add(self, rule: str) -> None:
        if rule == "*":
            self._all = True
            return
        name, port = rule, None
        before, colon, after = rule.rpartition(":")
        if colon and after.isdecimal() and (":" not in before or before.endswith("]")):
            name, port = before, int(after)
        try:
            self._networks.append((ip_network(name.strip("[]"), strict=False), port))
        except ValueError:
            self._domains.add((_ascii(name.removeprefix("*").strip(".")), port))

    def covers(self, parts: SplitURL) -> bool:
        """Tell whether the host of a URL, given by its parts, is asked directly."""
        if self._all:
            return True
        host = parts.host.rstrip(".")
        port = parts.port or DEFAULT_PORTS.get(parts.scheme)
        try:
            address = ip_address(host.partition("%")[0])
        except ValueError:
            if self._this_machine and (host == "localhost" or host.endswith(".localhost")):
                return True
            while host:
                if (host, None) in self._domains or (host, port) in self._domains:
                    return True
                host = host.partition(".")[2]
            return False
        if self._this_machine and address.is_loopback:
            return True
        return any(address in network for network, only in self._networks if only in (None, port))


def _ascii(name: str) -> str:
    """Return *name* as URLs have it."""
    try:
        return name if name.isascii() else split(ensure_absolute(f"http://{name}/")).host
    except InvalidURLError:
        return name


@dataclass(frozen=True, slots=True)
class ProxyRules:
    """Which proxy goes with which scheme, ``all`` with those that are not named; and who is asked directly."""

    by_scheme: Mapping[str, Proxy] = field(default_factory=dict)
    bypass: Bypass = field(default_factory=Bypass)

    def __bool__(self) -> bool:
        return bool(self.by_scheme)

    def proxy_for(self, url: str) -> Proxy | None:
        """Return the proxy through which *url* is asked for, None for none."""
        parts = split(url)
        proxy = self.by_scheme.get(parts.scheme) or self.by_scheme.get("all")
        return None if proxy is None or self.bypass.covers(parts) else proxy

    @classmethod
    def from_environment(
        cls, environ: Mapping[str, str], *, bypass: Iterable[str] = (), encoding: str = "utf-8"
    ) -> ProxyRules:
        """Return the rules that the variables of *environ* make; *bypass* is added to its ``no_proxy``."""
        by_scheme = {}
        for scheme in ("http", "https", "all"):
            name, text = _variable(environ, f"{scheme}_proxy")
            if text:
                try:
                    by_scheme[scheme] = parse_proxy(text, encoding=encoding)
                except InvalidURLError as error:
                    raise InvalidURLError(f"the environment variable {name}: {error}") from None
        _, excepted = _variable(environ, "no_proxy")
        return cls(by_scheme, Bypass([*excepted.replace(" ", ",").split(","), *bypass], this_machine=True))


def _variable(environ: Mapping[str, str], name: str) -> tuple[str, str]:
    """Return the name under which a variable is set, small letters first, and its value."""
    for one in (name, name.upper()):
        # A CGI server hands the header "Proxy" of its visitor to its scripts as HTTP_PROXY.
        if one in environ and not (one == "HTTP_PROXY" and "REQUEST_METHOD" in environ):
            return one, environ[one].strip()
    return name, ""
