"""Measures of imbalance: worked by hand, against the R package's stored values, and as properties."""

from __future__ import annotations

import csv
import itertools
import json
import math

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from labels_strategies import label_matrices
from scipy import sparse

from evenly.errors import ConfigError, LabelShapeError
from evenly.labels import LabelCounts, label_statistics
from evenly.labels.cooccurrence import label_pairs

# Rows: {a}, {a}, {a, b}, {b, c}, {}; d is empty. c = 3, 2, 1, 0; IRLbl = 1, 1.5, 3; MeanIR = 5.5 / 3.
HAND = np.array([[1, 0, 0, 0], [1, 0, 0, 0], [1, 1, 0, 0], [0, 1, 1, 0], [0, 0, 0, 0]])
# SCUMBLE of row 2: 1 - sqrt(1 * 1.5) / 1.25; of row 3: 1 - sqrt(1.5 * 3) / 2.25.
ROW_2, ROW_3 = 1 - math.sqrt(1.5) / 1.25, 1 - math.sqrt(4.5) / 2.25


def test_measures_worked_by_hand():
    found = label_statistics(sparse.csr_matrix(HAND), n_features=10)
    assert found.counts.tolist() == [3, 2, 1, 0]
    assert found.irlbl[:3].tolist() == [1.0, 1.5, 3.0]
    assert math.isnan(found.irlbl[3])
    assert found.mean_ir == pytest.approx(5.5 / 3, abs=1e-12)
    assert found.max_ir == 3.0
    # sd(1, 1.5, 3; ddof=1) = sqrt((0.8333^2 + 0.3333^2 + 1.1667^2) / 2) = sqrt(13 / 12)
    assert found.cvir == pytest.approx(math.sqrt(13 / 12) / (5.5 / 3), abs=1e-12)
    assert found.minority.tolist() == [False, False, True, False]
    assert found.imr[:3].tolist() == [1.5, 1.5, 4.0]
    assert found.scumble == pytest.approx((ROW_2 + ROW_3) / 5, abs=1e-12)
    np.testing.assert_allclose(found.scumble_lbl[:3], [ROW_2 / 3, (ROW_2 + ROW_3) / 2, ROW_3], atol=1e-12)
    assert (found.cardinality, found.density) == (1.2, 0.3)
    assert (found.n_labelsets, found.n_labelsets_once, found.largest_labelset) == (4, 3, 2)
    assert found.tcs == pytest.approx(math.log(10 * 4 * 4), abs=1e-12)
    assert (found.n_empty, found.n_singletons, found.n_unlabelled) == (1, 1, 1)


def test_empty_labels_lower_the_mean_only_where_mldr_is_asked_for():
    assert label_statistics(HAND, "mldr").mean_ir == pytest.approx(5.5 / 4, abs=1e-12)
    assert label_statistics(HAND, "mldr").irlbl[3] == 0
    with pytest.raises(ConfigError, match="'drop' or 'mldr'"):
        label_statistics(HAND, "keep")


def test_equal_labels_have_no_minority():
    assert not label_statistics(np.eye(4)).minority.any()


@pytest.mark.parametrize("shape", [(0, 3), (3, 0), (4, 2)])
def test_nothing_labelled_is_undefined_and_no_error(shape):
    found = label_statistics(sparse.csr_matrix(shape, dtype=np.int8))
    assert math.isnan(found.mean_ir)
    assert math.isnan(found.max_ir)
    assert found.n_empty == shape[1]


@pytest.mark.parametrize(
    ("labels", "message"), [([0, 1, 2], "1 dimension"), ([[0, 2]], "value 2"), ([[0.5, 1]], "value 0.5")]
)
def test_what_is_no_label_matrix_is_refused(labels, message):
    with pytest.raises(LabelShapeError, match=message):
        label_statistics(np.array(labels))


