"""Which addresses may be connected to: a table of cases, and who may allow what."""

from __future__ import annotations

from ipaddress import ip_address

import pytest

from crawler.download.guard import AllowedAddresses, Guard, NamedHosts, special_kind
from crawler.exceptions import PrivateAddressError, SettingsError
from crawler.http import Request
from crawler.url import split

KINDS = {
    "0.0.0.0": "unspecified",
    "0.1.2.3": "unspecified",
    "10.0.0.1": "private",
    "100.64.0.1": "carrier-grade NAT",
    "100.100.100.200": "cloud metadata",
    "100.128.0.1": "",
    "127.0.0.1": "loopback",
    "127.255.255.255": "loopback",
    "169.254.1.1": "link-local",
    "169.254.169.254": "cloud metadata",
    "169.254.170.2": "cloud metadata",
    "172.15.255.255": "",
    "172.16.0.1": "private",
    "172.31.255.255": "private",
    "172.32.0.1": "",
    "192.0.0.192": "cloud metadata",
    "168.63.129.16": "cloud metadata",
    "fd20:ce::254": "cloud metadata",
    "100:0:0:1::1": "reserved",
    "5f00::1": "reserved",
    "2001:2::1": "benchmarking",
    "192.0.2.1": "documentation",
    "192.168.1.1": "private",
    "198.18.0.1": "benchmarking",
    "224.0.0.1": "multicast",
    "239.255.255.255": "multicast",
    "240.0.0.1": "reserved",
    "255.255.255.255": "broadcast",
    "8.8.8.8": "",
    "93.184.216.34": "",
    "::": "unspecified",
    "::1": "loopback",
    "fc00::1": "unique-local",
    "fd12:3456::1": "unique-local",
    "fd00:ec2::254": "cloud metadata",
    "fe80::1": "link-local",
    "fe80::1%eth0": "link-local",
    "fec0::1": "site-local",
    "ff02::1": "multicast",
    "2001:db8::1": "documentation",
    "2606:4700::1111": "",
    "2a00:1450:4001::200e": "",
    # IPv4 in disguise
    "::ffff:127.0.0.1": "loopback",
    "::ffff:10.0.0.1": "private",
    "::ffff:169.254.169.254": "cloud metadata",
    "::ffff:8.8.8.8": "",
    "::ffff:0:127.0.0.1": "loopback",
    "::127.0.0.1": "loopback",
    "::8.8.8.8": "",
    "64:ff9b::7f00:1": "loopback",
    "64:ff9b::a9fe:a9fe": "cloud metadata",
    "64:ff9b::808:808": "",
    "64:ff9b:1::808:808": "private",
    "2002:7f00:1::": "loopback",
    "2002:c0a8:101::1": "private",
    "2002:808:808::1": "",
    # Teredo: the server, then the client with its bits turned round
    "2001:0:7f00:1::": "loopback",
    "2001:0:808:808::3f57:fefe": "private",  # 192.168.1.1
    # ISATAP
    "2606:4700::5efe:10.0.0.1": "private",
    "2606:4700::200:5efe:8.8.8.8": "",
}


@pytest.mark.parametrize(("address", "kind"), KINDS.items())
def test_an_address_is_public_or_of_a_named_kind(address: str, kind: str) -> None:
    assert special_kind(ip_address(address)) == kind


@pytest.mark.parametrize(
    "host",
    [
        "2130706433",
        "0x7f000001",
        "0x7f.1",
        "0177.0.0.1",
        "017700000001",
        "127.1",
        "127.0.0.1.",
        "[::ffff:7f00:1]",
        "①27.0.0.1",
    ],
)
def test_every_way_to_write_an_address_is_read_as_a_browser_reads_it(host: str) -> None:
    written = split(Request(f"http://{host}/").url).host.rstrip(".")
    with pytest.raises(PrivateAddressError, match="loopback"):
        guard().admitted(written, [ip_address(written)])


def guard(*allowed: str, named: tuple[str, ...] = ()) -> Guard:
    hosts = NamedHosts()
    for host in named:
        hosts.add(f"http://{host}/")
    return Guard(AllowedAddresses(allowed), hosts)


