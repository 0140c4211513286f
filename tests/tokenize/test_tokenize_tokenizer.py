from __future__ import annotations

import os
import shutil
import subprocess
import sys
from types import SimpleNamespace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from tokenizers import Tokenizer

from evenly.errors import DataError, MissingExtraError, SourceNotFoundError
from evenly.store import Files, Store
from evenly.tokenize import TOKENIZER
from evenly.tokenize.wordpiece import choose_alphabet, count_characters, train_wordpiece
from token_tables import build_split, build_table, word_level

if TYPE_CHECKING:
    from pathlib import Path

PARAMS = {"vocabulary_size": 300, "lowercase": True, "seed": 0}
TEXTS = ["the quick brown fox", "the lazy dog", "a quick dog", "zzyzx zzyzx zzyzx"] * 5


@pytest.fixture
def store(tmp_path):
    os.environ.setdefault("TRANSFORMERS_NO_ADVISORY_WARNINGS", "1")
    return Store(tmp_path / "store")


@pytest.fixture
def inputs(store):
    table = build_table(store, {"text": TEXTS}, [[0]] * len(TEXTS), n_labels=1, part_rows=6)
    splits = ["test" if "zzyzx" in text else "train" for text in TEXTS]
    return {"table": table, "split": build_split(store, splits)}


def open_auto(folder: Path):
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(folder, local_files_only=True)


