"""What a person must know about a result before believing it, in plain sentences: first of all, who won.

In: the measures of the network and of the baseline, and the difference between them in the same resamples of the test
rows. Out: sentences. Whether two intervals overlap says little about a difference; its own interval does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["compare_with_baseline", "headline", "shown"]

_LEVEL = 0.005
_BASELINE = "TF-IDF + logistic regression"


def headline(metrics: Mapping[str, float]) -> str:
    """Return the key figures of the test split in one sentence; `metrics` are flat, as in ``metrics.json``."""
    if "test/f1_macro" not in metrics:
        return "The test split holds no label, so nothing can be measured on it."
    parts: list[str] = []
    for name, title in _key_measures(metrics):
        baseline = metrics.get(f"baseline/{name}")
        source = "" if parts else f"baseline {_BASELINE} "
        beside = "" if baseline is None else f" ({source}{shown(baseline)})"
        parts.append(f"{title} {shown(metrics[f'test/{name}'])}{beside}")
    return f"test: {', '.join(parts)}"


def _key_measures(metrics: Mapping[str, float]) -> list[tuple[str, str]]:
    """Return name and title of what to look at first; the positive class where there is one."""
    if "test/f1_positive" in metrics:
        return [("f1_positive", "F1 of the positive class"), ("f1_macro", "macro-F1"), ("pr_auc_positive", "PR-AUC")]
    return [("f1_macro", "macro-F1"), ("f1_micro", "micro-F1"), ("pr_auc_macro", "PR-AUC")]


def compare_with_baseline(
    metrics: Mapping[str, float], differences: Mapping[str, Sequence[float]] | None = None
) -> list[str]:
    """Return who is better in the two first measures, and whether that is more than chance.

    Parameters
    ----------
    metrics
        Flat, as in ``metrics.json``.
    differences
        Measure to network minus baseline, and its 95 % interval; None or missing: the figures alone speak.
    """
    sentences = []
    for name, title in _key_measures(metrics)[:2]:
        ours, theirs = metrics.get(f"test/{name}"), metrics.get(f"baseline/{name}")
        if ours is not None and theirs is not None:
            both = f"test {title}: {shown(ours)} against {shown(theirs)}"
            bounds = (differences or {}).get(name)
            sentences.append(_without_interval(ours - theirs, both) if bounds is None else _with(bounds, both))
    return sentences


def _with(bounds: Sequence[float], both: str) -> str:
    gap, low, high = (value * 100 for value in bounds)
    lies = f"{both}; 95 % interval of the difference {low:+.1f} to {high:+.1f} points"
    if low > 0:
        return f"The network beats {_BASELINE} by {gap:.1f} points ({lies})."
    if high < 0:
        return f"The network loses to {_BASELINE} by {-gap:.1f} points ({lies})."
    return f"The network does not beat {_BASELINE}: the difference of {gap:+.1f} points may be chance ({lies})."


def _without_interval(gap: float, both: str) -> str:
    points = f"{abs(gap) * 100:.1f} points"
    if abs(gap) < _LEVEL:
        return f"The network is level with {_BASELINE} ({both})."
    if gap > 0:
        return f"The network beats {_BASELINE} by {points} ({both})."
    return f"The network loses to {_BASELINE} by {points} ({both})."


def shown(value: float) -> str:
    """Return a measure in [0, 1] with three digits: .412, 1.000."""
    return f"{value:.3f}".removeprefix("0")
