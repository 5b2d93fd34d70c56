"""Which address is tried when, and that the first to answer wins: no socket, no waiting."""

from __future__ import annotations

from ipaddress import ip_address
from typing import Any

import pytest
from twisted.internet.defer import succeed
from twisted.internet.error import ConnectionRefusedError, TimeoutError
from twisted.internet.protocol import Factory, Protocol
from twisted.internet.testing import MemoryReactorClock
from twisted.python.failure import Failure

from crawler.download.dialing import ATTEMPT_DELAY, Dialer, Race, interleaved
from crawler.download.dns import PinnedHosts, Records, Resolver
from crawler.download.guard import AllowedAddresses, Guard, NamedHosts
from crawler.exceptions import DownloadConnectionRefusedError, DownloadTimeoutError, PrivateAddressError

V4 = [ip_address(f"93.184.216.{number}") for number in range(1, 4)]
V6 = [ip_address(f"2606:4700::{number}") for number in range(1, 4)]


# --- decisions ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ([], []),
        ([V4[0]], [V4[0]]),
        ([*V6[:2], *V4[:2]], [V6[0], V4[0], V6[1], V4[1]]),
        ([V4[0], *V6], [V4[0], *V6]),
        ([V6[0], *V4], [V6[0], *V4]),
        ([*V6[:1], *V4[:1], *V6[1:]], [V6[0], V4[0], V6[1], V6[2]]),
    ],
)
def test_families_take_turns_beginning_with_the_one_that_the_system_puts_first(given: Any, expected: Any) -> None:
    assert interleaved(given) == expected


def test_the_next_address_is_due_a_quarter_of_a_second_after_the_last() -> None:
    race = Race([V6[0], V4[0]], now=10)
    assert race.next(10) == V6[0]
    assert (race.next(10.2), race.wake_at()) == (None, 10.25)
    assert race.next(10.25) == V4[0]
    assert race.wake_at() is None


def test_after_a_failure_the_next_address_is_due_at_once() -> None:
    race = Race([V6[0], V4[0]], now=0)
    race.next(0)
    race.failed(V6[0], OSError(), 0.01)
    assert race.next(0.01) == V4[0]


def test_a_race_is_lost_when_every_address_has_failed() -> None:
    race = Race([V6[0], V4[0]], now=0)
    for _ in range(2):
        address = race.next(0)
        assert address is not None
        assert not race.is_lost
        race.failed(address, OSError(), 0)
    assert race.is_lost


# --- connections --------------------------------------------------------------------------------------------------------


class Network:
    """A reactor in memory and a dialer on it. *hosts* are names and their addresses."""

    def __init__(self, hosts: dict[str, list[str]], **options: Any) -> None:
        self.reactor = MemoryReactorClock()
        addresses = {host: [ip_address(one) for one in given] for host, given in hosts.items()}
        pinned = PinnedHosts(options.pop("pinned", {}))
        self.resolver = Resolver(
            lambda host: succeed(addresses[host]), self.reactor, Records(keep=60, size=10), timeout=10, pinned=pinned
        )
        guard = Guard(AllowedAddresses(), NamedHosts(options.pop("named", ())))
        self.dialer = Dialer(self.reactor, self.resolver, guard, 15.0, **options)
        self.results: list[Any] = []

    def connect(self, host: str, **options: Any) -> Any:
        connecting = self.dialer.endpoint(host, 80, **options).connect(Factory.forProtocol(Protocol))
        connecting.addBoth(self.results.append)
        return connecting

    @property
    def tried(self) -> list[str]:
        return [host for host, *_ in self.reactor.tcpClients]

    @property
    def error(self) -> Any:
        return self.results[0].value

    def answer(self, number: int) -> Any:
        """Let the connection number *number* be made; return its protocol."""
        protocol = self.reactor.tcpClients[number][2].buildProtocol(None)
        protocol.makeConnection(object())
        return protocol

    def refuse(self, number: int, error: type[Exception] = ConnectionRefusedError) -> None:
        self.reactor.tcpClients[number][2].clientConnectionFailed(None, Failure(error()))


DUAL = {"site.test": [str(V6[0]), str(V4[0])]}


def test_the_first_address_alone_is_tried_while_it_has_its_time() -> None:
    network = Network(DUAL)
    network.connect("site.test")
    network.reactor.advance(ATTEMPT_DELAY - 0.01)
    network.answer(0)
    assert network.tried == [str(V6[0])]
    assert isinstance(network.results[0], Protocol)
    assert network.reactor.getDelayedCalls() == []