def test_trained_on_the_train_split_alone(store, inputs):
    built = store.build(TOKENIZER, params=PARAMS, inputs=inputs)
    tokenizer = open_auto(built.path)
    vocabulary = tokenizer.get_vocab()
    assert [vocabulary[t] for t in ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")] == [0, 1, 2, 3, 4]
    assert {"quick", "dog", "the"} <= set(vocabulary)
    assert "zzyzx" not in vocabulary  # fifteen times, but in the test split
    assert tokenizer.convert_ids_to_tokens(tokenizer("The Dog")["input_ids"]) == ["[CLS]", "the", "dog", "[SEP]"]
    n = len(vocabulary)
    facts = {"source": "trained", "vocabulary_size": n, "n_ids": n, "pad_id": 0, "separator": "[SEP]"}
    assert built.facts == facts | {"n_texts": 15}
    assert built.manifest.notes == (f"WordPiece of {n} tokens, trained on the 15 texts of the train split",)


TRAIN_SCRIPT = """
import sys, tempfile
from pathlib import Path
import numpy as np
from evenly.tokenize import bpe, unigram, wordpiece

rng = np.random.default_rng(0)
# 3000 characters of like frequency: more than the alphabet takes, with ties at its edge
texts = ["".join(map(chr, rng.choice(np.r_[32, 32, 0x400:0x460, 0x4E00:0x5960], 60))) for _ in range(400)]
texts += ["the quick brown fox jumps over the lazy dog " * 2, "quicker foxes, lazier dogs"] * 20
given = {"vocabulary_size": 5000, "lowercase": True}
if sys.argv[1] == "wordpiece":
    trained, _ = wordpiece.train_wordpiece(lambda: [texts[:150], texts[150:]], **given)
elif sys.argv[1] == "bpe":
    trained, _ = bpe.train_bpe(lambda: [texts[:150], texts[150:]], **given)
else:
    with tempfile.TemporaryDirectory() as folder:
        trained, _ = unigram.train_unigram(lambda: [texts[:150], texts[150:]], **given, folder=Path(folder))
sys.stdout.write(trained.to_str())
"""


@pytest.mark.parametrize("kind", ["wordpiece", "bpe", "unigram"])
def test_same_bytes_on_every_run_and_for_any_number_of_threads(kind):
    if kind == "unigram":
        pytest.importorskip("sentencepiece")

    def train(**env: str) -> str:
        command = [sys.executable, "-c", TRAIN_SCRIPT, kind]
        return subprocess.run(command, env={**os.environ, **env}, check=True, capture_output=True, text=True).stdout

    first = train(RAYON_NUM_THREADS="4", PYTHONHASHSEED="1")
    assert len(Tokenizer.from_str(first).get_vocab()) > 2000
    assert train(TOKENIZERS_PARALLELISM="false", PYTHONHASHSEED="2") == first


@pytest.mark.parametrize(
    ("kind", "tokens", "unknown"),
    [("bpe", ["[CLS]", "the", "Ġquick", "Ġdog", "[SEP]"], False), ("unigram", ["[CLS]", "▁the", "[SEP]"], True)],
)
def test_other_kinds_learn_words_too(store, inputs, kind, tokens, unknown):
    if kind == "unigram":
        pytest.importorskip("sentencepiece")
    built = store.build(TOKENIZER, params=PARAMS | {"kind": kind}, inputs=inputs)
    tokenizer = open_auto(built.path)
    found = tokenizer.convert_ids_to_tokens(tokenizer("The quick dog")["input_ids"])
    assert [token for token in found if token in tokens] == tokens
    assert tokenizer.pad_token_id == 0
    assert not {"zzyzx", "▁zzyzx", "Ġzzyzx"} & set(tokenizer.get_vocab())  # it stands in the test split alone
    assert tokenizer("a", "dog")["input_ids"].count(tokenizer.sep_token_id) == 2
    assert ("[UNK]" in tokenizer.convert_ids_to_tokens(tokenizer("日")["input_ids"])) is unknown
    assert built.manifest.notes[0].endswith("trained on the 15 texts of the train split")


def test_a_unigram_of_nothing_is_refused(store):
    pytest.importorskip("sentencepiece")
    table = build_table(store, {"text": ["", " "]}, [[0], [0]], n_labels=1)
    inputs = {"table": table, "split": build_split(store, ["train", "train"])}
    with pytest.raises(DataError, match=r"cannot train a Unigram of 300 tokens on the 0 distinct words.*wordpiece"):
        store.build(TOKENIZER, params=PARAMS | {"kind": "unigram"}, inputs=inputs)


def test_a_unigram_needs_sentencepiece(store, inputs, monkeypatch):
    monkeypatch.setitem(sys.modules, "sentencepiece", None)
    with pytest.raises(
        MissingExtraError, match=r"kind: unigram needs sentencepiece: pip install 'evenly.sentencepiece"
    ):
        store.build(TOKENIZER, params=PARAMS | {"kind": "unigram"}, inputs=inputs)


def test_alphabet_keeps_the_most_frequent_ties_by_code_point():
    tokenizer, _ = train_wordpiece(lambda: [["a"]], vocabulary_size=200, lowercase=True)
    counts, n_texts = count_characters([["Éaab", "a b"], ["ccé"]])
    assert n_texts == 3
    assert counts[ord("a")] == 3
    # after folding: a 3, b 2, c 2, e 2 (É and é); a space is no character of a word
    assert choose_alphabet(counts, tokenizer.normalizer, size=3) == ["a", "b", "c"]
    assert choose_alphabet(counts, tokenizer.normalizer, size=9) == ["a", "b", "c", "e"]


def test_stays_within_the_vocabulary_asked_for():
    rng = np.random.default_rng(1)
    texts = [" ".join("".join(rng.choice(list("abcdefgh"), 5)) for _ in range(20)) for _ in range(50)]
    trained, _ = train_wordpiece(lambda: [texts], vocabulary_size=200, lowercase=True)
    assert trained.get_vocab_size() == 200


def test_folder_is_taken_by_content_and_leaves_no_trace_of_its_place(store, inputs, tmp_path):
    trained = store.build(TOKENIZER, params=PARAMS, inputs=inputs)
    folder = tmp_path / "a-place-of-its-own"
    shutil.copytree(trained.path, folder, ignore=shutil.ignore_patterns("manifest.json"))
    files = Files(tuple(sorted(folder.iterdir())))
    built = store.build(TOKENIZER, params=PARAMS, inputs={**inputs, "files": files})
    assert built.facts["source"] == "folder"
    assert (built.path / "tokenizer.json").read_bytes() == (trained.path / "tokenizer.json").read_bytes()
    for path in built.path.iterdir():
        assert b"a-place-of-its-own" not in path.read_bytes()
    assert open_auto(built.path)("quick")["input_ids"] == open_auto(folder)("quick")["input_ids"]


def test_without_a_padding_token_a_row_is_added_for_it(store, inputs, tmp_path):
    from transformers import PreTrainedTokenizerFast

    bare = word_level({"[UNK]": 0, "dog": 1, "fox": 4})
    PreTrainedTokenizerFast(tokenizer_object=bare).save_pretrained(tmp_path / "bare")
    files = Files(tuple(sorted((tmp_path / "bare").iterdir())))
    built = store.build(TOKENIZER, params=PARAMS, inputs={**inputs, "files": files})
    facts = {"source": "folder", "vocabulary_size": 3, "n_ids": 6, "pad_id": 5, "separator": "\n"}
    assert built.facts == facts  # ids 0, 1, 4; 5 stands for padding
    assert any("no padding token" in note for note in built.manifest.notes)
    assert Tokenizer.from_file(str(built.path / "tokenizer.json")).padding is None


def test_what_is_no_tokenizer_is_refused(store, inputs, tmp_path):
    (tmp_path / "notes.txt").write_text("not a tokenizer", encoding="utf-8")
    files = Files((tmp_path / "notes.txt",))
    with pytest.raises(SourceNotFoundError, match=r"Expected a folder with a tokenizer\.json.*Leave tokenize"):
        store.build(TOKENIZER, params=PARAMS, inputs={**inputs, "files": files})


def test_sentencepiece_is_asked_for_where_it_is_needed(store, inputs, tmp_path, monkeypatch):
    (tmp_path / "spiece.model").write_bytes(b"model")
    monkeypatch.setattr("evenly.tokenize.origin.find_spec", lambda _: None)
    with pytest.raises(MissingExtraError, match=r"spiece\.model.*pip install 'evenly.sentencepiece.'"):
        store.build(TOKENIZER, params=PARAMS, inputs={**inputs, "files": Files((tmp_path / "spiece.model",))})


def test_hub_that_does_not_answer(store, inputs, monkeypatch):
    def refuse(*args, **kwargs):
        raise ConnectionError("Name or service not known")

    monkeypatch.setattr("huggingface_hub.HfApi.model_info", refuse)
    params = PARAMS | {"name": "nobody/no-such-tokenizer", "revision": None}
    with pytest.raises(SourceNotFoundError, match=r"nobody/no-such-tokenizer.*Name or service.*Leave tokenize"):
        store.build(TOKENIZER, params=params, inputs=inputs)


def test_hub_name_is_pinned_to_the_commit_that_answered(store, inputs, monkeypatch):
    import transformers

    local = open_auto(store.build(TOKENIZER, params=PARAMS, inputs=inputs).path)
    asked = []

    def load(source, **options):
        asked.append((source, options["revision"], options["local_files_only"], options["trust_remote_code"]))
        return local

    monkeypatch.setattr("huggingface_hub.HfApi.model_info", lambda *_, **__: SimpleNamespace(sha="c0ffee"))
    monkeypatch.setattr(transformers.AutoTokenizer, "from_pretrained", load)
    built = store.build(TOKENIZER, params=PARAMS | {"name": "some/name", "revision": "main"}, inputs=inputs)
    assert built.facts["source"] == "hub:some/name@c0ffee"
    assert asked == [("some/name", "c0ffee", False, False)]
