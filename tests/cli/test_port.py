"""crawler port: a Scrapy project becomes one of ours, in files that a test may look at."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from crawler.demo.server import serving
from tests.loopback.killing import ROOT

ENV = {**os.environ, "PYTHONPATH": str(ROOT), "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}

FILES = {
    "scrapy.cfg": "[settings]\ndefault = shop.settings\n\n[deploy]\nproject = shop\n",
    "shop/__init__.py": "",
    "shop/settings.py": (
        'BOT_NAME = "shop"\nSPIDER_MODULES = ["shop.spiders"]\nNEWSPIDER_MODULE = "shop.spiders"\n'
        'DOWNLOAD_DELAY = 0\nROBOTSTXT_OBEY = True\nITEM_PIPELINES = {"shop.pipelines.Cheap": 300}\n'
        'DOWNLOADER_MIDDLEWARES = {"shop.middlewares.Agent": 543}\nSHOP_LIMIT = 30\n'
    ),
    "shop/items.py": "import scrapy\n\n\nclass Book(scrapy.Item):\n    title = scrapy.Field()\n    price = scrapy.Field()\n",
    "shop/pipelines.py": (
        "from itemadapter import ItemAdapter\nfrom scrapy.exceptions import DropItem\n\n\n"
        "class Cheap:\n    def __init__(self, limit):\n        self.limit = limit\n\n"
        "    @classmethod\n    def from_crawler(cls, crawler):\n        return cls(crawler.settings.getint('SHOP_LIMIT'))\n\n"
        "    def process_item(self, item, spider):\n"
        "        if ItemAdapter(item)['price'] > self.limit:\n            raise DropItem('too much')\n        return item\n"
    ),
    "shop/middlewares.py": (
        "import scrapy\nfrom scrapy import signals\n\n\nclass Agent:\n    @classmethod\n    def from_crawler(cls, crawler):\n"
        "        one = cls()\n        crawler.signals.connect(one.opened, signal=signals.spider_opened)\n        return one\n\n"
        "    def process_request(self, request, spider):\n        assert isinstance(request, scrapy.Request)\n"
        "        return None\n\n"
        "    def opened(self, spider):\n        spider.logger.info('opened %s', spider.name)\n"
    ),
    "shop/spiders/__init__.py": "# the spiders\n",
    "shop/spiders/books.py": (
        "import scrapy\n\nfrom ..items import Book\n\n\nclass BooksSpider(scrapy.Spider):\n    name = 'books'\n"
        "    def __init__(self, site=None, *args, **kwargs):\n        super().__init__(*args, **kwargs)\n"
        "        self.start_urls = [site]\n\n    def parse(self, response):\n"
        "        for book in response.css('article.product_pod'):\n"
        "            yield Book(title=book.css('h3 a::text').get(), price=1.0)\n"
    ),
}


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    for name, content in FILES.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    return tmp_path


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "crawler", *arguments]
    return subprocess.run(command, cwd=folder, env=ENV, capture_output=True, text=True, timeout=120)


def contents(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and ".git" not in path.parts
    }


def git(folder: Path, *arguments: str) -> None:
    identity = ("-c", "user.name=x", "-c", "user.email=x@example.org")
    subprocess.run(["git", "-C", str(folder), *identity, *arguments], env=ENV, check=True, capture_output=True)


def test_a_project_runs_when_it_has_been_ported(shop: Path) -> None:
    done = run(shop, "port", ".", "--write")
    assert done.returncode == 0, done.stderr
    assert "scrapy.cfg and shop/settings.py are not read any more" in done.stderr
    assert run(shop, "list").stdout.split() == ["books"]
    with serving(20) as url:
        crawled = run(shop, "crawl", "books", "-a", f"site={url}", "-o", "books.jsonl")
    assert crawled.returncode == 0, crawled.stderr
    assert "opened books" in crawled.stderr
    assert len((shop / "books.jsonl").read_text().splitlines()) > 0


def test_without_write_the_diff_is_shown_and_nothing_is_changed(shop: Path) -> None:
    before = contents(shop)
    done = run(shop, "port", ".")
    assert contents(shop) == before
    assert "--- a/shop/spiders/books.py\n+++ b/shop/spiders/books.py\n" in done.stdout
    assert "-import scrapy\n+import crawler\n" in done.stdout
    assert "--- /dev/null\n+++ b/settings.toml\n" in done.stdout
    assert "files would be changed; --write changes them." in done.stderr


def test_the_diff_is_one_that_patch_can_apply(shop: Path) -> None:
    (shop / "shop/items.py").write_text("import scrapy\nscrapy.Item")  # no newline at the end
    diff = run(shop, "port", ".").stdout
    git(shop, "init", "-q")
    subprocess.run(["git", "apply"], input=diff, text=True, cwd=shop, env=ENV, check=True)
    assert (shop / "shop/items.py").read_text() == "import crawler\ncrawler.Item"
    assert run(shop, "port", ".").stderr.endswith("Nothing to change.\n")


def test_a_second_time_nothing_changes(shop: Path) -> None:
    run(shop, "port", ".", "--write")
    before = contents(shop)
    done = run(shop, "port", ".", "--write")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "Nothing to change.\n")
    assert contents(shop) == before


def test_a_file_with_a_syntax_error_is_named_and_the_others_are_ported(shop: Path) -> None:
    (shop / "shop/broken.py").write_text("import scrapy\ndef f(:\n")
    done = run(shop, "port", ".", "--write", "-q")
    assert done.returncode == 1
    assert "shop/broken.py:2: is no Python that can be read" in done.stderr
    assert (shop / "shop/broken.py").read_text().startswith("import scrapy")
    assert (shop / "shop/items.py").read_text().startswith("import crawler")


def test_what_needs_a_hand_is_listed_with_file_and_line_and_the_code_is_1(shop: Path) -> None:
    (shop / "shop/spiders/more.py").write_text("import scrapy\nfrom scrapy.squeues import FifoMemoryQueue\n")
    (shop / "requirements.txt").write_text("# scrapy\nrequests\nScrapy==2.11\n")
    done = run(shop, "port", ".", "-q")
    assert done.returncode == 1
    assert done.stdout == ""
    assert "2 to look at:" in done.stderr
    assert "  shop/spiders/more.py:2: scrapy.squeues.FifoMemoryQueue: there is no crawler.squeues" in done.stderr
    assert "  requirements.txt:3: names Scrapy: Scrapy==2.11" in done.stderr


def test_modes_encodings_and_newlines_stay(shop: Path) -> None:
    path = shop / "shop/run.py"
    path.write_bytes("#!/usr/bin/env python\r\n# -*- coding: latin-1 -*-\r\nimport scrapy  # für\r\n".encode("latin-1"))
    path.chmod(0o750)
    run(shop, "port", ".", "--write")
    assert (
        path.read_bytes()
        == "#!/usr/bin/env python\r\n# -*- coding: latin-1 -*-\r\nimport crawler  # für\r\n".encode("latin-1")
    )
    assert path.stat().st_mode & 0o777 == 0o750
    assert not list(shop.rglob(".*.py.*"))


def test_files_that_git_could_not_bring_back_are_not_written_without_force(shop: Path) -> None:
    git(shop, "init", "-q")
    git(shop, "add", ".")
    git(shop, "commit", "-q", "-m", "all")
    (shop / "shop/items.py").write_text("import scrapy\n# not yet committed\n")
    refused = run(shop, "port", ".", "--write")
    assert refused.returncode == 2
    assert "shop/items.py; commit them first" in refused.stderr
    assert not (shop / "settings.toml").exists()
    assert run(shop, "port", ".", "--write", "--force").returncode == 0


def test_a_single_file_is_ported_alone(shop: Path) -> None:
    before = contents(shop)
    done = run(shop, "port", "shop/items.py", "--write", "--imports-only")
    assert done.returncode == 0
    changed = {name for name, content in contents(shop).items() if content != before.get(name)}
    assert changed == {"shop/items.py"}
    assert (shop / "shop/items.py").read_text().startswith("import crawler as scrapy\n")


def test_what_belongs_to_others_is_left_alone(shop: Path) -> None:
    for folder in ("venv/lib", ".tox/x", "node_modules/x"):
        (shop / folder).mkdir(parents=True)
        (shop / folder / "a.py").write_text("import scrapy\n")
    (shop / "venv/pyvenv.cfg").touch()
    (shop / "outside.py").symlink_to(shop / "venv/lib/a.py")
    diff = run(shop, "port", ".").stdout
    assert "a.py" not in diff
    assert "outside.py" not in diff


def test_a_place_that_is_not_there_is_said_and_the_code_is_2(tmp_path: Path) -> None:
    done = run(tmp_path, "port", "nowhere")
    assert done.returncode == 2
    assert done.stderr == "Error: nowhere does not exist: name the folder of a Scrapy project, or a Python file\n"


def test_a_cfg_that_names_no_settings_or_several_is_told(shop: Path) -> None:
    (shop / "scrapy.cfg").write_text(
        "[settings]\ndefault = shop.none\nlive = shop.live\n[deploy:x]\nurl = http://a.test/\n"
    )
    done = run(shop, "port", ".")
    assert "there is no settings module shop.none: write settings.toml by hand" in done.stderr
    assert "settings live: one settings.toml is read" in done.stderr
    assert "[deploy:x]: deploy with what runs processes" in done.stderr
    (shop / "scrapy.cfg").write_text("no section\n")
    assert "scrapy.cfg: cannot be read" in run(shop, "port", ".").stderr


def test_nothing_of_the_project_is_run(shop: Path) -> None:
    (shop / "shop/danger.py").write_text(f"import scrapy\nopen({json.dumps(str(shop / 'ran'))}, 'w')\n")
    run(shop, "port", ".", "--write")
    assert not (shop / "ran").exists()


def test_a_project_whose_spiders_import_the_reactor_runs(shop: Path) -> None:
    (shop / "shop/spiders/books.py").write_text(
        "from twisted.internet import reactor\nimport crawler\nclass B(crawler.Spider):\n    name = 'books'\n"
        "    async def start(self):\n        assert reactor.running\n        yield {'n': 1}\n"
    )
    run(shop, "port", ".", "--write")
    done = run(shop, "crawl", "books", "-s", "components.pipelines=", "-o", "-:jsonl")
    assert (done.returncode, done.stdout.strip()) == (0, '{"n":1}'), done.stderr
