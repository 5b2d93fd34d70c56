"""What is noted of a crawl while it runs: waits, what holds it back, the profile of its items."""

from __future__ import annotations

import random
from typing import Any

import pytest

from crawler import Request, Spider
from crawler.crawler import Crawler
from crawler.download import Phases
from crawler.engine.holdback import Holdback, in_words
from crawler.engine.profile import Profile
from crawler.engine.troubles import Troubles
from crawler.engine.waits import ON_THE_WIRE, Histogram, Waits
from crawler.testing import MemoryWorld, Page, Site

HOST = "http://watched.test"
WAITING = "of the time was spent waiting for"
REQUEST = Request(HOST)
QUIET = {"log.stats_interval": 0, "politeness.obey_robots": False, "politeness.delay": 0.0}


@pytest.mark.parametrize("seed", range(5))
def test_a_percentile_is_right_to_within_a_tenth(seed: int) -> None:
    chance = random.Random(seed)
    values = sorted(chance.lognormvariate(-2, 1.5) for _ in range(5_000))
    histogram = Histogram()
    for value in values:
        histogram.add(value)
    for share in (0.5, 0.9, 0.99):
        assert histogram.percentile(share) == pytest.approx(values[int(len(values) * share) - 1], rel=0.11)
    assert histogram.total == pytest.approx(sum(values))
    assert Histogram.restored(histogram.plain()).percentile(0.9) == histogram.percentile(0.9)


def test_a_histogram_takes_any_number_of_seconds() -> None:
    histogram = Histogram()
    for value in (0.0, -1.0, 1e-9, 1e9):
        histogram.add(value)
    assert histogram.count == 4
    assert histogram.percentile(1.0) <= 1e9
    assert Histogram().percentile(0.5) == 0.0


def test_the_time_is_counted_for_what_held_the_crawl_back() -> None:
    holdback = Holdback()
    holdback.note("politeness.delay", "a.test", 0.0)
    holdback.note("crawl.concurrency", "", 8.0)
    holdback.note("politeness.delay", "a.test", 10.0)
    assert dict(holdback.seconds) == {"politeness.delay": 8.0, "crawl.concurrency": 2.0}
    assert dict(holdback.hosts) == {"a.test": 8.0}


@pytest.mark.parametrize(
    ("seconds", "hosts", "cpu", "said"),
    [
        ({"politeness.delay": 9.0}, {"a.test": 9.0}, 1.0, f"90% {WAITING} politeness.delay of one host, a.test."),
        ({"politeness.delay": 9.0}, {"a.test": 5.0, "b.test": 4.0}, 1.0, f"90% {WAITING} politeness.delay. Lower"),
        ({"crawl.concurrency": 8.0}, {}, 1.0, f"80% {WAITING} crawl.concurrency. Raise crawl.concurrency."),
        ({"crawl.concurrency": 4.0}, {}, 1.0, ""),
        ({"nothing to do": 9.0}, {}, 1.0, ""),
        ({"crawl.concurrency": 8.0}, {}, 9.5, "The CPU limits the crawl: one core was busy for 95% of the time."),
    ],
)  # fmt: skip
def test_it_is_told_in_words_where_something_stands_out(
    seconds: dict[str, float], hosts: dict[str, float], cpu: float, said: str
) -> None:
    told = in_words({"seconds": seconds, "hosts": hosts}, elapsed=10.0, cpu=cpu)
    assert told.startswith(said)
    assert bool(told) == bool(said)


def test_what_places_on_the_wire_wait_for_is_told_with_the_setting_that_would_help() -> None:
    seconds = {"dns": 70.0, "connect": 5.0, "tls": 5.0, "first byte": 15.0, "body": 5.0}
    for reason in ("crawl.concurrency", "politeness.concurrency_per_host"):
        told = in_words({"seconds": {reason: 9.0}}, elapsed=10.0, cpu=1.0, on_the_wire=seconds)
        assert "70% of the wait on the wire is name look-ups: raise http.dns_cache" in told
    polite = in_words({"seconds": {"politeness.delay": 9.0}}, elapsed=10.0, cpu=1.0, on_the_wire=seconds)
    assert "wire" not in polite
    even = dict.fromkeys(seconds, 1.0)
    assert "wire" not in in_words({"seconds": {"crawl.concurrency": 9.0}}, elapsed=10.0, cpu=1.0, on_the_wire=even)


def test_every_phase_on_the_wire_has_its_advice() -> None:
    for phase in ON_THE_WIRE:
        told = in_words({"seconds": {"crawl.concurrency": 9.0}}, elapsed=10.0, cpu=1.0, on_the_wire={phase: 1.0})
        assert "100% of the wait on the wire is " in told, phase


