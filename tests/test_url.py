"""URLs: joined as browsers join them, recognised by one form, split, keyed by host, and refused with the way out."""

from __future__ import annotations

import random
from typing import Any

import ada_url
import pytest

from crawler.exceptions import InvalidURLError
from crawler.url import (
    _SERIALISED,
    HostMatcher,
    canonical,
    defrag,
    ensure_absolute,
    host_key,
    join,
    origin,
    same_origin,
    split,
)
from tests.vectors import vectors

WHATWG = vectors("url-whatwg", "urltestdata-http-subset.json")
ENCODED = [case for case in vectors("url-whatwg", "percent-encoding.json") if isinstance(case, dict)]
RFC_3986 = vectors("url-normalization", "rfc3986_5_4.json")
OTHERS = vectors("url-normalization", "reference_resolution.json")
W3LIB = vectors("url-normalization", "w3lib_canonicalize_url.json")

# A base that no input can be relative to, for inputs that are absolute.
NOWHERE = "about:blank"


def whatwg_id(case: dict[str, Any]) -> str:
    return str(case["id"])


def join_id(case: dict[str, Any]) -> str:
    return f"{case['base']} {case['ref']}"


# --- join, as browsers do it ----------------------------------------------------------------------


@pytest.mark.parametrize("case", [case for case in WHATWG if not case["failure"]], ids=whatwg_id)
def test_a_link_is_resolved_as_browsers_resolve_it(case: dict[str, Any]) -> None:
    assert join(case["base"] or NOWHERE, case["input"]) == case["href"]


@pytest.mark.parametrize("case", [case for case in WHATWG if case["failure"]], ids=whatwg_id)
def test_a_link_that_no_browser_could_open_is_an_error(case: dict[str, Any]) -> None:
    with pytest.raises(InvalidURLError, match="cannot resolve the link"):
        join(case["base"] or NOWHERE, case["input"])


@pytest.mark.parametrize("case", RFC_3986, ids=join_id)
def test_a_reference_is_resolved_as_rfc_3986_says(case: dict[str, Any]) -> None:
    expected = "http://g/" if case["expected"] == "http://g" else case["expected"]  # written with its path
    assert join(case["base"], case["ref"]) == expected


# Joins that other libraries do in another way, and why.
JOINED_OTHERWISE = {
    ("http:///", ".."): "there is no host, which browsers do not open",
    ("a", "b"): "the base is relative",
    ("a/", "b"): "the base is relative",
    ("a/b", "c"): "the base is relative",
    ("a/b/", "c"): "the base is relative",
    ("http://a/b/c/d;p?q#f", ""): "a browser drops the fragment of the base",
}


def with_root(url: str) -> str:
    """Return *url* with the path of its root written, as browsers write it."""
    scheme, mark, rest = url.partition("://")
    end = min((at for at in (rest.find("?"), rest.find("#")) if at >= 0), default=len(rest))
    return url if not mark or "/" in rest[:end] else f"{scheme}://{rest[:end]}/{rest[end:]}"


def other_cases() -> list[dict[str, Any]]:
    return [case for case in OTHERS if case["base"] and (case["base"], case["ref"]) not in JOINED_OTHERWISE]


@pytest.mark.parametrize("case", other_cases(), ids=join_id)
def test_a_reference_is_resolved_as_other_libraries_do_it(case: dict[str, Any]) -> None:
    assert join(case["base"], case["ref"]) == with_root(case["expected"])


@pytest.mark.parametrize(
    ("reference", "target"),
    [
        ("x", "https://example.com/x"),
        ("?q", "https://example.com/?q"),
        ("https:?q", "https://example.com/?q"),
        (" ?q", "https://example.com/?q"),
    ],
)
@pytest.mark.parametrize(
    "page", ["https://example.com/a/..", "https://example.com/a/%2e%2E", "https://example.com/a/%2e."]
)
def test_a_page_called_dot_dot_lies_in_the_folder_above(page: str, reference: str, target: str) -> None:
    assert join(page, reference) == target


