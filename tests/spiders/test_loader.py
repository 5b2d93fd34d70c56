"""Finding spiders: folders and modules, broken ones among them."""

from __future__ import annotations

from pathlib import Path

import pytest

from crawler.exceptions import SpiderError, SpiderNotFoundError, UsageError
from crawler.http import Request
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


def test_spiders_are_found_by_the_site_of_a_request(project: Path) -> None:
    (project / "spiders" / "shop.py").write_text(
        GOOD.format(cls="Shop", name="shop") + "    allowed_domains = ['shop.test']\n"
    )
    loader = SpiderLoader(["spiders"], project)
    assert loader.find_by_request(Request("https://www.shop.test/x")) == ["shop"]
    assert loader.find_by_request(Request("https://other.test/")) == []


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


def test_a_broken_module_is_told_with_its_own_line_and_the_traceback_of_the_rest(project: Path) -> None:
    (project / "spiders" / "helper.py").write_text("def help():\n    raise KeyError('x')\n")
    (project / "spiders" / "uses.py").write_text("from .helper import help\n\nhelp()\n")
    (broken,) = SpiderLoader(["spiders"], project).broken
    assert (broken.path, broken.line, broken.error) == (project / "spiders" / "uses.py", 3, "KeyError: 'x'")
    assert "helper.py" in broken.traceback
    assert "importlib" not in broken.traceback


def test_a_spider_that_imports_scrapy_is_told_how_it_is_ported(project: Path) -> None:
    file = project / "theirs.py"
    file.write_text("import scrapy.nowhere\n")
    with pytest.raises(SpiderError, match=r"No module named 'scrapy.*`crawler port` makes its imports ours"):
        load_file(file)
    file.write_text("class Spider:\n    __module__ = 'scrapy.spiders'\n\nclass Mine(Spider):\n    name = 'mine'\n")
    with pytest.raises(UsageError, match="holds a spider of Scrapy's: `crawler port` makes its imports ours"):
        load_file(file)


def test_a_module_that_exits_hides_no_others(project: Path) -> None:
    (project / "spiders" / "script.py").write_text("import sys\nsys.exit(5)\n")
    loader = SpiderLoader(["spiders"], project)
    assert (loader.list(), str(loader.broken[0]).partition("script.py")[2]) == (
        ["books", "quotes"],
        ":2: SystemExit: 5",
    )


def test_a_broken_init_hides_no_modules_beside_it(project: Path) -> None:
    (project / "spiders" / "__init__.py").write_text("1/0\n")
    loader = SpiderLoader(["spiders"], project)
    assert loader.list() == ["books", "quotes"]
    assert "__init__.py:1: ZeroDivisionError" in str(loader.broken[0])


def test_modules_of_a_folder_import_each_other_and_a_base_class_counts_once(project: Path) -> None:
    (project / "spiders" / "more.py").write_text(
        "from .books import Books\nclass More(Books):\n    name = 'more'\nclass Nameless(Books):\n    name = None\n"
    )
    assert SpiderLoader(["spiders"], project).list() == ["books", "more", "quotes"]


def test_two_projects_in_one_process_do_not_get_into_each_others_way(project: Path, tmp_path: Path) -> None:
    other = tmp_path / "other" / "spiders"
    other.mkdir(parents=True)
    (other / "books.py").write_text(GOOD.format(cls="OtherBooks", name="books"))
    assert SpiderLoader(["spiders"], project).load("books").__name__ == "Books"
    assert SpiderLoader(["spiders"], other.parent).load("books").__name__ == "OtherBooks"


def test_dotted_modules_are_walked_as_scrapy_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "dotted_shop" / "spiders"
    package.mkdir(parents=True)
    for folder in (package.parent, package):
        (folder / "__init__.py").write_text("")
    (package / "books.py").write_text(GOOD.format(cls="Books", name="books"))
    (package / "bad.py").write_text("\nimport no_such_module_anywhere\n")
    monkeypatch.syspath_prepend(tmp_path)
    loader = SpiderLoader(["dotted_shop.spiders"], tmp_path)
    assert loader.list() == ["books"]
    assert [(broken.line, broken.error.partition(":")[0]) for broken in loader.broken] == [(2, "ModuleNotFoundError")]


def test_a_single_file_may_be_named(project: Path) -> None:
    assert SpiderLoader(["spiders/books.py"], project).list() == ["books"]


def test_a_project_without_spiders_is_told_how_to_write_one(tmp_path: Path) -> None:
    (tmp_path / "spiders").mkdir()
    with pytest.raises(
        SpiderNotFoundError, match=r"There are no spiders in spiders of .*`crawler genspider` writes one"
    ):
        SpiderLoader(["spiders"], tmp_path).load("books")


@pytest.mark.parametrize("name", ["spiders.txt", "nowhere.py"])
def test_what_is_no_python_file_is_told(tmp_path: Path, name: str) -> None:
    (tmp_path / "spiders.txt").write_text("")
    with pytest.raises(UsageError, match=r"is not a Python file"):
        load_file(tmp_path / name)


def test_an_error_in_a_file_comes_with_its_traceback(tmp_path: Path) -> None:
    (tmp_path / "own.py").write_text("def f():\n    return 1 / 0\n\nf()\n")
    with pytest.raises(SpiderError, match=r"own\.py:[24]: ZeroDivisionError") as wrong:
        load_file(tmp_path / "own.py")
    assert "return 1 / 0" in str(wrong.value)
