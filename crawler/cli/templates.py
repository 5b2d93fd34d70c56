"""The files that ``startproject`` and ``genspider`` write, filled in from ``crawler/templates`` or from a template of one's own."""

from __future__ import annotations

import importlib.util
import keyword
import re
from importlib.resources import files
from pathlib import Path
from string import Template
from urllib.parse import urlsplit

from crawler.exceptions import UsageError
from crawler.nearest import did_you_mean

#: Template -> what kind of spider it is.
SPIDERS = {
    "basic": "follows links by hand",
    "crawl": "follows links by rules",
    "sitemap": "visits the pages of a sitemap",
    "api": "reads the JSON of an API, page by page",
    "login": "logs in with a form first",
    "csvfeed": "reads the rows of a CSV file",
    "xmlfeed": "reads the nodes of an XML file, such as RSS",
}

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]*")


def project_files(name: str) -> dict[str, str]:
    """Return the files of a new project by path. Raise UsageError if *name* cannot be one."""
    if not _NAME.fullmatch(name):
        raise UsageError(f"{name!r} cannot name a project: use letters, digits, - and _, and begin with a letter")
    package = name.replace("-", "_")
    if keyword.iskeyword(package) or package in ("spiders", "tests") or _is_taken(package):
        raise UsageError(
            f"{name!r} cannot name a project: its package {package} would stand in the way of a Python module of that name"
        )
    values = {"name": name, "package": package}
    return {
        "pyproject.toml": _built_in("pyproject.toml", values),
        "README.md": _built_in("readme.md", values),
        "settings.toml": _built_in("settings.toml", values),
        f"{package}/__init__.py": "",
        f"{package}/items.py": _built_in("items.py", values),
        f"{package}/pipelines.py": _built_in("pipelines.py", values),
        "spiders/quotes.py": _built_in("quotes.py", values),
        "tests/test_quotes.py": _built_in("test_quotes.py", values),
        ".gitignore": "__pycache__/\n.crawler/\n*.jsonl\n",
    }


def spider_file(template: str, name: str, site: str) -> str:
    """Return a spider *name* for *site*, a domain or a URL, from a template's name or file. Raise UsageError if it cannot be."""
    if keyword.iskeyword(name):
        raise UsageError(
            f"{name!r} cannot name a spider: it is a word of Python's own, and would be the name of its module"
        )
    if not _NAME.fullmatch(name):
        raise UsageError(f"{name!r} cannot name a spider: use letters, digits, - and _, and begin with a letter")
    url = site if "://" in site else f"https://{site}"
    host = _host_of(url)
    if not host or re.search(r"\s|[\"'\\]", site):
        raise UsageError(f"{site!r} is no domain and no URL; write example.com or https://example.com/path")
    parts = urlsplit(url)
    class_name = "".join(part[:1].upper() + part[1:] for part in re.split(r"[-_]", name)) + "Spider"
    values = {
        "name": name,
        "class_name": class_name,
        "classname": class_name,  # as Scrapy's templates write it
        "url": url if parts.path else f"{url}/",
        "root": f"{parts.scheme}://{parts.netloc}",
        "domain": host,
        "env": name.replace("-", "_").upper(),
    }
    try:
        return Template(spider_template(template)).substitute(values)
    except KeyError as error:
        raise UsageError(f"the template {template} names ${error.args[0]}; there are: ${', $'.join(values)}") from error
    except ValueError as error:
        raise UsageError(
            f"the template {template} cannot be filled in: {error}; a dollar sign is written $$"
        ) from error


def spider_template(template: str) -> str:
    """Return the text of a template: one of :data:`SPIDERS`, or a file."""
    if template in SPIDERS:
        return _template(f"{template}.py")
    path = Path(template)
    if not path.is_file():
        there_are = f"There are: {', '.join(SPIDERS)}; or name a file"
        raise UsageError(f"there is no template {template!r}{did_you_mean(template, SPIDERS)}\n{there_are}")
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"the template {path} cannot be read: {error}") from error


def _is_taken(package: str) -> bool:
    """Tell whether a module of that name can be imported, other than from the folder that one is in."""
    if package == "crawler":
        return True
    spec = importlib.util.find_spec(package)
    return spec is not None and spec.origin is not None and not Path(spec.origin).is_relative_to(Path.cwd())


def _host_of(url: str) -> str | None:
    try:
        parts = urlsplit(url)
        return parts.hostname if parts.port != 0 else None
    except ValueError:  # brackets that do not close, a port that is no number
        return None


def _built_in(template: str, values: dict[str, str]) -> str:
    return Template(_template(template)).substitute(values)


def _template(name: str) -> str:
    return (files("crawler") / "templates" / f"{name}.tmpl").read_text(encoding="utf-8")
