"""Settings: typed sections, where their values come from, and Scrapy's names for them.

schema         every section and field, its default, bounds and documentation
convert        from what was written to the type of a field
scrapy_names   what each setting of Scrapy's means here
base           values by name and priority, of which nothing is checked
settings       the Settings of a crawl
load           settings.toml, environment, command line
"""

from __future__ import annotations

from crawler.settings.base import PRIORITIES, BaseSettings, SettingsAttribute, get_settings_priority
from crawler.settings.load import SETTINGS_FILE, find_project, get_project_settings, load_settings
from crawler.settings.politeness import HostRules
from crawler.settings.settings import SettingInfo, Settings

#: Scrapy's name for them.
SETTINGS_PRIORITIES = PRIORITIES

__all__ = [
    "PRIORITIES",
    "SETTINGS_FILE",
    "SETTINGS_PRIORITIES",
    "BaseSettings",
    "HostRules",
    "SettingInfo",
    "Settings",
    "SettingsAttribute",
    "find_project",
    "get_project_settings",
    "get_settings_priority",
    "load_settings",
]
