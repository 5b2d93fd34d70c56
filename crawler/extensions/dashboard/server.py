"""The server of the dashboard: twisted.web, one resource, a handful of paths."""

from __future__ import annotations

import asyncio
import json
import secrets
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET, Site

from crawler import threads
from crawler.exceptions import CrawlerError
from crawler.extensions.dashboard.guard import Asked, addresses, refusal
from crawler.extensions.dashboard.metrics import exposition
from crawler.frontier.story import story_of

if TYPE_CHECKING:
    from crawler.extensions.dashboard import Dashboard

_PAGE = Path(__file__).parent / "page.html"

# More than any change that is asked for.
_MOST_BODY = 10_000

_HEADERS = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Resource-Policy": "same-origin",
}


class WrongChangeError(ValueError):
    """A change that was asked for is none."""


def site(dashboard: Dashboard) -> Site:
    """Return what serves *dashboard*."""
    served = _Silent(_Root(dashboard))  # type: ignore[no-untyped-call]  # Twisted's
    served.noisy = False
    served.displayTracebacks = False
    return served


class _Silent(Site):
    def log(self, request: Any) -> None:
        """Log nothing: the lines would hold the token."""


class _Root(Resource):
    isLeaf = True

    def __init__(self, dashboard: Dashboard) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # Twisted's
        self._dashboard = dashboard

    def render(self, request: Any) -> bytes | int:
        for name, value in _HEADERS.items():
            request.setHeader(name, value)
        where = request.getHost()
        asked = _asked(request)
        if request.path == b"/" and not asked.query_token:
            # The page holds nothing: it asks for everything with the token that its tab remembers, so that it can be loaded again.
            asked = replace(asked, query_token=self._dashboard.token)
        refused = refusal(asked, addresses=addresses(where.host, where.port), token=self._dashboard.token)
        if refused:
            return _say(request, 403, {"error": refused})
        path = request.path.decode("latin-1")
        if request.method == b"POST":
            return (
                self._change(request)
                if path == "/api/change"
                else _say(request, 404, {"error": "there is nothing here"})
            )
        paths: dict[str, Callable[[Any], bytes | int]] = {
            "/": self._page,
            "/api/look": lambda request: _say(request, 200, self._dashboard.look()),
            "/api/why": self._why,
            "/metrics": self._metrics,
        }
        show = paths.get(path)
        return show(request) if show is not None else _say(request, 404, {"error": "there is nothing here"})

    def _page(self, request: Any) -> bytes:
        nonce = secrets.token_urlsafe(12)
        request.setHeader("Content-Type", "text/html; charset=utf-8")
        request.setHeader(
            "Content-Security-Policy",
            f"default-src 'none'; script-src 'nonce-{nonce}'; style-src 'nonce-{nonce}'; connect-src 'self'; "
            "img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
        )
        return _PAGE.read_bytes().replace(b"{{nonce}}", nonce.encode())

    def _metrics(self, request: Any) -> bytes:
        request.setHeader("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
        return exposition(self._dashboard.crawler.look()).encode()

    def _why(self, request: Any) -> bytes | int:
        url = request.args.get(b"url", [b""])[0].decode("utf-8", "replace")
        folder = self._dashboard.crawler.job_folder
        if folder is None:
            return _say(request, 200, {"lines": ["This crawl keeps no job, so nothing is known about single URLs."]})
        # In a thread: a job of millions of requests is read for seconds, and the crawl goes on meanwhile.
        telling = asyncio.ensure_future(threads.run(_told, url, folder))
        request.notifyFinish().addErrback(lambda _: telling.cancel())
        telling.add_done_callback(partial(_tell, request))
        return int(NOT_DONE_YET)

    def _change(self, request: Any) -> bytes:
        try:
            asked = json.loads(request.content.read(_MOST_BODY))
            self._do(asked if isinstance(asked, dict) else {})
        except (json.JSONDecodeError, WrongChangeError) as error:
            return _say(request, 400, {"error": str(error)})
        return _say(request, 200, {"state": self._dashboard.crawler.look()["state"]})

    def _do(self, asked: dict[str, Any]) -> None:
        engine = self._dashboard.crawler.engine
        assert engine is not None  # the dashboard is served from its start to its end
        action = asked.get("action")
        if action == "pause":
            engine.pause()
        elif action == "resume":
            engine.unpause()
        elif action == "stop":
            engine.stop("shutdown")
        elif action == "change":
            self._set(engine, asked)
        else:
            raise WrongChangeError(f"action is {action!r}; there are pause, resume, stop and change")

    def _set(self, engine: Any, asked: dict[str, Any]) -> None:
        delay = _number(asked, "delay", least=0.0)
        per_host = _number(asked, "concurrency_per_host", least=1)
        places = _number(asked, "concurrency", least=1)
        # What was changed before stays so.
        changes = self._dashboard.changes
        given = {"delay": delay, "concurrency_per_host": per_host, "concurrency": places}
        changes.update({name: value for name, value in given.items() if value is not None})
        if places is not None:
            engine.change_places(int(places))
        if delay is None and per_host is None:
            return
        delay, per_host = changes.get("delay"), changes.get("concurrency_per_host")
        politeness = self._dashboard.crawler.settings.politeness

        def rules(host: str) -> Any:
            own = politeness.for_host(host)
            return replace(
                own,
                delay=own.delay if delay is None else delay,
                concurrency=own.concurrency if per_host is None else int(per_host),
            )

        engine.frontier.workbench.change_rules(rules)
        engine.fill()


def _number(asked: dict[str, Any], name: str, *, least: float) -> float | None:
    """Return the number *name* of what was *asked*, None if it is not there."""
    value = asked.get(name)
    if value is None or value == "":
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not least <= value < 1e6:
        raise WrongChangeError(f"{name} is {value!r}; write a number from {least:g} on")
    return float(value)


def _asked(request: Any) -> Asked:
    def header(name: str) -> str | None:
        value: str | None = request.getHeader(name)
        return value

    return Asked(
        method=request.method.decode("latin-1"),
        host=header("host") or "",
        origin=header("origin"),
        authorization=header("authorization") or "",
        query_token=request.args.get(b"token", [b""])[0].decode("latin-1"),
        content_type=header("content-type") or "",
    )


def _told(url: str, folder: Path) -> list[str]:
    try:
        return list(story_of(url, folder))
    except (CrawlerError, ValueError) as error:
        return [str(error)]


def _tell(request: Any, telling: asyncio.Future[list[str]]) -> None:
    """Answer *request* with what was found out, unless whoever asked has gone."""
    if not telling.cancelled():
        request.write(_say(request, 200, {"lines": telling.result()}))
        request.finish()


def _say(request: Any, status: int, what: dict[str, Any]) -> bytes:
    request.setResponseCode(status)
    request.setHeader("Content-Type", "application/json")
    return json.dumps(what, default=str).encode()