@pytest.mark.parametrize("reference", ["", " ", "\t", "#", "?", "#top", "\n?a=1", "https:", "https:#top", "HTTPS:?a"])
def test_two_pages_of_a_folder_link_to_themselves(reference: str) -> None:
    first, second = (join(f"https://example.com/folder/{page}", reference) for page in ("one", "two"))
    assert (defrag(first).partition("?")[0], defrag(second).partition("?")[0]) == (
        "https://example.com/folder/one",
        "https://example.com/folder/two",
    )


@pytest.mark.parametrize(
    ("encoding", "query"),
    [
        ("utf-8", "q=%D0%B6&r=%E2%82%AC"),
        ("cp1251", "q=%E6&r=%88"),
        ("iso8859-1", "q=&#1078;&r=&#8364;"),
        ("nonsense", "q=%D0%B6&r=%E2%82%AC"),
    ],
)
def test_a_query_is_escaped_in_the_encoding_of_the_page_and_a_path_never(encoding: str, query: str) -> None:
    target = join("https://example.com/", "/ж?q=ж&r=€#ж", encoding)
    assert target == f"https://example.com/%D0%B6?{query.replace('#', '%23')}#%D0%B6"


@pytest.mark.parametrize("case", ENCODED, ids=lambda case: ascii(case["input"]))
def test_utf8_queries_are_escaped_as_browsers_do_it(case: dict[str, Any]) -> None:
    assert join("https://example.com/", f"?{case['input']}") == f"https://example.com/?{case['output']['utf-8']}"


# --- ensure_absolute ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "url",
    [
        "https://example.com/",
        "https://example.com",
        "HTTPS://Example.COM:443/A/../b?b=2&a=1#top",
        "http://user:pa%20ss@example.com:8080/x;y=1/(z)?q='",
        "http://127.0.0.1:80/x",
        "http://[::1]:8000/",
        "http://1.example.com/9.9",
        "https://example.com/%7euser/caf%C3%A9",
        "file:///tmp/page.html",
        "data:text/plain,hello",
        "s3://bucket/key",
    ],
)
def test_a_clean_url_stays_as_it_was_given(url: str) -> None:
    assert ensure_absolute(url) is url


@pytest.mark.parametrize(
    ("url", "mended"),
    [
        ("  https://example.com/a b\n", "https://example.com/a%20b"),
        ("https://example.com/\tx", "https://example.com/x"),
        ("https://example.com/100%", "https://example.com/100%"),
        ('https://example.com/?q="x"', "https://example.com/?q=%22x%22"),
        ("https://bücher.example/ü", "https://xn--bcher-kva.example/%C3%BC"),
        ("https:\\\\example.com\\x", "https://example.com/x"),
        ("https:example.com", "https://example.com/"),
        ("https:///example.com", "https://example.com/"),
        ("https://ex%61mple.com/", "https://example.com/"),
        ("http://0x7f.1/", "http://127.0.0.1/"),
        ("http://me@2130706433/", "http://me@127.0.0.1/"),
        ("http://127.0.0.1./", "http://127.0.0.1/"),
    ],
)
def test_what_a_browser_would_mend_is_mended(url: str, mended: str) -> None:
    assert ensure_absolute(url) == mended


def test_a_query_is_escaped_in_the_given_encoding() -> None:
    assert ensure_absolute("https://example.com/é?é", "cp1252") == "https://example.com/%C3%A9?%E9"


