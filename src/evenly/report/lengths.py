"""The checks of a table's texts in; how long the texts are, as quantiles and as a histogram, out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from evenly.formats import read_checks
from evenly.report.sources import plain

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

__all__ = ["count_by_length", "text_lengths"]

_QUANTILES = {"smallest": 0.0, "q05": 0.05, "q25": 0.25, "median": 0.5, "q75": 0.75, "q95": 0.95, "largest": 1.0}


def text_lengths(checks: Path) -> dict[str, Any]:
    """Return quantiles of `characters` and `words` over all rows, and the `histogram` of the words.

    The quantiles are null where there is no row; several text columns count together.
    """
    rows = read_checks(checks)
    lengths = {name: _quantiles(values) for name, values in (("characters", rows.characters), ("words", rows.words))}
    return lengths | {"histogram": count_by_length(rows.words)}


def _quantiles(lengths: NDArray[np.int32]) -> dict[str, float | None]:
    if not len(lengths):
        return dict.fromkeys(_QUANTILES)
    values = np.quantile(lengths, list(_QUANTILES.values()))
    named: dict[str, float | None] = plain(dict(zip(_QUANTILES, values.tolist(), strict=True)))
    return named


def count_by_length(lengths: NDArray[np.int32]) -> list[dict[str, int]]:
    """Return `first`, `last` and `rows` of each range of lengths: 0, 1, 2-4, 5-9, 10-19, 20-49, 50-99, and so on.

    The ranges go from the shortest length to the longest; those between without a row are there too.
    """
    if not len(lengths):
        return []
    longest = int(lengths.max())
    starts = [0]
    while starts[-1] <= longest:
        starts.append(_next_start(starts[-1]))
    counts, _ = np.histogram(lengths, starts)
    first = int(np.flatnonzero(counts)[0])
    ranges = zip(starts[first:-1], starts[first + 1 :], counts[first:].tolist(), strict=True)
    return [{"first": start, "last": end - 1, "rows": count} for start, end, count in ranges]


def _next_start(start: int) -> int:
    """Return the next of 0, 1, 2, 5, 10, 20, 50, 100, ..."""
    if start == 0:
        return 1
    power = int("1" + "0" * (len(str(start)) - 1))
    following: dict[int, int] = {1: 2, 2: 5, 5: 10}
    return following[start // power] * power
