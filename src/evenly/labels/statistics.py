"""How imbalanced a table is: IRLbl, MeanIR, SCUMBLE and their kin.

Comes in: a label matrix, or the counts of its parts. Goes out: one `LabelStatistics`. One sort of the rows by
labelset, then all measures from the distinct labelsets; no pair of labels is looked at here (see
`evenly.labels.cooccurrence`).

The values are those of the R package mldr, but for empty labels: those it counts as IRLbl 0 in the mean, and
so reports a lower MeanIR the more labels have no row. Here they are left out unless ``empty="mldr"``.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from evenly.errors import ConfigError
from evenly.imbalance import irlbl, row_scumble
from evenly.labels.counts import LabelCounts

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

__all__ = ["LabelStatistics", "label_statistics"]


@dataclass(frozen=True)
class LabelStatistics:
    """What `label_statistics` finds; a measure that is not defined (no rows, one label) is NaN.

    Attributes
    ----------
    n_rows, n_labels
        N and L.
    counts
        Shape (n_labels,), int64: rows that hold each label, c_l.
    irlbl
        Shape (n_labels,), float64: max(c) / c_l; NaN for an empty label (0 with ``empty="mldr"``).
    imr
        Shape (n_labels,), float64: max(c_l, N - c_l) / min(c_l, N - c_l); NaN where one of them is 0.
    minority
        Shape (n_labels,), bool: IRLbl > MeanIR, strictly.
    scumble_lbl, scumble_lbl_cv
        Shape (n_labels,), float64: mean of SCUMBLE over the rows that hold the label (NaN, or 0 with
        ``empty="mldr"``, where there is none), and its coefficient of variation (NaN below two rows).
    mean_ir, max_ir, cvir
        Mean, largest and coefficient of variation (sd with ddof=1 over mean) of IRLbl.
    scumble, scumble_cv
        Mean of SCUMBLE over all rows, in [0, 1], and its coefficient of variation.
    cardinality, density
        Labels a row, and that as a share of the labels.
    n_labelsets, n_labelsets_once, largest_labelset
        Distinct combinations of labels, those seen in one row, rows of the commonest.
    tcs
        ln(features * labels * labelsets); NaN without a number of features.
    n_empty, n_singletons
        Labels with no row and with one.
    n_unlabelled
        Rows without a label.
    """

    n_rows: int
    n_labels: int
    counts: NDArray[np.int64]
    irlbl: NDArray[np.float64]
    imr: NDArray[np.float64]
    minority: NDArray[np.bool_]
    scumble_lbl: NDArray[np.float64]
    scumble_lbl_cv: NDArray[np.float64]
    mean_ir: float
    max_ir: float
    cvir: float
    scumble: float
    scumble_cv: float
    cardinality: float
    density: float
    n_labelsets: int
    n_labelsets_once: int
    largest_labelset: int
    tcs: float
    n_empty: int
    n_singletons: int
    n_unlabelled: int

    def overall(self) -> dict[str, int | float]:
        """Return the measures of the whole table, by name."""
        values = ((field.name, getattr(self, field.name)) for field in fields(self))
        return {name: value for name, value in values if not isinstance(value, np.ndarray)}

    def to_pandas(self) -> pd.DataFrame:
        """Return the measures of every label, a row a label, as a DataFrame."""
        import pandas as pd

        values = ((field.name, getattr(self, field.name)) for field in fields(self))
        return pd.DataFrame({name: value for name, value in values if isinstance(value, np.ndarray)})


def label_statistics(
    labels: Any, empty: Literal["drop", "mldr"] = "drop", *, n_features: int | None = None
) -> LabelStatistics:
    """Measure the imbalance of a label matrix.

    Parameters
    ----------
    labels
        Shape (n_rows, n_labels): a scipy CSR matrix (or what becomes one) of 0 and 1; or the `LabelCounts` of all
        parts of a table, which give the same values to the last bit.
    empty
        Labels without a row: left out of the means ("drop"), or counted as IRLbl 0 as the R package does
        ("mldr").
    n_features
        Number of input features, for TCS.

    Raises
    ------
    ConfigError
        `empty` is neither.
    LabelShapeError
        It is no matrix of 0 and 1.

    References
    ----------
    F. Charte, A. Rivera, M. J. del Jesus, F. Herrera: Addressing imbalance in multilabel classification,
    Neurocomputing 163 (2015), eq. 1 to 3 (IRLbl, MeanIR, CVIR); the same: Concurrence among imbalanced labels
    and its influence on multilabel resampling algorithms, HAIS 2014 (SCUMBLE); F. Charte, D. Charte: Working
    with multilabel datasets in R, the R Journal 7/2 (2015) (SCUMBLELbl, TCS).

    Examples
    --------
    >>> import numpy as np
    >>> found = label_statistics(np.array([[1, 0], [1, 0], [1, 1]]))
    >>> found.irlbl.tolist(), found.mean_ir, found.minority.tolist()
    ([1.0, 3.0], 2.0, [False, True])
    """
    if empty not in ("drop", "mldr"):
        raise ConfigError(f"empty is {empty!r}, expected 'drop' or 'mldr'.")
    found = labels if isinstance(labels, LabelCounts) else LabelCounts.of(labels)
    n_rows, n_labels, n_sets = found.n_rows, found.n_labels, len(found.rows)
    counts = found.counts
    of_empty = 0.0 if empty == "mldr" else np.nan
    ratios = np.where(counts > 0, irlbl(counts), of_empty)
    averaged = ratios[~np.isnan(ratios)]
    mean_ir = _mean(averaged)
    per_set = row_scumble(found.labelsets, ratios)
    scumble_lbl, scumble_lbl_cv = _scumble_of_labels(found, per_set)
    scumble_lbl[counts == 0] = of_empty
    return LabelStatistics(
        n_rows=n_rows,
        n_labels=n_labels,
        counts=counts,
        irlbl=ratios,
        imr=_imr(counts, n_rows),
        minority=ratios > mean_ir,
        scumble_lbl=scumble_lbl,
        scumble_lbl_cv=scumble_lbl_cv,
        mean_ir=mean_ir,
        max_ir=float(averaged.max()) if len(averaged) else np.nan,
        cvir=_variation(averaged),
        scumble=_mean(per_set, found.rows),
        scumble_cv=_variation(per_set, found.rows),
        cardinality=int(counts.sum()) / n_rows if n_rows else np.nan,
        density=int(counts.sum()) / n_rows / n_labels if n_rows and n_labels else np.nan,
        n_labelsets=n_sets,
        n_labelsets_once=int((found.rows == 1).sum()),
        largest_labelset=int(found.rows.max(initial=0)),
        tcs=float(np.log(n_features * n_labels * n_sets)) if n_features and n_labels and n_sets else np.nan,
        n_empty=int((counts == 0).sum()),
        n_singletons=int((counts == 1).sum()),
        n_unlabelled=found.n_unlabelled,
    )


def _imr(counts: NDArray[np.int64], n_rows: int) -> NDArray[np.float64]:
    fewer, more = np.minimum(counts, n_rows - counts), np.maximum(counts, n_rows - counts)
    return np.where(fewer > 0, more / np.maximum(fewer, 1), np.nan)


def _scumble_of_labels(
    found: LabelCounts, per_set: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return mean and coefficient of variation of the rows' SCUMBLE, for every label."""
    counts, indices = found.counts, found.labelsets.indices
    n_held = np.diff(found.labelsets.indptr)
    values, rows = np.repeat(per_set, n_held), np.repeat(found.rows, n_held)
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = np.bincount(indices, values * rows, found.n_labels) / counts
        squares = np.bincount(indices, (values - mean[indices]) ** 2 * rows, found.n_labels)
        variation = np.where(squares > 0, np.sqrt(squares / (counts - 1)) / mean, 0.0)
    variation[counts < 2] = np.nan  # noqa: PLR2004 - a deviation needs two rows
    return mean, variation


def _mean(values: NDArray[np.float64], rows: NDArray[np.int64] | None = None) -> float:
    """Return the mean of values that stand in as many rows each; one where None."""
    n_rows = len(values) if rows is None else rows.sum()
    return float((values if rows is None else values * rows).sum() / n_rows) if n_rows else np.nan


def _variation(values: NDArray[np.float64], rows: NDArray[np.int64] | None = None) -> float:
    """Return sd(ddof=1) / mean of such values; 0 where all are alike, NaN below two rows."""
    rows = np.ones(len(values), np.int64) if rows is None else rows
    n_rows = rows.sum()
    if n_rows < 2:  # noqa: PLR2004 - a deviation needs two rows
        return np.nan
    mean = _mean(values, rows)
    deviation = np.sqrt(((values - mean) ** 2 * rows).sum() / (n_rows - 1))
    return float(deviation / mean) if deviation else 0.0
