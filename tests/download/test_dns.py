"""Names and addresses: what is remembered, who shares a look-up, and what a slow one costs the others."""

from __future__ import annotations

import socket
import threading
from ipaddress import ip_address
from typing import Any

import pytest
from pytest_twisted import ensureDeferred
from twisted.internet import reactor
from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.error import DNSLookupError
from twisted.internet.task import Clock

from crawler.download.dns import KEEP_MISSING, PinnedHosts, Records, Resolver, SystemLookUp
from crawler.exceptions import CannotResolveHostError, SettingsError

ONE, TWO, SIX = ip_address("192.0.2.1"), ip_address("192.0.2.2"), ip_address("2001:db8::1")


# --- what is remembered -------------------------------------------------------------------------------------------------


def test_an_answer_holds_for_its_time_and_no_longer() -> None:
    records = Records(keep=60, size=10)
    records.learn("site.test", [ONE], 0)
    assert records.get("site.test", 59.9) == (ONE,)
    assert records.get("site.test", 60) is None


def test_that_a_name_does_not_exist_holds_for_a_shorter_time() -> None:
    records = Records(keep=600, size=10)
    records.learn("dead.test", [], 0)
    assert records.get("dead.test", KEEP_MISSING - 1) == ()
    assert records.get("dead.test", KEEP_MISSING) is None


def test_only_so_many_names_are_remembered_and_the_oldest_goes() -> None:
    records = Records(keep=60, size=2)
    for number, host in enumerate(["a.test", "b.test", "c.test"]):
        records.learn(host, [ONE], number)
    assert [records.get(host, 3) for host in ("a.test", "b.test", "c.test")] == [None, (ONE,), (ONE,)]


def test_a_cache_of_no_seconds_or_no_names_remembers_nothing() -> None:
    for records in (Records(keep=0, size=10), Records(keep=60, size=0)):
        assert records.learn("site.test", [ONE], 0) == (ONE,)
        assert records.get("site.test", 0) is None


def test_the_address_that_answered_comes_first_from_then_on() -> None:
    records = Records(keep=60, size=10)
    records.learn("site.test", [SIX, ONE, TWO], 0)
    records.prefer("site.test", ONE)
    assert records.get("site.test", 1) == (ONE, SIX, TWO)


# --- look-ups -----------------------------------------------------------------------------------------------------------


class Names:
    """A name server in memory: answers by name, or by and by."""

    def __init__(self, **answers: Any) -> None:
        self.answers = {name.replace("_", "."): answer for name, answer in answers.items()}
        self.asked: list[str] = []
        self.pending: list[Deferred[Any]] = []

    def __call__(self, host: str) -> Deferred[Any]:
        self.asked.append(host)
        answer = self.answers.get(host)
        if answer is None:
            self.pending.append(Deferred())
            return self.pending[-1]
        return fail(answer) if isinstance(answer, Exception) else succeed(answer)


def resolver(names: Names, clock: Clock | None = None, **options: Any) -> Resolver:
    return Resolver(names, clock or Clock(), Records(keep=60, size=10), timeout=10, **options)


def outcome(resolving: Deferred[Any]) -> Any:
    """Return what *resolving* came to: addresses, an exception, or None for nothing yet."""
    results: list[Any] = []
    resolving.addBoth(results.append)
    return None if not results else getattr(results[0], "value", results[0])


def test_a_name_is_looked_up_once_while_its_answer_holds() -> None:
    names, clock = Names(site_test=[ONE]), Clock()
    it = resolver(names, clock)
    for _ in range(3):
        assert outcome(it.resolve("site.test")) == (ONE,)
    clock.advance(61)
    it.resolve("site.test")
    assert names.asked == ["site.test"] * 2


@pytest.mark.parametrize("host", ["192.0.2.1", "2001:db8::1"])
def test_an_address_is_not_looked_up(host: str) -> None:
    names = Names()
    assert outcome(resolver(names).resolve(host)) == (ip_address(host),)
    assert names.asked == []


def test_who_asks_for_the_same_name_shares_the_look_up() -> None:
    names = Names()
    it = resolver(names)
    first, second = it.resolve("slow.test"), it.resolve("slow.test")
    names.pending[0].callback([ONE])
    assert (outcome(first), outcome(second), names.asked) == ((ONE,), (ONE,), ["slow.test"])


def test_one_that_gives_up_takes_nothing_from_the_others() -> None:
    names = Names()
    it = resolver(names)
    first, second = it.resolve("slow.test"), it.resolve("slow.test")
    first.addErrback(lambda _: None)
    first.cancel()
    names.pending[0].callback([ONE])
    assert outcome(second) == (ONE,)


def test_a_slow_name_holds_up_no_other() -> None:
    names = Names(site_test=[ONE])
    it = resolver(names)
    slow = it.resolve("slow.test")
    assert outcome(it.resolve("site.test")) == (ONE,)
    assert outcome(slow) is None


