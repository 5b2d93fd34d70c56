"""Show a response in a web browser, as the spider got it.

The page goes into a temporary file that only its user can read. A ``<base>`` is put in, so that its links, images and styles are
found where they are on the site; the text is that of ``response.text``, whatever encoding the page came in.
"""

from __future__ import annotations

import html
import mimetypes
import os
import tempfile
import webbrowser
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from crawler.http.response import HtmlResponse, TextResponse

if TYPE_CHECKING:
    from crawler.http.response import Response


def open_in_browser(response: Response, _openfunc: Callable[[str], Any] = webbrowser.open) -> Any:
    """Open *response* in the web browser of this machine; return what *_openfunc* does with the file's URL.

    The file stays, in the folder for temporary files: the browser reads it when it likes. It can be read by its owner alone.
    """
    descriptor, name = tempfile.mkstemp(prefix="crawler-", suffix=_suffix(response))  # with mode 0600
    with os.fdopen(descriptor, "wb") as file:
        file.write(viewable(response))
    return _openfunc(Path(name).as_uri())


def viewable(response: Response) -> bytes:
    """Return the body as a browser can show it from a file: HTML in UTF-8 and with a ``<base>``, all else as it is."""
    if not isinstance(response, HtmlResponse):
        return response.body
    text, base = response.text, html.escape(response.base_url)
    place = _place_of_base(text)
    # The byte order mark counts more than what the page says of its encoding, which is true of it no more.
    return f'\ufeff{text[:place]}<base href="{base}">{text[place:]}'.encode("utf-8", "replace")


def _place_of_base(text: str) -> int:
    """Return where a ``<base>`` may stand: behind the doctype, which must come first; browsers move it into the head.

    Looks at what stands before the first element only, each character once: a page cannot make it slow.
    """
    place = 0
    while True:
        start = place
        while start < len(text) and text[start].isspace():
            start += 1
        if text.startswith("<!--", start):
            end = text.find("-->", start + 4)
            place, again = end + 3, True
        elif text.startswith("<?", start):
            end = text.find(">", start)
            place, again = end + 1, True
        elif text[start : start + 9].lower() == "<!doctype":
            end = text.find(">", start)
            place, again = end + 1, False
        else:
            return place
        if end < 0:
            return start
        if not again:
            return place


def _suffix(response: Response) -> str:
    """Return the extension by which a browser knows what is in the file."""
    if isinstance(response, HtmlResponse):
        return ".html"
    kind = (response.headers.get(b"Content-Type") or b"").decode("latin-1").partition(";")[0].strip().lower()
    return mimetypes.guess_extension(kind) or (".txt" if isinstance(response, TextResponse) else ".bin")
