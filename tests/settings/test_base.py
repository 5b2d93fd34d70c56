"""BaseSettings: a dictionary whose values count by their priority."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from crawler.settings import BaseSettings, Settings, SettingsAttribute, get_settings_priority


def test_a_value_counts_by_its_priority() -> None:
    settings = BaseSettings({"a": 1}, priority=20)
    settings.set("a", 2, "default")
    settings["b"] = 3
    assert (settings["a"], settings["b"], settings["c"], settings.get("c", 4)) == (1, 3, None, 4)
    settings.set("a", 5, "cmdline")
    assert (settings["a"], settings.getpriority("a"), settings.getpriority("c"), settings.maxpriority()) == (
        5,
        40,
        None,
        40,
    )
    assert BaseSettings().maxpriority() == get_settings_priority("default") == 0


def test_settings_in_settings_are_as_strong_as_the_strongest_of_them() -> None:
    inner = BaseSettings({"x": 1}, priority=30)
    attribute = SettingsAttribute(inner, 10)
    attribute.set({"x": 2}, 20)
    assert (attribute.value, attribute.priority) == (inner, 30)
    attribute.set('{"x": 3}', 30)
    assert (attribute.value["x"], attribute.priority) == (3, 30)
    assert repr(SettingsAttribute("v", 10)) == "<SettingsAttribute value='v' priority=10>"


@pytest.mark.parametrize("values", [{"a": 2}, [("a", 2)], '{"a": 2}', BaseSettings({"a": 2}, priority=15)])
def test_settings_are_updated_with_tables_pairs_json_and_settings(values: Any) -> None:
    settings = BaseSettings({"a": 1}, priority=0)
    settings.update(values, priority=15)
    assert (settings["a"], settings.getpriority("a")) == (2, 15)


def test_what_a_module_has_in_upper_case_is_set() -> None:
    settings = BaseSettings()
    settings.setmodule(SimpleNamespace(ONE=1, Two=2, three=3), 10)  # type: ignore[arg-type]  # as good as a module
    assert (dict(settings), settings.getpriority("ONE")) == ({"ONE": 1}, 10)
    settings.setmodule("stat")
    assert settings["ST_MODE"] == 0


def test_values_are_forgotten() -> None:
    settings = BaseSettings({"a": 1, "b": 2})
    settings.delete("a", "default")
    assert "a" in settings
    settings.delete("a")
    assert (settings.pop("b"), settings.pop("b", 3), settings.setdefault("b", 4), list(settings)) == (2, 3, 4, ["b"])
    for forget in (settings.delete, settings.pop, settings.__delitem__):
        with pytest.raises(KeyError):
            forget("gone")


def test_a_table_stands_on_its_base() -> None:
    settings = BaseSettings({"T_BASE": BaseSettings({"a": 1, "b": 2}, 0), "T": {"b": 3}})
    assert dict(settings.getwithbase("T")) == {"a": 1, "b": 3}


def test_a_copy_shares_nothing_that_can_be_changed() -> None:
    settings = BaseSettings({"list": [1], "inner": BaseSettings({"deep": {"x": [1]}})})
    copy, plain = settings.copy(), settings.copy_to_dict()
    settings["list"].append(2)
    settings["inner"]["deep"]["x"].append(2)
    assert (copy["list"], copy["inner"]["deep"]) == ([1], {"x": [1]})
    assert plain == {"list": [1], "inner": {"deep": {"x": [1]}}}
    assert settings != copy


@pytest.mark.parametrize("cls", [BaseSettings, Settings])
def test_frozen_settings_refuse_every_change(cls: type[BaseSettings]) -> None:
    settings = cls({"MINE": 1}).frozencopy()
    assert settings.frozen
    for change in (
        lambda: settings.set("MINE", 2),
        lambda: settings.update({}),
        lambda: settings.pop("MINE"),
        lambda: settings.delete("MINE"),
        lambda: settings.setmodule("stat"),
    ):
        with pytest.raises(TypeError, match="frozen"):
            change()
    assert not settings.copy().frozen


def test_the_settings_of_a_crawl_are_a_dictionary_too() -> None:
    settings = Settings({"MINE": 1, "DOWNLOAD_DELAY": 2})
    assert isinstance(settings, BaseSettings)
    assert dict(settings.items())["politeness.delay"] == 2.0
    assert settings.setdefault("MINE", 3) == settings.pop("MINE") == 1
    assert settings.setdefault("MINE", 3) == 3
    settings.set("MINE", SettingsAttribute(4, 35))
    assert (settings["MINE"], settings.getpriority("MINE"), settings.attributes["MINE"].value) == (4, 35, 4)
    assert settings.attributes["DOWNLOAD_DELAY"].value == settings.attributes["politeness.delay"].value == 2.0
    settings.update('{"MINE": 5}', "cmdline")
    assert settings.copy_to_dict()["MINE"] == 5
    assert settings.copy_to_dict()["DOWNLOAD_DELAY"] == 2.0


def test_lists_in_copied_settings_are_their_own() -> None:
    settings = Settings({"MINE": ["a"]})
    settings.copy()["MINE"].append("b")
    assert settings["MINE"] == ["a"]
