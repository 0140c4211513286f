"""Neighbours within a bag against brute force in float64, and their ties, whatever the blocks."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from evenly.errors import ConfigError, DataError
from evenly.executor import InProcess, LocalProcesses
from evenly.imbalance import label_matrix
from evenly.resample import mlsmote, nearest_in_bag, neighborhoods
from evenly.resample.changes import Changes, Recipes
from evenly.resample.dense_neighbors import nearest_dense
from evenly.resample.feature_files import open_features, write_dense, write_sparse
from evenly.resample.growth import Bags
from evenly.resample.lazy_growth import grow_lazily
from evenly.resample.neighborhoods import MappedSearch, SearchHere, cut_evenly, nearest_among
from evenly.resample.sparse_neighbors import nearest_sparse
from evenly.workspace import Workspace

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

FORMATS: dict[str, Callable[[np.ndarray], Any]] = {
    "float32": lambda dense: dense.astype(np.float32),
    "float64": lambda dense: dense,
    "column by column": np.asfortranarray,
    "every other column": lambda dense: np.repeat(dense, 2, axis=1)[:, ::2],
    "csr": sparse.csr_matrix,
    "csc": sparse.csc_matrix,
    "coo": sparse.coo_matrix,
    "csr array": sparse.csr_array,
    "csr float32": lambda dense: sparse.csr_matrix(dense.astype(np.float32)),
}


def _distances(dense: np.ndarray, metric: str) -> np.ndarray:
    dense = dense.astype(np.float64)
    if metric == "euclidean":
        return ((dense[:, None] - dense) ** 2).sum(axis=2)
    length = np.sqrt((dense**2).sum(axis=1))
    lengths = np.outer(length, length)
    return -(dense @ dense.T) / np.where(lengths > 0, lengths, 1)


def _brute_force(dense: np.ndarray, bag: np.ndarray, k: int, metric: str) -> np.ndarray:
    distance = _distances(dense[bag], metric)
    np.fill_diagonal(distance, np.inf)
    return bag[np.argsort(distance, axis=1, kind="stable")[:, : min(k, len(bag) - 1)]]


@st.composite
def tables(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray, int]:
    """Draw features of small whole numbers (so that sums are exact and ties are many), a bag and k."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    n_bag, n_columns = draw(st.integers(2, 30)), draw(st.integers(1, 12))
    dense = rng.integers(0, draw(st.sampled_from([2, 4, 50])), (n_bag + 5, n_columns)).astype(float)
    dense *= rng.random(dense.shape) < draw(st.sampled_from([0.2, 0.6, 1.0]))
    bag = np.sort(rng.choice(n_bag + 5, n_bag, replace=False))
    return dense, bag, draw(st.integers(1, 8))


@pytest.mark.parametrize("kind", FORMATS)
@settings(max_examples=25, deadline=None)
@given(tables())
def test_euclidean_is_brute_force_with_all_its_ties(kind: str, table: tuple[np.ndarray, np.ndarray, int]) -> None:
    dense, bag, k = table
    found = nearest_in_bag(FORMATS[kind](dense), bag, k, metric="euclidean")
    np.testing.assert_array_equal(found, _brute_force(dense, bag, k, "euclidean"))


@pytest.mark.parametrize("kind", FORMATS)
@settings(max_examples=25, deadline=None)
@given(tables())
def test_cosine_finds_the_highest_ones(kind: str, table: tuple[np.ndarray, np.ndarray, int]) -> None:
    dense, bag, k = table
    found = nearest_in_bag(FORMATS[kind](dense), bag, k, metric="cosine")
    distance = _distances(dense, "cosine")
    for row, near in zip(bag, found, strict=True):
        assert row not in near
        assert len(set(near)) == len(near) == min(k, len(bag) - 1)
        assert set(near) <= set(bag)
        best = np.sort(distance[row, bag[bag != row]])[: len(near)]
        np.testing.assert_allclose(distance[row, near], best, atol=1e-12)


