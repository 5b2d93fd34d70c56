"""A headless Chromium for tests: what a page says, asks for and complains of, and how it looks.

It is driven by the DevTools protocol over a pipe (file descriptors 3 and 4), which needs neither a port nor a library.
"""

from __future__ import annotations

import base64
import contextlib
import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

needs_chromium = pytest.mark.skipif(shutil.which("chromium") is None, reason="chromium is not installed")

DESKTOP, PHONE = (1280, 900), (390, 844)

#: Elements whose text has less contrast with its ground than WCAG 2.2 AA asks for: 4.5, or 3 where it is large.
_PALE = """
(() => {
  const parts = (text) => text.match(/[\\d.]+/g).map(Number);
  const light = (c) => { const [r, g, b] = c.map((v) => (v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
                         return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
  const ground = (one) => { for (; one; one = one.parentElement) { const c = parts(getComputedStyle(one).backgroundColor);
                            if (c.length < 4 || c[3] === 1) return c; } return matchMedia("(prefers-color-scheme: dark)").matches ? [18, 18, 18] : [255, 255, 255]; };
  const pale = [];
  for (const one of document.querySelectorAll("body *")) {
    if (![...one.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim()) || !one.getClientRects().length) continue;
    const style = getComputedStyle(one), isDrawn = one instanceof SVGElement;
    const ink = parts(isDrawn ? style.fill : style.color), paper = ground(isDrawn ? one.closest("svg").parentElement : one);
    const [a, b] = [light(ink.slice(0, 3)), light(paper.slice(0, 3))].sort((x, y) => y - x), size = parseFloat(style.fontSize);
    const least = size >= 24 || (size >= 18.66 && style.fontWeight >= 700) ? 3 : 4.5;
    if ((a + 0.05) / (b + 0.05) < least) pale.push(`${one.tagName}.${one.getAttribute("class")} ${one.textContent.slice(0, 30)}: ${((a + 0.05) / (b + 0.05)).toFixed(2)}`);
  }
  return pale;
})()
"""  # noqa: E501


