"""MinHash with banding: which pairs of texts may be near, without looking at every pair.

Comes in: the words of rows. Goes out: some keys for each, so that near rows probably share one. A signature has 128
numbers, the i-th the smallest hash that any word has under the i-th hash function; two rows of Jaccard similarity s
agree in each with probability s. A key is made of r of them, and a pair shares none of b keys with probability
(1 - s^r)^b. The longer the keys, the fewer pairs of unlike rows share one; r is the largest with which under 3 % of
the pairs just at the threshold share none. Above it that falls steeply: for 0.8, with 18 keys of 7, it is 1.5 % at .80
and 0.1 % at .85.

References: A. Z. Broder, On the resemblance and containment of documents, SEQUENCES 1997 (MinHash); J. Leskovec,
A. Rajaraman, J. D. Ullman, Mining of Massive Datasets, 3.4 (banding).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from evenly.errors import ConfigError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from evenly.inspect.word_sets import WordSets

__all__ = ["Banding", "choose_banding"]

_N_HASHES = 128
_MOST_MISSED = 0.03
_LOWEST = 0.3
_SEED = 0x6E656172


@dataclass(frozen=True)
class Banding:
    """How a signature is cut: `n_bands` keys of `n_rows` hashes each; `factors` and `addends` of the hashes."""

    n_bands: int
    n_rows: int
    factors: NDArray[np.uint32]
    addends: NDArray[np.uint32]

    def keys(self, sets: WordSets) -> NDArray[np.uint32]:
        """Return the key of every row in every band, shape (n_bands, n_rows), uint32."""
        from evenly.inspect.word_kernels import sign_sets

        keys = np.empty((self.n_bands, len(sets.ends) - 1), np.uint32)
        sign_sets(sets.words, sets.ends, self.factors, self.addends, self.n_rows, keys)
        return keys


def choose_banding(threshold: float) -> Banding:
    """Return the banding for a Jaccard similarity: the longest keys that miss under 3 % of the pairs just at it.

    Raises
    ------
    ConfigError
        `threshold` is not between 0.3 and 1.
    """
    if not _LOWEST <= threshold < 1:
        raise ConfigError(
            f"threshold is {threshold}, expected a Jaccard similarity of at least {_LOWEST} (below, most texts of one "
            f"language are near) and below 1 (for equal texts there is same_texts)."
        )
    n_rows = max(rows for rows in range(1, _N_HASHES + 1) if rows == 1 or _share_missed(threshold, rows) < _MOST_MISSED)
    n_bands = _N_HASHES // n_rows
    rng = np.random.default_rng(_SEED)
    factors = rng.integers(0, 2**32, _N_HASHES, np.uint32) | np.uint32(1)
    addends = rng.integers(0, 2**32, _N_HASHES, np.uint32)
    return Banding(n_bands, n_rows, factors[: n_bands * n_rows], addends[: n_bands * n_rows])


def _share_missed(similarity: float, n_rows: int) -> float:
    missed: float = (1 - similarity**n_rows) ** (_N_HASHES // n_rows)
    return missed
