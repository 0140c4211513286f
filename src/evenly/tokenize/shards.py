"""Token shards: the rows of a table (or the synthetic rows of a plan) as Arrow streams of token ids.

Comes in: parquet with texts and labels, and a tokenizer folder. Goes out: a folder a split with
``data-*.arrow`` (`row` int64, `input_ids` list<uint16 or uint32>, `labels` list<int32>) that
`datasets.load_from_disk` opens, and ``token_lengths.parquet``, the lengths of each label's texts. Some parts of the
table are a partition (see `units`): it yields one file a split where it has rows, or more where one is full. A build
that is resumed repeats at most the partition that was under way. Rows in no split are left out.

Each row is in the shards once, or where long rows are divided once a window: `row` and `labels` repeat then, and
`window` int32, which such shards alone have, counts from 0 within the row.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from evenly.executor import in_threads
from evenly.formats import SPLITS, list_parts, read_facts, read_label_names
from evenly.store import Stage
from evenly.tokenize.engine_check import WORTH_A_CHECK_BYTES, choose_engine
from evenly.tokenize.engines import REFERENCE
from evenly.tokenize.label_lengths import LabelLengths
from evenly.tokenize.layout import choose_layout
from evenly.tokenize.lengths import Lengths
from evenly.tokenize.partition import Encoding, sample_unit, write_unit, write_unit_with
from evenly.tokenize.saved_dataset import write_dataset_files, write_dict_file
from evenly.tokenize.texts import split_codes
from evenly.tokenize.units import Part, make_units, text_bytes
from evenly.tokenize.vocabulary import read_vocabulary

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from evenly.tokenize.cut import Truncate
    from evenly.tokenize.engine_check import EngineCheck
    from evenly.tokenize.layout import Join, Layout
    from evenly.tokenize.plain_text import SpecialTokens
    from evenly.tokenize.units import Unit
    from evenly.tokenize.vocabulary import Vocabulary
    from evenly.workspace import Workspace

__all__ = ["SHARDS", "SYNTHETIC", "ShardOptions", "write_shards", "write_synthetic_shards"]

_NOT_TEXT = ("row", "seed_row", "reference_row", "share", "position", "label", "labels")
_OF_A_FILE = ("file", "rows", "tokens", "length_histogram")
_SAMPLED_UNITS, _SAMPLE_OF_A_KIND = 64, 64


@dataclass(frozen=True)
class ShardOptions:
    """How texts become shards.

    Attributes
    ----------
    max_length
        Most ids a row (with ``join="columns"`` a row and column), special tokens included.
    truncate, special_tokens, engine
        As for `evenly.tokenize.encode`; `truncate` may also be ``windows``, see `evenly.tokenize.encode_windows`.
    stride
        Ids that a window shares with the one before it.
    join
        How several text columns become ids; see `evenly.tokenize.layout.choose_layout`.
    shard_bytes
        Size from which a file is full; also the bytes of text that make a partition.
    """

    max_length: int
    truncate: Truncate = "head"
    stride: int = 0
    join: Join = "separator"
    special_tokens: SpecialTokens = "text"
    engine: str = "auto"
    shard_bytes: int = 64 * 2**20


def write_shards(work: Workspace, *, table: Path, split: Path, tokenizer: Path, **options: Any) -> None:
    """Encode every row that is in a split once; write the shards of each split and the lengths of each label.

    Parameters
    ----------
    work, table, split, tokenizer
        Where to write; the artifacts to read.
    **options
        Of `ShardOptions`.

    Raises
    ------
    ConfigError, DataError, MissingExtraError
        The engine that was named cannot be used; see `evenly.tokenize.engine_check.choose_engine`.
    """
    how = ShardOptions(**options)
    parts = [Part(path, codes) for path, codes in zip(list_parts(table), split_codes(table, split), strict=True)]
    found = _write(work, parts, read_facts(table)["text_columns"], tokenizer=tokenizer, splits=SPLITS, how=how)
    per_label = found.table(read_label_names(table), None if how.truncate == "windows" else how.max_length)
    pq.write_table(per_label, work.out / "token_lengths.parquet", compression="zstd")


def write_synthetic_shards(work: Workspace, *, plan: Path, tokenizer: Path, **options: Any) -> None:
    """Encode the synthetic rows of a plan and write them as shards of the train split; there may be none.

    Parameters
    ----------
    work, plan, tokenizer
        Where to write; the artifacts to read.
    **options
        As those of `write_shards`.
    """
    path = plan / "synthetic.parquet"
    schema, n_rows = pq.read_schema(path), pq.read_metadata(path).num_rows
    columns = [name for name in schema.names if name not in _NOT_TEXT]
    parts = [Part(path, np.zeros(n_rows, np.int8))] if n_rows else []
    _write(work, parts, columns, tokenizer=tokenizer, splits=SPLITS[:1], how=ShardOptions(**options))


def _write(
    work: Workspace,
    parts: Sequence[Part],
    columns: Sequence[str],
    *,
    tokenizer: Path,
    splits: Sequence[str],
    how: ShardOptions,
) -> LabelLengths:
    vocabulary = read_vocabulary(tokenizer, special_tokens=how.special_tokens)
    layout = choose_layout(vocabulary, columns, join=how.join, separator=read_facts(tokenizer)["separator"])
    units = make_units(parts, columns, how.shard_bytes)
    check = _choose_engine(work, units, columns, vocabulary, how.engine)
    content = work.scratch / "content.json"
    content.write_text(vocabulary.content_json, encoding="utf-8")
    encoding = Encoding(
        content=content,
        layout=layout,
        id_type=str(vocabulary.id_type),
        engine=check.engine,
        max_length=how.max_length,
        truncate=how.truncate,
        stride=how.stride,
        shard_bytes=how.shard_bytes,
        n_sharers=max(1, min(work.executor.workers, len(units))),
    )
    written = _encode_units(work, units, encoding, check, vocabulary.content_json)
    work.record(engine=check.facts(), id_type=str(vocabulary.id_type), join=_describe_join(layout))
    work.record(token_types=layout.token_types)
    _finish(
        work,
        {split: [unit["splits"][split] for unit in written if split in unit["splits"]] for split in splits},
        encoding,
    )
    return LabelLengths.total(unit["label_lengths"] for unit in written)


def _encode_units(
    work: Workspace, units: Sequence[Unit], encoding: Encoding, check: EngineCheck, content_json: str
) -> list[dict[str, Any]]:
    """Encode in threads that share one engine, and the words it has met; `tokenizers`' lists of ids take processes."""
    executor = in_threads(work.executor, len(units))
    if check.engine == REFERENCE or executor is work.executor:
        return work.map(partial(write_unit, encoding), units, name="encode")
    write = partial(write_unit_with, check.open(content_json), encoding)
    return work.map(write, units, name="encode", executor=executor)


