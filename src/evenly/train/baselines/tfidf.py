"""TF-IDF of words: the features of the baseline.

In: texts. Out: a sparse matrix, shape (n_texts, n_terms), float64, rows of length 1. The vocabulary is kept as JSON
and NumPy files, so that other processes can use it; nothing is pickled. Settings by measurement on seven tables:
single words did as well as words and pairs, at a tenth of the time.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from scipy import sparse

__all__ = ["fit_tfidf", "load_tfidf"]

_MAX_TERMS = 20_000
_MIN_ROWS = 2


def fit_tfidf(texts: Iterable[str], folder: Path) -> sparse.csr_matrix | None:
    """Learn the vocabulary, write it into `folder` and return the features of the texts.

    None where no text has a word, as with texts of punctuation alone.
    """
    documents = list(texts)
    for min_rows in (_MIN_ROWS, 1):
        vectorizer = _make_vectorizer(min_df=min_rows, max_features=_MAX_TERMS)
        try:
            features = vectorizer.fit_transform(documents)
        except ValueError:  # scikit-learn's way to say that no term is left
            continue
        terms = {term: int(index) for term, index in vectorizer.vocabulary_.items()}
        (folder / "terms.json").write_text(json.dumps(terms), encoding="utf-8")
        np.save(folder / "idf.npy", vectorizer.idf_)
        return features
    return None


def load_tfidf(folder: Path) -> Any:
    """Return a vectorizer whose `transform` gives the features that `fit_tfidf` defined."""
    terms = json.loads((folder / "terms.json").read_text(encoding="utf-8"))
    vectorizer = _make_vectorizer(vocabulary=terms)
    vectorizer.idf_ = np.load(folder / "idf.npy")
    return vectorizer


def _make_vectorizer(**settings: Any) -> Any:
    from sklearn.feature_extraction.text import TfidfVectorizer

    return TfidfVectorizer(sublinear_tf=True, **settings)