def test_stored_zeros_and_duplicates_do_not_count():
    labels = sparse.csr_matrix(([1, 0, 1, 1], ([0, 0, 1, 1], [0, 1, 1, 1])), shape=(2, 2))
    stored = sparse.csr_matrix((labels.data.clip(0, 1), labels.indices, labels.indptr), shape=(2, 2))
    assert label_statistics(stored).counts.tolist() == [1, 1]


def test_to_pandas_has_a_row_a_label():
    frame = label_statistics(HAND).to_pandas()
    assert frame["counts"].tolist() == [3, 2, 1, 0]
    assert set(frame.columns) == {"counts", "irlbl", "imr", "minority", "scumble_lbl", "scumble_lbl_cv"}


def test_pairs_and_lift_worked_by_hand():
    pairs = label_pairs(sparse.csr_matrix(HAND.astype(np.int8)))
    assert list(zip(pairs.label.tolist(), pairs.other.tolist(), pairs.count.tolist(), strict=True)) == [
        (0, 1, 1),
        (1, 2, 1),
    ]
    # 1 * 5 / (3 * 2) and 1 * 5 / (2 * 1)
    np.testing.assert_allclose(pairs.lift(np.array([3, 2, 1, 0]), 5), [5 / 6, 2.5])
    assert pairs.commonest(1).label.tolist() == [0]


@given(label_matrices(), st.randoms(use_true_random=False))
@settings(max_examples=60, deadline=None)
def test_order_of_rows_and_labels_does_not_matter(labels, random):
    rows, columns = list(range(labels.shape[0])), list(range(labels.shape[1]))
    random.shuffle(rows)
    random.shuffle(columns)
    before, after = label_statistics(labels), label_statistics(labels[rows][:, columns])
    for name, value in before.overall().items():
        np.testing.assert_allclose(after.overall()[name], value, rtol=1e-9, atol=1e-12, err_msg=name)
    for name in ("counts", "irlbl", "imr", "scumble_lbl"):
        np.testing.assert_allclose(getattr(after, name), getattr(before, name)[columns], rtol=1e-9, atol=1e-12)


@given(label_matrices(), st.randoms(use_true_random=False))
@settings(max_examples=80, deadline=None)
def test_parts_add_up_to_the_same_measures_to_the_last_bit(labels, random):
    """However the rows are divided and in whatever order the parts come."""
    n_rows = labels.shape[0]
    cuts = sorted({0, n_rows, *(random.randrange(n_rows + 1) for _ in range(3))})
    pieces = [LabelCounts.of(labels[start:end]) for start, end in itertools.pairwise(cuts)]
    random.shuffle(pieces)
    added = pieces[0]
    for piece in pieces[1:]:
        added = added + piece
    whole = label_statistics(labels)
    for found in (label_statistics(added), label_statistics(LabelCounts.total(pieces))):
        np.testing.assert_equal(found.overall(), whole.overall())
        pd.testing.assert_frame_equal(found.to_pandas(), whole.to_pandas(), check_exact=True)
    together, pairs = added.pairs(), label_pairs(labels)
    for name in ("label", "other", "count"):
        np.testing.assert_array_equal(getattr(together, name), getattr(pairs, name))


def test_parts_of_other_tables_do_not_add_up():
    with pytest.raises(LabelShapeError, match=r"\[2, 3\] labels"):
        LabelCounts.of(np.eye(2)) + LabelCounts.of(np.eye(3))


@given(label_matrices())
@settings(max_examples=60, deadline=None)
def test_labelsets_are_those_that_python_counts(labels):
    found, sets = LabelCounts.of(labels), [tuple(labels[row].indices) for row in range(labels.shape[0])]
    counted = {tuple(found.labelsets[at].indices): rows for at, rows in enumerate(found.rows.tolist())}
    assert counted == {one: sets.count(one) for one in sets}
    assert found.n_unlabelled == sets.count(())


