"""The artifacts that pass between stages: names of files and columns, and how they are read.

Stages do not import one another; what one writes and another reads stands here. A row is known by its number in
the table, 0 to N-1 in the order of the source; a label by its id, 0 to L-1 in the order of ``labels.parquet``.

======================  ==============================================================================
``table/``              ``part-*.parquet``: `row` int64, the text columns, `labels` list<int32> sorted,
                        optional `group` string, optional `given_split` string, passthrough columns;
                        ``labels.parquet``: `id` int32, `name` string, `count` int64;
                        ``rejects.parquet``: `file`, `line` int64 or null, `column` or null, `reason`, `raw`.
                        Facts: `task`, `text_columns`, `rows_read`, `rows_kept`, `rows_rejected`.
``checks/``             ``rows.parquet``: `row` int64; `same_text` int64 (the lowest row with the same text);
                        `near_text` int64 (the lowest row of its near-duplicates; `same_text` where they are
                        not asked for); `same_group` int64 (the lowest row of its group, itself where it has
                        none); `characters`, `words` int32; `used` bool (false: left out by `on_conflict`).
                        ``checks.json``: a list of findings, format in `evenly.inspect`. Facts:
                        `n_duplicate_rows` (rows that repeat an earlier text), `n_distinct_texts`,
                        `n_near_duplicate_rows` (distinct texts that are near a lower one; 0 where not asked for),
                        `n_conflict_rows`, `n_conflict_texts`, `n_unused`, `n_findings`, `n_warnings`
``split/``              ``split.parquet``: `row` int64, `split` string (train, validation, test; null: not used),
                        `unit` int64 (rows that must stay together), optional `fold` int8 (null: not used);
                        ``labels.parquet``: `id`, `name`, `count` = `train` + `validation` + `test` + `unused`
                        (rows), `guarantee` (which one could not be kept and why, or empty); ``quality.json``
``stats/``              ``labels.parquet`` (a row a label), ``summary.json`` (`all` used rows, and each split),
                        ``cooccurrence.parquet``: `label`, `other` int32, `count`, `lift`, `n_minority` int8
``weights/``            ``labels.parquet``: `id`, `name`, `count`, `class_weight`, `pos_weight` float64
                        (0: an empty label, masked in the loss); ``rows.parquet``: `row`, `sample_weight`
                        float32, train rows only, mean 1
``plan/``               ``plan.parquet``: `row` int64, `copies` int32, train rows only; ``synthetic.parquet``:
                        `row` int64 (N, N+1, ...), `seed_row`, `reference_row` int64, `share`, `position`
                        float64, `label` int32 (the one it serves, or null), the text columns, `labels`
                        list<int32>;
                        ``labels.parquet``: `id`, `name`, `before`, `after`, `irlbl_before`, `irlbl_after`,
                        `clones`, `synthetic`, `reason` (why it is not at the target, or null)
``tokenizer/``          a Hugging Face tokenizer folder. Facts: `vocabulary_size`, `pad_id`, `n_ids`
``shards/``             ``train/``, ``validation/``, ``test/``: data sets that `datasets.load_from_disk` opens:
                        `row` int64 ascending, `input_ids` list<uint16 or uint32> (or `input_ids_<column>`, a
                        list for each text column), `labels` list<int32>; where long rows are divided into
                        windows, and only there, `window` int32 behind `row`, from 0 within a row that repeats;
                        ``token_lengths.parquet``, before the cut: `id`, `name`, `rows`, `q05`, `q50`, `q95`,
                        `max` int64, `truncated` (share of the rows). Facts: `n_rows`, `n_tokens`, `shards`
                        (`file`, `rows`, `tokens`, `length_histogram`) by split; `engine` (`engine`, `version`,
                        `n_sampled`, `outcome` of the comparison); `join`, `id_type`, `token_types` (null, or the
                        `separator` up to whose end token type ids are 0, and 1 behind it), `truncated_rows`,
                        `lost_tokens`, with windows `n_windows` by split and `divided_rows`,
                        `length_quantiles`, `length_histogram` (pairs of at most that length before the cut and
                        rows of the table, of all shards together)
``synthetic/``          the same, ``train/`` alone, for the synthetic rows of a plan
``encoder/``            a checkpoint: ``config.json`` and ``*.safetensors``. Facts: `architecture`, `n_features`,
                        `n_layers`, `vocabulary_size`, `max_length` (most ids a row)
``embeddings/``         ``vectors.npy``: float32, shape (n_distinct, n_features), one of each distinct text;
                        ``rows.parquet``: `row` int64 ascending (again for each window), `vector` int64
``synthetic_embeddings/``  the same of the synthetic rows of a plan
``baseline/``           ``metrics.json`` of the baselines; of the logistic regression ``predictions.parquet``,
                        ``per_label.parquet``, ``pr_curves.parquet``, ``intervals.json``, ``resamples.parquet``
                        (as those of a model, see `evenly.train.evaluation.writing`)
``model/``              ``model.keras``, ``tokenizer/``, ``labels.json``, ``thresholds.json``,
                        ``history.json``, ``metrics.json``, ``predictions.parquet``, ``per_label.parquet``,
                        ``intervals.json`` (95 %), ``resamples.parquet``, ``pr_curves.parquet``,
                        ``calibration.json``, ``errors.parquet`` (the surest), ``verdict.json`` (sentences),
                        ``reading.json`` (how a text becomes ids), ``lineage.json`` (what it was made of),
                        ``README.md`` (the model card)
``report/``             ``report.html``, ``report.json``
``sample/``             as ``split/``, with fewer rows in each split; without ``quality.json``
``comparison/``         ``comparison.json`` (see `evenly.comparison.figures`), ``report.html``
======================  ==============================================================================
"""

