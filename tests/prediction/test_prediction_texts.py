"""`predict` over texts: labels by the thresholds, probabilities in order, several columns, long texts."""

from __future__ import annotations

import json

import pytest
from model_folders import NAMES, write_model

from evenly.errors import ConfigError, DataError, SourceNotFoundError
from evenly.prediction import open_model, predict


def test_labels_are_those_that_the_thresholds_let_through(model):
    found = predict(model, ["goal in orbit", "nothing here", ""]).to_pylist()
    assert [row["labels"] for row in found] == [["sport", "space"], [], []]
    assert [name for name, _ in found[0]["probabilities"]] == ["sport", "space", "a|b"]
    assert dict(found[0]["probabilities"]) == pytest.approx({"sport": 0.9, "space": 0.9, "a|b": 0.101})


def test_no_text_gives_no_row(model):
    assert predict(model, []).num_rows == 0


def test_the_thresholds_of_the_folder_decide(model):
    path = model / "thresholds.json"
    found = json.loads(path.read_text(encoding="utf-8"))
    found["labels"][0]["threshold"] = 0.95
    path.write_text(json.dumps(found), encoding="utf-8")
    assert predict(model, ["goal orbit"])["labels"].to_pylist() == [["space"]]


def test_texts_are_read_as_in_training(model, scorers):
    predict(model, ["goal &amp; bread", "orbit [SEP] rocket"])
    # the entity is one unknown character; [SEP] in a text is three unknown pieces; six ids at most, the last is [SEP]
    assert scorers[0].seen == [[3, 1, 5, 2], [4, 1, 1, 1, 6, 2]]


def test_windows_of_a_long_text_are_averaged(tmp_path, scorers):
    folder = write_model(tmp_path / "windows", truncate="windows", max_length=3)
    found = predict(folder, ["goal goal bread orbit", "rocket"]).to_pylist()
    assert scorers[0].seen == [[3, 3, 2], [5, 4, 2], [6, 2]]
    assert dict(found[0]["probabilities"]) == pytest.approx({"sport": 0.5, "a|b": 0.5005, "space": 0.501})
    assert dict(found[1]["probabilities"])["space"] == pytest.approx(0.9)


def test_several_text_columns_go_in_by_their_names(tmp_path, scorers):
    folder = write_model(tmp_path / "two", text=["title", "body"], columns=["title", "body"])
    found = predict(folder, {"body": ["goal"], "title": ["bread"]})
    assert scorers[0].seen == [[5, 2, 3, 2]]
    assert found["labels"].to_pylist() == [["sport", "a|b"]]
    with pytest.raises(DataError, match="reads the columns 'title', 'body', and 'body' is not given"):
        predict(folder, ["bread"])


def test_columns_of_their_own_are_inputs_of_their_own(tmp_path, scorers):
    folder = write_model(tmp_path / "two", text=["title", "body"], columns=["title", "body"], join="columns")
    predict(folder, {"body": ["goal"], "title": ["bread"]})
    assert scorers[0].seen == [[5, 2, 3, 2]]
    assert [name for name, _ in open_model(folder).layout.fields] == ["input_ids_title", "input_ids_body"]


def test_of_many_labels_the_likeliest_fifty_are_shown(tmp_path, scorers):
    names = [*NAMES, *(f"label {number}" for number in range(60))]
    folder = write_model(tmp_path / "many", names=names)
    assert not scorers
    [[*shown]] = predict(folder, ["goal"])["probabilities"].to_pylist()
    assert len(shown) == 50
    assert shown[0][0] == "sport"
    assert shown[1][0] == names[-1]
    [[*few]] = predict(folder, ["goal"], top=2)["probabilities"].to_pylist()
    assert few == shown[:2]
    with pytest.raises(ConfigError, match="top is 0"):
        predict(folder, ["goal"], top=0)


@pytest.mark.parametrize("name", ["model.keras", "labels.json", "thresholds.json", "tokenizer/tokenizer.json"])
def test_a_folder_that_is_not_whole_says_what_is_missing(model, name):
    (model / name).unlink()
    with pytest.raises(SourceNotFoundError, match=f"has no {name}"):
        predict(model, ["goal"])


def test_a_model_of_an_older_evenly_says_so(model):
    (model / "reading.json").unlink()
    with pytest.raises(SourceNotFoundError, match=r"has no reading.json"):
        predict(model, ["goal"])
