"""Referrer policies: what a page tells the next one, and what it never does."""

from __future__ import annotations

import pytest

from crawler.http.referrer import REFERRER_POLICIES, referrer

PAGE = "https://example.com/a?b=c"
SITE = "https://example.com/"
SAME, OTHER, DOWNGRADE = "https://example.com/x", "https://example.org/x", "http://example.com/x"


@pytest.mark.parametrize(
    ("policy", "same", "other", "downgrade"),
    [
        ("no-referrer", None, None, None),
        ("no-referrer-when-downgrade", PAGE, PAGE, None),
        ("same-origin", PAGE, None, None),
        ("origin", SITE, SITE, SITE),
        ("strict-origin", SITE, SITE, None),
        ("origin-when-cross-origin", PAGE, SITE, SITE),
        ("strict-origin-when-cross-origin", PAGE, SITE, None),
        ("unsafe-url", PAGE, PAGE, PAGE),
        ("scrapy-default", PAGE, PAGE, None),
    ],
)
def test_a_policy_says_how_much_is_told(
    policy: str, same: str | None, other: str | None, downgrade: str | None
) -> None:
    assert [referrer(policy, PAGE, target) for target in (SAME, OTHER, DOWNGRADE)] == [same, other, downgrade]


@pytest.mark.parametrize("policy", sorted(set(REFERRER_POLICIES) - {"no-referrer"}))
@pytest.mark.parametrize(
    "source",
    [
        "https://me:secret@example.com/a#secret",
        "https://me:secret@example.com#secret",
        "https://me:secret@example.com?q#secret",
        "https://me:sec@ret@example.com/a",
    ],
)
def test_credentials_and_fragment_are_never_told(policy: str, source: str) -> None:
    told = referrer(policy, source, SAME)
    assert told is not None
    assert told.startswith("https://example.com")
    assert "secret" not in told


def test_an_at_sign_in_path_or_query_is_told() -> None:
    for page in ("https://example.com/@me", "https://example.com/?mail=me@example.org", "https://example.com?q=a@b"):
        assert referrer("unsafe-url", page, OTHER) == page


@pytest.mark.parametrize("policy", sorted(REFERRER_POLICIES))
@pytest.mark.parametrize(
    ("source", "target"),
    [("file:///home/me/page.html", OTHER), ("data:text/html,x", OTHER), ("s3://bucket/key", OTHER), (PAGE, "ftp://x/")],
)
def test_only_the_web_is_told_and_only_of_the_web(policy: str, source: str, target: str) -> None:
    assert referrer(policy, source, target) is None


def test_from_plain_http_nothing_is_a_downgrade() -> None:
    assert referrer("strict-origin", "http://example.com/a", "http://example.org/") == "http://example.com/"
    assert referrer("scrapy-default", "http://example.com/a", "https://example.org/") == "http://example.com/a"


def test_another_port_is_another_origin_and_the_default_port_is_none() -> None:
    assert referrer("same-origin", PAGE, "https://example.com:8443/") is None
    assert referrer("same-origin", PAGE, "https://example.com:443/") == PAGE


def test_a_name_that_is_no_policy_is_looked_up_in_vain() -> None:
    with pytest.raises(KeyError):
        referrer("os.system", PAGE, SAME)
