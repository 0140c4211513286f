"""What a tokenizer puts around and between texts: ``[CLS] a [SEP] b [SEP]``.

Comes in: a `tokenizers.Tokenizer`. Goes out: the special ids before, between and after texts. They are found by
asking the tokenizer for a probe text, whatever kind of post-processor it has.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any

from evenly.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Template", "read_template"]

_PROBES = ("a", "0", ".")
_MOST_PROBES = 1000  # tokens of its own vocabulary that are tried


@dataclass(frozen=True)
class Template:
    """Special ids around texts.

    Attributes
    ----------
    before, after
        Ids before the first text and after the last one.
    between
        Ids between two texts; None: the tokenizer has no form for several texts.
    typed
        Whether the tokenizer gives type 0 to all up to the end of `between`, and type 1 to all behind it.
    """

    before: tuple[int, ...]
    between: tuple[int, ...] | None
    after: tuple[int, ...]
    typed: bool = False

    def pieces(self, n_texts: int) -> list[tuple[int, ...]]:
        """Return the ids before each of `n_texts` texts, and those after the last one: n_texts + 1 tuples."""
        return [self.before, *[self.between or ()] * (n_texts - 1), self.after]


def read_template(tokenizer: Any) -> Template:
    """Ask a `tokenizers.Tokenizer`, without truncation and padding, for its template.

    Raises
    ------
    DataError
        It does more than put ids around texts, such as repeating them.
    """
    probe = _find_probe(tokenizer)
    if probe is None:  # nothing gives an id: whatever it adds stands around nothing
        return Template(tuple(tokenizer.encode("").ids), None, ())
    content = tokenizer.encode(probe, add_special_tokens=False).ids
    before, between, after = _cut_out(tokenizer.encode(probe).ids, content, 1)
    if between:
        raise DataError("The tokenizer's post-processor repeats a text: evenly has no way to cut such rows to length.")
    encoded = tokenizer.encode(probe, probe)
    pair = _cut_out(encoded.ids, content, 2)
    if pair[0] != before or pair[2] != after or not pair[1]:
        return Template(before, None, after)
    n_first = len(before) + len(content) + len(pair[1])
    typed = encoded.type_ids == [0] * n_first + [1] * (len(encoded.ids) - n_first)
    return Template(before, pair[1], after, typed)


def _find_probe(tokenizer: Any) -> str | None:
    return next((probe for probe in _probes(tokenizer) if _gives_ids(tokenizer, probe)), None)


def _probes(tokenizer: Any) -> Iterator[str]:
    yield from _PROBES
    yield from islice(sorted(tokenizer.get_vocab(with_added_tokens=False)), _MOST_PROBES)


def _gives_ids(tokenizer: Any, probe: str) -> bool:
    try:
        return bool(tokenizer.encode(probe, add_special_tokens=False).ids)
    except Exception:  # noqa: BLE001 - all that a model without a token for unknown words raises
        return False


def _cut_out(ids: list[int], content: list[int], times: int) -> tuple[tuple[int, ...], ...]:
    """Return what stands before, between and after the content; the content may stand `times` times."""
    n = len(content)
    places = [i for i in range(len(ids) - n + 1) if ids[i : i + n] == content]
    if not places:
        raise DataError("The tokenizer's post-processor changes the ids of a text: evenly cannot use it.")
    first, last = places[0], places[-1]
    between = tuple(ids[first + n : last]) if last >= first + n and times > 1 else ()
    if times == 1 and last >= first + n:
        between = tuple(ids[first + n : last + n])
    return tuple(ids[:first]), between, tuple(ids[last + n :])
