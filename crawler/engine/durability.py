"""Durability: what a crawl keeps with its job at every commit, and takes from it when the job is resumed.

One transaction holds what has ended, what was found, the places of the feeds, and the values here: statistics, the spider's state,
cookies, the hosts that it starts at, what hosts have asked for, and how far ``spider.start()`` was pulled. A crash therefore
repeats what was in flight, and nothing else.
"""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import msgspec

from crawler.exceptions import JobError
from crawler.exporters import FeedPlace
from crawler.frontier.jobs import FINISHED, RUNNING, STOPPED, Secret, without_halves

if TYPE_CHECKING:
    from crawler.download import NamedHosts
    from crawler.engine.engine import Engine
    from crawler.engine.pacing import Pacer
    from crawler.engine.watch import Watch
    from crawler.frontier import Visit
    from crawler.frontier.jobs import Job
    from crawler.frontier.sqlite import SqliteStore
    from crawler.http.cookies import CookieJars
    from crawler.stats import StatsCollector

logger = logging.getLogger(__name__)

# Seconds between two times that the paces of hosts are kept: they change with every answer, and a few seconds of learning are
# soon made up for.
_PACES_INTERVAL = 10.0

_OF_AN_END = ("finish_reason", "finish_time")

# The settings that say what makes two requests the same.
_OF_IDENTITY = ("components.fingerprinter", "components.dupefilter", "frontier.include_headers")


