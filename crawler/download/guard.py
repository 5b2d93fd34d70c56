"""The guard: which addresses a crawl may connect to. Pure; asked for every address at the moment of connecting to it.

A page can name any host, and the owner of a name can let it point anywhere. So what a crawler may reach and its pages' authors may
not (the machine itself, the network around it, the metadata service of a cloud) is refused, unless

* the spider names the host in what its ``start()`` yields, or
* the setting ``http.allow_private`` names the host, the address or its network, or everything.

A host that the spider names is trusted with where it pointed first: one that was at a public address and moves to a private one
(DNS rebinding) is refused, and one that moves to a metadata address is, too. What a page leads to (links, redirects, robots.txt,
whatever a pipeline downloads) is never a reason to allow anything. A host that is asked through a proxy which resolves names is
only known by its name: there, the guard sees literal addresses and ``localhost``.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

import ada_url

from crawler.exceptions import PrivateAddressError, SettingsError
from crawler.url import split

Address = IPv4Address | IPv6Address

#: What cannot be reached from outside, by RFC 6890 and its successors; the first that fits gives the name.
_SPECIAL: list[tuple[str, str]] = [
    ("169.254.169.254/32", "cloud metadata"),
    ("169.254.170.2/32", "cloud metadata"),
    ("100.100.100.200/32", "cloud metadata"),
    ("192.0.0.192/32", "cloud metadata"),
    ("168.63.129.16/32", "cloud metadata"),
    ("fd00:ec2::254/128", "cloud metadata"),
    ("fd20:ce::254/128", "cloud metadata"),
    ("0.0.0.0/8", "unspecified"),
    ("10.0.0.0/8", "private"),
    ("100.64.0.0/10", "carrier-grade NAT"),
    ("127.0.0.0/8", "loopback"),
    ("169.254.0.0/16", "link-local"),
    ("172.16.0.0/12", "private"),
    ("192.0.0.0/24", "reserved"),
    ("192.0.2.0/24", "documentation"),
    ("192.88.99.0/24", "reserved"),
    ("192.168.0.0/16", "private"),
    ("198.18.0.0/15", "benchmarking"),
    ("198.51.100.0/24", "documentation"),
    ("203.0.113.0/24", "documentation"),
    ("224.0.0.0/4", "multicast"),
    ("255.255.255.255/32", "broadcast"),
    ("240.0.0.0/4", "reserved"),
    ("::/128", "unspecified"),
    ("::1/128", "loopback"),
    ("64:ff9b:1::/48", "private"),
    ("100::/64", "discard-only"),
    ("100:0:0:1::/64", "reserved"),
    ("2001:2::/48", "benchmarking"),
    ("2001:10::/28", "reserved"),
    ("5f00::/16", "reserved"),
    ("2001:db8::/32", "documentation"),
    ("3fff::/20", "documentation"),
    ("fc00::/7", "unique-local"),
    ("fe80::/10", "link-local"),
    ("fec0::/10", "site-local"),
    ("ff00::/8", "multicast"),
]

_METADATA = "cloud metadata"

_V4: list[tuple[IPv4Network, str]] = [(IPv4Network(one), kind) for one, kind in _SPECIAL if ":" not in one]
_V6: list[tuple[IPv6Network, str]] = [(IPv6Network(one), kind) for one, kind in _SPECIAL if ":" in one]

# IPv6 addresses that stand for an IPv4 address: where it is in them, in bits from the right.
_EMBEDDING = [
    (IPv6Network("::ffff:0:0/96"), 0),  # IPv4-mapped
    (IPv6Network("::ffff:0:0:0/96"), 0),  # IPv4-translated (SIIT)
    (IPv6Network("::/96"), 0),  # IPv4-compatible
    (IPv6Network("64:ff9b::/96"), 0),  # NAT64
    (IPv6Network("2002::/16"), 80),  # 6to4
]
_TEREDO = IPv6Network("2001::/32")
# ISATAP: the interface identifier says so, whatever the network.
_ISATAP = frozenset({0x00005EFE, 0x02005EFE})

# A crawl that begins at more hosts than this is a broad one, with no business in its own network.
_MAX_NAMED = 10_000


def special_kind(address: Address) -> str:
    """Return what makes *address* one that is not public ("loopback", "private", ...), empty for a public one."""
    if isinstance(address, IPv4Address):
        return next((kind for network, kind in _V4 if address in network), "")
    address = IPv6Address(int(address))  # without its scope
    kind = next((kind for network, kind in _V6 if address in network), "")
    return kind or next(filter(None, map(special_kind, _embedded(address))), "")


def _embedded(address: IPv6Address) -> list[Address]:
    """Return the IPv4 addresses that *address* leads to."""
    number = int(address)
    found = [IPv4Address(number >> shift & 0xFFFFFFFF) for network, shift in _EMBEDDING if address in network]
    if address in _TEREDO:
        found += [IPv4Address(number >> 64 & 0xFFFFFFFF), IPv4Address(~number & 0xFFFFFFFF)]
    if number >> 32 & 0xFFFFFFFF in _ISATAP:
        found.append(IPv4Address(number & 0xFFFFFFFF))
    return list(found)


def literal(host: str) -> Address | None:
    """Return the address that *host* is, None if it is a name."""
    if not host or (host[-1].isalpha() and ":" not in host):
        return None  # most names, quickly
    try:
        return ip_address(host.strip("[]"))
    except ValueError:
        return None


class NamedHosts:
    """The hosts that the spider starts at. *limit* bounds how many are kept: beyond it they are guarded as all others."""

    def __init__(self, hosts: Iterable[str] = (), *, limit: int = _MAX_NAMED) -> None:
        self._hosts = set(hosts)
        self._limit = limit

    def __repr__(self) -> str:
        return f"<NamedHosts {len(self._hosts)}>"

    def __contains__(self, host: str) -> bool:
        return host in self._hosts

    def __len__(self) -> int:
        return len(self._hosts)

    def add(self, url: str) -> None:
        """Add the host of a start request's *url*."""
        if len(self._hosts) < self._limit:
            self._hosts.add(_plain(split(url).host))

    def export(self) -> list[str]:
        """Return the hosts, for the job to keep."""
        return sorted(self._hosts)

    def restore(self, hosts: Iterable[str]) -> None:
        """Add *hosts* that were exported."""
        self._hosts.update(hosts)


