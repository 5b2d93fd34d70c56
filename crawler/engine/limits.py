"""Limits that stop a crawl.

Pure: what has been counted goes in, what to do comes out. Pages are limited before they start, so that no more are fetched
than asked for; items, errors and seconds when they are reached, and whatever is still in flight then goes back to waiting. But
items of one page are kept together or not at all: pages that have brought some are finished, and bring a few more than asked for.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from crawler.settings import Settings


# Items beyond the limit after which a callback is taken for one that never ends.
_MOST_MORE = 1_000


@dataclass(frozen=True, slots=True)
class Limits:
    """How much a crawl may do; 0 means no limit. Reasons are Scrapy's."""

    pages: int = 0
    items: int = 0
    errors: int = 0
    seconds: float = 0.0

    @classmethod
    def from_settings(cls, settings: Settings) -> Limits:
        """Return the limits that *settings* describe."""
        crawl = settings.crawl
        return cls(crawl.max_pages, crawl.max_items, crawl.max_errors, crawl.max_seconds)

    def allows_visit(self, pages: int, on_the_way: int) -> bool:
        """Tell whether another visit may start after *pages* responses while *on_the_way* visits may still bring one."""
        return not self.pages or pages + on_the_way < self.pages

    def reached_pages(self, pages: int) -> str | None:
        """Return the reason to stop after *pages* responses, or None."""
        return "closespider_pagecount" if self.pages and pages >= self.pages else None

    def reached_items(self, items: int) -> str | None:
        """Return the reason to stop after *items* items, or None."""
        return "closespider_itemcount" if self.items and items >= self.items else None

    def is_far_beyond(self, items: int) -> bool:
        """Tell whether *items* are more than pages may be expected to bring that are finished when the limit is reached."""
        return items >= self.items + _MOST_MORE

    def reached_errors(self, errors: int) -> str | None:
        """Return the reason to stop after *errors* errors, or None."""
        return "closespider_errorcount" if self.errors and errors >= self.errors else None
