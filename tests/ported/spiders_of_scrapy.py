"""The spiders in ``spiders/``, loaded in the form that they have or in ours."""

from __future__ import annotations

import importlib.util
import json
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from itemadapter import ItemAdapter

from crawler.porting import ported
from crawler.porting.source import Source

FOLDER = Path(__file__).parent / "spiders"
FILES = sorted(path.stem for path in FOLDER.glob("*.py"))

#: Spider -> the arguments that it is run with.
ARGUMENTS = {"arguments": {"category": "garden", "limit": "1"}, "tagged": {"tag": "care"}}


@dataclass(frozen=True)
class Outcome:
    """What a crawl came to: the items in an order of their own, and what the spider noted."""

    items: list[str]
    notes: list[Any]


def scrapy_form(name: str) -> str:
    """Return the text of a spider as it is written for Scrapy."""
    return (FOLDER / f"{name}.py").read_text("utf-8")


def our_form(name: str, *, imports_only: bool = True) -> str:
    """Return the text that `crawler port` makes of it."""
    text, findings = ported(Source.read((FOLDER / f"{name}.py").read_bytes()), imports_only=imports_only)
    assert not findings, findings
    return text


def loaded(name: str, text: str, base: type, folder: Path) -> Any:
    """Return the spider class that *text* defines, a subclass of *base*. Scrapy reads its source again, in *folder*."""
    file = folder / f"ported_{name}_by_{base.__module__.partition('.')[0]}.py"
    file.write_text(text, "utf-8")
    spec = importlib.util.spec_from_file_location(file.stem, file)
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules[file.stem] = importlib.util.module_from_spec(spec)  # dataclasses look themselves up
    spec.loader.exec_module(module)
    return next(
        one
        for one in vars(module).values()
        if isinstance(one, type) and issubclass(one, base) and one.__module__ == module.__name__
    )


def outcome(items: Iterable[Any], spider: Any, *, site: str) -> Outcome:
    """Return what can be compared: the same for the same items in any order, wherever the *site* was."""
    plain = [json.dumps(ItemAdapter(item).asdict(), sort_keys=True).replace(site, "SITE") for item in items]
    hosts = [one.replace(site.partition("//")[2], "HOST") for one in plain]
    return Outcome(sorted(hosts), getattr(spider, "notes", []))
