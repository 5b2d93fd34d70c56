"""JsonRequest: a request whose body is JSON."""

from __future__ import annotations

import json
from typing import Any

from crawler.http.request.request import Request


class JsonRequest(Request):
    """A request that sends *data* as JSON: a POST, unless it says otherwise or there is neither data nor body."""

    attributes = (*Request.attributes, "dumps_kwargs")

    __slots__ = ("_dumps_kwargs",)

    def __init__(self, *args: Any, dumps_kwargs: dict[str, Any] | None = None, data: Any = None, **kwargs: Any) -> None:
        self._dumps_kwargs = {"sort_keys": True, **(dumps_kwargs or {})}
        if data is not None and kwargs.get("body") is None:
            kwargs["body"] = self._dumped(data)
            kwargs.setdefault("method", "POST")
        super().__init__(*args, **kwargs)
        self.headers.setdefault("Content-Type", "application/json")
        self.headers.setdefault("Accept", "application/json, text/javascript, */*; q=0.01")

    @property
    def dumps_kwargs(self) -> dict[str, Any]:
        """How the data is written: the arguments of ``json.dumps``."""
        return self._dumps_kwargs

    def replace(self, *args: Any, **kwargs: Any) -> Any:
        """As :meth:`Request.replace`; *data* replaces the body."""
        if kwargs.get("data") is not None and kwargs.get("body") is None:
            kwargs["body"] = self._dumped(kwargs.pop("data"))
        return super().replace(*args, **kwargs)

    def _dumped(self, data: Any) -> str:
        return json.dumps(data, **self._dumps_kwargs)
