"""The wire: from a Request to a Response, or to a DownloadError that says why there is none.

downloader    the transport for a scheme, the limits of a request
transport     http and https through treq; the only module that knows treq
agent         kept connections (foreign: another agent in its place); connection, head, chunked: HTTP/1.1, read
wire          what goes out
deadlines     many time limits on one timer
tls, local    TLS; file: and data:
errors        what can go wrong, as our errors that are also Twisted's
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from crawler.download.agent import AgentOptions, ConnectionAgent
from crawler.download.deadlines import Deadlines
from crawler.download.downloader import Downloader, Transport
from crawler.download.foreign import ForeignAgent
from crawler.download.local import DataTransport, FileTransport
from crawler.download.tls import tls_policy
from crawler.download.transport import FetchLimits, TreqTransport, Watcher

if TYPE_CHECKING:
    from twisted.web.iweb import IAgent

    from crawler.settings import Settings

__all__ = ["Downloader", "FetchLimits", "TreqTransport", "Watcher", "build_downloader"]

# Idle connections over all hosts, for each request that may be on the wire: enough that the hosts which take part in a crawl
# at the time keep theirs, and far from the usual limit of 1,024 open files.
_KEPT_PER_PLACE = 4


def build_downloader(
    settings: Settings, *, reactor: Any, agent: IAgent | None = None, watcher: Watcher | None = None
) -> Downloader:
    """Return a downloader for *settings* on *reactor*; an *agent* takes the place of the network, *watcher* sees what comes."""
    http, places = settings.http, settings.crawl.concurrency
    deadlines = Deadlines(reactor)
    transports: dict[str, Transport] = {}
    connections = None
    if agent is None:
        connections = ConnectionAgent(
            reactor,
            tls_policy(verify=http.verify_tls, oldest=http.tls_min, newest=http.tls_max),
            deadlines,
            AgentOptions(
                connect_timeout=http.connect_timeout,
                keep_alive=http.keep_alive,
                kept_per_origin=places,
                kept=places * _KEPT_PER_PLACE,
                max_header_bytes=http.max_header_bytes,
                bind_address=http.bind_address,
            ),
        )
    web = TreqTransport(
        connections or ForeignAgent(agent), reactor, deadlines, compression=http.compression, watcher=watcher
    )
    local: dict[str, Transport] = {"file": FileTransport(), "data": DataTransport()}
    for scheme in http.schemes:
        transports[scheme] = local.get(scheme, web)

    async def close() -> None:
        if connections is not None:
            await connections.close()
        deadlines.stop()

    limits = FetchLimits(
        connect_timeout=http.connect_timeout,
        first_byte_timeout=http.first_byte_timeout,
        timeout=http.timeout,
        max_body=http.max_body,
        fail_on_dataloss=http.fail_on_dataloss,
    )
    return Downloader(transports, limits, reactor, warn_body=http.warn_body, close=close)
