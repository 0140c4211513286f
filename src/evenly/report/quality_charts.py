"""Figures in, drawings of how good a model is out: precision over recall, and scores against what came true.

They stand on `evenly.report.drawing`, as all charts do; lines differ in dash as well as in colour.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from evenly.report.drawing import NARROW, Spec, axis, draw_one, sized
from evenly.report.visible import visible

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from markupsafe import Markup

__all__ = ["pr_chart", "reliability_chart", "threshold_chart"]

_TICKS = [0, 0.2, 0.4, 0.6, 0.8, 1]
_PADDING = {"left": 58, "right": 12, "top": 8, "bottom": 44}
_N_BARS = 15


def pr_chart(name: str, curves: Mapping[str, Sequence[Sequence[float]]]) -> Markup:
    """Draw precision over recall: `curves` has ``model`` and, beside it, ``baseline``; points of recall, precision."""
    about = f"Line chart: precision over recall, {visible(name)}; {'; '.join(_tell(*each) for each in curves.items())}."
    rows = [
        {"recall": point[0], "precision": point[1], "curve": source}
        for source, points in curves.items()
        for point in _closed(points)
    ]
    across, up = _unit("recall"), _unit("precision")
    layers = [
        _line("baseline", across, up, {"color": "var(--strong-soft)", "strokeDash": [5, 4]}),
        _line("model", across, up, {"color": "var(--series)"}),
    ]
    return draw_one(sized(NARROW, _PADDING, 200) | {"data": {"values": rows}, "layer": layers}, about, "chart")


def _closed(points: Sequence[Sequence[float]]) -> list[Sequence[float]]:
    """Begin the curve at recall 0, at the precision of its first point."""
    return [(0.0, points[0][1]), *points] if points else []


def _tell(source: str, points: Sequence[Sequence[float]]) -> str:
    if not points:
        return f"{source} unknown"
    middle = min(points, key=lambda point: abs(point[0] - 0.5))
    end = points[-1]
    return f"{source} has precision {middle[1]:.2f} at recall {middle[0]:.2f} and {end[1]:.2f} at {end[0]:.2f}"


def _unit(field: str) -> Spec:
    titled = axis(_TICKS, field) | {"format": ".1f", "titlePadding": 9}
    return {"field": field, "type": "quantitative", "scale": {"domain": [0, 1]}, "axis": titled}


def _line(name: str, across: Spec, up: Spec, look: Spec) -> Spec:
    return {
        "transform": [{"filter": f"datum.curve === '{name}'"}],
        "mark": {"type": "line", "strokeWidth": 2, "interpolate": "linear"} | look,
        "encoding": {"x": across, "y": up, "order": {"field": "recall"}},
    }


def reliability_chart(bins: Sequence[Mapping[str, Any]]) -> Markup:
    """Draw the share of right cells over the mean score of each bin, beside the diagonal of a calibrated model."""
    fullest = max(bins, key=lambda each: each["n"])
    about = (
        f"Scatter chart: share that is right over mean score, {len(bins)} bins; the fullest, of {fullest['n']:,} "
        f"scores, has {fullest['share_right']:.2f} right at a mean score of {fullest['mean_score']:.2f}."
    )
    across, up = _unit("score"), _unit("right")
    across["axis"]["title"], up["axis"]["title"] = "mean score", "share right"
    diagonal = {
        "data": {"values": [{"score": 0, "right": 0}, {"score": 1, "right": 1}]},
        "mark": {"type": "line", "color": "var(--muted)", "strokeDash": [1, 3], "strokeWidth": 1.5},
        "encoding": {"x": across, "y": up},
    }
    rows = [{"score": each["mean_score"], "right": each["share_right"]} for each in bins]
    dots = {"size": 40, "color": "var(--series)"}
    own = {
        "data": {"values": rows},
        "mark": {
            "type": "line",
            "color": "var(--series)",
            "strokeWidth": 2,
            "point": dots,
        },
        "encoding": {"x": across, "y": up},
    }
    return draw_one(sized(NARROW, _PADDING, 200) | {"layer": [diagonal, own]}, about, "chart")


def threshold_chart(labels: Sequence[Mapping[str, Any]]) -> Markup | None:
    """Draw how many labels have a threshold of which height; None where no label has one."""
    heights = [label["threshold"] for label in labels if label["threshold"] is not None]
    if len(heights) < 2:  # noqa: PLR2004 - one threshold needs no chart
        return None
    counts = [0] * _N_BARS
    for height in heights:
        counts[min(int(max(height, 0.0) * _N_BARS), _N_BARS - 1)] += 1
    rows = [{"from": at / _N_BARS, "to": (at + 1) / _N_BARS, "labels": count} for at, count in enumerate(counts)]
    ordered = sorted(heights)
    about = (
        f"Bar chart: labels by their threshold, from {ordered[0]:.2f} to {ordered[-1]:.2f}, "
        f"half of them below {ordered[len(ordered) // 2]:.2f}."
    )
    across: Spec = {"field": "from", "type": "quantitative", "scale": {"domain": [0, 1]}}
    across["axis"] = axis(_TICKS, "threshold") | {"format": ".1f"}
    up = {"field": "labels", "type": "quantitative", "axis": {"title": "labels", "tickCount": 4, "format": ",d"}}
    bars = {"type": "bar", "color": "var(--series)", "stroke": "var(--card)"}
    spec = {
        "data": {"values": rows},
        "mark": bars,
        "encoding": {"x": across, "x2": {"field": "to"}, "y": up, "y2": {"datum": 0}},
    }
    return draw_one(sized(NARROW, _PADDING, 140) | spec, about, "chart")
