"""Real sockets, TLS: certificates that are refused and what is said of them, and those that are shown."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from OpenSSL import SSL
from pytest_twisted import ensureDeferred
from twisted.internet import ssl
from twisted.internet.protocol import Factory, Protocol

from crawler import exceptions
from crawler.download.tls import TLSOptions, tls_policy
from crawler.settings import Settings
from tests.loopback.certificates import Authority, server_options
from tests.loopback.servers import ScriptedServer, probe, reactor, response, say

PAGE = b"<h1>hello</h1>"


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


async def fetch(options: Any, host: str = "localhost", **settings: Any) -> Any:
    """Return what comes of asking a server with TLS *options*: the spider that asked, and the server's names in SNI."""
    port = reactor.listenSSL(0, ScriptedServer(say(response(PAGE))), options, interface="127.0.0.1")
    try:
        spider, _ = await probe(f"https://{host}:{port.getHost().port}/", http__connect_timeout=10.0, **settings)
    finally:
        await port.stopListening()
    return spider


@ensureDeferred
async def test_a_certificate_of_an_authority_that_is_named_is_trusted(authority: Authority) -> None:
    for host in ("localhost", "127.0.0.1"):
        spider = await fetch(server_options(authority.issue(host)), host, http__ca_file=str(authority.file))
        assert [one.body for one in spider.responses] == [PAGE], spider.errors


@pytest.mark.parametrize(
    ("kind", "told"),
    [
        ({"names": ("localhost",), "days": (-9, -2)}, "expired on "),
        ({"names": ("localhost",), "days": (2, 9)}, "not valid before "),
        ({"names": ("a.test", "b.test")}, "is for a.test, b.test, and not for localhost"),
        ({"names": ("localhost",), "is_self_signed": True}, "signed by itself"),
    ],
)
@ensureDeferred
async def test_a_certificate_that_is_refused_is_told_with_what_is_wrong_and_the_way_out(
    kind: dict[str, Any], told: str, authority: Authority
) -> None:
    names = kind.pop("names")
    spider = await fetch(server_options(authority.issue(*names, **kind)), http__ca_file=str(authority.file))
    error = spider.errors[0]
    assert isinstance(error, exceptions.DownloadTLSError)
    for word in ("localhost", told, "http.verify_tls = false"):
        assert word in str(error)


@ensureDeferred
async def test_an_authority_that_nobody_knows_is_named_with_the_setting_to_name_it_in(authority: Authority) -> None:
    spider = await fetch(server_options(authority.issue("localhost")))
    assert "signed by an unknown CA (CN=Test Authority)" in str(spider.errors[0])
    assert "http.ca_file" in str(spider.errors[0])


@ensureDeferred
async def test_without_verification_any_certificate_will_do(authority: Authority) -> None:
    spider = await fetch(server_options(authority.issue("a.test", days=(-9, -2))), http__verify_tls=False)
    assert [one.body for one in spider.responses] == [PAGE]


@ensureDeferred
async def test_a_server_learns_the_name_that_is_wanted_and_no_address(authority: Authority) -> None:
    names: list[Any] = []
    for host in ("localhost", "127.0.0.1"):
        options = server_options(authority.issue(host))
        options.getContext().set_tlsext_servername_callback(
            lambda connection: names.append(connection.get_servername())
        )
        await fetch(options, host, http__ca_file=str(authority.file))
    assert names == [b"localhost", None]


@ensureDeferred
async def test_a_client_certificate_is_shown_to_the_hosts_that_it_is_for_and_to_no_other(authority: Authority) -> None:
    root = ssl.Certificate.loadPEM(authority.file.read_bytes())
    options = ssl.PrivateCertificate.loadPEM(authority.issue("localhost").read_bytes()).options(root)
    mine = {"http__client_certificate": str(authority.issue("me")), "http__ca_file": str(authority.file)}
    shown = await fetch(options, http__client_certificate_hosts=["localhost"], **mine)
    hidden = await fetch(options, http__client_certificate_hosts=["*.localhost", "other.test"], **mine)
    assert [one.body for one in shown.responses] == [PAGE], shown.errors
    assert isinstance(hidden.errors[0], exceptions.DownloadTLSError)
    assert "http.client_certificate" in str(hidden.errors[0])


