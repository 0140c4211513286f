"""Measures of all runs in, the figures of a comparison out: what ``comparison.json`` holds and the page shows.

``strategies``: for each `name`, `settings`, `same_as` (the reference where every run predicted the very same, and then
there are no differences; else null), `train_rows`, `epochs`, `seconds` (means over the seeds), `seeds`, `metrics`,
`differences` from the reference and `over_baseline`, differences from the baseline (null where there is none); a
metric is `value`, `low`, `high` (95 %), `by_seed`, a difference has `p` too, and one from the reference `p_holm`.
``baseline``: the same for the logistic regression, which has no seeds, or null. Measures that the test rows do not
define are left out.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from evenly.comparison.intervals import Estimate, Spread, estimate, holm, pooled_spread
from evenly.comparison.recommendation import recommend
from evenly.errors import ConfigError, DataError, nearest

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from evenly.manifest import FileEntry

__all__ = ["Baseline", "Run", "collect_figures"]


@dataclass(frozen=True)
class Run:
    """One model.

    Attributes
    ----------
    strategy, seed
        Which run it is.
    seconds, train_rows, epochs
        What it took: wall time, rows an epoch (copies and synthetic rows counted), epochs.
    same
        The file with what it predicted: its size and checksum.
    measured
        Shape (1 + n_replicates, n_measures): on the test rows as they are, then on replicates of them.
    """

    strategy: str
    seed: int
    seconds: float
    train_rows: int
    epochs: int
    same: FileEntry
    measured: NDArray[np.float64]


@dataclass(frozen=True)
class Baseline:
    """What the strategies are shown beside: a model without seeds; `measured` as in `Run`."""

    name: str
    measured: NDArray[np.float64]


def collect_figures(
    runs: Sequence[Run],
    *,
    names: Sequence[str],
    strategies: Mapping[str, Mapping[str, Any]],
    metric: str | None,
    baseline: Baseline | None,
    about: Mapping[str, Any],
) -> dict[str, Any]:
    """Return the figures.

    Parameters
    ----------
    runs
        Every strategy with every seed.
    names
        Of the measures: the columns of `measured`.
    strategies
        Name to settings, the reference first.
    metric
        What decides; None: the first of `names`.
    baseline
        To be shown beside the strategies.
    about
        `title`, `task`, `n_test_rows`, `n_test_units`, `n_labels`, `cuts`.

    Raises
    ------
    ConfigError
        There is no such metric.
    DataError
        It is not defined on the test rows, as where no row holds a label.
    """
    if metric is not None and metric not in names:
        raise ConfigError(f"compare.metric is {metric!r}{nearest(metric, names)} Expected one of {', '.join(names)}.")
    groups = [_Group(name, [run for run in runs if run.strategy == name]) for name in strategies]
    n_units, reference = about["n_test_units"], groups[0]
    pooled = [_pool(groups, column) for column in range(len(names))]
    rows = [
        _strategy(group, reference, names, n_units, pooled)
        | {"over_baseline": None if baseline is None else _over(baseline, group, names, n_units, pooled)}
        | {"settings": dict(strategies[group.name])}
        for group in groups
    ]
    primary = metric or names[0]
    if primary not in rows[0]["metrics"]:
        raise DataError(
            f"{primary} is not defined on the {about['n_test_rows']:,} test rows: none of them holds a label."
        )
    _correct(rows, names)
    figures = {
        **about,
        "metric": primary,
        "metrics": [name for name in names if name in rows[0]["metrics"]],
        "reference": reference.name,
        "seeds": [run.seed for run in reference.runs],
        "n_replicates": len(reference.runs[0].measured) - 1,
        "strategies": rows,
        "baseline": None if baseline is None else _beside(baseline, reference, names, n_units),
    }
    return figures | {"recommendation": recommend(figures)}


@dataclass(frozen=True)
class _Group:
    """The runs of one strategy, in the order of the seeds."""

    name: str
    runs: list[Run]

    def is_like(self, other: _Group) -> bool:
        """Return whether every run predicted the very same as the other's of the same seed."""
        return [run.same for run in self.runs] == [run.same for run in other.runs]

    def measured(self, column: int) -> NDArray[np.float64]:
        """Return one measure, shape (n_seeds, 1 + n_replicates)."""
        return np.stack([run.measured[:, column] for run in self.runs])


def _pool(groups: Sequence[_Group], column: int) -> Spread | None:
    """Return the spread over seeds of one measure, from the strategies that differ from the reference."""
    distinct = [groups[0], *(group for group in groups[1:] if not group.is_like(groups[0]))]
    return pooled_spread(np.stack([group.measured(column)[:, 0] for group in distinct]))


def _strategy(
    group: _Group, reference: _Group, names: Sequence[str], n_units: int, pooled: Sequence[Spread | None]
) -> dict[str, Any]:
    differences = {
        name: estimate(group.measured(column) - reference.measured(column), n_units, pooled[column])
        for column, name in enumerate(names)
        if not group.is_like(reference)
    }
    return {
        "name": group.name,
        "same_as": reference.name if group is not reference and group.is_like(reference) else None,
        "train_rows": round(_mean(run.train_rows for run in group.runs)),
        "epochs": round(_mean(run.epochs for run in group.runs), 1),
        "seconds": round(_mean(run.seconds for run in group.runs), 1),
        "seeds": [run.seed for run in group.runs],
        "metrics": _measures({name: estimate(group.measured(at), n_units) for at, name in enumerate(names)}),
        "differences": _known(differences),
    }


def _beside(baseline: Baseline, reference: _Group, names: Sequence[str], n_units: int) -> dict[str, Any]:
    own = {name: estimate(baseline.measured[None, :, at], n_units) for at, name in enumerate(names)}
    differences = {
        name: estimate(baseline.measured[:, at] - reference.measured(at), n_units) for at, name in enumerate(names)
    }
    return {"name": baseline.name, "metrics": _measures(own), "differences": _known(differences)}


def _over(
    baseline: Baseline, group: _Group, names: Sequence[str], n_units: int, pooled: Sequence[Spread | None]
) -> dict[str, dict[str, Any]]:
    """Return the differences from the baseline; only the strategy has a spread over seeds: half that of a pair."""
    halves = [None if spread is None else Spread(spread.variance / 2, spread.freedom) for spread in pooled]
    return _known(
        {
            name: estimate(group.measured(at) - baseline.measured[:, at], n_units, halves[at])
            for at, name in enumerate(names)
        }
    )


def _known(found: Mapping[str, Estimate | None]) -> dict[str, dict[str, Any]]:
    return {name: _plain(each) for name, each in found.items() if each is not None}


def _measures(found: Mapping[str, Estimate | None]) -> dict[str, dict[str, Any]]:
    """Return measures without their p-values, which are against 0 and mean nothing."""
    plain = _known(found)
    return {name: {key: value for key, value in each.items() if key != "p"} for name, each in plain.items()}


def _plain(each: Estimate) -> dict[str, Any]:
    return {"value": each.value, "low": each.low, "high": each.high, "p": each.p, "by_seed": list(each.by_seed)}


def _correct(rows: Sequence[dict[str, Any]], names: Sequence[str]) -> None:
    """Add Holm's p-values: for each measure over the strategies that differ from the reference at all."""
    for name in names:
        family = [row["differences"][name] for row in rows if name in row["differences"]]
        known = [each for each in family if each["p"] is not None]
        for each in family:
            each["p_holm"] = None
        for each, p in zip(known, holm([each["p"] for each in known]), strict=True):
            each["p_holm"] = p


def _mean(values: Any) -> float:
    return float(np.mean(list(values)))
