"""Pace: how quickly a host is asked, fitted to what it can take.

Pure. Every answer and every sign of trouble is told to the pace of its host; ``delay`` (seconds between two requests),
``concurrency`` (at once) and ``jitter`` say how the host is asked from then on. Additive increase, multiplicative decrease:

* The delay follows the latency of good answers, step by step: so many requests are on their way at once as the rules say. Where
  they leave that open, two are at first, and one more from time to time up to the most, as long as answers take no longer for it.
* A refusal (429, 503) is about the rate, which becomes the *limit* and is cut at once. Good answers bring it back
  to a little below the limit. The limit itself grows with good answers, and the slower the more often about the same rate was
  refused: the pace settles just below what the host allows, and finds out in the long run when it is allowed more.
* Trouble (a reset, a time-out) may have nothing to do with the rate. It takes a share of it that good answers
  give back soon: one in a hundred is hardly felt, and a host in great trouble is let alone.
* Both halve the requests at once. Nothing but a good answer ever makes the pace faster. What comes back from requests that were on
  their way when the rate was cut tells nothing new.
"""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from crawler.settings import HostRules

# The share of the way that one good answer goes, to another latency and to a shorter delay: ten answers make most of it.
_STEP = 0.25

# That of an answer where the delay is to hold on average, whatever single ones take.
_SMALL_STEP = 0.1

# Requests on their way at first where the rules leave it open, what a good answer adds, and what is left after one of a host that
# has become slower than it is as a rule.
_TOGETHER, _MORE_TOGETHER, _LESS_TOGETHER = 2.0, 0.02, 0.98

# The steps in which is learned what a host's answers take, on average and as a rule.
_RULE_STEP = 0.02

# Requests that a host keeps waiting for each other, by how much longer answers take than as a rule: with fewer one more is sent,
# with more one less. (That is what TCP Vegas does.)
_FEW_WAIT, _MANY_WAIT = 0.5, 1.0

# As a rule is the least that they took on average; this lets it grow, for a host that has become slower for good.
_FORGETTING = 1.0001

# The share of the limit that is made use of. What is left is for the jitter, the clocks and the other visitors.
_USED = 0.96

# The share of the way back to it that one good answer goes.
_RECOVERY = 0.05

# What a good answer adds to the limit, by how often in a row it was refused at about the same rate.
_GROWTH = (0.02, 0.005, 0.00125, 0.0003, 0.00008, 0.00004)

# Two rates of which one is at least this share of the other are about the same.
_SAME = 0.8

# How far the rate gets beyond one that was refused before that is no longer believed.
_BEYOND = 1.1

# How much of the rate is left after a refusal: near the limit, and where that was not known.
_CUT_AT_LIMIT, _CUT = 0.9, 0.5

# A host that fails now and then whatever it is asked is not asked ever less: not below this share of the first rate it refused.
_LEAST_SHARE = 1 / 16

# How much of it is left after trouble, and what a good answer gives back.
_CALMED, _CALM_GROWTH = 0.7, 0.02

# Requests that keep their distance never come two in the time of one.
_JITTER_AT_LIMIT = 0.05

# Good answers, for each request that may be on its way, after which one more may be.
_ANSWERS_FOR_ONE_MORE = 4

# What is kept of a pace, in this order: what refusals and trouble have taught. The rest is learned anew from a few answers.
# Another list needs another SCHEMA_VERSION.
_KEPT = (
    "_allowed",
    "_calm",
    "_confirmed",
    "_first_refused",
    "_limit",
    "_refused_at",
    "_undisturbed",
    "concurrency",
    "delay",
    "jitter",
)

# An answer in less time tells nothing of how many a host could give.
_LEAST_LATENCY = 0.02