@pytest.mark.parametrize("case", [case for case in WHATWG if not case["base"] and not case["failure"]], ids=whatwg_id)
def test_what_goes_on_the_wire_is_the_same_page_on_the_same_host(case: dict[str, Any]) -> None:
    sent = ensure_absolute(case["input"])
    assert join(NOWHERE, sent) == case["href"]
    assert host_key(sent) == case["host"]


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("", "it is empty"),
        ("example.com/x", "it has no scheme; write https://example.com/x"),
        ("//example.com/x", "it has no scheme; write https://example.com/x"),
        ("/x", "it has no scheme; write https://x"),
        ("example.com:8080/x", "it has no scheme; write https://example.com:8080/x"),
        ("www.example.com:80", "it has no scheme; write https://www.example.com:80"),
        ("http://example.com:99999/", "the port '99999' is no number from 0 to 65535"),
        ("http://example.com:http/", "the port 'http' is no number from 0 to 65535"),
        ("http://", "it names no host; write http://host/path"),
        ("https:///", "it names no host; write https://host/path"),
        ("http://:80/", "it names no host; write http://host/path"),
        ("http://?q", "it names no host; write http://host/path"),
        ("http://me@/", "it names no host; write http://host/path"),
        ("http://exa mple/", "'exa mple' is no host name"),
        ("http://[::1/", "'[:' is no host name"),
        ("http://256.0.0.1/", "'256.0.0.1' is no host name"),
        ("http://a.5/", "'a.5' is no host name"),
    ],
)
def test_an_error_names_the_value_and_the_way_out(url: str, reason: str) -> None:
    with pytest.raises(InvalidURLError) as caught:
        ensure_absolute(url)
    assert str(caught.value) == f"invalid URL {url!r}: {reason}"


def test_an_invalid_url_is_a_value_error() -> None:
    with pytest.raises(ValueError):
        ensure_absolute("nowhere")


# --- canonical ------------------------------------------------------------------------------------

# What w3lib does and canonical() does not, by argument and by URL, and why.
NO_SUCH_ARGUMENT = {
    "query_separator": "arguments are separated by & alone, as in the URL standard",
    "keep_blank_values": "blank values are kept: two pages may differ by them",
    "encoding": "a URL has been escaped in the encoding of its page before",
}
CANONICAL_OTHERWISE = {
    "http://www.example.com/do?&a=1": "an empty argument is one all the same",
    "http://www.example.com/do?c=3&b=5&b=2&a=50": "the order of the values of one name is kept: it may mean something",
    "http://www.example.com/do?b=&c&a=2": "c and c= are different to a server that looks",
    "http://www.example.com/do?1750,4": "an argument without a value gets none, and no escapes that it did not have",
    "http://www.example.com/do?q=a space&a=1": "a blank is %20, as in the URL standard",
    "http://www.example.com/do?q=a%20space&a=1": "a blank is %20, as in the URL standard",
    "https://example.com/a%23b%2cc#bash": "escapes are kept, as in the URL standard",
    "http://www.example.com/dir;x/a%7Eb": "escapes are kept, as in the URL standard",
    "sftp://UsEr:PaSsWoRd@www.EXAMPLE.com/": "hosts of unknown schemes are opaque, as in the URL standard",
    "http://.éxamplé.com/résumé?q=résumé": "the host is written in ASCII",
    "http://www." + "éxamplé" * 11 + ".com/résumé?q=résumé": "the host is written in ASCII",
}


def has_small_hex(url: str) -> bool:
    """Tell whether an escape of *url* has small letters: they are kept, as in the URL standard."""
    return any(part[:2] != part[:2].upper() for part in url.split("%")[1:])


def w3lib_cases() -> list[Any]:
    return [
        pytest.param(case, id=str(case["args"][0]))
        for case in W3LIB
        if isinstance(case["args"][0], str)  # the others are made of bytes and of parts
        and "://" in case["args"][0]  # a URL that is not absolute is its own canonical form
        and not set(case["kwargs"]) & set(NO_SUCH_ARGUMENT)
    ]


