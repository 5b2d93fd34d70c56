"""Requests from and to curl commands, as browsers copy them from their network panel.

Options that change the request are understood, those that only change what curl shows or how it connects are passed over, and of
all others of curl's it is known whether a value follows, so that it is not taken for the URL. No file is ever read.
"""

from __future__ import annotations

import base64
import logging
import re
import secrets
from typing import TYPE_CHECKING, Any
from urllib.parse import quote_plus

from crawler.http.request.shellwords import quoted, split_words

if TYPE_CHECKING:
    from crawler.http.request.request import Request

logger = logging.getLogger(__name__)

Headers = list[tuple[str, str]]

#: Short options and the long ones that they stand for.
_SHORT = {
    "A": "user-agent",
    "b": "cookie",
    "d": "data",
    "e": "referer",
    "F": "form",
    "G": "get",
    "H": "header",
    "I": "head",
    "k": "insecure",
    "L": "location",
    "N": "no-buffer",
    "s": "silent",
    "S": "show-error",
    "u": "user",
    "v": "verbose",
    "X": "request",
    "#": "progress-bar",
    "0": "http1.0",
    "i": "show-headers",
    "f": "fail",
    "g": "globoff",
}

#: What changes the request, and has a value.
_VALUED = frozenset(
    "cookie data data-ascii data-binary data-raw data-urlencode form form-string header json referer request url url-query user "
    "user-agent".split()
)

#: What only changes what curl shows, or is so here anyway.
_NEUTRAL = frozenset(
    "compressed fail globoff http1.0 http1.1 http2 http2-prior-knowledge http3 include insecure ipv4 ipv6 location no-buffer "
    "no-keepalive path-as-is progress-bar show-error show-headers silent tcp-nodelay verbose".split()
)

#: Other options of curl's that a value follows.
_OTHERS_VALUED = frozenset(
    "abstract-unix-socket alt-svc aws-sigv4 cacert capath cert cert-type ciphers config connect-timeout connect-to "
    "continue-at cookie-jar create-file-mode crlfile curves delegation dns-interface dns-ipv4-addr dns-ipv6-addr dns- "
    "servers doh-url dump-header ech egd-file engine etag-compare etag-save expect100-timeout ftp-account ftp-alternative- "
    "to-user ftp-method ftp-port ftp-ssl-ccc-mode happy-eyeballs-timeout-ms haproxy-clientip hostpubmd5 hostpubsha256 hsts "
    "interface ip-tos ipfs-gateway keepalive-cnt keepalive-time key key-type krb libcurl limit-rate local-port login- "
    "options mail-auth mail-from mail-rcpt max-filesize max-redirs max-time netrc-file noproxy oauth2-bearer output output- "
    "dir parallel-max pass pinnedpubkey preproxy proto proto-default proto-redir proxy proxy-cacert proxy-capath proxy-cert "
    "proxy-cert-type proxy-ciphers proxy-crlfile proxy-header proxy-key proxy-key-type proxy-pass proxy-pinnedpubkey proxy- "
    "service-name proxy-tls13-ciphers proxy-tlsauthtype proxy-tlspassword proxy-tlsuser proxy-user proxy1.0 pubkey quote "
    "random-file range rate request-target resolve retry retry-delay retry-max-time sasl-authzid service-name socks4 "
    "socks4a socks5 socks5-gssapi-service socks5-hostname speed-limit speed-time stderr telnet-option tftp-blksize time- "
    "cond tls-max tls13-ciphers tlsauthtype tlspassword tlsuser trace trace-ascii trace-config unix-socket upload-file "
    "variable vlan-priority write-out".split()
)

#: Short options beside _SHORT that a value follows.
_OTHERS_SHORT_VALUED = frozenset("CDEKPQTUYcmortwxyz")


