"""Figures in, static SVG out: drawn by Vega-Lite inside vl-convert, with no browser, no network and no script.

Every chart is drawn twice, for a desk and for a phone; the style sheet shows one of them. Colours are CSS variables,
so that one drawing serves light, dark and print. Sizes are fixed and no layout depends on measured text, so that the
same figures give the same bytes on every machine. Light and dark of the two series differ enough for black and white.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from evenly.report.drawing import (
    BELOW_ONE,
    NARROW,
    WIDE,
    Spec,
    axis,
    draw_both,
    draw_one,
    log_counts,
    round_steps,
    sized,
)
from evenly.report.visible import clip_width, visible

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from markupsafe import Markup

__all__ = [
    "MOST_DOTS",
    "MOST_NAMED_LABELS",
    "curve_chart",
    "label_counts_chart",
    "length_chart",
    "name_range",
    "score_by_count_chart",
]

MOST_NAMED_LABELS = 45
_MOST_STEPS = 250
MOST_DOTS = 250


def label_counts_chart(labels: Sequence[Mapping[str, Any]], *, resampled: bool, what: str = "train rows") -> Markup:
    """Draw the rows of every label, most frequent first, on a logarithmic scale.

    Up to `MOST_NAMED_LABELS` labels are bars with names; more are two steps over their ranks.

    Parameters
    ----------
    labels
        With `name`, `before` and `after`.
    resampled
        Whether there is an after to show.
    what
        What is counted, for those who cannot see it.
    """
    ordered = sorted(labels, key=lambda label: -label["before"])
    about = _describe_counts(ordered, what, resampled=resampled)
    if len(ordered) <= MOST_NAMED_LABELS:
        return draw_both(lambda width: _named_bars(ordered, width, resampled=resampled), about)
    return draw_both(lambda width: _ranked_steps(ordered, width, resampled=resampled), about)


def length_chart(histogram: Sequence[Mapping[str, int]]) -> Markup:
    """Draw how many rows have how many words.

    Parameters
    ----------
    histogram
        With `first` and `last` length and `rows` of each range, at least one.
    """
    commonest = max(histogram, key=lambda each: each["rows"])
    about = (
        f"Bar chart: rows by the number of their words, from {histogram[0]['first']:,} to {histogram[-1]['last']:,} "
        f"words; most have {name_range(commonest)}."
    )
    return draw_both(lambda width: _columns(histogram, width), about)


def name_range(each: Mapping[str, int]) -> str:
    """Return the words of one range of lengths, such as 5–9."""
    first, last = each["first"], each["last"]
    return f"{first:,}" if first == last else f"{first:,}\N{EN DASH}{last:,}"


def curve_chart(metric: str, curves: Mapping[str, Sequence[float | None]], best_epoch: int | None) -> Markup:
    """Draw one metric over the epochs: `curves` has ``train``, ``validation`` or both; the best epoch is marked."""
    ends = ", ".join(f"{name} {_ends(values)}" for name, values in curves.items())
    n_epochs = max(len(values) for values in curves.values())
    about = f"Line chart: {visible(metric)} over {n_epochs} epochs; {ends}."
    return draw_one(_curves(curves, best_epoch), about, "chart")


def score_by_count_chart(labels: Sequence[Mapping[str, Any]]) -> Markup:
    """Draw a dot for each label: its F1 on the test split (`f1`) over its train rows (`before`)."""
    dots = [
        {"rows": max(label["before"], BELOW_ONE), "f1": label["f1"], "order": order}
        for order, label in enumerate(labels)
        if label["f1"] is not None
    ]
    step = max(1, math.ceil(len(dots) / MOST_DOTS))
    shown = sorted(dots, key=lambda dot: (dot["rows"], dot["order"]))[::step]
    about = (
        f"Scatter chart: F1 on the test split over train rows, a dot a label, {len(shown):,} of {len(dots):,} "
        f"labels. The numbers stand in the table of labels."
    )
    return draw_both(lambda width: _scatter(shown, width), about)


def _named_bars(ordered: Sequence[Mapping[str, Any]], width: int, *, resampled: bool) -> Spec:
    left, right = (200, 110) if width == WIDE else (126, 84)
    if not resampled:
        right = 60
    rows = [_bar_row(order, label, left, resampled=resampled) for order, label in enumerate(ordered)]
    row = {"field": "order", "type": "ordinal", "sort": None, "axis": None}
    end = width - left - right + 8
    layers = [
        _bars("before", row, rows, thickness=13, color="var(--soft)" if resampled else "var(--series)"),
        _text(row, "name", -8, "right", "var(--ink)"),
        _text(row, "counts", end, "left", "var(--muted)"),
    ]
    if resampled:
        layers.insert(1, _bars("after", row, rows, thickness=5, color="var(--series)"))
    return sized(width, {"left": left, "right": right, "top": 4, "bottom": 26}, {"step": 19}) | {
        "data": {"values": rows},
        "layer": layers,
    }


def _bar_row(order: int, label: Mapping[str, Any], left: int, *, resampled: bool) -> dict[str, Any]:
    before, after = label["before"], label["after"]
    changed = resampled and before != after
    return {
        "order": order,
        "name": clip_width(visible(label["name"]), left // 8),
        "before": max(before, BELOW_ONE),
        "after": max(after, BELOW_ONE),
        "counts": f"{before:,} \N{RIGHTWARDS ARROW} {after:,}" if changed else f"{before:,}",
    }


def _bars(field: str, row: Spec, rows: Sequence[Mapping[str, Any]], *, thickness: int, color: str) -> Spec:
    largest = max((max(each["before"], each["after"]) for each in rows), default=1)
    return {
        "mark": {"type": "bar", "size": thickness, "color": color},
        "encoding": {"y": row, "x": log_counts(field, largest), "x2": {"datum": BELOW_ONE}},
    }


def _text(row: Spec, field: str, at: float, align: str, color: str) -> Spec:
    return {
        "mark": {"type": "text", "align": align, "baseline": "middle", "fontSize": 12, "color": color},
        "encoding": {"y": row, "x": {"value": at}, "text": {"field": field}},
    }


def _ranked_steps(ordered: Sequence[Mapping[str, Any]], width: int, *, resampled: bool) -> Spec:
    step = max(1, math.ceil(len(ordered) / _MOST_STEPS))
    rows = [
        {"rank": rank, "before": max(label["before"], BELOW_ONE), "after": max(label["after"], BELOW_ONE)}
        for rank, label in enumerate(ordered, start=1)
        if (rank - 1) % step == 0 or rank == len(ordered)
    ]
    largest = max(max(row["before"], row["after"]) for row in rows)
    across = {"field": "rank", "type": "quantitative", "axis": axis(round_steps(len(ordered)), _RANK_TITLE)}
    across["scale"] = {"domain": [1, len(ordered)], "nice": False}

    def up(field: str) -> Spec:
        return log_counts(field, largest)

    layers: list[Spec] = [
        {
            "mark": {"type": "area", "interpolate": "step", "color": "var(--soft)"},
            "encoding": {"x": across, "y": up("before"), "y2": {"datum": BELOW_ONE}},
        }
    ]
    if resampled:
        line = {"type": "line", "interpolate": "step", "color": "var(--series)", "strokeWidth": 1.5}
        layers.append({"mark": line, "encoding": {"x": across, "y": up("after")}})
    return sized(width, {"left": 56, "right": 14, "top": 8, "bottom": 44}, 240) | {
        "data": {"values": rows},
        "layer": layers,
    }


_RANK_TITLE = "labels, most frequent first"


def _columns(histogram: Sequence[Mapping[str, int]], width: int) -> Spec:
    rows = [{"order": order, "rows": each["rows"]} for order, each in enumerate(histogram)]
    across: Spec = {"field": "order", "type": "ordinal", "sort": None}
    across["axis"] = {"title": "words", "labelAngle": 0, "labelExpr": _starts(histogram), "grid": False}
    up = {"field": "rows", "type": "quantitative", "axis": {"title": None, "tickCount": 4, "format": ",d"}}
    return sized(width, {"left": 56, "right": 12, "top": 8, "bottom": 44}, 170) | {
        "data": {"values": rows},
        "mark": {"type": "bar", "color": "var(--series)"},
        "encoding": {"x": across, "y": up},
    }


def _starts(histogram: Sequence[Mapping[str, int]]) -> str:
    """Return the Vega expression that names a column by the shortest length in it."""
    starts = [_short(each["first"]) for each in histogram]
    return f"{starts}[datum.value]"


def _short(count: int) -> str:
    return f"{count // 1000}k" if count >= 1000 else str(count)  # noqa: PLR2004 - what k stands for


def _curves(curves: Mapping[str, Sequence[float | None]], best_epoch: int | None) -> Spec:
    rows: list[dict[str, Any]] = [
        {"epoch": epoch, "value": value, "curve": name}
        for name, values in curves.items()
        for epoch, value in enumerate(values, start=1)
        if value is not None
    ]
    n_epochs = max((row["epoch"] for row in rows), default=1)
    across: Spec = {"field": "epoch", "type": "quantitative", "axis": axis(round_steps(n_epochs), "epoch")}
    across["scale"] = {"domain": [1, max(n_epochs, 2)], "nice": False}
    up = {"field": "value", "type": "quantitative", "axis": {"title": None, "tickCount": 4}}
    up["scale"] = {"zero": False, "nice": True}
    layers: list[Spec] = [
        _curve("train", across, up, {"color": "var(--strong-soft)", "strokeDash": [5, 4]}),
        _curve("validation", across, up, {"color": "var(--series)"}),
    ]
    if best_epoch is not None:
        rule = {"type": "rule", "color": "var(--muted)", "strokeDash": [1, 3], "strokeWidth": 1.5}
        layers.insert(0, {"mark": rule, "encoding": {"x": across | {"field": None, "datum": best_epoch}}})
        layers[0]["encoding"]["x"].pop("field")
    return sized(NARROW, {"left": 56, "right": 12, "top": 8, "bottom": 44}, 170) | {
        "data": {"values": rows},
        "layer": layers,
    }


def _curve(name: str, across: Spec, up: Spec, look: Spec) -> Spec:
    return {
        "transform": [{"filter": f"datum.curve === '{name}'"}],
        "mark": {"type": "line", "strokeWidth": 2, "point": {"size": 14, "filled": True, "color": look["color"]}}
        | look,
        "encoding": {"x": across, "y": up},
    }


def _scatter(dots: Sequence[Mapping[str, Any]], width: int) -> Spec:
    counts = [dot["rows"] for dot in dots] or [1]
    across = log_counts("rows", max(counts), "train rows of the label (log scale)", smallest=min(counts))
    up = {"field": "f1", "type": "quantitative", "scale": {"domain": [0, 1]}}
    up["axis"] = axis([0, 0.2, 0.4, 0.6, 0.8, 1], None) | {"format": ".1f"}
    mark = {"type": "circle", "size": 80, "color": "var(--series)", "opacity": 0.55, "stroke": "var(--card)"}
    return sized(width, {"left": 40, "right": 16, "top": 10, "bottom": 44}, 230) | {
        "data": {"values": list(dots)},
        "mark": mark,
        "encoding": {"x": across, "y": up},
    }


def _describe_counts(ordered: Sequence[Mapping[str, Any]], what: str, *, resampled: bool) -> str:
    if not ordered:
        return "Bar chart: there are no labels."
    first, last = ordered[0], ordered[-1]
    text = (
        f"Bar chart, logarithmic scale: {what} of {len(ordered):,} labels, from {visible(first['name'])} "
        f"({first['before']:,}) to {visible(last['name'])} ({last['before']:,})"
    )
    if resampled:
        text += f"; after resampling {first['after']:,} and {last['after']:,}"
    return f"{text}. The numbers stand in the table of labels."


def _ends(values: Sequence[float | None]) -> str:
    known = [value for value in values if value is not None]
    return f"from {known[0]:.3g} to {known[-1]:.3g}" if known else "unknown"
