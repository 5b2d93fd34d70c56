"""Programs of others on loopback: proxies and nginx, started with settings of their own for as long as a test lasts."""

from __future__ import annotations

import getpass
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


def program(name: str, package: str) -> str:
    """Return where a program is; skip the test if it is not installed."""
    found = shutil.which(name) or shutil.which(name, path="/usr/sbin:/usr/local/sbin")
    if found is None:
        pytest.skip(f"{name} is not installed (Debian: apt-get install {package})")
    return found


def free_port() -> int:
    """Return a port that nobody listens to at the moment."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port


@contextmanager
def running(command: Callable[[int], list[str]], log: Path) -> Iterator[int]:
    """Run the *command* for a free port until the block ends; yield the port once something listens there."""
    port = free_port()
    with log.open("wb") as told:
        process = subprocess.Popen(command(port), stdout=told, stderr=told, stdin=subprocess.DEVNULL)
    try:
        _wait(port, process, log)
        yield port
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    for _ in range(200):
        if process.poll() is not None:
            pytest.fail(f"{process.args} does not run: {log.read_text(errors='replace')[-300:]}")
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            time.sleep(0.02)  # there is nothing else to wait for
    pytest.fail(f"{process.args} does not answer: {log.read_text(errors='replace')[-300:]}")


@contextmanager
def tinyproxy(folder: Path) -> Iterator[int]:
    """An HTTP proxy that wants ``me`` and ``hush``."""
    path = program("tinyproxy", "tinyproxy")

    def command(port: int) -> list[str]:
        config = folder / "tinyproxy.conf"
        config.write_text(f"Port {port}\nListen 127.0.0.1\nBasicAuth me hush\nTimeout 20\nLogLevel Critical\n")
        return [path, "-d", "-c", str(config)]

    with running(command, folder / "tinyproxy.log") as port:
        yield port


@contextmanager
def microsocks(folder: Path) -> Iterator[int]:
    """A SOCKS 5 proxy that wants ``me`` and ``hush``."""
    path = program("microsocks", "microsocks")
    with running(
        lambda port: [path, "-i", "127.0.0.1", "-p", str(port), "-u", "me", "-P", "hush"], folder / "microsocks.log"
    ) as port:
        yield port


_DANTE = """
logoutput: stderr
internal: 127.0.0.1 port = {port}
external: lo
clientmethod: none
socksmethod: none
user.privileged: {user}
user.unprivileged: {user}
client pass {{ from: 127.0.0.0/8 to: 0.0.0.0/0 }}
socks block {{ from: 0.0.0.0/0 to: 127.0.0.9/32 }}
socks pass {{ from: 127.0.0.0/8 to: 127.0.0.0/8 }}
"""


@contextmanager
def dante(folder: Path) -> Iterator[int]:
    """A SOCKS 5 proxy that lets anybody in, and nobody through to 127.0.0.9."""
    path = program("danted", "dante-server")

    def command(port: int) -> list[str]:
        config = folder / "danted.conf"
        config.write_text(_DANTE.format(port=port, user=getpass.getuser()))
        return [path, "-f", str(config), "-p", str(folder / "danted.pid")]

    with running(command, folder / "danted.log") as port:
        yield port


_NGINX = """
{user}
daemon off;
worker_processes 1;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{ worker_connections 256; }}
http {{
    log_format access '$connection $ssl_protocol "$request" $status $http_proxy_authorization';
    access_log {folder}/access.log access;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    types {{ text/html html; }}
    gzip on;
    gzip_min_length 100;
    keepalive_requests 5;
    limit_req_zone $server_name zone=slow:1m rate=1r/s;
    limit_req_status 429;
    server {{
        listen 127.0.0.1:{port} ssl http2;
        server_name localhost;
        ssl_certificate {certificate};
        ssl_certificate_key {certificate};
        ssl_protocols TLSv1.2 TLSv1.3;
        root {root};
        location /slow/ {{ limit_req zone=slow; alias {root}/; }}
    }}
}}
"""


@contextmanager
def nginx(folder: Path, certificate: Path, root: Path) -> Iterator[int]:
    """A web server over TLS: gzip, five requests a connection, and one a second below /slow/."""
    path = program("nginx", "nginx-light")
    # Started by root, its workers would be nobody's, who may not read the folder of a test.
    user = "user root;" if os.getuid() == 0 else ""

    def command(port: int) -> list[str]:
        config = folder / "nginx.conf"
        config.write_text(_NGINX.format(user=user, folder=folder, port=port, certificate=certificate, root=root))
        return [path, "-c", str(config), "-e", f"{folder}/error.log"]

    with running(command, folder / "nginx.log") as port:
        yield port
