"""The tokenizer of a run: one that is there (a folder, a name of the hub), or one trained on the train split.

Comes in: the files of a folder, or a name, or the table and its split. Goes out: a folder that
``AutoTokenizer.from_pretrained`` opens without a network, with the ``tokenizer.json`` that the workers read. No code
of a folder or of the hub is ever run.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from evenly.formats import list_parts, read_facts, write_json
from evenly.store import Stage
from evenly.tokenize import bpe, unigram, wordpiece
from evenly.tokenize.origin import import_transformers, load_folder, load_hub
from evenly.tokenize.texts import iter_part_texts, split_codes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from evenly.workspace import Workspace

__all__ = ["TOKENIZER", "make_tokenizer"]

Kind = Literal["wordpiece", "bpe", "unigram"]
_NAMES = {"wordpiece": "WordPiece", "bpe": "Byte-level BPE", "unigram": "Unigram"}
_NOT_THE_TOKENIZER = ("name_or_path", "is_local", "local_files_only", "_commit_hash")


def make_tokenizer(
    work: Workspace,
    *,
    table: Path,
    split: Path,
    files: tuple[Path, ...] = (),
    name: str | None = None,
    revision: str | None = None,
    kind: Kind = "wordpiece",
    vocabulary_size: int,
    lowercase: bool,
    seed: int,  # noqa: ARG001 - every stage with a choice gets it; this training has none
) -> None:
    """Load the tokenizer that is named, or train one, and save it.

    Parameters
    ----------
    work, table, split
        Where to write; the artifacts whose train texts a new tokenizer learns from.
    files
        The files of a tokenizer folder, all of them, so that they count by content.
    name, revision
        A name of the hub and a commit, tag or branch there.
    kind, vocabulary_size, lowercase
        Of a tokenizer that is trained.
    seed
        Has no effect: the same texts give the same tokenizer.

    Raises
    ------
    SourceNotFoundError
        The folder or name cannot be opened, or has no fast (Rust) form.
    MissingExtraError
        A SentencePiece model, or a Unigram to be trained, and SentencePiece is not installed.
    """
    if files:
        tokenizer, source = load_folder(Path(os.path.commonpath([path.parent for path in files]))), "folder"
    elif name is not None:
        tokenizer, pinned = load_hub(name, revision)
        source = f"hub:{name}@{pinned}"
    else:
        texts = _TrainTexts(work, table, split, n_passes=2 if kind == "wordpiece" else 1)
        tokenizer, source = _train(work, texts, kind, vocabulary_size, lowercase=lowercase), "trained"
    _save(work, tokenizer, source, _NAMES[kind])


class _TrainTexts:
    """The texts of the train split, from the start at every call, with progress over `n_passes` calls."""

    def __init__(self, work: Workspace, table: Path, split: Path, *, n_passes: int) -> None:
        self.work = work
        self.parts = list(zip(list_parts(table), split_codes(table, split), strict=True))
        self.columns = read_facts(table)["text_columns"]
        self.total, self.done = n_passes * len(self.parts), 0

    def __call__(self) -> Iterator[list[str]]:
        for part, codes in self.parts:
            yield from iter_part_texts(part, codes, "train", self.columns, "\n")
            self.done += 1
            self.work.advance(self.done, self.total, "partitions")


def _train(work: Workspace, texts: _TrainTexts, kind: Kind, vocabulary_size: int, *, lowercase: bool) -> Any:
    if kind == "bpe":
        trained, n_texts = bpe.train_bpe(texts, vocabulary_size=vocabulary_size, lowercase=lowercase)
        special = bpe.SPECIAL_TOKENS
    elif kind == "unigram":
        trained, n_texts = unigram.train_unigram(
            texts, vocabulary_size=vocabulary_size, lowercase=lowercase, folder=work.scratch
        )
        special = wordpiece.SPECIAL_TOKENS
    else:
        trained, n_texts = wordpiece.train_wordpiece(texts, vocabulary_size=vocabulary_size, lowercase=lowercase)
        special = wordpiece.SPECIAL_TOKENS
    work.record(n_texts=n_texts)
    return import_transformers().PreTrainedTokenizerFast(tokenizer_object=trained, **special)


def _save(work: Workspace, tokenizer: Any, source: str, trained: str) -> None:
    tokenizer.backend_tokenizer.no_truncation()  # a length that some folder carries is not this run's
    tokenizer.backend_tokenizer.no_padding()
    tokenizer.save_pretrained(work.out)
    _forget_origin(work.out / "tokenizer_config.json")
    vocabulary = tokenizer.get_vocab()
    highest = max(vocabulary.values())
    own_pad = tokenizer.pad_token_id
    work.record(
        source=source,
        vocabulary_size=len(vocabulary),
        n_ids=highest + (1 if own_pad is not None else 2),
        pad_id=own_pad if own_pad is not None else highest + 1,
        separator=tokenizer.sep_token or "\n",
    )
    work.note(_sentence(source, trained, len(vocabulary), work.facts.get("n_texts")))
    if own_pad is None:
        work.note(f"It has no padding token: id {highest + 1}, one past its own, stands for padding.")


def _forget_origin(path: Path) -> None:
    """Drop from the config where the tokenizer was loaded from, which is no part of it."""
    config = json.loads(path.read_text(encoding="utf-8"))
    write_json(path, {key: value for key, value in sorted(config.items()) if key not in _NOT_THE_TOKENIZER})


def _sentence(source: str, trained: str, n_tokens: int, n_texts: int | None) -> str:
    if n_texts is not None:
        return f"{trained} of {n_tokens:,} tokens, trained on the {n_texts:,} texts of the train split"
    return f"{n_tokens:,} tokens, from {'the folder given' if source == 'folder' else source}"


TOKENIZER = Stage("tokenizer", 2, make_tokenizer)
