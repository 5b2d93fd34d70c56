"""What the facts mean: a sentence for everything that is wrong or holds a crawl back, and what to do about it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from crawler.engine.holdback import in_words
from crawler.engine.waits import ON_THE_WIRE
from crawler.extensions.monitors import FAILED

if TYPE_CHECKING:
    from crawler.report.facts import Facts

WRONG, NOTED = "wrong", "noted"

# A share of refusals above which a host is told, and how many there must be.
_REFUSED_SHARE, _REFUSED = 0.05, 5

# A field that fewer of the items have than this is told as missing; with fewer items nothing can be said.
_FILLED_SHARE, _ITEMS = 0.5, 5

_FAILED_SHARE = 0.1
_DROPPED_SHARE = 0.5


@dataclass(frozen=True, slots=True)
class Finding:
    """A sentence, and whether it tells of something *wrong* or is only *noted*."""

    kind: str
    text: str


def findings_of(facts: Facts) -> list[Finding]:
    """Return what there is to say about a crawl, what is wrong first."""
    found = [
        *(Finding(WRONG, f"A monitor failed: {told}.") for told in facts.stats.get(FAILED, ())),
        *_of_items(facts),
        *_of_errors(facts),
        *_of_refusals(facts),
        *_of_failures(facts),
        *_of_stalls(facts),
        *_of_drops(facts),
        *_of_the_end(facts),
        *_of_holdback(facts),
    ]
    return sorted(found, key=lambda finding: finding.kind != WRONG)


def _of_items(facts: Facts) -> Iterator[Finding]:
    if facts.pages >= _ITEMS and not facts.items:
        yield Finding(
            WRONG,
            f"{facts.pages:,} pages came, and not one item of them: the selectors of {facts.spider} match nothing there.",
        )
    if facts.profiled < _ITEMS:
        return
    for name, field in facts.fields.items():
        filled = field["filled"]
        if not filled:
            yield Finding(
                WRONG,
                f"The field {name!r} is empty in all of {facts.profiled:,} items: its selector matches nothing any more.",
            )
        elif filled < facts.profiled * _FILLED_SHARE:
            share = f"{filled:,} of {facts.profiled:,} items ({filled / facts.profiled:.0%})"
            yield Finding(NOTED, f"The field {name!r} holds something in only {share}.")


def _of_errors(facts: Facts) -> Iterator[Finding]:
    for trouble in facts.watch.get("troubles", ())[:5]:
        if trouble["where"] in facts.hosts:
            continue  # a download error, which the failures tell of
        times = "once" if trouble["count"] == 1 else f"{trouble['count']:,} times"
        said = f"{_first_line(trouble['text'])} (first at {trouble['example']})"
        yield Finding(WRONG, f"{trouble['kind']} was raised {times} at {trouble['where']}: {said}.")


def _of_refusals(facts: Facts) -> Iterator[Finding]:
    waited = facts.watch.get("holdback", {}).get("seconds", {}).get("hosts that ask to wait", 0.0)
    for name, host in facts.hosts.items():
        asked = host.pages + host.failed + host.refused
        if host.refused < _REFUSED or host.refused < asked * _REFUSED_SHARE:
            continue
        text = f"{name} refuses: {host.refused:,} of {asked:,} answers were 429 or 503, so it is asked too often."
        if facts.elapsed and waited:
            text += f" The crawl waited for {waited / facts.elapsed:.0%} of its time because it was asked to."
        yield Finding(WRONG, f"{text} Raise politeness.delay or lower politeness.concurrency_per_host for it.")


def _of_failures(facts: Facts) -> Iterator[Finding]:
    failed, all_ended = facts.ended["failed"], sum(facts.ended.values())
    if failed and failed >= all_ended * _FAILED_SHARE:
        kind, (count, example) = next(iter(facts.failures.items()))
        most = f"most of them with {kind} ({count:,} times, first {example})"
        yield Finding(WRONG, f"{failed:,} of {all_ended:,} requests failed ({failed / all_ended:.0%}), {most}.")


def _of_stalls(facts: Facts) -> Iterator[Finding]:
    for stall in facts.watch.get("stalls", ())[:3]:
        times = "once" if stall["count"] == 1 else f"{stall['count']:,} times"
        share = f", {stall['seconds'] / facts.elapsed:.0%} of the crawl" if facts.elapsed else ""
        seconds = f"{stall['seconds']:.1f} s in all{share}, {stall['most']:.2f} s at most"
        yield Finding(
            WRONG,
            f"{stall['name']} blocked everything else {times}: {seconds}, at {stall['where']}. "
            "Move blocking work to a thread: await crawler.threads.run(...).",
        )


def _of_drops(facts: Facts) -> Iterator[Finding]:
    reasons = {reason: count for reason, count in facts.dropped.items() if reason != "duplicate"}
    known = sum(reasons.values()) + facts.pages
    for reason, count in reasons.items():
        if count > 20 and count > known * _DROPPED_SHARE:
            text = f"{count:,} requests were dropped for the reason {reason!r}, more than there are pages."
            yield Finding(NOTED, f"{text} {_WHY_DROPPED.get(reason, '')}".strip())


_WHY_DROPPED = {
    "offsite": "Is a host missing from allowed_domains?",
    "robots": "The site's robots.txt forbids them.",
    "depth": "They lie deeper than crawl.depth_limit.",
}


def _of_the_end(facts: Facts) -> Iterator[Finding]:
    reason = facts.stats.get("finish_reason")
    if facts.state in ("interrupted", "stopped"):
        yield Finding(
            NOTED,
            f"The crawl has not finished: {facts.waiting:,} requests wait. Go on with  crawler resume {facts.name}",
        )
    elif reason not in (None, "finished"):
        yield Finding(NOTED, f"The crawl was ended for the reason {reason!r}.")


def _of_holdback(facts: Facts) -> Iterator[Finding]:
    waits = facts.watch.get("waits", {})
    sentence = in_words(
        facts.watch.get("holdback", {}),
        elapsed=facts.elapsed,
        cpu=float(facts.watch.get("cpu", 0.0)),
        on_the_wire={phase: waits[phase]["total"] for phase in ON_THE_WIRE if phase in waits},
    )
    if sentence:
        yield Finding(NOTED, sentence)


def _first_line(text: str) -> str:
    return text.strip().split("\n", 1)[0][:200] or "without a word"
