"""The wire: from a Request to a Response, or to a DownloadError that says why there is none.

downloader    the transport for a scheme, the limits of a request
transport     http and https through treq; the only module that knows treq
body          a body as it arrives, in memory or in a file
agent         kept connections (foreign: another agent in its place); connection, head, chunked: HTTP/1.1, read
dns           names to addresses; dialing: whichever address answers first; guard: which of them may be asked
curl          http and https through libcurl, where that is asked for: HTTP/2, HTTP/3, a browser's TLS
proxy         the way of a request, and connections through proxies; tunnel: CONNECT and SOCKS 5
wire          what goes out; phases: how long each step took
deadlines     many time limits on one timer
tls, local    TLS; file: and data:
errors        what can go wrong, as our errors that are also Twisted's
"""

from __future__ import annotations

import os
from importlib.util import find_spec
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING, Any

from crawler.download.agent import AgentOptions, ConnectionAgent
from crawler.download.body import BytesInHand, Spooling
from crawler.download.deadlines import Deadlines
from crawler.download.dialing import Dialer
from crawler.download.dns import PinnedHosts, Records, Resolver, SystemLookUp
from crawler.download.downloader import Downloader, FirstAsked, Transport
from crawler.download.foreign import ForeignAgent
from crawler.download.guard import AllowedAddresses, Guard, NamedHosts
from crawler.download.local import DataTransport, FileTransport
from crawler.download.phases import OnPhases, Phases
from crawler.download.proxy import Ways
from crawler.download.tls import TLSOptions, tls_policy
from crawler.download.transport import FetchLimits, TreqTransport, Watcher
from crawler.exceptions import InvalidURLError, SettingsError
from crawler.http.proxy import Bypass, ProxyRules, parse_proxy

if TYPE_CHECKING:
    from asyncio import AbstractEventLoop
    from collections.abc import Mapping

    from twisted.web.iweb import IAgent

    from crawler.download.curl import CurlTransport
    from crawler.settings import Settings
    from crawler.settings.schema import Http

__all__ = [
    "BytesInHand",
    "Downloader",
    "FetchLimits",
    "NamedHosts",
    "OnPhases",
    "Phases",
    "TreqTransport",
    "Watcher",
    "build_downloader",
    "proxy_rules",
]

# Idle connections over all hosts, for each request that may be on the wire: enough that the hosts which take part in a crawl
# at the time keep theirs, and far from the usual limit of 1,024 open files.
_KEPT_PER_PLACE = 4

# Look-ups at once: twice the requests on the wire, so that as many dead names as there are places hold up nobody. A look-up that
# was given up holds its thread until the system gives up, too.
_LOOK_UPS_PER_PLACE, _LEAST_LOOK_UPS, _MOST_LOOK_UPS = 2, 32, 256


def build_downloader(
    settings: Settings,
    *,
    reactor: Any,
    in_hand: BytesInHand,
    phases: OnPhases | None = None,
    loop: AbstractEventLoop | None = None,
    agent: IAgent | None = None,
    watcher: Watcher | None = None,
    named_hosts: NamedHosts | None = None,
) -> Downloader:
    """Return a downloader for *settings* on *reactor*, whose bodies are counted in *in_hand* while they arrive.

    An *agent* takes the place of the network, *watcher* sees what comes, *named_hosts* may be at private addresses, and *phases* is
    told the phases of each download. The transport on libcurl needs the asyncio *loop* that the reactor runs on.
    """
    http, places = settings.http, settings.crawl.concurrency
    spooling = Spooling(in_hand, http.spool_above, _spool_directory(http.spool_directory))
    deadlines = Deadlines(reactor)
    transports: dict[str, Transport] = {}
    connections = None
    named: dict[str, Transport] = {}
    ways = Ways({proxy.url: proxy for proxy in proxy_rules(http).by_scheme.values()}, encoding=http.proxy_auth_encoding)
    curl: FirstAsked | None = None
    if agent is None:
        guard = Guard(AllowedAddresses(http.allow_private), named_hosts if named_hosts is not None else NamedHosts())
        resolver = _resolver(http, reactor, places)
        connections = ConnectionAgent(
            _dialer(http, reactor, resolver, guard),
            tls_policy(_tls_options(http)),
            deadlines,
            AgentOptions(
                keep_alive=http.keep_alive,
                kept_per_origin=places,
                kept=places * _KEPT_PER_PLACE,
                max_header_bytes=http.max_header_bytes,
            ),
        )
        if loop is not None and (http.transport == "curl" or find_spec("curl_cffi") is not None):
            curl = named["curl"] = FirstAsked(
                lambda: _curl(http, loop, resolver, guard, ways, spooling=spooling, phases=phases)
            )
            if http.transport == "curl" or http.impersonate or http.http3:
                curl.made()  # what is wrong with it is told now
    web: Transport = TreqTransport(
        connections or ForeignAgent(agent),
        reactor,
        deadlines,
        compression=http.compression,
        watcher=watcher,
        ways=ways,
        spooling=spooling,
        phases=phases,
    )
    named["treq"] = web
    if http.transport == "curl" and curl is not None:
        web = curl.made()
    local: dict[str, Transport] = {"file": FileTransport(spooling), "data": DataTransport()}
    for scheme in http.schemes:
        transports[scheme] = local.get(scheme, web)

    async def close() -> None:
        if connections is not None:
            await connections.close()
        if curl is not None:
            await curl.close()
        deadlines.stop()

    limits = FetchLimits(
        connect_timeout=http.connect_timeout,
        first_byte_timeout=http.first_byte_timeout,
        timeout=http.timeout,
        max_body=http.max_body,
        fail_on_dataloss=http.fail_on_dataloss,
    )
    return Downloader(transports, limits, reactor, named=named, warn_body=http.warn_body, close=close)


