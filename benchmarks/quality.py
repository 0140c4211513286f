"""Which remedies help, and whether the default beats the baseline, on real tables as `evenly init` configures them.

For each table `evenly compare` with all strategies inside a budget, then the untouched config to its end with the same
seeds.

Run with ``python -m benchmarks.quality DATA``, where DATA has a folder with a ``data.parquet`` for each table. What is
finished in the work folder is reused; ``benchmarks/QUALITY.md`` is written anew from all that is there.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

import numpy as np
import pyarrow.parquet as pq
from scipy import sparse, stats

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from evenly.formats import Task

TABLES = ("netflix_genres", "tmdb_genres18", "tram_attack", "davidson_hate", "trec1000", "sms_spam")
FOLDS = 5
HEAD = """# Which remedies help, and what the default reaches

`python -m benchmarks.quality DATA` (see `quality.py`). First what `evenly init` writes, untouched, trained to its end
(two classes: no weights; more: `inverse_sqrt` in the loss), beside TF-IDF with logistic regression and tuned
thresholds on the same rows: five folds (`split.folds`, in place of a split that the table names), so that every row is
tested once; means over the folds, and the difference in points with the 95 % interval of Student's t over the folds.
Beneath, the thresholds of the same models beside those with the best F1 on the validation rows.

Then `evenly compare` inside a budget: strategies share rows, split, tokens, model and most epochs; each has tuned
thresholds (one label a row: argmax). Means over the seeds on the test split; differences in points, paired by seed and
row, with 95 % intervals over seeds and test rows; p after Holm's correction.
"""
PAGE = Path(__file__).with_name("QUALITY.md")
TITLES = {
    "f1_positive": "F1, rare class",
    "f1_macro": "macro-F1",
    "f1_micro": "micro-F1",
    "pr_auc_positive": "PR-AUC, rare class",
    "pr_auc_macro": "PR-AUC",
    "f1_macro_head": "head F1",
    "f1_macro_medium": "medium F1",
    "f1_macro_tail": "tail F1",
}


def main() -> None:
    """Compare on every table that is asked for and write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path, help="folder with a folder a table")
    parser.add_argument("--only", nargs="*", default=list(TABLES), help="which tables")
    parser.add_argument("--work", type=Path, default=Path("quality"), help="where configs and stores are kept")
    parser.add_argument("--budget", default="11", help="minutes of training a table, as of evenly compare")
    parser.add_argument("--seeds", default="3")
    given = parser.parse_args()
    for name in given.only:
        compare(given.data / name / "data.parquet", given.work / name, budget=given.budget, seeds=given.seeds)
    PAGE.write_text(page(given.work), encoding="utf-8")


def compare(table: Path, folder: Path, *, budget: str, seeds: str) -> None:
    """Run `evenly init` and `evenly compare` on a table; keep the figures and the seconds beside the config."""
    folder.mkdir(parents=True, exist_ok=True)
    config = folder / "config.yaml"
    if not config.exists():
        run("init", str(table), "-o", str(config))
    started = time.perf_counter()
    run("compare", str(config), "--budget", budget, "--seeds", seeds)
    newest = max(
        (folder / "evenly-store" / "comparison").glob("*/comparison.json"), key=lambda path: path.stat().st_mtime
    )
    figures = json.loads(newest.read_text(encoding="utf-8")) | {"wall_s": round(time.perf_counter() - started)}
    figures["untouched"] = measure_untouched(config, FOLDS)
    (folder / "figures.json").write_text(json.dumps(figures), encoding="utf-8")


def measure_untouched(config: Path, folds: int) -> dict[str, Any]:
    """Train what `evenly init` wrote to its end, so that every row is tested once; return what each fold reached."""
    from evenly.config import load_config
    from evenly.flows.steps import cut_after, prepare_steps, train_steps
    from evenly.flows.walk import walk_steps
    from evenly.formats import read_facts

    found, seconds = [], []
    for fold in range(folds):
        settings = load_config(
            config, {"source.split": None, "split.folds": folds, "split.fold": fold, "train.seed": fold}
        )
        made = walk_steps(settings, cut_after([*prepare_steps(settings), *train_steps(settings)], "model"), {})
        reached = json.loads((made["model"].path / "metrics.json").read_text(encoding="utf-8"))
        task = read_facts(made["table"].path)["task"]
        best = {} if task == "multiclass" else {"best/f1": f1_of_best_thresholds(made["model"].path, task)}
        found.append(reached | best)
        seconds.append(made["model"].manifest.seconds)
        sys.stdout.write(f"{config.parent.name} untouched, fold {fold}: {seconds[-1]:.0f} s\n")
    return {"folds": found, "seconds": round(float(np.mean(seconds)), 1)}


def f1_of_best_thresholds(model: Path, task: Task) -> float:
    """Return macro-F1 (two classes: of the rarer one) on test with the thresholds that are best on validation."""
    from sklearn.metrics import f1_score

    from evenly.train.evaluation import decisions
    from evenly.train.evaluation.thresholds import tune_per_label

    (scores, labels), (test_scores, test_labels) = (read_scored(model, split) for split in ("validation", "test"))
    counts = np.asarray(labels.sum(axis=0)).ravel()
    with patch.object(decisions, "tune_steadily", tune_per_label):
        decision = decisions.tune_decision(scores, labels, task=task, train_counts=counts)
    f1 = f1_score(test_labels, decision.predict(test_scores), average=None, zero_division=0)
    live = np.asarray(test_labels.sum(axis=0)).ravel() > 0
    return float(f1[live].mean() if decision.positive is None else f1[decision.positive])