@ensureDeferred
async def test_a_server_of_another_version_is_told_with_the_setting(authority: Authority) -> None:
    options = server_options(authority.issue("localhost"))
    options.getContext().set_max_proto_version(SSL.TLS1_2_VERSION)
    spider = await fetch(options, http__tls_min="1.3", http__ca_file=str(authority.file))
    assert "http.tls_min" in str(spider.errors[0])
    spider = await fetch(options, http__tls_max="1.2", http__ca_file=str(authority.file))
    assert [one.body for one in spider.responses] == [PAGE]


@ensureDeferred
async def test_ciphers_are_those_of_the_setting(authority: Authority) -> None:
    options = server_options(authority.issue("localhost"))
    options.getContext().set_max_proto_version(SSL.TLS1_2_VERSION)
    options.getContext().set_cipher_list(b"ECDHE-ECDSA-AES128-GCM-SHA256")
    trusted = {"http__ca_file": str(authority.file)}
    good = await fetch(options, http__tls_ciphers="ECDHE-ECDSA-AES128-GCM-SHA256", **trusted)
    bad = await fetch(options, http__tls_ciphers="ECDHE-ECDSA-AES256-GCM-SHA384", **trusted)
    assert [one.body for one in good.responses] == [PAGE]
    assert "http.tls_ciphers" in str(bad.errors[0])


class Greeting(Protocol):
    """Says what a server of plain HTTP says to a TLS handshake."""

    def dataReceived(self, data: bytes) -> None:
        self.transport.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")


@ensureDeferred
async def test_a_server_without_tls_is_told_as_one() -> None:
    port = reactor.listenTCP(0, Factory.forProtocol(Greeting), interface="127.0.0.1")
    try:
        spider, _ = await probe(f"https://localhost:{port.getHost().port}/")
    finally:
        await port.stopListening()
    assert isinstance(spider.errors[0], exceptions.DownloadTLSError)
    assert "is it http?" in str(spider.errors[0])


# --- settings that are no settings --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"ca_file": "/no/such/file"}, r"http\.ca_file: /no/such/file cannot be read"),
        ({"ca_file": __file__}, r"http\.ca_file: .* holds no certificates"),
        ({"ciphers": "NO-SUCH-CIPHER"}, r"http\.tls_ciphers"),
        ({"certificate": "/no/such/file", "certificate_hosts": ("a.test",)}, r"http\.client_certificate"),
        ({"certificate": "mine.pem"}, r"http\.client_certificate_hosts"),
    ],
)
def test_files_and_ciphers_that_are_none_are_told_before_the_first_request(options: dict[str, Any], told: str) -> None:
    with pytest.raises(exceptions.SettingsError, match=told):
        tls_policy(TLSOptions(**options))


def test_a_key_that_is_none_is_told(authority: Authority) -> None:
    certificate = str(authority.issue("me"))
    with pytest.raises(exceptions.SettingsError, match=r"http\.client_key"):
        tls_policy(TLSOptions(certificate=certificate, key=str(authority.file), certificate_hosts=("a.test",)))


def test_scrapys_names_of_tls_are_understood() -> None:
    settings = Settings({"DOWNLOADER_CLIENT_TLS_METHOD": "TLSv1.2", "DOWNLOADER_CLIENT_TLS_CIPHERS": "DEFAULT"})
    assert (settings.http.tls_max, settings.http.tls_ciphers) == ("1.2", "")
    with pytest.raises(exceptions.SettingsError, match=r"http\.tls_max = '1\.1' is older than http\.tls_min = '1\.2'"):
        Settings({"DOWNLOADER_CLIENT_TLS_METHOD": "TLSv1.1"})


def test_scrapys_names_of_dns_are_understood() -> None:
    settings = Settings({"DNSCACHE_ENABLED": False, "DNSCACHE_SIZE": 7, "DNS_TIMEOUT": 3})
    assert (settings.http.dns_cache, settings.http.dns_cache_size, settings.http.dns_timeout) == (0.0, 7, 3.0)
