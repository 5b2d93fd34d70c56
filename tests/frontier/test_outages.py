"""Hosts that cannot be reached."""

from __future__ import annotations

from crawler.frontier.outages import ASIDE, FAILURES, GIVEN_UP_FOR, TIMES, Outages


def fail(outages: Outages, now: float) -> float:
    """Let requests of *now* fail until the host is set aside; return until when."""
    for _ in range(FAILURES):
        until = outages.failed("a", now, now)
        if until:
            return until
    raise AssertionError("not set aside")


def test_one_failure_is_none() -> None:
    outages = Outages()
    assert outages.failed("a", 0.0, 0.0) == 0.0
    outages.answered("a")
    assert outages.failed("a", 0.0, 0.0) == 0.0


def test_after_some_failures_a_host_is_set_aside_each_time_for_twice_as_long() -> None:
    outages = Outages()
    now, waits = 0.0, []
    for _ in range(TIMES):
        until = fail(outages, now)
        waits.append(until - now)
        now = until
    assert waits == [ASIDE * 2**times for times in range(TIMES)]
    assert not outages.is_given_up("a", now)


def test_what_was_on_its_way_when_the_host_was_set_aside_does_not_count() -> None:
    outages = Outages()
    until = fail(outages, 0.0)
    assert outages.failed("a", 0.0, 3.0) == 0.0
    assert outages.failed("a", until, until) == until + 2 * ASIDE


def test_a_host_that_stays_down_is_given_up_and_tried_again_much_later() -> None:
    outages = Outages()
    now = 0.0
    for _ in range(TIMES + 1):
        now = fail(outages, now)
    given_up = now - GIVEN_UP_FOR
    assert outages.is_given_up("a", given_up + 1.0)
    assert not outages.is_given_up("b", given_up + 1.0)
    assert not outages.is_given_up("a", now)
    assert outages.failed("a", now, now) == now + GIVEN_UP_FOR


def test_an_answer_ends_an_outage() -> None:
    outages = Outages()
    fail(outages, 0.0)
    outages.answered("a")
    assert outages.failed("a", 100.0, 100.0) == 0.0
