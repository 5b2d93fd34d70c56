"""The demo: a shop of a thousand books to crawl without the internet.

shop     what the shop sells and what its pages look like, from a fixed seed; pure
server   the shop on loopback, in a process of its own
bench    how fast this machine crawls it
"""

from __future__ import annotations

from crawler.demo.shop import Shop

__all__ = ["Shop"]
