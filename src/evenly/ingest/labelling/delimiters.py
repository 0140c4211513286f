"""What joins several names in a label cell.

Names count as joined by a delimiter when their parts come again in other rows and there are fewer distinct parts
than distinct cells: so "Drama, Crime" among many such cells is two labels, and "Portland, Oregon" among forty cities
is one.
"""

from __future__ import annotations

from collections import Counter
from itertools import islice
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["find_delimiter"]

_DELIMITERS = ("|", ";", ",")
_LEAST_JOINED = 0.005
_LEAST_RECURRING = 0.8
_CELLS_LOOKED_AT = 5_000


def find_delimiter(cells: Iterable[str]) -> str | None:
    """Return what joins several names in a cell, or None where a cell is one name."""
    counts = Counter(islice(cells, _CELLS_LOOKED_AT))
    scores = {delimiter: _recurring(counts, delimiter) for delimiter in _DELIMITERS}
    best = max(scores, key=lambda delimiter: scores[delimiter])
    if scores[best] < _LEAST_RECURRING:
        return None
    joined = [cell for cell in counts if best in cell]
    return f"{best} " if all(cell.count(best) == cell.count(f"{best} ") for cell in joined) else best


def _recurring(counts: Counter[str], delimiter: str) -> float:
    """Return which share of the parts of joined cells is also in other cells; 0 where they join no names."""
    joined = [cell for cell in counts if delimiter in cell]
    if sum(counts[cell] for cell in joined) < max(2, _LEAST_JOINED * counts.total()):
        return 0.0
    parts: Counter[str] = Counter()
    for cell in counts:
        parts.update({part.strip() for part in cell.split(delimiter)})
    if len(parts) >= len(counts):
        return 0.0
    within = [part.strip() for cell in joined for part in cell.split(delimiter)]
    return sum(parts[part] > 1 for part in within) / len(within)
