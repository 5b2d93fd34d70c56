"""Charts as SVG: no script, no font, no colour of their own but the page's, readable in print."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

WIDTH, HEIGHT = 720, 180
_LEFT, _BOTTOM, _TOP = 48, 24, 8


def _frame(label: str, content: str, *, most: float, left: str, right: str, unit: str) -> str:
    """Return the SVG around *content*, with its axis."""
    top = f"{most:,.0f}" if most >= 10 or most == int(most) else f"{most:,.2g}"
    return (
        f'<svg class="chart" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(label)}">'
        f"<title>{escape(label)}</title>"
        f'<line class="axis" x1="{_LEFT}" y1="{HEIGHT - _BOTTOM}" x2="{WIDTH}" y2="{HEIGHT - _BOTTOM}"/>'
        f'<text x="{_LEFT - 6}" y="{_TOP + 10}" text-anchor="end">{top}</text>'
        f'<text x="{_LEFT - 6}" y="{_TOP + 24}" text-anchor="end">{escape(unit)}</text>'
        f'<text x="{_LEFT - 6}" y="{HEIGHT - _BOTTOM}" text-anchor="end">0</text>'
        f'<text x="{_LEFT}" y="{HEIGHT - 6}">{escape(left)}</text>'
        f'<text x="{WIDTH}" y="{HEIGHT - 6}" text-anchor="end">{escape(right)}</text>'
        f"{content}</svg>"
    )


def line(values: Sequence[float], label: str, *, left: str, right: str, unit: str, kind: str = "one") -> str:
    """Return a chart of *values* over time, as an area with its line."""
    most = max(values, default=0.0) or 1.0
    step = (WIDTH - _LEFT) / max(1, len(values) - 1)
    high = HEIGHT - _BOTTOM - _TOP
    points = [
        f"{_LEFT + place * step:.1f},{_TOP + high * (1 - value / most):.1f}" for place, value in enumerate(values)
    ]
    base = HEIGHT - _BOTTOM
    area = f"{_LEFT},{base} {' '.join(points)} {_LEFT + step * max(0, len(values) - 1):.1f},{base}"
    content = (
        f'<polygon class="area {kind}" points="{area}"/><polyline class="line {kind}" points="{" ".join(points)}"/>'
    )
    return _frame(label, content, most=most, left=left, right=right, unit=unit)


def bars(values: Sequence[tuple[str, float]], label: str, *, left: str, right: str, unit: str) -> str:
    """Return a chart of *values*, each (what it is, how much), as bars beside each other."""
    most = max((value for _, value in values), default=0.0) or 1.0
    step = (WIDTH - _LEFT) / max(1, len(values))
    high = HEIGHT - _BOTTOM - _TOP
    drawn = []
    for place, (name, value) in enumerate(values):
        tall = high * value / most
        drawn.append(
            f'<rect class="bar" x="{_LEFT + place * step + 0.5:.1f}" y="{HEIGHT - _BOTTOM - tall:.1f}" '
            f'width="{max(0.5, step - 1):.1f}" height="{tall:.1f}"><title>{escape(name)}: {value:,.0f}</title></rect>'
        )
    return _frame(label, "".join(drawn), most=most, left=left, right=right, unit=unit)


def share(part: float) -> str:
    """Return a small bar that is filled to *part* (0 to 1)."""
    width = 100 * min(1.0, max(0.0, part))
    return (
        '<svg class="share" viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true">'
        f'<rect class="rest" width="100" height="8"/><rect class="bar" width="{width:.1f}" height="8"/></svg>'
    )
