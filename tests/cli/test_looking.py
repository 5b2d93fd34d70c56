"""crawler fetch and crawler view."""

from __future__ import annotations

import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from crawler.demo.server import serving
from tests.cli.test_commands import ENV


@pytest.fixture(scope="module")
def shop() -> Iterator[str]:
    with serving(20) as url:
        yield url


def crawler(folder: Path, *arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "crawler", *arguments]
    return subprocess.run(command, cwd=folder, env={**ENV, **env}, capture_output=True, text=True, timeout=60)


def test_fetch_writes_the_body_and_nothing_else(tmp_path: Path, shop: str) -> None:
    done = crawler(tmp_path, "fetch", shop)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("<!DOCTYPE html>")
    assert done.stdout.rstrip().endswith("</html>")


def test_fetch_shows_the_headers_that_were_sent_and_that_came(tmp_path: Path, shop: str) -> None:
    lines = crawler(tmp_path, "fetch", "--headers", shop, "-s", "http.user_agent=me").stdout.splitlines()
    assert lines[0] == f"> GET {shop}"
    assert "> User-Agent: me" in lines
    assert "< 200 OK" in lines
    assert "< Content-Type: text/html; charset=utf-8" in lines


def test_fetch_of_an_error_page_writes_it_and_ends_with_one(tmp_path: Path, shop: str) -> None:
    done = crawler(tmp_path, "fetch", f"{shop}nowhere")
    assert (done.returncode, done.stdout) == (1, "<h1>Not found</h1>")
    assert done.stderr == f"Error: {shop}nowhere: 404 Not Found\n"


@pytest.mark.parametrize("command", ["fetch", "view"])
@pytest.mark.parametrize(
    ("url", "code", "says"),
    [
        ("http://127.0.0.1:1/", 1, "Error: http://127.0.0.1:1/: DownloadConnectionRefusedError: "),
        ("http://no-such-host.invalid/", 1, "CannotResolveHostError: the name no-such-host.invalid has no address"),
        ("http://[bad/", 2, "'[bad' is no host name"),
        ("a b", 2, "'a b' is no URL, and there is no such file"),
    ],
)
def test_what_does_not_come_is_told_in_a_line(tmp_path: Path, command: str, url: str, code: int, says: str) -> None:
    done = crawler(tmp_path, command, url)
    assert (done.returncode, done.stdout, len(done.stderr.splitlines())) == (code, "", 1), done.stderr
    assert says in done.stderr


def test_a_spider_that_raises_when_it_is_built_is_told(tmp_path: Path) -> None:
    (tmp_path / "bad.py").write_text(
        "from crawler import Spider\nclass Bad(Spider):\n    name = 'bad'\n    def __init__(self):\n        raise KeyError('boo')\n"
    )
    done = crawler(tmp_path, "fetch", "--spider", "bad.py", "data:,x")
    assert done.returncode == 3
    assert "the spider 'bad' could not be made" in done.stderr


def test_view_opens_the_browser_on_a_file_that_only_its_owner_reads(tmp_path: Path, shop: str) -> None:
    browser = f"{sys.executable} -c \"import sys; open('opened', 'w').write(sys.argv[1])\" %s"
    done = crawler(tmp_path, "view", shop, BROWSER=browser)
    assert done.returncode == 0, done.stderr
    url = (tmp_path / "opened").read_text()
    assert done.stdout.startswith("200 OK, ")
    assert done.stdout.rstrip().endswith(url)
    file = Path(urlsplit(url).path)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert f'<base href="{shop}">' in file.read_text()
    file.unlink()


def test_without_a_browser_it_is_said_where_the_file_is(tmp_path: Path) -> None:
    done = crawler(tmp_path, "view", "data:text/html,<p>x", BROWSER="false %s", PATH="/nowhere", DISPLAY="")
    assert (done.returncode, "BROWSER" in done.stderr) == (1, True)
    Path(urlsplit(done.stdout.split()[-1]).path).unlink()
