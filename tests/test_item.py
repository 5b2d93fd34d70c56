"""Items: dictionaries with declared fields, and what else counts as an item."""

from __future__ import annotations

import copy
import pickle
import subprocess
import sys
from dataclasses import dataclass
from typing import Any, ClassVar

import attrs
import pydantic
import pytest

from crawler.item import Field, Item, is_item, is_item_class
from crawler.item_adapter import ItemAdapter, has_plain_attributes


class Book(Item):
    title = Field()
    price = Field(serializer=str)
    tags = Field()


@dataclass
class DataBook:
    title: str = "x"


@attrs.define
class AttrsBook:
    title: str = "x"


class ModelBook(pydantic.BaseModel):
    title: str = "x"


# --- Item -----------------------------------------------------------------------------------------


def test_an_item_is_a_dictionary_of_its_fields() -> None:
    book = Book({"title": "A"}, price=1)
    book["tags"] = ["x"]
    del book["price"]
    assert dict(book) == {"title": "A", "tags": ["x"]}
    assert (len(book), "price" in book, book.get("price", 0)) == (2, False, 0)
    assert book == Book(title="A", tags=["x"]) == {"title": "A", "tags": ["x"]}


def test_a_field_that_is_not_declared_is_a_key_error_that_names_those_that_are() -> None:
    with pytest.raises(KeyError, match=r"Book does not support field: author \(its fields: title, price, tags\)"):
        Book()["author"] = "x"
    with pytest.raises(KeyError, match=r"Item does not support field: a \(its fields: none\)"):
        Item(a=1)


def test_a_field_that_is_not_set_is_a_key_error() -> None:
    with pytest.raises(KeyError, match="title"):
        Book()["title"]


def test_a_field_is_no_attribute_and_the_error_says_what_it_is() -> None:
    book = Book(title="A")
    with pytest.raises(AttributeError, match=r"use item\['title'\] to get the field 'title'"):
        _ = book.title
    with pytest.raises(AttributeError, match=r"use item\['title'\] = 'B' to set the field 'title'"):
        book.title = "B"
    with pytest.raises(AttributeError, match="author"):
        _ = book.author


def test_fields_come_in_the_order_of_their_declaration() -> None:
    assert list(Book(tags=1, price=2, title=3)) == ["title", "price", "tags"]
    assert list(Book.fields) == ["title", "price", "tags"]
    assert repr(Book(tags=1, title=3)) == "{'title': 3, 'tags': 1}"


def test_fields_are_inherited_first_and_can_be_declared_anew() -> None:
    class Signed(Item):
        by = Field()

    class SignedBook(Signed, Book):
        price = Field(serializer=int)
        year = Field()

    assert list(SignedBook.fields) == ["title", "price", "tags", "by", "year"]
    assert SignedBook.fields["price"] == {"serializer": int}
    assert Book.fields["price"] == {"serializer": str}


def test_what_is_no_field_stays_an_attribute_of_the_class() -> None:
    class Priced(Book):
        currency = "EUR"

        def total(self) -> Any:
            return self["price"] * 2

    assert (Priced.currency, Priced(price=2).total(), "currency" in Priced.fields) == ("EUR", 4, False)


def test_a_copy_shares_the_values_and_a_deep_copy_does_not() -> None:
    book = Book(tags=["x"])
    shallow, deep = book.copy(), book.deepcopy()
    book["tags"].append("y")
    book["title"] = "A"
    assert (dict(shallow), dict(deep)) == ({"tags": ["x", "y"]}, {"tags": ["x"]})
    assert type(shallow) is type(deep) is Book


@pytest.mark.parametrize("duplicate", [copy.copy, copy.deepcopy, lambda item: pickle.loads(pickle.dumps(item))])
def test_an_item_can_be_duplicated_by_other_means(duplicate: Any) -> None:
    book = Book(title="A", tags=["x"])
    other = duplicate(book)
    assert (type(other), other) == (Book, book)


def test_an_item_can_be_kept_in_a_set() -> None:
    one, other = Book(title="A"), Book(title="A")
    assert len({one, other, one}) == 2


# --- what is an item ------------------------------------------------------------------------------

ITEMS = [{}, {"a": 1}, Book(), Book(title="A"), DataBook(), AttrsBook(), ModelBook()]


class Mapped(dict[str, Any]):
    pass


@pytest.mark.parametrize("value", [*ITEMS, Mapped()], ids=lambda value: type(value).__name__)
def test_what_a_spider_may_yield_is_an_item(value: Any) -> None:
    assert is_item(value)
    assert is_item_class(type(value))


@pytest.mark.parametrize("value", [None, 1, "text", [], (), {1}, ..., Book, DataBook], ids=repr)
def test_anything_else_is_none(value: Any) -> None:
    assert not is_item(value)


@pytest.mark.parametrize("value", ITEMS[3:], ids=lambda value: type(value).__name__)
def test_every_kind_of_item_is_seen_alike(value: Any) -> None:
    adapter = ItemAdapter(value)
    adapter["title"] = "B"
    assert adapter["title"] == "B"
    assert "title" in list(adapter.field_names())
    assert adapter.asdict()["title"] == "B"


def test_what_is_known_about_a_field_is_seen_too() -> None:
    adapter = ItemAdapter(Book(title="A", price=1))
    assert adapter.get_field_meta("price") == {"serializer": str}
    assert list(adapter.field_names()) == list(ItemAdapter.get_field_names_from_class(Book) or ()) == list(Book.fields)
    del adapter["price"]
    assert (len(adapter), list(adapter)) == (1, ["title"])


def test_an_item_with_plain_attributes_is_told_from_others() -> None:
    assert [has_plain_attributes(one) for one in (DataBook(), AttrsBook(), Book(), {})] == [True, True, False, False]


# --- what it costs to import ----------------------------------------------------------------------

HEAVY = "[name for name in ('itemadapter', 'attr', 'attrs', 'pydantic') if name in sys.modules]"


def in_a_new_process(code: str) -> str:
    result = subprocess.run([sys.executable, "-c", f"import sys\n{code}"], capture_output=True, text=True, check=True)
    return result.stdout.strip()


def test_importing_items_does_not_import_itemadapter() -> None:
    assert in_a_new_process(f"import crawler.item\nprint({HEAVY})") == "[]"


def test_a_dictionary_is_recognised_without_itemadapter() -> None:
    assert in_a_new_process(f"from crawler.item import is_item\nprint(is_item({{}}), {HEAVY})") == "True []"


def test_whoever_declares_an_item_can_use_itemadapter_on_it() -> None:
    code = """
        from crawler.item import Field, Item
        class Book(Item):
            title = Field()
        from itemadapter import ItemAdapter
        print(ItemAdapter(Book(title='A')).asdict())
    """
    assert in_a_new_process("\n".join(line.strip().replace("title =", " title =") for line in code.splitlines())) == (
        "{'title': 'A'}"
    )


def test_fields_may_be_given_as_a_dictionary() -> None:
    class Base(Item):
        fields: ClassVar[dict[str, Field]] = {"load": Field(default="base")}
        save = Field()

    class Other(Item):
        fields: ClassVar[dict[str, Field]] = {"load": Field(default="other"), "more": Field()}

    class Both(Base, Other):
        pass

    assert Both(load=1, save=2, more=3) == {"load": 1, "save": 2, "more": 3}
    assert Both.fields["load"] == {"default": "base"}