def test_only_phases_that_a_download_came_to_are_counted() -> None:
    waits = Waits()
    waits.add_download(REQUEST, Phases(None, None, None, 0.5, 0.1))
    waits.add_download(REQUEST, Phases(0.2, 0.1, None, 0.5, 0.1))
    waits.add_download(REQUEST, Phases(0.2, 0.1, 0.3, 0.5))
    waits.add_download(REQUEST, Phases(5.0))
    assert {phase: one["count"] for phase, one in waits.look().items()} == {
        "dns": 3, "connect": 2, "tls": 1, "first byte": 3, "body": 2
    }  # fmt: skip
    assert waits.on_the_wire()["dns"] == pytest.approx(5.4)


def test_what_a_job_has_kept_of_waits_goes_on_for_whoever_counts_them() -> None:
    earlier, waits = Waits(), Waits()
    earlier["pipeline"].add(2.0)
    count = waits["pipeline"].add
    waits.restore(earlier.plain())
    count(1.0)
    assert (waits["pipeline"].count, waits["pipeline"].total) == (2, 3.0)


class Pages(Spider):
    name = "pages"

    async def start(self):
        for number in range(10):
            yield Request(f"{HOST}/{number}")

    def parse(self, response):
        yield {"n": response.url, "empty": ""}


def watched(site: Any, **settings: Any) -> Any:
    world = MemoryWorld(Site(site))
    named = {name.replace("__", "."): value for name, value in settings.items()}
    crawler = Crawler(Pages, {**QUIET, **named}, runtime=world.runtime)
    world.run(crawler)
    assert crawler.engine is not None
    return crawler.engine.watch


def test_waits_are_told_by_phase() -> None:
    watch = watched({"*": Page("x", latency=0.5)}, politeness__concurrency_per_host=1, politeness__delay=2.0)
    assert watch.waits["download"].count == 10
    assert watch.waits["first byte"].percentile(0.5) == pytest.approx(0.5, rel=0.1)
    assert watch.waits["turn"].most == pytest.approx(18.0, abs=1.5)
    assert watch.waits["politeness"].percentile(0.5) == pytest.approx(1.5, abs=0.6)
    assert watch.waits["callback"].count == 10


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({"politeness__delay": 2.0}, "politeness.delay"),
        ({"politeness__concurrency_per_host": 1}, "politeness.concurrency_per_host"),
        ({"crawl__concurrency": 1}, "crawl.concurrency"),
    ],
)
def test_what_holds_a_crawl_back_is_what_the_setting_says(settings: dict[str, Any], reason: str) -> None:
    watch = watched({"*": Page("x", latency=0.5)}, **settings)
    ((most, seconds),) = watch.holdback.seconds.most_common(1)
    assert most == reason
    assert seconds > 0.8 * watch.elapsed(0.0 + sum(watch.holdback.seconds.values()))


def test_callbacks_are_told_by_name() -> None:
    watch = watched({"*": "x"})
    ((name, calls, _, _),) = watch.callbacks.slowest()
    assert (name, calls) == ("Pages.parse", 10)


def test_items_are_profiled_by_field() -> None:
    watch = watched({"*": "x"})
    assert watch.profile.items == 10
    assert watch.profile.fields["n"]["filled"] == 10
    assert watch.profile.fields["empty"]["filled"] == 0
    assert watch.profile.fields["n"]["types"] == {"str": 10}
    assert len(watch.profile.fields["n"]["examples"]) == 3


def test_a_profile_has_no_trouble_with_odd_values() -> None:
    class Odd:
        def __eq__(self, other: object) -> bool:
            raise ValueError("ambiguous")

        def __bool__(self) -> bool:
            raise ValueError("ambiguous")

    profile = Profile()
    profile.add({"odd": Odd(), "zero": 0, "no": False, "none": None, "nothing": []})
    assert {name: field["filled"] for name, field in profile.fields.items()} == {
        "odd": 1, "zero": 1, "no": 1, "none": 0, "nothing": 0
    }  # fmt: skip


def test_items_whose_keys_are_data_do_not_fill_the_memory() -> None:
    profile = Profile()
    for number in range(1_000):
        profile.add({f"key {number}": "x" * 10_000})
    assert len(profile.fields) == 200
    assert max(len(example) for field in profile.fields.values() for example in field["examples"]) <= 120


def test_troubles_are_counted_by_kind_and_place_and_the_latest_come_first() -> None:
    troubles = Troubles()
    for number in range(3):
        troubles.add("KeyError", "a.py:1", "text", f"url {number}", float(number))
    troubles.add("KeyError", "a.py:2", "text", "url", 9.0)
    again = Troubles()
    again.restore(troubles.plain())
    assert [(one.where, one.count, one.example) for one in again.most()] == [
        ("a.py:1", 3, "url 0"),
        ("a.py:2", 1, "url"),
    ]
    assert again.latest(1)[0].where == "a.py:2"


def test_times_are_counted_when_somebody_looks_and_do_not_pile_up() -> None:
    waits = Waits()
    for _ in range(10_000):
        waits.add_visit(download=0.25, turn=0.0, politeness=0.0)
    assert len(waits["download"]._fresh) <= 1001
    assert (waits["download"].count, waits["download"].total) == (10_000, 2500.0)