@pytest.mark.parametrize("case", w3lib_cases())
def test_the_canonical_form_is_that_of_scrapy_where_it_makes_no_pages_equal(case: dict[str, Any]) -> None:
    url = case["args"][0]
    got = canonical(url, keep_fragment=case["kwargs"].get("keep_fragments", False))
    if url in CANONICAL_OTHERWISE or has_small_hex(url):
        assert got != case["result"]
    else:
        assert got == case["result"]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("HTTPS://Example.com:443", "https://example.com/"),
        ("https://example.com/a/./b/../c", "https://example.com/a/c"),
        ("https://example.com/?b=2&a=1", "https://example.com/?a=1&b=2#top"),
        ("https://example.com/?", "https://example.com/"),
        ("https://bücher.example/", "https://xn--bcher-kva.example/"),
    ],
)
def test_two_ways_to_write_a_page_are_recognised_as_one(one: str, other: str) -> None:
    assert canonical(one) == canonical(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("https://example.com/A", "https://example.com/a"),
        ("https://example.com/?A=1", "https://example.com/?a=1"),
        ("https://example.com/?a=1&a=2", "https://example.com/?a=2&a=1"),
        ("https://example.com/?a", "https://example.com/"),
        ("https://example.com/a", "https://example.com/a/"),
        ("http://example.com/", "https://example.com/"),
    ],
)
def test_two_pages_are_not_taken_for_one(one: str, other: str) -> None:
    assert canonical(one) != canonical(other)


def test_the_fragment_is_kept_on_demand() -> None:
    assert canonical("https://example.com/?b&a#!/x", keep_fragment=True) == "https://example.com/?a&b#!/x"


@pytest.mark.parametrize("case", [case for case in WHATWG if not case["failure"]], ids=whatwg_id)
def test_a_canonical_form_is_its_own(case: dict[str, Any]) -> None:
    once = canonical(case["href"])
    assert canonical(once) == once


@pytest.mark.parametrize("case", WHATWG, ids=whatwg_id)
def test_a_url_that_is_taken_for_serialised_is_what_a_browser_makes_of_it(case: dict[str, Any]) -> None:
    for url in (case["input"], case.get("href") or ""):
        assert not _SERIALISED(url) or ada_url.normalize_url(url) == url


def test_no_url_made_of_the_pieces_that_matter_is_wrongly_taken_for_serialised() -> None:
    chance = random.Random(1)
    pieces = "a B 0 . .. / // ? # & = : @ % %2e %41 xn-- - _ ~ ' \" \\ ; é 127 0x7f com example.org :80 :8080 \t".split(
        " "
    )
    taken = 0
    for _ in range(100_000):
        host = chance.choice(["", "a", "www.", "example.org", "1.2.3.4", "xn--a.com", "x-1.a-b/"])
        url = chance.choice(["http://", "https://"]) + host + "".join(chance.choices(pieces, k=chance.randint(0, 7)))
        if _SERIALISED(url):
            taken += 1
            assert ada_url.normalize_url(url) == url
    assert taken > 500


# --- parts ----------------------------------------------------------------------------------------


def test_a_url_is_split_into_its_parts() -> None:
    parts = split("HTTPS://me:secret@Example.COM:8443/a/b?c=d#e")
    assert parts == ("https", "example.com", 8443, "/a/b", "c=d", "e")


@pytest.mark.parametrize(
    "url", ["http://example.com:80/", "https://example.com:443/", "http://example.com:/", "ws://example.com:80/"]
)
def test_the_port_of_the_scheme_is_none(url: str) -> None:
    assert split(url).port is None


def test_an_ipv6_host_has_no_brackets_but_in_keys() -> None:
    url = "http://[2001:DB8::1]:8080/x"
    assert (split(url).host, host_key(url)) == ("2001:db8::1", "[2001:db8::1]:8080")


@pytest.mark.parametrize("url", ["http://example.com:x/", "http://[::1/", "http://example.com:70000/"])
def test_what_cannot_be_split_is_an_invalid_url(url: str) -> None:
    with pytest.raises(InvalidURLError, match="invalid URL"):
        split(url)


