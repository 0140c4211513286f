"""Token type ids: which of two texts each id belongs to, for models that were trained to be told (BERT).

Comes in: rows of ids, and the separator that a tokenizer puts between texts. Goes out: a 0 for each id up to the end
of the first separator, a 1 for each behind it. They are derived, not stored: a column of them would be half as large
again as the ids, and a look for one id in a row that is copied anyway costs nothing. Texts cannot hold the separator
(``special_tokens: text``); a cut and a window keep it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

__all__ = ["token_type_ids"]


def token_type_ids(input_ids: pa.ListArray, separator: Sequence[int]) -> pa.ListArray:
    """Return the token type of each id.

    Parameters
    ----------
    input_ids
        Rows of ids, as the shards hold them.
    separator
        ``token_types["separator"]`` of the shards' facts; they are null where the tokenizer does not tell texts apart.

    Returns
    -------
    pyarrow.ListArray
        list<uint8>, as long as the ids. More than two texts a row: 0 for the first, 1 for all others.

    Examples
    --------
    >>> import pyarrow as pa
    >>> token_type_ids(pa.array([[101, 7, 102, 8, 102]]), [102]).to_pylist()
    [[0, 0, 0, 1, 1]]
    """
    offsets = input_ids.offsets.to_numpy().astype(np.int64)
    values = input_ids.values.to_numpy()[offsets[0] : offsets[-1]]
    offsets -= offsets[0]
    ends = _find_ends(values, separator)
    following = np.append(ends, len(values))[np.searchsorted(ends, offsets[:-1] + len(separator))]
    first = np.minimum(following, offsets[1:])  # ids of type 0 end here
    types = np.repeat(np.tile(np.array([0, 1], np.uint8), len(first)), np.diff(_interleave(offsets, first)))
    return pa.ListArray.from_arrays(pa.array(offsets.astype(np.int32)), pa.array(types))


def _find_ends(values: NDArray[np.unsignedinteger], separator: Sequence[int]) -> NDArray[np.int64]:
    """Return the places just behind each separator, ascending."""
    n_places = max(len(values) - len(separator) + 1, 0)
    found = np.ones(n_places, bool)
    for i, special in enumerate(separator):
        found &= values[i : i + n_places] == special
    return np.flatnonzero(found) + len(separator)


def _interleave(offsets: NDArray[np.int64], first: NDArray[np.int64]) -> NDArray[np.int64]:
    bounds = np.empty(2 * len(first) + 1, np.int64)
    bounds[::2], bounds[1::2] = offsets, first
    return bounds
