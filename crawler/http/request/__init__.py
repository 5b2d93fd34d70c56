"""Requests: plain ones, forms, JSON and XML-RPC."""

from __future__ import annotations

from crawler.http.request.form import FormRequest
from crawler.http.request.json_request import JsonRequest
from crawler.http.request.request import NO_CALLBACK, Request, request_from_dict
from crawler.http.request.rpc import XmlRpcRequest

__all__ = ["NO_CALLBACK", "FormRequest", "JsonRequest", "Request", "XmlRpcRequest", "request_from_dict"]
