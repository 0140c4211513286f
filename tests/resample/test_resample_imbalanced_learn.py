"""imbalanced-learn's samplers by name: the same counts, the same rows, the same distribution."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from imblearn import over_sampling, under_sampling
from scipy import stats
from sklearn.neighbors import NearestNeighbors

from evenly.errors import ConfigError
from evenly.resample import FromImblearn, RandomOver, RandomUnder, from_imblearn, smote


def _table(n_rows: int = 400) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    y = rng.choice(4, n_rows, p=[0.6, 0.25, 0.1, 0.05])
    return rng.normal(size=(n_rows, 3)) + 1.5 * y[:, None], y


X, Y = _table()


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (RandomOver(random_state=0), over_sampling.RandomOverSampler(random_state=0)),
        (RandomUnder(random_state=0), under_sampling.RandomUnderSampler(random_state=0)),
        (FromImblearn("SMOTE", random_state=0), over_sampling.SMOTE(random_state=0)),
        (FromImblearn("ADASYN", random_state=0), over_sampling.ADASYN(random_state=0)),
        (FromImblearn("BorderlineSMOTE", random_state=0), over_sampling.BorderlineSMOTE(random_state=0)),
        (
            FromImblearn(over_sampling.SMOTE(sampling_strategy={2: 90, 3: 50}, k_neighbors=3), random_state=0),
            over_sampling.SMOTE(sampling_strategy={2: 90, 3: 50}, k_neighbors=3),
        ),
    ],
)
def test_the_classes_get_the_same_counts(ours: Any, theirs: Any) -> None:
    counts, expected = (np.bincount(sampler.fit_resample(X, Y)[1]) for sampler in (ours, theirs))
    assert counts.tolist() == expected.tolist()


EDITED = under_sampling.EditedNearestNeighbours(sampling_strategy=[0, 1], n_neighbors=4)
CHOOSERS = [
    under_sampling.TomekLinks(),
    under_sampling.TomekLinks(sampling_strategy="all"),
    under_sampling.EditedNearestNeighbours(),
    under_sampling.EditedNearestNeighbours(kind_sel="mode", n_neighbors=4, sampling_strategy="all"),
    under_sampling.RepeatedEditedNearestNeighbours(),
    under_sampling.RepeatedEditedNearestNeighbours(kind_sel="mode"),
    under_sampling.RepeatedEditedNearestNeighbours(max_iter=1, sampling_strategy="majority"),
    under_sampling.AllKNN(),
    under_sampling.AllKNN(n_neighbors=5, allow_minority=True),
    under_sampling.NeighbourhoodCleaningRule(),
    under_sampling.NeighbourhoodCleaningRule(n_neighbors=1, threshold_cleaning=3.0),
    under_sampling.NeighbourhoodCleaningRule(edited_nearest_neighbours=EDITED, sampling_strategy=[0]),
    under_sampling.NearMiss(),
    under_sampling.OneSidedSelection(),
]


@pytest.mark.parametrize("theirs", CHOOSERS, ids=repr)
def test_samplers_that_choose_keep_the_same_rows(theirs: Any) -> None:
    ours = FromImblearn(theirs, random_state=0)
    ours.fit_resample(X, Y)
    if "random_state" in theirs.get_params():
        theirs.set_params(random_state=int(np.random.default_rng(0).integers(2**32, dtype=np.uint64)))
    theirs.fit_resample(X, Y)
    assert len(theirs.sample_indices_) < len(Y)
    assert ours.sample_indices_.tolist() == np.sort(theirs.sample_indices_).tolist()


def test_a_class_that_would_go_stops_the_editing() -> None:
    # the two rows of class 1 stand in class 0, as far from each other as from it: the first round takes both
    places, classes = np.array([0.0, 1, 2, 3, 4, 20, 21, 22])[:, None], np.array([0, 1, 0, 1, 0, 2, 2, 2])
    sampler = under_sampling.RepeatedEditedNearestNeighbours(n_neighbors=1, sampling_strategy=[1])
    ours = FromImblearn(sampler)
    ours.fit_resample(places, classes)
    assert ours.sample_indices_.tolist() == [0, 2, 4, 5, 6, 7]


def test_twins_of_a_row_are_its_neighbours() -> None:
    # three rows in one place, one of them of class 1: each has the others as nearest
    places, classes = np.array([0.0, 0, 0, 5, 6, 7, 8])[:, None], np.array([0, 0, 1, 1, 0, 0, 0])
    ours = FromImblearn(under_sampling.EditedNearestNeighbours(n_neighbors=2, sampling_strategy=[0]))
    ours.fit_resample(places, classes)
    # rows 0 and 1 have row 2; row 4 has 3 and 5; row 5 has 4 and 6; row 6 has 5 and 4
    assert ours.sample_indices_.tolist() == [2, 3, 5, 6]


@pytest.mark.parametrize("name", ["SMOTE", "BorderlineSMOTE", "ADASYN"])
def test_recipes_have_the_distribution_of_imbalanced_learns_rows(name: str) -> None:
    ours, _ = FromImblearn(name, random_state=0).fit_resample(X, Y)
    theirs, classes = getattr(over_sampling, name)(random_state=1).fit_resample(X, Y)
    ours, theirs, classes = ours[len(X) :], theirs[len(X) :], classes[len(X) :]
    for label in (2, 3):
        for column in range(X.shape[1]):
            test = stats.ks_2samp(ours[classes == label, column], theirs[classes == label, column])
            assert test.pvalue > 0.001


def test_every_row_is_on_the_segment_between_neighbours_of_its_class() -> None:
    sampler = FromImblearn("SMOTE", random_state=0)
    made, classes = sampler.fit_resample(X, Y)
    recipes = sampler.recipes_
    assert (Y[recipes.seed] == classes[len(X) :]).all()
    assert (Y[recipes.reference] == classes[len(X) :]).all()
    expected = X[recipes.seed] + recipes.share[:, None] * (X[recipes.reference] - X[recipes.seed])
    np.testing.assert_allclose(made[len(X) :], expected, atol=1e-12)
    for seed, reference in zip(recipes.seed[:200], recipes.reference[:200], strict=True):
        others = np.flatnonzero((Y[seed] == Y) & (np.arange(len(Y)) != seed))
        nearer = np.linalg.norm(X[others] - X[seed], axis=1) < np.linalg.norm(X[reference] - X[seed])
        assert nearer.sum() < 5


def test_border_seeds_have_half_of_their_neighbours_elsewhere() -> None:
    # a line of classes 0 0 0 1 0 1 1 1; of the two nearest, row 3 has both in class 0, row 5 one
    places = np.arange(8.0)[:, None]
    classes = np.array([0, 0, 0, 1, 0, 1, 1, 1])
    params: Any = {"n_classes": 2, "m_neighbors": 2, "random_state": 0}
    assert set(smote(classes, places, {1: 9}, seed_rule="border", **params).seed.tolist()) == {5}
    # shares of class 0 around rows 3, 5, 6, 7: 1, 1/2, 0, 0; of nine rows two thirds and one third
    adaptive = smote(classes, places, {1: 9}, seed_rule="adaptive", **params)
    assert np.bincount(adaptive.seed, minlength=8).tolist() == [0, 0, 0, 6, 0, 3, 0, 0]


def test_classes_of_a_row_and_classes_apart_get_none() -> None:
    classes, places = np.array([0, 0, 0, 1]), np.arange(4.0)[:, None]
    for rule in ("any", "border", "adaptive"):
        assert len(smote(classes, places, {1: 2}, n_classes=2, seed_rule=rule, random_state=0)) == 0
    apart = np.array([0.0, 1, 2, 50, 51])[:, None]
    classes = np.array([0, 0, 0, 1, 1])
    for rule in ("border", "adaptive"):
        made = smote(classes, apart, {1: 1}, n_classes=2, seed_rule=rule, m_neighbors=1, random_state=0)
        assert len(made) == 0


def test_a_bound_on_copies_bounds_seeds() -> None:
    classes, places = np.array([0] * 50 + [1] * 5), np.arange(55.0)[:, None]
    made = smote(classes, places, {1: 45}, n_classes=2, max_copies=4, random_state=0)
    assert np.bincount(made.seed, minlength=55)[50:].tolist() == [3] * 5


def test_targets_set_the_strategy() -> None:
    sampler = FromImblearn("smote", target_ir=4, random_state=0)
    counts = np.bincount(sampler.fit_resample(X, Y)[1])
    assert counts.max() / counts.min() <= 4
    assert sampler.report_.not_helped == {}
    under = FromImblearn("near_miss", target_ir=4, max_growth=1)
    counts = np.bincount(under.fit_resample(X, Y)[1])
    assert counts.max() == 4 * np.bincount(Y).min()


@pytest.mark.parametrize(
    ("sampler", "amount", "message"),
    [
        ("SMOTEE", {}, "did you mean 'SMOTE'"),
        (3, {}, "expected a name"),
        ("KMeansSMOTE", {}, "does not tell the parents"),
        ("SVMSMOTE", {}, "beyond its parents"),
        ("ClusterCentroids", {}, "centres"),
        (over_sampling.RandomOverSampler(shrinkage=0.1), {}, "noise"),
        ("TomekLinks", {"target_ir": 3}, "decides by itself"),
        (over_sampling.BorderlineSMOTE(kind="borderline-2"), {}, "borderline-1"),
        (over_sampling.SMOTE(k_neighbors=object()), {}, "expected a number"),
        (under_sampling.EditedNearestNeighbours(n_neighbors=NearestNeighbors()), {}, "expected a number"),
    ],
)
def test_what_cannot_become_a_plan_is_refused(sampler: Any, amount: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        from_imblearn(Y, X, sampler=sampler, n_classes=4, random_state=0, **amount)


def test_several_labels_a_row_are_refused_with_what_to_use() -> None:
    for sampler in (FromImblearn("SMOTE"), RandomOver(), RandomUnder()):
        with pytest.raises(ConfigError, match=r"row 0 holds 2\. Use .*ML"):
            sampler.fit_resample(X[:2], np.array([[1, 1], [1, 0]]))


def test_imbalanced_learns_pipeline_takes_the_samplers() -> None:
    from imblearn.pipeline import make_pipeline
    from sklearn.linear_model import LogisticRegression

    pipeline = make_pipeline(RandomOver(random_state=0), LogisticRegression())
    assert pipeline.fit(X, Y).score(X, Y) > 0.5
    assert pipeline.get_params()["randomover__random_state"] == 0
