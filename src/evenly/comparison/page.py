"""The figures of a comparison in, one self-contained HTML page out, in the dress of the report.

Nothing is loaded and nothing runs: the page has no script at all, and its content security policy allows none. The
template engine escapes every value; `visible` shows what would hide or reorder text.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from evenly import __version__
from evenly.comparison.forest import difference_chart
from evenly.comparison.recommendation import LEVEL, metric_title, shown_points
from evenly.report.templating import make_environment, read_template
from evenly.report.wording import TASKS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from jinja2 import Environment

__all__ = ["render_comparison"]

_MISSING = "\N{EN DASH}"


def render_comparison(figures: Mapping[str, Any]) -> str:
    """Return the page.

    Parameters
    ----------
    figures
        From `evenly.comparison.figures.collect_figures`.
    """
    rows = [*figures["strategies"], *([figures["baseline"]] if figures["baseline"] else [])]
    reference, primary = figures["reference"], figures["metric"]
    others = [name for name in figures["metrics"] if name != primary]
    drawn = {name: difference_chart(rows, name, reference, large=False) for name in others}
    return (
        _environment()
        .get_template("comparison.html")
        .render(
            figures=figures,
            rows=rows,
            chart=difference_chart(rows, primary, reference, large=True),
            charts={name: each for name, each in drawn.items() if each is not None},
            task=TASKS[figures["task"]],
            level=LEVEL,
            style=Markup(read_template("evenly.report", "style.css")),  # noqa: S704 - our own file
            version=__version__,
        )
    )


def _environment() -> Environment:
    environment = make_environment("evenly.comparison")
    environment.filters.update(
        title_of=metric_title,
        quoted=_quoted,
        score=_score,
        points=_points,
        p_value=_p_value,
        setting=_setting,
        range=_range,
    )
    return environment


def _quoted(sentence: str) -> str:
    """Return a sentence with the names in it between quotation marks instead of backticks."""
    marks = ("\N{LEFT DOUBLE QUOTATION MARK}", "\N{RIGHT DOUBLE QUOTATION MARK}")
    parts = sentence.split("`")
    return parts[0] + "".join(f"{marks[place % 2]}{part}" for place, part in enumerate(parts[1:]))


def _score(each: Mapping[str, Any] | None) -> str:
    return _MISSING if each is None else f"{each['value']:.3f}"


def _points(each: Mapping[str, Any] | None) -> str:
    return _MISSING if each is None else shown_points(each["value"])


def _range(each: Mapping[str, Any] | None) -> str:
    """Return the interval of a difference, in points."""
    if each is None or each["low"] is None:
        return _MISSING
    return f"{shown_points(each['low'])} to {shown_points(each['high'])}"


def _p_value(p: float | None) -> str:
    if p is None:
        return _MISSING
    return "< .001" if p < 0.001 else f"{p:.3f}".removeprefix("0")  # noqa: PLR2004 - three digits


def _setting(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
