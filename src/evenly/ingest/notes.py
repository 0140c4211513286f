"""Sentences for the person who reads the run: what was found by looking, what was refused, what was changed."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

from evenly.errors import nearest
from evenly.ingest.texts import NORMALISED, UNESCAPED

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping

    from evenly.ingest.gathered import Gathered

__all__ = ["describe_table"]

_SHOWN = 5
_SHOWN_CHARACTERS = 60
_MOST_SINGLETONS = 0.5
_COMPARED = 10_000


def describe_table(gathered: Gathered, *, task: str, n_unlabelled: int, shape_found: bool) -> Iterator[str]:
    """Yield the notes of a table, the most important first.

    Parameters
    ----------
    gathered
        All files.
    task
        What the labels ask for.
    n_unlabelled
        Rows that are kept without a label.
    shape_found
        Whether the shape of the labels was found by looking, and so should be told.
    """
    n_labels = len(gathered.labels.names)
    held = int(gathered.labels.counts.sum()) / gathered.rows_kept
    each = f", {held:.2g} a row" if task == "multilabel" else ""
    yield f"{task}: {n_labels} labels{each}"
    shape = gathered.layout.labels
    if shape_found:
        columns = _listed(shape.columns)
        yield f"labels in {columns} were read as {shape.describe()} (labels.format: {shape.format})"
    yield from _describe_singletons(gathered, task)
    yield from _describe_rules(gathered)
    if n_unlabelled:
        rows = (
            "row holds no label and is kept, as a row"
            if n_unlabelled == 1
            else "rows hold no label and are kept, as rows"
        )
        yield f"{n_unlabelled} {rows} of zeros (labels.unlabelled)"
    if gathered.reasons:
        why = ", ".join(f"{count} {reason}" for reason, count in gathered.reasons.items())
        n_rejected = sum(gathered.reasons.values())
        yield f"{n_rejected} of {gathered.rows_read} rows were rejected ({why}): see rejects.parquet"
    yield from _describe_texts(gathered)
    yield from _describe_files(gathered)


def _describe_singletons(gathered: Gathered, task: str) -> Iterator[str]:
    """Yield a warning where most labels have one row: an identifier, or labels that nothing can be learned of."""
    n_labels = len(gathered.labels.names)
    n_singletons = int((gathered.labels.counts == 1).sum())
    if n_singletons <= _MOST_SINGLETONS * n_labels:
        return
    if task != "multilabel" and n_labels > gathered.rows_kept * _MOST_SINGLETONS:
        yield (
            f"{n_singletons} of {n_labels} labels have a single row: {_listed(gathered.layout.labels.columns)} looks "
            f"like an identifier, not a label; check labels.columns"
        )
    else:
        yield (
            f"{n_singletons} of {n_labels} labels have a single row, which no test can measure; "
            f"labels.min_count: 2 takes them off"
        )


def _describe_rules(gathered: Gathered) -> Iterator[str]:
    """Yield what became of labels by name and by number, and which names of the config are not in the table."""
    labels, rules = gathered.labels, gathered.layout.label_rules
    seen = dict.fromkeys(name for counts in gathered.counts for name in counts.renamed)
    if seen:
        pairs = _listed(f"{_shown(old)} to {_shown(rules.rename[old])}" for old in seen)
        yield f"{_plural(seen, 'label')} renamed (labels.rename): {pairs}"
    if labels.dropped:
        yield f"{_plural(labels.dropped, 'label')} dropped (labels.drop): {_with_rows(labels.dropped)}"
    if labels.rare:
        yield (
            f"{len(labels.rare)} {_plural(labels.rare, 'label')} with fewer than {rules.min_count} rows "
            f"{'was' if len(labels.rare) == 1 else 'were'} taken off (labels.min_count): {_with_rows(labels.rare)}"
        )
    after = {*labels.names, *labels.dropped, *labels.rare}
    for setting, given, known in (("rename", rules.rename, after | seen.keys()), ("drop", rules.drop, after)):
        absent = [name for name in given if name not in known]
        for name in absent[:_SHOWN]:
            like = nearest(name, islice(sorted(known), _COMPARED))
            yield f"labels.{setting} names {_shown(name)}, which no row holds{like}"
        if len(absent) > _SHOWN:
            yield f"labels.{setting} names {len(absent) - _SHOWN} more labels that no row holds"


def _describe_texts(gathered: Gathered) -> Iterator[str]:
    done = {UNESCAPED: "HTML entities were turned into characters", NORMALISED: "Unicode was normalised"}
    for rule, what in done.items():
        n_cells = sum(counts.changed.get(rule, 0) for counts in gathered.counts)
        if n_cells:
            yield f"{what} in {n_cells} cells of text"


def _describe_files(gathered: Gathered) -> Iterator[str]:
    """Yield what was done to files before they were read, and which are no UTF-8."""
    files = zip(gathered.items, gathered.counts, strict=True)
    told = [(item.raw.name, counts) for item, counts in files if counts.remarks or counts.encoding]
    for name, counts in told[:_SHOWN]:
        for remark in counts.remarks:
            yield f"{name}: {remark}"
        if counts.encoding:
            mixed = counts.encoding.startswith("mixed")
            remedy = f"where all of it is {counts.encoding}, set source.encoding; else source.on_bad_bytes: replace"
            yield (
                f"{name} has rows that are not UTF-8 ({counts.encoding})"
                if mixed
                else f"{name} has rows that are not UTF-8 (their bytes look like {counts.encoding}); {remedy}"
            )
    if len(told) > _SHOWN:
        yield f"and so in {len(told) - _SHOWN} more files"


def _plural(items: Collection[str], noun: str) -> str:
    return noun if len(items) == 1 else f"{noun}s"


def _with_rows(counts: Mapping[str, int]) -> str:
    commonest = sorted(counts, key=lambda name: -counts[name])
    return _listed(f"{_shown(name)} ({counts[name]} {'row' if counts[name] == 1 else 'rows'})" for name in commonest)


def _listed(items: Iterable[str]) -> str:
    """Return the first of them, and how many there are beyond."""
    given = list(items)
    more = f" and {len(given) - _SHOWN} more" if len(given) > _SHOWN else ""
    return ", ".join(given[:_SHOWN]) + more


def _shown(name: str) -> str:
    """Return a name in quotes, on one line, cut where it is long."""
    return repr(name if len(name) <= _SHOWN_CHARACTERS else name[:_SHOWN_CHARACTERS] + "…")
