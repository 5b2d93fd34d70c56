"""XmlRpcRequest: a call by XML-RPC."""

from __future__ import annotations

from typing import Any

from crawler.http.request.request import Request


class XmlRpcRequest(Request):
    """A POST that calls *methodname* with *params*."""

    __slots__ = ()

    def __init__(self, *args: Any, encoding: str | None = None, **kwargs: Any) -> None:
        if "body" not in kwargs and "params" in kwargs:
            options = {
                name: kwargs.pop(name)
                for name in ("params", "methodname", "methodresponse", "allow_none")
                if name in kwargs
            }
            import xmlrpc.client  # takes two milliseconds

            kwargs["body"] = xmlrpc.client.dumps(encoding=encoding, **options)
        kwargs.setdefault("method", "POST")
        kwargs["dont_filter"] = kwargs.get("dont_filter", True)
        kwargs["encoding"] = encoding or "utf-8"
        super().__init__(*args, **kwargs)
        self.headers.setdefault("Content-Type", "text/xml")