NXDOMAIN = socket.gaierror(socket.EAI_NONAME, "Name or service not known")


def test_a_name_that_does_not_exist_is_an_error_that_says_so_and_is_remembered() -> None:
    names = Names(dead_test=NXDOMAIN)
    it = resolver(names)
    errors = [outcome(it.resolve("dead.test")) for _ in range(2)]
    assert names.asked == ["dead.test"]
    for error in errors:
        assert isinstance(error, CannotResolveHostError)
        assert isinstance(error, DNSLookupError)
        assert "dead.test has no address" in str(error)
        assert "http.pinned_hosts" in str(error)


def test_a_server_that_does_not_answer_is_asked_again_by_a_retry() -> None:
    names = Names(site_test=socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution"))
    it = resolver(names)
    errors = [outcome(it.resolve("site.test")) for _ in range(2)]
    assert names.asked == ["site.test"] * 2
    assert "site.test could not be looked up" in str(errors[0])
    assert "Temporary failure" in str(errors[0])


def test_a_look_up_that_takes_too_long_ends_and_names_the_setting() -> None:
    names, clock = Names(), Clock()
    it = resolver(names, clock)
    slow = it.resolve("slow.test")
    clock.advance(10)
    error = outcome(slow)
    assert isinstance(error, CannotResolveHostError)
    assert "slow.test could not be looked up: no answer within 10 s (http.dns_timeout)" in str(error)
    it.resolve("slow.test")
    assert names.asked == ["slow.test"] * 2
    assert names.pending[0].called, "the look-up is given up, too"


# --- pinned hosts -------------------------------------------------------------------------------------------------------


def test_a_host_is_pinned_at_every_port_or_at_one() -> None:
    pinned = PinnedHosts({"Site.test": "192.0.2.1", "site.test:8080": ["2001:db8::1", "192.0.2.2"]})
    assert pinned.get("site.test", 80) == (ONE,)
    assert pinned.get("site.test", 8080) == (SIX, TWO)
    assert pinned.get("other.test", 80) is None


@pytest.mark.parametrize(
    "table",
    [{"site.test": "not an address"}, {"site.test": []}, {"site.test": 7}, {":80": "192.0.2.1"}, {"a:b": "192.0.2.1"}],
)
def test_what_pins_nothing_is_an_error(table: dict[str, Any]) -> None:
    with pytest.raises(SettingsError, match=r"http\.pinned_hosts"):
        PinnedHosts(table)


# --- the operating system -----------------------------------------------------------------------------------------------


def answers_of(*addresses: str) -> list[Any]:
    return [
        (socket.AF_INET6, socket.SOCK_STREAM, 6, "", (one, 0, 0, 0))
        if ":" in one
        else (socket.AF_INET, socket.SOCK_STREAM, 6, "", (one, 0))
        for one in addresses
    ]


@ensureDeferred
async def test_both_families_are_asked_for_and_keep_the_systems_order() -> None:
    look_up = SystemLookUp(reactor, 4, lambda *_, **__: answers_of("2001:db8::1", "192.0.2.1", "192.0.2.1"))
    assert await look_up("site.test") == [SIX, ONE]


@ensureDeferred
async def test_as_many_dead_names_as_requests_on_the_wire_starve_no_other() -> None:
    dead = threading.Event()

    def getaddrinfo(host: bytes, *_: Any, **__: Any) -> list[Any]:
        if host.startswith(b"dead"):
            dead.wait(20)
            raise NXDOMAIN
        return answers_of("192.0.2.1")

    look_up = SystemLookUp(reactor, 32, getaddrinfo)
    waiting = [look_up(f"dead{number}.test") for number in range(16)]
    try:
        assert await look_up("site.test") == [ONE]
        assert not any(one.called for one in waiting)
    finally:
        dead.set()
    for one in waiting:
        one.addErrback(lambda failure: failure.trap(socket.gaierror))
        await one


@ensureDeferred
async def test_look_ups_beyond_the_limit_wait_and_those_given_up_are_never_begun() -> None:
    go, asked = threading.Event(), []

    def getaddrinfo(host: bytes, *_: Any, **__: Any) -> list[Any]:
        asked.append(host)
        go.wait(20)
        return answers_of("192.0.2.1")

    look_up = SystemLookUp(reactor, 1, getaddrinfo)
    first, second, third = (look_up(f"{number}.test") for number in range(3))
    second.addErrback(lambda _: None)
    second.cancel()
    go.set()
    assert await first == await third == [ONE]
    assert asked == [b"0.test", b"2.test"]


@ensureDeferred
async def test_an_answer_that_cannot_be_read_is_an_error() -> None:
    look_up = SystemLookUp(reactor, 4, lambda *_, **__: answers_of("no address"))
    with pytest.raises(ValueError, match="no address"):
        await look_up("site.test")


@ensureDeferred
async def test_the_systems_own_names_resolve() -> None:
    assert ip_address("127.0.0.1") in await SystemLookUp(reactor, 1)("localhost")
