"""Names and addresses: both families, remembered for a while, never waited for by anybody else.

    pinned by the settings -> remembered -> being looked up already -> looked up: getaddrinfo, in a thread of its own

* The operating system resolves (hosts file, VPN, search domains: what works elsewhere on the machine works here), so there are
  no times to live; an answer is kept for ``http.dns_cache`` seconds, and that a name does not exist for a shorter time.
  What may pass (no answer from the server) is not remembered: a retry asks again.
* Twisted's resolvers are not used: GAIResolver shares the ten threads of the reactor's pool with everything else and does not tell
  a name that does not exist from a server that does not answer; twisted.names goes past the system's configuration.
* A look-up that hangs holds a thread, and nothing else: the others go on, and the threads are daemons, so that none of them keeps
  the process from ending.
"""

from __future__ import annotations

import socket
import threading
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any

from twisted.internet.defer import CancelledError, Deferred, succeed
from twisted.python.failure import Failure

from crawler.download.errors import CannotResolveHostError
from crawler.download.guard import Address, literal
from crawler.exceptions import SettingsError

if TYPE_CHECKING:
    from crawler.interfaces import Clock, Timer

#: Asks for the addresses of a name; fires with them, or with socket.gaierror.
LookUp = Callable[[str], "Deferred[list[Address]]"]

# Long enough that the links of a page to a dead host cost one look-up, short enough that a new name is soon found.
KEEP_MISSING = 30.0

# The name has no address, and says so. All else may pass.
_MISSING = {socket.EAI_NONAME, getattr(socket, "EAI_NODATA", socket.EAI_NONAME), socket.EAI_FAIL}


class Records:
    """What is known of names. Pure: *keep* is how many seconds an answer holds, *size* how many are kept; the oldest go first."""

    def __init__(self, *, keep: float, size: int, keep_missing: float = KEEP_MISSING) -> None:
        self._keep = keep
        self._keep_missing = min(keep, keep_missing)
        self._size = size
        self._known: dict[str, tuple[float, tuple[Address, ...]]] = {}

    def __repr__(self) -> str:
        return f"<Records of {len(self._known)} names>"

    # Hot: once per new connection.
    def get(self, host: str, now: float) -> tuple[Address, ...] | None:
        """Return the addresses of *host*, () if it is known to have none, None if nothing is known."""
        known = self._known.get(host)
        if known is None:
            return None
        until, addresses = known
        if now >= until:
            del self._known[host]
            return None
        return addresses

    def learn(self, host: str, addresses: Iterable[Address], now: float) -> tuple[Address, ...]:
        """Keep and return the *addresses* of *host*; none of them is an answer, too."""
        found = tuple(addresses)
        keep = self._keep if found else self._keep_missing
        if keep and self._size:
            self._known.pop(host, None)
            if len(self._known) >= self._size:
                del self._known[next(iter(self._known))]
            self._known[host] = now + keep, found
        return found

    def prefer(self, host: str, address: Address) -> None:
        """Let *address*, which has answered where others have not, be the first for as long as the answer is kept."""
        known = self._known.get(host)
        if known is not None and address in known[1]:
            until, addresses = known
            self._known[host] = until, (address, *(one for one in addresses if one != address))


class PinnedHosts:
    """What ``http.pinned_hosts`` says: the addresses of a host, or of a host at one port."""

    def __init__(self, table: Mapping[str, Any] | None = None) -> None:
        self._pinned: dict[tuple[str, int | None], tuple[Address, ...]] = {}
        for name, value in (table or {}).items():
            host, _, port = name.strip().lower().partition(":")
            if not host or (port and not port.isdecimal()):
                raise SettingsError(f"http.pinned_hosts names {name!r}; write a host or host:port")
            self._pinned[host.rstrip("."), int(port) if port else None] = _addresses(name, value)

    def get(self, host: str, port: int) -> tuple[Address, ...] | None:
        """Return the addresses of *host* at *port*, None if they are not pinned."""
        host = host.rstrip(".")
        return self._pinned.get((host, port)) or self._pinned.get((host, None))

    def __bool__(self) -> bool:
        return bool(self._pinned)


def _addresses(name: str, value: Any) -> tuple[Address, ...]:
    given = [value] if isinstance(value, str) else value
    try:
        addresses = tuple(ip_address(str(one).strip().strip("[]")) for one in given)
    except (TypeError, ValueError):
        addresses = ()
    if not addresses:
        raise SettingsError(
            f'http.pinned_hosts: {name!r} = {value!r}; write an address such as "10.0.0.1", or a list of them'
        )
    return addresses


