"""A WordPiece tokenizer trained on the texts of a table, the same on every run.

Comes in: a function that starts an iteration over batches of texts. Goes out: a `tokenizers.Tokenizer` with BERT's
normaliser, word boundaries and ``[CLS] text [SEP]``.

The trainer of the `tokenizers` library numbers the continuations of single characters (``##a``) in the order of a
hash map, seeded anew in each process, and breaks ties between merges by these numbers; its cut of the alphabet
breaks ties by hash order too. Hence two runs give different vocabularies. Here the alphabet is counted first, and
both forms of every character are handed to the trainer as special tokens, in a fixed order; the tokenizer is then
built anew from the vocabulary alone. Seen: the same bytes from 1 to 4 threads.

References
----------
.. [1] Y. Wu et al., "Google's Neural Machine Translation System", arXiv 1609.08144, section 4.1 (WordPiece).
.. [2] J. Devlin et al., "BERT", NAACL 2019.
"""

from __future__ import annotations

import sys
from itertools import chain
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from numpy.typing import NDArray

__all__ = ["SPECIAL_TOKENS", "train_wordpiece"]

SPECIAL_TOKENS = {
    "pad_token": "[PAD]",
    "unk_token": "[UNK]",
    "cls_token": "[CLS]",
    "sep_token": "[SEP]",
    "mask_token": "[MASK]",
}
_LARGEST_ALPHABET = 1000
_PREFIX = "##"


def train_wordpiece(
    texts: Callable[[], Iterable[list[str]]], *, vocabulary_size: int, lowercase: bool
) -> tuple[Any, int]:
    """Train on all texts, which are gone through twice.

    Parameters
    ----------
    texts
        Starts an iteration over batches of texts.
    vocabulary_size
        Most tokens, special ones included. A small text yields fewer: a token must be seen twice.
    lowercase
        Fold case and strip accents, as BERT's uncased models do.

    Returns
    -------
    tokenizers.Tokenizer
        ``[PAD]`` is 0.
    int
        The number of texts.
    """
    from tokenizers.trainers import WordPieceTrainer

    counts, n_texts = count_characters(texts())
    blank = _assemble({token: i for i, token in enumerate(SPECIAL_TOKENS.values())}, lowercase=lowercase)
    alphabet = choose_alphabet(counts, blank.normalizer, size=min(_LARGEST_ALPHABET, vocabulary_size // 4))
    trainer = WordPieceTrainer(
        vocab_size=vocabulary_size,
        min_frequency=2,
        special_tokens=[*SPECIAL_TOKENS.values(), *alphabet, *(_PREFIX + character for character in alphabet)],
        initial_alphabet=alphabet,
        limit_alphabet=len(alphabet),
        show_progress=False,
    )
    blank.train_from_iterator(chain.from_iterable(texts()), trainer)
    return _assemble(blank.get_vocab(with_added_tokens=True), lowercase=lowercase), n_texts


def count_characters(batches: Iterable[list[str]]) -> tuple[NDArray[np.int64], int]:
    """Return how often each code point occurs, shape (0x110000,), and the number of texts."""
    counts, n_texts = np.zeros(sys.maxunicode + 1, np.int64), 0
    for batch in batches:
        codes = np.frombuffer("".join(batch).encode("utf-32-le"), np.uint32)
        counts += np.bincount(codes, minlength=len(counts))
        n_texts += len(batch)
    return counts, n_texts


def choose_alphabet(counts: NDArray[np.int64], normalizer: Any, *, size: int) -> list[str]:
    """Return the most frequent characters after normalisation, in the order of their code points."""
    total: dict[str, int] = {}
    for code in np.flatnonzero(counts):
        for character in normalizer.normalize_str(chr(code)):
            total[character] = total.get(character, 0) + int(counts[code])
    ranked = sorted((c for c in total if not c.isspace()), key=lambda c: (-total[c], c))
    return sorted(ranked[:size])


def _assemble(vocabulary: dict[str, int], *, lowercase: bool) -> Any:
    from tokenizers import AddedToken, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors

    tokenizer = Tokenizer(
        models.WordPiece(vocabulary, unk_token=SPECIAL_TOKENS["unk_token"], continuing_subword_prefix=_PREFIX)
    )
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=lowercase)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = decoders.WordPiece(prefix=_PREFIX)
    cls, sep = ((token, vocabulary[token]) for token in ("[CLS]", "[SEP]"))
    tokenizer.post_processor = processors.BertProcessing(sep, cls)
    tokenizer.add_special_tokens([AddedToken(token, special=True) for token in SPECIAL_TOKENS.values()])
    return tokenizer
