"""Requests as records: what waits in a store, and what survives a crash.

Our own format on msgpack: a map of the fields that differ from their defaults; its version is that of the schema of the database
which holds the records. Never pickle: decoding builds plain data, and items of classes that the running program has already
imported, and nothing else.

What may be secret of a request that goes into a job is sealed (see ``sealing``): all that it carries beside its URL. What the
engine itself gives to nearly every request is not: its depth, the page that it was found on, and the rule that it was found by.

Callbacks are stored by name, so they must be methods of the spider. Meta and ``cb_kwargs`` may hold None, booleans, numbers,
text, bytes, dates, decimals, UUIDs, lists, tuples, sets, dictionaries and items. Anything else is an error that says where it is
and what to do. ``detach`` gives a request that never leaves memory the same copies that writing and reading would.
"""

from __future__ import annotations

import copy
import datetime
import decimal
import sys
import uuid
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import msgspec

from crawler.exceptions import JobError, NotStorableError
from crawler.http import Headers, Request
from crawler.item import is_item, is_item_class

if TYPE_CHECKING:
    from crawler.frontier.sealing import Seal
    from crawler.spiders import Spider

_SCALARS = frozenset({type(None), bool, int, float, str, bytes})

# What msgpack has no type for is a two-element extension: its code, and its content as msgpack.
_TUPLE, _SET, _FROZENSET, _DECIMAL, _UUID, _DATE, _DATETIME, _TIME, _DELTA, _ITEM, _BIG_INT, _PAIRS, _HALVES = range(
    1, 14
)

_AS_THEY_ARE = _SCALARS - {int}

_INT64 = range(-(2**63), 2**64)


# The fields of a record that may hold a secret: headers, body, meta, cb_kwargs, cookies.
_CARRIED = ("h", "b", "t", "k", "o")

# What in them holds none.
_OPEN_META = frozenset({"depth", "rule", "link_text"})
_OPEN_HEADERS = frozenset({b"Referer"})

# The fields that links have, and hardly another.
_OF_MOST = frozenset({"u", "c", "t", "h"})

_SEALED = b"request"


class RequestCodec:
    """Encodes requests of *spider* to bytes and decodes them again; with *seal*, what they carry is encrypted."""

    def __init__(self, spider: Spider, *, seal: Seal | None = None) -> None:
        self._spider = spider
        self._seal = seal

    # Hot: once per request that a job keeps.
    def encode(self, request: Request) -> bytes:
        """Return the record of *request*; raise NotStorableError naming what cannot be stored."""
        # By the attributes behind the properties, which take a call and make what is not there.
        headers, meta = request._headers, request._meta
        record: dict[str, Any] = {"u": request._url}
        if request.method != "GET":
            record["m"] = request.method
        if request.callback is not None:
            record["c"] = self._name(request.callback, "callback", request)
        if request.errback is not None:
            record["e"] = self._name(request.errback, "errback", request)
        if headers is not None:
            record["h"] = headers.raw_items()
        if request._body:
            record["b"] = request._body
        if meta is not None:
            record["t"] = meta if _is_plain(meta) else _plain(meta, "meta", request)
        if request._cb_kwargs is not None:
            record["k"] = _plain(request._cb_kwargs, "cb_kwargs", request)
        if request._cookies:
            record["o"] = _plain(request._cookies, "cookies", request)
        if request.priority:
            record["p"] = request.priority
        if request.dont_filter:
            record["d"] = True
        if request.encoding != "utf-8":
            record["n"] = request.encoding
        if request._flags:
            record["f"] = _plain(list(request._flags), "flags", request)
        if type(request) is not Request:
            record["y"] = f"{type(request).__module__}:{type(request).__qualname__}"
        if self._seal is not None and _may_be_secret(request, record):
            carried = {name: record.pop(name) for name in _CARRIED if name in record}
            record["s"] = self._seal.seal(_encoded(carried), _SEALED)
        return _encoded(record)

    # Hot: once per request that comes back from a store.
    def decode(self, record: bytes | memoryview) -> Request:
        """Return the request of *record*."""
        fields: dict[str, Any] = _decoder.decode(record)
        if "s" in fields:
            if self._seal is None:
                raise NotStorableError("a stored request is sealed, and there is no key to open it with")
            fields |= _decoder.decode(self._seal.unseal(fields["s"], _SEALED))
        request = Request.of_link(fields["u"], self._method(fields.get("c")))
        request._meta = fields.get("t")
        if "h" in fields:
            request._headers = Headers.restored(fields["h"])
        if not _OF_MOST.issuperset(fields):
            request = self._with_the_rest(request, fields)
        return request

    def _with_the_rest(self, request: Request, fields: dict[str, Any]) -> Request:
        """Return *request* with what few have."""
        request.errback = self._method(fields.get("e"))
        request.method = fields.get("m", request.method)
        request.priority = fields.get("p", request.priority)
        request.encoding = fields.get("n", request.encoding)
        request.dont_filter = fields.get("d", request.dont_filter)
        request._body = fields.get("b", request._body)
        request._cb_kwargs = fields.get("k")
        request._cookies = fields.get("o")
        request._flags = fields.get("f")
        return _as_class(request, fields["y"]) if "y" in fields else request

    def _name(self, function: Callable[..., Any], role: str, request: Request) -> str:
        """Return the name under which the spider has *function*."""
        owner = getattr(function, "__self__", None)
        name: str = getattr(function, "__name__", "")
        if owner is self._spider and getattr(self._spider, name, None) == function:
            return name
        raise NotStorableError(
            f"the {role} of {request} is {function!r}, which is no method of {self._spider!r}, so it cannot be stored: "
            f"make it a method and pass what it needs in cb_kwargs, or set frontier.store = 'memory'"
        )

    def _method(self, name: str | None) -> Callable[..., Any] | None:
        if name is None:
            return None
        method = getattr(self._spider, name, None)
        if not callable(method):
            raise NotStorableError(
                f"{self._spider!r} has no method {name!r}, which a stored request names as its callback: give it one of that name, "
                "which may call another"
            )
        return method  # type: ignore[no-any-return]  # a method found by name