@settings(max_examples=40, deadline=None)
@given(
    tables(),
    st.sampled_from([0.0, 1.0, 1e6]),
    st.sampled_from([-140, -10, 0, 100]),
    st.integers(1, 2_000),
    st.integers(1, 300),
)
def test_blocks_offset_and_scale_do_not_change_dense_answers(
    table: tuple[np.ndarray, np.ndarray, int], offset: float, exponent: int, chunk_bytes: int, block_bytes: int
) -> None:
    dense, bag, k = table
    moved = (dense + offset) * 2.0**exponent  # by a power of two: nothing is rounded
    seeds = np.arange(len(bag))
    k = min(k, len(bag) - 1)
    whole = nearest_dense(moved, bag, seeds, k, by_angle=False)
    cut = nearest_dense(moved, bag, seeds, k, by_angle=False, chunk_bytes=chunk_bytes, block_bytes=block_bytes)
    np.testing.assert_array_equal(whole, cut)
    np.testing.assert_array_equal(bag[whole], _brute_force(moved, bag, k, "euclidean"))


@pytest.mark.parametrize("metric", ["cosine", "euclidean"])
@settings(max_examples=25, deadline=None)
@given(tables(), st.sampled_from([0.0, 0.1, 0.5, 1.0]))
def test_common_columns_do_not_change_sparse_answers(
    metric: str, table: tuple[np.ndarray, np.ndarray, int], common: float
) -> None:
    dense, bag, k = table
    seeds, by_angle = np.arange(len(bag)), metric == "cosine"
    k = min(k, len(bag) - 1)
    features = sparse.csr_matrix(dense - dense.mean())  # of both signs
    found = nearest_sparse(features, bag, seeds, k, by_angle=by_angle, common=common)
    np.testing.assert_array_equal(found, nearest_sparse(features, bag, seeds, k, by_angle=by_angle, common=2.0))


@settings(max_examples=40, deadline=None)
@given(tables(), st.sampled_from(["cosine", "euclidean"]), st.sampled_from([1, 5, 40]), st.randoms())
def test_chunks_of_a_sparse_bag_make_no_difference(
    table: tuple[np.ndarray, np.ndarray, int], metric: Any, values: int, random: Any
) -> None:
    dense, bag, k = table
    by_angle = metric == "cosine"
    k = min(k, len(bag) - 1)
    seeds = np.array(random.choices(range(len(bag)), k=len(bag)))
    features = sparse.csr_matrix(dense - dense.mean())
    found = nearest_sparse(features, bag, seeds, k, by_angle=by_angle, chunk_values=values)
    np.testing.assert_array_equal(found, nearest_sparse(features, bag, seeds, k, by_angle=by_angle))


def test_rows_that_float32_cannot_tell_apart_are_ranked_exactly() -> None:
    rng = np.random.default_rng(0)
    dense = 1_000 + 1e-6 * rng.random((200, 3))
    dense[0] = -1e6  # far away, so that the others fall together
    bag = np.arange(200)
    np.testing.assert_array_equal(nearest_in_bag(dense, bag, 7), _brute_force(dense, bag, 7, "euclidean"))


@pytest.mark.parametrize("kind", ["float32", "csr"])
def test_seeds_are_places_in_the_bag(kind: str) -> None:
    rng = np.random.default_rng(1)
    features = FORMATS[kind](rng.random((60, 4)))
    bag = np.arange(3, 53)
    whole = nearest_in_bag(features, bag, 4)
    np.testing.assert_array_equal(nearest_in_bag(features, bag, 4, seeds=[40, 2, 2]), whole[[40, 2, 2]])
    assert nearest_in_bag(features, bag, 4, seeds=[]).shape == (0, 4)


def test_equally_near_rows_come_by_row_number() -> None:
    features = sparse.csr_matrix([[1.0, 0], [0, 1], [1, 0], [1, 0], [1, 0], [0, 0]])
    assert nearest_in_bag(features, [0, 1, 2, 3, 4, 5], 3).tolist() == [
        [2, 3, 4],
        [0, 2, 3],
        [0, 3, 4],
        [0, 2, 4],
        [0, 2, 3],
        [0, 1, 2],
    ]
    assert nearest_in_bag(np.zeros((4, 2)), [0, 1, 2, 3], 2).tolist() == [[1, 2], [0, 2], [0, 1], [0, 1]]