class Browser:
    """One page of a Chromium of its own."""

    def __init__(self, folder: Path) -> None:
        here, there = os.pipe(), os.pipe()
        self._in, self._out = there[0], here[1]
        self._process = subprocess.Popen(
            [
                "chromium", "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--remote-debugging-pipe",
                f"--user-data-dir={folder / 'profile'}", "--hide-scrollbars", "about:blank",
            ],
            preexec_fn=lambda: _give(here[0], there[1]), pass_fds=(3, 4),
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
        )  # fmt: skip
        os.close(here[0])
        os.close(there[1])
        self._received = b""
        self._number = 0
        self._session = ""
        #: What the page complained of, and the URLs that it asked for, itself left out.
        self.complaints: list[str] = []
        self.asked: list[dict[str, Any]] = []
        target = next(one for one in self._ask("Target.getTargets")["targetInfos"] if one["type"] == "page")
        attached = self._ask("Target.attachToTarget", targetId=target["targetId"], flatten=True)
        self._session = attached["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self._ask(f"{domain}.enable")

    def close(self) -> None:
        """End the browser."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        os.close(self._in)
        os.close(self._out)

    def _ask(self, method: str, **parameters: Any) -> Any:
        """Return the result of a command of the protocol."""
        self._number += 1
        session = {"sessionId": self._session} if self._session else {}
        told = {"id": self._number, "method": method, "params": parameters, **session}
        os.write(self._out, json.dumps(told).encode() + b"\0")
        while True:
            message = self._read()
            if message.get("id") == self._number:
                assert "error" not in message, (method, message["error"])
                return message["result"]

    def _read(self) -> dict[str, Any]:
        while b"\0" not in self._received:
            data = os.read(self._in, 1 << 20)
            assert data, "the browser has ended"
            self._received += data
        line, _, self._received = self._received.partition(b"\0")
        message: dict[str, Any] = json.loads(line)
        self._note(message.get("method", ""), message.get("params", {}))
        return message

    def _note(self, event: str, told: dict[str, Any]) -> None:
        if event == "Runtime.exceptionThrown":
            self.complaints.append(str(told["exceptionDetails"]))
        elif event == "Log.entryAdded":
            self.complaints.append(told["entry"]["text"])
        elif event == "Runtime.consoleAPICalled":
            self.complaints.append(str(told["args"]))
        elif event == "Network.requestWillBeSent" and not told["request"]["url"].startswith("data:"):
            self.asked.append(told["request"])
        elif event == "Page.javascriptDialogOpening":
            # Without waiting for the answer: this is amid another command.
            self._number += 1
            accept = {"id": self._number, "method": "Page.handleJavaScriptDialog", "params": {"accept": True}}
            os.write(self._out, json.dumps({**accept, "sessionId": self._session}).encode() + b"\0")
            self._number -= 1

    def look_like(self, size: tuple[int, int] = DESKTOP, *, dark: bool = False, still: bool = False) -> None:
        """Be a window of *size*, of somebody who likes it *dark*, and *still* if nothing is to move."""
        width, height = size
        self._ask(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 600
        )
        features = [
            {"name": "prefers-color-scheme", "value": "dark" if dark else "light"},
            {"name": "prefers-reduced-motion", "value": "reduce" if still else "no-preference"},
        ]
        self._ask("Emulation.setEmulatedMedia", features=features)

    def open(self, url: str) -> None:
        """Go to *url* and wait until it is there."""
        self._ask("Page.navigate", url=url)
        self.expect("document.readyState === 'complete' && location.href !== 'about:blank'")

    def value(self, expression: str) -> Any:
        """Return what *expression* of JavaScript is in the page."""
        told = self._ask("Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True)
        assert "exceptionDetails" not in told, told
        return told["result"].get("value")

    def expect(self, expression: str, *, within: float = 20.0) -> None:
        """Wait until *expression* is true."""
        until = time.monotonic() + within
        while not self.value(f"!!({expression})"):
            assert time.monotonic() < until, f"{expression} is not so on the page:\n{self.text()}"
            time.sleep(0.05)

    def text(self, selector: str = "body") -> str:
        """Return the text that is shown in the first element that *selector* finds."""
        return str(self.value(f"document.querySelector({json.dumps(selector)}).innerText"))

    def click(self, selector: str) -> None:
        """Click with the mouse on the middle of the first element that *selector* finds."""
        where = self.value(
            f"(() => {{ const one = document.querySelector({json.dumps(selector)}); one.scrollIntoView({{block: 'center'}});"
            "const box = one.getBoundingClientRect(); return [box.x + box.width / 2, box.y + box.height / 2] })()"
        )
        for kind in ("mousePressed", "mouseReleased"):
            self._ask("Input.dispatchMouseEvent", type=kind, x=where[0], y=where[1], button="left", clickCount=1)

    def press(self, key: str) -> None:
        """Press *key*, such as Tab or Enter."""
        codes = {"Tab": 9, "Enter": 13, "Escape": 27}
        text = {"text": "\r"} if key == "Enter" else {}
        for kind in ("keyDown", "keyUp"):
            self._ask("Input.dispatchKeyEvent", type=kind, key=key, windowsVirtualKeyCode=codes[key], **text)

    def write(self, text: str) -> None:
        """Write *text* where the cursor is."""
        self._ask("Input.insertText", text=text)

    def picture(self, file: Path) -> bytes:
        """Take a picture of the whole page."""
        size = self._ask("Page.getLayoutMetrics")["cssContentSize"]
        area = {"x": 0, "y": 0, "width": size["width"], "height": size["height"], "scale": 1}
        told = self._ask("Page.captureScreenshot", captureBeyondViewport=True, clip=area)
        file.write_bytes(base64.b64decode(told["data"]))
        return file.read_bytes()

    def printed(self, file: Path) -> bytes:
        """Print the page, as PDF."""
        file.write_bytes(base64.b64decode(self._ask("Page.printToPDF", paperWidth=8.27, paperHeight=11.69)["data"]))
        return file.read_bytes()

    def pale(self) -> list[str]:
        """Return what is hard to read: text with too little contrast (WCAG AA)."""
        found: list[str] = self.value(_PALE)
        return found

    def is_wider_than_its_window(self) -> bool:
        """Tell whether the page must be scrolled sideways."""
        return bool(self.value("document.documentElement.scrollWidth > innerWidth"))


def _give(reads: int, writes: int) -> None:
    """Make *reads* and *writes* the descriptors 3 and 4, whichever they are now."""
    copies = os.dup(reads), os.dup(writes)
    while min(copies) <= 4:  # else one would be overwritten by the other
        copies = os.dup(copies[0]), os.dup(copies[1])
    os.dup2(copies[0], 3)
    os.dup2(copies[1], 4)


@contextlib.contextmanager
def browser(folder: Path) -> Iterator[Browser]:
    """Have a browser for as long as the block lasts; its profile is in *folder*."""
    opened = Browser(folder)
    try:
        yield opened
    finally:
        opened.close()
