"""What servers say of how often they may be asked."""

from __future__ import annotations

import pytest

from crawler.http import Headers
from crawler.http.ratelimit import wait_asked_for, wait_for_quota

NOW = 1_800_000_000.0


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"RateLimit": '"default";r=0;t=30'}, 30.0),
        ({"RateLimit": '"default";r=3;t=30'}, None),
        ({"RateLimit": '"minute";r=0;t=20, "hour";r=0;t=1200'}, 1200.0),
        ({"RateLimit": '"minute";r=0;t=20, "hour";r=17;t=1200'}, 20.0),
        ({"RateLimit": "limit=100, remaining=0, reset=5"}, 5.0),
        ({"RateLimit": "limit=100, remaining=50, reset=5"}, None),
        ({"RateLimit": '"default";r=0'}, None),
        ({"RateLimit-Limit": "10", "RateLimit-Remaining": "0", "RateLimit-Reset": "7"}, 7.0),
        ({"RateLimit-Limit": "10", "RateLimit-Remaining": "1", "RateLimit-Reset": "7"}, None),
        ({"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": str(int(NOW) + 90)}, 90.0),
        ({"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": str(int(NOW) - 90)}, 0.0),
        ({"X-Rate-Limit-Remaining": "0", "X-Rate-Limit-Reset": "12.5"}, 12.0),
        ({"RateLimit-Remaining": "none", "RateLimit-Reset": "7"}, None),
        ({"RateLimit-Remaining": "0"}, None),
        ({"RateLimit-Remaining": "0", "RateLimit-Reset": "9" * 400}, None),
        ({}, None),
    ],
)
def test_a_quota_that_is_used_up_says_when_there_is_more(headers: dict[str, str], seconds: float | None) -> None:
    assert wait_for_quota(Headers(headers), NOW) == seconds


def test_a_moment_counts_from_the_servers_own_clock() -> None:
    slow = {"Date": "Thu, 01 Jan 2026 00:00:00 GMT", "Retry-After": "Thu, 01 Jan 2026 00:01:00 GMT"}
    assert wait_asked_for(Headers(slow), NOW) == 60.0
    quota = {"Date": "Thu, 01 Jan 2026 00:00:00 GMT", "X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "1767225690"}
    assert wait_for_quota(Headers(quota), NOW) == 90.0


def test_without_retry_after_no_wait_is_asked_for() -> None:
    assert wait_asked_for(Headers({}), NOW) is None
    assert wait_asked_for(Headers({"Retry-After": "soon"}), NOW) is None