@pytest.mark.parametrize("kind", ["float64", "csr"])
@pytest.mark.parametrize(("bag", "shape"), [([], (0, 0)), ([3], (1, 0)), ([1, 3], (2, 1))])
def test_small_bags(kind: str, bag: list[int], shape: tuple[int, int]) -> None:
    assert nearest_in_bag(FORMATS[kind](np.eye(5)), bag, 4).shape == shape


@pytest.mark.parametrize("features", [sparse.csr_matrix((3, 4)), np.zeros((3, 4)), np.zeros((3, 0))])
@pytest.mark.parametrize("metric", ["cosine", "euclidean"])
def test_features_without_any_value(features: Any, metric: Any) -> None:
    assert nearest_in_bag(features, [0, 1, 2], 1, metric=metric).tolist() == [[1], [0], [0]]


@pytest.mark.parametrize("kind", ["float32", "float64", "csr"])
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_what_is_not_a_number_is_refused_with_its_row(kind: str, value: float) -> None:
    dense = np.ones((6, 3))
    dense[4, 1] = value
    features = FORMATS[kind](dense)
    assert nearest_in_bag(features, [0, 1, 2], 1).shape == (3, 1)  # outside of the bag it does no harm
    with pytest.raises(DataError, match="row 4"):
        nearest_in_bag(features, [0, 3, 4, 5], 1)


def test_unknown_metrics_are_refused() -> None:
    with pytest.raises(ConfigError, match=re.escape("'hamming'; expected one of cosine, euclidean")):
        nearest_in_bag(np.eye(3), [0, 1], 1, metric="hamming")  # type: ignore[arg-type]


def _bags() -> tuple[np.ndarray, Bags]:
    rng = np.random.default_rng(2)
    held = label_matrix(rng.random((120, 5)) < [0.5, 0.3, 0.02, 0.0, 0.1])
    return rng.random((120, 3)), Bags.of(held, np.array([True, True, True, True, False]))


@pytest.mark.parametrize("pairs", [1, 500, 10**9])
def test_partitions_cover_all_entries_and_bound_the_work(pairs: int) -> None:
    _, bags = _bags()
    entries = np.arange(0, len(bags.rows), 3)
    parts = cut_evenly(bags, entries, pairs)
    assert [place for begin, end in parts for place in range(begin, end)] == list(range(len(entries)))
    for begin, end in parts:
        sizes = bags.sizes[bags.labels[entries[begin:end]]]
        assert sizes[:-1].sum() <= pairs + sizes.max()
    assert cut_evenly(bags, entries[:0], pairs) == []


def _fail(*args: Any, **kwargs: Any) -> None:
    raise AssertionError


@pytest.mark.parametrize("executor", [InProcess(), LocalProcesses(2)], ids=["here", "two processes"])
def test_a_mapped_search_finds_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, executor: Any) -> None:
    monkeypatch.setattr(neighborhoods, "PAIRS_AT_ONCE", 1_500)
    features, bags = _bags()
    features = features.astype(np.float32)
    write_dense(tmp_path / "features", [features], *features.shape)
    work = Workspace(tmp_path / "out", stage="plan", executor=executor)
    entries = np.arange(0, len(bags.rows), 2)
    search = MappedSearch(work, tmp_path / "features")
    expected = SearchHere(features)(bags, entries, 4)
    np.testing.assert_array_equal(search(bags, entries, 4), expected)
    monkeypatch.setattr(neighborhoods, "_search_partition", _fail)  # what is finished is not done again
    np.testing.assert_array_equal(search(bags, entries, 4), expected)
    executor.close()


