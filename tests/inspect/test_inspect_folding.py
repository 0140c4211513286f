"""When two texts are the same: the definition, and that the loops over bytes follow it."""

from __future__ import annotations

import sys
import unicodedata

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from inspect_stages import HARD, texts

from evenly.inspect.folding import TextFolder, fold_text


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Win a PRIZE", "win  a\tprize "),
        ("Straße", "STRASSE"),
        ("ﬁne", "fine"),  # a ligature
        ("é", "e\u0301"),  # composed and with a combining accent
        ("１２", "12"),  # noqa: RUF001 - full width
        ("a\u00a0b\x85c", "a\n\nb c"),
        ("ΑΣ", "ας"),
        ("\u1112\u1161\u11ab", "한"),  # Hangul letters and the syllable
    ],
)
def test_texts_that_are_the_same(one, other):
    assert fold_text(one) == fold_text(other)


@pytest.mark.parametrize(("one", "other"), [("win", "wins"), ("a b", "ab"), ("resume", "résumé"), ("a", "a.")])
def test_texts_that_are_not(one, other):
    assert fold_text(one) != fold_text(other)


@given(texts)
@settings(max_examples=120, deadline=None)
def test_folding_twice_is_folding_once(text):
    assert fold_text(fold_text(text)) == fold_text(text)


def folded_rows(folder, rows):
    """Return folded texts, lengths in characters and in words of one batch."""
    folded = folder.fold(pa.array(rows, pa.string()))
    data = folded.blocks.view(np.uint8)
    ends = folded.starts + folded.lengths
    found = [bytes(data[start:end]).decode() for start, end in zip(folded.starts, ends, strict=True)]
    return found, folded.characters.tolist(), folded.words.tolist()


@given(st.lists(st.lists(st.none() | texts, max_size=8), max_size=3))
@example([["x" * 31 + "  " + "y" * 40, "x" * 32 + " ", " " * 70, "A" * 33 + "é" + "B" * 40 + "\u3000 c"]])
@example([["ﷺ" * 9, "", None]])  # grows from 3 bytes to 33
@settings(max_examples=150, deadline=None)
def test_the_loops_fold_as_the_definition(batches):
    folder = TextFolder()  # the same for all batches: what it has learnt and its memory stay
    for rows in batches:
        plain = [text or "" for text in rows]
        expected = [fold_text(text) for text in plain]
        assert folded_rows(folder, rows) == (
            expected,
            [len(text) for text in plain],
            [len(text.split()) for text in expected],
        )


def test_a_batch_that_is_a_piece_of_an_array_is_folded_as_such():
    array = pa.array(["zero", "One ", None, "DREI", "é"])[1:4]
    folded = TextFolder().fold(array)
    assert folded.lengths.tolist() == [3, 0, 4]


def test_every_single_character_folds_as_the_definition():
    characters = [chr(point) for point in range(0x30000) if not 0xD800 <= point < 0xE000]
    found, _, _ = folded_rows(TextFolder(), [f"a{character}b" for character in characters])
    wrong = [hex(ord(one)) for one, text in zip(characters, found, strict=True) if text != fold_text(f"a{one}b")]
    assert wrong == []


def test_what_joins_with_a_character_before_it_is_a_mark_or_a_hangul_letter():
    """The claim by which other characters are folded one by one (see `evenly.inspect.folding`)."""
    decomposed = [unicodedata.decomposition(chr(point)) for point in range(sys.maxunicode + 1)]
    seconds = {parts[1] for text in decomposed if not text.startswith("<") and len(parts := text.split()) == 2}
    assert len(seconds) > 50
    assert {unicodedata.category(chr(int(second, 16)))[0] for second in seconds} == {"M"}
    reordered = [point for point in range(sys.maxunicode + 1) if unicodedata.combining(chr(point))]
    assert {unicodedata.category(chr(point))[0] for point in reordered} == {"M"}


def test_the_hard_characters_are_hard_in_several_ways():
    assert {unicodedata.category(character)[0] for character in HARD} >= {"C", "L", "M", "N", "P", "S", "Z"}
