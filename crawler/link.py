"""Link: what a link extractor finds."""

from __future__ import annotations


def has_nofollow(rel: str | None) -> bool:
    """Tell whether a ``rel`` attribute says nofollow, in any case and also between commas."""
    return rel is not None and "nofollow" in rel.lower().replace(",", " ").split()


class Link:
    """A link on a page: where it goes, the text that it stands on, and whether it says ``rel=nofollow``."""

    __slots__ = ("fragment", "nofollow", "text", "url")

    def __init__(self, url: str, text: str = "", fragment: str = "", nofollow: bool = False) -> None:
        if not isinstance(url, str):
            raise TypeError(f"the URL of a link is text, not {type(url).__name__}: {url!r}")
        self.url = url
        self.text = text
        self.fragment = fragment
        self.nofollow = nofollow

    def _key(self) -> tuple[str, str, str, bool]:
        return self.url, self.text, self.fragment, self.nofollow

    def __eq__(self, other: object) -> bool:
        return self._key() == other._key() if isinstance(other, Link) else NotImplemented

    def __hash__(self) -> int:
        return hash(self._key())

    def __repr__(self) -> str:
        return f"Link(url={self.url!r}, text={self.text!r}, fragment={self.fragment!r}, nofollow={self.nofollow!r})"
