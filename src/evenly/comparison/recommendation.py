"""One recommendation in words, from the intervals alone, and what limits it.

Comes in: the figures of a comparison. Goes out: sentences, the recommendation first. A strategy helps where Holm's
p-value of its difference from the reference is below .05; how large a difference looks decides nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["LEVEL", "metric_title", "recommend", "shown_points"]

LEVEL = 0.05
_TITLES = {
    "f1_positive": "F1 of the rare class",
    "f1_macro": "macro-F1",
    "f1_micro": "micro-F1",
    "pr_auc_positive": "PR-AUC of the rare class",
    "pr_auc_macro": "macro PR-AUC",
    "f1_macro_head": "head F1",
    "f1_macro_medium": "medium F1",
    "f1_macro_tail": "tail F1",
}
_POINTS = 100
_WIDE = 0.03
"""Half an interval from which on differences that matter cannot be seen."""


def metric_title(name: str) -> str:
    """Return what a measure is called where people read it."""
    return _TITLES.get(name, name)


def shown_points(value: float) -> str:
    """Return a difference of two measures in points with a sign: +1.3."""
    return f"{round(value * _POINTS, 1) + 0.0:+.1f}"  # not -0.0


def recommend(figures: Mapping[str, Any]) -> list[str]:
    """Return the sentences.

    Parameters
    ----------
    figures
        `reference`, `metric`, `metrics`, `seeds`, `n_test_rows`, `strategies` and `baseline`, as
        `evenly.comparison.figures` documents them.
    """
    rivals = [row for row in figures["strategies"] if row["differences"] and row["same_as"] is None]
    better = [row for row in rivals if _decided(row, figures["metric"]) > 0]
    return [
        *(_advise(better, figures) if better else _keep_reference(rivals, figures)),
        *_warn_of_worse(rivals, figures),
        *_name_unchanged(figures),
        *_judge_baseline(figures),
        *_limits(rivals, figures),
    ]


def _decided(row: Mapping[str, Any], metric: str) -> int:
    """Return 1 where a strategy is better than the reference, -1 where it is worse, 0 where neither is established."""
    found = row["differences"].get(metric)
    if found is None or found["p_holm"] is None or found["p_holm"] >= LEVEL:
        return 0
    return 1 if found["value"] > 0 else -1


def _keep_reference(rivals: Sequence[Mapping[str, Any]], figures: Mapping[str, Any]) -> list[str]:
    reference = figures["reference"]
    if not rivals:
        return [f"No strategy changed anything on this data; keep `{reference}`."]
    what = _plain_words(figures)
    sentences = [f"No strategy beats {what} on this data; keep `{reference}`."]
    hopeful = [row for row in rivals if _is_clear(row, figures["metric"])]
    if hopeful:
        best = max(hopeful, key=lambda row: row["differences"][figures["metric"]]["value"])
        sentences.append(
            f"`{best['name']}` is ahead by {_interval(best, figures['metric'])} when it is looked at alone, not when "
            f"all {len(rivals)} strategies are taken into account (Holm: p {_p(best, figures['metric'])}). More seeds "
            f"(--seeds) or test rows would tell."
        )
    return sentences


def _plain_words(figures: Mapping[str, Any]) -> str:
    return "the plain model" if figures["task"] == "multiclass" else "tuned thresholds"


def _is_clear(row: Mapping[str, Any], metric: str) -> bool:
    low = row["differences"][metric]["low"]
    return low is not None and low > 0


def _advise(better: Sequence[Mapping[str, Any]], figures: Mapping[str, Any]) -> list[str]:
    """Recommend the strategy with the largest difference; say what it costs and whether others did as well."""
    metric = figures["metric"]
    best = max(better, key=lambda row: row["differences"][metric]["value"])
    beats = f"it beats `{figures['reference']}` by {_interval(best, metric)} (Holm: p {_p(best, metric)})"
    sentences = [f"Use `{best['name']}`: {beats}."]
    costs = [name for name in figures["metrics"] if name != metric and _decided(best, name) < 0]
    if costs:
        sentences.append(f"It costs {' and '.join(_interval(best, name, loss=True) for name in costs)}.")
    others = [row for row in better if row is not best]
    if others:
        names = ", ".join(f"`{row['name']}` ({_interval(row, metric)})" for row in others)
        sentences.append(f"Better than `{figures['reference']}`, too: {names}; which of them is best is not tested.")
    return sentences


def _warn_of_worse(rivals: Sequence[Mapping[str, Any]], figures: Mapping[str, Any]) -> list[str]:
    metric = figures["metric"]
    worse = [row for row in rivals if _decided(row, metric) < 0]
    if not worse:
        return []
    return [
        f"Worse than `{figures['reference']}`: "
        + ", ".join(f"`{row['name']}` (by {_interval(row, metric, loss=True)})" for row in worse)
        + "."
    ]


def _name_unchanged(figures: Mapping[str, Any]) -> list[str]:
    same = [f"`{row['name']}`" for row in figures["strategies"] if row["same_as"] is not None]
    if not same:
        return []
    verb = "gives" if len(same) == 1 else "give"
    return [f"{', '.join(same)} {verb} the very predictions of `{figures['reference']}`: there was nothing to change."]


def _judge_baseline(figures: Mapping[str, Any]) -> list[str]:
    """Say where the logistic regression stands against the reference, whatever the strategies did."""
    baseline, metric = figures["baseline"], figures["metric"]
    found = None if baseline is None else baseline["differences"].get(metric)
    if found is None or found["p"] is None or found["p"] >= LEVEL:
        return []
    verb, loss = ("beats", False) if found["value"] > 0 else ("loses to", True)
    by = _interval(baseline, metric, loss=loss)
    return [
        f"{baseline['name']}, the baseline, {verb} the network without a remedy (`{figures['reference']}`) by {by}."
    ]


def _limits(rivals: Sequence[Mapping[str, Any]], figures: Mapping[str, Any]) -> list[str]:
    sentences = []
    halves = [_half(row["differences"].get(figures["metric"])) for row in rivals]
    known = [half for half in halves if half is not None]
    if rivals and not known:
        sentences.append(
            f"The test split has {figures['n_test_units']:,} independent rows, too few for intervals: nothing here can "
            f"be told from chance."
        )
    elif known and min(known) > _WIDE:
        sentences.append(
            f"Every interval is wider than \N{PLUS-MINUS SIGN}{_WIDE * _POINTS:.0f} points with "
            f"{figures['n_test_rows']:,} test rows and {_count(figures['seeds'], 'seed')}: smaller differences cannot "
            f"be seen here."
        )
    if len(figures["seeds"]) == 1:
        sentences.append("With one seed the intervals leave out how much another seed would change: use three or more.")
    return sentences


def _half(found: Mapping[str, Any] | None) -> float | None:
    return None if found is None or found["low"] is None else (found["high"] - found["low"]) / 2


def _interval(row: Mapping[str, Any], metric: str, *, loss: bool = False) -> str:
    """Return a difference in words, its interval in brackets: 1.3 points of macro-F1 (95 % interval 0.2 to 2.4)."""
    found, sign = row["differences"][metric], -1 if loss else 1
    low, high = sorted(sign * _POINTS * found[end] for end in ("low", "high"))
    value = sign * _POINTS * found["value"]
    return f"{value:.1f} points of {metric_title(metric)} (95 % interval {low:.1f} to {high:.1f})"


def _p(row: Mapping[str, Any], metric: str) -> str:
    p = row["differences"][metric]["p_holm"]
    return "< .001" if p < 0.001 else f"{p:.3f}".removeprefix("0")  # noqa: PLR2004 - three digits


def _count(values: Sequence[Any], noun: str) -> str:
    return f"{len(values)} {noun}{'' if len(values) == 1 else 's'}"
