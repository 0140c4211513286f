"""Vega-Lite specifications in, static SVG out: the ground that every chart stands on.

Colours are CSS variables, so that one drawing serves light, dark and print; vl-convert draws them with no browser,
no network and no script.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["BELOW_ONE", "NARROW", "WIDE", "Spec", "axis", "draw_both", "draw_one", "log_counts", "round_steps", "sized"]

WIDE, NARROW = 760, 350
BELOW_ONE = 0.7
"""Where a logarithmic axis of counts begins, so that a count of 1 can be seen."""

Spec = dict[str, Any]


def draw_both(draw: Callable[[int], Spec], about: str) -> Markup:
    """Draw for a desk and for a phone; `draw` takes the width in pixels."""
    return draw_one(draw(WIDE), about, "chart wide") + draw_one(draw(NARROW), about, "chart narrow")


def draw_one(spec: Spec, about: str, classes: str) -> Markup:
    """Convert a Vega-Lite specification and give the drawing its text alternative."""
    import vl_convert

    svg = vl_convert.vegalite_to_svg(spec | _LOOK, allowed_base_urls=[])
    head, body = svg.split(">", 1)
    box = head[head.index('viewBox="') :]
    opening = Markup('<svg xmlns="http://www.w3.org/2000/svg" class="{}" role="img" aria-label="{}" ')
    return opening.format(classes, about) + Markup(f"{box}>{body}")  # noqa: S704 - Vega escapes the texts it draws


_LOOK: Spec = {
    "autosize": "none",
    "background": "transparent",
    "config": {
        "aria": False,
        "font": "sans-serif",
        "view": {"stroke": None},
        "axis": {
            "labelColor": "var(--muted)",
            "titleColor": "var(--muted)",
            "gridColor": "var(--line)",
            "domainColor": "var(--line)",
            "ticks": False,
            "labelFontSize": 12,
            "titleFontSize": 12,
            "titleFontWeight": "normal",
            "labelOverlap": False,
            "labelPadding": 6,
        },
    },
}


def sized(width: int, padding: dict[str, int], height: int | Spec) -> Spec:
    """Return the size of a drawing of `width` pixels in all."""
    return {"width": width - padding["left"] - padding["right"], "height": height, "padding": padding}


def log_counts(field: str, largest: float, title: str | None = None, *, smallest: float = 1) -> Spec:
    """Return an encoding by the logarithm, its grid at the powers of ten."""
    first = int(math.log10(max(smallest, 1)))
    top = max(largest * 1.1, 2.0 * 10**first)
    ticks = [10**power for power in range(first, int(math.log10(top)) + 1)]
    scale = {"type": "log", "domain": [BELOW_ONE * 10**first, top], "nice": False}
    return {"field": field, "type": "quantitative", "scale": scale, "axis": axis(ticks, title) | {"format": ",d"}}


def axis(values: Sequence[float], title: str | None) -> Spec:
    """Return an axis with its grid at `values`."""
    return {"values": list(values), "title": title}


def round_steps(largest: int) -> list[int]:
    """Return 1 and up to six round numbers up to `largest`."""
    raw = max(1.0, largest / 6)
    power = 10 ** math.floor(math.log10(raw))
    step = math.ceil(min(factor for factor in (1, 2, 5, 10) if factor * power >= raw) * power)
    return [1, *(value for value in range(step, largest + 1, step) if value > 1)]
