"""The names that people read for what the files call by keys, and in which order."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = [
    "METHODS",
    "SPLITTING",
    "STAGES",
    "TASKS",
    "character_name",
    "curve_name",
    "metric_name",
    "metric_table",
    "source_name",
]

TASKS = {"binary": "two classes", "multiclass": "one label a row", "multilabel": "several labels a row"}

METHODS = {
    "none": "nothing was resampled",
    "random_over": "random over-sampling",
    "random_under": "random under-sampling",
    "ml_ros": "ML-ROS (random over-sampling for several labels a row)",
    "ml_rus": "ML-RUS (random under-sampling for several labels a row)",
    "mlsmote": "MLSMOTE (synthetic rows from two neighbours)",
    "lp_ros": "LP-ROS (random over-sampling of rare combinations of labels)",
    "lp_rus": "LP-RUS (random under-sampling of common combinations of labels)",
    "mlsol": "MLSOL (synthetic rows where rare labels are hard to tell)",
    "remedial": "REMEDIAL (rows that hold rare and common labels are divided)",
    "ml_enn": "MLeNN (rows that differ from their neighbours removed)",
    "ml_tl": "MLTL (rows that differ from their nearest neighbour removed)",
    "remedial_hwr": "REMEDIAL, then MLSMOTE (REMEDIAL-HwR)",
    "smote": "SMOTE (synthetic rows within each class)",
}

SPLITTING = {
    "iterative": "by iterative stratification, the rarest label first",
    "iterative, pairs of labels too": "by iterative stratification of labels and pairs of labels, the rarest first",
    "stratified": "by stratification",
}

STAGES = {
    "table": "Table",
    "checks": "Texts",
    "split": "Split",
    "stats": "Label statistics",
    "weights": "Weights",
    "plan": "Resampling plan",
    "shards": "Token shards",
    "model": "Model",
}

_SOURCES = {
    "test": "Model, test",
    "baseline": "TF-IDF + logistic regression, test",
    "baseline_prior": "Prior only, test",
    "validation": "Model, validation",
    "train": "Model, train rows",
}

_METRICS = {
    "f1_macro": ("F1, macro", "mean over the labels of the split"),
    "f1_micro": ("F1, micro", "all labels pooled"),
    "f1_weighted": ("F1, weighted", "mean over labels, weighted by their rows"),
    "f1_samples": ("F1, by document", "mean over documents"),
    "f1_positive": ("F1", "of the positive class"),
    "precision_positive": ("Precision", "of the positive class"),
    "recall_positive": ("Recall", "of the positive class"),
    "pr_auc_positive": ("PR-AUC", "of the positive class"),
    "roc_auc_positive": ("ROC-AUC", "of the positive class"),
    "f1_macro_head": ("F1, head", "mean over the most frequent third of the labels"),
    "f1_macro_medium": ("F1, medium", "mean over the middle third"),
    "f1_macro_tail": ("F1, tail", "mean over the rarest third"),
    "pr_auc_macro_head": ("PR-AUC, head", "mean over the most frequent third of the labels"),
    "pr_auc_macro_medium": ("PR-AUC, medium", "mean over the middle third"),
    "pr_auc_macro_tail": ("PR-AUC, tail", "mean over the rarest third"),
    "pr_auc_macro": ("PR-AUC, macro", "average precision, mean over labels"),
    "pr_auc_micro": ("PR-AUC, micro", "all labels pooled"),
    "precision_macro": ("Precision, macro", "mean over labels"),
    "recall_macro": ("Recall, macro", "mean over labels"),
    "precision_micro": ("Precision, micro", "all labels pooled"),
    "recall_micro": ("Recall, micro", "all labels pooled"),
    "precision_weighted": ("Precision, weighted", "mean over labels, weighted by their rows"),
    "recall_weighted": ("Recall, weighted", "mean over labels, weighted by their rows"),
    "precision_samples": ("Precision, by document", "mean over documents"),
    "recall_samples": ("Recall, by document", "mean over documents"),
    **{
        f"{name}_at_{k}": (f"{title} at {k}", f"{hint} {f'{k} highest scores' if k > 1 else 'highest score'}")
        for name, title, hint in (
            ("precision", "Precision", "right ones among the"),
            ("recall", "Recall", "a document's labels among the"),
            ("ndcg", "nDCG", "more the higher they stand; the"),
            ("psp", "Propensity-scored precision", "more the rarer they are; the"),
        )
        for k in (1, 3, 5)
    },
    "accuracy": ("Accuracy", "share of documents with the right class"),
    "exact_match": ("Exact match", "share of documents with exactly the right labels"),
    "hamming_loss": ("Hamming loss", "share of wrong cells; lower is better"),
    "roc_auc_macro": ("ROC-AUC, macro", "mean over labels; flatters rare labels"),
    "roc_auc_micro": ("ROC-AUC, micro", "all labels pooled; flatters rare labels"),
    "ece": ("Calibration error", "mean distance of scores from the share that is right; lower is better"),
    "ece_macro": ("Calibration error, macro", "distance of scores from the share that is right, mean over labels"),
    "ece_micro": ("Calibration error, micro", "all labels pooled; small where most scores are near 0"),
    "n_rows": ("Documents", "rows of the split"),
    "n_rows_labelled": ("Documents with a label", "the measures at k look at these"),
    "n_labels_averaged": ("Labels averaged over", "those with at least one document in the split"),
    "n_labels_head": ("Labels averaged over, head", "those with at least one document in the split"),
    "n_labels_medium": ("Labels averaged over, medium", "those with at least one document in the split"),
    "n_labels_tail": ("Labels averaged over, tail", "those with at least one document in the split"),
    "n_labels_roc_auc": ("Labels in ROC-AUC", "those with and without documents in the split"),
}

_CHARACTERS = {
    "": "none",
    "\t": "tab",
    " ": "space",
    ",": "comma",
    ";": "semicolon",
    "|": "bar",
    '"': "double",
    "'": "single",
}

_CURVES = {"loss": "Loss", "pr_auc": "PR-AUC", "f1": "F1", "accuracy": "Accuracy"}


def character_name(character: str | None) -> str:
    """Return the name of a delimiter or quote of a CSV file; a dash where it means nothing there."""
    if character is None:
        return "\N{EN DASH}"
    return _CHARACTERS.get(character, character)


def metric_name(metric: str) -> tuple[str, str]:
    """Return the name of a metric and what it is averaged over; an unknown one is named by its key."""
    return _METRICS.get(metric, (metric, ""))


def curve_name(metric: str) -> str:
    """Return the name of what was followed over the epochs."""
    return _CURVES.get(metric) or metric_name(metric)[0]


def source_name(source: str) -> str:
    """Return whose figures they are: the model's on a split, or those of a baseline."""
    return _SOURCES.get(source, source)


