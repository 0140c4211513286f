"""Fast engines: the same ids or none of their own, and what is said about it."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers

from evenly.errors import ConfigError, DataError, MissingExtraError
from evenly.tokenize import encode, engine_check
from evenly.tokenize.assembly import FlatIds
from evenly.tokenize.bpe import train_bpe
from evenly.tokenize.engine_check import choose_engine
from evenly.tokenize.engines import open_engine
from evenly.tokenize.nasty import BY_HEART, pick_nasty
from evenly.tokenize.normalization import take_normalizer
from evenly.tokenize.vocabulary import read_vocabulary
from evenly.tokenize.wordpiece import train_wordpiece
from strange_texts import strange_texts
from token_tables import word_level

TEXTS = ["the quick brown fox, the lazy dog!", "over and over and over", "naïve café", "日本 語"] * 5
NO_TEXTS = pa.array([], pa.string())


@pytest.fixture(scope="module")
def wordpiece():
    pytest.importorskip("nanotoken")
    return read_vocabulary(train_wordpiece(lambda: [TEXTS], vocabulary_size=300, lowercase=True)[0])


@pytest.fixture(scope="module")
def bpe():
    pytest.importorskip("gigatoken")
    return read_vocabulary(train_bpe(lambda: [TEXTS], vocabulary_size=320, lowercase=True)[0])


class Wrong:
    """Gives every text one id too many."""

    def encode(self, texts):
        return FlatIds(np.full(len(texts), 7, np.uint32), np.ones(len(texts), np.int64))


def break_fast_engine(monkeypatch, made):
    def open_broken(name, content_json):
        return open_engine(name, content_json) if name == "tokenizers" else made()

    monkeypatch.setattr(engine_check, "open_engine", open_broken)


@pytest.mark.parametrize(("kind", "engine"), [("wordpiece", "nanotoken"), ("bpe", "gigatoken")])
def test_same_ids_on_strange_strings(kind, engine, request):
    vocabulary = request.getfixturevalue(kind)
    texts = pa.array([*strange_texts(4000, seed=0, endless=20_000), *BY_HEART])
    expected = open_engine("tokenizers", vocabulary.content_json).encode(texts)
    found = open_engine(engine, vocabulary.content_json).encode(texts)
    assert np.array_equal(found.lengths, expected.lengths)
    assert np.array_equal(found.values, expected.values)


@pytest.mark.parametrize(("kind", "engine"), [("wordpiece", "nanotoken"), ("bpe", "gigatoken")])
def test_auto_takes_what_it_has_compared(kind, engine, request):
    check = choose_engine(request.getfixturevalue(kind), "auto", pa.array(TEXTS[:4]))
    assert check.engine == engine
    assert check.n_sampled == len(BY_HEART) + 4 + len(request.getfixturevalue(kind).special)
    assert check.outcome.startswith("the same ids as tokenizers")


def test_a_small_table_is_not_worth_a_comparison(wordpiece):
    check = choose_engine(wordpiece, "auto", NO_TEXTS, text_bytes=2**20 - 1)
    assert (check.engine, check.n_sampled) == ("tokenizers", 0)
    assert check.outcome == "a table this small is done before a faster engine is compared"
    assert choose_engine(wordpiece, "auto", NO_TEXTS, text_bytes=2**20).engine == "nanotoken"
    assert choose_engine(wordpiece, "nanotoken", NO_TEXTS, text_bytes=1).n_sampled > 0


def test_any_difference_leads_back_to_the_reference(wordpiece, monkeypatch):
    break_fast_engine(monkeypatch, Wrong)
    check = choose_engine(wordpiece, "auto", NO_TEXTS)
    assert check.engine == "tokenizers"
    # the first text that is compared is empty: no id is right, and one was given
    assert check.outcome == "nanotoken gives other ids: at id 0 of '': [7], expected []"
    with pytest.raises(DataError, match=r"nanotoken 0\.\d+.* gives other ids than tokenizers 0\..*: at id 0 of ''"):
        choose_engine(wordpiece, "nanotoken", NO_TEXTS)


def test_a_difference_is_shown_escaped_and_short():
    text = "\x1b[31m" + "é" * 100
    shown = engine_check._describe(text, list(range(20)), [0, 1, 2, 9])
    assert shown == (f"at id 3 of {text[:60]!a} (105 characters): [9], expected [3, 4, 5, 6, 7, 8, 9, 10]")
    assert "\x1b" not in shown
    assert engine_check._describe("a", [1, 2], [1]) == "at id 1 of 'a': [], expected [2]"


def test_an_engine_that_fails_is_not_used(wordpiece, monkeypatch):
    class PanicException(BaseException):
        pass

    def panic():
        raise PanicException("index out of bounds\nmore")

    break_fast_engine(monkeypatch, panic)
    check = choose_engine(wordpiece, "auto", NO_TEXTS)
    assert (check.engine, check.n_sampled) == ("tokenizers", 0)
    assert check.outcome == "nanotoken does not take this tokenizer (index out of bounds)"
    with pytest.raises(ConfigError, match=r"engine is 'nanotoken', but .*index out of bounds.*Use auto"):
        choose_engine(wordpiece, "nanotoken", NO_TEXTS)


def test_a_stop_from_outside_is_not_swallowed(wordpiece, monkeypatch):
    def interrupt():
        raise KeyboardInterrupt

    break_fast_engine(monkeypatch, interrupt)
    with pytest.raises(KeyboardInterrupt):
        choose_engine(wordpiece, "auto", NO_TEXTS)


def test_without_the_library(monkeypatch):
    vocabulary = read_vocabulary(Tokenizer(models.WordPiece({"[UNK]": 0}, unk_token="[UNK]")))
    monkeypatch.setattr(engine_check, "is_installed", lambda name: False)
    check = choose_engine(vocabulary, "auto", NO_TEXTS)
    assert check.engine == "tokenizers"
    assert "nanotoken is not installed: pip install 'evenly[fast]'" in check.outcome
    with pytest.raises(MissingExtraError, match=r"engine: nanotoken needs nanotoken: pip install 'evenly\[fast\]'"):
        choose_engine(vocabulary, "nanotoken", NO_TEXTS)


def test_a_kind_that_no_fast_engine_takes(bpe):
    check = choose_engine(read_vocabulary(word_level({"[UNK]": 0})), "auto", NO_TEXTS)
    assert (check.engine, check.outcome) == ("tokenizers", "no faster engine takes a WordLevel model")
    assert choose_engine(bpe, "tokenizers", NO_TEXTS).outcome == "asked for by name"
    pytest.importorskip("nanotoken")
    with pytest.raises(ConfigError, match="nanotoken does not take this tokenizer"):
        encode(["a"], train_bpe(lambda: [TEXTS], vocabulary_size=300, lowercase=False)[0], engine="nanotoken")


def test_texts_are_normalised_ahead_as_the_tokenizer_would():
    tokenizer = Tokenizer(models.BPE())
    tokenizer.normalizer = normalizers.Sequence([normalizers.NFKC(), normalizers.Lowercase()])
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel()
    taken = take_normalizer(tokenizer.to_str())
    assert taken is not None
    rest, normalize = taken
    assert Tokenizer.from_str(rest).normalizer is None
    texts = [*strange_texts(500, seed=2, endless=50), "PLAIN"]
    expected = [tokenizer.normalizer.normalize_str(text) for text in texts]
    assert normalize(pa.array(texts)).to_pylist() == expected
    assert normalize(pa.array(["PLAIN"])).to_pylist() == ["plain"]
    tokenizer.normalizer = normalizers.Replace("a", "b")
    assert take_normalizer(tokenizer.to_str()) is None
    tokenizer.normalizer = None
    assert take_normalizer(tokenizer.to_str()) is None


def test_the_nastiest_texts_are_found():
    plain = [f"text {number}" for number in range(100)]
    nasty = ["x" * 500, "日本", "a\x07b", "e\u0301", "x [SEP] y", ""]
    picked = pick_nasty(pa.array(plain[:50] + nasty + plain[50:]), ["[SEP]"], 1).to_pylist()
    assert set(nasty) < set(picked)
    assert len(picked) == len(nasty) + 1  # and one at even distances
    assert pick_nasty(NO_TEXTS, ["[SEP]"], 4).to_pylist() == []
    # what is endless is cut between characters, lest the check take longer than the build
    assert pick_nasty(pa.array(["日" * 200_000]), [], 1).to_pylist() == ["日" * (2**18 // 3)]
