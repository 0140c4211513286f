"""Label names and their numbers while files are read, and their final ids.

In: names as they come. Out: per file, numbers as they turn up; at the end, ids that do not depend on
how the rows lay in files: by name (by number where all names are whole numbers), or by column for one-hot labels.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import pyarrow as pa
    from numpy.typing import NDArray

__all__ = ["FileVocabulary", "order_names"]

_WHOLE = re.compile(r"-?\d{1,18}")


class FileVocabulary:
    """Names of one file, numbered as they turn up."""

    def __init__(self, names: Iterable[str] = ()) -> None:
        """Begin with `names`, which count even where no row holds them."""
        self._numbers = {name: number for number, name in enumerate(names)}

    def encode(self, names: pa.DictionaryArray) -> NDArray[np.int64]:
        """Return the number of every name, shape (n,); -1 for null and blank ones. Names are trimmed."""
        indices = names.indices.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int64)
        numbers = np.full(len(names.dictionary) + 1, -1, np.int64)
        used = np.bincount(indices[indices >= 0], minlength=len(names.dictionary))
        for index in np.flatnonzero(used).tolist():
            name = (names.dictionary[index].as_py() or "").strip()
            if name:
                numbers[index] = self._numbers.setdefault(name, len(self._numbers))
        found: NDArray[np.int64] = numbers[indices]
        return found

    @property
    def names(self) -> list[str]:
        """The names in the order of their numbers."""
        return list(self._numbers)


def order_names(names: Sequence[str], *, keep_order: bool = False) -> list[str]:
    """Return distinct names in the order of their ids.

    Parameters
    ----------
    names
        In any order, with repetitions.
    keep_order
        Keep the order in which they are first given, as for one-hot columns.
    """
    distinct = list(dict.fromkeys(names))
    if keep_order:
        return distinct
    if all(_WHOLE.fullmatch(name) for name in distinct):
        return sorted(distinct, key=lambda name: (int(name), name))
    return sorted(distinct)
