"""TF-IDF rows: length, order, and texts without any word."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from evenly.resample.text_features import read_features, text_features

if TYPE_CHECKING:
    from conftest import Planner


def test_rows_have_length_one_and_the_formula_of_scikit_learn() -> None:
    features = text_features(iter(["a b", "a"]))
    # idf = 1 + ln((1 + n) / (1 + df)): a 1, b 1 + ln(3 / 2); every term once
    b = 1 + np.log(1.5)
    np.testing.assert_allclose(features.toarray(), [[1 / np.hypot(1, b), b / np.hypot(1, b)], [1, 0]], rtol=1e-6)
    assert features.dtype == np.float32


def test_texts_without_words_are_zero_rows() -> None:
    assert text_features(["", "!!", " "]).toarray().tolist() == [[0.0]] * 3
    assert text_features(["", "word"]).toarray().tolist() == [[0.0], [1.0]]
    assert text_features([]).shape == (0, 1)


@pytest.mark.parametrize("parts", [1, 2])
def test_only_wanted_rows_are_read(planner: Planner, parts: int) -> None:
    table = planner.table({"title": ["x", "y", "z", "x"], "text": ["p", "q", "r", "s"]}, [[0]] * 4, 1, parts=parts).path
    features = read_features(table, np.array([0, 2, 3]), np.array([True, False, True]), ["title", "text"])
    assert np.diff(features.indptr).tolist() == [2, 0, 2]
    assert (features @ features.T).toarray()[0, 2] > 0
