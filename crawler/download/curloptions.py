"""What libcurl is told for a request: its options, by what the request and the settings say."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from crawler.download.guard import literal
from crawler.download.tls import TLSOptions, is_among
from crawler.http.decode import ACCEPT_ENCODING

if TYPE_CHECKING:
    from crawler.download.proxy import Way
    from crawler.download.transport import FetchLimits
    from crawler.http import Request
    from crawler.http.proxy import Proxy

#: An option of libcurl, and its value.
Wanted = tuple[Any, Any]

# What curl itself says from the request that it is given.
_OWN_HEADERS = frozenset({b"Content-Length", b"Transfer-Encoding", b"Connection", b"Proxy-Authorization"})

# What curl would add by itself.
_ADDED = (b"Accept", b"User-Agent", b"Expect", b"Content-Type")

# Methods of which a server wants to know the length of the body, even of none.
_BODY_EXPECTED = frozenset({"POST", "PUT", "PATCH"})

# CURL_SSLVERSION_...; the newest one is told in the upper half.
_VERSIONS = {"1.0": 4, "1.1": 5, "1.2": 6, "1.3": 7}


@dataclass(frozen=True, slots=True)
class CurlOptions:
    """What holds for all requests; *impersonate* is a browser or empty, *keep* the most connections that are kept."""

    verify: bool = True
    ca_file: str = ""
    impersonate: str = ""
    http3: bool = False
    max_header_bytes: int = 256 * 1024
    bind_address: str = ""
    compression: bool = True
    tls: TLSOptions = TLSOptions()


def wanted_of(
    curl: Any,
    request: Request,
    limits: FetchLimits,
    options: CurlOptions,
    *,
    way: Way | None,
    place: tuple[str, int, Sequence[Any]],
    browser: str = "",
) -> list[Wanted]:
    """Return the options for *request* to the host, port and admitted addresses of *place*, *way* being how it leaves."""
    option, (host, port, addresses) = curl.CurlOpt, place
    version = curl.CurlHttpVersion.V3 if options.http3 else curl.CurlHttpVersion.V2TLS
    body = request.body
    wanted: list[Wanted] = [
        (option.URL, request.url.partition("#")[0].encode()),
        (option.CUSTOMREQUEST, request.method.encode()),
        (option.NOBODY, int(request.method == "HEAD")),
        (option.HTTPHEADER, _lines(request, options)),
        (option.HTTP_VERSION, version),
        (option.FOLLOWLOCATION, 0),
        (option.PROTOCOLS_STR, b"http,https"),
        (option.SUPPRESS_CONNECT_HEADERS, 1),
        (option.DNS_CACHE_TIMEOUT, -1),  # what the guard has admitted holds, and nothing is looked up again
        (option.PATH_AS_IS, 1),
        (option.CONNECTTIMEOUT_MS, int(limits.connect_timeout * 1000)),
        (option.TIMEOUT_MS, int(limits.timeout * 1000)),
        (option.SSL_VERIFYPEER, int(options.verify)),
        (option.SSL_VERIFYHOST, 2 if options.verify else 0),
        (option.PROXY, b""),  # the environment's is the crawler's to read
    ]
    if body or request.method in _BODY_EXPECTED:
        wanted += [(option.POSTFIELDS, body), (option.POSTFIELDSIZE, len(body))]
    wanted += _tls(option, options.tls, host, browser)
    if options.ca_file:
        wanted.append((option.CAINFO, options.ca_file.encode()))
    if addresses and literal(host) is None:
        shown = ",".join(f"[{one}]" if one.version == 6 else str(one) for one in addresses)
        # With a plus, since a name that begins with a minus would else be one to forget.
        wanted.append((option.RESOLVE, [f"+{host}:{port}:{shown}".encode()]))
    bind = (way.bind_address if way is not None else "") or options.bind_address
    if bind:
        wanted.append((option.INTERFACE, bind.encode()))
    if way is not None and way.proxy is not None:
        wanted += _through(option, way.proxy)
    return wanted


def _tls(option: Any, tls: TLSOptions, host: str, browser: str) -> list[Wanted]:
    wanted: list[Wanted] = []
    if not browser:  # whose handshake has its own
        newest = _VERSIONS[tls.newest] << 16 if tls.newest else 0
        wanted.append((option.SSLVERSION, _VERSIONS[tls.oldest] | newest))
        if tls.ciphers:
            wanted.append((option.SSL_CIPHER_LIST, tls.ciphers.encode()))
    if tls.certificate and is_among(host.rstrip("."), [one.lower().rstrip(".") for one in tls.certificate_hosts]):
        wanted.append((option.SSLCERT, tls.certificate.encode()))
        wanted.append((option.SSLKEY, (tls.key or tls.certificate).encode()))
    return wanted


def _through(option: Any, proxy: Proxy) -> list[Wanted]:
    wanted: list[Wanted] = [(option.PROXY, proxy.url.encode()), (option.NOPROXY, b"")]
    if proxy.user or proxy.password:
        wanted += [(option.PROXYUSERNAME, proxy.user.encode()), (option.PROXYPASSWORD, proxy.password.encode())]
    elif proxy.authorization:  # a header that the request has for it
        wanted += [(option.HEADEROPT, 1), (option.PROXYHEADER, [b"Proxy-Authorization: " + proxy.authorization])]
    return wanted


def _lines(request: Request, options: CurlOptions) -> list[bytes]:
    """Return the header lines of the request, in their order."""
    headers = request.headers
    lines = [
        name + b": " + value if value else name + b";"
        for name, value in headers.raw_items()
        if name.title() not in _OWN_HEADERS
    ]
    if options.compression and b"Accept-Encoding" not in headers:
        lines.append(b"Accept-Encoding: " + ACCEPT_ENCODING)
    lines += [name + b":" for name in _ADDED if name not in headers]
    return lines