class Pace:
    """The pace of one host, which keeps to *rules* and never asks more quickly than they say."""

    __slots__ = (
        "_allowed",
        "_answers",
        "_average",
        "_calm",
        "_confirmed",
        "_cut_at",
        "_first_refused",
        "_floor",
        "_good",
        "_latency",
        "_limit",
        "_refused_at",
        "_rules",
        "_together",
        "_undisturbed",
        "_usual",
        "concurrency",
        "delay",
        "jitter",
    )

    def __init__(self, rules: HostRules) -> None:
        self._rules = rules
        self._floor = rules.delay
        self._refused_at = inf  # requests a second
        self._first_refused = 0.0
        self._limit = inf  # requests a second, as good answers since have raised it
        self._allowed = inf  # requests a second, on the way back to the limit
        self._confirmed = 0
        self._calm = 1.0
        self._undisturbed = 0.0  # seconds between two requests before there was trouble
        self._good = 0
        self._latency = 0.0  # seconds, as the last answers took
        self._answers = 0
        self._average = self._usual = 0.0  # seconds, on average over many answers, and as a rule
        self._together = rules.target_concurrency or min(_TOGETHER, rules.concurrency)
        self._cut_at = -inf
        self.delay = max(rules.delay, rules.start_delay)
        self.jitter = rules.jitter
        self.concurrency = rules.concurrency

    def __repr__(self) -> str:
        limit = "" if self._limit == inf else f", refused at {self._limit:.2f}/s"
        return f"<Pace {self.delay:.3f} s, {self.concurrency} at once{limit}>"

    @property
    def is_disturbed(self) -> bool:
        """Whether the host has refused requests, or was in trouble not long ago."""
        return self._limit < inf or self._calm < 1.0

    @property
    def is_learned(self) -> bool:
        """Whether something is known of the host that its rules do not say."""
        return self.is_disturbed or self._floor > self._rules.delay

    def plain(self) -> list[float]:
        """Return what is kept with a job, as plain values."""
        return [getattr(self, name) for name in _KEPT]

    @classmethod
    def restored(cls, rules: HostRules, kept: Sequence[float], now: float) -> Pace:
        """Return the pace of which :meth:`plain` returned *kept* in an earlier process, held to the *rules* of this one."""
        pace = cls(rules)
        for name, value in zip(_KEPT, kept, strict=True):
            setattr(pace, name, value)
        pace._cut_at = now
        pace.delay = min(max(pace.delay, rules.delay), max(rules.max_delay, rules.delay))
        pace.jitter = min(pace.jitter, rules.jitter)
        pace.concurrency = min(pace.concurrency, rules.concurrency)
        return pace

    def keep_apart(self, seconds: float) -> None:
        """Let *seconds* be the least delay, as the host's robots.txt asks, where the rules ask for less."""
        self._floor = max(self._rules.delay, seconds)
        self.delay = max(self.delay, self._floor)

    # Hot: once per response.
    def answered(self, latency: float) -> None:
        """Take note of a good answer that took *latency* seconds."""
        rules = self._rules
        wanted = self._floor
        # Where no delay is asked for, the requests at once are all that holds a host back, as long as it refuses nothing.
        if wanted:
            self._answers += 1
            if rules.target_concurrency:
                self._latency += (latency - self._latency) * _STEP
            else:
                self._latency += (latency - self._latency) * max(_SMALL_STEP, 1 / self._answers)
                self._find_together(latency)
            wanted = max(wanted, self._latency / self._together)
        if self._cut_at > -inf:
            wanted = self._recovered(wanted)
        if wanted < self.delay:
            wanted = self.delay + (wanted - self.delay) * _STEP
        self.delay = min(wanted, max(rules.max_delay, self._floor))

    def _find_together(self, latency: float) -> None:
        """Find out how many requests may be on their way at once before answers take longer for it."""
        average = self._average = self._average + (latency - self._average) * max(_RULE_STEP, 1 / self._answers)
        if self._answers * _RULE_STEP < 1:
            self._usual = average
            return
        if average < self._usual:
            self._usual += (average - self._usual) * _RULE_STEP
        self._usual *= _FORGETTING
        kept_waiting = self._together * (1 - self._usual / average) if average else 0.0
        if kept_waiting < _FEW_WAIT:
            self._together = min(self._rules.concurrency, self._together + _MORE_TOGETHER)
        elif kept_waiting > _MANY_WAIT and self._together > _TOGETHER:
            self._together = max(_TOGETHER, self._together * _LESS_TOGETHER)

    def _recovered(self, wanted: float) -> float:
        """Return the delay in place of *wanted* that refusals and trouble have left, one good answer later."""
        if self._limit < inf:
            # An answer tells that this rate is allowed only where nothing else held the requests back.
            if self._allowed * max(wanted, self._latency / self.concurrency) <= 1:
                self._limit *= 1 + _GROWTH[self._confirmed]
                if self._confirmed and self._allowed > self._refused_at * _BEYOND:  # it is allowed more by now
                    self._confirmed -= 1
                    self._refused_at = self._allowed
            self._allowed += (self._limit * _USED - self._allowed) * _RECOVERY
            wanted = max(wanted, 1 / self._allowed)
        if self._calm < 1.0:
            self._calm = min(1.0, self._calm + _CALM_GROWTH)
            wanted = max(wanted, self._undisturbed) / self._calm if self._calm < 1.0 else wanted
        self._good += 1
        if self._good >= self.concurrency * _ANSWERS_FOR_ONE_MORE and self.concurrency < self._rules.concurrency:
            self.concurrency += 1
            self._good = 0
        return wanted

    def refused(self, started: float, now: float, *, on_wire: int = 1, in_so_many_words: bool = True) -> None:
        """Take note that a request of *started* was refused for coming too soon, when *on_wire* were on their way.

        *in_so_many_words* if the host says that it is for this: 429, or a time to come back.
        """
        if started < self._cut_at:
            return
        rate = 1 / self._interval(started, now, on_wire)
        self._first_refused = self._first_refused or rate
        if rate * _SAME <= self._refused_at <= rate / _SAME:
            self._confirmed = min(self._confirmed + 1, len(_GROWTH) - 1)
            self._allowed = rate * _CUT_AT_LIMIT
        else:
            self._confirmed = 0
            self._allowed = rate * _CUT
        self._limit = self._refused_at = rate
        if not in_so_many_words:
            self._allowed = max(self._allowed, self._first_refused * _LEAST_SHARE)
        self.jitter = min(self._rules.jitter, _JITTER_AT_LIMIT)
        self._cut(now, 1 / self._allowed)

    def troubled(self, started: float, now: float, *, on_wire: int = 1) -> None:
        """Take note that a request of *started* failed in a way that may come from asking too much, or not."""
        if started < self._cut_at:
            return
        if self._calm == 1.0:
            self._undisturbed = self._interval(started, now, on_wire)
        self._calm *= _CALMED
        self._cut(now, max(self._undisturbed, self._floor) / self._calm)

    def _interval(self, started: float, now: float, on_wire: int) -> float:
        """Return the seconds between two requests as they are now: the delay, or what the answers allow if that is more."""
        return max(self.delay, max(now - started, _LEAST_LATENCY) / on_wire)

    def _cut(self, now: float, delay: float) -> None:
        self._cut_at = now
        self._good = 0
        self.concurrency = max(1, self.concurrency // 2)
        self.delay = max(self.delay, min(delay, max(self._rules.max_delay, self._floor)))
