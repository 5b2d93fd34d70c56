"""itemadapter, which sees an Item as it sees dictionaries, dataclasses, attrs and pydantic objects.

A module to import when the first item comes that is no plain dictionary, and not before: itemadapter imports attrs, pydantic and
Scrapy where they are installed, which takes longer than the rest of the crawler.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import Any

from itemadapter import ItemAdapter
from itemadapter.adapter import AdapterInterface, AttrsAdapter, DataclassAdapter

from crawler.item import Item

__all__ = ["ItemAdapter", "ItemClassAdapter", "has_plain_attributes"]


class ItemClassAdapter(AdapterInterface):
    """How itemadapter sees an :class:`Item`."""

    @classmethod
    def is_item(cls, item: Any) -> bool:
        """Tell whether *item* is an Item."""
        return isinstance(item, Item)

    @classmethod
    def is_item_class(cls, item_class: type) -> bool:
        """Tell whether *item_class* is a subclass of Item."""
        return issubclass(item_class, Item)

    @classmethod
    def get_field_meta_from_class(cls, item_class: type, field_name: str) -> Any:
        """Return what is known about a field."""
        return item_class.fields[field_name]  # type: ignore[attr-defined]  # an Item, see is_item_class

    @classmethod
    def get_field_names_from_class(cls, item_class: type) -> list[str]:
        """Return the declared fields, in order."""
        return list(item_class.fields)  # type: ignore[attr-defined]  # an Item, see is_item_class

    def field_names(self) -> Any:
        """Return the declared fields, in order."""
        return self.item.fields.keys()

    def get_field_meta(self, field_name: str) -> Any:
        """Return what is known about a field."""
        return self.item.fields[field_name]

    def __getitem__(self, field_name: str) -> Any:
        return self.item[field_name]

    def __setitem__(self, field_name: str, value: Any) -> None:
        self.item[field_name] = value

    def __delitem__(self, field_name: str) -> None:
        del self.item[field_name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.item)

    def __len__(self) -> int:
        return len(self.item)


ItemAdapter.ADAPTER_CLASSES = deque([ItemClassAdapter, *ItemAdapter.ADAPTER_CLASSES])


def has_plain_attributes(item: Any) -> bool:
    """Tell whether the fields of *item* are its attributes, and may be read as such: a dataclass or attrs object."""
    return isinstance(ItemAdapter(item).adapter, AttrsAdapter | DataclassAdapter)
