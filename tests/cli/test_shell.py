"""The shell as one uses it: at a terminal, in the middle of a crawl, and with code given at once."""

from __future__ import annotations

import os
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from crawler.demo.server import serving
from tests.cli.terminal import CTRL_C, CTRL_D, Terminal, terminal
from tests.cli.test_commands import ENV

ASKS = ">>> "


@pytest.fixture(scope="module")
def shop() -> Iterator[str]:
    with serving(40) as url:
        yield url


@pytest.fixture
def silent() -> Iterator[socket.socket]:
    """A server that takes connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(30)
        yield server


@pytest.fixture
def env(tmp_path: Path) -> dict[str, str]:
    return {
        **ENV,
        "HOME": str(tmp_path),
        "XDG_STATE_HOME": str(tmp_path / "state"),
        "IPYTHONDIR": str(tmp_path / "ipython"),
    }


def shell(folder: Path, *arguments: str, typed: str | None = None) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "crawler", "shell", *arguments]
    return subprocess.run(command, cwd=folder, env=ENV, input=typed, capture_output=True, text=True, timeout=60)


@contextmanager
def prompt(folder: Path, env: dict[str, str], *arguments: str) -> Iterator[Terminal]:
    with terminal([sys.executable, "-m", "crawler", "shell", *arguments], cwd=folder, env=env) as opened:
        yield opened


def run(opened: Terminal, line: str, *, asks: str = ASKS) -> str:
    """Type *line* and return what is said until the next prompt."""
    opened.type(f"{line}\n")
    opened.expect(r"\n")
    return opened.expect(asks).removesuffix(asks)


def interrupt(opened: Terminal, line: str, *, asks: str = ASKS) -> str:
    """Type *line* and press Ctrl-C; return what is said until there is a prompt again.

    One that comes within microseconds of the last key, before readline waits for the next, is noticed with the second.
    """
    opened.type(line)
    opened.expect(line)
    opened.type(CTRL_C)
    try:
        return opened.expect(asks, within=2.0)
    except AssertionError:
        opened.type(CTRL_C)
        return opened.expect(asks)


def test_a_page_is_at_hand_and_others_can_be_fetched(tmp_path: Path, env: dict[str, str], shop: str) -> None:
    with prompt(tmp_path, env, "--plain", shop) as opened:
        assert f"response    <200 {shop}>" in opened.expect(ASKS)
        assert "['The Early Daughter']" in run(opened, 'response.css("h3 a::text").getall()[:1]')
        assert "<404 " in run(opened, 'fetch(response.urljoin("nowhere"))')
        assert "/nowhere>" in run(opened, "request")
        assert "<404 " in run(opened, "response")
        assert "<200 " in run(opened, 'await fetch(Request(response.urljoin("/")))')
        opened.type(CTRL_D)
        assert opened.wait() == 0


def test_ctrl_c_at_the_prompt_drops_the_line_and_during_a_fetch_the_fetch(
    tmp_path: Path, env: dict[str, str], silent: socket.socket
) -> None:
    with prompt(tmp_path, env, "--plain") as opened:
        opened.expect(ASKS)
        assert "KeyboardInterrupt" in interrupt(opened, "half a li")
        opened.type(f'fetch("http://127.0.0.1:{silent.getsockname()[1]}/")\n')
        connection, _ = silent.accept()  # the fetch is on its way
        opened.type(CTRL_C)
        assert "KeyboardInterrupt" in opened.expect(ASKS)
        connection.settimeout(30)
        with connection, suppress(ConnectionResetError):
            while connection.recv(4096):
                pass  # until it is given up
        opened.type("import asyncio; print('be' + 'gun'); await asyncio.sleep(100)\n")
        opened.expect("begun")
        opened.type(CTRL_C)
        assert "KeyboardInterrupt" in opened.expect(ASKS)
        assert "2" in run(opened, "1 + 1")
        opened.type(CTRL_D)
        assert opened.wait() == 0


def test_mistakes_are_told_and_the_session_goes_on(tmp_path: Path, env: dict[str, str]) -> None:
    with prompt(tmp_path, env, "--plain") as opened:
        opened.expect(ASKS)
        assert "Traceback" not in (told := run(opened, 'fetch("http://127.0.0.1:1/")'))
        assert "DownloadConnectionRefusedError: no connection to 127.0.0.1 port 1" in told
        assert "'[bad' is no host name" in run(opened, 'fetch("http://[bad/")')
        assert run(opened, "1/0").splitlines()[1] == '  File "<console>", line 1, in <module>'
        assert "there is no response yet" in run(opened, "view()")
        opened.type("exit()\n")
        assert opened.wait() == 0


def test_lines_are_completed_and_kept_for_their_owner_alone(tmp_path: Path, env: dict[str, str]) -> None:
    with prompt(tmp_path, env, "--plain", "data:text/html,<p>x") as opened:
        opened.expect(ASKS)
        assert "200" in run(opened, "respons\t.status")
        opened.type(CTRL_D)
        opened.wait()
    history = tmp_path / "state" / "crawler" / "shell_history"
    assert "response.status" in history.read_text()
    assert stat.S_IMODE(history.stat().st_mode) == 0o600


def test_ipython_is_used_where_it_is_installed_and_awaits(tmp_path: Path, env: dict[str, str], shop: str) -> None:
    pytest.importorskip("IPython")
    asks = r"In \[\d+\]: \s*$"  # it is drawn again with empty lines below, where the terminal was slow
    with prompt(tmp_path, env, shop) as opened:
        opened.expect(asks)
        for line, says in (
            ("response.status", r"Out\[\d+\]: 200"),
            ('(await fetch(response.urljoin("/x"))).status', r"Out\[\d+\]: 404"),
            ('fetch("http://127.0.0.1:1/")', "DownloadConnectionRefusedError: no connection"),
            ("import asyncio; await asyncio.sleep(0, 'slept')", r"Out\[\d+\]: 'slept'"),
        ):
            opened.type(f"{line}\r")
            assert "Traceback" not in opened.expect(says)
            opened.expect(r"In \[\d+\]: ")
        opened.type("exit\r")
        assert opened.wait() == 0


INSPECTING = """
from crawler import Spider
from crawler.shell import inspect_response

