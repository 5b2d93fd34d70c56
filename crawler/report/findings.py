"""What the facts mean: a sentence for everything that is wrong or holds a crawl back, and what to do about it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from crawler.engine.holdback import in_words
from crawler.engine.stalls import OURS, UNKNOWN
from crawler.engine.waits import ON_THE_WIRE
from crawler.extensions.monitors import FAILED
from crawler.report.finding import NOTED, WRONG, Finding, first_line, many, times
from crawler.report.shortfalls import shortfalls

if TYPE_CHECKING:
    from crawler.report.facts import Facts

# A field that fewer of the items have than this is told as missing; with fewer items nothing can be said.
_FILLED_SHARE, _ITEMS = 0.5, 5

# Seconds below which it does not matter what held a crawl back.
_SHORT = 5.0


def findings_of(facts: Facts) -> list[Finding]:
    """Return what there is to say about a crawl, what is wrong first."""
    missing = list(shortfalls(facts))
    found = [
        *(Finding(WRONG, f"A monitor failed: {told}.") for told in facts.stats.get(FAILED, ())),
        *_of_fields(facts),
        *_of_errors(facts),
        *missing,
        *_of_stalls(facts),
        *_of_the_end(facts),
    ]
    # Where pages do not come it is no help to be told how to ask for them faster.
    if not any(finding.kind == WRONG for finding in missing):
        found += _of_holdback(facts)
    return sorted(found, key=lambda finding: finding.kind != WRONG)


def _of_fields(facts: Facts) -> Iterator[Finding]:
    if facts.profiled < _ITEMS:
        return
    example = facts.example_of_items
    try_it = f" Try it with  crawler shell {example}" if example else ""
    empty = [name for name, field in facts.fields.items() if not field["filled"]]
    all_items = f"all of {facts.profiled:,} items"
    if len(empty) == 1:
        yield Finding(
            WRONG, f"The field {empty[0]!r} is empty in {all_items}: its selector matches nothing any more.{try_it}"
        )
    elif empty:
        names = ", ".join(map(repr, empty))
        yield Finding(
            WRONG,
            f"The fields {names} are empty in {all_items}: their selectors match nothing any more, or the pages are not "
            f"those that the spider expects (a consent page, a captcha, a page made by a script in the browser).{try_it}",
        )
    for name, field in facts.fields.items():
        filled = field["filled"]
        if 0 < filled < facts.profiled * _FILLED_SHARE:
            share = f"{filled:,} of {facts.profiled:,} items ({filled / facts.profiled:.0%})"
            yield Finding(NOTED, f"The field {name!r} holds something in only {share}.")


def _of_errors(facts: Facts) -> Iterator[Finding]:
    refused = {(one["kind"], one["text"]) for one in facts.refused_items}
    for trouble in facts.watch.get("troubles", ())[:5]:
        if trouble["where"] in facts.hosts or (trouble["kind"], trouble["text"]) in refused:
            continue  # a download error, which the failures tell of, or an item that was dropped
        first = f" (first at {trouble['example']})" if trouble["example"] else ""
        said = f"{first_line(trouble['text'])}{first}"
        yield Finding(WRONG, f"{trouble['kind']} was raised {times(trouble['count'])} at {trouble['where']}: {said}.")


def _of_stalls(facts: Facts) -> Iterator[Finding]:
    for stall in facts.watch.get("stalls", ())[:3]:
        share = f", {stall['seconds'] / facts.elapsed:.0%} of the crawl" if facts.elapsed else ""
        where = f", at {stall['where']}" if stall["where"] != "?" else ""
        seconds = f"{stall['seconds']:.1f} s in all{share}, {stall['most']:.2f} s at most{where}"
        text = f"{stall['name']} blocked everything else {times(stall['count'])}: {seconds}."
        if stall["name"].startswith(OURS):
            yield Finding(
                NOTED,
                f"{text} The disk that frontier.directory is on, or the machine, is slow, or a page has very many links.",
            )
        elif stall["name"] == UNKNOWN:
            yield Finding(
                NOTED,
                f"{text} Nobody saw what: native code, a suspension, or a machine that was busy with something else.",
            )
        else:
            yield Finding(WRONG, f"{text} Move blocking work to a thread: await crawler.threads.run(...).")


# The settings that end a crawl, by the reason that it then has.
_LIMITS = {
    "closespider_pagecount": "crawl.max_pages",
    "closespider_itemcount": "crawl.max_items",
    "closespider_errorcount": "crawl.max_errors",
    "closespider_timeout": "crawl.max_seconds",
    "closespider_pagecount_no_item": "crawl.max_pages_without_item",
    "closespider_timeout_no_item": "crawl.max_seconds_without_item",
    "memusage_exceeded": "memory.limit_mb",
}


def _of_the_end(facts: Facts) -> Iterator[Finding]:
    reason = facts.stats.get("finish_reason")
    if facts.state == "running" or reason == "finished":
        return
    go_on = ""
    if facts.state == "interrupted":
        waiting = f"{many(facts.waiting, 'request')} wait{'s' if facts.waiting == 1 else ''}"
        go_on = f" The crawl has not finished: {waiting}. Go on with  crawler resume {facts.name}"
    if reason in _LIMITS:
        value = {name: value for name, value, _ in facts.settings}.get(_LIMITS[reason])
        limit = _LIMITS[reason] + (f" = {value}" if value else "")
        yield Finding(NOTED, f"The crawl was ended by its limit, {limit}.{go_on}")
    elif reason == "start_error":
        yield Finding(WRONG, f"The crawl was ended because the spider's start() raised.{go_on}")
    elif reason == "unreachable":
        yield Finding(
            WRONG,
            f"Nothing could be reached any more: this machine was off the network, or the sites were down.{go_on}",
        )
    elif reason == "out_of_memory":
        yield Finding(WRONG, f"The process had no memory left: see what the spider keeps, and memory.limit_mb.{go_on}")
    elif reason == "shutdown":
        yield Finding(NOTED, f"The crawl was stopped by its user.{go_on}")
    elif reason is not None:
        yield Finding(NOTED, f"The crawl was ended for the reason {reason!r}.{go_on}")
    elif facts.state == "interrupted":
        yield Finding(
            NOTED, f"The crawl was killed, or the machine went down: it had no time to say why it ends.{go_on}"
        )


def _of_holdback(facts: Facts) -> Iterator[Finding]:
    if facts.elapsed < _SHORT:
        return
    waits = facts.watch.get("waits", {})
    sentence = in_words(
        facts.watch.get("holdback", {}),
        elapsed=facts.elapsed,
        cpu=float(facts.watch.get("cpu", 0.0)),
        on_the_wire={phase: waits[phase]["total"] for phase in ON_THE_WIRE if phase in waits},
    )
    if sentence:
        yield Finding(NOTED, sentence)
