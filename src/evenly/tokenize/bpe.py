"""A byte-level BPE tokenizer trained on the texts of a table, the same on every run.

Comes in: a function that starts an iteration over batches of texts. Goes out: a `tokenizers.Tokenizer` with GPT-2's
word boundaries and ``[CLS] text [SEP]``. Every byte is a token, so that no text is unknown.

The trainer of the `tokenizers` library numbers the alphabet in the order of its code points and breaks ties between
merges by these numbers: with all 256 bytes as the alphabet nothing is left to the order of a hash map. Seen: the
same bytes in every process, from 1 to 4 threads.

References
----------
.. [1] R. Sennrich, B. Haddow, A. Birch, "Neural Machine Translation of Rare Words with Subword Units", ACL 2016.
.. [2] A. Radford et al., "Language Models are Unsupervised Multitask Learners", 2019, section 2.2 (bytes).
"""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

__all__ = ["SPECIAL_TOKENS", "train_bpe"]

SPECIAL_TOKENS = {"pad_token": "[PAD]", "cls_token": "[CLS]", "sep_token": "[SEP]", "mask_token": "[MASK]"}


def train_bpe(texts: Callable[[], Iterable[list[str]]], *, vocabulary_size: int, lowercase: bool) -> tuple[Any, int]:
    """Train on all texts, which are gone through once.

    Parameters
    ----------
    texts
        Starts an iteration over batches of texts.
    vocabulary_size
        Most tokens, special ones and the 256 bytes included. A small text yields fewer: a pair must be seen twice.
    lowercase
        Fold case; accents stay.

    Returns
    -------
    tokenizers.Tokenizer
        ``[PAD]`` is 0.
    int
        The number of texts.
    """
    from tokenizers import AddedToken, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors
    from tokenizers.trainers import BpeTrainer

    tokenizer = Tokenizer(models.BPE())
    if lowercase:
        tokenizer.normalizer = normalizers.Lowercase()
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    special = list(SPECIAL_TOKENS.values())
    trainer = BpeTrainer(
        vocab_size=vocabulary_size,
        min_frequency=2,
        special_tokens=[AddedToken(token, special=True) for token in special],
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    n_texts = 0

    def counted() -> Iterable[list[str]]:
        nonlocal n_texts
        for batch in texts():
            n_texts += len(batch)
            yield batch

    tokenizer.train_from_iterator(chain.from_iterable(counted()), trainer)
    ids = tokenizer.get_vocab(with_added_tokens=True)
    cls, sep = ((token, ids[token]) for token in ("[CLS]", "[SEP]"))
    tokenizer.post_processor = processors.BertProcessing(sep, cls)
    return tokenizer, n_texts
