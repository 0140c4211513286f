"""Figures in, one self-contained HTML page out: the report of a run, or the inspection of a table.

Nothing is loaded from anywhere: style, script and charts stand in the page, and its content security policy lets
nothing else run, whatever a label is called. The template engine escapes every value; `visible` shows what would
hide or reorder text.
"""

from __future__ import annotations

import base64
import difflib
import hashlib
import json
import re
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from evenly.report import charts, quality_charts, wording
from evenly.report.label_table import ROWS_A_PAGE, as_json, inspection_columns, report_columns
from evenly.report.templating import make_environment, read_template

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from jinja2 import Environment

    from evenly.report.label_table import Column

__all__ = ["render_inspection", "render_page"]

_PACKAGE = "evenly.report"
_MISSING = "\N{EN DASH}"
_MOST_CURVES = 6


def render_page(figures: Mapping[str, Any]) -> str:
    """Return the report as HTML.

    Parameters
    ----------
    figures
        From `evenly.report.figures.collect_figures`.
    """
    return _render("report.html", figures, _draw(figures), report_columns(figures))


def render_inspection(figures: Mapping[str, Any]) -> str:
    """Return the inspection of a table as HTML.

    Parameters
    ----------
    figures
        From `evenly.inspection.figures.collect_figures`.
    """
    return _render("inspection.html", figures, _draw_table(figures), inspection_columns(figures))


def _render(template: str, figures: Mapping[str, Any], drawn: Mapping[str, Any], columns: Sequence[Column]) -> str:
    script = read_template(_PACKAGE, "page.js")
    return (
        _environment()
        .get_template(template)
        .render(
            figures=figures,
            charts=drawn,
            columns=columns,
            label_data=as_json(columns, figures["labels"]),
            rows_a_page=ROWS_A_PAGE,
            wording=wording,
            style=Markup(read_template(_PACKAGE, "style.css")),  # noqa: S704 - our own file
            script=Markup(script),  # noqa: S704 - our own file
            script_hash=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
        )
    )


def _environment() -> Environment:
    environment = make_environment(_PACKAGE)
    environment.filters.update(number=_number, score=_score, share=_share, ratio=_ratio, whole=_whole, flat=_flatten)
    environment.filters.update(span=_span, signed=_signed)
    environment.globals.update(mark_new=mark_new)
    return environment


def _draw(figures: Mapping[str, Any]) -> dict[str, Any]:
    labels, training = figures["labels"], figures["training"]
    curves = list(training["curves"].items())[:_MOST_CURVES]
    return {
        **_draw_quality(figures),
        "n_epochs": max((len(each) for sides in training["curves"].values() for each in sides.values()), default=0),
        "counts": charts.label_counts_chart(labels, resampled=figures["resampling"]["method"] != "none"),
        "counts_are_named": len(labels) <= charts.MOST_NAMED_LABELS,
        "lengths": _draw_lengths(figures),
        "curves": [(name, charts.curve_chart(name, each, training["best_epoch"])) for name, each in curves],
        "dots_are_thinned": len(labels) > charts.MOST_DOTS,
        "f1_by_count": charts.score_by_count_chart(labels),
    }


_RECALLS = (0.1, 0.25, 0.5, 0.75, 0.9, 1.0)


def _draw_quality(figures: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str | None, dict[str, Any]] = {}
    for each in figures["pr_curves"]:
        found.setdefault(each["name"], {})[each["source"]] = each["points"]
    curves = [(_POOLED if name is None else name, each) for name, each in found.items()]
    bins = figures["calibration"]["bins"].get("test")
    return {
        "pr": [(name, quality_charts.pr_chart(name, each)) for name, each in curves],
        "pr_baseline": any("baseline" in each for _, each in curves),
        "pr_numbers": [
            (name, source, [_precision_at(points, recall) for recall in _RECALLS])
            for name, each in curves
            for source, points in each.items()
        ],
        "recalls": _RECALLS,
        "reliability": quality_charts.reliability_chart(bins) if bins else None,
        "thresholds": quality_charts.threshold_chart(figures["labels"]),
    }


_POOLED = "All labels"


def _precision_at(points: Sequence[Sequence[float]], recall: float) -> float | None:
    """Return the precision at the first point that finds as much."""
    return next((point[1] for point in points if point[0] >= recall), None)


def _draw_table(figures: Mapping[str, Any]) -> dict[str, Any]:
    labels = [{"name": label["name"], "before": label["rows"], "after": label["rows"]} for label in figures["labels"]]
    return {
        "counts": charts.label_counts_chart(labels, resampled=False, what="rows"),
        "counts_are_named": len(labels) <= charts.MOST_NAMED_LABELS,
        "lengths": _draw_lengths(figures),
    }


def _draw_lengths(figures: Mapping[str, Any]) -> Markup | None:
    histogram = figures["lengths"]["histogram"]
    return charts.length_chart(histogram) if histogram else None


def _number(value: float | None) -> str:
    return _MISSING if value is None else f"{value:,}"


def _score(value: float | None) -> str:
    if value is None:
        return _MISSING
    return f"{value:,}" if isinstance(value, int) else f"{value:.3f}"


def _span(ends: Sequence[float] | None) -> str:
    return _MISSING if ends is None else f"{ends[0]:.2f}\N{EN DASH}{ends[1]:.2f}"


def _signed(value: float) -> str:
    return f"{value:+.3f}".replace("-", "\N{MINUS SIGN}")


def _share(value: float | None) -> str:
    return _MISSING if value is None else f"{value:.1%}".replace("%", "\N{NO-BREAK SPACE}%")


def _ratio(value: float | None) -> str:
    return _MISSING if value is None else f"{value:,.1f}"


def _whole(value: float | None) -> str:
    return _MISSING if value is None else f"{value:,.0f}"


def _flatten(value: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    """Yield dotted names and the JSON text of each setting."""
    for name, inner in value.items():
        if isinstance(inner, dict) and inner:
            yield from _flatten(inner, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", inner if isinstance(inner, str) else json.dumps(inner, ensure_ascii=False)


def mark_new(text: str, seed: str) -> list[tuple[str, bool]]:
    """Return the pieces of a text and whether they are not those of the text that it was made from."""
    words, old = re.findall(r"\s*\S+", text), re.findall(r"\s*\S+", seed)
    matcher = difflib.SequenceMatcher(
        None, [word.strip() for word in old], [word.strip() for word in words], autojunk=False
    )
    pieces: list[tuple[str, bool]] = []
    for kind, _, _, start, end in matcher.get_opcodes():
        piece = "".join(words[start:end])
        bare = piece.lstrip()
        pieces += [(piece[: len(piece) - len(bare)], False), (bare, kind != "equal")]
    return [(piece, new) for piece, new in pieces if piece]
