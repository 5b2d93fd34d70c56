"""Typed items: what a callback yields is compared with what it, or its spider, says that it yields.

    class Books(Spider):
        item_type = Book                                          # every item, down to the types of its fields

        def parse(self, response) -> Iterator[Book | Request]:    # or callback by callback: its own classes of items

A dictionary that is yielded where a type is declared becomes an item of it. What does not fit is dropped as an ``InvalidItem``,
and the callback goes on. The annotation of a callback counts more than ``item_type``, and is about the classes of items only: their
fields may hold what they held with Scrapy. Everything is resolved when the crawl is assembled; a spider that declares nothing
gets None and pays nothing.
"""

from __future__ import annotations

import collections.abc
import logging
import types
import typing
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self, get_args, get_origin, get_type_hints, is_typeddict

from crawler.engine.itemshape import ItemShape, shape_of
from crawler.exceptions import InvalidItem, SpiderError
from crawler.http import Request
from crawler.item import is_item, is_item_class

if TYPE_CHECKING:
    from crawler.engine.scrape import Handle
    from crawler.http import Response

logger = logging.getLogger(__name__)

# Names of annotations that many a spider imports for type checkers only.
_USUAL = {**vars(typing), **vars(collections.abc), "Request": Request}

_HOLD_FIRST = (collections.abc.Generator, collections.abc.AsyncGenerator)


@dataclass(frozen=True, slots=True)
class Declaration:
    """The kinds of items that *source* says it yields; *fully* also compares the fields of objects with their types."""

    shapes: tuple[ItemShape, ...]
    source: str
    fully: bool = False

    # Hot: once per item where types are declared.
    def checked(self, item: Any) -> Any:
        """Return *item*, or the item that a dictionary becomes; raise InvalidItem if it is nothing that was declared."""
        for shape in self.shapes:
            if not is_typeddict(shape.item_type) and isinstance(item, shape.item_type):
                if self.fully:
                    shape.verify(item)
                return item
        if not isinstance(item, dict):
            names = " or ".join(shape.name for shape in self.shapes)
            kind = type(item).__name__
            raise InvalidItem(kind, [(kind, f"an item of this type, where {self.source} declares {names}")], item)
        refused: InvalidItem | None = None
        for shape in self.shapes:
            try:
                return shape.convert(item)
            except InvalidItem as error:
                refused = refused or error
        assert refused is not None  # there is at least one shape
        raise refused


class TypedItems:
    """What the callbacks of a spider declare: by function, and *common* for those that declare nothing."""

    def __init__(self, spider: Any, common: Declaration | None, by_function: Mapping[Any, Declaration]) -> None:
        from crawler.spiders.crawl import CrawlSpider  # by spiders that declare something

        self._rules = spider._rules if isinstance(spider, CrawlSpider) else ()
        self._common = common
        self._by_function = by_function

    @classmethod
    def of(cls, spider: Any) -> Self | None:
        """Return what *spider* declares, None if that is nothing. Raise SpiderError for an item_type that is no type of items."""
        common = _common(spider)
        by_function = {
            function: declaration
            for function in _functions(type(spider))
            if (declaration := _of_annotation(function)) is not None
        }
        return cls(spider, common, by_function) if common or by_function else None

    def around(
        self, callback: Callable[..., Any], handle: Handle, request: Request, response: Response | None
    ) -> Handle:
        """Return *handle* for the outputs of *callback*: checked if something is declared, else as it is."""
        if self._rules and request.has_meta and isinstance(request.meta.get("rule"), int):
            callback = self._rules[request.meta["rule"]].callback or callback
        declaration = self._declaration(callback)
        if declaration is None:
            return handle
        check = declaration.checked

        def checked(output: Any) -> Any:
            return handle(_checked(check, output, response))

        return checked

    async def start(self, outputs: AsyncIterator[Any], function: Callable[..., Any]) -> AsyncIterator[Any]:
        """Pass on what the crawl starts with, its items checked."""
        declaration = self._declaration(function)
        async for output in outputs:
            yield output if declaration is None else _checked(declaration.checked, output, None)

    def _declaration(self, callback: Callable[..., Any]) -> Declaration | None:
        return self._by_function.get(getattr(callback, "__func__", callback), self._common)


def _checked(check: Callable[[Any], Any], output: Any, response: Response | None) -> Any:
    """Return *output* as it goes on: an item that does not fit as the InvalidItem which says so."""
    if output is None or isinstance(output, Request) or not is_item(output):
        return output
    try:
        return check(output)
    except InvalidItem as error:
        error.response = response
        return error


def _common(spider: Any) -> Declaration | None:
    declared = getattr(spider, "item_type", None)
    if declared is None:
        return None
    kinds, is_open = _item_classes(declared)
    if is_open or not kinds:
        raise SpiderError(
            f"{type(spider).__name__}.item_type is {declared!r}: write a type of items (an Item, dataclass, attrs class, "
            "pydantic model or TypedDict), or several with | between them"
        )
    source = f"{type(spider).__name__}.item_type"
    return Declaration(tuple(shape_of(kind) for kind in kinds), source, fully=True)


def _functions(spidercls: type) -> list[Any]:
    """Return the functions of the spider's own that say what they return."""
    own = [cls for cls in spidercls.__mro__ if not cls.__module__.startswith("crawler.spiders")]
    return [
        value
        for cls in own
        for value in vars(cls).values()
        if isinstance(value, types.FunctionType) and "return" in value.__annotations__
    ]


def _of_annotation(function: types.FunctionType) -> Declaration | None:
    """Return the items that the return annotation of *function* names, None if it names none, or anything beside them."""

    def returns() -> None: ...

    returns.__annotations__ = {"return": function.__annotations__["return"]}
    try:
        hint = get_type_hints(returns, {**_USUAL, **function.__globals__})["return"]
    except (NameError, AttributeError, TypeError, SyntaxError) as error:
        logger.debug(
            "What %s yields is not checked, since its annotation is not known: %s", function.__qualname__, error
        )
        return None
    kinds, is_open = _item_classes(hint)
    if is_open or not kinds:
        return None
    return Declaration(tuple(shape_of(kind) for kind in kinds), function.__qualname__)


def _item_classes(hint: Any) -> tuple[list[type], bool]:
    """Return the classes of items in *hint*, and whether it names anything else that an item may be: ``dict``, ``Any``."""
    origin = get_origin(hint)
    arguments: tuple[Any, ...]
    if hint is None or hint is types.NoneType or hint is Ellipsis:
        return [], False
    if isinstance(hint, type) and origin is None:
        return ([], False) if issubclass(hint, Request) else ([hint], False) if _is_kind_of_item(hint) else ([], True)
    if is_typeddict(hint):
        return [hint], False
    if origin in _HOLD_FIRST or origin is typing.Annotated:
        arguments = get_args(hint)[:1]
    elif origin is collections.abc.Coroutine:
        arguments = get_args(hint)[2:]
    elif origin in (typing.Union, types.UnionType) or (isinstance(origin, type) and not issubclass(origin, Mapping)):
        arguments = get_args(hint)
    else:
        arguments = ()
    if not arguments:
        return [], True
    found = [_item_classes(argument) for argument in arguments]
    return [kind for kinds, _ in found for kind in kinds], any(is_open for _, is_open in found)


def _is_kind_of_item(cls: type) -> bool:
    """Tell whether items may be declared as *cls*; a plain dictionary says nothing about what is in it."""
    if cls.__module__ in ("builtins", "typing") or is_typeddict(cls):
        return is_typeddict(cls)
    return is_item_class(cls) and not issubclass(cls, dict)
