"""Item loaders: items filled from selectors through processors. itemloaders', with responses and our selectors.

loader = ItemLoader(Book(), response=response)
loader.add_css("title", "h1::text")
yield loader.load_item()
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import itemloaders

from crawler.item import Item
from crawler.selector import Selector

if TYPE_CHECKING:
    from crawler.http import TextResponse

__all__ = ["ItemLoader"]


class ItemLoader(itemloaders.ItemLoader):
    """Fills an *item* (by default a new ``default_item_class``) from a *response* or a *selector*.

    What ``<field>_in`` and ``<field>_out`` of the class say is done to values on their way in and out; other *context* is there
    for processors, besides ``response``, ``selector`` and ``item``.
    """

    default_item_class: type = Item
    default_selector_class = Selector

    def __init__(
        self,
        item: Any = None,
        selector: Selector | None = None,
        response: TextResponse | None = None,
        parent: itemloaders.ItemLoader | None = None,
        **context: Any,
    ) -> None:
        if selector is None and response is not None:
            selector = self._selector_of(response)
        context["response"] = response
        super().__init__(item=item, selector=selector, parent=parent, **context)

    def _selector_of(self, response: Any) -> Any:
        """Return the selector of *response*, None for one that is no text: values can be added all the same."""
        own = self.default_selector_class
        selector = getattr(response, "selector", None)
        return selector if own is Selector or selector is None else own(response)
