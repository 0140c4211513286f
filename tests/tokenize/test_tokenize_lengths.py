from __future__ import annotations

import json

import numpy as np

from evenly.tokenize.lengths import Lengths


def lengths_of(kept: list[int], lost: list[int], n_windows: list[int] | None = None) -> Lengths:
    lengths = Lengths()
    numbers = np.array([kept, lost, n_windows or [1] * len(kept)], np.int64)
    lengths.add(sum(kept), lost=numbers[1], length=numbers[0] + numbers[1], n_windows=numbers[2])
    return lengths


def test_figures_worked_by_hand():
    # before the cut: 2, 4, 4, 10; 4 + 6 = 10 is cut at 4
    lengths = lengths_of([2, 4, 4, 4], [0, 0, 0, 6])
    assert lengths.facts() == {
        "truncated_rows": 0.25,
        "lost_tokens": 0.3,  # 6 of 20
        "length_quantiles": {"0.05": 2, "0.25": 2, "0.5": 4, "0.75": 4, "0.95": 10, "1": 10},
        "length_histogram": [[1, 0], [2, 1], [3, 0], [4, 2], [6, 0], [8, 0], [12, 1]],
    }
    assert lengths.sentence(4) == "median 4 tokens, 25.0 % of the rows cut at 4 (30.0 % of the tokens lost)"
    assert lengths_of([2], [0]).sentence(4) == "median 2 tokens, none cut"


def test_windows_are_counted_and_lose_nothing():
    lengths = lengths_of([2, 4, 9], [0, 0, 0], [1, 1, 3])
    assert (lengths.n_rows, lengths.n_windows, lengths.n_divided) == (3, 5, 1)
    assert (lengths.facts()["truncated_rows"], lengths.facts()["lost_tokens"]) == (0, 0)
    sentence = "median 4 tokens, 33.3 % of the rows in windows of at most 4 (5 windows for 3 rows)"
    assert lengths.sentence(4) == sentence


def test_partitions_add_up_across_json():
    parts = [lengths_of([2, 4], [0, 0]), lengths_of([4, 4], [0, 6]), Lengths()]
    read = [Lengths.from_json(json.loads(json.dumps(part.to_json()))) for part in parts]
    assert Lengths.total(read) == lengths_of([2, 4, 4, 4], [0, 0, 0, 6])
    divided = Lengths.total([lengths_of([2], [0]), lengths_of([9], [0], [3])])
    assert divided == lengths_of([2, 9], [0, 0], [1, 3])


def test_no_rows_have_no_quantiles():
    none = {"truncated_rows": 0.0, "lost_tokens": 0.0, "length_quantiles": {}, "length_histogram": [[1, 0]]}
    assert Lengths().facts() == none
