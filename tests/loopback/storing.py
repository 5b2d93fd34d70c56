"""Servers on loopback that keep files: FTP, FTP with TLS, SFTP and S3, each as far as a storage needs it."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest


@contextmanager
def ftp_server(folder: Path, *, tls: Path | None = None, port: int = 0, password: str = "p@ss") -> Iterator[int]:
    """Serve *folder* to anonymous and to "user" with *password*; with the certificate *tls*, only encrypted. Yield the port."""
    pytest.importorskip("pyftpdlib")
    from pyftpdlib.authorizers import DummyAuthorizer
    from pyftpdlib.handlers import FTPHandler, TLS_FTPHandler
    from pyftpdlib.servers import FTPServer

    class Handler(TLS_FTPHandler if tls else FTPHandler):  # type: ignore[misc]  # one of two
        authorizer = DummyAuthorizer()
        auth_failed_timeout = 0
        if tls:
            certfile, tls_control_required, tls_data_required = str(tls), True, True

    Handler.authorizer.add_user("user", password, str(folder), perm="elradfmwMT")
    Handler.authorizer.add_anonymous(str(folder))
    server = FTPServer(("127.0.0.1", port), Handler)
    ending = threading.Event()

    def serve() -> None:
        while not ending.is_set():
            server.serve_forever(timeout=0.02, blocking=False)

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield server.address[1]
    finally:
        ending.set()
        thread.join()
        server.close_all()


def certificate(folder: Path) -> Path:
    """Return the file of a new key with its certificate for 127.0.0.1, signed by itself."""
    import ipaddress

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    form = serialization.PrivateFormat.PKCS8
    pem = key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption())
    path = folder / "server.pem"
    path.write_bytes(pem + made.public_bytes(serialization.Encoding.PEM))
    return path


@contextmanager
def sftp_server(folder: Path, known_hosts: Path) -> Iterator[int]:
    """Serve *folder* as the root to user:p@ss; write the host key into *known_hosts*. Yield the port."""
    paramiko: Any = pytest.importorskip("paramiko")
    key = paramiko.RSAKey.generate(2048)
    listening = socket.create_server(("127.0.0.1", 0))
    port = listening.getsockname()[1]
    known_hosts.write_text(f"[127.0.0.1]:{port} {key.get_name()} {key.get_base64()}\n")

    class Server(paramiko.ServerInterface):  # type: ignore[misc]
        def check_auth_password(self, username: str, password: str) -> int:
            is_known = (username, password) == ("user", "p@ss")
            return int(paramiko.AUTH_SUCCESSFUL if is_known else paramiko.AUTH_FAILED)

        def check_channel_request(self, kind: str, chanid: int) -> int:
            return int(paramiko.OPEN_SUCCEEDED)

    class Files(paramiko.SFTPServerInterface):  # type: ignore[misc]
        def _real(self, path: str) -> str:
            return str(folder) + self.canonicalize(path)

        def _attempt(self, act: Any) -> Any:
            try:
                return act() or paramiko.SFTP_OK
            except OSError as error:
                return paramiko.SFTPServer.convert_errno(error.errno)

        def stat(self, path: str) -> Any:
            return self._attempt(lambda: paramiko.SFTPAttributes.from_stat(os.stat(self._real(path))))

        lstat = stat

        def open(self, path: str, flags: int, attr: Any) -> Any:
            try:
                file = os.fdopen(os.open(self._real(path), flags, 0o666), "r+b" if flags & os.O_WRONLY == 0 else "wb")
            except OSError as error:
                return paramiko.SFTPServer.convert_errno(error.errno)
            handle = paramiko.SFTPHandle(flags)
            handle.readfile = handle.writefile = file
            handle.stat = lambda: paramiko.SFTPAttributes.from_stat(os.fstat(file.fileno()))
            return handle

        def mkdir(self, path: str, attr: Any) -> Any:
            return self._attempt(lambda: os.mkdir(self._real(path)))

        def remove(self, path: str) -> Any:
            return self._attempt(lambda: os.unlink(self._real(path)))

        def posix_rename(self, old: str, new: str) -> Any:
            return self._attempt(lambda: os.replace(self._real(old), self._real(new)))

    transports: list[Any] = []

    def serve() -> None:
        with suppress(OSError):
            while True:
                connection, _ = listening.accept()
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                transport = paramiko.Transport(connection)
                transport.add_server_key(key)
                transport.set_subsystem_handler("sftp", paramiko.SFTPServer, Files)
                transports.append(transport)
                with suppress(EOFError, paramiko.SSHException):
                    transport.start_server(server=Server())

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield port
    finally:
        listening.shutdown(socket.SHUT_RDWR)
        listening.close()
        for transport in transports:
            transport.close()
        thread.join()


@contextmanager
def s3_server(bucket: str) -> Iterator[str]:
    """Serve an empty *bucket*; yield the endpoint."""
    pytest.importorskip("s3fs")
    moto: Any = pytest.importorskip("moto.server")
    import urllib.request

    server = moto.ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        request = urllib.request.Request(f"http://{host}:{port}/{bucket}", method="PUT")
        urllib.request.urlopen(request).close()
        yield f"http://{host}:{port}"
    finally:
        server.stop()
