"""The pace of a host: it adapts, settles, and never becomes quicker for an error."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace

import pytest

from crawler.frontier.pace import Pace
from crawler.settings import HostRules

RULES = HostRules(delay=0.25, jitter=0.5, concurrency=4)


def answers(pace: Pace, count: int, latency: float = 0.1) -> None:
    for _ in range(count):
        pace.answered(latency)


def test_a_host_that_answers_quickly_is_asked_at_the_delay_of_its_rules() -> None:
    pace = Pace(RULES)
    answers(pace, 100, latency=0.01)
    assert (pace.delay, pace.jitter, pace.concurrency) == (0.25, 0.5, 4)


def test_a_host_begins_with_the_start_delay_and_comes_to_its_own() -> None:
    pace = Pace(replace(RULES, start_delay=5.0))
    assert pace.delay == 5.0
    answers(pace, 1)
    assert 0.25 < pace.delay < 5.0
    answers(pace, 50)
    assert pace.delay == pytest.approx(0.25, rel=0.01)


def test_a_slow_host_has_as_many_requests_on_their_way_as_the_target_says() -> None:
    pace = Pace(replace(RULES, target_concurrency=2.0))
    answers(pace, 50, latency=4.0)
    assert pace.delay == pytest.approx(2.0, rel=0.01)


def parallel(pace: Pace, count: int, latency: Callable[[float], float]) -> float:
    """Return how many requests are on their way on average in the end, where *latency* comes of how many there are."""
    took = 0.1
    for _ in range(count):
        took = latency(min(pace.concurrency, took / pace.delay))
        pace.answered(took)
    return took / pace.delay


@pytest.mark.parametrize("seconds", [0.5, 2.0, 20.0])
def test_more_requests_are_on_their_way_where_answers_take_no_longer_for_it(seconds: float) -> None:
    pace = Pace(replace(RULES, delay=0.1))
    assert parallel(pace, 50, lambda together: seconds) == pytest.approx(2.0, rel=0.05)
    assert parallel(pace, 200, lambda together: seconds) == pytest.approx(4.0, rel=0.05)


def test_fewer_requests_are_on_their_way_where_they_wait_for_each_other() -> None:
    pace = Pace(replace(RULES, delay=0.1, concurrency=16))
    assert parallel(pace, 3_000, lambda together: 1.0 + together) < 4.0


def test_a_host_that_becomes_slower_is_asked_less_often() -> None:
    pace = Pace(replace(RULES, delay=0.1))
    parallel(pace, 300, lambda together: 0.5)
    before = pace.delay
    assert parallel(pace, 300, lambda together: 3.0) < 3.0
    assert pace.delay > 6 * before


def test_one_slow_answer_among_quick_ones_changes_little() -> None:
    pace = Pace(RULES)
    answers(pace, 20)
    pace.answered(10.0)
    assert pace.delay < 2.0
    answers(pace, 20)
    assert pace.delay == pytest.approx(0.25, rel=0.05)


def test_without_a_delay_latency_brings_none() -> None:
    pace = Pace(replace(RULES, delay=0.0))
    answers(pace, 20, latency=10.0)
    assert pace.delay == 0.0


def test_a_refusal_halves_rate_and_concurrency_at_once() -> None:
    pace = Pace(RULES)
    pace.refused(started=1.0, now=1.1, on_wire=4)
    assert (pace.delay, pace.concurrency) == (0.5, 2)


def test_a_refusal_of_what_was_on_its_way_when_the_rate_was_cut_tells_nothing_new() -> None:
    pace = Pace(RULES)
    pace.refused(started=1.0, now=1.5)
    delay = pace.delay
    pace.refused(started=1.4, now=1.9)
    assert pace.delay == delay


def test_after_a_refusal_good_answers_bring_the_rate_back_to_a_little_below_the_limit() -> None:
    pace = Pace(RULES)
    limit, now = 2.0, 0.0
    for _ in range(300):
        now += pace.delay
        if 1 / pace.delay > limit:
            pace.refused(started=now, now=now)
        else:
            pace.answered(0.1)
    assert 0.9 * limit < 1 / pace.delay < limit


def test_concurrency_comes_back_one_by_one() -> None:
    pace = Pace(RULES)
    pace.refused(started=0.0, now=0.0)
    seen = []
    for _ in range(100):
        pace.answered(0.1)
        seen.append(pace.concurrency)
    assert sorted(seen) == seen
    assert set(seen) == {2, 3, 4}


def test_trouble_costs_a_share_of_the_rate_that_good_answers_give_back() -> None:
    pace = Pace(RULES)
    pace.troubled(started=0.0, now=0.1)
    assert pace.delay == pytest.approx(0.25 / 0.7)
    answers(pace, 60)
    assert pace.delay == pytest.approx(0.25, rel=0.01)


def test_a_host_in_lasting_trouble_is_asked_at_the_longest_delay_and_not_less() -> None:
    pace = Pace(RULES)
    for moment in range(100):
        pace.troubled(started=moment, now=moment + 0.5)
    assert pace.delay == 60.0


def test_a_host_that_says_503_now_and_then_whatever_it_is_asked_is_not_asked_ever_less() -> None:
    pace, chance = Pace(RULES), random.Random(1)
    for moment in range(3_000):
        if chance.random() < 0.1:
            pace.refused(started=moment, now=moment, in_so_many_words=False)
        else:
            pace.answered(0.1)
    assert pace.delay < 16 * RULES.delay + 1


def test_the_delay_that_robots_txt_asks_for_is_the_least() -> None:
    pace = Pace(RULES)
    pace.keep_apart(3.0)
    answers(pace, 100)
    assert pace.delay == 3.0


@pytest.mark.parametrize("seed", range(50))
def test_nothing_but_a_good_answer_ever_makes_it_quicker(seed: int) -> None:
    chance = random.Random(seed)
    pace = Pace(replace(RULES, delay=chance.choice((0.0, 0.1, 2.0)), start_delay=chance.choice((0.0, 1.0))))
    now = 0.0
    for _ in range(500):
        now += chance.random()
        before = (pace.delay, -pace.concurrency)
        started, on_wire = now - chance.random(), chance.randint(1, 4)
        what = chance.random()
        if what < 0.8:
            pace.answered(now - started)
        else:
            if what < 0.9:
                pace.refused(started, now, on_wire=on_wire, in_so_many_words=chance.random() < 0.5)
            else:
                pace.troubled(started, now, on_wire=on_wire)
            assert pace.delay >= before[0]
            assert -pace.concurrency >= before[1]
        assert pace.delay >= pace._rules.delay
