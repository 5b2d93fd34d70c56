"""Spiders for documents that are lists: XMLFeedSpider a node at a time, CSVFeedSpider a row at a time."""

from __future__ import annotations

import csv
import inspect
import io
import logging
import sys
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from lxml import etree

from crawler.exceptions import NotSupported
from crawler.http import TextResponse
from crawler.item import outputs_of
from crawler.selector import Selector
from crawler.spiders.spider import Spider

if TYPE_CHECKING:
    from crawler.http import Response

logger = logging.getLogger(__name__)


class _ListSpider(Spider):
    """What the two have in common: every entry is handed to a method, whose outputs :meth:`process_results` sees."""

    def process_results(self, response: Any, results: Iterable[Any]) -> Iterable[Any]:
        """Return the outputs that count, of one node or row."""
        return results

    def adapt_response(self, response: Any) -> Any:
        """Return *response* as it is to be read: to mend a document before."""
        return response

    def _handed_out(self, response: Any, entries: Iterable[Any], method: Any) -> Any:
        """Return the outputs of *method* for each of *entries*: a plain generator as long as it is a plain method."""
        if inspect.iscoroutinefunction(method) or inspect.isasyncgenfunction(method):
            return self._handed_out_later(response, entries, method)
        return self._handed_out_now(response, entries, method)

    def _handed_out_now(self, response: Any, entries: Iterable[Any], method: Any) -> Iterator[Any]:
        for entry in entries:
            yield from self.process_results(response, outputs_of(method(response, entry)))

    async def _handed_out_later(self, response: Any, entries: Iterable[Any], method: Any) -> AsyncIterator[Any]:
        for entry in entries:
            results = method(response, entry)
            if hasattr(results, "__aiter__"):
                gathered = [output async for output in results]
            else:
                gathered = list(outputs_of(await results))
            for output in self.process_results(response, gathered):
                yield output


class XMLFeedSpider(_ListSpider):
    """Calls :meth:`parse_node` for each element *itertag* (``item``, or ``prefix:item`` with *namespaces*) of a document.

    *iterator* is ``iternodes``, which reads the document as it goes, in linear time and constant memory, or ``xml`` and ``html``,
    which build its tree first. *namespaces* are pairs (prefix, URI) for the XPath of nodes.
    """

    iterator: str = "iternodes"
    itertag: str = "item"
    namespaces: Sequence[tuple[str, str]] = ()

    def parse_node(self, response: Any, selector: Selector) -> Any:
        """Make items and requests of one node; by default what an older ``parse_item`` does."""
        older = getattr(self, "parse_item", None)
        if older is not None:
            return older(response, selector)
        raise NotImplementedError(
            f"{type(self).__name__}.parse_node is not defined; it is called for every {self.itertag!r}"
        )

    def parse_nodes(self, response: Any, nodes: Iterable[Selector]) -> Any:
        """Return the outputs of :meth:`parse_node` for all *nodes*."""
        return self._handed_out(response, nodes, self.parse_node)

    def _parse(self, response: Response, **kwargs: Any) -> Any:
        adapted = self.adapt_response(response)
        if self.iterator == "iternodes":
            nodes = self._iternodes(adapted)
        elif self.iterator in ("xml", "html"):
            if not isinstance(adapted, TextResponse):
                raise ValueError(
                    f"the content of {adapted!r} is no text that could be read by the iterator {self.iterator!r}"
                )
            selector = Selector(adapted, type=self.iterator)
            self._register_namespaces(selector)
            nodes = iter(selector.xpath(f"//{self.itertag}"))
        else:
            raise NotSupported(
                f"{type(self).__name__}.iterator is {self.iterator!r}; there are iternodes, xml and html"
            )
        return self.parse_nodes(adapted, nodes)

    def _iternodes(self, response: Any) -> Iterator[Selector]:
        for text in iter_nodes(response, self.itertag, self.namespaces):
            selector = Selector(text=text, type="xml")
            self._register_namespaces(selector)
            yield selector.xpath("/*")[0]

    def _register_namespaces(self, selector: Selector) -> None:
        for prefix, uri in self.namespaces:
            selector.register_namespace(prefix, uri)


def iter_nodes(response: Any, tag: str, namespaces: Sequence[tuple[str, str]] = ()) -> Iterator[str]:
    """Yield each element *tag* of the document *response* as text, with the namespaces that it needs.

    A prefix in *tag* is one of *namespaces*, or else the one that the document itself uses. Entities are not resolved.
    """
    prefix, _, name = tag.rpartition(":")
    uri = dict(namespaces).get(prefix) if prefix else None
    source = response.text.encode() if isinstance(response, TextResponse) else response.body
    parsing = etree.iterparse(
        io.BytesIO(_without_declaration(source)),
        events=("end",),
        recover=True,
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=True,
    )
    try:
        for _, element in parsing:
            tag_name = element.tag
            if not isinstance(tag_name, str):
                continue
            space, _, local = tag_name.rpartition("}")
            if local != name or (space[1:] != uri if uri else (element.prefix or "") != prefix):
                continue
            yield etree.tostring(element, encoding="unicode", with_tail=False)
            element.clear()
            _forget_before(element)
    except etree.XMLSyntaxError:
        return


def _without_declaration(source: bytes) -> bytes:
    """Return *source*, which is UTF-8 by now, without a declaration that may name what it was before."""
    source = source.lstrip(b"\xef\xbb\xbf \t\r\n")
    if source.startswith(b"<?xml"):
        return source[source.find(b"?>") + 2 :].lstrip()
    return source


def _forget_before(element: Any) -> None:
    """Let go of what stands before *element* in its parent: it has been read."""
    parent = element.getparent()
    while parent is not None and element.getprevious() is not None:
        parent.remove(element.getprevious())


class CSVFeedSpider(_ListSpider):
    """Calls :meth:`parse_row` with a dictionary for each row of a CSV document; its first row, or *headers*, names the columns."""

    delimiter: str | None = None
    quotechar: str | None = None
    headers: Sequence[str] | None = None

    def parse_row(self, response: Any, row: dict[str, str]) -> Any:
        """Make items and requests of one row."""
        raise NotImplementedError(f"{type(self).__name__}.parse_row is not defined; it is called for every row")

    def parse_rows(self, response: Any) -> Any:
        """Return the outputs of :meth:`parse_row` for all rows."""
        rows = iter_rows(response, delimiter=self.delimiter, quotechar=self.quotechar, headers=self.headers)
        return self._handed_out(response, rows, self.parse_row)

    def _parse(self, response: Response, **kwargs: Any) -> Any:
        return self.parse_rows(self.adapt_response(response))


def iter_rows(
    response: Any, *, delimiter: str | None = None, quotechar: str | None = None, headers: Sequence[str] | None = None
) -> Iterator[dict[str, str]]:
    """Yield the rows of the CSV document *response*; one with too many or too few fields is left out, with a warning."""
    text = response.text if isinstance(response, TextResponse) else response.body.decode("utf-8", "replace")
    # A field of a document may be as long as the document; the module's limit is for all of the process.
    csv.field_size_limit(max(csv.field_size_limit(), min(len(text) + 1, sys.maxsize)))
    reader = csv.reader(
        io.StringIO(text.removeprefix("\ufeff"), newline=""), delimiter=delimiter or ",", quotechar=quotechar or '"'
    )
    names = list(headers) if headers else next(reader, [])
    for row in reader:
        if len(row) == len(names):
            yield dict(zip(names, row, strict=True))
        elif row:
            logger.warning(
                "Ignoring row %d of %s: it has %d fields, and not %d", reader.line_num, response, len(row), len(names)
            )
