"""A Unigram tokenizer trained on the texts of a table, the same on every run.

Comes in: a function that starts an iteration over batches of texts. Goes out: a `tokenizers.Tokenizer` with NFKC, the
word boundaries of SentencePiece (``▁word``) and ``[CLS] text [SEP]``.

The trainer of the `tokenizers` library starts from suffixes of the words in the order of a hash map, seeded anew in
each process, and no order of its input changes that: two runs give different vocabularies. So SentencePiece itself
trains here, on words and their counts, in a fixed order and with a fixed number of threads, over which it adds up in
their order. What is held in memory is the distinct words.

References
----------
.. [1] T. Kudo, "Subword Regularization", ACL 2018, arXiv 1804.10959, section 3.2 (the unigram language model).
"""

from __future__ import annotations

import io
from collections import Counter
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from evenly.errors import DataError, MissingExtraError
from evenly.tokenize.wordpiece import SPECIAL_TOKENS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

__all__ = ["train_unigram"]

_THREADS = 4  # of SentencePiece: sums of floats depend on how many there are, so it is no setting
_LONGEST_WORD = 256  # characters; longer ones (a table of base64, say) teach nothing and cost the square


def train_unigram(
    texts: Callable[[], Iterable[list[str]]], *, vocabulary_size: int, lowercase: bool, folder: Path
) -> tuple[Any, int]:
    """Train on all texts, which are gone through once.

    Parameters
    ----------
    texts
        Starts an iteration over batches of texts.
    vocabulary_size
        Most tokens, special ones included. A small text yields fewer.
    lowercase
        Fold case; accents stay.
    folder
        For the list of words, which SentencePiece reads from a file.

    Returns
    -------
    tokenizers.Tokenizer
        ``[PAD]`` is 0.
    int
        The number of texts.

    Raises
    ------
    MissingExtraError
        SentencePiece is not installed.
    DataError
        The texts have no words, or too few for any vocabulary.
    """
    try:
        import sentencepiece
    except ImportError as error:
        raise MissingExtraError.needing("tokenize.kind: unigram", "sentencepiece", "sentencepiece") from error
    normalizer = _make_normalizer(lowercase=lowercase)
    counts, n_texts = _count_words(texts(), normalizer)
    words = folder / "words.tsv"
    words.write_text("".join(f"{word}\t{counts[word]}\n" for word in sorted(counts)), encoding="utf-8")
    model = io.BytesIO()
    try:
        sentencepiece.SentencePieceTrainer.train(
            input=str(words),
            input_format="tsv",
            model_writer=model,
            model_type="unigram",
            vocab_size=vocabulary_size,
            hard_vocab_limit=False,
            normalization_rule_name="identity",
            character_coverage=0.9999,
            num_threads=_THREADS,
            pad_id=0,
            unk_id=1,
            bos_id=-1,
            eos_id=-1,
            pad_piece="[PAD]",
            unk_piece="[UNK]",
            control_symbols=["[CLS]", "[SEP]", "[MASK]"],
            minloglevel=2,
        )
    except (RuntimeError, OSError) as error:
        raise DataError(
            f"SentencePiece cannot train a Unigram of {vocabulary_size:,} tokens on the {len(counts):,} distinct words "
            f"of the train split: {str(error).strip().splitlines()[-1]}. Use kind: wordpiece or bpe."
        ) from error
    pieces = sentencepiece.SentencePieceProcessor(model_proto=model.getvalue())
    scored = [(pieces.id_to_piece(i), pieces.get_score(i)) for i in range(pieces.get_piece_size())]
    return _assemble(scored, normalizer), n_texts


def _count_words(batches: Iterable[list[str]], normalizer: Any) -> tuple[Counter[str], int]:
    """Return how often each word occurs, split at white space after normalisation, and the number of texts."""
    counts: Counter[str] = Counter()
    n_texts = 0
    for batch in batches:
        normal = pa.array([normalizer.normalize_str(text) for text in batch], pa.string())
        found = pc.value_counts(pc.list_flatten(pc.utf8_split_whitespace(normal)))
        for word, count in zip(found.field("values").to_pylist(), found.field("counts").to_pylist(), strict=True):
            if 0 < len(word) <= _LONGEST_WORD and "\x00" not in word:
                counts[word] += count
        n_texts += len(batch)
    return counts, n_texts


def _make_normalizer(*, lowercase: bool) -> Any:
    from tokenizers import normalizers

    return normalizers.Sequence([normalizers.NFKC(), *([normalizers.Lowercase()] if lowercase else [])])


def _assemble(scored: list[tuple[str, float]], normalizer: Any) -> Any:
    from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, processors

    tokenizer = Tokenizer(models.Unigram(scored, unk_id=1, byte_fallback=False))
    tokenizer.normalizer = normalizer
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Metaspace()])
    tokenizer.decoder = decoders.Metaspace()
    tokenizer.add_special_tokens([AddedToken(token, special=True) for token in SPECIAL_TOKENS.values()])
    ids = tokenizer.get_vocab(with_added_tokens=True)
    cls, sep = ((token, ids[token]) for token in ("[CLS]", "[SEP]"))
    tokenizer.post_processor = processors.BertProcessing(sep, cls)
    return tokenizer
