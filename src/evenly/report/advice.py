"""The figures of a run in; what to do next, the most urgent first, out.

Each piece of advice follows from a figure of the page and names the setting that it is about.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["find_advice"]

_UNEVEN = 10
_FEW_TEST_ROWS = 20
_WIDE = 0.3
_FAR = 0.25
_BADLY = 0.05
_WORTH = 0.01


def find_advice(figures: Mapping[str, Any]) -> list[str]:
    """Return sentences; `figures` are those of `evenly.report.figures`, without this."""
    rules = (_mend_leaks, _use_the_baseline, _get_rows, _hold_back, _apply_tau, _calibrate, _resample, _measure_again)
    return [sentence for rule in rules for sentence in rule(figures)]


def _mend_leaks(figures: Mapping[str, Any]) -> list[str]:
    broken = [check for check in figures["split"]["checks"] if check["violations"]]
    if not broken and not figures["split"]["quality"].get("n_leaked_rows"):
        return []
    return [
        "Mend the split before anything else: rows of one text stand in two splits, and every figure here is too good."
    ]


def _use_the_baseline(figures: Mapping[str, Any]) -> list[str]:
    difference = figures["intervals"].get("difference", {})
    first = figures["key_figures"][0]["metric"] if figures["key_figures"] else None
    if first not in difference:
        return []
    _, low, high = difference[first]
    if high < 0:
        sentence = (
            "Use TF-IDF with logistic regression, which is better here and trains in seconds, or a stronger network "
            "(train.model) and see whether it wins."
        )
        return [sentence]
    if low <= 0:
        sentence = (
            "The network has not shown that it beats TF-IDF with logistic regression: take the simpler one, or more "
            "test rows to tell them apart."
        )
        return [sentence]
    return []


def _get_rows(figures: Mapping[str, Any]) -> list[str]:
    wide = [
        label
        for label in figures["labels"]
        if label["f1_low"] is not None
        and label["positives"] < _FEW_TEST_ROWS
        and label["f1_high"] - label["f1_low"] > _WIDE
    ]
    if not wide:
        return []
    labels = f"{len(wide):,} labels have" if len(wide) > 1 else "1 label has"
    sentence = (
        f"{labels} fewer than {_FEW_TEST_ROWS} test rows and an F1 that chance decides: label more rows of them, merge "
        f"them (source.labels.rename) or drop them (source.labels.min_count)."
    )
    return [sentence]


def _hold_back(figures: Mapping[str, Any]) -> list[str]:
    train = figures["metrics"].get("train", {}).get("pr_auc_macro")
    validation = figures["metrics"].get("validation", {}).get("pr_auc_macro")
    if train is None or validation is None or train - validation <= _FAR:
        return []
    return [
        "The model knows its train rows by heart: more rows help most, then a higher train.dropout or a smaller model."
    ]


def _apply_tau(figures: Mapping[str, Any]) -> list[str]:
    offer = figures["thresholds"].get("logit_adjustment_offer")
    if figures["thresholds"].get("tau") or not offer or offer["f1_macro"] - offer["f1_macro_argmax"] < _WORTH:
        return []
    gain, cost = ((offer[f"f1_{name}"] - offer[f"f1_{name}_argmax"]) * 100 for name in ("macro", "micro"))
    sentence = (
        f"Rare classes could gain by logit adjustment: on validation, tau {offer['tau']:g} changes macro-F1 by "
        f"{gain:+.1f} points and micro-F1 by {cost:+.1f}."
    )
    return [sentence]


def _calibrate(figures: Mapping[str, Any]) -> list[str]:
    offer = figures["calibration"]["offer"]
    if offer is None or "test" not in offer:
        return []
    name = next((name for name in ("ece", "ece_micro") if name in offer["test"]["before"]), None)
    if name is None or offer["test"]["before"][name] < _BADLY:
        return []
    before, after = offer["test"]["before"][name], offer["test"]["after"][name]
    if after > before / 2:
        return []
    sentence = (
        f"Do not read the scores as probabilities: they are {before:.3f} off on average; dividing the logits by "
        f"{offer['temperature']:g} would leave {after:.3f}."
    )
    return [sentence]


def _resample(figures: Mapping[str, Any]) -> list[str]:
    uneven = figures["imbalance"]["before"]["mean_ir"]
    if figures["resampling"]["method"] != "none" or uneven is None or uneven < _UNEVEN:
        return []
    sentence = (
        "Whether weights, another loss or resampling would help on these rows is measured, over several seeds, by: "
        "evenly compare"
    )
    return [sentence]


def _measure_again(figures: Mapping[str, Any]) -> list[str]:
    if not figures["table"]["rows_rejected"]:
        return []
    count = figures["table"]["rows_rejected"]
    rows = f"{count:,} rows were" if count > 1 else "1 row was"
    return [f"{rows} rejected while reading; the reasons stand under Source."]
