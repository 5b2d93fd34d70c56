"""Settings from settings.toml, the environment and the command line."""

from __future__ import annotations

from pathlib import Path

import pytest

from crawler.crawler import effective_settings
from crawler.exceptions import SettingsError
from crawler.settings import Settings, find_project, get_project_settings, load_settings
from crawler.settings.settings import FIELDS
from crawler.spiders import Spider

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "settings.toml").write_text(
        '[politeness]\ndelay = 1.0\n[politeness.hosts."*.example.org"]\ndelay = 5\n[http]\ntimeout = 10\n'
        '[[feeds]]\nuri = "items.jsonl"\n[user]\nshop = "x"\n'
    )
    return tmp_path


def test_the_last_of_file_environment_and_command_line_counts(project: Path) -> None:
    env = {"CRAWLER_HTTP__TIMEOUT": "20", "CRAWLER_POLITENESS__JITTER": "0", "OTHER": "x"}
    settings = load_settings(project, env=env, cli=["politeness.jitter=0.1"])
    assert (settings.politeness.delay, settings.http.timeout, settings.politeness.jitter) == (1.0, 20.0, 0.1)
    sources = {info.name: info.source for info in settings.explain()}
    assert sources["politeness.delay"] == "settings.toml"
    assert sources["http.timeout"] == "environment CRAWLER_HTTP__TIMEOUT"
    assert sources["politeness.jitter"] == "command line"
    assert sources["retry.times"] == "default"


def test_command_line_environment_custom_settings_file_and_default_count_in_this_order(tmp_path: Path) -> None:
    class Own(Spider):
        name = "own"
        custom_settings = {"retry": {"times": 30, "delay": 30, "max_delay": 30}}

    (tmp_path / "settings.toml").write_text("[retry]\ntimes = 20\ndelay = 20\nmax_delay = 20\npriority_adjust = 20\n")
    env = {"CRAWLER_RETRY__TIMES": "35", "CRAWLER_RETRY__DELAY": "35"}
    retry = effective_settings(Own, load_settings(tmp_path, env=env, cli=["retry.times=40"])).retry
    assert (retry.times, retry.delay, retry.max_delay, retry.priority_adjust) == (40, 35.0, 30.0, 20)
    assert retry.give_up_log_level == "ERROR"


def test_the_last_of_one_setting_on_the_command_line_counts() -> None:
    assert load_settings(cli=["retry.times=1", "RETRY_TIMES=2"]).retry.times == 2


def test_a_mistake_in_custom_settings_is_told() -> None:
    class Wrong(Spider):
        name = "wrong"
        custom_settings = {"DOWNLOAD_DELAYS": 5}

    with pytest.raises(SettingsError, match="unknown setting DOWNLOAD_DELAYS; did you mean DOWNLOAD_DELAY"):
        effective_settings(Wrong, None)


def test_tables_and_values_with_equals_signs_can_be_given_on_the_command_line() -> None:
    settings = load_settings(cli=['politeness.hosts={"a.test": {"delay": 9}}', "http.user_agent=me (+http://x/?a=b)"])
    assert settings.politeness.for_host("a.test").delay == 9.0
    assert settings.http.user_agent == "me (+http://x/?a=b)"


def test_variables_of_other_programs_are_left_alone() -> None:
    env = {"CRAWLER_HOME": "/x", "CRAWLER_": "", "PATH": "/bin", "CRAWLER_USER__SHOP": "y"}
    assert load_settings(env=env).get("shop") == "y"


def test_project_settings_are_those_of_the_folder_and_of_the_environment(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CRAWLER_POLITENESS__JITTER", "0.25")
    (project / "deep").mkdir()
    settings = get_project_settings(project / "deep")
    assert (settings.politeness.delay, settings.politeness.jitter) == (1.0, 0.25)


def test_tables_of_hosts_feeds_and_the_projects_own_are_read(project: Path) -> None:
    settings = load_settings(project)
    assert settings.politeness.for_host("a.example.org").delay == 5.0
    assert settings.feeds == [{"uri": "items.jsonl"}]
    assert settings["shop"] == "x"


def test_scrapys_names_are_understood_in_the_environment_and_on_the_command_line() -> None:
    settings = load_settings(
        env={"CRAWLER_DOWNLOAD_DELAY": "3"}, cli=["CONCURRENT_REQUESTS=5", "RETRY_HTTP_CODES=500,503"]
    )
    assert (settings.politeness.delay, settings.crawl.concurrency, settings.retry.statuses) == (3.0, 5, [500, 503])


@pytest.mark.parametrize(
    ("text", "env", "cli", "message"),
    [
        ("[politeness]\ndealy = 1", {}, [], "settings.toml: unknown setting politeness.dealy"),
        ("delay = ", {}, [], "settings.toml cannot be read"),
        ("", {"CRAWLER_POLITENESS__DEALY": "1"}, [], "CRAWLER_POLITENESS__DEALY: unknown setting politeness.dealy"),
        ("", {}, ["politeness.delay"], "'politeness.delay' is not of the form NAME=VALUE"),
        ("", {}, ["politeness.delay=x"], "politeness.delay = 'x'"),
    ],
)
def test_where_a_mistake_is_is_told(tmp_path: Path, text: str, env: dict, cli: list, message: str) -> None:
    (tmp_path / "settings.toml").write_text(text)
    with pytest.raises(SettingsError) as wrong:
        load_settings(tmp_path, env=env, cli=cli)
    assert message in str(wrong.value)


def test_the_project_is_the_nearest_folder_with_a_settings_file(project: Path) -> None:
    inner = project / "spiders" / "deep"
    inner.mkdir(parents=True)
    assert find_project(inner) == project


def test_the_settings_file_of_this_project_says_what_the_defaults_are() -> None:
    told = load_settings(ROOT)
    for name in FIELDS:
        if not name.startswith("project."):
            assert told.get(name) == Settings().get(name), name
