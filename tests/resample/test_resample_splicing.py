"""Splices: what they are made of, that they can be read, and that no text breaks them."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from evenly.resample import Recipes, splice
from evenly.resample.splices import realise_texts
from evenly.resample.units import characters, features_of, sentences, smallest_units, words

SHARES = st.floats(0, 1, exclude_max=True)
WORDS = st.lists(st.text("abcdefg", min_size=1, max_size=5), min_size=1, max_size=12).map(" ".join)


@pytest.mark.parametrize(
    ("seed", "reference", "share", "position", "expected"),
    [
        ("one two three four", "a b c d", 0.5, 0.25, "one b c four"),
        ("one two three four", "a b c d e f g h", 0.5, 0.5, "one two e f g h"),
        ("one two three four", "a", 0.25, 0.0, "a two three four"),
        ("one two three four", "a b c d", 0.0, 0.0, "a two three four"),  # never less than one
        ("one two three four", "a b c d", 0.99, 0.0, "a b c d"),
        ("one two", "a b", 0.5, 0.5, "one b"),
        ("one", "a b c", 0.4, 0.5, "b"),
        ("It rained. We left.", "Snow fell! All was quiet.", 0.5, 0.5, "It rained. All was quiet."),
        ("It rained. We left.", "Snow fell! All was quiet.", 0.5, 0.0, "Snow fell! We left."),
        ("It rained. We left.", "one sentence only", 0.5, 0.0, "one sentence We left."),
        ("first line\nsecond line", "other line\nlast line", 0.5, 0.5, "first line\nlast line"),
        ("keep\n\nthis  gap now", "a b c d", 0.25, 0.75, "keep\n\nthis  gap d"),
        ("天地玄黄。宇宙洪荒。", "日月盈昃。辰宿列张。", 0.5, 0.0, "日月盈昃。宇宙洪荒。"),
        ("天" * 24, "地" * 24, 0.5, 0.25, "天" * 6 + "地" * 12 + "天" * 6),
        ("天" * 24, "two words", 0.5, 0.5, "天" * 12 + " words"),
        ("", "a b", 0.5, 0.0, ""),
        ("a b", "", 0.5, 0.0, "a b"),
        ("a b", " \n", 0.5, 0.0, "a b"),
        ("  a b ", "", 0.5, 0.0, "a b"),
    ],
)
def test_by_hand(seed: str, reference: str, share: float, position: float, expected: str) -> None:
    assert splice(seed, reference, share, position) == expected


@given(WORDS, WORDS, SHARES, st.floats(0, 1))
def test_the_words_come_from_the_parents(seed: str, reference: str, share: float, at: float) -> None:
    made = Counter(splice(seed, reference, share, at * (1 - share)).split())
    assert made
    assert not made - (Counter(seed.split()) + Counter(reference.split()))
    n_seed, n_reference = len(seed.split()), len(reference.split())
    size = max(1, round(share * n_seed)), max(1, round(share * n_reference))
    assert made.total() == n_seed - size[0] + size[1]


@given(WORDS, WORDS, st.floats(0, 1))
def test_a_share_of_zero_changes_one_word(seed: str, reference: str, position: float) -> None:
    made = splice(seed, reference, 0.0, position).split()
    assert sum(one != other for one, other in zip(made, seed.split(), strict=True)) <= 1


@settings(max_examples=200)
@given(st.text(max_size=60), st.text(max_size=60), SHARES, st.floats(0, 1))
def test_any_unicode_is_spliced_the_same_each_time(seed: str, reference: str, share: float, at: float) -> None:
    position = at * (1 - share)
    made = splice(seed, reference, share, position)
    assert made == splice(seed, reference, share, position)
    assert made == made.strip()
    assert bool(made) == bool(seed.strip())
    assert not Counter("".join(made.split())) - Counter("".join((seed + reference).split()))


@given(st.text(max_size=60))
def test_units_joined_are_the_text(text: str) -> None:
    assert "".join(sentences(text)) == text
    assert "".join(words(text)) == text.lstrip()
    assert "".join(characters(text)) == text


@given(st.text(max_size=20), SHARES)
def test_a_text_spliced_with_itself_is_itself(text: str, share: float) -> None:
    assert splice(text, text, share, 0.0) == text.strip()


MIXED = st.text(
    st.sampled_from("abZ9 .!?\n\t\x1c'\")]\u00e9\u00df\u03a3\u201c\u2026\u3002\u4eca\u00a0\u0085\u00bb"), max_size=30
)


@settings(max_examples=150, deadline=None)
@given(st.lists(MIXED | st.none(), min_size=2, max_size=6), st.randoms(use_true_random=False))
def test_many_at_once_are_spliced_as_one_by_one(texts: list[str | None], random: Any) -> None:
    n = 12
    seed, reference = (np.array(random.choices(range(len(texts)), k=n)) for _ in range(2))
    share = np.array([random.choice([0.0, 0.5, random.random()]) for _ in range(n)])
    position = np.array([(1 - part) * random.random() for part in share])
    labels = sparse.csr_matrix((n, 1), dtype=np.int8)
    recipes = Recipes(seed, reference, share, position, np.zeros(n, np.int32), labels)
    expected = [
        texts[one] if again else splice(texts[one] or "", texts[other] or "", part, at)
        for one, other, part, at, again in zip(seed, reference, share, position, recipes.repeats, strict=True)
    ]
    assert realise_texts(pa.array(texts, pa.string()), recipes).to_pylist() == expected
    assert realise_texts(pa.array(texts, pa.large_string()), recipes).to_pylist() == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("He said e.g. this. Then left", ["He said e.g. this. ", "Then left"]),
        ('"Stop!" He ran.', ['"Stop!" ', "He ran."]),
        ("Wait... What? Yes", ["Wait... ", "What? ", "Yes"]),
        ("version 1.2 is out", ["version 1.2 is out"]),
        ("終わり。」次へ", ["終わり。」", "次へ"]),
        ("", []),
    ],
)
def test_sentences(text: str, expected: list[str]) -> None:
    assert sentences(text) == expected


def test_characters_keep_their_marks_and_joined_emoji() -> None:
    assert characters("e\u0301a\u0301") == ["e\u0301", "a\u0301"]
    assert characters("\U0001f469\u200d\U0001f680x") == ["\U0001f469\u200d\U0001f680", "x"]


def test_a_run_of_stops_takes_no_time() -> None:
    assert len(sentences("." * 200_000 + "a")) == 1


def test_only_a_single_overlong_word_becomes_characters() -> None:
    assert smallest_units("short") == ["short"]
    assert smallest_units("x" * 21) == ["x"] * 21
    assert smallest_units("x" * 21 + " y") == ["x" * 21 + " ", "y"]


def test_features_are_words_or_pairs_of_characters() -> None:
    assert list(features_of("The CAT, a cat_1")) == ["the", "cat", "a", "cat_1"]
    assert list(features_of("今日は晴")) == ["今日", "日は", "は晴"]
    assert list(features_of("\u65e5 !?")) == ["\u65e5"]


def test_a_space_is_put_only_where_the_script_has_one() -> None:
    assert splice("今天天气很好", "明日有雨", 0.5, 0.0) == "明日气很好"
    assert splice("今天 天气。很好", "明日。有雨", 0.5, 0.5) == "今天 天气。有雨"
    assert splice("红色 car park", "blue 天", 0.3, 0.0) == "blue car park"
