"""The stage `table`: raw files -> ``table/`` (format in `evenly.formats`).

Files are read one by one into Arrow (`pieces`), the labels of all of them get their ids, then parts of equal size
are written (`parts`). Both steps are mapped over processes; memory is bounded by a part and by the rejects of a
file. ``rows_read == rows_kept + rows_rejected`` is checked, always.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from evenly.errors import ColumnNotFoundError, DataError
from evenly.executor import usable_cores
from evenly.ingest.files import find_raw_file
from evenly.ingest.gathered import Gathered
from evenly.ingest.head import read_head
from evenly.ingest.label_shape import find_label_shape
from evenly.ingest.notes import describe_table
from evenly.ingest.parts import plan_parts, write_part
from evenly.ingest.pieces import FileCounts, FileItem, read_file
from evenly.ingest.rows import Layout
from evenly.ingest.tasks import find_task
from evenly.store import Stage

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from evenly.formats import Task
    from evenly.ingest.head import Head
    from evenly.workspace import Workspace

__all__ = ["TABLE", "build_table"]


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
        What is done to texts.
    text
        Text columns; a row is kept where at least one of them is filled.
    labels
        `columns`, `format`, `delimiter` and `task`, as `evenly.config.LabelsConfig` has them.
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
    options = {"format": format, "delimiter": delimiter, "header": header}
    head = _read_first(files, options, wanted)
    layout = Layout(tuple(text), find_label_shape(head.table, labels), group, split, tuple(keep))
    threads = max(1, usable_cores() // max(1, min(len(files), work.executor.workers)))
    items = [
        FileItem(
            number=number,
            raw=find_raw_file(path, format),
            layout=layout,
            delimiter=delimiter,
            header=header,
            dialect=None if number else head.dialect,
            threads=threads,
        )
        for number, path in enumerate(files)
    ]
    values = work.map(read_file, items, name="read", keep=False, unit="files")
    gathered = Gathered(work.scratch / "read", items, [FileCounts(**value) for value in values])
    gathered.refuse_empty()
    task = _find_task(gathered, labels["task"])
    _write_table(work, gathered, partition_rows=partition_rows)
    _record_facts(work, gathered, task)
    for sentence in describe_table(gathered, task=task, shape_found=labels["format"] == "auto"):
        work.note(sentence)


def _wanted_columns(
    text: Sequence[str], labels: dict[str, Any], group: str | None, split: str | None, keep: Sequence[str]
) -> tuple[str, ...]:
    extra = [name for name in (group, split) if name is not None]
    return tuple(dict.fromkeys([*text, *labels["columns"], *extra, *keep]))


def _read_first(files: Sequence[Path], options: dict[str, Any], wanted: Sequence[str]) -> Head:
    """Return the head of the first file, once every wanted column is known to be in it."""
    head = read_head(files[0], wanted=wanted, **options)
    for name in wanted:
        if name not in head.table.column_names:
            raise ColumnNotFoundError(name, head.table.column_names, files[0].name)
    return head


def _find_task(gathered: Gathered, asked: str) -> Task:
    return find_task(
        asked,
        gathered.label_names(),
        n_rows=gathered.rows_kept,
        n_single=sum(counts.n_single for counts in gathered.counts),
        n_used=int(np.count_nonzero(gathered.label_counts())),
        where=", ".join(map(repr, gathered.items[0].layout.labels.columns)),
    )


def _write_table(work: Workspace, gathered: Gathered, *, partition_rows: int) -> None:
    """Write the parts, ``labels.parquet`` and ``rejects.parquet``."""
    names = gathered.label_names()
    ids = {name: number for number, name in enumerate(names)}
    files = []
    for item, counts in zip(gathered.items, gathered.counts, strict=True):
        path = work.scratch / f"ids-{item.number:05d}.npy"
        np.save(path, np.array([ids.get(name, -1) for name in counts.names], np.int32))
        files.append((gathered.folder / item.rows_name, path, counts.batch_rows))
    written = work.map(write_part, plan_parts(files, partition_rows=partition_rows), name="write", unit="parts")
    n_written = sum(part["rows"] for part in written)
    if n_written != gathered.rows_kept:
        raise DataError(
            f"{gathered.rows_kept} rows of {gathered.file_names} were kept, but {n_written} written. "
            f"This is a defect of evenly; please report it with the files."
        )
    columns = {
        "id": pa.array(range(len(names)), pa.int32()),
        "name": pa.array(names, pa.string()),
        "count": pa.array(gathered.label_counts()),
    }
    pq.write_table(pa.table(columns), work.out / "labels.parquet")
    pq.write_table(gathered.read_rejects(), work.out / "rejects.parquet")


def _record_facts(work: Workspace, gathered: Gathered, task: Task) -> None:
    layout = gathered.items[0].layout
    work.record(
        rows=gathered.rows_kept,
        task=task,
        label_format=layout.labels.format,
        label_delimiter=layout.labels.delimiter,
        n_labels=len(gathered.label_names()),
        text_columns=list(layout.text_names.values()),
        kept_columns=list(layout.kept_names.values()),
        rows_read=gathered.rows_read,
        rows_kept=gathered.rows_kept,
        rows_rejected=gathered.rows_read - gathered.rows_kept,
        reject_reasons=gathered.reasons,
        dialects=[
            {"file": item.raw.path.name, "format": item.raw.format, **counts.dialect}
            for item, counts in zip(gathered.items, gathered.counts, strict=True)
        ],
    )


TABLE = Stage("table", 1, build_table)
