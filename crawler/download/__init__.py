"""The wire: from a Request to a Response, or to a DownloadError that says why there is none.

downloader    the transport for a scheme, the limits of a request
transport     http and https through treq; the only module that knows treq
body          a body as it arrives, in memory or in a file
agent         kept connections (foreign: another agent in its place); connection, head, chunked: HTTP/1.1, read
wire          what goes out
deadlines     many time limits on one timer
tls, local    TLS; file: and data:
errors        what can go wrong, as our errors that are also Twisted's
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from crawler.download.agent import AgentOptions, ConnectionAgent
from crawler.download.body import BytesInHand, Spooling
from crawler.download.deadlines import Deadlines
from crawler.download.downloader import Downloader, Transport
from crawler.download.foreign import ForeignAgent
from crawler.download.local import DataTransport, FileTransport
from crawler.download.tls import tls_policy
from crawler.download.transport import FetchLimits, TreqTransport, Watcher
from crawler.exceptions import SettingsError

if TYPE_CHECKING:
    from twisted.web.iweb import IAgent

    from crawler.settings import Settings

__all__ = ["BytesInHand", "Downloader", "FetchLimits", "TreqTransport", "Watcher", "build_downloader"]

# Idle connections over all hosts, for each request that may be on the wire: enough that the hosts which take part in a crawl
# at the time keep theirs, and far from the usual limit of 1,024 open files.
_KEPT_PER_PLACE = 4


def build_downloader(
    settings: Settings,
    *,
    reactor: Any,
    in_hand: BytesInHand,
    phases: Callable[[float, float, float], None] | None = None,
    agent: IAgent | None = None,
    watcher: Watcher | None = None,
) -> Downloader:
    """Return a downloader for *settings* on *reactor*, whose bodies are counted in *in_hand* while they arrive.

    An *agent* takes the place of the network, *watcher* sees what comes, and *phases* is told the seconds that connecting, the
    first byte and the body of each download took.
    """
    http, places = settings.http, settings.crawl.concurrency
    spooling = Spooling(in_hand, http.spool_above, _spool_directory(http.spool_directory))
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
        connections or ForeignAgent(agent),
        reactor,
        deadlines,
        compression=http.compression,
        watcher=watcher,
        spooling=spooling,
        phases=phases,
    )
    local: dict[str, Transport] = {"file": FileTransport(spooling), "data": DataTransport()}
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


def _spool_directory(directory: str) -> str:
    """Return *directory* if files can be made there, whatever the crawl changes to; raise SettingsError if not."""
    if directory and not (Path(directory).is_dir() and os.access(directory, os.W_OK)):
        raise SettingsError(f"http.spool_directory = {directory!r} is no folder that can be written to")
    return str(Path(directory).absolute()) if directory else ""