def metric_table(metrics: Mapping[str, Mapping[str, Any]]) -> tuple[list[str], list[tuple[str, list[str]]]]:
    """Return the sources and the metrics of a table of metrics in the order in which they are shown.

    The metrics come in parts, each with its title: those that come first have none; then what looks at the highest
    scores of a document; then everything else. Where a row has one label, what only repeats the accuracy is left out.
    """
    held = {name for each in metrics.values() for name in each}
    names = _ordered(held.difference(_REPEATS if "accuracy" in held else ()), _METRICS)
    ranks = [name for name in names if "_at_" in name]
    rest = [name for name in names if name.startswith(_LESS) or name not in _METRICS]
    first = [name for name in names if name not in ranks and name not in rest]
    parts = [("", first), ("The highest scores of each document", ranks), ("More averages, and counts", rest)]
    return _ordered(metrics, _SOURCES), [part for part in parts if part[1]]


_REPEATS = (
    *("f1_micro", "precision_micro", "recall_micro", "recall_weighted", "exact_match"),
    *("f1_samples", "precision_samples", "recall_samples"),
)
_LESS = ("n_", "pr_auc_macro_", "precision_weighted", "recall_weighted", "precision_samples", "recall_samples", "ece")


def _ordered(found: Iterable[str], known: Iterable[str]) -> list[str]:
    names = set(found)
    first = [name for name in known if name in names]
    return first + sorted(names.difference(first))
