"""How hosts are treated: the section ``politeness`` and its rules for single hosts."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from crawler.exceptions import SettingsError
from crawler.settings.field import Section, section, setting


@dataclass(frozen=True, slots=True)
class HostRules:
    """How a host may be asked: *delay* in seconds between requests, its *jitter*, and how many at once.

    If it is *adaptive* these are the quickest that the host is asked; it starts with *start_delay*, is slowed down to *max_delay*
    at most, and *target_concurrency* requests are on their way to it on average where its answers take longer than the delay; 0
    stands for as many as it takes without becoming slower.
    """

    delay: float
    jitter: float
    concurrency: int
    adaptive: bool = True
    start_delay: float = 0.0
    max_delay: float = 60.0
    target_concurrency: float = 0.0


@section
class Politeness(Section):
    """How hosts are treated. A host is a name and, if it is not the scheme's own, a port."""

    obey_robots: bool = setting(True, "Ask for robots.txt first and keep to it (RFC 9309).", "ROBOTSTXT_OBEY")
    robots_user_agent: str = setting(
        "", "The name to look for in robots.txt; by default http.user_agent's.", "ROBOTSTXT_USER_AGENT"
    )
    max_crawl_delay: float = setting(
        30.0, "Most seconds of a Crawl-delay or Request-rate in robots.txt that are obeyed; 0 for none.", minimum=0
    )
    delay: float = setting(0.25, "Least seconds between two requests to a host.", "DOWNLOAD_DELAY", minimum=0)
    jitter: float = setting(
        0.5,
        "Share by which the delay varies at random: 0.5 is from half to one and a half.",
        "DOWNLOAD_DELAY_JITTER",
        minimum=0,
        maximum=1,
    )
    concurrency_per_host: int = setting(
        4, "Most requests to a host at once.", "CONCURRENT_REQUESTS_PER_DOMAIN", minimum=1
    )
    concurrency_per_address: int = setting(
        0,
        "Most requests at once to all hosts at one IP address, which then share one delay; 0 to tell hosts by name only.",
        "CONCURRENT_REQUESTS_PER_IP",
        minimum=0,
    )
    adaptive: bool = setting(
        True,
        "Ask a host less often while it is slow, refuses (429, 503) or is in trouble (resets, time-outs).",
        "AUTOTHROTTLE_ENABLED",
    )
    start_delay: float = setting(
        0.0, "Delay before the pace of a host is known; 0 for politeness.delay.", "AUTOTHROTTLE_START_DELAY", minimum=0
    )
    max_delay: float = setting(
        60.0, "Longest delay that adapting comes to, in seconds.", "AUTOTHROTTLE_MAX_DELAY", minimum=0
    )
    target_concurrency: float = setting(
        0.0,
        "Requests on their way to a host on average, where its answers take longer than the delay; "
        "0 for as many as it takes without becoming slower.",
        "AUTOTHROTTLE_TARGET_CONCURRENCY",
        minimum=0,
    )
    max_wait: float = setting(
        600.0, "Longest time in seconds for which a host is obeyed that asks to be let alone (Retry-After).", minimum=0
    )
    hosts: dict[str, Any] = setting(
        {},
        'Other rules for some hosts: [politeness.hosts."*.example.org"] with delay, jitter, concurrency, adaptive, start_delay, '
        "max_delay or target_concurrency. A pattern without a port fits every port.",
        "DOWNLOAD_SLOTS",
    )

    def __post_init__(self) -> None:
        for pattern, rules in self.hosts.items():
            _check_host_rules(pattern, rules)

    @cached_property
    def _patterns(self) -> list[tuple[str, Mapping[str, Any]]]:
        """The patterns, the most specific first: with a port, then by length, names before wildcards."""
        return sorted(self.hosts.items(), key=lambda one: (":" not in one[0], one[0].startswith("*"), -len(one[0])))

    def for_host(self, host_key: str) -> HostRules:
        """Return the rules for a host: those of the most specific pattern, the section's own for what it leaves out."""
        rules = next((rules for pattern, rules in self._patterns if _fits(pattern, host_key)), {})
        return HostRules(
            delay=float(rules.get("delay", self.delay)),
            jitter=float(rules.get("jitter", self.jitter)),
            concurrency=int(rules.get("concurrency", self.concurrency_per_host)),
            adaptive=bool(rules.get("adaptive", self.adaptive)),
            start_delay=float(rules.get("start_delay", self.start_delay)),
            max_delay=float(rules.get("max_delay", self.max_delay)),
            target_concurrency=float(rules.get("target_concurrency", self.target_concurrency)),
        )


def _from_zero(value: float) -> bool:
    return 0 <= value < math.inf


#: What a rule for a host may be. Not-a-number fits none of them, and infinity neither.
_NUMBERS: dict[str, tuple[Callable[[float], bool], str]] = {
    "delay": (_from_zero, "number from 0 on"),
    "jitter": (lambda value: 0 <= value <= 1, "number from 0 to 1"),
    "concurrency": (lambda value: 1 <= value < math.inf and value == int(value), "whole number from 1 on"),
    "start_delay": (_from_zero, "number from 0 on"),
    "max_delay": (_from_zero, "number from 0 on"),
    "target_concurrency": (_from_zero, "number from 0 on"),
}
_HOST_RULES = [*_NUMBERS, "adaptive"]


def _check_host_rules(pattern: str, rules: Any) -> None:
    name = f"politeness.hosts.{pattern!r}"
    if not isinstance(rules, Mapping):
        raise SettingsError(f"{name} is {rules!r}; write a table such as {{ delay = 1.0, concurrency = 2 }}")
    for key, value in rules.items():
        if key not in _HOST_RULES:
            raise SettingsError(f"{name} has an unknown rule {key!r}; there are {', '.join(_HOST_RULES)}")
        if key == "adaptive":
            if not isinstance(value, bool):
                raise SettingsError(f"{name}: adaptive = {value!r} is neither true nor false")
            continue
        fits, allowed = _NUMBERS[key]
        if isinstance(value, bool) or not isinstance(value, int | float) or not fits(value):
            raise SettingsError(f"{name}: {key} = {value!r} is no {allowed}")


# At the end of a host: the brackets of an IPv6 address hold colons too.
_PORT = re.compile(r":[0-9]+$")


def _fits(pattern: str, host_key: str) -> bool:
    hosts = (host_key, _PORT.sub("", host_key))
    if pattern.startswith("*."):
        return any(host.endswith(pattern[1:].lower()) for host in hosts)
    return pattern.lower() in hosts
