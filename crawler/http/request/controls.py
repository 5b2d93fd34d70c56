"""The controls of a form, and what each of them sends: the HTML standard's "constructing the entry list".

    form = find_form(response, name="login")
    button = clicked(form, None)
    entries(form, button, charset="utf-8")      # [("user", ""), ("token", "x"), ("go", "Log in")]

Nothing here knows of requests: elements go in, names and values come out, in tree order. A control has the value that a page
shows right after it was loaded; no script has run, and nobody has typed anything.
"""

from __future__ import annotations

import logging
import math
import re
import unicodedata
from collections.abc import Container
from datetime import date
from typing import TYPE_CHECKING, Any

import webencodings

from crawler.http.sniff import codec_for

if TYPE_CHECKING:
    from lxml.etree import _Element

    from crawler.http.response.text import TextResponse

logger = logging.getLogger(__name__)

Entries = list[tuple[str, str]]

_WHITE_SPACE = " \t\n\r\x0c"
_LINE_BREAK = re.compile(r"\r\n|\r|\n")
_BLANKS = re.compile(f"[{_WHITE_SPACE}]+")

# Buttons that do something else than to send the form, or that were not clicked.
_BUTTONS = ("image", "reset", "button", "submit")

# The kinds of <input> whose direction may be sent along (dirname).
_WITH_DIRECTION = ("hidden", "text", "search", "tel", "url", "email", "password", "submit", "reset", "button")

_NUMBER = re.compile(r"-?(?:\d+(?:\.\d+)?|\.\d+)(?:[eE][+-]?\d+)?")
_TIME = r"(?:[01]\d|2[0-3]):[0-5]\d(?::[0-5]\d(?:\.\d{1,3})?)?"
_DAY = r"\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])"

# What a kind of <input> may hold; a browser empties one whose value is something else.
_FORMS = {
    "number": _NUMBER,
    "date": re.compile(_DAY),
    "month": re.compile(r"\d{4,}-(?:0[1-9]|1[0-2])"),
    "week": re.compile(r"\d{4}-W(?:0[1-9]|[1-4]\d|5[0-3])"),
    "time": re.compile(_TIME),
    "datetime-local": re.compile(f"{_DAY}[T ]{_TIME}"),
}

# How the standard spells the names of encodings that are not all capitals.
_CHARSETS = {"shift_jis": "Shift_JIS", "big5": "Big5", "gb18030": "gb18030", "macintosh": "macintosh"}


class NoFile(str):
    """What a control for files sends while none is chosen."""

    __slots__ = ()


# --- which form -------------------------------------------------------------------------------------------------------


def find_form(
    response: TextResponse,
    *,
    name: str | None = None,
    identity: str | None = None,
    number: int = 0,
    xpath: str | None = None,
) -> _Element:
    """Return the form of *response* with that name or id, else the one that *xpath* finds or is in, else that of *number*.

    Raises ValueError if there is no form or *xpath* finds none, IndexError if there are fewer.
    """
    root: Any = response.selector.root
    # By XPath, since a form behind </html> stands beside the root.
    forms: list[_Element] = list(root.xpath("//form")) if hasattr(root, "xpath") else []
    if not forms:
        raise ValueError(f"there is no <form> in {response}")
    for attribute, value in (("name", name), ("id", identity)):
        if value is not None:
            found = next((form for form in forms if form.get(attribute) == value), None)
            if found is not None:
                return found
            known = ", ".join(repr(form.get(attribute)) for form in forms if form.get(attribute)) or "none has one"
            logger.warning("No form has the %s %r in %s (%ss: %s)", attribute, value, response, attribute, known)
    if xpath is not None:
        for element in root.xpath(xpath):
            while element is not None:
                if getattr(element, "tag", None) == "form":
                    return element  # type: ignore[no-any-return]  # what an XPath finds may be anything
                element = element.getparent()
        raise ValueError(f"no <form> is found by {xpath!r} in {response}")
    try:
        return forms[number]
    except IndexError:
        raise IndexError(f"there is no form number {number} in {response}, which has {len(forms)}") from None