class Resolver:
    """Finds the addresses of hosts. *look_up* asks; *timeout* is how many seconds it may take."""

    def __init__(
        self, look_up: LookUp, clock: Clock, records: Records, *, timeout: float, pinned: PinnedHosts | None = None
    ) -> None:
        self._look_up = look_up
        self._clock = clock
        self._records = records
        self._timeout = timeout
        self._pinned = pinned or PinnedHosts()
        self._asking: dict[str, _Asking] = {}

    def __repr__(self) -> str:
        return f"<Resolver {self._records}, {len(self._asking)} being looked up>"

    def pinned(self, host: str, port: int) -> tuple[Address, ...] | None:
        """Return the addresses that the settings give *host* at *port*, None if they give none."""
        return self._pinned.get(host, port) if self._pinned else None

    # Hot: once per new connection.
    def resolve(self, host: str) -> Deferred[tuple[Address, ...]]:
        """Return a Deferred of the addresses of *host*, in the system's order, or of a CannotResolveHostError."""
        address = literal(host)
        if address is not None:
            return succeed((address,))
        now = self._clock.seconds()
        known = self._records.get(host, now)
        if known is not None:
            return succeed(known) if known else _failed(_missing(host))
        asking = self._asking.get(host)
        if asking is None:
            asking = self._asking[host] = _Asking(host)
            self._ask(asking)
        return asking.wait()

    def prefer(self, host: str, address: Address) -> None:
        """Note that *address* has answered where those before it have not."""
        self._records.prefer(host, address)

    def _ask(self, asking: _Asking) -> None:
        host = asking.host
        looking_up = self._look_up(host)
        asking.timer = self._clock.callLater(self._timeout, self._timed_out, asking, looking_up)
        looking_up.addCallbacks(
            lambda addresses: self._found(asking, self._records.learn(host, addresses, self._clock.seconds())),
            lambda failure: self._not_found(asking, failure),
        )

    def _found(self, asking: _Asking, addresses: tuple[Address, ...]) -> None:
        self._over(asking, addresses or Failure(_missing(asking.host)))

    def _not_found(self, asking: _Asking, failure: Failure) -> None:
        error = failure.value
        if failure.check(CancelledError):
            return
        if isinstance(error, UnicodeError) or (isinstance(error, socket.gaierror) and error.errno in _MISSING):
            self._records.learn(asking.host, (), self._clock.seconds())
            self._over(asking, Failure(_missing(asking.host, error)))
        else:
            reason = getattr(error, "strerror", None) or error
            self._over(asking, Failure(_unanswered(asking.host, f"the look-up failed ({reason})", error)))

    def _timed_out(self, asking: _Asking, looking_up: Deferred[Any]) -> None:
        looking_up.cancel()
        what = f"no answer within {self._timeout:g} s (http.dns_timeout)"
        self._over(asking, Failure(_unanswered(asking.host, what, None)))

    def _over(self, asking: _Asking, result: tuple[Address, ...] | Failure) -> None:
        self._asking.pop(asking.host, None)
        asking.over(result)


class _Asking:
    """A look-up on its way, and who waits for it."""

    def __init__(self, host: str) -> None:
        self.host = host
        self.timer: Timer | None = None
        self._waiting: list[Deferred[tuple[Address, ...]]] = []
        self._result: tuple[Address, ...] | Failure | None = None

    def wait(self) -> Deferred[tuple[Address, ...]]:
        """Return a Deferred of the result; cancelling it leaves the look-up to the others."""
        if self._result is not None:  # it was answered at once
            waiting: Deferred[tuple[Address, ...]] = Deferred()
            waiting.callback(self._result)
            return waiting
        waiting = Deferred(self._waiting.remove)
        self._waiting.append(waiting)
        return waiting

    def over(self, result: tuple[Address, ...] | Failure) -> None:
        """Tell everybody who waits."""
        self._result = result
        if self.timer is not None and self.timer.active():
            self.timer.cancel()
        waiting, self._waiting = self._waiting, []
        for one in waiting:
            one.callback(result)


def _failed(error: Exception) -> Deferred[Any]:
    failed: Deferred[Any] = Deferred()
    failed.errback(Failure(error))
    return failed


def _missing(host: str, cause: BaseException | None = None) -> CannotResolveHostError:
    error = CannotResolveHostError(
        f"the name {host} has no address: check how it is written, or give it one with http.pinned_hosts"
    )
    error.is_certain = True
    error.__cause__ = cause
    return error


def _unanswered(host: str, what: str, cause: BaseException | None) -> CannotResolveHostError:
    error = CannotResolveHostError(
        f"the name {host} could not be looked up: {what}. Check the network and the name servers of this machine"
    )
    error.__cause__ = cause
    return error


class SystemLookUp:
    """Asks the operating system, in daemon threads, at most *limit* at once. *reactor* is told the answers."""

    def __init__(
        self, reactor: Any, limit: int, getaddrinfo: Callable[..., Sequence[Any]] = socket.getaddrinfo
    ) -> None:
        self._reactor = reactor
        self._limit = limit
        self._getaddrinfo = getaddrinfo
        self._running = 0
        self._waiting: deque[tuple[str, Deferred[list[Address]]]] = deque()

    def __repr__(self) -> str:
        return f"<SystemLookUp {self._running} running, {len(self._waiting)} waiting>"

    def __call__(self, host: str) -> Deferred[list[Address]]:
        """Return a Deferred of the addresses of *host*."""
        found: Deferred[list[Address]] = Deferred()
        self._waiting.append((host, found))
        self._go_on()
        return found

    def _go_on(self) -> None:
        while self._waiting and self._running < self._limit:
            host, found = self._waiting.popleft()
            if found.called:
                continue  # nobody has waited that long
            self._running += 1
            threading.Thread(target=self._run, args=(host, found), name=f"DNS {host}", daemon=True).start()

    def _run(self, host: str, found: Deferred[list[Address]]) -> None:
        """In a thread: ask, and hand over what came."""
        result: Any
        try:
            result = _parsed(self._getaddrinfo(host.encode("ascii"), None, type=socket.SOCK_STREAM))
        except Exception as error:
            result = Failure(error)
        with suppress(RuntimeError):  # the loop was closed meanwhile: nobody is left to hear it
            self._reactor.callFromThread(self._ran, found, result)

    def _ran(self, found: Deferred[list[Address]], result: Any) -> None:
        self._running -= 1
        if not found.called:
            found.callback(result)
        self._go_on()


def _parsed(answers: Sequence[Any]) -> list[Address]:
    """Return the addresses of what getaddrinfo returned, each once, in order."""
    found: dict[Address, None] = {}
    for _, _, _, _, place in answers:
        host, *rest = place
        scope = f"%{rest[2]}" if len(rest) == 3 and rest[2] and "%" not in host else ""
        found[ip_address(host + scope)] = None
    return list(found)