def admitted(it: Guard, host: str, *addresses: str) -> list[str]:
    return [str(one) for one in it.admitted(host, [ip_address(one) for one in addresses])]


def test_a_public_address_is_nobodys_concern() -> None:
    assert admitted(guard(), "example.org", "93.184.216.34") == ["93.184.216.34"]


def test_a_refusal_names_the_host_the_address_and_the_setting() -> None:
    with pytest.raises(PrivateAddressError) as caught:
        admitted(guard(), "evil.example", "10.0.0.5")
    assert (caught.value.host, caught.value.address) == ("evil.example", "10.0.0.5")
    for word in ("evil.example", "10.0.0.5", "private", 'http.allow_private = ["evil.example"]'):
        assert word in str(caught.value)


def test_of_a_mixed_answer_only_the_public_addresses_are_asked() -> None:
    assert admitted(guard(), "evil.example", "127.0.0.1", "93.184.216.34", "::1") == ["93.184.216.34"]


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "intranet.example", "INTRANET.example."])
def test_a_host_that_the_spider_starts_at_may_be_private(host: str) -> None:
    address = "10.0.0.5" if "intranet" in host.lower() else "127.0.0.1"
    assert admitted(guard(named=(host,)), host, address) == [address]


def test_a_named_host_says_nothing_about_another_at_the_same_address() -> None:
    with pytest.raises(PrivateAddressError):
        admitted(guard(named=("localhost",)), "127.0.0.1", "127.0.0.1")


def test_a_named_host_that_was_public_is_held_to_it_against_rebinding() -> None:
    it = guard(named=("site.example",))
    admitted(it, "site.example", "93.184.216.34")
    with pytest.raises(PrivateAddressError, match=r"was at a public address and is now at 127\.0\.0\.1"):
        admitted(it, "site.example", "127.0.0.1")


def test_a_named_host_leads_to_no_metadata_service_unless_it_is_its_address() -> None:
    with pytest.raises(PrivateAddressError):
        admitted(guard(named=("site.example",)), "site.example", "169.254.169.254")
    assert admitted(guard(named=("169.254.169.254",)), "169.254.169.254", "169.254.169.254")


@pytest.mark.parametrize(
    "rule",
    ["all", "10.0.0.5", "10.0.0.0/8", "intranet.example", "*.example", "INTRANET.Example."],
)
def test_the_setting_allows_addresses_networks_hosts_or_all(rule: str) -> None:
    assert admitted(guard(rule), "intranet.example", "10.0.0.5") == ["10.0.0.5"]


@pytest.mark.parametrize("rule", ["10.0.0.6", "192.168.0.0/16", "other.example", "*.intranet.example", "::1"])
def test_the_setting_allows_no_more_than_it_says(rule: str) -> None:
    with pytest.raises(PrivateAddressError):
        admitted(guard(rule), "intranet.example", "10.0.0.5")


@pytest.mark.parametrize("rule", ["10.0.0.0/99", "http://intranet", "", "*.", "a b", "1.2.3"])
def test_a_rule_that_allows_nothing_is_an_error(rule: str) -> None:
    with pytest.raises(SettingsError, match=r"http\.allow_private"):
        AllowedAddresses([rule])


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "localhost", "app.localhost", "[::1]", "0x7f.1", "2130706433", "10.0.0.1"]
)
def test_what_a_proxy_would_resolve_is_refused_where_its_name_tells(host: str) -> None:
    with pytest.raises(PrivateAddressError):
        guard().check_name(host.strip("[]"))


def test_a_name_that_only_a_proxy_can_resolve_is_left_to_it() -> None:
    guard().check_name("intranet.example")


def test_only_so_many_start_hosts_are_remembered_and_the_others_are_guarded() -> None:
    hosts = NamedHosts(limit=2)
    for number in range(5):
        hosts.add(f"http://host{number}.test/")
    assert hosts.export() == ["host0.test", "host1.test"]
