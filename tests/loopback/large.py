"""A crawl of large files, in a process of its own: how much memory does it take?

    python -m tests.loopback.large COUNT MEGABYTES [setting=value ...]

Prints one JSON object: the digests that were found, how many bodies were in files, and by how much the memory of the process grew
at its highest, in megabytes. The files come from a child process, all at once. With files.store among the settings FilesPipeline
downloads them, else the spider does.
"""

from __future__ import annotations

import hashlib
import json
import multiprocessing
import re
import socket
import sys
import threading
from pathlib import Path
from typing import Any

BLOCK = bytes(range(256)) * 1024


def serve(listening: socket.socket, size: int) -> None:
    """Answer each connection with *size* bytes."""

    def answer(peer: socket.socket) -> None:
        with peer:
            peer.recv(65536)
            peer.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/pdf\r\nContent-Length: %d\r\n\r\n" % size)
            for _ in range(size // len(BLOCK)):
                peer.sendall(BLOCK)

    while True:
        threading.Thread(target=answer, args=(listening.accept()[0],), daemon=True).start()


def digest_of(size: int) -> str:
    """Return the digest of a file of *size* bytes."""
    digest = hashlib.md5()
    for _ in range(size // len(BLOCK)):
        digest.update(BLOCK)
    return digest.hexdigest()


def memory(field: str) -> float:
    """Return a field of this process' memory in megabytes, as Linux tells it."""
    found = re.search(rf"^{field}:\s*(\d+) kB", Path("/proc/self/status").read_text(), re.MULTILINE)
    assert found is not None
    return int(found[1]) / 1024


def main(count: int, megabytes: int, *given: str) -> None:
    """Crawl, and print what it took."""
    size = megabytes * 1024 * 1024
    listening = socket.create_server(("127.0.0.1", 0), backlog=count)
    server = multiprocessing.get_context("fork").Process(target=serve, args=(listening, size), daemon=True)
    server.start()

    import crawler
    from crawler import Request, Spider

    class Files(Spider):
        name = "files"
        in_files = 0

        async def start(self) -> Any:
            for number in range(count):
                yield Request(f"http://127.0.0.1:{listening.getsockname()[1]}/{number}")

        def parse(self, response: Any) -> Any:
            Files.in_files += response.spool is not None
            with response.open_body() as file:
                yield {"files": [{"checksum": hashlib.file_digest(file, "md5").hexdigest()}]}

    class Named(Files):
        async def start(self) -> Any:
            yield Request(f"http://127.0.0.1:{listening.getsockname()[1]}/page")

        def parse(self, response: Any) -> Any:
            yield {"file_urls": [f"{response.url}/{number}.pdf" for number in range(count)]}

    settings: dict[str, Any] = {
        "politeness.obey_robots": False,
        "politeness.delay": 0.0,
        "politeness.concurrency_per_host": count,
        "crawl.concurrency": count,
        "crawl.max_callback_seconds": 60.0,
        "http.max_body": 0,
        "http.warn_body": 0,
        "http.timeout": 600.0,
        "frontier.store": "memory",
        **dict(one.split("=", 1) for one in given),
    }
    if "files.store" in settings:
        settings["components.pipelines"] = ["crawler.pipelines.files.FilesPipeline"]
    before = memory("VmRSS")
    result = crawler.run(Named if "files.store" in settings else Files, settings)
    server.terminate()
    print(
        json.dumps(
            {
                "digests": [one["checksum"] for item in result.items for one in item["files"]],
                "in_files": Files.in_files,
                "grown": round(memory("VmHWM") - before, 1),
            }
        )
    )


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), *sys.argv[3:])
