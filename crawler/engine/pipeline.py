"""Item pipelines: every item passes them in order on its way to the feeds.

An item is handed from one ``process_item`` to the next by plain calls. Only when one returns an awaitable does the rest of the
way become a coroutine.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Sequence
from typing import TYPE_CHECKING, Any

from crawler.engine.components import hooks

if TYPE_CHECKING:
    from crawler.concurrency import Bridge

#: What hooks a pipeline may have, and how many arguments the engine passes to each.
HOOKS = {"process_item": 1, "open_spider": 0, "close_spider": 0}


class Pipeline:
    """The item pipelines of one crawl."""

    def __init__(self, components: Sequence[Any], *, spider: Any, bridge: Bridge) -> None:
        self._stages = hooks(components, "process_item", spider)
        self._open = hooks(components, "open_spider", spider)
        self._close = hooks(reversed(components), "close_spider", spider)
        self._bridge = bridge

    @property
    def has_stages(self) -> bool:
        """Whether any pipeline has a ``process_item``."""
        return bool(self._stages)

    async def open(self) -> None:
        """Call ``open_spider`` of each pipeline, in order."""
        for hook in self._open:
            await self._finished(hook)

    async def close(self) -> None:
        """Call ``close_spider`` of each pipeline, last first; all are called even if one fails."""
        errors = []
        for hook in self._close:
            try:
                await self._finished(hook)
            except Exception as error:
                errors.append(error)
        if errors:
            raise errors[0]

    async def _finished(self, hook: Callable[..., Any]) -> None:
        rest = self._bridge.call(hook)
        if rest is not None:
            await rest

    # Hot: once per item.
    def process(self, item: Any) -> Any:
        """Return the item as the last stage left it, or a coroutine that does; raise what a stage raised."""
        for index, stage in enumerate(self._stages):
            result = stage(item)
            if hasattr(result, "__await__"):
                return self._rest(result, index)
            item = _checked(result, stage)
        return item

    def _rest(self, awaitable: Any, index: int) -> Coroutine[Any, Any, Any]:
        async def rest() -> Any:
            item = _checked(await self._bridge.deferred(awaitable), self._stages[index])
            for stage in self._stages[index + 1 :]:
                result = stage(item)
                if hasattr(result, "__await__"):
                    result = await self._bridge.deferred(result)
                item = _checked(result, stage)
            return item

        return rest()


def _checked(item: Any, stage: Callable[..., Any]) -> Any:
    if item is None:
        name = getattr(getattr(stage, "func", stage), "__qualname__", repr(stage))
        raise TypeError(f"{name} returned None: return the item, or raise DropItem to drop it")
    return item