from __future__ import annotations

import json
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from scipy import sparse

from evenly.errors import DataError
from evenly.manifest import read_manifest

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

__all__ = [
    "LABELS_TYPE",
    "RESERVED_COLUMNS",
    "SPLITS",
    "Embeddings",
    "RowChecks",
    "SplitRows",
    "Task",
    "label_lists",
    "labels_to_csr",
    "list_parts",
    "read_checks",
    "read_embeddings",
    "read_facts",
    "read_label_names",
    "read_labels",
    "read_rows",
    "read_split",
    "write_json",
]

Task = Literal["binary", "multiclass", "multilabel"]
SPLITS = ("train", "validation", "test")
LABELS_TYPE = pa.list_(pa.int32())
RESERVED_COLUMNS = ("row", "labels", "group", "given_split", "split", "unit")


def read_facts(artifact: Path) -> dict[str, Any]:
    """Return what the stage that made the artifact recorded in its manifest."""
    return read_manifest(artifact).facts


def list_parts(table: Path) -> list[Path]:
    """Return the parquet parts of a table in the order of their rows."""
    return sorted(table.glob("part-*.parquet"))


def read_label_names(table: Path) -> list[str]:
    """Return the label names in the order of their ids."""
    names: list[str] = pq.read_table(table / "labels.parquet", columns=["name"])["name"].to_pylist()
    return names


def read_labels(table: Path) -> sparse.csr_matrix:
    """Return the labels of a table as a matrix, shape (n_rows, n_labels), int8, 1 where a row holds a label."""
    columns = [pq.read_table(part, columns=["labels"])["labels"] for part in list_parts(table)]
    chunks = [chunk for column in columns for chunk in column.chunks]
    return labels_to_csr(pa.chunked_array(chunks, LABELS_TYPE), len(read_label_names(table)))


def labels_to_csr(labels: pa.ChunkedArray, n_labels: int) -> sparse.csr_matrix:
    """Return label lists as a matrix, shape (n_rows, n_labels), int8.

    Raises
    ------
    DataError
        An id is none of ``0 .. n_labels - 1``: compiled loops would write there without looking.
    """
    lengths = pc.list_value_length(labels).to_numpy(zero_copy_only=False)
    indptr = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    indices = pc.list_flatten(labels).to_numpy().astype(np.int32, copy=False)
    lowest, highest = int(indices.min(initial=0)), int(indices.max(initial=-1))
    if lowest < 0 or highest >= n_labels:
        raise DataError(
            f"A row holds label id {lowest if lowest < 0 else highest}, and there are {n_labels} labels: the table is "
            f"damaged. Remove its folder and run again."
        )
    data = np.ones(len(indices), np.int8)
    return sparse.csr_matrix((data, indices, indptr), shape=(len(lengths), n_labels))


