"""FormRequest: what a browser sends when a form is submitted.

``from_response`` reads a form of a page and builds the request that a browser would: every control that is "successful" in
the sense of the HTML standard ("constructing the entry list"), in tree order, the clicked button among them, and
what the caller wants changed in their place.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import urlencode, urlsplit, urlunsplit

from parsel.csstranslator import HTMLTranslator

from crawler.http.request.request import Request
from crawler.url import join

if TYPE_CHECKING:
    from lxml.html import HtmlElement

    from crawler.http.response.text import TextResponse

Pairs = list[tuple[str, str]]
FormData = Mapping[str, Any] | Iterable[tuple[str, Any]] | None

_METHODS = ("GET", "POST")
_LINE_BREAK = re.compile(r"\r\n|\r|\n")
_NOT_SENT = ("image", "reset", "button", "submit", "file")


class FormRequest(Request):
    """A request that sends *formdata*: in the body of a POST, or as the query of a GET."""

    __slots__ = ()

    def __init__(self, *args: Any, formdata: FormData = None, **kwargs: Any) -> None:
        if formdata and kwargs.get("method") is None:
            kwargs["method"] = "POST"
        super().__init__(*args, **kwargs)
        if not formdata:
            return
        data = _urlencoded(formdata.items() if isinstance(formdata, Mapping) else formdata, self.encoding)
        if self.method == "POST":
            self.headers.setdefault("Content-Type", "application/x-www-form-urlencoded")
            self._body = data.encode("ascii")
        else:
            self._url = urlunsplit(urlsplit(self._url)._replace(query=data, fragment=""))

    @classmethod
    def from_response(
        cls,
        response: TextResponse,
        formname: str | None = None,
        formid: str | None = None,
        formnumber: int = 0,
        formdata: FormData = None,
        clickdata: dict[str, str | int] | None = None,
        dont_click: bool = False,
        formxpath: str | None = None,
        formcss: str | None = None,
        **kwargs: Any,
    ) -> Self:
        """Return the request of submitting a form of *response*.

        The form is found by name, id, XPath, CSS or number; *formdata* replaces the values of its controls (None leaves a
        control out); *clickdata* (attributes, or ``nr``) names the button that is clicked, by default the first one, unless
        *dont_click*. Raises ValueError if there is no such form or button.
        """
        if formcss is not None:
            formxpath = HTMLTranslator().css_to_xpath(formcss)
        kwargs.setdefault("encoding", response.encoding)
        form = _find_form(response, formname, formid, formnumber, formxpath)
        button = None if dont_click else _clicked(form, clickdata)
        given = list(formdata.items()) if isinstance(formdata, Mapping) else list(formdata or ())
        controls = _controls(form)
        entries = _entries(form, controls, {name for name, _ in given}, button)
        entries += [(name, value) for name, value in given if value is not None]
        method = kwargs.pop("method", None) or _attribute(form, button, "method") or "GET"
        return cls(
            url=kwargs.pop("url", None) or _action(response, form, button),
            method=method.upper() if method.upper() in _METHODS else "GET",
            formdata=entries,
            **kwargs,
        )


def _urlencoded(pairs: Iterable[tuple[str, Any]], encoding: str) -> str:
    flat = [
        (_bytes(name, encoding), _bytes(one, encoding))
        for name, value in pairs
        for one in (value if isinstance(value, list | tuple | set) else [value])
    ]
    return urlencode(flat)


def _bytes(value: Any, encoding: str) -> bytes:
    return value if isinstance(value, bytes) else str(value).encode(encoding, "xmlcharrefreplace")


def _find_form(
    response: TextResponse, name: str | None, identity: str | None, number: int, xpath: str | None
) -> HtmlElement:
    root: HtmlElement = response.selector.root
    forms: list[HtmlElement] = list(root.iter("form"))
    if not forms:
        raise ValueError(f"there is no <form> in {response}")
    for attribute, value in (("name", name), ("id", identity)):
        if value is not None:
            found = [form for form in forms if form.get(attribute) == value]
            if found:
                return found[0]
            known = ", ".join(repr(form.get(attribute)) for form in forms if form.get(attribute)) or "none has one"
            if xpath is None and number == 0:
                raise ValueError(f"no form with {attribute} {value!r} in {response} ({attribute}s: {known})")
    if xpath is not None:
        found_elements: Any = root.xpath(xpath)
        for found_element in found_elements:
            element: HtmlElement | None = found_element
            while element is not None:
                if getattr(element, "tag", None) == "form":
                    return element
                element = element.getparent()
        raise ValueError(f"no <form> is found by {xpath!r} in {response}")
    try:
        return forms[number]
    except IndexError:
        raise ValueError(f"there is no form number {number} in {response}, which has {len(forms)}") from None


def _controls(form: HtmlElement) -> list[HtmlElement]:
    """Return the controls of *form* in tree order: those inside, and those elsewhere that name it in ``form=``."""
    identity = form.get("id")
    root = form.getroottree().getroot()
    inside = set(form.iter("input", "select", "textarea", "button"))
    return [
        control
        for control in root.iter("input", "select", "textarea", "button")
        if (control.get("form") == identity if control.get("form") is not None else control in inside)
    ]


def _is_disabled(control: HtmlElement) -> bool:
    """Tell whether *control* is disabled, by itself or by a fieldset (other than in that fieldset's first legend)."""
    if control.get("disabled") is not None:
        return True
    child, parent = control, control.getparent()
    while parent is not None:
        if parent.tag == "fieldset" and parent.get("disabled") is not None:
            legend = parent.find("legend")
            if legend is None or legend is not child:
                return True
        child, parent = parent, parent.getparent()
    return False


def _is_suggestion(control: HtmlElement) -> bool:
    parent = control.getparent()
    return parent is not None and parent.tag == "datalist"


def _entries(form: HtmlElement, controls: list[HtmlElement], replaced: set[str], button: HtmlElement | None) -> Pairs:
    """Return what *form* sends, without what the caller replaces."""
    entries: Pairs = []
    for control in controls:
        name = control.get("name")
        if control is button:
            if name not in replaced:
                entries += _button_entries(control)
        elif name and name not in replaced and not _is_disabled(control) and not _is_suggestion(control):
            entries += [(name, value) for value in _values(control)]
    return entries


def _button_entries(button: HtmlElement) -> Pairs:
    name = button.get("name")
    if (button.get("type") or "").lower() == "image":
        prefix = f"{name}." if name else ""
        return [(f"{prefix}x", "0"), (f"{prefix}y", "0")]
    return [(name, button.get("value") or "")] if name else []


def _values(control: HtmlElement) -> list[str]:
    """Return the values that a control other than the clicked button sends."""
    if control.tag == "textarea":
        return [_LINE_BREAK.sub("\r\n", "".join(control.itertext()).removeprefix("\n"))]
    if control.tag == "select":
        return _selected(control)
    kind = (control.get("type") or "text").lower()
    if control.tag == "button" or kind in _NOT_SENT:
        return []
    if kind in ("checkbox", "radio"):
        return [control.get("value", "on")] if control.get("checked") is not None else []
    return [control.get("value") or ""]


def _selected(select: HtmlElement) -> list[str]:
    """Return the values of the chosen options; a drop-down without a choice has its first option chosen."""
    options = list(select.iter("option"))
    chosen = [option for option in options if option.get("selected") is not None]
    if select.get("multiple") is None:
        chosen = chosen[-1:] or [option for option in options if not _is_option_disabled(option)][:1]
    return [_option_value(option) for option in chosen if not _is_option_disabled(option)]


def _is_option_disabled(option: HtmlElement) -> bool:
    parent = option.getparent()
    in_disabled_group = parent is not None and parent.tag == "optgroup" and parent.get("disabled") is not None
    return option.get("disabled") is not None or in_disabled_group


def _option_value(option: HtmlElement) -> str:
    value = option.get("value")
    return value if value is not None else " ".join("".join(option.itertext()).split())


def _clicked(form: HtmlElement, clickdata: dict[str, str | int] | None) -> HtmlElement | None:
    """Return the button that is clicked: the one that *clickdata* describes, else the first."""
    buttons = [
        control
        for control in _controls(form)
        if (control.tag == "button" and (control.get("type") or "submit").lower() == "submit")
        or (control.tag == "input" and (control.get("type") or "").lower() in ("submit", "image"))
    ]
    if clickdata is None:
        return next((button for button in buttons if not _is_disabled(button)), None)
    number = clickdata.get("nr")
    if number is not None:
        try:
            return buttons[int(number)]
        except IndexError:
            raise ValueError(f"there is no button number {number}: the form has {len(buttons)}") from None
    found = [button for button in buttons if all(button.get(key) == str(value) for key, value in clickdata.items())]
    if len(found) == 1:
        return found[0]
    seen = ", ".join(f"{button.get('name')}={button.get('value')!r}" for button in found or buttons) or "none"
    problem = "several buttons fit" if found else "no button fits"
    raise ValueError(f"{problem} {clickdata!r}: {seen}")


def _attribute(form: HtmlElement, button: HtmlElement | None, name: str) -> str | None:
    """Return the attribute of the clicked button (``formaction``, ``formmethod``), else of the form."""
    if button is not None and button.get(f"form{name}") is not None:
        return button.get(f"form{name}")
    return form.get(name)


def _action(response: TextResponse, form: HtmlElement, button: HtmlElement | None) -> str:
    action = _attribute(form, button, "action")
    return join(response.base_url, action.strip()) if action and action.strip() else response.url
