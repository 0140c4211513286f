"""Where a tokenizer that exists already is loaded from: a folder, or the hub at one commit.

Comes in: a folder or a name. Goes out: a fast tokenizer of `transformers`. Code that lies beside it is never run.
"""

from __future__ import annotations

import os
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from evenly.errors import MissingExtraError, SourceNotFoundError
from evenly.tokenize.failures import is_failure, one_line

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["import_transformers", "load_folder", "load_hub"]

_WAY_OUT = "Leave tokenize.tokenizer empty to train one on the train split."
_ANSWER_WITHIN_S = 10
_MOST_SAID = 300  # characters of a library's own message


def load_folder(folder: Path) -> Any:
    """Load the tokenizer of a folder.

    Raises
    ------
    SourceNotFoundError
        It cannot be opened, or has no fast form.
    MissingExtraError
        It is a SentencePiece model, and the library that converts it is not installed.
    """
    has_json = (folder / "tokenizer.json").is_file()
    pieces = [] if has_json else [path.name for path in sorted(folder.glob("*.model"))]
    if pieces and find_spec("sentencepiece") is None:
        raise MissingExtraError(
            f"The tokenizer in {folder} is a SentencePiece model ({pieces[0]}) without a tokenizer.json; reading it "
            f"needs sentencepiece: pip install 'evenly[sentencepiece]'"
        )
    return _load(str(folder), what=f"in {folder}", local_files_only=True)


def load_hub(name: str, revision: str | None) -> tuple[Any, str]:
    """Load a tokenizer of the hub, or what this machine has kept of it where the hub does not answer.

    Returns
    -------
    transformers.PreTrainedTokenizerFast
        The tokenizer.
    str
        The commit; without an answer of the hub the revision that was asked for.

    Raises
    ------
    SourceNotFoundError
        Neither the hub nor this machine has it, or it has no fast form.
    """
    commit, refusal = _ask_hub(name, revision)
    pinned = commit or revision or "main"
    what = f"{name!r} of the hub{f' ({refusal})' if refusal else ''}"
    return _load(name, what=what, revision=pinned, local_files_only=commit is None), pinned


def _ask_hub(name: str, revision: str | None) -> tuple[str | None, str]:
    """Return the commit, or why there is none: one question, for the loader itself would retry for a minute."""
    from huggingface_hub import HfApi

    try:
        commit: str | None = HfApi().model_info(name, revision=revision, timeout=_ANSWER_WITHIN_S).sha
    except Exception as error:  # noqa: BLE001 - no network, no such name, a proxy's page: told with what follows
        return None, one_line(error)
    return commit, ""


def _load(source: str, *, what: str, **options: Any) -> Any:
    try:
        tokenizer = import_transformers().AutoTokenizer.from_pretrained(source, trust_remote_code=False, **options)
    except BaseException as error:
        if not is_failure(error):
            raise
        raise SourceNotFoundError(
            f"Cannot open the tokenizer {what}: {one_line(error)[:_MOST_SAID].rstrip('.: ')}. Expected a folder with a "
            f"tokenizer.json (or the vocabulary files of a known kind), or a hub name that can be reached from here. "
            f"{_WAY_OUT}"
        ) from error
    if not getattr(tokenizer, "is_fast", False):
        raise SourceNotFoundError(
            f"The tokenizer {what} is a {type(tokenizer).__name__}, which has no fast form (tokenizer.json). Expected "
            f"one that the tokenizers library can run: convert it once and save it. {_WAY_OUT}"
        )
    return tokenizer


def import_transformers() -> Any:
    """Import `transformers` without its line about PyTorch, which tokenizers do not need."""
    os.environ.setdefault("TRANSFORMERS_NO_ADVISORY_WARNINGS", "1")
    import transformers

    return transformers
