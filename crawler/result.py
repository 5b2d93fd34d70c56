"""What a crawl came to: what ``crawler.run`` returns, and what the end table, the report and the exit code are made from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

    from crawler.interfaces import CrawlSnapshot


@dataclass(frozen=True, slots=True)
class CrawlResult:
    """What a crawl came to."""

    #: Why it ended: "finished", "shutdown", "closespider_pagecount", ... or a reason of the spider's own.
    reason: str
    #: The statistics, under Scrapy's names.
    stats: Mapping[str, Any]
    #: The items, in the order in which their pages finished; empty if they were not to be kept.
    items: Sequence[Any] = ()
    #: How many requests failed for good, plus how many errors callbacks and pipelines raised.
    failed: int = 0
    #: Whether the crawl was stopped from outside before it had finished.
    interrupted: bool = False
    snapshot: CrawlSnapshot | None = field(default=None, repr=False)
    #: The feeds that were written: where each is, and how many items it has.
    outputs: Sequence[tuple[str, int]] = ()
    #: Those of them, by where they go, that were not delivered, not or not wholly: a job makes up for it when it is resumed.
    undelivered: Sequence[str] = ()
    #: Where the job is kept, None if the crawl was not durable.
    job_folder: Path | None = None
