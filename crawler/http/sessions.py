"""Sessions: cookies, proxy and headers as one identity, used in turn, and retired when it is blocked.

    pool = SessionPool(size=3, proxies=ProxyPool(["http://one:8080", "http://two:8080"]), headers=[CHROME, FIREFOX])
    session = pool.take(now)              # the one that was not used for longest
    pool.take(now, "account-1")           # sticky: always the same one for a name, until it is retired
    pool.worked(session)
    pool.blocked(session, now)            # retired; its proxy cools down; the next take() makes a new one

A site sees each session as a visitor of its own: its cookies are in a jar of its own, it comes through one proxy, and its headers
are one whole set. With *size* 0 every request goes through the proxy whose turn it is, with the common cookies.

Pure: takes ``now``, and knows neither settings nor requests.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

# Where a request remembers what of an identity was put on it, so that it can be taken off again.
WORN = "_session_worn"

# A proxy that was blocked again after it had cooled down rests for twice as long, up to this many times the first time.
MAX_REST = 16

_BODY = 65_536

_CREDENTIALS = re.compile(r"//[^/@]*@")


@dataclass(eq=False, slots=True)
class Proxy:
    """A proxy, and how it has done. Its *url* may hold credentials, which its repr does not show."""

    url: str
    rests_until: float = 0.0
    rest: float = 0.0
    used: int = 0
    blocked: int = 0

    def __repr__(self) -> str:
        return f"<Proxy {_CREDENTIALS.sub('//', self.url)}: used {self.used} times, blocked {self.blocked}>"


class ProxyPool:
    """Proxies in turn; one that is blocked or fails rests for *cool_down* seconds, and longer every time after that."""

    def __init__(self, urls: Iterable[str], *, cool_down: float = 300.0) -> None:
        self.proxies = [Proxy(url) for url in dict.fromkeys(urls)]
        self._cool_down = cool_down

    def __repr__(self) -> str:
        return f"<ProxyPool of {len(self.proxies)} proxies>"

    def take(self, now: float) -> Proxy | None:
        """Return the proxy whose turn it is, None if all of them rest."""
        for place, proxy in enumerate(self.proxies):
            if proxy.rests_until <= now:
                self.proxies.append(self.proxies.pop(place))
                proxy.used += 1
                return proxy
        return None

    def back_at(self) -> float:
        """Return when the first of the proxies has rested."""
        return min((proxy.rests_until for proxy in self.proxies), default=0.0)

    def blocked(self, proxy: Proxy, now: float) -> None:
        """Let *proxy* rest."""
        if proxy.rests_until <= now:
            proxy.blocked += 1
            proxy.rest = min(proxy.rest * 2 or self._cool_down, self._cool_down * MAX_REST)
            proxy.rests_until = now + proxy.rest

    def worked(self, proxy: Proxy) -> None:
        """Note that *proxy* brought an answer that was no block."""
        proxy.rest = 0.0


@dataclass(eq=False, slots=True)
class Session:
    """One identity: its *name*, the *key* of its jar of cookies (None for the common one), a proxy, and a whole set of headers."""

    name: str | None
    key: str | None
    proxy: Proxy | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    used: int = 0
    strikes: int = 0
    is_retired: bool = False


class SessionPool:
    """Up to *size* sessions, each retired after *max_uses* requests (0: never) or *max_strikes* blocks."""

    def __init__(
        self,
        *,
        size: int = 0,
        proxies: ProxyPool | None = None,
        headers: Sequence[Mapping[str, str]] = (),
        max_uses: int = 0,
        max_strikes: int = 1,
    ) -> None:
        self.proxies = proxies
        self.retired = 0
        self._size = size
        self._headers = headers
        self._max_uses = max_uses
        self._max_strikes = max_strikes
        self._made = 0
        self._turns: list[Session] = []
        self._named: dict[str, Session] = {}
        self._lives: dict[str, int] = {}

    def __repr__(self) -> str:
        return f"<SessionPool of {len(self._turns) + len(self._named)} sessions, {self.retired} retired>"

    def take(self, now: float, name: str | None = None) -> Session | None:
        """Return the session whose turn it is, or that of *name*; None while every proxy rests."""
        if not self._size and name is None:
            return self._make(now, None)
        session = self._next() if name is None else self._of_name(name)
        if session is None:
            session = self._make(now, name or f"session-{self._made + 1}")
            if session is None:
                return None
            if name is None:
                self._turns.append(session)
            else:
                self._named[name] = session
        session.used += 1
        if self._max_uses and session.used >= self._max_uses:
            self._retire(session)
        return session

    def _next(self) -> Session | None:
        if len(self._turns) < self._size:
            return None
        session = self._turns.pop(0)
        self._turns.append(session)
        return session

    def _of_name(self, name: str) -> Session | None:
        return self._named.get(name) or next((one for one in self._turns if one.name == name), None)

    def _make(self, now: float, name: str | None) -> Session | None:
        proxy = None
        if self.proxies is not None and self.proxies.proxies:
            proxy = self.proxies.take(now)
            if proxy is None:
                return None
        headers = self._headers[self._made % len(self._headers)] if self._headers else {}
        self._made += 1
        key = name
        if name is not None:
            life = self._lives[name] = self._lives.get(name, 0) + 1
            key = name if life == 1 else f"{name}~{life}"  # the cookies of one that was blocked are not taken over
        return Session(name, key, proxy, headers)

    def worked(self, session: Session) -> None:
        """Note an answer that was no block."""
        session.strikes = 0
        if self.proxies is not None and session.proxy is not None:
            self.proxies.worked(session.proxy)

    def blocked(self, session: Session, now: float) -> None:
        """Note that *session* was blocked: after enough of that it is retired, and its proxy rests."""
        session.strikes += 1
        if session.strikes < self._max_strikes:
            return
        self._retire(session)
        if self.proxies is not None and session.proxy is not None:
            self.proxies.blocked(session.proxy, now)

    def proxy_failed(self, session: Session, now: float) -> None:
        """Note that the proxy of *session* cannot be used: it rests, and the session ends with it."""
        if self.proxies is not None and session.proxy is not None:
            self.proxies.blocked(session.proxy, now)
            self._retire(session)

    def _retire(self, session: Session) -> None:
        if session.is_retired:
            return
        session.is_retired = True
        self.retired += 1
        if session in self._turns:
            self._turns.remove(session)
        elif session.name is not None and self._named.get(session.name) is session:
            del self._named[session.name]


@dataclass(frozen=True, slots=True)
class BlockRules:
    """What an answer looks like that means "you are blocked": its status, or a text in its first 64 KiB."""

    statuses: frozenset[int] = frozenset({403, 429})
    texts: tuple[re.Pattern[bytes], ...] = ()

    @classmethod
    def of(cls, statuses: Iterable[int], texts: Iterable[str]) -> BlockRules:
        """Return rules for *statuses* and regular expressions, which ignore case. Raise ValueError for a wrong one."""
        compiled = []
        for text in texts:
            try:
                compiled.append(re.compile(text.encode(), re.IGNORECASE))
            except re.error as error:
                raise ValueError(f"{text!r} is no regular expression: {error}") from error
        return cls(frozenset(statuses), tuple(compiled))

    def reason(self, status: int, body: bytes) -> str:
        """Return why an answer counts as a block, empty if it does not."""
        if status in self.statuses:
            return f"status {status}"
        for pattern in self.texts:
            if pattern.search(body, 0, _BODY):
                return f"text {pattern.pattern.decode()}"
        return ""