def _choose_engine(
    work: Workspace, units: Sequence[Unit], columns: Sequence[str], vocabulary: Vocabulary, engine: str
) -> EngineCheck:
    """Compare engines on texts of units at even distances, and say what came of it where it matters."""
    n_bytes = sum(text_bytes(part.path, columns) for unit in units for part in unit.parts)
    if engine == REFERENCE or (engine == "auto" and n_bytes < WORTH_A_CHECK_BYTES):
        return choose_engine(vocabulary, engine, pa.array([], pa.string()), n_bytes)
    chosen = [units[i] for i in np.unique(np.linspace(0, len(units) - 1, min(len(units), _SAMPLED_UNITS)).astype(int))]
    limit = -(-_SAMPLE_OF_A_KIND // max(len(chosen), 1))
    pick = partial(sample_unit, tuple(columns), vocabulary.special, limit)
    threads = in_threads(work.executor, len(chosen))
    found = work.map(pick, chosen, name="sample", keep=False, unit="samples", executor=threads)
    texts = [pq.read_table(work.scratch / "sample" / name)["text"] for name in found]
    sample = pa.chunked_array([chunk for text in texts for chunk in text.chunks], pa.string()).combine_chunks()
    check = choose_engine(vocabulary, engine, sample, n_bytes)
    work.note(f"encoded by {check.engine} {check.version}: {check.outcome}")
    return check


def _finish(work: Workspace, splits: dict[str, list[dict[str, Any]]], encoding: Encoding) -> None:
    """Write what makes a data set of the files, and record what they hold."""
    files = {split: [file for unit in units for file in unit["files"]] for split, units in splits.items()}
    lengths = {
        split: Lengths.total(Lengths.from_json(unit["lengths"]) for unit in units) for split, units in splits.items()
    }
    for split, held in files.items():
        digests = {file["file"]: file["sha256"] for file in held}
        write_dataset_files(work.out / split, split=split, schema=encoding.schema, files=digests)
    write_dict_file(work.out, list(splits))
    total = Lengths.total(lengths.values())
    work.record(
        rows=total.n_rows,
        n_rows={split: piece.n_rows for split, piece in lengths.items()},
        n_tokens={split: piece.n_tokens for split, piece in lengths.items()},
        shards={split: [{key: file[key] for key in _OF_A_FILE} for file in held] for split, held in files.items()},
        **total.facts(),
    )
    if encoding.truncate == "windows":
        windows = {split: piece.n_windows for split, piece in lengths.items()}
        work.record(n_windows=windows, divided_rows=round(total.n_divided / max(total.n_rows, 1), 6))
    if total.n_rows:
        work.note(total.sentence(encoding.max_length))


def _describe_join(layout: Layout) -> str:
    """Say in a word how several text columns became ids."""
    if len(layout.fields) > 1:
        return "columns"
    if len(layout.fields[0][1]) == 1:
        return "one column"
    return "tokenizer's own form" if layout.text_separator is None else "text"


SHARDS = Stage("shards", 5, write_shards)
SYNTHETIC = Stage("synthetic", 5, write_synthetic_shards)
