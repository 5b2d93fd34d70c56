"""Conversations with proxies, byte by byte: CONNECT and SOCKS 5."""

from __future__ import annotations

import pytest

from crawler.download.tunnel import ConnectHandshake, Handshake, SocksHandshake
from crawler.exceptions import ProxyAuthenticationError, ProxyError
from crawler.http.proxy import parse_proxy

HTTP = parse_proxy("http://proxy.test:3128")
HTTP_USER = parse_proxy("http://user:hush@proxy.test:3128")
SOCKS = parse_proxy("socks5h://proxy.test:1080")
SOCKS_USER = parse_proxy("socks5h://user:hush@proxy.test:1080")


def feed(handshake: Handshake, data: bytes, step: int = 0) -> bytes:
    """Feed *data* in pieces of *step* bytes; return all that is said to it."""
    step = step or max(1, len(data))
    return b"".join(handshake.feed(data[at : at + step]) for at in range(0, len(data), step))


# --- CONNECT ------------------------------------------------------------------------------------------------------------


def test_connect_names_the_place_twice_and_nothing_else() -> None:
    assert ConnectHandshake(HTTP, "site.test", 443).begin() == (
        b"CONNECT site.test:443 HTTP/1.1\r\nHost: site.test:443\r\n\r\n"
    )
    assert ConnectHandshake(HTTP, "2001:db8::1", 443).begin().startswith(b"CONNECT [2001:db8::1]:443 HTTP/1.1\r\n")


def test_connect_says_who_we_are_if_the_proxys_url_does() -> None:
    assert b"\r\nProxy-Authorization: Basic dXNlcjpodXNo\r\n" in ConnectHandshake(HTTP_USER, "site.test", 443).begin()


@pytest.mark.parametrize("step", [0, 1, 3])
@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 Connection established\r\n\r\n",
        b"HTTP/1.0 200 OK\r\nVia: 1.1 proxy\r\n\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 Fine\r\n\r\n",
        b"HTTP/1.1 200 OK\n\n",
    ],
)
def test_any_2xx_opens_the_tunnel(answer: bytes, step: int) -> None:
    handshake = ConnectHandshake(HTTP, "site.test", 443)
    assert feed(handshake, answer, step) == b""
    assert (handshake.finished, handshake.rest) == (True, b"")


def test_what_comes_after_the_answer_belongs_to_the_connection() -> None:
    handshake = ConnectHandshake(HTTP, "site.test", 443)
    handshake.feed(b"HTTP/1.1 200 OK\r\n\r\n\x16\x03")
    assert handshake.rest == b"\x16\x03"


@pytest.mark.parametrize("status", [b"403 Forbidden", b"502 Bad Gateway", b"301 Moved", b"599"])
def test_a_refusal_names_the_proxy_the_place_and_the_status(status: bytes) -> None:
    handshake = ConnectHandshake(HTTP_USER, "site.test", 443)
    with pytest.raises(ProxyError) as caught:
        handshake.feed(b"HTTP/1.1 " + status + b"\r\nContent-Length: 0\r\n\r\n")
    assert caught.value.status == int(status[:3])
    for word in ("http://proxy.test:3128", "site.test:443", status.decode()):
        assert word in str(caught.value)
    assert "hush" not in str(caught.value)
    assert not isinstance(caught.value, ProxyAuthenticationError)


@pytest.mark.parametrize(("proxy", "told"), [(HTTP, "user:password@proxy.test"), (HTTP_USER, "does not accept")])
@pytest.mark.parametrize("status", [b"407 Proxy Authentication Required", b"401 Unauthorized"])
def test_a_proxy_that_does_not_know_us_is_an_error_of_its_own_that_says_what_to_write(
    status: bytes, proxy: object, told: str
) -> None:
    handshake = ConnectHandshake(proxy, "site.test", 443)  # type: ignore[arg-type]  # a parameter
    with pytest.raises(ProxyAuthenticationError, match=told) as caught:
        handshake.feed(b"HTTP/1.1 " + status + b"\r\nProxy-Authenticate: Basic\r\n\r\n")
    assert "hush" not in str(caught.value)


@pytest.mark.parametrize("answer", [b"SSH-2.0-OpenSSH\r\n\r\n", b"HTTP/1.1 abc\r\n\r\n"])
def test_what_is_no_http_is_no_proxy(answer: bytes) -> None:
    with pytest.raises(ProxyError, match="does not answer in HTTP"):
        ConnectHandshake(HTTP, "site.test", 443).feed(answer)


def test_endless_headers_of_a_proxy_end() -> None:
    handshake = ConnectHandshake(HTTP, "site.test", 443)
    handshake.feed(b"HTTP/1.1 200 OK\r\n")
    with pytest.raises(ProxyError, match="more than 65536 bytes"):
        for _ in range(100):
            handshake.feed(b"X-Filler: " + b"x" * 1000 + b"\r\n")


