"""Add-ons: components that change the settings of a crawl before it is assembled from them.

    class Cached:
        def update_settings(self, settings):
            settings.set("HTTPCACHE_ENABLED", True, "addon")

What an add-on sets with the priority "addon" counts less than what the project sets. ``update_pre_crawler_settings``, a class
method, is called before all else.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from crawler.engine import components
from crawler.exceptions import ComponentError, NotConfigured

if TYPE_CHECKING:
    from crawler.crawler import Crawler
    from crawler.settings import Settings

logger = logging.getLogger(__name__)


def prepare(settings: Settings) -> None:
    """Let the add-ons that *settings* name change what counts before there is a crawl."""
    for one in components.declared(settings.components.addons):
        change = getattr(components.load(one.target), "update_pre_crawler_settings", None)
        if change is not None:
            change(settings)


def apply(crawler: Crawler, settings: Settings) -> list[Any]:
    """Let the add-ons that *settings* name change them; return the add-ons."""
    addons = []
    for one in components.declared(settings.components.addons):
        try:
            addon = components.instance(one, crawler)
            if not any(hasattr(addon, name) for name in ("update_settings", "update_pre_crawler_settings")):
                raise ComponentError(
                    f"the add-on {one.name} has neither update_settings nor update_pre_crawler_settings"
                )
            if hasattr(addon, "update_settings"):
                addon.update_settings(settings)
        except NotConfigured as reason:
            logger.info("%s is not used: %s", one.name, reason)
            continue
        addons.append(addon)
    return addons
