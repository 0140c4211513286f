"""The stage: the artifacts of a run in; ``report.html`` and ``report.json`` out.

The same artifacts give the same bytes: there is no time, host or path in either file.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from evenly.formats import write_json
from evenly.report.sources import Sources
from evenly.store import Stage

if TYPE_CHECKING:
    from pathlib import Path

    from evenly.workspace import Workspace

__all__ = ["REPORT", "write_report"]


def write_report(
    work: Workspace,
    *,
    table: Path,
    checks: Path,
    split: Path,
    stats: Path,
    weights: Path,
    plan: Path,
    shards: Path,
    model: Path,
    title: str,
    settings: dict[str, Any],
) -> None:
    """Write the report of a run.

    Parameters
    ----------
    work
        Gets ``report.html`` and ``report.json``; `evenly.report.figures` documents the keys.
    table, checks, split, stats, weights, plan, shards, model
        The artifacts of the run.
    title
        What the report is about, such as the name of the raw file.
    settings
        The run's config, shown as it was given.
    """
    from evenly.report.figures import collect_figures
    from evenly.report.page import render_page

    sources = Sources(table, checks, split, stats, weights, plan, shards, model)
    figures = collect_figures(sources, title=title, settings=settings)
    write_json(work.out / "report.json", figures)
    (work.out / "report.html").write_text(render_page(figures), encoding="utf-8")
    work.record(rows=len(figures["labels"]))


REPORT = Stage("report", 3, write_report)
