"""The other ways to split: folds, by time, as given."""

from __future__ import annotations

import json

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from labels_stages import Pipeline, read_columns

from evenly.errors import ColumnNotFoundError, ConfigError, DataError
from evenly.formats import read_split
from evenly.labels.by_time import split_by_time
from evenly.labels.times import _numbers, _parse_texts

SHARES = (0.7, 0.15, 0.15)


@pytest.fixture
def pipeline(tmp_path):
    return Pipeline(tmp_path / "store")


def _quality(split):
    return json.loads((split.path / "quality.json").read_text(encoding="utf-8"))


def test_folds_are_the_same_whichever_is_test(pipeline):
    labels = [["a"], ["a", "b"], ["b"], ["c"], ["a"]] * 10
    table = pipeline.table([f"t{row}" for row in range(50)], labels)
    checks = pipeline.checks(table, unused=[7])
    splits = [pipeline.split(table, checks, folds=5, fold=fold) for fold in range(5)]
    columns = [read_columns(split.path / "split.parquet") for split in splits]
    assert all(found["fold"] == columns[0]["fold"] for found in columns)
    assert columns[0]["fold"][7] is None
    for fold, found in enumerate(columns):
        place = {fold: "test", (fold + 1) % 5: "validation", None: None}
        assert found["split"] == [place.get(each, "train") for each in found["fold"]]
    assert sum(found["split"].count("test") for found in columns) == 49
    quality = _quality(splits[1])
    assert quality["fold"] == 1
    assert sum(quality["folds"]) == 49
    assert all(abs(size - 49 / 5) < 2 for size in quality["folds"])
    assert quality["n_guarantees_unmet"] == 0
    assert "fold 1 of 5 is test, fold 2 validation" in splits[1].manifest.notes[0]
    assert "fold" not in read_columns(pipeline.split(table, checks).path / "split.parquet")


def test_with_folds_a_label_that_train_lacks_is_told(pipeline):
    table = pipeline.table([f"t{row}" for row in range(30)], [["rare"]] + [["often"]] * 29)
    unmet = [_quality(pipeline.split(table, folds=3, fold=fold))["guarantees_unmet"] for fold in range(3)]
    assert sorted(map(len, unmet)) == [0, 1, 1]
    assert {"label": "rare", "why": "no row in train: its rows are in other folds"} in unmet[0] + unmet[1]


def test_settings_that_exclude_each_other_are_refused(pipeline):
    table = pipeline.table(list("abc"), [["x"], ["y"], ["x"]], given=["train", "validation", "test"])
    for changes in ({"folds": 3}, {"by": "text"}):
        with pytest.raises(ConfigError, match="names its splits itself"):
            pipeline.split(table, **changes)
    with pytest.raises(ConfigError, match="0 to 2"):
        pipeline.split(pipeline.table(list("abc"), [["x"]] * 3), folds=3, fold=3)


def test_oldest_rows_train_and_newest_test(pipeline):
    """20 days, shuffled; the text of day 2 comes again on day 19: both rows go where the later one is."""
    days = np.random.default_rng(0).permutation(20)
    text = ["day 19" if day == 2 else f"day {day}" for day in days]
    dates = [f"2024-01-{day + 1:02d}" for day in days]
    table = pipeline.table(text, [["a"] if day < 18 else ["b"] for day in days], more={"day": dates})
    split = pipeline.split(table, by="day")
    code = dict(zip(days.tolist(), read_split(split.path).code.tolist(), strict=True))
    # without day 2, which goes with day 19: 19 units; 14 of 20 rows are days 0 to 14, the next three 15 to 17
    assert code == {day: 0 if day < 15 else 1 if day < 18 else 2 for day in range(20)} | {2: 2}
    quality = _quality(split)
    assert quality["begins"] == {"train": "2024-01-01", "validation": "2024-01-16", "test": "2024-01-19"}
    assert quality["n_older_rows"] == 1
    assert quality["guarantees_unmet"] == [{"label": "b", "why": "no row in train: its rows are of other times"}]
    assert "by day: validation from 2024-01-16, test from 2024-01-19" in split.manifest.notes[0]
    assert split.manifest.notes[1].startswith("1 row older than the split")


def test_rows_of_one_time_are_not_divided(pipeline):
    years = [2019] * 3 + [2020] * 10 + [2021] * 4 + [2022] * 3
    table = pipeline.table([f"t{row}" for row in range(20)], [["a"], ["b"]] * 10, more={"year": years})
    code = read_split(pipeline.split(table, by="year").path).code
    assert code.tolist() == [0] * 13 + [1] * 4 + [2] * 3


@given(st.lists(st.tuples(st.integers(0, 12), st.integers(0, 20)), min_size=1, max_size=60))
@settings(max_examples=100, deadline=None)
def test_train_is_older_than_what_it_is_tested_on(rows):
    times, unit = (np.array(column) for column in zip(*rows, strict=True))
    latest = np.array([times[unit == one].max() for one in unit])
    if len(np.unique(latest)) < 3:
        with pytest.raises(DataError, match="different times"):
            split_by_time(times, unit, SHARES)
        return
    found = split_by_time(times, unit, SHARES)
    assert set(found.code.tolist()) == {0, 1, 2}
    for earlier, later in ((0, 1), (1, 2)):
        assert times[found.code == earlier].max() < latest[found.code == later].min()
    for one in np.unique(unit):
        assert len(set(found.code[unit == one].tolist())) == 1
    begins = times[list(found.first)]
    assert (found.older == (times < begins[found.code])).all()