@pytest.mark.parametrize("kind", ["float32", "csr"])
def test_a_search_goes_on_among_the_rows_that_come_out(tmp_path: Path, kind: str) -> None:
    rng = np.random.default_rng(4)
    features = FORMATS[kind](rng.random((30, 4)) * (rng.random((30, 4)) < 0.7))
    folder = tmp_path / "features"
    if kind == "csr":
        write_sparse(folder, [features], 4)
    else:
        write_dense(folder, [features], 30, 4)
    work = Workspace(tmp_path / "out", stage="plan", executor=InProcess())
    here, mapped = SearchHere(open_features(folder)), MappedSearch(work, folder)
    seed, reference = np.array([0, 1, 2, 2]), np.array([5, 6, 2, 7])
    held = sparse.csr_matrix((4, 1), dtype=np.int8)
    recipes = Recipes(seed, reference, np.array([0.5, 0.1, 0.0, 0.9]), np.zeros(4), np.zeros(4, np.int32), held)
    changes = Changes(np.array([2, 0] + [1] * 28, np.int32), recipes)
    every = np.arange(34)
    found = nearest_among(mapped.after(changes), every, 3)
    np.testing.assert_array_equal(found, nearest_among(here.after(changes), every, 3))
    dense = features.toarray() if kind == "csr" else features
    rows = dense[[0, *range(2, 30), 0]]
    share = recipes.share[:, None].astype(np.float32)
    rows = np.concatenate([rows, (1 - share) * dense[seed] + share * dense[reference]]).astype(np.float32)
    np.testing.assert_allclose(_dense(mapped.after(changes).features), rows, rtol=1e-6)
    assert mapped.after(Changes(np.ones(30, np.int32), Recipes.none(1))) is mapped


def test_other_questions_are_other_steps(tmp_path: Path) -> None:
    features, bags = _bags()
    for name, order in (("one", slice(None)), ("other", slice(None, None, -1))):
        write_dense(tmp_path / name, [features[order]], *features.shape)
    work = Workspace(tmp_path / "out", stage="plan", executor=InProcess())
    entries = np.arange(len(bags.rows))
    for name in ("one", "other"):  # in one build, as the steps of a chain
        for k in (2, 4):
            search = MappedSearch(work, tmp_path / name)
            expected = SearchHere(search.features)(bags, entries, k)
            np.testing.assert_array_equal(search(bags, entries, k), expected)


def _dense(features: Any) -> np.ndarray:
    return features.toarray() if sparse.issparse(features) else np.asarray(features)


def test_bags_that_are_too_small_fill_the_first_columns() -> None:
    features, bags = _bags()
    entries = np.flatnonzero(bags.labels == 2)
    size = len(entries)
    found = SearchHere(features)(bags, entries, size + 2)
    assert (found[:, size - 1 :] == bags.rows[entries][:, None]).all()
    assert (found[:, : size - 1] != bags.rows[entries][:, None]).all()


@pytest.mark.parametrize("rule", ["weighted", "ranking", "union", "intersection", "seed"])
@pytest.mark.parametrize("amount", [{"target_ir": 2.0}, {"target_ir": 4.0, "max_growth": 0.1}, {"ratio": 0.2}])
def test_a_lazy_search_changes_nothing(rule: Any, amount: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(3)
    labels = label_matrix(rng.random((500, 7)) < [0.3, 0.2, 0.15, 0.1, 0.08, 0.02, 0.02])
    features = rng.random((500, 3))
    searched: list[int] = []

    def search(bags: Bags, entries: np.ndarray, k: int) -> np.ndarray:
        searched.append(len(entries))
        return SearchHere(features)(bags, entries, k)

    found = []
    for small_bag in (10_000, 0):
        monkeypatch.setitem(grow_lazily.__kwdefaults__, "small_bag", small_bag)
        searched.clear()
        found.append((mlsmote(labels, search, label_rule=rule, random_state=5, **amount), sum(searched)))
    (eager, n_eager), (lazy, n_lazy) = found
    assert n_lazy <= n_eager
    assert len(eager) > 0
    for name in ("seed", "reference", "share", "position", "label"):
        np.testing.assert_array_equal(getattr(lazy, name), getattr(eager, name))
    assert (lazy.labels != eager.labels).nnz == 0