class _Command:
    """What a command says, read option by option."""

    def __init__(self, words: list[str]) -> None:
        self.urls: list[str] = []
        self.given: dict[str, list[str]] = {}
        self.data: list[str] = []  # of all the options that make a body of pairs, in order
        self.flags: set[str] = set()
        self.unknown: list[str] = []
        self._words = iter(words)
        options = True
        for word in self._words:
            if options and word == "--":
                options = False
            elif options and word.startswith("--"):
                self._long(word[2:])
            elif options and word.startswith("-") and word != "-":
                self._shorts(word[1:])
            else:
                self.urls.append(word)

    def _long(self, option: str, attached: str | None = None) -> None:
        if option in _VALUED:
            self._take(option, self._value(f"--{option}") if attached is None else attached)
        elif option in ("get", "head"):
            self.flags.add(option)
        elif option not in _NEUTRAL:
            self.unknown.append(f"--{option}")
            if option in _OTHERS_VALUED:
                next(self._words, None)

    def _shorts(self, letters: str) -> None:
        """Read short options, which may stand together, and have their value right behind them."""
        while letters:
            letter, letters = letters[0], letters[1:]
            option = _SHORT.get(letter)
            if option in _VALUED:
                self._take(option, letters or self._value(f"-{letter}"))
                return
            if option is not None:
                self._long(option)
                continue
            self.unknown.append(f"-{letter}")
            if letter in _OTHERS_SHORT_VALUED:
                if not letters:
                    next(self._words, None)
                return

    def _value(self, option: str) -> str:
        value = next(self._words, None)
        if value is None:
            raise ValueError(f"cannot read the curl command: {option} needs a value")
        return value

    def _take(self, option: str, value: str) -> None:
        if option == "url":
            self.urls.append(value)
        elif option in ("data", "data-ascii", "data-binary") and value.startswith("@"):
            raise ValueError(f"--{option} {value} names a file, which is not read: give the request a body")
        elif option.startswith("data"):
            self.data.append(_urlencoded(value) if option == "data-urlencode" else value)
        else:
            self.given.setdefault(option, []).append(value)

    def last(self, option: str) -> str | None:
        """Return the value that counts of an option that counts once."""
        return self.given[option][-1] if option in self.given else None


def arguments_of(command: str, *, ignore_unknown_options: bool = True) -> dict[str, Any]:
    """Return the arguments of the Request that *command* makes.

    Raises ValueError for a command that does not begin with ``curl``, has no URL, reads a file, or has an unknown option that is
    not to be ignored.
    """
    words = split_words(command)
    if not words or words[0] not in ("curl", "curl.exe"):
        raise ValueError(f"a curl command begins with curl: {command!r}")
    read = _Command(words[1:])
    if read.unknown:
        if not ignore_unknown_options:
            raise ValueError(f"unknown options of curl: {', '.join(read.unknown)}")
        logger.warning("Unknown options of curl are ignored: %s", ", ".join(read.unknown))
    if not read.urls:
        raise ValueError(f"cannot read the curl command: it has no URL: {command!r}")
    headers, cookies = _headers_and_cookies(read)
    body, kind = _body(read)
    arguments: dict[str, Any] = {"method": _method(read, has_body=body is not None), "url": _url(read)}
    known = {name.lower() for name, _ in headers}
    headers += [(name, value) for name, value in kind if name.lower() not in known]
    headers = [(name, value) for name, value in headers if value is not None]
    if headers:
        arguments["headers"] = headers
    if cookies:
        arguments["cookies"] = cookies
    if body is not None:
        arguments["body"] = body
    return arguments


def _method(read: _Command, *, has_body: bool) -> str:
    given = read.last("request")
    if given is not None:
        return given
    if "head" in read.flags:
        return "HEAD"
    return "POST" if has_body else "GET"


def _url(read: _Command) -> str:
    url = read.urls[0]
    if "://" not in url:
        url = f"http://{url}"
    queries = [_urlencoded(one) if not one.startswith("+") else one[1:] for one in read.given.get("url-query", [])]
    if "get" in read.flags:
        queries += read.data
    if not queries:
        return url
    page, mark, fragment = url.partition("#")
    return f"{page}{'&' if '?' in page else '?'}{'&'.join(queries)}{mark}{fragment}"


def _body(read: _Command) -> tuple[str | bytes | None, Headers]:
    """Return the body, None for none, and the headers that curl adds to it."""
    if "json" in read.given:
        kind = [("Content-Type", "application/json"), ("Accept", "application/json")]
        return _text_or_bytes("".join(read.given["json"])), kind
    forms = [*read.given.get("form", []), *read.given.get("form-string", [])]
    if forms:
        boundary = f"------------------------{secrets.token_hex(8)}"
        parts = [_part(one, literal=one in read.given.get("form-string", [])) for one in forms]
        body = "".join(f"--{boundary}\r\n{part}\r\n" for part in parts) + f"--{boundary}--\r\n"
        return _text_or_bytes(body), [("Content-Type", f"multipart/form-data; boundary={boundary}")]
    if read.data and "get" not in read.flags:
        return _text_or_bytes("&".join(read.data)), [("Content-Type", "application/x-www-form-urlencoded")]
    return None, []


