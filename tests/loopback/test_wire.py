"""Real sockets, honest servers: keep-alive, address families, compression, TLS."""

from __future__ import annotations

import datetime
import gzip
import ipaddress
import socket
import zlib
from pathlib import Path
from typing import Any

import brotli
import pytest
import zstandard
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from pytest_twisted import ensureDeferred
from twisted.internet import ssl

from crawler import exceptions
from tests.loopback.servers import ScriptedServer, probe, reactor, response, say, serving

PAGE = b"<html><h1>hello</h1></html>" * 100


def raw_deflate(data: bytes) -> bytes:
    compressor = zlib.compressobj(wbits=-15)
    return compressor.compress(data) + compressor.flush()


@ensureDeferred
async def test_connections_are_kept_and_used_again() -> None:
    with serving(say(response(PAGE))) as server:
        spider, _ = await probe(*[f"{server.url}/{number}" for number in range(20)], politeness__concurrency_per_host=2)
    assert len(spider.responses) == 20
    assert server.connections == 2


@ensureDeferred
async def test_a_connection_that_the_server_closed_meanwhile_costs_nothing() -> None:
    def close_after_answer(transport: Any, head: bytes) -> None:
        if server.connections == 1 and len(server.heads) == 2:
            transport.abortConnection()  # the second request on the first connection: closed while it was on its way
        else:
            transport.write(response(PAGE))

    with serving(close_after_answer) as server:
        spider, result = await probe(f"{server.url}/1", f"{server.url}/2", politeness__concurrency_per_host=1)
    assert [got.status for got in spider.responses] == [200, 200]
    assert server.connections == 2
    assert result.failed == 0


@pytest.mark.parametrize(
    ("coding", "compress"),
    [
        (b"gzip", gzip.compress),
        (b"deflate", zlib.compress),
        (b"deflate", raw_deflate),
        (b"br", brotli.compress),
        (b"zstd", zstandard.compress),
    ],
)
@ensureDeferred
async def test_bodies_are_asked_for_and_taken_compressed(coding: bytes, compress: Any) -> None:
    with serving(say(response(compress(PAGE), b"Content-Encoding: " + coding))) as server:
        spider, _ = await probe(server.url)
    assert spider.responses[0].body == PAGE
    assert b"Accept-Encoding: gzip, deflate, br, zstd" in server.heads[0]


@ensureDeferred
async def test_a_request_says_no_more_than_it_must() -> None:
    with serving(say(response(PAGE))) as server:
        await probe(f"{server.url}/path?query=1#fragment", http__user_agent="probe (+https://probe.test)")
    lines = server.heads[0].split(b"\r\n")
    assert lines[0] == b"GET /path?query=1 HTTP/1.1"
    assert {line.partition(b":")[0] for line in lines[1:]} == {b"Host", b"Accept", b"User-Agent", b"Accept-Encoding"}


@ensureDeferred
async def test_a_response_knows_where_it_came_from() -> None:
    with serving(say(response(PAGE))) as server:
        spider, _ = await probe(server.url)
    answer = spider.responses[0]
    assert (answer.ip_address, answer.protocol) == (ipaddress.ip_address("127.0.0.1"), "HTTP/1.1")
    assert 0 <= answer.meta["download_latency"] < 10


@ensureDeferred
async def test_ipv6_works_as_ipv4_does() -> None:
    if not socket.has_ipv6:
        pytest.skip("this machine has no IPv6")
    try:
        with serving(say(response(PAGE)), interface="::1") as server:
            spider, _ = await probe(server.url)
    except Exception as error:
        if "CannotListenError" in type(error).__name__:
            pytest.skip(f"no IPv6 loopback: {error}")
        raise
    assert spider.responses[0].ip_address == ipaddress.ip_address("::1")


@pytest.fixture
def certificate(tmp_path: Path) -> ssl.PrivateCertificate:
    """A certificate of localhost that nobody has signed but itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.UTC)
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return ssl.PrivateCertificate.loadPEM(private + signed.public_bytes(pem))


@pytest.mark.parametrize(("verify", "expected"), [(True, exceptions.DownloadTLSError), (False, None)])
@ensureDeferred
async def test_a_certificate_that_nobody_trusts_is_refused_unless_verification_is_off(
    verify: bool, expected: type | None, certificate: ssl.PrivateCertificate
) -> None:
    port = reactor.listenSSL(0, ScriptedServer(say(response(PAGE))), certificate.options(), interface="127.0.0.1")
    try:
        url = f"https://localhost:{port.getHost().port}/"
        spider, _ = await probe(url, http__verify_tls=verify, http__connect_timeout=10.0)
    finally:
        await port.stopListening()
    assert [type(error) for error in spider.errors if expected is None or not isinstance(error, expected)] == []
    assert [got.body for got in spider.responses] == ([] if verify else [PAGE])
    if not verify:
        assert spider.responses[0].certificate is not None
