"""Which fields of an item go into a feed, under which names and in which order.

Without a choice all populated fields go out, in the order in which the item's class declares them (for a dict: in its
own order); fields that the class does not declare come last. With a choice, its fields and its order hold. A field's
``serializer`` (metadata of Item fields, dataclass fields, attrs and pydantic fields) is applied to its value.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    from itemadapter import ItemAdapter

#: How a field is turned into what is exported: (metadata, output name, value) -> value. Scrapy's ``serialize_field``.
FieldSerializer = Callable[[Mapping[str, Any], str, Any], Any]

#: A choice of fields as users write it: a list of names, or a mapping from field names to output names.
FieldChoice = Mapping[str, str] | Iterable[str]

_NO_METADATA: Mapping[str, Any] = {}


def as_mapping(choice: FieldChoice | None) -> dict[str, str] | None:
    """Return *choice* as a mapping from field names to output names, None if everything is wanted."""
    if choice is None:
        return None
    if isinstance(choice, Mapping):
        return dict(choice)
    return {name: name for name in choice}


def apply_serializer(metadata: Mapping[str, Any], name: str, value: Any) -> Any:
    """Return *value* as the ``serializer`` of its field's metadata makes it."""
    serializer = metadata.get("serializer")
    return value if serializer is None else serializer(value)


class FieldSelection:
    """Picks the fields of items. *include_empty* adds chosen or declared fields that an item does not have, as None."""

    def __init__(self, choice: FieldChoice | None = None, *, include_empty: bool = False) -> None:
        self.choice = as_mapping(choice)
        self.include_empty = include_empty
        self._metadata: dict[type, Callable[[str], Mapping[str, Any]]] = {}
        self._readers: dict[type, Callable[[Any], Mapping[str, Any]]] = {}

    # Hot: once per item.
    def of(self, item: Any) -> Mapping[str, Any]:
        """Return the fields of *item* by output name; a dict of which everything is wanted is returned as it is."""
        if type(item) is dict:
            if self.choice is None:
                return item
            if self.include_empty:
                return {output: item.get(name) for name, output in self.choice.items()}
            return {output: item[name] for name, output in self.choice.items() if name in item}
        read = self._readers.get(type(item)) or self._reader(item)
        return read(item)

    def _reader(self, item: Any) -> Callable[[Any], Mapping[str, Any]]:
        """Return what reads items of the class of *item*, made once per class."""
        from crawler.item_adapter import ItemAdapter, has_plain_attributes  # heavy, see there

        kind = type(item)
        names = ItemAdapter.get_field_names_from_class(kind) or ()
        is_plain = (
            has_plain_attributes(item)
            and self.choice is None
            and not any("serializer" in ItemAdapter.get_field_meta_from_class(kind, name) for name in names)
        )
        reader = self._attributes(tuple(names)) if is_plain else self._any
        self._readers[kind] = reader
        return reader

    def _any(self, item: Any) -> Mapping[str, Any]:
        from crawler.item_adapter import ItemAdapter  # heavy, see there

        return dict(self.serialized(ItemAdapter(item), apply_serializer))

    def _attributes(self, names: tuple[str, ...]) -> Callable[[Any], Mapping[str, Any]]:
        """Return a quick reader for classes whose fields are attributes that are exported as they are."""

        def read(item: Any) -> Mapping[str, Any]:
            try:
                return {name: getattr(item, name) for name in names}
            except AttributeError:  # a field without a value
                return self._any(item)

        return read

    def serialized(
        self, adapter: ItemAdapter, serialize: FieldSerializer, default: Any = None
    ) -> Iterator[tuple[str, Any]]:
        """Yield (output name, value) for the fields of the item behind *adapter*; missing ones are *default*."""
        populated = set(adapter)
        metadata_of = self._metadata_of(adapter)
        for name, output in self._names(adapter, populated):
            if name in populated:
                yield output, serialize(metadata_of(name), output, adapter[name])
            else:
                yield output, default

    def _names(self, adapter: ItemAdapter, populated: set[str]) -> Iterable[tuple[str, str]]:
        if self.choice is not None:
            names = self.choice.items()
            return names if self.include_empty else [pair for pair in names if pair[0] in populated]
        declared = adapter.field_names()
        wanted = declared if self.include_empty else [name for name in declared if name in populated]
        return [(name, name) for name in dict.fromkeys([*wanted, *adapter])]

    def _metadata_of(self, adapter: ItemAdapter) -> Callable[[str], Mapping[str, Any]]:
        """Return the look-up of field metadata for the class of an item, made once per class."""
        kind = type(adapter.item)
        lookup = self._metadata.get(kind)
        if lookup is None:
            declared = type(adapter).get_field_names_from_class(kind) or ()
            metadata = {name: adapter.get_field_meta(name) for name in declared}
            lookup = self._metadata[kind] = lambda name: metadata.get(name, _NO_METADATA)
        return lookup