# Hot: once per request that a job keeps.
def _may_be_secret(request: Request, record: dict[str, Any]) -> bool:
    """Tell whether what *request* carries may be a secret."""
    if "b" in record or "k" in record or "o" in record:
        return True
    if "t" in record and not _OPEN_META.issuperset(request.meta):
        return True
    return "h" in record and not _OPEN_HEADERS.issuperset(request.headers)


class Outline(msgspec.Struct):
    """What a request's record tells to whoever looks into a job, and needs no class of the project's: the others are None."""

    url: str = msgspec.field(name="u")
    method: str = msgspec.field(name="m", default="GET")
    body: bytes = msgspec.field(name="b", default=b"")
    #: A dictionary, where its keys are all text.
    meta: Any = msgspec.field(name="t", default=None)
    sealed: bytes = msgspec.field(name="s", default=b"")


class _Carried(msgspec.Struct):
    body: bytes = msgspec.field(name="b", default=b"")
    meta: Any = msgspec.field(name="t", default=None)


_outline = msgspec.msgpack.Decoder(Outline, ext_hook=lambda code, content: None)
_carried = msgspec.msgpack.Decoder(_Carried, ext_hook=lambda code, content: None)


def url_of_record(record: bytes) -> str:
    """Return the URL of a request's record, without the rest."""
    return _outline.decode(record).url


def outline_of(record: bytes, seal: Seal) -> Outline:
    """Return the outline of a request's record; what is sealed is left out of it if there is no key that opens it."""
    outline = _outline.decode(record)
    if outline.sealed:
        with suppress(JobError):
            carried = _carried.decode(seal.unseal(outline.sealed, _SEALED))
            outline.body, outline.meta = carried.body, carried.meta
    return outline


def _as_class(request: Request, path: str) -> Request:
    """Return *request* as the Request subclass that *path* names, if the program has imported it."""
    cls = _imported(path)
    if isinstance(cls, type) and issubclass(cls, Request):
        request = request.replace(cls=cls)
    return request


def _imported(path: str) -> Any:
    """Return the object at ``module:qualified.name`` if its module is imported already, else None. Imports nothing."""
    module, _, qualified_name = path.partition(":")
    found: Any = sys.modules.get(module)
    for part in qualified_name.split("."):
        found = getattr(found, part, None)
    return found


def detach(request: Request) -> None:
    """Give *request* copies of what its meta and ``cb_kwargs`` hold, as it would have after a stay in a store.

    So that a callback which goes on changing a list or an item that it has passed on changes nothing elsewhere, whether or not
    the request was stored meanwhile.
    """
    for values in (request._meta, request._cb_kwargs):
        if values and not _SCALARS.issuperset(map(type, values.values())):
            for name, value in values.items():
                values[name] = _copy(value)


def _copy(value: Any) -> Any:
    """Return a copy of *value* down to its scalars: containers and items anew, all else as it is."""
    kind = type(value)
    if kind in _SCALARS:
        return value
    if kind is dict:
        return {key: _copy(one) for key, one in value.items()}
    if kind is list or kind is tuple or kind is set:
        return kind(_copy(one) for one in value)
    return copy.deepcopy(value) if is_item(value) else value


