"""TF-IDF rows: length, order, texts without any word, and the same from parts on disk."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from evenly.executor import InProcess
from evenly.resample import table_features, table_rows, text_runs
from evenly.resample.feature_files import open_features, write_dense, write_sparse
from evenly.resample.table_features import write_text_features
from evenly.resample.text_features import count_words, text_features
from evenly.resample.units import features_of
from evenly.workspace import Workspace

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import Planner

TEXTS = [
    "The cat sat, the CAT slept.",
    "a dog",
    "",
    "今日は晴",
    "the dog of the cat",
    "Donaudampfschifffahrtsgesellschaft",
]


def test_rows_have_length_one_and_the_formula_of_scikit_learn() -> None:
    features = text_features(iter(["a b", "a"]))
    # idf = 1 + ln((1 + n) / (1 + df)): a 1, b 1 + ln(3 / 2); every term once
    b = 1 + np.log(1.5)
    np.testing.assert_allclose(features.toarray(), [[1 / np.hypot(1, b), b / np.hypot(1, b)], [1, 0]], rtol=1e-6)
    assert features.dtype == np.float32


def test_equal_to_scikit_learn() -> None:
    from sklearn.feature_extraction.text import TfidfVectorizer

    expected = TfidfVectorizer(analyzer=features_of, sublinear_tf=True).fit_transform(TEXTS)
    np.testing.assert_allclose(text_features(TEXTS).toarray(), expected.toarray(), rtol=1e-6)


def test_texts_without_words_are_zero_rows() -> None:
    assert text_features(["", "!!", " "]).toarray().tolist() == [[0.0]] * 3
    assert text_features(["", "word"]).toarray().tolist() == [[0.0], [1.0]]
    assert text_features([]).shape == (0, 1)


MIXED = st.text(
    st.sampled_from("abZ9_ '.-\n\u00e9\u201c\u03a3\u03c3\u4eca\u06af\u0130\u212a\u00df\u0301\uff41\ud800"), max_size=40
)


@settings(max_examples=150, deadline=None)
@given(st.lists(MIXED, max_size=5))
def test_words_are_counted_as_python_finds_them(texts: list[str]) -> None:
    counted = count_words(texts)
    expected = [Counter(features_of(text)) for text in texts]
    words = sorted({word for held in expected for word in held})
    assert counted.words.to_pylist() == words
    assert counted.counts.toarray().tolist() == [[held[word] for word in words] for held in expected]
    assert counted.counts.has_sorted_indices


def test_more_distinct_words_than_there_is_room_for(monkeypatch: pytest.MonkeyPatch) -> None:
    texts = [f"w{number} w{number + 1} and a long one {'x' * number}" for number in range(40)]
    expected = count_words(texts)
    monkeypatch.setattr(text_runs, "ROOM", 1)
    found = count_words(texts)
    assert found.words.equals(expected.words)
    assert (found.counts != expected.counts).nnz == 0


def _write(planner: Planner, folder: Path, wanted: list[bool], **columns: list[str]) -> sparse.csr_matrix:
    n_rows = len(next(iter(columns.values())))
    table = planner.table(columns, [[0]] * n_rows, 1, parts=2).path
    work = Workspace(folder, stage="plan", executor=InProcess())
    rows = np.flatnonzero(np.ones(n_rows))
    found = write_text_features(work, table=table, rows=rows, wanted=np.array(wanted), columns=list(columns))
    return open_features(found)


@pytest.mark.parametrize("at_once", [1, 2, 100])
def test_parts_on_disk_make_the_same_features(
    planner: Planner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at_once: int
) -> None:
    monkeypatch.setattr(table_features, "TEXTS_AT_ONCE", at_once)
    monkeypatch.setattr(table_rows, "ROWS_AT_ONCE", at_once)
    features = _write(planner, tmp_path / "work", [True] * len(TEXTS), text=TEXTS)
    expected = text_features(TEXTS)
    assert features.shape == expected.shape
    assert features.dtype == np.float32
    assert (features != expected).nnz == 0


def test_only_wanted_rows_are_read(planner: Planner, tmp_path: Path) -> None:
    wanted = [True, False, True, True]
    features = _write(planner, tmp_path / "work", wanted, title=["x", "y", "z", "x"], text=["p", "q", "r", "s"])
    assert np.diff(features.indptr).tolist() == [2, 0, 2, 2]
    assert (features @ features.T).toarray()[0, 3] > 0
    assert _write(planner, tmp_path / "none", [False] * 2, text=["x", "y"]).shape == (2, 1)
    assert _write(planner, tmp_path / "no words", [True] * 2, text=["!", ""]).toarray().tolist() == [[0.0]] * 2


def test_features_come_back_from_disk_as_they_were(tmp_path: Path) -> None:
    dense = np.arange(6.0, dtype=np.float32).reshape(2, 3)
    write_dense(tmp_path / "dense", [dense[:1], dense[1:]], 2, 3)
    np.testing.assert_array_equal(open_features(tmp_path / "dense"), dense)
    rows = sparse.csr_matrix(dense)
    write_sparse(tmp_path / "sparse", [rows[:1], rows[1:]], 3)
    assert (open_features(tmp_path / "sparse") != rows).nnz == 0
    write_sparse(tmp_path / "spread", [rows], 3, np.array([False, True, True, False]))
    assert open_features(tmp_path / "spread").toarray().tolist() == [[0] * 3, *dense.tolist(), [0] * 3]
    write_sparse(tmp_path / "nothing", [rows[:0]], 3, np.zeros(2, np.bool_))
    assert open_features(tmp_path / "nothing").toarray().tolist() == [[0] * 3] * 2
