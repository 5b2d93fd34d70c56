"""Pools of proxies and sessions: turns, stickiness, retirement, rest."""

from __future__ import annotations

import pytest

from crawler.http.sessions import MAX_REST, BlockRules, ProxyPool, SessionPool

A, B = "http://user:secret@a.test:8080", "http://b.test:8080"


def urls(pool: SessionPool, count: int, now: float = 0.0) -> list[str | None]:
    taken = [pool.take(now) for _ in range(count)]
    return [session.proxy.url if session and session.proxy else None for session in taken]


def test_proxies_take_turns() -> None:
    assert urls(SessionPool(proxies=ProxyPool([A, B])), 4) == [A, B, A, B]


def test_a_blocked_proxy_rests_and_longer_every_time() -> None:
    proxies = ProxyPool([A], cool_down=10.0)
    now, rests = 0.0, []
    for _ in range(7):
        proxy = proxies.take(now)
        assert proxy is not None
        proxies.blocked(proxy, now)
        rests.append(proxy.rests_until - now)
        assert proxies.take(now) is None
        assert proxies.back_at() == proxy.rests_until
        now = proxy.rests_until
    assert rests == [10.0, 20.0, 40.0, 80.0, 160.0, 160.0, 160.0]
    assert max(rests) == 10.0 * MAX_REST


def test_a_proxy_that_works_again_rests_no_longer_than_the_first_time() -> None:
    proxies = ProxyPool([A], cool_down=10.0)
    proxy = proxies.take(0.0)
    assert proxy is not None
    proxies.blocked(proxy, 0.0)
    proxies.worked(proxy)
    proxies.blocked(proxy, 10.0)
    assert proxy.rests_until == 20.0


def test_a_block_that_is_told_twice_counts_once() -> None:
    proxies = ProxyPool([A], cool_down=10.0)
    proxy = proxies.take(0.0)
    assert proxy is not None
    proxies.blocked(proxy, 0.0)
    proxies.blocked(proxy, 1.0)
    assert proxy.rests_until == 10.0


def test_no_repr_shows_credentials() -> None:
    proxies = ProxyPool([A])
    assert "secret" not in repr(proxies) + repr(proxies.proxies)


def test_sessions_take_turns_and_each_keeps_its_proxy_and_headers() -> None:
    pool = SessionPool(size=2, proxies=ProxyPool([A, B]), headers=[{"User-Agent": "one"}, {"User-Agent": "two"}])
    taken = [pool.take(0.0) for _ in range(4)]
    assert taken[0] is taken[2] is not taken[1]
    assert taken[1] is taken[3]
    seen = [(one.key, one.proxy.url, one.headers["User-Agent"]) for one in taken[:2] if one and one.proxy]
    assert seen == [("session-1", A, "one"), ("session-2", B, "two")]


def test_a_name_always_gives_the_same_session_until_it_is_retired() -> None:
    pool = SessionPool(size=2)
    first = pool.take(0.0, "account")
    assert first is not None
    assert pool.take(0.0, "account") is first
    pool.blocked(first, 0.0)
    second = pool.take(0.0, "account")
    assert second is not None
    assert (first.key, second.key) == ("account", "account~2")


def test_the_name_of_a_session_whose_turn_it_was_gives_that_session() -> None:
    pool = SessionPool(size=2)
    first = pool.take(0.0)
    pool.take(0.0)
    assert first is not None
    assert pool.take(0.0, first.name) is first


def test_a_session_is_retired_after_its_uses() -> None:
    pool = SessionPool(size=1, max_uses=2)
    taken = [pool.take(0.0) for _ in range(4)]
    assert [session.key for session in taken if session] == ["session-1", "session-1", "session-2", "session-2"]


def test_strikes_in_a_row_retire_a_session_and_an_answer_in_between_clears_them() -> None:
    pool = SessionPool(size=1, max_strikes=2)
    session = pool.take(0.0)
    assert session is not None
    pool.blocked(session, 0.0)
    pool.worked(session)
    pool.blocked(session, 0.0)
    assert not session.is_retired
    pool.blocked(session, 0.0)
    assert session.is_retired
    assert pool.take(0.0) is not session


def test_a_session_ends_with_its_proxy() -> None:
    pool = SessionPool(size=1, proxies=ProxyPool([A, B]))
    session = pool.take(0.0)
    assert session is not None
    pool.proxy_failed(session, 0.0)
    assert urls(pool, 2) == [B, B]


@pytest.mark.parametrize(
    ("status", "body", "reason"),
    [
        (403, b"", "status 403"),
        (200, b"please solve this Captcha", "text captcha"),
        (200, b"x" * 70_000 + b"captcha", ""),
        (200, b"a page", ""),
    ],
)
def test_a_block_is_known_by_its_status_or_a_text(status: int, body: bytes, reason: str) -> None:
    assert BlockRules.of([403], ["captcha"]).reason(status, body) == reason


def test_a_wrong_expression_is_told() -> None:
    with pytest.raises(ValueError, match=r"'\(' is no regular expression"):
        BlockRules.of([], ["("])
