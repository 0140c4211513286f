"""The labels of the table, once all files are read.

In: the names of every file with their counts, and the rules. Out: names and counts in the order of the label ids,
which do not depend on how the rows lay in files: by name (by number where all names are whole numbers), or by column
where each label has its own; and the labels that are taken off, dropped by name or too rare.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from evenly.ingest.labelling import vocabulary
from evenly.ingest.labelling.vocabulary import order_names

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from evenly.ingest.layout import Layout
    from evenly.ingest.pieces import FileCounts

__all__ = ["FinalLabels", "find_final_labels"]


@dataclass(frozen=True)
class FinalLabels:
    """What became of every name.

    Attributes
    ----------
    names
        In the order of the ids.
    counts
        Shape (n_labels,), int64: kept rows that hold each.
    dropped, rare
        Names that are taken off, and how many rows held them.
    """

    names: list[str]
    counts: NDArray[np.int64]
    dropped: dict[str, int]
    rare: dict[str, int]

    def ids(self, names: Sequence[str]) -> NDArray[np.int32]:
        """Return the ids of names, shape (n,); -1 where the label is taken off."""
        of_name = {name: number for number, name in enumerate(self.names)}
        return np.array([of_name.get(name, -1) for name in names], np.int32)


def find_final_labels(counts: Sequence[FileCounts], layout: Layout) -> FinalLabels:
    """Return the labels of all files together.

    Raises
    ------
    DataError
        They are too many.
    """
    rules, own_columns = layout.label_rules, bool(layout.labels.names)
    totals: Counter[str] = Counter()
    for file in counts:
        totals.update(dict(zip(file.names, file.name_counts, strict=True)))
        if len(totals) > vocabulary.MOST_LABELS:
            vocabulary.refuse_many_labels(totals, layout.labels.columns)
    held = {name: count for name, count in totals.items() if count or own_columns}
    dropped = {name: held.pop(name) for name in rules.drop if name in held}
    few = [name for name, count in held.items() if rules.min_count > 1 and count < rules.min_count]
    rare = {name: held.pop(name) for name in few}
    names = order_names(list(held), keep_order=own_columns)
    return FinalLabels(names, np.array([held[name] for name in names], np.int64), dropped, rare)
