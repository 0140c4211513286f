"""What a person sees of a run on Prefect's pages: summaries, labels, counts before and after, figures, the report.

In: the artifacts of a run. Out: Prefect artifacts under keys that stay the same from run to run, so that Prefect
shows their history. Only names, counts and measures go out, no text of a row and no setting that may be secret.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import pyarrow.parquet as pq
from prefect.artifacts import create_link_artifact, create_markdown_artifact, create_table_artifact

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from evenly.store import Artifact

__all__ = ["show_prepared", "show_trained"]

_MOST_LABELS = 200
_ROUND = 4
_KEY_FIGURES = ("f1_macro", "f1_micro", "f1_positive", "pr_auc_macro", "pr_auc_positive", "roc_auc_macro")


def show_prepared(made: Mapping[str, Artifact], *, title: str) -> None:
    """Show what `prepare` has made: a summary, the labels, and what the resampling changed."""
    create_markdown_artifact(_stages(made, f"{title}: prepared"), key="evenly-prepared", description=title)
    if "split" in made and "stats" in made:
        create_table_artifact(
            label_rows(made),
            key="evenly-labels",
            description=f"{title}: rows of each label in each split, the rarest first{_at_most(made)}.",
        )
    if "plan" in made:
        create_table_artifact(
            resampling_rows(made["plan"].path),
            key="evenly-resampling",
            description=f"{title}: train rows of each label before and after resampling{_at_most(made)}.",
        )


def show_trained(made: Mapping[str, Artifact], metrics: Mapping[str, float], *, title: str) -> None:
    """Show what `train` has found: a summary, the measures, and where the report is."""
    stages = {name: made[name] for name in ("baseline", "model", "report") if name in made}
    lines = [_stages(stages, f"{title}: trained"), *_figures(metrics)]
    if "report" in made:
        report = (made["report"].path / "report.html").absolute()
        lines += ["", f"Report: `{report}`"]
        create_link_artifact(report.as_uri(), link_text="report.html", key="evenly-report", description=str(report))
    create_markdown_artifact("\n".join(lines), key="evenly-trained", description=title)
    if metrics:
        table = [{"metric": name, "value": value} for name, value in metrics.items()]
        create_table_artifact(table, key="evenly-metrics", description=f"{title}: every measure")


def _stages(made: Mapping[str, Artifact], heading: str) -> str:
    """Return a table of the stages, and below it what each has to say: Prefect's tables do not break lines."""
    lines = [f"# {_cell(heading)}", "", "| stage | rows | key |", "|---|---:|---|"]
    for name, artifact in made.items():
        rows = "" if artifact.manifest.rows is None else f"{artifact.manifest.rows:,}"
        lines.append(f"| {name} | {rows} | `{artifact.manifest.key}` |")
    said = {name: "; ".join(map(_cell, artifact.manifest.notes)) for name, artifact in made.items()}
    return "\n".join([*lines, "", *(f"* **{name}**: {notes}" for name, notes in said.items() if notes)])


def _figures(metrics: Mapping[str, float]) -> list[str]:
    names = [name for name in _KEY_FIGURES if f"test/{name}" in metrics]
    if not names:
        return []
    lines = ["", "| on the test split | model | TF-IDF + logistic regression |", "|---|---:|---:|"]
    for name in names:
        baseline = metrics.get(f"baseline/{name}")
        lines.append(f"| {name} | {metrics[f'test/{name}']:.3f} | {'' if baseline is None else f'{baseline:.3f}'} |")
    return lines


def label_rows(made: Mapping[str, Artifact]) -> list[dict[str, Any]]:
    """Return a row a label: name, rows in all and in each split, imbalance; the rarest first."""
    split = pq.read_table(made["split"].path / "labels.parquet").to_pylist()
    stats = pq.read_table(made["stats"].path / "labels.parquet", columns=["id", "irlbl"]).to_pylist()
    irlbl = {row["id"]: row["irlbl"] for row in stats}
    rows = [
        {
            "label": row["name"],
            "rows": row["count"],
            **{name: row[name] for name in ("train", "validation", "test")},
            "IRLbl": _rounded(irlbl.get(row["id"])),
        }
        for row in sorted(split, key=lambda row: (row["count"], row["id"]))
    ]
    return rows[:_MOST_LABELS]


def resampling_rows(plan: Path) -> list[dict[str, Any]]:
    """Return a row a label: train rows and imbalance before and after; the rarest first."""
    table = pq.read_table(plan / "labels.parquet").to_pylist()
    return [
        {
            "label": row["name"],
            "before": row["before"],
            "after": row["after"],
            "IRLbl before": _rounded(row["irlbl_before"]),
            "IRLbl after": _rounded(row["irlbl_after"]),
            "why not at the target": row["reason"] or "",
        }
        for row in sorted(table, key=lambda row: (row["before"], row["id"]))[:_MOST_LABELS]
    ]


def _at_most(made: Mapping[str, Artifact]) -> str:
    n_labels = len(pq.read_table(made["table"].path / "labels.parquet", columns=["id"])) if "table" in made else 0
    return f" ({_MOST_LABELS} of {n_labels:,})" if n_labels > _MOST_LABELS else ""


def _rounded(value: float | None) -> float | None:
    """Return a figure that JSON can hold: None for an empty label's infinity."""
    return round(value, _ROUND) if value is not None and math.isfinite(value) else None


def _cell(text: str) -> str:
    """Return text that does not end a cell of a markdown table, or begin HTML."""
    return text.replace("|", "\\|").replace("<", "&lt;").replace("\n", " ")