def label_lists(matrix: sparse.csr_matrix) -> pa.ListArray:
    """Return the label ids of every row as list<int32>, sorted; the inverse of `labels_to_csr`."""
    matrix.sort_indices()
    offsets = pa.array(matrix.indptr.astype(np.int32))
    return pa.ListArray.from_arrays(offsets, pa.array(matrix.indices.astype(np.int32)))


@dataclass(frozen=True)
class SplitRows:
    """Where every row of a table went.

    Attributes
    ----------
    code
        Shape (n_rows,), int8: index into `SPLITS`; -1: in none, left out of everything.
    unit
        Shape (n_rows,), int64: rows with the same number must stay together.
    """

    code: NDArray[np.int8]
    unit: NDArray[np.int64]

    def rows(self, split: str) -> NDArray[np.int64]:
        """Return the row numbers of one split, ascending."""
        return np.flatnonzero(self.code == SPLITS.index(split))


def read_split(split: Path) -> SplitRows:
    """Read ``split.parquet``."""
    columns = pq.read_table(split / "split.parquet", columns=["split", "unit"])
    code = pc.fill_null(pc.index_in(columns["split"], pa.array(SPLITS)), -1).to_numpy().astype(np.int8)
    return SplitRows(code, columns["unit"].to_numpy())


@dataclass(frozen=True)
class RowChecks:
    """What was found out about the text of every row; every array has the shape (n_rows,).

    Attributes
    ----------
    same_text, near_text, same_group
        int64: the lowest row with the same text, among the near-duplicates, of the same group.
    characters, words
        int32: length over all text columns.
    used
        bool: False where the row is left out of every split.
    """

    same_text: NDArray[np.int64]
    near_text: NDArray[np.int64]
    same_group: NDArray[np.int64]
    characters: NDArray[np.int32]
    words: NDArray[np.int32]
    used: NDArray[np.bool_]


def read_checks(checks: Path) -> RowChecks:
    """Read ``rows.parquet`` of a ``checks/`` artifact."""
    names = [field.name for field in fields(RowChecks)]
    columns = pq.read_table(checks / "rows.parquet", columns=names)
    return RowChecks(*(columns[name].to_numpy() for name in names))


@dataclass(frozen=True)
class Embeddings:
    """The vectors of the texts of shards.

    Attributes
    ----------
    row
        Shape (n_stored,), int64, ascending: the row of the table; of a row in windows once a window, in their order.
    vector
        Shape (n_stored,), int64: its number among `vectors`.
    vectors
        Shape (n_distinct, n_features), float32, mapped.
    """

    row: NDArray[np.int64]
    vector: NDArray[np.int64]
    vectors: NDArray[np.float32]


def read_embeddings(embeddings: Path) -> Embeddings:
    """Read an ``embeddings/`` artifact.

    Raises
    ------
    DataError
        A row names a vector that is not there.
    """
    rows = pq.read_table(embeddings / "rows.parquet")
    vectors = np.load(embeddings / "vectors.npy", mmap_mode="r", allow_pickle=False)
    vector = rows["vector"].to_numpy()
    if len(vector) and not 0 <= vector.min() <= vector.max() < len(vectors):
        raise DataError(f"{embeddings} names vectors that it does not hold: remove its folder and run again.")
    return Embeddings(rows["row"].to_numpy(), vector, vectors)


def read_rows(table: Path, rows: NDArray[np.int64], columns: Sequence[str]) -> pa.Table:
    """Return the given columns of the given rows, in the order of `rows`, reading part by part.

    `row` is always among the columns.
    """
    wanted = np.unique(rows)
    pieces = []
    for part in list_parts(table):
        numbers = pq.read_table(part, columns=["row"])["row"].to_numpy()
        here = wanted[np.searchsorted(wanted, numbers[0]) : np.searchsorted(wanted, numbers[-1], side="right")]
        if len(here):
            read = pq.read_table(part, columns=["row", *columns])
            pieces.append(read.take(pa.array(here - numbers[0])))
    found = pa.concat_tables(pieces) if pieces else pq.read_table(list_parts(table)[0], columns=["row", *columns])[:0]
    return found.take(pa.array(np.searchsorted(wanted, rows)))


def write_json(path: Path, value: object) -> None:
    """Write a JSON file: indented, keys in the order given, UTF-8, no NaN."""
    path.write_text(json.dumps(value, indent=1, ensure_ascii=False, allow_nan=False) + "\n", encoding="utf-8")
