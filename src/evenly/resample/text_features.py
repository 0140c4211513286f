"""Texts as sparse TF-IDF rows of length 1: what MLSMOTE looks for neighbours in."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import sparse

from evenly import formats
from evenly.resample.units import features_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

__all__ = ["read_features", "text_features"]

ROWS_AT_ONCE = 10_000


def text_features(texts: Iterable[str]) -> sparse.csr_matrix:
    """Return sublinear TF-IDF, shape (n_texts, n_words), float32, L2-normalised; a text without words is all zero."""
    from sklearn.feature_extraction.text import TfidfVectorizer

    n_texts = 0

    def counted() -> Iterator[str]:
        nonlocal n_texts
        for text in texts:
            n_texts += 1
            yield text

    vectorizer = TfidfVectorizer(analyzer=features_of, sublinear_tf=True, dtype=np.float32)
    try:
        return sparse.csr_matrix(vectorizer.fit_transform(counted()))
    except ValueError as error:
        if "empty vocabulary" not in str(error):
            raise
        return sparse.csr_matrix((n_texts, 1), dtype=np.float32)


def read_features(
    table: Path, rows: NDArray[np.int64], wanted: NDArray[np.bool_], columns: Sequence[str]
) -> sparse.csr_matrix:
    """Return the features of the wanted rows among `rows`, shape (n_rows, n_words); all other rows are zero.

    Only the wanted rows' texts are read.
    """
    found = text_features(_read_texts(table, rows[wanted], columns))
    widths = np.zeros(len(rows), np.int64)
    widths[wanted] = np.diff(found.indptr)
    start = np.concatenate([[0], np.cumsum(widths)])
    return sparse.csr_matrix((found.data, found.indices, start), shape=(len(rows), found.shape[1]))


def _read_texts(table: Path, rows: NDArray[np.int64], columns: Sequence[str]) -> Iterator[str]:
    """Yield the text of every row, its columns joined by line breaks, reading some thousand rows at once."""
    for begin in range(0, len(rows), ROWS_AT_ONCE):
        block = formats.read_rows(table, rows[begin : begin + ROWS_AT_ONCE], columns)
        for cells in zip(*(block[name].to_pylist() for name in columns), strict=True):
            yield "\n".join(cell or "" for cell in cells)
