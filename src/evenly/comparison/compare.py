"""The stage `comparison`: the models of all strategies and seeds in; figures, a page and a recommendation out.

Every run was judged on the same test rows. Their predictions are measured on the same bootstrap replicates of these
rows, run by run and in parallel; what differs between two strategies is then paired by seed and replicate.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow.compute as pc
import pyarrow.parquet as pq

from evenly.comparison.figures import Baseline, Run, collect_figures
from evenly.comparison.measures import GROUPS, draw_units, measure_names, measure_replicates, replicate_count
from evenly.comparison.predictions import read_test_predictions
from evenly.errors import DataError
from evenly.formats import read_facts, read_label_names, read_split, write_json
from evenly.manifest import read_manifest
from evenly.store import Stage

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from evenly.workspace import Workspace

__all__ = ["COMPARISON", "compare_models"]

_SEED_OF_REPLICATES = 0
_PREDICTIONS = "predictions.parquet"


def compare_models(
    work: Workspace,
    *,
    table: Path,
    split: Path,
    baseline: Path | None = None,
    title: str,
    runs: Sequence[dict[str, Any]],
    strategies: dict[str, dict[str, Any]],
    metric: str | None,
    cuts: Sequence[str],
    **models: Path,
) -> None:
    """Compare strategies by the models that they gave.

    Parameters
    ----------
    work
        Gets ``comparison.json`` and ``report.html``.
    table, split, baseline
        Artifacts that all runs share.
    title
        What the comparison is about, such as the name of the raw file.
    runs
        `strategy`, `seed`, `model` (a name in `models`) and `seconds` of each; every strategy has every seed.
    strategies
        Name to settings, the reference first.
    metric
        What decides; None: F1 of the positive class for binary, macro-F1 otherwise.
    cuts
        Sentences: what was cut to keep the budget.
    **models
        Artifacts of the stage `model`.

    Raises
    ------
    DataError
        The test split has no row, or the models were judged on different rows.
    ConfigError
        There is no such metric.
    """
    first = models[runs[0]["model"]]
    ground = _Ground.read(table, split, first)
    sources = {run["model"]: models[run["model"]] for run in runs} | ({} if baseline is None else {"": baseline})
    items = [_Item(path / _PREDICTIONS, ground) for path in dict.fromkeys(sources.values())]
    files = dict(
        zip(dict.fromkeys(sources.values()), work.map(_measure, items, name="measures", keep=False), strict=True)
    )
    measured = {name: np.load(work.scratch / "measures" / files[path]) for name, path in sources.items()}
    figures = collect_figures(
        [_run(each, measured[each["model"]], models[each["model"]]) for each in runs],
        names=ground.names,
        strategies=strategies,
        metric=metric,
        baseline=Baseline("TF-IDF + logistic regression", measured[""]) if baseline is not None else None,
        about={
            "title": title,
            "task": ground.task,
            "n_test_rows": len(ground.rows),
            "n_test_units": ground.n_units,
            "n_labels": ground.n_labels,
            "cuts": list(cuts),
        },
    )
    _write(work, figures)


@dataclass(frozen=True)
class _Ground:
    """What all runs have in common; see `measure_replicates`."""

    task: Any
    n_labels: int
    groups: NDArray[np.int8]
    positive: int | None
    rows: NDArray[np.int64]
    units: NDArray[np.int64]
    n_units: int
    names: tuple[str, ...]

    @classmethod
    def read(cls, table: Path, split: Path, model: Path) -> _Ground:
        names, where = read_label_names(table), read_split(split)
        rows = where.rows("test")
        if not len(rows):
            raise DataError("The test split has no row, so that nothing can be compared: give it a larger share.")
        task, positive = read_facts(table)["task"], read_facts(model)["positive"]
        held, units = np.unique(where.unit[rows], return_inverse=True)
        groups = _read_groups(model / "per_label.parquet")
        return cls(
            task=task,
            n_labels=len(names),
            groups=groups,
            positive=None if positive is None else names.index(positive),
            rows=rows,
            units=units.astype(np.int64),
            n_units=len(held),
            names=measure_names(task, groups),
        )


def _read_groups(path: Path) -> NDArray[np.int8]:
    """Return head, medium or tail of every label, -1 for those without train rows."""
    each = pq.read_table(path, columns=["id", "split", "group"], filters=pc.field("split") == "test").sort_by("id")
    return np.array([GROUPS.index(group) if group else -1 for group in each["group"].to_pylist()], np.int8)


@dataclass(frozen=True)
class _Item:
    """A run to be measured."""

    predictions: Path
    ground: _Ground


def _measure(item: _Item, folder: Path) -> str:
    """Measure one run on every replicate; the same replicates for each run, from one fixed seed."""
    ground = item.ground
    test = read_test_predictions(item.predictions, ground.n_labels, folder / "scores.f32")
    if not np.array_equal(test.rows, ground.rows):
        raise DataError(
            f"{item.predictions} has other test rows than the split. Compare models of one split; `evenly compare` "
            f"trains them."
        )
    n_replicates = replicate_count(ground.n_units, test.scores.size)
    drawn = draw_units(ground.n_units, n_replicates, np.random.default_rng(_SEED_OF_REPLICATES))
    found = measure_replicates(test, ground.units, drawn, ground.names, groups=ground.groups, positive=ground.positive)
    (folder / "scores.f32").unlink()
    name = f"{item.predictions.parent.name}-{item.predictions.parent.parent.name}.npy"
    np.save(folder / name, found)
    return name


def _run(each: dict[str, Any], measured: NDArray[np.float64], model: Path) -> Run:
    manifest = read_manifest(model)
    return Run(
        strategy=each["strategy"],
        seed=each["seed"],
        seconds=each["seconds"],
        train_rows=manifest.rows or 0,
        epochs=manifest.facts["epochs"],
        same=manifest.files[_PREDICTIONS],
        measured=measured,
    )


def _write(work: Workspace, figures: dict[str, Any]) -> None:
    from evenly.comparison.page import render_comparison

    write_json(work.out / "comparison.json", figures)
    (work.out / "report.html").write_text(render_comparison(figures), encoding="utf-8")
    work.record(rows=figures["n_test_rows"], n_runs=sum(len(each["seeds"]) for each in figures["strategies"]))
    for sentence in figures["recommendation"]:
        work.note(sentence)


COMPARISON = Stage("comparison", 2, compare_models)
