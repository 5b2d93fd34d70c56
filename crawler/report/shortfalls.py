"""What a crawl should have brought and has not: pages that were refused or never asked for, items that did not come about.

The sentences are for somebody who sees the crawl for the first time. Each names the cause that the numbers show, not every one that
there could be: "the selectors match nothing" is said of pages that a callback saw, not of those that a site refused.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from crawler.engine.admission import DEPTH, IGNORED, OFFSITE, ROBOTS
from crawler.report.finding import NOTED, WRONG, Finding, first_line, many, times

if TYPE_CHECKING:
    from crawler.report.facts import Facts

# Below this many nothing can be said of a share.
_FEW = 5

_NOTABLE_SHARE = 0.1
_MOST_SHARE = 0.5

# A host that answers so often with 429 or 503 is asked too often.
_REFUSED_SHARE = 0.05


def shortfalls(facts: Facts) -> Iterator[Finding]:
    """Yield what kept pages and items from coming, what is nearest to the start of a crawl first."""
    yield from _of_nothing(facts)
    yield from _of_drops(facts)
    yield from _of_redirects(facts)
    yield from _of_refusals(facts)
    yield from _of_ignored(facts)
    yield from _of_failures(facts)
    yield from _of_items(facts)
    yield from _of_refused_items(facts)


def _of_nothing(facts: Facts) -> Iterator[Finding]:
    asked = sum(facts.ended.values()) + facts.waiting + sum(facts.dropped.values())
    if not asked and facts.state == "finished":
        yield Finding(
            WRONG,
            f"The spider {facts.spider} asked for nothing: give it start_urls, or yield requests in its start().",
        )


# By the reason of a drop: what it means, and the way out.
_DROPPED = {
    OFFSITE: "lead to hosts that are not in allowed_domains of the spider: add them there if they belong to the crawl",
    ROBOTS: "are forbidden by robots.txt: ask the site, or set politeness.obey_robots = false if you may do without",
    DEPTH: "lie deeper than crawl.depth_limit allows",
}


def _of_drops(facts: Facts) -> Iterator[Finding]:
    known = sum(count for reason, count in facts.dropped.items() if reason in _DROPPED) + facts.pages
    for reason, meaning in _DROPPED.items():
        count = facts.dropped.get(reason, 0)
        is_all = bool(count) and not facts.items and count + facts.pages == known and facts.pages <= 1
        if not is_all and (count <= 20 or count <= known * _MOST_SHARE):
            continue
        example = facts.watch.get("first_dropped", {}).get(reason, "")
        first = f" (the first was {example})" if example else ""
        whole = "All" if is_all and not facts.pages else f"{count:,} of {known:,}"
        yield Finding(WRONG if is_all else NOTED, f"{whole} requests{first} {meaning}.")
    # A chain of redirects is one thing that was asked for.
    asked = sum(facts.ended.values()) - sum(count for count, _ in facts.redirects.values())
    for reason, (count, example) in facts.drops.items():
        kind, _, said = reason.partition(":")
        if kind == IGNORED and count >= _FEW and count >= asked * _NOTABLE_SHARE:
            yield Finding(
                WRONG, f"{many(count, 'request')} ended with {said.strip() or 'IgnoreRequest'!r}, the first {example}."
                f"{_CIRCLES if 'redirect' in said else ''}",
            )  # fmt: skip


_CIRCLES = (
    " The site sends the crawler in circles, as sites do that want a cookie or a login first: log in with a FormRequest in "
    "start(), and see that cookies.enabled is true."
)


def _of_redirects(facts: Facts) -> Iterator[Finding]:
    ended = sum(facts.ended.values())
    for target, (count, example) in facts.redirects.items():
        if count >= _FEW and count > ended * _MOST_SHARE:
            yield Finding(
                WRONG,
                f"{count:,} of {ended:,} requests were redirected to one page, {target} (the first was {example}): the site wants "
                "a login, a cookie or consent first, or does not have these pages any more. Log in with a FormRequest in start(), "
                f"and see what it shows with  crawler view {target}",
            )


def _of_refusals(facts: Facts) -> Iterator[Finding]:
    waited = facts.watch.get("holdback", {}).get("seconds", {}).get("hosts that ask to wait", 0.0)
    refusing = []
    for name, host in facts.hosts.items():
        asked = host.pages + host.failed + host.refused
        if host.refused >= _FEW and host.refused >= asked * _REFUSED_SHARE:
            refusing.append((host.refused, asked, name))
    if not refusing:
        return
    refused, asked, name = max(refusing)
    text = f"{name} refuses: {refused:,} of {asked:,} answers were 429 or 503, so it is asked too often."
    more = len(refusing) - 1
    if more:
        text += f" {'Another host does' if more == 1 else f'{more:,} other hosts do'} the same."
    if facts.elapsed and waited:
        text += f" The crawl waited for {waited / facts.elapsed:.0%} of its time because it was asked to."
    whom = "them" if more else "it"
    yield Finding(WRONG, f"{text} Raise politeness.delay or lower politeness.concurrency_per_host for {whom}.")


_UNREADABLE = "The answer itself tells most: see it with  crawler view {url}"

# What answers mean that no callback sees, and the way out.
_STATUSES = {
    401: "The site wants a login: set auth.user, auth.password and auth.domain, or log in with a FormRequest in start().",
    403: "The site refuses this crawler: it may want a login, a cookie or another http.user_agent, or was asked too fast "
    "(politeness.delay). See what it says with  crawler view {url}",
    404: "These pages do not exist: start_urls, or the links that the spider makes, are wrong or out of date. Where one was found "
    "says  crawler why {url}",
    407: "The proxy wants a login: write it into the proxy's URL.",
    451: "The site may not show these pages where you are.",
}
_STATUSES[410] = _STATUSES[404]


def _of_ignored(facts: Facts) -> Iterator[Finding]:
    pages = facts.pages
    for status, count in facts.ignored.most_common():
        count = min(count, facts.statuses[status])
        told_elsewhere = status >= 500 or status == 429  # by _of_failures and _of_refusals
        if told_elsewhere or not count or (count < pages and (count < _FEW or count < pages * _NOTABLE_SHARE)):
            continue
        url = facts.examples[status]
        hosts = [name for name, host in facts.hosts.items() if host.statuses[status]]
        whose = f" of {hosts[0]}" if len(hosts) == 1 else ""
        advice = _STATUSES.get(status, _UNREADABLE).format(url=url)
        yield Finding(
            WRONG,
            f"{count:,} of {pages:,} answers{whose} were {status}, which no callback sees (the first was {url}). {advice}",
        )


# By what requests failed with: the way out.
_FAILURES = {
    "CannotResolveHostError": "The name has no address: is it spelt right, and has this machine a name server?",
    "DownloadConnectionRefusedError": "Nothing answers there: is the site up, and the port right?",
    "HostDownError": "The host could not be reached for minutes: is it up? Go on later with  crawler resume",
    "DownloadTimeoutError": "The site is too slow for http.timeout, or for so many requests at once: lower "
    "politeness.concurrency_per_host, then raise http.timeout.",
    "DownloadConnectionLostError": "The site hangs up, as those do that do not want a crawler: set http.user_agent, raise "
    "politeness.delay.",
    "DownloadTLSError": "The site cannot prove who it is: see the reason in the table of errors.",
    "ProxyError": "The proxy does not do its work: is its address right?",
    "status 500": "The site itself fails at these pages: try later, or ask less of it (politeness.delay).",
    "status 502": "The site is out of order: try later.",
}


def _of_failures(facts: Facts) -> Iterator[Finding]:
    failed, all_ended = facts.ended["failed"], sum(facts.ended.values())
    if not failed or failed < all_ended * _NOTABLE_SHARE:
        return
    kind, (count, example) = next(iter(facts.failures.items()))
    advice = f" {_FAILURES[kind]}" if kind in _FAILURES else ""
    most = f"most of them with {kind} ({times(count)}), the first {example}"
    yield Finding(WRONG, f"{failed:,} of {all_ended:,} requests failed ({failed / all_ended:.0%}), {most}.{advice}")


def _of_items(facts: Facts) -> Iterator[Finding]:
    seen = facts.pages - facts.ignored.total()
    stats = facts.stats
    made = stats.get("item_dropped_count", 0) + stats.get("item_error_count", 0)
    if facts.items or seen <= 0:
        return
    if made:
        yield Finding(WRONG, f"{many(made, 'item')} came from the callbacks, and not one out of the pipelines.")
    elif stats.get("spider_exceptions/count", 0) >= seen:
        return  # the errors are told one by one
    elif seen >= _FEW:
        callbacks = facts.watch.get("callbacks", ())
        whose = callbacks[0][0].rpartition(".<locals>.")[2] if len(callbacks) == 1 else facts.spider
        yield Finding(
            WRONG,
            f"{seen:,} pages came, and not one item of them: the selectors of {whose} match nothing there{_try_it(facts)}",
        )
    elif facts.state == "finished" and not facts.dropped:
        yield Finding(
            WRONG,
            f"Only {many(seen, 'page')} came, with neither an item nor a link that was followed: the selectors of {facts.spider} "
            f"match nothing there, or the page is made by a script in the browser{_try_it(facts)}",
        )


def _try_it(facts: Facts) -> str:
    url = facts.example_of_items or next((facts.examples[status] for status in facts.examples if status < 300), "")
    return f". Try them with  crawler shell {url}" if url else "."


def _of_refused_items(facts: Facts) -> Iterator[Finding]:
    made = facts.items + facts.stats.get("item_dropped_count", 0) + facts.stats.get("item_error_count", 0)
    for one in facts.refused_items[:3]:
        count = one["count"]
        if count < made * _NOTABLE_SHARE:
            continue
        where = f" at {one['where']}" if one["where"] != "?" else ""
        first = f", the first of {one['example']}" if one["example"] else ""
        yield Finding(
            WRONG if count >= made * _MOST_SHARE else NOTED,
            f"{count:,} of {made:,} items were dropped with {one['kind']}{where}: {first_line(one['text'])}{first}.",
        )
