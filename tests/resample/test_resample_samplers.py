"""Samplers on all that X and Y may be, what they say afterwards, and what they refuse."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from scipy import sparse

from evenly.errors import ConfigError, DataError
from evenly.resample import (
    LPROS,
    MLENN,
    MLROS,
    MLSMOTE,
    MLSOL,
    REMEDIAL,
    Chain,
    FromImblearn,
    RandomOver,
    ResamplingWarning,
    splice,
)

# Label 0 in 12 rows, label 1 in 3, which hold label 2 as well or not
Y = np.array([[1, 0, 0]] * 12 + [[0, 1, 1], [0, 1, 1], [0, 1, 0]] + [[0, 0, 1]] * 3)
X = np.random.default_rng(0).normal(size=(18, 3)) + 4 * Y
TEXTS = [f"the row of number {row} tells something about {'abc'[row % 3]}" for row in range(18)]
SMOTE = {"target_ir": 2, "random_state": 0}


def test_synthetic_texts_are_spliced_from_their_parents() -> None:
    sampler = MLSMOTE(**SMOTE)
    texts, labels = sampler.fit_resample(TEXTS, Y)
    recipes = sampler.recipes_
    assert texts[:18] == TEXTS
    assert len(texts) == len(labels) == 18 + len(recipes) > 18
    for number, text in enumerate(texts[18:]):
        seed, reference = TEXTS[recipes.seed[number]], TEXTS[recipes.reference[number]]
        assert text == splice(seed, reference, recipes.share[number], recipes.position[number])


def test_duplicates_are_the_seed_with_its_labels() -> None:
    sampler = MLSMOTE(**SMOTE, realise="duplicate", label_rule="union")
    texts, labels = sampler.fit_resample(TEXTS, Y)
    seeds = sampler.recipes_.seed
    assert texts[18:] == [TEXTS[seed] for seed in seeds]
    assert labels[18:].tolist() == Y[seeds].tolist()
    ids = np.arange(36).reshape(18, 2)
    assert sampler.fit_resample(ids, Y)[0][18:].tolist() == ids[sampler.recipes_.seed].tolist()


def test_numbers_lie_on_the_segment_or_in_the_box() -> None:
    for gap in ("row", "feature"):
        sampler = MLSMOTE(**SMOTE, gap=gap)
        made = sampler.fit_resample(X, Y)[0][18:]
        recipes = sampler.recipes_
        seed, reference, label = X[recipes.seed], X[recipes.reference], recipes.label
        assert (Y[recipes.seed, label] & Y[recipes.reference, label]).all()
        assert (made >= np.minimum(seed, reference)).all()
        assert (made <= np.maximum(seed, reference)).all()
        on_the_line = np.allclose(made, seed + recipes.share[:, None] * (reference - seed))
        assert on_the_line == (gap == "row")


@pytest.mark.parametrize(
    "given",
    [
        tuple(TEXTS),
        np.array(TEXTS),
        np.array(TEXTS, object),
        pd.Series(TEXTS, name="text", index=range(5, 23)),
        pa.array(TEXTS),
        pa.chunked_array([TEXTS[:7], TEXTS[7:]]),
    ],
    ids=["tuple", "array", "objects", "series", "arrow", "chunks"],
)
def test_texts_come_out_as_they_went_in(given: Any) -> None:
    made, _ = MLSMOTE(**SMOTE).fit_resample(given, Y)
    assert type(made) is type(given)
    assert list(map(str, made))[:18] == TEXTS
    assert list(map(str, made)) == MLSMOTE(**SMOTE).fit_resample(TEXTS, Y)[0]


def _frame() -> pd.DataFrame:
    kind = pd.Categorical(["x", "y", "z"] * 6)
    numbers = {"length": X[:, 0].astype(np.float32), "weight": X[:, 1]}
    return pd.DataFrame({**numbers, "kind": kind, "new": [True, False] * 9}, index=range(100, 118))


def test_a_frame_keeps_columns_and_types() -> None:
    sampler = MLSMOTE(**SMOTE)
    made, _ = sampler.fit_resample(_frame(), Y)
    assert made.dtypes.to_dict() == _frame().dtypes.to_dict()
    assert made[:18].equals(_frame().reset_index(drop=True))
    assert sampler.feature_names_in_.tolist() == ["length", "weight", "kind", "new"]
    assert sampler.n_features_in_ == 4
    recipes = sampler.recipes_
    low, high = (np.array(_frame()["weight"])[rows] for rows in (recipes.seed, recipes.reference))
    assert ((made["weight"][18:] >= np.minimum(low, high)) & (made["weight"][18:] <= np.maximum(low, high))).all()


def test_classes_are_as_far_apart_as_their_rows_labels_are() -> None:
    # Label 1 in rows 0, 1, 2: red, blue, green. Red: rows 0 and 3 to 5, label 1 in 1 of 4; blue: 1 and 6, in 1 of 2;
    # green: 2 and 7 to 13, in 1 of 8. Label 0 is held by the others, so that each distance is sqrt(2) times the gap:
    # red and blue .25, red and green .125, blue and green .375. So red is the nearest of both others, green of red.
    colours = ["red", "blue", "green", "red", "red", "red", "blue", *["green"] * 7]
    labels = np.array([[0, 1]] * 3 + [[1, 0]] * 11)
    frame = pd.DataFrame({"colour": pd.Categorical(colours)})
    sampler = MLSMOTE(target_ir=2, max_copies=9, max_growth=1.0, k_neighbors=1, random_state=0)
    sampler.fit_resample(frame, labels)
    recipes = sampler.recipes_
    assert dict(zip(recipes.seed.tolist(), recipes.reference.tolist(), strict=True)) == {0: 2, 1: 0, 2: 0}


def test_a_number_beside_a_class_can_outweigh_it() -> None:
    # as above; by size row 0 is next to row 1 (.01), which outweighs the colour: .35 from blue, .18 + 5 from green
    frame = pd.DataFrame({"colour": pd.Categorical(["red", "blue", "green", *["red"] * 3, "blue", *["green"] * 7])})
    frame["size"] = [0.0, 0.01, 5.0, *[0.0] * 11]
    labels = np.array([[0, 1]] * 3 + [[1, 0]] * 11)
    sampler = MLSMOTE(target_ir=2, max_copies=9, max_growth=1.0, k_neighbors=1, random_state=0)
    sampler.fit_resample(frame, labels)
    pairs = dict(zip(sampler.recipes_.seed.tolist(), sampler.recipes_.reference.tolist(), strict=True))
    assert pairs == {0: 1, 1: 0, 2: 0}


def test_a_class_is_that_of_most_neighbours() -> None:
    # the bag of label 1 is rows 12, 13, 14: the two neighbours of each decide, the nearest where they differ
    frame = _frame().assign(kind=pd.Categorical(["x"] * 12 + ["y", "y", "z"] + ["x"] * 3))
    sampler = MLSMOTE(target_ir=3, random_state=1, n_samples=None, k_neighbors=2)
    made, _ = sampler.fit_resample(frame, Y[:, :2])
    recipes = sampler.recipes_
    assert len(recipes)
    for number, near in enumerate(recipes.neighbors):
        kinds = frame["kind"].iloc[near].tolist()
        assert made["kind"][18 + number] == (kinds[0] if len(set(kinds)) > 1 else max(kinds))
        assert set(near.tolist()) == {12, 13, 14} - {recipes.seed[number]}


def test_polars_and_arrow_tables_keep_their_schema() -> None:
    pl = pytest.importorskip("polars")
    table = {"text": TEXTS, "weight": X[:, 0].astype(np.float32), "kind": ["x", "y", "z"] * 6}
    expected = MLSMOTE(**SMOTE).fit_resample(pd.DataFrame(table), Y)[0]
    polars = pl.DataFrame(table).with_columns(pl.col("kind").cast(pl.Categorical))
    arrow = pa.table(table).set_column(2, "kind", pa.array(table["kind"]).dictionary_encode())
    for given in (polars, arrow):
        made, _ = MLSMOTE(**SMOTE).fit_resample(given, Y)
        assert type(made) is type(given)
        assert made.schema == given.schema
        columns = made.to_pydict() if isinstance(made, pa.Table) else made.to_dict(as_series=False)
        assert columns["weight"] == pytest.approx(expected["weight"].tolist())
    series, _ = RandomOver(random_state=0).fit_resample(pl.Series("text", TEXTS), pl.Series(Y.argmax(axis=1)))
    assert isinstance(series, pl.Series)
    held = pl.DataFrame(Y, schema=["a", "b", "c"])
    assert MLROS(**SMOTE).fit_resample(X, held)[1].schema == held.schema


@pytest.mark.parametrize("kind", ["csr", "csc", "coo"])
def test_sparse_rows_stay_sparse(kind: str) -> None:
    given = sparse.csr_array(np.where(X > 1, X, 0).astype(np.float32)).asformat(kind)
    made, _ = MLSMOTE(**SMOTE).fit_resample(given, Y)
    assert (type(made), made.dtype, made.format) == (type(given), given.dtype, kind)
    assert (made.tocsr()[:18] != given.tocsr()).nnz == 0


def test_labels_come_out_as_they_went_in() -> None:
    reference = MLROS(**SMOTE).fit_resample(X, Y)[1]
    names = np.array(["rain", "snow", "sun"])
    frame = pd.DataFrame(Y.astype(bool), columns=names)
    out = MLROS(**SMOTE).fit_resample(X, frame)[1]
    assert out.dtypes.to_dict() == frame.dtypes.to_dict()
    assert out.to_numpy().astype(int).tolist() == reference.tolist()
    lists = [set(names[np.flatnonzero(held)].tolist()) for held in Y]
    assert MLROS(**SMOTE).fit_resample(X, lists)[1] == [set(names[np.flatnonzero(row)].tolist()) for row in reference]
    series = pd.Series(lists, name="labels")
    out = MLROS(**SMOTE).fit_resample(X, series)[1]
    assert (type(out), out.name, out.tolist()[:18]) == (pd.Series, "labels", lists)
    classes = pd.Series(names[Y.argmax(axis=1)], dtype="category")
    assert RandomOver(random_state=0).fit_resample(X, classes)[1].dtype == classes.dtype


def test_soft_labels_are_floats_where_they_fit() -> None:
    sampler = MLSMOTE(**SMOTE, label_rule="soft")
    for given in (Y, sparse.csr_matrix(Y), pd.DataFrame(Y)):
        made = sampler.fit_resample(X, given)[1]
        dense = made.toarray() if sparse.issparse(made) else np.asarray(made)
        assert type(made) is type(given)
        assert dense.dtype == np.float32
        assert dense[:18].tolist() == Y.tolist()
        assert ((dense[18:] > 0) & (dense[18:] < 1)).any()
    for given in ([np.flatnonzero(held).tolist() for held in Y], Y.argmax(axis=1)):
        with pytest.raises(ConfigError, match="indicator matrix"):
            sampler.fit_resample(X, given)


def test_features_of_the_caller_decide_who_is_near() -> None:
    far = np.zeros((18, 1))
    far[[12, 14], 0] = [5, 5.5]  # row 13 stands apart from the other two of its bag
    sampler = MLSMOTE(target_ir=2, k_neighbors=1, random_state=0)
    sampler.fit_resample(TEXTS, Y[:, :2], features=far)
    pairs = dict(zip(sampler.recipes_.seed.tolist(), sampler.recipes_.reference.tolist(), strict=True))
    assert {pairs.get(12, 14), pairs.get(14, 12)} == {12, 14}
    with pytest.raises(DataError, match=r"features has the shape \(3, 1\) .* for each of the 18 rows of X"):
        sampler.fit_resample(TEXTS, Y, features=far[:3])


def test_the_report_tells_who_was_helped_and_who_rode_along() -> None:
    labels = np.array([[1, 0, 0, 0]] * 19 + [[1, 1, 0, 0]] * 2 + [[0, 0, 0, 1]])
    sampler = MLSMOTE(target_ir=5, random_state=0, max_growth=1.0)
    sampler.fit_resample(np.random.default_rng(0).normal(size=(22, 2)), labels)
    told = sampler.report_
    # each row for label 1 would hold label 0 too, and raise the ratio of label 3's one row
    assert told.not_helped == {
        1: "held only together with majority labels",
        2: "no train rows",
        3: "one row, which mlsmote cannot use",
    }
    assert told.rode_along == {}
    made = MLSMOTE(target_ir=5, random_state=0)
    made.fit_resample(np.random.default_rng(0).normal(size=(21, 2)), labels[:21])
    assert made.report_.rode_along == {0: 3}  # (21 + n) / (2 + n) <= 5 at n = 3
    assert told.table().column_names[:3] == ["id", "name", "before"]
    assert "largest IR 10.5 -> 4.8" in str(made.report_)


def test_a_rising_mean_is_a_warning() -> None:
    # three labelsets of 3 rows hold label 0, two rows go to each: 15, 10, 10, 9, 9 rows of 9, 6, 6, 9, 9
    rows = [[0, 1]] * 3 + [[0, 2]] * 3 + [[0, 1, 2]] * 3 + [[3]] * 9 + [[4]] * 9
    with pytest.warns(ResamplingWarning, match=r"MeanIR 1\.2 -> 1\.467"):
        LPROS(random_state=0).fit_resample(list(map(str, rows)), rows)


@pytest.mark.parametrize(
    ("sampler", "x", "message"),
    [
        (MLSMOTE(), np.arange(36).reshape(18, 2), "token ids"),
        (MLSOL(), sparse.csr_matrix(np.ones((18, 2), np.int32)), "token ids"),
        (FromImblearn("SMOTE"), np.ones((18, 2), np.int64), "token ids"),
        (Chain([MLROS(), MLSMOTE()]), np.ones((18, 2), np.uint16), "token ids"),
        (MLSMOTE(), pd.DataFrame({"age": [1] * 18, "b": X[:, 0]}), "integers in 'age'"),
        (MLSMOTE(), pd.DataFrame({"when": pd.date_range("2020-01-01", periods=18)}).assign(n=1), "integers in 'n'"),
    ],
)
def test_no_numbers_are_put_between_ids(sampler: Any, x: Any, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        sampler.fit_resample(x, Y.argmax(axis=1))


def test_token_ids_are_refused_and_so_is_their_interpolation() -> None:
    with pytest.raises(ConfigError, match="tokenize afterwards"):
        MLROS().fit_resample(TEXTS, Y, token_ids=[[1, 2]] * 18)
    with pytest.raises(ConfigError, match="Token ids cannot be interpolated"):
        MLSMOTE(**SMOTE, realise="token_ids").fit_resample(TEXTS, Y)


def test_rows_of_other_splits_are_noticed() -> None:
    frame = pd.DataFrame({"text": TEXTS, "split": ["train"] * 15 + ["test"] * 3})
    with pytest.raises(DataError, match="split test"):
        MLROS().fit_resample(frame, Y)
    assert len(MLROS(**SMOTE).fit_resample(frame[:15], Y[:15])[0]) > 15


@pytest.mark.parametrize(
    ("x", "y", "message"),
    [
        ([1, 2], [[0], [1]], "holds 1"),
        (np.array([["a"]], object), [[0]], "array of objects"),
        (TEXTS, [["a"]] * 17 + ["b"], "one kind"),
        (TEXTS, 3, "expected labels"),
        (TEXTS[:2], Y, "2 rows and Y 18"),
    ],
)
def test_what_is_of_no_known_kind_is_refused(x: Any, y: Any, message: str) -> None:
    with pytest.raises(DataError, match=message):
        MLROS().fit_resample(x, y)


def test_a_chain_is_a_plan_over_the_given_rows() -> None:
    labels = np.array([[1, 0, 0]] * 20 + [[1, 1, 0]] * 4 + [[0, 0, 1]] * 8)
    places = np.random.default_rng(3).normal(size=(32, 2))
    halves = REMEDIAL()
    halves.fit_resample(places, labels)
    assert len(halves.recipes_) == 8
    chain = Chain([REMEDIAL(), MLSMOTE(target_ir=3)], gap="row", random_state=0)
    made, held = chain.fit_resample(places, labels)
    recipes = chain.recipes_
    assert held[chain.sample_indices_ >= 0].tolist() == labels[:20].tolist() + labels[24:].tolist()
    assert recipes.repeats[:8].all()
    assert not recipes.repeats[8:].any()
    assert set(recipes.seed[8:].tolist()) <= {20, 21, 22, 23}
    # the rows made of rare halves hold the rare label alone: what MLSMOTE alone cannot do here
    assert set(map(tuple, held[-len(recipes) + 8 :].tolist())) == {(0, 1, 0)}
    share = recipes.share[:, None]
    expected = (1 - share) * places[recipes.seed] + share * places[recipes.reference]
    np.testing.assert_allclose(made[-len(recipes) :], expected, atol=1e-12)


def test_a_chain_may_copy_and_clean_rows_that_were_made() -> None:
    chain = Chain([MLSMOTE(n_samples=2), MLROS(target_ir=1.5, max_copies=50, max_growth=9.0)], random_state=0)
    made, held = chain.fit_resample(X, Y)
    n_made = len(chain.recipes_)
    assert n_made > len({*map(tuple, made[-n_made:].tolist())})  # copies of a row that was made are the same row
    assert len(made) == len(held)
    cleaned = Chain([MLSMOTE(target_ir=2), MLENN()], random_state=0).fit_resample(TEXTS, Y)
    assert len(cleaned[0]) == len(cleaned[1])


def test_a_chain_does_not_make_rows_of_rows_that_were_made() -> None:
    with pytest.raises(ConfigError, match="recipe of two given rows"):
        Chain([MLSMOTE(ratio=2.0), MLSMOTE(ratio=2.0, k_neighbors=9)], random_state=0).fit_resample(X, Y)
    with pytest.raises(ConfigError, match="no samplers"):
        Chain([]).fit_resample(X, Y)


def test_parameters_by_name() -> None:
    sampler = MLSMOTE(target_ir=3)
    assert sampler.get_params()["target_ir"] == 3
    assert repr(sampler.set_params(k_neighbors=2)) == "MLSMOTE(target_ir=3, k_neighbors=2)"
    with pytest.raises(ConfigError, match="did you mean 'target_ir'"):
        sampler.set_params(targetir=2)
    from imblearn.over_sampling import SMOTE as THEIRS

    outer = FromImblearn(THEIRS(k_neighbors=4))
    assert outer.get_params()["sampler__k_neighbors"] == 4
    assert outer.set_params(sampler__k_neighbors=2).sampler.k_neighbors == 2


def test_without_a_seed_every_call_draws_anew() -> None:
    sampler = MLSMOTE(target_ir=2)
    assert not np.array_equal(sampler.fit_resample(X, Y)[0], sampler.fit_resample(X, Y)[0])