def read_scored(model: Path, split: str) -> tuple[NDArray[np.float32], sparse.csr_matrix]:
    """Return the scores and the labels of a split, shape (n_rows, n_labels); all scores are kept of up to 50 labels."""
    table = pq.read_table(model / "predictions.parquet", filters=[("split", "=", split)]).combine_chunks()
    scores = table["scores"].chunk(0).flatten().to_numpy().reshape(len(table), -1)
    held = table["labels"].chunk(0)
    rows = np.repeat(np.arange(len(table)), held.value_lengths().to_numpy())
    ones = np.ones(len(rows), np.int8)
    return scores, sparse.csr_matrix((ones, (rows, held.flatten().to_numpy())), shape=scores.shape)


def over_folds(folds: list[dict[str, float]], own_name: str, other_name: str) -> tuple[float, float, dict[str, float]]:
    """Return the means of two measures, and their difference with its 95 % interval (Student's t).

    Paired by fold: both have the same rows, and the folds differ in split, tokens and seed.
    """
    own, other = ([fold[name] for fold in folds] for name in (own_name, other_name))
    points = np.subtract(own, other)
    half = stats.t.ppf(0.975, len(points) - 1) * points.std(ddof=1) / np.sqrt(len(points))
    mean = float(points.mean())
    return float(np.mean(own)), float(np.mean(other)), {"value": mean, "low": mean - half, "high": mean + half}


def run(*arguments: str) -> None:
    """Run an evenly command; its output is shown."""
    subprocess.run([sys.executable, "-m", "evenly", *arguments], check=True)  # noqa: S603 - our own command


def page(work: Path) -> str:
    """Return the page of all tables that were compared."""
    found = [(name, work / name / "figures.json") for name in TABLES]
    tables = {name: json.loads(path.read_text(encoding="utf-8")) for name, path in found if path.exists()}
    sections = (table_of(*each) for each in tables.items())
    return "\n".join([HEAD, *untouched_table(tables), *thresholds_table(tables), *sections])


def untouched_table(tables: dict[str, dict[str, Any]]) -> list[str]:
    """Return the lines that set the default beside the baseline: the metric that decides, and PR-AUC."""
    lines = ["| table | metric | default | baseline | points (95 %) | s a model |", "|---|---|---:|---:|---:|---:|"]
    for name, figures in tables.items():
        untouched, metric = figures["untouched"], figures["metric"]
        for measure in (metric, metric.replace("f1_", "pr_auc_")):
            shown = pair_cells(*over_folds(untouched["folds"], f"test/{measure}", f"baseline/{measure}"))
            lines.append(f"| {name} | {TITLES[measure]} | {shown} | {untouched['seconds']} |")
    return [*lines, ""]


def thresholds_table(tables: dict[str, dict[str, Any]]) -> list[str]:
    """Return the lines that set the thresholds of the default beside those that are best on the validation rows."""
    lines = ["| table | metric | steady | best on validation | points (95 %) |", "|---|---|---:|---:|---:|"]
    for name, figures in tables.items():
        folds, metric = figures["untouched"]["folds"], figures["metric"]
        if "best/f1" in folds[0]:
            lines.append(
                f"| {name} | {TITLES[metric]} | {pair_cells(*over_folds(folds, f'test/{metric}', 'best/f1'))} |"
            )
    return [*lines, ""]


def pair_cells(own: float, other: float, points: dict[str, float]) -> str:
    """Return two measures and their difference as cells."""
    return f"{own:.3f} | {other:.3f} | {in_points(points)}"


def table_of(name: str, figures: dict[str, Any]) -> str:
    """Return the section of one table."""
    metric, shown = figures["metric"], figures["metrics"]
    measures = [TITLES[each] for each in shown]
    points = f"points of {TITLES[metric]} (95 %)"
    header = ["strategy", *measures, points, "p", "points over the baseline (95 %)", "s a model"]
    rows = [*figures["strategies"], *([figures["baseline"]] if figures["baseline"] else [])]
    about = (
        f"{figures['n_labels']} labels, {figures['n_test_rows']:,} test rows, {len(figures['seeds'])} seeds, "
        f"{figures['wall_s'] / 60:.1f} minutes in all."
    )
    lines = [
        f"## {name}",
        "",
        about,
        "",
        f"| {' | '.join(header)} |",
        f"|---|{'---:|' * (len(header) - 1)}",
        *(f"| {' | '.join(cells(row, shown, metric))} |" for row in rows),
        "",
        *(f"{sentence}\n" for sentence in [*figures["recommendation"], *figures["cuts"]]),
    ]
    return "\n".join(lines)


def cells(row: dict[str, Any], shown: list[str], metric: str) -> list[str]:
    """Return one row of a table."""
    found = row["differences"].get(metric)
    over = (row.get("over_baseline") or {}).get(metric)
    difference = "the same" if row.get("same_as") else "" if found is None else in_points(found)
    p = None if found is None else found.get("p_holm")
    measures = [f"{row['metrics'][each]['value']:.3f}" if each in row["metrics"] else "" for each in shown]
    beside = "" if over is None else in_points(over)
    return [row["name"], *measures, difference, "" if p is None else f"{p:.3f}", beside, str(row.get("seconds", ""))]


def in_points(found: dict[str, Any]) -> str:
    """Return a difference in points with its interval."""
    interval = "" if found["low"] is None else f" ({100 * found['low']:+.1f} to {100 * found['high']:+.1f})"
    return f"{100 * found['value']:+.1f}{interval}"


if __name__ == "__main__":
    main()