class Durability:
    """Keeps the crawl of *spider* in *job*, its items too if *keeps_items*.

    *look* tells what the crawl looks like, for views in other processes. *command* is what ``crawler resume`` runs again;
    *settings* are those that are not the defaults, as (name, value, source), for the report.
    """

    def __init__(
        self,
        job: Job,
        store: SqliteStore,
        *,
        spider: Any,
        stats: StatsCollector,
        cookies: CookieJars | None,
        watch: Watch,
        look: Callable[[Engine], dict[str, Any]],
        settings: Sequence[tuple[str, str, str]] = (),
        command: Mapping[str, Any],
        named_hosts: NamedHosts,
        keeps_items: bool = False,
    ) -> None:
        self.job = job
        self.is_resumed = not job.is_new
        self.keeps_items = keeps_items
        self._store = store
        self._spider = spider
        self._stats = stats
        self._cookies = cookies
        self._watch = watch
        self._settings = settings
        self._look = look
        self._command = dict(command)
        self._named_hosts = named_hosts
        self._hosts_kept = 0
        self._unfiltered_kept = True  # so that what a resumed job has is written over
        self._engine: Engine | None = None
        self._pacer: Pacer | None = None
        self._asked_kept = 0
        self._paces_kept_at = -math.inf
        self._witnesses_kept = 0
        self._told_state = False
        self._kept_cookies: tuple[int, ...] = ()
        if self.is_resumed and job.get("spider") != spider.name:
            raise JobError(
                f"the job {job.name} is one of the spider {job.get('spider')!r}, not of {spider.name!r}: use another --job"
            )
        # Without its key a job does not go on: better told now than at the first request that has a secret.
        self._told_sealed = bool(job.get("sealed"))

    def __repr__(self) -> str:
        return f"<Durability of {self.job}>"

    @property
    def places(self) -> list[FeedPlace] | None:
        """Where the feeds of the job had got, None for a new job."""
        kept = self.job.get("feeds")
        return None if kept is None else [FeedPlace.stored(place) for place in kept]

    @property
    def start_taken(self) -> int | None:
        """How many outputs of ``spider.start()`` were taken, None if that were all."""
        return None if self.job.get("start_done") else self.job.get("start_taken", 0)

    def restore_spider(self) -> None:
        """Give the spider, the statistics and the cookies what was kept."""
        if self.is_resumed:
            kept = self.job.get("stats", {})
            # How an earlier process ended says nothing of this one, which may be killed and then says nothing itself.
            self._stats.set_stats({name: value for name, value in kept.items() if name not in _OF_AN_END})
            self._spider.state.update(self.job.get("spider_state", {}))
            if self._cookies is not None:
                self._cookies.restore(self.job.get("cookies", ()))
            self._named_hosts.restore(self.job.get("named_hosts", ()))
            if self.job.get("watch") is not None:
                self._watch.restore(self.job.get("watch"))

    def begin(self, engine: Engine, pacer: Pacer, places: list[FeedPlace]) -> None:
        """Take over the frontier of a resumed job and what was known of hosts, and keep where the feeds of *engine* begin."""
        self._engine, self._pacer = engine, pacer
        self._store.epoch = time.time() - engine.now()
        if self.is_resumed:
            waits = [(host, until - self._store.epoch) for host, until in self.job.get("waits", ())]
            pacer.restore(waits, self.job.get("paces", ()), engine.now())
            engine.connectivity.restore(self.job.get("witnesses", ()))
            engine.frontier.restore(engine.now(), dict(self.job.get("unfiltered", ())))
            engine.beginning.items = self.job.get("start_items", 0)
            engine.account.restore(self._stats, items=self._store.items() + engine.beginning.items)
            if self.has_finished and self.job.get("state") != FINISHED:
                logger.info("The job %s has nothing left to fetch; its feeds are finished", self.job.name)
            elif self.has_finished:
                logger.warning(
                    "The job %s had finished: nothing is left to do. Give another name to crawl anew, or drop it with  "
                    "crawler jobs --drop %s",
                    self.job.name,
                    self.job.name,
                )
            logger.info(
                "Resuming job %s: %d requests have ended, %d wait",
                self.job.name,
                sum(engine.frontier.ended.values()),
                engine.frontier.waiting,
            )
            self._tell_other_identities()
        values: dict[str, Any] = {"settings": list(self._settings), "rules": _told_rules(self._spider)}
        if not self.is_resumed:
            values |= {
                "spider": self._spider.name,
                "started": f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S}",
                "command": self._kept_command(),
                "key_file": str(self.job.seal.path),
            }
        self._store.commit(values)
        self.commit(places)

    def _tell_other_identities(self) -> None:
        """Warn of settings with which requests of before are not recognised."""
        kept = self.job.get("settings")
        if kept is None:  # by an older version
            return
        # A list or a text that is empty is the default, given or not.
        before, now = (
            {name: value for name, value, _ in settings if value.strip("()[]")} for settings in (kept, self._settings)
        )
        for name in _OF_IDENTITY:
            if before.get(name) != now.get(name):
                logger.warning(
                    "The job %s went on until now with %s = %s, and with %s from now on: that says what makes two requests the "
                    "same, so pages that it has visited may be visited again. Set it as it was, or crawl anew",
                    self.job.name,
                    name,
                    before.get(name, "its default"),
                    now.get(name, "its default"),
                )

    def _kept_command(self) -> Any:
        """Return the command as the job keeps it: arguments and settings may hold passwords, and so may a URL."""
        command = self._command
        may_be_secret = command.get("arguments") or command.get("assignments") or "@" in repr(command.get("outputs"))
        return Secret(command) if may_be_secret or "@" in repr(command.get("overwrites")) else command

    def keep_items(self, visit: Visit) -> None:
        """Keep the items of *visit* with the next commit."""
        self._store.keep_items(visit.sequence, visit.records)
        visit.records = []

    @property
    def has_finished(self) -> bool:
        """Whether the crawl has nothing left to do."""
        engine = self._engine
        return engine is not None and engine.frontier.is_idle and engine.beginning.is_done

    def commit(self, places: list[FeedPlace], *, is_delivered: bool = True) -> None:
        """Write everything that has happened; raise JobError if that cannot be. A job whose feeds wait is not finished."""
        engine, pacer = self._engine, self._pacer
        assert engine is not None and pacer is not None  # begin() comes first
        values: dict[str, Any] = {
            "feeds": _kept_places(places),
            "stats": self._stats.get_stats(),
            "start_taken": engine.beginning.taken,
            "start_done": engine.beginning.is_done,
            "start_items": engine.beginning.items,
            "state": RUNNING,
        }
        if engine.state == "closed":
            values["state"] = FINISHED if self.has_finished and is_delivered else STOPPED
        if self._cookies is not None and self._cookies.changes != self._kept_cookies:
            self._kept_cookies = self._cookies.changes
            values["cookies"] = Secret(self._cookies.export())
        if self._watch.is_due(engine.now()) or engine.state == "closed":
            values["watch"] = self._watch.plain(engine.now())
            values["look"] = {**self._look(engine), "at": self._store.epoch + engine.now()}
        values |= self._known_of_hosts(engine, pacer, at_end=engine.state == "closed")
        if self._spider.state:
            values |= self._spider_state()
        if self.job.seal.is_used and not self._told_sealed:
            self._told_sealed = True
            values["sealed"] = Secret(value=True)
        if engine.frontier.unfiltered or self._unfiltered_kept:
            self._unfiltered_kept = bool(engine.frontier.unfiltered)
            values["unfiltered"] = list(engine.frontier.unfiltered.items())
        if len(self._named_hosts) != self._hosts_kept:
            values["named_hosts"] = self._named_hosts.export()
            self._hosts_kept = len(values["named_hosts"])
        self._store.commit(values)

    def _known_of_hosts(self, engine: Engine, pacer: Pacer, *, at_end: bool) -> dict[str, Any]:
        """Return what is kept of how hosts want to be asked, and of which have answered, where there is something new."""
        values: dict[str, Any] = {}
        now = engine.now()
        if pacer.asked != self._asked_kept:
            self._asked_kept = pacer.asked
            values["waits"] = [(host, self._store.epoch + until) for host, until in pacer.waits(now)]
        is_due = at_end or now - self._paces_kept_at >= _PACES_INTERVAL
        if is_due:
            self._paces_kept_at = now
            values["paces"] = pacer.paces()
        # A new one at once: who is killed a moment after the first answer, and resumes without a network, shall lose no page.
        if is_due or engine.connectivity.noted != self._witnesses_kept:
            self._witnesses_kept = engine.connectivity.noted
            witnesses = engine.connectivity.witnesses()
            values["witnesses"] = Secret(witnesses) if any("proxy" in meta for _, meta in witnesses) else witnesses
        return values

    def _spider_state(self) -> dict[str, Any]:
        try:
            return {"spider_state": Secret(msgspec.Raw(_encoded(self._spider.state)))}
        except (TypeError, msgspec.MsgspecError) as error:
            if not self._told_state:
                self._told_state = True
                logger.error("spider.state cannot be kept with the job: %s. Keep plain data there", error)
            return {}

    def close(self) -> None:
        """Let go of the job."""
        self.job.close()


def _encoded(state: Any) -> bytes:
    """Return *state* as msgpack. Raise TypeError if it is more than plain data."""
    try:
        return msgspec.msgpack.encode(state)
    except UnicodeEncodeError:
        return msgspec.msgpack.encode(without_halves(state))


def _told_rules(spider: Any) -> list[str]:
    """Return the rules of a CrawlSpider as they are told to who asks by which one a page was found."""
    rules = getattr(spider, "rules", ())
    return [repr(rule) for rule in rules] if isinstance(rules, list | tuple) else []


def _kept_places(places: list[FeedPlace]) -> Any:
    """Return *places* as the job keeps them: the URL of an output may have a password."""
    kept = [tuple(place) for place in places]
    return Secret(kept) if any("@" in place.uri for place in places) else kept
