"""Credentials and where they may go; digests by the examples of RFC 7616 and RFC 2617."""

from __future__ import annotations

import pytest

from crawler.http.auth import Challenge, Credentials, challenges, digest_challenge

MUFASA = {
    "realm": "http-auth@example.org",
    "nonce": "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v",
    "qop": "auth, auth-int",
    "opaque": "FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS",
}


@pytest.mark.parametrize(
    ("domain", "url", "expected"),
    [
        ("example.com", "https://example.com/", True),
        ("example.com", "http://www.example.com:8080/", True),
        (".Example.com", "https://www.example.com/", True),
        ("example.com", "https://badexample.com/", False),
        ("example.com", "https://example.com.evil.org/", False),
        ("https://example.com", "https://example.com:443/x", True),
        ("https://example.com", "http://example.com/", False),
        ("https://example.com", "https://www.example.com/", False),
        ("https://example.com", "https://example.com:8443/", False),
        ("", "https://example.com/", False),
    ],
)
def test_credentials_are_for_their_domain_or_origin_only_CVE_2021_41125(domain: str, url: str, expected: bool) -> None:
    assert Credentials(domain=domain, user="me").are_for(url) is expected


def test_basic_and_bearer_need_no_challenge() -> None:
    assert (
        Credentials(domain="x", user="Aladdin", password="open sesame").header()
        == b"Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="
    )
    assert Credentials(domain="x", token="abc.def").header() == b"Bearer abc.def"


def test_a_repr_shows_no_secret() -> None:
    assert "secret" not in repr(Credentials(domain="x", user="me", password="secret", token="secret"))


@pytest.mark.parametrize(
    ("algorithm", "response"),
    [
        ("MD5", "8ca523f5e9506fed4657c9700eebdbec"),
        ("SHA-256", "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"),
    ],
)
def test_a_digest_is_that_of_rfc_7616(algorithm: str, response: str) -> None:
    answer = Challenge(MUFASA | {"algorithm": algorithm}).answer(
        "Mufasa",
        "Circle of Life",
        method="GET",
        url="http://www.example.org/dir/index.html",
        count=1,
        client_nonce="f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ",
    )
    assert f'response="{response}"' in answer.decode()
    assert b'uri="/dir/index.html"' in answer
    assert b"qop=auth, nc=00000001" in answer
    assert f"algorithm={algorithm}".encode() in answer


def test_a_digest_without_algorithm_is_that_of_rfc_2617() -> None:
    challenge = Challenge(
        {"realm": "testrealm@host.com", "nonce": "dcd98b7102dd2f0e8b11d0f600bfb0c093", "qop": "auth,auth-int"}
    )
    answer = challenge.answer(
        "Mufasa",
        "Circle Of Life",
        method="GET",
        url="http://www.nowhere.org/dir/index.html",
        count=1,
        client_nonce="0a4f113b",
    )
    assert b'response="6629fae49393a05397450978507c4ef1"' in answer


def test_a_user_name_is_hidden_where_the_server_asks_for_it() -> None:
    challenge = Challenge(
        {
            "realm": "api@example.org",
            "nonce": "5TsQWLVdgBdmrQ0XsxbDODV+57QdFR34I9HAbC/RVvkK",
            "algorithm": "SHA-256",
            "qop": "auth",
            "charset": "UTF-8",
            "userhash": "true",
        }
    )
    answer = challenge.answer(
        "Jäsøn Doe", "Secret, or not?", method="GET", url="http://api.example.org/x?y=1", count=10, client_nonce="c"
    )
    assert "Jäsøn" not in answer.decode()
    assert b"userhash=true" in answer
    assert b'uri="/x?y=1"' in answer
    assert b"nc=0000000a" in answer


def test_challenges_are_told_apart() -> None:
    header = 'Basic realm="a, b", Digest realm="c\\"d", nonce=xyz, stale=TRUE, Negotiate'
    assert challenges(header) == [
        ("basic", {"realm": "a, b"}),
        ("digest", {"realm": 'c"d', "nonce": "xyz", "stale": "TRUE"}),
        ("negotiate", {}),
    ]


def test_the_strongest_digest_is_answered() -> None:
    headers = [
        b'Digest nonce="1", algorithm=MD5',
        b'Digest nonce="2", algorithm=SHA-256',
        b'Digest nonce="3", algorithm=WHIRL',
    ]
    found = digest_challenge(headers)
    assert found is not None
    assert found.nonce == "2"


@pytest.mark.parametrize(
    "header", [b"", b"Basic realm=x", b"Digest realm=x", b'Digest nonce="1", algorithm=WHIRL', b'",=\\"' * 1000]
)
def test_what_is_no_digest_challenge_is_none(header: bytes) -> None:
    assert digest_challenge([header]) is None


def test_a_challenge_cannot_add_headers_to_our_answer() -> None:
    challenge = Challenge({"realm": 'x"\r\nX-Evil: 1', "nonce": "1"})
    answer = challenge.answer("me", "pw", method="GET", url="http://example.com/", count=1, client_nonce="c")
    assert b"\r" not in answer
    assert b"\n" not in answer
    assert b'realm="x\\"X-Evil: 1"' in answer


@pytest.mark.parametrize(
    ("url", "uri"),
    [
        ("http://a.test", "/"),
        ("http://a.test?x=1#f", "/?x=1"),
        ("http://a.test/a;b?#f", "/a;b?"),
        ("http://a.test/a?b=c?d", "/a?b=c?d"),
    ],
)
def test_a_digest_names_what_the_request_line_names(url: str, uri: str) -> None:
    challenge = digest_challenge([b'Digest realm="a", nonce="b"'])
    assert challenge is not None
    answer = challenge.answer("me", "secret", method="GET", url=url, count=1, client_nonce="c")
    assert f'uri="{uri}"'.encode() in answer
