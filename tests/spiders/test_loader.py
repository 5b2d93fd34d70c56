"""Finding spiders: folders and modules, broken ones among them."""

from __future__ import annotations

from pathlib import Path

import pytest

from crawler.exceptions import SpiderError, SpiderNotFoundError, UsageError
from crawler.spiders.loader import SpiderLoader, load_file

GOOD = "from crawler import Spider\nclass {cls}(Spider):\n    name = '{name}'\n"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    spiders = tmp_path / "spiders"
    spiders.mkdir()
    (spiders / "books.py").write_text(GOOD.format(cls="Books", name="books"))
    (spiders / "deep").mkdir()
    (spiders / "deep" / "quotes.py").write_text(GOOD.format(cls="Quotes", name="quotes"))
    return tmp_path


def test_spiders_are_found_in_folders_however_deep(project: Path) -> None:
    loader = SpiderLoader(["spiders"], project)
    assert loader.list() == ["books", "quotes"]
    assert loader.load("books").__name__ == "Books"


def test_a_module_that_does_not_import_is_told_and_hides_no_others(project: Path) -> None:
    (project / "spiders" / "bad.py").write_text("x = 1\nimport no_such_module_anywhere\n")
    (project / "spiders" / "worse.py").write_text("def broken(:\n")
    loader = SpiderLoader(["spiders"], project)
    assert loader.list() == ["books", "quotes"]
    told = "\n".join(map(str, loader.broken))
    assert "bad.py:2: ModuleNotFoundError: No module named 'no_such_module_anywhere'" in told
    assert "worse.py:1: SyntaxError" in told


def test_an_unknown_name_is_told_with_the_nearest_and_how_to_list_them(project: Path) -> None:
    (project / "spiders" / "bad.py").write_text("1/0\n")
    with pytest.raises(SpiderNotFoundError) as wrong:
        SpiderLoader(["spiders"], project).load("boks")
    assert "did you mean 'books'?" in str(wrong.value)
    assert "`crawler list` shows them" in str(wrong.value)
    assert "bad.py:1: ZeroDivisionError" in str(wrong.value)


def test_two_spiders_of_one_name_are_an_error_that_says_where_both_are(project: Path) -> None:
    (project / "spiders" / "other.py").write_text(GOOD.format(cls="Other", name="books"))
    with pytest.raises(
        UsageError, match=r"two spiders are named 'books': Books in .*books\.py and Other in .*other\.py"
    ):
        SpiderLoader(["spiders"], project)


def test_a_folder_that_is_not_there_is_an_error(project: Path) -> None:
    with pytest.raises(UsageError, match="'nowhere', which is neither a folder"):
        SpiderLoader(["nowhere"], project)


def test_a_file_is_loaded_by_its_one_spider_or_by_name(tmp_path: Path) -> None:
    file = tmp_path / "two.py"
    file.write_text(GOOD.format(cls="A", name="a") + GOOD.format(cls="B", name="b").split("\n", 1)[1])
    assert load_file(file, "b").name == "b"
    with pytest.raises(UsageError, match=r"several spiders \(a, b\); say which one with --spider NAME"):
        load_file(file)
    with pytest.raises(SpiderNotFoundError, match=r"no spider in .* is named 'c'"):
        load_file(file, "c")


@pytest.mark.parametrize(
    ("content", "error", "message"),
    [
        ("x = 1\n", UsageError, "holds no spider"),
        ("from crawler import Spider\nclass A(Spider): pass\n", UsageError, "A has no name"),
        ("import nothing_of_this_name\n", SpiderError, "only.py:1: ModuleNotFoundError"),
    ],
)
def test_a_file_without_a_usable_spider_is_told(
    tmp_path: Path, content: str, error: type[Exception], message: str
) -> None:
    file = tmp_path / "only.py"
    file.write_text(content)
    with pytest.raises(error) as wrong:
        load_file(file)
    assert message in str(wrong.value)
