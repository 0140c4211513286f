"""Many texts spliced at once: by a compiled loop where their letters need no table, else one by one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from evenly.resample.splicing import splice
from evenly.resample.text_runs import bytes_of

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from evenly.resample.changes import Recipes

__all__ = ["realise_texts"]


def realise_texts(texts: pa.Array, recipes: Recipes) -> pa.Array:
    """Return the texts that recipes make: spliced ones, and repeated ones as they are.

    Parameters
    ----------
    texts
        Strings, of a type that the result has too; a missing one counts as empty, and stays missing if repeated.
    recipes
        Their parents are places in `texts`.
    """
    from evenly.resample.kernels_splice import find_plain, splice_plain

    data, offsets = bytes_of(texts.fill_null(""))
    parts = (recipes.seed, recipes.reference, recipes.share, recipes.position)
    spliced, starts, made = splice_plain(data, find_plain(data, offsets), *parts)
    buffers = [None, pa.py_buffer(starts), pa.py_buffer(spliced)]
    found = pa.Array.from_buffers(pa.large_string(), len(recipes), buffers).cast(texts.type)
    again = recipes.repeats
    found = pc.replace_with_mask(found, pa.array(again), texts.take(pa.array(recipes.seed[again])))
    left = ~made & ~again
    if not left.any():
        return found
    return pc.replace_with_mask(found, pa.array(left), _splice_each(texts, recipes, left))


def _splice_each(texts: pa.Array, recipes: Recipes, chosen: NDArray[np.bool_]) -> pa.Array:
    seeds, references = (texts.take(pa.array(rows[chosen])).to_pylist() for rows in (recipes.seed, recipes.reference))
    shares, positions = recipes.share[chosen].tolist(), recipes.position[chosen].tolist()
    spliced = [
        splice(seed or "", reference or "", share, position)
        for seed, reference, share, position in zip(seeds, references, shares, positions, strict=True)
    ]
    return pa.array(spliced, texts.type)
