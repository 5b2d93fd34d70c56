"""Porting: a Scrapy project made into one of ours. What ``crawler port`` calls.

    source     the text of a Python file, changed in places and nowhere else
    paths      what of Scrapy's is here, asked of the package itself
    imports    Scrapy's imports, and the names that come of them
    findings   what runs otherwise here, or not at all, with what to do
    literals   values that a settings module writes down
    settings   a settings module made into settings.toml
    toml       values written as TOML
    project    a folder read, its changes, and their writing

Files are read and never run: what a file would do when it is imported does not happen.
"""

from __future__ import annotations

from crawler.porting.findings import Finding
from crawler.porting.imports import ported
from crawler.porting.project import Change, Plan, plan, write

__all__ = ["Change", "Finding", "Plan", "plan", "ported", "write"]
