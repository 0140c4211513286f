"""Near-duplicates: what is planted is found, what is not near is not joined, whatever the size of a bucket."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evenly.errors import ConfigError
from evenly.inspect import near_duplicates, text_words
from evenly.inspect.banding import choose_banding
from evenly.inspect.clusters import cluster_rows, link_band
from evenly.inspect.word_sets import WordSets, join_sets
from evenly.inspect.words import jaccard


@pytest.mark.parametrize(
    ("threshold", "n_bands", "n_rows"),
    # (1 - s^r)^b for the next r is over 3 %: 0.5: .127 (r=4), 0.8: .053 (r=8), 0.9: .036 (r=12)
    [(0.5, 42, 3), (0.8, 18, 7), (0.9, 11, 11)],
)
def test_bands_are_as_long_as_the_threshold_allows(threshold, n_bands, n_rows):
    banding = choose_banding(threshold)
    assert (banding.n_bands, banding.n_rows, len(banding.factors)) == (n_bands, n_rows, n_bands * n_rows)
    assert (1 - threshold**n_rows) ** n_bands < 0.03
    assert (1 - threshold ** (n_rows + 1)) ** (128 // (n_rows + 1)) >= 0.03


@pytest.mark.parametrize("threshold", [0.2, 1.0, 1.5])
def test_a_threshold_that_means_nothing_is_refused(threshold):
    with pytest.raises(ConfigError, match="expected a Jaccard similarity"):
        near_duplicates(["a"], threshold)


def word_sets(rows):
    """Return sets given as lists of small numbers, with numbers that are spread."""
    sets = [np.array(sorted(row), np.uint32) * np.uint32(2_654_435_761) for row in rows]
    return join_sets(WordSets(one, np.array([0, len(one)])) for one in sets)


def test_the_share_of_equal_keys_is_the_jaccard_similarity():
    """128 keys of one hash each: an estimate of the similarity with a deviation of sqrt(s (1 - s) / 128) <= .045."""
    banding = choose_banding(0.3)
    single = type(banding)(128, 1, banding.factors[:1].repeat(128), banding.addends[:1].repeat(128))
    rng = np.random.default_rng(0)
    factors, addends = rng.integers(0, 2**32, (2, 128), np.uint32)
    single = type(banding)(128, 1, factors | np.uint32(1), addends)
    for shared in (0, 30, 50, 80, 100):  # of 100 words: J = shared / (200 - shared)
        rows = [range(100), [*range(shared), *range(1_000, 1_100 - shared)]] * 20
        spread = [[word + 5_000 * (number // 2) for word in row] for number, row in enumerate(rows)]
        keys = single.keys(word_sets(spread))
        estimate = (keys[:, ::2] == keys[:, 1::2]).mean()
        assert estimate == pytest.approx(shared / (200 - shared), abs=0.05)


def planted(n_pairs, n_words, n_other, seed=0):
    """Return texts in pairs that differ in `n_other` of `n_words` words: J = (n - k) / (n + k)."""
    rng = np.random.default_rng(seed)
    rows = []
    for pair in range(n_pairs):
        words = [f"w{pair}x{word}" for word in range(n_words)]
        changed = [f"{word}z" if place < n_other else word for place, word in enumerate(words)]
        rows += [" ".join(rng.permutation(words)), ", ".join(rng.permutation(changed)).upper()]
    return rows


def pairs_found(near):
    return (near[1::2] == near[::2]).sum()


def test_planted_pairs_above_the_threshold_are_found():
    # J = 95/105 = .905: missed with a probability of (1 - .905^7)^18 = 4e-6
    near = near_duplicates(planted(200, 100, 5), 0.8)
    assert pairs_found(near) == 200
    assert near[::2].tolist() == list(range(0, 400, 2))


def test_pairs_just_at_the_threshold_are_found_as_often_as_computed():
    # J = 90/110 = .818: missed with a probability of (1 - .818^7)^18 = .7 %; ten of 500 are as good as impossible
    assert pairs_found(near_duplicates(planted(500, 100, 10), 0.8)) >= 490


def test_pairs_below_the_threshold_are_never_joined():
    # J = 88/112 = .786: most share a bucket, none is near
    assert near_duplicates(planted(300, 100, 12), 0.8).tolist() == list(range(600))


def test_the_threshold_itself_is_near():
    rows = ["a b c d e f g h", "a b c d e f g h i j"]  # 8 / 10
    assert near_duplicates(rows, 0.8).tolist() == [0, 0]
    assert near_duplicates(rows, 0.81).tolist() == [0, 1]


def test_clusters_take_the_same_texts_along_and_texts_without_words_stay_alone():
    rows = ["!!", "one two three four five", "ONE two three four five", "...", "", "five four three two one!", "!! "]
    assert near_duplicates(rows).tolist() == [0, 1, 1, 3, 4, 1, 0]
    assert near_duplicates([]).tolist() == []


def one_bucket(sets, threshold):
    """Return the clusters of rows that all share one key."""
    n_rows = len(sets)
    links = link_band(np.zeros(n_rows, np.uint32), np.arange(n_rows), word_sets(sets), threshold)
    return cluster_rows(np.arange(n_rows), [links]).tolist()


@given(st.lists(st.sets(st.integers(0, 7), min_size=1), min_size=1, max_size=12), st.sampled_from([0.3, 0.5, 0.8]))
@settings(max_examples=150, deadline=None)
def test_a_bucket_joins_no_more_than_chains_of_near_rows_and_no_less_than_rows_that_are_all_near(sets, threshold):
    near = {pair for pair in combinations(range(len(sets)), 2) if jaccard(*(sets[row] for row in pair)) >= threshold}
    chains = list(range(len(sets)))
    for one, other in sorted(near) * len(sets):
        chains[one] = chains[other] = min(chains[one], chains[other])
    found = one_bucket(sets, threshold)
    for one, other in combinations(range(len(sets)), 2):
        if found[one] == found[other]:
            assert chains[one] == chains[other]
    for lowest in set(chains):
        members = [row for row, chain in enumerate(chains) if chain == lowest]
        if set(combinations(members, 2)) <= near:
            assert {found[row] for row in members} == {lowest}


def test_a_row_between_two_leaders_joins_them():
    assert one_bucket([{1, 2, 3}, {4, 5, 6}, {2, 3, 4, 5}], 0.4) == [0, 0, 0]  # 2 / 5 with each


def test_a_bucket_of_more_leaders_than_are_kept_still_finds_late_neighbours():
    sets = [{10 * number, 10 * number + 1} for number in range(200)]
    sets += [sets[199], sets[150]]  # of the latest 64
    found = one_bucket(sets, 0.5)
    assert found[:200] == list(range(200))
    assert found[200:] == [199, 150]


def test_clusters_agree_with_all_pairs_on_sentences():
    rng = np.random.default_rng(3)
    words = np.array([f"w{number}" for number in range(400)])
    base = [rng.choice(words, 25, replace=False) for _ in range(60)]
    rows = [" ".join(row) for row in base]
    for row in base[:30]:  # one or two words of 25 changed: J = 24/26 or 23/27
        changed = row.copy()
        changed[rng.integers(0, 25, rng.integers(1, 3))] = "other"
        rows.append(" ".join(changed))
    sets = [text_words(row) for row in rows]
    near = near_duplicates(rows, 0.8)
    expected = {pair for pair in combinations(range(len(rows)), 2) if jaccard(*(sets[row] for row in pair)) >= 0.8}
    assert {pair for pair in combinations(range(len(rows)), 2) if near[pair[0]] == near[pair[1]]} == expected
    assert len(expected) == 30