class Inspecting(Spider):
    name = "inspecting"
    start_urls = ["{url}", "{url}catalogue/page-2.html"]

    def parse(self, response):
        if response.url == self.start_urls[0]:
            inspect_response(response, self)
        yield {{"url": response.url}}
"""


@pytest.mark.parametrize("progress", ["--no-progress", ""])
def test_a_crawl_waits_while_a_response_is_inspected_and_ctrl_c_is_the_prompts(
    tmp_path: Path, env: dict[str, str], shop: str, progress: str
) -> None:
    (tmp_path / "inspecting.py").write_text(INSPECTING.format(url=shop))
    plain = "import crawler.shell; crawler.shell.has_ipython = lambda: False; from crawler.cli import main; main()"
    arguments = ["runspider", "inspecting.py", "-O", "items.jsonl", *filter(None, [progress])]
    with terminal([sys.executable, "-c", plain, *arguments], cwd=tmp_path, env=env) as opened:
        opened.expect(ASKS)
        assert f"<200 {shop}>" in run(opened, "response")
        assert "nothing can be fetched here" in run(opened, 'fetch("x")')
        assert "nothing can be awaited here" in run(opened, "import asyncio; await asyncio.sleep(1)")
        interrupt(opened, "half")
        opened.type(CTRL_D)
        assert opened.wait() == 0
    assert len((tmp_path / "items.jsonl").read_text().splitlines()) == 2


def test_a_response_is_inspected_with_ipython_too(tmp_path: Path, env: dict[str, str], shop: str) -> None:
    pytest.importorskip("IPython")
    (tmp_path / "inspecting.py").write_text(INSPECTING.format(url=shop))
    with terminal([sys.executable, "-m", "crawler", "runspider", "inspecting.py"], cwd=tmp_path, env=env) as opened:
        opened.expect(r"In \[1\]: ")
        opened.type("response.status\r")
        opened.expect(r"Out\[1\]: 200")
        opened.type("exit\r")
        assert opened.wait() == 0


def test_the_debugger_stops_where_a_callback_raised(tmp_path: Path, env: dict[str, str], shop: str) -> None:
    spider = f"from crawler import Spider\nclass S(Spider):\n    name = 's'\n    start_urls = ['{shop}']\n"
    (tmp_path / "s.py").write_text(f"{spider}    def parse(self, response):\n        found = 'here'\n        1/0\n")
    with terminal([sys.executable, "-m", "crawler", "runspider", "s.py", "--pdb"], cwd=tmp_path, env=env) as opened:
        opened.expect(r"(\(Pdb\)|ipdb>) ")
        opened.type("p found\n")
        opened.expect("'here'")
        opened.type("c\n")
        assert opened.wait() == 1


def test_code_given_at_once_prints_what_it_ends_with(tmp_path: Path, shop: str) -> None:
    assert shell(tmp_path, shop, "-c", 'response.css("h3 a::text").get()').stdout == "The Early Daughter\n"
    assert shell(tmp_path, "-c", "import asyncio; await asyncio.sleep(0, [1, 2])").stdout == "[1, 2]\n"
    assert shell(tmp_path, "-c", "x = 1").stdout == ""


def test_a_script_comes_from_standard_input(tmp_path: Path, shop: str) -> None:
    done = shell(
        tmp_path,
        shop,
        typed='print(response.status)\nr = fetch(response.urljoin("x"))\nprint(r.status, response.status)\n',
    )
    assert (done.returncode, done.stdout) == (0, "200\n404 404\n")


def test_a_file_is_a_page_too(tmp_path: Path) -> None:
    (tmp_path / "page.html").write_text("<h1>saved</h1>")
    assert shell(tmp_path, "page.html", "-c", 'response.css("h1::text").get()').stdout == "saved\n"


def test_code_that_fails_ends_with_one(tmp_path: Path) -> None:
    done = shell(tmp_path, "-c", "1/0")
    assert (done.returncode, done.stderr.splitlines()[-1]) == (1, "ZeroDivisionError: division by zero")
    done = shell(tmp_path, "-c", "(")
    assert (done.returncode, "SyntaxError" in done.stderr) == (1, True)


@pytest.mark.parametrize(
    ("place", "code", "says"),
    [
        ("http://127.0.0.1:1/", 1, "http://127.0.0.1:1/: DownloadConnectionRefusedError: "),
        ("http://[bad/", 2, "is no host name"),
        ("./nowhere.html", 2, "is no URL, and there is no such file"),
        ("ftp://example.com/", 1, "ftp is not among the schemes"),
        ("nowhere.invalid", 1, "; and there is no file 'nowhere.invalid'"),
    ],
)
def test_a_page_that_does_not_come_is_told_in_a_line(tmp_path: Path, place: str, code: int, says: str) -> None:
    done = shell(tmp_path, place, "-c", "1")
    assert (done.returncode, len(done.stderr.splitlines())) == (code, 1), done.stderr
    assert says in done.stderr


SPIDER = """
from crawler import Spider

