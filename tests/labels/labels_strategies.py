"""Label matrices for the property tests of this room."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st
from scipy import sparse


@st.composite
def label_matrices(draw, *, max_rows=40, max_labels=6, single=False):
    """Draw a CSR matrix; empty labels, empty rows and repeated labelsets are likely."""
    n_labels = draw(st.integers(1, max_labels))
    label = st.integers(0, n_labels - 1)
    one_row = st.lists(label, min_size=1, max_size=1) if single else st.lists(label, max_size=n_labels)
    rows = draw(st.lists(one_row, min_size=1, max_size=max_rows))
    dense = np.zeros((len(rows), n_labels), np.int8)
    for number, held in enumerate(rows):
        dense[number, held] = 1
    return sparse.csr_matrix(dense)


def power_law(n_rows, n_labels, labels_a_row, seed=0):
    """Return labels drawn with probabilities 1 / rank: a long tail."""
    rng = np.random.default_rng(seed)
    share = 1 / np.arange(1, n_labels + 1)
    n_held = 1 + rng.poisson(labels_a_row - 1, n_rows)
    rows = np.repeat(np.arange(n_rows), n_held)
    columns = rng.choice(n_labels, len(rows), p=share / share.sum())
    matrix = sparse.csr_matrix((np.ones(len(rows), np.int8), (rows, columns)), shape=(n_rows, n_labels))
    matrix.data[:] = 1
    return matrix
