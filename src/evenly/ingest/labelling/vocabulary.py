"""Label names and their numbers while a file is read.

In: names as they come, and how they are renamed. Out: numbers as the names turn up; two names that are renamed to
the same one have the same number from the start, so that a row that holds both counts once.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np

from evenly.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    import pyarrow as pa
    from numpy.typing import NDArray

__all__ = ["MOST_CHARACTERS", "MOST_LABELS", "FileVocabulary", "order_names", "refuse_many_labels"]

MOST_LABELS = 3_000_000
"""Of a table. The largest public one, Amazon-3M of the extreme classification repository (Bhatia et al.), has
2,812,281; a column of row numbers, or of free text, soon has more."""
MOST_CHARACTERS = 1 << 28  # of all names together: a few long texts that were taken for names fill the memory, too
_N_SHOWN, _SHOWN_CHARACTERS = 3, 40
_WHOLE = re.compile(r"-?\d{1,18}")


class FileVocabulary:
    """Names of one file, numbered as they turn up."""

    def __init__(
        self, names: Iterable[str] = (), rename: Mapping[str, str] | None = None, columns: Sequence[str] = ()
    ) -> None:
        """Begin with `names`, which count even where no row holds them; `columns` are named in messages."""
        self._rename = rename or {}
        self._columns = columns
        self._n_characters = 0
        self._numbers: dict[str, int] = {}
        self._of_cell: dict[str | None, int] = {None: -1}
        self._renamed: dict[str, None] = {}
        for name in names:
            self._add(name)

    def encode(self, names: pa.DictionaryArray) -> NDArray[np.int64]:
        """Return the number of every name, shape (n,); -1 for null and blank ones. Names are trimmed.

        Every word of the dictionary must be in use.

        Raises
        ------
        DataError
            There are more names, or spellings of names, than labels can be.
        """
        known = self._of_cell
        words = names.dictionary.to_pylist()
        numbers = np.array([known[word] if word in known else self._add(word) for word in words] + [-1], np.int64)
        if len(known) > MOST_LABELS or self._n_characters > MOST_CHARACTERS:
            refuse_many_labels(self._numbers, self._columns)
        indices = names.indices.fill_null(len(words)).to_numpy(zero_copy_only=False)
        found: NDArray[np.int64] = numbers[indices]
        return found

    def _add(self, cell: str) -> int:
        """Number a name that was not written so before."""
        self._n_characters += len(cell)
        name = cell.strip()
        if name in self._rename:
            self._renamed[name] = None
            name = self._rename[name]
        number = self._numbers.setdefault(name, len(self._numbers)) if name else -1
        self._of_cell[cell] = number
        return number

    @property
    def names(self) -> list[str]:
        """The names, after renaming, in the order of their numbers."""
        return list(self._numbers)

    @property
    def renamed(self) -> list[str]:
        """Old names that have turned up and were renamed, in that order."""
        return list(self._renamed)


def refuse_many_labels(names: Iterable[str], columns: Sequence[str]) -> None:
    """Raise for names that are too many, or too long, to be labels.

    Raises
    ------
    DataError
        Always.
    """
    found = list(names)
    shown = ", ".join(repr(name[:_SHOWN_CHARACTERS]) for name in found[:_N_SHOWN])
    raise DataError(
        f"The labels in {', '.join(map(repr, columns)) or 'the table'} have {len(found):,} different names so far "
        f"({shown}, ...): evenly takes {MOST_LABELS:,} at most, and {MOST_CHARACTERS:,} characters in all. Most likely "
        f"the column holds ids or texts, not labels: name another in source.labels.columns, or say how names stand in "
        f"a cell (source.labels.format and delimiter). Where they are labels, merge the rare ones beforehand."
    )


def order_names(names: Sequence[str], *, keep_order: bool = False) -> list[str]:
    """Return distinct names in the order of their ids.

    Parameters
    ----------
    names
        In any order, with repetitions.
    keep_order
        Keep the order in which they are first given, as for a column a label.
    """
    distinct = list(dict.fromkeys(names))
    if keep_order:
        return distinct
    if all(_WHOLE.fullmatch(name) for name in distinct):
        return sorted(distinct, key=lambda name: (int(name), name))
    return sorted(distinct)