def _text_or_bytes(text: str) -> str | bytes:
    """Return *text*, or the bytes that it stands for where they are no text."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-8", "surrogateescape")
    return text


def _part(form: str, *, literal: bool) -> str:
    """Return the part of a multipart body that ``-F name=value;type=text/x`` makes."""
    name, mark, value = form.partition("=")
    if not mark:
        raise ValueError(f"-F takes name=value, not {form!r}")
    if not literal and value[:1] in ("@", "<"):
        raise ValueError(f"-F {form} names a file, which is not read: give the request a body")
    kind = None if literal else re.search(r";\s*type=([^;]+)\s*$", value)
    if kind is not None:
        value = value[: kind.start()]
    escaped = name.replace("\\", "\\\\").replace('"', '\\"')
    line = f"\r\nContent-Type: {kind[1].strip()}" if kind is not None else ""
    return f'Content-Disposition: form-data; name="{escaped}"{line}\r\n\r\n{value}'


def _urlencoded(given: str) -> str:
    """Return what ``--data-urlencode`` makes of ``content``, ``=content`` and ``name=content``."""
    name, mark, content = given.partition("=")
    if not mark:
        if "@" in given:
            raise ValueError(f"--data-urlencode {given} names a file, which is not read: give the request a body")
        name, content = "", given
    encoded = quote_plus(content.encode("utf-8", "surrogateescape"), safe="-._~").replace("+", "%20")
    return f"{name}={encoded}" if name else encoded


def _headers_and_cookies(read: _Command) -> tuple[list[tuple[str, Any]], dict[str, str]]:
    """Return the headers, None for the value of one that is not to be sent, and the cookies."""
    headers: list[tuple[str, Any]] = []
    cookies: dict[str, str] = {}
    for line in read.given.get("header", []):
        name, colon, value = line.partition(":")
        if not colon:
            if name.endswith(";"):  # curl's way to send a header without a value
                headers.append((name[:-1].strip(), ""))
        elif name.strip().lower() == "cookie":
            cookies.update(_cookies(value))
        else:
            headers.append((name.strip(), _text_or_bytes(value.strip()) or None))
    for line in read.given.get("cookie", []):
        cookies.update(_cookies(line) if "=" in line else {})  # without "=" it names a file
    for option, name in (("user-agent", "User-Agent"), ("referer", "Referer")):
        given = read.last(option)
        if given is not None:
            headers.append((name, given.partition(";auto")[0] if option == "referer" else given or None))
    user = read.last("user")
    if user is not None:
        credentials = user if ":" in user else f"{user}:"
        headers.append(("Authorization", "Basic " + base64.b64encode(credentials.encode()).decode()))
    return headers, cookies


def _cookies(line: str) -> dict[str, str]:
    """Return the cookies of a Cookie header, each as it is sent."""
    pairs = (one.strip().partition("=") for one in line.split(";"))
    return {name.strip(): value.strip() for name, mark, value in pairs if mark}


def command_for(request: Request) -> str:
    """Return a curl command that makes *request*. Raise ValueError for a body that no command line can hold."""
    words = ["curl", "-X", quoted(request.method), quoted(request.url)]
    if request.body:
        if b"\0" in request.body:
            raise ValueError(f"the body of {request} has NUL in it, which no command line can hold")
        words += ["--data-raw", _in_quotes(quoted(_text(request)))]
    for name, value in request.headers.raw_items() if request.has_headers else ():
        line = f"{name.decode('latin-1')}: {value.decode('utf-8', 'surrogateescape')}"
        words += ["-H", _in_quotes(quoted(line if value else f"{name.decode('latin-1')};"))]
    if request.has_cookies:
        given = request.cookies
        pairs = [(one["name"], one["value"]) for one in given] if isinstance(given, list) else list(given.items())
        words += ["--cookie", _in_quotes(quoted("; ".join(f"{_plain(name)}={_plain(value)}" for name, value in pairs)))]
    return " ".join(words)


def _text(request: Request) -> str:
    return request.body.decode("utf-8", "surrogateescape")


def _plain(value: Any) -> str:
    return value.decode("utf-8", "surrogateescape") if isinstance(value, bytes) else str(value)


def _in_quotes(word: str) -> str:
    """Return a quoted word in quotes even where it needs none: a command looks the same whatever the value is."""
    return word if word[:1] in "'$" else f"'{word}'"