@pytest.mark.parametrize(
    "values",
    [
        ["2024-05-31", "2023-12-31T23:59:59", "2024-05-31T00:00:00.000001Z", "2024-06-01T01:00:00+02:00"],
        ["2024-05", " 2024-04-30 ", "2024-05-02", "20240503"],
        ["2021", "2020", "2022-01", "2023"],
        ["2024-05-31", "2024-05-30", "2024-06-01 00:00", "2024-06-01 12:30:05.5"],
        ["2024-05-31T00:00Z", "2024-05-31T00:30+02:00", "2024-05-31T09:00-01:00", "2024-06-01T00:00Z"],
        ["3", "-1.5", "1e3", "2000"],
        [3, 1, 7, 9],
        [3.5, -1.0, 7.25, 9.0],
        ["1850-01-02", "0001-01-01", "2024-05-03", "9999-12-31"],
    ],
)
def test_times_of_many_kinds_sort(pipeline, values):
    """The second is the oldest, then the first, the third, the fourth."""
    table = pipeline.table(list("abcd"), [["x"]] * 4, more={"when": values})
    split = pipeline.split(table, by="when", train=0.5, validation=0.25, test=0.25)
    assert read_split(split.path).code.tolist() == [0, 0, 1, 2]


@pytest.mark.parametrize(
    "kind", [pa.date32(), pa.timestamp("s"), pa.timestamp("ns", "Europe/Berlin"), pa.date64(), pa.decimal128(30, 2)]
)
def test_arrows_own_types_sort(kind):
    values = pa.array([5, 1, 9], pa.int32()).cast(pa.date32() if kind in (pa.date32(), pa.date64()) else pa.int64())
    found = _numbers(pa.chunked_array([values.cast(kind)]), "when", np.arange(3))
    assert np.argsort(found).tolist() == [1, 0, 2]


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (["2024-01-01", None, "2024-01-02", "2024-01-03"], r"'when' is None in row 1 \(1 such of 4 rows\)"),
        (["2024-01-01", "2024-01-02", "soon", "2024-01-03"], r"'when' is 'soon' in row 2 \(1 such of 4 rows\)"),
        (["2024-02-30", "2024-01-02", "2024-01-02", "2024-01-03"], "'2024-02-30' in row 0"),
        (["1", "2", "nan", "4"], "'NaN' in row 2"),
        (["1", "2", "inf", "4"], "'inf' in row 2"),
        ([True, False, True, True], "holds bool, which is no time"),
        (["2024", "2024", "2025", "2025"], "2 different times"),
    ],
)
def test_times_that_cannot_be_used_are_refused(pipeline, values, message):
    table = pipeline.table(list("abcd"), [["x"]] * 4, more={"when": values})
    with pytest.raises(DataError, match=message):
        pipeline.split(table, by="when")


def test_a_row_that_is_not_used_needs_no_time(pipeline):
    table = pipeline.table(list("abcd"), [["x"]] * 4, more={"when": ["2024", "?", "2025", "2026"]})
    split = pipeline.split(table, pipeline.checks(table, unused=[1]), by="when")
    assert read_columns(split.path / "split.parquet")["split"] == ["train", None, "validation", "test"]


def test_a_column_that_is_not_there_is_named(pipeline):
    with pytest.raises(ColumnNotFoundError, match="no column 'dat'"):
        pipeline.split(pipeline.table(list("abc"), [["x"]] * 3), by="dat")


def test_times_with_and_without_a_zone_are_compared_in_utc():
    texts = ["2024-01-01T12:00:00", "2024-01-01T12:00:00Z", "2024-01-01T13:00:00+01:00"]
    found = _parse_texts(pa.chunked_array([texts]), "c", np.arange(3))
    assert len(set(found.tolist())) == 1


def test_leaks_of_given_splits_are_told_by_their_kind(pipeline):
    """Rows 0 and 3 have one text, 1 and 4 nearly one, 2 and 5 a group; row 6 is like 0 but not used."""
    text = ["same", "near", "c", "Same", "near!", "f", "same", "g"]
    given = ["train", "train", "train", "test", "validation", "test", "validation", "train"]
    group = [None, None, "g", None, None, "g", None, None]
    table = pipeline.table(text, [["x"], ["y"]] * 4, given=given, group=group)
    checks = pipeline.checks(table, near=[0, 1, 2, 3, 1, 5, 6, 7], unused=[6])
    split = pipeline.split(table, checks)
    quality = _quality(split)
    assert quality["leaks"] == {"same_text": 2, "near_text": 2, "same_group": 2}
    assert [row["row"] for row in quality["leaked_rows"]] == [0, 1, 2, 3, 4, 5]
    assert "2 with the same text, 2 with nearly the same text, 2 with the same group" in split.manifest.notes[1]
    exact = pipeline.split(table, pipeline.checks(table, unused=[6]))
    assert _quality(exact)["leaks"] == {"same_text": 2, "near_text": 0, "same_group": 2}


def test_near_duplicates_stay_together(pipeline):
    table = pipeline.table([f"t{row}" for row in range(30)], [["x"], ["y"]] * 15)
    near = [row // 3 * 3 for row in range(30)]
    code = read_split(pipeline.split(table, pipeline.checks(table, near=near)).path).code
    assert all(len(set(code[start : start + 3].tolist())) == 1 for start in range(0, 30, 3))
