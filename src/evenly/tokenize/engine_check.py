"""Which engine encodes a build: a fast one only where it gives the ids of `tokenizers` on the nastiest texts of it.

Comes in: a ``tokenizer.json``, the engine asked for, a sample of texts. Goes out: the engine, and what the check
found, for the manifest. Ids are compared at full length: where they are equal, so are what a cut keeps and loses.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from evenly.errors import ConfigError, DataError, MissingExtraError
from evenly.tokenize.engines import FAST_ENGINES, REFERENCE, engine_version, is_installed, open_engine
from evenly.tokenize.failures import is_failure, one_line
from evenly.tokenize.nasty import BY_HEART

if TYPE_CHECKING:
    from evenly.tokenize.assembly import FlatIds
    from evenly.tokenize.engines import Engine
    from evenly.tokenize.vocabulary import Vocabulary

__all__ = ["WORTH_A_CHECK_BYTES", "EngineCheck", "choose_engine"]

WORTH_A_CHECK_BYTES = 1 << 20  # of text: `tokenizers` has encoded less before the comparison is done
_SHOWN = 60  # characters of a text, and ids, in a message


@dataclass(frozen=True)
class EngineCheck:
    """The engine of a build.

    Attributes
    ----------
    engine, version
        The library, and its version.
    n_sampled
        Texts on which it was compared with `tokenizers`.
    outcome
        Why it is this one, in one sentence.
    opened
        The engine itself where it was compared: opening it once more takes as long as thousands of texts. Else None.
    """

    engine: str
    version: str
    n_sampled: int
    outcome: str
    opened: Engine | None = field(default=None, compare=False, repr=False)

    def facts(self) -> dict[str, Any]:
        """Return a JSON value for the manifest."""
        return {name: getattr(self, name) for name in ("engine", "version", "n_sampled", "outcome")}

    def open(self, content_json: str) -> Engine:
        """Return the engine, opened now where it was not compared; `content_json` is that of the vocabulary."""
        return self.opened or open_engine(self.engine, content_json)


def choose_engine(
    vocabulary: Vocabulary, engine: str, sample: pa.StringArray, text_bytes: int = WORTH_A_CHECK_BYTES
) -> EngineCheck:
    """Return the engine that encodes a build.

    Parameters
    ----------
    vocabulary
        Of the tokenizer. Its special tokens are compared too, each spelled in a text.
    engine
        ``auto``: the fast one that takes the tokenizer, if it gives the same ids on the sample and `BY_HEART`; else
        ``tokenizers``. Or the name of an engine.
    sample
        Texts of the build, without nulls.
    text_bytes
        Of the whole build: under `WORTH_A_CHECK_BYTES`, auto compares nothing.

    Raises
    ------
    ConfigError
        The engine that was named does not take the tokenizer.
    MissingExtraError
        It is not installed.
    DataError
        It gives other ids.
    """
    fast = FAST_ENGINES.get(vocabulary.kind) if engine == "auto" else engine
    if fast is None:
        return _reference(f"no faster engine takes a {vocabulary.kind} model")
    if fast == REFERENCE:
        return _reference("asked for by name")
    if engine == "auto" and text_bytes < WORTH_A_CHECK_BYTES:
        return _reference("a table this small is done before a faster engine is compared")
    if not is_installed(fast):
        if engine != "auto":
            raise MissingExtraError.needing(f"tokenize.engine: {fast}", fast, "fast")
        return _reference(f"{fast} is not installed: pip install 'evenly[fast]' for many times the speed, same ids")
    spelled = [f"{token} a{token}b {token.lower()}{token}" for token in vocabulary.special]
    texts = pa.concat_arrays([pa.array([*BY_HEART, *spelled], pa.string()), sample])
    refusal, difference, opened = _compare(fast, vocabulary.content_json, texts)
    if not refusal and not difference:
        same = f"the same ids as {REFERENCE} on {len(texts):,} hostile texts, {len(sample):,} of them of this table"
        return EngineCheck(fast, engine_version(fast), len(texts), same, opened)
    if engine == "auto":
        return _reference(refusal or f"{fast} gives other ids: {difference}", 0 if refusal else len(texts))
    if refusal:
        raise ConfigError(f"tokenize.engine is {fast!r}, but {refusal}. Use auto or {REFERENCE}.")
    raise DataError(
        f"tokenize.engine is {fast!r}, and {fast} {engine_version(fast)} gives other ids than {REFERENCE} "
        f"{engine_version(REFERENCE)}: {difference}. Use auto or {REFERENCE}."
    )


def _reference(outcome: str, n_sampled: int = 0) -> EngineCheck:
    return EngineCheck(REFERENCE, engine_version(REFERENCE), n_sampled, outcome)


def _compare(fast: str, content_json: str, texts: pa.StringArray) -> tuple[str, str, Engine | None]:
    """Return why the fast engine refuses the tokenizer, the first difference, both empty where all is well, and it."""
    try:
        opened = open_engine(fast, content_json)
        found = opened.encode(texts)
        expected = open_engine(REFERENCE, content_json).encode(texts)
    except BaseException as error:
        if not is_failure(error):
            raise
        return f"{fast} does not take this tokenizer ({one_line(error)})", "", None
    return "", _first_difference(texts, expected, found), opened


def _first_difference(texts: pa.StringArray, expected: FlatIds, found: FlatIds) -> str:
    if len(expected.lengths) == len(found.lengths):
        ends, other_ends = np.cumsum(expected.lengths), np.cumsum(found.lengths)
        for i, (end, other_end) in enumerate(zip(ends, other_ends, strict=True)):
            wanted = expected.values[end - expected.lengths[i] : end]
            got = found.values[other_end - found.lengths[i] : other_end]
            if not np.array_equal(wanted, got):
                return _describe(texts[i].as_py(), wanted.tolist(), got.tolist())
        return ""
    return f"{len(found.lengths)} texts for {len(expected.lengths)}"


def _describe(text: str, wanted: list[int], got: list[int]) -> str:
    """Say where two lists of ids part; the text is escaped, for it may hold what a terminal obeys."""
    place = next((i for i, (a, b) in enumerate(zip(wanted, got, strict=False)) if a != b), min(len(wanted), len(got)))
    shown = ascii(text[:_SHOWN]) + (f" ({len(text):,} characters)" if len(text) > _SHOWN else "")
    return f"at id {place} of {shown}: {got[place : place + 8]}, expected {wanted[place : place + 8]}"