class Own(Spider):
    name = "own"
    allowed_domains = ["127.0.0.1"]
    custom_settings = {"http.user_agent": "own-agent"}

    def __init__(self, n: int = 0):
        super().__init__()
        self.n = n
"""


def test_the_spider_for_the_site_is_at_hand_or_the_one_that_is_named(tmp_path: Path, shop: str) -> None:
    (tmp_path / "settings.toml").write_text("")
    (tmp_path / "spiders").mkdir()
    (tmp_path / "spiders" / "own.py").write_text(SPIDER)
    code = 'spider.name, request and request.headers["User-Agent"]'
    assert shell(tmp_path, shop, "-c", code).stdout == "('own', b'own-agent')\n"
    assert shell(tmp_path, "data:,x", "-c", "spider.name").stdout == "page\n"
    assert shell(tmp_path, "--spider", "own", "-a", "n=5", "-c", "spider.n + 1").stdout == "6\n"
    assert shell(tmp_path, "--spider", "spiders/own.py", "-c", "spider.name").stdout == "own\n"
    wrong = shell(tmp_path, "-a", "n=5", "-c", "1")
    assert (wrong.returncode, "say which one with --spider" in wrong.stderr) == (2, True)


def test_outside_a_terminal_nothing_is_kept(tmp_path: Path, shop: str) -> None:
    shell(tmp_path, shop, "-c", "1")
    assert not os.listdir(tmp_path)