def test_pairs_of_minority_and_majority_labels():
    """Rows {a, b} three times, {a, c} twice, {b, c}, {c, d}: with c and d in the minority."""
    rows = [[1, 1, 0, 0]] * 3 + [[1, 0, 1, 0]] * 2 + [[0, 1, 1, 0], [0, 0, 1, 1]]
    pairs = LabelCounts.of(np.array(rows)).pairs()
    minority = np.array([False, False, True, True])
    assert pairs.n_minority(minority).tolist() == [0, 1, 1, 2]
    mixed = pairs.mixed(minority)
    assert list(zip(mixed.label.tolist(), mixed.other.tolist(), mixed.count.tolist(), strict=True)) == [
        (0, 2, 2),
        (1, 2, 1),
    ]


@given(label_matrices())
@settings(max_examples=60, deadline=None)
def test_scumble_is_a_share(labels):
    found = label_statistics(labels)
    assert -1e-12 <= found.scumble < 1


def _read_mldr(folder, name):
    table = pq.read_table(folder / f"{name}.parquet")
    names = json.loads(table.schema.metadata[b"label_columns"])
    dense = np.column_stack([table[column].to_numpy() for column in names])
    return names, sparse.csr_matrix(dense.astype(np.int8))


def _assert_measures(found, stored, prefix):
    ours = {
        "num.labels": found.n_labels,
        "num.instances": found.n_rows,
        "num.labelsets": found.n_labelsets,
        "num.single.labelsets": found.n_labelsets_once,
        "max.frequency": found.largest_labelset,
        "cardinality": found.cardinality,
        "density": found.density,
        "meanIR": found.mean_ir,
        "scumble": found.scumble,
        "scumble.cv": found.scumble_cv,
        "tcs": found.tcs,
    }
    for name, value in ours.items():
        assert value == pytest.approx(float(stored[prefix + name]), rel=1e-9, abs=1e-9), name


def test_published_measures(shared_data):
    folder = shared_data / "mldr"
    with (folder / "published_measures.csv").open(encoding="utf-8", newline="") as stream:
        published = list(csv.DictReader(stream))
    assert {stored["name"] for stored in published} == {path.stem for path in folder.glob("*.parquet")}
    for stored in published:
        _, labels = _read_mldr(folder, stored["name"])
        found = label_statistics(labels, "mldr", n_features=int(float(stored["pub_num.inputs"])))
        _assert_measures(found, stored, "pub_")


def test_oracle_per_label(shared_data):
    folder = shared_data / "mldr"
    oracle = json.loads((folder / "oracle.json").read_text(encoding="utf-8"))
    assert len(oracle) == 9
    for name, stored in oracle.items():
        names, labels = _read_mldr(folder, name)
        found = label_statistics(labels, "mldr", n_features=int(stored["measures"]["num.inputs"]))
        _assert_measures(found, stored["measures"], "")
        dropped, derived = label_statistics(labels), stored["derived"]
        assert dropped.max_ir == pytest.approx(derived["maxIR"], rel=1e-9)
        assert dropped.cvir == pytest.approx(derived["CVIR_pos"], rel=1e-9)
        assert dropped.mean_ir == pytest.approx(derived["meanIR_excl_zero"], rel=1e-9)
        assert (dropped.n_empty, dropped.n_singletons) == (derived["n_zero_labels"], derived["n_singleton_labels"])
        assert dropped.n_unlabelled == derived["n_zero_rows"]
        assert found.minority.sum() == derived["n_minority_labels"]
        for index, label in enumerate(names):
            of_label = stored["labels"][label]
            assert found.counts[index] == of_label["count"]
            assert found.irlbl[index] == pytest.approx(of_label["IRLbl"], rel=1e-9)
            assert found.scumble_lbl[index] == pytest.approx(of_label["SCUMBLE"], rel=1e-9, abs=1e-12)
            if of_label["SCUMBLE.CV"] is not None:
                assert found.scumble_lbl_cv[index] == pytest.approx(of_label["SCUMBLE.CV"], rel=1e-9)
            else:
                assert math.isnan(found.scumble_lbl_cv[index])
