"""What startproject and genspider write: projects and spiders that work as they are."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

import crawler.spiders
from crawler.cli.templates import SPIDERS, project_files, spider_file
from crawler.exceptions import UsageError
from tests.cli.test_commands import ENV, Run, run

__all__ = ["run"]

#: Template -> the base class that it needs.
BASES = {"sitemap": "SitemapSpider", "csvfeed": "CSVFeedSpider", "xmlfeed": "XMLFeedSpider"}

TEMPLATES = [
    pytest.param(
        name, marks=pytest.mark.skipif(not hasattr(crawler.spiders, BASES.get(name, "Spider")), reason="no base")
    )
    for name in SPIDERS
]


def in_process(folder: Path, *command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", *command], cwd=folder, env=ENV, capture_output=True, text=True)


@pytest.fixture(scope="module")
def types(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the type checker knows of the libraries: to find that out takes it seconds."""
    return tmp_path_factory.mktemp("types")


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """A new project, my-shop."""
    assert in_process(tmp_path, "crawler", "startproject", "my-shop").returncode == 0
    return tmp_path / "my-shop"


def test_a_new_project_has_the_shape_of_this_one(shop: Path) -> None:
    assert {str(path.relative_to(shop)) for path in shop.rglob("*") if path.is_file()} == {
        "pyproject.toml",
        "README.md",
        "settings.toml",
        "my_shop/__init__.py",
        "my_shop/items.py",
        "my_shop/pipelines.py",
        "spiders/quotes.py",
        "tests/test_quotes.py",
        ".gitignore",
    }


def test_a_new_project_passes_its_own_tests_and_the_type_checker(shop: Path, types: Path) -> None:
    tested = in_process(shop, "pytest", "-q", "-p", "no:cacheprovider")
    assert (tested.returncode, "2 passed" in tested.stdout) == (0, True), tested.stdout
    pytest.importorskip("mypy")
    checked = in_process(shop, "mypy", "--cache-dir", str(types), ".")
    assert checked.returncode == 0, checked.stdout


def test_the_spider_of_a_new_project_runs(shop: Path, quotes: str) -> None:
    crawled = in_process(shop, "crawler", "crawl", "quotes", "-a", f"site={quotes}", "-O", "-:jsonl", "-q")
    assert crawled.returncode == 0, crawled.stderr
    assert crawled.stdout == '{"text":"One.","author":"Ana","tags":[]}\n'


def test_a_spider_from_a_template_runs_beside_the_first_one(shop: Path, quotes: str) -> None:
    assert in_process(shop, "crawler", "genspider", "other", quotes).returncode == 0
    crawled = in_process(shop, "crawler", "crawl", "other", "-O", "-:jsonl", "-q")
    assert crawled.returncode == 0, crawled.stderr
    assert crawled.stdout == f'{{"url":"{quotes}","title":null}}\n'


@pytest.fixture
def quotes() -> Iterator[str]:
    """A site with one quote, on loopback."""

    class Quotes(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            found = self.path == "/"
            self.send_response(200 if found else 404)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            if found:
                self.wfile.write(
                    b'<div class="quote"><span class="text">"One."</span><small class="author">Ana</small></div>'
                )

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Quotes) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


def test_nothing_that_is_there_is_overwritten(shop: Path) -> None:
    (shop / "settings.toml").write_text("mine")
    again = in_process(shop.parent, "crawler", "startproject", "my-shop")
    assert (again.returncode, "there are files already" in again.stderr) == (2, True)
    assert (shop / "settings.toml").read_text() == "mine"


@pytest.mark.parametrize("template", TEMPLATES)
def test_the_spider_of_a_template_is_listed_and_passes_the_type_checker(shop: Path, types: Path, template: str) -> None:
    made = in_process(shop, "crawler", "genspider", "-t", template, "our-site", "example.com")
    assert made.stdout == f"Wrote {shop}/spiders/our_site.py\n"
    listed = in_process(shop, "crawler", "list")
    assert (listed.stdout, listed.stderr) == ("our-site\nquotes\n", "")
    pytest.importorskip("mypy")
    checked = in_process(shop, "mypy", "--cache-dir", str(types), "--check-untyped-defs", "spiders/our_site.py")
    assert checked.returncode == 0, checked.stdout


@pytest.mark.parametrize("template", SPIDERS)
def test_a_template_is_python_that_is_formatted(template: str, tmp_path: Path) -> None:
    file = tmp_path / "site.py"
    file.write_text(spider_file(template, "site", "https://example.com/list?page=1"))
    compile(file.read_text(), "site.py", "exec")
    checked = in_process(tmp_path, "ruff", "format", "--line-length", "120", "--check", "site.py")
    assert checked.returncode == 0, checked.stderr


def test_a_spider_that_is_there_is_overwritten_only_by_force(run: Run) -> None:
    refused = run("genspider", "books", "example.com")
    assert (refused.exit_code, "--force overwrites it" in refused.output) == (2, True)


def test_the_templates_are_listed_and_printed(run: Run) -> None:
    listed = run("genspider", "--list").output
    assert [line.split()[0] for line in listed.splitlines()] == [*SPIDERS]
    assert 'name = "$name"' in run("genspider", "--dump", "-t", "crawl").output


def test_a_template_of_ones_own_is_filled_in(tmp_path: Path) -> None:
    template = tmp_path / "ours.tmpl"
    template.write_text("$name $class_name $classname $domain $url $root $env $$")
    made = spider_file(str(template), "my-site", "https://example.com/list")
    assert (
        made == "my-site MySiteSpider MySiteSpider example.com https://example.com/list https://example.com MY_SITE $"
    )


@pytest.mark.parametrize(
    ("text", "says"), [("$nope", r"names \$nope; there are: \$name, "), ("a $", r"a dollar sign is written \$\$")]
)
def test_a_template_that_cannot_be_filled_in_is_told(tmp_path: Path, text: str, says: str) -> None:
    (tmp_path / "ours.tmpl").write_text(text)
    with pytest.raises(UsageError, match=says):
        spider_file(str(tmp_path / "ours.tmpl"), "site", "example.com")


@pytest.mark.parametrize("name", ["json", "crawler", "class", "tests", "1x", "a b"])
def test_a_project_is_not_named_like_a_module_that_there_is(name: str) -> None:
    with pytest.raises(UsageError, match="cannot name a project"):
        project_files(name)


def test_the_editor_opens_the_file_of_a_spider(run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("VISUAL", raising=False)
    monkeypatch.setenv("EDITOR", f'{sys.executable} -c \'import sys; open("opened", "w").write(sys.argv[1])\'')
    assert run("edit", "books").exit_code == 0
    assert (tmp_path / "opened").read_text() == str(tmp_path / "spiders" / "books.py")
    assert run("genspider", "--edit", "new", "example.com").exit_code == 0
    assert (tmp_path / "opened").read_text().endswith("new.py")


def test_an_editor_that_does_not_start_or_fails_is_told(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VISUAL", "no-such-editor")
    told = run("edit", "books")
    assert (told.exit_code, "name another in the environment variable EDITOR" in told.output) == (2, True)
    monkeypatch.setenv("CRAWLER_PROJECT__EDITOR", "false")
    assert "the editor 'false' ended with 1" in run("edit", "books").output