# --- SOCKS 5 ------------------------------------------------------------------------------------------------------------

GRANTED = b"\x05\x00\x00\x01\x00\x00\x00\x00\x00\x00"


@pytest.mark.parametrize("step", [0, 1, 2])
def test_socks_without_credentials_takes_two_steps(step: int) -> None:
    handshake = SocksHandshake(SOCKS, "site.test", 443)
    assert handshake.begin() == b"\x05\x01\x00"
    assert feed(handshake, b"\x05\x00", step) == b"\x05\x01\x00\x03\x09site.test\x01\xbb"
    assert feed(handshake, GRANTED, step) == b""
    assert (handshake.finished, handshake.rest) == (True, b"")


@pytest.mark.parametrize("step", [0, 1])
def test_socks_with_credentials_takes_three(step: int) -> None:
    handshake = SocksHandshake(SOCKS_USER, "site.test", 80)
    assert handshake.begin() == b"\x05\x02\x00\x02"
    assert feed(handshake, b"\x05\x02", step) == b"\x01\x04user\x04hush"
    assert feed(handshake, b"\x01\x00", step) == b"\x05\x01\x00\x03\x09site.test\x00\x50"
    feed(handshake, GRANTED, step)
    assert handshake.finished


def test_credentials_stay_with_us_where_the_proxy_wants_none() -> None:
    handshake = SocksHandshake(SOCKS_USER, "site.test", 80)
    handshake.begin()
    assert handshake.feed(b"\x05\x00").startswith(b"\x05\x01\x00\x03")


@pytest.mark.parametrize(
    ("host", "address"),
    [("192.0.2.1", b"\x01\xc0\x00\x02\x01"), ("2001:db8::1", b"\x04\x20\x01\x0d\xb8" + b"\0" * 11 + b"\x01")],
)
def test_an_address_goes_out_as_an_address(host: str, address: bytes) -> None:
    handshake = SocksHandshake(SOCKS, host, 80)
    assert handshake.feed(b"\x05\x00") == b"\x05\x01\x00" + address + b"\x00\x50"


@pytest.mark.parametrize(
    "reply",
    [GRANTED, b"\x05\x00\x00\x04" + b"\0" * 16 + b"\x00\x50", b"\x05\x00\x00\x03\x04gate\x00\x50"],
)
def test_whatever_kind_of_address_the_proxy_tells_is_read_to_its_end(reply: bytes) -> None:
    handshake = SocksHandshake(SOCKS, "site.test", 80)
    handshake.feed(b"\x05\x00")
    handshake.feed(reply + b"HTTP")
    assert (handshake.finished, handshake.rest) == (True, b"HTTP")


@pytest.mark.parametrize(
    ("code", "told"),
    [(2, "rules"), (3, "network is unreachable"), (4, "host is unreachable"), (5, "refused"), (99, "reply 99")],
)
def test_a_refusal_of_socks_says_why(code: int, told: str) -> None:
    handshake = SocksHandshake(SOCKS_USER, "site.test", 80)
    handshake.feed(b"\x05\x00")
    with pytest.raises(ProxyError, match=told) as caught:
        handshake.feed(bytes([5, code, 0, 1]) + b"\0" * 6)
    assert "socks5h://proxy.test:1080 does not connect to site.test:80" in str(caught.value)
    assert "hush" not in str(caught.value)


@pytest.mark.parametrize(("proxy", "said"), [(SOCKS, b"\x05\xff"), (SOCKS_USER, b"\x05\xff"), (SOCKS, b"\x05\x02")])
def test_a_socks_proxy_that_wants_other_credentials_is_told_apart(proxy: object, said: bytes) -> None:
    with pytest.raises(ProxyAuthenticationError, match=r"user:password@proxy\.test"):
        SocksHandshake(proxy, "site.test", 80).feed(said)  # type: ignore[arg-type]  # a parameter


def test_a_password_that_is_wrong_is_told() -> None:
    handshake = SocksHandshake(SOCKS_USER, "site.test", 80)
    handshake.feed(b"\x05\x02")
    with pytest.raises(ProxyAuthenticationError, match="does not accept"):
        handshake.feed(b"\x01\x01")


@pytest.mark.parametrize("said", [b"HTTP/1.1 400 Bad Request\r\n", b"\x04\x5a"])
def test_what_is_no_socks_is_no_proxy(said: bytes) -> None:
    with pytest.raises(ProxyError, match="does not speak SOCKS 5"):
        SocksHandshake(SOCKS, "site.test", 80).feed(said)


def test_a_name_that_socks_cannot_tell_is_an_error() -> None:
    with pytest.raises(ProxyError, match="SOCKS takes 255"):
        SocksHandshake(SOCKS, "x" * 256, 80)