@pytest.mark.parametrize("case", [case for case in WHATWG if not case["failure"]], ids=whatwg_id)
def test_the_parts_are_those_of_a_browser(case: dict[str, Any]) -> None:
    parts = split(case["href"])
    assert host_key(case["href"]) == case["host"]
    assert (parts.path, parts.query) == (case["pathname"], case["search"].removeprefix("?"))
    assert parts.fragment == case["hash"].removeprefix("#")


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://me:x@Example.com/a?b#c", "https://example.com"),
        ("https://example.com?b", "https://example.com"),
        ("https://example.com#c", "https://example.com"),
        ("https://example.com:443", "https://example.com"),
        ("http://example.com:443/", "http://example.com:443"),
        ("http://[::1]:80/", "http://[::1]"),
        ("file:///tmp/x", "file://"),
        ("data:text/plain,x", "data://"),
    ],
)
def test_an_origin_is_scheme_host_and_port(url: str, expected: str) -> None:
    assert origin(url) == expected


def test_the_host_key_ignores_scheme_and_credentials_but_not_the_port() -> None:
    assert host_key("http://me@example.com/") == host_key("https://example.com:443/x") == "example.com"
    assert host_key("https://example.com:8443/") == "example.com:8443"


def test_the_same_origin_is_the_same_scheme_host_and_port() -> None:
    assert same_origin("https://example.com/a", "HTTPS://EXAMPLE.com:443/b")
    assert not same_origin("https://example.com/", "http://example.com/")
    assert not same_origin("https://example.com/", "https://example.com:8443/")


def test_defrag_takes_the_fragment_off() -> None:
    assert defrag("https://example.com/?a#b#c") == "https://example.com/?a"


# --- HostMatcher ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "url",
    [
        "https://example.com/",
        "https://EXAMPLE.com:8443/x",
        "http://a.b.example.com",
        "https://me:x@example.com?q",
        "https://shop.example.org/",
        "https://xn--bcher-kva.example/",
        "http://127.0.0.1:8000/",
    ],
)
def test_a_host_in_a_domain_is_covered(url: str) -> None:
    domains = ["Example.com", ".shop.example.org", "bücher.example", "127.0.0.1:8000", ""]
    assert HostMatcher(domains).matches(url)


@pytest.mark.parametrize(
    "url",
    [
        "https://notexample.com/",
        "https://example.com.evil.example/",
        "https://example.com@evil.example/",
        "https://evil.example/example.com",
        "https://evil.example\\@example.com/",
        "https://evil.example?x=.example.com",
        "https://com/",
        "http://[::1/",
        "data:text/plain,example.com",
    ],
)
def test_any_other_host_is_not_covered(url: str) -> None:
    assert not HostMatcher(["example.com"]).matches(url)


def test_a_url_in_the_place_of_a_domain_means_its_host() -> None:
    assert HostMatcher(["https://example.com:8080/shop"]).matches("https://www.example.com/")


def test_no_domains_cover_nothing() -> None:
    matcher = HostMatcher([])
    assert not matcher.matches("https://example.com/")
    assert repr(matcher) == "<HostMatcher 0 domains>"


def test_many_domains_are_looked_up_and_not_searched() -> None:
    matcher = HostMatcher(f"site{number}.example" for number in range(50_000))
    assert matcher.matches("https://www.site49999.example/")
    assert not matcher.matches("https://site50000.example/")


@pytest.mark.parametrize("reference", ["http:?x://y", "http:#a://", "https:a://b", "?a=b://c", "x:?://"])
def test_a_reference_to_the_page_itself_is_known_by_its_scheme_wherever_it_has_another(reference: str) -> None:
    for base in ("http://a.test/folder/one", "http://a.test/folder/two"):
        assert join(base, reference) == ada_url.join_url(base, reference)


def test_half_a_surrogate_pair_is_a_character_that_is_none() -> None:
    assert join("http://a.test/", "x\ud800y") == "http://a.test/x%EF%BF%BDy"
