"""Sentences for the person who reads the run: what was found by looking, what was refused, what was changed."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from evenly.ingest.gathered import Gathered

__all__ = ["describe_table"]

_SHOWN_FILES = 5


def describe_table(gathered: Gathered, *, task: str, shape_found: bool) -> Iterator[str]:
    """Yield the notes of a table, the most important first.

    Parameters
    ----------
    gathered
        All files.
    task
        What the labels ask for.
    shape_found
        Whether the shape of the labels was found by looking, and so should be told.
    """
    n_labels = len(gathered.label_names())
    held = int(gathered.label_counts().sum()) / gathered.rows_kept
    each = f", {held:.2g} a row" if task == "multilabel" else ""
    yield f"{task}: {n_labels} labels{each}"
    shape = gathered.items[0].layout.labels
    if shape_found:
        yield f"labels in {', '.join(shape.columns)} were read as {shape.describe()} (labels.format: {shape.format})"
    if gathered.reasons:
        why = ", ".join(f"{count} {reason}" for reason, count in gathered.reasons.items())
        n_rejected = sum(gathered.reasons.values())
        yield f"{n_rejected} of {gathered.rows_read} rows were rejected ({why}): see rejects.parquet"
    yield from _describe_files(gathered)


def _describe_files(gathered: Gathered) -> Iterator[str]:
    """Yield what was done to files before they were read, and which are no UTF-8."""
    files = zip(gathered.items, gathered.counts, strict=True)
    told = [(item.raw.path.name, counts) for item, counts in files if counts.remarks or counts.encoding]
    for name, counts in told[:_SHOWN_FILES]:
        for remark in counts.remarks:
            yield f"{name}: {remark}"
        if counts.encoding:
            yield (
                f"{name} has rows that are not UTF-8 (their bytes look like {counts.encoding}); "
                f"convert it to keep them: iconv -f {counts.encoding} -t UTF-8"
                if not counts.encoding.startswith("mixed")
                else f"{name} has rows that are not UTF-8 ({counts.encoding})"
            )
    if len(told) > _SHOWN_FILES:
        yield f"and so in {len(told) - _SHOWN_FILES} more files"
