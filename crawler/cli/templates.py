"""The files that ``startproject`` and ``genspider`` write, filled in from ``crawler/templates``."""

from __future__ import annotations

import keyword
import re
from importlib.resources import files
from string import Template
from urllib.parse import urlsplit

from crawler.exceptions import UsageError

#: Template -> what kind of spider it is.
SPIDERS = {"basic": "follows links by hand", "crawl": "follows links by rules"}


def project_files(name: str) -> dict[str, str]:
    """Return the files of a new project by path. Raise UsageError if *name* cannot be one."""
    if not re.fullmatch(r"[A-Za-z][A-Za-z0-9_-]*", name):
        raise UsageError(f"{name!r} cannot name a project: use letters, digits, - and _, and begin with a letter")
    values = {"name": name}
    return {
        "settings.toml": _filled("settings.toml.tmpl", values),
        "spiders/quotes.py": _filled("quotes.py.tmpl", values),
        "tests/test_quotes.py": _filled("test_quotes.py.tmpl", values),
        ".gitignore": "__pycache__/\n*.jsonl\n",
    }


def spider_file(template: str, name: str, site: str) -> str:
    """Return a spider *name* for *site*, a domain or a URL. Raise UsageError if either cannot be."""
    if not re.fullmatch(r"[A-Za-z][A-Za-z0-9_-]*", name) or keyword.iskeyword(name):
        raise UsageError(f"{name!r} cannot name a spider: use letters, digits, - and _, and begin with a letter")
    url = site if "://" in site else f"https://{site}"
    host = _host_of(url)
    if not host or re.search(r"\s|[\"'\\]", site):
        raise UsageError(f"{site!r} is no domain and no URL; write example.com or https://example.com/path")
    url = url if urlsplit(url).path else f"{url}/"
    class_name = "".join(part[:1].upper() + part[1:] for part in re.split(r"[-_]", name)) + "Spider"
    return _filled(f"{template}.py.tmpl", {"name": name, "class_name": class_name, "url": url, "domain": host})


def _host_of(url: str) -> str | None:
    try:
        parts = urlsplit(url)
        return parts.hostname if parts.port != 0 else None
    except ValueError:  # brackets that do not close, a port that is no number
        return None


def _filled(template: str, values: dict[str, str]) -> str:
    return Template((files("crawler") / "templates" / template).read_text(encoding="utf-8")).substitute(values)
