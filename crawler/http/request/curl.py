"""Requests from and to curl commands, as browsers copy them from their network panel."""

from __future__ import annotations

import argparse
import base64
import logging
import shlex
from http.cookies import SimpleCookie
from typing import TYPE_CHECKING, Any, NoReturn

if TYPE_CHECKING:
    from crawler.http.request.request import Request

logger = logging.getLogger(__name__)


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise ValueError(f"cannot read the curl command: {message}")


def _parser() -> _Parser:
    parser = _Parser(prog="curl", add_help=False, allow_abbrev=False)
    parser.add_argument("url")
    parser.add_argument("-H", "--header", action="append", default=[])
    parser.add_argument("-X", "--request")
    parser.add_argument("-b", "--cookie", default="")
    parser.add_argument("-u", "--user")
    parser.add_argument("-A", "--user-agent")
    parser.add_argument("-e", "--referer")
    parser.add_argument(
        "-d", "--data", "--data-raw", "--data-ascii", "--data-binary", "--data-urlencode", action="append", default=[]
    )
    parser.add_argument("-I", "--head", action="store_true")
    parser.add_argument("-G", "--get", action="store_true")
    for flag in (
        "--compressed",
        "-s",
        "--silent",
        "-v",
        "--verbose",
        "-#",
        "--progress-bar",
        "-k",
        "--insecure",
        "-L",
        "--location",
    ):
        parser.add_argument(flag, action="store_true")
    return parser


def arguments_of(command: str, *, ignore_unknown_options: bool = True) -> dict[str, Any]:
    """Return the arguments of the Request that *command* makes.

    Raises ValueError for a command that does not begin with ``curl``, has no URL, or has an unknown option that is not to be
    ignored.
    """
    words = shlex.split(command)
    if not words or words[0] != "curl":
        raise ValueError(f"a curl command begins with curl: {command!r}")
    parsed, unknown = _parser().parse_known_args(words[1:])
    if unknown:
        if not ignore_unknown_options:
            raise ValueError(f"unknown options of curl: {', '.join(unknown)}")
        logger.warning("Unknown options of curl are ignored: %s", ", ".join(unknown))
    url = parsed.url if "://" in parsed.url else f"http://{parsed.url}"
    headers, cookies = _headers_and_cookies(parsed)
    arguments: dict[str, Any] = {"method": _method(parsed), "url": url}
    if headers:
        arguments["headers"] = headers
    if cookies:
        arguments["cookies"] = cookies
    if parsed.data:
        data = "&".join(one.removeprefix("$") for one in parsed.data)
        if parsed.get:
            arguments["url"] = f"{url}{'&' if '?' in url else '?'}{data}"
        else:
            arguments["body"] = data
            if not any(name.lower() == "content-type" for name, _ in headers):
                arguments["headers"] = [*headers, ("Content-Type", "application/x-www-form-urlencoded")]
    return arguments


def _method(parsed: argparse.Namespace) -> str:
    if parsed.request:
        return str(parsed.request)
    if parsed.head:
        return "HEAD"
    return "POST" if parsed.data and not parsed.get else "GET"


def _headers_and_cookies(parsed: argparse.Namespace) -> tuple[list[tuple[str, str]], dict[str, str]]:
    headers: list[tuple[str, str]] = []
    cookies: dict[str, str] = {}
    for line in parsed.header:
        name, _, value = line.partition(":")
        if name.strip().lower() == "cookie":
            cookies.update({key: morsel.value for key, morsel in SimpleCookie(value.strip()).items()})
        else:
            headers.append((name.strip(), value.strip()))
    cookies.update({key: morsel.value for key, morsel in SimpleCookie(parsed.cookie).items()})
    if parsed.user_agent:
        headers.append(("User-Agent", parsed.user_agent))
    if parsed.referer:
        headers.append(("Referer", parsed.referer))
    if parsed.user:
        headers.append(("Authorization", "Basic " + base64.b64encode(parsed.user.encode()).decode()))
    return headers, cookies


def command_for(request: Request) -> str:
    """Return a curl command that makes *request*."""
    words = ["curl", "-X", request.method]
    if request.body:
        words += ["--data-raw", request.body.decode(request.encoding)]
    for name, value in request.headers.raw_items() if request.has_headers else ():
        words += ["-H", f"{name.decode('latin-1')}: {value.decode('latin-1')}"]
    if request.has_cookies:
        pairs = (
            request.cookies.items()
            if not isinstance(request.cookies, list)
            else [(c["name"], c["value"]) for c in request.cookies]
        )
        words += ["--cookie", "; ".join(f"{name}={value}" for name, value in pairs)]
    return shlex.join([*words, request.url])
