"""Stage ``checks``: table -> ``checks/``, what is known of the text of every row and what people should look at.

Comes in: a table. Goes out: ``rows.parquet`` (which rows have the same text, a near text, the same group, how long
they are, which are used) and ``checks.json`` (the findings, with examples).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from evenly.formats import list_parts, read_label_names, read_labels, write_json
from evenly.inspect.examples import describe_findings
from evenly.inspect.findings import Finding, GivenSplits, Rows, count, torn_cases
from evenly.inspect.label_findings import find_label_spellings, find_label_texts
from evenly.inspect.row_texts import RowTexts, read_row_texts
from evenly.inspect.split_findings import find_shared_between_splits
from evenly.inspect.text_findings import (
    find_commonest,
    find_conflicts,
    find_duplicates,
    find_long,
    find_near,
    find_near_conflicts,
    find_short,
)
from evenly.labelsets import labelset_keys

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from evenly.workspace import Workspace

__all__ = ["check_texts", "rows_to_use"]


def check_texts(work: Workspace, *, table: Path, near_duplicates: float | None, on_conflict: str) -> None:
    """Check the texts of a table.

    Parameters
    ----------
    work
        Where to write, and the workers.
    table
        The folder of a table.
    near_duplicates
        Jaccard similarity of the words from which two texts count as near; None: only equal texts.
    on_conflict
        "keep", "drop" or "first": which rows of one text with different labels are used.
    """
    labels = read_labels(table)
    rows = Rows(
        texts=read_row_texts(work, table, near_duplicates),
        labels=labels,
        label_names=read_label_names(table),
        labelset=labelset_keys(labels),
        given=_read_given(table),
    )
    used = rows_to_use(rows.texts.same, rows.labelset, on_conflict)
    findings = [
        find_duplicates(rows),
        find_commonest(rows),
        find_conflicts(rows, on_conflict, used),
        find_near(rows, near_duplicates),
        find_near_conflicts(rows, near_duplicates),
        find_label_texts(rows),
        find_label_spellings(rows),
        *find_shared_between_splits(rows),
        find_short(rows),
        find_long(rows),
    ]
    _write_rows(work.out / "rows.parquet", rows.texts, used)
    write_json(work.out / "checks.json", describe_findings(findings, rows, table))
    _report(work, rows.texts, {finding.name: finding for finding in findings}, int((~used).sum()))


def rows_to_use(same: NDArray[np.int64], labelset: NDArray[np.uint64], on_conflict: str) -> NDArray[np.bool_]:
    """Return which rows are used, shape (n_rows,), bool.

    Parameters
    ----------
    same
        Shape (n_rows,): the lowest row with the same text.
    labelset
        Shape (n_rows,): equal for rows with the same labels.
    on_conflict
        "keep": all; "drop": none of a text with different labels; "first": those that agree with its first row.

    Examples
    --------
    >>> import numpy as np
    >>> same, labelset = np.array([0, 0, 2]), np.array([7, 8, 7], np.uint64)
    >>> rows_to_use(same, labelset, "first").tolist(), rows_to_use(same, labelset, "drop").tolist()
    ([True, False, True], [False, False, True])
    """
    used = np.ones(len(same), np.bool_)
    if on_conflict == "drop":
        return ~torn_cases(same, labelset, used)
    if on_conflict == "first":
        used &= labelset == labelset[same]
    return used


def _read_given(table: Path) -> GivenSplits | None:
    """Return the splits that the table names itself."""
    parts = list_parts(table)
    if "given_split" not in pq.read_schema(parts[0]).names:
        return None
    chunks = [chunk for part in parts for chunk in pq.read_table(part, columns=["given_split"])["given_split"].chunks]
    encoded = pc.dictionary_encode(pa.chunked_array(chunks, pa.string()).combine_chunks())
    code = pc.fill_null(encoded.indices, -1).to_numpy(zero_copy_only=False).astype(np.int64)
    return GivenSplits(code, encoded.dictionary.to_pylist())


def _write_rows(path: Path, texts: RowTexts, used: NDArray[np.bool_]) -> None:
    columns = {
        "row": np.arange(len(used)),
        "same_text": texts.same,
        "near_text": texts.near,
        "same_group": texts.group,
        "characters": texts.characters,
        "words": texts.words,
        "used": used,
    }
    pq.write_table(pa.table(columns), path, compression="zstd")


def _report(work: Workspace, texts: RowTexts, found: dict[str, Finding], n_unused: int) -> None:
    n_rows = len(texts.same)
    near = np.unique(texts.same[texts.near != texts.same])
    work.record(
        rows=n_rows,
        n_duplicate_rows=found["duplicate_texts"].rows,
        n_distinct_texts=n_rows - found["duplicate_texts"].rows,
        n_near_duplicate_rows=len(near),
        n_conflict_rows=found["conflicting_labels"].rows,
        n_conflict_texts=found["conflicting_labels"].cases,
        n_unused=n_unused,
        n_findings=sum(finding.severity != "ok" for finding in found.values()),
        n_warnings=sum(finding.severity == "warning" for finding in found.values()),
    )
    conflicts = found["conflicting_labels"]
    done = "kept" if not n_unused else f"{count(n_unused, 'row')} not used"
    said = [
        (found["duplicate_texts"].rows, "duplicate text", "duplicate texts", ""),
        (conflicts.cases, "text", "texts", f" with different labels ({done}: checks.on_conflict)"),
        (len(near), "near-duplicate", "near-duplicates", ""),
        (found["text_is_label"].rows, "text is its own label", "texts are their own label", ""),
        (found["label_spellings"].cases, "label", "labels", " in several spellings"),
    ]
    sentence = ", ".join(f"{count(n, one, many)}{more}" for n, one, many, more in said if n)
    work.note(sentence or "no duplicate texts")
