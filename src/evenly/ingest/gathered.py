"""What all files together gave.

In: the counts of every file and the folder with their rows and rejects. Out: totals, label names and counts, the
rejects; and the error where no row is left.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.ipc

from evenly.errors import DataError
from evenly.ingest.rejects import REJECTS_SCHEMA
from evenly.ingest.vocabulary import order_names

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from evenly.ingest.pieces import FileCounts, FileItem

__all__ = ["Gathered"]

_SHOWN_CHARACTERS = 120


@dataclass(frozen=True)
class Gathered:
    """All files, read.

    Attributes
    ----------
    folder
        Holds the rows and rejects of each file.
    items, counts
        The files, and what each gave.
    """

    folder: Path
    items: Sequence[FileItem]
    counts: Sequence[FileCounts]

    @property
    def rows_read(self) -> int:
        """Rows of all files."""
        return sum(counts.rows_read for counts in self.counts)

    @property
    def rows_kept(self) -> int:
        """Rows that become the table."""
        return sum(counts.rows_kept for counts in self.counts)

    @property
    def reasons(self) -> dict[str, int]:
        """Rejects by reason, most first."""
        totals: Counter[str] = Counter()
        for counts in self.counts:
            totals.update(counts.reasons)
        return dict(sorted(totals.items(), key=lambda item: (-item[1], item[0])))

    @property
    def file_names(self) -> str:
        """The files, for a message."""
        return ", ".join(item.raw.path.name for item in self.items)

    def label_names(self) -> list[str]:
        """Return the label names in the order of their ids; one-hot columns stay even where no row has them."""
        onehot = self.items[0].layout.labels.format == "onehot"
        held = (
            name
            for counts in self.counts
            for name, count in zip(counts.names, counts.name_counts, strict=True)
            if count or onehot
        )
        return order_names(list(held), keep_order=onehot)

    def label_counts(self) -> NDArray[np.int64]:
        """Return how many kept rows hold each label, shape (n_labels,)."""
        totals: Counter[str] = Counter()
        for counts in self.counts:
            totals.update(dict(zip(counts.names, counts.name_counts, strict=True)))
        return np.array([totals[name] for name in self.label_names()], np.int64)

    def read_rejects(self) -> pa.Table:
        """Return the rejects of all files in their order."""
        tables = [REJECTS_SCHEMA.empty_table()]
        for item in self.items:
            with pa.memory_map(str(self.folder / item.rejects_name)) as source:
                tables.append(pa.ipc.open_file(source).read_all())
        return pa.concat_tables(tables).combine_chunks()

    def refuse_empty(self) -> None:
        """Raise a `DataError` where no row is left, with the commonest reason and its first example."""
        if self.rows_kept:
            return
        if not self.reasons:
            raise DataError(f"{self.file_names} has no row. Give a table with at least a few labelled rows.")
        reason, count = next(iter(self.reasons.items()))
        example = next(row for row in self.read_rejects().to_pylist() if row["reason"] == reason)
        line = f" line {example['line']}" if example["line"] is not None else ""
        column = f" in column {example['column']!r}" if example["column"] else ""
        looks = sorted({counts.encoding for counts in self.counts if counts.encoding})
        encoding = f" The bytes look like {', '.join(looks)}: convert the file to UTF-8." if looks else ""
        raise DataError(
            f"Every row of {self.file_names} was rejected, {count} of {self.rows_read} because of {reason}{column}, "
            f"first {example['file']}{line}: {example['raw'][:_SHOWN_CHARACTERS]!r}.{encoding} "
            f"Check source.text, source.labels, and the delimiter and quotes of the file."
        )