def test_a_dead_address_of_one_family_costs_a_quarter_of_a_second() -> None:
    network = Network(DUAL)
    network.connect("site.test")
    network.reactor.advance(ATTEMPT_DELAY)
    assert network.tried == [str(V6[0]), str(V4[0])]
    network.answer(1)
    assert isinstance(network.results[0], Protocol)


def test_the_loser_is_given_up_and_the_winner_is_first_the_next_time() -> None:
    network = Network(DUAL)
    network.connect("site.test")
    network.reactor.advance(ATTEMPT_DELAY)
    network.answer(1)
    assert network.reactor.connectors[0].stoppedConnecting
    network.connect("site.test")
    assert network.tried[2:] == [str(V4[0])]


def test_an_address_that_refuses_lets_the_next_begin_at_once() -> None:
    network = Network(DUAL)
    network.connect("site.test")
    network.refuse(0)
    assert network.tried == [str(V6[0]), str(V4[0])]


def test_when_all_refuse_the_error_names_each() -> None:
    network = Network(DUAL)
    network.connect("site.test")
    network.refuse(0)
    network.refuse(1)
    assert isinstance(network.error, DownloadConnectionRefusedError)
    assert "site.test port 80" in str(network.error)
    assert str(V6[0]) in str(network.error)
    assert str(V4[0]) in str(network.error)


def test_when_none_answers_in_time_it_is_a_time_out_of_connecting() -> None:
    network = Network(DUAL)
    network.connect("site.test")
    network.reactor.advance(ATTEMPT_DELAY)
    network.refuse(0, TimeoutError)
    network.refuse(1, TimeoutError)
    assert isinstance(network.error, DownloadTimeoutError)
    assert network.error.phase == "connect"


def test_giving_up_gives_up_every_attempt() -> None:
    network = Network(DUAL)
    connecting = network.connect("site.test")
    network.reactor.advance(ATTEMPT_DELAY)
    connecting.cancel()
    assert [one.stoppedConnecting for one in network.reactor.connectors] == [True, True]
    assert network.reactor.getDelayedCalls() == []


def test_a_name_with_hundreds_of_dead_addresses_ends() -> None:
    network = Network({"many.test": [f"93.184.{high}.{low}" for high in range(4) for low in range(250)]})
    network.reactor.connectTCP = lambda host, port, factory, *_, **__: factory.clientConnectionFailed(
        None, Failure(ConnectionRefusedError())
    )
    network.connect("many.test")
    assert isinstance(network.error, DownloadConnectionRefusedError)


def test_only_addresses_of_the_bound_family_are_tried() -> None:
    network = Network(DUAL, bind_address="93.184.216.99")
    network.connect("site.test")
    assert [(host, bind) for host, _, _, _, bind in network.reactor.tcpClients] == [(str(V4[0]), ("93.184.216.99", 0))]


def test_an_address_of_the_request_counts_before_that_of_the_settings() -> None:
    network = Network(DUAL, bind_address="93.184.216.99")
    network.connect("site.test", bind_address="93.184.216.98")
    assert network.reactor.tcpClients[0][4] == ("93.184.216.98", 0)


def test_a_bound_address_of_another_family_than_the_host_is_an_error_that_says_so() -> None:
    network = Network({"four.test": [str(V4[0])]}, bind_address="::1")
    network.connect("four.test")
    assert "the other family" in str(network.error)


# --- the guard, at the moment of connecting -----------------------------------------------------------------------------


def test_a_public_name_at_a_private_address_is_not_connected_to() -> None:
    network = Network({"evil.test": ["10.0.0.1"]})
    network.connect("evil.test")
    assert network.tried == []
    assert isinstance(network.error, PrivateAddressError)


def test_a_public_name_that_moves_to_a_private_address_is_refused_when_it_has_moved() -> None:
    answers = [["93.184.216.34"], ["127.0.0.1"]]
    network = Network({})
    network.resolver._look_up = lambda host: succeed([ip_address(one) for one in answers.pop(0)])
    network.connect("rebinding.test")
    network.answer(0)
    network.reactor.advance(61)
    network.connect("rebinding.test")
    assert network.tried == ["93.184.216.34"]
    assert isinstance(network.results[1].value, PrivateAddressError)


def test_a_pinned_host_may_be_anywhere_and_is_not_looked_up() -> None:
    network = Network({}, pinned={"site.test": "10.0.0.7"})
    network.connect("site.test")
    assert network.tried == ["10.0.0.7"]


def test_a_proxy_that_was_asked_for_may_be_anywhere() -> None:
    network = Network({})
    network.connect("127.0.0.1", is_trusted=True)
    assert network.tried == ["127.0.0.1"]