def controls(form: _Element) -> list[_Element]:
    """Return the controls of *form* in tree order: those inside, and those elsewhere that name it in ``form=``."""
    identity = form.get("id")
    inside = set(form.iter("input", "select", "textarea", "button"))
    everywhere: Any = form.xpath("//input | //select | //textarea | //button")
    return [
        control
        for control in everywhere
        if (control.get("form") == identity if control.get("form") is not None else control in inside)
    ]


def attribute(form: _Element, button: _Element | None, name: str) -> str | None:
    """Return an attribute of the clicked button (``formaction``, ``formmethod``), else of the form."""
    if button is not None and button.get(f"form{name}") is not None:
        return button.get(f"form{name}")
    return form.get(name)


def charset(form: _Element) -> str | None:
    """Return the encoding that *form* asks for, as Python names it; None for that of its page."""
    labels = (form.get("accept-charset") or "").split()
    return next((codec for codec in map(codec_for, labels) if codec is not None), None)


# --- which button -----------------------------------------------------------------------------------------------------


def clicked(form: _Element, clickdata: dict[str, str | int] | None) -> _Element | None:
    """Return the button that is clicked: the one that *clickdata* describes, else the first. Raise ValueError for none."""
    buttons = [
        control
        for control in controls(form)
        if (control.tag == "button" and _kind(control, "submit") not in ("button", "reset"))
        or (control.tag == "input" and _kind(control) in ("submit", "image"))
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


# --- what they send ---------------------------------------------------------------------------------------------------


def entries(form: _Element, button: _Element | None, *, charset: str, without: Container[str] = ()) -> Entries:
    """Return the names and values that *form* sends when *button* is clicked, but for the names in *without*."""
    mine = controls(form)
    chosen = _chosen(mine)
    found: Entries = []
    for control in mine:
        if control is not button and (_is_disabled(control) or _is_suggestion(control)):
            continue
        name = control.get("name") or ""
        if control is button and _kind(control, "submit") == "image":
            prefix = f"{name}." if name else ""
            sent = [(f"{prefix}x", "0"), (f"{prefix}y", "0")] if name not in without else []
        elif not name:
            sent = []
        else:
            values = [] if name in without else _values(control, button, chosen, charset)
            sent = [(name, value) for value in values]
        found += sent
        directed = control.get("dirname")
        if directed and directed not in without and _has_direction(control) and (sent or name in without):
            found.append((directed, _direction(control)))
    return [(_with_crlf(name), value if isinstance(value, NoFile) else _with_crlf(value)) for name, value in found]


def _with_crlf(text: str) -> str:
    return _LINE_BREAK.sub("\r\n", text) if "\n" in text or "\r" in text else text


def _kind(control: _Element, default: str = "text") -> str:
    return (control.get("type") or default).lower()


def _values(control: _Element, button: _Element | None, chosen: Container[_Element], encoding: str) -> list[str]:
    """Return the values that *control* sends."""
    if control.tag == "textarea":
        return ["".join(control.itertext()).removeprefix("\n")]
    if control.tag == "select":
        return _selected(control)
    kind = _kind(control, "submit" if control.tag == "button" else "text")
    if control is button:
        return [control.get("value") or ""]
    if control.tag == "button" or kind in _BUTTONS:
        return []
    if kind in ("checkbox", "radio"):
        return [control.get("value", "on")] if control in chosen else []
    if kind == "file":
        return [NoFile()]
    if kind == "hidden" and (control.get("name") or "").lower() == "_charset_":
        return [_charset_name(encoding)]
    return [_value(control, kind)]


def _chosen(controls: list[_Element]) -> set[_Element]:
    """Return the boxes that are ticked, and of the radio buttons of each name the last one."""
    ticked = [control for control in controls if control.tag == "input" and control.get("checked") is not None]
    radio = {control.get("name"): control for control in ticked if _kind(control) == "radio"}
    return {control for control in ticked if _kind(control) != "radio"} | set(radio.values())


def _value(control: _Element, kind: str) -> str:
    """Return the value of an <input> as a browser mends it for its kind."""
    value = control.get("value") or ""
    if kind == "hidden":
        return value
    if kind in _FORMS:
        return value.replace(" ", "T") if _FORMS[kind].fullmatch(value) and _is_in_calendar(value, kind) else ""
    if kind == "range":
        return _range(control, value)
    if kind == "color":
        return value.lower() if re.fullmatch(r"#[0-9A-Fa-f]{6}", value) else "#000000"
    value = value.replace("\r", "").replace("\n", "")
    if kind == "email" and control.get("multiple") is not None:
        return ",".join(one.strip(_WHITE_SPACE) for one in value.split(","))
    return value.strip(_WHITE_SPACE) if kind in ("url", "email") else value


def _is_in_calendar(value: str, kind: str) -> bool:
    """Tell whether the day or the week that *value* begins with exists."""
    try:
        if kind in ("date", "datetime-local"):
            date.fromisoformat(value[:10])
        elif kind == "week":
            date.fromisocalendar(int(value[:4]), int(value[6:]), 1)
    except ValueError:
        return False
    return True


def _range(control: _Element, value: str) -> str:
    """Return where the thumb of a slider stands: in the middle, unless a value says otherwise."""
    low, high = _number(control.get("min"), 0.0), _number(control.get("max"), 100.0)
    given = _number(value, low + (high - low) / 2 if high > low else low)
    given = max(low, min(high, given))
    step = _number(control.get("step"), 1.0)
    if step > 0 and (control.get("step") or "").lower() != "any":
        steps = math.floor((given - low) / step + 0.5)
        given = low + step * (steps if low + step * steps <= high or steps < 1 else steps - 1)
    return repr(int(given)) if given == int(given) else repr(given)


def _number(text: str | None, default: float) -> float:
    return float(text) if text is not None and _NUMBER.fullmatch(text) else default


def _selected(select: _Element) -> list[str]:
    """Return the values of the chosen options; a drop-down without a choice has its first option chosen."""
    options = list(select.iter("option"))
    chosen = [option for option in options if option.get("selected") is not None]
    if select.get("multiple") is None:
        size = select.get("size") or ""
        shows_one = not size.isdecimal() or int(size) < 2
        first = [option for option in options if not _is_option_disabled(option)][:1] if shows_one else []
        chosen = chosen[-1:] or first
    return [_option_value(option) for option in chosen if not _is_option_disabled(option)]


def _is_option_disabled(option: _Element) -> bool:
    parent = option.getparent()
    in_disabled_group = parent is not None and parent.tag == "optgroup" and parent.get("disabled") is not None
    return option.get("disabled") is not None or in_disabled_group


def _option_value(option: _Element) -> str:
    value = option.get("value")
    return value if value is not None else _BLANKS.sub(" ", "".join(option.itertext()).strip(_WHITE_SPACE))


def _is_disabled(control: _Element) -> bool:
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


def _is_suggestion(control: _Element) -> bool:
    return next(control.iterancestors("datalist"), None) is not None


def _has_direction(control: _Element) -> bool:
    return control.tag == "textarea" or (control.tag == "input" and _kind(control) in _WITH_DIRECTION)


def _direction(control: _Element) -> str:
    """Return "rtl" or "ltr": what ``dir`` says of *control* or the nearest element around it."""
    element: _Element | None = control
    while element is not None:
        told = (element.get("dir") or "").lower()
        if told in ("ltr", "rtl"):
            return told
        if told == "auto":
            text = (control.get("value") or "") if control.tag == "input" else "".join(control.itertext())
            strong = (unicodedata.bidirectional(character) for character in text)
            return "rtl" if next((one for one in strong if one in ("L", "R", "AL")), "L") != "L" else "ltr"
        if element is control and _kind(control) == "tel":
            return "ltr"
        element = element.getparent()
    return "ltr"


def _charset_name(encoding: str) -> str:
    """Return the name by which the web knows *encoding*."""
    known = webencodings.lookup(encoding)
    name = known.name if known is not None else encoding.lower()
    return name if name.startswith(("windows-", "x-")) else _CHARSETS.get(name, name.upper())
