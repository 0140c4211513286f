"""Differences in, a drawing out: a dot with its 95 % interval for each strategy, zero marked, in points.

Black and white do: what is established after Holm's correction is a filled dot, the others are rings.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from evenly.comparison.recommendation import LEVEL, metric_title, shown_points
from evenly.report.drawing import NARROW, WIDE, Spec, draw_both, draw_one, sized
from evenly.report.visible import clip_width, visible

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from markupsafe import Markup

__all__ = ["difference_chart"]

_POINTS = 100


def difference_chart(rows: Sequence[Mapping[str, Any]], metric: str, reference: str, *, large: bool) -> Markup | None:
    """Draw the differences of a measure from the reference; None where no strategy has one.

    Parameters
    ----------
    rows
        Strategies as `evenly.comparison.figures` documents them.
    metric
        Which measure.
    reference
        What they differ from.
    large
        Across the page, or one of several side by side.
    """
    dots = [_dot(order, row, metric) for order, row in enumerate(rows) if metric in row["differences"]]
    if not dots:
        return None
    about = (
        f"Dot chart: difference in {metric_title(metric)} from {visible(reference)}, in points, with 95 % intervals: "
        f"{'; '.join(_describe(dot) for dot in dots)}."
    )
    if large:
        return draw_both(lambda width: _forest(dots, width), about)
    return draw_one(_forest(dots, NARROW), about, "chart")


def _dot(order: int, row: Mapping[str, Any], metric: str) -> dict[str, Any]:
    found = row["differences"][metric]
    value = _POINTS * found["value"]
    known = found["low"] is not None
    p = found.get("p_holm")
    return {
        "order": order,
        "name": visible(row["name"]),
        "value": value,
        "low": _POINTS * found["low"] if known else value,
        "high": _POINTS * found["high"] if known else value,
        "established": p is not None and p < LEVEL,
        "shown": shown_points(found["value"]),
    }


def _describe(dot: Mapping[str, Any]) -> str:
    return f"{dot['name']} {dot['shown']} ({dot['low']:.1f} to {dot['high']:.1f})"


def _forest(dots: Sequence[Mapping[str, Any]], width: int) -> Spec:
    left, right = (190, 64) if width == WIDE else (104, 52)
    shown = [dict(dot) | {"name": clip_width(dot["name"], left // 8)} for dot in dots]
    row = {"field": "order", "type": "ordinal", "sort": None, "axis": None}
    ends = [min(0.0, *(dot["low"] for dot in dots)), max(0.0, *(dot["high"] for dot in dots))]
    margin = max(0.05 * (ends[1] - ends[0]), 0.1)
    scale = {"domain": [ends[0] - margin, ends[1] + margin], "nice": False}
    across: Spec = {"field": "low", "type": "quantitative", "scale": scale}
    across["axis"] = {"title": "points", "tickCount": 5}
    value = across | {"field": "value"}
    end = width - left - right + 8
    layers: list[Spec] = [
        {"mark": {"type": "rule", "color": "var(--muted)", "strokeDash": [2, 3]}, "encoding": {"x": {"datum": 0}}},
        {"mark": {"type": "rule", "color": "var(--series)", "strokeWidth": 2},
         "encoding": {"y": row, "x": across, "x2": {"field": "high"}}},
        _points(row, value, established=False),
        _points(row, value, established=True),
        _text(row, "name", -8, "right", "var(--ink)"),
        _text(row, "shown", end, "left", "var(--muted)"),
    ]  # fmt: skip
    size = sized(width, {"left": left, "right": right, "top": 6, "bottom": 42}, {"step": 26})
    return size | {"data": {"values": shown}, "layer": layers}


def _points(row: Spec, value: Spec, *, established: bool) -> Spec:
    fill = "var(--series)" if established else "var(--card)"
    mark = {"type": "point", "size": 70, "fill": fill, "stroke": "var(--series)", "strokeWidth": 2, "opacity": 1}
    return {
        "transform": [{"filter": f"datum.established === {str(established).lower()}"}],
        "mark": mark,
        "encoding": {"y": row, "x": value},
    }


def _text(row: Spec, field: str, at: float, align: str, color: str) -> Spec:
    return {
        "mark": {"type": "text", "align": align, "baseline": "middle", "fontSize": 12, "color": color},
        "encoding": {"y": row, "x": {"value": at}, "text": {"field": field}},
    }
