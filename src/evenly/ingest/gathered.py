"""What all files together gave.

In: the counts of every file and the folder with their rows and rejects. Out: the labels of the table, totals, the
rejects with the rows that have lost all their labels; and the error where no row is left.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from evenly.errors import DataError
from evenly.ingest.all_rejects import file_rejects
from evenly.ingest.labelling.emptied import Emptied, find_emptied
from evenly.ingest.labelling.final_labels import FinalLabels, find_final_labels

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    import pyarrow as pa

    from evenly.ingest.layout import Layout
    from evenly.ingest.pieces import FileCounts, FileItem

__all__ = ["Gathered", "gather"]

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
    labels
        Of the table.
    emptied
        For each file the rows that are refused because they have lost all their labels; None where such rows are
        kept.
    """

    folder: Path
    items: Sequence[FileItem]
    counts: Sequence[FileCounts]
    labels: FinalLabels
    emptied: Sequence[Emptied] | None

    @property
    def layout(self) -> Layout:
        """What is taken from the files."""
        return self.items[0].layout

    @property
    def batch_rows(self) -> list[list[int]]:
        """Of each file, the rows of each batch that are kept."""
        if self.emptied is None:
            return [counts.batch_rows for counts in self.counts]
        return [emptied.batch_rows for emptied in self.emptied]

    @property
    def rows_read(self) -> int:
        """Rows of all files."""
        return sum(counts.rows_read for counts in self.counts)

    @property
    def rows_kept(self) -> int:
        """Rows that become the table."""
        return sum(map(sum, self.batch_rows))

    @property
    def reasons(self) -> dict[str, int]:
        """Rejects by reason, most first."""
        totals: Counter[str] = Counter()
        for counts in self.counts:
            totals.update(counts.reasons)
        for emptied in self.emptied or ():
            totals.update(emptied.reasons())
        return dict(sorted((+totals).items(), key=lambda item: (-item[1], item[0])))

    @property
    def file_names(self) -> str:
        """The files, for a message."""
        return ", ".join(item.raw.name for item in self.items)

    def rejects(self) -> Iterator[pa.Table]:
        """Yield the rejects of all files in their order, those of a file by line, piece by piece."""
        column = ", ".join(self.layout.labels.columns)
        for number, item in enumerate(self.items):
            emptied = None if self.emptied is None else self.emptied[number]
            yield from file_rejects(self.folder / item.rejects_name, emptied, file=item.raw.name, column=column)

    def refuse_empty(self) -> None:
        """Raise a `DataError` where no row or no label is left."""
        if not self.rows_kept:
            raise DataError(self._explain_no_row())
        dropped, rare = self.labels.dropped, self.labels.rare
        if (dropped or rare) and not self.labels.names:
            most = max(rare, key=lambda name: rare[name], default="")
            raise DataError(
                f"No label is left of {len(dropped) + len(rare)}: {len(dropped)} are dropped by labels.drop, and "
                f"{len(rare)} have fewer than {self.layout.label_rules.min_count} rows (labels.min_count), of which "
                f"{most!r} has most, {rare[most]}. Drop fewer, or lower labels.min_count."
                if rare
                else f"No label is left of {len(dropped)}: labels.drop names all of them. Drop fewer."
            )

    def _explain_no_row(self) -> str:
        """Return the commonest reason with its first example."""
        if not self.reasons:
            return f"{self.file_names} has no row. Give a table with at least a few labelled rows."
        reason, count = next(iter(self.reasons.items()))
        example = next(row for piece in self.rejects() for row in piece.to_pylist() if row["reason"] == reason)
        line = f" line {example['line']}" if example["line"] is not None else ""
        column = f" in column {example['column']!r}" if example["column"] else ""
        looks = sorted({counts.encoding for counts in self.counts if counts.encoding})
        encoding = f" Its bytes: {', '.join(looks)} (source.encoding, source.on_bad_bytes)." if looks else ""
        return (
            f"Every row of {self.file_names} was rejected, {count} of {self.rows_read} because of {reason}{column}, "
            f"first {example['file']}{line}: {example['raw'][:_SHOWN_CHARACTERS]!r}.{encoding} "
            f"Check source.text, source.labels, and the delimiter and quotes of the file."
        )


def gather(folder: Path, items: Sequence[FileItem], counts: Sequence[FileCounts]) -> Gathered:
    """Return what the files gave, the labels settled.

    Parameters
    ----------
    folder
        What the files have left: rows, rejects, doubtful rows.
    items, counts
        The files, and what each gave.
    """
    layout = items[0].layout
    labels = find_final_labels(counts, layout)
    one_each = all(file.n_single == file.rows_kept for file in counts)
    if not layout.label_rules.take_off or not layout.label_rules.refuses_emptied(one_each=one_each):
        return Gathered(folder, items, counts, labels, None)
    emptied = [
        find_emptied(folder / item.doubtful_name, file, labels) for item, file in zip(items, counts, strict=True)
    ]
    return Gathered(folder, items, counts, labels, emptied)
