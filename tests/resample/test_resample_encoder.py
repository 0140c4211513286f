"""An encoder of the caller: which texts it gets, how many at a time, and what it may return."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from evenly.errors import DataError
from evenly.resample import MLENN, MLSMOTE, encoder
from evenly.resample.encoder import encode_texts

LENGTHS = [3, 3, 9, 1, 5, 5, 8, 2]
TEXTS = [" ".join("abcdefghi"[:length]) for length in LENGTHS]


def _count(texts: list[str]) -> np.ndarray:
    return np.array([[len(text.split()), 1] for text in texts])


@pytest.mark.parametrize("kind", [np.array, sparse.csr_matrix, list, pd.DataFrame])
@pytest.mark.parametrize("at_once", [1, 3, 100])
def test_wanted_texts_come_in_batches(kind: Any, at_once: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(encoder, "ENCODED_AT_ONCE", at_once)
    wanted = np.array([True, False, True, True, True, False, False, True])
    sizes: list[int] = []

    def encode(texts: list[str]) -> Any:
        sizes.append(len(texts))
        return kind(_count(texts))

    found = encode_texts(encode, TEXTS, wanted)
    found = found.toarray() if sparse.issparse(found) else found
    assert found.tolist() == [[length, 1] if asked else [0, 0] for length, asked in zip(LENGTHS, wanted, strict=True)]
    assert max(sizes) <= at_once
    assert sum(sizes) == wanted.sum()


def test_the_encoder_decides_who_is_near() -> None:
    # label 1 in rows 0 to 3; by length 0 and 1 are a pair
    labels = np.zeros((24, 2), int)
    labels[:4, 1] = labels[4:, 0] = 1
    texts = [*TEXTS[:4], *(f"other {row}" for row in range(20))]
    sampler = MLSMOTE(target_ir=2, max_copies=20, max_growth=2, k_neighbors=1, random_state=0)
    sampler.fit_resample(pd.DataFrame({"t": texts, "n": 1.5}), labels, features=_count)
    pairs = dict(zip(sampler.recipes_.seed.tolist(), sampler.recipes_.reference.tolist(), strict=True))
    assert pairs == {0: 1, 1: 0, 2: 0, 3: 0}  # of 0 and 1, both 6 words from row 2, the first


@pytest.mark.parametrize(
    ("encode", "message"),
    [
        (lambda texts: np.zeros(len(texts)), r"shape \(8,\) .* 8 texts; expected numbers of the shape \(8, n_features"),
        (lambda texts: np.zeros((len(texts) - 1, 2)), r"shape \(7, 2\)"),
        (lambda texts: np.array([["a"]] * len(texts)), "type <U1"),
    ],
)
def test_what_is_no_matrix_is_refused(encode: Any, message: str) -> None:
    with pytest.raises(DataError, match=message):
        encode_texts(encode, TEXTS, np.ones(8, np.bool_))


def test_another_width_in_a_later_batch_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(encoder, "ENCODED_AT_ONCE", 4)
    widths = iter([2, 3])
    with pytest.raises(DataError, match=r"expected numbers of the shape \(4, 2\)"):
        encode_texts(lambda texts: np.zeros((len(texts), next(widths))), TEXTS, np.ones(8, np.bool_))


def test_a_function_needs_texts() -> None:
    with pytest.raises(DataError, match="X holds none"):
        MLENN().fit_resample(np.eye(4), np.eye(4, dtype=int), features=_count)
