"""StatsMailer: the statistics by mail, when a crawl has ended. Not on by default: name it in ``components.extensions``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

from crawler import signals
from crawler.exceptions import NotConfigured
from crawler.mail import MailSender

if TYPE_CHECKING:
    from crawler.crawler import Crawler
    from crawler.stats import StatsCollector


class StatsMailer:
    """Sends *stats* to *recipients* (``mail.stats_to``) with *mail*."""

    def __init__(self, stats: StatsCollector, recipients: list[str], mail: MailSender) -> None:
        self.stats = stats
        self.recipients = recipients
        self.mail = mail

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        """Send at the end of *crawler*'s crawl; left out where the settings name nobody."""
        recipients = crawler.settings.mail.stats_to
        if not recipients:
            raise NotConfigured("mail.stats_to names nobody")
        extension = cls(crawler.stats, list(recipients), MailSender.from_crawler(crawler))
        crawler.signals.connect(extension.spider_closed, signals.spider_closed)
        return extension

    def spider_closed(self, spider: Any) -> Any:
        """Send the statistics; the crawl has ended when they are sent."""
        lines = [f"{name:<50} : {value}" for name, value in sorted(self.stats.get_stats().items())]
        return self.mail.send(self.recipients, f"Statistics of {spider.name}", "\n".join((*lines, "")))