def _curl(
    http: Http,
    loop: AbstractEventLoop,
    resolver: Resolver,
    guard: Guard,
    ways: Ways,
    *,
    spooling: Spooling,
    phases: OnPhases | None,
) -> CurlTransport:
    from crawler.download.curl import CurlTransport  # by those who ask for it
    from crawler.download.curloptions import CurlOptions

    options = CurlOptions(
        verify=http.verify_tls,
        ca_file=http.ca_file,
        impersonate=http.impersonate,
        http3=http.http3,
        max_header_bytes=http.max_header_bytes,
        bind_address=http.bind_address,
        compression=http.compression,
        tls=_tls_options(http),
    )
    return CurlTransport(loop, resolver, guard, ways, options, spooling=spooling, phases=phases)


def _resolver(http: Http, reactor: Any, places: int) -> Resolver:
    look_ups = min(_MOST_LOOK_UPS, max(_LEAST_LOOK_UPS, places * _LOOK_UPS_PER_PLACE))
    return Resolver(
        SystemLookUp(reactor, look_ups),
        reactor,
        Records(keep=http.dns_cache, size=http.dns_cache_size),
        timeout=http.dns_timeout,
        pinned=PinnedHosts(http.pinned_hosts),
    )


def _dialer(http: Http, reactor: Any, resolver: Resolver, guard: Guard) -> Dialer:
    if http.bind_address:
        try:
            ip_address(http.bind_address)
        except ValueError:
            raise SettingsError(
                f"http.bind_address = {http.bind_address!r}: it must be an address of this machine, such as 192.0.2.7"
            ) from None
    return Dialer(reactor, resolver, guard, http.connect_timeout, http.bind_address)


def _tls_options(http: Http) -> TLSOptions:
    return TLSOptions(
        verify=http.verify_tls,
        oldest=http.tls_min,
        newest=http.tls_max,
        ciphers=http.tls_ciphers,
        ca_file=http.ca_file,
        certificate=http.client_certificate,
        key=http.client_key,
        certificate_hosts=tuple(http.client_certificate_hosts),
    )


def proxy_rules(http: Http, environ: Mapping[str, str] = os.environ) -> ProxyRules:
    """Return which proxies the settings name, else those of the environment; none if ``http.use_proxy`` is off.

    Raises SettingsError for a URL that names no proxy.
    """
    if not http.use_proxy:
        return ProxyRules()
    encoding = http.proxy_auth_encoding
    given = {**({"all": http.proxy} if http.proxy else {}), **http.proxies}
    unknown = set(given) - {"all", "http", "https"}
    if unknown:
        raise SettingsError(f"http.proxies has {sorted(unknown)}; there are http, https and all")
    try:
        if not given:
            return ProxyRules.from_environment(environ, bypass=http.no_proxy, encoding=encoding)
        by_scheme = {scheme: parse_proxy(text, encoding=encoding) for scheme, text in given.items() if text}
        return ProxyRules(by_scheme, Bypass(http.no_proxy))
    except InvalidURLError as error:
        raise SettingsError(f"{'http.proxy: ' if given else ''}{error}") from None


def _spool_directory(directory: str) -> str:
    """Return *directory* if files can be made there, whatever the crawl changes to; raise SettingsError if not."""
    if directory and not (Path(directory).is_dir() and os.access(directory, os.W_OK)):
        raise SettingsError(f"http.spool_directory = {directory!r} is no folder that can be written to")
    return str(Path(directory).absolute()) if directory else ""