class AllowedAddresses:
    """What ``http.allow_private`` allows: addresses, networks, host names, ``*.names``, or ``all``."""

    def __init__(self, rules: Iterable[str] = ()) -> None:
        self.everything = False
        self._networks: list[IPv4Network | IPv6Network] = []
        self._names: set[str] = set()
        for rule in rules:
            text = rule.strip().lower()
            if text == "all":
                self.everything = True
            elif (network := _network(text)) is not None:
                self._networks.append(network)
            elif _is_name(text):
                self._names.add(text.rstrip("."))
            else:
                raise SettingsError(
                    f"http.allow_private names {rule!r}; write an address, a network (10.0.0.0/8), a host (intranet.example), "
                    'all hosts below one (*.intranet.example), or "all"'
                )

    def allows(self, host: str, address: Address) -> bool:
        """Tell whether *host* may be at *address*, whatever kind of address that is."""
        if self.everything or host in self._names or any(address in network for network in self._networks):
            return True
        while host := host.partition(".")[2]:
            if f"*.{host}" in self._names:
                return True
        return False


def _network(text: str) -> IPv4Network | IPv6Network | None:
    try:
        return ip_network(text.strip("[]"), strict=False)
    except ValueError:
        return None


def _is_name(text: str) -> bool:
    name = text.removeprefix("*.")
    return bool(name) and all(one.isalnum() or one in "-._" for one in name) and not name[-1].isdigit()


def _plain(host: str) -> str:
    return host.rstrip(".").lower()


class Guard:
    """Tells what may be connected to. *named* are the hosts of the spider's start requests, *allowed* those of the settings."""

    def __init__(self, allowed: AllowedAddresses, named: NamedHosts) -> None:
        self._allowed = allowed
        self._named = named
        # The named hosts that were seen at a public address, and are held to it.
        self._public: set[str] = set()

    def __repr__(self) -> str:
        return f"<Guard {self._named}>"

    # Hot: once per new connection.
    def admitted(self, host: str, addresses: Sequence[Address]) -> list[Address]:
        """Return those of the *addresses* of *host* that may be connected to; raise PrivateAddressError if none may."""
        host = _plain(host)
        kinds = {address: special_kind(address) for address in addresses}
        if host in self._named and not all(kinds.values()):
            self._public.add(host)
        admitted = [address for address, kind in kinds.items() if not kind or self._may_be(host, address, kind)]
        if not admitted:
            raise self._refusal(host, *next(iter(kinds.items())))
        return admitted

    def check_name(self, host: str) -> None:
        """Raise PrivateAddressError if *host*, which a proxy will resolve, is a literal address that must not be asked."""
        address = literal(_as_browsers_read(host))
        if address is None and (_plain(host) == "localhost" or _plain(host).endswith(".localhost")):
            address = IPv4Address("127.0.0.1")
        if address is not None:
            self.admitted(host, [address])

    def _may_be(self, host: str, address: Address, kind: str) -> bool:
        if self._allowed.allows(host, address):
            return True
        # A metadata service is never what the owner of a name is trusted with.
        is_trusted = kind != _METADATA or literal(host) is not None
        return host in self._named and host not in self._public and is_trusted

    def _refusal(self, host: str, address: Address, kind: str) -> PrivateAddressError:
        if literal(host) is not None:
            what = f"{host} is a {kind} address, and no start request names it"
        elif host in self._public:
            what = f"{host} was at a public address and is now at {address}, a {kind} one"
        elif host in self._named:
            what = f"{host} is at {address}, a {kind} address"
        else:
            what = f"{host} is at {address}, a {kind} address, and no start request names it"
        return PrivateAddressError(
            f'{what}. If it is to be fetched, allow it: http.allow_private = ["{host}"]',
            host=host,
            address=str(address),
        )


def _as_browsers_read(host: str) -> str:
    """Return *host* as the URL standard writes it: an IPv4 address in decimal, hexadecimal or octal in the usual form."""
    try:
        return split(ada_url.normalize_url(f"http://{host}/")).host
    except ValueError:
        return host
