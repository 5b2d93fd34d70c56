"""What a page costs over TLS: HTTP/1.1 by the crawler itself, HTTP/2 by libcurl, and HTTP/2 by h2 in Python (httpx).

    python -m tests.benchmarks.http2 --pages 2000

Against a real nginx on loopback, interleaved; prints milliseconds of CPU a page and the ratio to the crawler's own HTTP/1.1.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.loopback.certificates import Authority
from tests.loopback.peers import nginx

CLIENTS = ("treq", "curl", "httpx")
AT_ONCE = 16


def ours(client: str, url: str, ca_file: str, pages: int) -> float:
    """Return the seconds of CPU that fetching *pages* takes the transport *client*."""
    from twisted.internet.defer import Deferred, DeferredList

    from crawler import runtime as runtimes
    from crawler.download import BytesInHand, build_downloader
    from crawler.http import Request
    from crawler.settings import Settings

    own = runtimes.own()
    settings = Settings({"http.transport": client, "http.ca_file": ca_file, "http.allow_private": ["all"]})
    downloader = build_downloader(settings, reactor=own.reactor, in_hand=BytesInHand(2**30), loop=own.loop)
    numbers = iter(range(pages))

    async def fetch() -> None:
        for number in numbers:
            response = await downloader.fetch(Request(f"{url}?{number}"))
            assert response.status == 200

    async def every() -> float:
        await downloader.fetch(Request(url))
        began = time.process_time()
        await DeferredList([Deferred.fromCoroutine(fetch()) for _ in range(AT_ONCE)], fireOnOneErrback=True)
        taken = time.process_time() - began
        await downloader.close()
        return taken

    return runtimes.run(own, lambda: Deferred.fromCoroutine(every()))


def httpx(url: str, ca_file: str, pages: int) -> float:
    """Return the seconds of CPU that fetching *pages* takes httpx with HTTP/2."""
    import ssl

    import httpx as library

    numbers = iter(range(pages))

    async def every() -> float:
        context = ssl.create_default_context(cafile=ca_file)
        async with library.AsyncClient(http2=True, verify=context) as client:

            async def fetch() -> None:
                for number in numbers:
                    response = await client.get(f"{url}?{number}")
                    assert (response.status_code, response.http_version) == (200, "HTTP/2")

            await client.get(url)
            began = time.process_time()
            await asyncio.gather(*[fetch() for _ in range(AT_ONCE)])
            return time.process_time() - began

    return asyncio.run(every())


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pages", type=int, default=2_000)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument(
        "--one", nargs=3, metavar=("CLIENT", "URL", "CA_FILE"), help="run one client and print its seconds"
    )
    given = parser.parse_args()
    if given.one:
        client, url, ca_file = given.one
        print(httpx(url, ca_file, given.pages) if client == "httpx" else ours(client, url, ca_file, given.pages))
        return
    with tempfile.TemporaryDirectory() as scratch:
        folder, root = Path(scratch) / "nginx", Path(scratch) / "root"
        folder.mkdir()
        root.mkdir()
        (root / "index.html").write_bytes(b"<h1>hello</h1>" * 1_000)
        authority = Authority(Path(scratch))
        with nginx(folder, authority.issue("localhost"), root) as port:
            config = folder / "nginx.conf"
            config.write_text(config.read_text().replace("keepalive_requests 5;", "keepalive_requests 100000;"))
            subprocess.run(["nginx", "-c", str(config), "-s", "reload"], check=True, stderr=subprocess.DEVNULL)
            taken: dict[str, list[float]] = {client: [] for client in CLIENTS}
            for _ in range(given.runs):
                for client, times in taken.items():
                    where = [client, f"https://localhost:{port}/", str(authority.file)]
                    command = [
                        sys.executable,
                        "-m",
                        "tests.benchmarks.http2",
                        "--pages",
                        str(given.pages),
                        "--one",
                        *where,
                    ]
                    times.append(float(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout))
    base = statistics.median(taken["treq"])
    for client, times in taken.items():
        median = statistics.median(times)
        print(
            f"{client:<6} {median / given.pages * 1000:.3f} ms of CPU a page, {median / base:.2f} of the crawler's HTTP/1.1"
        )


if __name__ == "__main__":
    main()
