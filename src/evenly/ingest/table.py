"""The stage `table`: raw files -> ``table/`` (format in `evenly.formats`).

Files are read one by one into Arrow (`pieces`), the labels of all of them get their ids, then parts of equal size
are written (`parts`); of several files, what an earlier table has read and written is taken over (`kept_rows`). Both
steps are mapped over processes; memory is bounded by a part and by the rejects of a file.
``rows_read == rows_kept + rows_rejected`` is checked, always.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from evenly.errors import ColumnNotFoundError, DataError
from evenly.executor import in_threads
from evenly.ingest.all_rejects import write_rejects
from evenly.ingest.early_parts import EarlyPart, settle_part
from evenly.ingest.files import find_raw_files
from evenly.ingest.gathered import gather
from evenly.ingest.head import HEAD_ROWS, read_raw_head
from evenly.ingest.kept_rows import keep_parts, read_files, write_or_take
from evenly.ingest.kept_types import find_kept_types
from evenly.ingest.labelling.label_rules import find_label_rules
from evenly.ingest.labelling.label_shape import find_label_shape, is_settled
from evenly.ingest.labelling.tasks import find_task
from evenly.ingest.layout import Layout
from evenly.ingest.notes import describe_table
from evenly.ingest.parts import plan_parts
from evenly.ingest.pieces import FileItem
from evenly.ingest.reading import TextFormat
from evenly.ingest.texts import TextRules
from evenly.store import Stage

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from evenly.executor import Executor
    from evenly.formats import Task
    from evenly.ingest.files import RawFile
    from evenly.ingest.gathered import Gathered
    from evenly.ingest.head import Head
    from evenly.ingest.parts import PartItem
    from evenly.workspace import Workspace

__all__ = ["TABLE", "build_table"]

_FEW_ROWS = 500  # tell how long a row is
_COPIES = 6  # of a part that is written early: one waits, one is written, one comes


def build_table(
    work: Workspace,
    *,
    files: tuple[Path, ...],
    format: str,  # noqa: A002 - the config's word
    sheet: str | None,
    encoding: str,
    on_bad_bytes: str,
    delimiter: str | None,
    quote: str | None,
    header: bool | None,
    unescape_html: bool,
    unicode: str,
    text: Sequence[str],
    labels: dict[str, Any],
    group: str | None,
    split: str | None,
    keep: Sequence[str],
    partition_rows: int,
) -> None:
    """Read raw files and write a table.

    Parameters
    ----------
    work
        Where to write.
    files
        CSV, TSV, JSONL or parquet, in the order of their rows.
    format, sheet, encoding, delimiter, quote, header
        How they are written; ``auto`` and None: by name, and by looking.
    on_bad_bytes
        ``reject`` or ``replace``: what becomes of rows with bytes that the encoding does not have.
    unescape_html, unicode
        What is done to the cells of text columns before they are looked at.
    text
        Text columns; a row is kept where at least one of them is filled.
    labels
        As `evenly.config.LabelsConfig` has them.
    group, split, keep
        Further columns: rows that stay together, a given split, what is carried along.
    partition_rows
        Rows a part.

    Raises
    ------
    SourceNotFoundError
        A file is not there.
    ColumnNotFoundError
        A column is not in a file.
    DataError
        A file is not of its format, every row is refused, or there are no two labels.
    """
    wanted = _wanted_columns(text, labels, group, split, keep)
    given = TextFormat(encoding, on_bad_bytes, delimiter, quote, header)
    raws = [raw for path in files for raw in find_raw_files(path, format, sheet)]
    head = _read_first(raws[0], given, wanted, labels)
    shape = find_label_shape(head.table, labels)
    layout = Layout(
        tuple(text),
        shape,
        group,
        split,
        tuple(keep),
        TextRules(unescape_html, unicode),
        find_label_rules(labels, shape),
    )
    items = [
        FileItem(
            number=number,
            raw=raw,
            layout=layout,
            given=given,
            dialect=None if number else head.dialect,
            early_rows=_early_rows(head, layout, work.executor, partition_rows) if len(raws) == 1 else 0,
        )
        for number, raw in enumerate(raws)
    ]
    read = read_files(work, items, version=TABLE.version)
    gathered = gather(work.scratch / "read", items, read.counts)
    gathered.refuse_empty()
    written = _write_parts(work, gathered, read.keys, partition_rows=partition_rows)
    task = _find_task(gathered, written, labels["task"])
    _write_labels(work, gathered)
    _record_facts(work, gathered, written, task)
    for sentence in describe_table(
        gathered, task=task, n_unlabelled=written["n_empty"], shape_found=labels["format"] == "auto"
    ):
        work.note(sentence)


def _wanted_columns(
    text: Sequence[str], labels: dict[str, Any], group: str | None, split: str | None, keep: Sequence[str]
) -> tuple[str, ...]:
    extra = [name for name in (group, split) if name is not None]
    return tuple(dict.fromkeys([*text, *labels["columns"], *extra, *keep]))


def _read_first(raw: RawFile, given: TextFormat, wanted: Sequence[str], labels: dict[str, Any]) -> Head:
    """Return the head of the first file, once every wanted column is known to be in it."""
    columns_known = raw.format in {"csv", "tsv"}  # by one row
    rows = _FEW_ROWS if columns_known and is_settled(labels) else HEAD_ROWS
    head = read_raw_head(raw, rows, given=given, wanted=wanted)
    for name in wanted:
        if name not in head.table.column_names:
            raise ColumnNotFoundError(name, head.table.column_names, raw.name)
    return head


def _early_rows(head: Head, layout: Layout, executor: Executor, partition_rows: int) -> int:
    """Return `partition_rows` where parts may be written while their file is read: nothing in them comes later."""
    row_bytes = head.table.select(list(layout.wanted)).nbytes / len(head.table)
    fits = _COPIES * row_bytes * partition_rows < executor.memory_limit
    return partition_rows if fits and not layout.kept_names and not layout.label_rules.take_off else 0


def _find_task(gathered: Gathered, written: dict[str, int], asked: str) -> Task:
    return find_task(
        asked,
        gathered.labels.names,
        n_rows=gathered.rows_kept,
        n_single=written["n_single"],
        n_used=int(np.count_nonzero(gathered.labels.counts)),
        where=", ".join(map(repr, gathered.layout.labels.columns)),
    )


def _write_parts(
    work: Workspace, gathered: Gathered, keys: Sequence[str | None], *, partition_rows: int
) -> dict[str, int]:
    """Write the parts; return how many rows they have, how many of these with one label, and with none."""
    ids = [work.scratch / f"ids-{item.number:05d}.npy" for item in gathered.items]
    for path, counts in zip(ids, gathered.counts, strict=True):
        np.save(path, gathered.labels.ids(counts.names))
    early = [EarlyPart(number, gathered.folder, ids[0], held) for number, held in enumerate(gathered.counts[0].early)]
    if early:
        executor = in_threads(work.executor, 1)  # most of them only get a second name
        written = work.map(settle_part, early, name="write", unit="parts", executor=executor)
    else:
        waiting, part_bytes = _plan_waiting(gathered, ids, partition_rows=partition_rows)
        executor = in_threads(work.executor, len(waiting), part_bytes)
        parts = keep_parts(work, waiting, gathered, keys, ids)
        written = work.map(write_or_take, parts, name="write", unit="parts", executor=executor)
    totals = {name: sum(part[name] for part in written) for name in ("rows", "n_single", "n_empty")}
    if totals["rows"] != gathered.rows_kept:
        raise DataError(
            f"{gathered.rows_kept} rows of {gathered.file_names} were kept, but {totals['rows']} written. "
            f"This is a defect of evenly; please report it with the files."
        )
    return totals


def _plan_waiting(gathered: Gathered, ids: Sequence[Path], *, partition_rows: int) -> tuple[list[PartItem], int]:
    """Return the parts that are to be written from rows that wait, and about how many bytes one has."""
    rows = [gathered.folder / item.rows_name for item in gathered.items]
    filled = [path for path, batch_rows in zip(rows, gathered.batch_rows, strict=True) if batch_rows]
    parts = plan_parts(
        list(zip(rows, ids, gathered.batch_rows, strict=True)),
        partition_rows=partition_rows,
        refuse_emptied=gathered.emptied is not None,
        kept_types=find_kept_types(filled, list(gathered.layout.kept_names.values())),
    )
    n_bytes = sum(path.stat().st_size for path in filled)
    return parts, n_bytes // max(len(parts), 1)


def _write_labels(work: Workspace, gathered: Gathered) -> None:
    """Write ``labels.parquet`` and ``rejects.parquet``."""
    labels = gathered.labels
    columns = {
        "id": pa.array(range(len(labels.names)), pa.int32()),
        "name": pa.array(labels.names, pa.string()),
        "count": pa.array(labels.counts),
    }
    pq.write_table(pa.table(columns), work.out / "labels.parquet")
    write_rejects(work.out / "rejects.parquet", gathered.rejects())


def _record_facts(work: Workspace, gathered: Gathered, written: dict[str, int], task: Task) -> None:
    layout = gathered.layout
    work.record(
        rows=gathered.rows_kept,
        task=task,
        label_format=layout.labels.format,
        label_delimiter=layout.labels.delimiter,
        n_labels=len(gathered.labels.names),
        n_labels_dropped=len(gathered.labels.dropped),
        n_labels_rare=len(gathered.labels.rare),
        n_unlabelled=written["n_empty"],
        text_columns=list(layout.text_names.values()),
        kept_columns=list(layout.kept_names.values()),
        rows_read=gathered.rows_read,
        rows_kept=gathered.rows_kept,
        rows_rejected=gathered.rows_read - gathered.rows_kept,
        reject_reasons=gathered.reasons,
        dialects=[
            {"file": item.raw.name, "format": item.raw.format, **counts.dialect}
            for item, counts in zip(gathered.items, gathered.counts, strict=True)
        ],
    )


TABLE = Stage("table", 3, build_table)
