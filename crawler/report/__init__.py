"""What a crawl came to, from its job: facts, what they mean, and the page that shows them.

facts       read from the job store, in one pass over its history
findings    sentences about what went wrong or holds the crawl back, and what to do
charts      facts as SVG
page        one HTML file, self-contained
comparison  two crawls beside each other
"""

from __future__ import annotations

from crawler.report.comparison import compared
from crawler.report.facts import Facts, facts_of
from crawler.report.finding import Finding, shortened
from crawler.report.findings import findings_of
from crawler.report.page import comparison_page, report_page

__all__ = ["Facts", "Finding", "compared", "comparison_page", "facts_of", "findings_of", "report_page", "shortened"]
