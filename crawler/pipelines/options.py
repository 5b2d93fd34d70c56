"""The settings of one pipeline class.

What counts, most first: the class' own (``MYPIPELINE_FILES_EXPIRES`` for a class MyPipeline), the general one if it was set
(``files.expires``, ``FILES_EXPIRES``), an attribute of the class, the default of the general one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from crawler.settings.convert import converted
from crawler.settings.scrapy_names import MAPPED
from crawler.settings.settings import FIELDS

if TYPE_CHECKING:
    from crawler.settings import Settings


class Options:
    """The settings of the pipeline class *owner*; *base* is the class whose settings are the general ones."""

    def __init__(self, settings: Settings, owner: type, base: str) -> None:
        self._settings = settings
        self._owner = owner
        self._prefix = "" if owner.__name__ == base else f"{owner.__name__.upper()}_"

    def get(self, name: str, attribute: str = "") -> Any:
        """Return the value of *name*, which is Scrapy's, in its type; *attribute* is the class' own default."""
        settings, target = self._settings, MAPPED[name].target
        own = settings.get(self._prefix + name) if self._prefix else None
        if own is not None:
            return converted(self._prefix + name, own, FIELDS[target])
        for own_name in (attribute, f"DEFAULT_{attribute}") if attribute and not settings.getpriority(target) else ():
            if hasattr(self._owner, own_name):
                return getattr(self._owner, own_name)
        return settings.get(target)
