"""The texts of each label: how long they are, how often the same one comes again, and with other labels.

Comes in: a label matrix and what was found out about the text of every row. Goes out: arrays with a value a label.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from evenly.imbalance import label_counts, row_numbers
from evenly.labelsets import labelset_keys

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from scipy import sparse

__all__ = ["length_quantiles", "repetitions"]

_QUANTILES = {"q05": 0.05, "q50": 0.5, "q95": 0.95}


def length_quantiles(labels: sparse.csr_matrix, length: NDArray[np.int32], unit: str) -> dict[str, NDArray[np.float64]]:
    """Return quantiles of the lengths of each label's rows, as numpy interpolates them; NaN where it has none.

    Parameters
    ----------
    labels
        CSR, shape (n_rows, n_labels).
    length
        Shape (n_rows,): of each row's text.
    unit
        In what it is measured; begins the names: ``characters_q05``, ...
    """
    columns = labels.tocsc()
    counts = np.diff(columns.indptr)
    # Label and length in one number, which sorts several times as fast as two
    keys = np.repeat(np.arange(len(counts), dtype=np.int64), counts) << 32 | length[columns.indices]
    keys.sort()
    values = (keys & (2**32 - 1)).astype(np.int32)
    return {f"{unit}_{name}": _quantile(values, columns.indptr, share) for name, share in _QUANTILES.items()}


def _quantile(values: NDArray[np.int32], starts: NDArray[np.int32], share: float) -> NDArray[np.float64]:
    """Return a quantile of each run of ascending values."""
    counts = np.diff(starts)
    within = share * np.maximum(counts - 1, 0)
    below = np.floor(within).astype(np.int64)
    above = np.minimum(below + 1, np.maximum(counts - 1, 0))
    found = np.full(len(counts), np.nan)
    some = counts > 0
    low, high = (values[(starts[:-1] + offset)[some]] for offset in (below, above))
    found[some] = low + (within - below)[some] * (high - low)
    return found


def repetitions(labels: sparse.csr_matrix, same_text: NDArray[np.int64]) -> dict[str, NDArray[np.int64]]:
    """Return, for each label: distinct texts, further rows of them, rows whose text has other labels too.

    Parameters
    ----------
    labels
        CSR, shape (n_rows, n_labels).
    same_text
        Shape (n_rows,), int64: a number for the text of each row.
    """
    n_rows, n_labels = labels.shape
    _, text = np.unique(same_text, return_inverse=True)
    held = labels.indices.astype(np.int64) * max(n_rows, 1) + text[row_numbers(labels)]
    held.sort()  # np.unique hashes instead, which takes ten times as long
    first = held[np.append(True, held[1:] != held[:-1])[: len(held)]]
    distinct = np.bincount(first // max(n_rows, 1), minlength=n_labels).astype(np.int64)
    differs = _has_other_labels(labels, text)
    conflicting = np.bincount(labels.indices, differs[row_numbers(labels)], n_labels).astype(np.int64)
    return {
        "distinct_texts": distinct,
        "duplicate_rows": label_counts(labels) - distinct,
        "conflicting_rows": conflicting,
    }


def _has_other_labels(labels: sparse.csr_matrix, text: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Return which rows have a text that stands in some row with other labels, shape (n_rows,)."""
    keys = labelset_keys(labels)
    n_texts = text.max(initial=-1) + 1
    any_key = np.zeros(n_texts, np.uint64)
    any_key[text] = keys
    differs = np.zeros(n_texts, np.bool_)
    differs[text[keys != any_key[text]]] = True
    of_row: NDArray[np.bool_] = differs[text]
    return of_row