def _plain(value: Any, path: str, request: Request) -> Any:
    """Return *value* in msgpack's types and our extensions; *path* says where it stands, for the error."""
    kind = type(value)
    if kind in _SCALARS:
        return value if kind is not int or value in _INT64 else _ext(_BIG_INT, str(value))
    if kind is list:
        return [_plain(one, f"{path}[{index}]", request) for index, one in enumerate(value)]
    if kind is dict:
        if all(type(key) is str for key in value):
            return {key: _plain(one, f"{path}[{key!r}]", request) for key, one in value.items()}
        return _ext(
            _PAIRS,
            [[_plain(k, f"{path} key", request), _plain(v, f"{path}[{k!r}]", request)] for k, v in value.items()],
        )
    code, content = _extended(value, path, request)
    return _ext(code, content)


# Hot: once per request that a job keeps.
def _is_plain(values: dict[Any, Any]) -> bool:
    """Tell whether *values* are what msgpack takes as it is, as nearly all are, with text for names."""
    for name, value in values.items():
        kind = type(value)
        if type(name) is not str or (kind not in _AS_THEY_ARE and not (kind is int and value in _INT64)):
            return False
    return True


def _extended(value: Any, path: str, request: Request) -> tuple[int, Any]:
    """Return the extension code and the plain content of *value*."""
    for kind, code in ((tuple, _TUPLE), (set, _SET), (frozenset, _FROZENSET)):
        if type(value) is kind:
            return code, [_plain(one, f"{path}[...]", request) for one in value]
    if isinstance(value, datetime.datetime):
        return _DATETIME, value.isoformat()
    if isinstance(value, datetime.date):
        return _DATE, value.isoformat()
    if isinstance(value, datetime.time):
        return _TIME, value.isoformat()
    if isinstance(value, datetime.timedelta):
        return _DELTA, [value.days, value.seconds, value.microseconds]
    if isinstance(value, decimal.Decimal):
        return _DECIMAL, str(value)
    if isinstance(value, uuid.UUID):
        return _UUID, value.hex
    if is_item(value):
        from crawler.item_adapter import ItemAdapter  # heavy, see there

        adapter = ItemAdapter(value)
        fields = {name: _plain(adapter[name], f"{path}.{name}", request) for name in adapter}
        return _ITEM, [f"{type(value).__module__}:{type(value).__qualname__}", fields]
    if isinstance(value, Mapping):
        return _PAIRS, [
            [_plain(k, f"{path} key", request), _plain(v, f"{path}[{k!r}]", request)] for k, v in value.items()
        ]
    raise NotStorableError(
        f"{path} of {request} holds a {type(value).__qualname__}, which cannot be stored: keep plain data or items there "
        "(numbers, text, bytes, dates, lists, dictionaries), or set frontier.store = 'memory'"
    )


def _encoded(content: Any) -> bytes:
    """Return *content* as msgpack. Text with half of a surrogate pair, out of a page's JSON, has no form there but an extension."""
    try:
        return _encoder.encode(content)
    except UnicodeEncodeError:
        return _encoder.encode(_with_halves(content))


def _with_halves(value: Any) -> Any:
    if isinstance(value, str):
        return value if _is_whole(value) else _ext(_HALVES, value.encode("utf-8", "surrogatepass"))
    if isinstance(value, dict):
        if not all(map(_is_whole, value)):
            return _ext(_PAIRS, [list(pair) for pair in value.items()])
        return {key: _with_halves(one) for key, one in value.items()}
    return [_with_halves(one) for one in value] if isinstance(value, list) else value


def _is_whole(text: str) -> bool:
    return not any("\ud800" <= character <= "\udfff" for character in text)


def _ext(code: int, content: Any) -> msgspec.msgpack.Ext:
    return msgspec.msgpack.Ext(code, _encoded(content))


def _restore(code: int, data: memoryview) -> Any:
    """Return the value of an extension; an item only of a class that is imported already."""
    content = _decoder.decode(data)
    if code == _ITEM:
        cls = _imported(content[0])
        if not isinstance(cls, type) or not is_item_class(cls):
            raise NotStorableError(
                f"a stored request holds an item of {content[0]}, which this program has not imported"
            )
        return cls(**content[1])
    return _RESTORE[code](content)


_RESTORE: dict[int, Callable[[Any], Any]] = {
    _TUPLE: tuple,
    _SET: set,
    _FROZENSET: frozenset,
    _DECIMAL: decimal.Decimal,
    _UUID: lambda text: uuid.UUID(hex=text),
    _DATE: datetime.date.fromisoformat,
    _DATETIME: datetime.datetime.fromisoformat,
    _TIME: datetime.time.fromisoformat,
    _DELTA: lambda parts: datetime.timedelta(*parts),
    _BIG_INT: int,
    _PAIRS: lambda pairs: dict(pairs),
    _HALVES: lambda content: content.decode("utf-8", "surrogatepass"),
}

_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(ext_hook=_restore)
