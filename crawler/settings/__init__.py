"""Settings: typed sections, where their values come from, and Scrapy's names for them.

schema         every section and field, its default, bounds and documentation
convert        from what was written to the type of a field
scrapy_names   what each setting of Scrapy's means here
settings       the Settings of a crawl
load           settings.toml, environment, command line
"""

from __future__ import annotations

from crawler.settings.load import SETTINGS_FILE, find_project, get_project_settings, load_settings
from crawler.settings.politeness import HostRules
from crawler.settings.settings import PRIORITIES, SettingInfo, Settings

#: Scrapy's name for a class of its own.
BaseSettings = Settings

__all__ = [
    "PRIORITIES",
    "SETTINGS_FILE",
    "BaseSettings",
    "HostRules",
    "SettingInfo",
    "Settings",
    "find_project",
    "get_project_settings",
    "load_settings",
]
